// SPDX-License-Identifier: Apache-2.0
// Two kernels for each size of heads; those of others have no blocks. Few tokens, and sequences with one,
// have blocks of their own over shares of their keys.
#include "kernels/gpu/abi/attention.h"
#include "kernels/gpu/launch.h"

enum { HEADS = 4, SPLITS = 32, BLOCKS = 4096, FEW_TOKENS = 16 };
static const struct {
  int64_t head;
  int32_t tiles;
} of_head[HEADS] = {
    {32, NF_GPU_TILES_32}, {64, NF_GPU_TILES_64}, {128, NF_GPU_TILES_128}, {256, NF_GPU_TILES_256}};

static bool by_token(const nf_launch_site *s) {
  const int64_t t = s->at.of[NF_T];
  return t <= FEW_TOKENS || t <= 4 * s->at.of[NF_S];
}
static int32_t items(const nf_launch_site *s) { return (int32_t)s->at.of[by_token(s) ? NF_T : NF_S]; }

// Columns of `tiles` tiles; heads of a group that are no more.
static int32_t columns(const nf_launch_site *s, int32_t tiles) { return tiles * nf_gpu_tile_columns(s->hw); }
static void set_columns(nf_gpu_attention *p, int32_t columns) {
  p->chunks = (int32_t)nf_ceil_div(p->group, columns);
  p->each = (int32_t)nf_ceil_div(p->group, p->chunks);
  p->chunks = (int32_t)nf_ceil_div(p->group, p->each);
  p->tile_tokens = columns / p->each;
}

// More blocks than a card runs at once, so that it is busy to the end; counters suffice where there are
// several.
static int32_t splits_of(const nf_launch_site *s, const nf_gpu_attention *p) {
  const int64_t one = (int64_t)items(s) * p->kv_heads * p->chunks;
  return (int32_t)nf_min(SPLITS, nf_max(1, BLOCKS / nf_max(1, one)));
}

static nf_gpu_attention attention_of(const nf_launch_site *s) {
  const nf_attention_args *a = s->args;
  const struct nf_batch_group *group = &s->batch->group[a->kv.cache];
  nf_gpu_attention p = {.q = nf_gpu_rows_of(&a->q),
                        .o = a->o.data,
                        .pool = a->kv.data,
                        .sinks = a->sinks.data,
                        .q_start = s->batch->q_start,
                        .position = s->batch->position,
                        .table_row = s->batch->table_row,
                        .page_table = group->page_table,
                        .part = s->scratch,
                        .counters = s->counters,
                        .scale = (float)(a->attr.scale * 1.44269504088896340736),
                        .window = (int32_t)a->attr.window,
                        .tokens = (int32_t)a->q.dim[0],
                        .sequences = (int32_t)s->at.of[NF_S],
                        .pages = (int32_t)group->pages,
                        .heads = (int32_t)a->q.dim[1],
                        .kv_heads = (int32_t)a->kv.dim[2],
                        .group = (int32_t)(a->q.dim[1] / a->kv.dim[2]),
                        .by_token = by_token(s),
                        .sinks_f32 = a->sinks.dtype == NF_F32};
  while (1 << p.page_shift < a->kv.dim[3]) p.page_shift++;
  set_columns(&p, columns(s, 1));
  p.splits = splits_of(s, &p);
  return p;
}

static nf_grid split_grid(const nf_launch_site *s, const nf_gpu_attention *p, int64_t head) {
  const int waves =
      s->hw->backend == NF_BACKEND_HIP && head == 256 ? 2 : 4; // what they have must fit into shared memory
  nf_grid g = nf_gpu_grid((int64_t)p->kv_heads * p->chunks, waves * nf_gpu_lanes(s->hw),
                          (size_t)(waves * columns(s, 1) * (head + 2) + 1) * sizeof(float));
  g.blocks[1] = (uint32_t)p->splits;
  g.blocks[2] = (uint32_t)items(s);
  if (g.blocks[2] == 0) g.blocks[0] = 0;
  return g;
}

static nf_grid tiles_grid(const nf_launch_site *s, nf_gpu_attention *p, int64_t head, int32_t tiles) {
  set_columns(p, columns(s, tiles));
  if (head == 256) p->tile_tokens = 1;
  const int64_t all = p->tokens / p->tile_tokens + p->sequences + 1;
  nf_grid g = nf_gpu_grid(p->by_token ? 0 : nf_ceil_div(all, 4), 4 * nf_gpu_lanes(s->hw), 0);
  g.blocks[1] = (uint32_t)(p->kv_heads * p->chunks);
  return g;
}

static nf_grid launch_attention(const nf_launch_site *s, int stage, void *packed) {
  const nf_attention_args *a = s->args;
  nf_gpu_attention *p = packed;
  *p = attention_of(s);
  if (of_head[stage / 2].head != a->q.dim[2]) return nf_gpu_grid(0, 32, 0);
  return stage % 2 == 0 ? split_grid(s, p, a->q.dim[2])
                        : tiles_grid(s, p, a->q.dim[2], of_head[stage / 2].tiles);
}

static size_t scratch(const nf_launch_site *s) {
  const nf_attention_args *a = s->args;
  const nf_gpu_attention p = attention_of(s);
  if (p.splits == 1) return 0;
  return (size_t)items(s) * (size_t)p.heads * (size_t)p.splits * (size_t)(a->q.dim[2] + 2) * sizeof(float);
}

#define STAGES(head) "nf_attention_split_" #head, "nf_attention_tiles_" #head
#define SIZES sizeof(nf_gpu_attention), sizeof(nf_gpu_attention)
const nf_module_kernel nf_gpu_attention_bf16 = {.stages = 2 * HEADS,
                                                .symbol = {STAGES(32), STAGES(64), STAGES(128), STAGES(256)},
                                                .packed = {SIZES, SIZES, SIZES, SIZES},
                                                .launch = launch_attention,
                                                .scratch = scratch};
