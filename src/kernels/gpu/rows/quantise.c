// SPDX-License-Identifier: Apache-2.0
// quantise, and gated products as codes: rows that are held until their scale is known, or
// wait for it in memory where they are long.
#include "kernels/gpu/rows/held.h"

// The function is rounded, then the product.
INLINE u32x4 made(nf_gpu_gate gate, u32x4 x, u32x4 b) {
  const eight ex = unpacked(x), eb = unpacked(b);
  eight f;
  if (gate == NF_GPU_AS_IT_IS) return x;
  UNROLL for (int i = 0; i < 8; i++) f.v[i] =
      gate == NF_GPU_SILU_MUL ? ex.v[i] * lane_sigmoid(ex.v[i]) : lane_sigmoid(eb.v[i]);
  f = rounded8(f);
  UNROLL for (int i = 0; i < 8; i++) f.v[i] *= gate == NF_GPU_SILU_MUL ? eb.v[i] : ex.v[i];
  return packed(f);
}

INLINE void quantise(const nf_gpu_quantise *a, int group, int each) {
  const holder h = hold(group, a->rows, a->parts);
  const int begin = h.part * a->part, n = a->columns - begin, packs = (n < a->part ? n : a->part) / 8;
  const char *xs = row_of(&a->x, h.row) + (int64_t)begin * 2;
  u32x4 x[8] = {0}, b[8] = {0};
  lane_release();
  lane_wait();
  // All loads are on their way before the first is waited for.
  UNROLL for (int i = 0; i < each; i++) {
    const int p = h.first + i * h.step;
    if (h.inside && p < packs) x[i] = row_load(xs + (int64_t)p * 16);
  }
  if (a->gate != NF_GPU_AS_IT_IS && h.inside) {
    const char *bs = row_of(&a->b, h.row);
    const uint32_t one = a->once ? *(const uint16_t *)bs * 0x10001u : 0;
    UNROLL for (int i = 0; i < each; i++) {
      const int p = h.first + i * h.step;
      b[i] = (u32x4){one, one, one, one};
      if (!a->once && p < packs) b[i] = row_load(bs + (int64_t)begin * 2 + (int64_t)p * 16);
    }
  }
  UNROLL for (int i = 0; i < each; i++) x[i] = made(a->gate, x[i], b[i]);
  store_codes(&h, x, each, packs, a->by_row, row_of(&a->y, h.row) + begin,
              a->scales + h.row * a->scale_stride + h.part, 0);
}

// ---- long rows: a block has a share of one, a lane one pack ----

typedef struct share {
  int row, at, pack;
  bool inside;
} share;

INLINE share share_of(const nf_gpu_quantise *a) {
  const uint32_t block = (uint32_t)lane_block(), shares = (uint32_t)a->shares;
  share s = {.row = (int)(block / shares), .at = (int)(block % shares)};
  s.pack = s.at * lane_threads() + lane_thread();
  s.inside = s.pack < a->columns / 8;
  return s;
}

INLINE char *made_pack(const nf_gpu_quantise *a, const share *s) {
  return (char *)a->made + ((int64_t)s->row * a->columns + (int64_t)s->pack * 8) * 2;
}

KERNEL(nf_quantise_make, nf_gpu_quantise, 256, 4) {
  const share s = share_of(a);
  u32x4 v = {0};
  lane_release();
  lane_wait();
  if (s.inside) {
    const u32x4 x = row_load(row_of(&a->x, s.row) + (int64_t)s.pack * 16);
    u32x4 b = x;
    if (a->gate != NF_GPU_AS_IT_IS) {
      const char *bs = row_of(&a->b, s.row);
      const uint32_t one = *(const uint16_t *)bs * 0x10001u;
      b = a->once ? (u32x4){one, one, one, one} : row_load(bs + (int64_t)s.pack * 16);
    }
    v = made(a->gate, x, b);
    lane_store16(made_pack(a, &s), v);
  }
  const float most = block_max(largest_of(unpacked(v)), block_shared());
  if (lane_thread() == 0) a->largest[(int64_t)s.row * a->shares + s.at] = most;
}

KERNEL(nf_quantise_made, nf_gpu_quantise, 256, 4) {
  const share s = share_of(a);
  float most = 0;
  lane_release();
  lane_wait();
  const u32x4 v = s.inside ? lane_load16(made_pack(a, &s)) : (u32x4){0};
  if (lane_id() < a->shares) most = a->largest[(int64_t)s.row * a->shares + lane_id()];
  const float scale = scale_for(lane_max(most));
  if (!s.inside) return;
  *(u32x2 *)(row_of(&a->y, s.row) + (int64_t)s.pack * 8) = codes_of(unpacked(v), scale);
  if (s.pack == 0) a->scales[s.row * a->scale_stride] = scale;
}

HELD_KERNELS(nf_quantise, nf_gpu_quantise, quantise)
