// SPDX-License-Identifier: Apache-2.0
// Comparisons of results, and the bounds of real-valued ones.
#include "check/compare.h"
#include "base/checked.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t row_bytes(const nf_tensor *t) {
  return (size_t)nf_tensor_cols(t) * (size_t)nf_dtype_of(t->dtype)->bits / 8;
}

// Results of padding tokens mean nothing. (With heads, those of a token are rows.)
static int64_t rows_to_compare(const nf_instance *i, const nf_tensor *t) {
  const nf_op op = i->c->d.op;
  const bool ragged = op == NF_OP_attention || op == NF_OP_causal_conv1d || op == NF_OP_gated_delta_rule;
  if (!ragged || t->cache != NF_NO_CACHE) return nf_tensor_rows(t);
  return i->used * (t->rank == 3 ? t->dim[1] : 1);
}

// Row r of both is the same bytes, scales included.
static bool same_row(const nf_tensor *x, const nf_tensor *y, int64_t r) {
  if (memcmp(nf_tensor_row(x, r), nf_tensor_row(y, r), row_bytes(x)) != 0) return false;
  const size_t scales =
      nf_is_fp8(x->dtype) ? (size_t)nf_scale_cols(x->dtype, nf_tensor_cols(x)) * sizeof(float) : 0;
  return scales == 0 || memcmp(nf_tensor_scales(x, r), nf_tensor_scales(y, r), scales) == 0;
}

bool nf_case_bitwise(const nf_case *c) {
  switch (c->d.op) {
  case NF_OP_embedding:
  case NF_OP_gather_rows:
  case NF_OP_kv_write:
  case NF_OP_add:
  case NF_OP_mul:
  case NF_OP_narrow:
  case NF_OP_concat:
  case NF_OP_quantise:
  case NF_OP_pad:
  case NF_OP_unpad:
  case NF_OP_all_reduce:
  case NF_OP_all_gather:
  case NF_OP_rank_ids:
    return true;
  case NF_OP_linear:
  case NF_OP_grouped_linear:
  case NF_OP_combine:
    return c->exact;
  default:
    return false;
  }
}

// ---- bounds ----
// Kernels may sum in any order and use their own exp, sin and cos, good to a few units in the last place.
// What is allowed between two of them, before both round to the result's dtype:

static const double eps = 0x1p-23;

// n products or sums whose absolute values add up to `sum`.
static double of_sum(int64_t n, double sum) { return eps * (double)(n + 8) * sum; }

// Logits are off by dl, so each weight by a factor of e^(2 dl); |v| <= 1 (3 when exact).
static double of_attention(const nf_case *c) {
  const double most = c->exact ? 3 : 1, keys = 256;
  const int64_t head = c->dims.q[NF_Q_HEAD];
  const double dl = of_sum(head, c->d.attr.attention.scale * (double)head * most * most);
  return most * (expm1(2 * dl) + eps * (keys + 16));
}

// A state adds up `tokens` updates, each a sum over the key's D; values are at most `most`, keys have norm 1.
static double of_delta_rule(const nf_case *c) {
  const double most = c->exact ? 3 : 1, tokens = (double)c->dims.tokens;
  return eps * ((double)c->dims.q[NF_Q_HEAD] + 8 * tokens + 64) * most * 2 * (1 + tokens);
}

// Two values that close may round to neighbours.
static double rounding(nf_dtype t, double want) {
  const double step = t == NF_BF16 ? 0x1p-7 : t == NF_F16 ? 0x1p-10 : 0x1p-22;
  return fabs(want) * step + (t == NF_F16 ? 0x1p-24 : 0);
}

// Between a block's parts values are rounded to the activations' type, and two that are close may go to
// neighbours; of FP8 those are an eighth apart.
static double step_of(nf_dtype t) { return t == NF_BF16 ? 0x1p-7 : t == NF_F16 ? 0x1p-10 : 0; }

// Normalised heads are at most sqrt(head) times their weight; rotated ones twice that, and their table's
// values.
static double of_heads(const nf_case *c) {
  const double most = c->exact ? 3 : 1, head = (double)c->dims.q[NF_Q_HEAD];
  const bool norms = c->d.in[4].dtype != NF_NONE;
  const double largest = norms ? sqrt(head) * (most + 1) : most;
  return 2 * most * largest * (norms ? eps * (head + 16) + step_of(c->d.in[0].dtype) : 4 * eps);
}

