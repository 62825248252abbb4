// SPDX-License-Identifier: Apache-2.0
// Inside the room: what an implementation of a device provides.
#pragma once
#include "device/device.h"

typedef struct nf_driver {
  const char *name;
  bool computes, is_host;
  void *(*alloc)(nf_device *d, size_t bytes); // NULL: no memory
  void (*free)(nf_device *d, void *data, size_t bytes);
  void (*write)(nf_device *d, void *to, const void *from, size_t bytes);
  void (*read)(nf_device *d, void *to, const void *from, size_t bytes);
  void (*copy)(nf_device *d, void *to, const void *from, size_t bytes); // within the device
  void (*run)(nf_device *d, const nf_launch *launch);
} nf_driver;

struct nf_device {
  const nf_driver *driver;
  nf_threads *threads;      // host only
  const _Atomic bool *stop; // NULL: nobody stops it
  uint64_t used, launches;
};
nf_status nf_device_create(const nf_driver *driver, nf_threads *threads, nf_device **out);
