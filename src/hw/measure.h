// SPDX-License-Identifier: Apache-2.0
// What the host does, measured: reading memory, multiplying and starting kernels, by one thread and by all.
#pragma once
#include "base/threads.h"
#include "hw/hw.h"

typedef struct nf_speed {
  double bandwidth;           // of reading what no cache holds, bytes/s
  double launch;              // of a kernel in a list, beyond its work, s
  double peak[NF_RATE_COUNT]; // operations/s with operands in registers (f32) or in the first-level cache
                              // (matrix units); 0: no unit of its own for it, not measured
} nf_speed;

typedef struct nf_speeds {
  nf_speed one, all; // of one thread, and of `threads` together
  int threads;
} nf_speeds;

// About 0.1 s, more while others have the cores, of every thread of the pool, which nothing else uses
// meanwhile; best of several rounds, as other programs only ever make it slower. Uses the instructions of
// `features` (NF_CPU_*) only. Figures that there is no memory to measure are 0.
nf_speeds nf_hw_measure(uint64_t features, nf_threads *threads);

// Reads all bytes (a multiple of 128) at an address aligned to 64, with the widest loads that the features
// have.
typedef void (*nf_reader)(const char *at, size_t bytes);
nf_reader nf_reader_of(uint64_t features);

// A loop that multiplies: does `rounds` rounds and returns how many operations these were. NULL: these
// features have no unit for it.
typedef double (*nf_multiply)(int64_t rounds);
nf_multiply nf_multiply_of(uint64_t features, nf_rate r);
