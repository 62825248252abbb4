// SPDX-License-Identifier: Apache-2.0
// Selection: of the legal rows of an op the one that costs least wins, unless one is forced by name.
#include "select/select.h"
#include "base/checked.h"
#include <math.h>
#include <string.h>

static bool runs_on(nf_backend variant, nf_backend hw) {
  return variant == hw || (variant == NF_BACKEND_REF && hw == NF_BACKEND_CPU);
}

// The first weight that lies as v does not read it, or -1.
static int unread_pack(const nf_variant *v, const nf_op_desc *d) {
  if (v->any_pack) return -1;
  NF_FOR_PACKED(w, d)
  if (!nf_pack_is_any(d->in[w].pack) && !nf_pack_equal(d->in[w].pack, v->pack)) return w;
  return -1;
}

static bool sums_otherwise(const nf_variant *v, const nf_op_desc *d) {
  return d->order != NF_ORDER_ANY && v->order != d->order;
}

static nf_site site_of(const nf_hw *hw, const nf_select_options *o, bool most) {
  return (nf_site){.at = most ? o->most : o->least, .world = hw->world};
}

// The first limit that does not hold at one end of the steps goes to c.
static bool limits_hold(const nf_variant *v, const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o,
                        nf_candidate *c) {
  for (int16_t i = 0; i < NF_MAX_LIMITS && v->limit[i].relation; i++)
    for (int most = 0; most < 2; most++) {
      const nf_site site = site_of(hw, o, most != 0);
      c->limit = i, c->at_most_size = most != 0;
      if (!nf_limit_holds(&v->limit[i], d, &site)) return false;
    }
  return true;
}

// Where steps of other sizes may sum in other orders anyway, where one begins is no further reason.
static nf_promise promised(const nf_variant *v) {
  return v->promise == NF_PROMISE_CUT && v->order == NF_ORDER_ANY ? NF_PROMISE_F32 : v->promise;
}

static nf_refusal judge(const nf_variant *v, const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o,
                        nf_candidate *c) {
  if (!runs_on(v->backend, hw->backend)) return NF_REFUSED_BACKEND;
  if (v->need & ~hw->features) return NF_REFUSED_NEED;
  if (nf_variant_is_declared(v) && hw->target == NULL) return NF_REFUSED_DECLARED;
  if (!limits_hold(v, hw, d, o, c)) return NF_REFUSED_LIMIT;
  if (unread_pack(v, d) >= 0) return NF_REFUSED_PACK;
  return promised(v) < o->promise ? NF_REFUSED_PROMISE : NF_CHOSEN;
}

// The variant's name in the last "op=variant" that speaks of this op, or NULL.
static const char *forced_name(const nf_select_options *o, nf_op op) {
  const char *name = NULL, *of = nf_op_of(op)->name;
  const size_t n = strlen(of);
  for (size_t i = 0; i < o->n_force; i++)
    if (strncmp(o->force[i], of, n) == 0 && o->force[i][n] == '=') name = o->force[i] + n + 1;
  return name;
}

// Whether list[i] may be chosen, and why not.
static bool competes(const nf_variant *v, const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o,
                     nf_candidate *c) {
  const char *forced = forced_name(o, d->op);
  *c = (nf_candidate){.variant = v};
  c->refusal = judge(v, hw, d, o, c);
  if (c->refusal == NF_REFUSED_PROMISE && v->promise == NF_PROMISE_CUT && forced != NULL &&
      strcmp(forced, v->name) == 0)
    c->refusal = NF_CHOSEN;
  if (c->refusal == NF_CHOSEN && forced != NULL && strcmp(forced, v->name) != 0)
    c->refusal = NF_REFUSED_FORCED;
  return c->refusal == NF_CHOSEN;
}

static const nf_sizes *compared_at(const nf_select_options *o) {
  return o->at.of[NF_T] != 0 ? &o->at : &o->least;
}

// Costs are never mixed: one competitor that was not measured leaves all to be estimated, those too that read
// or sum in other orders, as orders are chosen by what their kernels cost. References would take too long to
// be measured; they are there where nothing else is.
static bool all_measured(const nf_selection *s, const nf_hw *hw, const nf_op_desc *d,
                         const nf_select_options *o) {
  const nf_op_desc all = nf_undecided(d);
  nf_candidate c;
  double us;
  bool any = false;
  if (o->timings == NULL) return false;
  for (size_t i = 0; i < s->n; i++) {
    const nf_variant *v = &s->list[i];
    if (v->op != d->op || !competes(v, hw, &all, o, &c)) continue;
    const bool known = nf_timings_get(o->timings, d, compared_at(o), v, &us);
    if (!known && v->backend != NF_BACKEND_REF) return false;
    any |= known && us < INFINITY;
  }
  return any;
}

static double cost(const nf_selection *s, const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o,
                   const nf_variant *v) {
  double us = INFINITY;
  if (!s->measured) return nf_cost_us(hw, d, compared_at(o), v) * nf_timings_ratio(o->timings, d->op);
  (void)!nf_timings_get(o->timings, d, compared_at(o), v, &us);
  return us;
}

// References, which come first, are estimated only where nothing else is: they define, and are not made to be
// fast.
static bool is_last_resort(const nf_selection *s, const nf_variant *v) {
  return v->backend == NF_BACKEND_REF && !s->measured;
}

