// SPDX-License-Identifier: Apache-2.0
// Which tensors a weight comes from.
#include "checkpoint/weights.h"
#include "base/checked.h"
#include "graph/slice.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t parts_of(const nf_value *v) { return nf_max(1, v->recipe.stack); }

static int64_t count_of(const nf_value *v) { return parts_of(v) * (v->recipe.scales ? 2 : 1); }

int64_t nf_weight_tensor_count(const nf_value *v) {
  int64_t n = 0, first;
  for (int i = 0; i < nf_weight_joins(v); i++) {
    const nf_value one = nf_weight_joined(v, i, &first);
    n += count_of(&one);
  }
  return n;
}

void nf_weight_tensor_name(const char *pattern, int64_t part, char out[NF_TENSOR_NAME]) {
  const char *star = strchr(pattern, '*');
  if (star)
    snprintf(out, NF_TENSOR_NAME, "%.*s%" PRId64 "%s", (int)(star - pattern), pattern, part, star + 1);
  else
    snprintf(out, NF_TENSOR_NAME, "%s", pattern);
}

// The extents of a tensor of scales from those of its codes.
static void scale_dims(nf_dtype dtype, nf_stored *s) {
  int64_t *n = &s->dim[s->rank - 2], *k = &s->dim[s->rank - 1];
  *k = nf_scale_cols(dtype, *k);
  if (s->rank > 1) *n = nf_scale_rows(dtype, *n);
}

// The extents of the tensor from those that the weight takes of it.
static void source_dims(const nf_recipe *r, nf_stored *s) {
  if (s->rank < 2) return;
  int64_t *n = &s->dim[s->rank - 2], *k = &s->dim[s->rank - 1];
  if (r->rows.of) *n = r->rows.of;
  if (!r->transposed) return;
  const int64_t rows = *n;
  *n = *k;
  *k = rows;
}

// Tensor i of a weight that joins no others.
static void tensor_at(const nf_value *v, int64_t i, nf_weight_tensor *out) {
  const nf_type whole = nf_slice_whole(&v->recipe.slice, v->type), *t = &whole;
  const int64_t per_part = v->recipe.scales ? 2 : 1;
  *out = (nf_weight_tensor){.scales = i % per_part != 0, .part = i / per_part};
  nf_stored *s = &out->stored;
  for (int d = v->recipe.stack ? 1 : 0; d < t->rank; d++) s->dim[s->rank++] = t->dim[d].c;
  s->dtype = t->dtype == NF_MXFP4 ? NF_U8 : nf_dtype_of(t->dtype)->code;
  if (out->scales) {
    scale_dims(t->dtype, s);
    if (nf_is_fp8(t->dtype)) s->dtype = NF_F32;
  } else if (t->dtype == NF_MXFP4) { // codes in blocks of 16 bytes
    s->dim[s->rank - 1] /= 32;
    s->dim[s->rank++] = 16;
  } else {
    source_dims(&v->recipe, s);
  }
  nf_weight_tensor_name(out->scales ? v->recipe.scales : v->recipe.tensor, out->part, out->name);
  s->name = out->name;
}

void nf_weight_tensor_at(const nf_value *v, int64_t i, nf_weight_tensor *out) {
  int64_t first;
  int at = 0;
  nf_value one = nf_weight_joined(v, at, &first);
  for (; i >= count_of(&one); one = nf_weight_joined(v, ++at, &first)) i -= count_of(&one);
  tensor_at(&one, i, out);
}
