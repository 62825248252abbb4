// SPDX-License-Identifier: Apache-2.0
// The matcher, and near misses as sentences. Node after node in the pattern's order, with a way back wherever
// there is a choice (which user, which order of operands that commute).
#include "fuse/match.h"
#include <stdio.h>

typedef struct state {
  nf_matcher *m;
  nf_match match;
  int depth; // nodes bound
} state;

static const nf_node *pattern_node(const state *s, nf_node_id id) { return &s->m->pattern->graph->node[id]; }
static const nf_node *graph_node(const state *s, nf_node_id id) { return &s->m->edit->node[id].n; }

// Keeps the deepest failure, of equally deep ones the first.
static bool miss(state *s, nf_near n) {
  n.depth = s->depth;
  const nf_near *best = &s->m->near;
  if (n.depth > best->depth || (n.depth == best->depth && n.depth && n.part > best->part)) s->m->near = n;
  return false;
}

// ---- one node ----

static bool attrs_fit(state *s, nf_node_id want, nf_node_id id) {
  const nf_node *p = pattern_node(s, want), *g = graph_node(s, id);
  const nf_op_info *info = nf_op_of(p->op);
  for (int i = 0; i < info->n_attr; i++) {
    if (s->m->pattern->any[want] >> i & 1 || nf_attr_equal(p->op, i, &p->attr, &g->attr)) continue;
    return miss(s, (nf_near){.kind = NF_NEAR_ATTR, .node = id, .want = want, .at = i});
  }
  return true;
}

static bool is_bound(const state *s, nf_node_id id) {
  bool bound = false;
  for (size_t i = 0; i < s->m->pattern->graph->n_nodes; i++) bound |= s->match.node[i] == id + 1;
  return bound;
}

static bool is_free(state *s, nf_node_id want, nf_node_id id) {
  return !is_bound(s, id) || miss(s, (nf_near){.kind = NF_NEAR_TWICE, .node = id, .want = want});
}

static bool results_fit(state *s, nf_node_id want, nf_node_id id) {
  const nf_node *p = pattern_node(s, want), *g = graph_node(s, id);
  for (int r = 0; r < nf_node_results(p); r++) {
    nf_val *v = &s->match.value[p->out[r]];
    if (*v && *v != g->out[r])
      return miss(s, (nf_near){.kind = NF_NEAR_RESULT, .node = id, .want = want, .at = r, .value = *v});
    *v = g->out[r];
  }
  return true;
}

// Operand k of the pattern's node is operand `at` of the graph's.
static bool operand_fits(state *s, nf_node_id want, nf_node_id id, int k, int at) {
  const nf_val p = pattern_node(s, want)->in[k], v = graph_node(s, id)->in[at];
  const nf_pattern *pattern = s->m->pattern;
  const bool maybe = pattern->leaf[p] && pattern->side.leaf[pattern->leaf[p] - 1].maybe;
  nf_near n = {.node = id, .want = want, .at = at, .part = k, .value = v};
  if (!p && v) n.kind = NF_NEAR_EXTRA;
  if (p && !v && !maybe) n.kind = NF_NEAR_MISSING;
  if (n.kind || !p || !v) return n.kind ? miss(s, n) : true;
  if (s->match.value[p] && s->match.value[p] != v) {
    n.kind = NF_NEAR_OTHER;
    n.wanted = s->match.value[p];
    return miss(s, n);
  }
  const nf_value *made = &s->m->edit->value[v].v;
  if (!pattern->leaf[p]) {
    const nf_value *like = &pattern->graph->value[p];
    n.want = like->node;
    if (made->kind != NF_VALUE_RESULT || graph_node(s, made->node)->op != pattern_node(s, like->node)->op)
      n.kind = NF_NEAR_OP;
    else if (made->result != like->result)
      n.kind = NF_NEAR_RESULT;
  }
  s->match.value[p] = v;
  return n.kind ? miss(s, n) : true;
}

static bool operands_fit(state *s, nf_node_id want, nf_node_id id, bool swapped) {
  for (int k = 0; k < nf_op_of(pattern_node(s, want)->op)->n_in; k++)
    if (!operand_fits(s, want, id, k, swapped && k < 2 ? 1 - k : k)) return false;
  return true;
}

// ---- all nodes ----

static nf_status next(state *s);

static bool whole(state *s) {
  const nf_pattern *p = s->m->pattern;
  for (nf_val v = 1; v < p->graph->n_values; v++) {
    if (p->leaf[v] || p->yielded[v]) continue;
    nf_near n = {.want = p->graph->value[v].node, .value = s->match.value[v]};
    if (s->m->edit->value[n.value].output) n.kind = NF_NEAR_OUTPUT;
    NF_FOR_USES (u, s->m->edit, n.value) {
      if (n.kind || is_bound(s, nf_use_node(u))) continue;
      n.kind = NF_NEAR_OUTSIDE;
      n.node = nf_use_node(u);
    }
    if (n.kind) return miss(s, n);
  }
  return true;
}

static bool applies(state *s) {
  const nf_side side = {.rule = s->m->pattern->rule, .match = &s->match};
  nf_text why = {0};
  const bool yes = !side.rule->applies || side.rule->applies(&side, &why);
  nf_near n = {.kind = NF_NEAR_APPLIES, .node = s->match.node[0] - 1};
  if (why.n) snprintf(n.why, sizeof n.why, "%s", why.at);
  nf_text_deinit(&why);
  return yes || (*n.why && miss(s, n));
}

