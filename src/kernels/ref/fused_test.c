// SPDX-License-Identifier: Apache-2.0
// Padding, sums over ranks and fused norms against double precision; and fused ones against the chain they
// replace, bitwise where no rounding stands between.
#include "base/memory.h"
#include "kernels/kernels.h"
#include "tensor/scalar.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 3, COLS = 45, PADDED = 64, WORLD = 3 };

// Symmetric storage: x of every rank, and what one rank makes of it.
typedef struct memory {
  _Alignas(64) unsigned char x[ROWS * COLS * 4], residual[ROWS * COLS * 4], w[COLS * 4], y[ROWS * PADDED * 4],
      sum[ROWS * COLS * 4];
} memory;
static memory rank_memory[WORLD];

static nf_tensor tensor(nf_dtype dtype, int64_t rows, int64_t padded, void *data) {
  nf_type t = NF_TYPE(dtype, NF_C(rows), NF_C(COLS));
  t.padded[1] = padded;
  const nf_sizes one = nf_sizes_of(1, 1, 1);
  return nf_tensor_of(&t, &one, 0, data);
}

static void fill(const nf_tensor *t, uint32_t seed) {
  float row[COLS];
  for (int64_t r = 0; r < nf_tensor_rows(t); r++) {
    for (int i = 0; i < COLS; i++) {
      seed = seed * 1664525u + 1013904223u;
      row[i] = (float)((seed >> 8) / 8388608.0 - 1);
    }
    nf_row_encode(t, r, row);
  }
}

static double at(const nf_tensor *t, int64_t r, int64_t c) {
  float row[COLS];
  nf_row_decode(t, r, row);
  return row[c];
}

static void set_up(nf_dtype dtype) {
  for (int r = 0; r < WORLD; r++) {
    memset(&rank_memory[r], 0xff, sizeof rank_memory[r]);
    const nf_tensor x = tensor(dtype, ROWS, COLS, rank_memory[r].x);
    const nf_tensor residual = tensor(dtype, ROWS, COLS, rank_memory[r].residual);
    const nf_tensor w = tensor(NF_F32, 1, COLS, rank_memory[r].w);
    fill(&x, 7 + (uint32_t)r);
    fill(&residual, 99);
    fill(&w, 123);
  }
}

static char *const base[WORLD] = {(char *)&rank_memory[0], (char *)&rank_memory[1], (char *)&rank_memory[2]};
static const nf_comm comm = {.world = WORLD, .rank = 1, .base = base};
static const nf_batch batch = {.comm = &comm};

static void near(double got, double want, double step) {
  if (!(fabs(got - want) <= fabs(want) * step + 3e-6)) fail_msg("%.9g, wanted %.9g", got, want);
}

static double rounded(nf_dtype t, double x) {
  return t == NF_BF16  ? (double)nf_bf16_decode(nf_bf16_encode((float)x))
         : t == NF_F16 ? (double)nf_f16_decode(nf_f16_encode((float)x))
                       : (double)(float)x;
}

static void zeros_behind(const nf_tensor *t) {
  const size_t size = (size_t)nf_dtype_of(t->dtype)->bits / 8;
  for (int r = 0; r < ROWS; r++)
    for (size_t i = COLS * size; i < PADDED * size; i++)
      assert_int_equal(((unsigned char *)nf_tensor_row(t, r))[i], 0);
}

static void padding(void **state) {
  (void)state;
  set_up(NF_BF16);
  memory *m = &rank_memory[1];
  nf_pad_args p = {.attr = {.to = PADDED},
                   .x = tensor(NF_BF16, ROWS, COLS, m->x),
                   .y = tensor(NF_BF16, ROWS, PADDED, m->y)};
  for (int64_t b = 0; b < nf_tensor_rows(&p.y); b++) nf_pad_ref(&p, b);
  zeros_behind(&p.y);
  nf_unpad_args u = {.x = p.y, .y = tensor(NF_BF16, ROWS, COLS, m->sum)};
  for (int64_t b = 0; b < nf_tensor_rows(&u.y); b++) nf_unpad_ref(&u, b);
  assert_memory_equal(m->sum, m->x, ROWS * COLS * 2);
}

static double reduced(nf_dtype dtype, int r, int c) {
  double sum = 0;
  for (int rank = 0; rank < WORLD; rank++) {
    const nf_tensor t = tensor(dtype, ROWS, COLS, rank_memory[rank].x);
    sum += at(&t, r, c);
  }
  return sum;
}

static void sums_over_ranks(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_F32, NF_BF16, NF_F16};
  for (int d = 0; d < 3; d++) {
    set_up(dtypes[d]);
    nf_all_reduce_args a = {.batch = &batch,
                            .x = tensor(dtypes[d], ROWS, COLS, rank_memory[1].x),
                            .y = tensor(dtypes[d], ROWS, PADDED, rank_memory[1].y)};
    for (int64_t b = 0; b < nf_tensor_rows(&a.y); b++) nf_all_reduce_ref(&a, b);
    zeros_behind(&a.y);
    for (int r = 0; r < ROWS; r++)
      for (int c = 0; c < COLS; c++)
        near(at(&a.y, r, c), reduced(dtypes[d], r, c), d == 0 ? 0 : d == 1 ? 0x1p-8 : 0x1p-11);
    a.batch = &(const nf_batch){0}; // one rank: as it is
    nf_all_reduce_ref(&a, 0);
    for (int c = 0; c < COLS; c++) assert_true(at(&a.y, 0, c) == at(&a.x, 0, c));
  }
}

