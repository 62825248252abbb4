// SPDX-License-Identifier: Apache-2.0
// Made-up weights. Each element is a function of the weight's name and its own index only, and of a size that
// keeps activations near 1 through any number of layers.
#include "base/checked.h"
#include "checkpoint/weights_rows.h"
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

enum { CHUNK = 512, LANES = 4 };

typedef uint64_t word __attribute__((may_alias, aligned(1))); // eight bytes of any element
typedef uint32_t half __attribute__((may_alias, aligned(1)));

// Random bits for the chunk of element `first`: LANES of Marsaglia's xorshift (2003), which begin at outputs
// of SplitMix64. That alone has two multiplications for eight bytes, which no vector does.
static void fill(uint64_t seed, int64_t first, int64_t bytes, void *out) {
  uint64_t x[LANES];
  for (int i = 0; i < LANES; i++) x[i] = noise(seed, (uint64_t)(first / CHUNK * LANES + i));
  for (word *to = out, *end = to + bytes / 8; to < end; to += LANES) {
    for (int i = 0; i < LANES; i++) {
      to[i] = x[i];
      x[i] ^= x[i] << 13, x[i] ^= x[i] >> 7, x[i] ^= x[i] << 17;
    }
  }
}

static float spread_over(const spread *s, uint32_t bits) {
  return s->centre + s->reach * 0x1p-31f * (float)(int32_t)bits;
}

static void make_f32(const making *m, int64_t first, void *out) {
  const spread s = m->spread;
  half *x = out;
  fill(m->seed, first, CHUNK * sizeof *x, out);
  for (int i = 0; i < CHUNK; i++) x[i] = nf_bits_of(spread_over(&s, x[i]));
}

// Two at a time, which need no narrowing: the first from the low half's 16 bits, the other from all.
static void make_bf16(const making *m, int64_t first, void *out) {
  const spread s = m->spread;
  half *x = out;
  fill(m->seed, first, CHUNK * sizeof(uint16_t), out);
  for (int i = 0; i < CHUNK / 2; i++) {
    const uint32_t low = nf_bits_of(spread_over(&s, x[i] << 16)) + 0x8000;
    const uint32_t high = nf_bits_of(spread_over(&s, x[i])) + 0x8000;
    x[i] = low >> 16 | (high & 0xffff0000);
  }
}

static void make_f16(const making *m, int64_t first, void *out) {
  uint16_t *x = out;
  fill(m->seed, first, CHUNK * sizeof *x, out);
  for (int i = 0; i < CHUNK; i++) x[i] = nf_f16_encode(spread_over(&m->spread, (uint32_t)x[i] << 16));
}

static void make_mxfp4(const making *m, int64_t first, void *out) { fill(m->seed, first, CHUNK / 2, out); }

// Random codes have a mean square of 68.5/8; the scale of a group is 2^e or 2^(e-1), which multiplies that by
// 5/8 * 4^e. e brings it nearest to 1/K.
static int mxfp4_exponent(int64_t columns) {
  return (int)lrint(-0.5 * log2((double)columns * 68.5 / 8 * 5 / 8));
}

static void make_mxfp4_scales(const making *m, int64_t first, void *out) {
  const int most = 127 + m->exponent;
  uint8_t *scale = out;
  fill(~m->seed, first, CHUNK, out);
  for (int i = 0; i < CHUNK; i++) scale[i] = (uint8_t)(most - (scale[i] & 1));
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
  for (int64_t i = first, some; i < first + n; i += some, out += some * bits / 8) {
    const int64_t from = i % CHUNK;
    some = nf_min(CHUNK - from, first + n - i);
    make(m, i - from, some < CHUNK ? chunk : out);
    if (some < CHUNK) memcpy(out, chunk + from * bits / 8, (size_t)(some * bits / 8));
  }
}

static nf_status make_rows(const void *self, nf_weight_scratch *s, bool scales, const nf_rect *want) {
  const making *m = self;
  const nf_dtype dtype = m->type.dtype;
  make_chunk *const make = !scales             ? codes_of[dtype]
                           : dtype == NF_MXFP4 ? make_mxfp4_scales
                                               : make_fp8_scales;
  const int64_t bits = nf_dtype_of(scales ? nf_dtype_of(dtype)->scale : dtype)->bits;
  const int64_t width = scales ? nf_scale_cols(dtype, m->columns) : m->columns, at = want->at * 8 / bits;
  nf_rect r = *want;
  (void)s;
  if (r.n == r.pitch && r.n == width * bits / 8) r.n *= r.rows, r.rows = 1; // one run
  for (int64_t i = 0; i < r.rows; i++)
    make_elements(m, make, bits, (r.row + i) * width + at, r.n * 8 / bits, r.out + i * r.pitch);
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
