// SPDX-License-Identifier: Apache-2.0
// Canonical form: operands that commute stand in order, reshapes of reshapes fold, what changes nothing goes,
// and so do duplicates and nodes that nothing needs. Patterns are written for graphs of this form.
#include "fuse/choice.h"
#include <string.h>

// Earlier made values stand first.
static void order_operands(nf_edit *e, nf_node_id id) {
  const nf_node *n = &e->node[id].n;
  const nf_val a = n->in[0], b = n->in[1];
  if (!(nf_op_of(n->op)->flags & NF_OP_COMMUTES) || a == b) return;
  const nf_value *x = &e->value[a].v, *y = &e->value[b].v;
  const uint32_t at = x->kind == NF_VALUE_RESULT ? e->node[x->node].order : a;
  const uint32_t other = y->kind == NF_VALUE_RESULT ? e->node[y->node].order : b;
  if (at < other || (at == other && strcmp(x->name, y->name) < 0)) return;
  nf_edit_set(e, id, 0, b);
  nf_edit_set(e, id, 1, a);
}

static void fold_reshape(nf_edit *e, nf_node_id id) {
  const nf_node *n = &e->node[id].n;
  if (n->op != NF_OP_reshape) return;
  const nf_value *x = &e->value[n->in[0]].v;
  if (x->kind == NF_VALUE_RESULT && e->node[x->node].n.op == NF_OP_reshape)
    nf_edit_set(e, id, 0, e->node[x->node].n.in[0]);
}

static bool may_do_nothing(nf_op op) {
  return op == NF_OP_reshape || op == NF_OP_pad || op == NF_OP_unpad || op == NF_OP_narrow;
}

static bool any_output(const nf_edit *e, nf_node_id id) {
  bool any = false;
  for (int r = 0; r < nf_node_results(&e->node[id].n); r++) any |= e->value[e->node[id].n.out[r]].output;
  return any;
}

// An output that is another value under its own name: a view where it can be one.
static bool become_view(nf_edit *e, nf_node_id id, nf_val x) {
  nf_edit_node *n = &e->node[id];
  const nf_type *t = &e->value[x].v.type;
  for (int i = 0; i < t->rank; i++)
    if (t->padded[i] != t->dim[i].c) return false;
  if (n->n.op == NF_OP_reshape && n->n.in[0] == x) return false;
  for (int k = 1; k < NF_MAX_IN; k++) nf_edit_set(e, id, k, 0);
  nf_edit_set(e, id, 0, x);
  n->n.op = NF_OP_reshape;
  n->n.attr = (nf_attrs){.reshape.to.rank = t->rank};
  memcpy(n->n.attr.reshape.to.dim, t->dim, sizeof t->dim);
  return true;
}

// A reshape, pad, unpad or narrow to the type that is there already.
static bool drop_nothing(nf_edit *e, nf_node_id id) {
  const nf_node *n = &e->node[id].n;
  const nf_val x = n->in[0], y = n->out[0];
  if (!may_do_nothing(n->op) || !nf_type_equal(&e->value[x].v.type, &e->value[y].v.type)) return false;
  const bool named = e->value[y].output, fixed = e->value[x].output || e->value[x].v.kind != NF_VALUE_RESULT;
  if (named && fixed) {
    const bool used = e->value[y].n_uses;
    nf_edit_move_users(e, y, x);
    return become_view(e, id, x) || used;
  }
  nf_edit_kill(e, id);
  if (named)
    nf_edit_rename(e, x, y);
  else
    nf_edit_instead(e, y, x);
  return true;
}

// ---- duplicates ----

static bool same(const nf_node *a, const nf_node *b) {
  return a->op == b->op && memcmp(a->in, b->in, sizeof a->in) == 0 &&
         nf_attrs_equal(a->op, &a->attr, &b->attr);
}

// The first node that computes this: one that reads the same values.
static nf_node_id find_same(const nf_edit *e, nf_node_id id) {
  const nf_node *n = &e->node[id].n;
  nf_node_id first = id;
  for (nf_node_id i = 0; n->in[0] == 0 && i < first; i++)
    if (!e->node[i].dead && same(&e->node[i].n, n)) first = i;
  NF_FOR_USES (u, e, n->in[0])
    if (nf_use_node(u) < first && same(&e->node[nf_use_node(u)].n, n)) first = nf_use_node(u);
  return first;
}

static void drop_node(nf_edit *e, nf_node_id id, nf_node_id for_this) {
  for (int r = 0; r < nf_node_results(&e->node[id].n); r++)
    nf_edit_instead(e, e->node[id].n.out[r], e->node[for_this].n.out[r]);
  nf_edit_kill(e, id);
}

// Of two that compute the same an output stays; of two outputs the second becomes a view.
static bool drop_duplicate(nf_edit *e, nf_node_id id) {
  const nf_op_info *info = nf_op_of(e->node[id].n.op);
  for (int r = 0; r < info->n_out; r++)
    if (info->out[r].alias >= 0) return false; // a pool is written once in each of its states
  const nf_node_id first = find_same(e, id);
  if (first == id) return false;
  if (any_output(e, id) && any_output(e, first))
    return info->n_out == 1 && e->node[id].n.op != NF_OP_reshape &&
           become_view(e, id, e->node[first].n.out[0]);
  const nf_node_id stays = any_output(e, id) ? id : first;
  drop_node(e, stays == id ? first : id, stays);
  return true;
}

static bool pass(nf_edit *e) {
  bool changed = false;
  for (nf_node_id i = 0; i < e->n_nodes; i++) {
    if (e->node[i].dead) continue;
    order_operands(e, i);
    fold_reshape(e, i);
    changed |= drop_nothing(e, i) || drop_duplicate(e, i);
  }
  return changed;
}

void nf_canonicalise(nf_edit *e) {
  while (pass(e)) continue; // what is the same now may make its users the same
  nf_edit_sweep(e);
}
