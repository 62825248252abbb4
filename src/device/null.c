// SPDX-License-Identifier: Apache-2.0
// The device that computes nothing. Its buffers are address space without storage: a kernel or host access
// that should not happen faults at once. Only what the process may touch itself is memory, of zeros.
#include "device/driver.h"
#include <string.h>
#include <sys/mman.h>

static size_t span(size_t bytes) { return bytes != 0 ? bytes : 1; }

static nf_status null_alloc(nf_device *, nf_memory memory, size_t bytes, nf_buffer *out) {
  const int access = memory == NF_ON_DEVICE ? PROT_NONE : PROT_READ | PROT_WRITE;
  void *p = mmap(NULL, span(bytes), access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return nf_error(NF_NO_MEMORY, "the system gives no more addresses");
  out->data = p;
  out->host = memory == NF_ON_DEVICE ? NULL : p;
  return nf_ok();
}

static void null_free(nf_device *, const nf_buffer *b) { munmap(b->data, span(b->bytes)); }

// Reads as zero bytes, so that what a client sees is at least the same every time.
static nf_status null_copy(nf_queue *, nf_direction way, void *to, const void *, size_t bytes) {
  if (way == NF_TO_HOST) memset(to, 0, bytes);
  return nf_ok();
}

static nf_status null_run(nf_queue *q, const nf_launch *l, size_t *n) {
  return (void)q, (void)l, (void)n, nf_ok();
}

static nf_status null_load(nf_module *, const void *, size_t) { return nf_ok(); }

static nf_status null_function(const nf_module *, const char *symbol, const void **out) {
  return *out = symbol, nf_ok();
}

static nf_status null_peer(const nf_device *, int, int, nf_device **out) { return nf_device_null(out); }

static const nf_driver null = {.name = "null",
                               .peer = null_peer,
                               .alloc = null_alloc,
                               .free = null_free,
                               .copy = null_copy,
                               .run = null_run,
                               .load = null_load,
                               .function = null_function};

nf_status nf_device_null(nf_device **out) { return nf_device_create(&(nf_device){.driver = &null}, out); }
