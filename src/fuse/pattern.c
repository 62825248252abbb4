// SPDX-License-Identifier: Apache-2.0
// Patterns made ready for the matcher: built on an example, put into an order in which each node is connected
// to those before it, and held against the replacement.
#include "fuse/pattern.h"
#include <string.h>

const nf_example nf_plain_example = {
    .dtype = NF_BF16, .weight = NF_BF16, .columns = 64, .padded = 96, .eps = 1e-5f, .flag = false};

__attribute__((format(printf, 2, 3))) static nf_status wrong(const nf_rule *r, const char *fmt, ...) {
  char text[NF_LINE];
  va_list args;
  va_start(args, fmt);
  nf_line(text, fmt, args);
  va_end(args);
  return nf_error(NF_BAD_INPUT, "rule %s: %s", r->name, text);
}

// ---- the pattern ----

static nf_status build_pattern(nf_pattern *p, const nf_example *e) {
  nf_builder b;
  NF_TRY(nf_builder_init(&b, p->rule->name));
  p->side = (nf_side){.b = &b, .rule = p->rule, .example = e};
  p->rule->pattern(&p->side);
  for (int i = 0; i < p->side.n_yields; i++) nf_build_output(&b, p->side.yield[i]);
  p->side.b = NULL;
  NF_TRY(nf_builder_finish(&b, &p->graph), "pattern");
  const nf_graph *g = p->graph;
  if (g->n_values > NF_MAX_PATTERN_VALUES || g->n_nodes > NF_MAX_PATTERN_NODES)
    return wrong(p->rule, "the pattern has %zu nodes and %zu values; at most %d and %d", g->n_nodes,
                 g->n_values - 1, NF_MAX_PATTERN_NODES, NF_MAX_PATTERN_VALUES - 1);
  return g->n_nodes ? nf_ok() : wrong(p->rule, "the pattern has no node");
}

static nf_status note_values(nf_pattern *p) {
  const nf_graph *g = p->graph;
  for (int i = 0; i < p->side.n_leaves; i++) p->leaf[p->side.leaf[i].v] = (int8_t)(i + 1);
  for (int i = 0; i < p->side.n_yields; i++) {
    const nf_val v = p->side.yield[i];
    if (g->value[v].kind != NF_VALUE_RESULT)
      return wrong(p->rule, "%s is yielded but not made", g->value[v].name);
    p->yielded[v] = true;
  }
  return p->side.n_yields ? nf_ok() : wrong(p->rule, "nothing is yielded");
}

static nf_status note_any(nf_pattern *p, nf_val v, const char *attr) {
  const nf_value *value = &p->graph->value[v];
  if (value->kind != NF_VALUE_RESULT) return wrong(p->rule, "%s has no attributes", value->name);
  const nf_op_info *info = nf_op_of(p->graph->node[value->node].op);
  for (int i = 0; i < info->n_attr; i++) {
    if (strcmp(info->attr[i].name, attr) != 0) continue;
    p->any[value->node] |= 1u << i;
    return nf_ok();
  }
  return wrong(p->rule, "%s has no attribute %s", info->name, attr);
}

// ---- the order of the nodes ----

static bool has(const nf_val *list, int n, nf_val v) {
  for (int i = 0; i < n; i++)
    if (list[i] == v) return v != 0;
  return false;
}

// How a node is connected to known values: it makes one, or uses one, one that is made rather than a leaf.
static bool connected(const nf_pattern *p, nf_node_id id, const bool *known, nf_pattern_step *out) {
  const nf_node *n = &p->graph->node[id];
  *out = (nf_pattern_step){.node = id};
  for (int r = 0; r < NF_MAX_OUT; r++)
    if (n->out[r] && known[n->out[r]]) *out = (nf_pattern_step){id, n->out[r], true};
  for (int k = 0; k < NF_MAX_IN && !out->makes; k++) {
    const nf_val v = n->in[k];
    if (v && known[v] && (!out->by || p->leaf[out->by])) out->by = v;
  }
  return out->by != 0;
}

static void know(const nf_pattern *p, nf_node_id id, bool *known) {
  const nf_node *n = &p->graph->node[id];
  for (int k = 0; k < NF_MAX_IN; k++) known[n->in[k]] |= n->in[k] != 0;
  for (int r = 0; r < NF_MAX_OUT; r++) known[n->out[r]] |= n->out[r] != 0;
}

