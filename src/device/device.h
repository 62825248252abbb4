// SPDX-License-Identifier: Apache-2.0
// Devices: memory that kernels can use, and a queue that runs kernels in order. Implementations: host.c,
// null.c.
//
// A device is used by one thread at a time; kernels run on threads of its own.
#pragma once
#include "base/status.h"
#include "base/threads.h"
#include <stddef.h>
#include <stdint.h>

typedef struct nf_buffer { // device memory; `data` is its address as kernels see it
  void *data;
  size_t bytes;
} nf_buffer;

// How the device waits for others that run the same launches. Called between kernels, on the queue's thread;
// an error ends the run.
typedef struct nf_meeting {
  nf_status (*wait)(void *user);
  void *user;
} nf_meeting;

// One kernel call: blocks(args) pieces, run(args, block) for each. `args` lives until the queue is idle.
typedef struct nf_launch {
  int64_t (*blocks)(const void *args);
  void (*run)(const void *args, int64_t block);
  const void *args;
  const nf_meeting *before, *after; // the kernel; NULL: it waits for nobody. They live as long as `args`
} nf_launch;

typedef struct nf_device nf_device;

// The host: memory of the process, kernels on `threads` (borrowed, must outlive the device).
nf_status nf_device_host(nf_threads *threads, nf_device **out);
// Accepts everything and computes nothing; its memory has addresses but no storage. For planning and for
// measuring what everything but the kernels costs.
nf_status nf_device_null(nf_device **out);
void nf_device_destroy(nf_device *d); // NULL is fine; all its buffers must be freed before

const char *nf_device_name(const nf_device *d); // "host", "null"
bool nf_device_computes(const nf_device *d);    // false: contents of its memory mean nothing
bool nf_device_is_host(const nf_device *d); // its memory is the process's own: buffers may be used directly
nf_status nf_device_alloc(nf_device *d, size_t bytes,
                          nf_buffer *out);       // aligned to NF_CACHE_LINE; 0 bytes is fine
void nf_device_free(nf_device *d, nf_buffer *b); // zeroed is fine; zeroes *b
uint64_t nf_device_used(const nf_device *d);     // bytes allocated now

// Copies between the host and a buffer. Ranges must lie inside the buffer (NF_INTERNAL otherwise).
nf_status nf_device_write(nf_device *d, const nf_buffer *b, size_t offset, const void *from, size_t bytes);
nf_status nf_device_read(nf_device *d, const nf_buffer *b, size_t offset, void *to, size_t bytes);
// Copies bytes of a buffer to another place of it; the two do not overlap.
nf_status nf_device_copy(nf_device *d, const nf_buffer *b, size_t from, size_t to, size_t bytes);

// Runs the launches in order and returns when all are done, or with the first error of a meeting. Allocates
// nothing.
nf_status nf_device_run(nf_device *d, const nf_launch *launch, size_t n);
// Later runs end between launches, with NF_CANCELLED, once *stop is true: any thread may set it. NULL: never.
void nf_device_stop_on(nf_device *d, const _Atomic bool *stop);
uint64_t nf_device_launches(const nf_device *d); // so far
