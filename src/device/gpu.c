// SPDX-License-Identifier: Apache-2.0
// GPUs as devices: one driver for both makers, over a table of calls. Queues are streams, a capture is a
// graph that is launched as one, and what runs or is replayed allocates nothing.
#include "base/memory.h"
#include "device/blas.h"

static nf_gpu *gpu_of(const nf_device *d) { return d->handle; }

// Every way in begins here: the calling thread may not be the one of last time, and a lost device answers at
// once, with what it was lost by.
static nf_status enter(nf_gpu *g) {
  if (g->lost != 0) return nf_gpu_status(g, g->lost_in, g->lost);
  return nf_gpu_status(g, g->maker->enters, g->maker->enter(g));
}

// To give back what was taken, which a lost device's driver may refuse.
#define DROP(g, field, ...)            \
  do {                                 \
    (void)(g)->maker->enter(g);        \
    (void)(g)->api.field(__VA_ARGS__); \
  } while (0)

// ---- memory ----

static nf_status alloc(nf_gpu *g, nf_memory memory, size_t bytes, void **data, void **host) {
  if (memory == NF_ON_DEVICE) return NF_GPU_DO(g, alloc, data, bytes);
  if (memory == NF_ON_BOTH) {
    NF_TRY(NF_GPU_DO(g, alloc_managed, data, bytes, NF_GPU_ATTACH_GLOBAL));
    return *host = *data, nf_ok();
  }
  NF_TRY(NF_GPU_DO(g, alloc_host, host, bytes, NF_GPU_HOST_MAPPED));
  const nf_status st = NF_GPU_DO(g, host_address, data, *host, 0);
  if (!nf_is_ok(st)) DROP(g, free_host, *host);
  return st;
}

static nf_status gpu_alloc(nf_device *d, nf_memory memory, size_t bytes, nf_buffer *out) {
  nf_gpu *g = gpu_of(d);
  NF_TRY(enter(g));
  return alloc(g, memory, bytes != 0 ? bytes : 1, &out->data, &out->host);
}

static void gpu_free(nf_device *d, const nf_buffer *b) {
  nf_gpu *g = gpu_of(d);
  if (b->memory == NF_ON_HOST)
    DROP(g, free_host, b->host);
  else
    DROP(g, free, b->data);
}

// Counters, then what all blocks share. A kernel that counts leaves zeros, so they are written once.
static nf_status gpu_reserve(nf_device *d, nf_scratch_bytes bytes) {
  nf_gpu *g = gpu_of(d);
  if (d->scratch.at != NULL && bytes.shared <= d->scratch.bytes.shared) return nf_ok();
  void *at = NULL;
  if (bytes.shared > SIZE_MAX - NF_DEVICE_COUNTERS)
    return nf_error(NF_NO_MEMORY, "no GPU has %zu bytes of scratch", bytes.shared);
  if (!nf_grow(&g->outgrown, &g->cap_outgrown, g->n_outgrown + 1, sizeof *g->outgrown))
    return nf_error(NF_NO_MEMORY, "no memory to grow scratch");
  NF_TRY(enter(g));
  NF_TRY(NF_GPU_DO(g, alloc, &at, NF_DEVICE_COUNTERS + bytes.shared), "%zu bytes of scratch", bytes.shared);
  nf_status st = NF_GPU_DO(g, fill, at, 0, NF_DEVICE_COUNTERS, d->queue.handle);
  st = nf_status_join(st, nf_queue_sync(&d->queue));
  if (!nf_is_ok(st)) {
    DROP(g, free, at);
    return st;
  }
  if (d->scratch.at != NULL) g->outgrown[g->n_outgrown++] = d->scratch.at;
  d->scratch = (nf_scratch){at, {.shared = bytes.shared}};
  return nf_ok();
}

static nf_status gpu_copy(nf_queue *q, nf_direction, void *to, const void *from, size_t bytes) {
  nf_gpu *g = gpu_of(q->device);
  NF_TRY(enter(g));
  return bytes != 0 ? g->maker->copy(g, to, from, bytes, q->handle) : nf_ok();
}

// ---- queues and events ----

static nf_status gpu_queue_open(nf_queue *q) {
  nf_gpu *g = gpu_of(q->device);
  NF_TRY(enter(g));
  return NF_GPU_DO(g, stream_create, &q->handle, NF_GPU_STREAM_ALONE);
}

static void gpu_queue_close(nf_queue *q) { DROP(gpu_of(q->device), stream_destroy, q->handle); }

static nf_status gpu_queue_sync(nf_queue *q) {
  nf_gpu *g = gpu_of(q->device);
  NF_TRY(enter(g));
  return NF_GPU_DO(g, stream_sync, q->handle);
}

// Ranks meet on the host: what each has in its queue is done, then they wait for one another.
static nf_status gpu_barrier(nf_queue *q, const nf_barrier *b) {
  NF_TRY(gpu_queue_sync(q));
  return b->wait(b->user, b->rank);
}

