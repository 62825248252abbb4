// SPDX-License-Identifier: Apache-2.0
// Rows of a rank's weight: what it has of each axis as a few ranges, read as they come and then packed.
#include "checkpoint/weights_rows.h"
#include "base/checked.h"
#include "base/memory.h"
#include "graph/slice.h"
#include <string.h>

nf_status nf_weight_room(struct nf_room *r, int64_t n) {
  if (nf_grow(&r->data, &r->size, (size_t)nf_max(1, n), 1)) return nf_ok();
  return nf_error(NF_NO_MEMORY, "no memory to read %lld bytes of a weight", (long long)n);
}

// ---- axes ----

static nf_axis cut_axis(const nf_slice *c, int rank) {
  nf_axis a = {0};
  for (int i = 0; i < c->n; i++) {
    const nf_share s = nf_slice_share(c, i, rank);
    if (s.n > 0) a.range[a.n++] = (nf_axis_range){a.extent, a.whole + s.from, s.n};
    a.extent += nf_slice_longest(c, i);
    a.whole += c->segment[i].size;
  }
  return a;
}

// Dimensions [from, to) of the type as one axis. Only one dimension of a type is cut.
static nf_axis axis_of(const nf_value *v, int rank, int from, int to) {
  const nf_slice *c = &v->recipe.slice;
  int64_t extent = 1;
  if (c->world && c->dim == from && to == from + 1) return cut_axis(c, rank);
  for (int i = from; i < to; i++) extent *= v->type.dim[i].c; // fits: there is storage for it
  return (nf_axis){.extent = extent, .whole = extent, .n = extent > 0, .range = {{0, 0, extent}}};
}

// The axis in groups: those that its ranges touch. Ranges do not part groups (nf_slice_check).
static nf_axis grouped(nf_axis a, int64_t group) {
  a.extent = nf_ceil_div(a.extent, group), a.whole = nf_ceil_div(a.whole, group);
  for (int i = 0; i < a.n; i++) {
    const nf_axis_range r = a.range[i];
    a.range[i] =
        (nf_axis_range){r.at / group, r.from / group, (r.from + r.n - 1) / group - r.from / group + 1};
  }
  return a;
}

static nf_axis scaled(nf_axis a, int64_t by, int64_t over) {
  a.extent = a.extent * by / over, a.whole = a.whole * by / over;
  for (int i = 0; i < a.n; i++) {
    nf_axis_range *r = &a.range[i];
    *r = (nf_axis_range){r->at * by / over, r->from * by / over, r->n * by / over};
  }
  return a;
}

static void move(nf_axis *a, int64_t by) {
  for (int i = 0; i < a->n; i++) a->range[i].at += by;
}

static int64_t covered(const nf_axis *a) {
  int64_t n = 0;
  for (int i = 0; i < a->n; i++) n += a->range[i].n;
  return n;
}

// ---- planes ----

static nf_status check(const nf_value *v, const nf_value *whole, int rank) {
  const nf_type *t = &whole->type;
  const nf_slice *c = &v->recipe.slice;
  bool fills = t->cache == NF_NO_CACHE && t->rank > 0 && !nf_pack_is_any(t->pack);
  for (int i = 0; i < t->rank; i++) {
    const bool may_pad = !nf_pack_is_plain(t->pack) && i + 2 >= t->rank;
    fills = fills && t->dim[i].sym == NF_CONST && (may_pad || t->padded[i] == t->dim[i].c);
  }
  if (!fills) return nf_error(NF_INTERNAL, "weight '%s': recipes fill plain, unpadded types only", v->name);
  NF_TRY(nf_slice_check(c, &v->type), "weight '%s'", v->name);
  if (rank < 0 || (c->world && rank >= c->world) || (c->world && c->dim + 3 < t->rank))
    return nf_error(NF_INTERNAL, "weight '%s': no recipe for rank %d of a cut over %d", v->name, rank,
                    c->world);
  return nf_ok();
}

