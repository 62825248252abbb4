// SPDX-License-Identifier: Apache-2.0
// Runs the host form of a GPU kernel (host.h): every lane of a block is a fiber with a stack of its own. What
// a GPU lets pass in silence is an error here, one line that names kernel, block, lane and the places in the
// source:
//
// Collectives: lanes of a wave come to different ones (shuffles, sums, lane_sync, products of tiles), lanes
// of a block to different block_syncs, or a lane ends while others wait.
//
// Shared memory: what was never written in this block is read, or what another lane wrote with no barrier
// since (lane_sync within a wave, block_sync across), or what lane_copy_async16 still has on its way; what
// another lane wrote or read is written with no barrier since; an access is outside, or not aligned.
//
// Clusters: lanes come to different cluster_waits, or without cluster_arrive; a block ends while others of
// its cluster wait; something is put where others may not have begun, or have ended, or what is put there may
// still be read.
//
// Launches: a lane ends without lane_wait, calls it twice, stores before it, or loads what is `late`.
//
// Global memory: 16 bytes are not aligned, or outside of `legal`.
//
// Global memory is the host's: AddressSanitizer finds every access outside of it.
#pragma once
#include "base/status.h"
#include "device/launch.h" // nf_grid
#include <stddef.h>
#include <stdint.h>

typedef struct nf_emulated_kernel {
  const char *symbol; // as in the modules
  int lanes;          // of a wave: 32 (NVIDIA) or 64 (AMD)
  int threads;        // of a block, at most
  size_t args_bytes;
  void (*run)(const void *args); // one lane
} nf_emulated_kernel;

typedef struct nf_emulated_range {
  const void *at;
  size_t bytes;
} nf_emulated_range;

typedef struct nf_emulation {
  // Blocks, waves and lanes run in an order that depends on the seed; 0: in order.
  uint64_t seed;
  // Both in the order of their addresses. Where lane_load16, lane_load16_once, lane_store16 and
  // lane_copy_async16 may go (NULL: anywhere); what earlier kernels write, so that those that load it must
  // have come to lane_wait.
  const nf_emulated_range *legal, *late;
  size_t legals, lates;
} nf_emulation;

// The host form of a kernel that is linked into the program, NULL when there is none.
const nf_emulated_kernel *nf_emulated_find(const char *symbol, int lanes);

// Runs all blocks of the grid, one after another (those of a cluster in turn, from one cluster_wait to the
// next), on the calling thread. `args` is the argument struct of the
// kernel, args_bytes of it; `how` NULL: as all zeros. Several threads may do so at once. NF_CHECK_FAILED: the
// kernel is wrong, and the grid ended there; NF_USAGE: no such launch (threads, argument bytes);
// NF_NO_MEMORY.
nf_status nf_emulate(const nf_emulated_kernel *k, const nf_grid *grid, const void *args, size_t args_bytes,
                     const nf_emulation *how);
