// SPDX-License-Identifier: Apache-2.0
// Comparison of what a kernel left in memory with what it should have left.
#pragma once
#include "check/internal.h"

// Whether every kernel must give the reference's bytes here: copies, and sums of small integers.
bool nf_case_bitwise(const nf_case *c);
// Fills error, bound and why of the worst place. sums: the reference over absolute values.
bool nf_results_near(const nf_instance *want, const nf_instance *got, const nf_instance *sums, bool bitwise,
                     nf_check_row *row);
// Result n, FP8: scales as close as the largest values under them may be, codes equal or neighbours, and
// neighbours no more than one in a thousand where the scale is the same.
bool nf_codes_near(const nf_instance *want, const nf_instance *got, int n, nf_check_row *row);
nf_expected nf_expected_of(const nf_case *c); // what all values of the case have in common
// What two kernels may differ by in a value that both round to t,
double nf_bound_of(const nf_case *c, nf_dtype t, const nf_expected *e);
// and how much further off a few rows may be, where a value between two parts of the op may round to its
// neighbour.
double nf_bound_of_step(const nf_case *c, const nf_expected *e);
int64_t nf_rows_to_compare(const nf_instance *i, const nf_tensor *t);  // those behind mean nothing
bool nf_rows_equal(const nf_tensor *x, const nf_tensor *y, int64_t r); // bitwise, scales included
bool nf_results_equal(const nf_instance *a, const nf_instance *b);     // bitwise
bool nf_guards_hold(const nf_instance *i); // all bytes but the results' elements are still garbage
uint64_t nf_operands_hash(const nf_instance *i);
