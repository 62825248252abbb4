// SPDX-License-Identifier: Apache-2.0
// The device that computes nothing. Its buffers are address space without storage: a kernel or host access
// that should not happen faults at once.
#include "device/driver.h"
#include <string.h>
#include <sys/mman.h>

static size_t span(size_t bytes) { return bytes != 0 ? bytes : 1; }

static void *null_alloc(nf_device *d, size_t bytes) {
  (void)d;
  void *p = mmap(NULL, span(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static void null_free(nf_device *d, void *data, size_t bytes) {
  (void)d;
  munmap(data, span(bytes));
}

static void null_write(nf_device *d, void *to, const void *from, size_t bytes) {
  (void)d, (void)to, (void)from, (void)bytes;
}

// Reads as zero bytes, so that what a client sees is at least the same every time.
static void null_read(nf_device *d, void *to, const void *from, size_t bytes) {
  (void)d, (void)from;
  memset(to, 0, bytes);
}

static void null_copy(nf_device *d, void *to, const void *from, size_t bytes) {
  (void)d, (void)to, (void)from, (void)bytes;
}

static void null_run(nf_device *d, const nf_launch *l) { (void)d, (void)l; }

static const nf_driver null = {"null",     false,     false,     null_alloc, null_free,
                               null_write, null_read, null_copy, null_run};

nf_status nf_device_null(nf_device **out) { return nf_device_create(&null, NULL, out); }
