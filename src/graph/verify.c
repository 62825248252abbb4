// SPDX-License-Identifier: Apache-2.0
// The verifier: what every finished graph keeps, whoever made it.
#include "graph/graph.h"
#include "graph/scan.h"
#include "graph/slice.h"
#include <string.h>

bool nf_name_valid(const char *name) {
  nf_scan l = {nf_view_of(name)};
  const nf_view word = nf_scan_word(&l);
  return word.at == name && !name[word.n] && word.n > 0 && word.n <= NF_SCAN_NAME && strcmp(name, "_") != 0;
}

static bool has_star(const char *name) {
  const char *star = strchr(name, '*');
  return star && !strchr(star + 1, '*');
}

// Rows that the tensor has, and of floats alone the other order of dimensions.
static nf_status check_source(const nf_value *v) {
  const nf_type whole = nf_slice_whole(&v->recipe.slice, v->type);
  const nf_rows *rows[] = {&v->recipe.rows, &v->recipe.scale_rows};
  const bool matrix = whole.rank > 1;
  for (int i = 0; i < 2; i++) {
    int64_t n = matrix ? whole.dim[whole.rank - 2].c : 0;
    if (i && nf_is_quantised(whole.dtype)) n = nf_scale_rows(whole.dtype, n);
    if (rows[i]->of && (!matrix || rows[i]->first < 0 || n > rows[i]->of || rows[i]->first > rows[i]->of - n))
      return nf_error(NF_BAD_INPUT, "the rows of a weight must be some that its tensor has");
  }
  if (v->recipe.scale_rows.of && (!v->recipe.scales || !v->recipe.stack))
    return nf_error(NF_BAD_INPUT, "rows of scales are those of a stack that has some");
  if (!v->recipe.transposed || (matrix && nf_is_float(whole.dtype) && !v->recipe.scales)) return nf_ok();
  return nf_error(NF_BAD_INPUT, "only matrices of floats may be stored transposed");
}

static nf_status check_groups(const nf_value *v) {
  const nf_row_groups *g = &v->recipe.groups;
  const nf_type whole = nf_slice_whole(&v->recipe.slice, v->type);
  const int together = nf_dtype_of(whole.dtype)->group_rows;
  int64_t width = 0;
  bool fine = g->n <= NF_MAX_SEGMENTS && whole.rank == 2 && !v->recipe.stack && !v->recipe.rows.of &&
              !v->recipe.transposed;
  for (int i = 0; fine && i < g->n; width += g->size[i++])
    fine = g->size[i] > 0 && g->size[i] <= whole.dim[0].c - width &&
           (together < 2 || g->size[i] % together == 0);
  if (g->n == 0 || (fine && whole.dim[0].c % width == 0)) return nf_ok();
  return nf_error(NF_BAD_INPUT,
                  "groups of rows must be those of a matrix, and have up to %d parts that are whole blocks",
                  NF_MAX_SEGMENTS);
}

// A weight that joins no others.
static nf_status check_recipe(const nf_value *v) {
  if (!v->recipe.tensor) return nf_error(NF_BAD_INPUT, "a weight must name its tensor");
  NF_TRY(nf_slice_check(&v->recipe.slice, &v->type));
  const int64_t stack = v->recipe.stack;
  if (stack && (v->type.rank < 2 || stack != nf_slice_whole(&v->recipe.slice, v->type).dim[0].c ||
                !has_star(v->recipe.tensor) ||
                (v->recipe.scales && !v->recipe.scale_rows.of && !has_star(v->recipe.scales))))
    return nf_error(NF_BAD_INPUT,
                    "a stacked weight must have one part for each of its first extent, and a '*' in "
                    "the names of its tensors");
  bool quantised = nf_dtype_of(v->type.dtype)->scale != NF_NONE;
  if (quantised && !v->recipe.scales)
    return nf_error(NF_BAD_INPUT, "%s weights must name their scales", nf_dtype_of(v->type.dtype)->name);
  if (!quantised && v->recipe.scales && (v->type.dtype != NF_F32 || v->type.rank < 2))
    return nf_error(NF_BAD_INPUT, "%s weights have no scales", nf_dtype_of(v->type.dtype)->name);
  NF_TRY(check_groups(v));
  return check_source(v);
}

