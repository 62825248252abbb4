// SPDX-License-Identifier: Apache-2.0
// Rotary positions, the cache of keys and values, attention.
#include "op/expect.h"
#include "op/want.h"
#include <inttypes.h>

enum { MAX_ROPE_DIMS = 1 << 16 };

static nf_status infer_rope_table(nf_op_desc *d) {
  const nf_rope_table_attrs *at = &d->attr.rope_table;
  NF_TRY(nf_want_positive(d, "theta", at->theta));
  NF_TRY(nf_want_positive(d, "scale", at->scale));
  if (at->factor > 1) {
    NF_TRY(nf_want_positive(d, "context", at->context));
    NF_TRY(nf_want_positive(d, "beta_slow", at->beta_slow));
    if (at->beta_fast < at->beta_slow) return nf_refuse(d, "beta_fast is below beta_slow");
    if (at->theta == 1) return nf_refuse(d, "theta is 1, so no frequency can be found for a rotation count");
  }
  if (at->dims < 2 || at->dims % 2 || at->dims > MAX_ROPE_DIMS)
    return nf_refuse(d, "dims is %" PRId64 " but must be even, 2 to %d", at->dims, MAX_ROPE_DIMS);
  return nf_gives(d, NF_TYPE(NF_F32, NF_BY(1, NF_T), NF_C(at->dims)));
}

static void sample_rope_table(nf_op_desc *d, const nf_dims *m) {
  enum { YARN = 1, TRUNCATE = 2 };
  d->attr.rope_table = (nf_rope_table_attrs){.theta = 150000,
                                             .factor = nf_bit(m, YARN) ? 32 : 1,
                                             .context = 4096,
                                             .beta_fast = 32,
                                             .beta_slow = 1,
                                             .scale = 1.25f,
                                             .dims = nf_round_up(m->q[NF_Q_HEAD], 2),
                                             .truncate = nf_bit(m, TRUNCATE)};
}

// Angles are up to the last position, in radians.
static double bound_rope_table(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  return NF_EPS * (8 + (double)e->keys) * d->attr.rope_table.scale;
}

NF_TRAITS(rope_table, INFER(infer_rope_table), SHARD(REPLICATED), WORK(.element = 24),
          EXTENTS({NF_Q_HEAD, NF_RESULT(0), -1}), CHECK(sample_rope_table, NEVER, bound_rope_table));

static nf_status infer_rope(nf_op_desc *d) {
  const nf_type *x = &d->in[0], *table = &d->in[1];
  NF_TRY(nf_want(d, 0, NF_FLOATS, 3, 3));
  NF_TRY(nf_want(d, 1, NF_BIT(F32), 2, 2));
  NF_TRY(nf_want_dim(d, 1, 0, x->dim[0], "x has %s rows"));
  nf_extent dims = table->dim[1], head = x->dim[2];
  if (dims.sym != NF_CONST || dims.c % 2 || head.sym != NF_CONST || dims.c > head.c)
    return nf_refuse_operand(d, 1, "its columns must be even and at most the head's %s",
                             nf_extent_text_of(head).at);
  return nf_gives(d, nf_plain_type(x));
}

static int64_t rotated_columns(const nf_dims *m, bool part) {
  return part ? m->q[NF_Q_HEAD] / 4 * 2 : m->q[NF_Q_HEAD] / 2 * 2;
}

static void sample_rope(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = nf_sample_rows(m, true, m->q[NF_Q_HEAD]);
  d->in[1] = NF_TYPE(NF_F32, NF_BY(1, NF_T), NF_C(rotated_columns(m, nf_bit(m, 1))));
}

// A pair is rotated and stretched: each of its two products is at most as long as the pair that comes out.
static double of_pair(double relative, const nf_expected *e) { return relative * 2 * sqrt(2) * e->row; }

static double bound_rope(const nf_op_desc *, const nf_sizes *, const nf_expected *e) {
  return of_pair(NF_EPS, e);
}

NF_TRAITS(rope, INFER(infer_rope), SHARD(ROWS), WORK(.element = 3),
          EXTENTS({NF_Q_HEAD, NF_OPERAND(rope, x), -1}), CHECK(sample_rope, NEVER, bound_rope));

