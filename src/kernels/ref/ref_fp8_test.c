// SPDX-License-Identifier: Apache-2.0
// FP8 in the references: products with weights scaled by row and by block, and codes and scales of quantise.
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include "tests/support/oracle.h"

// Any code but the two that are no numbers, any scale up to 2.
static nf_tensor fill_fp8(nf_tensor t) {
  uint8_t *code = t.data;
  float *scale = t.scale;
  for (int64_t i = 0, n = nf_tensor_rows(&t) * nf_tensor_cols(&t); i < n; i++)
    code[i] = (uint8_t)((random_state = random_state * 1664525u + 1013904223u) >> 24) & 0xfb;
  for (int64_t r = 0; r < nf_tensor_rows(&t); r++) {
    scale = nf_tensor_scales(&t, r);
    for (int64_t g = 0; g < nf_scale_cols(t.dtype, nf_tensor_cols(&t)); g++)
      if (scale[g] == 0) scale[g] = (float)(1.5 + uniform() / 2);
  }
  return t;
}

static double e4m3(uint8_t c) { // OFP8 1.0: sign, four bits of exponent with bias 7, three of fraction
  const int e = c >> 3 & 15, f = c & 7;
  return (c & 0x80 ? -1 : 1) * (e ? ldexp(8 + f, e - 10) : ldexp(f, -9));
}

// Element (r, c) of matrix e of N rows, its scale found by counting blocks from the start of the scales.
static double fp8_at(const nf_tensor *t, int64_t e, int64_t r, int64_t c) {
  const int64_t N = t->rank > 1 ? t->dim[t->rank - 2] : 1, K = nf_tensor_cols(t);
  const int64_t across = t->dtype == NF_FP8_ROW ? 1 : (K + 127) / 128,
                rows = t->dtype == NF_FP8_BLOCK ? 128 : 1;
  const int64_t of_matrix = (N + rows - 1) / rows, col = t->dtype == NF_FP8_ROW ? 0 : c / 128;
  return e4m3(((const uint8_t *)t->data)[(e * N + r) * K + c]) *
         (double)((const float *)t->scale)[(e * of_matrix + r / rows) * across + col];
}

static double x_at(const nf_tensor *x, int64_t r, int64_t c) {
  return nf_is_fp8(x->dtype) ? fp8_at(x, 0, r, c) : at(x, r, c);
}

static void linear_case(nf_dtype x, nf_dtype w, int64_t n, int64_t k) {
  nf_linear_args a = {.x = tensor_of(NF_TYPE(x, NF_C(3), NF_C(k))),
                      .w = fill_fp8(tensor_of(NF_TYPE(w, NF_C(n), NF_C(k)))),
                      .bias = RANDOM(BF16, NF_C(n)),
                      .y = ZEROS(F32, NF_C(3), NF_C(n))};
  if (nf_is_fp8(x))
    fill_fp8(a.x);
  else
    fill(a.x, 1);
  RUN(linear, &a);
  for (int64_t t = 0; t < 3; t++)
    for (int64_t i = 0; i < n; i++) {
      double want = at(&a.bias, 0, i), sum = fabs(want);
      for (int64_t j = k - 1; j >= 0; j--) {
        const double p = x_at(&a.x, t, j) * fp8_at(&a.w, 0, i, j);
        want += p, sum += fabs(p);
      }
      near(&a.y, t, i, want, sum);
    }
}

static void linear(void **state) {
  (void)state;
  static const int64_t shapes[][2] = {{3, 5}, {128, 128}, {129, 257}, {300, 200}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    linear_case(NF_F32, NF_FP8_ROW, shapes[i][0], shapes[i][1]);
    linear_case(NF_BF16, NF_FP8_BLOCK, shapes[i][0], shapes[i][1]);
    linear_case(NF_FP8_ROW, NF_FP8_ROW, shapes[i][0], shapes[i][1]);
    linear_case(NF_FP8_GROUP, NF_FP8_BLOCK, shapes[i][0], shapes[i][1]);
  }
}

// Experts of 130 rows: each begins with a block of its own. Packed weights give the same bytes as plain ones.
static void experts(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_FP8_ROW, NF_FP8_BLOCK};
  enum { E = 3, N = 130, K = 150 };
  for (int i = 0; i < 2; i++) {
    const nf_type type = NF_TYPE(dtypes[i], NF_C(E), NF_C(N), NF_C(K));
    nf_grouped_linear_args a = {.x = RANDOM(F32, NF_C(2), NF_C(K)),
                                .ids = ZEROS(I32, NF_C(2), NF_C(2)),
                                .w = fill_fp8(tensor_of(type)),
                                .y = ZEROS(F32, NF_C(2), NF_C(2), NF_C(N))};
    static const int32_t ids[] = {2, 0, 1, 2};
    memcpy(a.ids.data, ids, sizeof ids);
    RUN(grouped_linear, &a);
    for (int r = 0; r < 4; r++)
      for (int n = 0; n < N; n++) {
        double want = 0, sum = 0;
        for (int k = 0; k < K; k++) {
          const double p = at(&a.x, r / 2, k) * fp8_at(&a.w, ids[r], n, k);
          want += p, sum += fabs(p);
        }
        near(&a.y, r, n, want, sum);
      }
    nf_grouped_linear_args packed = a;
    packed.w = tensor_of(nf_type_packed(type, NF_PACK_N16));
    packed.y = ZEROS(F32, NF_C(2), NF_C(2), NF_C(N));
    nf_pack_tensor(&packed.w, &a.w);
    RUN(grouped_linear, &packed);
    assert_memory_equal(packed.y.data, a.y.data, 4 * N * sizeof(float));
  }
}

