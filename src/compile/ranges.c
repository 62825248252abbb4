// SPDX-License-Identifier: Apache-2.0
// Ranges of sizes in which one choice of fusions and kernels is the cheapest, found by halves.
#include "base/checked.h"
#include "compile/internal.h"

// Every sequence has a token and every row is one's: no more of them than tokens.
static nf_sizes sizes_of(const nf_compile_options *o, int64_t tokens) {
  const nf_sizes *max = &o->plan.max;
  return nf_sizes_of(tokens, nf_min(tokens, max->of[NF_S]), nf_min(tokens, max->of[NF_R]));
}

void nf_range_set_sizes(const nf_compile_options *o, nf_planned *p) {
  const bool main = o->at.of[NF_T] >= p->lo && o->at.of[NF_T] <= p->hi;
  p->options = o->plan;
  p->options.max = p->options.select.most = sizes_of(o, p->hi);
  p->options.select.least = nf_sizes_of(p->lo, o->least.of[NF_S], o->least.of[NF_R]);
  p->options.select.at = main ? o->at : p->options.max;
}

static bool cost_of(void *user, const nf_op_desc *d, const nf_sizes *at, nf_op_cost *out, nf_text *why) {
  const nf_planned *p = user;
  return nf_select_cost(&p->options.hw, &p->options.select, d, at, out, why);
}

nf_fuse_costs nf_range_costs(const nf_planned *p) { return (nf_fuse_costs){cost_of, (void *)p}; }

// ---- the search ----

typedef struct search {
  nf_fusions *f;
  const nf_compile_options *o;
  nf_planned *piece; // [n] between neighbouring powers of two; then what they are joined to
  size_t n, n_joined;
} search;

static nf_status cut(search *s) {
  int64_t lo = nf_max(1, s->o->least.of[NF_T]);
  const int64_t end = s->o->plan.max.of[NF_T];
  s->piece = nf_alloc(64, sizeof *s->piece); // as many as there are powers of two
  if (s->piece == NULL) return nf_error(NF_NO_MEMORY, "no memory for ranges of steps");
  for (int64_t hi = 1; lo <= end; hi *= 2) {
    if (hi < lo && hi < end) continue;
    s->piece[s->n++] = (nf_planned){.lo = lo, .hi = nf_min(hi, end)};
    lo = hi + 1;
  }
  return nf_ok();
}

static nf_status choice_at(const search *s, size_t i, nf_fuse_choice *out) {
  nf_planned p = s->piece[i];
  nf_range_set_sizes(s->o, &p);
  const nf_fuse_costs costs = nf_range_costs(&p);
  return nf_fuse_choose(s->f, &p.options.select.at, &costs, out);
}

// A range from behind the last one on.
static void join_to(search *s, int64_t hi) {
  const int64_t lo = s->n_joined != 0 ? s->piece[s->n_joined - 1].hi + 1 : s->piece[0].lo;
  s->piece[s->n_joined++] = (nf_planned){.lo = lo, .hi = hi};
}

// Ranges end where the choice for the pieces from i to k changes.
static nf_status split(search *s, size_t i, const nf_fuse_choice *at_i, size_t k,
                       const nf_fuse_choice *at_k) {
  const size_t mid = i + (k - i) / 2;
  if (nf_fuse_choice_equal(at_i, at_k)) return nf_ok();
  if (mid == i) return join_to(s, s->piece[i].hi), nf_ok();
  nf_fuse_choice at_mid = {0};
  nf_status st = choice_at(s, mid, &at_mid);
  if (nf_is_ok(st)) st = split(s, i, at_i, mid, &at_mid);
  if (nf_is_ok(st)) st = split(s, mid, &at_mid, k, at_k);
  nf_fuse_choice_deinit(&at_mid);
  return st;
}

static nf_status find(search *s) {
  nf_fuse_choice first = {0}, last = {0};
  NF_TRY(cut(s));
  const int64_t end = s->piece[s->n - 1].hi;
  nf_status st = s->n > 1 ? choice_at(s, 0, &first) : nf_ok(); // one size has one choice
  if (nf_is_ok(st) && s->n > 1) st = choice_at(s, s->n - 1, &last);
  if (nf_is_ok(st) && s->n > 1) st = split(s, 0, &first, s->n - 1, &last);
  join_to(s, end);
  for (size_t i = 0; i < s->n_joined; i++) nf_range_set_sizes(s->o, &s->piece[i]);
  nf_fuse_choice_deinit(&first);
  nf_fuse_choice_deinit(&last);
  return st;
}

nf_status nf_ranges_find(nf_fusions *f, const nf_compile_options *o, nf_planned **out, size_t *out_n) {
  search s = {.f = f, .o = o};
  const nf_status st = find(&s);
  *out = s.piece;
  *out_n = nf_is_ok(st) ? s.n_joined : 0;
  return st;
}