// Member v, whose rows (of a vector the elements) begin at `first`; groups of rows and columns share an
// element.
static void add_member(nf_plane *p, const nf_value *v, int64_t first, int rank, nf_weight_source from,
                       int64_t group_rows, int64_t group_cols) {
  const int last = v->type.rank - 1;
  struct nf_member m = {from, axis_of(v, rank, 0, last > 1 ? last - 1 : 0),
                        axis_of(v, rank, last > 0 ? last - 1 : 0, last), axis_of(v, rank, last, last + 1),
                        v->recipe.groups};
  p->gaps |= covered(&m.matrix) < m.matrix.extent || covered(&m.row) < m.row.extent ||
             covered(&m.column) < m.column.extent;
  move(last > 0 ? &m.row : &m.column, first);
  m.row = grouped(m.row, group_rows);
  m.column = scaled(grouped(m.column, group_cols), p->strip.bits, 8);
  for (int i = 0; i < m.groups.n; i++) m.groups.size[i] /= group_rows; // whole blocks, says the verifier
  if (from.grain && !p->scales) p->grain = nf_max(p->grain, from.grain / p->strip.pack.rows);
  if (v->recipe.zero_but_rank0 && rank != 0)
    p->gaps = true;
  else
    p->member[p->n++] = m;
}

// Rows of all matrices are those of one where they lie so on both sides: a matrix may be one short row.
static void flatten(nf_plane *p, int64_t storage_rows) {
  struct nf_member *m = &p->member[0];
  const int64_t rows = p->rows;
  if (p->n != 1 || p->grain || p->matrices < 2 || rows != storage_rows || rows % p->strip.pack.rows ||
      m->row.n != 1 || m->row.range[0].n != m->row.whole || rows != m->row.whole)
    return;
  m->row = scaled(m->matrix, rows, 1);
  m->matrix = (nf_axis){1, 1, 1, {{0, 0, 1}}};
  p->rows *= p->matrices, p->strips *= p->matrices;
  p->matrices = 1;
}

static nf_status make_plane(const nf_value *v, int rank, const nf_weight_source *from, bool scales,
                            nf_plane *p) {
  const nf_type *t = &v->type;
  const nf_dtype_info *info = nf_dtype_of(t->dtype), *code = scales ? nf_dtype_of(info->scale) : info;
  const int last = t->rank - 1;
  const int64_t group_rows = scales ? info->group_rows : 1, group_cols = scales ? info->group_cols : 1;
  const int64_t cols = nf_ceil_div(t->dim[last].c, group_cols),
                padded = nf_ceil_div(t->padded[last], group_cols);
  const int64_t rows = last > 0 ? t->dim[last - 1].c : 1, padded_rows = last > 0 ? t->padded[last - 1] : 1;
  const nf_pack pack = scales ? NF_PACK(t->pack.rows, 1) : t->pack;
  *p = (nf_plane){
      .scales = scales, .plain = nf_pack_is_plain(t->pack) || (scales && nf_is_fp8(t->dtype)), .matrices = 1};
  p->strip =
      (nf_strip){p->plain ? NF_PACK(1, 1) : pack, code->bits, cols, padded, cols * code->bits / 8, true};
  for (int i = 0; i + 1 < last; i++) p->matrices *= t->dim[i].c;
  const int64_t storage_rows = nf_ceil_div(padded_rows, group_rows);
  p->rows = nf_ceil_div(rows, group_rows);
  p->strips = storage_rows / p->strip.pack.rows;
  p->gaps = p->plain && (padded != cols || storage_rows != p->rows);
  if (p->plain) p->strip.pitch = padded * code->bits / 8;
  for (int i = 0; i < nf_weight_joins(v); i++) {
    int64_t first;
    const nf_value one = nf_weight_joined(v, i, &first);
    NF_TRY(check(&one, v, rank));
    add_member(p, &one, first, rank, from[i], group_rows, group_cols);
  }
  flatten(p, storage_rows);
  return nf_ok();
}

