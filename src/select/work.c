// SPDX-License-Identifier: Apache-2.0
// What each op has to move and to compute, from its description: one row an op, and the few that do not touch
// their operands whole.
#include "select/work.h"

// Operations for each element of the first result: a constant, and multiples of an extent and of keys.
static const struct row {
  double element;  // with exp, cos and their like as some ten operations
  nf_quantity of;  // what is summed over,
  double times;    // and operations for each of it
  double key;      // for each key that a token looks at
  bool matrix;     // by matrix units, where there are any for the types
  bool experts;    // and the products inside, which have other extents
  double exchange; // of the first operand, what comes from each other rank, times ranks
  bool known;
} rows[NF_OP_COUNT] = {
    [NF_OP_embedding] = {.known = true},
    [NF_OP_linear] = {.of = NF_Q_K, .times = 2, .matrix = true, .known = true},
    [NF_OP_grouped_linear] = {.of = NF_Q_K, .times = 2, .matrix = true, .known = true},
    [NF_OP_rms_norm] = {.element = 4, .known = true},
    [NF_OP_rms_norm_gated] = {.element = 16, .known = true},
    [NF_OP_add] = {.element = 1, .known = true},
    [NF_OP_mul] = {.element = 1, .known = true},
    [NF_OP_silu] = {.element = 12, .known = true},
    [NF_OP_sigmoid] = {.element = 11, .known = true},
    [NF_OP_swiglu] = {.element = 16, .known = true},
    [NF_OP_quantise] = {.element = 4, .known = true},
    [NF_OP_router_topk] = {.element = 12, .of = NF_Q_K, .times = 1, .known = true},
    [NF_OP_combine] = {.of = NF_Q_TOPK, .times = 2, .known = true},
    [NF_OP_rope_table] = {.element = 24, .known = true},
    [NF_OP_rope] = {.element = 3, .known = true},
    [NF_OP_kv_write] = {.known = true},
    [NF_OP_attention] = {.key = 4, .matrix = true, .known = true},
    [NF_OP_causal_conv1d] = {.element = 12, .of = NF_Q_TAPS, .times = 2, .known = true},
    [NF_OP_gated_delta_rule] = {.of = NF_Q_HEAD,
                                .times = 7,
                                .known = true}, // S decays, S^T k, the update, S^T q
    [NF_OP_gather_rows] = {.known = true},
    [NF_OP_narrow] = {.known = true},
    [NF_OP_concat] = {.known = true},
    [NF_OP_reshape] = {.known = true},
    [NF_OP_pad] = {.known = true},
    [NF_OP_unpad] = {.known = true},
    [NF_OP_add_rms_norm] = {.element = 5, .known = true},
    // Each rank gets its share of every other's operand, and then their sums of theirs; with two ranks that
    // is what one step of whole operands moves too.
    [NF_OP_all_gather] = {.exchange = 1, .known = true},
    [NF_OP_rank_ids] = {.element = 2, .known = true},
    [NF_OP_all_reduce] = {.element = 1, .exchange = 2, .known = true},
    [NF_OP_all_reduce_rms_norm] = {.element = 5, .exchange = 2, .known = true},
    [NF_OP_all_reduce_add_rms_norm] = {.element = 6, .exchange = 2, .known = true},
    [NF_OP_qk_rope_write] = {.element = 8, .known = true}, // of q; k has fewer heads
    [NF_OP_experts_swiglu] = {.of = NF_Q_INNER, .times = 2, .matrix = true, .experts = true, .known = true},
    [NF_OP_experts_silu] = {.of = NF_Q_INNER, .times = 2, .matrix = true, .experts = true, .known = true},
    [NF_OP_rms_norm_quantise] = {.element = 8, .known = true},
    [NF_OP_add_rms_norm_quantise] = {.element = 9, .known = true},
    [NF_OP_all_reduce_rms_norm_quantise] = {.element = 9, .exchange = 2, .known = true},
    [NF_OP_all_reduce_add_rms_norm_quantise] = {.element = 10, .exchange = 2, .known = true},
    [NF_OP_rms_norm_gated_quantise] = {.element = 20, .known = true},
    [NF_OP_silu_mul] = {.element = 13, .known = true},
    [NF_OP_sigmoid_mul] = {.element = 12, .known = true},
};

