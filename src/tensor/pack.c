// SPDX-License-Identifier: Apache-2.0
#include "tensor/pack.h"
#include "base/checked.h"
#include "tensor/scalar.h"
#include <assert.h>
#include <string.h>

enum { STRIP = NF_STRIP_ROWS, GROUP = 32 };

nf_type nf_type_packed(nf_type t, nf_pack pack) {
  t.pack = pack;
  if (pack == NF_PACK_N16) t.padded[t.rank - 2] = nf_round_up(t.padded[t.rank - 2], STRIP);
  return t;
}

// Where row `row` lies: the start of its strip in codes and scales, and its lane there.
typedef struct place {
  char *codes, *scales; // scales: of MXFP4, which lie side by side too
  int lane;
} place;

static place find(const nf_tensor *t, int64_t row) {
  const int64_t N = t->dim[t->rank - 2], K = t->stride[t->rank - 2];
  const int64_t padded = t->rank > 2 ? t->stride[t->rank - 3] / (K != 0 ? K : 1) : nf_round_up(N, STRIP);
  const int64_t strip_row = row / N * padded + row % N / STRIP * STRIP; // rows in memory before the strip
  return (place){(char *)t->data + strip_row * K * nf_dtype_of(t->dtype)->bits / 8,
                 t->dtype == NF_MXFP4 ? (char *)t->scale + strip_row * (K / GROUP) : NULL,
                 (int)(row % N % STRIP)};
}

static void put_fp4(const place *p, int64_t K, const uint8_t *codes, const uint8_t *scales) {
  uint8_t *to = (uint8_t *)p->codes + p->lane % 8;
  const int shift = p->lane / 8 * 4;
  for (int64_t k = 0; k < K; k++) {
    const uint8_t code = codes[k / 2] >> (k % 2 * 4) & 15;
    to[k * 8] = (uint8_t)((to[k * 8] & ~(15 << shift)) | code << shift);
  }
  for (int64_t g = 0; g < K / GROUP; g++) p->scales[g * STRIP + p->lane] = (char)scales[g];
}

static void put_fp8(const place *p, int64_t K, const uint8_t *row) {
  uint8_t *to = (uint8_t *)p->codes + p->lane;
  for (int64_t k = 0; k < K; k++) to[k * STRIP] = row[k];
}

static void put_half(const place *p, int64_t K, const uint16_t *row) {
  uint16_t *to = (uint16_t *)p->codes + p->lane;
  for (int64_t k = 0; k < K; k++) to[k * STRIP] = row[k];
}

static void put_float(const place *p, int64_t K, const float *row) {
  float *to = (float *)p->codes + p->lane;
  for (int64_t k = 0; k < K; k++) to[k * STRIP] = row[k];
}

// Lanes that no row will fill. `left`: rows of the strip that one will.
static void clear_strip(const nf_tensor *t, const place *p, int64_t row, int64_t left) {
  const int64_t K = nf_tensor_cols(t);
  memset(p->codes, 0, (size_t)(STRIP * K * nf_dtype_of(t->dtype)->bits / 8));
  if (p->scales != NULL) memset(p->scales, 0, (size_t)(STRIP * (K / GROUP)));
  if (t->dtype == NF_FP8_ROW)
    memset((float *)nf_tensor_scales(t, row) + left, 0, (size_t)(STRIP - left) * sizeof(float));
}

static void put(const nf_tensor *t, const place *p, const void *row, const uint8_t *scales) {
  const int64_t K = nf_tensor_cols(t);
  switch (nf_dtype_of(t->dtype)->bits) {
  case 4:
    put_fp4(p, K, row, scales);
    break;
  case 8:
    put_fp8(p, K, row);
    break;
  case 16:
    put_half(p, K, row);
    break;
  default:
    put_float(p, K, row);
  }
}

void nf_pack_rows(const nf_tensor *to, int64_t row, int64_t n, const void *codes, const void *scales) {
  const int64_t N = to->dim[to->rank - 2], K = nf_tensor_cols(to);
  const int64_t code_bytes = K * nf_dtype_of(to->dtype)->bits / 8;
  assert(to->pack == NF_PACK_N16);
  for (int64_t i = 0; i < n; i++) {
    const place p = find(to, row + i);
    const int64_t left = N - (row + i) % N;
    if ((row + i) % N % STRIP == 0 && left < STRIP) clear_strip(to, &p, row + i, left);
    put(to, &p, (const char *)codes + i * code_bytes,
        p.scales != NULL ? (const uint8_t *)scales + i * (K / GROUP) : NULL);
  }
}

void nf_pack_tensor(const nf_tensor *to, const nf_tensor *from) {
  nf_pack_rows(to, 0, nf_tensor_rows(to), from->data, from->scale);
  if (!nf_is_fp8(to->dtype)) return;
  const size_t row = (size_t)nf_scale_cols(to->dtype, nf_tensor_cols(to)) * sizeof(float);
  for (int64_t r = 0; r < nf_tensor_rows(to); r++)
    memcpy(nf_tensor_scales(to, r), nf_tensor_scales(from, r), row);
}

void nf_packed_row_decode(const nf_tensor *t, int64_t row, float *out) {
  const place p = find(t, row);
  const int64_t K = nf_tensor_cols(t);
  const bool fp8 = nf_is_fp8(t->dtype);
  const float *scale = fp8 ? nf_tensor_scales(t, row) : NULL;
  const int64_t group = nf_dtype_of(t->dtype)->group_cols;
  for (int64_t k = 0; k < K; k++) {
    const int64_t at = k * STRIP + p.lane;
    if (fp8) {
      out[k] = nf_e4m3_decode((uint8_t)p.codes[at]) * scale[k / group];
    } else if (t->dtype == NF_MXFP4) {
      const uint8_t byte = (uint8_t)p.codes[k * 8 + p.lane % 8];
      out[k] = nf_e2m1_decode((uint8_t)(byte >> (p.lane / 8 * 4) & 15)) *
               nf_e8m0_decode((uint8_t)p.scales[k / GROUP * STRIP + p.lane]);
    } else if (t->dtype == NF_F32)
      out[k] = ((const float *)p.codes)[at];
    else if (t->dtype == NF_F16)
      out[k] = nf_f16_decode(((const uint16_t *)p.codes)[at]);
    else
      out[k] = nf_bf16_decode(((const uint16_t *)p.codes)[at]);
  }
}
