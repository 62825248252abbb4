// SPDX-License-Identifier: Apache-2.0
// What all devices share: bookkeeping and bounds around the driver's calls.
#include "device/device.h"
#include "base/memory.h"
#include "device/driver.h"
#include <stdatomic.h>

nf_status nf_device_create(const nf_driver *driver, nf_threads *threads, nf_device **out) {
  nf_device *d = nf_alloc(1, sizeof *d);
  if (d == NULL) return nf_error(NF_NO_MEMORY, "no memory for a device");
  *d = (nf_device){.driver = driver, .threads = threads};
  *out = d;
  return nf_ok();
}

void nf_device_destroy(nf_device *d) { nf_free(d); }
const char *nf_device_name(const nf_device *d) { return d->driver->name; }
bool nf_device_computes(const nf_device *d) { return d->driver->computes; }
bool nf_device_is_host(const nf_device *d) { return d->driver->is_host; }
uint64_t nf_device_used(const nf_device *d) { return d->used; }
uint64_t nf_device_launches(const nf_device *d) { return d->launches; }

nf_status nf_device_alloc(nf_device *d, size_t bytes, nf_buffer *out) {
  void *data = d->driver->alloc(d, bytes);
  if (data == NULL)
    return nf_error(NF_NO_MEMORY, "device %s has no %zu bytes left (%lu in use)", d->driver->name, bytes,
                    (unsigned long)d->used);
  d->used += bytes;
  *out = (nf_buffer){data, bytes};
  return nf_ok();
}

void nf_device_free(nf_device *d, nf_buffer *b) {
  if (b->data == NULL) return;
  d->driver->free(d, b->data, b->bytes);
  d->used -= b->bytes;
  *b = (nf_buffer){0};
}

static nf_status check_range(const nf_buffer *b, size_t offset, size_t bytes) {
  if (offset <= b->bytes && bytes <= b->bytes - offset) return nf_ok();
  return nf_error(NF_INTERNAL, "bytes [%zu, +%zu) lie outside a buffer of %zu", offset, bytes, b->bytes);
}

nf_status nf_device_write(nf_device *d, const nf_buffer *b, size_t offset, const void *from, size_t bytes) {
  NF_TRY(check_range(b, offset, bytes));
  d->driver->write(d, (char *)b->data + offset, from, bytes);
  return nf_ok();
}

nf_status nf_device_read(nf_device *d, const nf_buffer *b, size_t offset, void *to, size_t bytes) {
  NF_TRY(check_range(b, offset, bytes));
  d->driver->read(d, to, (char *)b->data + offset, bytes);
  return nf_ok();
}

nf_status nf_device_copy(nf_device *d, const nf_buffer *b, size_t from, size_t to, size_t bytes) {
  NF_TRY(check_range(b, from, bytes));
  NF_TRY(check_range(b, to, bytes));
  d->driver->copy(d, (char *)b->data + to, (const char *)b->data + from, bytes);
  return nf_ok();
}

void nf_device_stop_on(nf_device *d, const _Atomic bool *stop) { d->stop = stop; }

nf_status nf_device_run(nf_device *d, const nf_launch *launch, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const nf_launch *l = &launch[i];
    if (d->stop != NULL && atomic_load_explicit(d->stop, memory_order_relaxed))
      return nf_error(NF_CANCELLED, "cancelled after %zu of %zu kernels", i, n);
    if (l->before != NULL) NF_TRY(l->before->wait(l->before->user));
    d->driver->run(d, l);
    d->launches++;
    if (l->after != NULL) NF_TRY(l->after->wait(l->after->user));
  }
  return nf_ok();
}
