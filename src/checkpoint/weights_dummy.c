// SPDX-License-Identifier: Apache-2.0
// Made-up weights. Each element is a function of the weight's name and its own index only, and of a size that
// keeps activations near 1 through any number of layers.
#include "checkpoint/weights.h"
#include "checkpoint/weights_rows.h"
#include "graph/cut.h"
#include "tensor/scalar.h"
#include <math.h>
#include <string.h>

// FNV-1a (Fowler, Noll, Vo).
static uint64_t seed_of(const char *name) {
  uint64_t h = 0xcbf29ce484222325;
  for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3;
  return h;
}

// SplitMix64 (Steele, Lea and Flood 2014): the i-th output.
static uint64_t noise(uint64_t seed, uint64_t i) {
  uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

typedef struct spread { // uniform in centre +- reach
  float centre, reach;
} spread;

static spread spread_of(const char *name, const nf_type *t) {
  if (t->rank > 1) return (spread){0, sqrtf(3.0f / (float)t->dim[t->rank - 1].c)}; // variance 1/K
  return strstr(name, "norm") ? (spread){1, 0.1f} : (spread){0, 0.05f};
}

// Four elements of 16 random bits each from one output.
static void four(uint64_t bits, spread s, float out[4]) {
  for (int k = 0; k < 4; k++)
    out[k] = s.centre + s.reach * ((float)(int16_t)(uint16_t)(bits >> 16 * k) * 0x1p-15f);
}

static void store(nf_dtype dtype, unsigned char *at, int64_t i, float x) {
  uint16_t h = dtype == NF_BF16 ? nf_bf16_encode(x) : nf_f16_encode(x);
  if (dtype == NF_F32)
    memcpy(at + 4 * i, &x, 4);
  else
    memcpy(at + 2 * i, &h, 2);
}

typedef struct making {
  nf_type type; // of the uncut weight
  uint64_t seed;
  spread spread;
  int64_t columns;
} making;

// Elements [i, i + n) of a plane of floats.
static void make_floats(const making *m, int64_t i, int64_t n, unsigned char *out) {
  const bool bf16 = m->type.dtype == NF_BF16;
  float x[4] = {0};
  for (int64_t k = 0; k < n;) {
    if (k == 0 || (i + k) % 4 == 0) four(noise(m->seed, (uint64_t)(i + k) / 4), m->spread, x);
    if (bf16 && (i + k) % 4 == 0 && k + 4 <= n) {
      uint16_t h[4];
      for (int j = 0; j < 4; j++) h[j] = nf_bf16_encode(x[j]);
      memcpy(out + 2 * k, h, sizeof h);
      k += 4;
    } else {
      store(m->type.dtype, out, k, x[(i + k) % 4]);
      k++;
    }
  }
}

// Random codes have a mean square of 68.5/8; the scale of a group is 2^e or 2^(e-1), which multiplies that by
// 5/8 * 4^e. e brings it nearest to 1/K. Codes begin at whole groups of 16 bytes.
static void make_mxfp4(const making *m, int64_t byte, int64_t n, unsigned char *out) {
  for (int64_t i = 0; i < n; i += 8) {
    const uint64_t bits = noise(m->seed, (uint64_t)(byte + i) / 8);
    memcpy(out + i, &bits, 8);
  }
}

static void make_mxfp4_scales(const making *m, int64_t first, int64_t n, unsigned char *out) {
  const int e = (int)lrint(-0.5 * log2((double)m->columns * 68.5 / 8 * 5 / 8));
  for (int64_t i = first; i < first + n; i++)
    out[i - first] = (unsigned char)(127 + e - (int)(noise(~m->seed, (uint64_t)i / 64) >> i % 64 & 1));
}

// Random codes of all sizes: uniform values have a mean square of 448^2 / 3, a scale makes that 1/K.
static void make_fp8(const making *m, int64_t first, int64_t n, unsigned char *out) {
  float x[4] = {0};
  for (int64_t i = first; i < first + n; i++) {
    if (i == first || i % 4 == 0) four(noise(m->seed, (uint64_t)i / 4), (spread){0, 448}, x);
    out[i - first] = nf_e4m3_encode(x[i % 4]);
  }
}

static nf_status make_codes(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out) {
  const making *m = self;
  const nf_dtype dtype = m->type.dtype;
  const int64_t bits = nf_dtype_of(dtype)->bits, width = m->columns * bits / 8;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t byte = (row + r) * width + at;
    unsigned char *to = (unsigned char *)out + r * n;
    if (dtype == NF_MXFP4)
      make_mxfp4(m, byte, n, to);
    else if (nf_is_fp8(dtype))
      make_fp8(m, byte, n, to);
    else
      make_floats(m, byte * 8 / bits, n * 8 / bits, to);
  }
  return nf_ok();
}

static nf_status make_scales(void *self, int64_t row, int64_t rows, int64_t at, int64_t n, void *out) {
  const making *m = self;
  const int64_t width = nf_scale_cols(m->type.dtype, m->columns);
  const float scale = sqrtf(3.0f / (float)m->columns) / 448;
  for (int64_t r = 0; r < rows; r++) {
    if (m->type.dtype == NF_MXFP4)
      make_mxfp4_scales(m, (row + r) * width + at, n, (unsigned char *)out + r * n);
    for (int64_t i = 0; i < n && m->type.dtype != NF_MXFP4; i++) ((float *)out)[r * n + i] = scale;
  }
  return nf_ok();
}

static nf_status make_one(const nf_value *v, const nf_value *whole, int64_t first, int rank, void *data) {
  const nf_dtype dtype = v->type.dtype;
  making m = {.type = nf_cut_whole(&v->recipe.cut, v->type), .seed = seed_of(v->name)};
  const nf_weight_source source = {&m, make_codes, make_scales};
  if (dtype != NF_MXFP4 && dtype != NF_FP8_ROW && dtype != NF_FP8_BLOCK && !nf_is_float(dtype))
    return nf_error(NF_INTERNAL, "weight '%s': no made-up values for %s", v->name, nf_dtype_of(dtype)->name);
  m.spread = spread_of(v->name, &m.type);
  m.columns = m.type.rank ? m.type.dim[m.type.rank - 1].c : 1;
  return nf_weight_fill(v, whole, first, rank, &source, data);
}

nf_status nf_weight_dummy(const nf_value *v, int rank, void *data) {
  for (int i = 0; i < nf_weight_joins(v); i++) {
    int64_t first;
    const nf_value one = nf_weight_joined(v, i, &first);
    NF_TRY(make_one(&one, v, first, rank, data));
  }
  return nf_ok();
}
