// SPDX-License-Identifier: Apache-2.0
// Inside the room: a sink of weights for memory that only copies reach.
#pragma once
#include "checkpoint/weights.h"
#include "device/device.h"
#include <pthread.h>

enum { NF_MAX_UPLOADS = 64 }; // pieces at once; more threads wait for a room

// Pieces are filled in NF_ON_HOST memory of the device, one by each thread, and go from there by a queue
// while others are filled. Its sinks' calls may come from any thread; the device must have no other user
// meanwhile.
typedef struct nf_upload {
  nf_device *device;
  nf_queue *queue;
  pthread_mutex_t lock;
  pthread_cond_t sent;
  struct {
    nf_buffer memory;
    nf_event *arrived;
  } piece[NF_MAX_UPLOADS];
  int made;                  // pieces with an event
  int idle[NF_MAX_UPLOADS];  // those that nobody has, n_idle
  int going[NF_MAX_UPLOADS]; // those on their way, n_going from `first` on, in a ring: they arrive in order
  int n_idle, n_going, first;
  const nf_buffer *to;
  nf_status refused; // why there was no room
} nf_upload;
nf_status nf_upload_init(nf_upload *u, nf_device *d); // *u zeroed; to be finished only when that is well
// All has arrived, or why there was no room for something, or it has not; frees what u holds.
nf_status nf_upload_finish(nf_upload *u);
// Of a weight in `to`: the process's memory where it has an address there, else by way of u, one weight at a
// time.
nf_weight_sink nf_upload_sink(nf_upload *u, const nf_buffer *to);
