// SPDX-License-Identifier: Apache-2.0
// What kernels were measured to take, which selection prefers to its estimates. A tuner fills the table; it
// is empty until then. Looking things up is pure: any number of threads may, while nobody puts anything in.
#pragma once
#include "hw/hw.h"
#include "kernels/contract/variant.h"

typedef struct nf_timings nf_timings;          // of one processor
nf_status nf_timings_create(nf_timings **out); // NF_NO_MEMORY
void nf_timings_destroy(nf_timings *t);        // NULL is fine

// Puts in (or replaces) what v took for ops described by d at steps like `at`, us > 0 microseconds. Steps are
// alike when each of their sizes that d depends on (its extents' symbols; S also where it has a cache) lies
// between the same powers of two. The packing orders of weights do not count: v has its own. hw: what an
// estimate is compared for. On error the table is as it was.
nf_status nf_timings_put(nf_timings *t, const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at,
                         const nf_variant *v, double us);
bool nf_timings_get(const nf_timings *t, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v,
                    double *us);
// The median of measured over estimated of all that was put in for the op; 1 when nothing was. t may be NULL.
double nf_timings_ratio(const nf_timings *t, nf_op op);
