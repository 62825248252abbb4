// SPDX-License-Identifier: Apache-2.0
// Rows of a weight from the tensors of a checkpoint: whole or in part, transposed, decoded, and checked.
#include "base/checked.h"
#include "checkpoint/weights_rows.h"
#include "graph/slice.h"
#include "tensor/finite.h"
#include "tensor/scalar.h"
#include <math.h>
#include <string.h>

// A row's columns are read alone where they are as many bytes; else rows are read whole, which is less work.
enum { WIDE = 4096 };

typedef struct reader {
  const nf_checkpoint *files;
  const nf_value *v;
  int64_t padding;                // the first row that no token has
  nf_first *padded;               // of such rows, the one that was no number
  nf_dtype code;                  // of the tensor: the weight's, or FP8 that is decoded
  int64_t rows, row_bytes;        // of a part's codes, as the weight has them
  int64_t matrix;                 // rows of one of its matrices; all of them where the tensor has no more
  int64_t file_rows;              // that the tensor has of a matrix
  int64_t scale_rows, scale_cols; // of a part's scales
  int64_t grain;                  // rows of a slab of what is stored transposed
} reader;

typedef struct part { // of a stack
  int64_t i;
  const nf_stored *codes, *scales;
  bool one_scale; // for all of it
} part;

static bool is_decoded(const reader *l) { return l->code != nf_dtype_of(l->v->type.dtype)->code; }

// ---- parts ----

static nf_status find(const reader *l, const char *pattern, int64_t i, const nf_stored **out) {
  char name[NF_TENSOR_NAME];
  nf_weight_tensor_name(pattern, i, name);
  *out = nf_checkpoint_find(l->files, name);
  if (*out) return nf_ok();
  return nf_checkpoint_missing(l->files, name, ", which the model needs");
}

static nf_status check_bytes(const reader *l, const nf_stored *t, int64_t n) {
  if (t->bytes == (uint64_t)n) return nf_ok();
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s' has %llu bytes, should have %llu",
                  nf_checkpoint_file(l->files, t), t->name, (unsigned long long)t->bytes,
                  (unsigned long long)n);
}

static nf_status find_scales(const reader *l, part *p) {
  const nf_recipe *recipe = &l->v->recipe;
  NF_TRY(find(l, recipe->scales, p->i, &p->scales));
  const int64_t bytes = nf_dtype_of(p->scales->dtype)->bits / 8;
  int64_t n = l->scale_rows * l->scale_cols;
  if (recipe->scale_rows.of) n = recipe->scale_rows.of * l->scale_cols * recipe->stack;
  p->one_scale = n != 1 && p->scales->bytes == (uint64_t)bytes;
  return p->one_scale ? nf_ok() : check_bytes(l, p->scales, n * bytes);
}

static nf_status find_part(const reader *l, int64_t i, part *p) {
  *p = (part){.i = i};
  NF_TRY(find(l, l->v->recipe.tensor, i, &p->codes));
  NF_TRY(check_bytes(l, p->codes, l->rows / l->matrix * l->file_rows * l->row_bytes));
  return l->v->recipe.scales ? find_scales(l, p) : nf_ok();
}

// ---- rows of a tensor: a rect, and the bytes that each of its rows has in the file ----

static nf_status bad_element(const reader *l, const nf_stored *t, const char *what, int64_t i,
                             int64_t bytes) {
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s': %s %llu (byte %llu) is no finite number",
                  nf_checkpoint_file(l->files, t), t->name, what, (unsigned long long)i,
                  (unsigned long long)(t->offset + (uint64_t)(i * bytes)));
}

// A row that no token has becomes zeros.
static void forgive_row(const reader *l, const nf_weight_scratch *s, const nf_stored *t, int64_t row,
                        unsigned char *at, int64_t n) {
  nf_first_keep(
      l->padded, s->block,
      nf_error(NF_BAD_INPUT,
               "%s: tensor '%s': row %lld has a number that is not finite; no token has that row, it "
               "becomes zeros",
               nf_checkpoint_file(l->files, t), t->name, (long long)row));
  memset(at, 0, (size_t)n);
}

