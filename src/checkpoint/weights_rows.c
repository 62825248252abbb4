// SPDX-License-Identifier: Apache-2.0
// Placing rows: what a rank has of each axis as a few ranges, read piece by piece into the packing order.
#include "checkpoint/weights_rows.h"
#include "base/checked.h"
#include "graph/cut.h"
#include "tensor/pack.h"
#include <string.h>

// ---- what a rank has ----

typedef struct range { // [at, at + n) of the rank's axis is [from, from + n) of the uncut one
  int64_t at, from, n;
} range;
typedef struct axis {
  int64_t extent, whole; // the rank's and the uncut one
  int n;
  range range[NF_MAX_SEGMENTS];
} axis;

static axis cut_axis(const nf_cut *c, int rank) {
  axis a = {0};
  for (int i = 0; i < c->n; i++) {
    const nf_share s = nf_cut_share(c, i, rank);
    if (s.n > 0) a.range[a.n++] = (range){a.extent, a.whole + s.from, s.n};
    a.extent += nf_cut_longest(c, i);
    a.whole += c->segment[i].size;
  }
  return a;
}

// Dimensions [from, to) of the type as one axis. Only one dimension of a type is cut.
static axis axis_of(const nf_value *v, int rank, int from, int to) {
  const nf_cut *c = &v->recipe.cut;
  int64_t extent = 1;
  if (c->world && c->dim == from && to == from + 1) return cut_axis(c, rank);
  for (int i = from; i < to; i++) extent *= v->type.dim[i].c; // fits: there is storage for it
  return (axis){.extent = extent, .whole = extent, .n = extent > 0, .range = {{0, 0, extent}}};
}

typedef struct filling {
  const nf_value *v;
  const nf_weight_source *source;
  nf_tensor to;
  int64_t first;            // row of it where the weight begins
  axis matrix, row, column; // [.., N, K]
  int64_t part;             // rows of a part of a stack
  unsigned char *piece;     // rows as files hold them, codes then scales; zeros where the rank has nothing
  unsigned char *strip;     // some columns of them
  int64_t at_once;          // rows for which both have room
} filling;

// ---- codes, and scales that lie with them ----

static int64_t code_bytes(const filling *f, int64_t columns) {
  return columns * nf_dtype_of(f->v->type.dtype)->bits / 8;
}
static int64_t scale_bytes(const filling *f, int64_t columns) {
  return f->v->type.dtype == NF_MXFP4 ? nf_scale_cols(NF_MXFP4, columns) : 0;
}

typedef nf_status read_rows(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out);

// The rank's columns of rows [row, row + n) into `to`, whose rows are bytes(columns) long.
static nf_status gather(const filling *f, read_rows *read, int64_t (*bytes)(const filling *, int64_t),
                        int64_t row, int64_t n, unsigned char *to) {
  const int64_t width = bytes(f, f->column.extent);
  for (int i = 0; i < f->column.n; i++) {
    const range *c = &f->column.range[i];
    const int64_t length = bytes(f, c->n);
    if (length == width) return read(f->source->self, row, n, bytes(f, c->from), length, to);
    NF_TRY(read(f->source->self, row, n, bytes(f, c->from), length, f->strip));
    for (int64_t r = 0; r < n; r++)
      memcpy(to + r * width + bytes(f, c->at), f->strip + r * length, (size_t)length);
  }
  return nf_ok();
}

// Rows of one part: [at, at + n) of the rank, [from, from + n) of the uncut weight.
static nf_status put_rows(const filling *f, int64_t at, int64_t from, int64_t n) {
  const bool packed = !nf_pack_is_plain(f->to.pack), mx = f->v->type.dtype == NF_MXFP4;
  unsigned char *codes = packed ? f->piece : nf_tensor_row(&f->to, f->first + at);
  unsigned char *scales = !mx      ? NULL
                          : packed ? f->piece + n * code_bytes(f, f->column.extent)
                                   : nf_tensor_scales(&f->to, f->first + at);
  NF_TRY(gather(f, f->source->codes, code_bytes, from, n, codes));
  if (mx) NF_TRY(gather(f, f->source->scales, scale_bytes, from, n, scales));
  if (packed) nf_pack_rows(&f->to, f->first + at, n, codes, scales);
  return nf_ok();
}

static nf_status put_run(const filling *f, int64_t at, int64_t from, int64_t n) {
  while (n > 0) {
    const int64_t some = nf_min(n, nf_min(f->at_once, f->part - from % f->part));
    NF_TRY(put_rows(f, at, from, some));
    at += some, from += some, n -= some;
  }
  return nf_ok();
}

// ---- scales of FP8, which have a plane of their own in any packing order ----

enum { SCALES_AT_ONCE = 65536 };

static nf_status put_row_scales(const filling *f, int64_t at, int64_t from, int64_t n) {
  for (int64_t i = 0; i < n; i += SCALES_AT_ONCE)
    NF_TRY(f->source->scales(f->source->self, from + i, nf_min(n - i, SCALES_AT_ONCE), 0, 1,
                             nf_tensor_scales(&f->to, f->first + at + i)));
  return nf_ok();
}

