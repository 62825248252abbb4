// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu/recurrent/sequences.h"

enum { THREADS = 128, ROOM = 2 * THREADS / 32 * 8 * 2 * 16, COLUMNS = NF_GPU_DELTA_COLUMNS };
enum { PREPARE, CHUNKS, SERIAL_8, SERIAL_16, STAGES };
enum { CHUNKS_SHARED = 2 * (NF_GPU_DELTA_KEY_TILES + NF_GPU_DELTA_HEAD_TILES) };

// Sequences that may be long, and chunks of them.
static int64_t most_long(const nf_launch_site *s, int64_t tokens) {
  return nf_min(s->at.of[NF_S], tokens / (NF_GPU_DELTA_FEW + 1));
}
static int64_t most_slots(const nf_launch_site *s, int64_t tokens) {
  return nf_ceil_div(tokens, NF_GPU_DELTA_CHUNK) + most_long(s, tokens);
}

// AMD's blocks have too little shared memory for what a chunk takes.
static bool may_have_chunks(const nf_launch_site *s) {
  const nf_gated_delta_rule_args *a = s->args;
  return nf_gpu_lanes(s->hw) == 32 && a->state.dim[2] <= NF_GPU_DELTA_KEY && a->qkv.dim[0] > NF_GPU_DELTA_FEW;
}

// Steps of one capture may have half as many sequences as the largest of them: where so many have a token
// each and none is left for a long one, launches that would find nothing are spared.
static bool has_chunks(const nf_launch_site *s) {
  const nf_gated_delta_rule_args *a = s->args;
  return may_have_chunks(s) && a->qkv.dim[0] - s->at.of[NF_S] / 2 > NF_GPU_DELTA_FEW;
}

static int64_t key_heads_of(const nf_gated_delta_rule_args *a) {
  return (nf_tensor_cols(&a->qkv) - a->state.dim[1] * a->state.dim[3]) / (2 * a->state.dim[2]);
}

static size_t scratch_delta(const nf_launch_site *s) {
  const nf_gated_delta_rule_args *a = s->args;
  if (!may_have_chunks(s)) return 0;
  const int64_t each = key_heads_of(a) * NF_GPU_DELTA_KEY_TILES + a->state.dim[1] * NF_GPU_DELTA_HEAD_TILES;
  return (size_t)(most_slots(s, a->qkv.dim[0]) * each);
}

static nf_grid launch_delta(const nf_launch_site *s, int stage, void *packed) {
  const nf_gated_delta_rule_args *a = s->args;
  const int64_t heads = a->state.dim[1], key = a->state.dim[2], value = a->state.dim[3];
  const int64_t tokens = a->qkv.dim[0], slots = most_slots(s, tokens), parts = nf_ceil_div(value, COLUMNS);
  const bool chunks = has_chunks(s);
  nf_gpu_delta *p = packed;
  *p = (nf_gpu_delta){.qkv = nf_gpu_rows_of(&a->qkv),
                      .a = nf_gpu_rows_of(&a->a),
                      .b = nf_gpu_rows_of(&a->b),
                      .o = nf_gpu_rows_of(&a->o),
                      .a_log = a->a_log.data,
                      .dt_bias = a->dt_bias.data,
                      .pool = a->state.data,
                      .of = nf_gpu_sequences_of(s),
                      .heads = (int32_t)heads,
                      .key_heads = (int32_t)key_heads_of(a),
                      .key = (int32_t)key,
                      .value = (int32_t)value,
                      .a_f32 = a->a.dtype == NF_F32,
                      .b_f32 = a->b.dtype == NF_F32,
                      .a_log_f32 = a->a_log.dtype == NF_F32,
                      .dt_bias_f32 = a->dt_bias.dtype == NF_F32,
                      .few = chunks ? NF_GPU_DELTA_FEW : INT32_MAX};
  if (chunks) {
    p->key_tiles = s->scratch;
    p->head_tiles = (char *)s->scratch + slots * p->key_heads * NF_GPU_DELTA_KEY_TILES;
  }
  if (tokens == 0) return (nf_grid){0};
  switch (stage) {
  case PREPARE:
    return nf_gpu_grid(chunks ? slots * heads : 0, THREADS, NF_GPU_DELTA_PREPARE_SHARED);
  case CHUNKS:
    return nf_gpu_grid(chunks ? most_long(s, tokens) * heads * parts : 0, THREADS, CHUNKS_SHARED);
  default:
    return nf_gpu_grid((key <= 128) == (stage == SERIAL_8) ? p->of.n * heads * parts : 0, THREADS, ROOM);
  }
}

const nf_module_kernel nf_gpu_gated_delta_rule_bf16 = {
    .stages = STAGES,
    .symbol = {"nf_delta_prepare", "nf_delta_chunks", "nf_delta_8", "nf_delta_16"},
    .packed = {sizeof(nf_gpu_delta), sizeof(nf_gpu_delta), sizeof(nf_gpu_delta), sizeof(nf_gpu_delta)},
    .launch = launch_delta,
    .scratch = scratch_delta};