static nf_status gpu_event_open(nf_event *e) {
  nf_gpu *g = gpu_of(e->device);
  NF_TRY(enter(g));
  return NF_GPU_DO(g, event_create, &e->handle, NF_GPU_EVENT_PLAIN);
}

static void gpu_event_close(nf_event *e) { DROP(gpu_of(e->device), event_destroy, e->handle); }

static nf_status gpu_event_record(nf_queue *q, nf_event *e) {
  nf_gpu *g = gpu_of(q->device);
  NF_TRY(enter(g));
  return NF_GPU_DO(g, event_record, e->handle, q->handle);
}

static nf_status gpu_event_wait(nf_queue *q, const nf_event *e) {
  nf_gpu *g = gpu_of(q->device);
  NF_TRY(enter(g));
  return NF_GPU_DO(g, stream_wait, q->handle, e->handle, 0);
}

// On a lost device everything has happened that ever will: who waits finds out in the next call.
static bool gpu_event_happened(const nf_event *e) {
  nf_gpu *g = gpu_of(e->device);
  return g->lost != 0 || g->maker->enter(g) != 0 || g->api.event_query(e->handle) != NF_GPU_NOT_READY;
}

static nf_status gpu_event_sync(const nf_event *e) {
  nf_gpu *g = gpu_of(e->device);
  NF_TRY(enter(g));
  return NF_GPU_DO(g, event_sync, e->handle);
}

// ---- code ----

static nf_status gpu_load(nf_module *m, const void *image, size_t bytes) {
  nf_gpu *g = gpu_of(m->device);
  NF_TRY(enter(g));
  return g->maker->load(g, image, bytes, &m->handle);
}

static void gpu_unload(nf_module *m) { DROP(gpu_of(m->device), module_unload, m->handle); }

static nf_status library_function(nf_gpu *g, const void **out) {
  if (g->blas == NULL)
    NF_TRY(nf_blas_open(g->maker->blas, &g->blas)); // which says why it could not be when the GPU was opened
  NF_TRY(nf_blas_begin(g->blas));
  return *out = g->blas, nf_ok();
}

static nf_status gpu_function(const nf_module *m, const char *symbol, const void **out) {
  nf_gpu *g = gpu_of(m->device);
  void *function;
  NF_TRY(enter(g));
  if (nf_is_matmul(symbol)) return library_function(g, out);
  const int code = g->api.module_function(&function, m->handle, symbol);
  if (code == NF_GPU_NOT_FOUND) return *out = NULL, nf_ok();
  NF_TRY(nf_gpu_status(g, NF_GPU_module_function, code));
  if (g->maker->prepare != NULL) NF_TRY(g->maker->prepare(g, function), "%s", symbol);
  return *out = function, nf_ok();
}

// ---- running ----

static nf_status put_one(nf_gpu *g, const nf_launch *l, void *stream, bool behind) {
  return l->is_matmul ? nf_blas_run(g->blas, l->args, stream) : g->maker->launch(g, l, stream, behind);
}

// Puts launches into the stream, whether it runs them or captures them.
static nf_status put(nf_gpu *g, const nf_launch *launch, size_t n, void *stream) {
  bool behind = false;
  for (size_t i = 0; i < n; i++) {
    if (launch[i].grid.blocks[0] == 0) continue;
    NF_TRY(put_one(g, &launch[i], stream, behind), "launch %zu of %zu", i + 1, n);
    behind = true;
  }
  return nf_ok();
}

static nf_status gpu_run(nf_queue *q, const nf_launch *launch, size_t *n) {
  nf_gpu *g = gpu_of(q->device);
  NF_TRY(enter(g));
  return put(g, launch, *n, q->handle);
}

// The capture ends also where a launch fails: the stream can be used again.
static nf_status record(nf_gpu *g, const nf_launch *launch, size_t n, void *stream, void **graph) {
  *graph = NULL;
  NF_TRY(NF_GPU_DO(g, capture_begin, stream, NF_GPU_CAPTURE_THREAD));
  const nf_status st = put(g, launch, n, stream);
  return nf_status_join(st, NF_GPU_DO(g, capture_end, stream, graph));
}

static nf_status instantiate(nf_gpu *g, void *graph, void *stream, void **exec) {
  NF_TRY(NF_GPU_DO(g, graph_instantiate, exec, graph, 0));
  nf_status st = NF_GPU_DO(g, exec_upload, *exec, stream);
  st = nf_status_join(st, NF_GPU_DO(g, stream_sync, stream));
  if (!nf_is_ok(st)) DROP(g, exec_destroy, *exec);
  return st;
}

