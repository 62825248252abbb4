// SPDX-License-Identifier: Apache-2.0
// Facts about a processor: what selection and the cost model are functions of. Detection fills the struct for
// the machine that is here, targets.def for others; tests write it by hand.
#pragma once
#include "base/status.h"
#include "base/text.h"
#include <stdint.h>

typedef enum nf_backend {
  NF_BACKEND_REF, // the references, on the host
  NF_BACKEND_CPU,
  NF_BACKEND_CUDA, // NVIDIA GPUs
  NF_BACKEND_HIP,  // AMD GPUs
  NF_BACKEND_COUNT
} nf_backend;
const char *nf_backend_name(nf_backend b);

// CPU features that kernels ask for, one bit each. AVX512 is the part that all servers with AVX-512 have: F,
// BW, VL and DQ together.
#define NF_CPU_FEATURES(X)      \
  X(AVX2, "avx2")               \
  X(FMA, "fma")                 \
  X(F16C, "f16c")               \
  X(AVX512, "avx512")           \
  X(AVX512_VBMI, "avx512_vbmi") \
  X(AVX512_BF16, "avx512_bf16") \
  X(AVX512_VNNI, "avx512_vnni") \
  X(AVX512_FP16, "avx512_fp16") \
  X(AMX_BF16, "amx_bf16")       \
  X(AMX_INT8, "amx_int8")       \
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

// GPU architectures: device code is built for exactly one, so a kernel that needs one runs on no other;
// sm_90a is what of sm_90 later ones don't have, cublaslt a library of NVIDIA's beside the driver, 12.9 or
// later, hipblaslt one of AMD's, 1.0 or later. Their bits share a word with the CPU features.
#define NF_GPU_FEATURES(X) \
  X(GFX942, "gfx942")      \
  X(GFX950, "gfx950")      \
  X(SM_90, "sm_90")        \
  X(SM_90A, "sm_90a")      \
  X(SM_100, "sm_100")      \
  X(CUBLASLT, "cublaslt")  \
  X(HIPBLASLT, "hipblaslt")
enum {
  NF_GPU_INDEX_BASE = 31, // the next one is the first bit
#define NF_GPU_BIT(id, name) NF_GPU_INDEX_##id,
  NF_GPU_FEATURES(NF_GPU_BIT)
#undef NF_GPU_BIT
      NF_FEATURE_BITS
};
#define NF_GPU(id) (1ull << NF_GPU_INDEX_##id)
const char *nf_feature_name(int bit); // of a CPU or a GPU, "" for a bit that has none; bit < NF_FEATURE_BITS

// Classes of arithmetic that processors have different peaks for.
typedef enum nf_rate {
  NF_RATE_F32,  // vector units
  NF_RATE_BF16, // matrix units where there are any: bf16 or f16 operands, float32 sums
  NF_RATE_8BIT, // the same with fp8 or int8 operands
  NF_RATE_COUNT
} nf_rate;
const char *nf_rate_name(nf_rate r); // "f32", "bf16", "8bit"

typedef struct nf_hw {
  char name[64]; // "AMD EPYC 9754", for people and cache keys
  nf_backend backend;
  uint64_t features; // NF_CPU_* and NF_GPU() bits
  int cores;         // this process may use; 0: a GPU
  uint64_t memory;   // bytes; of the host what its cgroups leave this process

  // What a roofline is made of. Peaks of the whole processor (of `cores` cores), dense, one direction.
  // Zero: not known, and nothing is estimated from it.
  int multiprocessors;        // of a GPU
  double bandwidth;           // of memory, bytes/s
  double peak[NF_RATE_COUNT]; // operations/s; a multiplication with its addition is two
  double link;                // from one rank to another, bytes/s
  double links;               // into one rank from all others together, bytes/s
  double launch;              // what a kernel costs beyond its work, s
  int world;                  // ranks that run a plan together; 0 and 1: alone
  const char *target;         // name of a target that is not here: to plan for, not to run on. NULL: here
} nf_hw;

// The host; backend NF_BACKEND_CPU. Takes well under a millisecond: its peaks are stated per core, not
// measured (nf_hw_state_peaks).
nf_status nf_hw_detect(nf_hw *out);

// Operations a cycle that one core does at least with these NF_CPU_* features: a conservative statement, see
// peaks.c for where it comes from. 0 for no rate.
double nf_cpu_rate(uint64_t features, nf_rate r);
// Fills bandwidth, peaks, links and launch of a CPU from its features and cores, at a stated clock and a
// stated bandwidth a core.
void nf_hw_state_peaks(nf_hw *hw);

// As if the CPU had no more than the mask says: names between commas, each of a feature with all that it
// builds on ("avx512" has AVX2 too), "none" or "all"; "-avx512" takes a feature away and all that build on
// it, at the beginning from what is there. NF_USAGE, for an unknown name with the nearest, leaves *hw alone.
nf_status nf_hw_mask(nf_hw *hw, const char *mask);
typedef struct nf_mask_name {
  const char *name;
  uint64_t features;
} nf_mask_name;
const nf_mask_name *nf_hw_mask_name(int index); // NULL behind the last

// The facts of a target that is not here: a row of targets.def, by its name or another one of it, in any
// case. NF_USAGE with the nearest valid name otherwise, *out untouched.
nf_status nf_hw_target(const char *name, nf_hw *out);
const char *nf_hw_target_name(int index); // of row `index`, NULL behind the last
typedef struct nf_target_alias {
  const char *name, *target; // "h100", "sm_90"
} nf_target_alias;
const nf_target_alias *nf_hw_target_alias(int index); // NULL behind the last
