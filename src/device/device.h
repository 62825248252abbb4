// SPDX-License-Identifier: Apache-2.0
// Devices: memory that kernels can use, and queues that run kernels in order. Implementations: host.c,
// null.c, and gpu.c with cuda.c or hip.c.
//
// A device, its queues, events, modules and captures are used by one thread at a time; kernels run on threads
// of its own. An error of what was put into a queue comes out of that call or a later one on the queue, at
// the latest of nf_queue_sync; nothing behind it in the queue runs then. All pointers that kernels get are
// device addresses (nf_buffer.data), which the process may use only where nf_buffer.host says so.
#pragma once
#include "base/status.h"
#include "device/launch.h"
#include "hw/hw.h"
#include <stddef.h>
#include <stdint.h>

typedef enum nf_memory {
  NF_ON_DEVICE, // the device's own
  NF_ON_HOST,   // the process's, pinned: kernels reach it, slowly, copies to and from it overlap
  NF_ON_BOTH,   // moves to who uses it
  NF_MEMORIES
} nf_memory;

typedef struct nf_buffer {
  void *data; // its address as kernels see it; NULL: none
  void *host; // its address in the process; NULL: only copies reach it. NF_ON_HOST and NF_ON_BOTH have one
  size_t bytes;
  nf_memory memory;
} nf_buffer;

typedef struct nf_device nf_device;
typedef struct nf_queue nf_queue;
typedef struct nf_event nf_event;
typedef struct nf_module nf_module;
typedef struct nf_capture nf_capture;

// ---- devices ----

// The host: memory of the process, kernels on `threads` (borrowed, must outlive the device).
nf_status nf_device_host(nf_threads *threads, nf_device **out);
// Accepts everything and computes nothing; its memory has addresses but no storage. For planning and for
// measuring what everything but the kernels costs.
nf_status nf_device_null(nf_device **out);
// A GPU, counted from 0, through the maker's driver, which is looked for at run time; none is needed to
// build. NF_UNAVAILABLE says what is missing: the driver, a new enough one, the GPU, or one that our code
// runs on (an sm_90 or later; a gfx942 or gfx950). Calls make the device the current one of the thread they
// come from, and leave it so: whoever uses CUDA or HIP beside us on that thread chooses anew. An error that
// the GPU does not recover from (a kernel's bad access, a card that has fallen off) is NF_UNAVAILABLE with
// the driver's call and words; every later call on the device answers the same, at once.
nf_status nf_device_cuda(int index, nf_device **out);
nf_status nf_device_hip(int index, nf_device **out);
// The device of a rank, 0 to world - 1, of those that share what d has: each one's kernels and copies reach
// the memory of all. They are made in the order of their ranks. A host's has its share of the threads, a
// GPU's is the one that is `rank` further than d's: NF_UNAVAILABLE when there are too few, or they don't
// reach one another.
nf_status nf_device_peer(const nf_device *d, int world, int rank, nf_device **out);
// NULL is fine. All that was made of it must be gone before.
void nf_device_destroy(nf_device *d);

const char *nf_device_name(const nf_device *d); // "host", "null"
bool nf_device_computes(const nf_device *d);    // false: contents of its memory mean nothing
bool nf_device_is_host(const nf_device *d);  // NF_ON_DEVICE is the process's own too: it may be used directly
bool nf_device_captures(const nf_device *d); // a captured run costs less than its launches
// What selection and costs go by. A GPU's memory is what is free now, its figures are the makers'
// (targets.def). NF_UNAVAILABLE of a device that is no processor.
nf_status nf_device_describe(const nf_device *d, nf_hw *out);

// ---- memory ----

// NF_ON_DEVICE. Aligned to NF_CACHE_LINE; 0 bytes is fine.
nf_status nf_device_alloc(nf_device *d, size_t bytes, nf_buffer *out);
nf_status nf_device_alloc_in(nf_device *d, nf_memory memory, size_t bytes, nf_buffer *out);
void nf_device_free(nf_device *d, nf_buffer *b); // zeroed is fine; zeroes *b. No queue uses it any more
uint64_t nf_device_used(const nf_device *d);     // bytes allocated now
// From now on kernels have so much scratch, each thread or block and all together. What a GPU had before
// stays until it is closed: captures point into it.
nf_status nf_device_reserve_scratch(nf_device *d, nf_scratch_bytes bytes);
// Of a device that loads modules, as kernels see it: NF_DEVICE_COUNTERS bytes that were zeros once and that
// all kernels leave zeros, and `shared` bytes behind them. NULL: nothing was reserved, as on the host and the
// null device.
enum { NF_DEVICE_COUNTERS = 64 << 10 };
uint32_t *nf_device_counters(const nf_device *d);
void *nf_device_scratch(const nf_device *d);