// What was read of a tensor of codes or, as `dtype` says, scales.
static nf_status check_finite(const reader *l, const nf_weight_scratch *s, const nf_stored *t, nf_dtype dtype,
                              const nf_rect *b, int64_t width) {
  const int64_t bytes = nf_max(1, nf_dtype_of(dtype)->bits / 8); // of E2M1 every code is finite
  const bool together = b->n == b->pitch;
  const int64_t n = (together ? b->rows : 1) * b->n / bytes;
  for (int64_t r = 0; r < (together ? 1 : b->rows); r++) {
    for (int64_t i; (i = nf_first_not_finite(dtype, b->out + r * b->pitch, n)) < n;) {
      const int64_t row = r + i * bytes / b->n, byte = (b->row + row) * width + b->at + i * bytes % b->n;
      if (b->row + row < l->padding)
        return bad_element(l, t, dtype == NF_E8M0 ? "scale" : "element", byte / bytes, bytes);
      forgive_row(l, s, t, b->row + row, b->out + row * b->pitch, b->n);
    }
  }
  return nf_ok();
}

// Whole rows by way of the scratch.
static nf_status read_narrow(const reader *l, nf_weight_scratch *s, const nf_stored *t, const nf_rect *b,
                             int64_t width) {
  const int64_t at_once = nf_max(1, NF_WEIGHT_PIECE / width);
  NF_TRY(nf_weight_room(&s->file, nf_min(at_once, b->rows) * width));
  for (int64_t row = 0; row < b->rows; row += at_once) {
    const int64_t n = nf_min(at_once, b->rows - row);
    NF_TRY(nf_checkpoint_read(l->files, t, (uint64_t)((b->row + row) * width), s->file.data,
                              (size_t)(n * width)));
    for (int64_t i = 0; i < n; i++)
      memcpy(b->out + (row + i) * b->pitch, s->file.data + i * width + b->at, (size_t)b->n);
  }
  return nf_ok();
}

static nf_status read_rect(const reader *l, nf_weight_scratch *s, const nf_stored *t, const nf_rect *b,
                           int64_t width) {
  const uint64_t first = (uint64_t)(b->row * width + b->at);
  if (b->n == width && b->pitch == width)
    return nf_checkpoint_read(l->files, t, first, b->out, (size_t)(b->rows * width));
  if (b->n < WIDE && b->rows > 1) return read_narrow(l, s, t, b, width);
  for (int64_t r = 0; r < b->rows; r++)
    NF_TRY(
        nf_checkpoint_read(l->files, t, first + (uint64_t)(r * width), b->out + r * b->pitch, (size_t)b->n));
  return nf_ok();
}

// ---- what is stored transposed ----

enum { LINES = 16 };

// Columns of matrix m for rows [first, first + n) of the weight, bytes [at, at + size) of each of them: LINES
// rows of the file at a time are woven while caches have them, so that a row's elements of them lie together.
static nf_status fill_slab(const reader *l, nf_weight_scratch *s, const part *p, const int64_t want[5]) {
  const int64_t m = want[0], first = want[1], n = want[2], at = want[3], size = want[4];
  const int64_t bytes = nf_dtype_of(l->code)->bits / 8, k = size / bytes, group = LINES * n * bytes;
  const nf_strip lines = {NF_PACK(LINES, 1), (int)(8 * bytes), n, n, n * bytes};
  if (s->slab_of == l && s->slab_part == p->i && memcmp(s->slab_at, want, sizeof s->slab_at) == 0)
    return nf_ok();
  s->slab_of = NULL;
  NF_TRY(nf_weight_room(&s->slab, (nf_ceil_div(k, LINES) + 1) * group));
  unsigned char *to = s->slab.data + group; // behind the rows as the file has them
  for (int64_t j = 0; j < k; j += LINES, to += group) {
    const nf_rect b = {m * (l->row_bytes / bytes) + at / bytes + j,
                       nf_min(LINES, k - j),
                       (l->v->recipe.rows.first + first) * bytes,
                       n * bytes,
                       s->slab.data,
                       n * bytes};
    NF_TRY(read_rect(l, s, p->codes, &b, l->file_rows * bytes));
    NF_TRY(check_finite(l, s, p->codes, l->code, &b, l->file_rows * bytes));
    nf_pack_strip(&lines, s->slab.data, b.rows, to);
  }
  s->slab_of = l, s->slab_part = p->i;
  memcpy(s->slab_at, want, sizeof s->slab_at);
  return nf_ok();
}

