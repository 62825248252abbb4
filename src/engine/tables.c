// SPDX-License-Identifier: Apache-2.0
// The block of arrays that a step brings to the device.
#include "engine/tables.h"
#include "base/checked.h"
#include "base/memory.h"

// Reserves n int32 at the end of the block, aligned for kernels that load 16 bytes.
static bool reserve(nf_step_tables *t, int64_t n, int64_t each, size_t *out) {
  size_t bytes;
  if (!nf_mul_size((size_t)n, (size_t)each, &bytes) || !nf_mul_size(bytes, sizeof(int32_t), &bytes))
    return false;
  *out = t->bytes;
  return bytes < SIZE_MAX / 4 &&
         nf_add_size(t->bytes, (size_t)nf_round_up((int64_t)bytes, NF_CACHE_LINE), &t->bytes);
}

bool nf_step_tables_layout(nf_step_tables *t, const nf_sizes *max, const bool uses[NF_CACHE_COUNT],
                           int64_t pages, int64_t routes) {
  const int64_t T = max->of[NF_T], S = max->of[NF_S], R = max->of[NF_R];
  *t = (nf_step_tables){.pages = pages};
  bool ok = reserve(t, T, 1, &t->tokens) && reserve(t, T, 1, &t->position) &&
            reserve(t, S + 1, 1, &t->q_start) && reserve(t, S, 1, &t->kv_len) && reserve(t, R, 1, &t->row) &&
            reserve(t, S, 1, &t->state_in) && reserve(t, S, 1, &t->state_out) &&
            reserve(t, T, routes, &t->routes);
  for (int g = 1; ok && g < NF_CACHE_COUNT; g++)
    if (uses[g] && g != NF_CACHE_RECURRENT)
      ok = reserve(t, S, pages, &t->page_table[g]) && reserve(t, T, 1, &t->write_slot[g]);
  return ok;
}

nf_status nf_step_tables_alloc(nf_step_tables *t) {
  t->host = nf_alloc(1, t->bytes);
  if (t->host == NULL) return nf_error(NF_NO_MEMORY, "no memory for the step's tables, %zu bytes", t->bytes);
  return nf_ok();
}

void nf_step_tables_free(nf_step_tables *t) {
  nf_free(t->host);
  t->host = NULL;
}
