// SPDX-License-Identifier: Apache-2.0
// The table of model families.
#include "model/family.h"
#include <string.h>

static const nf_family *const families[] = {&nf_family_gpt_oss, &nf_family_qwen3, &nf_family_qwen3_next};

const nf_family *const *nf_families(size_t *out_n) {
  *out_n = sizeof families / sizeof *families;
  return families;
}

const nf_family *nf_family_find(const char *model_type, const char *architecture) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    const nf_family *f = families[i];
    if ((!model_type || strcmp(model_type, f->model_type) == 0) &&
        (!architecture || strcmp(architecture, f->architecture) == 0))
      return f;
  }
  return NULL;
}
