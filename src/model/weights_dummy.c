// SPDX-License-Identifier: Apache-2.0
// Made-up weights. Each element is a function of the weight's name and its own index only, and of a size that
// keeps activations near 1 through any number of layers.
#include "base/memory.h"
#include "model/weights.h"
#include "model/weights_plane.h"
#include "tensor/pack.h"
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

static spread spread_of(const nf_value *v) {
  const nf_type *t = &v->type;
  if (t->rank > 1) return (spread){0, sqrtf(3.0f / (float)t->dim[t->rank - 1].c)}; // variance 1/K
  return strstr(v->name, "norm") ? (spread){1, 0.1f} : (spread){0, 0.05f};
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

static void fill_floats(const nf_value *v, const nf_weight_planes *p) {
  const uint64_t seed = seed_of(v->name);
  const spread s = spread_of(v);
  const bool bf16 = v->type.dtype == NF_BF16;
  float x[4];
  int64_t i = 0;
  for (; bf16 && i + 4 <= p->n; i += 4) {
    uint16_t h[4];
    four(noise(seed, (uint64_t)i / 4), s, x);
    for (int k = 0; k < 4; k++) h[k] = nf_bf16_encode(x[k]);
    memcpy(p->codes + 2 * i, h, sizeof h);
  }
  for (; i < p->n; i++) {
    four(noise(seed, (uint64_t)i / 4), s, x);
    store(v->type.dtype, p->codes, i, x[i % 4]);
  }
}

// Random codes have a mean square of 68.5/8; the scale of a group is 2^e or 2^(e-1), which multiplies that by
// 5/8 * 4^e. e brings it nearest to 1/K.
static void fill_mxfp4(const nf_value *v, const nf_weight_planes *p) {
  const uint64_t seed = seed_of(v->name), scale_seed = ~seed;
  const double k = (double)v->type.dim[v->type.rank - 1].c;
  const int e = (int)lrint(-0.5 * log2(k * 68.5 / 8 * 5 / 8));
  for (size_t i = 0; i < p->code_bytes; i += 8) { // rows are whole groups of 16 bytes
    const uint64_t bits = noise(seed, i / 8);
    memcpy(p->codes + i, &bits, 8);
  }
  for (size_t i = 0; i < p->scale_bytes; i++)
    p->scales[i] = (unsigned char)(127 + e - (int)(noise(scale_seed, i / 64) >> i % 64 & 1));
}

// Random codes of all sizes: uniform values have a mean square of 448^2 / 3, a scale makes that 1/K.
static void fill_fp8(const nf_value *v, const nf_weight_planes *p) {
  const uint64_t seed = seed_of(v->name);
  const float scale = sqrtf(3.0f / (float)v->type.dim[v->type.rank - 1].c) / 448;
  float x[4];
  for (size_t i = 0; i < p->code_bytes; i++) {
    if (i % 4 == 0) four(noise(seed, i / 4), (spread){0, 448}, x);
    p->codes[i] = nf_e4m3_encode(x[i % 4]);
  }
  for (size_t i = 0; i + sizeof scale <= p->scale_bytes; i += sizeof scale)
    memcpy(p->scales + i, &scale, sizeof scale);
}

static nf_status fill_plain(const nf_value *v, void *data) {
  nf_weight_planes p;
  NF_TRY(nf_weight_planes_of(v, data, &p));
  if (v->type.dtype == NF_MXFP4)
    fill_mxfp4(v, &p);
  else if (nf_is_fp8(v->type.dtype))
    fill_fp8(v, &p);
  else if (nf_is_float(v->type.dtype))
    fill_floats(v, &p);
  else
    return nf_error(NF_INTERNAL, "weight '%s': no made-up values for %s", v->name,
                    nf_dtype_of(v->type.dtype)->name);
  return nf_ok();
}

// The same values as plain ones, so that a plan's choice of kernels does not change the model.
static nf_status fill_packed(const nf_value *v, void *data) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  nf_value plain = *v;
  size_t bytes;
  plain.type.pack = NF_PACK_PLAIN;
  for (int i = 0; i < plain.type.rank; i++) plain.type.padded[i] = plain.type.dim[i].c;
  NF_TRY(nf_type_bytes(&plain.type, &none, &bytes));
  void *whole = nf_alloc_aligned(bytes);
  if (!whole) return nf_error(NF_NO_MEMORY, "no memory to pack weight '%s'", v->name);
  const nf_status st = fill_plain(&plain, whole);
  const nf_tensor from = nf_tensor_of(&plain.type, &none, 0, whole),
                  to = nf_tensor_of(&v->type, &none, 0, data);
  if (nf_is_ok(st)) nf_pack_tensor(&to, &from);
  nf_free_aligned(whole);
  return st;
}

nf_status nf_weight_dummy(const nf_value *v, void *data) {
  return (v->type.pack == NF_PACK_PLAIN ? fill_plain : fill_packed)(v, data);
}
