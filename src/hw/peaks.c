// SPDX-License-Identifier: Apache-2.0
// Stated peaks of CPUs: what a core does at least, from its features. Measuring them honestly takes tens of
// milliseconds of every core at every start and gives another answer each time on a shared machine; so these
// are statements, low on purpose. They compare plans with each other; they forecast no time.
#include "hw/hw.h"

// Operations a cycle of one core in float32, bf16 and 8 bit, of the weakest server cores with the feature:
//   none: one 128-bit multiply-add of four lanes each cycle.
//   avx2 + fma: two 256-bit FMA pipes (Haswell, Zen 2 and later).
//   avx512: Zen 4 splits a 512-bit FMA into two halves, and small Xeons have one pipe: no more than AVX2.
//   avx512_vnni: four 8-bit products a 32-bit lane; avx512_bf16: two products a lane, at the same width.
//   amx: TDPBF16PS multiplies 16x32 by 32x16 in 16 cycles, TDPBSSD 16x64 by 64x16.
// Without bf16 or 8-bit instructions those types are widened and run at the rate of float32.
static const struct {
  uint64_t need;
  double rate[NF_RATE_COUNT];
} rates[] = {
    {0, {8, 8, 8}},
    {NF_CPU_AVX2 | NF_CPU_FMA, {32, 32, 32}},
    {NF_CPU_AVX512, {32, 32, 32}},
    {NF_CPU_AVX512 | NF_CPU_AVX512_VNNI, {32, 32, 128}},
    {NF_CPU_AVX512 | NF_CPU_AVX512_BF16, {32, 64, 32}},
    {NF_CPU_AMX_BF16, {32, 1024, 1024}},
    {NF_CPU_AMX_INT8, {32, 32, 2048}},
};

double nf_cpu_rate(uint64_t features, nf_rate r) {
  double best = 0;
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
    if ((rates[i].need & ~features) == 0 && rates[i].rate[r] > best) best = rates[i].rate[r];
  return best;
}

void nf_hw_state_peaks(nf_hw *hw) {
  // The lowest base clock of the servers in targets.def.
  static const double clock = 2e9;
  // One core alone reads more (16 GB/s on a Sapphire Rapids guest, one core of two, 2026-11), all cores of a
  // socket together less each; from some twenty cores on the memory channels decide: eight of DDR4-3200.
  static const double core_bandwidth = 10e9, most_bandwidth = 200e9;
  // Waking a thread pool and waiting for it: the median of nf_threads_run with 64 empty blocks on two cores
  // of the same guest was 1.7 to 1.9 us.
  static const double launch = 2e-6;
  const double bandwidth = core_bandwidth * hw->cores;
  hw->bandwidth = bandwidth < most_bandwidth ? bandwidth : most_bandwidth;
  for (int r = 0; r < NF_RATE_COUNT; r++)
    hw->peak[r] = clock * hw->cores * nf_cpu_rate(hw->features, (nf_rate)r);
  hw->link = hw->links = hw->bandwidth; // ranks are threads: what one wrote another reads from memory
  hw->launch = launch;
}
