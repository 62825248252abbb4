// SPDX-License-Identifier: Apache-2.0
// Activations, pools and indices arrive as they do in a model: kernels in front write them, and the one that
// is checked may start before those have ended. What it reads too early is garbage.
#include "base/checked.h"
#include "check/remote.h"
#include <string.h>

enum { PACK = 16 };

size_t nf_arrival_bytes(const struct nf_storage *s) {
  return (size_t)nf_round_up((int64_t)nf_storage_bytes(s), PACK);
}

static nf_status find_copy(nf_arrival *a, const nf_runner *on) {
  const void *function;
  NF_TRY(nf_module_function(on->module, "nf_memory_copy", &function));
  for (size_t k = 0; k < sizeof a->move / sizeof *a->move; k++)
    a->launch[k] = (nf_launch){.function = function, .args = &a->move[k], .args_bytes = sizeof a->move[k]};
  return nf_ok();
}

static void add(nf_arrival *a, const nf_buffer *from, const nf_buffer *to) {
  const int64_t packs = (int64_t)to->bytes / PACK;
  a->move[a->n] = (nf_gpu_move){from->data, to->data, packs};
  a->launch[a->n++].grid = nf_gpu_copy_grid(packs);
}

static nf_status stage(nf_device *d, const struct nf_storage *s, nf_buffer *out) {
  NF_TRY(nf_device_alloc(d, nf_arrival_bytes(s), out));
  return nf_device_write(d, out, 0, s->base, nf_storage_bytes(s));
}

static nf_status stage_garbage(nf_arrival *a, const nf_remote *r) {
  size_t most = 0;
  unsigned char *garbage;
  for (int n = 0; n < NF_MAX_TENSORS; n++)
    if (r->arrives[n] && r->storage[n].bytes > most) most = r->storage[n].bytes;
  NF_TRY(nf_device_alloc(r->device, most, &a->garbage));
  NF_TRY(nf_make(&garbage, most, 1, "garbage"));
  memset(garbage, 0x7f, most);
  const nf_status st = nf_device_write(r->device, &a->garbage, 0, garbage, most);
  nf_free(garbage);
  return st;
}

static nf_status prepare(nf_arrival *a, const nf_remote *r, const nf_instance *i, const nf_runner *on) {
  NF_TRY(find_copy(a, on));
  NF_TRY(stage_garbage(a, r));
  for (int n = 0; n < NF_MAX_TENSORS; n++)
    if (r->arrives[n]) add(a, &a->garbage, &r->storage[n]);
  for (int n = 0; n < NF_MAX_TENSORS; n++) {
    if (!r->arrives[n]) continue;
    NF_TRY(stage(r->device, &i->storage[n], &a->from[n]));
    add(a, &a->from[n], &r->storage[n]);
  }
  for (int stage = 0; stage < r->kernel->stages; stage++) a->launch[a->n++] = r->launch[stage];
  return nf_ok();
}

nf_status nf_arrival_init(nf_arrival *a, const nf_remote *r, const nf_instance *i, const nf_runner *on) {
  *a = (nf_arrival){0};
  const nf_status st = prepare(a, r, i, on);
  if (!nf_is_ok(st)) nf_arrival_deinit(a, r->device);
  return st;
}

void nf_arrival_deinit(nf_arrival *a, nf_device *d) {
  for (int n = 0; n < NF_MAX_TENSORS; n++) nf_device_free(d, &a->from[n]);
  nf_device_free(d, &a->garbage);
  *a = (nf_arrival){0};
}
