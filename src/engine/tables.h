// SPDX-License-Identifier: Apache-2.0
// Inside the room: the step's tables, a block of memory that each rank's device has at a fixed address. It
// begins with the nf_batch, whose sizes and the step's arrays follow in one piece, which a step copies; the
// page tables behind them stay from step to step.
#pragma once
#include "device/device.h"
#include "op/batch.h"

typedef struct nf_step_tables {
  char *host;               // the host's copy, with the same layout; what stands before `sizes` is unused
  size_t step_bytes, bytes; // as far as a step copies; of all
  int64_t pages, rows;      // of a page table
  // Byte offsets of the arrays.
  size_t tokens, position, q_start, row, state_in, state_out, table_row, routes;
  size_t page_table[NF_CACHE_COUNT], write_slot[NF_CACHE_COUNT]; // of groups with pages that are used
  size_t comm, base;                                             // an nf_comm and its [world] addresses
} nf_step_tables;

// Lays the block out for steps of at most these sizes and the cache groups in `uses`, `pages` per sequence
// and `routes` int32 per token, for `world` ranks. Allocates nothing; false on overflow.
bool nf_step_tables_layout(nf_step_tables *t, const nf_sizes *max, const bool uses[NF_CACHE_COUNT],
                           int64_t pages, int64_t routes, int world);
nf_status nf_step_tables_alloc(nf_step_tables *t); // the host's copy
void nf_step_tables_free(nf_step_tables *t);

// Writes what stays the same for all steps: the addresses within a rank's block, and those of all ranks'
// arenas [world].
nf_status nf_step_tables_begin(const nf_step_tables *t, nf_device *d, const nf_buffer *block, int rank,
                               char *const *arena, int world);
// A step's share of the block, from the host's copy.
nf_status nf_step_tables_write(const nf_step_tables *t, nf_device *d, const nf_buffer *block);
