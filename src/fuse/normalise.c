// SPDX-License-Identifier: Apache-2.0
// Normalising rewrites: those that never cost, one after the other until none applies any more.
#include "fuse/choice.h"
#include <string.h>

enum { ROUNDS = 64 };

typedef struct first { // takes the first match
  nf_match match;
  bool there;
} first;

static nf_status take_first(void *user, const nf_match *m) {
  first *f = user;
  if (!f->there) f->match = *m;
  f->there = true;
  return nf_ok();
}

static nf_status note(nf_fuse_report *r, const char *rule, const char *at) {
  if (!nf_grow(&r->normalised, &r->cap_normalised, r->n_normalised + 1, sizeof *r->normalised))
    return nf_fuse_no_memory();
  const char *copy = nf_arena_copy(&r->arena, at, strlen(at));
  if (!copy) return nf_fuse_no_memory();
  r->normalised[r->n_normalised].rule = rule;
  r->normalised[r->n_normalised++].at = copy;
  return nf_ok();
}

static nf_status rewrite(nf_fuse_run *run, const nf_match *m, bool *changed) {
  nf_replacement to = {0};
  nf_node_id node[NF_MAX_PATTERN_NODES];
  const char *unfit;
  nf_status st = nf_replacement_fit(m, &run->edit, &run->base->arena, &to, &unfit);
  if (nf_is_ok(st) && !unfit) {
    const nf_splice s = nf_replacement_splice(m, &to, node);
    st = note(run->report, m->pattern->rule->name, nf_edit_name(&run->edit, node[0]));
    if (nf_is_ok(st)) st = nf_edit_splice(&run->edit, &s);
    *changed = true;
  }
  nf_replacement_deinit(&to);
  return st;
}

static nf_status try_rule(nf_fuse_run *run, const nf_pattern *p, nf_node_id id, bool *changed) {
  first f = {.there = false};
  nf_matcher m = {.edit = &run->edit, .pattern = p, .found = take_first, .user = &f};
  NF_TRY(nf_match_at(&m, id));
  return f.there ? rewrite(run, &f.match, changed) : nf_ok();
}

static nf_status try_node(nf_fuse_run *run, nf_node_id id, uint64_t seed, bool *changed) {
  const size_t n = run->rules->n;
  for (size_t k = 0; k < n && !run->edit.node[id].dead; k++) {
    const nf_pattern *p = &run->rules->pattern[(k + seed) % n];
    const int turn = p->rule->normalise ? nf_rule_turn(p->rule, run->options) : -1;
    if (turn >= 0 && p->graph->node[0].op == run->edit.node[id].n.op) NF_TRY(try_rule(run, p, id, changed));
  }
  return nf_ok();
}

// A step through the nodes that visits each once.
static size_t stride_of(size_t n, uint64_t seed) {
  static const size_t primes[] = {7919, 104729, 1299709};
  const size_t p = primes[seed % 3];
  return seed && n % p ? p : 1;
}

nf_status nf_normalise(nf_fuse_run *run, uint64_t seed) {
  bool changed = true;
  const size_t most = ROUNDS + run->edit.n_nodes; // each round takes some padding further
  nf_canonicalise(&run->edit);
  for (size_t round = 0; changed; round++) {
    if (round == most)
      return nf_error(NF_INTERNAL, "normalising graph %s does not end: see the rules of its last rewrites",
                      run->edit.from->name);
    const size_t n = run->edit.n_nodes, stride = stride_of(n, seed);
    changed = false;
    for (size_t i = 0; i < n; i++) {
      const nf_node_id id = (nf_node_id)((i * stride + seed) % n);
      if (!run->edit.node[id].dead) NF_TRY(try_node(run, id, seed, &changed));
    }
    if (changed) nf_canonicalise(&run->edit);
  }
  return nf_ok();
}
