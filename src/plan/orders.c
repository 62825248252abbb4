// SPDX-License-Identifier: Apache-2.0
// The order of sums of each op, chosen over all plans as packing orders are: what kernels of one order cost
// in all of them adds up.
#include "plan/orders.h"
#include <math.h>

// What a reference counts for beyond its estimate: it runs where no other order serves all plans.
static const double last_resort_us = 1e12;

typedef struct costs { // by order; infinite: not all of its steps have such a kernel
  nf_op_desc d;        // first, as nf_desc_map wants it
  double us[NF_ORDER_COUNT];
} costs;

static nf_status add(nf_desc_map *to, nf_arena *arena, const nf_op_desc *d, costs **out) {
  *out = nf_arena_alloc(arena, 1, sizeof **out);
  if (*out == NULL) return nf_error(NF_NO_MEMORY, "no memory for orders of sums");
  (*out)->d = *d;
  return nf_desc_map_add(to, &(*out)->d);
}

// What the op costs one plan, asked once.
static nf_status ask(nf_memo *m, nf_desc_map *asked, const nf_op_desc *d, const costs **out) {
  costs *c;
  nf_selection s;
  nf_candidate k;
  *out = nf_desc_map_find(asked, d);
  if (*out != NULL) return nf_ok();
  NF_TRY(add(asked, &m->arena, d, &c));
  NF_TRY(nf_memo_select(m, d, &s));
  for (int o = 0; o < NF_ORDER_COUNT; o++) c->us[o] = INFINITY;
  for (size_t i = 0; nf_selection_next(&s, &i, m->hw, d, m->options, &k);) {
    double *us = &c->us[k.variant->order];
    const bool last = k.variant->backend == NF_BACKEND_REF && !s.measured;
    if (k.refusal == NF_CHOSEN) *us = fmin(*us, s.us);
    if (k.refusal == NF_REFUSED_BETTER) *us = fmin(*us, k.us + (last ? last_resort_us : 0));
  }
  return *out = c, nf_ok();
}

static nf_status add_node(nf_layout *l, const nf_layout_user *user, nf_memo *m, nf_desc_map *asked,
                          const nf_node *n) {
  const nf_op_desc d = nf_layout_describe(l, user->graph, n);
  const costs *one;
  costs *all = nf_desc_map_find(&l->orders, &d);
  NF_TRY(ask(m, asked, &d, &one));
  if (all == NULL) NF_TRY(add(&l->orders, &l->arena, &d, &all));
  for (int o = 0; o < NF_ORDER_COUNT; o++) all->us[o] += user->weight * one->us[o];
  return nf_ok();
}

static nf_status add_user(nf_layout *l, const nf_hw *hw, const nf_layout_user *user) {
  nf_memo m = {.hw = hw, .options = user->select};
  nf_desc_map asked = {0};
  nf_status st = nf_ok();
  for (nf_node_id i = 0; i < user->graph->n_nodes && nf_is_ok(st); i++)
    if (!(nf_op_of(user->graph->node[i].op)->flags & NF_OP_VIEW))
      st = add_node(l, user, &m, &asked, &user->graph->node[i]);
  nf_desc_map_deinit(&asked);
  nf_memo_deinit(&m);
  return st;
}

nf_status nf_orders_choose(nf_layout *l, const nf_hw *hw, const nf_layout_user *user, size_t n) {
  for (size_t i = 0; i < n; i++) NF_TRY(add_user(l, hw, &user[i]));
  return nf_ok();
}

nf_order nf_layout_order(const nf_layout *l, const nf_op_desc *d) {
  const costs *c = nf_desc_map_find(&l->orders, d);
  nf_order best = NF_ORDER_ANY;
  for (int o = 0; c != NULL && o < NF_ORDER_COUNT; o++)
    if (c->us[o] <= c->us[best] && c->us[o] < INFINITY) best = (nf_order)o;
  return best;
}