// Row range r of matrix m, which is matrix `from` of the uncut weight: the block rows and columns that it
// touches.
static nf_status put_block_scales(const filling *f, int64_t m, int64_t from, const range *r) {
  const int64_t group = nf_dtype_of(f->v->type.dtype)->group_rows;
  const int64_t rows = nf_scale_rows(f->v->type.dtype, f->row.whole);
  for (int64_t b = r->at / group; b <= (r->at + r->n - 1) / group; b++) {
    const int64_t first = nf_max(b * group, r->at), block = (r->from + first - r->at) / group;
    float *to = nf_tensor_scales(&f->to, f->first + m * f->row.extent + b * group);
    for (int i = 0; i < f->column.n; i++) {
      const range *c = &f->column.range[i];
      const int64_t left = c->from / group, n = (c->from + c->n - 1) / group - left + 1;
      NF_TRY(f->source->scales(f->source->self, from * rows + block, 1, left, n, to + c->at / group));
    }
  }
  return nf_ok();
}

// ---- all ----

static nf_status put_matrix(const filling *f, int64_t m, int64_t from) {
  const nf_dtype dtype = f->v->type.dtype;
  for (int i = 0; i < f->row.n; i++) {
    const range *r = &f->row.range[i];
    const int64_t at = m * f->row.extent + r->at, of = from * f->row.whole + r->from;
    NF_TRY(put_run(f, at, of, r->n));
    if (dtype == NF_FP8_ROW) NF_TRY(put_row_scales(f, at, of, r->n));
    if (dtype == NF_FP8_BLOCK) NF_TRY(put_block_scales(f, m, from, r));
  }
  return nf_ok();
}

// Matrices one by one, or the rows of many at once where all of them are the rank's: a matrix may be one
// short row.
static nf_status put_all(const filling *f) {
  const bool together = f->row.extent == f->row.whole && !nf_is_fp8(f->v->type.dtype);
  for (int i = 0; i < f->matrix.n; i++) {
    const range *m = &f->matrix.range[i];
    const int64_t rows = f->row.extent;
    if (together) NF_TRY(put_run(f, m->at * rows, m->from * rows, m->n * rows));
    for (int64_t k = 0; k < m->n && !together; k++) NF_TRY(put_matrix(f, m->at + k, m->from + k));
  }
  return nf_ok();
}

static nf_status check(const nf_value *v, int rank) {
  const nf_type *t = &v->type;
  const nf_cut *c = &v->recipe.cut;
  bool fills = t->cache == NF_NO_CACHE && t->rank > 0;
  for (int i = 0; i < t->rank; i++)
    fills = fills && t->dim[i].sym == NF_CONST && (!nf_pack_is_plain(t->pack) || t->padded[i] == t->dim[i].c);
  if (!fills) return nf_error(NF_INTERNAL, "weight '%s': recipes fill plain, unpadded types only", v->name);
  NF_TRY(nf_cut_check(c, t), "weight '%s'", v->name);
  if (rank < 0 || (c->world && rank >= c->world) || (c->world && c->dim + 3 < t->rank))
    return nf_error(NF_INTERNAL, "weight '%s': no recipe for rank %d of a cut over %d", v->name, rank,
                    c->world);
  return nf_ok();
}

static nf_status make_room(filling *f) {
  const int64_t row = code_bytes(f, f->column.extent) + scale_bytes(f, f->column.extent);
  f->at_once = nf_max(1, NF_WEIGHT_PIECE / (2 * row + 1));
  f->piece = nf_alloc((size_t)(2 * f->at_once), (size_t)row);
  f->strip = f->piece + f->at_once * row;
  return f->piece ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to read weight '%s'", f->v->name);
}

// A vector's elements are columns of its one row.
static void begin_at(filling *f, int64_t first) {
  if (f->to.rank > 1)
    f->first = first;
  else
    f->to.data = (char *)f->to.data + code_bytes(f, first);
}

nf_status nf_weight_fill(const nf_value *v, const nf_value *whole, int64_t first, int rank,
                         const nf_weight_source *from, void *data) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const int last = v->type.rank - 1;
  size_t bytes;
  NF_TRY(check(v, rank));
  NF_TRY(nf_type_bytes(&whole->type, &none, &bytes));
  const bool zero = v->recipe.zero_but_rank0 && rank != 0;
  if (first == 0 && (whole->recipe.n_joined || zero || v->recipe.cut.world)) memset(data, 0, bytes);
  if (zero) return nf_ok();
  filling f = {.v = v, .source = from, .to = nf_tensor_of(&whole->type, &none, 0, data)};
  begin_at(&f, first);
  f.matrix = axis_of(v, rank, 0, last > 1 ? last - 1 : 0);
  f.row = axis_of(v, rank, last > 0 ? last - 1 : 0, last);
  f.column = axis_of(v, rank, last, last + 1);
  f.part = nf_max(1, f.matrix.whole * f.row.whole / nf_max(1, v->recipe.stack));
  NF_TRY(make_room(&f));
  const nf_status st = put_all(&f);
  nf_free(f.piece);
  return st;
}
