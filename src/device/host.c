// SPDX-License-Identifier: Apache-2.0
// The host as a device: the process's own memory, kernels on a thread pool. Nothing is ever in flight.
#include "base/checked.h"
#include "base/memory.h"
#include "device/driver.h"
#include <stdatomic.h>
#include <string.h>

// ---- running ----

// Strands share the blocks, each with scratch of its own: as many as there are threads.
typedef struct strands {
  const nf_host_function *f;
  const void *args;
  char *scratch;
  size_t scratch_bytes;
  int64_t blocks;
  _Atomic int64_t *next;
} strands;

static void run_strand(const void *arg, int64_t i) {
  const strands *s = arg;
  char *scratch = s->scratch_bytes != 0 ? s->scratch + (size_t)i * s->scratch_bytes : NULL;
  for (int64_t b; (b = atomic_fetch_add_explicit(s->next, 1, memory_order_relaxed)) < s->blocks;)
    s->f->run(s->args, b, scratch);
}

void nf_host_run(const nf_host_function *f, const void *args, nf_threads *threads, void *scratch,
                 size_t scratch_bytes) {
  const int64_t blocks = f->blocks(args);
  _Alignas(NF_CACHE_LINE) _Atomic int64_t next = 0;
  const strands s = {f, args, scratch, scratch_bytes, blocks, &next};
  if (threads != NULL)
    nf_threads_run(threads, nf_min(blocks, nf_threads_count(threads)), run_strand, &s);
  else
    for (int64_t b = 0; b < blocks; b++) f->run(args, b, scratch);
}

static nf_status host_run(nf_queue *q, const nf_launch *l) {
  const nf_device *d = q->device;
  nf_host_run(l->function, l->args, d->threads, d->scratch, d->scratch_bytes);
  return nf_ok();
}

// ---- memory ----

static void *host_alloc(nf_device *, nf_memory, size_t bytes, void **host) {
  return *host = nf_alloc_aligned(bytes);
}

static void host_free(nf_device *, nf_memory, void *data, size_t) { nf_free_aligned(data); }

static nf_status host_reserve(nf_device *d, size_t bytes) {
  if (bytes <= d->scratch_bytes) return nf_ok();
  const size_t each = (size_t)nf_round_up((int64_t)bytes, NF_CACHE_LINE);
  void *scratch = nf_alloc_aligned(each * (size_t)nf_threads_count(d->threads));
  if (scratch == NULL)
    return nf_error(NF_NO_MEMORY, "no memory for %zu bytes of scratch for each thread", bytes);
  nf_free_aligned(d->scratch);
  d->scratch = scratch;
  d->scratch_bytes = each;
  return nf_ok();
}

static nf_status host_copy(nf_queue *, nf_direction, void *to, const void *from, size_t bytes) {
  if (bytes != 0) memcpy(to, from, bytes);
  return nf_ok();
}

// ---- code ----

static nf_status host_load(nf_module *, const void *, size_t bytes) {
  if (bytes % sizeof(nf_host_symbol) == 0) return nf_ok();
  return nf_error(NF_BAD_INPUT, "%zu bytes are no list of the host's functions", bytes);
}

static const void *host_function(const nf_module *m, const char *symbol) {
  const nf_host_symbol *s = m->image;
  for (size_t i = 0; i < m->bytes / sizeof *s; i++)
    if (strcmp(s[i].name, symbol) == 0) return &s[i].function;
  return NULL;
}

// ---- devices ----

static nf_status host_peer(const nf_device *d, int world, nf_device **out) {
  nf_threads *threads;
  NF_TRY(nf_threads_create((int)nf_max(1, nf_threads_count(d->threads) / world), &threads));
  const nf_status st = nf_device_host(threads, out);
  if (nf_is_ok(st))
    (*out)->owns_threads = true;
  else
    nf_threads_destroy(threads);
  return st;
}

static void host_close(nf_device *d) {
  nf_free_aligned(d->scratch);
  if (d->owns_threads) nf_threads_destroy(d->threads);
}

static const nf_driver host = {.name = "host",
                               .computes = true,
                               .is_host = true,
                               .peer = host_peer,
                               .close = host_close,
                               .alloc = host_alloc,
                               .free = host_free,
                               .reserve = host_reserve,
                               .copy = host_copy,
                               .run = host_run,
                               .load = host_load,
                               .function = host_function};

nf_status nf_device_host(nf_threads *threads, nf_device **out) {
  return nf_device_create(&host, threads, out);
}
