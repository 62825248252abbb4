// SPDX-License-Identifier: Apache-2.0
// What masks leave of a processor.
#include "hw/hw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

#define V3 (NF_CPU_AVX2 | NF_CPU_FMA | NF_CPU_F16C)
#define V4 (V3 | NF_CPU_AVX512)
#define ZEN4 (V4 | NF_CPU_AVX512_VBMI | NF_CPU_AVX512_BF16 | NF_CPU_AVX512_VNNI)
#define ALL (ZEN4 | NF_CPU_AVX512_FP16 | NF_CPU_AMX_BF16 | NF_CPU_AMX_INT8)

static void masks(void **) {
  static const struct {
    const char *mask;
    uint64_t of_all, of_zen4;
  } rows[] = {
      {"none", 0, 0},
      {"all", ALL, ZEN4},
      {"fma", NF_CPU_FMA, NF_CPU_FMA},
      {"avx2", V3, V3},
      {"avx512", V4, V4},
      {"avx512_vnni,avx512_bf16", V4 | NF_CPU_AVX512_VNNI | NF_CPU_AVX512_BF16,
       V4 | NF_CPU_AVX512_VNNI | NF_CPU_AVX512_BF16},
      {"amx_bf16", V4 | NF_CPU_AMX_BF16, V4},
      {"-amx_bf16,-amx_int8", ZEN4 | NF_CPU_AVX512_FP16, ZEN4},
      {"-avx512", V3, V3},
      {"-fma", NF_CPU_F16C, NF_CPU_F16C},
      {"all,-avx512_vnni", ALL & ~(uint64_t)NF_CPU_AVX512_VNNI, ZEN4 & ~(uint64_t)NF_CPU_AVX512_VNNI},
      {"neon", 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nf_hw all = {.cores = 2, .features = ALL}, zen4 = {.cores = 2, .features = ZEN4};
    nf_hw_state_peaks(&all);
    assert_true(nf_is_ok(nf_hw_mask(&all, rows[i].mask)) && nf_is_ok(nf_hw_mask(&zen4, rows[i].mask)));
    assert_int_equal(all.features, rows[i].of_all);
    assert_int_equal(zen4.features, rows[i].of_zen4);
    nf_hw stated = all;
    nf_hw_state_peaks(&stated);
    for (int r = 0; r < NF_RATE_COUNT; r++) assert_true(all.peak[r] == stated.peak[r]);
  }
}

static void wrong(void **) {
  static const struct {
    const char *mask, *says;
  } rows[] = {{"avx51", "did you mean avx512"},
              {"", "knows no ''"},
              {"avx2,", "knows no ''"},
              {"-", "knows no ''"},
              {"avx2,-avx_512", "'avx_512', did you mean avx512"},
              {"avx2 fma", "knows no 'avx2 fma'"},
              {"-all", "takes away features, not 'all'"},
              {"avx2,-none", "not 'none'"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nf_hw hw = {.cores = 2, .features = V4};
    const nf_status st = nf_hw_mask(&hw, rows[i].mask);
    assert_int_equal(nf_status_code(st), NF_USAGE);
    if (strstr(nf_status_message(st), rows[i].says) == NULL) fail_msg("%s", nf_status_message(st));
    assert_int_equal(hw.features, V4);
    nf_status_free(st);
  }
  nf_hw gpu;
  assert_true(nf_is_ok(nf_hw_target("h100", &gpu)));
  const nf_status st = nf_hw_mask(&gpu, "avx2");
  assert_string_equal(nf_status_message(st), "NVIDIA H100 SXM is no CPU: a CPU mask says nothing about it");
  nf_status_free(st);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(masks), cmocka_unit_test(wrong)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
