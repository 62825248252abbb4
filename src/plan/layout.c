// SPDX-License-Identifier: Apache-2.0
// Storage first: joined weights, then all that is no part of one. Then packing orders, one weight after the
// other, each for those that are decided already.
#include "plan/layout.h"
#include "base/checked.h"
#include "plan/orders.h"
#include "tensor/pack.h"
#include <math.h>
#include <string.h>

typedef struct use { // of something stored, by a node that asks for its packing order
  uint32_t user;
  nf_node_id node;
  struct use *next;
} use;

typedef struct stored {
  use *first, *last;
  int64_t align; // all rows at which a weight begins in it are multiples; 0: only row 0
  bool plain;    // a view looks at it
} stored;

// What a user's graph asks of selection.
typedef struct asking {
  nf_memo memo;
  nf_desc_map packs; // of asked
  size_t *where;     // [n_values] index of what a matrix lies in
} asking;

typedef struct asked { // the packing orders that kernels of an op could read
  nf_op_desc d;        // first, as nf_desc_map wants it
  nf_pack *pack;       // [n]
  size_t n;
} asked;

typedef struct work {
  nf_layout *l;
  const nf_layout_user *user;
  size_t n;
  asking *asks;  // [n]
  stored *info;  // [l->n]
  bool *decided; // [l->n]
  nf_arena arena;
} work;

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory to lay weights out"); }

static bool is_stored(const nf_value *v) { return v->kind == NF_VALUE_WEIGHT || v->kind == NF_VALUE_POOL; }
static bool is_matrix(const nf_value *v) { return v->kind == NF_VALUE_WEIGHT && v->type.rank >= 2; }

// ---- storage ----

static const char *first_name(const nf_value *v) {
  return v->recipe.n_joined != 0 ? v->recipe.joined[0].name : v->name;
}

static const nf_place *find(const nf_layout *l, const char *name) {
  uint32_t i;
  return nf_map_find(&l->names, name, strlen(name), &i) ? &l->place[i] : NULL;
}

nf_place nf_layout_find(const nf_layout *l, const nf_value *v) { return *find(l, first_name(v)); }

static nf_status add_place(nf_layout *l, const char *name, int64_t first) {
  l->place[l->n_places] = (nf_place){l->n, first};
  return nf_map_add(&l->names, name, strlen(name), (uint32_t)l->n_places++, NULL);
}

// What v joins, or v itself, as something new to store, with names of its own.
static nf_status store(nf_layout *l, const nf_value *v) {
  nf_value own = *v;
  int64_t first = 0;
  own.name = nf_arena_copy(&l->arena, v->name, strlen(v->name));
  if (own.name == NULL) return no_memory();
  NF_TRY(nf_recipe_copy(&l->arena, &v->recipe, &own.recipe));
  for (int i = 0; i < nf_weight_joins(v); i++) {
    const nf_value part = nf_weight_joined(&own, i, &first);
    NF_TRY(add_place(l, part.name, first));
  }
  l->stored[l->n++] = own;
  return nf_ok();
}

// Whether v lies somewhere: all of it in a row. *none: nothing of it does.
static bool lies(const nf_layout *l, const nf_value *v, bool *none) {
  const nf_place *begin = find(l, first_name(v));
  bool whole = begin != NULL;
  int64_t first = 0;
  *none = true;
  for (int i = 0; i < nf_weight_joins(v); i++) {
    const nf_place *p = find(l, nf_weight_joined(v, i, &first).name);
    *none &= p == NULL;
    whole = whole && p != NULL && p->stored == begin->stored && p->first == begin->first + first;
  }
  return whole;
}

// The weights that join most come first, so that those that join less lie in them.
static nf_status store_all(work *w, bool *shared) {
  for (int joins = NF_MAX_JOINED; joins > 0; joins--)
    for (size_t u = 0; u < w->n; u++)
      for (nf_val v = 1; v < w->user[u].graph->n_values; v++) {
        const nf_value *value = &w->user[u].graph->value[v];
        bool none;
        if (!is_stored(value) || nf_weight_joins(value) != joins || lies(w->l, value, &none)) continue;
        if (!none) return *shared = false, nf_ok();
        NF_TRY(store(w->l, value));
      }
  return nf_ok();
}

// ---- users ----

