// SPDX-License-Identifier: Apache-2.0
// Sums and columns of all ranks, and a rank's part of indices.
#include "base/checked.h"
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>

static nf_status infer_all_reduce(nf_op_desc *d) {
  NF_TRY(nf_want_columns(d, 0));
  return nf_gives(d, d->in[0]);
}

// Each rank gets its share of every other's operand, and then their sums of theirs; with two ranks that is
// what one step of whole operands moves too.
NF_TRAITS(all_reduce, INFER(infer_all_reduce), SHARD(REPLICATED), WORK(.element = 1, .exchange = 2),
          EXTENTS(), CHECK(nf_sample_heads, ALWAYS, NULL));

static nf_status infer_all_gather(nf_op_desc *d) {
  const int64_t world = d->attr.all_gather.world, drop = d->attr.all_gather.drop;
  nf_type *y = &d->out[0];
  NF_TRY(nf_want_columns(d, 0));
  *y = d->in[0];
  nf_extent *columns = &y->dim[y->rank - 1];
  if (world < 1 || !nf_mul_i64(columns->c, world, &columns->c))
    return nf_refuse(d, "world is %" PRId64 " but must be 1 or more, with columns below 2^63", world);
  if (drop < 0 || drop >= nf_max(1, columns->c))
    return nf_refuse(d, "drop is %" PRId64 " of %" PRId64 " columns", drop, columns->c);
  columns->c -= drop;
  y->padded[y->rank - 1] = columns->c;
  return nf_ok();
}

static void sample_all_gather(nf_op_desc *d, const nf_dims *m) {
  nf_sample_heads(d, m);
  d->attr.all_gather = (nf_all_gather_attrs){.world = m->q[NF_Q_WORLD], .drop = m->q[NF_Q_K] / 2};
}

NF_TRAITS(all_gather, INFER(infer_all_gather), SHARD(REPLICATED), WORK(.exchange = 1), EXTENTS(),
          CHECK(sample_all_gather, ALWAYS, NULL));

static nf_status infer_rank_ids(nf_op_desc *d) {
  const int64_t size = d->attr.rank_ids.size;
  if (d->in[0].dtype != NF_I32 || !nf_pack_is_plain(d->in[0].pack))
    return nf_refuse(d, "x is %s but must be plain i32", nf_dtype_of(d->in[0].dtype)->name);
  if (size < 1 || size > INT32_MAX)
    return nf_refuse(d, "size is %" PRId64 " but must be 1 to %d", size, INT32_MAX);
  return nf_gives(d, nf_plain_type(&d->in[0]));
}

static void sample_rank_ids(nf_op_desc *d, const nf_dims *m) {
  nf_sample_heads(d, m);
  d->in[0].dtype = NF_I32;
  d->attr.rank_ids.size = m->q[NF_Q_E];
}

NF_TRAITS(rank_ids, INFER(infer_rank_ids), SHARD(REPLICATED), WORK(.element = 2), EXTENTS(),
          CHECK(sample_rank_ids, ALWAYS, NULL));
