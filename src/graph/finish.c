// SPDX-License-Identifier: Apache-2.0
// A changed graph becomes a finished one: leaves and nodes through the builder, each as soon as what it needs
// is there, the earliest place first; so what was not changed stands as it stood.
#include "graph/edit.h"
#include <string.h>

typedef struct ready { // a heap of what can be built: smallest (order, id) on top
  uint64_t *at;
  size_t n;
} ready;

static uint64_t key(uint32_t order, uint32_t id) { return (uint64_t)order << 32 | id; }

static void put(ready *h, uint64_t x) {
  size_t i = h->n++;
  for (; i && h->at[(i - 1) / 2] > x; i = (i - 1) / 2) h->at[i] = h->at[(i - 1) / 2];
  h->at[i] = x;
}

static uint64_t get(ready *h) {
  const uint64_t top = h->at[0], x = h->at[--h->n];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
    if (child + 1 < h->n && h->at[child + 1] < h->at[child]) child++;
    if (h->at[child] >= x) break;
    h->at[i] = h->at[child];
  }
  h->at[i] = x;
  return top;
}

typedef struct finish {
  const nf_edit *e;
  nf_builder b;
  nf_val *now;        // [n_values] in the new graph
  uint32_t *waits;    // [n_nodes] for so many operands, and readers of pools that it writes
  nf_node_id *writer; // [n_values] 1 + who replaces it, or 0
  ready ready;
  bool *left; // [n_nodes] or NULL
} finish;

// The pool value that a node replaces; ops write at most one.
static nf_val written_by(const nf_node *n) {
  const nf_op_info *info = nf_op_of(n->op);
  for (int r = 0; r < nf_node_results(n); r++)
    if (info->out[r].alias >= 0) return n->in[info->out[r].alias];
  return 0;
}

static bool is_leaf(const nf_edit_value *v) { return v->v.kind != NF_VALUE_RESULT; }

// Weights that nobody uses any more go; inputs and pools are the graph's interface.
static bool is_kept(const nf_edit_value *v) { return v->v.kind != NF_VALUE_WEIGHT || v->n_uses || v->output; }

// Whether operand k of node id holds up a writer: by the first of its uses of that value.
static bool reads_before(const finish *f, nf_node_id id, int k) {
  const nf_node *n = &f->e->node[id].n;
  const nf_node_id writer = f->writer[n->in[k]];
  return writer && writer - 1 != id;
}

static void count(finish *f) {
  const nf_edit *e = f->e;
  for (nf_node_id i = 0; i < e->n_nodes; i++) {
    if (e->node[i].dead) continue;
    const nf_val pool = written_by(&e->node[i].n);
    if (pool) f->writer[pool] = i + 1;
  }
  for (nf_node_id i = 0; i < e->n_nodes; i++)
    for (int k = 0; k < NF_MAX_IN && !e->node[i].dead; k++) {
      if (!e->node[i].n.in[k]) continue;
      f->waits[i]++;
      if (reads_before(f, i, k)) f->waits[f->writer[e->node[i].n.in[k]] - 1]++;
    }
}

static void release(finish *f, nf_node_id id) {
  if (--f->waits[id] == 0) put(&f->ready, key(f->e->node[id].order, (uint32_t)(f->e->n_values + id)));
}

static void there(finish *f, nf_val v) {
  NF_FOR_USES (u, f->e, v) release(f, nf_use_node(u));
}

static void build_leaf(finish *f, nf_val v) {
  f->now[v] = nf_build_leaf(&f->b, &f->e->value[v].v);
  there(f, v);
}

static void build_node(finish *f, nf_node_id id) {
  const nf_node *n = &f->e->node[id].n;
  const nf_op_info *info = nf_op_of(n->op);
  const char *name[NF_MAX_OUT] = {0};
  nf_val in[NF_MAX_IN] = {0};
  for (int k = 0; k < info->n_in; k++) in[k] = f->now[n->in[k]];
  for (int r = 0, k = 0; r < nf_node_results(n); r++)
    if (n->out[r] != 0) name[k++] = f->e->value[n->out[r]].v.name;
  const nf_val first = nf_build_named(&f->b, name, n->op, in, &n->attr);
  if (f->left) f->left[id] = false;
  for (int r = 0; r < nf_node_results(n); r++) {
    if (n->out[r] == 0) continue;
    f->now[n->out[r]] = first != 0 ? nf_build_result(&f->b, first, r) : 0;
    there(f, n->out[r]);
  }
  for (int k = 0; k < info->n_in; k++)
    if (n->in[k] && reads_before(f, id, k)) release(f, f->writer[n->in[k]] - 1);
}

// Leaves have their places; new weights stand in front of their first user.
static uint32_t place_of(const nf_edit *e, nf_val v) {
  uint32_t order = UINT32_MAX;
  if (v < e->from->n_values) return v;
  NF_FOR_USES (u, e, v)
    if (e->node[nf_use_node(u)].order < order) order = e->node[nf_use_node(u)].order;
  return order;
}

// False where nodes are left that wait for each other.
static bool build(finish *f) {
  const nf_edit *e = f->e;
  size_t nodes = 0;
  for (nf_val v = 1; v < e->n_values; v++)
    if (is_leaf(&e->value[v]) && is_kept(&e->value[v])) put(&f->ready, key(place_of(e, v), v));
  for (nf_node_id i = 0; i < e->n_nodes; i++) {
    nodes += !e->node[i].dead;
    if (f->left) f->left[i] = !e->node[i].dead;
    if (!e->node[i].dead && !f->waits[i]) put(&f->ready, key(e->node[i].order, (uint32_t)(e->n_values + i)));
  }
  while (f->ready.n) {
    const uint32_t id = (uint32_t)get(&f->ready);
    if (id < e->n_values) {
      build_leaf(f, id);
    } else {
      build_node(f, id - (nf_node_id)e->n_values);
      nodes--;
    }
  }
  for (size_t i = 0; i < e->from->n_outputs && nodes == 0; i++)
    nf_build_output(&f->b, f->now[nf_edit_now(e, e->from->output[i])]);
  return nodes == 0;
}

nf_status nf_edit_finish(const nf_edit *e, nf_graph **out, bool *in_cycle) {
  finish f = {.e = e, .left = in_cycle};
  nf_arena a = {0};
  *out = NULL;
  NF_TRY(nf_builder_init(&f.b, e->from->name));
  f.now = nf_arena_alloc(&a, e->n_values, sizeof *f.now);
  f.writer = nf_arena_alloc(&a, e->n_values, sizeof *f.writer);
  f.waits = nf_arena_alloc(&a, e->n_nodes, sizeof *f.waits);
  f.ready.at = nf_arena_alloc(&a, e->n_values + e->n_nodes, sizeof *f.ready.at);
  const bool memory = f.now && f.writer && f.waits && f.ready.at;
  if (memory) count(&f);
  if (!memory) nf_builder_fail(&f.b, nf_graph_no_memory());
  const bool whole = memory && build(&f);
  nf_arena_deinit(&a);
  if (whole || !nf_is_ok(f.b.failed)) return nf_builder_finish(&f.b, out);
  nf_graph_destroy(f.b.graph);
  return nf_ok();
}
