// SPDX-License-Identifier: Apache-2.0
// Arguments of kernels that keep a state of each sequence. Shared by device and launch code.
#pragma once
#include "kernels/gpu/abi/rows.h"

// What a step says of its sequences: tokens [start[s], start[s + 1]), slots of the pool, negative for none:
// in[s] before the sequence, out[t] behind a token.
typedef struct nf_gpu_sequences {
  const int32_t *start, *in, *out;
  int32_t n;
} nf_gpu_sequences;

enum {
  NF_GPU_STATES = 17,    // tokens of a sequence of which each may have a slot, not its last alone
  NF_GPU_CONV_TOKENS = 8 // that a lane walks
};

typedef struct nf_gpu_conv {
  nf_gpu_rows x, y;
  const void *tap; // [channels][taps]
  uint16_t *pool;  // slots of [taps - 1][channels]
  nf_gpu_sequences of;
  int32_t tokens, channels, taps;
  bool tap_f32;
} nf_gpu_conv;

// qkv: [tokens] queries of all key heads, keys of all, values of all heads; o: [tokens * heads].
typedef struct nf_gpu_delta {
  nf_gpu_rows qkv, a, b, o;
  const void *a_log, *dt_bias; // [heads]
  float *pool;                 // slots of [heads][key][value]
  nf_gpu_sequences of;
  int32_t heads, key_heads, key, value;
  bool a_f32, b_f32, a_log_f32, dt_bias_f32; // else bf16
  int32_t few;                               // longer sequences go by chunks
  int32_t slot, slots, turn;                 // those of a piece of the step; which piece it is
  char *key_tiles, *head_tiles;              // of its chunks: [slots][key_heads], [slots][heads]
  float *carried[2];                         // [heads][key][value] of who goes on in the next piece
} nf_gpu_delta;

enum {
  NF_GPU_DELTA_FEW = 32,     // tokens that go one after the other
  NF_GPU_DELTA_CHUNK = 64,   // tokens
  NF_GPU_DELTA_KEY = 128,    // rows of the state, at most
  NF_GPU_DELTA_COLUMNS = 32, // of the state, of a block
  NF_GPU_DELTA_TILE = 512,   // bytes of a tile of matrix units
  NF_GPU_DELTA_KEY_TILES =
      3 * 32 * NF_GPU_DELTA_TILE,                   // bytes of a chunk and key head, see recurrent/chunks.h
  NF_GPU_DELTA_HEAD_TILES = 64 * NF_GPU_DELTA_TILE, // and of a head
  NF_GPU_DELTA_PREPARE_SHARED = 71168,              // bytes that a block has to prepare a chunk
  NF_GPU_DELTA_WALK_SHARED = 2 * (NF_GPU_DELTA_KEY_TILES + NF_GPU_DELTA_HEAD_TILES +
                                  NF_GPU_DELTA_CHUNK * (NF_GPU_DELTA_COLUMNS + 8) * 2), // and to walk them
};
