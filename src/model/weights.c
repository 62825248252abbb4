// SPDX-License-Identifier: Apache-2.0
// Loading weights: which tensors they come from, and rows and scales of these.
#include "model/weights.h"
#include "base/checked.h"
#include "base/memory.h"
#include "graph/cut.h"
#include "model/weights_rows.h"
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// A row's columns are read alone where they are as many bytes; else rows are read whole, which is less work.
enum { WIDE = 4096 };

// ---- which tensors ----

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

// Tensor i of a weight that joins no others.
static void tensor_at(const nf_value *v, int64_t i, nf_weight_tensor *out) {
  const nf_type whole = nf_cut_whole(&v->recipe.cut, v->type), *t = &whole;
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

void nf_weight_tensor_at(const nf_value *v, int64_t i, nf_weight_tensor *out) {
  int64_t first;
  int at = 0;
  nf_value one = nf_weight_joined(v, at, &first);
  for (; i >= count_of(&one); one = nf_weight_joined(v, ++at, &first)) i -= count_of(&one);
  tensor_at(&one, i, out);
}

// ---- reading ----

typedef struct loading {
  const nf_checkpoint *files;
  const nf_value *v;
  int64_t rows, row_bytes;         // of a part's codes
  int64_t scale_rows, scale_cols;  // of its scales
  int64_t part;                    // the running one; -1: none
  const nf_stored *codes, *scales; // of it; scales NULL: none
  unsigned char *piece;            // NF_WEIGHT_PIECE bytes, or a row if that is more
  int64_t piece_bytes;
} loading;

static nf_status find(const loading *l, const char *pattern, int64_t part, int64_t n, const nf_stored **out) {
  char name[NF_TENSOR_NAME];
  name_of(pattern, part, name);
  const nf_stored *t = *out = nf_checkpoint_find(l->files, name);
  if (!t)
    return nf_error(NF_BAD_INPUT, "%s: has no tensor '%s', which the model needs",
                    nf_checkpoint_where(l->files), name);
  if (n >= 0 && t->bytes != (uint64_t)n)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s' has %llu bytes, should have %llu",
                    nf_checkpoint_file(l->files, t), name, (unsigned long long)t->bytes,
                    (unsigned long long)n);
  return nf_ok();
}

static nf_status enter_part(loading *l, int64_t part) {
  const nf_recipe *recipe = &l->v->recipe;
  if (part == l->part) return nf_ok();
  NF_TRY(find(l, recipe->tensor, part, l->rows * l->row_bytes, &l->codes));
  if (recipe->scales) {
    NF_TRY(find(l, recipe->scales, part, -1, &l->scales));
    const int64_t bytes = nf_is_fp8(l->v->type.dtype) ? nf_dtype_of(l->scales->dtype)->bits / 8 : 1;
    NF_TRY(find(l, recipe->scales, part, l->scale_rows * l->scale_cols * bytes, &l->scales));
  }
  l->part = part;
  return nf_ok();
}

static nf_status bad_element(const loading *l, const nf_stored *t, const char *what, int64_t i,
                             int64_t bytes) {
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s': %s %llu (byte %llu) is no finite number",
                  nf_checkpoint_file(l->files, t), t->name, what, (unsigned long long)i,
                  (unsigned long long)(t->offset + (uint64_t)(i * bytes)));
}

typedef struct block { // bytes [at, at + n) of `rows` rows of a tensor, each of `width` bytes
  int64_t row, rows, at, n, width;
} block;

// Bytes of codes or scales among which one value means NaN.
static nf_status check_bytes(const loading *l, const nf_stored *t, const char *what, const block *b,
                             const unsigned char *at, int nan) {
  const unsigned char *bad = b->n ? memchr(at, nan, (size_t)(b->rows * b->n)) : NULL;
  if (!bad) return nf_ok();
  const int64_t i = bad - at;
  return bad_element(l, t, what, (b->row + i / b->n) * b->width + b->at + i % b->n, 1);
}

// Whole rows through the piece.
static nf_status read_narrow(const loading *l, const nf_stored *t, const block *b, unsigned char *out) {
  const int64_t at_once = nf_max(1, l->piece_bytes / b->width);
  for (int64_t row = 0; row < b->rows; row += at_once) {
    const int64_t n = nf_min(at_once, b->rows - row);
    NF_TRY(nf_checkpoint_read(l->files, t, (uint64_t)((b->row + row) * b->width), l->piece,
                              (size_t)(n * b->width)));
    for (int64_t i = 0; i < n; i++)
      memcpy(out + (row + i) * b->n, l->piece + i * b->width + b->at, (size_t)b->n);
  }
  return nf_ok();
}