// With `sum` the same over absolute values. The activation's slope is at most about 2 times its factor, and
// the limit makes that factor smaller than what the sums have come to.
static double of_experts(const nf_case *c, double sum) {
  const double most = c->exact ? 9 : 1, k = (double)c->dims.q[NF_Q_K], inner = (double)c->dims.q[NF_Q_INNER];
  const bool swiglu = c->d.op == NF_OP_experts_swiglu, limit = swiglu && c->d.attr.experts_swiglu.limit > 0;
  const double steps =
      c->d.op == NF_OP_experts_silu && c->d.attr.experts_silu.to ? 0.25 : 3 * step_of(c->dims.out);
  const double cut = limit ? fmax(1, most * k / c->d.attr.experts_swiglu.limit) : 1;
  return sum * (8 * eps * (k + 16) * cut + eps * (inner + 64) + steps * cut) + 1e-6;
}

static double bound_of(const nf_case *c, double want, double sum, double magnitude) {
  const double big = c->exact ? 3 : 10;
  switch (c->d.op) {
  case NF_OP_linear:
  case NF_OP_grouped_linear:
    return of_sum(c->dims.q[NF_Q_K], sum);
  case NF_OP_combine:
    return of_sum(c->dims.q[NF_Q_TOPK], sum);
  case NF_OP_rms_norm:
  case NF_OP_add_rms_norm:
  case NF_OP_all_reduce_rms_norm:
  case NF_OP_all_reduce_add_rms_norm:
    return eps * (double)(c->dims.q[NF_Q_K] + 8) * magnitude;
  case NF_OP_rms_norm_quantise:
  case NF_OP_add_rms_norm_quantise:
  case NF_OP_all_reduce_rms_norm_quantise:
  case NF_OP_all_reduce_add_rms_norm_quantise:
    return eps * (double)(c->dims.q[NF_Q_K] + 8) * magnitude;
  case NF_OP_rms_norm_gated:
  case NF_OP_rms_norm_gated_quantise:
    return eps * (double)(c->dims.q[NF_Q_K] + 32) * magnitude;
  case NF_OP_silu_mul: // the function may round to its neighbour
    return (eps * (16 + 2 * big) + rounding(c->d.in[0].dtype, 1)) * magnitude + 0x1p-126;
  case NF_OP_sigmoid_mul:
    return (eps * (16 + 2 * big) + rounding(c->d.in[1].dtype, 1)) * magnitude + 0x1p-126;
  case NF_OP_silu:
  case NF_OP_sigmoid:
    return eps * (16 + 2 * big) * magnitude + 0x1p-126;
  case NF_OP_causal_conv1d: // SiLU of a sum s is more than s - 0.3
    return 1.1 * of_sum(c->dims.q[NF_Q_TAPS] + 16, sum + 0.3);
  case NF_OP_gated_delta_rule:
    return of_delta_rule(c);
  case NF_OP_swiglu:
    return eps * (16 + 1.702 * big) * magnitude + 0x1p-126;
  case NF_OP_router_topk:
    return eps * (16 + 2 * big) * magnitude;
  case NF_OP_rope:
    return eps * 4 * 2 * (c->exact ? 9 : 1);
  case NF_OP_qk_rope_write:
    return of_heads(c);
  case NF_OP_experts_swiglu:
  case NF_OP_experts_silu:
    return of_experts(c, sum);
  case NF_OP_rope_table:
    return eps * (8 + 256) * c->d.attr.rope_table.scale; // angles up to 256 radians
  case NF_OP_attention:
    return of_attention(c);
  default:
    return eps * fabs(want);
  }
}

double nf_bound_of(const nf_case *c, nf_dtype t, double want, double sum) {
  return bound_of(c, want, sum, fabs(want)) + rounding(t, want);
}

// ---- results ----

typedef struct worst {
  double ratio, error, bound;
  int64_t row, col;
} worst;

static void near_row(const nf_case *c, const nf_tensor *w, const nf_tensor *g, const nf_tensor *s, int64_t r,
                     float *room, worst *out) {
  const int64_t cols = nf_tensor_cols(w);
  float *want = room, *got = room + cols, *sum = got + cols;
  nf_row_decode(w, r, want);
  nf_row_decode(g, r, got);
  nf_row_decode(s, r, sum);
  for (int64_t i = 0; i < cols; i++) {
    const double error = fabs((double)got[i] - want[i]);
    // sums were rounded to the result's dtype as well
    const double bound = nf_bound_of(c, w->dtype, want[i], 1.01 * fabs((double)sum[i]));
    const double ratio = error <= bound ? (bound > 0 ? error / bound : 0)
                         : isnan(error) ? INFINITY
                                        : 1 + error / bound;
    if (ratio > out->ratio || (r == 0 && i == 0)) *out = (worst){ratio, error, bound, r, i};
  }
}

