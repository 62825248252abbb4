// SPDX-License-Identifier: Apache-2.0
// e^x as arithmetic that compilers turn into vectors.
#pragma once
#include <stdint.h>
#include <string.h>

// e^x for x <= 0 within 1e-7 of it; 0 from -87 down, -infinity too. x = n ln 2 + r, and Taylor's polynomial
// for e^r.
static inline float nf_exp_down(float x) {
  const float shift = 0x1.8p23f; // adding and taking it away rounds to a whole number
  const float t = x * 1.44269504f + shift, n = t - shift;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  const float lowest = -87;
  uint32_t t_bits, shift_bits, x_bits, lowest_bits, result;
  float p = 1.0f / 5040, scale;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1;
  p = p * r + 1;
  memcpy(&t_bits, &t, sizeof t);
  memcpy(&shift_bits, &shift, sizeof shift);
  memcpy(&x_bits, &x, sizeof x);
  memcpy(&lowest_bits, &lowest, sizeof lowest);
  const uint32_t scale_bits = (t_bits - shift_bits + 127) << 23;
  memcpy(&scale, &scale_bits, sizeof scale);
  p *= scale;
  memcpy(&result, &p, sizeof p);
  result &= -(uint32_t)(x_bits < lowest_bits); // a mask, as a branch is not vectorised
  memcpy(&p, &result, sizeof p);
  return p;
}
