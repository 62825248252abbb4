// SPDX-License-Identifier: Apache-2.0
// Views of memory as tensors, and rows as float32. Row decoding is what reference kernels and weight checks
// lean on: one plain loop per code type that compilers vectorise.
#include "tensor/tensor.h"
#include "base/checked.h"
#include "base/memory.h"
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include <assert.h>

static void place_scales(nf_tensor *v, int64_t padded_rows, int64_t padded_cols) {
  const nf_dtype_info *info = nf_dtype_of(v->dtype);
  if (info->scale == NF_NONE) return;
  int64_t codes = padded_rows * padded_cols * info->bits / 8;
  v->scale_stride = nf_scale_cols(v->dtype, padded_cols);
  if (v->data) v->scale = (char *)v->data + nf_round_up(codes, NF_CACHE_LINE);
}

nf_tensor nf_tensor_of(const nf_type *t, const nf_sizes *at, int64_t slots, void *data) {
  if (t->dtype == NF_NONE) return (nf_tensor){0};
  int front = t->cache != NF_NO_CACHE;
  assert(t->rank + front <= NF_MAX_RANK);
  nf_tensor v = {
      .data = data, .dtype = t->dtype, .pack = t->pack, .cache = t->cache, .rank = t->rank + front};
  int64_t step = 1, cols = 1;
  for (int i = t->rank - 1; i >= 0; i--) {
    int64_t size = at->of[t->dim[i].sym];
    v.dim[i + front] = t->dim[i].c * size;
    v.stride[i + front] = step;
    step *= t->padded[i] * size;
    if (i == t->rank - 1) cols = v.padded = step;
  }
  if (front) {
    v.dim[0] = slots;
    v.stride[0] = step;
    step *= slots;
  }
  place_scales(&v, cols ? step / cols : 0, cols);
  return v;
}

nf_tensor nf_tensor_columns(const nf_tensor *t, int64_t from, int64_t n) {
  nf_tensor part = *t;
  if (t->data) part.data = (char *)t->data + from * nf_dtype_of(t->dtype)->bits / 8;
  part.dim[t->rank - 1] = part.padded = n;
  return part;
}

// Dimensions of t between which there is no gap are one run of elements, `step` apart; so must be those that
// they become, which are given their strides here, innermost first. A dimension of 1 has the stride that a
// longer one would have.
static bool carry_strides(const nf_tensor *t, nf_tensor *y) {
  int to = y->rank - 1;
  int64_t step = 1, n = 1;
  for (int i = t->rank - 1; i >= 0; i--) {
    int64_t run = t->dim[i];
    for (; i > 0 && t->stride[i - 1] == run * step; i--) run *= t->dim[i - 1];
    for (n = 1; to >= 0 && n < run; n *= y->dim[to--]) y->stride[to] = n * step;
    if (n != run) return false;
    if (i > 0) step = t->stride[i - 1];
  }
  for (; to >= 0; to--) y->stride[to] = n * step;
  return y->rank == 0 || y->dim[y->rank - 1] == 1 || y->stride[y->rank - 1] == 1;
}

bool nf_tensor_reshape(const nf_tensor *t, const nf_type *to, const nf_sizes *at, nf_tensor *out) {
  nf_tensor y = nf_tensor_of(to, at, 0, t->data);
  const bool empty = nf_tensor_rows(&y) * nf_tensor_cols(&y) == 0;
  if (!empty && !carry_strides(t, &y)) return false;
  y.scale = t->scale;
  *out = y;
  return true;
}

int64_t nf_tensor_rows(const nf_tensor *t) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < t->rank; i++) rows *= t->dim[i];
  return rows;
}

int64_t nf_tensor_cols(const nf_tensor *t) { return t->rank ? t->dim[t->rank - 1] : 1; }

// Elements from the tensor's start to row r.
static int64_t row_offset(const nf_tensor *t, int64_t r) {
  if (t->rank <= 2) return t->rank == 2 ? r * t->stride[0] : 0;
  int64_t at = 0;
  for (int i = t->rank - 2; i >= 0; i--) {
    at += r % t->dim[i] * t->stride[i];
    r /= t->dim[i];
  }
  return at;
}

void *nf_tensor_row(const nf_tensor *t, int64_t r) {
  return (char *)t->data + row_offset(t, r) * nf_dtype_of(t->dtype)->bits / 8;
}

