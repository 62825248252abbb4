// SPDX-License-Identifier: Apache-2.0
// Loading a weight: what a rank has of it as rows of its codes and of its scales, from checkpoint tensors in
// whichever form these have it, or made up. Private to the room.
#pragma once
#include "checkpoint/weights.h"
#include "tensor/pack.h"
#include <pthread.h>
#include <stdatomic.h>

enum {
  // Bytes that are read, packed and committed at once, unless a strip is longer: of large weights the most,
  // as
  // the system copies those faster.
  NF_WEIGHT_PIECE = 256 << 10,
  NF_WEIGHT_MOST = 1 << 20,
  NF_WEIGHT_SLAB = 16 << 20, // and that are read at once of what is stored transposed
};

// Bytes [at, at + n) of rows [row, row + rows) of an uncut weight's codes or scales, to `out`, where a row
// begins `pitch` bytes behind the one before. Rows are the flattened leading dimensions; scales are E8M0
// bytes of MXFP4, float32 of FP8.
typedef struct nf_rect {
  int64_t row, rows, at, n;
  unsigned char *out;
  int64_t pitch;
} nf_rect;

// What one thread reads with; a zeroed one is empty.
typedef struct nf_weight_scratch {
  atomic_bool taken;
  int64_t block; // that it is used for: the order of what is told
  struct nf_room {
    unsigned char *data;
    size_t size;
  } rows, file, slab;
  const void *slab_of;           // the reader whose columns the slab holds, NULL: none
  int64_t slab_part, slab_at[5]; // and which
} nf_weight_scratch;
// At least n bytes, which are not zeroed. NF_NO_MEMORY.
nf_status nf_weight_room(struct nf_room *r, int64_t n);

// Where rows come from; any thread may read, with a scratch of its own.
typedef struct nf_weight_source {
  const void *self;
  nf_status (*read)(const void *self, nf_weight_scratch *s, bool scales, const nf_rect *r);
  int64_t grain; // rows of a matrix that are read best at once; 0: any
} nf_weight_source;

typedef struct nf_axis_range { // [at, at + n) of the rank's axis is [from, from + n) of the uncut one
  int64_t at, from, n;
} nf_axis_range;
typedef struct nf_axis {
  int64_t extent, whole; // the rank's and the uncut one
  int n;
  nf_axis_range range[NF_MAX_SEGMENTS];
} nf_axis;

// The codes of a weight, or its scales: matrices of rows, in strips where it is packed.
typedef struct nf_plane {
  nf_strip strip;                 // of a plain one a strip is a row, and strip.pack.rows is 1
  bool plain, scales, gaps;       // gaps: some of it comes from nowhere
  int64_t matrices, rows, strips; // rows that are there and strips of a matrix
  size_t at;                      // of its first byte in the weight's storage
  int64_t grain;                  // strips that are read best at once; 0: any
  int n;
  struct nf_member { // what the weight joins, or itself
    nf_weight_source source;
    nf_axis matrix, row, column; // of columns in bytes
    nf_row_groups groups;
  } member[NF_MAX_JOINED];
} nf_plane;

// The planes of what `rank` has of v, from[i] the source of the i-th that it joins: one, or two with scales.
// NF_INTERNAL for types that no recipe fills (padded plain ones, symbolic ones) and ranks that the cut does
// not have.
nf_status nf_weight_planes(const nf_value *v, int rank, const nf_weight_source *from, nf_plane out[2],
                           int *out_n);
// Strips [strip, strip + n) of a matrix as they lie in storage, n * nf_strip_bytes to `out`: packed by way of
// s->rows, plain ones read to where they belong.
nf_status nf_plane_read(const nf_plane *p, nf_weight_scratch *s, int64_t matrix, int64_t strip, int64_t n,
                        void *out);

// ---- loading ----

// Of what several blocks tell, that of the first block: the same whatever the threads do.
typedef struct nf_first {
  _Atomic int64_t block; // INT64_MAX: nothing was told
  nf_status st;
  pthread_mutex_t lock;
} nf_first;
void nf_first_init(nf_first *f);
void nf_first_keep(nf_first *f, int64_t block, nf_status st); // takes st; OK: nothing
nf_status nf_first_deinit(nf_first *f);                       // what was kept, the caller's from here on

// Puts v, whose i-th joined weight (or itself) comes from from[i], into the sink, over the threads.
nf_status nf_weight_put(nf_weight_loader *l, const nf_value *v, int rank, const nf_weight_source *from,
                        const nf_weight_sink *sink);
// The two ways of nf_weight_load.
nf_status nf_weight_read(nf_weight_loader *l, const nf_value *v, int rank, int64_t padding,
                         const nf_weight_sink *sink);
nf_status nf_weight_make(nf_weight_loader *l, const nf_value *v, int rank, const nf_weight_sink *sink);
