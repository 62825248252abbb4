// SPDX-License-Identifier: Apache-2.0
// Detection gives plausible facts, and names exist for all that it can give.
#include "base/cores.h"
#include "hw/hw.h"
#include "hw/topology.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void detect(void **state) {
  (void)state;
  nf_hw hw;
  nf_status st = nf_hw_detect(&hw);
  assert_string_equal(nf_status_message(st), "");
  assert_true(strlen(hw.name) > 0 && hw.cores > 0 && hw.memory > 1 << 20);
  assert_int_equal(hw.backend, NF_BACKEND_CPU);
  assert_int_equal(hw.features >> NF_CPU_FEATURE_COUNT, 0);
#if defined(__x86_64__)
  assert_int_equal(!!(hw.features & NF_CPU_AVX2), !!__builtin_cpu_supports("avx2"));
  assert_int_equal(!!(hw.features & NF_CPU_FMA), !!__builtin_cpu_supports("fma"));
  assert_int_equal(!!(hw.features & NF_CPU_AVX512), !!__builtin_cpu_supports("avx512f"));
  assert_int_equal(!!(hw.features & NF_CPU_AVX512_VNNI), !!__builtin_cpu_supports("avx512vnni"));
  assert_false(hw.features & NF_CPU_NEON);
#endif
}

static void topology(void **state) {
  (void)state;
  nf_topology t;
  assert_true(nf_is_ok(nf_hw_topology(&t)));
  assert_true(t.packages >= 1 && t.memory_nodes >= 1 && t.cores >= 1 && t.cpus >= t.cores);
  assert_int_equal(t.cpus, nf_allowed_cores().cpus);
  for (int i = 1; i < NF_CACHE_LEVELS; i++)
    assert_true(t.cache[i].bytes == 0 || (t.cache[i].bytes >= t.cache[i - 1].bytes && t.cache[i].n >= 1));
}

static void names(void **state) {
  (void)state;
  assert_string_equal(nf_cpu_feature_name(NF_CPU_INDEX_AVX512_BF16), "avx512_bf16");
  assert_string_equal(nf_backend_name(NF_BACKEND_REF), "ref");
  assert_string_equal(nf_backend_name(NF_BACKEND_CPU), "cpu");
  assert_string_equal(nf_backend_name(NF_BACKEND_CUDA), "cuda");
  assert_string_equal(nf_backend_name(NF_BACKEND_HIP), "hip");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(detect), cmocka_unit_test(topology),
                                     cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