static nf_status note_use(work *w, size_t u, nf_node_id node, size_t at) {
  stored *s = &w->info[at];
  if (s->last != NULL && s->last->user == u && s->last->node == node) return nf_ok(); // reads it twice
  use *new = nf_arena_alloc(&w->arena, 1, sizeof *new);
  if (new == NULL) return no_memory();
  *new = (use){.user = (uint32_t)u, .node = node};
  if (s->last != NULL)
    s->last->next = new;
  else
    s->first = new;
  s->last = new;
  return nf_ok();
}

static nf_status note_node(work *w, size_t u, nf_node_id id) {
  const nf_graph *g = w->user[u].graph;
  const nf_node *n = &g->node[id];
  const nf_op_desc d = nf_graph_describe(g, n);
  if (nf_op_of(n->op)->flags & NF_OP_VIEW && is_stored(&g->value[n->in[0]]))
    w->info[nf_layout_find(w->l, &g->value[n->in[0]]).stored].plain = true;
  NF_FOR_PACKED(k, &d) {
    if (!is_matrix(&g->value[n->in[k]])) continue;
    const nf_place p = nf_layout_find(w->l, &g->value[n->in[k]]);
    w->asks[u].where[n->in[k]] = p.stored;
    w->info[p.stored].align = nf_gcd(w->info[p.stored].align, p.first);
    NF_TRY(note_use(w, u, id, p.stored));
  }
  return nf_ok();
}

// ---- packing orders ----

// The node's description when `at` lies packed so; what is not decided may lie anyhow.
static nf_op_desc describe(const work *w, const use *of, size_t at, nf_pack pack) {
  const nf_graph *g = w->user[of->user].graph;
  const nf_node *n = &g->node[of->node];
  nf_op_desc d = nf_graph_describe(g, n);
  NF_FOR_PACKED(k, &d) {
    if (!is_matrix(&g->value[n->in[k]])) continue;
    const size_t s = w->asks[of->user].where[n->in[k]];
    d.in[k] = nf_type_packed(d.in[k], s == at         ? pack
                                      : w->decided[s] ? w->l->stored[s].type.pack
                                                      : NF_PACK_ANY);
  }
  return d;
}

static nf_status cost_of(work *w, size_t at, nf_pack pack, double *us) {
  *us = 0;
  for (const use *u = w->info[at].first; u != NULL; u = u->next) {
    const nf_op_desc d = describe(w, u, at, pack);
    nf_selection s;
    NF_TRY(nf_memo_select(&w->asks[u->user].memo, &d, &s));
    *us += s.chosen != NULL ? w->user[u->user].weight * s.us : HUGE_VAL;
  }
  return nf_ok();
}

typedef struct best {
  nf_pack pack;
  double us;
  bool any;
} best;

static nf_status try_pack(work *w, size_t at, nf_pack pack, best *b) {
  double us;
  const int64_t align = w->info[at].align;
  if (pack.rows > 1 && align % pack.rows != 0) return nf_ok(); // rows of it would begin within a strip
  if (b->any && nf_pack_equal(pack, b->pack)) return nf_ok();
  NF_TRY(cost_of(w, at, pack, &us));
  if (!b->any || us <= b->us) *b = (best){pack, us, true};
  return nf_ok();
}

static void add_pack(asked *a, nf_pack pack) {
  for (size_t i = 0; i < a->n; i++)
    if (nf_pack_equal(a->pack[i], pack)) return;
  a->pack[a->n++] = pack;
}

static nf_status ask(work *w, asking *asks, const nf_op_desc *d, asked **out) {
  const nf_memo *m = &asks->memo;
  nf_selection s;
  nf_candidate c;
  *out = nf_desc_map_find(&asks->packs, d);
  if (*out != NULL) return nf_ok();
  asked *a = *out = nf_arena_alloc(&w->arena, 1, sizeof *a);
  NF_TRY(nf_memo_select(&asks->memo, d, &s));
  if (a != NULL) a->pack = nf_arena_alloc(&w->arena, s.n, sizeof *a->pack);
  if (a == NULL || a->pack == NULL) return no_memory();
  a->d = *d;
  for (size_t i = 0; s.chosen != NULL && nf_selection_next(&s, &i, m->hw, d, m->options, &c);)
    if ((c.refusal == NF_CHOSEN || c.refusal == NF_REFUSED_BETTER) && !c.variant->any_pack)
      add_pack(a, c.variant->pack);
  return nf_desc_map_add(&asks->packs, &a->d);
}

