// SPDX-License-Identifier: Apache-2.0
// Inside the room: what samples and bounds of the checker share.
//
// Kernels may sum in any order and use their own exp, sin and cos, good to a few units in the last place.
// What is allowed between two of them, before both round to the result's dtype, follows from how rounding
// errors add up (Higham and Mary 2019: like independent ones, with the root of their number, not with their
// number), about four times what thousands of cases show at most: check_test.c holds kernels to using a part
// of it.
#pragma once
#include "base/checked.h"
#include "op/traits.h"
#include <math.h>

#define NF_EPS 0x1p-23
// Relative error of an exp, an addition, a division and a product or two.
#define NF_EXP_ERROR (12 * NF_EPS)

// Products or sums of either sign whose absolute values add up to `sum`. Partial sums grow with the root of
// how many they are, and so do their rounding errors add up: together they are a constant share of `sum`,
// however many.
static inline double nf_sum_error(double sum) { return 4 * NF_EPS * sum; }

// Relative error of a mean of n squares' root: partial sums grow with their number, errors add up by its
// root.
static inline double nf_norm_error(int64_t n) { return NF_EPS * (6 + sqrt((double)n)); }

// How far the next value of a type is, relative to one: what is close to the middle of two may become either.
static inline double nf_step_of(nf_dtype t) { return t == NF_BF16 ? 0x1p-7 : t == NF_F16 ? 0x1p-10 : 0; }

// Bounds of what is a sum of products, and of what goes through an exp.
static inline double nf_bound_sum(const nf_op_desc *, const nf_sizes *, const nf_expected *e) {
  return nf_sum_error(e->sum);
}
static inline double nf_bound_exp(const nf_op_desc *, const nf_sizes *, const nf_expected *e) {
  return NF_EXP_ERROR * fabs(e->want) + 0x1p-126;
}

static inline bool nf_bit(const nf_dims *m, unsigned bit) { return m->options & bit; }

// [T,H] of activations, or with heads [T,3,H].
static inline nf_type nf_sample_rows(const nf_dims *m, bool heads, int64_t columns) {
  const nf_extent t = NF_BY(1, NF_T);
  return heads ? NF_TYPE(m->act, t, NF_C(3), NF_C(columns)) : NF_TYPE(m->act, t, NF_C(columns));
}

// The first operand is such rows of K columns, with heads where bit 4 is set.
static inline void nf_sample_heads(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = nf_sample_rows(m, nf_bit(m, 4), m->q[NF_Q_K]);
}

// What activations are quantised to for these weights; none for floats.
static inline nf_dtype nf_sample_quantised(const nf_dims *m) {
  return !nf_is_fp8(m->weight) ? NF_NONE : m->weight == NF_FP8_ROW ? NF_FP8_ROW : NF_FP8_GROUP;
}
static inline nf_dtype nf_sample_factor(const nf_dims *m, bool plain) {
  return plain || !nf_is_fp8(m->weight) ? m->act : nf_sample_quantised(m);
}

static inline int64_t nf_sample_wider(int64_t columns) { return nf_round_up(columns + 1, 32); }

// Of experts: x [T,K] or with bit 2 [T,J,K], quantised as the weights are but with bit 8; and ids. Returns
// the padding of N columns that bit 16 asks for, or 0.
static inline int64_t nf_sample_choices(nf_op_desc *d, const nf_dims *m) {
  const nf_extent t = NF_BY(1, NF_T), j = NF_C(m->q[NF_Q_TOPK]), k = NF_C(m->q[NF_Q_K]);
  const nf_dtype x = nf_sample_factor(m, nf_bit(m, 8));
  d->in[0] = nf_bit(m, 2) ? NF_TYPE(x, t, j, k) : NF_TYPE(x, t, k);
  d->in[1] = NF_TYPE(NF_I32, t, j);
  return nf_bit(m, 16) ? nf_sample_wider(m->q[NF_Q_N]) : 0;
}