static void columns_of_all_ranks(void **state) {
  (void)state;
  enum { ALL = WORLD * COLS, LESS = ALL - 3 };
  uint16_t y[ROWS * ALL], less[ROWS * LESS];
  set_up(NF_BF16);
  nf_all_gather_args a = {.batch = &batch,
                          .attr.world = WORLD,
                          .x = tensor(NF_BF16, ROWS, COLS, rank_memory[1].x),
                          .y = tensor(NF_BF16, ROWS, ALL, y)};
  a.y.dim[1] = a.y.padded = ALL;
  for (int64_t b = 0; b < nf_tensor_rows(&a.y); b++) nf_all_gather_ref(&a, b);
  for (int r = 0; r < ROWS; r++)
    for (int rank = 0; rank < WORLD; rank++)
      assert_memory_equal(y + (r * WORLD + rank) * COLS, (uint16_t *)rank_memory[rank].x + r * COLS,
                          COLS * 2);
  a.attr.drop = ALL - LESS;
  a.y = tensor(NF_BF16, ROWS, LESS, less);
  a.y.dim[1] = a.y.padded = LESS;
  for (int64_t b = 0; b < nf_tensor_rows(&a.y); b++) nf_all_gather_ref(&a, b);
  for (int r = 0; r < ROWS; r++) assert_memory_equal(less + r * LESS, y + r * ALL, LESS * 2);
}

static void indices_into_a_part(void **state) {
  (void)state;
  int32_t x[] = {0, 4, 5, 9, 10, -1}, y[6];
  const int32_t want[][6] = {{0, 4, -1, -1, -1, -1}, {-1, -1, 0, 4, -1, -1}};
  for (int rank = 0; rank < 2; rank++) {
    const nf_comm comm = {.world = 2, .rank = rank};
    const nf_batch of = {.comm = &comm};
    nf_rank_ids_args a = {.batch = &of, .attr.size = 5};
    a.x = a.y = (nf_tensor){.data = x, .dtype = NF_I32, .rank = 1, .dim = {6}, .stride = {1}};
    a.y.data = y;
    for (int64_t b = 0; b < nf_tensor_rows(&a.y); b++) nf_rank_ids_ref(&a, b);
    assert_memory_equal(y, want[rank], sizeof y);
  }
}

// y of the row h[COLS].
static void check_norm(const nf_tensor *y, const nf_tensor *w, int r, const double *h, bool one_plus) {
  double square = 0;
  for (int c = 0; c < COLS; c++) square += h[c] * h[c];
  for (int c = 0; c < COLS; c++)
    near(at(y, r, c), h[c] / sqrt(square / COLS + 1e-5) * (one_plus + at(w, 0, c)),
         y->dtype == NF_F32    ? 1e-6
         : y->dtype == NF_BF16 ? 0x1p-8
                               : 0x1p-11);
}

static void norms(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_F32, NF_BF16, NF_F16};
  for (int n = 0; n < 6; n++) {
    const nf_dtype dtype = dtypes[n / 2];
    const bool one_plus = n % 2;
    memory *m = &rank_memory[1];
    set_up(dtype);
    nf_rms_norm_args a = {.batch = &batch,
                          .attr = {.eps = 1e-5f, .one_plus = one_plus, .reduce = true, .pad = PADDED},
                          .x = tensor(dtype, ROWS, COLS, m->x),
                          .residual = tensor(dtype, ROWS, COLS, m->residual),
                          .w = tensor(NF_F32, 1, COLS, m->w),
                          .y = tensor(dtype, ROWS, PADDED, m->y),
                          .sum = tensor(dtype, ROWS, COLS, m->sum)},
                     b = a, c = a;
    b.residual = (nf_tensor){0};
    c.attr.reduce = false;
    for (int r = 0; r < ROWS; r++) {
      double h[COLS];
      nf_rms_norm_ref(&a, r);
      for (int i = 0; i < COLS; i++) {
        h[i] = rounded(dtype, reduced(dtype, r, i)) + at(&a.residual, r, i);
        near(at(&a.sum, r, i), rounded(dtype, h[i]), dtype == NF_F32 ? 1e-6 : 0);
      }
      check_norm(&a.y, &a.w, r, h, one_plus);
      nf_rms_norm_ref(&b, r);
      for (int i = 0; i < COLS; i++) {
        h[i] = rounded(dtype, reduced(dtype, r, i));
        near(at(&b.sum, r, i), h[i], dtype == NF_F32 ? 1e-6 : 0);
      }
      check_norm(&b.y, &b.w, r, h, one_plus);
      nf_rms_norm_ref(&c, r);
      for (int i = 0; i < COLS; i++) {
        h[i] = at(&c.x, r, i) + at(&c.residual, r, i);
        near(at(&c.sum, r, i), rounded(dtype, h[i]), dtype == NF_F32 ? 1e-6 : 0);
      }
      check_norm(&c.y, &c.w, r, h, one_plus);
    }
    zeros_behind(&a.y);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(padding), cmocka_unit_test(sums_over_ranks),
                                     cmocka_unit_test(columns_of_all_ranks),
                                     cmocka_unit_test(indices_into_a_part), cmocka_unit_test(norms)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
