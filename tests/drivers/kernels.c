// SPDX-License-Identifier: Apache-2.0
#include "tests/drivers/kernels.h"
#include "device/matmul.h"
#include "tensor/scalar.h"
#include "tests/drivers/memory.h"
#include "tests/support/conformance.h"
#include <stdlib.h>
#include <string.h>

static void double_it(const void *args, unsigned block) {
  const nf_doubled *a = args;
  a->y[block] = 2 * a->x[block];
}

static float number(const nf_matmul *m, const void *row, int64_t k) {
  return m->fp8 ? nf_e4m3_decode(((const uint8_t *)row)[k]) : nf_bf16_decode(((const uint16_t *)row)[k]);
}

static void multiply(const void *args, unsigned token) {
  const nf_matmul *m = args;
  const int64_t each = m->fp8 ? 1 : 2;
  const char *x = (const char *)m->x + token * m->x_stride * each;
  for (int64_t n = 0; n < m->n; n++) {
    const char *w = (const char *)m->w + n * m->w_stride * each;
    float sum = 0;
    for (int64_t k = 0; k < m->k; k++) sum += number(m, x, k) * number(m, w, k);
    if (m->fp8) sum *= m->x_scale[token] * m->w_scale[n];
    if (m->bias != NULL) sum += nf_bf16_decode(((const uint16_t *)m->bias)[n]);
    if (m->y_f32)
      ((float *)m->y)[token * m->y_stride + n] = sum;
    else
      ((uint16_t *)m->y)[token * m->y_stride + n] = nf_bf16_encode(sum);
  }
}

bool fake_kernel_find(const char *symbol, int lanes, fake_kernel *out) {
  const nf_emulated_kernel *k = nf_emulated_find(symbol, lanes);
  if (k != NULL)
    *out = (fake_kernel){.args_bytes = k->args_bytes, .emulated = k};
  else if (strcmp(symbol, "double_it") == 0)
    *out = (fake_kernel){.args_bytes = sizeof(nf_doubled), .block = double_it};
  else if (strcmp(symbol, "matmul") == 0)
    *out = (fake_kernel){.args_bytes = sizeof(nf_matmul), .block = multiply};
  else
    return false;
  return true;
}

// The first launch in order, each later one in another: a result must not depend on it.
static nf_status emulate(const fake_kernel *k, const nf_grid *grid, const void *args) {
  static uint64_t runs;
  nf_emulation how = {.seed = __atomic_fetch_add(&runs, 1, __ATOMIC_RELAXED)};
  if (!fake_memory_ranges(&how)) return nf_error(NF_NO_MEMORY, "no memory for a launch");
  const nf_status st = nf_emulate(k->emulated, grid, args, k->args_bytes, &how);
  free((void *)how.legal);
  return st;
}

nf_status fake_kernel_run(const fake_kernel *k, const nf_grid *grid, const void *args) {
  if (k->emulated != NULL) return emulate(k, grid, args);
  for (unsigned i = 0; i < grid->blocks[0]; i++) k->block(args, i);
  return nf_ok();
}