// Leading strides are multiples of the row stride, so `before` counts the rows in memory before row r.
void *nf_tensor_scales(const nf_tensor *t, int64_t r) {
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  int64_t before = t->rank < 2 || t->stride[t->rank - 2] == 0 ? 0 : row_offset(t, r) / t->stride[t->rank - 2];
  if (info->group_rows > 1) {
    const int64_t matrix = t->rank > 2 ? t->stride[t->rank - 3] / t->stride[t->rank - 2] : INT64_MAX;
    before = (before >= matrix ? before / matrix * nf_scale_rows(t->dtype, matrix) : 0) +
             before % matrix / info->group_rows;
  }
  return (char *)t->scale + before * t->scale_stride * (nf_dtype_of(info->scale)->bits / 8);
}

nf_tensor nf_tensor_rows_from(const nf_tensor *t, int64_t first) {
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  nf_tensor part = *t;
  if (first == 0) return part;
  part.data = (char *)t->data + first * t->stride[0] * info->bits / 8;
  if (t->scale == NULL) return part;
  const int64_t scales = first / info->group_rows * t->scale_stride;
  part.scale = (char *)t->scale + scales * (nf_dtype_of(info->scale)->bits / 8);
  return part;
}

#define DECODER(name, type, expr)                                       \
  static void name(const void *codes, int64_t n, float *restrict out) { \
    const type *restrict code = codes;                                  \
    for (int64_t i = 0; i < n; i++) out[i] = (expr);                    \
  }
DECODER(decode_f32, float, code[i])
DECODER(decode_bf16, uint16_t, nf_bf16_decode(code[i]))
DECODER(decode_f16, uint16_t, nf_f16_decode(code[i]))
DECODER(decode_e4m3, uint8_t, nf_e4m3_decode(code[i]))
DECODER(decode_e8m0, uint8_t, nf_e8m0_decode(code[i]))
DECODER(decode_e2m1, uint8_t, nf_e2m1_decode(code[i / 2] >> i % 2 * 4)) // the low half is the even one
DECODER(decode_i32, int32_t, (float)code[i])
DECODER(decode_i64, int64_t, (float)code[i])
DECODER(decode_u8, uint8_t, code[i])

static void (*const decoders[NF_DTYPE_COUNT])(const void *codes, int64_t n, float *restrict out) = {
    [NF_F32] = decode_f32,     [NF_BF16] = decode_bf16, [NF_F16] = decode_f16,
    [NF_F8E4M3] = decode_e4m3, [NF_E8M0] = decode_e8m0, [NF_E2M1] = decode_e2m1,
    [NF_I32] = decode_i32,     [NF_I64] = decode_i64,   [NF_U8] = decode_u8};

static void apply_scales(const nf_tensor *t, int64_t r, int64_t n, float *out) {
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  int64_t step = 1;
  const void *scale = t->dtype == NF_MXFP4 && !nf_pack_is_plain(t->pack) ? nf_packed_scales(t, r, &step)
                                                                         : nf_tensor_scales(t, r);
  for (int64_t from = 0, g = 0; from < n; from += info->group_cols, g += step) {
    const float s =
        info->scale == NF_F32 ? ((const float *)scale)[g] : nf_e8m0_decode(((const uint8_t *)scale)[g]);
    for (int64_t i = from; i < nf_min(from + info->group_cols, n); i++) out[i] *= s;
  }
}

void nf_row_decode(const nf_tensor *t, int64_t r, float *restrict out) {
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  const int64_t n = nf_tensor_cols(t);
  assert(t->dtype != NF_NONE);
  if (nf_pack_is_plain(t->pack)) decoders[info->code](nf_tensor_row(t, r), n, out);
  for (int64_t c = 0, some; !nf_pack_is_plain(t->pack) && c < n; c += some) {
    uint32_t codes[128];
    some = nf_min(128, n - c);
    nf_packed_codes(t, r, c, some, codes);
    decoders[info->code](codes, some, out + c);
  }
  if (n > 0 && info->scale != NF_NONE) apply_scales(t, r, n, out);
}

void nf_row_encode(const nf_tensor *t, int64_t r, const float *restrict in) {
  int64_t n = nf_tensor_cols(t);
  uint16_t *restrict half = nf_tensor_row(t, r);
  if (n == 0) return;
  if (t->dtype == NF_F32) {
    memcpy(half, in, (size_t)n * sizeof *in);
  } else if (t->dtype == NF_BF16) {
    for (int64_t i = 0; i < n; i++) half[i] = nf_bf16_encode(in[i]);
  } else {
    assert(t->dtype == NF_F16);
    for (int64_t i = 0; i < n; i++) half[i] = nf_f16_encode(in[i]);
  }
  const size_t size = (size_t)nf_dtype_of(t->dtype)->bits / 8;
  if (t->padded > n) memset((char *)half + (size_t)n * size, 0, (size_t)(t->padded - n) * size);
}
