// SPDX-License-Identifier: Apache-2.0
// Detection of the host: features as the processor and the operating system both grant them, name, cores,
// memory.
#include "hw/hw.h"
#include "base/cores.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const backend_names[NF_BACKEND_COUNT] = {"ref", "cpu", "cuda", "hip"};
const char *nf_backend_name(nf_backend b) { return backend_names[b]; }

static const char *const feature_names[] = {
#define NAME(id, name) name,
    NF_CPU_FEATURES(NAME)
#undef NAME
};
const char *nf_cpu_feature_name(int index) { return feature_names[index]; }

static const char *const rate_names[NF_RATE_COUNT] = {"f32", "bf16", "8bit"};
const char *nf_rate_name(nf_rate r) { return rate_names[r]; }

static const char *const gpu_names[] = {
#define NAME(id, name) name,
    NF_GPU_FEATURES(NAME)
#undef NAME
};
const char *nf_feature_name(int bit) {
  if (bit < NF_CPU_FEATURE_COUNT) return feature_names[bit];
  return bit > NF_GPU_INDEX_BASE ? gpu_names[bit - NF_GPU_INDEX_BASE - 1] : "";
}

#if defined(__x86_64__)
#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/syscall.h>

// Register state that the system must save: XCR0 bits.
enum { STATE_AVX = 0x6, STATE_AVX512 = 0xe6, STATE_AMX = 0x60000 };
enum { EAX, EBX, ECX, EDX };

// A feature that stands in several rows needs all of them.
static const struct {
  uint64_t feature;
  unsigned leaf, subleaf, reg, bit;
  uint64_t state;
} features[] = {
    {NF_CPU_AVX2, 7, 0, EBX, 5, STATE_AVX},
    {NF_CPU_FMA, 1, 0, ECX, 12, STATE_AVX},
    {NF_CPU_F16C, 1, 0, ECX, 29, STATE_AVX},
    {NF_CPU_AVX512, 7, 0, EBX, 16, STATE_AVX512}, // F
    {NF_CPU_AVX512, 7, 0, EBX, 17, STATE_AVX512}, // DQ
    {NF_CPU_AVX512, 7, 0, EBX, 30, STATE_AVX512}, // BW
    {NF_CPU_AVX512, 7, 0, EBX, 31, STATE_AVX512}, // VL
    {NF_CPU_AVX512_VBMI, 7, 0, ECX, 1, STATE_AVX512},
    {NF_CPU_AVX512_VNNI, 7, 0, ECX, 11, STATE_AVX512},
    {NF_CPU_AVX512_FP16, 7, 0, EDX, 23, STATE_AVX512},
    {NF_CPU_AVX512_BF16, 7, 1, EAX, 5, STATE_AVX512},
    {NF_CPU_AMX_BF16, 7, 0, EDX, 22, STATE_AMX},
    {NF_CPU_AMX_BF16, 7, 0, EDX, 24, STATE_AMX}, // the tiles
    {NF_CPU_AMX_INT8, 7, 0, EDX, 25, STATE_AMX},
    {NF_CPU_AMX_INT8, 7, 0, EDX, 24, STATE_AMX},
};

static uint64_t saved_state(void) {
  unsigned r[4], lo, hi;
  if (!__get_cpuid_count(1, 0, &r[EAX], &r[EBX], &r[ECX], &r[EDX]) || !(r[ECX] >> 27 & 1))
    return 0; // no XGETBV
  __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return (uint64_t)hi << 32 | lo;
}

// Linux hands out the tile registers on request only; who asks again is given them again.
static bool may_use_tiles(void) {
  enum { REQUEST_STATE = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) == 0;
}

static uint64_t detect_features(void) {
  const uint64_t state = saved_state(), tiles = NF_CPU_AMX_BF16 | NF_CPU_AMX_INT8;
  uint64_t known = 0, missing = 0;
  for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
    unsigned r[4] = {0};
    const bool told =
        __get_cpuid_count(features[i].leaf, features[i].subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX]);
    known |= features[i].feature;
    if (!told || !(r[features[i].reg] >> features[i].bit & 1) ||
        (state & features[i].state) != features[i].state)
      missing |= features[i].feature;
  }
  if ((known & ~missing & tiles) != 0 && !may_use_tiles()) missing |= tiles;
  return known & ~missing;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>
static uint64_t detect_features(void) {
  enum { ADVANCED_SIMD = 1 << 1 }; // HWCAP_ASIMD
  return getauxval(AT_HWCAP) & ADVANCED_SIMD ? NF_CPU_NEON : 0;
}
#else
static uint64_t detect_features(void) { return 0; }
#endif

// The value of "key : value" in a line of /proc/cpuinfo, or NULL.
static const char *value_of(const char *line, const char *key) {
  if (strncmp(line, key, strlen(key)) != 0) return NULL;
  const char *colon = strchr(line, ':');
  return colon ? colon + 1 + strspn(colon + 1, " \t") : NULL;
}

static void detect_name(char *name, size_t size) {
  char line[512], maker[16] = "", part[16] = "";
  FILE *f = fopen("/proc/cpuinfo", "re");
  snprintf(name, size, "unknown processor");
  while (f && fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    const char *v;
    if ((v = value_of(line, "model name"))) {
      snprintf(name, size, "%.*s", (int)size - 1, v);
      break;
    }
    if ((v = value_of(line, "CPU implementer"))) snprintf(maker, sizeof maker, "%.15s", v);
    if ((v = value_of(line, "CPU part"))) snprintf(part, sizeof part, "%.15s", v);
    if (*maker && *part) snprintf(name, size, "ARM implementer %s part %s", maker, part);
  }
  if (f) fclose(f);
}

nf_status nf_hw_detect(nf_hw *out) {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0)
    return nf_error(NF_UNAVAILABLE, "the system does not tell how much memory it has");
  const uint64_t machine = (uint64_t)pages * (uint64_t)page, limit = nf_memory_limit();
  *out = (nf_hw){
      .backend = NF_BACKEND_CPU,
      .features = detect_features(),
      .cores = nf_cores(),
      .memory = limit != 0 && limit < machine ? limit : machine,
  };
  detect_name(out->name, sizeof out->name);
  nf_hw_state_peaks(out);
  return nf_ok();
}
