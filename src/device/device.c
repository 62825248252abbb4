// SPDX-License-Identifier: Apache-2.0
// What all devices share: bookkeeping and bounds around the driver's calls.
#include "device/device.h"
#include "base/checked.h"
#include "base/memory.h"
#include "device/driver.h"
#include <stdatomic.h>
#include <string.h>

static nf_status no_memory(const char *what) { return nf_error(NF_NO_MEMORY, "no memory for a %s", what); }

nf_status nf_device_create(const nf_device *with, nf_device **out) {
  nf_device *d = nf_alloc(1, sizeof *d);
  if (d == NULL) return no_memory("device");
  *d = *with;
  d->queue.device = d;
  const nf_status st = d->driver->queue_open != NULL ? d->driver->queue_open(&d->queue) : nf_ok();
  *out = nf_is_ok(st) ? d : NULL;
  if (*out == NULL) nf_free(d);
  return st;
}

nf_status nf_device_peer(const nf_device *d, int world, int rank, nf_device **out) {
  return d->driver->peer(d, world, rank, out);
}

nf_status nf_device_describe(const nf_device *d, nf_hw *out) {
  if (d->driver->describe != NULL) return d->driver->describe(d, out);
  return nf_error(NF_UNAVAILABLE, "device %s is no processor", d->driver->name);
}

void nf_device_destroy(nf_device *d) {
  if (d == NULL) return;
  if (d->driver->queue_close != NULL) d->driver->queue_close(&d->queue);
  if (d->driver->close != NULL) d->driver->close(d);
  nf_free(d);
}

const char *nf_device_name(const nf_device *d) { return d->driver->name; }
bool nf_device_computes(const nf_device *d) { return d->driver->computes; }
bool nf_device_is_host(const nf_device *d) { return d->driver->is_host; }
bool nf_device_captures(const nf_device *d) { return d->driver->captures; }
uint64_t nf_device_used(const nf_device *d) { return d->used; }

// ---- memory ----

nf_status nf_device_alloc_in(nf_device *d, nf_memory memory, size_t bytes, nf_buffer *out) {
  nf_buffer b = {.bytes = bytes, .memory = memory};
  NF_TRY(d->driver->alloc(d, memory, bytes, &b), "device %s, %zu bytes (%lu in use)", d->driver->name, bytes,
         (unsigned long)d->used);
  d->used += bytes;
  *out = b;
  return nf_ok();
}

nf_status nf_device_alloc(nf_device *d, size_t bytes, nf_buffer *out) {
  return nf_device_alloc_in(d, NF_ON_DEVICE, bytes, out);
}

void nf_device_free(nf_device *d, nf_buffer *b) {
  if (b->data == NULL) return;
  d->driver->free(d, b);
  d->used -= b->bytes;
  *b = (nf_buffer){0};
}

nf_status nf_device_reserve_scratch(nf_device *d, nf_scratch_bytes bytes) {
  return d->driver->reserve != NULL ? d->driver->reserve(d, bytes) : nf_ok();
}

uint32_t *nf_device_counters(const nf_device *d) {
  return d->driver->is_host ? NULL : (uint32_t *)d->scratch.at;
}

void *nf_device_scratch(const nf_device *d) {
  char *at = (char *)nf_device_counters(d);
  return at != NULL ? at + NF_DEVICE_COUNTERS : NULL;
}

static nf_status check_range(const nf_buffer *b, size_t offset, size_t bytes) {
  if (offset <= b->bytes && bytes <= b->bytes - offset) return nf_ok();
  return nf_error(NF_INTERNAL, "bytes [%zu, +%zu) lie outside a buffer of %zu", offset, bytes, b->bytes);
}

// ---- queues ----

nf_status nf_queue_write(nf_queue *q, const nf_buffer *b, size_t offset, const void *from, size_t bytes) {
  NF_TRY(check_range(b, offset, bytes));
  return q->device->driver->copy(q, NF_TO_DEVICE, (char *)b->data + offset, from, bytes);
}

nf_status nf_queue_read(nf_queue *q, const nf_buffer *b, size_t offset, void *to, size_t bytes) {
  NF_TRY(check_range(b, offset, bytes));
  return q->device->driver->copy(q, NF_TO_HOST, to, (const char *)b->data + offset, bytes);
}

