// SPDX-License-Identifier: Apache-2.0
// Packing is a transpose: the halves of a strip's rows are interleaved, and the result's halves again, as
// often as the number of rows can be halved. 16 bytes of each row at a time are vectors on every processor.
#include "tensor/pack.h"
#include "base/checked.h"
#include "tensor/scalar.h"
#include <assert.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { GROUP = 32, WIDE = 16 };

nf_type nf_type_packed(nf_type t, nf_pack pack) {
  t.pack = pack;
  if (pack.rows <= 0) return t;
  t.padded[t.rank - 2] = nf_round_up(t.padded[t.rank - 2], pack.rows);
  t.padded[t.rank - 1] = nf_round_up(t.padded[t.rank - 1], pack.k);
  return t;
}

// ---- a strip ----

typedef uint8_t v8 __attribute__((vector_size(WIDE), aligned(1), may_alias));
typedef uint16_t v16 __attribute__((vector_size(WIDE)));
typedef uint32_t v32 __attribute__((vector_size(WIDE)));
typedef uint64_t v64 __attribute__((vector_size(WIDE)));

// The elements of a and b by turns, `unit` bytes each.
static inline __attribute__((always_inline)) void interleave(int unit, v8 a, v8 b, v8 out[2]) {
  switch (unit) {
  case 1:
    out[0] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    out[1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    break;
  case 2:
    out[0] = (v8)__builtin_shufflevector((v16)a, (v16)b, 0, 8, 1, 9, 2, 10, 3, 11);
    out[1] = (v8)__builtin_shufflevector((v16)a, (v16)b, 4, 12, 5, 13, 6, 14, 7, 15);
    break;
  case 4:
    out[0] = (v8)__builtin_shufflevector((v32)a, (v32)b, 0, 4, 1, 5);
    out[1] = (v8)__builtin_shufflevector((v32)a, (v32)b, 2, 6, 3, 7);
    break;
  case 8:
    out[0] = (v8)__builtin_shufflevector((v64)a, (v64)b, 0, 2);
    out[1] = (v8)__builtin_shufflevector((v64)a, (v64)b, 1, 3);
    break;
  default:
    out[0] = a, out[1] = b;
  }
}

// Plain rows; those from n on, and what is behind `bytes` of each, are zeros.
typedef struct plain {
  const unsigned char *row;
  int64_t n, pitch, bytes;
} plain;

static inline v8 load(const plain *p, int64_t row, int64_t at, int64_t most) {
  v8 v = {0};
  const int64_t n = row < p->n ? nf_min(most, p->bytes - at) : 0;
  if (n > 0) memcpy(&v, p->row + row * p->pitch + at, (size_t)n);
  return v;
}

// 16 columns of two rows of FP4, one in the low and one in the high halves.
static inline v8 halves_of(v8 low, v8 high) {
  v8 out[2];
  interleave(1, (low & 15) | ((v8)((v16)high << 4) & 0xf0), ((v8)((v16)low >> 4) & 15) | (high & 0xf0), out);
  return out[0];
}

// 32 columns of a row of FP4: of each eight the even ones, then the odd ones.
static inline v8 even_and_odd(v8 codes) {
  v32 even = (v32)codes & 0x0f0f0f0f, odd = (v32)codes >> 4 & 0x0f0f0f0f;
  even = (even | even >> 4) & 0x00ff00ff;
  odd = (odd | odd >> 4) & 0x00ff00ff;
  return (v8)(((even | even >> 8) & 0xffff) | (odd | odd >> 8) << 16);
}

// The same words with their bits where a matrix unit's numbers are few instructions away (pack.h).
static inline v8 spread(v8 codes) {
  const v32 w = (v32)even_and_odd(codes);
  return (v8)((w & 0x00070007) << 6 | (w & 0x00080008) << 12 | (w >> 4 & 0x00070007) | (w & 0x01800180) << 2 |
              (w >> 6 & 0x00180018) | (w & 0x78007800) | (w & 0x8000) << 6 | (w >> 26 & 0x20));
}
// One word again as even_and_odd has it.
static uint32_t gathered(uint32_t w) {
  return (w >> 6 & 0x00070007) | (w >> 12 & 0x00080008) | (w & 0x00070007) << 4 | (w >> 2 & 0x01800180) |
         (w & 0x00180018) << 6 | (w & 0x78007800) | (w >> 6 & 0x8000) | (w & 0x20) << 26;
}

// How the bytes of rows become those of lines.
typedef enum form {
  PLAIN,   // as they are
  HALVES,  // two rows of FP4 are one line
  DIVIDED, // even_and_odd
  SPREAD,
} form;

static inline __attribute__((always_inline)) v8 words_of(form form, v8 codes) {
  return form == DIVIDED ? even_and_odd(codes) : form == SPREAD ? spread(codes) : codes;
}

// Lines [at, bytes) of `lines` rows of units, or of as many pairs of rows in halves of bytes.
static void weave(const plain *p, form form, int lines, int unit, int64_t at, int64_t bytes,
                  unsigned char *out) {
  v8 a[NF_PACK_MOST_ROWS], b[NF_PACK_MOST_ROWS], *from = a, *to = b;
  for (; at < bytes; at += WIDE) {
    for (int i = 0; i < lines; i++)
      from[i] = form == HALVES ? halves_of(load(p, i, at / 2, 8), load(p, i + lines, at / 2, 8))
                               : words_of(form, load(p, i, at, WIDE));
    for (int n = lines; n > 1; n /= 2) {
      for (int i = 0; i < lines / 2; i++) interleave(unit, from[i], from[i + lines / 2], to + 2 * i);
      v8 *other = from;
      from = to, to = other;
    }
    memcpy(out + at * lines, from, (size_t)(nf_min(WIDE, bytes - at) * lines));
  }
}

// ---- the same for whole vectors, in registers ----

static inline __attribute__((always_inline)) v8 line(const plain *p, form form, int lines, int i,
                                                     int64_t at) {
  const unsigned char *row = p->row + i * p->pitch;
  if (form != HALVES) return words_of(form, *(const v8 *)(row + at));
  uint64_t low, high;
  memcpy(&low, row + at / 2, sizeof low);
  memcpy(&high, row + lines * p->pitch + at / 2, sizeof high);
  return halves_of((v8)(v64){low}, (v8)(v64){high});
}

static inline __attribute__((always_inline)) void stage(int n, int unit, const v8 *x, v8 *y) {
#pragma GCC unroll 8
  for (int i = 0; i < n / 2; i++) interleave(unit, x[i], x[i + n / 2], y + 2 * i);
}

// To memory past the caches, which need not read a line first that is written whole.
static inline __attribute__((always_inline)) void put(unsigned char *out, v8 x, bool stream) {
#if defined(__SSE2__)
  if (stream) return _mm_stream_si128((__m128i *)out, (__m128i)x);
#endif
  (void)stream;
  memcpy(out, &x, sizeof x);
}

// Who waits for this thread sees what it has streamed.
static void end_stream(bool stream) {
#if defined(__SSE2__)
  if (stream) _mm_sfence();
#endif
  (void)stream;
}

// `n` lines from `first` on, 4, 8 or 16: as many as have a whole vector of each column, or all of them.
// Vectors of the result are `step` apart.
static inline __attribute__((always_inline)) void weave_some(const plain *p, form form, int lines, int first,
                                                             int n, int unit, int64_t at, int step,
                                                             unsigned char *out, bool stream) {
  v8 x[16], y[16];
#pragma GCC unroll 16
  for (int i = 0; i < n; i++) x[i] = line(p, form, lines, first + i, at);
  stage(n, unit, x, y);
  stage(n, unit, y, x);
  if (n > 4) stage(n, unit, x, y);
  if (n > 8) stage(n, unit, y, x);
#pragma GCC unroll 16
  for (int i = 0; i < n; i++) put(out + i * step, n == 8 ? y[i] : x[i], stream);
}

// Returns how many bytes of each line it has done.
static inline __attribute__((always_inline)) int64_t
weave_whole(const plain *p, form form, int lines, int unit, int64_t bytes, unsigned char *out, bool stream) {
  const int n = lines < WIDE / unit ? lines : WIDE / unit;
  int64_t at = 0;
  for (; at + WIDE <= bytes; at += WIDE)
#pragma GCC unroll 4
    for (int i = 0; i < lines; i += n)
      weave_some(p, form, lines, i, n, unit, at, WIDE * lines / n, out + at * lines + i / n * WIDE, stream);
  return at;
}

int64_t nf_strip_bytes(const nf_strip *s) { return s->pack.rows * s->padded * s->bits / 8; }

void nf_pack_strip(const nf_strip *s, const void *rows, int64_t n, void *out) {
  const form form = s->bits >= 8 ? PLAIN : s->pack.k == 4 ? SPREAD : s->pack.k == 2 ? DIVIDED : HALVES;
  const plain p = {rows, n, s->pitch, s->cols * s->bits / 8};
  const int lines = s->pack.rows / (form == HALVES ? 2 : 1), bits = form == HALVES ? 8 : s->bits;
  const int unit = form == DIVIDED || form == SPREAD ? 4 : s->pack.k * bits / 8;
  const int64_t there = n == s->pack.rows ? s->cols * bits / 8 : 0;
  const bool stream = s->stream && (uintptr_t)out % WIDE == 0;
  int64_t done = 0;
  assert(s->pack.rows > 1 && s->pack.rows <= NF_PACK_MOST_ROWS && s->padded % s->pack.k == 0);
#define WHOLE(of, n, u)                            \
  if (form == (of) && lines == (n) && unit == (u)) \
  done = stream ? weave_whole(&p, of, n, u, there, out, true) : weave_whole(&p, of, n, u, there, out, false)
  WHOLE(HALVES, 8, 1);
  WHOLE(DIVIDED, 16, 4);
  WHOLE(PLAIN, 16, 1);
  WHOLE(PLAIN, 16, 2);
  WHOLE(PLAIN, 16, 4);
  WHOLE(PLAIN, 32, 1);
  WHOLE(PLAIN, 32, 4);
  WHOLE(SPREAD, 32, 4);
#undef WHOLE
  weave(&p, form, lines, unit, done, s->padded * bits / 8, out);
  end_stream(stream);
}

// ---- tensors ----

// Columns of a packed row, with their padding, and rows in memory before a row's strip.
static int64_t padded_cols(const nf_tensor *t) { return t->stride[t->rank - 2]; }
static int64_t strip_row(const nf_tensor *t, int64_t row) {
  const int64_t N = t->dim[t->rank - 2], K = padded_cols(t), R = t->pack.rows;
  const int64_t padded = t->rank > 2 ? t->stride[t->rank - 3] / nf_max(1, K) : nf_round_up(N, R);
  return row / N * padded + row % N / R * R;
}

static char *codes_at(const nf_tensor *t, int64_t strip_row) {
  return (char *)t->data + strip_row * padded_cols(t) * nf_dtype_of(t->dtype)->bits / 8;
}
static char *mx_scales_at(const nf_tensor *t, int64_t strip_row) {
  return (char *)t->scale + strip_row * (padded_cols(t) / GROUP);
}

static nf_strip strip_of(const nf_tensor *t, bool mx_scales) {
  const int bits = nf_dtype_of(t->dtype)->bits;
  const int64_t K = nf_tensor_cols(t), padded = padded_cols(t);
  if (mx_scales) return (nf_strip){{t->pack.rows, 1}, 8, K / GROUP, padded / GROUP, K / GROUP};
  return (nf_strip){t->pack, bits, K, padded, K * bits / 8};
}

// Element (row, c) of a tensor as its place among the codes, of FP4 two to a byte.
static int64_t element(const nf_tensor *t, int64_t row, int64_t c) {
  const int64_t R = t->pack.rows, k = t->pack.k;
  return strip_row(t, row) * padded_cols(t) + c / k * R * k + row % t->dim[t->rank - 2] % R * k + c % k;
}

static uint8_t fp4_at(const nf_tensor *t, int64_t row, int64_t c) {
  const int64_t R = t->pack.rows, lane = row % t->dim[t->rank - 2] % R, half = R / 2;
  if (t->pack.k > 1) {
    uint32_t word;
    memcpy(&word, (const char *)t->data + strip_row(t, row) * padded_cols(t) / 2 + (c / 8 * R + lane) * 4,
           sizeof word);
    return (t->pack.k == 4 ? gathered(word) : word) >> (c % 2 * 16 + c % 8 / 2 * 4) & 15;
  }
  const int64_t at = element(t, row, c), byte = at / (2 * half) * half + at % half;
  const uint8_t two = ((const uint8_t *)t->data)[byte];
  return at / half % 2 ? two >> 4 : two & 15;
}

void nf_pack_tensor(const nf_tensor *to, const nf_tensor *from) {
  const int64_t N = to->dim[to->rank - 2], R = to->pack.rows, K = nf_tensor_cols(to);
  const nf_strip strip = strip_of(to, false), mx = strip_of(to, true);
  const bool fp8 = nf_is_fp8(to->dtype);
  const size_t scales = fp8 ? (size_t)nf_scale_cols(to->dtype, K) * sizeof(float) : 0;
  for (int64_t row = 0, n; row < nf_tensor_rows(to); row += n) {
    n = nf_min(R, N - row % N);
    nf_pack_strip(&strip, nf_tensor_row(from, row), n, codes_at(to, strip_row(to, row)));
    if (to->dtype == NF_MXFP4)
      nf_pack_strip(&mx, nf_tensor_scales(from, row), n, mx_scales_at(to, strip_row(to, row)));
    for (int64_t i = 0; fp8 && i < n; i++)
      memcpy(nf_tensor_scales(to, row + i), nf_tensor_scales(from, row + i), scales);
    if (to->dtype == NF_FP8_ROW && n < R)
      memset((float *)nf_tensor_scales(to, row) + n, 0, (size_t)(R - n) * sizeof(float));
  }
}

void nf_packed_codes(const nf_tensor *t, int64_t row, int64_t c, int64_t n, void *out) {
  const int64_t size = nf_dtype_of(t->dtype)->bits / 8;
  const uint8_t *data = t->data;
  uint8_t *to = out;
  for (int64_t i = 0; i < n; i++)
    if (size)
      memcpy(to + i * size, data + element(t, row, c + i) * size, (size_t)size);
    else
      to[i / 2] = (uint8_t)((i % 2 ? to[i / 2] : 0) | fp4_at(t, row, c + i) << i % 2 * 4);
}

const void *nf_packed_scales(const nf_tensor *t, int64_t row, int64_t *out_step) {
  *out_step = t->pack.rows;
  return mx_scales_at(t, strip_row(t, row)) + row % t->dim[t->rank - 2] % t->pack.rows;
}
