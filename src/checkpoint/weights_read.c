// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/weights_read.h"
#include "base/checked.h"
#include "base/memory.h"
#include "graph/cut.h"
#include "tensor/finite.h"
#include "tensor/scalar.h"
#include "tensor/tensor.h"
#include <math.h>
#include <string.h>

// A row's columns are read alone where they are as many bytes; else rows are read whole, which is less work.
enum { WIDE = 4096 };

// Columns of a matrix that is stored transposed: rows [row, row + rows) of matrix m, bytes [at, at + n) of
// each.
typedef struct slab {
  unsigned char *data;
  size_t size; // of data
  int64_t part, m, row, rows, at, n;
} slab;

struct nf_weight_reader {
  const nf_checkpoint *files;
  const nf_value *v;
  const nf_weight_padding *padding; // NULL: none
  bool told;                        // of a row of it
  nf_dtype code;                    // of the tensor: the weight's, or FP8 that is decoded
  int64_t rows, row_bytes;          // of a part's codes, as the weight has them
  int64_t matrix;                   // rows of one of its matrices; all of them where the tensor has no more
  int64_t file_rows;                // that the tensor has of a matrix
  int64_t scale_rows, scale_cols;   // of a part's scales
  int64_t part;                     // the running one; -1: none
  const nf_stored *codes, *scales;  // of it; scales NULL: none
  bool one_scale;                   // for all of it
  unsigned char *piece;             // NF_WEIGHT_PIECE bytes, or a row if that is more
  int64_t piece_bytes;
  slab slab;
};

static bool is_decoded(const nf_weight_reader *l) { return l->code != nf_dtype_of(l->v->type.dtype)->code; }

// ---- parts ----

static nf_status find(const nf_weight_reader *l, const char *pattern, int64_t part, const nf_stored **out) {
  char name[NF_TENSOR_NAME];
  nf_weight_tensor_name(pattern, part, name);
  *out = nf_checkpoint_find(l->files, name);
  if (*out) return nf_ok();
  return nf_checkpoint_missing(l->files, name, ", which the model needs");
}

static nf_status check_bytes(const nf_weight_reader *l, const nf_stored *t, int64_t n) {
  if (t->bytes == (uint64_t)n) return nf_ok();
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s' has %llu bytes, should have %llu",
                  nf_checkpoint_file(l->files, t), t->name, (unsigned long long)t->bytes,
                  (unsigned long long)n);
}

static nf_status enter_scales(nf_weight_reader *l, int64_t part) {
  const nf_recipe *recipe = &l->v->recipe;
  NF_TRY(find(l, recipe->scales, part, &l->scales));
  const int64_t bytes = nf_dtype_of(l->scales->dtype)->bits / 8;
  int64_t n = l->scale_rows * l->scale_cols;
  if (recipe->scale_rows.of) n = recipe->scale_rows.of * l->scale_cols * recipe->stack;
  l->one_scale = n != 1 && l->scales->bytes == (uint64_t)bytes;
  return l->one_scale ? nf_ok() : check_bytes(l, l->scales, n * bytes);
}

static nf_status enter_part(nf_weight_reader *l, int64_t part) {
  if (part == l->part) return nf_ok();
  NF_TRY(find(l, l->v->recipe.tensor, part, &l->codes));
  NF_TRY(check_bytes(l, l->codes, l->rows / l->matrix * l->file_rows * l->row_bytes));
  if (l->v->recipe.scales) NF_TRY(enter_scales(l, part));
  l->part = part;
  return nf_ok();
}

// ---- blocks of a tensor ----

typedef struct block { // bytes [at, at + n) of `rows` rows of a tensor, each of `width` bytes
  int64_t row, rows, at, n, width;
} block;

static nf_status bad_element(const nf_weight_reader *l, const nf_stored *t, const char *what, int64_t i,
                             int64_t bytes) {
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s': %s %llu (byte %llu) is no finite number",
                  nf_checkpoint_file(l->files, t), t->name, what, (unsigned long long)i,
                  (unsigned long long)(t->offset + (uint64_t)(i * bytes)));
}

