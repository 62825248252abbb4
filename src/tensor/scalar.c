// SPDX-License-Identifier: Apache-2.0
// Scalar codes of the small floats. Decoding moves the bits to float32's places and corrects the exponent by
// one exact multiplication; encoding rounds in the integer domain, or, for subnormals, by adding the power of
// two whose unit in the last place is theirs. The default rounding mode is assumed, as everywhere.
#include "tensor/scalar.h"

static const uint32_t infinity = 0x7f800000;

float nf_f16_decode(uint16_t h) {
  uint32_t m = h & 0x7fff, sign = (uint32_t)(h & 0x8000) << 16;
  uint32_t u = nf_bits_of(nf_of_bits(m << 13) * 0x1p112f);
  return nf_of_bits(sign | u | (m >= 0x7c00 ? infinity : 0));
}

uint16_t nf_f16_encode(float x) {
  uint32_t bits = nf_bits_of(x), u = bits & 0x7fffffff, m;
  if (u > infinity) {
    m = 0x7e00 | (u >> 13 & 0x3ff);
  } else if (u >= nf_bits_of(65520.0f)) {
    m = 0x7c00;
  } else if (u < nf_bits_of(0x1p-14f)) {
    m = nf_bits_of(nf_of_bits(u) + 0.5f) - nf_bits_of(0.5f);
  } else {
    m = (u + 0xfff + (u >> 13 & 1) - (112u << 23)) >> 13;
  }
  return (uint16_t)((bits >> 16 & 0x8000) | m);
}

uint8_t nf_e4m3_encode(float x) {
  uint32_t bits = nf_bits_of(x), u = bits & 0x7fffffff, m;
  if (u > infinity) {
    m = 0x7f;
  } else if (u >= nf_bits_of(448.0f)) {
    m = 0x7e;
  } else if (u < nf_bits_of(0x1p-6f)) {
    m = nf_bits_of(nf_of_bits(u) + 0x1p14f) - nf_bits_of(0x1p14f);
  } else {
    m = (u + 0x7ffff + (u >> 20 & 1) - (120u << 23)) >> 20;
  }
  return (uint8_t)((bits >> 24 & 0x80) | m);
}

float nf_e8m0_decode(uint8_t c) {
  if (c == 0) return 0x1p-127f;
  return nf_of_bits(c == 255 ? 0x7fc00000 : (uint32_t)c << 23);
}

const float nf_e2m1_values[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

// A tie goes to the even code: up to it inclusive the code below it where that is even, else exclusive.
uint8_t nf_e2m1_encode(float x) {
  uint32_t bits = nf_bits_of(x), u = bits & 0x7fffffff;
  if (u > infinity) return 0;
  float a = nf_of_bits(u);
  int m = (a > 0.25f) + (a >= 0.75f) + (a > 1.25f) + (a >= 1.75f) + (a > 2.5f) + (a >= 3.5f) + (a > 5.0f);
  return (uint8_t)((bits >> 28 & 8) | (uint32_t)m);
}