// Rows of matrix m from those slabs of it that have them.
static nf_status read_transposed(const reader *l, nf_weight_scratch *s, const part *p, int64_t m,
                                 const nf_rect *r) {
  const int64_t bytes = nf_dtype_of(l->code)->bits / 8, line = LINES * bytes;
  for (int64_t row = r->row, n; row < r->row + r->rows; row += n) {
    const int64_t first = row / l->grain * l->grain, have = nf_min(l->grain, l->matrix - first);
    n = nf_min(first + have, r->row + r->rows) - row;
    NF_TRY(fill_slab(l, s, p, (const int64_t[]){m, first, have, r->at, r->n}));
    const unsigned char *from = s->slab.data + (have + row - first) * line;
    for (int64_t at = 0; at < r->n; at += line, from += have * line)
      for (int64_t i = 0; i < n; i++)
        memcpy(r->out + (row - r->row + i) * r->pitch + at, from + i * line, (size_t)nf_min(line, r->n - at));
  }
  return nf_ok();
}

// ---- scales ----

// FP8 scales of any dtype into float32: a read for each row, or one where rows are whole on both sides.
static nf_status read_floats(const reader *l, nf_weight_scratch *s, const part *p, nf_rect *b) {
  const int bytes = nf_dtype_of(p->scales->dtype)->bits / 8;
  const bool whole = b->n == b->pitch && b->n == l->scale_cols * (int64_t)sizeof(float);
  if (whole && !p->one_scale) b->n *= b->rows, b->pitch = b->n, b->rows = 1;
  const int64_t n = p->one_scale ? 1 : b->n / (int64_t)sizeof(float);
  const nf_type type = NF_TYPE(p->scales->dtype, NF_C(n));
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  NF_TRY(nf_weight_room(&s->file, n * bytes));
  const nf_tensor from = nf_tensor_of(&type, &none, 0, s->file.data);
  for (int64_t row = 0; row < b->rows; row++) {
    const int64_t first = p->one_scale ? 0 : (b->row + row) * l->scale_cols + b->at / (int64_t)sizeof(float);
    float *to = (float *)(b->out + row * b->pitch);
    NF_TRY(nf_checkpoint_read(l->files, p->scales, (uint64_t)(first * bytes), s->file.data,
                              (size_t)(n * bytes)));
    nf_row_decode(&from, 0, to);
    for (int64_t i = 0; i < n; i++)
      if (!isfinite(to[i])) return bad_element(l, p->scales, "scale", first + i, bytes);
    for (int64_t i = 1; i < b->n / (int64_t)sizeof(float); i++)
      if (p->one_scale) to[i] = to[0];
  }
  return nf_ok();
}

// Of one part.
static nf_status read_scales(const reader *l, nf_weight_scratch *s, const part *p, const nf_rect *r) {
  const nf_rows *of = &l->v->recipe.scale_rows;
  nf_rect b = *r;
  if (of->of) b.row += p->i * of->of + of->first;
  if (l->code == NF_F8E4M3) return read_floats(l, s, p, &b);
  NF_TRY(read_rect(l, s, p->scales, &b, l->scale_cols));
  return check_finite(l, s, p->scales, NF_E8M0, &b, l->scale_cols);
}

// ---- codes ----

// A row of FP8 codes as floats, with the row's scale.
static nf_status read_decoded(const reader *l, nf_weight_scratch *s, const part *p, int64_t row,
                              const nf_rect *b) {
  float scale;
  const nf_rect of_scale = {row, 1, 0, sizeof scale, (unsigned char *)&scale, sizeof scale};
  NF_TRY(read_scales(l, s, p, &of_scale));
  const int64_t n = b->n / (int64_t)sizeof(float);
  NF_TRY(nf_weight_room(&s->file, n));
  const nf_rect codes = {b->row, 1, b->at / (int64_t)sizeof(float), n, s->file.data, n};
  NF_TRY(read_rect(l, s, p->codes, &codes, l->row_bytes));
  NF_TRY(check_finite(l, s, p->codes, l->code, &codes, l->row_bytes));
  for (int64_t i = 0; i < n; i++) ((float *)b->out)[i] = nf_e4m3_decode(s->file.data[i]) * scale;
  return nf_ok();
}

