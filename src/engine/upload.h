// SPDX-License-Identifier: Apache-2.0
// Inside the room: a sink of weights for memory that only copies reach.
#pragma once
#include "checkpoint/weights.h"
#include "device/device.h"
#include <pthread.h>

// Pieces at once, more threads wait for a room; and bytes of one in the slab, which nearly all of a weight's
// have.
enum { NF_MAX_UPLOADS = 64, NF_UPLOAD_PIECE = 1 << 20 };

// Pieces are filled in NF_ON_HOST memory of the device, one by each thread, and go from there by a queue
// while others are filled. They lie in one slab: 64 allocations of 1 MiB take longer to make, and an H200
// reads them at 31 to 41 GB/s where it reads the slab at 45. Its sinks' calls may come from any thread; the
// device must have no other user meanwhile.
typedef struct nf_upload {
  nf_device *device;
  nf_queue *queue;
  pthread_mutex_t lock;
  pthread_cond_t sent;
  nf_buffer slab; // of pieces * NF_UPLOAD_PIECE
  struct {
    nf_buffer own; // of a larger piece
    void *room;    // in which of them it was last
    nf_event *arrived;
  } piece[NF_MAX_UPLOADS];
  int pieces;                // that there may be
  int made;                  // pieces with an event
  int idle[NF_MAX_UPLOADS];  // those that nobody has, n_idle
  int going[NF_MAX_UPLOADS]; // those on their way, n_going from `first` on, in a ring: they arrive in order
  int n_idle, n_going, first;
  const nf_buffer *to;
  nf_status refused; // why there was no room
} nf_upload;
// For `total` bytes about. *u zeroed; to be finished only when that is well.
nf_status nf_upload_init(nf_upload *u, nf_device *d, uint64_t total);
// All has arrived, or why there was no room for something, or it has not; frees what u holds.
nf_status nf_upload_finish(nf_upload *u);
// Of a weight in `to`: the process's memory where it has an address there, else by way of u, one weight at a
// time.
nf_weight_sink nf_upload_sink(nf_upload *u, const nf_buffer *to);
