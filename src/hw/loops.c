// SPDX-License-Identifier: Apache-2.0
// Loops that do nothing but multiply or read, for each unit that processors have: what they do is the peak.
#include "hw/measure.h"
#include <string.h>

// ---- multiplying ----

// Independent sums, as many as hide the latency of the widest units.
enum { SUMS = 12 };

// y = y * x + x in all lanes of SUMS registers, each of which the compiler must have at every step.
#define NF_MULTIPLY_LANES(name, attribute, type, start, fma)                                       \
  attribute static double name(int64_t rounds) {                                                   \
    type y[SUMS], x = start(1e-6f);                                                                \
    _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++) y[i] = x;                              \
    for (int64_t n = 0; n < rounds; n++) _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++) { \
        y[i] = fma(y[i], x, x);                                                                    \
        KEEP(y[i]);                                                                                \
      }                                                                                            \
    return (double)rounds * SUMS * 2 * (sizeof(type) / sizeof(float));                             \
  }

#if defined(__x86_64__)
#include <immintrin.h>
#define KEEP(y) __asm__ volatile("" : "+v"(y))
NF_MULTIPLY_LANES(multiply_avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps,
                  _mm512_fmadd_ps)
#undef KEEP
#define KEEP(y) __asm__ volatile("" : "+x"(y))
NF_MULTIPLY_LANES(multiply_avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps)
#define NF_MUL_ADD(y, x, z) _mm_add_ps(_mm_mul_ps(y, x), z)
NF_MULTIPLY_LANES(multiply_plain, , __m128, _mm_set1_ps, NF_MUL_ADD)

// Two tiles of A by two of B, each loaded once, from 16 KiB: the least that a kernel loads for each product.
enum { TILE = 1024, DEEP = 4 };
typedef struct tile_config {
  uint8_t palette, start, zero[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "as the processor reads it");

// The whole configuration is an operand: compilers drop stores into it that no operand names.
static void load_config(void) {
  tile_config c = {.palette = 1};
  for (int i = 0; i < 8; i++) c.bytes[i] = 64, c.rows[i] = 16;
  __asm__ volatile("ldtilecfg %0" : : "m"(c));
}

#define NF_MULTIPLY_TILES(name, isa, product, depth)                            \
  __attribute__((target("amx-tile," isa))) static double name(int64_t rounds) { \
    _Alignas(64) static const uint8_t tile[DEEP][4][TILE];                      \
    load_config();                                                              \
    _tile_zero(0);                                                              \
    _tile_zero(1);                                                              \
    _tile_zero(2);                                                              \
    _tile_zero(3);                                                              \
    for (int64_t n = 0; n < rounds; n++)                                        \
      for (int k = 0; k < DEEP; k++) {                                          \
        _tile_loadd(4, tile[k][0], 64);                                         \
        _tile_loadd(5, tile[k][1], 64);                                         \
        _tile_loadd(6, tile[k][2], 64);                                         \
        _tile_loadd(7, tile[k][3], 64);                                         \
        product(0, 4, 6);                                                       \
        product(1, 4, 7);                                                       \
        product(2, 5, 6);                                                       \
        product(3, 5, 7);                                                       \
      }                                                                         \
    _tile_release();                                                            \
    return (double)rounds * DEEP * 4 * 2 * 16 * 16 * depth;                     \
  }
NF_MULTIPLY_TILES(multiply_amx_bf16, "amx-bf16", _tile_dpbf16ps, 32)
NF_MULTIPLY_TILES(multiply_amx_int8, "amx-int8", _tile_dpbssd, 64)

#elif defined(__aarch64__)
#include <arm_neon.h>
#define KEEP(y) __asm__ volatile("" : "+w"(y))
#define NF_MUL_ADD(y, x, z) vfmaq_f32(z, y, x)
NF_MULTIPLY_LANES(multiply_plain, , float32x4_t, vdupq_n_f32, NF_MUL_ADD)

#else
#define KEEP(y) __asm__ volatile("" : "+m"(y))
#define NF_SAME(x) (x)
#define NF_MUL_ADD(y, x, z) ((y) * (x) + (z))
NF_MULTIPLY_LANES(multiply_plain, , float, NF_SAME, NF_MUL_ADD)
#endif

// The last row that the features have is taken.
static const struct {
  nf_rate rate;
  uint64_t need;
  nf_multiply f;
} multipliers[] = {
    {NF_RATE_F32, 0, multiply_plain},
#if defined(__x86_64__)
    {NF_RATE_F32, NF_CPU_AVX2 | NF_CPU_FMA, multiply_avx2},
    {NF_RATE_F32, NF_CPU_AVX512, multiply_avx512},
    {NF_RATE_BF16, NF_CPU_AMX_BF16, multiply_amx_bf16},
    {NF_RATE_8BIT, NF_CPU_AMX_INT8, multiply_amx_int8},
#endif
};

nf_multiply nf_multiply_of(uint64_t features, nf_rate r) {
  nf_multiply f = NULL;
  for (size_t i = 0; i < sizeof multipliers / sizeof *multipliers; i++)
    if (multipliers[i].rate == r && (multipliers[i].need & ~features) == 0) f = multipliers[i].f;
  return f;
}

// ---- reading ----

typedef uint64_t lanes __attribute__((vector_size(64)));
enum { AHEAD = 16 }; // lines

// Two streams, as one alone waits for each page's first lines, and what comes is asked for a little before.
#define NF_READ(name, attribute)                                                   \
  attribute static void name(const char *at, size_t bytes) {                       \
    const lanes *low = (const lanes *)at, *high = (const lanes *)(at + bytes / 2); \
    lanes a = {0}, b = {0};                                                        \
    for (size_t i = 0; i < bytes / 2 / sizeof a; i++) {                            \
      __builtin_prefetch(&low[i + AHEAD]);                                         \
      __builtin_prefetch(&high[i + AHEAD]);                                        \
      a ^= low[i];                                                                 \
      b ^= high[i];                                                                \
    }                                                                              \
    a ^= b;                                                                        \
    __asm__ volatile("" : : "m"(a));                                               \
  }

NF_READ(read_plain, )
#if defined(__x86_64__)
NF_READ(read_avx2, __attribute__((target("avx2"))))
NF_READ(read_avx512, __attribute__((target("avx512f"))))
#endif

nf_reader nf_reader_of(uint64_t features) {
#if defined(__x86_64__)
  if (features & NF_CPU_AVX512) return read_avx512;
  if (features & NF_CPU_AVX2) return read_avx2;
#endif
  (void)features;
  return read_plain;
}
