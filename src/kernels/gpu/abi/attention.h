// SPDX-License-Identifier: Apache-2.0
// Arguments of kernels that turn heads, write the cache and attend to it. Shared by device and launch code.
#pragma once
#include "kernels/gpu/abi/rows.h"

enum { NF_GPU_PAIRS = 512 };

// Cos and sin of positions: y f32 [tokens][2 pairs].
typedef struct nf_gpu_angles {
  nf_gpu_rows y;
  const int32_t *position;
  int32_t tokens, pairs;
  float scale, frequency[NF_GPU_PAIRS]; // radians a position
} nf_gpu_angles;

// Heads of queries that are turned into y, of keys that are turned into the pool, of values that are copied
// there: of each token `heads` rows of q, then `kv_heads` of k and as many of v.
typedef struct nf_gpu_heads {
  nf_gpu_rows q, k, v, table, y;
  const void *q_norm, *k_norm; // [head], NULL: none
  uint16_t *pool;              // slots of [2][kv_heads][page][head]
  const int32_t *write_slot;   // [tokens]
  int32_t tokens, heads, kv_heads, head, page;
  int32_t turned;      // columns that are, the first
  int32_t pack, lanes; // 8 or 1 columns are treated at once, by so many lanes a head
  float eps;
  bool q_norm_f32, k_norm_f32, one_plus;
} nf_gpu_heads;

// Queries that share a kv head are the columns of tiles: `each` heads of a token, the `chunks` of which are
// all of the group.
typedef struct nf_gpu_attention {
  nf_gpu_rows q;
  uint16_t *o;          // [tokens][heads][head]
  const uint16_t *pool; // slots of [2][kv_heads][page][head]
  const void *sinks;    // [heads], NULL: none
  const int32_t *q_start, *position, *table_row, *page_table;
  float *part;        // [items][heads][splits][head + 2]: sums, the largest logit, the sum of weights
  uint32_t *counters; // [items][kv_heads][chunks]
  float scale;        // times log2(e)
  int32_t window, tokens, sequences, pages; // pages: columns of page_table
  int32_t heads, kv_heads, group, each, chunks, page_shift;
  int32_t splits;      // of a sequence's keys, at most
  int32_t least;       // keys of a split, where there are several
  int32_t cluster;     // of the kernel that shares keys: blocks that do, a power of two
  int32_t tile_tokens; // of a wave of the kernel for many tokens
  bool by_token;       // an item is a token; else a sequence, and those with several tokens are left out
  bool sinks_f32;
} nf_gpu_attention;

// Lanes of a block of the kernel for a share of the keys; of heads of 64 on NVIDIA there may be a wave more,
// with which a window of 128 keys, of which 9 steps have some, is a step for each. Its sums lie in shared
// memory in rows with a gap.
#define NF_GPU_SPLIT 256
#define NF_GPU_SPLIT_64 288
enum { NF_GPU_SPLIT_ROOM = 4, NF_GPU_SPLIT_STEP = 16 };
enum { NF_GPU_CLUSTER = 8 }; // blocks that share keys, at most

// Rows of a block of Hopper's kernel for many tokens, and keys that it treats together.
enum {
  NF_GPU_WIDE_ROWS = 128,
  NF_GPU_WIDE_KEYS_64 = 32,
  NF_GPU_WIDE_KEYS_128 = 64,
  NF_GPU_WIDE_KEYS_256 = 32
};

// Tiles of queries that a wave of the kernel for many tokens has: as many as its registers hold.
enum { NF_GPU_TILES_32 = 4, NF_GPU_TILES_64 = 4, NF_GPU_TILES_128 = 2, NF_GPU_TILES_256 = 1 };