// Rows of one matrix of one part.
static nf_status read_codes(const reader *l, nf_weight_scratch *s, const part *p, const nf_rect *r) {
  const int64_t m = r->row / l->matrix, of = r->row % l->matrix;
  nf_rect b = *r;
  b.row = of;
  if (l->v->recipe.transposed) return read_transposed(l, s, p, m, &b);
  b.row = m * l->file_rows + l->v->recipe.rows.first + of;
  for (int64_t i = 0; is_decoded(l) && i < r->rows; i++) {
    const nf_rect one = {b.row + i, 1, r->at, r->n, r->out + i * r->pitch, r->pitch};
    NF_TRY(read_decoded(l, s, p, r->row + i, &one));
  }
  if (is_decoded(l)) return nf_ok();
  NF_TRY(read_rect(l, s, p->codes, &b, l->row_bytes));
  return check_finite(l, s, p->codes, l->code, &b, l->row_bytes);
}

// Rows of any number of parts and matrices, one after the other.
static nf_status read_rows(const void *self, nf_weight_scratch *s, bool scales, const nf_rect *want) {
  const reader *l = self;
  const int64_t of_part = scales ? l->scale_rows : l->rows, of_matrix = scales ? l->scale_rows : l->matrix;
  part p = {.i = -1};
  for (nf_rect r = *want, left = r; left.rows > 0; left.row += r.rows, left.rows -= r.rows) {
    r = left;
    r.out = want->out + (left.row - want->row) * want->pitch;
    if (left.row / of_part != p.i) NF_TRY(find_part(l, left.row / of_part, &p));
    r.row %= of_part;
    r.rows = nf_min(r.rows, of_matrix - r.row % of_matrix);
    NF_TRY(scales ? read_scales(l, s, &p, &r) : read_codes(l, s, &p, &r));
  }
  return nf_ok();
}

// ---- readers ----

static reader reader_of(const nf_weight_loader *loader, const nf_value *v, int64_t padding,
                        nf_first *padded) {
  const nf_recipe *recipe = &v->recipe;
  const nf_type whole = nf_slice_whole(&recipe->slice, v->type);
  reader l = {.files = loader->files, .v = v, .padding = padding, .padded = padded};
  int64_t rows = 1;
  for (int i = 0; i + 1 < whole.rank; i++) rows *= whole.dim[i].c;
  const int64_t cols = whole.rank ? whole.dim[whole.rank - 1].c : 1;
  const int64_t matrix = whole.rank > 1 ? whole.dim[whole.rank - 2].c : 1;
  const bool decoded = recipe->scales && nf_is_float(whole.dtype);
  const int bits = nf_dtype_of(decoded ? NF_F8E4M3 : whole.dtype)->bits;
  l.code = decoded ? NF_F8E4M3 : nf_dtype_of(whole.dtype)->code;
  l.rows = nf_max(1, rows / nf_max(1, recipe->stack));
  l.row_bytes = cols * bits / 8;
  const bool within = (recipe->rows.of || recipe->transposed) && matrix;
  l.matrix = within ? matrix : l.rows;
  l.file_rows = recipe->rows.of ? recipe->rows.of : l.matrix;
  // Whole strips of any packing order.
  if (recipe->transposed)
    l.grain = nf_max(1, NF_WEIGHT_SLAB / nf_max(1, l.row_bytes) / NF_PACK_MOST_ROWS) * NF_PACK_MOST_ROWS;
  if (recipe->scales) {
    const nf_dtype form = decoded ? NF_FP8_ROW : whole.dtype;
    l.scale_cols = nf_scale_cols(form, cols);
    l.scale_rows = matrix ? l.rows / matrix * nf_scale_rows(form, matrix) : 1;
  }
  return l;
}

nf_status nf_weight_read(nf_weight_loader *l, const nf_value *v, int rank, int64_t padding,
                         const nf_weight_sink *sink) {
  nf_value one[NF_MAX_JOINED];
  reader of[NF_MAX_JOINED];
  nf_weight_source from[NF_MAX_JOINED];
  nf_first padded;
  nf_first_init(&padded);
  for (int i = 0; i < nf_weight_joins(v); i++) {
    int64_t first;
    one[i] = nf_weight_joined(v, i, &first);
    of[i] = reader_of(l, &one[i], padding, &padded);
    from[i] = (nf_weight_source){&of[i], read_rows, of[i].grain};
  }
  const nf_status st = nf_weight_put(l, v, rank, from, sink);
  const nf_status remark = nf_first_deinit(&padded);
  if (nf_is_ok(st) && !nf_is_ok(remark) && l->log)
    nf_log_print(l->log, NF_LOG_WARNING, "%s", nf_status_message(remark));
  nf_status_free(remark);
  return st;
}
