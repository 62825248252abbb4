// SPDX-License-Identifier: Apache-2.0
// What tests of the references share: tensors in an arena, random values, comparison with numbers in double
// precision.
#pragma once
#include "base/memory.h"
#include "select/select.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nf_arena arena;

static inline int tear_down(void **state) {
  (void)state;
  nf_arena_deinit(&arena);
  return 0;
}

static uint32_t random_state = 1;
static inline double uniform(void) { // [-1, 1)
  random_state = random_state * 1664525u + 1013904223u;
  return (random_state >> 8) / 8388608.0 - 1;
}

static inline nf_tensor tensor_of(nf_type t) {
  size_t bytes;
  nf_sizes one = nf_sizes_of(1, 1, 1);
  assert_true(nf_is_ok(nf_type_bytes(&t, &one, &bytes)));
  return nf_tensor_of(&t, &one, 0, nf_arena_alloc(&arena, bytes, 1));
}
#define ZEROS(dt, ...) tensor_of(NF_TYPE(NF_##dt, __VA_ARGS__))

static inline nf_tensor fill(nf_tensor t, double scale) {
  const int64_t cols = nf_tensor_cols(&t);
  float *row = nf_arena_alloc(&arena, (size_t)cols, sizeof *row);
  for (int64_t r = 0; r < nf_tensor_rows(&t); r++) {
    for (int64_t i = 0; i < cols; i++) row[i] = (float)(scale * uniform());
    nf_row_encode(&t, r, row);
  }
  return t;
}
#define RANDOM(dt, ...) fill(ZEROS(dt, __VA_ARGS__), 1)

static inline double at(const nf_tensor *t, int64_t r, int64_t c) {
  float row[512];
  assert_true(nf_tensor_cols(t) <= 512);
  nf_row_decode(t, r, row);
  return row[c];
}

// Within float32 rounding of a sum of magnitude `scale`, or bf16 rounding of the result.
static inline void near(const nf_tensor *t, int64_t r, int64_t c, double want, double scale) {
  const double eps = t->dtype == NF_BF16 ? 1.0 / 256 : 0, got = at(t, r, c);
  if (!(fabs(got - want) <= fabs(want) * eps + scale * 3e-6))
    fail_msg("row %d column %d: %.9g, wanted %.9g", (int)r, (int)c, got, want);
}

static inline void run_reference(nf_op op, const void *args) {
  const nf_host_function *f = &nf_reference_of(op)->entry.host;
  for (int64_t b = f->blocks(args); b-- > 0;) f->run(args, b, NULL);
}
#define RUN(op, args) run_reference(NF_OP_##op, args)
