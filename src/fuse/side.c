// SPDX-License-Identifier: Apache-2.0
// What rules call while they say their two sides.
#include "fuse/pattern.h"
#include <string.h>

static void wrong(nf_side *s, const char *what, const char *name) {
  nf_builder_fail(s->b, nf_error(NF_INTERNAL, "%s %s", what, name));
}

// Room for one more, or the builder fails.
static bool room(nf_side *s, int n, int most, const char *what, const char *at) {
  if (n == most) wrong(s, what, at);
  return n < most;
}

void nf_yield(nf_side *s, nf_val v) {
  if (room(s, s->n_yields, NF_MAX_YIELDS, "too many yields in", s->b->graph->name))
    s->yield[s->n_yields++] = v;
}

static nf_val add_leaf(nf_side *s, const char *name, nf_val v, bool maybe) {
  if (!room(s, s->n_leaves, NF_MAX_LEAVES, "too many leaves, at", name)) return 0;
  s->leaf[s->n_leaves].name = name;
  s->leaf[s->n_leaves].maybe = maybe;
  s->leaf[s->n_leaves++].v = v;
  return v;
}

nf_val nf_build_outside(nf_builder *b, const char *name, nf_type t) {
  return t.cache ? nf_build_pool(b, name, t) : nf_build_input(b, name, t);
}

nf_val nf_leaf(nf_side *s, const char *name, nf_type t) {
  return add_leaf(s, name, nf_build_outside(s->b, name, t), false);
}
nf_val nf_leaf_maybe(nf_side *s, const char *name, nf_type t) {
  return add_leaf(s, name, nf_build_outside(s->b, name, t), true);
}
nf_val nf_leaf_weight(nf_side *s, const char *name, nf_type t, bool maybe) {
  const nf_recipe recipe = {.tensor = name, .scales = nf_is_quantised(t.dtype) ? name : NULL};
  return add_leaf(s, name, nf_build_weight(s->b, name, t, recipe), maybe);
}

void nf_any(nf_side *s, nf_val v, const char *attr) {
  if (!room(s, s->n_any, NF_MAX_ANY, "too many free attributes, at", attr)) return;
  s->any[s->n_any].v = v;
  s->any[s->n_any++].attr = attr;
}

nf_val nf_found(nf_side *s, const char *leaf) {
  for (int i = 0; i < s->n_leaves; i++)
    if (strcmp(s->leaf[i].name, leaf) == 0) return s->leaf[i].v;
  wrong(s, "the pattern has no leaf called", leaf);
  return 0;
}

// What was found for a value of the pattern; 0, which is nothing, where that is absent or has no such value.
static nf_val found_val(const nf_side *s, const char *name) {
  return s->match->value[nf_graph_find(s->match->pattern->graph, name)];
}

static const nf_edit_value *found_value(const nf_side *s, const char *name) {
  return &s->match->edit->value[found_val(s, name)];
}

const nf_type *nf_found_type(const nf_side *s, const char *name) { return &found_value(s, name)->v.type; }

const nf_attrs *nf_found_attrs(const nf_side *s, const char *name) {
  static const nf_attrs none = {0};
  const nf_value *v = &found_value(s, name)->v;
  return v->kind == NF_VALUE_RESULT ? &s->match->edit->node[v->node].n.attr : &none;
}

size_t nf_found_users(const nf_side *s, const char *name, nf_op op) {
  const nf_edit *e = s->match->edit;
  size_t n = 0;
  NF_FOR_USES (u, e, found_val(s, name)) n += e->node[nf_use_node(u)].n.op == op;
  return n;
}

bool nf_found_before(const nf_side *s, const char *a, const char *b) {
  return found_val(s, a) < found_val(s, b);
}

const nf_value *nf_found_weight(const nf_side *s, const char *leaf) {
  const nf_edit_value *found = found_value(s, leaf);
  const bool alone = found->v.kind == NF_VALUE_WEIGHT && found->n_uses == 1 && !found->output;
  return alone && !found->v.recipe.n_joined ? &found->v : NULL;
}
