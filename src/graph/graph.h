// SPDX-License-Identifier: Apache-2.0
// The graph: values and nodes in pure SSA, its builder, its verifier and its text form.
//
// A graph knows neither target nor addresses. Values and nodes stand in the order in which they were built:
// what a node needs has smaller indices than its results, and its results follow one another. Values
// keep stable names ("L3.attn.q") that later stages, verify and explain join on. A finished graph is
// immutable and may be read by any thread; a builder belongs to one thread.
#pragma once
#include "base/map.h"
#include "base/memory.h"
#include "graph/recipe.h"
#include "op/op.h"

typedef uint32_t nf_val;     // index of a value; 0: none
typedef uint32_t nf_node_id; // index of a node

typedef enum nf_value_kind {
  NF_VALUE_INPUT = 1,
  NF_VALUE_WEIGHT,
  NF_VALUE_POOL,
  NF_VALUE_RESULT
} nf_value_kind;

typedef struct nf_value {
  const char *name; // unique in the graph: letters, digits, '.', '_', '-'; not "_" alone
  nf_type type;
  nf_value_kind kind;
  nf_recipe recipe; // NF_VALUE_WEIGHT
  nf_node_id node;  // NF_VALUE_RESULT: who makes it
  int result;       // and as which of its results
} nf_value;

typedef struct nf_node {
  nf_op op;
  nf_attrs attr;
  nf_val in[NF_MAX_IN];   // 0: absent
  nf_val out[NF_MAX_OUT]; // 0: absent
} nf_node;
// Results that the node has or that stand before those: out[i] of i below it is 0 where one may be absent and
// is.
static inline int nf_node_results(const nf_node *n) {
  int i = nf_op_of(n->op)->n_out;
  while (i > 0 && n->out[i - 1] == 0) i--;
  return i;
}

typedef struct nf_graph {
  nf_arena arena; // owns names and recipes
  const char *name;
  nf_value *value; // [n_values], value[0] is unused
  size_t n_values, cap_values;
  nf_node *node; // [n_nodes]
  size_t n_nodes, cap_nodes;
  nf_val *output; // [n_outputs] what must be there after a run
  size_t n_outputs, cap_outputs;
  nf_map names;
} nf_graph;

static inline nf_status nf_graph_no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a graph"); }
void nf_graph_destroy(nf_graph *g);                        // NULL is fine
nf_val nf_graph_find(const nf_graph *g, const char *name); // 0 when there is none
nf_op_desc nf_graph_describe(const nf_graph *g, const nf_node *n);

// Weight i of those whose rows v joins, as a weight of its own, which begins at row *first of v's; with an
// ordinary weight i is 0 and the answer v.
int nf_weight_joins(const nf_value *v); // how many: 1 for an ordinary one
nf_value nf_weight_joined(const nf_value *v, int i, int64_t *first);
nf_status nf_recipe_copy(nf_arena *a, const nf_recipe *r, nf_recipe *out); // strings and all; out may be r

// ---- builder ----
// The first error sticks and later calls do nothing and return 0; nf_builder_finish reports it. So a model
// reads as a list of statements.
typedef struct nf_builder {
  nf_graph *graph;
  nf_status failed;
  char scope[32]; // put in front of names
} nf_builder;

nf_status nf_builder_init(nf_builder *b, const char *graph_name);
void nf_builder_scope(nf_builder *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));        // "" ends it
void nf_builder_fail(nf_builder *b, nf_status s); // takes the status; the first one stays
// A formatted name that lives as long as the graph; "" when it is too long or memory is out: the builder has
// failed.
const char *nf_build_name(nf_builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
nf_val nf_build_input(nf_builder *b, const char *name, nf_type type);
nf_val nf_build_pool(nf_builder *b, const char *name, nf_type type); // type.cache says which group
nf_val nf_build_weight(nf_builder *b, const char *name, nf_type type, nf_recipe recipe); // strings are copied
nf_val nf_build_leaf(nf_builder *b, const nf_value *v); // an input, pool or weight of another graph, as it is
void nf_build_output(nf_builder *b, nf_val v);
nf_val nf_build_result(nf_builder *b, nf_val v, int i); // result i of the node that makes v
nf_val nf_build_node(nf_builder *b, const char *name, nf_op op, const nf_val *in, const void *attrs);
// The same with a name for every result that is there, which the scope stands in front of too: name[0 ..
// results of op).
nf_val nf_build_named(nf_builder *b, const char *const *name, nf_op op, const nf_val *in, const void *attrs);
// Verifies and hands the graph over; on error everything is freed.
nf_status nf_builder_finish(nf_builder *b, nf_graph **out);

// nf_<op>_in: the operands of an op by name.
#define OPERAND(n, ...) nf_val n;
#define NF_OP(name, flags, in, out, attrs, what) \
  typedef struct nf_##name##_in {                \
    in nf_val none_;                             \
  } nf_##name##_in;
#include "op/ops.def"

// One node; its first result is named `name`, the others `name` + "." + the result's name:
//   nf_val q = NF_BUILD(b, "attn.q", linear, (x, w, bias), .out = act);
#define NF_BUILD(b, name, op, operands, ...)                                                   \
  nf_build_node((b), (name), NF_OP_##op, (const nf_val *)&(nf_##op##_in){NF_UNPAREN operands}, \
                &(nf_##op##_attrs){__VA_ARGS__})

// ---- verifier ----
// Order, names, types (every node's results are inferred again), pools used linearly (no use of a pool value
// that a later write has replaced), outputs. NF_BAD_INPUT names node and value.
nf_status nf_graph_verify(const nf_graph *g);
// What the builder refuses at once: name and type in order, a pool is a pool and nothing else is, a weight
// has constant extents and a recipe with scales if and only if it is quantised. NF_BAD_INPUT without the
// name.
nf_status nf_value_check(const nf_value *v);
bool nf_name_valid(const char *name);

// ---- text form ----
// One line per value or node; parse(print(g)) prints the same text. Grammar: docs/graph-text.md.
void nf_graph_print(const nf_graph *g, nf_text *out);
// One node's line without its results: "attention(L0.q, L0.kv.written, L0.sinks) scale=0.125 window=128".
void nf_graph_print_node(const nf_graph *g, const nf_node *n, nf_text *out);
void nf_attr_print(nf_op op, int i, const nf_attrs *attrs, nf_text *out);  // attribute i: "scale=0.125"
nf_status nf_graph_parse(nf_view text, const char *where, nf_graph **out); // NF_BAD_INPUT with line number
