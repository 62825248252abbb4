// SPDX-License-Identifier: Apache-2.0
// Graphs as text, as docs/graph-text.md has it: one line per value or node, in the order in which they were
// built, then the outputs.
#include "graph/graph.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_string(const char *s, nf_text *out) {
  nf_text_append(out, "\"", 1);
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c < 32 || c == 127 || c == '"' || c == '\\') {
      nf_text_printf(out, "\\x%02x", c);
    } else {
      nf_text_append(out, s, 1);
    }
  }
  nf_text_append(out, "\"", 1);
}

static void print_typed(const nf_value *v, nf_text *out) {
  nf_text_printf(out, "%s : %s", v->name, nf_type_text_of(&v->type).at);
}

static void print_slice(const nf_slice *c, nf_text *out) {
  nf_text_printf(out, " slice %d world %d", c->dim, c->world);
  if (c->copies != 1) nf_text_printf(out, " copies %d", c->copies);
  for (int i = 0; i < c->n; i++)
    nf_text_printf(out, "%s%" PRId64 "/%" PRId64, i ? "," : " [", c->segment[i].size, c->segment[i].unit);
  nf_text_append(out, "]", 1);
}

static void print_rows(const char *word, const nf_rows *r, nf_text *out) {
  if (r->of) nf_text_printf(out, " %s %" PRId64 " of %" PRId64, word, r->first, r->of);
}

static void print_groups(const nf_row_groups *g, nf_text *out) {
  for (int i = 0; i < g->n; i++) nf_text_printf(out, "%s%" PRId64, i ? "," : " groups [", g->size[i]);
  if (g->n) nf_text_append(out, "]", 1);
}

static void print_recipe(const nf_recipe *r, nf_text *out) {
  for (int i = 0; i < r->n_joined; i++) {
    nf_text_printf(out, "%s%s %" PRId64 " ", i ? ", " : "{", r->joined[i].name, r->joined[i].rows);
    print_recipe(&r->joined[i].recipe, out);
  }
  if (r->n_joined) {
    nf_text_append(out, "}", 1);
    return;
  }
  print_string(r->tensor, out);
  if (r->scales) {
    nf_text_printf(out, " scales ");
    print_string(r->scales, out);
  }
  if (r->transposed) nf_text_printf(out, " transposed");
  print_rows("rows", &r->rows, out);
  print_groups(&r->groups, out);
  print_rows("scale_rows", &r->scale_rows, out);
  if (r->stack) nf_text_printf(out, " stack %" PRId64, r->stack);
  if (r->slice.world) print_slice(&r->slice, out);
  if (r->zero_but_rank0) nf_text_printf(out, " zero_but_rank0");
}

static void print_leaf(const nf_value *v, nf_text *out) {
  static const char *const words[] = {
      [NF_VALUE_INPUT] = "input", [NF_VALUE_WEIGHT] = "weight", [NF_VALUE_POOL] = "pool"};
  nf_text_printf(out, "%s ", words[v->kind]);
  print_typed(v, out);
  if (v->kind == NF_VALUE_WEIGHT) {
    nf_text_printf(out, " = ");
    print_recipe(&v->recipe, out);
  }
  nf_text_append(out, "\n", 1);
}

// A shape is printed as the type that has it, without the dtype.
static void print_shape(const nf_shape *s, nf_text *out) {
  const nf_type t = nf_type_make(NF_U8, s->dim, (size_t)s->rank);
  nf_text_printf(out, "%s", nf_type_text_of(&t).at + 2);
}

// The fewest digits that read back as the same float: 1e-05, not 9.99999975e-06; and 150000, not 1.5e+05.
static void print_real(float x, nf_text *out) {
  char text[32];
  if (fabsf(x) < 1e7f && x == truncf(x)) {
    nf_text_printf(out, "%.0f", (double)x);
    return;
  }
  for (int digits = 1; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)x);
    if (strtof(text, NULL) == x) break;
  }
  nf_text_printf(out, "%s", text);
}

void nf_attr_print(nf_op op, int i, const nf_attrs *attrs, nf_text *out) {
  const struct nf_attr_info *a = &nf_op_of(op)->attr[i];
  const void *at = (const char *)attrs + a->offset;
  nf_text_printf(out, "%s=", a->name);
  switch (a->kind) {
  case NF_ATTR_REAL:
    print_real(*(const float *)at, out);
    break;
  case NF_ATTR_INT:
    nf_text_printf(out, "%" PRId64, *(const int64_t *)at);
    break;
  case NF_ATTR_FLAG:
    nf_text_printf(out, "%d", *(const bool *)at);
    break;
  case NF_ATTR_DTYPE:
    nf_text_printf(out, "%s", nf_dtype_of(*(const nf_dtype *)at)->name);
    break;
  case NF_ATTR_SHAPE:
    print_shape(at, out);
    break;
  }
}

void nf_graph_print_node(const nf_graph *g, const nf_node *n, nf_text *out) {
  const nf_op_info *info = nf_op_of(n->op);
  int n_in = info->n_in;
  while (n_in && !n->in[n_in - 1]) n_in--;
  nf_text_printf(out, "%s(", info->name);
  for (int i = 0; i < n_in; i++)
    nf_text_printf(out, "%s%s", i ? ", " : "", n->in[i] ? g->value[n->in[i]].name : "_");
  nf_text_printf(out, ")");
  static const nf_attrs none;
  for (int i = 0; i < info->n_attr; i++) {
    if (nf_attr_equal(n->op, i, &n->attr, &none)) continue;
    nf_text_append(out, " ", 1);
    nf_attr_print(n->op, i, &n->attr, out);
  }
}

static void print_node(const nf_graph *g, const nf_node *n, nf_text *out) {
  for (int i = 0; i < nf_node_results(n); i++) {
    if (n->out[i] == 0) continue;
    if (i) nf_text_printf(out, ", ");
    print_typed(&g->value[n->out[i]], out);
  }
  nf_text_printf(out, " = ");
  nf_graph_print_node(g, n, out);
  nf_text_append(out, "\n", 1);
}

void nf_graph_print(const nf_graph *g, nf_text *out) {
  nf_text_printf(out, "graph %s\n", g->name);
  for (nf_val i = 1; i < g->n_values; i++) {
    const nf_value *v = &g->value[i];
    if (v->kind != NF_VALUE_RESULT) {
      print_leaf(v, out);
    } else if (v->result == 0) {
      print_node(g, &g->node[v->node], out);
    }
  }
  for (size_t i = 0; i < g->n_outputs; i++) nf_text_printf(out, "output %s\n", g->value[g->output[i]].name);
}
