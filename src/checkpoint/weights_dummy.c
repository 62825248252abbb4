// SPDX-License-Identifier: Apache-2.0
// Made-up weights. Each element is a function of the weight's name and its own index only, and of a size that
// keeps activations near 1 through any number of layers.
#include "base/checked.h"
#include "checkpoint/weights_read.h"
#include "graph/cut.h"
#include "tensor/scalar.h"
#include <math.h>
#include <stdalign.h>
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

typedef struct making {
  nf_type type; // of the uncut weight
  uint64_t seed;
  spread spread;
  int64_t columns;
} making;

// ---- elements are made CHUNK at a time, in loops without a branch, which compilers make vectors of ----

enum { CHUNK = 256 };

// Four elements of 16 random bits each come from one output, in the order of their bits.
static void bits_of(uint64_t seed, int64_t first, int16_t out[CHUNK]) {
  for (int64_t i = 0; i < CHUNK / 4; i++) {
    const uint64_t bits = noise(seed, (uint64_t)(first / 4 + i));
    for (int k = 0; k < 4; k++) out[4 * i + k] = (int16_t)(uint16_t)(bits >> 16 * k);
  }
}

static void values_of(const int16_t *bits, spread s, float *out) {
  for (int i = 0; i < CHUNK; i++) out[i] = s.centre + s.reach * ((float)bits[i] * 0x1p-15f);
}

static void make_f32(const making *m, int64_t first, void *out) {
  int16_t bits[CHUNK];
  bits_of(m->seed, first, bits);
  values_of(bits, m->spread, out);
}

static void make_bf16(const making *m, int64_t first, void *out) {
  float x[CHUNK];
  uint32_t u[CHUNK];
  make_f32(m, first, x);
  memcpy(u, x, sizeof u);
  for (int i = 0; i < CHUNK; i++) ((uint16_t *)out)[i] = (uint16_t)((u[i] + 0x7fff + (u[i] >> 16 & 1)) >> 16);
}

static void make_f16(const making *m, int64_t first, void *out) {
  float x[CHUNK];
  make_f32(m, first, x);
  for (int i = 0; i < CHUNK; i++) ((uint16_t *)out)[i] = nf_f16_encode(x[i]);
}

// Random codes have a mean square of 68.5/8; the scale of a group is 2^e or 2^(e-1), which multiplies that by
// 5/8 * 4^e. e brings it nearest to 1/K.
static void make_mxfp4(const making *m, int64_t first, void *out) {
  for (int64_t i = 0; i < CHUNK / 16; i++) ((uint64_t *)out)[i] = noise(m->seed, (uint64_t)(first / 16 + i));
}

static void make_mxfp4_scales(const making *m, int64_t first, void *out) {
  const int e = (int)lrint(-0.5 * log2((double)m->columns * 68.5 / 8 * 5 / 8));
  for (int64_t i = 0; i < CHUNK; i += 64) {
    const uint64_t bits = noise(~m->seed, (uint64_t)(first + i) / 64);
    for (int k = 0; k < 64; k++) ((uint8_t *)out)[i + k] = (uint8_t)(127 + e - (int)(bits >> k & 1));
  }
}

// Random codes of all sizes: uniform values have a mean square of 448^2 / 3, a scale makes that 1/K.
static uint8_t fp8_code[1 << 16];
static pthread_once_t fp8_codes = PTHREAD_ONCE_INIT;
static void list_fp8_codes(void) {
  for (int i = 0; i < 1 << 16; i++) fp8_code[i] = nf_e4m3_encode(448 * ((float)(int16_t)i * 0x1p-15f));
}

static void make_fp8(const making *m, int64_t first, void *out) {
  int16_t bits[CHUNK];
  bits_of(m->seed, first, bits);
  for (int i = 0; i < CHUNK; i++) ((uint8_t *)out)[i] = fp8_code[(uint16_t)bits[i]];
}

static void make_fp8_scales(const making *m, int64_t first, void *out) {
  (void)first;
  for (int i = 0; i < CHUNK; i++) ((float *)out)[i] = sqrtf(3.0f / (float)m->columns) / 448;
}

// ---- rows ----

typedef void make_chunk(const making *m, int64_t first, void *out);
static make_chunk *const codes_of[NF_DTYPE_COUNT] = {
    [NF_F32] = make_f32,     [NF_BF16] = make_bf16,   [NF_F16] = make_f16,
    [NF_MXFP4] = make_mxfp4, [NF_FP8_ROW] = make_fp8, [NF_FP8_BLOCK] = make_fp8};

// Elements [first, first + n) of `bits` each.
static void make_elements(const making *m, make_chunk *make, int64_t bits, int64_t first, int64_t n,
                          unsigned char *out) {
  alignas(8) unsigned char chunk[CHUNK * sizeof(float)];
  for (int64_t i = first; i < first + n;) {
    const int64_t from = i % CHUNK, some = nf_min(CHUNK - from, first + n - i);
    make(m, i - from, chunk);
    memcpy(out + (i - first) * bits / 8, chunk + from * bits / 8, (size_t)(some * bits / 8));
    i += some;
  }
}

static nf_status make_rows(const void *self, nf_weight_scratch *s, bool scales, const nf_rect *r) {
  const making *m = self;
  const nf_dtype dtype = m->type.dtype;
  make_chunk *const make = !scales             ? codes_of[dtype]
                           : dtype == NF_MXFP4 ? make_mxfp4_scales
                                               : make_fp8_scales;
  const int64_t bits = nf_dtype_of(scales ? nf_dtype_of(dtype)->scale : dtype)->bits;
  const int64_t width = scales ? nf_scale_cols(dtype, m->columns) : m->columns, at = r->at * 8 / bits;
  (void)s;
  for (int64_t i = 0; i < r->rows; i++)
    make_elements(m, make, bits, (r->row + i) * width + at, r->n * 8 / bits, r->out + i * r->pitch);
  return nf_ok();
}

nf_status nf_weight_make(nf_weight_loader *l, const nf_value *v, int rank, const nf_weight_sink *sink) {
  making m[NF_MAX_JOINED];
  nf_weight_source from[NF_MAX_JOINED];
  if (!codes_of[v->type.dtype])
    return nf_error(NF_INTERNAL, "weight '%s': no made-up values for %s", v->name,
                    nf_dtype_of(v->type.dtype)->name);
  pthread_once(&fp8_codes, list_fp8_codes);
  for (int i = 0; i < nf_weight_joins(v); i++) {
    int64_t first;
    const nf_value one = nf_weight_joined(v, i, &first);
    const nf_type type = nf_cut_whole(&one.recipe.cut, one.type);
    m[i] = (making){type, seed_of(one.name), spread_of(one.name, &type),
                    type.rank ? type.dim[type.rank - 1].c : 1};
    from[i] = (nf_weight_source){&m[i], make_rows, 0};
  }
  return nf_weight_put(l, v, rank, from, sink);
}
