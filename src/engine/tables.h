// SPDX-License-Identifier: Apache-2.0
// Inside the room: the step's tables, a block of memory that each rank's device has at a fixed address. It
// begins with the nf_batch; its sizes and the step's arrays follow, which a step copies in one piece, tokens
// last. The page tables behind them stay from step to step: a row is a session's, and only what has changed
// is copied.
#pragma once
#include "device/device.h"
#include "op/batch.h"

typedef struct nf_step_tables {
  char *host; // the owner's copy, pinned, with the same layout; what stands before `sizes` is unused
  // Two blocks with the arrays of a step, at `host` and behind it: of the step at hand, and of the one that
  // is expected next (expect.c).
  char *step, *next;
  size_t arrays, bytes; // where the step's arrays end; of all
  int64_t pages, rows;  // of a page table
  // Byte offsets of the arrays.
  size_t q_start, row, state_in, state_out, table_row, tokens, position, routes;
  size_t page_table[NF_CACHE_COUNT], write_slot[NF_CACHE_COUNT]; // of groups with pages that are used
  size_t comm, base;                                             // an nf_comm and its [world] addresses
} nf_step_tables;

// Lays the block out for steps of at most these sizes and the cache groups in `uses`, `pages` per sequence
// and `routes` int32 per token, for `world` ranks. Allocates nothing; false on overflow.
bool nf_step_tables_layout(nf_step_tables *t, const nf_sizes *max, const bool uses[NF_CACHE_COUNT],
                           int64_t pages, int64_t routes, int world);
size_t nf_step_tables_host_bytes(const nf_step_tables *t);
void nf_step_tables_place(nf_step_tables *t, void *host); // so many bytes, which become zeros

// What an nf_batch says at a rank's block, whose address is `at`, but for the sizes.
nf_batch nf_step_tables_batch(const nf_step_tables *t, const void *at);
// Writes what stays the same for all steps: the addresses within a rank's block, and those of all ranks'
// arenas [world].
nf_status nf_step_tables_begin(const nf_step_tables *t, nf_device *d, const nf_buffer *block, int rank,
                               char *const *arena, int world);
// Puts the arrays of `step` into the device's queue, which stay as they are until the step is done.
nf_status nf_step_tables_write(const nf_step_tables *t, nf_device *d, const nf_buffer *block);
// [pages] of a row of the host's page table, and its pages [lo, hi) on their way to a device, likewise.
int32_t *nf_step_tables_pages(const nf_step_tables *t, nf_cache group, int64_t row);
nf_status nf_step_tables_write_pages(const nf_step_tables *t, nf_device *d, const nf_buffer *block,
                                     nf_cache group, int64_t row, int64_t lo, int64_t hi);
