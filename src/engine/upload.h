// SPDX-License-Identifier: Apache-2.0
// Inside the room: a sink of weights for memory that only copies reach.
#pragma once
#include "checkpoint/weights.h"
#include "device/device.h"
#include <pthread.h>

enum { NF_MAX_UPLOADS = 64 }; // pieces that wait at once; more threads wait for a room

// Pieces wait in NF_ON_HOST memory of the device, one for each thread, until they are written. Its sinks'
// calls may come from any thread; the device must have no other user meanwhile.
typedef struct nf_upload {
  nf_device *device;
  pthread_mutex_t lock;
  pthread_cond_t given_back;
  nf_buffer piece[NF_MAX_UPLOADS];
  bool taken[NF_MAX_UPLOADS];
  const nf_buffer *to;
} nf_upload;
void nf_upload_init(nf_upload *u, nf_device *d);
void nf_upload_deinit(nf_upload *u);
// Of a weight in `to`: the process's memory where it has an address there, else by way of u, one weight at a
// time.
nf_weight_sink nf_upload_sink(nf_upload *u, const nf_buffer *to);
