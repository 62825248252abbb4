// SPDX-License-Identifier: Apache-2.0
// What a GPU kernel is written in: lanes, waves, blocks, shared memory, numbers. One source for three: gpu.h
// is the form for NVIDIA and AMD, compiled by clang without any library; host.h the one for the host, where
// every lane is a fiber and what a GPU would silently get wrong is an error (emulator.h).
//
// Blocks are one-dimensional and made of whole waves. A kernel is
//
//   KERNEL(name, struct nf_gpu_arguments, threads, blocks_each) { … a->field … }
//
// with one argument struct (abi/), passed by value; blocks of at most `threads` lanes, of which the registers
// must allow `blocks_each` at once on a multiprocessor. It includes this header, tile/ and abi/ only.
//
// Who        lane_thread lane_threads lane_id lane_wave lane_waves lane_block lane_blocks lane_block_y
//            lane_blocks_y lane_block_z
// Waves      lane_shuffle lane_shuffle_xor (and _f32), lane_sum lane_max lane_max_u32 lane_sum_of
// lane_max_of, lane_ballot,
//            lane_sync: all lanes of the wave come to the same call. Sums are trees of xor shuffles: one
//            order.
// Blocks     block_sync: all lanes of the block come to it.
// Shared     SHARED pointers; block_shared() is the block's dynamic memory, aligned to 16 (to 1,024 where
//            tile/wide.h is), of undefined contents; shared_get(p), shared_put(p, value);
//            lane_copy_async16(to, from, valid) copies 16 bytes from global memory (zeros unless valid),
//            lane_copy_commit() closes a group of them, lane_copy_wait(n) waits until at most n (a constant)
//            of the lane's groups are on their way; a block_sync then shows them to others.
// Clusters   the blocks of a cluster (nf_grid) run at the same time; NVIDIA's alone, where LANES is 32.
//            cluster_put16(p, rank, value): 16 bytes to where p lies in shared memory, but of block `rank` of
//            the cluster. cluster_arrive() and behind it cluster_wait(): all lanes of all of its blocks, in
//            turn, come to both; what was put before the first is seen behind the second. Nothing is put
//            before a first cluster_wait, as others may not have begun, or behind the last.
// Global     lane_load16, lane_load16_once (weights: read once, by nobody else), lane_store16,
//            lane_atomic_add, lane_fence: what was written before is seen by who sees what is written after.
//            lane_prefetch(p) brings the 128 bytes around p, a multiple of 16, nearer, where all blocks look
//            for them: nothing is read, so it may come before lane_wait whoever writes there.
// Launches   lane_wait: from here on all that earlier kernels wrote can be read; before it only what no
// kernel
//            writes (weights) may be. Every lane calls it exactly once, whatever way it takes.
//            lane_release: the next kernel may be started, and will get to its lane_wait.
// Numbers    lane_exp2 lane_log2 lane_rcp lane_rsqrt lane_sqrt (within 2 ulp; see docs/numerics.md), lane_exp
//            lane_sigmoid; bf16_to_f32 f32_to_bf16 (nearest even) bf16x2_lo bf16x2_hi f32x2_to_bf16x2,
//            f16_to_f32 f32_to_f16, e4m3_to_f32 f32_to_e4m3 (nearest even, saturating), e8m0_to_f32.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x2 __attribute__((vector_size(8)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef float f32x2 __attribute__((vector_size(8)));

#if defined(__NVPTX__) || defined(__AMDGPU__)
#include "kernels/gpu/lane/gpu.h"
#else
#include "kernels/gpu/lane/host.h"
#endif

#define INLINE static inline __attribute__((always_inline, unused))
#if defined(__NVPTX__) || defined(__AMDGPU__)
#define UNROLL _Pragma("GCC unroll 32")
#else // compilers take minutes for what no host needs, most of all with sanitizers
#define UNROLL _Pragma("GCC unroll 1")
#endif

