// SPDX-License-Identifier: Apache-2.0
// Instances on a device that the process does not see into: storage with its guards, tables and arguments go
// there, the kernel of a module runs, and all comes back to be judged as if it had run here.
#include "check/remote.h"
#include "base/checked.h"
#include "device/matmul.h"
#include <string.h>

static nf_status put(nf_remote *r, const void *from, size_t bytes, nf_buffer *out) {
  NF_TRY(nf_device_alloc(r->device, bytes, out));
  return nf_device_write(r->device, out, 0, from, bytes);
}

// ---- storage and arguments ----

static void *moved(const void *at, const void *from, const nf_buffer *to) {
  return (char *)to->data + ((const char *)at - (const char *)from);
}

// The operand that tensor n is, or -1: a result.
static int operand_of(const nf_instance *i, int n) {
  for (int k = 0; k < nf_op_of(i->c->d.op)->n_in; k++)
    if (i->layout->in[k] == n) return k;
  return -1;
}

static nf_role role_of(const nf_instance *i, int operand) { return nf_op_of(i->c->d.op)->in[operand].role; }

static bool is_constant(const nf_instance *i, int n) {
  const int k = operand_of(i, n);
  return k >= 0 && role_of(i, k) != NF_ROLE_ACTIVATION && role_of(i, k) != NF_ROLE_IDS;
}

// Kernels write it in front of the one that reads it: all but the model's own.
static bool is_made(const nf_instance *i, int n) {
  const int k = operand_of(i, n);
  return k >= 0 && role_of(i, k) != NF_ROLE_WEIGHT && role_of(i, k) != NF_ROLE_PARAM;
}

size_t nf_remote_constants(const nf_instance *i) {
  size_t bytes = 0;
  for (int n = 0; n < i->layout->n_tensors; n++)
    if (is_constant(i, n)) bytes += i->storage[n].bytes;
  return bytes;
}

static nf_status copy_there(nf_remote *r, const nf_buffer *from, nf_buffer *to) {
  nf_queue *q;
  NF_TRY(nf_device_alloc(r->device, from->bytes, to));
  NF_TRY(nf_queue_create(r->device, &q));
  const nf_status st = nf_queue_copy(q, to, 0, from, 0, from->bytes);
  const nf_status done = nf_queue_sync(q);
  nf_queue_destroy(q);
  return nf_status_join(st, done);
}

// `bytes` of it from `at` on: the first `period` again and again.
static nf_status repeat(nf_remote *r, const nf_buffer *to, size_t at, size_t bytes, const void *from,
                        size_t period) {
  NF_TRY(nf_device_write(r->device, to, at, from, period));
  for (size_t have = period, n; have < bytes; have += n) {
    n = bytes - have < have ? bytes - have : have;
    NF_TRY(nf_device_copy(r->device, to, at, at + have, n));
  }
  return nf_ok();
}

static nf_status put_repeated(nf_remote *r, const struct nf_storage *s, nf_buffer *out) {
  const size_t codes = nf_storage_codes(s);
  NF_TRY(nf_device_alloc(r->device, nf_storage_bytes(s), out));
  NF_TRY(repeat(r, out, NF_GUARD, codes, s->tensor->data, s->period[0]));
  if (codes == s->bytes) return nf_ok();
  return repeat(r, out, NF_GUARD + codes, s->bytes - codes, s->tensor->scale, s->period[1]);
}

static nf_status copy_storage(nf_remote *r, const nf_instance *i, int n) {
  const struct nf_storage *s = &i->storage[n];
  if (r->arrives[n]) return nf_device_alloc(r->device, nf_arrival_bytes(s), &r->storage[n]);
  if (r->first == NULL && s->period[0] > 0) return put_repeated(r, s, &r->storage[n]);
  if (r->first == NULL) return put(r, s->base, nf_storage_bytes(s), &r->storage[n]);
  if (!r->shares_constants && is_constant(i, n)) return copy_there(r, &r->first->storage[n], &r->storage[n]);
  r->borrowed[n] = true;
  r->storage[n] = r->first->storage[n];
  return nf_ok();
}

static nf_status place_storage(nf_remote *r, const nf_instance *i, int n) {
  const struct nf_storage *s = &i->storage[n];
  nf_tensor *t = (nf_tensor *)((char *)r->args + i->layout->tensors) + n;
  if (s->base == NULL) return nf_ok();
  r->arrives[n] = r->waits && is_made(i, n);
  NF_TRY(copy_storage(r, i, n));
  t->data = moved(t->data, s->base, &r->storage[n]);
  if (t->scale != NULL) t->scale = moved(t->scale, s->base, &r->storage[n]);
  return nf_ok();
}

