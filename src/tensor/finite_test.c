// SPDX-License-Identifier: Apache-2.0
// Tests of the search for numbers that are none: every code, and every place around a block's border.
#include "tensor/finite.h"
#include "tensor/scalar.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void every_code_is_judged(void **state) {
  (void)state;
  for (unsigned u = 0; u < 1 << 16; u++) {
    const uint16_t h = (uint16_t)u;
    const uint32_t f = u << 16 | (u & 1);
    assert_int_equal(nf_first_not_finite(NF_BF16, &h, 1) == 1, isfinite(nf_bf16_decode(h)));
    assert_int_equal(nf_first_not_finite(NF_F16, &h, 1) == 1, isfinite(nf_f16_decode(h)));
    assert_int_equal(nf_first_not_finite(NF_F32, &f, 1) == 1, isfinite(nf_of_bits(f)));
  }
  for (unsigned u = 0; u < 256; u++) {
    const uint8_t c = (uint8_t)u;
    assert_int_equal(nf_first_not_finite(NF_F8E4M3, &c, 1) == 1, isfinite(nf_e4m3_decode(c)));
    assert_int_equal(nf_first_not_finite(NF_E8M0, &c, 1) == 1, isfinite(nf_e8m0_decode(c) * 6));
    assert_int_equal(nf_first_not_finite(NF_U8, &c, 1), 1);
  }
}

static void every_place_is_looked_at(void **state) {
  (void)state;
  static const struct {
    nf_dtype dtype;
    uint32_t bad;
  } kinds[] = {{NF_F32, 0xff800000}, {NF_BF16, 0x7fc0}, {NF_F16, 0xfc00}, {NF_F8E4M3, 0xff}, {NF_E8M0, 255}};
  enum { N = 2500 };
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const size_t size = (size_t)nf_dtype_of(kinds[k].dtype)->bits / 8;
    static uint32_t x[N];
    memset(x, 0, sizeof x);
    assert_int_equal(nf_first_not_finite(kinds[k].dtype, x, N), N);
    assert_int_equal(nf_first_not_finite(kinds[k].dtype, x, 0), 0);
    for (size_t i = N; i-- > 0;) { // each before those found so far
      memcpy((char *)x + i * size, &kinds[k].bad, size);
      assert_int_equal(nf_first_not_finite(kinds[k].dtype, x, N), i);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_code_is_judged),
                                     cmocka_unit_test(every_place_is_looked_at)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