static nf_status read_block(const loading *l, const nf_stored *t, const block *b, unsigned char *out) {
  const uint64_t first = (uint64_t)(b->row * b->width + b->at);
  if (b->n == b->width) return nf_checkpoint_read(l->files, t, first, out, (size_t)(b->rows * b->n));
  if (b->n < WIDE) return read_narrow(l, t, b, out);
  for (int64_t row = 0; row < b->rows; row++)
    NF_TRY(
        nf_checkpoint_read(l->files, t, first + (uint64_t)(row * b->width), out + row * b->n, (size_t)b->n));
  return nf_ok();
}

static nf_status read_codes(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out) {
  loading *l = self;
  NF_TRY(enter_part(l, row / l->rows));
  const block b = {row % l->rows, rows, at, n, l->row_bytes};
  NF_TRY(read_block(l, l->codes, &b, out));
  if (!nf_is_fp8(l->v->type.dtype)) return nf_ok();
  NF_TRY(check_bytes(l, l->codes, "element", &b, out, 0x7f));
  return check_bytes(l, l->codes, "element", &b, out, 0xff);
}

// FP8 scales of any float dtype into float32. They are few: a read for each row, or one where rows are read
// whole.
static nf_status read_floats(const loading *l, const block *b, float *out) {
  const int bytes = nf_dtype_of(l->scales->dtype)->bits / 8;
  const bool whole = b->n == b->width;
  const int64_t n = whole ? b->rows * b->n : b->n;
  const nf_type type = NF_TYPE(l->scales->dtype, NF_C(n));
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_tensor from = nf_tensor_of(&type, &none, 0, l->piece);
  for (int64_t row = 0; row < (whole ? 1 : b->rows); row++) {
    const int64_t first = (b->row + row) * b->width + b->at;
    float *to = out + row * b->n;
    NF_TRY(nf_checkpoint_read(l->files, l->scales, (uint64_t)(first * bytes), l->piece, (size_t)(n * bytes)));
    nf_row_decode(&from, 0, to);
    for (int64_t i = 0; i < n; i++)
      if (!isfinite(to[i])) return bad_element(l, l->scales, "scale", first + i, bytes);
  }
  return nf_ok();
}

static nf_status read_scales(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out) {
  loading *l = self;
  NF_TRY(enter_part(l, row / l->scale_rows));
  const block b = {row % l->scale_rows, rows, at, n, l->scale_cols};
  if (nf_is_fp8(l->v->type.dtype)) return read_floats(l, &b, out);
  NF_TRY(read_block(l, l->scales, &b, out));
  return check_bytes(l, l->scales, "scale", &b, out, 255);
}

static nf_status start(loading *l) {
  const nf_type whole = nf_cut_whole(&l->v->recipe.cut, l->v->type);
  const nf_dtype dtype = whole.dtype;
  int64_t rows = 1;
  for (int i = 0; i + 1 < whole.rank; i++) rows *= whole.dim[i].c;
  const int64_t cols = whole.rank ? whole.dim[whole.rank - 1].c : 1;
  const int64_t matrix = whole.rank > 1 ? whole.dim[whole.rank - 2].c : 1;
  l->rows = nf_max(1, rows / parts_of(l->v));
  l->row_bytes = cols * nf_dtype_of(dtype)->bits / 8;
  if (nf_is_quantised(dtype)) {
    l->scale_cols = nf_scale_cols(dtype, cols);
    l->scale_rows = matrix ? l->rows / matrix * nf_scale_rows(dtype, matrix) : 1;
  }
  l->piece_bytes = nf_max(NF_WEIGHT_PIECE, nf_max(l->row_bytes, l->scale_cols * (int64_t)sizeof(float)));
  l->piece = nf_alloc((size_t)l->piece_bytes, 1);
  return l->piece ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to read weight '%s'", l->v->name);
}

static nf_status load_one(const nf_checkpoint *files, const nf_value *v, const nf_value *whole, int64_t first,
                          int rank, void *data) {
  loading l = {.files = files, .v = v, .part = -1};
  const nf_weight_source source = {&l, read_codes, read_scales};
  NF_TRY(start(&l));
  const nf_status st = nf_weight_fill(v, whole, first, rank, &source, data);
  nf_free(l.piece);
  return st;
}

nf_status nf_weight_load(const nf_checkpoint *files, const nf_value *v, int rank, void *data) {
  for (int i = 0; i < nf_weight_joins(v); i++) {
    int64_t first;
    const nf_value one = nf_weight_joined(v, i, &first);
    NF_TRY(load_one(files, &one, v, first, rank, data));
  }
  return nf_ok();
}