static bool near_result(const nf_instance *want, const nf_instance *got, const nf_instance *sums, int n,
                        nf_check_row *row) {
  const nf_tensor *w = nf_instance_result(want, n), *g = nf_instance_result(got, n),
                  *s = nf_instance_result(sums, n);
  worst at = {0};
  float *room = nf_alloc((size_t)nf_tensor_cols(w), 3 * sizeof *room);
  if (!room) {
    snprintf(row->why, sizeof row->why, "no memory to compare");
    return false;
  }
  for (int64_t r = 0; r < rows_to_compare(want, w); r++)
    if (!same_row(w, g, r))
      near_row(want->c, w, g, s, r, room, &at); // the same may be garbage that nobody wrote
  nf_free(room);
  row->error = at.error;
  row->bound = at.bound;
  if (at.ratio <= 1) return true;
  snprintf(row->why, sizeof row->why, "%s row %lld column %lld is off by %.3g, allowed %.3g",
           nf_op_of(want->c->d.op)->out[n].name, (long long)at.row, (long long)at.col, at.error, at.bound);
  return false;
}

// The first row that differs, or -1.
static int64_t differs(const nf_instance *a, const nf_instance *b, int n) {
  const nf_tensor *x = nf_instance_result(a, n), *y = nf_instance_result(b, n);
  for (int64_t r = 0; r < rows_to_compare(a, x); r++)
    if (!same_row(x, y, r)) return r;
  return -1;
}

bool nf_results_near(const nf_instance *want, const nf_instance *got, const nf_instance *sums, bool bitwise,
                     nf_check_row *row) {
  const nf_op_info *info = nf_op_of(want->c->d.op);
  for (int n = 0; n < info->n_out; n++) {
    const nf_dtype t = nf_instance_result(want, n)->dtype;
    if (t == NF_NONE) continue;
    if (!bitwise && nf_is_fp8(t)) {
      if (!nf_codes_near(want, got, n, row)) return false;
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

// A pool keeps the garbage it held, where nothing was written: those rows may differ between two runs.
static bool is_garbage(const nf_instance *i, const unsigned char *row, size_t n) {
  for (size_t at = 0; at < n; at++)
    if (row[at] != i->garbage) return false;
  return true;
}

static bool result_equal(const nf_instance *a, const nf_instance *b, int n) {
  const nf_tensor *x = nf_instance_result(a, n), *y = nf_instance_result(b, n);
  if (x->dtype == NF_NONE) return true;
  const bool pool = nf_op_of(a->c->d.op)->out[n].alias >= 0;
  for (int64_t r = 0; r < rows_to_compare(a, x); r++) {
    const unsigned char *p = nf_tensor_row(x, r), *q = nf_tensor_row(y, r);
    if (same_row(x, y, r)) continue;
    if (!pool || !is_garbage(a, p, row_bytes(x)) || !is_garbage(b, q, row_bytes(x))) return false;
  }
  return true;
}

bool nf_results_equal(const nf_instance *a, const nf_instance *b) {
  for (int n = 0; n < nf_op_of(a->c->d.op)->n_out; n++)
    if (!result_equal(a, b, n)) return false;
  return true;
}

// ---- what must not be written ----

static bool all_garbage(const nf_instance *i, const unsigned char *from, const unsigned char *to) {
  for (; from < to; from++)
    if (*from != i->garbage) return false;
  return true;
}

// The type's own padding of a row holds zeros.
static size_t padding_bytes(const nf_tensor *t) {
  const int64_t n = t->padded - nf_tensor_cols(t);
  return n > 0 && nf_tensor_rows(t) > 0 ? (size_t)n * (size_t)nf_dtype_of(t->dtype)->bits / 8 : 0;
}

static bool all_zero(const unsigned char *at, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (at[i]) return false;
  return true;
}

// Garbage from *at up to the `n` bytes at `row`, which are a result; *at moves behind them. Rows lie in
// order.
static bool skip_row(const nf_instance *i, const unsigned char **at, const void *row, size_t n) {
  const bool clean = all_garbage(i, *at, row);
  *at = (const unsigned char *)row + n;
  return clean;
}

static bool guards_hold(const nf_instance *i, const struct nf_storage *s) {
  const nf_tensor *t = s->tensor;
  const unsigned char *at = s->base, *end = s->base + NF_GUARD + s->bytes + NF_GUARD;
  bool clean = true;
  for (int64_t r = 0; clean && r < nf_tensor_rows(t); r++) {
    clean = skip_row(i, &at, nf_tensor_row(t, r), row_bytes(t)) && all_zero(at, padding_bytes(t));
    at += padding_bytes(t);
  }
  for (int64_t r = 0; clean && nf_is_fp8(t->dtype) && r < nf_tensor_rows(t); r++)
    clean = skip_row(i, &at, nf_tensor_scales(t, r),
                     sizeof(float) * (size_t)nf_scale_cols(t->dtype, nf_tensor_cols(t)));
  return clean && all_garbage(i, at, end);
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
