// SPDX-License-Identifier: Apache-2.0
// A token by itself: the same instance, of which a kernel sees the last token (of ops with a recurrent
// state its sequence) as if it were the whole step.
#include "base/checked.h"
#include "check/internal.h"
#include <string.h>

// The kind of cache that the op has a pool of.
static nf_cache cache_of(const nf_case *c) {
  nf_cache found = NF_NO_CACHE;
  for (int i = 0; i < NF_MAX_IN; i++)
    if (c->d.in[i].dtype != NF_NONE && c->d.in[i].cache != NF_NO_CACHE) found = c->d.in[i].cache;
  return found;
}

static bool by_tokens(const nf_type *t) {
  return t->dtype != NF_NONE && !t->cache && t->rank > 0 && t->dim[0].sym == NF_T;
}

static int64_t rows_of_token(const nf_tensor *t) { return t->dim[0] > 0 ? nf_tensor_rows(t) / t->dim[0] : 0; }

static void narrow(nf_tensor *t, const nf_type *type, int64_t from, int64_t n) {
  if (!by_tokens(type)) return;
  const int64_t row = from * (type->rank > 1 ? rows_of_token(t) : 1);
  if (type->rank == 1) {
    t->data = (char *)t->data + row * nf_dtype_of(t->dtype)->bits / 8;
  } else {
    t->scale = t->scale != NULL ? nf_tensor_scales(t, row) : NULL;
    t->data = nf_tensor_row(t, row);
  }
  t->dim[0] = n;
}

bool nf_alone_range(const nf_instance *i, int64_t *sequence, int64_t *from, int64_t *n) {
  const nf_op_info *info = nf_op_of(i->c->d.op);
  const nf_batch *b = &i->batch;
  if (i->used < 2) return false;
  for (int k = 0; k < info->n_in; k++) // what has rows of its own
    for (int d = 0; d < i->c->d.in[k].rank; d++)
      if (i->c->d.in[k].dim[d].sym != NF_CONST && (d > 0 || i->c->d.in[k].dim[d].sym != NF_T)) return false;
  for (int r = 0; r < info->n_out; r++)
    if (i->c->d.out[r].dtype != NF_NONE && !i->c->d.out[r].cache && !by_tokens(&i->c->d.out[r])) return false;
  const nf_cache cache = cache_of(i->c);
  const int64_t end = cache == NF_NO_CACHE ? i->c->at.of[NF_T] : i->used; // behind it is padding
  for (*sequence = 0; b->q_start[*sequence + 1] < i->used;) ++*sequence;
  *from = cache == NF_CACHE_RECURRENT ? b->q_start[*sequence] : end - 1;
  *n = end - *from;
  return true;
}

void nf_alone(nf_instance *i, int64_t sequence, int64_t from, int64_t n) {
  const nf_op_info *info = nf_op_of(i->c->d.op);
  nf_batch *b = &i->batch;
  for (int k = 0; k < info->n_in; k++) narrow(i->storage[i->layout->in[k]].tensor, &i->c->d.in[k], from, n);
  for (int r = 0; r < info->n_out; r++) narrow(nf_instance_result(i, r), &i->c->d.out[r], from, n);
  i->start[0] = 0;
  i->start[1] = (int32_t)n;
  b->sizes = nf_sizes_of(n, 1, 1);
  b->q_start = i->start;
  b->position += from;
  b->state_in += sequence;
  b->state_out += sequence;
  b->table_row += sequence;
  for (int g = 0; g < NF_CACHE_COUNT; g++)
    if (b->group[g].write_slot != NULL) b->group[g].write_slot += from;
}

bool nf_alone_equal(const nf_instance *all, const nf_instance *alone, int64_t from) {
  for (int r = 0; r < nf_op_of(all->c->d.op)->n_out; r++) {
    nf_tensor part = *nf_instance_result(all, r);
    const nf_tensor *t = nf_instance_result(alone, r);
    if (!by_tokens(&all->c->d.out[r])) continue;
    narrow(&part, &all->c->d.out[r], from, t->dim[0]);
    for (int64_t row = 0; row < nf_tensor_rows(t); row++)
      if (!nf_rows_equal(&part, t, row)) return false;
  }
  return true;
}
