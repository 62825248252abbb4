// SPDX-License-Identifier: Apache-2.0
// Both sides of a limit: which number of a case a quantity follows, and how to move that number.
#include "base/checked.h"
#include "check/internal.h"

// A quantity is *number * num / den.
typedef struct lever {
  int64_t *number, num, den;
} lever;

static lever lever_of(nf_dims *m, nf_quantity q) {
  enum { PACK_BITS = 128, BYTE_BITS = 8 };
  const int64_t bits = nf_dtype_of(m->act)->bits;
  if (q == NF_Q_PACK16_H) return (lever){&m->q[NF_Q_K], bits, PACK_BITS};
  if (q == NF_Q_BYTES) return (lever){&m->tokens, nf_max(1, m->q[NF_Q_K] * bits / BYTE_BITS), 1};
  return (lever){&m->q[q], 1, 1};
}

// The smallest number > 0 whose quantity is a multiple of v.
static int64_t step_of(const lever *x, int64_t v) {
  int64_t n = 1;
  while (n * x->num % (v * x->den) != 0) n++;
  return n;
}

// The number at the limit: the largest that AT_MOST allows, the smallest that AT_LEAST does, one step of the
// others.
static int64_t number_at(const lever *x, const nf_limit *l) {
  switch (l->relation) {
  case NF_AT_MOST:
    return l->value * x->den / x->num;
  case NF_AT_LEAST:
    return nf_ceil_div(l->value * x->den, x->num);
  case NF_ONE_OF:
    return l->one_of[0] * x->den / x->num;
  default:
    return step_of(x, l->relation == NF_WHOLE ? 1 : l->value);
  }
}

static int64_t last_of(const nf_limit *l) {
  int64_t last = 0;
  for (int i = 0; i < NF_MAX_ONE_OF && l->one_of[i] != 0; i++) last = l->one_of[i];
  return last;
}

// The nearest of the list above the number, else its last.
static int64_t one_above(const lever *x, const nf_limit *l) {
  for (int i = 0; i < NF_MAX_ONE_OF && l->one_of[i] != 0; i++)
    if (l->one_of[i] * x->den / x->num >= *x->number) return l->one_of[i] * x->den / x->num;
  return last_of(l) * x->den / x->num;
}

void nf_dims_obey(nf_dims *m, const nf_limit *l) {
  if (l->relation == NF_DTYPE_IN || (l->world != 0 && l->world != m->q[NF_Q_WORLD])) return;
  const lever x = lever_of(m, l->quantity);
  const int64_t at = number_at(&x, l);
  if (l->relation == NF_AT_MOST)
    *x.number = nf_min(*x.number, at);
  else if (l->relation == NF_AT_LEAST)
    *x.number = nf_max(*x.number, at);
  else if (l->relation == NF_ONE_OF)
    *x.number = one_above(&x, l);
  else
    *x.number = nf_max(1, nf_ceil_div(*x.number, at)) * at;
}

bool nf_dims_at(nf_dims *m, const nf_limit *l) {
  if (l->relation == NF_DTYPE_IN) return false;
  if (l->world != 0) m->q[NF_Q_WORLD] = l->world;
  const lever x = lever_of(m, l->quantity);
  *x.number = number_at(&x, l);
  return true;
}

bool nf_dims_beyond(nf_dims *m, const nf_limit *l, int step) {
  if (!nf_dims_at(m, l)) return false;
  const lever x = lever_of(m, l->quantity);
  if (l->relation == NF_ONE_OF) *x.number = last_of(l) * x.den / x.num;
  *x.number += l->relation == NF_AT_LEAST ? -step : step;
  return *x.number >= 0;
}
