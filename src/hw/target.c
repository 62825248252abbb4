// SPDX-License-Identifier: Apache-2.0
// targets.def as a table, and its look-up by name.
#include "hw/hw.h"
#include <string.h>

static const nf_hw targets[] = {
#define NF_TARGET(name_, ...) {.target = name_, __VA_ARGS__},
#include "hw/targets.def"
};
enum { N_TARGETS = sizeof targets / sizeof *targets };

const char *nf_hw_target_name(int index) {
  return index >= 0 && index < N_TARGETS ? targets[index].target : NULL;
}

nf_status nf_hw_target(const char *name, nf_hw *out) {
  const char *names[N_TARGETS];
  for (int i = 0; i < N_TARGETS; i++) {
    names[i] = targets[i].target;
    if (strcmp(name, names[i]) != 0) continue;
    *out = targets[i];
    return nf_ok();
  }
  const char *near = nf_nearest(name, names, N_TARGETS);
  if (near != NULL) return nf_error(NF_USAGE, "there is no target '%s'; did you mean %s?", name, near);
  nf_text list = {0};
  for (int i = 0; i < N_TARGETS; i++) nf_text_printf(&list, "%s%s", i != 0 ? " " : "", names[i]);
  nf_status st = nf_text_status(&list);
  if (nf_is_ok(st)) st = nf_error(NF_USAGE, "there is no target '%s'; there are %s", name, list.at);
  nf_text_deinit(&list);
  return st;
}
