// SPDX-License-Identifier: Apache-2.0
// Facts about a processor: what selection is a function of. Detection fills the struct; tests write it by
// hand.
#pragma once
#include "base/status.h"
#include "base/text.h"
#include <stdint.h>

typedef enum nf_backend {
  NF_BACKEND_REF, // the references, on the host
  NF_BACKEND_CPU,
  NF_BACKEND_COUNT
} nf_backend;
const char *nf_backend_name(nf_backend b);

// CPU features that kernels ask for, one bit each.
#define NF_CPU_FEATURES(X)    \
  X(AVX2, "avx2")             \
  X(FMA, "fma")               \
  X(F16C, "f16c")             \
  X(AVX512F, "avx512f")       \
  X(AVX512BW, "avx512bw")     \
  X(AVX512VL, "avx512vl")     \
  X(AVX512VNNI, "avx512vnni") \
  X(AVX512BF16, "avx512bf16") \
  X(AMX_BF16, "amx_bf16")     \
  X(NEON, "neon")
enum {
#define NF_CPU_BIT(id, name) NF_CPU_INDEX_##id,
  NF_CPU_FEATURES(NF_CPU_BIT)
#undef NF_CPU_BIT
      NF_CPU_FEATURE_COUNT
};
enum {
#define NF_CPU_BIT(id, name) NF_CPU_##id = 1 << NF_CPU_INDEX_##id,
  NF_CPU_FEATURES(NF_CPU_BIT)
#undef NF_CPU_BIT
};
const char *nf_cpu_feature_name(int index); // "avx2"

typedef struct nf_hw {
  char name[64]; // "AMD EPYC 9754", for people and cache keys
  nf_backend backend;
  uint64_t features; // NF_CPU_* bits
  int cores;         // this process may use
  uint64_t memory;   // bytes
} nf_hw;

nf_status nf_hw_detect(nf_hw *out); // the host; backend NF_BACKEND_CPU
