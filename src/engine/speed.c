// SPDX-License-Identifier: Apache-2.0
#include "engine/speed.h"
#include "base/checked.h"
#include "base/clock.h"
#include "kernels/gpu/memory/move.h"

// Four launches of 4 GiB: what a cache keeps of one is little of the next.
enum { LAUNCHES = 4, ROUNDS = 3 };
static const int64_t least = 256 << 10, largest = 4ll << 30;
static const double enough = 3e-3; // seconds: what reading a clock costs is nothing then

typedef struct run {
  nf_device *device;
  const void *function;
  nf_grid (*grid)(int64_t packs);
  nf_gpu_move move;
} run;

// Seconds of the launches, at best.
static nf_status replays(nf_device *d, const nf_capture *c, double *out) {
  NF_TRY(nf_device_replay(d, c));
  for (int i = 0; i < ROUNDS; i++) {
    const double begin = nf_now();
    NF_TRY(nf_device_replay(d, c));
    const double seconds = nf_now() - begin;
    if (i == 0 || seconds < *out) *out = seconds;
  }
  return nf_ok();
}

static nf_status seconds_of(const run *r, double *out) {
  nf_launch launch[LAUNCHES];
  nf_capture *c;
  for (int i = 0; i < LAUNCHES; i++)
    launch[i] = (nf_launch){.function = r->function,
                            .args = &r->move,
                            .args_bytes = sizeof r->move,
                            .grid = r->grid(r->move.packs)};
  NF_TRY(nf_capture_create(r->device, launch, LAUNCHES, &c));
  const nf_status st = replays(r->device, c, out);
  nf_capture_destroy(c);
  return st;
}

// Of more and more bytes, until they take long enough to be timed: where kernels are emulated a few do.
static nf_status bytes_a_second(run *r, int64_t most, double *out) {
  double seconds = 0;
  for (int64_t bytes = least; bytes <= most && seconds < enough; bytes *= 2) {
    r->move.packs = bytes / 16;
    NF_TRY(seconds_of(r, &seconds));
    *out = (double)bytes * LAUNCHES / seconds;
  }
  return nf_ok();
}

static nf_status measure(run *r, const nf_module *module, int64_t most, nf_gpu_speed *out) {
  r->grid = nf_gpu_read_grid;
  NF_TRY(nf_module_function(module, "nf_memory_read", &r->function));
  NF_TRY(bytes_a_second(r, most, &out->read));
  r->grid = nf_gpu_copy_grid;
  NF_TRY(nf_module_function(module, "nf_memory_copy", &r->function));
  NF_TRY(bytes_a_second(r, most, &out->copy));
  out->copy *= 2;
  return nf_ok();
}

nf_status nf_gpu_measure(nf_device *d, const nf_module *module, nf_gpu_speed *out) {
  nf_buffer from, to = {0};
  nf_hw now;
  *out = (nf_gpu_speed){0};
  NF_TRY(nf_device_describe(d, &now));
  const int64_t most = nf_max(least, nf_min(largest, (int64_t)(now.memory / 4)));
  NF_TRY(nf_device_alloc(d, (size_t)most, &from));
  nf_status st = nf_device_alloc(d, (size_t)most, &to);
  run r = {.device = d, .move = {.from = from.data, .to = to.data}};
  if (nf_is_ok(st)) st = measure(&r, module, most, out);
  nf_device_free(d, &to);
  nf_device_free(d, &from);
  return st;
}