// Copies between the host and a buffer, done on return. Ranges must lie inside the buffer (else NF_INTERNAL).
nf_status nf_device_write(nf_device *d, const nf_buffer *b, size_t offset, const void *from, size_t bytes);
nf_status nf_device_read(nf_device *d, const nf_buffer *b, size_t offset, void *to, size_t bytes);
// Copies bytes of a buffer to another place of it; the two do not overlap.
nf_status nf_device_copy(nf_device *d, const nf_buffer *b, size_t from, size_t to, size_t bytes);
// Runs the launches in order and returns when all are done. Allocates nothing.
nf_status nf_device_run(nf_device *d, const nf_launch *launch, size_t n);
// Later runs end between launches, with NF_CANCELLED, once *stop is true: any thread may set it. NULL: never.
void nf_device_stop_on(nf_device *d, const _Atomic bool *stop);

// ---- queues and events ----

nf_status nf_queue_create(nf_device *d, nf_queue **out);
void nf_queue_destroy(nf_queue *q); // when all in it is done; NULL is fine
// That of copies and runs that are done on return; what is put there stands before those that come after.
nf_queue *nf_device_queue(nf_device *d);
// Each puts work into the queue, behind what is there; addresses must stay until it is done.
nf_status nf_queue_write(nf_queue *q, const nf_buffer *b, size_t offset, const void *from, size_t bytes);
nf_status nf_queue_read(nf_queue *q, const nf_buffer *b, size_t offset, void *to, size_t bytes);
// Between buffers of the queue's device and its peers. Ranges do not overlap.
nf_status nf_queue_copy(nf_queue *q, const nf_buffer *to, size_t to_offset, const nf_buffer *from,
                        size_t from_offset, size_t bytes);
nf_status nf_queue_run(nf_queue *q, const nf_launch *launch, size_t n);
nf_status nf_queue_sync(nf_queue *q); // returns when all in it is done

nf_status nf_event_create(nf_device *d, nf_event **out);
void nf_event_destroy(nf_event *e);                      // NULL is fine
nf_status nf_queue_record(nf_queue *q, nf_event *e);     // it has happened when what is in the queue is done
nf_status nf_queue_wait(nf_queue *q, const nf_event *e); // what comes behind waits for e's last record
bool nf_event_happened(const nf_event *e);               // true before the first record
nf_status nf_event_sync(const nf_event *e);              // returns when it has happened

// ---- code ----

// An image in the device's own form: for the host an array of nf_host_symbol, for AMD's GPUs a code object.
// For NVIDIA's PTX, which the driver compiles and keeps compiled in a cache of its own, so that only the
// first time is slow; behind the zero that ends it, at the next multiple of 64 bytes, there may be machine
// code of capability 9.0, which is taken where it suits GPU and driver. NF_BAD_INPUT: the device can't load
// it; of PTX with the compiler's first line.
typedef struct nf_host_symbol {
  const char *name;
  nf_host_function function;
} nf_host_symbol;
nf_status nf_module_load(nf_device *d, const void *image, size_t bytes, nf_module **out);
void nf_module_unload(nf_module *m); // NULL is fine
// For nf_launch.function, as long as the module is loaded. NF_BAD_INPUT names a symbol that is not there.
// NF_MATMUL (matmul.h) is a library's, where the device has it.
nf_status nf_module_function(const nf_module *m, const char *symbol, const void **out);

// The launches with their arguments as they are now, to be run again and again: a replay sees what the memory
// holds that they point to, and none of what becomes of args afterwards. Barriers live as long as the
// capture.
size_t nf_capture_bytes(const nf_launch *launch, size_t n); // of the host; SIZE_MAX: too many
nf_status nf_capture_create(nf_device *d, const nf_launch *launch, size_t n, nf_capture **out);
void nf_capture_destroy(nf_capture *c); // NULL is fine
nf_status nf_queue_replay(nf_queue *q, const nf_capture *c);
// Done on return, as nf_device_run.
nf_status nf_device_replay(nf_device *d, const nf_capture *c);
