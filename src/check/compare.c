// SPDX-License-Identifier: Apache-2.0
// Comparisons of results.
#include "base/checked.h"
#include "check/internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t row_bytes(const nf_tensor *t) {
  return (size_t)nf_tensor_cols(t) * (size_t)nf_dtype_of(t->dtype)->bits / 8;
}

// Whether the op's results are those of sequences: what it has of a cache is read, not just written.
static bool reads_cache(const nf_instance *i) {
  const nf_op_info *info = nf_op_of(i->c->d.op);
  for (int n = 0; n < info->n_in; n++)
    if (info->in[n].role == NF_ROLE_POOL)
      return i->c->d.in[n].cache == NF_CACHE_RECURRENT || !i->storage[i->layout->in[n]].written;
  return false;
}

// Results of padding tokens mean nothing there. (With heads, those of a token are rows.)
int64_t nf_rows_to_compare(const nf_instance *i, const nf_tensor *t) {
  if (!reads_cache(i) || t->cache != NF_NO_CACHE) return nf_tensor_rows(t);
  return i->used * (t->rank == 3 ? t->dim[1] : 1);
}

// Row r of both is the same bytes, scales included.
bool nf_rows_equal(const nf_tensor *x, const nf_tensor *y, int64_t r) {
  if (memcmp(nf_tensor_row(x, r), nf_tensor_row(y, r), row_bytes(x)) != 0) return false;
  const size_t scales =
      nf_is_fp8(x->dtype) ? (size_t)nf_scale_cols(x->dtype, nf_tensor_cols(x)) * sizeof(float) : 0;
  return scales == 0 || memcmp(nf_tensor_scales(x, r), nf_tensor_scales(y, r), scales) == 0;
}

bool nf_case_bitwise(const nf_case *c) {
  const nf_exactness e = nf_traits_of(c->d.op)->exact;
  return e == NF_EXACT_ALWAYS || (e == NF_EXACT_ON_INTEGERS && c->exact);
}

// Two values that close may round to neighbours.
static double rounding(nf_dtype t, double want) {
  const double step = t == NF_BF16 ? 0x1p-7 : t == NF_F16 ? 0x1p-10 : 0x1p-22;
  return fabs(want) * step + (t == NF_F16 ? 0x1p-24 : 0);
}

nf_expected nf_expected_of(const nf_case *c) {
  enum { SOME = 256 }; // of keys; what cases without a past have before them is less
  return (nf_expected){.most = nf_case_most(c), .keys = SOME + c->past + c->at.of[NF_T]};
}

double nf_bound_of(const nf_case *c, nf_dtype t, const nf_expected *e) {
  const nf_op_traits *op = nf_traits_of(c->d.op);
  return (op->bound ? op->bound(&c->d, &c->at, e) : 0) + e->cut * e->sum + rounding(t, e->want);
}

double nf_bound_of_step(const nf_case *c, const nf_expected *e) {
  const nf_op_traits *op = nf_traits_of(c->d.op);
  return op->step ? op->step(&c->d, e) : 0;
}

// ---- results ----

typedef struct worst {
  double ratio, error, bound;
  int64_t row, col;
  double cut;           // nf_variant.sum_error
  int64_t rows, others; // all rows, and those in which a value between two steps has become another
} worst;
// Such rows are allowed: one of several, a few of many, and one in so many; and codes that are neighbours. A
// kernel that always rounds elsewhere has them in every row.
enum { FEW = 2, MANY = 8, ONE_ROW_IN = 50, ONE_CODE_IN = 1000 };

static int64_t rows_allowed(int64_t rows) {
  return nf_min(FEW, nf_max(rows > 1, rows / MANY)) + rows / ONE_ROW_IN;
}

static void near_row(const nf_case *c, const nf_tensor *w, const nf_tensor *g, const nf_tensor *s, int64_t r,
                     float *room, worst *out) {
  const int64_t cols = nf_tensor_cols(w);
  float *want = room, *got = room + cols, *sum = got + cols;
  nf_row_decode(w, r, want);
  nf_row_decode(g, r, got);
  nf_row_decode(s, r, sum);
  nf_expected e = nf_expected_of(c);
  e.cut = out->cut;
  bool other = false;
  for (int64_t i = 0; i < cols; i++) e.row = fmax(e.row, fabs((double)want[i]));
  for (int64_t i = 0; i < cols; i++) {
    const double error = fabs((double)got[i] - want[i]);
    e.want = want[i];
    e.sum = 1.01 * fabs((double)sum[i]); // sums were rounded to the result's dtype as well
    const double bound = nf_bound_of(c, w->dtype, &e);
    if (error > bound && error <= bound + nf_bound_of_step(c, &e)) {
      other = true;
      continue;
    }
    const double ratio = error <= bound ? (bound > 0 ? error / bound : 0)
                         : isnan(error) ? INFINITY
                                        : 1 + error / bound;
    if (ratio > out->ratio || (r == 0 && i == 0))
      out->ratio = ratio, out->error = error, out->bound = bound, out->row = r, out->col = i;
  }
  out->others += other;
}