static nf_status bind(state *s, nf_node_id want, nf_node_id id) {
  const nf_op op = pattern_node(s, want)->op;
  const bool commutes = nf_op_of(op)->flags & NF_OP_COMMUTES;
  if (graph_node(s, id)->op != op || !is_free(s, want, id) || !attrs_fit(s, want, id)) return nf_ok();
  const nf_match before = s->match;
  for (int swapped = 0; swapped <= (int)commutes; swapped++) {
    if (results_fit(s, want, id) && operands_fit(s, want, id, swapped)) {
      s->match.node[want] = id + 1;
      s->depth++;
      NF_TRY(next(s));
      s->depth--;
    }
    s->match = before;
  }
  return nf_ok();
}

static nf_status bind_user(state *s, const nf_pattern_step *step) {
  const nf_op op = pattern_node(s, step->node)->op;
  const nf_val by = s->match.value[step->by];
  nf_node_id last = 0;
  for (;;) { // users in the order of their numbers, whatever the order of the chain
    nf_node_id id = UINT32_MAX;
    NF_FOR_USES (u, s->m->edit, by)
      if (nf_use_node(u) + 1 > last && nf_use_node(u) < id && graph_node(s, nf_use_node(u))->op == op)
        id = nf_use_node(u);
    if (id == UINT32_MAX) break;
    last = id + 1;
    NF_TRY(bind(s, step->node, id));
  }
  if (!last) miss(s, (nf_near){.kind = NF_NEAR_USER, .want = step->node, .value = by});
  return nf_ok();
}

static nf_status next(state *s) {
  const nf_pattern *p = s->m->pattern;
  if (s->depth == (int)p->graph->n_nodes) {
    if (!whole(s) || !applies(s)) return nf_ok();
    s->m->n_found++;
    return s->m->found(s->m->user, &s->match);
  }
  const nf_pattern_step *step = &p->step[s->depth];
  if (!step->makes) return bind_user(s, step);
  return bind(s, step->node, s->m->edit->value[s->match.value[step->by]].v.node);
}

nf_status nf_match_at(nf_matcher *m, nf_node_id anchor) {
  state s = {.m = m, .match = {.pattern = m->pattern, .edit = m->edit}};
  return bind(&s, 0, anchor);
}

// ---- where a pattern did not go on, and what was found instead ----

static const char *name_of(const nf_edit *e, nf_val v) { return e->value[v].v.name; }

static const char *maker_of(const nf_edit *e, nf_val v) {
  const nf_value *value = &e->value[v].v;
  return value->kind == NF_VALUE_RESULT   ? nf_op_of(e->node[value->node].n.op)->name
         : value->kind == NF_VALUE_WEIGHT ? "the checkpoint"
                                          : "the caller";
}

static void print_users(const nf_edit *e, nf_val v, const char *wanted, nf_text *out) {
  if (!e->value[v].n_uses) {
    nf_text_printf(out, "nothing uses it, %s should", wanted);
    return;
  }
  nf_text_printf(out, "used by");
  NF_FOR_USES (u, e, v) nf_text_printf(out, " %s", nf_op_of(e->node[nf_use_node(u)].n.op)->name);
  nf_text_printf(out, ", not by %s", wanted);
}

static void print_attr(const nf_near *n, const nf_edit *e, const nf_pattern *p, nf_text *out) {
  const nf_node *is = &e->node[n->node].n, *want = &p->graph->node[n->want];
  nf_attr_print(is->op, n->at, &is->attr, out);
  nf_text_printf(out, ", not ");
  nf_attr_print(want->op, n->at, &want->attr, out);
}

const char *nf_near_print(const nf_near *n, const nf_edit *e, const nf_pattern *p, nf_text *out) {
  const char *want = nf_op_of(p->graph->node[n->want].op)->name;
  const bool has_node = n->node < e->n_nodes;
  const nf_op_info *is = has_node ? nf_op_of(e->node[n->node].n.op) : NULL;
  const char *node = has_node ? nf_edit_name(e, n->node) : "", *value = name_of(e, n->value);
  switch (n->kind) {
  case NF_NEAR_NONE:
    return "";
  case NF_NEAR_OP:
    nf_text_printf(out, "operand %s is made by %s, not %s", is->in[n->at].name, maker_of(e, n->value), want);
    return node;
  case NF_NEAR_RESULT:
    nf_text_printf(out, "is another result of %s", want);
    return value;
  case NF_NEAR_USER:
    print_users(e, n->value, want, out);
    return value;
  case NF_NEAR_ATTR:
    print_attr(n, e, p, out);
    return node;
  case NF_NEAR_OTHER:
    nf_text_printf(out, "operand %s is %s, not %s", is->in[n->at].name, value, name_of(e, n->wanted));
    return node;
  case NF_NEAR_MISSING:
  case NF_NEAR_EXTRA:
    nf_text_printf(out, "has %s operand %s", n->kind == NF_NEAR_EXTRA ? "an" : "no", is->in[n->at].name);
    return node;
  case NF_NEAR_TWICE:
    nf_text_printf(out, "would stand for two nodes");
    return node;
  case NF_NEAR_OUTSIDE:
    nf_text_printf(out, "is also used by %s, and would go", node);
    return value;
  case NF_NEAR_OUTPUT:
    nf_text_printf(out, "is an output, and would go");
    return value;
  case NF_NEAR_APPLIES:
    nf_text_printf(out, "%s", n->why);
    return node;
  }
  return "";
}