// ---- tables ----

enum { MOST_TABLES = 6 + 2 * NF_CACHE_COUNT };
typedef struct table {
  const int32_t **at;
  int64_t n;
} table;

static int list_tables(nf_batch *b, const nf_instance *i, table out[MOST_TABLES]) {
  const int64_t t = b->sizes.of[NF_T], s = b->sizes.of[NF_S], rows = b->sizes.of[NF_R];
  const table all[] = {{&b->q_start, s + 1}, {&b->position, t},  {&b->row, rows},
                       {&b->state_in, s},    {&b->state_out, t}, {&b->table_row, s}};
  int n = sizeof all / sizeof *all;
  memcpy(out, all, sizeof all);
  for (int g = 0; g < NF_CACHE_COUNT; g++) {
    if (b->group[g].page_table == NULL) continue;
    out[n++] = (table){&b->group[g].page_table, i->c->at.of[NF_S] * b->group[g].pages};
    out[n++] = (table){&b->group[g].write_slot, t};
  }
  return n;
}

static size_t bytes_of(const table *t) {
  return (size_t)nf_round_up(t->n * (int64_t)sizeof(int32_t), NF_CACHE_LINE);
}

static nf_status write_tables(nf_remote *r, const table *all, int n) {
  size_t at = 0;
  for (int k = 0; k < n; k++) {
    NF_TRY(nf_device_write(r->device, &r->tables, at, *all[k].at, (size_t)all[k].n * sizeof(int32_t)));
    *all[k].at = (const int32_t *)((char *)r->tables.data + at);
    at += bytes_of(&all[k]);
  }
  return nf_ok();
}

// Kernels find the rank through the batch. Of the other ranks' memory nothing is here.
static nf_status place_comm(nf_remote *r, const nf_instance *i) {
  if (i->batch.comm == NULL) return nf_ok();
  if (i->comm.world > 1)
    return nf_error(NF_UNAVAILABLE, "a device's kernels of several ranks are not checked");
  char *const base = i->comm.world == 1 ? (char *)r->storage[i->layout->in[0]].data + NF_GUARD : NULL;
  nf_comm comm = i->comm;
  NF_TRY(put(r, &base, sizeof base, &r->base));
  comm.base = r->base.data;
  NF_TRY(put(r, &comm, sizeof comm, &r->comm));
  r->batch.comm = r->comm.data;
  return nf_ok();
}

static nf_status place_tables(nf_remote *r, const nf_instance *i) {
  table all[MOST_TABLES];
  size_t bytes = 0;
  r->batch = i->batch;
  const int n = list_tables(&r->batch, i, all);
  for (int k = 0; k < n; k++) bytes += bytes_of(&all[k]);
  NF_TRY(nf_device_alloc(r->device, bytes, &r->tables));
  NF_TRY(write_tables(r, all, n));
  return place_comm(r, i);
}

// ---- launches ----

static nf_status place_scratch(nf_remote *r, const nf_instance *i, nf_launch_site *site) {
  const nf_module_kernel *f = r->kernel;
  site->counters = nf_device_counters(r->device);
  if (r->first != NULL && !r->shares_constants)
    return site->scratch = (char *)r->first->scratch.data + NF_GUARD, nf_ok();
  r->guarded = 2 * NF_GUARD + (f->scratch != NULL ? f->scratch(site) : 0);
  r->garbage = i->garbage;
  unsigned char *garbage = nf_arena_alloc(&r->arena, r->guarded, 1);
  if (garbage == NULL) return nf_error(NF_NO_MEMORY, "no memory for scratch");
  memset(garbage, i->garbage, r->guarded);
  NF_TRY(put(r, garbage, r->guarded, &r->scratch));
  site->scratch = (char *)r->scratch.data + NF_GUARD;
  return nf_ok();
}

static nf_status list_launches(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on) {
  nf_launch_site site = {
      .args = r->args, .at = i->batch.sizes, .hw = on->hw, .parameter = v->parameter, .batch = &r->batch};
  NF_TRY(place_scratch(r, i, &site));
  for (int stage = 0; stage < r->kernel->stages; stage++) {
    nf_launch *l = &r->launch[stage];
    l->args_bytes = r->kernel->packed[stage];
    l->is_matmul = nf_is_matmul(r->kernel->symbol[stage]);
    void *packed = nf_arena_alloc(&r->arena, 1, l->args_bytes);
    if (packed == NULL) return nf_error(NF_NO_MEMORY, "no memory for arguments");
    NF_TRY(nf_module_function(on->module, r->kernel->symbol[stage], &l->function));
    l->grid = r->kernel->launch(&site, stage, packed);
    l->args = packed;
  }
  return nf_ok();
}