// The node to go on with: one that makes what is known before one that uses it, a made value before a leaf.
static bool next_step(const nf_pattern *p, const bool *done, const bool *known, nf_pattern_step *out) {
  int best = 0;
  for (nf_node_id id = 0; id < p->graph->n_nodes; id++) {
    nf_pattern_step s;
    if (done[id] || !connected(p, id, known, &s)) continue;
    const int rank = s.makes ? 3 : p->leaf[s.by] ? 1 : 2;
    if (rank <= best) continue;
    best = rank;
    *out = s;
  }
  return best > 0;
}

static nf_status order_nodes(nf_pattern *p) {
  bool done[NF_MAX_PATTERN_NODES] = {true}, known[NF_MAX_PATTERN_VALUES] = {false};
  know(p, 0, known);
  for (size_t i = 1; i < p->graph->n_nodes; i++) {
    if (!next_step(p, done, known, &p->step[i])) return wrong(p->rule, "the pattern is not connected");
    done[p->step[i].node] = true;
    know(p, p->step[i].node, known);
  }
  return nf_ok();
}

// ---- the replacement ----

static void print_types(const nf_graph *g, const nf_val *yield, int n, nf_text *out) {
  for (int i = 0; i < n; i++) {
    const nf_value *v = &g->value[yield[i]];
    nf_text_printf(out, "%s%s : %s", i ? ", " : "", v->name, nf_type_text_of(&v->type).at);
  }
}

// Both sides in full, where the rule is wrong itself.
static nf_status disagree(const nf_pattern *p, const nf_replacement *r) {
  nf_text text = {0};
  nf_text_printf(&text, "the pattern yields ");
  print_types(p->graph, p->side.yield, p->side.n_yields, &text);
  nf_text_printf(&text, "; the replacement yields ");
  print_types(r->graph, r->yield, r->n_yields, &text);
  nf_status st = nf_text_status(&text);
  if (nf_is_ok(st)) st = wrong(p->rule, "%s", text.at);
  nf_text_deinit(&text);
  return st;
}

// An output can't be stood for by another value, since it is known by its name.
static nf_status check_yields(const nf_match *m, const nf_replacement *r) {
  for (int i = 0; i < r->n_yields; i++) {
    const nf_edit_value *v = &m->edit->value[r->inside[i]];
    const nf_value *by = &r->graph->value[r->yield[i]];
    const bool renamed = by->kind != NF_VALUE_RESULT || has(r->yield, i, r->yield[i]);
    if (!nf_type_equal(&by->type, &v->v.type))
      return nf_error(NF_BAD_INPUT, "would make %s as %s, which is %s", v->v.name,
                      nf_type_text_of(&by->type).at, nf_type_text_of(&v->v.type).at);
    if (renamed && v->output) return nf_error(NF_BAD_INPUT, "%s is an output and would go", v->v.name);
  }
  return nf_ok();
}

// Leaves of the match's types; absent ones stay away.
static void bind_leaves(const nf_match *m, nf_side *s, nf_replacement *r) {
  const nf_side *p = &m->pattern->side;
  for (int i = 0; i < p->n_leaves; i++) {
    const nf_val v = m->value[p->leaf[i].v];
    s->leaf[i].name = p->leaf[i].name;
    s->n_leaves = i + 1;
    if (!v) continue;
    s->leaf[i].v = nf_build_outside(s->b, p->leaf[i].name, m->edit->value[v].v.type);
    r->leaf[r->n_leaves] = s->leaf[i].v;
    r->outside[r->n_leaves++] = v;
  }
}

static nf_status build_replacement(const nf_match *m, nf_replacement *r) {
  nf_builder b;
  NF_TRY(nf_builder_init(&b, m->pattern->rule->name));
  nf_side s = {.b = &b, .rule = m->pattern->rule, .match = m};
  bind_leaves(m, &s, r);
  m->pattern->rule->replacement(&s);
  NF_TRY(nf_builder_finish(&b, &r->graph));
  memcpy(r->yield, s.yield, sizeof r->yield);
  r->n_yields = s.n_yields;
  for (int i = 0; i < m->pattern->side.n_yields; i++) r->inside[i] = m->value[m->pattern->side.yield[i]];
  for (int i = 0; i < r->n_yields; i++)
    if (!r->yield[i]) return wrong(m->pattern->rule, "the replacement yields nothing as number %d", i);
  if (r->n_yields != m->pattern->side.n_yields) return disagree(m->pattern, r);
  return nf_ok();
}

