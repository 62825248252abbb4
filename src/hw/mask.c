// SPDX-License-Identifier: Apache-2.0
// Masks: a processor as if it had less, for tests, and for what runs the same on several machines.
#include "hw/hw.h"
#include <stdio.h>
#include <string.h>

#define X86_64_V3 NF_CPU_AVX2 | NF_CPU_FMA | NF_CPU_F16C
#define X86_64_V4 X86_64_V3 | NF_CPU_AVX512

// A name of a mask, and all that it stands for: itself and what no processor that has it lacks.
static const nf_mask_name names[] = {
    {"none", 0},
    {"fma", NF_CPU_FMA},
    {"f16c", NF_CPU_F16C},
    {"avx2", X86_64_V3},
    {"avx512", X86_64_V4},
    {"avx512_vbmi", X86_64_V4 | NF_CPU_AVX512_VBMI},
    {"avx512_bf16", X86_64_V4 | NF_CPU_AVX512_BF16},
    {"avx512_vnni", X86_64_V4 | NF_CPU_AVX512_VNNI},
    {"avx512_fp16", X86_64_V4 | NF_CPU_AVX512_FP16},
    {"amx_bf16", X86_64_V4 | NF_CPU_AMX_BF16},
    {"amx_int8", X86_64_V4 | NF_CPU_AMX_INT8},
    {"neon", NF_CPU_NEON},
    {"all", ~0ull},
};
enum { N_NAMES = sizeof names / sizeof *names };

const nf_mask_name *nf_hw_mask_name(int index) {
  return index >= 0 && index < N_NAMES ? &names[index] : NULL;
}

static nf_status find(nf_view name, uint64_t *out) {
  const char *list[N_NAMES];
  for (int i = 0; i < N_NAMES; i++) {
    list[i] = names[i].name;
    if (nf_view_equal(name, nf_view_of(names[i].name))) return *out = names[i].features, nf_ok();
  }
  char text[32];
  snprintf(text, sizeof text, "%.*s", (int)name.n, name.at);
  const char *near = nf_nearest(text, list, N_NAMES);
  return nf_error(NF_USAGE, "a CPU mask knows no '%s'%s%s; it is a list such as avx512,-avx512_vnni", text,
                  near != NULL ? ", did you mean " : "", near != NULL ? near : "");
}

// All that stands for this feature and maybe others: without it they are not there either.
static uint64_t users_of(uint64_t feature) {
  uint64_t users = 0;
  for (int i = 0; i < N_NAMES; i++)
    for (int bit = 0; bit < NF_CPU_FEATURE_COUNT; bit++)
      if (strcmp(names[i].name, nf_cpu_feature_name(bit)) == 0 && (names[i].features & feature) == feature)
        users |= 1ull << bit;
  return users;
}

static nf_status parse(const char *mask, uint64_t *out) {
  *out = *mask == '-' ? ~0ull : 0;
  for (const char *at = mask;; at++) {
    const bool without = *at == '-';
    at += without;
    const size_t n = strcspn(at, ",");
    uint64_t features = 0;
    NF_TRY(find((nf_view){at, n}, &features));
    if (without && (features == 0 || features == ~0ull))
      return nf_error(NF_USAGE, "a CPU mask takes away features, not '%.*s'", (int)n, at);
    *out = without ? *out & ~users_of(features) : *out | features;
    at += n;
    if (*at == '\0') return nf_ok();
  }
}

nf_status nf_hw_mask(nf_hw *hw, const char *mask) {
  uint64_t kept;
  if (hw->cores == 0) return nf_error(NF_USAGE, "%s is no CPU: a CPU mask says nothing about it", hw->name);
  NF_TRY(parse(mask, &kept));
  const uint64_t all = hw->features;
  hw->features &= kept;
  for (int r = 0; r < NF_RATE_COUNT; r++)
    hw->peak[r] *= nf_cpu_rate(hw->features, (nf_rate)r) / nf_cpu_rate(all, (nf_rate)r);
  return nf_ok();
}
