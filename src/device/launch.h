// SPDX-License-Identifier: Apache-2.0
// What a device is asked to run, as plain data: functions, launches, and where ranks wait for one another.
#pragma once
#include "base/memory.h"
#include "base/status.h"
#include "base/threads.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A kernel in host code: blocks(args) independent pieces of work, then run(args, block, scratch) for each, on
// any thread, in any order. The number of blocks depends on shapes and on what the batch says of sequences,
// never on threads. No libc but memory and maths, no allocation, no globals. scratch(args): bytes that no
// other thread uses meanwhile, aligned to NF_CACHE_LINE; NULL: none.
//
// Blocks whose results must be joined have a second round: `then`, with blocks of its own, runs on the same
// arguments behind all blocks of the first. What the first left in shared(args) bytes it finds there; both
// are given an nf_shared for scratch. Without blocks it costs nothing.
typedef struct nf_host_function {
  int64_t (*blocks)(const void *args);
  void (*run)(const void *args, int64_t block, void *scratch);
  size_t (*scratch)(const void *args);
  size_t (*shared)(const void *args);
  const struct nf_host_function *then; // with the same scratch and shared; has no `then` itself
} nf_host_function;

// What functions need, in whole cache lines.
typedef struct nf_scratch_bytes {
  size_t each, shared; // of each thread, and of all together
} nf_scratch_bytes;
typedef struct nf_scratch {
  char *at; // nf_scratch_total bytes: what is shared, then each thread's
  nf_scratch_bytes bytes;
} nf_scratch;
nf_scratch_bytes nf_host_scratch(const nf_host_function *f, const void *args);
nf_scratch_bytes nf_scratch_most(nf_scratch_bytes a, nf_scratch_bytes b);
size_t nf_scratch_total(nf_scratch_bytes b, int threads);

// Runs all blocks, and those of `then`, on the threads; NULL: on this one, in order.
void nf_host_run(const nf_host_function *f, const void *args, nf_threads *threads, const nf_scratch *scratch);

// How a module's function is launched.
typedef struct nf_grid {
  uint32_t blocks[3], threads[3]; // in blocks 0: nothing runs
  size_t shared;                  // bytes for each block
  // So many blocks that follow one another in blocks[1], which is a multiple of it, run at the same time and
  // write to one another's shared memory. 0: each is alone. NVIDIA's, up to 8.
  uint32_t cluster;
} nf_grid;

// Where a rank waits until all have come to as many barriers. What they wrote before can be read after.
typedef struct nf_barrier {
  int world, rank;
  // For a device whose queue is the calling thread; others have signals of their own between peers. An error,
  // such as NF_CANCELLED when a rank is gone, ends the run.
  nf_status (*wait)(void *user, int rank);
  void *user;
} nf_barrier;

// One call. The arguments are read when it runs, or when it is captured.
typedef struct nf_launch {
  const nf_barrier *barrier; // NULL: a kernel
  // A kernel that needs nothing of the launches before it, back to and with the last that is not beside
  // others, and that writes nothing that they use: a device may run them at the same time.
  bool beside;
  bool is_matmul;       // `args` are an nf_matmul (matmul.h), and the function is that of NF_MATMUL
  const void *function; // of the device: an nf_host_function, or what nf_module_function gave
  const void *args;
  size_t args_bytes;
  nf_grid grid; // of a module's function
} nf_launch;
