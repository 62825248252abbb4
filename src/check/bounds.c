// SPDX-License-Identifier: Apache-2.0
// Bounds of real-valued results.
#include "base/checked.h"
#include "check/compare.h"
#include <math.h>

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
