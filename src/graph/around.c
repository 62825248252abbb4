// SPDX-License-Identifier: Apache-2.0
// Whether nodes can become one: not when something between them needs one and is needed by another.
#include "graph/edit.h"
#include <string.h>

typedef struct walk {
  nf_edit *e;
  nf_node_id *stack;
  size_t n, cap;
} walk;

static nf_status push(walk *w, nf_val v) {
  const nf_value *value = &w->e->value[nf_edit_now(w->e, v)].v;
  if (v == 0 || value->kind != NF_VALUE_RESULT || w->e->mark[value->node] == w->e->walk) return nf_ok();
  w->e->mark[value->node] = w->e->walk;
  if (!nf_grow(&w->stack, &w->cap, w->n + 1, sizeof *w->stack)) return nf_graph_no_memory();
  w->stack[w->n++] = value->node;
  return nf_ok();
}

// 1 + which of the nodes it is, or 0.
static size_t among(const nf_splice *s, nf_node_id id) {
  for (size_t i = 0; i < s->n_nodes; i++)
    if (s->node[i] == id) return i + 1;
  return 0;
}

// 1 + which of the nodes makes v, or 0.
static size_t maker_among(const nf_edit *e, const nf_splice *s, nf_val v) {
  const nf_value *value = &e->value[nf_edit_now(e, v)].v;
  return v && value->kind == NF_VALUE_RESULT ? among(s, value->node) : 0;
}

static bool used_outside(const nf_edit *e, const nf_splice *s, nf_node_id id) {
  for (int r = 0; r < NF_MAX_OUT; r++)
    NF_FOR_USES (u, e, e->node[id].n.out[r])
      if (!among(s, nf_use_node(u))) return true;
  return false;
}

// A way around leaves at a node that is used outside and comes back to one that this node does not need
// itself: bits of the nodes where it could come back.
static uint64_t ways_back(const nf_edit *e, const nf_splice *s) {
  uint64_t needs[64], back = 0;
  for (size_t i = 0; i < s->n_nodes; i++) {
    needs[i] = 1ull << i;
    for (int k = 0; k < NF_MAX_IN; k++) {
      const size_t maker = maker_among(e, s, e->node[s->node[i]].n.in[k]);
      if (maker) needs[i] |= needs[maker - 1];
    }
    if (used_outside(e, s, s->node[i])) back |= ~needs[i];
  }
  return back;
}

// Until a graph is changed its nodes are in order, and none before the first of the replaced ones matters.
static nf_node_id first_of(const nf_edit *e, const nf_splice *s) {
  nf_node_id first = e->n_nodes == e->from->n_nodes ? s->node[0] : 0;
  for (size_t i = 0; i < s->n_nodes && first; i++)
    if (s->node[i] < first) first = s->node[i];
  return first;
}

static nf_status walk_back(walk *w, const nf_splice *s, uint64_t from, bool *out) {
  nf_edit *e = w->e;
  const nf_node_id first = first_of(e, s);
  for (size_t i = 0; i < s->n_nodes; i++)
    for (int k = 0; k < NF_MAX_IN && from >> i & 1; k++) {
      const nf_val v = e->node[s->node[i]].n.in[k];
      if (!maker_among(e, s, v)) NF_TRY(push(w, v));
    }
  while (w->n && !*out) {
    const nf_node_id id = w->stack[--w->n];
    if (id < first) continue;
    *out = among(s, id);
    for (int k = 0; k < NF_MAX_IN; k++) NF_TRY(push(w, e->node[id].n.in[k]));
  }
  return nf_ok();
}

nf_status nf_edit_circular(nf_edit *e, const nf_splice *s, bool *out) {
  walk w = {.e = e};
  const size_t had = e->cap_mark;
  const uint64_t from = ways_back(e, s);
  *out = false;
  if (!nf_grow(&e->mark, &e->cap_mark, e->n_nodes, sizeof *e->mark)) return nf_graph_no_memory();
  if (e->cap_mark != had) memset(e->mark + had, 0, (e->cap_mark - had) * sizeof *e->mark);
  e->walk++;
  nf_status st = walk_back(&w, s, from, out);
  nf_free(w.stack);
  return st;
}
