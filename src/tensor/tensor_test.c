// SPDX-License-Identifier: Apache-2.0
// Views and rows: padded layouts, odd strides, pools, every dtype.
#include "base/memory.h"
#include "tensor/scalar.h"
#include "tensor/tensor.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const nf_sizes sizes = {{1, 3, 2, 1}};

static nf_type parsed(const char *text) {
  nf_type t;
  assert_true(nf_is_ok(nf_type_parse(nf_view_of(text), &t)));
  return t;
}

// Storage of exactly the bytes a type asks for, filled with noise: a sanitizer sees each byte beyond.
static nf_tensor made(const char *text, int64_t slots) {
  nf_type t = parsed(text);
  size_t n;
  assert_true(nf_is_ok(nf_type_bytes(&t, &sizes, &n)));
  if (slots) n *= (size_t)slots;
  uint8_t *data = nf_alloc_aligned(n ? n : 1);
  assert_non_null(data);
  for (size_t i = 0; i < n; i++) data[i] = (uint8_t)(i * 131 + (i >> 8) * 7 + 5);
  return nf_tensor_of(&t, &sizes, slots, data);
}

static void padded_floats(void **state) {
  (void)state;
  nf_tensor t = made("bf16[T:2,5:6,7:9]", 0);
  assert_int_equal(nf_tensor_rows(&t), 15);
  assert_int_equal(nf_tensor_cols(&t), 7);
  assert_int_equal(t.stride[0], 54);
  assert_int_equal(t.stride[1], 9);
  assert_ptr_equal(nf_tensor_row(&t, 12), (uint16_t *)t.data + 2 * 54 + 2 * 9);
  float in[15][7], out[7];
  for (int r = 0; r < 15; r++) {
    for (int i = 0; i < 7; i++) in[r][i] = (float)(r * 7 + i) * 0.25f;
    nf_row_encode(&t, r, in[r]);
  }
  for (int r = 0; r < 15; r++) {
    nf_row_decode(&t, r, out);
    assert_memory_equal(out, in[r], sizeof out);
  }
  nf_free_aligned(t.data);
}

static void odd_strides(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_F32, NF_BF16, NF_F16};
  for (int k = 0; k < 3; k++) {
    float data[3 * 11] = {0}, in[] = {1, -2.5f, 0, 3, 65504}, out[5];
    nf_tensor t = {.data = data, .dtype = dtypes[k], .rank = 2, .dim = {3, 5}, .stride = {11, 1}};
    in[4] = dtypes[k] == NF_F16 ? 65504 : 65536;
    for (int r = 0; r < 3; r++) nf_row_encode(&t, r, in);
    for (int r = 0; r < 3; r++) {
      nf_row_decode(&t, r, out);
      assert_memory_equal(in, out, sizeof out);
    }
    t.stride[0] = 0; // a broadcast row
    nf_row_decode(&t, 2, out);
    assert_memory_equal(in, out, sizeof out);
  }
}

static void encode_rounds(void **state) {
  (void)state;
  uint16_t code[2];
  const float in[] = {1.00390625f, 65520.0f}; // halfway in bf16; beyond f16
  nf_tensor t = {.data = code, .dtype = NF_BF16, .rank = 1, .dim = {2}, .stride = {1}};
  nf_row_encode(&t, 0, in);
  assert_int_equal(code[0], 0x3f80);
  t.dtype = NF_F16;
  nf_row_encode(&t, 0, in);
  assert_int_equal(code[1], 0x7c00);
}

static void small_codes(void **state) {
  (void)state;
  static const struct {
    const char *type;
    float (*decode)(uint8_t);
  } kinds[] = {{"f8e4m3[2,9:11]", nf_e4m3_decode}, {"e8m0[2,9:11]", nf_e8m0_decode}};
  for (int k = 0; k < 2; k++) {
    nf_tensor t = made(kinds[k].type, 0);
    float out[9];
    for (int r = 0; r < 2; r++) {
      nf_row_decode(&t, r, out);
      for (int i = 0; i < 9; i++) {
        float want = kinds[k].decode(((uint8_t *)t.data)[r * 11 + i]);
        assert_memory_equal(&out[i], &want, sizeof want);
      }
    }
    nf_free_aligned(t.data);
  }
}

static void integers(void **state) {
  (void)state;
  int32_t a[] = {-5, 0, 1 << 24};
  int64_t b[] = {-5, 0, 1ll << 40};
  uint8_t c[] = {0, 128, 255};
  float out[3];
  nf_tensor t = {.data = a, .dtype = NF_I32, .rank = 1, .dim = {3}, .stride = {1}};
  nf_row_decode(&t, 0, out);
  assert_true(out[0] == -5 && out[1] == 0 && out[2] == 0x1p24f);
  t.dtype = NF_I64, t.data = b;
  nf_row_decode(&t, 0, out);
  assert_true(out[0] == -5 && out[2] == 0x1p40f);
  t.dtype = NF_U8, t.data = c;
  nf_row_decode(&t, 0, out);
  assert_true(out[0] == 0 && out[1] == 128 && out[2] == 255);
}