// Operand i is a pool of slots [2,heads,P,head].
static nf_status want_kv(const nf_op_desc *d, int i) {
  if (d->in[i].cache == NF_CACHE_RECURRENT) return nf_refuse_operand(d, i, "must be of a group with pages");
  NF_TRY(nf_want(d, i, NF_FLOATS, 4, 4));
  NF_TRY(nf_want_const(d, i));
  if (d->in[i].dim[0].c != 2)
    return nf_refuse_operand(d, i, "its first dimension must be 2: keys and values");
  if (d->in[i].dim[1].c < 1 || d->in[i].dim[2].c < 1)
    return nf_refuse_operand(d, i, "it needs at least one head and one token per page");
  return nf_ok();
}

// Operand i is rows that go into the pool, which is operand `kv`, or come out of it.
static nf_status want_heads(const nf_op_desc *d, int i, int kv) {
  NF_TRY(nf_want(d, i, NF_FLOATS, 3, 3));
  NF_TRY(nf_want_tokens(d, i));
  return nf_want_dim(d, i, 2, d->in[kv].dim[3], "kv has heads of %s");
}

static nf_status infer_kv_write(nf_op_desc *d) {
  NF_TRY(want_kv(d, 2));
  for (int i = 0; i < 2; i++) {
    NF_TRY(want_heads(d, i, 2));
    NF_TRY(nf_want_same_dtype(d, i, 2));
    NF_TRY(nf_want_dim(d, i, 1, d->in[2].dim[1], "kv has %s heads"));
  }
  return nf_gives(d, d->in[2]);
}

static nf_type sample_pool(const nf_dims *m, bool sliding) {
  nf_type pool =
      NF_TYPE(m->act, NF_C(2), NF_C(m->q[NF_Q_KV_HEADS]), NF_C(m->q[NF_Q_PAGE]), NF_C(m->q[NF_Q_HEAD]));
  pool.cache = sliding ? NF_CACHE_SLIDING : NF_CACHE_FULL;
  return pool;
}

static void sample_kv_write(nf_op_desc *d, const nf_dims *m) {
  d->in[0] = d->in[1] = NF_TYPE(m->act, NF_BY(1, NF_T), NF_C(m->q[NF_Q_KV_HEADS]), NF_C(m->q[NF_Q_HEAD]));
  d->in[2] = sample_pool(m, nf_bit(m, 2));
}

NF_TRAITS(kv_write, INFER(infer_kv_write), SHARD(KV_WRITE), WORK(),
          EXTENTS({NF_Q_HEAD, NF_OPERAND(kv_write, k), -1}, {NF_Q_PAGE, NF_OPERAND(kv_write, kv), 2},
                  {NF_Q_KV_HEADS, NF_OPERAND(kv_write, kv), 1}),
          CHECK(sample_kv_write, ALWAYS, NULL));

static nf_status infer_attention(nf_op_desc *d) {
  const nf_type *q = &d->in[0], *kv = &d->in[1];
  NF_TRY(want_kv(d, 1));
  NF_TRY(want_heads(d, 0, 1));
  if (q->dim[1].sym != NF_CONST || q->dim[1].c % kv->dim[1].c)
    return nf_refuse_operand(d, 0, "its heads must be a multiple of kv's %" PRId64, kv->dim[1].c);
  NF_TRY(nf_want_vector(d, 2, q->dim[1], "q has %s heads"));
  NF_TRY(nf_want_positive(d, "scale", d->attr.attention.scale));
  if (d->attr.attention.window < 0)
    return nf_refuse(d, "window is %" PRId64 " but must not be negative; 0 is none",
                     d->attr.attention.window);
  return nf_gives(d, nf_plain_type(q));
}

static void sample_attention(nf_op_desc *d, const nf_dims *m) {
  enum { SINKS = 1, WINDOW = 2 };
  const nf_extent heads = NF_C(m->q[NF_Q_KV_HEADS] * m->q[NF_Q_GROUP]);
  d->attr.attention =
      (nf_attention_attrs){.scale = .25f, .window = nf_bit(m, WINDOW) ? m->q[NF_Q_PAGE] + 3 : 0};
  d->in[0] = NF_TYPE(m->act, NF_BY(1, NF_T), heads, NF_C(m->q[NF_Q_HEAD]));
  d->in[1] = sample_pool(m, nf_bit(m, WINDOW));
  if (nf_bit(m, SINKS)) d->in[2] = NF_TYPE(m->act, heads);
}

