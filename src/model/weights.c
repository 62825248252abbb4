// SPDX-License-Identifier: Apache-2.0
// Loading weights part by part (a stack has several, others one): plain rows are read straight into their
// place, packed ones go through a bounded piece.
#include "model/weights.h"
#include "base/checked.h"
#include "base/memory.h"
#include "model/weights_plane.h"
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 8 << 20 };

// ---- which tensors ----

static int64_t parts_of(const nf_value *v) { return nf_max(1, v->recipe.stack); }

int64_t nf_weight_tensor_count(const nf_value *v) { return parts_of(v) * (v->recipe.scales ? 2 : 1); }

// `pattern` with `part` for its '*'.
static void name_of(const char *pattern, int64_t part, char out[NF_TENSOR_NAME]) {
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

void nf_weight_tensor_at(const nf_value *v, int64_t i, nf_weight_tensor *out) {
  const nf_type *t = &v->type;
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
  }
  name_of(out->scales ? v->recipe.scales : v->recipe.tensor, out->part, out->name);
  s->name = out->name;
}

nf_status nf_weight_planes_of(const nf_value *v, void *data, nf_weight_planes *out) {
  const nf_type *t = &v->type;
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  int64_t n = 1;
  size_t bytes = 0;
  bool plain = t->pack == NF_PACK_PLAIN && t->cache == NF_NO_CACHE && t->rank > 0;
  for (int i = 0; i < t->rank; i++) {
    plain = plain && t->dim[i].sym == NF_CONST && t->padded[i] == t->dim[i].c;
    n *= t->dim[i].c; // fits: nf_type_bytes was asked for the storage
  }
  if (!plain) return nf_error(NF_INTERNAL, "weight '%s': recipes fill plain, unpadded types only", v->name);
  NF_TRY(nf_type_bytes(t, &none, &bytes));
  const nf_tensor view = nf_tensor_of(t, &none, 0, data);
  *out = (nf_weight_planes){.codes = view.data, .n = n, .code_bytes = (size_t)n * (size_t)info->bits / 8};
  if (info->scale == NF_NONE) return nf_ok();
  out->scales = view.scale;
  out->scale_bytes = bytes - (size_t)(out->scales - out->codes);
  return nf_ok();
}

// ---- reading ----

typedef struct loading {
  const nf_checkpoint *files;
  const nf_value *v;
  nf_tensor to;
  int64_t rows;               // of a part
  size_t code_row, scale_row; // bytes in the files; scale_row only of scales that are packed with their codes
  unsigned char *piece;       // PIECE bytes, or a row if that is more
  const nf_stored *codes, *scales; // of the running part; scales NULL: none
} loading;

static nf_status find(const loading *l, const char *pattern, int64_t part, size_t n, const nf_stored **out) {
  char name[NF_TENSOR_NAME];
  name_of(pattern, part, name);
  const nf_stored *t = *out = nf_checkpoint_find(l->files, name);
  if (!t)
    return nf_error(NF_BAD_INPUT, "%s: has no tensor '%s', which the model needs",
                    nf_checkpoint_where(l->files), name);
  if (n != 0 && t->bytes != n)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s' has %llu bytes, should have %zu",
                    nf_checkpoint_file(l->files, t), name, (unsigned long long)t->bytes, n);
  return nf_ok();
}

static nf_status bad_element(const loading *l, const nf_stored *t, const char *what, uint64_t i, int bytes) {
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s': %s %llu (byte %llu) is no finite number",
                  nf_checkpoint_file(l->files, t), t->name, what, (unsigned long long)i,
                  (unsigned long long)(t->offset + i * (uint64_t)bytes));
}

// Bytes of codes or scales among which one value means NaN; `first` is the index of the first.
static nf_status check_bytes(const loading *l, const nf_stored *t, const char *what, const unsigned char *at,
                             size_t n, uint64_t first, int nan) {
  const unsigned char *bad = n ? memchr(at, nan, n) : NULL;
  return bad ? bad_element(l, t, what, first + (uint64_t)(bad - at), 1) : nf_ok();
}

static nf_status check_codes(const loading *l, const unsigned char *at, size_t n, uint64_t first) {
  if (!nf_is_fp8(l->v->type.dtype)) return nf_ok();
  NF_TRY(check_bytes(l, l->codes, "element", at, n, first, 0x7f));
  return check_bytes(l, l->codes, "element", at, n, first, 0xff);
}