static void check_mxfp4(const nf_tensor *t, int64_t r, int64_t memory_row, int64_t padded_cols) {
  int64_t n = nf_tensor_cols(t);
  const uint8_t *code = (const uint8_t *)t->data + memory_row * padded_cols / 2;
  const uint8_t *scale = (const uint8_t *)t->scale + memory_row * padded_cols / 32;
  float *out = calloc((size_t)n, sizeof *out);
  assert_non_null(out);
  nf_row_decode(t, r, out);
  for (int64_t i = 0; i < n; i++) {
    float want = nf_e2m1_decode(code[i / 2] >> 4 * (i % 2) & 15) * nf_e8m0_decode(scale[i / 32]);
    if (isnan(want) ? !isnan(out[i]) : nf_bits_of(want) != nf_bits_of(out[i]))
      fail_msg("row %d column %d: %g, not %g", (int)r, (int)i, (double)out[i], (double)want);
  }
  free(out);
}

static void mxfp4(void **state) {
  (void)state;
  nf_tensor t = made("mxfp4[5:6,3:4,64:96]", 0);
  assert_ptr_equal(t.scale, (uint8_t *)t.data + 1152); // 24 rows of 48 bytes end on a line
  assert_int_equal(t.scale_stride, 3);
  ((uint8_t *)t.scale)[4] = 255;
  ((uint8_t *)t.scale)[0] = 0;
  for (int64_t r = 0; r < 15; r++) check_mxfp4(&t, r, r / 3 * 4 + r % 3, 96);
  nf_free_aligned(t.data);
  t = made("mxfp4[3,45:64]", 0); // a last group of 13: an odd tail
  assert_ptr_equal(t.scale, (uint8_t *)t.data + 128);
  for (int64_t r = 0; r < 3; r++) check_mxfp4(&t, r, r, 64);
  nf_free_aligned(t.data);
  t = made("mxfp4[32]", 0);
  check_mxfp4(&t, 0, 0, 32);
  nf_free_aligned(t.data);
}

// Scales of rows, of groups, and of blocks that begin anew with every matrix.
static void fp8(void **state) {
  (void)state;
  static const struct {
    const char *type;
    int64_t rows, cols; // that share a scale
  } kinds[] = {{"fp8row[3,130:144,300]", 1, 300},
               {"fp8g128[3,130,300]", 1, 128},
               {"fp8b128[3,130:144,300]", 128, 128}};
  for (int k = 0; k < 3; k++) {
    nf_tensor t = made(kinds[k].type, 0);
    const int64_t matrix = t.stride[0] / t.stride[1], across = (300 + kinds[k].cols - 1) / kinds[k].cols;
    const int64_t down = (matrix + kinds[k].rows - 1) / kinds[k].rows;
    float *scale = t.scale, out[300];
    assert_int_equal(t.scale_stride, across);
    for (int64_t i = 0; i < 3 * down * across; i++) scale[i] = (float)(i + 1) * 0.125f;
    for (int64_t r = 0; r < 390; r++) {
      const int64_t row = r / 130 * matrix + r % 130;
      nf_row_decode(&t, r, out);
      for (int64_t i = 0; i < 300; i++) {
        const float s = scale[(r / 130 * down + r % 130 / kinds[k].rows) * across + i / kinds[k].cols];
        const float want = nf_e4m3_decode(((uint8_t *)t.data)[row * 300 + i]) * s;
        assert_memory_equal(&out[i], &want, sizeof want);
      }
    }
    nf_free_aligned(t.data);
  }
}

static void all_pairs_of_codes(void **state) {
  (void)state;
  uint8_t code[256];
  float out[512];
  for (int i = 0; i < 256; i++) code[i] = (uint8_t)i;
  nf_tensor t = {.data = code, .dtype = NF_E2M1, .rank = 2, .dim = {1, 512}, .stride = {512, 1}};
  nf_row_decode(&t, 0, out);
  for (int i = 0; i < 512; i++) {
    float want = nf_e2m1_decode((uint8_t)(i % 2 ? i / 2 >> 4 : i / 2 & 15));
    assert_int_equal(nf_bits_of(out[i]), nf_bits_of(want));
  }
}

static void pools(void **state) {
  (void)state;
  nf_tensor t = made("full f32[2,3,4,5]", 6);
  assert_int_equal(t.rank, 5);
  assert_int_equal(t.dim[0], 6);
  assert_int_equal(t.stride[0], 2 * 3 * 4 * 5);
  assert_int_equal(nf_tensor_rows(&t), 6 * 24);
  assert_ptr_equal(nf_tensor_row(&t, 143), (float *)t.data + 143 * 5);
  nf_free_aligned(t.data);
}

