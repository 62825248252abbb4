// SPDX-License-Identifier: Apache-2.0
// Targets that are not here are complete and plausible rows; a wrong name gets the nearest; stated peaks grow
// with what a processor has.
#include "hw/hw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static nf_hw target(const char *name) {
  nf_hw hw = {0};
  nf_status st = nf_hw_target(name, &hw);
  assert_string_equal(nf_status_message(st), "");
  return hw;
}

static void rows(void **state) {
  (void)state;
  int n = 0;
  for (const char *name; (name = nf_hw_target_name(n)) != NULL; n++) {
    const nf_hw hw = target(name);
    const bool gpu = hw.backend == NF_BACKEND_CUDA || hw.backend == NF_BACKEND_HIP;
    assert_true(strcmp(hw.target, name) == 0 && strlen(hw.name) > 0 && hw.memory >= 64ull << 30);
    assert_true(gpu || hw.backend == NF_BACKEND_CPU);
    assert_int_equal(hw.cores == 0, gpu);
    assert_int_equal(hw.multiprocessors != 0, gpu);
    assert_true(hw.bandwidth > 1e11 && hw.bandwidth < 1e13 && hw.launch > 0 && hw.launch < 1e-5);
    assert_true(hw.link > 0 && hw.link <= hw.links && hw.links <= hw.bandwidth);
    for (int r = 0; r < NF_RATE_COUNT; r++) // wider types are never faster
      assert_true(hw.peak[r] > 1e12 && (r == 0 || hw.peak[r] >= hw.peak[r - 1]));
    for (int bit = 0; bit < 64; bit++)
      if (hw.features >> bit & 1) assert_true(bit < NF_FEATURE_BITS && *nf_feature_name(bit) != '\0');
  }
  assert_true(n >= 19);
  assert_null(nf_hw_target_name(-1));
  assert_int_equal(target("gfx950").multiprocessors, 256);
  assert_int_equal(target("sm_90").features, NF_GPU(SM_90) | NF_GPU(SM_90A));
  assert_int_equal(target("graviton3").features, NF_CPU_NEON);
  for (int i = 0; nf_hw_target_alias(i) != NULL; i++)
    assert_string_equal(target(nf_hw_target_alias(i)->name).target, nf_hw_target_alias(i)->target);
  assert_string_equal(target("H100").target, "sm_90");
  assert_string_equal(target("MI300X").target, "gfx942");
  assert_true(target("h200").memory == 141000000000 && target("mi325x").memory == 256000000000);
}

static void wrong_names(void **state) {
  (void)state;
  static const struct {
    const char *name, *want;
  } row[] = {
      {"gfx95", "there is no target 'gfx95'; did you mean gfx950?"},
      {"sm90", "there is no target 'sm90'; did you mean sm_90?"},
      {"zen6", "there is no target 'zen6'; did you mean zen4?"},
      {"abacus", "there is no target 'abacus'; there are gfx942 mi325x gfx950 sm_90 h200 sm_100 zen4 "},
      {"", "there is no target ''; there are gfx942 "}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    nf_hw hw = {.cores = 7};
    nf_status st = nf_hw_target(row[i].name, &hw);
    assert_int_equal(nf_status_code(st), NF_USAGE);
    assert_int_equal(strncmp(nf_status_message(st), row[i].want, strlen(row[i].want)), 0);
    assert_int_equal(hw.cores, 7);
    nf_status_free(st);
  }
}

static void peaks(void **state) {
  (void)state;
  const uint64_t avx2 = NF_CPU_AVX2 | NF_CPU_FMA, avx512 = avx2 | NF_CPU_AVX512 | NF_CPU_AVX512_VNNI;
  assert_true(nf_cpu_rate(0, NF_RATE_F32) == 8 && nf_cpu_rate(NF_CPU_NEON, NF_RATE_BF16) == 8);
  assert_true(nf_cpu_rate(NF_CPU_AVX2, NF_RATE_F32) == 8); // without FMA it is none of ours
  assert_true(nf_cpu_rate(avx2, NF_RATE_8BIT) == 32 && nf_cpu_rate(avx512, NF_RATE_8BIT) == 128);
  assert_true(nf_cpu_rate(avx512, NF_RATE_BF16) == 32);
  assert_true(nf_cpu_rate(avx512 | NF_CPU_AVX512_BF16, NF_RATE_BF16) == 64);
  assert_true(nf_cpu_rate(avx512 | NF_CPU_AMX_BF16, NF_RATE_BF16) == 1024);
  assert_true(nf_cpu_rate(NF_CPU_AMX_INT8, NF_RATE_8BIT) == 2048);
  nf_hw two = {.cores = 2, .features = avx2}, many = {.cores = 64, .features = avx2};
  nf_hw_state_peaks(&two);
  nf_hw_state_peaks(&many);
  assert_true(two.bandwidth == 20e9 && many.bandwidth == 200e9); // the channels end it
  assert_true(two.peak[NF_RATE_F32] == 2 * 2e9 * 32 && many.peak[NF_RATE_F32] == 32 * two.peak[NF_RATE_F32]);
  // No row of targets.def promises less than its features do.
  for (int i = 0; nf_hw_target_name(i) != NULL; i++) {
    const nf_hw hw = target(nf_hw_target_name(i));
    for (int r = 0; r < NF_RATE_COUNT && hw.cores != 0; r++)
      assert_true(hw.peak[r] >= 2e9 * hw.cores * nf_cpu_rate(hw.features, (nf_rate)r));
  }
  nf_hw here;
  assert_true(nf_is_ok(nf_hw_detect(&here)));
  assert_true(here.bandwidth > 0 && here.peak[NF_RATE_F32] > 0 && here.launch > 0 && here.target == NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(wrong_names),
                                     cmocka_unit_test(peaks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