void nf_select_from(const nf_variant *list, size_t n, const nf_hw *hw, const nf_op_desc *d,
                    const nf_select_options *o, nf_selection *out) {
  nf_candidate c;
  *out = (nf_selection){.list = list, .n = n};
  out->measured = all_measured(out, hw, d, o);
  for (size_t i = 0; i < n; i++) {
    if (list[i].op != d->op || sums_otherwise(&list[i], d) || !competes(&list[i], hw, d, o, &c)) continue;
    const double us = cost(out, hw, d, o, &list[i]);
    if (out->chosen != NULL && !is_last_resort(out, out->chosen) && us > out->us) continue;
    out->chosen = &list[i];
    out->us = us;
  }
}

bool nf_selection_next(const nf_selection *s, size_t *i, const nf_hw *hw, const nf_op_desc *d,
                       const nf_select_options *o, nf_candidate *out) {
  while (*i < s->n && s->list[*i].op != d->op) ++*i;
  if (*i == s->n) return false;
  const nf_variant *v = &s->list[(*i)++];
  if (competes(v, hw, d, o, out) && v != s->chosen) {
    out->us = cost(s, hw, d, o, v);
    const bool better = out->us < s->us || (out->us == s->us && v > s->chosen);
    const bool wins = s->chosen == NULL || (better && !is_last_resort(s, v));
    out->refusal = wins ? NF_REFUSED_ORDER : NF_REFUSED_BETTER;
  }
  return true;
}

void nf_select(const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o, nf_selection *out) {
  size_t n;
  const nf_variant *list = nf_variants(&n);
  nf_select_from(list, n, hw, d, o, out);
}

// The multiple that v wants of q, 1: any extent will do.
static int64_t wanted(const nf_variant *v, nf_quantity q) {
  for (int i = 0; i < NF_MAX_WANTS && v->want[i].quantity != NF_Q_NONE; i++)
    if (v->want[i].quantity == q) return v->want[i].multiple;
  return 1;
}

int64_t nf_select_padded(const nf_hw *hw, const nf_select_options *o, const nf_op_desc *d, nf_quantity q) {
  const nf_op_desc question = nf_undecided(d);
  size_t n_rows;
  const nf_variant *row = nf_variants(&n_rows);
  int64_t n, multiple = 1;
  nf_candidate c;
  if (!nf_quantity_of(d, q, &n)) return 0;
  for (size_t i = 0; i < n_rows; i++) {
    if (row[i].op != d->op || !competes(&row[i], hw, &question, o, &c)) continue;
    const int64_t wants = wanted(&row[i], q);
    if (wants == 1) return n;
    multiple = multiple / nf_gcd(multiple, wants) * wants;
  }
  return nf_round_up(n, multiple);
}

static void explain_need(const nf_variant *v, const nf_hw *hw, nf_text *out) {
  const char *separator = "";
  nf_text_printf(out, "needs ");
  for (int i = 0; i < NF_FEATURE_BITS; i++)
    if (v->need & ~hw->features & 1ull << i) {
      nf_text_printf(out, "%s%s", separator, nf_feature_name(i));
      separator = ", ";
    }
  nf_text_printf(out, ", which this processor lacks");
}

static void explain_better(const nf_candidate *c, const nf_selection *s, nf_text *out) {
  if (isinf(c->us))
    nf_text_printf(out, "not measured, or refused by what measured it");
  else if (c->us > s->us)
    nf_text_printf(out, "%s%.4g µs against %.4g of %s", s->measured ? "measured " : "", c->us, s->us,
                   s->chosen->name);
  else if (is_last_resort(s, c->variant))
    nf_text_printf(out, "runs where nothing else does");
  else
    nf_text_printf(out, "costs what %s does, a later row", s->chosen->name);
}

void nf_candidate_explain(const nf_candidate *c, const nf_selection *s, const nf_hw *hw, const nf_op_desc *d,
                          const nf_select_options *o, nf_text *out) {
  const nf_site site = site_of(hw, o, c->at_most_size);
  switch (c->refusal) {
  case NF_CHOSEN:
    nf_text_printf(out, nf_variant_is_declared(c->variant) ? "chosen; declared, not written yet" : "chosen");
    break;
  case NF_REFUSED_BACKEND:
    nf_text_printf(out, "is for backend %s, not %s", nf_backend_name(c->variant->backend),
                   nf_backend_name(hw->backend));
    break;
  case NF_REFUSED_NEED:
    explain_need(c->variant, hw, out);
    break;
  case NF_REFUSED_DECLARED:
    nf_text_printf(out, "declared, not written yet");
    break;
  case NF_REFUSED_LIMIT:
    nf_limit_explain(&c->variant->limit[c->limit], d, &site, out);
    break;
  case NF_REFUSED_PACK:
    nf_text_printf(out, "reads weights packed %s, this one is %s", nf_pack_name(c->variant->pack).at,
                   nf_pack_name(d->in[unread_pack(c->variant, d)].pack).at);
    break;
  case NF_REFUSED_ORDER:
    nf_text_printf(out, "%.4g µs, but sums in order %s, steps of all sizes in %s", c->us,
                   nf_order_name(c->variant->order), nf_order_name(d->order));
    break;
  case NF_REFUSED_PROMISE:
    nf_text_printf(out, "promises less than was asked");
    break;
  case NF_REFUSED_FORCED:
    nf_text_printf(out, "another was forced by name");
    break;
  case NF_REFUSED_BETTER:
    explain_better(c, s, out);
    break;
  }
}

void nf_selection_explain(const nf_selection *s, const nf_hw *hw, const nf_op_desc *d,
                          const nf_select_options *o, nf_text *out) {
  nf_candidate c;
  bool any = false;
  for (size_t i = 0; nf_selection_next(s, &i, hw, d, o, &c); any = true) {
    nf_text_printf(out, "%s%s: ", any ? "; " : "", c.variant->name);
    nf_candidate_explain(&c, s, hw, d, o, out);
  }
  if (!any) nf_text_printf(out, "there is none");
}
