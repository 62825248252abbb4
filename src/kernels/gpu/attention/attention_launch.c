// SPDX-License-Identifier: Apache-2.0
// Kernels for each size of heads; those of others have no blocks. Few tokens, and sequences with one, have
// blocks of their own over shares of their keys; the others have tiles, where Hopper is wide ones.
#include "kernels/gpu/attention/launch.h"

enum {
  HEADS = 4,
  SPLITS = 32,
  FEW_SPLITS = 2,
  LONG_KEYS = 4096,
  WINDOW_KEYS = 256,
  COUNTERS = 8192,
  FEW_TOKENS = 16
};
static const struct {
  int64_t head;
  int32_t tiles, wide_keys; // 0: no wide tiles
} of_head[HEADS] = {{64, NF_GPU_TILES_64, NF_GPU_WIDE_KEYS_64},
                    {128, NF_GPU_TILES_128, NF_GPU_WIDE_KEYS_128},
                    {256, NF_GPU_TILES_256, NF_GPU_WIDE_KEYS_256},
                    {32, NF_GPU_TILES_32, 0}};

static bool by_token(const nf_launch_site *s) {
  const int64_t t = s->at.of[NF_T];
  return t <= FEW_TOKENS || t <= 4 * s->at.of[NF_S];
}
static int32_t items(const nf_launch_site *s) { return (int32_t)s->at.of[by_token(s) ? NF_T : NF_S]; }

// Columns of `tiles` tiles; heads of a group that are no more.
static int32_t columns(const nf_launch_site *s, int32_t tiles) { return tiles * nf_gpu_tile_columns(s->hw); }
void nf_gpu_attention_columns(nf_gpu_attention *p, int32_t columns) {
  p->chunks = (int32_t)nf_ceil_div(p->group, columns);
  p->each = (int32_t)nf_ceil_div(p->group, p->chunks);
  p->chunks = (int32_t)nf_ceil_div(p->group, p->each);
  p->tile_tokens = columns / p->each;
}
int64_t nf_gpu_attention_tiles(const nf_gpu_attention *p) {
  return p->by_token ? 0 : p->tokens / p->tile_tokens + p->sequences + 1;
}

// Blocks that run at once, of all lanes.
static int64_t blocks_at_once(const nf_launch_site *s, int64_t head) {
  return nf_max(1, s->hw->multiprocessors) * (head > 64 ? 1 : 2);
}
static int64_t whole_blocks(const nf_launch_site *s, const nf_gpu_attention *p) {
  return (int64_t)items(s) * p->kv_heads * p->chunks;
}

// Keys are shared by as many blocks as run at once, as joining shares costs as much as thousands of keys, and
// blocks without keys some, too (H200, 2026-11-29, gpt-oss: of 5.3 us at 1,024 keys the join takes 2.4; 32
// sequences of 1,024 keys take 19 us in 256 blocks, 32 in 1,024). Where sequences alone are that many, only
// long ones are shared.
static void set_splits(const nf_launch_site *s, nf_gpu_attention *p, int64_t head) {
  const int64_t whole = whole_blocks(s, p), at_once = blocks_at_once(s, head);
  p->splits = (int32_t)nf_max(FEW_SPLITS, nf_min(SPLITS, at_once / nf_max(1, whole)));
  if (p->window > 0) p->splits = (int32_t)nf_min(p->splits, nf_ceil_div(p->window, WINDOW_KEYS));
  if (whole > COUNTERS) p->splits = 1;
  p->least = whole > at_once / 2 ? LONG_KEYS : 1;
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
  nf_gpu_attention_columns(&p, columns(s, 1));
  set_splits(s, &p, a->q.dim[2]);
  return p;
}