nf_status nf_queue_copy(nf_queue *q, const nf_buffer *to, size_t to_offset, const nf_buffer *from,
                        size_t from_offset, size_t bytes) {
  NF_TRY(check_range(to, to_offset, bytes));
  NF_TRY(check_range(from, from_offset, bytes));
  return q->device->driver->copy(q, NF_BETWEEN_DEVICES, (char *)to->data + to_offset,
                                 (const char *)from->data + from_offset, bytes);
}

void nf_device_stop_on(nf_device *d, const _Atomic bool *stop) { d->stop = stop; }

static nf_status wait_for_ranks(nf_queue *q, const nf_barrier *b) {
  const nf_driver *driver = q->device->driver;
  return driver->barrier != NULL ? driver->barrier(q, b) : b->wait(b->user, b->rank);
}

bool nf_device_is_stopped(const nf_device *d) {
  return d->stop != NULL && atomic_load_explicit(d->stop, memory_order_relaxed);
}

static size_t kernels_before_barrier(const nf_launch *launch, size_t n) {
  size_t i = 0;
  while (i < n && launch[i].barrier == NULL) i++;
  return i;
}

nf_status nf_queue_run(nf_queue *q, const nf_launch *launch, size_t n) {
  const nf_device *d = q->device;
  for (size_t i = 0, done; i < n; i += done) {
    if (nf_device_is_stopped(d)) return nf_error(NF_CANCELLED, "cancelled after %zu of %zu launches", i, n);
    if (launch[i].barrier != NULL) {
      NF_TRY(wait_for_ranks(q, launch[i].barrier));
      done = 1;
    } else {
      done = kernels_before_barrier(&launch[i], n - i);
      NF_TRY(d->driver->run(q, &launch[i], &done));
    }
  }
  return nf_ok();
}

nf_queue *nf_device_queue(nf_device *d) { return &d->queue; }

nf_status nf_queue_sync(nf_queue *q) {
  return q->device->driver->queue_sync != NULL ? q->device->driver->queue_sync(q) : nf_ok();
}

nf_status nf_queue_create(nf_device *d, nf_queue **out) {
  nf_queue *q = nf_alloc(1, sizeof *q);
  if (q == NULL) return no_memory("queue");
  q->device = d;
  const nf_status st = d->driver->queue_open != NULL ? d->driver->queue_open(q) : nf_ok();
  *out = nf_is_ok(st) ? q : NULL;
  if (*out == NULL) nf_free(q);
  return st;
}

void nf_queue_destroy(nf_queue *q) {
  if (q == NULL) return;
  nf_status_free(nf_queue_sync(q));
  if (q->device->driver->queue_close != NULL) q->device->driver->queue_close(q);
  nf_free(q);
}

// ---- done on return ----

// Waits also behind an error: addresses that were given need not stay.
static nf_status done(nf_device *d, nf_status st) { return nf_status_join(st, nf_queue_sync(&d->queue)); }

nf_status nf_device_write(nf_device *d, const nf_buffer *b, size_t offset, const void *from, size_t bytes) {
  return done(d, nf_queue_write(&d->queue, b, offset, from, bytes));
}
nf_status nf_device_read(nf_device *d, const nf_buffer *b, size_t offset, void *to, size_t bytes) {
  return done(d, nf_queue_read(&d->queue, b, offset, to, bytes));
}
nf_status nf_device_copy(nf_device *d, const nf_buffer *b, size_t from, size_t to, size_t bytes) {
  return done(d, nf_queue_copy(&d->queue, b, to, b, from, bytes));
}
nf_status nf_device_run(nf_device *d, const nf_launch *launch, size_t n) {
  return done(d, nf_queue_run(&d->queue, launch, n));
}
nf_status nf_device_replay(nf_device *d, const nf_capture *c) {
  return done(d, nf_queue_replay(&d->queue, c));
}

// ---- events ----

nf_status nf_event_create(nf_device *d, nf_event **out) {
  nf_event *e = nf_alloc(1, sizeof *e);
  if (e == NULL) return no_memory("event");
  e->device = d;
  const nf_status st = d->driver->event_open != NULL ? d->driver->event_open(e) : nf_ok();
  *out = nf_is_ok(st) ? e : NULL;
  if (*out == NULL) nf_free(e);
  return st;
}

