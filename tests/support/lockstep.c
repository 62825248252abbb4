// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lockstep.h"
#include "base/checked.h"
#include "select/select.h"
#include "tests/support/values.h"
#include "tests/support/weights.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PAGES = 64, STATES = 2 };

struct lockstep {
  values v;
  nf_type *type; // [n_values] as the graph has them
  int64_t done;  // tokens
  nf_batch batch;
  int32_t *position, *write_slot, *row, page_table[PAGES], q_start[2], table_row, state_in, *state_out;
};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void *room(size_t n, size_t size) {
  void *p = nf_alloc(n, size);
  assert_non_null(p);
  return p;
}

nf_tensor lockstep_value(const lockstep *l, int rank, nf_val v) { return values_tensor(&l->v, rank, v); }

static void load(lockstep *l, int rank, const nf_checkpoint *files) {
  for (nf_val v = 1; v < l->v.g->n_values; v++) {
    const nf_value *value = &l->v.g->value[v];
    if (value->kind != NF_VALUE_WEIGHT) continue;
    ok(load_weight(files, value, rank, lockstep_value(l, rank, v).data));
  }
}

lockstep *lockstep_create(const nf_graph *g, int world, int64_t tokens, const nf_checkpoint *files) {
  lockstep *l = room(1, sizeof *l);
  l->type = room(g->n_values, sizeof *l->type);
  for (nf_val v = 1; v < g->n_values; v++) l->type[v] = g->value[v].type;
  l->v = (values){.g = g, .type = l->type, .world = world, .most = nf_sizes_of(tokens, 1, tokens)};
  for (int c = 0; c < NF_CACHE_COUNT; c++) l->v.slots[c] = c == NF_CACHE_RECURRENT ? STATES : PAGES;
  ok(values_init(&l->v));
  l->position = room((size_t)tokens, sizeof *l->position);
  l->write_slot = room((size_t)tokens, sizeof *l->write_slot);
  l->row = room((size_t)tokens, sizeof *l->row);
  l->state_out = room((size_t)tokens, sizeof *l->state_out);
  for (int i = 0; i < PAGES; i++) l->page_table[i] = (i * 5 + 3) % PAGES;
  for (int rank = 0; rank < world; rank++) load(l, rank, files);
  return l;
}

void lockstep_destroy(lockstep *l) {
  values_deinit(&l->v);
  nf_free(l->type);
  nf_free(l->position);
  nf_free(l->write_slot);
  nf_free(l->row);
  nf_free(l->state_out);
  nf_free(l);
}

// Tokens per page, from the first pool that has pages.
static int64_t page_of(const nf_graph *g) {
  for (nf_val v = 1; v < g->n_values; v++)
    if (g->value[v].kind == NF_VALUE_POOL && g->value[v].type.rank == 4) return g->value[v].type.dim[2].c;
  return 1;
}

static void make_batch(lockstep *l, int64_t n) {
  const int64_t page = page_of(l->v.g);
  assert_true(n <= l->v.most.of[NF_T] && (l->done + n) <= page * PAGES);
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = l->done + i;
    l->position[i] = (int32_t)at;
    l->write_slot[i] = (int32_t)(l->page_table[at / page] * page + at % page);
    l->row[i] = (int32_t)i;
    l->state_out[i] = i + 1 == n ? 1 : -1;
  }
  l->q_start[1] = (int32_t)n;
  l->state_in = l->done ? 1 : -1;
  l->v.at = nf_sizes_of(n, 1, n);
  l->batch = (nf_batch){.sizes = l->v.at,
                        .q_start = l->q_start,
                        .position = l->position,
                        .table_row = &l->table_row,
                        .row = l->row,
                        .state_in = &l->state_in,
                        .state_out = l->state_out};
  for (int c = 1; c < NF_CACHE_COUNT; c++)
    l->batch.group[c] = (struct nf_batch_group){l->page_table, PAGES, l->write_slot};
}

static void run_node(lockstep *l, int rank, const nf_node *n) {
  l->batch.comm = &l->v.comm[rank];
  if (!values_is_view(&l->v, n)) ok(values_run(&l->v, rank, n, nf_reference_of(n->op), &l->batch));
}

void lockstep_step(lockstep *l, const int32_t *tokens, int64_t n) {
  const nf_val input = nf_graph_find(l->v.g, "tokens");
  assert_int_not_equal(input, 0);
  make_batch(l, n);
  for (int rank = 0; rank < l->v.world; rank++)
    memcpy(lockstep_value(l, rank, input).data, tokens, (size_t)n * sizeof *tokens);
  for (size_t i = 0; i < l->v.g->n_nodes; i++)
    for (int rank = 0; rank < l->v.world; rank++) run_node(l, rank, &l->v.g->node[i]);
  l->done += n;
}
