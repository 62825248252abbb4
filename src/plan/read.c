// SPDX-License-Identifier: Apache-2.0
// Reading values back, wherever the device has them.
#include "base/checked.h"
#include "base/memory.h"
#include "plan/plan.h"

static nf_status fetch(nf_device *d, const void *from, void *to, int64_t bytes) {
  const nf_buffer part = {.data = (void *)from, .bytes = (size_t)bytes};
  return nf_device_read(d, &part, 0, to, (size_t)bytes);
}

// Row r of t by way of `room`, which has place for its codes and scales.
static nf_status read_row(const nf_tensor *t, nf_device *d, int64_t r, char *room, float *out) {
  const int64_t cols = nf_tensor_cols(t), codes = nf_ceil_div(cols * nf_dtype_of(t->dtype)->bits, 8);
  nf_tensor one = {.data = room, .dtype = t->dtype, .rank = 1, .dim = {cols}, .stride = {1}, .padded = cols};
  NF_TRY(fetch(d, nf_tensor_row(t, r), room, codes));
  if (t->scale != NULL) {
    one.scale = room + nf_round_up(codes, NF_CACHE_LINE);
    one.scale_stride = nf_scale_cols(t->dtype, cols);
    const int64_t bits = nf_dtype_of(nf_dtype_of(t->dtype)->scale)->bits;
    NF_TRY(fetch(d, nf_tensor_scales(t, r), one.scale, one.scale_stride * bits / 8));
  }
  nf_row_decode(&one, 0, out);
  return nf_ok();
}

// By way of memory of the process's: two codes of the widest kind for each column are more than any row has.
static nf_status read_rows(const nf_tensor *t, nf_device *d, int64_t row, int64_t n, float *out) {
  const int64_t cols = nf_tensor_cols(t);
  char *room = nf_alloc((size_t)(2 * cols + NF_CACHE_LINE), sizeof(int64_t));
  if (room == NULL) return nf_error(NF_NO_MEMORY, "no memory to read a row of %lld", (long long)cols);
  nf_status st = nf_ok();
  for (int64_t i = 0; nf_is_ok(st) && i < n; i++) st = read_row(t, d, row + i, room, out + i * cols);
  nf_free(room);
  return st;
}

nf_status nf_plan_read(const nf_plan *p, nf_device *d, nf_val v, int64_t row, int64_t n, float *out) {
  const nf_tensor t = nf_plan_tensor(p, v);
  const int64_t cols = nf_tensor_cols(&t);
  if (t.data == NULL || !nf_pack_is_plain(t.pack) || row < 0 || n < 0 || row + n > nf_tensor_rows(&t))
    return nf_error(NF_INTERNAL, "rows [%lld, +%lld) of value %u can't be read: it has %lld plain ones",
                    (long long)row, (long long)n, (unsigned)v, (long long)nf_tensor_rows(&t));
  const bool together = t.dtype == NF_F32 && t.rank == 2 && t.stride[0] == cols; // as logits are
  if (together && n > 0) return fetch(d, nf_tensor_row(&t, row), out, n * cols * (int64_t)sizeof *out);
  if (!nf_device_is_host(d)) return read_rows(&t, d, row, n, out);
  for (int64_t i = 0; i < n; i++) nf_row_decode(&t, row + i, out + i * cols);
  return nf_ok();
}