void nf_event_destroy(nf_event *e) {
  if (e != NULL && e->device->driver->event_close != NULL) e->device->driver->event_close(e);
  nf_free(e);
}

nf_status nf_queue_record(nf_queue *q, nf_event *e) {
  return q->device->driver->event_record != NULL ? q->device->driver->event_record(q, e) : nf_ok();
}
nf_status nf_queue_wait(nf_queue *q, const nf_event *e) {
  return q->device->driver->event_wait != NULL ? q->device->driver->event_wait(q, e) : nf_ok();
}
nf_status nf_event_sync(const nf_event *e) {
  return e->device->driver->event_sync != NULL ? e->device->driver->event_sync(e) : nf_ok();
}
bool nf_event_happened(const nf_event *e) {
  return e->device->driver->event_happened == NULL || e->device->driver->event_happened(e);
}

// ---- code ----

nf_status nf_module_load(nf_device *d, const void *image, size_t bytes, nf_module **out) {
  nf_module *m = nf_alloc(1, sizeof *m);
  if (m == NULL) return no_memory("module");
  *m = (nf_module){.device = d, .image = image, .bytes = bytes};
  const nf_status st = d->driver->load(m, image, bytes);
  *out = nf_is_ok(st) ? m : NULL;
  if (*out == NULL) nf_free(m);
  return st;
}

void nf_module_unload(nf_module *m) {
  if (m != NULL && m->device->driver->unload != NULL) m->device->driver->unload(m);
  nf_free(m);
}

nf_status nf_module_function(const nf_module *m, const char *symbol, const void **out) {
  NF_TRY(m->device->driver->function(m, symbol, out));
  if (*out != NULL) return nf_ok();
  return nf_error(NF_BAD_INPUT, "the module of device %s has no function '%s'", m->device->driver->name,
                  symbol);
}

// ---- captures ----

static size_t list_bytes(size_t n) {
  return (size_t)nf_round_up((int64_t)(n * sizeof(nf_launch)), NF_CACHE_LINE);
}

size_t nf_capture_bytes(const nf_launch *launch, size_t n) {
  size_t all = list_bytes(n);
  for (size_t i = 0; i < n; i++)
    if (launch[i].args_bytes > SIZE_MAX / 4 ||
        !nf_add_size(all, (size_t)nf_round_up((int64_t)launch[i].args_bytes, NF_CACHE_LINE), &all))
      return SIZE_MAX;
  return all;
}

static nf_status keep(nf_capture *c, const nf_launch *launch, size_t n) {
  c->launch = nf_alloc_aligned(nf_capture_bytes(launch, n));
  if (c->launch == NULL) return no_memory("capture");
  char *at = (char *)c->launch + list_bytes(n);
  for (size_t i = 0; i < n; i++) {
    c->launch[i] = launch[i];
    if (launch[i].args_bytes == 0) continue;
    c->launch[i].args = memcpy(at, launch[i].args, launch[i].args_bytes);
    at += nf_round_up((int64_t)launch[i].args_bytes, NF_CACHE_LINE);
  }
  return nf_ok();
}

nf_status nf_capture_create(nf_device *d, const nf_launch *launch, size_t n, nf_capture **out) {
  nf_capture *c = nf_alloc(1, sizeof *c);
  if (c == NULL) return no_memory("capture");
  *c = (nf_capture){.device = d, .n = n};
  const bool captured = d->driver->capture != NULL && kernels_before_barrier(launch, n) == n;
  const nf_status st = captured ? d->driver->capture(c, launch, n) : keep(c, launch, n);
  *out = nf_is_ok(st) ? c : NULL;
  if (*out == NULL) nf_free(c);
  return st;
}

void nf_capture_destroy(nf_capture *c) {
  if (c == NULL) return;
  if (c->launch == NULL) c->device->driver->uncapture(c);
  nf_free_aligned(c->launch);
  nf_free(c);
}

nf_status nf_queue_replay(nf_queue *q, const nf_capture *c) {
  return c->launch != NULL ? nf_queue_run(q, c->launch, c->n) : q->device->driver->replay(q, c);
}
