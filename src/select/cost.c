// SPDX-License-Identifier: Apache-2.0
// The cost model: a roofline and launch overhead over an op's work, and what the compiler asks of selection.
#include "select/select.h"
#include <math.h>

// What a kernel can have of the processor's peaks. A CPU kernel uses the instructions it needs, and no
// others: a matrix unit, or the vector unit that float32's peak is of; a reference computes element by
// element.
static double peak_of(const nf_hw *hw, const nf_variant *v, nf_rate r) {
  if (v == NULL || hw->cores == 0) return hw->peak[r];
  const uint64_t vectors = v->need & ~(uint64_t)(NF_CPU_AMX_BF16 | NF_CPU_AMX_INT8);
  const double part = v->backend == NF_BACKEND_REF ? 1 : nf_cpu_rate(v->need, r);
  if (nf_cpu_rate(vectors, r) < nf_cpu_rate(v->need, r))
    return hw->peak[r] * part / nf_cpu_rate(hw->features, r);
  return hw->peak[NF_RATE_F32] * part / nf_cpu_rate(hw->features, NF_RATE_F32);
}

// Seconds that a piece of work takes of each thing that may bound it.
typedef struct parts {
  double of[NF_BOUND_COUNT];
} parts;

static parts parts_of(const nf_hw *hw, const nf_work *w, const nf_variant *v) {
  parts p = {.of = {[NF_BOUND_LAUNCH] = hw->launch}};
  if (hw->bandwidth > 0) p.of[NF_BOUND_MEMORY] = w->bytes / hw->bandwidth;
  if (hw->peak[w->rate] > 0) p.of[NF_BOUND_COMPUTE] = w->operations / peak_of(hw, v, w->rate);
  if (w->exchanged > 0 && hw->world > 1 && hw->link > 0 && hw->links > 0) {
    const double one = w->exchanged / hw->link, all = w->exchanged * (hw->world - 1) / hw->links;
    p.of[NF_BOUND_LINKS] = fmax(one, all);
    // Ranks that wait for each other pay about another launch: a fused all_reduce+add+norm of one token
    // took 3.9 us on two H200s, the add+norm alone 1.4.
    p.of[NF_BOUND_LAUNCH] *= 2;
  }
  return p;
}

double nf_work_us(const nf_hw *hw, const nf_work *w, const nf_variant *v) {
  const parts p = parts_of(hw, w, v);
  return 1e6 * (p.of[NF_BOUND_LAUNCH] +
                fmax(p.of[NF_BOUND_MEMORY], fmax(p.of[NF_BOUND_COMPUTE], p.of[NF_BOUND_LINKS])));
}

const char *nf_bound_name(nf_bound b) {
  static const char *const names[] = {[NF_BOUND_MEMORY] = "memory",
                                      [NF_BOUND_COMPUTE] = "compute",
                                      [NF_BOUND_LINKS] = "links",
                                      [NF_BOUND_LAUNCH] = "launch"};
  return names[b];
}

// How much longer a kernel takes whose blocks are few and as long as each other: the last round of them
// leaves cores without work.
static double rounds(const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v) {
  int64_t each;
  if (v == NULL || v->pieces == NF_Q_NONE || hw->cores < 2 || !nf_quantity_of(d, v->pieces, &each)) return 1;
  const double pieces = fmax(1, (double)each * (double)at->of[NF_T]);
  return ceil(pieces / hw->cores) * hw->cores / pieces;
}

// What the kernel has to do, and what its cores without work would have done meanwhile.
static nf_work work_of(const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v) {
  nf_work w = nf_work_of(d, at, hw->world);
  const double longer = rounds(hw, d, at, v);
  w.bytes *= longer;
  w.operations *= longer;
  return w;
}

double nf_cost_us(const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v) {
  const nf_work w = work_of(hw, d, at, v);
  return nf_work_us(hw, &w, v);
}

nf_bound nf_cost_bound(const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v) {
  const nf_work w = work_of(hw, d, at, v);
  const parts p = parts_of(hw, &w, v);
  nf_bound most = 0;
  for (int b = 1; b < NF_BOUND_COUNT; b++)
    if (p.of[b] > p.of[most]) most = (nf_bound)b;
  return most;
}

// ---- what the compiler asks ----

nf_op_desc nf_undecided(const nf_op_desc *d) {
  nf_op_desc question = *d;
  question.order = NF_ORDER_ANY;
  NF_FOR_PACKED(w, d) question.in[w].pack = NF_PACK_ANY;
  return question;
}

bool nf_select_cost(const nf_hw *hw, const nf_select_options *o, const nf_op_desc *d, const nf_sizes *at,
                    nf_op_cost *out, nf_text *why) {
  const nf_op_desc question = nf_undecided(d);
  nf_select_options options = *o;
  nf_selection s;
  if (options.most.of[NF_T] == 0) options.least = options.most = *at;
  options.at = *at;
  nf_select(hw, &question, &options, &s);
  if (s.chosen == NULL) {
    if (why != NULL) nf_selection_explain(&s, hw, &question, &options, why);
    return false;
  }
  *out = (nf_op_cost){.us = nf_timings_ratio(o->timings, d->op) * nf_cost_us(hw, d, at, s.chosen),
                      .by = s.chosen};
  out->measured = o->timings != NULL && nf_timings_get(o->timings, d, at, s.chosen, &out->measured_us);
  return true;
}

typedef struct known {
  nf_op_desc d; // first, as nf_desc_map wants it
  nf_selection selection;
} known;

nf_status nf_memo_select(nf_memo *m, const nf_op_desc *d, nf_selection *out) {
  known *k = nf_desc_map_find(&m->known, d);
  if (k == NULL) {
    k = nf_arena_alloc(&m->arena, 1, sizeof *k);
    if (k == NULL) return nf_error(NF_NO_MEMORY, "no memory for a selection");
    k->d = *d;
    nf_select(m->hw, d, m->options, &k->selection);
    NF_TRY(nf_desc_map_add(&m->known, &k->d));
  }
  *out = k->selection;
  return nf_ok();
}

void nf_memo_deinit(nf_memo *m) {
  nf_desc_map_deinit(&m->known);
  nf_arena_deinit(&m->arena);
}