static void empty_and_absent(void **state) {
  (void)state;
  const nf_type none = {0};
  const nf_type absent = parsed("mxfp4[4,32]");
  nf_tensor t = nf_tensor_of(&none, &sizes, 0, NULL);
  assert_null(t.data);
  assert_int_equal(t.dtype, NF_NONE);
  t = nf_tensor_of(&absent, &sizes, 0, NULL);
  assert_true(t.data == NULL && t.scale == NULL);
  t = made("f32[3,0]", 0);
  nf_row_decode(&t, 1, NULL);
  nf_free_aligned(t.data);
  t = made("f32[]", 0);
  const float in = 1.5f;
  float out;
  assert_int_equal(nf_tensor_rows(&t), 1);
  nf_row_encode(&t, 0, &in);
  nf_row_decode(&t, 0, &out);
  assert_true(out == in);
  nf_free_aligned(t.data);
}

static void columns(void **state) {
  (void)state;
  nf_tensor t = made("bf16[T,2,7]", 0), part = nf_tensor_columns(&t, 3, 2);
  float all[7], some[2];
  for (int r = 0; r < 6; r++) {
    nf_row_decode(&t, r, all);
    nf_row_decode(&part, r, some);
    assert_memory_equal(some, all + 3, sizeof some);
  }
  assert_int_equal(part.padded, 2);
  nf_free_aligned(t.data);
  t.data = NULL;
  assert_null(nf_tensor_columns(&t, 3, 2).data);
}

// Columns of one type, reshaped: where that is a view, elements come in the order of the columns.
static void reshapes(void **state) {
  (void)state;
  static const struct {
    const char *from;
    int64_t at, n;
    const char *to;
    bool view;
  } rows[] = {
      {"f32[T,12]", 0, 12, "f32[T,3,4]", true},
      {"f32[T,3,4]", 0, 4, "f32[T,12]", true},
      {"f32[T,3,4]", 0, 4, "f32[12*T]", true},
      {"f32[T,12]", 3, 6, "f32[T,2,3]", true},
      {"f32[T,12]", 3, 6, "f32[T,1,2,3,1]", true},
      {"f32[T,12]", 3, 6, "f32[6*T]", false},
      {"f32[T,12]", 3, 6, "f32[2*T,3]", false},
      {"f32[T,3,4]", 1, 2, "f32[T,6]", false},
      {"f32[T,3,4]", 1, 2, "f32[T,3,1,2]", true},
      {"f32[T,3,4]", 1, 2, "f32[3*T,2]", true},
      {"f32[T,3,4]", 1, 1, "f32[T,3]", false},
      {"f32[T,3,4]", 1, 1, "f32[T,3,1,1]", true},
      {"f32[1,12]", 3, 6, "f32[6]", true},
      {"f32[12]", 3, 6, "f32[2,3]", true},
      {"f32[0,12]", 3, 6, "f32[0,2]", true},
      {"bf16[T,2,3,8]", 1, 4, "bf16[T,6,2,2]", true},
      {"bf16[T,2,3,8]", 1, 4, "bf16[T,2,12]", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const nf_tensor t = made(rows[i].from, 0), x = nf_tensor_columns(&t, rows[i].at, rows[i].n);
    const nf_type to = parsed(rows[i].to);
    nf_tensor y;
    if (nf_tensor_reshape(&x, &to, &sizes, &y) != rows[i].view) fail_msg("row %zu", i);
    const int64_t n = nf_tensor_rows(&x) * nf_tensor_cols(&x), cols = nf_tensor_cols(&y);
    for (int64_t e = 0; rows[i].view && e < n; e++) {
      float a[36], b[36];
      nf_row_decode(&x, e / rows[i].n, a);
      nf_row_decode(&y, e / cols, b);
      assert_memory_equal(&a[e % rows[i].n], &b[e % cols], sizeof *a);
    }
    nf_free_aligned(t.data);
  }
}

// No stride follows from a size in front: arguments of kernels are laid out once for steps of all sizes.
static void reshapes_of_one_token(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"bf16[T,12]", "bf16[T,3,4]"},
                                        {"bf16[T,12]", "bf16[T,1,12]"},
                                        {"bf16[T,3,4]", "bf16[T,12]"},
                                        {"bf16[T,1,12]", "bf16[T,12]"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int64_t gap = 0; gap < 2; gap++) {
      const nf_type from = parsed(rows[i][0]), to = parsed(rows[i][1]);
      nf_tensor y[2];
      for (int64_t n = 1; n <= 2; n++) {
        const nf_sizes at = nf_sizes_of(n, 1, 1);
        nf_tensor x = nf_tensor_of(&from, &at, 0, NULL);
        x.stride[0] += gap * 5;
        assert_true(nf_tensor_reshape(&x, &to, &at, &y[n - 1]));
      }
      assert_memory_equal(y[0].stride, y[1].stride, sizeof y[0].stride);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(padded_floats),
                                     cmocka_unit_test(odd_strides),
                                     cmocka_unit_test(encode_rounds),
                                     cmocka_unit_test(small_codes),
                                     cmocka_unit_test(integers),
                                     cmocka_unit_test(mxfp4),
                                     cmocka_unit_test(fp8),
                                     cmocka_unit_test(all_pairs_of_codes),
                                     cmocka_unit_test(pools),
                                     cmocka_unit_test(columns),
                                     cmocka_unit_test(reshapes),
                                     cmocka_unit_test(reshapes_of_one_token),
                                     cmocka_unit_test(empty_and_absent)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
