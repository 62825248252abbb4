// SPDX-License-Identifier: Apache-2.0
// Checked arithmetic: each returns false, and leaves *out untouched, when the result does not fit.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool nf_add_size(size_t a, size_t b, size_t *out) {
  size_t r;
  if (__builtin_add_overflow(a, b, &r)) return false;
  *out = r;
  return true;
}

static inline bool nf_mul_size(size_t a, size_t b, size_t *out) {
  size_t r;
  if (__builtin_mul_overflow(a, b, &r)) return false;
  *out = r;
  return true;
}

static inline bool nf_mul_i64(int64_t a, int64_t b, int64_t *out) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) return false;
  *out = r;
  return true;
}

static inline int64_t nf_ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }  // a >= 0, b > 0
static inline int64_t nf_round_up(int64_t a, int64_t b) { return nf_ceil_div(a, b) * b; } // must fit
static inline int64_t nf_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t nf_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t nf_gcd(int64_t a, int64_t b) { return b == 0 ? a : nf_gcd(b, a % b); } // a, b >= 0

// The smallest power of two that is at least n, or the largest that there is.
static inline int64_t nf_power_from(int64_t n) {
  int64_t p = 1;
  while (p < n && p < INT64_MAX / 2) p *= 2;
  return p;
}