INLINE float lane_exp(float x) { return lane_exp2(x * 1.44269504088896340736f); }
INLINE float lane_sigmoid(float x) { return lane_rcp(1 + lane_exp(-x)); }

INLINE float lane_as_f32(uint32_t u) {
  float f;
  __builtin_memcpy(&f, &u, sizeof f);
  return f;
}
INLINE uint32_t lane_as_u32(float f) {
  uint32_t u;
  __builtin_memcpy(&u, &f, sizeof u);
  return u;
}
INLINE float bf16_to_f32(uint16_t x) { return lane_as_f32((uint32_t)x << 16); }
INLINE float bf16x2_lo(uint32_t x) { return lane_as_f32(x << 16); }
INLINE float bf16x2_hi(uint32_t x) { return lane_as_f32(x & 0xffff0000u); }
// 2^(x - 127); 255 is NaN.
INLINE float e8m0_to_f32(uint8_t x) {
  return lane_as_f32(x == 0 ? 0x00400000u : x == 255 ? 0x7fc00000u : (uint32_t)x << 23);
}

// ---- over the lanes of a wave, or of aligned groups of n, a power of two ----

#ifndef lane_sum_of // the host has its own
INLINE float lane_sum_of(float v, int n) {
  for (int mask = n / 2; mask > 0; mask /= 2) v += lane_shuffle_xor_f32(v, mask);
  return v;
}
INLINE float lane_max_of(float v, int n) {
  for (int mask = n / 2; mask > 0; mask /= 2) v = __builtin_fmaxf(v, lane_shuffle_xor_f32(v, mask));
  return v;
}
#endif
#if defined(__NVPTX__)
INLINE uint32_t lane_max_u32(uint32_t v) { return (uint32_t)__nvvm_redux_sync_umax((int)v, -1); }
#else
INLINE uint32_t lane_max_u32(uint32_t v) {
  for (int mask = LANES / 2; mask > 0; mask /= 2) {
    const uint32_t other = lane_shuffle_xor(v, mask);
    v = other > v ? other : v;
  }
  return v;
}
#endif
INLINE float lane_sum(float v) { return lane_sum_of(v, LANES); }
INLINE float lane_max(float v) { return lane_max_of(v, LANES); }

// ---- over the lanes of a block: `room` is lane_waves() floats that nobody else uses meanwhile ----

INLINE float block_reduce(float v, SHARED float *room, bool largest) {
  const int waves = lane_waves();
  v = largest ? lane_max(v) : lane_sum(v);
  if (waves == 1) return v;
  if (lane_id() == 0) shared_put(&room[lane_wave()], v);
  block_sync();
  v = lane_id() < waves ? shared_get(&room[lane_id()]) : largest ? -__builtin_inff() : 0;
  return largest ? lane_max(v) : lane_sum(v);
}
INLINE float block_sum(float v, SHARED float *room) { return block_reduce(v, room, false); }
INLINE float block_max(float v, SHARED float *room) { return block_reduce(v, room, true); }

// ---- over blocks ----

// Whether the block is the last of `parts` to come here: then it sees what the others have stored before, and
// the counter is 0 again. `room` is a word that nobody else uses. On NVIDIA the fence of one lane holds for
// all that it met at a barrier; AMD's is about stores of its own wave.
INLINE bool block_is_last(uint32_t *counter, int parts, SHARED uint32_t *room) {
  if (LANES == 64) lane_fence();
  block_sync();
  if (lane_thread() == 0) {
    lane_fence();
    const bool last = lane_atomic_add(counter, 1) + 1 == (uint32_t)parts;
    if (last) *counter = 0;
    shared_put(room, (uint32_t)last);
    lane_fence();
  }
  block_sync();
  if (LANES == 64) lane_fence();
  return shared_get(room) != 0;
}

#if !defined(__NVPTX__) && !defined(__AMDGPU__)
#include "kernels/gpu/lane/callers.h"
#endif