static nf_status place_all(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on) {
  r->args = nf_arena_alloc(&r->arena, 1, i->layout->size);
  if (r->args == NULL) return nf_error(NF_NO_MEMORY, "no memory for arguments");
  memcpy(r->args, i->args, i->layout->size);
  for (int n = 0; n < i->layout->n_tensors; n++) NF_TRY(place_storage(r, i, n));
  if (r->first != NULL)
    r->batch = r->first->batch;
  else
    NF_TRY(place_tables(r, i));
  *(const nf_batch **)r->args = NULL; // where it lies on a device no launch function can read it
  return list_launches(r, v, i, on);
}

static nf_status init(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on) {
  r->device = on->device;
  r->kernel = v->entry.module;
  NF_TRY(nf_device_reserve_scratch(on->device, (nf_scratch_bytes){0})); // the counters
  const nf_status st = place_all(r, v, i, on);
  if (!nf_is_ok(st)) nf_remote_deinit(r);
  return st;
}

nf_status nf_remote_init(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on) {
  *r = (nf_remote){0};
  return init(r, v, i, on);
}

nf_status nf_remote_turn(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                         const nf_remote *first) {
  *r = (nf_remote){.first = first};
  return init(r, v, i, on);
}

nf_status nf_remote_beside(nf_remote *r, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                           const nf_remote *first) {
  *r = (nf_remote){.first = first, .shares_constants = true};
  return init(r, v, i, on);
}

void nf_remote_deinit(nf_remote *r) {
  for (int n = 0; n < NF_MAX_TENSORS; n++)
    if (!r->borrowed[n]) nf_device_free(r->device, &r->storage[n]);
  nf_buffer *const others[] = {&r->tables, &r->scratch, &r->comm, &r->base};
  for (size_t n = 0; n < sizeof others / sizeof *others; n++) nf_device_free(r->device, others[n]);
  nf_arena_deinit(&r->arena);
  *r = (nf_remote){0};
}

// ---- what it left ----

static bool all_are(const unsigned char *at, size_t n, unsigned char value) {
  for (size_t k = 0; k < n; k++)
    if (at[k] != value) return false;
  return true;
}

static nf_status check_scratch(nf_remote *r, const char **why) {
  unsigned char guard[NF_GUARD];
  for (int end = 0; end < 2; end++) {
    NF_TRY(nf_device_read(r->device, &r->scratch, end ? r->guarded - NF_GUARD : 0, guard, NF_GUARD));
    if (!all_are(guard, NF_GUARD, r->garbage)) *why = "wrote beside its scratch";
  }
  return nf_ok();
}

// Zeros for whoever comes next.
static nf_status check_counters(nf_remote *r, const char **why) {
  static const unsigned char zeros[NF_DEVICE_COUNTERS];
  const nf_buffer counters = {.data = nf_device_counters(r->device), .bytes = NF_DEVICE_COUNTERS};
  unsigned char *left = nf_arena_alloc(&r->arena, 1, NF_DEVICE_COUNTERS);
  if (left == NULL) return nf_error(NF_NO_MEMORY, "no memory for counters");
  NF_TRY(nf_device_read(r->device, &counters, 0, left, NF_DEVICE_COUNTERS));
  if (all_are(left, NF_DEVICE_COUNTERS, 0)) return nf_ok();
  *why = "left counters that are not zeros";
  return nf_device_write(r->device, &counters, 0, zeros, NF_DEVICE_COUNTERS);
}

nf_status nf_remote_fetch(nf_remote *r, const nf_instance *to, bool all, const char **why) {
  for (int n = 0; n < NF_MAX_TENSORS; n++)
    if (r->storage[n].data != NULL && (all || to->storage[n].written))
      NF_TRY(nf_device_read(r->device, &r->storage[n], 0, to->storage[n].base,
                            nf_storage_bytes(&to->storage[n])));
  NF_TRY(check_scratch(r, why));
  return check_counters(r, why);
}

static nf_status run_arriving(const nf_remote *r, const nf_instance *i, const nf_runner *on) {
  nf_arrival a;
  NF_TRY(nf_arrival_init(&a, r, i, on));
  const nf_status st = nf_device_run(r->device, a.launch, a.n);
  nf_arrival_deinit(&a, r->device);
  return st;
}

nf_status nf_remote_run(const nf_variant *v, const nf_instance *i, const nf_runner *on, const char **why) {
  nf_remote r = {.waits = true};
  NF_TRY(init(&r, v, i, on));
  nf_status st = run_arriving(&r, i, on);
  if (nf_is_ok(st)) st = nf_remote_fetch(&r, i, true, why);
  nf_remote_deinit(&r);
  return st;
}