nf_status nf_weight_planes(const nf_value *v, int rank, const nf_weight_source *from, nf_plane out[2],
                           int *out_n) {
  *out_n = 1 + nf_is_quantised(v->type.dtype);
  for (int i = 0; i < *out_n; i++) NF_TRY(make_plane(v, rank, from, i == 1, &out[i]));
  const int64_t codes = out[0].matrices * out[0].strips * nf_strip_bytes(&out[0].strip);
  if (*out_n == 2) out[1].at = (size_t)nf_round_up(codes, NF_CACHE_LINE);
  return nf_ok();
}

// ---- rows ----

typedef struct piece { // rows [row, row + n) of a matrix
  int64_t matrix, row, n;
  unsigned char *out;
} piece;

// Where the tensor has row `row` of all of the weight's, and how many that follow lie behind it.
static int64_t stored_row(const struct nf_member *m, int64_t row, int64_t *out_n) {
  const nf_row_groups *g = &m->groups;
  int64_t width = 0, before = 0;
  *out_n = INT64_MAX;
  for (int i = 0; i < g->n; i++) width += g->size[i];
  for (int i = 0; i < g->n; before += g->size[i++]) {
    const int64_t size = g->size[i], all = m->row.whole / width * size;
    if (row >= all) {
      row -= all;
      continue;
    }
    *out_n = size - row % size;
    return row / size * width + before + row % size;
  }
  return row;
}

// The rows of `want` that are in range r of a member, from matrix `from` of the uncut one.
static nf_status read_range(const nf_plane *p, const struct nf_member *m, nf_weight_scratch *s, int64_t from,
                            const nf_axis_range *r, const piece *want) {
  const int64_t first = nf_max(want->row, r->at), end = nf_min(want->row + want->n, r->at + r->n);
  for (int64_t row = first, n; row < end; row += n) {
    const int64_t stored = stored_row(m, r->from + row - r->at, &n);
    n = nf_min(n, end - row);
    for (int i = 0; i < m->column.n; i++) {
      const nf_axis_range *c = &m->column.range[i];
      const nf_rect rect = {from * m->row.whole + stored,
                            n,
                            c->from,
                            c->n,
                            want->out + (row - want->row) * p->strip.pitch + c->at,
                            p->strip.pitch};
      NF_TRY(m->source.read(m->source.self, s, p->scales, &rect));
    }
  }
  return nf_ok();
}

static nf_status read_member(const nf_plane *p, const struct nf_member *m, nf_weight_scratch *s,
                             const piece *want) {
  for (int i = 0; i < m->matrix.n; i++) {
    const nf_axis_range *r = &m->matrix.range[i];
    if (want->matrix < r->at || want->matrix >= r->at + r->n) continue;
    for (int k = 0; k < m->row.n; k++)
      NF_TRY(read_range(p, m, s, r->from + want->matrix - r->at, &m->row.range[k], want));
  }
  return nf_ok();
}

// Rows of strips that are there: none of a strip of padding.
static int64_t rows_of(const nf_plane *p, int64_t strip, int64_t n) {
  const int64_t R = p->strip.pack.rows;
  return nf_max(0, nf_min(n * R, p->rows - strip * R));
}

static void pack(const nf_plane *p, const unsigned char *rows, int64_t strip, int64_t n, char *out) {
  for (int64_t i = 0; i < n; i++)
    nf_pack_strip(&p->strip, rows + i * p->strip.pack.rows * p->strip.pitch, rows_of(p, strip + i, 1),
                  out + i * nf_strip_bytes(&p->strip));
}

nf_status nf_plane_read(const nf_plane *p, nf_weight_scratch *s, int64_t matrix, int64_t strip, int64_t n,
                        void *out) {
  const int64_t R = p->strip.pack.rows, bytes = n * R * p->strip.pitch;
  if (!p->plain) NF_TRY(nf_weight_room(&s->rows, bytes));
  const piece want = {matrix, strip * R, rows_of(p, strip, n), p->plain ? out : s->rows.data};
  if (p->gaps) memset(want.out, 0, (size_t)bytes);
  for (int i = 0; i < p->n; i++) NF_TRY(read_member(p, &p->member[i], s, &want));
  if (!p->plain) pack(p, want.out, strip, n, out);
  return nf_ok();
}
