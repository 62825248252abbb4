// SPDX-License-Identifier: Apache-2.0
// What an op has to move and to compute, and the roofline over it.
#pragma once
#include "select/select.h"

typedef struct nf_work {
  double bytes;      // read and written, in this rank's memory
  double operations; // a multiplication with its addition is two
  nf_rate rate;      // class of the operations
  double exchanged;  // bytes that come from each other rank
} nf_work;

nf_work nf_work_of(const nf_op_desc *d, const nf_sizes *at, int world);
// The formula of nf_cost_us over a piece of work.
double nf_work_us(const nf_hw *hw, const nf_work *w, const nf_variant *v);