static void note_worst(nf_check_row *row, nf_dtype t, double error, double bound) {
  double *used = t == NF_F32 ? &row->used : &row->used_16;
  if (!(bound > 0)) return;
  if (error * row->bound >= row->error * bound) row->error = error, row->bound = bound;
  *used = fmax(*used, error / bound);
}

static bool near_result(const nf_instance *want, const nf_instance *got, const nf_instance *sums, int n,
                        nf_check_row *row) {
  const nf_tensor *w = nf_instance_result(want, n), *g = nf_instance_result(got, n),
                  *s = nf_instance_result(sums, n);
  worst at = {.cut = got->sum_error, .rows = nf_rows_to_compare(want, w)};
  float *room = nf_alloc((size_t)nf_tensor_cols(w), 3 * sizeof *room);
  if (!room) {
    snprintf(row->why, sizeof row->why, "no memory to compare");
    return false;
  }
  for (int64_t r = 0; r < at.rows; r++)
    if (!nf_rows_equal(w, g, r))
      near_row(want->c, w, g, s, r, room, &at); // the same may be garbage that nobody wrote
  nf_free(room);
  note_worst(row, w->dtype, at.error, at.bound);
  if (at.others > rows_allowed(at.rows)) {
    snprintf(row->why, sizeof row->why, "%s: %lld of %lld rows are off by a rounding in between",
             nf_op_of(want->c->d.op)->out[n].name, (long long)at.others, (long long)at.rows);
    return false;
  }
  if (at.ratio <= 1) return true;
  snprintf(row->why, sizeof row->why, "%s row %lld column %lld is off by %.3g, allowed %.3g",
           nf_op_of(want->c->d.op)->out[n].name, (long long)at.row, (long long)at.col, at.error, at.bound);
  return false;
}

// ---- FP8: what lies close to the middle of two codes may become either ----

typedef struct codes {
  const nf_case *c;
  int64_t all, others; // codes under the same scale, and those of them that are neighbours
  double error, bound; // of the worst scale
} codes;

// E4M3 codes in the order of their values; both zeros are one.
static int place_of(uint8_t code) { return code & 0x80 ? -(code & 0x7f) : code & 0x7f; }

static bool scales_near(codes *s, float want, float got) {
  const double most = 448.0 * (double)want, error = 448.0 * fabs((double)got - (double)want);
  nf_expected e = nf_expected_of(s->c);
  e.want = e.sum = e.row = most;
  const double bound = nf_bound_of(s->c, s->c->d.in[0].dtype, &e);
  if (error > s->error) s->error = error, s->bound = bound;
  return error <= bound;
}

// Why the n codes under one scale do not match, or NULL.
static const char *group_near(codes *s, const uint8_t *want, float want_scale, const uint8_t *got,
                              float got_scale, int64_t n) {
  const bool same = fabs((double)got_scale - (double)want_scale) <= 0x1p-20 * (double)want_scale;
  if (!scales_near(s, want_scale, got_scale)) return "its scale is another";
  for (int64_t i = 0; i < n; i++) {
    const int apart = abs(place_of(want[i]) - place_of(got[i]));
    if (apart > 1) return "a code is no neighbour";
    s->all += same;
    s->others += same && apart;
  }
  return NULL;
}

static const char *row_near(codes *s, const nf_tensor *w, const nf_tensor *g, int64_t r) {
  const int64_t cols = nf_tensor_cols(w), group = nf_dtype_of(w->dtype)->group_cols;
  const float *want = nf_tensor_scales(w, r), *got = nf_tensor_scales(g, r);
  const uint8_t *w_code = nf_tensor_row(w, r), *g_code = nf_tensor_row(g, r);
  const char *why = NULL;
  for (int64_t k = 0; k < cols && !why; k += group)
    why = group_near(s, w_code + k, *want++, g_code + k, *got++, nf_min(group, cols - k));
  return why;
}

// Scales as close as the largest values under them may be, codes equal or neighbours, and neighbours few
// where the scale is the same.
static bool codes_near(const nf_instance *want, const nf_instance *got, int n, nf_check_row *row) {
  const nf_tensor *w = nf_instance_result(want, n), *g = nf_instance_result(got, n);
  const char *name = nf_op_of(want->c->d.op)->out[n].name, *why = NULL;
  codes s = {.c = want->c};
  int64_t r = 0;
  for (; r < nf_tensor_rows(w) && !why; r++) why = row_near(&s, w, g, r);
  note_worst(row, want->c->d.in[0].dtype, s.error, s.bound);
  if (why) {
    snprintf(row->why, sizeof row->why, "%s row %lld: %s", name, (long long)r - 1, why);
  } else if (s.others > FEW + s.all / ONE_CODE_IN) {
    snprintf(row->why, sizeof row->why, "%s: %lld of %lld codes are neighbours", name, (long long)s.others,
             (long long)s.all);
    return false;
  }
  return !why;
}

