// SPDX-License-Identifier: Apache-2.0
// Scalar encode and decode of the small float formats. Encoding rounds to nearest, ties to even.
//   bf16  1-8-7: the upper half of a float32. Overflow gives infinity, NaN stays a quiet NaN.
//   f16   IEEE 754 binary16, subnormals kept.
//   e4m3  OCP FP8 E4M3 (OFP8 1.0): no infinity, 0x7f and 0xff NaN, largest 448. Encoding saturates (infinity
//         too), NaN stays NaN.
//   e8m0  OCP MX scale: 2^(code-127); 255 is NaN. Decode only.
//   e2m1  OCP MX FP4 in the low four bits: 0 0.5 1 1.5 2 3 4 6 and negatives. Encoding saturates, NaN gives
//   0.
#pragma once
#include <stdint.h>
#include <string.h>

static inline uint32_t nf_bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}
static inline float nf_of_bits(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}
static inline float nf_bf16_decode(uint16_t h) { return nf_of_bits((uint32_t)h << 16); }
static inline uint16_t nf_bf16_encode(float x) {
  uint32_t u = nf_bits_of(x);
  if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
  return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
float nf_f16_decode(uint16_t h);
uint16_t nf_f16_encode(float x);
static inline float nf_e4m3_decode(uint8_t c) { // bits to float32's places, the exponent's bias by a product
  const uint32_t m = c & 0x7fu, sign = (uint32_t)(c & 0x80u) << 24;
  const uint32_t u = nf_bits_of(nf_of_bits(m << 20) * 0x1p120f);
  return nf_of_bits(sign | (m == 0x7f ? 0x7fc00000 : u));
}
uint8_t nf_e4m3_encode(float x);
float nf_e8m0_decode(uint8_t c);
extern const float nf_e2m1_values[16];
static inline float nf_e2m1_decode(unsigned c) { return nf_e2m1_values[c & 15]; }
uint8_t nf_e2m1_encode(float x);
