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

static bool changes_layout_only(nf_op op) {
  return op == NF_OP_reshape || op == NF_OP_pad || op == NF_OP_unpad;
}

// A reshape, pad or unpad to the type that is there already.
static bool drop_nothing(nf_edit *e, nf_node_id id) {
  const nf_node *n = &e->node[id].n;
  if (!changes_layout_only(n->op) || e->value[n->out[0]].output) return false;
  const nf_val x = n->in[0];
  if (!nf_type_equal(&e->value[x].v.type, &e->value[n->out[0]].v.type)) return false;
  nf_edit_instead(e, n->out[0], x);
  nf_edit_kill(e, id);
  return true;
}

// ---- duplicates ----

typedef struct seen { // nodes by what they compute
  nf_node_id *slot;   // 1 + node
  size_t size;        // a power of two
} seen;

static size_t hash_node(const nf_node *n) {
  static const uint64_t seed[2] = {0x6e66, 0x66757365};
  uint32_t key[NF_MAX_IN + 1] = {n->op};
  memcpy(key + 1, n->in, sizeof n->in);
  return (size_t)nf_hash(key, sizeof key, seed);
}

static bool same(const nf_node *a, const nf_node *b) {
  return a->op == b->op && memcmp(a->in, b->in, sizeof a->in) == 0 &&
         nf_attrs_equal(a->op, &a->attr, &b->attr);
}

// The node that computed this before, or 0; else the node is remembered. 1 + node.
static nf_node_id find_same(const nf_edit *e, seen *s, nf_node_id id) {
  for (size_t i = hash_node(&e->node[id].n);; i++) {
    nf_node_id *slot = &s->slot[i & (s->size - 1)];
    if (!*slot) {
      *slot = id + 1;
      return 0;
    }
    if (same(&e->node[*slot - 1].n, &e->node[id].n)) return *slot;
  }
}

static bool drop_duplicate(nf_edit *e, seen *s, nf_node_id id) {
  const nf_op_info *info = nf_op_of(e->node[id].n.op);
  for (int r = 0; r < info->n_out; r++)
    if (e->value[e->node[id].n.out[r]].output || info->out[r].alias >= 0) return false;
  const nf_node_id first = find_same(e, s, id);
  if (!first) return false;
  for (int r = 0; r < info->n_out; r++) nf_edit_instead(e, e->node[id].n.out[r], e->node[first - 1].n.out[r]);
  nf_edit_kill(e, id);
  return true;
}

static bool pass(nf_edit *e, seen *s) {
  bool changed = false;
  memset(s->slot, 0, s->size * sizeof *s->slot);
  for (nf_node_id i = 0; i < e->n_nodes; i++) {
    if (e->node[i].dead) continue;
    order_operands(e, i);
    fold_reshape(e, i);
    changed |= drop_nothing(e, i) || drop_duplicate(e, s, i);
  }
  return changed;
}

nf_status nf_canonicalise(nf_edit *e) {
  seen s = {.size = 16};
  while (s.size < 2 * e->n_nodes) s.size *= 2;
  s.slot = nf_alloc(s.size, sizeof *s.slot);
  if (!s.slot) return nf_error(NF_NO_MEMORY, "no memory to look for duplicate nodes");
  while (pass(e, &s)) continue; // what is the same now may make its users the same
  nf_edit_sweep(e);
  nf_free(s.slot);
  return nf_ok();
}
