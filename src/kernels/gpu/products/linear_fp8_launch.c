// SPDX-License-Identifier: Apache-2.0
// Launches of linears whose weights are FP8, by streams, tall streams and panels.
#include "kernels/gpu/products/linear_launch.h"
#include <assert.h>

// The first stages are of scales by row, the others of those by group and block; the last of each is that for
// few tokens and so many rows that blocks follow one another: more of them at once, whose tokens are loaded
// ahead (H200, 2026-11-29: 10240 x 5120 at one token 15.3 us instead of 15.7, at 8 tokens 16.0 instead
// of 16.8; but 5120 x 25600 36.0 instead of 33.6).
enum { STAGES = NF_LINEAR_FP8_KERNELS + 1 };

static bool is_tall(const nf_launch_site *s, const nf_gpu_linear *p) {
  const int64_t blocks = nf_ceil_div(p->n, nf_gpu_tile_columns(s->hw));
  return s->hw->backend == NF_BACKEND_CUDA && p->tokens > 0 && nf_linear_kernel(s, p->tokens) == 0 &&
         blocks >= 8 * nf_gpu_multiprocessors(s->hw);
}

static nf_grid launch(const nf_launch_site *s, int stage, void *packed) {
  nf_gpu_linear p = nf_linear_packed(s);
  const bool blocks = stage >= STAGES, is_last = stage % STAGES == STAGES - 1;
  nf_grid grid =
      is_last ? nf_linear_few_of(s, &p, NF_LINEAR_THREADS / 2) : nf_linear_grid(s, stage % STAGES, &p);
  if (blocks != (p.x_groups > 0) || is_last != is_tall(s, &p)) grid.blocks[0] = 0;
  *(nf_gpu_linear *)packed = p;
  return grid;
}

static size_t scratch(const nf_launch_site *s) {
  const nf_linear_args *a = s->args;
  return nf_linear_partial(s, nf_tensor_rows(&a->y), nf_tensor_cols(&a->y));
}

// Panels of FP8 as it is, for more tokens than a stream has: 128 rows a block, then 256.
enum { PANEL_STAGES = 2 * STAGES, PANELS = 2 };
static_assert(PANEL_STAGES % PANELS == 0, "a stage says which panel it is");
static int panel_rows(const nf_launch_site *s, int64_t tokens) {
  const int64_t room = nf_gpu_multiprocessors(s->hw);
  const int64_t few = nf_ceil_div(nf_linear_panels(s, tokens, 128), room),
                many = nf_ceil_div(nf_linear_panels(s, tokens, 256), room);
  return 10 * few < 17 * many ? 128 : 256; // of which a block takes less than twice as long
}
static nf_grid launch_panel(const nf_launch_site *s, int stage, void *packed) {
  nf_gpu_linear p = nf_linear_packed(s);
  const bool panels = p.tokens > NF_LINEAR_STREAM_TOKENS;
  if (stage < PANEL_STAGES && !panels) return launch(s, stage, packed);
  const int rows = 128 << stage % PANELS;
  const bool blocks = stage >= PANEL_STAGES + PANELS;
  *(nf_gpu_linear *)packed = p;
  if (stage < PANEL_STAGES || !panels || blocks != (p.x_groups > 0) || rows != panel_rows(s, p.tokens))
    return nf_gpu_grid(0, NF_GPU_PANEL_LANES, 0);
  return nf_linear_panel_grid(s, &p, rows);
}

#define KERNELS(scales)                                                                              \
  "nf_linear_fp8_" scales "_8", "nf_linear_fp8_" scales "_16", "nf_linear_fp8_" scales "_32",        \
      "nf_linear_fp8_" scales "_64", "nf_linear_fp8_" scales "_128", "nf_linear_fp8_" scales "_s32", \
      "nf_linear_fp8_" scales "_s64", "nf_linear_fp8_" scales "_tall"
#define PANELS_OF(scales) "nf_linear_fp8_" scales "_p128", "nf_linear_fp8_" scales "_p256"
const nf_module_kernel nf_gpu_linear_fp8 = {.stages = 2 * STAGES,
                                            .symbol = {KERNELS("row"), KERNELS("block")},
                                            .packed = {[0 ... 2 * STAGES - 1] = sizeof(nf_gpu_linear)},
                                            .launch = launch,
                                            .scratch = scratch};
const nf_module_kernel nf_gpu_linear_fp8_panel = {
    .stages = PANEL_STAGES + 2 * PANELS,
    .symbol = {KERNELS("row"), KERNELS("block"), PANELS_OF("row"), PANELS_OF("block")},
    .packed = {[0 ... PANEL_STAGES + 2 * PANELS - 1] = sizeof(nf_gpu_linear)},
    .launch = launch_panel,
    .scratch = scratch};
