// SPDX-License-Identifier: Apache-2.0
// The host as a device: the process's own memory, kernels on a thread pool.
#include "base/memory.h"
#include "device/driver.h"
#include <string.h>

static void *host_alloc(nf_device *d, size_t bytes) {
  (void)d;
  return nf_alloc_aligned(bytes);
}

static void host_free(nf_device *d, void *data, size_t bytes) {
  (void)d, (void)bytes;
  nf_free_aligned(data);
}

static void host_copy(nf_device *d, void *to, const void *from, size_t bytes) {
  (void)d;
  if (bytes != 0) memcpy(to, from, bytes);
}

static void host_run(nf_device *d, const nf_launch *l) {
  nf_threads_run(d->threads, l->blocks(l->args), l->run, l->args);
}

static const nf_driver host = {"host",    true,      true,      host_alloc, host_free,
                               host_copy, host_copy, host_copy, host_run};

nf_status nf_device_host(nf_threads *threads, nf_device **out) {
  return nf_device_create(&host, threads, out);
}