// Many small blocks rather than large ones where all are busy anyway. AMD's shared memory has no room for
// what all waves have of large heads. A wave for each step that a window has keys in, where blocks may be so
// large (H200, 2026-11-29: a window of 128 takes 3.4 us in 9 waves, 3.7 in 8).
static int32_t split_threads(const nf_launch_site *s, const nf_gpu_attention *p, int64_t head) {
  const bool hip = s->hw->backend == NF_BACKEND_HIP;
  const int64_t steps = nf_ceil_div(p->window + NF_GPU_SPLIT_STEP - 1, NF_GPU_SPLIT_STEP);
  const int64_t of_window = steps * nf_gpu_lanes(s->hw);
  if ((hip && head == 256) || whole_blocks(s, p) > blocks_at_once(s, head)) return NF_GPU_SPLIT / 2;
  if (p->window > 0 && of_window <= (head == 64 ? NF_GPU_SPLIT_64 : NF_GPU_SPLIT)) return (int32_t)of_window;
  return NF_GPU_SPLIT;
}
static nf_grid split_grid(const nf_launch_site *s, const nf_gpu_attention *p, int64_t head) {
  const int32_t threads = split_threads(s, p, head);
  const int32_t waves = threads / nf_gpu_lanes(s->hw);
  const int64_t floats = waves * columns(s, 1) * (head + NF_GPU_SPLIT_ROOM + 2) + 1;
  nf_grid g = nf_gpu_grid((int64_t)p->kv_heads * p->chunks, threads, (size_t)floats * sizeof(float));
  g.blocks[1] = (uint32_t)p->splits;
  g.blocks[2] = (uint32_t)items(s);
  if (g.blocks[2] == 0) g.blocks[0] = 0;
  return g;
}

static nf_grid tiles_grid(const nf_launch_site *s, nf_gpu_attention *p, int64_t head, int32_t tiles) {
  nf_gpu_attention_columns(p, columns(s, tiles));
  if (head == 256) p->tile_tokens = 1;
  nf_grid g = nf_gpu_grid(nf_ceil_div(nf_gpu_attention_tiles(p), 4), 4 * nf_gpu_lanes(s->hw), 0);
  g.blocks[1] = (uint32_t)(p->kv_heads * p->chunks);
  return g;
}

// Stages are those of splits, of tiles and of wide tiles, each a size of heads behind another, and of wide
// tiles whose keys are shared, of the first two sizes.
enum { WIDE = 2 * HEADS, SHARE = 3 * HEADS - 1, SHARES = 2 };

// Three quarters of the multiprocessors are sure to have room for clusters, which lie in one of its parts
// each: 32 clusters of 4 blocks do not run at once on the 132 of an H200 (64 tokens behind 1,024 keys: 28.3
// us, 22.4 with clusters of 2).
static nf_grid wide_grid(const nf_launch_site *s, int stage, nf_gpu_attention *p, int h) {
  const int64_t at_once = h < SHARES ? nf_gpu_multiprocessors(s->hw) * 3 / 4 : 0;
  const nf_grid g = nf_gpu_attention_wide_grid(p, of_head[h].head, of_head[h].wide_keys, at_once);
  return (g.cluster > 1) == (stage >= SHARE) ? g : nf_gpu_grid(0, 32, 0);
}
static nf_grid launch_attention(const nf_launch_site *s, int stage, void *packed) {
  const nf_attention_args *a = s->args;
  const int h = stage < SHARE ? stage % HEADS : stage - SHARE;
  nf_gpu_attention *p = packed;
  *p = attention_of(s);
  if (of_head[h].head != a->q.dim[2]) return nf_gpu_grid(0, 32, 0);
  if (stage < HEADS) return split_grid(s, p, of_head[h].head);
  const bool wide = nf_gpu_is_wide(s) && of_head[h].wide_keys > 0;
  if (wide != (stage >= WIDE)) return nf_gpu_grid(0, 32, 0);
  return wide ? wide_grid(s, stage, p, h) : tiles_grid(s, p, of_head[h].head, of_head[h].tiles);
}

static size_t scratch(const nf_launch_site *s) {
  const nf_attention_args *a = s->args;
  const nf_gpu_attention p = attention_of(s);
  if (p.splits == 1) return 0;
  return (size_t)items(s) * (size_t)p.heads * (size_t)p.splits * (size_t)(a->q.dim[2] + 2) * sizeof(float);
}

#define STAGES(kind) "nf_attention_" #kind "_64", "nf_attention_" #kind "_128", "nf_attention_" #kind "_256"
#define SIZES sizeof(nf_gpu_attention), sizeof(nf_gpu_attention), sizeof(nf_gpu_attention)
const nf_module_kernel nf_gpu_attention_bf16 = {
    .stages = SHARE + SHARES,
    .symbol = {STAGES(split), "nf_attention_split_32", STAGES(tiles), "nf_attention_tiles_32", STAGES(wide),
               "nf_attention_share_64", "nf_attention_share_128"},
    .packed = {SIZES, SIZES, SIZES, SIZES, sizeof(nf_gpu_attention)},
    .launch = launch_attention,
    .scratch = scratch};