nf_status nf_replacement_build(const nf_match *m, nf_replacement *out) {
  *out = (nf_replacement){0};
  nf_status st = build_replacement(m, out);
  if (nf_is_ok(st)) st = check_yields(m, out);
  if (!nf_is_ok(st)) nf_replacement_deinit(out);
  return st;
}

void nf_replacement_deinit(nf_replacement *r) {
  nf_graph_destroy(r->graph);
  *r = (nf_replacement){0};
}

nf_splice nf_replacement_splice(const nf_match *m, const nf_replacement *r,
                                nf_node_id node[NF_MAX_PATTERN_NODES]) {
  const size_t n = m->pattern->graph->n_nodes;
  for (size_t i = 0; i < n; i++) node[i] = m->node[i] - 1;
  return (nf_splice){.node = node,
                     .n_nodes = n,
                     .part = r->graph,
                     .leaf = r->leaf,
                     .outside = r->outside,
                     .n_leaves = (size_t)r->n_leaves,
                     .yield = r->yield,
                     .inside = r->inside,
                     .n_yields = (size_t)r->n_yields};
}

nf_status nf_replacement_fit(const nf_match *m, nf_edit *e, nf_arena *a, nf_replacement *out,
                             const char **unfit) {
  nf_node_id node[NF_MAX_PATTERN_NODES];
  bool circular;
  nf_status st = nf_replacement_build(m, out);
  *unfit = NULL;
  if (nf_status_code(st) == NF_BAD_INPUT) {
    *unfit = nf_arena_printf(a, "%s", nf_status_message(st));
    nf_status_free(st);
    return *unfit ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to fuse a graph");
  }
  NF_TRY(st);
  const nf_splice s = nf_replacement_splice(m, out, node);
  NF_TRY(nf_edit_circular(e, &s, &circular));
  if (circular) *unfit = "something between its nodes needs one and is needed by another";
  return nf_ok();
}

// ---- registration ----

// The pattern matched with itself: its replacement must yield what it yields.
static nf_status check_replacement(const nf_pattern *p) {
  nf_edit e;
  nf_replacement r = {0};
  nf_match m = {.pattern = p, .edit = &e};
  NF_TRY(nf_edit_init(&e, p->graph));
  for (nf_val v = 1; v < p->graph->n_values; v++) {
    m.value[v] = v;
    e.value[v].output = false;
  }
  for (nf_node_id i = 0; i < p->graph->n_nodes; i++) m.node[i] = i + 1;
  nf_status st = build_replacement(&m, &r);
  bool same = nf_is_ok(st);
  for (int i = 0; same && i < r.n_yields; i++)
    same = nf_type_equal(&r.graph->value[r.yield[i]].type, &p->graph->value[p->side.yield[i]].type);
  if (nf_is_ok(st) && !same) st = disagree(p, &r);
  nf_replacement_deinit(&r);
  nf_edit_deinit(&e);
  return st;
}

static nf_status init(nf_pattern *p, const nf_example *e) {
  NF_TRY(build_pattern(p, e));
  NF_TRY(note_values(p));
  for (int i = 0; i < p->side.n_any; i++) NF_TRY(note_any(p, p->side.any[i].v, p->side.any[i].attr));
  NF_TRY(order_nodes(p));
  return check_replacement(p);
}

nf_status nf_pattern_init(nf_pattern *p, const nf_rule *rule, const nf_example *e) {
  *p = (nf_pattern){.rule = rule};
  nf_status st = init(p, e);
  if (!nf_is_ok(st)) nf_pattern_deinit(p);
  return nf_status_note(st, "rules");
}

void nf_pattern_deinit(nf_pattern *p) {
  nf_graph_destroy(p->graph);
  *p = (nf_pattern){0};
}
