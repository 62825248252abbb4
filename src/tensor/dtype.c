// SPDX-License-Identifier: Apache-2.0
// The table of element types, from NF_DTYPES.
#include "tensor/dtype.h"
#include <string.h>

static const nf_dtype_info infos[NF_DTYPE_COUNT] = {[NF_NONE] = {.name = "none"},
#define ROW(id, name, bits, code, scale, rows, cols) \
  [NF_##id] = {name, bits, NF_##code, NF_##scale, rows, cols},
                                                    NF_DTYPES(ROW)
#undef ROW
};

const nf_dtype_info *nf_dtype_of(nf_dtype t) { return &infos[t]; }

bool nf_dtype_parse(const char *name, nf_dtype *out) {
  for (int t = NF_NONE + 1; t < NF_DTYPE_COUNT; t++) {
    if (strcmp(infos[t].name, name) != 0) continue;
    *out = (nf_dtype)t;
    return true;
  }
  return false;
}
