// SPDX-License-Identifier: Apache-2.0
// Selections of one processor and one set of options, remembered by op description: equal layers ask once.
#pragma once
#include "base/memory.h"
#include "op/desc.h"
#include "select/select.h"

typedef struct nf_memo {
  const nf_hw *hw;
  const nf_select_options *options;
  nf_arena arena;
  nf_desc_map known;
} nf_memo;
nf_status nf_memo_select(nf_memo *m, const nf_op_desc *d, nf_selection *out); // NF_NO_MEMORY
void nf_memo_deinit(nf_memo *m);
