// SPDX-License-Identifier: Apache-2.0
// Launches of gated_delta_rule: grids, scratch and arguments of its stages, by chunks where a sequence is
// long.
#include "kernels/gpu/recurrent/sequences.h"

enum { THREADS = 128, ROOM = 2 * THREADS / 32 * 8 * 2 * 16, COLUMNS = NF_GPU_DELTA_COLUMNS };
enum { PIECES = 8, PIECE = 32 }; // at most so many, of at least so many chunks
enum { SERIAL_8, SERIAL_16, CHUNKS, STAGES = CHUNKS + 2 * PIECES };

// Sequences that may be long, and chunks of them.
static int64_t most_long(const nf_launch_site *s, int64_t tokens) {
  return nf_min(s->at.of[NF_S], tokens / (NF_GPU_DELTA_FEW + 1));
}
static int64_t most_slots(const nf_launch_site *s, int64_t tokens) {
  return nf_ceil_div(tokens, NF_GPU_DELTA_CHUNK) + most_long(s, tokens);
}
static int64_t piece_of(int64_t slots) { return nf_min(slots, nf_max(PIECE, nf_ceil_div(slots, PIECES))); }

static bool may_have_chunks(const nf_launch_site *s) {
  const nf_gated_delta_rule_args *a = s->args;
  return a->state.dim[2] <= NF_GPU_DELTA_KEY && a->qkv.dim[0] > NF_GPU_DELTA_FEW;
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

// Tiles of a piece's key heads, then of its heads; two states.
static size_t scratch_of(const nf_gated_delta_rule_args *a, int64_t slots, nf_gpu_delta *p, char *at) {
  const int64_t of_keys = slots * key_heads_of(a) * NF_GPU_DELTA_KEY_TILES,
                of_heads = slots * a->state.dim[1] * NF_GPU_DELTA_HEAD_TILES,
                state = a->state.dim[1] * a->state.dim[2] * a->state.dim[3] * (int64_t)sizeof(float);
  if (at != NULL) {
    p->key_tiles = at, p->head_tiles = at + of_keys;
    for (int i = 0; i < 2; i++) p->carried[i] = (float *)(at + of_keys + of_heads + i * state);
  }
  return (size_t)(of_keys + of_heads + 2 * state);
}

static size_t scratch_delta(const nf_launch_site *s) {
  const nf_gated_delta_rule_args *a = s->args;
  return may_have_chunks(s) ? scratch_of(a, piece_of(most_slots(s, a->qkv.dim[0])), NULL, NULL) : 0;
}

static void pack(const nf_launch_site *s, bool chunks, nf_gpu_delta *p) {
  const nf_gated_delta_rule_args *a = s->args;
  *p = (nf_gpu_delta){.qkv = nf_gpu_rows_of(&a->qkv),
                      .a = nf_gpu_rows_of(&a->a),
                      .b = nf_gpu_rows_of(&a->b),
                      .o = nf_gpu_rows_of(&a->o),
                      .a_log = a->a_log.data,
                      .dt_bias = a->dt_bias.data,
                      .pool = a->state.data,
                      .of = nf_gpu_sequences_of(s),
                      .heads = (int32_t)a->state.dim[1],
                      .key_heads = (int32_t)key_heads_of(a),
                      .key = (int32_t)a->state.dim[2],
                      .value = (int32_t)a->state.dim[3],
                      .a_f32 = a->a.dtype == NF_F32,
                      .b_f32 = a->b.dtype == NF_F32,
                      .a_log_f32 = a->a_log.dtype == NF_F32,
                      .dt_bias_f32 = a->dt_bias.dtype == NF_F32,
                      .few = chunks ? NF_GPU_DELTA_FEW : INT32_MAX};
}

// Piece after piece: what has nothing to do with the state, then the way from chunk to chunk.
static nf_grid launch_chunks(const nf_launch_site *s, int stage, nf_gpu_delta *p) {
  const nf_gated_delta_rule_args *a = s->args;
  const int64_t tokens = a->qkv.dim[0], slots = most_slots(s, tokens), piece = piece_of(slots);
  const int64_t first = stage / 2 * piece, columns = p->heads * nf_ceil_div(p->value, COLUMNS);
  if (first >= slots) return (nf_grid){0};
  p->turn = stage / 2;
  p->slot = (int32_t)first;
  p->slots = (int32_t)nf_min(piece, slots - first);
  scratch_of(a, piece, p, s->scratch);
  if (stage % 2 == 0) return nf_gpu_grid((int64_t)p->slots * p->heads, THREADS, NF_GPU_DELTA_PREPARE_SHARED);
  const int64_t walkers = nf_min(most_long(s, tokens), nf_ceil_div(nf_gpu_multiprocessors(s->hw), columns));
  return nf_gpu_grid(walkers * columns, THREADS, NF_GPU_DELTA_WALK_SHARED);
}

static nf_grid launch_serial(int stage, const nf_gpu_delta *p) {
  if ((p->key <= 128) != (stage == SERIAL_8)) return (nf_grid){0};
  return nf_gpu_grid(p->of.n * p->heads * nf_ceil_div(p->value, COLUMNS), THREADS, ROOM);
}

static bool is_empty(const nf_launch_site *s) {
  return ((const nf_gated_delta_rule_args *)s->args)->qkv.dim[0] == 0;
}

static nf_grid launch_delta(const nf_launch_site *s, int stage, void *packed) {
  pack(s, false, packed);
  return is_empty(s) ? (nf_grid){0} : launch_serial(stage, packed);
}

static nf_grid launch_delta_chunks(const nf_launch_site *s, int stage, void *packed) {
  const bool chunks = has_chunks(s);
  pack(s, chunks, packed);
  if (is_empty(s)) return (nf_grid){0};
  if (stage < CHUNKS) return launch_serial(stage, packed);
  return chunks ? launch_chunks(s, stage - CHUNKS, packed) : (nf_grid){0};
}

const nf_module_kernel nf_gpu_gated_delta_rule_bf16 = {.stages = CHUNKS,
                                                       .symbol = {"nf_delta_8", "nf_delta_16"},
                                                       .packed = {sizeof(nf_gpu_delta), sizeof(nf_gpu_delta)},
                                                       .launch = launch_delta};

#define BOTH "nf_delta_prepare", "nf_delta_chunks"
const nf_module_kernel nf_gpu_gated_delta_rule_chunks = {
    .stages = STAGES,
    .symbol = {"nf_delta_8", "nf_delta_16", BOTH, BOTH, BOTH, BOTH, BOTH, BOTH, BOTH, BOTH},
    .packed = {[0 ... STAGES - 1] = sizeof(nf_gpu_delta)},
    .launch = launch_delta_chunks,
    .scratch = scratch_delta};
