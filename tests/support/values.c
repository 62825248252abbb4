// SPDX-License-Identifier: Apache-2.0
#include "tests/support/values.h"
#include "base/checked.h"
#include <string.h>

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory to run a graph"); }

nf_status values_init(values *s) {
  const size_t world = (size_t)s->world;
  s->offset = nf_arena_alloc(&s->arena, s->g->n_values, sizeof *s->offset);
  s->base = nf_arena_alloc(&s->arena, world, sizeof *s->base);
  s->comm = nf_arena_alloc(&s->arena, world, sizeof *s->comm);
  if (!s->offset || !s->base || !s->comm) return no_memory();
  for (nf_val v = 1; v < s->g->n_values; v++) {
    const nf_cache cache = s->type[v].cache;
    size_t bytes;
    NF_TRY(nf_type_bytes(&s->type[v], &s->most, &bytes));
    s->offset[v] = s->bytes;
    s->bytes += (size_t)nf_round_up((int64_t)bytes * (cache ? s->slots[cache] : 1), NF_CACHE_LINE);
  }
  for (int rank = 0; rank < s->world; rank++) {
    s->base[rank] = nf_alloc_aligned(s->bytes);
    if (!s->base[rank]) return no_memory();
    memset(s->base[rank], 0xff, s->bytes);
    s->comm[rank] = (nf_comm){.world = s->world, .rank = rank, .base = s->base};
  }
  return nf_ok();
}

void values_deinit(values *s) {
  for (int rank = 0; s->base && rank < s->world; rank++) nf_free_aligned(s->base[rank]);
  nf_arena_deinit(&s->arena);
}

static bool view_of(const values *s, int rank, const nf_node *n, nf_tensor *out) {
  if (!(nf_op_of(n->op)->flags & NF_OP_VIEW)) return false;
  const nf_tensor x = values_tensor(s, rank, n->in[0]);
  return nf_tensor_of_view(n->op, &n->attr, &x, &s->type[n->out[0]], &s->at, out);
}

bool values_is_view(const values *s, const nf_node *n) {
  nf_tensor y;
  return view_of(s, 0, n, &y);
}

nf_tensor values_tensor(const values *s, int rank, nf_val v) {
  const nf_value *value = &s->g->value[v];
  nf_tensor y;
  if (v == 0) return (nf_tensor){0};
  if (value->kind == NF_VALUE_RESULT) {
    const nf_node *n = &s->g->node[value->node];
    const int alias = nf_op_of(n->op)->out[value->result].alias;
    if (view_of(s, rank, n, &y)) return y;
    if (alias >= 0) return values_tensor(s, rank, n->in[alias]);
  }
  return nf_tensor_of(&s->type[v], &s->at, s->slots[s->type[v].cache], s->base[rank] + s->offset[v]);
}

nf_op_desc values_describe(const values *s, const nf_node *n) {
  nf_op_desc d = nf_graph_describe(s->g, n);
  for (int k = 0; k < nf_op_of(n->op)->n_in; k++)
    if (n->in[k]) d.in[k] = s->type[n->in[k]];
  return d;
}

nf_status values_run(const values *s, int rank, const nf_node *n, const nf_variant *kernel,
                     const nf_batch *batch) {
  const nf_op_info *info = nf_op_of(n->op);
  const nf_args_layout *layout = nf_args_layout_of(n->op);
  char *args = nf_alloc(1, layout->size);
  if (!args) return no_memory();
  nf_tensor *tensor = (nf_tensor *)(args + layout->tensors);
  *(const nf_batch **)args = batch;
  memcpy(args + layout->attrs, &n->attr, layout->attrs_size);
  for (int k = 0; k < info->n_in; k++) tensor[layout->in[k]] = values_tensor(s, rank, n->in[k]);
  for (int i = 0; i < nf_node_results(n); i++)
    if (info->out[i].alias < 0) tensor[layout->out[i]] = values_tensor(s, rank, n->out[i]);
  const nf_status st = nf_variant_run(kernel, args, NULL);
  nf_free(args);
  return st;
}