bool nf_work_known(nf_op op) { return rows[op].known; }

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

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
  return (double)at->of[NF_T] / most(1, (double)at->of[NF_S]);
}

// Keys that a sequence's tokens look at together; those of one token are no more.
static double keys(const nf_op_desc *d, const nf_sizes *at) {
  const double all = NF_COST_CONTEXT + tokens_of_sequence(at), window = (double)d->attr.attention.window;
  return window > 0 ? least(all, window + tokens_of_sequence(at)) : all;
}

static double keys_of_token(const nf_op_desc *d, const nf_sizes *at) {
  const double window = (double)d->attr.attention.window;
  return window > 0 ? least(keys(d, at), window) : keys(d, at);
}

// ---- bytes ----

// How much of operand i is read (of a pool: how many slots' worth is read or written).
static double share(const nf_op_desc *d, const nf_sizes *at, int i) {
  enum {
    TABLE = 1,
    FIRST_OF_EXPERTS = 2, // weights and biases of experts stand behind x and ids
    WRITTEN_POOL = 2,
    HEADS_POOL = 6,
    READ_POOL = 1,
    CONV_POOL = 2,
    DELTA_POOL = 5
  };
  const double tokens = (double)at->of[NF_T], page = most(1, quantity(d, NF_Q_PAGE));
  switch (d->op) {
  case NF_OP_embedding: // a row for each token
    return i == TABLE ? least(1, tokens / most(1, extent(&d->in[i], 0, at))) : 1;
  case NF_OP_grouped_linear: // the experts that can be touched
  case NF_OP_experts_swiglu:
  case NF_OP_experts_silu:
    return i >= FIRST_OF_EXPERTS ? least(1, tokens * quantity(d, NF_Q_TOPK) / most(1, quantity(d, NF_Q_E)))
                                 : 1;
  case NF_OP_gather_rows:
    return least(1, (double)at->of[NF_R] / most(1, tokens));
  case NF_OP_kv_write:
    return i == WRITTEN_POOL ? tokens / page : 1;
  case NF_OP_qk_rope_write: // q may be a part of its columns
    return i == HEADS_POOL ? tokens / page
           : i == 0        ? quantity(d, NF_Q_HEAD) / most(1, quantity(d, NF_Q_K))
                           : 1;
  case NF_OP_causal_conv1d: // a state of each sequence, read and written
    return i == CONV_POOL ? 2 * least(tokens, (double)at->of[NF_S]) : 1;
  case NF_OP_gated_delta_rule:
    return i == DELTA_POOL ? 2 * least(tokens, (double)at->of[NF_S]) : 1;
  case NF_OP_narrow:
    return quantity(d, NF_Q_N) / most(1, quantity(d, NF_Q_K));
  case NF_OP_attention:
    return i == READ_POOL ? least(tokens, (double)at->of[NF_S]) * keys(d, at) / page : 1;
  default:
    return 1;
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
  return !rows[d->op].matrix || bits > 16 ? NF_RATE_F32 : bits > 8 ? NF_RATE_BF16 : NF_RATE_8BIT;
}

nf_work nf_work_of(const nf_op_desc *d, const nf_sizes *at, int world) {
  const struct row *r = &rows[d->op];
  if (nf_op_of(d->op)->flags & NF_OP_VIEW) return (nf_work){0};
  double each = r->element + r->times * quantity(d, r->of);
  if (r->key != 0) each += r->key * keys_of_token(d, at);
  if (r->experts) // gate, up and what is made of them, for a column of the result
    each += quantity(d, NF_Q_INNER) * (4 * quantity(d, NF_Q_K) + 16) / most(1, quantity(d, NF_Q_N));
  return (nf_work){.bytes = bytes_of(d, at),
                   .operations = elements(&d->out[0], at) * each,
                   .rate = rate_of(d),
                   .exchanged = world > 1 ? r->exchange / world * type_bytes(&d->in[0], at) : 0};
}
