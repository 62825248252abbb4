// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu/products/linear_launch.h"

static int64_t row_bytes(const nf_linear_args *a) { return nf_tensor_cols(&a->x) * 2; }

static size_t gathered(const nf_linear_args *a) {
  return (size_t)nf_round_up(nf_tensor_rows(&a->x) * row_bytes(a), NF_CACHE_LINE);
}

static bool is_plain(const nf_gpu_rows *r) {
  return r->inner == 1 && ((uintptr_t)r->data | (uint64_t)r->outer) % 16 == 0;
}

// Stage 0 gathers rows of x that do not begin at multiples of 16 bytes, evenly apart; the others are the
// kernels, the last that for few rows.
static nf_grid launch(const nf_launch_site *s, int stage, void *packed) {
  const nf_linear_args *a = s->args;
  nf_gpu_linear p = nf_linear_packed(s);
  const nf_gpu_rows x = nf_gpu_rows_of(&a->x);
  const bool plain = is_plain(&x);
  if (stage == 0) {
    const nf_gpu_gather g = {x, s->scratch, p.tokens, p.bytes / 16};
    *(nf_gpu_gather *)packed = g;
    return nf_gpu_grid(plain ? 0 : nf_ceil_div((int64_t)g.rows * g.packs, 256), 256, 0);
  }
  p.partial = (float *)((char *)s->scratch + gathered(a));
  if (!plain) p.x = s->scratch, p.x_stride = row_bytes(a);
  const bool is_last = stage == NF_LINEAR_KERNELS + 1;
  nf_grid grid = is_last ? nf_linear_small_grid(s, &p) : nf_linear_grid(s, stage - 1, &p);
  if (is_last != nf_linear_is_small(s, &p)) grid.blocks[0] = 0;
  *(nf_gpu_linear *)packed = p;
  return grid;
}

static size_t scratch(const nf_launch_site *s) {
  const nf_linear_args *a = s->args;
  return gathered(a) + nf_linear_partial(s, nf_tensor_rows(&a->y), nf_tensor_cols(&a->y));
}

const nf_module_kernel nf_gpu_linear_bf16 = {
    .stages = NF_LINEAR_KERNELS + 2,
    .symbol = {"nf_linear_gather", "nf_linear_bf16_8", "nf_linear_bf16_16", "nf_linear_bf16_32",
               "nf_linear_bf16_64", "nf_linear_bf16_128", "nf_linear_bf16_s32", "nf_linear_bf16_s64",
               "nf_linear_bf16_s128", "nf_linear_bf16_small"},
    .packed = {sizeof(nf_gpu_gather), [1 ... NF_LINEAR_KERNELS + 1] = sizeof(nf_gpu_linear)},
    .launch = launch,
    .scratch = scratch};
