// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lockstep.h"
#include "base/checked.h"
#include "select/select.h"
#include "tests/support/weights.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PAGES = 64, STATES = 2, POISON = 0xff };

struct lockstep {
  const nf_graph *g;
  int world;
  int64_t most, done; // tokens
  size_t *offset;     // [n_values] in each rank's memory
  size_t bytes;
  char **base; // [world]
  nf_comm *comm;
  nf_batch batch;
  int32_t *position, *write_slot, *row, page_table[PAGES], q_start[2], table_row, state_in, state_out;
};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void *room(size_t n, size_t size) {
  void *p = nf_alloc(n, size);
  assert_non_null(p);
  return p;
}

// The value whose storage v is: what views and written pools are made of.
static nf_val root(const nf_graph *g, nf_val v) {
  while (g->value[v].kind == NF_VALUE_RESULT) {
    const nf_node *n = &g->node[g->value[v].node];
    const nf_op_info *info = nf_op_of(n->op);
    const int from = info->flags & NF_OP_VIEW ? 0 : info->out[g->value[v].result].alias;
    if (from < 0) break;
    v = n->in[from];
  }
  return v;
}

static int64_t slots_of(const nf_type *t) { return t->cache == NF_CACHE_RECURRENT ? STATES : PAGES; }

static void place(lockstep *l) {
  const nf_sizes most = nf_sizes_of(l->most, 1, l->most);
  for (nf_val v = 1; v < l->g->n_values; v++) {
    const nf_type *t = &l->g->value[v].type;
    size_t bytes;
    if (root(l->g, v) != v) continue;
    ok(nf_type_bytes(t, &most, &bytes));
    l->offset[v] = l->bytes;
    l->bytes +=
        (size_t)nf_round_up((int64_t)bytes * (t->cache ? slots_of(t) : 1), NF_CACHE_LINE) + NF_CACHE_LINE;
  }
}

static void *address(const lockstep *l, int rank, nf_val v) {
  return l->base[rank] + l->offset[root(l->g, v)];
}

nf_tensor lockstep_value(const lockstep *l, int rank, nf_val v) {
  const nf_type *t = &l->g->value[v].type;
  return v == 0 ? (nf_tensor){0} : nf_tensor_of(t, &l->batch.sizes, slots_of(t), address(l, rank, v));
}

static void load(lockstep *l, int rank, const nf_checkpoint *files) {
  for (nf_val v = 1; v < l->g->n_values; v++) {
    const nf_value *value = &l->g->value[v];
    if (value->kind != NF_VALUE_WEIGHT) continue;
    void *data = address(l, rank, v);
    ok(load_weight(files, value, rank, data));
  }
}

lockstep *lockstep_create(const nf_graph *g, int world, int64_t tokens, const nf_checkpoint *files) {
  lockstep *l = room(1, sizeof *l);
  *l = (lockstep){.g = g, .world = world, .most = tokens};
  l->offset = room(g->n_values, sizeof *l->offset);
  l->base = room((size_t)world, sizeof *l->base);
  l->comm = room((size_t)world, sizeof *l->comm);
  l->position = room((size_t)tokens, sizeof *l->position);
  l->write_slot = room((size_t)tokens, sizeof *l->write_slot);
  l->row = room((size_t)tokens, sizeof *l->row);
  for (int i = 0; i < PAGES; i++) l->page_table[i] = (i * 5 + 3) % PAGES;
  place(l);
  for (int rank = 0; rank < world; rank++) {
    l->base[rank] = nf_alloc_aligned(l->bytes);
    assert_non_null(l->base[rank]);
    memset(l->base[rank], POISON, l->bytes);
    l->comm[rank] = (nf_comm){.world = world, .rank = rank, .base = l->base};
    load(l, rank, files);
  }
  return l;
}

void lockstep_destroy(lockstep *l) {
  for (int rank = 0; rank < l->world; rank++) nf_free_aligned(l->base[rank]);
  nf_free(l->offset);
  nf_free(l->base);
  nf_free(l->comm);
  nf_free(l->position);
  nf_free(l->write_slot);
  nf_free(l->row);
  nf_free(l);
}

// Tokens per page, from the first pool that has pages.
static int64_t page_of(const nf_graph *g) {
  for (nf_val v = 1; v < g->n_values; v++)
    if (g->value[v].kind == NF_VALUE_POOL && g->value[v].type.rank == 4) return g->value[v].type.dim[2].c;
  return 1;
}

static void make_batch(lockstep *l, int64_t n) {
  const int64_t page = page_of(l->g);
  assert_true(n <= l->most && (l->done + n) <= page * PAGES);
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = l->done + i;
    l->position[i] = (int32_t)at;
    l->write_slot[i] = (int32_t)(l->page_table[at / page] * page + at % page);
    l->row[i] = (int32_t)i;
  }
  l->q_start[1] = (int32_t)n;
  l->state_in = l->done ? 1 : -1;
  l->state_out = 1;
  l->batch = (nf_batch){.sizes = nf_sizes_of(n, 1, n),
                        .q_start = l->q_start,
                        .position = l->position,
                        .table_row = &l->table_row,
                        .row = l->row,
                        .state_in = &l->state_in,
                        .state_out = &l->state_out};
  for (int c = 1; c < NF_CACHE_COUNT; c++)
    l->batch.group[c] = (struct nf_batch_group){l->page_table, PAGES, l->write_slot};
}

static void run_node(lockstep *l, int rank, const nf_node *n) {
  const nf_variant *kernel = nf_reference_of(n->op);
  const nf_args_layout *layout = nf_args_layout_of(n->op);
  const nf_op_info *info = nf_op_of(n->op);
  if (info->flags & NF_OP_VIEW) return;
  char *args = room(1, layout->size);
  nf_tensor *tensor = (nf_tensor *)(args + layout->tensors);
  l->batch.comm = &l->comm[rank];
  *(const nf_batch **)args = &l->batch;
  memcpy(args + layout->attrs, &n->attr, layout->attrs_size);
  for (int i = 0; i < info->n_in; i++) tensor[layout->in[i]] = lockstep_value(l, rank, n->in[i]);
  for (int i = 0; i < nf_node_results(n); i++)
    if (info->out[i].alias < 0) tensor[layout->out[i]] = lockstep_value(l, rank, n->out[i]);
  ok(nf_variant_run(kernel, args, NULL));
  nf_free(args);
}

void lockstep_step(lockstep *l, const int32_t *tokens, int64_t n) {
  const nf_val input = nf_graph_find(l->g, "tokens");
  assert_int_not_equal(input, 0);
  make_batch(l, n);
  for (int rank = 0; rank < l->world; rank++)
    memcpy(address(l, rank, input), tokens, (size_t)n * sizeof *tokens);
  for (size_t i = 0; i < l->g->n_nodes; i++)
    for (int rank = 0; rank < l->world; rank++) run_node(l, rank, &l->g->node[i]);
  l->done += n;
}
