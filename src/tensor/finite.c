// SPDX-License-Identifier: Apache-2.0
// Blocks are gone through in vectors, WAYS of them by turns so that none waits for the one before.
#include "tensor/finite.h"

enum { BLOCK_BYTES = 2048, VECTOR = 16, WAYS = 4, E8M0_MOST = 252 };

typedef uint64_t words __attribute__((vector_size(VECTOR)));

// Of vectors bad() gives all bits of a lane, or none.
#define FIRST(name, type, bad)                                                                       \
  typedef type name##_vector __attribute__((vector_size(VECTOR), aligned(sizeof(type)), may_alias)); \
  static int64_t name(const void *values, int64_t n) {                                               \
    enum { BLOCK = BLOCK_BYTES / sizeof(type) };                                                     \
    const type *x = values;                                                                          \
    int64_t i = 0;                                                                                   \
    for (; i + BLOCK <= n; i += BLOCK) {                                                             \
      const name##_vector *v = (const name##_vector *)(x + i);                                       \
      words any[WAYS] = {0};                                                                         \
      for (int k = 0; k < BLOCK_BYTES / VECTOR; k += WAYS)                                           \
        for (int w = 0; w < WAYS; w++) any[w] |= (words)(bad(v[k + w]));                             \
      for (int w = 1; w < WAYS; w++) any[0] |= any[w];                                               \
      if (any[0][0] | any[0][1]) break;                                                              \
    }                                                                                                \
    for (; i < n; i++)                                                                               \
      if (bad(x[i])) return i;                                                                       \
    return n;                                                                                        \
  }

#define F32_BAD(v) (((v)&0x7f800000) == 0x7f800000)
#define BF16_BAD(v) (((v)&0x7f80) == 0x7f80)
#define F16_BAD(v) (((v)&0x7c00) == 0x7c00)
#define E4M3_BAD(v) (((v)&0x7f) == 0x7f)
#define E8M0_BAD(v) ((v) > E8M0_MOST)
FIRST(first_f32, uint32_t, F32_BAD)
FIRST(first_bf16, uint16_t, BF16_BAD)
FIRST(first_f16, uint16_t, F16_BAD)
FIRST(first_e4m3, uint8_t, E4M3_BAD)
FIRST(first_e8m0, uint8_t, E8M0_BAD)

int64_t nf_first_not_finite(nf_dtype dtype, const void *x, int64_t n) {
  static int64_t (*const first[NF_DTYPE_COUNT])(const void *, int64_t) = {[NF_F32] = first_f32,
                                                                          [NF_BF16] = first_bf16,
                                                                          [NF_F16] = first_f16,
                                                                          [NF_F8E4M3] = first_e4m3,
                                                                          [NF_E8M0] = first_e8m0};
  return first[dtype] ? first[dtype](x, n) : n;
}
