// SPDX-License-Identifier: Apache-2.0
// Inside the room and for the tuner: instances on a device.
#pragma once
#include "check/internal.h"
#include "kernels/gpu/memory/move.h"

typedef struct nf_remote {
  nf_device *device;
  const struct nf_remote *first; // whose storage is shared; NULL: it has all of its own
  bool waits;                    // for operands that kernels bring,
  bool arrives[NF_MAX_TENSORS];  // these
  bool shares_constants, borrowed[NF_MAX_TENSORS];
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
// The same on storage of `first`, which outlives it: of the same kernel, with constants and caches of its own
// and scratch shared; of another kernel, with scratch of its own and all else shared.
nf_status nf_remote_turn(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                         const nf_remote *first);
nf_status nf_remote_beside(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                           const nf_remote *first);
size_t nf_remote_constants(const nf_instance *i); // bytes of constants and caches
// Copies results back, or all; *why where the kernel left scratch or counters as it must not.
nf_status nf_remote_fetch(nf_remote *r, const nf_instance *to, bool all, const char **why);
// What is put in front of a kernel that waits (arrival.c).
typedef struct nf_arrival {
  nf_buffer from[NF_MAX_TENSORS], garbage;
  nf_gpu_move move[2 * NF_MAX_TENSORS];
  nf_launch launch[2 * NF_MAX_TENSORS + NF_MAX_STAGES]; // [n] the kernel's behind those
  size_t n;
} nf_arrival;
size_t nf_arrival_bytes(const struct nf_storage *s); // that kernels bring it in, whole packs of 16
nf_status nf_arrival_init(nf_arrival *a, const nf_remote *r, const nf_instance *i, const nf_runner *on);
void nf_arrival_deinit(nf_arrival *a, nf_device *d);
// All of it: what the kernel makes of the instance, whose operands other kernels bring.
nf_status nf_remote_run(const nf_variant *v, const nf_instance *i, const nf_runner *on, const char **why);

// ---- times (timing.c) ----

// A kernel's launches again and again, as one captured run of the device: what a step reads once lies so
// often in memory, and is read in turns, that caches don't hold it; what other kernels wrote is warm.
typedef struct nf_turns {
  nf_remote *turn; // [n]
  size_t n;
  nf_capture *capture;
  double launches; // of the kernel, in the capture
} nf_turns;
// i outlives it, and so does `like`, another kernel's turns on the same instance, whose storage it uses;
// NULL: its own.
nf_status nf_turns_init(nf_turns *t, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                        const nf_turns *like);
void nf_turns_deinit(nf_turns *t); // zeroed is fine
// Of one launch: the mean of the capture's, which runs a few times.
nf_status nf_turns_time(const nf_turns *t, double *us);
