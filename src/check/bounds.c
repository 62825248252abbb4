// SPDX-License-Identifier: Apache-2.0
// Bounds of real-valued results.
#include "base/checked.h"
#include "check/compare.h"
#include <math.h>

// Kernels may sum in any order and use their own exp, sin and cos, good to a few units in the last place.
// What is allowed between two of them, before both round to the result's dtype, follows from how rounding
// errors add up (Higham and Mary 2019: like independent ones, with the root of their number, not with their
// number), about four times what thousands of cases show at most: check_test.c holds kernels to using a part
// of it.

static const double eps = 0x1p-23;

// Products or sums of either sign whose absolute values add up to `sum`. Partial sums grow with the root of
// how many they are, and so do their rounding errors add up: together they are a constant share of `sum`,
// however many.
static double of_sum(double sum) { return 4 * eps * sum; }

// Relative error of a mean of n squares' root: partial sums grow with their number, errors add up by its
// root.
static double of_norm(int64_t n) { return eps * (6 + sqrt((double)n)); }

// Relative error of an exp, an addition, a division and a product or two.
static const double of_exp = 12 * 0x1p-23;

// Logits are off by dl, so each weight by a factor of e^(2 dl); |v| <= 1 (3 when exact).
static double of_attention(const nf_case *c) {
  const double most = c->exact ? 3 : 1, keys = 256;
  const int64_t head = c->dims.q[NF_Q_HEAD];
  const double dl = of_sum(c->d.attr.attention.scale * (double)head * most * most);
  return most * (expm1(2 * dl) + of_norm((int64_t)keys));
}

// A state adds up `tokens` updates, each a sum over the key's D; values are at most `most`, keys have norm 1.
static double of_delta_rule(const nf_case *c) {
  const double most = c->exact ? 3 : 1, tokens = (double)c->dims.tokens;
  return of_norm(c->dims.q[NF_Q_HEAD]) * most * sqrt(1 + tokens) / 2;
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
  return most * largest * (norms ? of_norm(c->dims.q[NF_Q_HEAD]) + 2 * step_of(c->d.in[0].dtype) : 4 * eps);
}

// An activation's slope is at most about 2 times its factor, and a limit makes that factor smaller than what
// the sums have come to.
static double cut_of(const nf_case *c) {
  const double most = c->exact ? 9 : 1, k = (double)c->dims.q[NF_Q_K];
  const bool limit = c->d.op == NF_OP_experts_swiglu && c->d.attr.experts_swiglu.limit > 0;
  return limit ? fmax(1, most * k / c->d.attr.experts_swiglu.limit) : 1;
}

// With `sum` the same over absolute values: two sums, one inside the activation.
static double of_experts(const nf_case *c, double sum) {
  return 2 * cut_of(c) * of_sum(sum) + of_exp * sum + of_sum(sum);
}

// Between the products values are rounded, to FP8 or to the activations' type.
double nf_bound_of_step(const nf_case *c, double sum) {
  if (c->d.op == NF_OP_experts_silu && c->d.attr.experts_silu.to) return 0.25 * sum;
  if (c->d.op != NF_OP_experts_silu && c->d.op != NF_OP_experts_swiglu) return 0;
  return 3 * step_of(c->dims.out) * cut_of(c) * sum;
}

static double bound_of(const nf_case *c, double want, double sum, double magnitude) {
  switch (c->d.op) {
  case NF_OP_linear:
  case NF_OP_grouped_linear:
  case NF_OP_combine:
    return of_sum(sum);
  case NF_OP_rms_norm:
  case NF_OP_add_rms_norm:
  case NF_OP_all_reduce_rms_norm:
  case NF_OP_all_reduce_add_rms_norm:
  case NF_OP_rms_norm_quantise:
  case NF_OP_add_rms_norm_quantise:
  case NF_OP_all_reduce_rms_norm_quantise:
  case NF_OP_all_reduce_add_rms_norm_quantise:
    return of_norm(c->dims.q[NF_Q_K]) * magnitude;
  case NF_OP_rms_norm_gated:
  case NF_OP_rms_norm_gated_quantise:
    return (of_norm(c->dims.q[NF_Q_K]) + of_exp) * magnitude;
  case NF_OP_silu_mul: // the function may round to its neighbour
    return (of_exp + rounding(c->d.in[0].dtype, 1)) * magnitude + 0x1p-126;
  case NF_OP_sigmoid_mul:
    return (of_exp + rounding(c->d.in[1].dtype, 1)) * magnitude + 0x1p-126;
  case NF_OP_silu:
  case NF_OP_sigmoid:
    return of_exp * magnitude + 0x1p-126;
  case NF_OP_causal_conv1d: // SiLU of a sum s is more than s - 0.3
    return 1.1 * of_sum(sum + 0.3) + of_exp * magnitude;
  case NF_OP_gated_delta_rule:
    return of_delta_rule(c);
  case NF_OP_swiglu:
    return of_exp * magnitude + 0x1p-126;
  case NF_OP_router_topk:
    return of_exp * magnitude;
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
