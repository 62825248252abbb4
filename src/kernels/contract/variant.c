// SPDX-License-Identifier: Apache-2.0
// Quantities that limits of kernel variants speak of: how each extent follows from an op.
#include "kernels/contract/variant.h"
#include <string.h>

static const struct {
  const char *name, *what;
} quantities[NF_Q_COUNT] = {
    [NF_Q_NONE] = {"", ""},
    [NF_Q_K] = {"K", "columns of the first operand"},
    [NF_Q_N] = {"N", "columns of the first result"},
    [NF_Q_E] = {"E", "experts"},
    [NF_Q_TOPK] = {"TOPK", "experts per token"},
    [NF_Q_HEAD] = {"HEAD", "head size"},
    [NF_Q_GROUP] = {"GROUP", "query heads per kv head"},
    [NF_Q_PAGE] = {"PAGE", "tokens per page"},
    [NF_Q_TAPS] = {"TAPS", "taps of the convolution"},
    [NF_Q_VALUE] = {"VALUE", "size of a value head"},
    [NF_Q_INNER] = {"INNER", "columns between an expert's two products"},
    [NF_Q_PACK16_H] = {"PACK16(H)", "16-byte packs in a row of the first operand"},
    [NF_Q_BYTES] = {"BYTES", "bytes of the first operand"},
    [NF_Q_WORLD] = {"WORLD", "ranks"},
};

const char *nf_quantity_name(nf_quantity q) { return quantities[q].name; }
const char *nf_quantity_what(nf_quantity q) { return quantities[q].what; }

// Extent i of t, counted from the end when i < 0; false when there is none or a step decides it.
static bool fixed(const nf_type *t, int i, int64_t *out) {
  if (i < 0) i += t->rank;
  if (t->dtype == NF_NONE || i < 0 || i >= t->rank || t->dim[i].sym != NF_CONST) return false;
  *out = t->dim[i].c;
  return true;
}

// The dimensions of a pool are those of one slot: [2, kv heads, tokens per page, head].
enum { POOL_HEADS = 1, POOL_PAGE = 2 };
// Of gated_delta_rule's: operand 5, [value heads, key size, value size].
enum { STATE_POOL = 5, STATE_KEY = 1, STATE_VALUE = 2 };

// Of qk_rope_write's: operand 6.
enum { HEADS_POOL = 6 };

static bool is_experts(nf_op op) { return op == NF_OP_experts_swiglu || op == NF_OP_experts_silu; }

static bool experts(const nf_op_desc *d, int64_t *out) {
  if (d->op == NF_OP_grouped_linear || is_experts(d->op)) return fixed(&d->in[2], 0, out);
  if (d->op == NF_OP_router_topk) return fixed(&d->in[0], -1, out);
  return false;
}

static bool topk(const nf_op_desc *d, int64_t *out) {
  if (d->op == NF_OP_grouped_linear || d->op == NF_OP_combine || is_experts(d->op))
    return fixed(&d->in[1], -1, out);
  if (d->op != NF_OP_router_topk) return false;
  *out = d->attr.router_topk.k;
  return true;
}

static bool head(const nf_op_desc *d, int64_t *out) {
  switch (d->op) {
  case NF_OP_rope:
  case NF_OP_kv_write:
  case NF_OP_attention:
    return fixed(&d->in[0], -1, out);
  case NF_OP_qk_rope_write:
    return fixed(&d->in[HEADS_POOL], -1, out);
  case NF_OP_gated_delta_rule:
    return fixed(&d->in[STATE_POOL], STATE_KEY, out);
  case NF_OP_rms_norm_gated_quantise: // w's columns
    return fixed(&d->in[2], -1, out);
  case NF_OP_rope_table:
    *out = d->attr.rope_table.dims;
    return true;
  default:
    return false;
  }
}

static bool group(const nf_op_desc *d, int64_t *out) {
  int64_t heads, kv_heads;
  if (d->op != NF_OP_attention || !fixed(&d->in[0], -2, &heads)) return false;
  if (!fixed(&d->in[1], POOL_HEADS, &kv_heads) || kv_heads < 1) return false;
  *out = heads / kv_heads;
  return true;
}

bool nf_quantity_of(const nf_op_desc *d, nf_quantity q, int64_t *out) {
  switch (q) {
  case NF_Q_K:
    return fixed(&d->in[0], -1, out);
  case NF_Q_N:
    return fixed(&d->out[0], -1, out);
  case NF_Q_E:
    return experts(d, out);
  case NF_Q_TOPK:
    return topk(d, out);
  case NF_Q_HEAD:
    return head(d, out);
  case NF_Q_GROUP:
    return group(d, out);
  case NF_Q_PAGE:
    if (d->op == NF_OP_attention) return fixed(&d->in[1], POOL_PAGE, out);
    if (d->op == NF_OP_kv_write) return fixed(&d->in[2], POOL_PAGE, out);
    if (d->op == NF_OP_qk_rope_write) return fixed(&d->in[HEADS_POOL], POOL_PAGE, out);
    return false;
  case NF_Q_TAPS:
    return d->op == NF_OP_causal_conv1d && fixed(&d->in[1], -1, out);
  case NF_Q_VALUE:
    return d->op == NF_OP_gated_delta_rule && fixed(&d->in[STATE_POOL], STATE_VALUE, out);
  case NF_Q_INNER: // both have their last weight at 4
    return is_experts(d->op) && fixed(&d->in[4], -1, out);
  case NF_Q_PACK16_H: // derived: nf_amount_of
  case NF_Q_BYTES:
  case NF_Q_WORLD:
  case NF_Q_NONE:
  case NF_Q_COUNT:
    break;
  }
  return false;
}

int nf_packed_operand(const nf_op_desc *d, int from) {
  const nf_op_info *info = nf_op_of(d->op);
  for (int i = from; i < info->n_in; i++) {
    const char *name = info->in[i].name;
    const bool weight = strcmp(name, "w") == 0 || strncmp(name, "w_", 2) == 0 || strcmp(name, "table") == 0;
    if (weight && d->in[i].rank >= 2 && d->in[i].dim[0].sym == NF_CONST) return i;
  }
  return -1;
}
