// SPDX-License-Identifier: Apache-2.0
// One walk over the graph: each value comes into the new one in the layout that its reader asks for.
#include "compile/legalise.h"
#include <string.h>

typedef struct walk {
  const nf_graph *from;
  nf_builder b;
  nf_val *now;      // [n_values of `from`] the value in the new graph
  nf_val *unpadded; // and without its padding; 0: not made yet
  const nf_hw *hw;
  const nf_select_options *select;
} walk;

static const nf_type *type_of(const walk *w, nf_val v) { return &w->b.graph->value[v].type; }
static int64_t padded(const nf_type *t) { return t->padded[t->rank - 1]; }
static bool is_padded(const nf_type *t) { return t->rank > 0 && padded(t) != t->dim[t->rank - 1].c; }

static nf_val without_padding(walk *w, nf_val old) {
  nf_builder *b = &w->b;
  if (!w->unpadded[old])
    w->unpadded[old] =
        NF_BUILD(b, nf_build_name(b, "%s.unpadded", w->from->value[old].name), unpad, (w->now[old]), );
  return w->unpadded[old];
}

// The first operand with `to` columns in memory.
static nf_val with_padding(walk *w, nf_val old, int64_t to) {
  nf_builder *b = &w->b;
  const nf_val now = w->now[old];
  if (padded(type_of(w, now)) == to) return now;
  // Two readers may want different extents: the name tells which.
  const char *name = nf_build_name(b, "%s.padded%ld", w->from->value[old].name, (long)to);
  const nf_val made = *name ? nf_graph_find(b->graph, name) : 0;
  return made ? made : NF_BUILD(b, name, pad, (now), .to = to);
}

// How the node's kernels want their operand and their result: 0 where they do not care.
static void ask(const walk *w, const nf_node *n, const nf_val *in, int64_t *k, int64_t *cols) {
  nf_op_desc d = {.op = n->op, .attr = n->attr};
  for (int i = 0; i < nf_op_of(n->op)->n_in; i++)
    if (in[i]) d.in[i] = *type_of(w, in[i]);
  *k = *cols = 0;
  nf_status st = nf_op_infer(&d);
  if (nf_is_ok(st) && n->op == NF_OP_grouped_linear) {
    *k = nf_select_padded(w->hw, w->select, &d, NF_Q_K);
    *cols = nf_select_padded(w->hw, w->select, &d, NF_Q_N);
  }
  nf_status_free(st); // building the node will say what is wrong
}

static void lay_out(walk *w, const nf_node *n, nf_val *in, nf_attrs *attr) {
  const nf_op_info *info = nf_op_of(n->op);
  int64_t k, cols;
  for (int i = 0; i < info->n_in; i++) {
    const bool takes = info->flags & NF_OP_PADDED || w->from->value[n->in[i]].kind != NF_VALUE_RESULT;
    in[i] = n->in[i] && !takes && is_padded(type_of(w, w->now[n->in[i]])) ? without_padding(w, n->in[i])
                                                                          : w->now[n->in[i]];
  }
  ask(w, n, in, &k, &cols);
  if (n->op != NF_OP_grouped_linear) return;
  const int64_t is = type_of(w, in[0])->dim[type_of(w, in[0])->rank - 1].c;
  if (k > is)
    in[0] = with_padding(w, n->in[0], k);
  else if (is_padded(type_of(w, in[0])))
    in[0] = without_padding(w, n->in[0]);
  if (cols > w->from->value[n->out[0]].type.dim[2].c) attr->grouped_linear.pad = cols;
}

static void copy_node(walk *w, const nf_node *n) {
  nf_val in[NF_MAX_IN] = {0};
  nf_attrs attr = n->attr;
  const char *name[NF_MAX_OUT] = {0};
  lay_out(w, n, in, &attr);
  for (int i = 0, k = 0; i < nf_node_results(n); i++)
    if (n->out[i] != 0) name[k++] = w->from->value[n->out[i]].name;
  const nf_val first = nf_build_named(&w->b, name, n->op, in, &attr);
  for (int i = 0; i < nf_node_results(n); i++) w->now[n->out[i]] = nf_build_result(&w->b, first, i);
}

// What is computed comes out as it was asked for.
static void copy_outputs(walk *w) {
  const nf_graph *g = w->from;
  for (size_t i = 0; i < g->n_outputs && nf_is_ok(w->b.failed); i++) {
    const nf_val v = g->output[i];
    nf_build_output(&w->b, is_padded(type_of(w, w->now[v])) ? without_padding(w, v) : w->now[v]);
  }
}

static nf_status copy(walk *w, nf_graph **out) {
  const nf_graph *g = w->from;
  if (!w->now || !w->unpadded) return nf_error(NF_NO_MEMORY, "no memory to lay out graph %s", g->name);
  NF_TRY(nf_builder_init(&w->b, g->name));
  for (nf_val v = 1; v < g->n_values && nf_is_ok(w->b.failed); v++) {
    if (g->value[v].kind != NF_VALUE_RESULT)
      w->now[v] = nf_build_leaf(&w->b, &g->value[v]);
    else if (g->value[v].result == 0)
      copy_node(w, &g->node[g->value[v].node]);
  }
  copy_outputs(w);
  return nf_builder_finish(&w->b, out);
}

nf_status nf_legalise(const nf_graph *g, const nf_hw *hw, const nf_select_options *o, nf_graph **out) {
  walk w = {.from = g,
            .hw = hw,
            .select = o,
            .now = nf_alloc(g->n_values, sizeof *w.now),
            .unpadded = nf_alloc(g->n_values, sizeof *w.unpadded)};
  const nf_status st = copy(&w, out);
  nf_free(w.now);
  nf_free(w.unpadded);
  return nf_status_note(st, "laying out");
}
