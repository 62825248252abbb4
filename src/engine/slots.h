// SPDX-License-Identifier: Apache-2.0
// Which slots of a cache group are free. A slot is a page of KV, the same index in every layer's pool of the
// group.
#pragma once
#include "base/status.h"

typedef struct nf_slots {
  int32_t *free; // [n_free] stack
  int64_t n, n_free;
} nf_slots;
nf_status nf_slots_init(nf_slots *s, int64_t n);
void nf_slots_deinit(nf_slots *s);
int32_t nf_slots_take(nf_slots *s); // -1 when none is left
void nf_slots_give(nf_slots *s, int32_t slot);