// Rows [row, row + n) of the running part, which begins at row `base` of the weight.
static nf_status read_rows(const loading *l, int64_t base, int64_t row, int64_t n) {
  const bool packed = l->to.pack != NF_PACK_PLAIN, mx = l->scale_row != 0;
  const size_t codes = (size_t)n * l->code_row, scales = (size_t)n * l->scale_row;
  const size_t code_at = (size_t)row * l->code_row, scale_at = (size_t)row * l->scale_row;
  unsigned char *to = packed ? l->piece : nf_tensor_row(&l->to, base + row);
  unsigned char *to_scales = packed || !mx ? l->piece + codes : nf_tensor_scales(&l->to, base + row);
  NF_TRY(nf_checkpoint_read(l->files, l->codes, code_at, to, codes));
  NF_TRY(check_codes(l, to, codes, code_at));
  if (mx) {
    NF_TRY(nf_checkpoint_read(l->files, l->scales, scale_at, to_scales, scales));
    NF_TRY(check_bytes(l, l->scales, "scale", to_scales, scales, scale_at, 255));
  }
  if (packed) nf_pack_rows(&l->to, base + row, n, to, mx ? to_scales : NULL);
  return nf_ok();
}

// One row of FP8 scales, of any float dtype, into its float32 place.
static nf_status read_scale_row(const loading *l, int64_t row, int64_t to_row, int64_t cols) {
  const int bytes = nf_dtype_of(l->scales->dtype)->bits / 8;
  const nf_type type = NF_TYPE(l->scales->dtype, NF_C(cols));
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_tensor from = nf_tensor_of(&type, &none, 0, l->piece);
  float *to = nf_tensor_scales(&l->to, to_row);
  const uint64_t first = (uint64_t)(row * cols);
  NF_TRY(nf_checkpoint_read(l->files, l->scales, first * (uint64_t)bytes, l->piece, (size_t)(cols * bytes)));
  nf_row_decode(&from, 0, to);
  for (int64_t i = 0; i < cols; i++)
    if (!isfinite(to[i])) return bad_element(l, l->scales, "scale", first + (uint64_t)i, bytes);
  return nf_ok();
}

static nf_status read_fp8_scales(const loading *l, int64_t base) {
  const nf_dtype dtype = l->v->type.dtype;
  const int64_t cols = nf_scale_cols(dtype, nf_tensor_cols(&l->to)), group = nf_dtype_of(dtype)->group_rows;
  if (group == 1 && cols == 1) return read_scale_row(l, 0, base, l->rows); // one a row: they lie together
  for (int64_t r = 0; r < nf_scale_rows(dtype, l->rows); r++)
    NF_TRY(read_scale_row(l, r, base + r * group, cols));
  return nf_ok();
}

static nf_status read_part(loading *l, int64_t part) {
  const nf_recipe *recipe = &l->v->recipe;
  const size_t row_bytes = l->code_row + l->scale_row;
  const int64_t at_once = nf_max(1, (int64_t)(PIECE / (row_bytes + 1)));
  NF_TRY(find(l, recipe->tensor, part, (size_t)l->rows * l->code_row, &l->codes));
  if (recipe->scales) NF_TRY(find(l, recipe->scales, part, (size_t)l->rows * l->scale_row, &l->scales));
  for (int64_t row = 0; row < l->rows; row += at_once)
    NF_TRY(read_rows(l, part * l->rows, row, nf_min(at_once, l->rows - row)));
  return nf_is_fp8(l->v->type.dtype) ? read_fp8_scales(l, part * l->rows) : nf_ok();
}

nf_status nf_weight_load(const nf_checkpoint *files, const nf_value *v, void *data) {
  nf_weight_planes planes;
  if (v->type.pack == NF_PACK_PLAIN) NF_TRY(nf_weight_planes_of(v, data, &planes)); // refuses padded ones
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_dtype_info *info = nf_dtype_of(v->type.dtype);
  loading l = {.files = files, .v = v, .to = nf_tensor_of(&v->type, &none, 0, data)};
  const int64_t cols = nf_tensor_cols(&l.to);
  l.rows = nf_tensor_rows(&l.to) / parts_of(v);
  l.code_row = (size_t)cols * (size_t)info->bits / 8;
  if (v->type.dtype == NF_MXFP4) l.scale_row = (size_t)nf_scale_cols(v->type.dtype, cols);
  const size_t scales = nf_is_fp8(v->type.dtype) ? sizeof(float) * (size_t)nf_max(l.rows, cols) : 0;
  l.piece = nf_alloc(
      (size_t)nf_max(PIECE, (int64_t)nf_max((int64_t)(l.code_row + l.scale_row), (int64_t)scales)), 1);
  nf_status st = l.piece ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to read weight '%s'", v->name);
  for (int64_t part = 0; nf_is_ok(st) && part < parts_of(v); part++) st = read_part(&l, part);
  nf_free(l.piece);
  return st;
}
