// SPDX-License-Identifier: Apache-2.0
// The (token, choice) pairs of an expert, which are rows of its products. Nothing is sorted: a block looks
// for its own.
#pragma once
#include "kernels/cpu/generic/choices.h"
#include "kernels/cpu/pairs/product.h"

typedef struct nf_pairs {
  int64_t index[NF_ROWS]; // t * J + j
  int64_t of_x[NF_ROWS];  // the rows of x
  int n, most;
  int64_t token; // the next to look at
  int64_t skip;  // choices of it that were taken
} nf_pairs;

// The next pairs of expert e, at most p->most <= NF_ROWS. token and skip are 0 at first.
static inline void nf_gather(const nf_tensor *ids, int64_t e, const nf_tensor *x, nf_pairs *p) {
  const int64_t J = ids->dim[1], T = ids->dim[0];
  const __m512i wanted = _mm512_set1_epi32((int32_t)e);
  p->n = 0;
  for (; p->token < T && p->n < p->most; p->token++, p->skip = 0) {
    const int32_t *id = nf_tensor_row(ids, p->token);
    for (int64_t j = p->skip; j < J; j += 16) {
      unsigned found = _mm512_cmpeq_epi32_mask(_mm512_maskz_loadu_epi32(nf_first(J - j), id + j), wanted) &
                       nf_first(J - j);
      for (; found != 0 && p->n < p->most; found &= found - 1) {
        p->skip = j + __builtin_ctz(found);
        p->index[p->n++] = p->token * J + p->skip++;
      }
      if (found != 0) goto full;
    }
  }
full:
  for (int i = 0; i < p->n; i++) p->of_x[i] = x->rank == 3 ? p->index[i] : p->index[i] / J;
}