// One of those that v joins; rows that share scales lie together in all but the last.
static nf_status check_joined(const nf_value *v, int i) {
  int64_t first;
  const nf_value one = nf_weight_joined(v, i, &first);
  const int group = nf_dtype_of(v->type.dtype)->group_rows;
  if (!one.name || !nf_name_valid(one.name) || one.recipe.n_joined || one.type.dim[0].c < 1)
    return nf_error(NF_BAD_INPUT, "joined weight %d must have a name, rows and a recipe of its own", i);
  if (group > 1 && i + 1 < v->recipe.n_joined && one.type.dim[0].c % group)
    return nf_error(NF_BAD_INPUT, "joined weight %s has no whole blocks of %d rows", one.name, group);
  return nf_status_note(check_recipe(&one), "joined weight %s", one.name);
}

static nf_status check_weight(const nf_value *v) {
  const nf_recipe *r = &v->recipe;
  for (int i = 0; i < v->type.rank; i++)
    if (v->type.dim[i].sym != NF_CONST) return nf_error(NF_BAD_INPUT, "a weight must have constant extents");
  if (!r->n_joined) return check_recipe(v);
  int64_t rows = 0;
  if (r->tensor || r->scales || r->stack || r->slice.world || r->zero_but_rank0 || r->n_joined < 2 ||
      r->n_joined > NF_MAX_JOINED || v->type.rank < 1 || v->type.rank > 2)
    return nf_error(NF_BAD_INPUT, "a weight of other weights' rows joins 2 to %d of them and nothing else",
                    NF_MAX_JOINED);
  for (int i = 0; i < r->n_joined; i++) {
    NF_TRY(check_joined(v, i));
    if (r->joined[i].rows > v->type.dim[0].c - rows) break;
    rows += r->joined[i].rows;
  }
  if (rows == v->type.dim[0].c) return nf_ok();
  return nf_error(NF_BAD_INPUT, "the joined weights' rows must be those of the weight");
}

nf_status nf_value_check(const nf_value *v) {
  if (!nf_name_valid(v->name))
    return nf_error(NF_BAD_INPUT, "the name must be 1 to %d letters, digits, '.', '_' or '-', and not '_'",
                    NF_SCAN_NAME);
  NF_TRY(nf_type_check(&v->type));
  bool pool = v->type.cache != NF_NO_CACHE;
  if (v->kind == NF_VALUE_POOL && !pool)
    return nf_error(NF_BAD_INPUT, "a pool's type must name its cache group");
  if (v->kind <= NF_VALUE_WEIGHT && pool)
    return nf_error(NF_BAD_INPUT, "only a pool's type names a cache group");
  return v->kind == NF_VALUE_WEIGHT ? check_weight(v) : nf_ok();
}

typedef struct verifier {
  const nf_graph *g;
  nf_node_id *replaced_by; // [n_values] 0, or 1 + the node that wrote the pool value
} verifier;

static nf_status verify_value(const nf_graph *g, nf_val v) {
  const nf_value *value = &g->value[v];
  nf_val found;
  if (!value->name) return nf_error(NF_BAD_INPUT, "value %u has no name", (unsigned)v);
  if (value->kind < NF_VALUE_INPUT || value->kind > NF_VALUE_RESULT)
    return nf_error(NF_BAD_INPUT, "%s: kind %d does not exist", value->name, (int)value->kind);
  NF_TRY(nf_value_check(value), "%s", value->name);
  if (!nf_map_find(&g->names, value->name, strlen(value->name), &found) || found != v)
    return nf_error(NF_BAD_INPUT, "%s: the name leads to another value", value->name);
  if (value->kind != NF_VALUE_RESULT) return nf_ok();
  bool made = value->node < g->n_nodes && value->result >= 0 &&
              value->result < nf_op_of(g->node[value->node].op)->n_out &&
              g->node[value->node].out[value->result] == v;
  return made ? nf_ok() : nf_error(NF_BAD_INPUT, "%s: no node makes it", value->name);
}

