// SPDX-License-Identifier: Apache-2.0
// A device far away, for tests: one thread at a time may use it, and only copies reach its own memory. Its
// kernels are the host's.
#pragma once
#include "base/threads.h"
#include "device/driver.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static atomic_int far_users, far_copies;
static int far_rooms = 100; // of host memory that it has left

static nf_status far_alloc(nf_device *d, nf_memory memory, size_t bytes, nf_buffer *out) {
  (void)d;
  assert_int_equal(far_users++, 0);
  far_users--;
  if (memory == NF_ON_HOST && far_rooms-- <= 0) return nf_error(NF_NO_MEMORY, "no room");
  out->data = aligned_alloc(64, (bytes + 64) / 64 * 64);
  out->host = memory == NF_ON_HOST ? out->data : NULL;
  return nf_ok();
}

static void far_free(nf_device *d, const nf_buffer *b) {
  (void)d;
  free(b->data);
}

static nf_status far_copy(nf_queue *q, nf_direction way, void *to, const void *from, size_t bytes) {
  (void)q, (void)way;
  assert_int_equal(far_users++, 0);
  memcpy(to, from, bytes);
  far_copies++;
  far_users--;
  return nf_ok();
}

static nf_status far_run(nf_queue *q, const nf_launch *launch, size_t *n) {
  const nf_scratch none = {0};
  (void)q;
  for (const nf_launch *l = launch; l < launch + *n; l++) nf_host_run(l->function, l->args, NULL, &none);
  return nf_ok();
}

static const nf_driver far_driver = {
    .name = "far", .computes = true, .alloc = far_alloc, .free = far_free, .copy = far_copy, .run = far_run};
