// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated.h"
#include "device/device.h"
#include "kernels/contract/args.h"
#include "kernels/gpu/lane/emulator.h"
#include "op/op.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
  const nf_variant *v;
  nf_hw hw; // of a device that has such kernels
  nf_status status;
  uint64_t runs;
} row;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of the status

static void note(nf_status st) {
  pthread_mutex_lock(&lock);
  row.status = nf_status_join(row.status, st);
  pthread_mutex_unlock(&lock);
}

static nf_status run_stage(const nf_launch_site *site, int stage) {
  const nf_module_kernel *m = row.v->entry.module;
  const int lanes = row.v->backend == NF_BACKEND_CUDA ? 32 : 64;
  const nf_emulated_kernel *k = nf_emulated_find(m->symbol[stage], lanes);
  if (k == NULL)
    return nf_error(NF_INTERNAL, "kernel %s has no host form with waves of %d", m->symbol[stage], lanes);
  void *packed = calloc(1, m->packed[stage]);
  if (packed == NULL) return nf_error(NF_NO_MEMORY, "no memory for arguments");
  const nf_grid grid = m->launch(site, stage, packed);
  const nf_emulation how = {.seed = __atomic_fetch_add(&row.runs, 1, __ATOMIC_RELAXED)}; // the first in order
  nf_status st = nf_emulate(k, &grid, packed, m->packed[stage], &how);
  free(packed);
  return st;
}

static nf_status run_stages(nf_launch_site *site) {
  const nf_module_kernel *m = row.v->entry.module;
  const size_t bytes = m->scratch != NULL ? m->scratch(site) : 0;
  site->scratch = aligned_alloc(256, (bytes + 256) / 256 * 256);
  site->counters = calloc(1, NF_DEVICE_COUNTERS);
  nf_status st = nf_ok();
  if (site->scratch == NULL || site->counters == NULL)
    st = nf_error(NF_NO_MEMORY, "no memory for scratch");
  else
    memset(site->scratch, 0xff, bytes);
  for (int i = 0; i < m->stages && nf_is_ok(st); i++) st = run_stage(site, i);
  for (size_t i = 0; i < NF_DEVICE_COUNTERS / 4 && nf_is_ok(st); i++)
    if (site->counters[i] != 0) st = nf_error(NF_CHECK_FAILED, "%s leaves counter %zu", row.v->name, i);
  free(site->scratch);
  free(site->counters);
  return st;
}

static int64_t one_block(const void *) { return 1; }

// Sizes of the step: the batch's, or as many tokens as the first operand has rows.
static void run_row(const void *args, int64_t, void *) {
  const nf_args_layout *l = nf_args_layout_of(row.v->op);
  const nf_tensor *first = (const nf_tensor *)((const char *)args + l->tensors);
  const int64_t tokens = first->rank > 0 ? first->dim[0] : 1;
  const bool has_batch = nf_op_of(row.v->op)->flags & NF_OP_BATCH;
  const nf_batch *batch = has_batch ? *(const nf_batch *const *)args : NULL;
  nf_launch_site site = {.args = args, .hw = &row.hw, .parameter = row.v->parameter, .batch = batch};
  site.at = batch != NULL ? batch->sizes : nf_sizes_of(tokens, tokens, tokens);
  note(run_stages(&site));
}

nf_variant emulated_row(const nf_variant *v) {
  row.v = v;
  row.runs = 0;
  note(nf_hw_target(v->backend == NF_BACKEND_CUDA ? "h200" : "mi300x", &row.hw));
  nf_variant here = *v;
  here.backend = NF_BACKEND_CPU;
  here.need = 0;
  here.entry = (nf_entry){NF_ENTRY_HOST, {{one_block, run_row}}};
  return here;
}

nf_status emulated_status(void) {
  nf_status st = row.status;
  row.status = nf_ok();
  return st;
}
