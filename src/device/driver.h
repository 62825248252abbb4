// SPDX-License-Identifier: Apache-2.0
// Inside the room: what an implementation of a device provides.
#pragma once
#include "device/device.h"

typedef enum nf_direction { NF_TO_DEVICE, NF_TO_HOST, NF_BETWEEN_DEVICES } nf_direction;

// Functions of the second part may be NULL for a device that has done what it was asked when `copy` and `run`
// return, on the calling thread: nothing is ever in flight there. What they make is theirs, in `handle`.
typedef struct nf_driver {
  const char *name;
  bool computes, is_host, captures;
  nf_status (*peer)(const nf_device *d, int world, int rank, nf_device **out);
  nf_status (*describe)(const nf_device *d, nf_hw *out); // NULL: there is nothing to tell
  void (*close)(nf_device *d);                           // NULL: nothing to do
  // Fills data and host of *out, whose bytes and memory are as asked.
  nf_status (*alloc)(nf_device *d, nf_memory memory, size_t bytes, nf_buffer *out);
  void (*free)(nf_device *d, const nf_buffer *b);
  nf_status (*reserve)(nf_device *d, nf_scratch_bytes bytes); // NULL: kernels have none
  nf_status (*copy)(nf_queue *q, nf_direction way, void *to, const void *from, size_t bytes);
  // Kernels, in order. *n in: launches; out: how many were done (or put into the queue), all but where the
  // device was to stop.
  nf_status (*run)(nf_queue *q, const nf_launch *launch, size_t *n);
  nf_status (*load)(nf_module *m, const void *image, size_t bytes);
  nf_status (*function)(const nf_module *m, const char *symbol, const void **out); // NULL: not there

  nf_status (*barrier)(nf_queue *q, const nf_barrier *b);
  nf_status (*queue_open)(nf_queue *q);
  void (*queue_close)(nf_queue *q);
  nf_status (*queue_sync)(nf_queue *q);
  nf_status (*event_open)(nf_event *e);
  void (*event_close)(nf_event *e);
  nf_status (*event_record)(nf_queue *q, nf_event *e);
  nf_status (*event_wait)(nf_queue *q, const nf_event *e);
  bool (*event_happened)(const nf_event *e);
  nf_status (*event_sync)(const nf_event *e);
  void (*unload)(nf_module *m);
  // Of launches without a barrier; those with one are kept, as all are where this is NULL, and run.
  nf_status (*capture)(nf_capture *c, const nf_launch *launch, size_t n);
  void (*uncapture)(nf_capture *c);
  nf_status (*replay)(nf_queue *q, const nf_capture *c);
} nf_driver;

struct nf_queue {
  nf_device *device;
  void *handle;
};
struct nf_event {
  nf_device *device;
  void *handle;
};
struct nf_module {
  nf_device *device;
  void *handle;
  const void *image;
  size_t bytes;
};
struct nf_capture {
  nf_device *device;
  void *handle;
  size_t n;
  nf_launch *launch; // [n] kept, with their arguments behind them
};
struct nf_device {
  const nf_driver *driver;
  void *handle;
  nf_queue queue; // of copies and runs that are done on return
  uint64_t used;
  const _Atomic bool *stop; // NULL: nobody stops it
  nf_scratch scratch;       // elsewhere than on the host the counters, then what is shared
  // Of the host.
  nf_threads *threads;
  bool owns_threads;
};
bool nf_device_is_stopped(const nf_device *d);
// A device that begins as *with says: driver, and what this one needs (threads, handle).
nf_status nf_device_create(const nf_device *with, nf_device **out);
