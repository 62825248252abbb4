// SPDX-License-Identifier: Apache-2.0
// The state of a grid that is emulated: what emulator.c (who runs), meet.c (collectives) and shadow.c (shared
// memory) share. Inside of lane/.
//
// Time is a counter that every barrier moves. An access at time t of another lane is over, for the lane that
// runs, if t lies before the last barrier that both passed.
#pragma once
#include "kernels/gpu/lane/fiber.h"
#include "kernels/gpu/lane/lane.h"

enum {
  NF_LANES_MOST = 1024,
  NF_WAVES_MOST = NF_LANES_MOST / 32,
  NF_COPIES_MOST = 256,
  NF_GROUP_LANES = 128, // of a product of four waves
  NF_HELD_MOST = 256,   // by products of one lane that are on their way
  NF_CLUSTER_MOST = 8,  // blocks
};

typedef enum { NF_LANE_READY, NF_LANE_IN_WAVE, NF_LANE_IN_BLOCK, NF_LANE_ENDED } nf_lane_state;

typedef struct nf_lane_copy {
  uint32_t offset, group;
} nf_lane_copy;

// What products on their way have of a lane: its sums, inverted until they are done, or 16 bytes of a tile.
typedef struct nf_lane_held {
  const nf_lane_site *site;
  float *sums; // NULL: bytes
  int n;
  uint32_t offset, write; // of the bytes; the last write when they were read
  uint32_t set;
} nf_lane_held;

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
  // Of products of four waves
  uint32_t published; // the last write that they see of this lane's
  uint32_t sets;      // committed
  int held;
  bool fenced;
  // Of clusters
  const nf_lane_site *cluster; // of cluster_arrive, until it has come to cluster_wait
  bool put;                    // since its last cluster_wait
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

// Four waves: lanes that stand in a product of theirs count as in_block.
typedef struct nf_lane_group {
  int arrived;
  const nf_lane *first; // to arrive
  unsigned turn;
  nf_lane_wide wide[2];
} nf_lane_group;

// What is known of some bytes of shared memory (1 << granule of them). Readers that are several lanes of a
// wave, or of several waves, are told by bits.
enum { NF_READERS_WAVE = 0x8000, NF_READERS_ALL = 0xffff };
typedef struct nf_shared_cell {
  const nf_lane_site *write, *read;
  uint32_t written, was_read; // times; 0: never
  uint32_t sequence;          // of the write, among all of the grid's
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
  uint32_t now, begun, barrier, writes;
  // Its cluster, of which each block has a grid of its own
  struct nf_lane_grid **cluster;
  int clusters, met;  // blocks; cluster_waits that its lanes have come back from
  nf_lane *suspended; // the lane that goes on when all blocks have come to cluster_wait
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
  nf_lane_group group[NF_LANES_MOST / NF_GROUP_LANES];
  nf_lane lane[NF_LANES_MOST];
  nf_lane_copy copies[NF_LANES_MOST][NF_COPIES_MOST]; // of each lane
  nf_lane_held held[NF_LANES_MOST][NF_HELD_MOST];
} nf_lane_grid;

static inline nf_lane *nf_lane_now(void) { return (nf_lane *)nf_lane_me; }
static inline nf_lane_group *nf_lane_group_of(const nf_lane *l) {
  return &l->grid->group[l->who.thread / NF_GROUP_LANES];
}

const char *nf_lane_file(const nf_lane_site *site); // from src/ on

// Gives the processor to the next lane that may run, or back to the thread when there is none. Comes back
// when it is this lane's turn.
void nf_lane_yield(nf_lane *me);

// Of wide.c: one more thing is held.
nf_lane_held *nf_lane_hold(nf_lane *me, const nf_lane_site *site);

// Of shadow.c
void nf_shared_unchanged(const nf_lane *me, const nf_lane_site *site, const nf_lane_held *h);
bool nf_shared_init(nf_lane_grid *g, size_t bytes); // false: no memory
void nf_shared_deinit(nf_lane_grid *g);
