// SPDX-License-Identifier: Apache-2.0
// Random numbers that a seed determines, the same everywhere: splitmix64. Not for secrets.
#pragma once
#include <stdint.h>

static inline uint64_t nf_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

// In (0, 1): neither end, so that it has a logarithm.
static inline double nf_random_unit(uint64_t *state) {
  return ((double)(nf_random(state) >> 11) + 0.5) * 0x1p-53;
}

// From lo to hi, which are at most 2^32 apart.
static inline int64_t nf_random_between(uint64_t *state, int64_t lo, int64_t hi) {
  return lo + (int64_t)(nf_random(state) % (uint64_t)(hi - lo + 1));
}
