// SPDX-License-Identifier: Apache-2.0
// targets.def as a table, and its look-up by name.
#include "hw/hw.h"
#include <string.h>
#include <strings.h>

static const nf_hw targets[] = {
#define NF_TARGET(name_, ...) {.target = name_, __VA_ARGS__},
#define NF_ALIAS(name_, target_)
#include "hw/targets.def"
};
static const nf_target_alias aliases[] = {
#define NF_TARGET(name_, ...)
#define NF_ALIAS(name_, target_) {name_, target_},
#include "hw/targets.def"
};
enum { N_TARGETS = sizeof targets / sizeof *targets, N_ALIASES = sizeof aliases / sizeof *aliases };

const char *nf_hw_target_name(int index) {
  return index >= 0 && index < N_TARGETS ? targets[index].target : NULL;
}

const nf_target_alias *nf_hw_target_alias(int index) {
  return index >= 0 && index < N_ALIASES ? &aliases[index] : NULL;
}

static const char *unalias(const char *name) {
  for (int i = 0; i < N_ALIASES; i++)
    if (strcasecmp(name, aliases[i].name) == 0) return aliases[i].target;
  return name;
}

nf_status nf_hw_target(const char *name, nf_hw *out) {
  const char *names[N_TARGETS + N_ALIASES], *wanted = unalias(name);
  for (int i = 0; i < N_TARGETS; i++) {
    names[i] = targets[i].target;
    if (strcasecmp(wanted, names[i]) != 0) continue;
    *out = targets[i];
    return nf_ok();
  }
  for (int i = 0; i < N_ALIASES; i++) names[N_TARGETS + i] = aliases[i].name;
  const char *near = nf_nearest(name, names, N_TARGETS + N_ALIASES);
  if (near != NULL) return nf_error(NF_USAGE, "there is no target '%s'; did you mean %s?", name, near);
  nf_text list = {0};
  for (int i = 0; i < N_TARGETS + N_ALIASES; i++) nf_text_printf(&list, "%s%s", i != 0 ? " " : "", names[i]);
  nf_status st = nf_text_status(&list);
  if (nf_is_ok(st)) st = nf_error(NF_USAGE, "there is no target '%s'; there are %s", name, list.at);
  nf_text_deinit(&list);
  return st;
}