// A row that no token has becomes zeros.
static bool forgive_row(nf_weight_reader *l, const nf_stored *t, int64_t row, unsigned char *at, int64_t n) {
  if (!l->padding || row < l->padding->first) return false;
  if (!l->told)
    nf_log_print(
        l->padding->log, NF_LOG_WARNING,
        "%s: tensor '%s': row %lld has a number that is not finite; no token has that row, it becomes zeros",
        nf_checkpoint_file(l->files, t), t->name, (long long)row);
  l->told = true;
  memset(at, 0, (size_t)n);
  return true;
}

// What was read of a tensor of codes or, as `dtype` says, scales.
static nf_status check_finite(nf_weight_reader *l, const nf_stored *t, nf_dtype dtype, const block *b,
                              unsigned char *at) {
  const int64_t bytes = nf_max(1, nf_dtype_of(dtype)->bits / 8); // of E2M1 every code is finite
  const int64_t n = b->rows * b->n / bytes;
  const char *what = t == l->scales ? "scale" : "element";
  for (int64_t i; (i = nf_first_not_finite(dtype, at, n)) < n;) {
    const int64_t row = i * bytes / b->n, byte = (b->row + row) * b->width + b->at + i * bytes % b->n;
    if (!forgive_row(l, t, b->row + row, at + row * b->n, b->n))
      return bad_element(l, t, what, byte / bytes, bytes);
  }
  return nf_ok();
}

