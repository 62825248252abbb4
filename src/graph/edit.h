// SPDX-License-Identifier: Apache-2.0
// A graph that is being changed: the finished one's values and nodes with their users, and where new ones go.
// Values keep their numbers and names; a node that replaces others makes the same values.
#pragma once
#include "graph/graph.h"

typedef uint32_t nf_use; // 1 + node * NF_MAX_IN + operand; 0: none
static inline nf_node_id nf_use_node(nf_use u) { return (u - 1) / NF_MAX_IN; }

typedef struct nf_edit_value {
  nf_value v;
  nf_use uses; // first of a chain
  uint32_t n_uses;
  nf_val instead; // what stands for it now, once it is gone, or comes out for an output; else 0
  bool output;
} nf_edit_value;

typedef struct nf_edit_node {
  nf_node n;
  bool dead;
  uint32_t order; // its place: that of the last node it replaces. Ties: by number
  nf_use next[NF_MAX_IN], previous[NF_MAX_IN];
} nf_edit_node;

typedef struct nf_edit {
  const nf_graph *from; // must outlive it: names and recipes are borrowed
  nf_arena arena;       // names of new values
  nf_edit_value *value;
  nf_edit_node *node;
  uint32_t *mark; // [cap_mark] of walks, by node
  size_t n_values, cap_values, n_nodes, cap_nodes, cap_mark;
  uint32_t walk;
  nf_map names; // of new values
} nf_edit;

static inline nf_use nf_use_next(const nf_edit *e, nf_use u) {
  return e->node[nf_use_node(u)].next[(u - 1) % NF_MAX_IN];
}
#define NF_FOR_USES(u, e, v) for (nf_use u = (e)->value[v].uses; u; u = nf_use_next((e), u))

nf_status nf_edit_init(nf_edit *e, const nf_graph *g);
void nf_edit_deinit(nf_edit *e);                // a zeroed one is fine
nf_val nf_edit_now(const nf_edit *e, nf_val v); // what stands for v
nf_op_desc nf_edit_describe(const nf_edit *e, nf_node_id id);
const char *nf_edit_name(const nf_edit *e, nf_node_id id); // of its first result
void nf_edit_set(nf_edit *e, nf_node_id id, int operand, nf_val v);
void nf_edit_kill(nf_edit *e, nf_node_id id);
void nf_edit_move_users(nf_edit *e, nf_val v, nf_val to); // who used v uses `to`
// `with` stands for v from now on. v is no output.
void nf_edit_instead(nf_edit *e, nf_val v, nf_val with);
// The node that makes v makes w, of the same type, from now on, and w stands for v. v is a node's result and
// no output; who made w is dead.
void nf_edit_rename(nf_edit *e, nf_val v, nf_val w);
// The node's results get the types that its operands and attributes give now. NF_BAD_INPUT names its first.
nf_status nf_edit_infer(nf_edit *e, nf_node_id id);
// A node like this, with one result called `name` (in e's arena; NULL: memory is out), at place `order`: in
// front of a node of that order which uses it. *out is what was inserted under that name before, if it was.
nf_status nf_edit_insert(nf_edit *e, uint32_t order, const nf_node *like, const char *name, nf_val *out);
// Who makes v makes "v.suffix" from now on, and a node like this makes v of it. v is a node's result.
nf_status nf_edit_behind(nf_edit *e, nf_val v, const nf_node *like, const char *suffix);
// Takes away nodes that nothing needs: no output, no pool depends on them.
void nf_edit_sweep(nf_edit *e);

// n nodes (at most 64, what they need before them) are replaced by those of `part`, whose inputs and pools
// leaf[i] stand for outside[i] (0: absent), whose weights are new, and which makes inside[i] as its yield[i].
typedef struct nf_splice {
  const nf_node_id *node;
  size_t n_nodes;
  const nf_graph *part;
  const nf_val *leaf, *outside;
  size_t n_leaves;
  const nf_val *yield, *inside;
  size_t n_yields;
} nf_splice;
nf_status nf_edit_splice(nf_edit *e, const nf_splice *s);
// Whether some of the `outside` depend on what `node` makes by a way around: replacing would close a cycle.
nf_status nf_edit_circular(nf_edit *e, const nf_splice *s, bool *out);

// The graph as it is now, verified: nodes in their places as far as their operands allow, a pool's readers
// before its writer. *out NULL and OK: there is a cycle, and in_cycle (unless NULL; [n_nodes]) tells which
// nodes it keeps out.
nf_status nf_edit_finish(const nf_edit *e, nf_graph **out, bool *in_cycle);
