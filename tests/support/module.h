// SPDX-License-Identifier: Apache-2.0
// A device far away with a module, for tests: its kernels are the references, or wrong in one way each.
#pragma once
#include "base/clock.h"
#include "kernels/gpu/memory/move.h"
#include "select/select.h"
#include "tests/support/far.h"

// ---- kernels ----

enum { OP, FAULT }; // parameters of the rows
// LARGE and SLOW with 4,096 columns only, which none of the gate's shapes has.
enum fault {
  RIGHT,
  BESIDE,
  OPERAND,
  COUNTERS,
  SCRATCH,
  UNALIGNED,
  LARGE,
  WRONG,
  EARLY,
  SLOW,
  SECOND_STAGE,
  FAULTS
};
enum { SCRATCH_BYTES = 40 };

typedef struct packed {
  nf_op op;
  enum fault fault;
  nf_batch batch;
  unsigned char *scratch;
  uint32_t *counters;
  _Alignas(16) char args[1024];
} packed;

static nf_grid launch(const nf_launch_site *s, int stage, void *out) {
  packed *p = out;
  const nf_args_layout *l = nf_args_layout_of((nf_op)s->parameter[OP]);
  *p = (packed){.op = (nf_op)s->parameter[OP],
                .fault = (enum fault)s->parameter[FAULT],
                .batch = *s->batch,
                .scratch = s->scratch,
                .counters = s->counters};
  assert_true(l->size <= sizeof p->args);
  assert_null(*(const nf_batch *const *)s->args); // is the device's
  memcpy(p->args, s->args, l->size);
  return (nf_grid){{p->fault != SECOND_STAGE || stage == 0, 1, 1}, {32, 1, 1}, 0};
}

static size_t scratch(const nf_launch_site *) { return SCRATCH_BYTES; }

static const nf_module_kernel kernel = {
    .stages = 1, .symbol = {"reference"}, .packed = {sizeof(packed)}, .launch = launch, .scratch = scratch};
static const nf_module_kernel twice = {.stages = 2,
                                       .symbol = {"reference", "reference"},
                                       .packed = {sizeof(packed), sizeof(packed)},
                                       .launch = launch,
                                       .scratch = scratch};

static bool is_large(const packed *p) {
  const nf_args_layout *l = nf_args_layout_of(p->op);
  return nf_tensor_cols((const nf_tensor *)(p->args + l->tensors)) == 4096;
}

static void do_wrong(const packed *p, const nf_tensor *t, const nf_args_layout *l) {
  const nf_tensor *x = &t[l->in[0]], *y = &t[l->out[0]];
  if (nf_tensor_rows(y) == 0) return;
  if (p->fault == BESIDE) *(unsigned char *)nf_tensor_row(y, nf_tensor_rows(y)) = 0;
  if (p->fault == OPERAND) *(unsigned char *)x->data ^= 1;
  if (p->fault == COUNTERS) p->counters[5]++;
  if (p->fault == SCRATCH) p->scratch[SCRATCH_BYTES] = 0;
  if (p->fault == WRONG || (p->fault == LARGE && is_large(p)))
    memset(y->data, 0x40, (size_t)(nf_tensor_rows(y) * nf_tensor_cols(y) * nf_dtype_of(y->dtype)->bits / 8));
  if (p->fault == UNALIGNED && x->stride[0] % 8) *(unsigned char *)y->data ^= 1;
}

static void wait_a_little(void) {
  const double end = nf_now() + 10e-3;
  while (nf_now() < end) {
  }
}

static void run(const packed *p) {
  packed own = *p;
  const nf_args_layout *l = nf_args_layout_of(p->op);
  *(const nf_batch **)own.args = &own.batch;
  memset(p->scratch, 0x11, SCRATCH_BYTES);
  if (p->fault == SLOW && is_large(p)) wait_a_little();
  assert_true(nf_is_ok(nf_variant_run(nf_reference_of(p->op), own.args, NULL)));
  do_wrong(p, (const nf_tensor *)(own.args + l->tensors), l);
}

// ---- the device ----

static nf_status reserve(nf_device *d, nf_scratch_bytes) {
  if (d->scratch.at == NULL) d->scratch.at = calloc(1, NF_DEVICE_COUNTERS);
  return nf_ok();
}
static void close(nf_device *d) { free(d->scratch.at); }
static const char copies; // a function's handle
static nf_status load(nf_module *, const void *, size_t) { return nf_ok(); }
static nf_status find(const nf_module *, const char *symbol, const void **out) {
  *out = NULL;
  if (strcmp(symbol, "reference") == 0) *out = &kernel;
  if (strcmp(symbol, "nf_memory_copy") == 0) *out = &copies;
  return nf_ok();
}
static void run_one(const nf_launch *l) {
  const nf_gpu_move *move = l->args;
  if (l->function == &copies)
    memcpy(move->to, move->from, (size_t)move->packs * 16);
  else if (l->grid.blocks[0] > 0)
    run(l->args);
}
// One that is EARLY runs in front of the one before it.
static bool is_early(const nf_launch *l) {
  return l->function == &kernel && ((const packed *)l->args)->fault == EARLY;
}
static nf_status run_all(nf_queue *, const nf_launch *l, size_t *n) {
  for (size_t i = 0; i < *n; i++) {
    if (i + 1 < *n && is_early(&l[i + 1])) run_one(&l[i + 1]);
    if (i == 0 || !is_early(&l[i])) run_one(&l[i]);
  }
  return nf_ok();
}

typedef struct far {
  nf_driver driver;
  nf_device *device;
  nf_module *module;
  nf_hw hw;
} far;

static int set_up(void **state) {
  static far f;
  f = (far){.driver = far_driver, .hw = {.backend = NF_BACKEND_CUDA, .memory = 1 << 30}};
  f.driver.reserve = reserve, f.driver.close = close, f.driver.load = load, f.driver.function = find;
  f.driver.run = run_all;
  *state = &f;
  if (!nf_is_ok(nf_device_create(&(nf_device){.driver = &f.driver}, &f.device))) return 1;
  return !nf_is_ok(nf_module_load(f.device, "", 0, &f.module));
}

static int tear_down(void **state) {
  far *f = *state;
  nf_module_unload(f->module);
  assert_int_equal(nf_device_used(f->device), 0);
  nf_device_destroy(f->device);
  return 0;
}
