// SPDX-License-Identifier: Apache-2.0
// Every fusion at every place: matches, what would replace them, and the near misses.
#include "fuse/choice.h"
#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b) {
  const nf_node_id x = *(const nf_node_id *)a, y = *(const nf_node_id *)b;
  return x < y ? -1 : x > y;
}

// Whose nodes are known already. Names are those of run->normal.
static nf_status describe(nf_fuse_run *run, nf_candidate_fusion *c) {
  const nf_pattern *p = c->match.pattern;
  nf_fusion *f = &c->fusion;
  f->n_nodes = p->graph->n_nodes;
  f->rule = p->rule->name;
  f->family = p->rule->family;
  f->why = "";
  f->node = nf_arena_alloc(&run->base->arena, f->n_nodes, sizeof *f->node);
  if (!f->node) return nf_fuse_no_memory();
  for (size_t i = 0; i < f->n_nodes; i++) {
    f->sums += run->edit.node[c->node[i]].n.op == NF_OP_all_reduce;
    f->node[i] = nf_edit_name(&run->edit, c->node[i]);
  }
  f->at = nf_edit_name(&run->edit, c->match.node[0] - 1);
  return nf_ok();
}

static bool is_told(const nf_fuse_run *run, const nf_candidate_fusion *c) {
  for (size_t i = run->n_found; i-- > 0 && run->found[i].match.pattern == c->match.pattern;) {
    const nf_candidate_fusion *other = &run->found[i];
    if (other->match.node[0] != c->match.node[0]) break;
    if (memcmp(other->node, c->node, sizeof c->node) == 0) return true;
  }
  return false;
}

static nf_status found(void *user, const nf_match *m) {
  nf_fuse_run *run = user;
  nf_candidate_fusion c = {.match = *m, .turn = nf_rule_turn(m->pattern->rule, run->options)};
  for (size_t i = 0; i < m->pattern->graph->n_nodes; i++) c.node[i] = m->node[i] - 1;
  qsort(c.node, m->pattern->graph->n_nodes, sizeof *c.node, by_id);
  if (is_told(run, &c)) return nf_ok();
  NF_TRY(describe(run, &c));
  if (!nf_grow(&run->found, &run->cap_found, run->n_found + 1, sizeof *run->found))
    return nf_fuse_no_memory();
  nf_candidate_fusion *kept = &run->found[run->n_found++];
  *kept = c;
  return nf_replacement_fit(m, &run->edit, &run->base->arena, &kept->to, &kept->unfit);
}

static nf_status keep_near(nf_fuse_run *run, const nf_matcher *m, nf_node_id anchor) {
  nf_fuse_report *r = run->base;
  if (m->n_found || !m->near.kind) return nf_ok();
  if (!nf_grow(&r->near, &r->cap_near, r->n_near + 1, sizeof *r->near)) return nf_fuse_no_memory();
  nf_text why = {0};
  nf_near_miss n = {m->pattern->rule->name, nf_edit_name(&run->edit, anchor), .depth = m->near.depth};
  n.node = nf_near_print(&m->near, &run->edit, m->pattern, &why);
  n.why = why.failed ? NULL : nf_arena_printf(&r->arena, "%s", why.at);
  nf_text_deinit(&why);
  r->near[r->n_near++] = n;
  return n.why ? nf_ok() : nf_fuse_no_memory();
}

static nf_status find_rule(nf_fuse_run *run, const nf_pattern *p) {
  for (nf_node_id i = 0; i < run->edit.n_nodes; i++) {
    if (run->edit.node[i].n.op != p->graph->node[0].op) continue;
    nf_matcher m = {.edit = &run->edit, .pattern = p, .found = found, .user = run};
    NF_TRY(nf_match_at(&m, i));
    NF_TRY(keep_near(run, &m, i));
  }
  return nf_ok();
}

nf_status nf_find_fusions(nf_fuse_run *run) {
  for (size_t i = 0; i < run->rules->n; i++) {
    const nf_pattern *p = &run->rules->pattern[i];
    if (!p->rule->normalise && nf_rule_turn(p->rule, run->options) >= 0)
      NF_TRY(find_rule(run, p), "rule %s", p->rule->name);
  }
  return nf_ok();
}
