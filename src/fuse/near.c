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
    nf_text_printf(out, "nothing uses it, %s should", wanted);
    return;
  }
  nf_text_printf(out, "used by");
  NF_FOR_USES (u, e, v) nf_text_printf(out, " %s", nf_op_of(e->node[nf_use_node(u)].n.op)->name);
  nf_text_printf(out, ", not by %s", wanted);
}

static void print_attr(const nf_near *n, const nf_edit *e, const nf_pattern *p, nf_text *out) {
  const nf_node *is = &e->node[n->node].n, *want = &p->graph->node[n->want];
  nf_attr_print(is->op, n->at, &is->attr, out);
  nf_text_printf(out, ", not ");
  nf_attr_print(want->op, n->at, &want->attr, out);
}

const char *nf_near_print(const nf_near *n, const nf_edit *e, const nf_pattern *p, nf_text *out) {
  const char *want = nf_op_of(p->graph->node[n->want].op)->name;
  const bool has_node = n->node < e->n_nodes;
  const nf_op_info *is = has_node ? nf_op_of(e->node[n->node].n.op) : NULL;
  const char *node = has_node ? nf_edit_name(e, n->node) : "", *value = name_of(e, n->value);
  switch (n->kind) {
  case NF_NEAR_NONE:
    return "";
  case NF_NEAR_OP:
  case NF_NEAR_LEAF:
    nf_text_printf(out, "operand %s is made by %s, not %s", is->in[n->at].name, maker_of(e, n->value), want);
    return node;
  case NF_NEAR_RESULT:
    nf_text_printf(out, "is another result of %s", want);
    return value;
  case NF_NEAR_USER:
    print_users(e, n->value, want, out);
    return value;
  case NF_NEAR_ATTR:
    print_attr(n, e, p, out);
    return node;
  case NF_NEAR_OTHER:
    nf_text_printf(out, "operand %s is %s, not %s", is->in[n->at].name, value, name_of(e, n->wanted));
    return node;
  case NF_NEAR_MISSING:
  case NF_NEAR_EXTRA:
    nf_text_printf(out, "has %s operand %s", n->kind == NF_NEAR_EXTRA ? "an" : "no", is->in[n->at].name);
    return node;
  case NF_NEAR_TWICE:
    nf_text_printf(out, "would stand for two nodes");
    return node;
  case NF_NEAR_OUTSIDE:
    nf_text_printf(out, "is also used by %s, and would go", node);
    return value;
  case NF_NEAR_OUTPUT:
    nf_text_printf(out, "is an output, and would go");
    return value;
  case NF_NEAR_APPLIES:
    nf_text_printf(out, "%s", n->why);
    return node;
  }
  return "";
}
