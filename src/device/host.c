// SPDX-License-Identifier: Apache-2.0
// The host as a device: the process's own memory, kernels on a thread pool. Nothing is ever in flight.
#include "base/checked.h"
#include "base/memory.h"
#include "device/driver.h"
#include <string.h>

// ---- scratch ----

static size_t whole_lines(size_t bytes) { return (size_t)nf_round_up((int64_t)bytes, NF_CACHE_LINE); }

nf_scratch_bytes nf_host_scratch(const nf_host_function *f, const void *args) {
  return (nf_scratch_bytes){f->scratch != NULL ? whole_lines(f->scratch(args)) : 0,
                            f->shared != NULL ? whole_lines(f->shared(args)) : 0};
}

nf_scratch_bytes nf_scratch_most(nf_scratch_bytes a, nf_scratch_bytes b) {
  return (nf_scratch_bytes){whole_lines(a.each > b.each ? a.each : b.each),
                            whole_lines(a.shared > b.shared ? a.shared : b.shared)};
}

size_t nf_scratch_total(nf_scratch_bytes b, int threads) { return b.shared + b.each * (size_t)threads; }

// ---- running ----

typedef struct list {
  const nf_launch *launch;
  const nf_device *device;
  const nf_scratch *scratch;
} list;

static int64_t blocks_of(const void *arg, size_t i) {
  const nf_launch *l = &((const list *)arg)->launch[i];
  return ((const nf_host_function *)l->function)->blocks(l->args);
}

static bool is_beside(const void *arg, size_t i) { return ((const list *)arg)->launch[i].beside; }

static void run_block(const void *arg, size_t i, int64_t block, int thread) {
  const list *of = arg;
  const nf_launch *l = &of->launch[i];
  const nf_host_function *f = l->function;
  const nf_scratch_bytes b = of->scratch->bytes;
  nf_shared s = {0};
  if (b.each != 0) s.own = of->scratch->at + b.shared + (size_t)thread * b.each;
  if (b.shared != 0) s.shared = of->scratch->at;
  f->run(l->args, block, f->shared != NULL ? &s : s.own);
}

static bool is_stopped(const void *arg) { return nf_device_is_stopped(((const list *)arg)->device); }

void nf_host_run(const nf_host_function *f, const void *args, nf_threads *threads,
                 const nf_scratch *scratch) {
  const nf_launch launch[] = {{.function = f, .args = args}, {.function = f->then, .args = args}};
  const list l = {.launch = launch, .scratch = scratch};
  nf_threads_walk(threads,
                  &(nf_jobs){.n = f->then != NULL ? 2 : 1, .arg = &l, .blocks = blocks_of, .run = run_block});
}

static nf_status host_run(nf_queue *q, const nf_launch *launch, size_t *n) {
  const nf_device *d = q->device;
  const list l = {launch, d, &d->scratch};
  *n = nf_threads_walk(d->threads, &(nf_jobs){.n = *n,
                                              .arg = &l,
                                              .blocks = blocks_of,
                                              .beside = is_beside,
                                              .run = run_block,
                                              .stop = is_stopped});
  return nf_ok();
}

// ---- memory ----

static nf_status host_alloc(nf_device *, nf_memory, size_t bytes, nf_buffer *out) {
  out->data = out->host = nf_alloc_aligned(bytes);
  return out->data != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "the system gives no more memory");
}

static void host_free(nf_device *, const nf_buffer *b) { nf_free_aligned(b->data); }

static nf_status host_reserve(nf_device *d, nf_scratch_bytes bytes) {
  const nf_scratch_bytes most = nf_scratch_most(bytes, d->scratch.bytes);
  if (most.each == d->scratch.bytes.each && most.shared == d->scratch.bytes.shared) return nf_ok();
  void *scratch = nf_alloc_aligned(nf_scratch_total(most, nf_threads_count(d->threads)));
  if (scratch == NULL)
    return nf_error(NF_NO_MEMORY, "no memory for %zu bytes of scratch for each thread and %zu for all",
                    most.each, most.shared);
  nf_free_aligned(d->scratch.at);
  d->scratch = (nf_scratch){scratch, most};
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

static nf_status host_function(const nf_module *m, const char *symbol, const void **out) {
  const nf_host_symbol *s = m->image;
  *out = NULL;
  for (size_t i = 0; i < m->bytes / sizeof *s && *out == NULL; i++)
    if (strcmp(s[i].name, symbol) == 0) *out = &s[i].function;
  return nf_ok();
}

// ---- devices ----

static nf_status host_describe(const nf_device *, nf_hw *out) { return nf_hw_detect(out); }

static nf_status host_peer(const nf_device *d, int world, int, nf_device **out) {
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
  nf_free_aligned(d->scratch.at);
  if (d->owns_threads) nf_threads_destroy(d->threads);
}

static const nf_driver host = {.name = "host",
                               .computes = true,
                               .is_host = true,
                               .peer = host_peer,
                               .describe = host_describe,
                               .close = host_close,
                               .alloc = host_alloc,
                               .free = host_free,
                               .reserve = host_reserve,
                               .copy = host_copy,
                               .run = host_run,
                               .load = host_load,
                               .function = host_function};

nf_status nf_device_host(nf_threads *threads, nf_device **out) {
  return nf_device_create(&(nf_device){.driver = &host, .threads = threads}, out);
}
