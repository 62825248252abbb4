// SPDX-License-Identifier: Apache-2.0
// Every code of every small float against its formula in double, and encoding against a search for the
// nearest code.
#include "tensor/scalar.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

// A format: its non-negative finite codes are 0 to codes - 1, in the order of their values.
typedef struct format {
  const char *name;
  int mantissa, bias;
  uint32_t codes;
  uint32_t sign;
  bool saturates; // else the code `codes` is infinity
  uint32_t (*encode)(float);
  float (*decode)(uint32_t);
} format;

static uint32_t enc_bf16(float x) { return nf_bf16_encode(x); }
static uint32_t enc_f16(float x) { return nf_f16_encode(x); }
static uint32_t enc_e4m3(float x) { return nf_e4m3_encode(x); }
static uint32_t enc_e2m1(float x) { return nf_e2m1_encode(x); }
static float dec_bf16(uint32_t c) { return nf_bf16_decode((uint16_t)c); }
static float dec_f16(uint32_t c) { return nf_f16_decode((uint16_t)c); }
static float dec_e4m3(uint32_t c) { return nf_e4m3_decode((uint8_t)c); }
static float dec_e2m1(uint32_t c) { return nf_e2m1_decode((uint8_t)c); }

static const format formats[] = {
    {"bf16", 7, 127, 0x7f80, 0x8000, false, enc_bf16, dec_bf16},
    {"f16", 10, 15, 0x7c00, 0x8000, false, enc_f16, dec_f16},
    {"e4m3", 3, 7, 0x7f, 0x80, true, enc_e4m3, dec_e4m3},
    {"e2m1", 1, 1, 8, 8, true, enc_e2m1, dec_e2m1},
};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

static double value_of(const format *f, uint32_t c) {
  int e = (int)(c >> f->mantissa), one = 1 << f->mantissa, m = (int)c & (one - 1);
  if (e == 0) return ldexp(m, 1 - f->bias - f->mantissa);
  return ldexp(one + m, e - f->bias - f->mantissa);
}

static uint32_t nearest(const format *f, double a) {
  uint32_t lo = 0, hi = f->codes;
  while (hi - lo > 1) {
    uint32_t mid = (lo + hi) / 2;
    if (value_of(f, mid) <= a)
      lo = mid;
    else
      hi = mid;
  }
  if (hi == f->codes && f->saturates) return lo;
  if (isinf(a)) return hi;
  double below = a - value_of(f, lo), above = value_of(f, hi) - a;
  if (below == above) return lo % 2 ? hi : lo;
  return below < above ? lo : hi;
}

static void check_encode(const format *f, float x) {
  uint32_t want = nearest(f, fabs((double)x)) | (signbit(x) ? f->sign : 0), got = f->encode(x);
  if (got != want) fail_msg("%s: %a gives %#x, not %#x", f->name, (double)x, got, want);
}

static void codes_decode_and_round_trip(void **state) {
  (void)state;
  for (int k = 0; k < N_FORMATS; k++) {
    const format *f = &formats[k];
    for (uint32_t c = 0; c < f->codes; c++)
      for (int negative = 0; negative < 2; negative++) {
        uint32_t code = c | (negative ? f->sign : 0);
        float x = f->decode(code);
        if ((double)x != (negative ? -value_of(f, c) : value_of(f, c)) || !!signbit(x) != negative)
          fail_msg("%s: code %#x decodes to %a", f->name, code, (double)x);
        if (f->encode(x) != code) fail_msg("%s: code %#x comes back as %#x", f->name, code, f->encode(x));
      }
  }
}

static void ties_and_neighbours(void **state) {
  (void)state;
  for (int k = 0; k < N_FORMATS; k++) {
    const format *f = &formats[k];
    for (uint32_t c = 0; c < f->codes; c++) {
      float tie = (float)((value_of(f, c) + value_of(f, c + 1)) / 2);
      const float xs[] = {tie, nextafterf(tie, 0), nextafterf(tie, INFINITY), -tie};
      for (size_t i = 0; i < sizeof xs / sizeof xs[0]; i++) check_encode(f, xs[i]);
    }
    const float far[] = {INFINITY, -INFINITY, 0x1.fffffep127f, 0x1p-149f, -0x1p-149f, 0.0f, -0.0f};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) check_encode(f, far[i]);
  }
}

static void random_floats(void **state) {
  (void)state;
  uint32_t r = 0x9e3779b9;
  for (int i = 0; i < 300000; i++) {
    r ^= r << 13, r ^= r >> 17, r ^= r << 5;
    float wide = nf_of_bits(r), small = ldexpf((float)(int32_t)r, -28 - (int)(r % 20));
    for (int k = 0; k < N_FORMATS; k++) {
      if (!isnan(wide)) check_encode(&formats[k], wide);
      check_encode(&formats[k], small);
    }
  }
}

static void nan_and_infinity(void **state) {
  (void)state;
  for (uint32_t c = 0x7f81; c < 0x8000; c++) {
    assert_true(isnan(nf_bf16_decode((uint16_t)c)));
    assert_int_equal(nf_bf16_encode(nf_bf16_decode((uint16_t)c)), c | 0x40);
    assert_int_equal(nf_bf16_encode(nf_bf16_decode((uint16_t)(c | 0x8000))), c | 0x8040);
  }
  for (uint32_t c = 0x7c01; c < 0x8000; c++) {
    assert_true(isnan(nf_f16_decode((uint16_t)c)));
    assert_int_equal(nf_f16_encode(nf_f16_decode((uint16_t)c)), c | 0x200);
    assert_int_equal(nf_f16_encode(nf_f16_decode((uint16_t)(c | 0x8000))), c | 0x8200);
  }
  assert_int_equal(nf_bf16_encode(nf_of_bits(0x7f800001)), 0x7fc0); // the payload's upper bits are all zero
  assert_int_equal(nf_bf16_encode(nf_of_bits(0x7fffffff)), 0x7fff);
  assert_int_equal(nf_f16_encode(nf_of_bits(0x7f800001)), 0x7e00);
  assert_true(isinf(nf_bf16_decode(0x7f80)) && isinf(nf_f16_decode(0x7c00)) && nf_f16_decode(0xfc00) < 0);
  assert_true(isnan(nf_e4m3_decode(0x7f)) && isnan(nf_e4m3_decode(0xff)));
  assert_int_equal(nf_e4m3_encode(NAN) & 0x7f, 0x7f);
  assert_int_equal(nf_e4m3_encode(-NAN), 0xff);
  assert_int_equal(nf_e4m3_encode(464.0f), 0x7e);
  assert_int_equal(nf_e2m1_encode(NAN), 0);
  assert_int_equal(nf_e2m1_encode(-NAN), 0);
}

static void scales(void **state) {
  (void)state;
  for (int c = 0; c < 255; c++) assert_true((double)nf_e8m0_decode((uint8_t)c) == ldexp(1, c - 127));
  assert_true(isnan(nf_e8m0_decode(255)));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(codes_decode_and_round_trip),
                                     cmocka_unit_test(ties_and_neighbours), cmocka_unit_test(random_floats),
                                     cmocka_unit_test(nan_and_infinity), cmocka_unit_test(scales)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
