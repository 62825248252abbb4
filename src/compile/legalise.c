// SPDX-License-Identifier: Apache-2.0
// One walk over the graph: the operands of each node are laid out as its kernels ask for.
#include "compile/internal.h"
#include "graph/edit.h"

typedef struct walk {
  nf_edit e;
  const nf_hw *hw;
  const nf_select_options *select;
} walk;

static int64_t columns(const nf_type *t) { return t->dim[t->rank - 1].c; }
static bool is_padded(const nf_type *t) { return t->rank > 0 && t->padded[t->rank - 1] != columns(t); }
static const nf_type *type_of(const nf_edit *e, nf_val v) { return &e->value[v].v.type; }

static nf_status unpad(nf_edit *e, uint32_t order, nf_val v, nf_val *out) {
  const char *name = nf_arena_printf(&e->arena, "%s.unpadded", e->value[v].v.name);
  return nf_edit_insert(e, order, &(nf_node){.op = NF_OP_unpad, .in = {v}}, name, out);
}

static nf_status unpad_operand(nf_edit *e, nf_node_id id, int k) {
  nf_val v = 0;
  NF_TRY(unpad(e, e->node[id].order, e->node[id].n.in[k], &v));
  nf_edit_set(e, id, k, v);
  return nf_ok();
}

// The first operand gets `to` columns in memory.
static nf_status pad_operand(nf_edit *e, nf_node_id id, int64_t to) {
  nf_val v = e->node[id].n.in[0];
  const nf_type *t = type_of(e, v);
  if (t->padded[t->rank - 1] == to) return nf_ok();
  // Two readers may want different extents: the name tells which.
  const char *name = nf_arena_printf(&e->arena, "%s.padded%ld", e->value[v].v.name, (long)to);
  const nf_node pad = {.op = NF_OP_pad, .attr.pad = {.to = to}, .in = {v}};
  NF_TRY(nf_edit_insert(e, e->node[id].order, &pad, name, &v));
  nf_edit_set(e, id, 0, v);
  return nf_ok();
}

// What the kernels of a node want that may take padding, or give it: an op with an attribute for the padding
// of its result takes an operand's only where they ask for it; others hand it on.
static nf_status lay_out(walk *w, nf_node_id id) {
  nf_edit *e = &w->e;
  const nf_op_desc d = nf_edit_describe(e, id);
  const bool takes = nf_op_of(d.op)->flags & NF_OP_PADDED;
  int64_t *pad = nf_op_pad(d.op, &e->node[id].n.attr);
  const int64_t k = takes ? nf_select_padded(w->hw, w->select, &d, NF_Q_K) : 0,
                n = pad ? nf_select_padded(w->hw, w->select, &d, NF_Q_N) : 0;
  if (pad && n > columns(&d.out[0])) *pad = n;
  if (k > 0 && k > columns(&d.in[0]))
    NF_TRY(pad_operand(e, id, k));
  else if (takes && pad && is_padded(&d.in[0]))
    NF_TRY(unpad_operand(e, id, 0));
  return nf_edit_infer(e, id);
}

static nf_status lay_out_node(walk *w, nf_node_id id) {
  nf_edit *e = &w->e;
  const nf_op_info *info = nf_op_of(e->node[id].n.op);
  for (int k = 0; k < info->n_in && !(info->flags & NF_OP_PADDED); k++) {
    const nf_val v = e->node[id].n.in[k];
    if (v && e->value[v].v.kind == NF_VALUE_RESULT && is_padded(type_of(e, v)))
      NF_TRY(unpad_operand(e, id, k));
  }
  NF_TRY(nf_edit_infer(e, id));
  return lay_out(w, id);
}

// What is computed comes out as it was asked for.
static nf_status lay_out_output(nf_edit *e, nf_val v) {
  nf_val out = 0;
  if (is_padded(type_of(e, v))) NF_TRY(unpad(e, (uint32_t)e->from->n_values, v, &out));
  e->value[v].instead = out;
  return nf_ok();
}

static nf_status lay_out_graph(walk *w, const nf_graph *g, nf_graph **out) {
  NF_TRY(nf_edit_init(&w->e, g));
  for (nf_node_id i = 0; i < g->n_nodes; i++) NF_TRY(lay_out_node(w, i));
  for (size_t i = 0; i < g->n_outputs; i++) NF_TRY(lay_out_output(&w->e, g->output[i]));
  return nf_edit_finish(&w->e, out, NULL);
}

nf_status nf_legalise(const nf_graph *g, const nf_hw *hw, const nf_select_options *o, nf_graph **out) {
  walk w = {.hw = hw, .select = o};
  const nf_status st = lay_out_graph(&w, g, out);
  nf_edit_deinit(&w.e);
  return nf_status_note(st, "laying out");
}