// Operands stand before results, results one after the other and after those of earlier nodes.
static nf_status verify_order(const nf_graph *g, nf_node_id id, nf_val *last) {
  const nf_node *n = &g->node[id];
  const nf_op_info *info = nf_op_of(n->op);
  for (int i = 0; i < info->n_out; i++) {
    nf_val v = n->out[i];
    if (!v && info->out[i].may) continue;
    if (!v || v >= g->n_values)
      return nf_error(NF_BAD_INPUT, "node %u: result %s is missing", id, info->out[i].name);
    const nf_value *value = &g->value[v];
    if (value->kind != NF_VALUE_RESULT || value->node != id || value->result != i)
      return nf_error(NF_BAD_INPUT, "%s: is not the result of node %u", value->name, id);
    if (i ? v != *last + 1 : v <= *last)
      return nf_error(NF_BAD_INPUT, "%s: stands out of order", value->name);
    *last = v;
  }
  for (int i = 0; i < info->n_in; i++) {
    if (n->in[i] < n->out[0]) continue;
    return nf_error(NF_BAD_INPUT, "%s: operand %s does not stand before it", g->value[n->out[0]].name,
                    info->in[i].name);
  }
  return nf_ok();
}

static nf_status verify_types(const nf_graph *g, const nf_node *n) {
  const char *name = g->value[n->out[0]].name;
  nf_op_desc d = nf_graph_describe(g, n);
  NF_TRY(nf_op_infer(&d), "%s", name);
  for (int i = 0; i < nf_op_of(n->op)->n_out; i++) {
    const nf_value *v = &g->value[n->out[i]];
    if (nf_type_equal(&d.out[i], &v->type)) continue;
    if (!n->out[i] || d.out[i].dtype == NF_NONE)
      return nf_error(NF_BAD_INPUT, "%s: result %s is %s", name, nf_op_of(n->op)->out[i].name,
                      n->out[i] ? "there but must not be" : "missing");
    return nf_error(NF_BAD_INPUT, "%s: is %s but must be %s", v->name, nf_type_text_of(&v->type).at,
                    nf_type_text_of(&d.out[i]).at);
  }
  return nf_ok();
}

static nf_status verify_pools(const verifier *f, nf_node_id id) {
  const nf_node *n = &f->g->node[id];
  const nf_op_info *info = nf_op_of(n->op);
  const nf_value *value = f->g->value;
  for (int i = 0; i < info->n_in; i++) {
    nf_node_id writer = f->replaced_by[n->in[i]];
    if (n->in[i] == 0 || writer == 0) continue;
    return nf_error(NF_BAD_INPUT, "%s: uses %s, which %s has replaced", value[n->out[0]].name,
                    value[n->in[i]].name, value[f->g->node[writer - 1].out[0]].name);
  }
  for (int i = 0; i < info->n_out; i++)
    if (info->out[i].alias >= 0) f->replaced_by[n->in[info->out[i].alias]] = id + 1;
  return nf_ok();
}

static nf_status verify_outputs(const verifier *f) {
  const nf_graph *g = f->g;
  for (size_t i = 0; i < g->n_outputs; i++) {
    nf_val v = g->output[i];
    if (!v || v >= g->n_values)
      return nf_error(NF_BAD_INPUT, "output %zu: value %u does not exist", i, (unsigned)v);
    if (f->replaced_by[v])
      return nf_error(NF_BAD_INPUT, "output %s: a later node has replaced it", g->value[v].name);
    for (size_t j = 0; j < i; j++)
      if (g->output[j] == v) return nf_error(NF_BAD_INPUT, "output %s: is listed twice", g->value[v].name);
  }
  return nf_ok();
}

static nf_status verify(const verifier *f) {
  const nf_graph *g = f->g;
  nf_val last = 0;
  for (nf_node_id id = 0; id < g->n_nodes; id++)
    if ((unsigned)g->node[id].op >= NF_OP_COUNT)
      return nf_error(NF_BAD_INPUT, "node %u: op %d does not exist", id, (int)g->node[id].op);
  for (nf_val v = 1; v < g->n_values; v++) NF_TRY(verify_value(g, v));
  for (nf_node_id id = 0; id < g->n_nodes; id++) {
    NF_TRY(verify_order(g, id, &last));
    NF_TRY(verify_types(g, &g->node[id]));
    NF_TRY(verify_pools(f, id));
  }
  return verify_outputs(f);
}

nf_status nf_graph_verify(const nf_graph *g) {
  verifier f = {g, nf_alloc(g->n_values, sizeof(nf_node_id))};
  if (!f.replaced_by) return nf_error(NF_NO_MEMORY, "no memory to verify graph %s", g->name);
  nf_status st = verify(&f);
  nf_free(f.replaced_by);
  return nf_status_note(st, "graph %s", g->name);
}
