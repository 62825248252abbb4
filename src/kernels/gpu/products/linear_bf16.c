// SPDX-License-Identifier: Apache-2.0
// linear of bf16.
#include "kernels/gpu/products/few.h"
#include "kernels/gpu/products/many.h"
#include "kernels/gpu/products/panel.h"

// Rows of a view may begin anywhere; those that the others read do not.
KERNEL(nf_linear_gather, nf_gpu_gather, 256, 4) {
  const int64_t i = (int64_t)lane_block() * lane_threads() + lane_thread();
  lane_release();
  lane_wait();
  if (i >= (int64_t)a->rows * a->packs) return;
  lane_store16((char *)a->to + i * 16, row_load(row_of(&a->from, i / a->packs) + i % a->packs * 16));
}

KERNEL(nf_linear_bf16_8, nf_gpu_linear, 256, 2) { linear_few(a, (few_form){LINEAR_BF16, 1, 4}); }
KERNEL(nf_linear_bf16_16, nf_gpu_linear, 256, 2) { linear_few(a, (few_form){LINEAR_BF16, TILE_ROWS, 3}); }
// Of few rows, as routers have: all that a row has is read at once.
KERNEL(nf_linear_bf16_small, nf_gpu_linear, 768, 1) { linear_few(a, (few_form){LINEAR_BF16, 1, 2}); }
KERNEL(nf_linear_bf16_32, nf_gpu_linear, 256, 2) { linear_many(a, LINEAR_BF16, 32); }
KERNEL(nf_linear_bf16_64, nf_gpu_linear, 256, 2) { linear_many(a, LINEAR_BF16, 64); }
KERNEL(nf_linear_bf16_128, nf_gpu_linear, 256, 1) { linear_many(a, LINEAR_BF16, 128); }
LINEAR_STREAM(bf16, linear_stream, LINEAR_BF16, 32, 2)
LINEAR_STREAM(bf16, linear_stream, LINEAR_BF16, 64, 2)
LINEAR_STREAM(bf16, linear_stream, LINEAR_BF16, 128, 1)
LINEAR_PANEL(bf16, linear_panel, LINEAR_BF16, 128)
LINEAR_PANEL(bf16, linear_panel, LINEAR_BF16, 256)
