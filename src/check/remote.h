// SPDX-License-Identifier: Apache-2.0
// Inside the room and for the tuner: instances on a device.
#pragma once
#include "check/internal.h"

typedef struct nf_remote {
  nf_device *device;
  const nf_module_kernel *kernel;
  nf_launch launch[NF_MAX_STAGES]; // of the kernel's stages
  nf_buffer storage[NF_MAX_TENSORS], tables, scratch, comm, base;
  nf_batch batch; // the process's copy, with the device's addresses
  void *args;     // the same
  size_t guarded; // bytes of scratch with its guards
  unsigned char garbage;
  nf_arena arena;
} nf_remote;

// Copies an instance of v, a module's, and packs its launches. i: as it is now. NF_NO_MEMORY, and the
// device's errors.
nf_status nf_remote_init(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on);
void nf_remote_deinit(nf_remote *r); // zeroed is fine
// Copies storage back; *why where the kernel left scratch or counters as it must not.
nf_status nf_remote_fetch(nf_remote *r, const nf_instance *to, const char **why);
// All of it: what the kernel makes of the instance.
nf_status nf_remote_run(const nf_variant *v, const nf_instance *i, const nf_runner *on, const char **why);