// Whole rows through the piece.
static nf_status read_narrow(const nf_weight_reader *l, const nf_stored *t, const block *b,
                             unsigned char *out) {
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

static nf_status read_block(const nf_weight_reader *l, const nf_stored *t, const block *b,
                            unsigned char *out) {
  const uint64_t first = (uint64_t)(b->row * b->width + b->at);
  if (b->n == b->width) return nf_checkpoint_read(l->files, t, first, out, (size_t)(b->rows * b->n));
  if (b->n < WIDE) return read_narrow(l, t, b, out);
  for (int64_t row = 0; row < b->rows; row++)
    NF_TRY(
        nf_checkpoint_read(l->files, t, first + (uint64_t)(row * b->width), out + row * b->n, (size_t)b->n));
  return nf_ok();
}

// ---- what is stored transposed ----

static bool holds(const slab *s, const slab *want) {
  return s->data && s->part == want->part && s->m == want->m && s->at == want->at && s->n == want->n &&
         s->row <= want->row && want->row + want->rows <= s->row + s->rows;
}

// As many columns as fit, from the first that are wanted on: so a matrix is read once, and in one go if it
// fits.
static nf_status fill_slab(nf_weight_reader *l, const slab *want) {
  const int64_t bytes = nf_dtype_of(l->code)->bits / 8, k = want->n / bytes;
  const int64_t fit = nf_max(want->rows, NF_WEIGHT_SLAB / nf_max(1, want->n));
  slab *s = &l->slab;
  unsigned char *data = s->data;
  *s = *want;
  s->data = data;
  s->rows = nf_min(l->matrix - want->row, fit);
  if (!nf_grow(&s->data, &s->size, (size_t)(s->rows * want->n), 1))
    return nf_error(NF_NO_MEMORY, "no memory to read weight '%s'", l->v->name);
  const block b = {.row = want->m * (l->row_bytes / bytes) + want->at / bytes,
                   .rows = k,
                   .at = (l->v->recipe.rows.first + want->row) * bytes,
                   .n = s->rows * bytes,
                   .width = l->file_rows * bytes};
  nf_status st = read_block(l, l->codes, &b, s->data);
  if (nf_is_ok(st)) st = check_finite(l, l->codes, l->code, &b, s->data);
  if (!nf_is_ok(st)) s->part = -1;
  return st;
}

enum { TILE = 32 }; // elements: what both ways round stays in the cache

static void turn(const unsigned char *from, int64_t stride, int64_t rows, int64_t k, int64_t bytes,
                 unsigned char *out) {
  for (int64_t i0 = 0; i0 < rows; i0 += TILE)
    for (int64_t j0 = 0; j0 < k; j0 += TILE)
      for (int64_t i = i0; i < nf_min(i0 + TILE, rows); i++)
        for (int64_t j = j0; j < nf_min(j0 + TILE, k); j++)
          memcpy(out + (i * k + j) * bytes, from + j * stride + i * bytes, (size_t)bytes);
}

static nf_status read_transposed(nf_weight_reader *l, const slab *want, unsigned char *out) {
  const int64_t bytes = nf_dtype_of(l->code)->bits / 8;
  if (!holds(&l->slab, want)) NF_TRY(fill_slab(l, want));
  const slab *s = &l->slab;
  turn(s->data + (want->row - s->row) * bytes, s->rows * bytes, want->rows, want->n / bytes, bytes, out);
  return nf_ok();
}

// ---- scales ----

// FP8 scales of any dtype into float32. They are few: a read for each row, or one where rows are read whole.
static nf_status read_floats(const nf_weight_reader *l, const block *b, float *out) {
  const int bytes = nf_dtype_of(l->scales->dtype)->bits / 8;
  const bool whole = b->n == b->width && !l->one_scale;
  const int64_t n = l->one_scale ? 1 : whole ? b->rows * b->n : b->n;
  const nf_type type = NF_TYPE(l->scales->dtype, NF_C(n));
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_tensor from = nf_tensor_of(&type, &none, 0, l->piece);
  for (int64_t row = 0; row < (whole || l->one_scale ? 1 : b->rows); row++) {
    const int64_t first = l->one_scale ? 0 : (b->row + row) * b->width + b->at;
    float *to = out + row * b->n;
    NF_TRY(nf_checkpoint_read(l->files, l->scales, (uint64_t)(first * bytes), l->piece, (size_t)(n * bytes)));
    nf_row_decode(&from, 0, to);
    for (int64_t i = 0; i < n; i++)
      if (!isfinite(to[i])) return bad_element(l, l->scales, "scale", first + i, bytes);
  }
  for (int64_t i = 1; l->one_scale && i < b->rows * b->n; i++) out[i] = out[0];
  return nf_ok();
}

static nf_status read_scales(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out) {
  nf_weight_reader *l = self;
  const nf_rows *of = &l->v->recipe.scale_rows;
  NF_TRY(enter_part(l, row / l->scale_rows));
  block b = {row % l->scale_rows, rows, at, n, l->scale_cols};
  if (of->of) b.row += l->part * of->of + of->first;
  if (l->code == NF_F8E4M3) return read_floats(l, &b, out);
  NF_TRY(read_block(l, l->scales, &b, out));
  return check_finite(l, l->scales, NF_E8M0, &b, out);
}

// ---- codes ----

// Rows of FP8 codes as floats of the weight's dtype, each with its row's scale.
static nf_status read_decoded(nf_weight_reader *l, int64_t row, const block *b, unsigned char *out) {
  const int64_t bytes = nf_dtype_of(l->v->type.dtype)->bits / 8;
  float scale;
  const block codes = {b->row, 1, b->at / bytes, b->n / bytes, b->width};
  NF_TRY(read_scales(l, l->part * l->scale_rows + row, 1, 0, 1, &scale));
  NF_TRY(read_block(l, l->codes, &codes, l->piece));
  NF_TRY(check_finite(l, l->codes, l->code, &codes, l->piece));
  for (int64_t i = 0; i < codes.n; i++) {
    const float x = nf_e4m3_decode(l->piece[i]) * scale;
    memcpy(out + i * bytes, &x, sizeof x);
  }
  return nf_ok();
}

// Rows of one matrix of the running part.
static nf_status read_rows_of(nf_weight_reader *l, int64_t row, int64_t rows, int64_t at, int64_t n,
                              unsigned char *out) {
  const int64_t m = row / l->matrix, of = row % l->matrix;
  const slab want = {.part = l->part, .m = m, .row = of, .rows = rows, .at = at, .n = n};
  const block b = {m * l->file_rows + l->v->recipe.rows.first + of, rows, at, n, l->row_bytes};
  if (l->v->recipe.transposed) return read_transposed(l, &want, out);
  for (int64_t r = 0; is_decoded(l) && r < rows; r++) {
    const block one = {b.row + r, 1, at, n, l->row_bytes};
    NF_TRY(read_decoded(l, row + r, &one, out + r * n));
  }
  if (is_decoded(l)) return nf_ok();
  NF_TRY(read_block(l, l->codes, &b, out));
  return check_finite(l, l->codes, l->code, &b, out);
}

static nf_status read_codes(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out) {
  nf_weight_reader *l = self;
  unsigned char *to = out;
  NF_TRY(enter_part(l, row / l->rows));
  for (int64_t from = row % l->rows; rows > 0;) {
    const int64_t some = nf_min(rows, l->matrix - from % l->matrix);
    NF_TRY(read_rows_of(l, from, some, at, n, to));
    to += some * n, from += some, rows -= some;
  }
  return nf_ok();
}

// ---- readers ----

static nf_status start(nf_weight_reader *l) {
  const nf_recipe *recipe = &l->v->recipe;
  const nf_type whole = nf_cut_whole(&recipe->cut, l->v->type);
  int64_t rows = 1;
  for (int i = 0; i + 1 < whole.rank; i++) rows *= whole.dim[i].c;
  const int64_t cols = whole.rank ? whole.dim[whole.rank - 1].c : 1;
  const int64_t matrix = whole.rank > 1 ? whole.dim[whole.rank - 2].c : 1;
  const bool decoded = recipe->scales && nf_is_float(whole.dtype);
  l->code = decoded ? NF_F8E4M3 : nf_dtype_of(whole.dtype)->code;
  l->rows = nf_max(1, rows / nf_max(1, recipe->stack));
  l->row_bytes = cols * nf_dtype_of(l->code)->bits / 8;
  const bool within = (recipe->rows.of || recipe->transposed) && matrix;
  l->matrix = within ? matrix : l->rows;
  l->file_rows = recipe->rows.of ? recipe->rows.of : l->matrix;
  if (recipe->scales) {
    const nf_dtype form = decoded ? NF_FP8_ROW : whole.dtype;
    l->scale_cols = nf_scale_cols(form, cols);
    l->scale_rows = matrix ? l->rows / matrix * nf_scale_rows(form, matrix) : 1;
  }
  const int64_t file_row = recipe->transposed ? l->file_rows * nf_dtype_of(l->code)->bits / 8 : l->row_bytes;
  l->piece_bytes = nf_max(NF_WEIGHT_PIECE, nf_max(file_row, l->scale_cols * (int64_t)sizeof(float)));
  l->piece = nf_alloc((size_t)l->piece_bytes, 1);
  return l->piece ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to read weight '%s'", l->v->name);
}

nf_status nf_weight_reader_create(const nf_checkpoint *files, const nf_value *v,
                                  const nf_weight_padding *padding, nf_weight_reader **out) {
  nf_weight_reader *l = *out = nf_alloc(1, sizeof *l);
  if (!l) return nf_error(NF_NO_MEMORY, "no memory to read weight '%s'", v->name);
  *l = (nf_weight_reader){.files = files, .v = v, .padding = padding, .part = -1};
  const nf_status st = start(l);
  if (!nf_is_ok(st)) nf_weight_reader_destroy(l);
  return st;
}

void nf_weight_reader_destroy(nf_weight_reader *r) {
  nf_free(r->slab.data);
  nf_free(r->piece);
  nf_free(r);
}

nf_weight_source nf_weight_reader_source(nf_weight_reader *r) {
  return (nf_weight_source){r, read_codes, read_scales};
}
