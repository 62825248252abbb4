// SPDX-License-Identifier: Apache-2.0
// Selection: of the legal rows of an op the last wins, unless one is forced by name.
#include "select/select.h"
#include <string.h>

static bool runs_on(nf_backend variant, nf_backend hw) {
  return variant == hw || (variant == NF_BACKEND_REF && hw == NF_BACKEND_CPU);
}

// The first weight that lies as v does not read it, or -1.
static int unread_pack(const nf_variant *v, const nf_op_desc *d) {
  if (v->backend == NF_BACKEND_REF) return -1;
  NF_FOR_PACKED(w, d)
  if (d->in[w].pack != NF_PACK_ANY && d->in[w].pack != v->pack) return w;
  return -1;
}

static nf_site site_of(const nf_hw *hw, const nf_select_options *o, bool most) {
  nf_site site = {.world = hw->world};
  if (o != NULL) site.at = most ? o->most : o->least;
  return site;
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

static nf_refusal judge(const nf_variant *v, const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o,
                        nf_candidate *c) {
  if (!runs_on(v->backend, hw->backend)) return NF_REFUSED_BACKEND;
  if (v->need & ~hw->features) return NF_REFUSED_NEED;
  if (v->declared && hw->target == NULL) return NF_REFUSED_DECLARED;
  if (!limits_hold(v, hw, d, o, c)) return NF_REFUSED_LIMIT;
  if (unread_pack(v, d) >= 0) return NF_REFUSED_PACK;
  return v->promise < (o != NULL ? o->promise : NF_PROMISE_F32) ? NF_REFUSED_PROMISE : NF_CHOSEN;
}

// The variant's name in the last "op=variant" that speaks of this op, or NULL.
static const char *forced_name(const nf_select_options *o, nf_op op) {
  const char *name = NULL, *of = nf_op_of(op)->name;
  const size_t n = strlen(of);
  for (size_t i = 0; o && i < o->n_force; i++)
    if (strncmp(o->force[i], of, n) == 0 && o->force[i][n] == '=') name = o->force[i] + n + 1;
  return name;
}

void nf_select_from(const nf_variant *list, size_t n, const nf_hw *hw, const nf_op_desc *d,
                    const nf_select_options *o, nf_selection *out) {
  const char *forced = forced_name(o, d->op);
  nf_candidate *last = NULL;
  *out = (nf_selection){0};
  for (size_t i = 0; i < n && out->n < NF_MAX_CANDIDATES; i++) {
    if (list[i].op != d->op) continue;
    nf_candidate *c = &out->candidate[out->n++];
    c->variant = &list[i];
    c->refusal = judge(c->variant, hw, d, o, c);
    if (c->refusal) continue;
    if (forced && strcmp(forced, list[i].name) != 0) {
      c->refusal = NF_REFUSED_FORCED;
      continue;
    }
    if (last) last->refusal = NF_REFUSED_BETTER;
    last = c;
  }
  out->chosen = last ? last->variant : NULL;
}

void nf_select(const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o, nf_selection *out) {
  size_t n;
  const nf_variant *list = nf_variants(&n);
  nf_select_from(list, n, hw, d, o, out);
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

void nf_candidate_explain(const nf_candidate *c, const nf_hw *hw, const nf_op_desc *d,
                          const nf_select_options *o, nf_text *out) {
  const nf_site site = site_of(hw, o, c->at_most_size);
  switch (c->refusal) {
  case NF_CHOSEN:
    nf_text_printf(out, c->variant->declared ? "chosen; declared, not written yet" : "chosen");
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
    nf_text_printf(out, "reads weights packed %s, this one is %s", nf_pack_name(c->variant->pack),
                   nf_pack_name(d->in[unread_pack(c->variant, d)].pack));
    break;
  case NF_REFUSED_PROMISE:
    nf_text_printf(out, "promises less than was asked");
    break;
  case NF_REFUSED_FORCED:
    nf_text_printf(out, "another was forced by name");
    break;
  case NF_REFUSED_BETTER:
    nf_text_printf(out, "a later row is preferred");
    break;
  }
}

void nf_selection_explain(const nf_selection *s, const nf_hw *hw, const nf_op_desc *d,
                          const nf_select_options *o, nf_text *out) {
  for (int i = 0; i < s->n; i++) {
    nf_text_printf(out, "%s%s: ", i != 0 ? "; " : "", s->candidate[i].variant->name);
    nf_candidate_explain(&s->candidate[i], hw, d, o, out);
  }
  if (s->n == 0) nf_text_printf(out, "there is none");
}
