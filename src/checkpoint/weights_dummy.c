// SPDX-License-Identifier: Apache-2.0
// Made-up weights. Each element is a function of the weight's name and its own index only, and of a size that
// keeps activations near 1 through any number of layers.
#include "base/checked.h"
#include "checkpoint/weights_read.h"
#include "graph/slice.h"
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
  int exponent;    // of scales of MXFP4
  float fp8_scale; // each of FP8's
} making;

// ---- elements are made CHUNK at a time, in loops without a branch, which compilers make vectors of ----

enum { CHUNK = 256 };

typedef uint64_t word __attribute__((may_alias)); // eight bytes of any element

// Outputs of `bytes` bytes in all, the first element in the lowest bits: as they lie in memory.
static void fill(uint64_t seed, int64_t first_byte, int64_t bytes, void *out) {
  for (int64_t i = 0; i < bytes / 8; i++) ((word *)out)[i] = noise(seed, (uint64_t)(first_byte / 8 + i));
}

// An element has 16 random bits.
static void make_f32(const making *m, int64_t first, void *out) {
  alignas(8) int16_t bits[CHUNK];
  const float centre = m->spread.centre, reach = m->spread.reach * 0x1p-15f;
  fill(m->seed, 2 * first, sizeof bits, bits);
  for (int i = 0; i < CHUNK; i++) ((float *)out)[i] = centre + reach * (float)bits[i];
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

static void make_mxfp4(const making *m, int64_t first, void *out) {
  fill(m->seed, first / 2, CHUNK / 2, out);
}

// Random codes have a mean square of 68.5/8; the scale of a group is 2^e or 2^(e-1), which multiplies that by
// 5/8 * 4^e. e brings it nearest to 1/K.
static int mxfp4_exponent(int64_t columns) {
  return (int)lrint(-0.5 * log2((double)columns * 68.5 / 8 * 5 / 8));
}

static void make_mxfp4_scales(const making *m, int64_t first, void *out) {
  for (int64_t i = 0; i < CHUNK; i += 64) {
    const uint64_t bits = noise(~m->seed, (uint64_t)(first + i) / 64);
    for (int k = 0; k < 64; k++)
      ((uint8_t *)out)[i + k] = (uint8_t)(127 + m->exponent - (int)(bits >> k & 1));
  }
}

// Codes of the four binades from 16 on, whose mean square is 11687.5; a scale makes that 1/K.
static void make_fp8(const making *m, int64_t first, void *out) {
  word *code = out;
  fill(m->seed, first, CHUNK, out);
  for (int i = 0; i < CHUNK / 8; i++) code[i] = (code[i] & 0x9f9f9f9f9f9f9f9f) + 0x5858585858585858;
}

static void make_fp8_scales(const making *m, int64_t first, void *out) {
  (void)first;
  for (int i = 0; i < CHUNK; i++) ((float *)out)[i] = m->fp8_scale;
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
  for (int i = 0; i < nf_weight_joins(v); i++) {
    int64_t first;
    const nf_value one = nf_weight_joined(v, i, &first);
    const nf_type type = nf_slice_whole(&one.recipe.slice, one.type);
    const int64_t columns = type.dim[type.rank - 1].c;
    m[i] = (making){type,    seed_of(one.name),       spread_of(one.name, &type),
                    columns, mxfp4_exponent(columns), 1 / sqrtf((float)columns * 11687.5f)};
    from[i] = (nf_weight_source){&m[i], make_rows, 0};
  }
  return nf_weight_put(l, v, rank, from, sink);
}
