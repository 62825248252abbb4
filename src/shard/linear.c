// SPDX-License-Identifier: Apache-2.0
// Rules of the ops that read weight matrices: where splits begin and end.
#include "base/checked.h"
#include "shard/state.h"
#include <inttypes.h>

static nf_piece split(nf_node_id region, int dim, int64_t size) {
  return (nf_piece){.spread = NF_SPLIT, .region = region, .dim = dim, .n = 1, .size = {size}};
}

// Rows or columns of a matrix that share a scale; 1: any may be split.
static int64_t group_of(int group) { return group == 0 || group == NF_WHOLE_ROW ? 1 : group; }

// ---- linears ----

typedef struct linear { // a node, linear or grouped_linear
  nf_node_id id;
  const nf_node *n;
  int w, bias; // operands
  const nf_type *x_type, *w_type;
  const nf_piece *x;
} linear;

static linear linear_of(const nf_sharding *s, nf_node_id id, int w, const nf_piece *x) {
  const nf_node *n = &s->g->node[id];
  return (linear){id, n, w, w + 1, &s->g->value[n->in[0]].type, &s->g->value[n->in[w]].type, x};
}

static bool takes_cuts(const nf_sharding *s, const linear *l) {
  return nf_shard_sliceable(s, l->n->in[l->w]) && nf_shard_sliceable(s, l->n->in[l->bias]);
}

// Columns that the weight has brought together are split part by part.
static bool part(nf_sharding *s, const nf_row_groups *g, nf_piece *p) {
  const int64_t columns = p->size[0];
  int64_t width = 0;
  bool fine = true;
  for (int i = 0; i < g->n; i++) width += g->size[i];
  if (g->n) p->n = g->n;
  for (int i = 0; i < g->n; i++) {
    p->size[i] = columns / width * g->size[i];
    fine &= nf_region_require(nf_region_of(s, p), p->size[i], 1);
  }
  return fine;
}

// The result's columns are split, and the weight's rows with them.
static nf_status begin(nf_sharding *s, const linear *l) {
  const int rows = l->w_type->rank - 2;
  const nf_type *y = &s->g->value[l->n->out[0]].type;
  nf_piece p = split(nf_region_open(s, l->id, l->w_type->dim[rows].c), 0, l->w_type->dim[rows].c);
  if (!part(s, &s->g->value[l->n->in[l->w]].recipe.groups, &p))
    return nf_error(NF_BAD_INPUT, "%s: too large", s->g->value[l->n->out[0]].name);
  s->region[l->id].rows = group_of(nf_dtype_of(l->w_type->dtype)->group_rows);
  s->want[l->id][l->w] = nf_piece_at(p, rows);
  if (l->n->in[l->bias]) s->want[l->id][l->bias] = nf_piece_at(p, rows);
  return nf_shard_pass(s, l->id, nf_piece_at(p, y->rank - 1));
}

// x's columns are split, and the weight's with them: each rank has an addend of the result, one of them the
// bias.
static nf_status end(nf_sharding *s, const linear *l) {
  const int64_t group = group_of(nf_dtype_of(l->w_type->dtype)->group_cols);
  for (int i = 0; i < l->x->n; i++)
    if (!nf_region_require(nf_region_of(s, l->x), l->x->size[i], group))
      return nf_error(NF_BAD_INPUT, "%s: too large", s->g->value[l->n->out[0]].name);
  s->want[l->id][l->w] = nf_piece_at(*l->x, l->w_type->rank - 1);
  if (l->n->in[l->bias]) s->want[l->id][l->bias] = (nf_piece){.zero = true};
  NF_TRY(nf_region_end(s, l->id, l->x, l->n->in[l->w]));
  return nf_shard_pass(s, l->id, (nf_piece){.spread = NF_PARTIAL});
}

nf_status nf_shard_linear(nf_sharding *s, nf_node_id id, nf_piece *x) {
  const linear l = linear_of(s, id, 1, x);
  const int last = l.x_type->rank - 1;
  if (l.x->spread == NF_SPLIT && l.x->dim != last) return nf_shard_pass(s, id, *l.x); // rows stay rows
  if (l.x->spread == NF_SPLIT && takes_cuts(s, &l)) return end(s, &l);
  if (l.x->spread == NF_REPLICATED && s->mode[id] == NF_MODE_CUT && takes_cuts(s, &l)) return begin(s, &l);
  return nf_shard_plain(s, id);
}

// ---- experts ----

// Each rank has some of the experts whole; what others have is zeros here.
static nf_status deal(nf_sharding *s, const linear *l) {
  const int64_t experts = l->w_type->dim[0].c, each = nf_ceil_div(experts, s->world);
  if (experts < s->world)
    return nf_error(
        NF_BAD_INPUT,
        "world %d: %s has fewer groups of columns that share a scale than there are ranks, and its %" PRId64
        " experts can't be spread over them either",
        s->world, s->g->value[l->n->in[l->w]].name, experts);
  const nf_piece p = split(nf_region_open(s, l->id, experts), 0, experts);
  s->region[l->id].unit = each;
  s->own[l->id] = each;
  s->want[l->id][l->w] = p;
  if (l->n->in[l->bias]) s->want[l->id][l->bias] = p;
  return nf_shard_pass(s, l->id, (nf_piece){.spread = NF_EXPERT_PARALLEL});
}

nf_status nf_shard_grouped_linear(nf_sharding *s, nf_node_id id, nf_piece *x) {
  const linear l = linear_of(s, id, 2, x);
  const int last = l.x_type->rank - 1;
  if (!nf_shard_whole(s, l.n->in[1], id)) return nf_ok();
  if (takes_cuts(s, &l)) {
    if (l.x->spread == NF_SPLIT && l.x->dim == last) return end(s, &l);
    if (l.x->spread == NF_EXPERT_PARALLEL) return deal(s, &l);
    if (l.x->spread == NF_REPLICATED && s->mode[id] == NF_MODE_CUT) return begin(s, &l);
    if (l.x->spread == NF_REPLICATED && s->mode[id] == NF_MODE_DEALT) return deal(s, &l);
  }
  return nf_shard_plain(s, id);
}

// ---- embedding ----

nf_status nf_shard_embedding(nf_sharding *s, nf_node_id id, nf_piece *) {
  const nf_node *n = &s->g->node[id];
  const nf_type *table = &s->g->value[n->in[1]].type;
  const int64_t rows = table->dim[0].c;
  if (rows < 1 || s->mode[id] != NF_MODE_CUT || !nf_shard_sliceable(s, n->in[1]))
    return nf_shard_plain(s, id);
  if (!nf_shard_whole(s, n->in[0], id)) return nf_ok();
  s->want[id][1] = split(nf_region_open(s, id, rows), 0, rows);
  s->region[id].unit = s->own[id] =
      nf_round_up(nf_ceil_div(rows, s->world), group_of(nf_dtype_of(table->dtype)->group_rows));
  return nf_shard_pass(s, id, (nf_piece){.spread = NF_PARTIAL});
}
