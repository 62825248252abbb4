// SPDX-License-Identifier: Apache-2.0
// linear of FP8 times FP8, as f16 that holds them: products are exact, sums are float32. Panels multiply FP8.
#include "kernels/gpu/products/few.h"
#include "kernels/gpu/products/many.h"
#include "kernels/gpu/products/panel_fp8.h"
#include "kernels/gpu/products/stream_fp8.h"

KERNEL(nf_linear_fp8_row_8, nf_gpu_linear, 256, 2) { linear_few(a, (few_form){LINEAR_FP8_ROW, 1, 3}); }
KERNEL(nf_linear_fp8_row_tall, nf_gpu_linear, 128, 6) {
  linear_few(a, (few_form){LINEAR_FP8_ROW, 1, 2, true});
}
KERNEL(nf_linear_fp8_row_16, nf_gpu_linear, 256, 2) {
  linear_few(a, (few_form){LINEAR_FP8_ROW, TILE_ROWS, 3});
}
KERNEL(nf_linear_fp8_row_32, nf_gpu_linear, 256, 2) { linear_many(a, LINEAR_FP8_ROW, 32); }
KERNEL(nf_linear_fp8_row_64, nf_gpu_linear, 256, 2) { linear_many(a, LINEAR_FP8_ROW, 64); }
KERNEL(nf_linear_fp8_row_128, nf_gpu_linear, 256, 1) { linear_many(a, LINEAR_FP8_ROW, 128); }
LINEAR_STREAM(fp8_row, linear_stream_fp8, LINEAR_FP8_ROW, 32, 2)
LINEAR_STREAM(fp8_row, linear_stream_fp8, LINEAR_FP8_ROW, 64, 2)
LINEAR_PANEL(fp8_row, linear_panel_fp8, LINEAR_FP8_ROW, 128)
LINEAR_PANEL(fp8_row, linear_panel_fp8, LINEAR_FP8_ROW, 256)

KERNEL(nf_linear_fp8_block_8, nf_gpu_linear, 256, 2) { linear_few(a, (few_form){LINEAR_FP8_BLOCK, 1, 3}); }
KERNEL(nf_linear_fp8_block_tall, nf_gpu_linear, 128, 6) {
  linear_few(a, (few_form){LINEAR_FP8_BLOCK, 1, 2, true});
}
KERNEL(nf_linear_fp8_block_16, nf_gpu_linear, 256, 2) {
  linear_few(a, (few_form){LINEAR_FP8_BLOCK, TILE_ROWS, 3});
}
KERNEL(nf_linear_fp8_block_32, nf_gpu_linear, 256, 2) { linear_many(a, LINEAR_FP8_BLOCK, 32); }
KERNEL(nf_linear_fp8_block_64, nf_gpu_linear, 256, 1) { linear_many(a, LINEAR_FP8_BLOCK, 64); }
KERNEL(nf_linear_fp8_block_128, nf_gpu_linear, 256, 1) { linear_many(a, LINEAR_FP8_BLOCK, 128); }
LINEAR_STREAM(fp8_block, linear_stream_fp8, LINEAR_FP8_BLOCK, 32, 2)
LINEAR_STREAM(fp8_block, linear_stream_fp8, LINEAR_FP8_BLOCK, 64, 2)
LINEAR_PANEL(fp8_block, linear_panel_fp8, LINEAR_FP8_BLOCK, 128)
LINEAR_PANEL(fp8_block, linear_panel_fp8, LINEAR_FP8_BLOCK, 256)
