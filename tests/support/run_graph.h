// SPDX-License-Identifier: Apache-2.0
// Any graph run by the references, or by other kernels of the CPU, whose weights are packed for them, on
// several ranks in lockstep, with leaves filled by their names: what two graphs have in common can be
// compared. No plan, no storage shared; all that no kernel writes holds NaN.
#pragma once
#include "graph/graph.h"
#include "kernels/contract/variant.h"
#include "tensor/tensor.h"

typedef struct nf_ran nf_ran;
// One sequence of `tokens` tokens from its beginning, the logits of the last three wanted. Leaves differ by
// rank, but for integers. Integers are 0 to 3.
nf_status nf_ran_create(const nf_graph *g, int world, int64_t tokens, uint64_t seed, nf_ran **out);
// The same with the kernels that `kernel` says.
typedef const nf_variant *nf_ran_kernel(const nf_op_desc *d);
nf_ran_kernel nf_ran_reference;
nf_status nf_ran_create_by(nf_ran_kernel *kernel, const nf_graph *g, int world, int64_t tokens, uint64_t seed,
                           nf_ran **out);
void nf_ran_destroy(nf_ran *r); // NULL is fine
nf_tensor nf_ran_value(const nf_ran *r, int rank, nf_val v);
// The largest difference of a value that both have under one name and type, relative to the largest element
// of its row. 0: the same bytes everywhere. *where: a value with that difference.
double nf_ran_difference(const nf_ran *a, const nf_ran *b, const char **where);