// Logits are off by dl, so each weight by a factor of e^(2 dl); values are at most `most`. A kernel may have
// weights as two bf16 numbers, which are off by 2^-17 of each.
static double bound_attention(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  const double dl = nf_sum_error(d->attr.attention.scale * (double)d->in[0].dim[2].c * e->most * e->most);
  return e->most * (expm1(2 * dl) + nf_norm_error(e->keys) + 0x1p-17);
}

NF_TRAITS(attention, INFER(infer_attention), SHARD(ATTENTION), WORK(.key = 4, .matrix = true),
          EXTENTS({NF_Q_HEAD, NF_OPERAND(attention, q), -1}, {NF_Q_PAGE, NF_OPERAND(attention, kv), 2},
                  {NF_Q_KV_HEADS, NF_OPERAND(attention, kv), 1},
                  {NF_Q_GROUP, NF_OPERAND(attention, q), 1, NF_Q_KV_HEADS}),
          CHECK(sample_attention, NEVER, bound_attention));

// ---- heads: rotated, keys and values cached ----

enum { Q, K, V, TABLE, Q_NORM, K_NORM, KV };

// Heads x, perhaps normalised with operand `norm`, rotated.
static nf_status rotated(const nf_op_desc *d, nf_type x, int norm, nf_type *out) {
  const nf_qk_rope_write_attrs *at = &d->attr.qk_rope_write;
  if (d->in[norm].dtype != NF_NONE)
    NF_TRY(NF_PART(d, &x, rms_norm, (x, d->in[norm]), .eps = at->eps, .one_plus = at->one_plus));
  return NF_PART(d, out, rope, (x, d->in[TABLE]));
}

static nf_status infer_qk_rope_write(nf_op_desc *d) {
  nf_type k;
  NF_TRY(rotated(d, d->in[K], K_NORM, &k));
  NF_TRY(NF_PART(d, &d->out[1], kv_write, (k, d->in[V], d->in[KV])));
  NF_TRY(rotated(d, d->in[Q], Q_NORM, &d->out[0]));
  if (nf_extent_equal(nf_last(&d->in[Q]), nf_last(&d->in[K]))) return nf_ok();
  return nf_refuse(d, "q has heads of %ld columns, k of %ld", (long)nf_last(&d->in[Q]).c,
                   (long)nf_last(&d->in[K]).c);
}

static void sample_qk_rope_write(nf_op_desc *d, const nf_dims *m) {
  enum { NORMS = 1, PART = 4, SLIDING = 8, Q_ONLY = 16 };
  const nf_extent t = NF_BY(1, NF_T), heads = NF_C(m->q[NF_Q_KV_HEADS]), head = NF_C(m->q[NF_Q_HEAD]);
  const nf_type norm = NF_TYPE(nf_bit(m, PART) ? NF_BF16 : m->act, head);
  d->attr.qk_rope_write = (nf_qk_rope_write_attrs){.eps = 1e-5f, .one_plus = nf_bit(m, PART)};
  d->in[Q] = NF_TYPE(m->act, t, NF_C(heads.c * m->q[NF_Q_GROUP]), head);
  d->in[K] = d->in[V] = NF_TYPE(m->act, t, heads, head);
  d->in[TABLE] = NF_TYPE(NF_F32, t, NF_C(rotated_columns(m, nf_bit(m, PART))));
  if (nf_bit(m, NORMS)) d->in[Q_NORM] = norm;
  if (nf_bit(m, NORMS) && !nf_bit(m, Q_ONLY)) d->in[K_NORM] = norm;
  d->in[KV] = sample_pool(m, nf_bit(m, SLIDING));
}

// A normalised value may round to its neighbour before it is rotated.
static double bound_qk_rope_write(const nf_op_desc *d, const nf_sizes *, const nf_expected *e) {
  const bool norms = d->in[Q_NORM].dtype != NF_NONE;
  const double before = norms ? nf_norm_error(d->in[KV].dim[3].c) + nf_step_of(d->in[Q].dtype) : 0;
  return of_pair(NF_EPS + before, e);
}

NF_TRAITS(qk_rope_write, INFER(infer_qk_rope_write), SHARD(REPLICATED),
          WORK(.element = 8 /* of q; k has fewer heads */),
          EXTENTS({NF_Q_HEAD, NF_OPERAND(qk_rope_write, kv), -1},
                  {NF_Q_PAGE, NF_OPERAND(qk_rope_write, kv), 2},
                  {NF_Q_KV_HEADS, NF_OPERAND(qk_rope_write, kv), 1}),
          CHECK(sample_qk_rope_write, NEVER, bound_qk_rope_write));
