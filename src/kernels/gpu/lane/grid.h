// SPDX-License-Identifier: Apache-2.0
// The state of a grid that is emulated: what emulator.c (who runs), meet.c (collectives) and shadow.c (shared
// memory) share. Inside of lane/.
//
// Time is a counter that every barrier moves. An access at time t of another lane is over, for the lane that
// runs, if t lies before the last barrier that both passed.
#pragma once
#include "kernels/gpu/lane/fiber.h"
#include "kernels/gpu/lane/lane.h"

enum { NF_LANES_MOST = 1024, NF_WAVES_MOST = NF_LANES_MOST / 32, NF_COPIES_MOST = 256 };

typedef enum { NF_LANE_READY, NF_LANE_IN_WAVE, NF_LANE_IN_BLOCK, NF_LANE_ENDED } nf_lane_state;

typedef struct nf_lane_copy {
  uint32_t offset, group;
} nf_lane_copy;

typedef struct nf_lane {
  nf_lane_who who; // first: nf_lane_me is the lane
  struct nf_lane_grid *grid;
  struct nf_lane_wave *wave;
  int id; // in the wave
  nf_lane_state state;
  const nf_lane_site *site;   // of the last collective
  const nf_lane_site *outer;  // of the call that is made of several, or NULL
  const nf_lane_site *waited; // of lane_wait
  nf_fiber fiber;
  uint32_t committed;            // groups of copies
  uint32_t copy_begin, copy_end; // those on their way, modulo NF_COPIES_MOST
} nf_lane;

// Lanes of the wave that stand in a collective of it or in block_sync, that have ended, that may run.
typedef struct nf_lane_wave {
  nf_lane *lane; // its first
  int arrived, in_block, ended, ready;
  const nf_lane *first; // to arrive
  uint32_t barrier;     // time of the last
  // What lanes hand in. Two, in turn: a lane that is ahead fills in the other while the rest still read.
  unsigned turn;
  uint32_t value[2][64];
  float number[2][64];
  nf_lane_tiles tiles[2];
} nf_lane_wave;

// What is known of some bytes of shared memory (1 << granule of them). Readers that are several lanes of a
// wave, or of several waves, are told by bits.
enum { NF_READERS_WAVE = 0x8000, NF_READERS_ALL = 0xffff };
typedef struct nf_shared_cell {
  const nf_lane_site *write, *read;
  uint32_t written, was_read; // times; 0: never
  uint16_t writer, reader;
  bool on_its_way; // written by a copy that was not waited for
} nf_shared_cell;

typedef struct nf_lane_grid {
  const nf_emulated_kernel *kernel;
  const void *args;
  nf_emulation how;
  nf_lane_block block;
  uint32_t step; // odd: from one lane to the next
  nf_status status;
  bool over; // or failed: lanes leave when they are switched to
  // The block that runs
  int waves, arrived, ended;
  const nf_lane *first; // to arrive at block_sync
  uint32_t now, begun, barrier;
  // Shared memory
  char *shared;
  size_t shared_bytes;
  nf_shared_cell *cells;
  size_t cell_count;
  int granule;
  nf_fiber thread;
  nf_stacks *stacks;
  struct nf_lane_grid *next; // in the list of those that nobody uses
  nf_lane_wave wave[NF_WAVES_MOST];
  nf_lane lane[NF_LANES_MOST];
  nf_lane_copy copies[NF_LANES_MOST][NF_COPIES_MOST]; // of each lane
} nf_lane_grid;

static inline nf_lane *nf_lane_now(void) { return (nf_lane *)nf_lane_me; }

// Ends the grid: this lane does not come back.
_Noreturn void nf_lane_fail(const nf_lane_site *site, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *nf_lane_file(const nf_lane_site *site); // from src/ on

// Gives the processor to the next lane that may run, or back to the thread when there is none. Comes back
// when it is this lane's turn.
void nf_lane_yield(nf_lane *me);

// Of shadow.c
bool nf_shared_init(nf_lane_grid *g, size_t bytes); // false: no memory
void nf_shared_deinit(nf_lane_grid *g);