// ---- equal ----

static bool all_are(const void *from, const void *to, unsigned char byte) {
  for (const unsigned char *at = from; at < (const unsigned char *)to; at++)
    if (*at != byte) return false;
  return true;
}

static bool is_garbage(const nf_instance *i, const nf_tensor *t, int64_t r) {
  const char *row = nf_tensor_row(t, r);
  return all_are(row, row + row_bytes(t), i->garbage);
}

// The first row that differs, or -1. A pool keeps the garbage it held, where nothing was written: those rows
// may differ.
static int64_t differs(const nf_instance *a, const nf_instance *b, int n) {
  const nf_tensor *x = nf_instance_result(a, n), *y = nf_instance_result(b, n);
  const bool pool = nf_op_of(a->c->d.op)->out[n].alias >= 0;
  for (int64_t r = 0; x->dtype != NF_NONE && r < nf_rows_to_compare(a, x); r++)
    if (!nf_rows_equal(x, y, r) && !(pool && is_garbage(a, x, r) && is_garbage(b, y, r))) return r;
  return -1;
}

bool nf_results_near(const nf_instance *want, const nf_instance *got, const nf_instance *sums, bool bitwise,
                     nf_check_row *row) {
  const nf_op_info *info = nf_op_of(want->c->d.op);
  for (int n = 0; n < info->n_out; n++) {
    const nf_dtype t = nf_instance_result(want, n)->dtype;
    if (t == NF_NONE) continue;
    if (!bitwise && nf_is_fp8(t)) {
      if (!codes_near(want, got, n, row)) return false;
      continue;
    }
    if (!bitwise && t != NF_I32) {
      if (!near_result(want, got, sums, n, row)) return false;
      continue;
    }
    const int64_t r = differs(want, got, n);
    if (r < 0) continue;
    snprintf(row->why, sizeof row->why, "%s row %lld is not the reference's bytes", info->out[n].name,
             (long long)r);
    return false;
  }
  return true;
}

bool nf_results_equal(const nf_instance *a, const nf_instance *b) {
  for (int n = 0; n < nf_op_of(a->c->d.op)->n_out; n++)
    if (differs(a, b, n) >= 0) return false;
  return true;
}

// ---- what must not be written ----

// The type's own padding of a row holds zeros.
static size_t padding_bytes(const nf_tensor *t) {
  const int64_t n = t->padded - nf_tensor_cols(t);
  return n > 0 && nf_tensor_rows(t) > 0 ? (size_t)n * (size_t)nf_dtype_of(t->dtype)->bits / 8 : 0;
}

// Garbage from *at up to the `n` bytes at `row`, which are a result; *at moves behind them. Rows lie in
// order.
static bool skip_row(const nf_instance *i, const unsigned char **at, const void *row, size_t n) {
  const bool clean = all_are(*at, row, i->garbage);
  *at = (const unsigned char *)row + n;
  return clean;
}

static bool guards_hold(const nf_instance *i, const struct nf_storage *s) {
  const nf_tensor *t = s->tensor;
  const unsigned char *at = s->base, *end = s->base + NF_GUARD + s->bytes + NF_GUARD;
  bool clean = true;
  for (int64_t r = 0; clean && r < nf_tensor_rows(t); r++) {
    clean = skip_row(i, &at, nf_tensor_row(t, r), row_bytes(t)) && all_are(at, at + padding_bytes(t), 0);
    at += padding_bytes(t);
  }
  for (int64_t r = 0; clean && nf_is_fp8(t->dtype) && r < nf_tensor_rows(t); r++)
    clean = skip_row(i, &at, nf_tensor_scales(t, r),
                     sizeof(float) * (size_t)nf_scale_cols(t->dtype, nf_tensor_cols(t)));
  return clean && all_are(at, end, i->garbage);
}

bool nf_guards_hold(const nf_instance *i) {
  for (int n = 0; n < i->layout->n_tensors; n++)
    if (i->storage[n].base && i->storage[n].written && !guards_hold(i, &i->storage[n])) return false;
  return true;
}

static uint64_t hash_bytes(uint64_t h, const unsigned char *from, size_t bytes) {
  for (size_t at = 0; at + 8 <= bytes; at += 8) {
    uint64_t word;
    memcpy(&word, from + at, sizeof word);
    h = nf_check_hash(h, word);
  }
  return h;
}

uint64_t nf_operands_hash(const nf_instance *i) {
  uint64_t h = 0;
  for (int n = 0; n < i->layout->n_tensors; n++) {
    const struct nf_storage *s = &i->storage[n];
    if (s->base && !s->written) h = hash_bytes(h, s->base, s->bytes + 2 * NF_GUARD);
  }
  for (int rank = 0; rank < i->comm.world; rank++)
    h = hash_bytes(h, nf_instance_base(i, rank), i->storage[i->layout->in[0]].bytes + 2 * NF_GUARD);
  return h;
}