// Codes and scales of one row by hand. 448 becomes the largest code, so the scale is 1.
static void codes_by_hand(void **state) {
  (void)state;
  static const struct {
    float x;
    uint8_t code;
  } row[] = {{448, 0x7e},   {-448, 0xfe},  {1, 0x38},       {-1.5f, 0xbc},   {0, 0x00},
             {-0.0f, 0x80}, {17, 0x58},    {19, 0x5a},      {17.1f, 0x59},   {0x1p-9f, 0x01},
             {0x1p-10f, 0}, {0x3p-10f, 2}, {0x1.1p-10f, 1}, {0x1p-6f, 0x08}, {464, 0x7e}};
  enum { N = sizeof row / sizeof *row };
  nf_quantise_args a = {.x = ZEROS(F32, NF_C(1), NF_C(N - 1)), .y = ZEROS(FP8_ROW, NF_C(1), NF_C(N - 1))};
  for (int i = 0; i < N - 1; i++) ((float *)a.x.data)[i] = row[i].x;
  RUN(quantise, &a);
  assert_true(*(float *)a.y.scale == 1);
  for (int i = 0; i < N - 1; i++)
    if (((uint8_t *)a.y.data)[i] != row[i].code)
      fail_msg("%g: code %02x, not %02x", (double)row[i].x, ((uint8_t *)a.y.data)[i], row[i].code);
}

// Groups of 128: a full one, a zero one, a partial one; values from the smallest to the largest.
static void groups(void **state) {
  (void)state;
  enum { K = 300 };
  static const float sizes[] = {1, 0x1p-149f, 0x1p-100f, 3e38f, 0.37f};
  for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
    nf_quantise_args a = {.x = ZEROS(F32, NF_C(2), NF_C(K)), .y = ZEROS(FP8_GROUP, NF_C(2), NF_C(K))};
    float *x = a.x.data;
    for (int i = 0; i < 2 * K; i++) x[i] = (float)(uniform() * (double)sizes[n]);
    memset(x + 128, 0, 128 * sizeof *x);
    memset(a.y.scale, 0xff, 6 * sizeof(float));
    RUN(quantise, &a);
    for (int r = 0; r < 2; r++)
      for (int g = 0; g < 3; g++) {
        float most = 0;
        for (int i = g * 128; i < K && i < g * 128 + 128; i++) most = fmaxf(most, fabsf(x[r * K + i]));
        const float scale = most / 448 == 0 ? 1 : most / 448;
        assert_true(((float *)a.y.scale)[r * 3 + g] == scale);
        for (int i = g * 128; i < K && i < g * 128 + 128; i++)
          assert_int_equal(((uint8_t *)a.y.data)[r * K + i], nf_e4m3_encode(x[r * K + i] / scale));
      }
  }
}

// One scale for the row, whatever its length; rows with heads; a row of zeros; the largest value is code 448.
static void by_row(void **state) {
  (void)state;
  nf_quantise_args a = {.x = RANDOM(BF16, NF_C(2), NF_C(3), NF_C(200)),
                        .y = ZEROS(FP8_ROW, NF_C(2), NF_C(3), NF_C(200))};
  memset(nf_tensor_row(&a.x, 4), 0, 400);
  RUN(quantise, &a);
  for (int r = 0; r < 6; r++) {
    double most = 0;
    uint8_t top = 0;
    for (int i = 0; i < 200; i++) {
      const uint8_t code = ((uint8_t *)nf_tensor_row(&a.y, r))[i] & 0x7f;
      most = fmax(most, fabs(at(&a.x, r, i)));
      top = code > top ? code : top;
      assert_true(fabs(at(&a.y, r, i) - at(&a.x, r, i)) <= fabs(at(&a.x, r, i)) / 15 + most / 448 / 900);
    }
    assert_int_equal(top, r == 4 ? 0 : 0x7e);
    assert_true(*(float *)nf_tensor_scales(&a.y, r) == (r == 4 ? 1 : (float)most / 448));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(linear), cmocka_unit_test(experts),
                                     cmocka_unit_test(codes_by_hand), cmocka_unit_test(groups),
                                     cmocka_unit_test(by_row)};
  return cmocka_run_group_tests(tests, NULL, tear_down);
}
