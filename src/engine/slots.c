// SPDX-License-Identifier: Apache-2.0
#include "engine/slots.h"
#include "base/memory.h"

nf_status nf_slots_init(nf_slots *s, int64_t n) {
  *s = (nf_slots){.free = nf_alloc((size_t)n, sizeof *s->free), .n = n, .n_free = n};
  if (s->free == NULL) return nf_error(NF_NO_MEMORY, "no memory for a list of %ld slots", (long)n);
  for (int64_t i = 0; i < n; i++) s->free[i] = (int32_t)(n - 1 - i); // slot 0 is taken first
  return nf_ok();
}

void nf_slots_deinit(nf_slots *s) {
  nf_free(s->free);
  *s = (nf_slots){0};
}

int32_t nf_slots_take(nf_slots *s) { return s->n_free > 0 ? s->free[--s->n_free] : -1; }
void nf_slots_give(nf_slots *s, int32_t slot) { s->free[s->n_free++] = slot; }