// Every order that some kernel of a user could read.
static nf_status try_packs(work *w, size_t at, best *b) {
  for (const use *u = w->info[at].first; u != NULL; u = u->next) {
    const nf_op_desc d = describe(w, u, at, NF_PACK_ANY);
    asked *a;
    NF_TRY(ask(w, &w->asks[u->user], &d, &a));
    for (size_t i = 0; i < a->n; i++) NF_TRY(try_pack(w, at, a->pack[i], b));
  }
  return nf_ok();
}

static nf_status decide(work *w, size_t at) {
  nf_value *v = &w->l->stored[at];
  best b = {.pack = NF_PACK_PLAIN};
  if (is_matrix(v) && !w->info[at].plain) {
    NF_TRY(try_packs(w, at, &b));
    v->type = nf_type_packed(v->type, b.pack);
  }
  w->decided[at] = true;
  return nf_ok();
}

// ---- all of it ----

static nf_status create(work *w, bool *shared) {
  nf_layout *l = w->l;
  size_t most = 0;
  for (size_t u = 0; u < w->n; u++)
    for (nf_val v = 1; v < w->user[u].graph->n_values; v++)
      if (is_stored(&w->user[u].graph->value[v]))
        most += (size_t)nf_weight_joins(&w->user[u].graph->value[v]);
  l->stored = nf_arena_alloc(&l->arena, most, sizeof *l->stored);
  l->place = nf_arena_alloc(&l->arena, most, sizeof *l->place);
  w->info = nf_arena_alloc(&w->arena, most, sizeof *w->info);
  w->decided = nf_arena_alloc(&w->arena, most, sizeof *w->decided);
  bool room = true;
  for (size_t u = 0; u < w->n; u++) {
    w->asks[u].where = nf_arena_alloc(&w->arena, w->user[u].graph->n_values, sizeof *w->asks[u].where);
    room &= w->asks[u].where != NULL;
  }
  if (!room || l->stored == NULL || l->place == NULL || w->info == NULL || w->decided == NULL)
    return no_memory();
  NF_TRY(store_all(w, shared));
  for (size_t u = 0; *shared && u < w->n; u++)
    for (nf_node_id i = 0; i < w->user[u].graph->n_nodes; i++) NF_TRY(note_node(w, u, i));
  for (size_t i = 0; *shared && i < l->n; i++) NF_TRY(decide(w, i));
  return nf_ok();
}

nf_status nf_layout_create(const nf_hw *hw, const nf_layout_user *user, size_t n, nf_layout *out,
                           bool *shared) {
  nf_layout l = {0};
  work w = {.l = &l, .user = user, .n = n, .asks = nf_alloc(n, sizeof *w.asks)};
  *shared = true;
  for (size_t u = 0; w.asks != NULL && u < n; u++)
    w.asks[u].memo = (nf_memo){.hw = hw, .options = user[u].select};
  nf_status st = w.asks != NULL ? create(&w, shared) : no_memory();
  if (nf_is_ok(st) && *shared) st = nf_orders_choose(&l, hw, user, n);
  for (size_t u = 0; w.asks != NULL && u < n; u++) {
    nf_memo_deinit(&w.asks[u].memo);
    nf_desc_map_deinit(&w.asks[u].packs);
  }
  nf_free(w.asks);
  nf_arena_deinit(&w.arena);
  if (!nf_is_ok(st) || !*shared)
    nf_layout_deinit(&l);
  else
    *out = l;
  return st;
}

void nf_layout_deinit(nf_layout *l) {
  nf_map_deinit(&l->names);
  nf_desc_map_deinit(&l->orders);
  nf_arena_deinit(&l->arena);
  *l = (nf_layout){0};
}

nf_type nf_layout_type(const nf_layout *l, const nf_value *v) {
  return is_matrix(v) ? nf_type_packed(v->type, l->stored[nf_layout_find(l, v).stored].type.pack) : v->type;
}

nf_op_desc nf_layout_describe(const nf_layout *l, const nf_graph *g, const nf_node *n) {
  nf_op_desc d = nf_graph_describe(g, n);
  for (int k = 0; k < NF_MAX_IN; k++)
    if (n->in[k] != 0 && is_matrix(&g->value[n->in[k]])) d.in[k] = nf_layout_type(l, &g->value[n->in[k]]);
  return d;
}
