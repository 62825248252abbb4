// SPDX-License-Identifier: Apache-2.0
// What an op has to move and to compute at the sizes of a step, from its traits and the roles of its
// operands.
#include "op/traits.h"
#include "select/select.h"
#include <math.h>

// Bytes of a value at its padded extents (of one slot for a pool); 0 for none, or one larger than memory can
// be, which the memory plan refuses.
static double type_bytes(const nf_type *t, const nf_sizes *at) {
  size_t n = 0;
  if (t->dtype == NF_NONE) return 0;
  const nf_status st = nf_type_bytes(t, at, &n);
  const double bytes = nf_is_ok(st) ? (double)n : 0;
  nf_status_free(st);
  return bytes;
}

static double extent(const nf_type *t, int i, const nf_sizes *at) {
  return t->dtype == NF_NONE || i >= t->rank ? 0 : (double)t->dim[i].c * (double)at->of[t->dim[i].sym];
}

static double elements(const nf_type *t, const nf_sizes *at) {
  double n = t->dtype != NF_NONE;
  for (int i = 0; i < t->rank; i++) n *= extent(t, i, at);
  return n;
}

static double quantity(const nf_op_desc *d, nf_quantity q) {
  int64_t n;
  return nf_quantity_of(d, q, &n) ? (double)n : 0;
}

// ---- attention ----

static double tokens_of_sequence(const nf_sizes *at) {
  return (double)at->of[NF_T] / fmax(1, (double)at->of[NF_S]);
}

// Keys that a sequence's tokens look at together; those of one token are no more.
static double keys(const nf_op_desc *d, const nf_sizes *at) {
  const double all = NF_COST_CONTEXT + tokens_of_sequence(at), window = (double)d->attr.attention.window;
  return window > 0 ? fmin(all, window + tokens_of_sequence(at)) : all;
}

static double keys_of_token(const nf_op_desc *d, const nf_sizes *at) {
  const double window = (double)d->attr.attention.window;
  return window > 0 ? fmin(keys(d, at), window) : keys(d, at);
}

// ---- bytes ----

// Of a pool, how many slots' worth is read or written: a state of each sequence, read and written; what the
// tokens write; or all keys.
static double slots(const nf_op_desc *d, const nf_sizes *at, int i) {
  const nf_op_info *info = nf_op_of(d->op);
  const double tokens = (double)at->of[NF_T], sequences = fmin(tokens, (double)at->of[NF_S]);
  bool written = false;
  for (int r = 0; r < info->n_out; r++) written |= info->out[r].alias == i;
  if (d->in[i].cache == NF_CACHE_RECURRENT) return 2 * sequences;
  return (written ? tokens : sequences * keys(d, at)) / fmax(1, quantity(d, NF_Q_PAGE));
}

// How much of the rows (or experts) of a weight or parameter can be chosen.
static double chosen(const nf_op_desc *d, const nf_sizes *at, int i) {
  const int ids = nf_operand_of(d, NF_ROLE_IDS, 0);
  return ids < 0 ? 1 : fmin(1, elements(&d->in[ids], at) / fmax(1, extent(&d->in[i], 0, at)));
}

static double of_first(const nf_op_desc *d, const nf_sizes *at) {
  const nf_op_work *w = &nf_traits_of(d->op)->work;
  return w->picks ? fmin(1, extent(&d->out[0], 0, at) / fmax(1, extent(&d->in[0], 0, at))) : 1;
}

// How much of operand i is read (of a pool: how many slots).
static double share(const nf_op_desc *d, const nf_sizes *at, int i) {
  switch (nf_op_of(d->op)->in[i].role) {
  case NF_ROLE_POOL:
    return slots(d, at, i);
  case NF_ROLE_WEIGHT:
  case NF_ROLE_PARAM:
    return chosen(d, at, i);
  default:
    return i == 0 ? of_first(d, at) : 1;
  }
}

static double bytes_of(const nf_op_desc *d, const nf_sizes *at) {
  const nf_op_info *info = nf_op_of(d->op);
  double sum = 0;
  for (int i = 0; i < info->n_in; i++) sum += share(d, at, i) * type_bytes(&d->in[i], at);
  for (int r = 0; r < info->n_out; r++)
    if (info->out[r].alias < 0) sum += type_bytes(&d->out[r], at);
  return sum;
}

// ---- operations ----

// The wider of what is multiplied decides: weights are widened to the activations' type.
static nf_rate rate_of(const nf_op_desc *d) {
  int bits = nf_dtype_of(d->in[0].dtype)->bits;
  NF_FOR_PACKED(w, d)
  if (w > 0 && nf_dtype_of(d->in[w].dtype)->bits > bits) bits = nf_dtype_of(d->in[w].dtype)->bits;
  return !nf_traits_of(d->op)->work.matrix || bits > 16 ? NF_RATE_F32
         : bits > 8                                     ? NF_RATE_BF16
                                                        : NF_RATE_8BIT;
}

nf_work nf_work_of(const nf_op_desc *d, const nf_sizes *at, int world) {
  const nf_op_work *r = &nf_traits_of(d->op)->work;
  double each = r->element + r->times * quantity(d, r->of) + (r->more != NULL ? r->more(d) : 0);
  if (r->key != 0) each += r->key * keys_of_token(d, at);
  if (r->experts) // gate, up and what is made of them, for a column of the result
    each += quantity(d, NF_Q_INNER) * (4 * quantity(d, NF_Q_K) + 16) / fmax(1, quantity(d, NF_Q_N));
  return (nf_work){.bytes = bytes_of(d, at),
                   .operations = elements(&d->out[0], at) * each,
                   .rate = rate_of(d),
                   .exchanged = world > 1 && nf_op_is_comm(d->op, &d->attr)
                                    ? r->exchange / world * type_bytes(&d->in[0], at)
                                    : 0};
}
