// SPDX-License-Identifier: Apache-2.0
// Near misses as sentences: where a pattern did not go on, and what was found instead.
#include "fuse/match.h"

static const char *name_of(const nf_edit *e, nf_val v) { return e->value[v].v.name; }

static const char *maker_of(const nf_edit *e, nf_val v) {
  const nf_value *value = &e->value[v].v;
  return value->kind == NF_VALUE_RESULT   ? nf_op_of(e->node[value->node].n.op)->name
         : value->kind == NF_VALUE_WEIGHT ? "the checkpoint"
                                          : "the caller";
}

static void print_users(const nf_edit *e, nf_val v, const char *wanted, nf_text *out) {
  if (!e->value[v].n_uses) {
    nf_text_printf(out, "%s: nothing uses it, %s should", name_of(e, v), wanted);
    return;
  }
  nf_text_printf(out, "%s: used by", name_of(e, v));
  for (nf_use u = e->value[v].uses; u; u = e->node[nf_use_node(u)].next[(u - 1) % NF_MAX_IN])
    nf_text_printf(out, " %s", nf_op_of(e->node[nf_use_node(u)].n.op)->name);
  nf_text_printf(out, ", not by %s", wanted);
}

static void print_attr(const nf_near *n, const nf_edit *e, const nf_pattern *p, nf_text *out) {
  const nf_node *is = &e->node[n->node].n, *want = &p->graph->node[n->want];
  nf_text_printf(out, "%s:", nf_edit_name(e, n->node));
  nf_attr_print(is->op, n->at, &is->attr, out);
  nf_text_printf(out, ", not");
  nf_attr_print(want->op, n->at, &want->attr, out);
}

void nf_near_print(const nf_near *n, const nf_edit *e, const nf_pattern *p, nf_text *out) {
  const nf_op_info *want = nf_op_of(p->graph->node[n->want].op);
  const nf_op_info *is = n->node < e->n_nodes ? nf_op_of(e->node[n->node].n.op) : NULL;
  const char *at = n->node < e->n_nodes ? nf_edit_name(e, n->node) : "";
  switch (n->kind) {
  case NF_NEAR_NONE:
    break;
  case NF_NEAR_OP:
  case NF_NEAR_LEAF:
    nf_text_printf(out, "%s: operand %s is made by %s, not %s", at, is->in[n->at].name, maker_of(e, n->value),
                   want->name);
    break;
  case NF_NEAR_RESULT:
    nf_text_printf(out, "%s: is another result of %s", name_of(e, n->value), want->name);
    break;
  case NF_NEAR_USER:
    print_users(e, n->value, want->name, out);
    break;
  case NF_NEAR_ATTR:
    print_attr(n, e, p, out);
    break;
  case NF_NEAR_OTHER:
    nf_text_printf(out, "%s: operand %s is %s, not %s", at, is->in[n->at].name, name_of(e, n->value),
                   name_of(e, n->wanted));
    break;
  case NF_NEAR_MISSING:
    nf_text_printf(out, "%s: has no operand %s", at, is->in[n->at].name);
    break;
  case NF_NEAR_EXTRA:
    nf_text_printf(out, "%s: has an operand %s", at, is->in[n->at].name);
    break;
  case NF_NEAR_TWICE:
    nf_text_printf(out, "%s: would stand for two nodes", at);
    break;
  case NF_NEAR_OUTSIDE:
    nf_text_printf(out, "%s: is also used by %s, and would go", name_of(e, n->value), at);
    break;
  case NF_NEAR_OUTPUT:
    nf_text_printf(out, "%s: is an output, and would go", name_of(e, n->value));
    break;
  case NF_NEAR_APPLIES:
    nf_text_printf(out, "%s: %s", at, n->why);
    break;
  }
}