static nf_status gpu_capture(nf_capture *c, const nf_launch *launch, size_t n) {
  nf_gpu *g = gpu_of(c->device);
  void *graph, *stream = c->device->queue.handle;
  NF_TRY(enter(g));
  nf_status st = record(g, launch, n, stream, &graph);
  if (nf_is_ok(st)) st = instantiate(g, graph, stream, &c->handle);
  if (graph != NULL) DROP(g, graph_destroy, graph);
  return st;
}

static void gpu_uncapture(nf_capture *c) { DROP(gpu_of(c->device), exec_destroy, c->handle); }

static nf_status gpu_replay(nf_queue *q, const nf_capture *c) {
  nf_gpu *g = gpu_of(q->device);
  NF_TRY(enter(g));
  return NF_GPU_DO(g, exec_launch, c->handle, q->handle);
}

// ---- devices ----

static nf_status gpu_describe(const nf_device *d, nf_hw *out) {
  nf_gpu *g = gpu_of(d);
  NF_TRY(enter(g));
  return nf_gpu_describe(g, out);
}

static void gpu_close(nf_device *d) {
  nf_gpu *g = gpu_of(d);
  if (d->scratch.at != NULL) DROP(g, free, d->scratch.at);
  while (g->n_outgrown > 0) DROP(g, free, g->outgrown[--g->n_outgrown]);
  nf_free(g->outgrown);
  nf_gpu_close(g);
}

static nf_status gpu_peer(const nf_device *d, int world, int rank, nf_device **out);

#define GPU_DRIVER(name_)                                                                               \
  {                                                                                                     \
    .name = name_, .computes = true, .captures = true, .peer = gpu_peer, .describe = gpu_describe,      \
    .close = gpu_close, .alloc = gpu_alloc, .free = gpu_free, .reserve = gpu_reserve, .copy = gpu_copy, \
    .run = gpu_run, .load = gpu_load, .function = gpu_function, .barrier = gpu_barrier,                 \
    .queue_open = gpu_queue_open, .queue_close = gpu_queue_close, .queue_sync = gpu_queue_sync,         \
    .event_open = gpu_event_open, .event_close = gpu_event_close, .event_record = gpu_event_record,     \
    .event_wait = gpu_event_wait, .event_happened = gpu_event_happened, .event_sync = gpu_event_sync,   \
    .unload = gpu_unload, .capture = gpu_capture, .uncapture = gpu_uncapture, .replay = gpu_replay,     \
  }
static const nf_driver cuda = GPU_DRIVER("cuda"), hip = GPU_DRIVER("hip");

static nf_status make(const nf_driver *driver, const nf_gpu_maker *maker, int index, nf_device **out) {
  nf_gpu *g;
  NF_TRY(nf_gpu_open(maker, index, &g));
  const nf_status st = nf_device_create(&(nf_device){.driver = driver, .handle = g}, out);
  if (!nf_is_ok(st)) nf_gpu_close(g);
  return st;
}

nf_status nf_device_cuda(int index, nf_device **out) { return make(&cuda, &nf_cuda_maker, index, out); }
nf_status nf_device_hip(int index, nf_device **out) { return make(&hip, &nf_hip_maker, index, out); }

// Both ways: a rank's kernels read what the others have.
static nf_status reach_one_another(nf_gpu *a, nf_gpu *b) {
  nf_gpu *const pair[] = {a, b};
  for (int i = 0; i < 2; i++) {
    nf_gpu *from = pair[i], *to = pair[1 - i];
    int possible = 0;
    NF_TRY(enter(from));
    NF_TRY(NF_GPU_DO(from, can_access_peer, &possible, from->device, to->device));
    if (!possible)
      return nf_error(NF_UNAVAILABLE, "GPU %d can't reach the memory of GPU %d", from->index, to->index);
    NF_TRY(from->maker->reach(from, to));
  }
  return nf_ok();
}

// Those in front of it are there: their contexts are the ones that calls through another nf_gpu use too.
static nf_status reach_others(nf_gpu *g, int first) {
  for (int index = first; index < g->index; index++) {
    nf_gpu *other;
    NF_TRY(nf_gpu_open(g->maker, index, &other));
    const nf_status st = reach_one_another(g, other);
    nf_gpu_close(other);
    NF_TRY(st);
  }
  return nf_ok();
}

static nf_status gpu_peer(const nf_device *d, int world, int rank, nf_device **out) {
  nf_gpu *g = gpu_of(d);
  int count;
  NF_TRY(NF_GPU_DO(g, device_count, &count));
  if (world > count - g->index)
    return nf_error(NF_UNAVAILABLE, "%s: %d ranks want a GPU each, from GPU %d on; this machine has %d",
                    d->driver->name, world, g->index, count);
  NF_TRY(make(d->driver, g->maker, g->index + rank, out));
  const nf_status st = reach_others(gpu_of(*out), g->index);
  if (!nf_is_ok(st)) nf_device_destroy(*out);
  return st;
}
