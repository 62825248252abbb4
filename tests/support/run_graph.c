// SPDX-License-Identifier: Apache-2.0
// Values of all ranks in arenas of one layout, nodes one after the other, each on all ranks before the next.
#include "tests/support/run_graph.h"
#include "base/checked.h"
#include "select/select.h"
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include "tests/support/values.h"
#include <math.h>
#include <string.h>

enum { MAX_WORLD = 4, ROWS = 3 };

struct nf_ran {
  values v;
  nf_arena arena;
  uint64_t seed;
  nf_type *type; // [n_values] as the kernels want them packed
  nf_batch batch[MAX_WORLD];
};

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory to run a graph"); }

nf_tensor nf_ran_value(const nf_ran *r, int rank, nf_val v) { return values_tensor(&r->v, rank, v); }

// A weight lies as the first kernel that reads it wants.
static nf_status choose_packs(nf_ran *r, nf_ran_kernel *kernel) {
  const nf_graph *g = r->v.g;
  r->v.type = r->type = nf_arena_alloc(&r->arena, g->n_values, sizeof *r->type);
  if (!r->type) return no_memory();
  for (nf_val v = 1; v < g->n_values; v++) r->type[v] = g->value[v].type;
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_node *n = &g->node[i];
    nf_op_desc d = values_describe(&r->v, n);
    if (nf_packed_operand(&d, 0) < 0) continue;
    NF_FOR_PACKED(w, &d)
    if (nf_pack_is_plain(d.in[w].pack)) d.in[w].pack = NF_PACK_ANY;
    const nf_variant *v = kernel(&d);
    NF_FOR_PACKED(w, &d)
    if (v && nf_pack_is_any(d.in[w].pack)) r->type[n->in[w]] = nf_type_packed(r->type[n->in[w]], v->pack);
  }
  return nf_ok();
}

static nf_status make_batch(nf_ran *r) {
  const int64_t tokens = r->v.at.of[NF_T];
  int32_t *a = nf_arena_alloc(&r->arena, (size_t)(2 * tokens + ROWS + 3), sizeof *a);
  if (!a) return no_memory();
  int32_t *q_start = a, *table_row = a + 2, *row = a + 3, *position = row + ROWS, *page = position + tokens;
  q_start[1] = (int32_t)tokens;
  for (int i = 0; i < ROWS && i < tokens; i++) row[i] = (int32_t)(tokens - 1 - i);
  for (int32_t t = 0; t < tokens; t++) position[t] = page[t] = t;
  for (int rank = 0; rank < r->v.world; rank++) {
    nf_batch *b = &r->batch[rank];
    *b = (nf_batch){.sizes = r->v.at,
                    .comm = r->v.world > 1 ? &r->v.comm[rank] : NULL,
                    .q_start = q_start,
                    .table_row = table_row,
                    .row = row,
                    .position = position};
    for (int c = 0; c < NF_CACHE_COUNT; c++)
      b->group[c] = (struct nf_batch_group){.page_table = page, .pages = tokens, .write_slot = page};
  }
  return nf_ok();
}

static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  return z ^ z >> 27;
}

static void fill_ints(int32_t *row, int64_t cols, uint64_t *state) {
  for (int64_t i = 0; i < cols; i++) row[i] = (int32_t)(next(state) >> 20) & 3;
}

static void fill_floats(const nf_tensor *t, int64_t row, uint64_t *state, float *room) {
  for (int64_t i = 0; i < nf_tensor_cols(t); i++)
    room[i] = (float)(int64_t)(next(state) >> 41) / (float)(1 << 22) - 1;
  nf_row_encode(t, row, room);
}

static void fill_fp8(const nf_tensor *t, int64_t row, uint64_t *state) {
  const int64_t cols = nf_tensor_cols(t);
  uint8_t *code = nf_tensor_row(t, row);
  float *scale = nf_tensor_scales(t, row);
  for (int64_t i = 0; i < cols; i++) code[i] = nf_e4m3_encode((float)(next(state) >> 55) - 256);
  for (int64_t i = 0; i < nf_scale_cols(t->dtype, cols); i++) scale[i] = (float)(1 + i % 3) * 0x1p-9f;
}

// Rows of a plain tensor, from a stream that `name` and the rank decide.
static void fill_rows(const nf_ran *r, int rank, const char *name, const nf_tensor *t, int64_t from,
                      int64_t n, float *room) {
  const uint64_t key[2] = {r->seed, t->dtype == NF_I32 ? 0 : (uint64_t)rank};
  uint64_t state = nf_hash(name, strlen(name), key);
  for (int64_t row = from; row < from + n; row++)
    if (t->dtype == NF_I32)
      fill_ints(nf_tensor_row(t, row), nf_tensor_cols(t), &state);
    else if (nf_is_fp8(t->dtype))
      fill_fp8(t, row, &state);
    else
      fill_floats(t, row, &state, room);
}

static nf_status fill(nf_ran *r, int rank, nf_val v, float *room) {
  const nf_value *value = &r->v.g->value[v];
  const nf_tensor to = nf_ran_value(r, rank, v);
  nf_tensor plain = to;
  if (!nf_pack_is_plain(to.pack)) {
    size_t bytes;
    NF_TRY(nf_type_bytes(&value->type, &r->v.at, &bytes));
    void *data = nf_arena_alloc(&r->arena, 1, bytes);
    if (!data) return no_memory();
    plain = nf_tensor_of(&value->type, &r->v.at, 0, data);
  }
  for (int i = 0; i < nf_weight_joins(value); i++) { // each as it would be alone
    int64_t first;
    const nf_value one = nf_weight_joined(value, i, &first);
    nf_tensor part = plain;
    if (part.rank == 1 && value->recipe.n_joined) {
      part.data = (char *)part.data + first * nf_dtype_of(part.dtype)->bits / 8;
      part.dim[0] = part.padded = one.type.dim[0].c;
    }
    fill_rows(r, rank, one.name, &part, part.rank > 1 ? first : 0,
              value->recipe.n_joined && part.rank > 1 ? one.type.dim[0].c : nf_tensor_rows(&part), room);
  }
  if (!nf_pack_is_plain(to.pack)) nf_pack_tensor(&to, &plain);
  return nf_ok();
}

static nf_status fill_leaves(nf_ran *r) {
  for (nf_val v = 1; v < r->v.g->n_values; v++) {
    const nf_value *value = &r->v.g->value[v];
    const nf_dtype dtype = value->type.dtype;
    if (value->kind == NF_VALUE_RESULT || value->kind == NF_VALUE_POOL) continue;
    if (dtype != NF_I32 && !nf_is_float(dtype) && !nf_is_fp8(dtype))
      return nf_error(NF_BAD_INPUT, "%s: no way to fill its type", value->name);
    const nf_tensor t = nf_ran_value(r, 0, v);
    float *room = nf_arena_alloc(&r->arena, (size_t)nf_tensor_cols(&t) + 1, sizeof *room);
    if (!room) return no_memory();
    for (int rank = 0; rank < r->v.world; rank++) NF_TRY(fill(r, rank, v, room));
  }
  return nf_ok();
}

const nf_variant *nf_ran_reference(const nf_op_desc *d) { return nf_reference_of(d->op); }

static nf_status run_node(nf_ran *r, nf_ran_kernel *kernel, const nf_node *n) {
  if (values_is_view(&r->v, n)) return nf_ok();
  const nf_op_desc d = values_describe(&r->v, n);
  const nf_variant *k = kernel(&d);
  for (int rank = 0; rank < r->v.world; rank++) NF_TRY(values_run(&r->v, rank, n, k, &r->batch[rank]));
  return nf_ok();
}

static nf_status run(nf_ran *r, nf_ran_kernel *kernel) {
  NF_TRY(choose_packs(r, kernel));
  NF_TRY(values_init(&r->v));
  NF_TRY(make_batch(r));
  NF_TRY(fill_leaves(r));
  for (size_t i = 0; i < r->v.g->n_nodes; i++) NF_TRY(run_node(r, kernel, &r->v.g->node[i]));
  return nf_ok();
}

nf_status nf_ran_create(const nf_graph *g, int world, int64_t tokens, uint64_t seed, nf_ran **out) {
  return nf_ran_create_by(nf_ran_reference, g, world, tokens, seed, out);
}

nf_status nf_ran_create_by(nf_ran_kernel *kernel, const nf_graph *g, int world, int64_t tokens, uint64_t seed,
                           nf_ran **out) {
  nf_ran *r = nf_alloc(1, sizeof *r);
  if (!r) return no_memory();
  r->seed = seed;
  r->v = (values){.g = g, .world = world, .at = nf_sizes_of(tokens, 1, nf_min(tokens, ROWS))};
  r->v.most = r->v.at;
  for (int c = 0; c < NF_CACHE_COUNT; c++) r->v.slots[c] = tokens;
  nf_status st = run(r, kernel);
  if (nf_is_ok(st))
    *out = r;
  else
    nf_ran_destroy(r);
  return st;
}

void nf_ran_destroy(nf_ran *r) {
  if (!r) return;
  values_deinit(&r->v);
  nf_arena_deinit(&r->arena);
  nf_free(r);
}

static double row_difference(const nf_tensor *x, const nf_tensor *y, int64_t row) {
  const int64_t cols = nf_tensor_cols(x);
  const size_t bytes = (size_t)nf_max(cols, x->padded) * (size_t)nf_dtype_of(x->dtype)->bits / 8;
  const size_t scales = nf_is_fp8(x->dtype) ? (size_t)nf_scale_cols(x->dtype, cols) * sizeof(float) : 0;
  if (memcmp(nf_tensor_row(x, row), nf_tensor_row(y, row), bytes) == 0 &&
      (!scales || memcmp(nf_tensor_scales(x, row), nf_tensor_scales(y, row), scales) == 0))
    return 0;
  float a[nf_max(1, cols)], b[nf_max(1, cols)];
  double most = 0x1p-60, off = 0x1p-120; // the bytes differ, if only in a sign of zero
  nf_row_decode(x, row, a);
  nf_row_decode(y, row, b);
  for (int64_t i = 0; i < cols; i++) {
    most = fmax(most, fabs((double)a[i]));
    off = fmax(off, fabs((double)a[i] - b[i]));
    if (isnan(a[i]) || isnan(b[i])) return INFINITY;
  }
  return off / most;
}

double nf_ran_difference(const nf_ran *a, const nf_ran *b, const char **where) {
  double most = 0;
  *where = "";
  for (nf_val v = 1; v < a->v.g->n_values; v++) {
    const nf_val w = nf_graph_find(b->v.g, a->v.g->value[v].name);
    if (!w || a->v.g->value[v].type.cache || !nf_type_equal(&a->type[v], &b->type[w]) ||
        !nf_pack_is_plain(a->type[v].pack))
      continue;
    for (int rank = 0; rank < a->v.world; rank++) {
      const nf_tensor x = nf_ran_value(a, rank, v), y = nf_ran_value(b, rank, w);
      for (int64_t row = 0; row < nf_tensor_rows(&x); row++) {
        const double d = row_difference(&x, &y, row);
        if (!(d <= most)) most = d, *where = a->v.g->value[v].name;
      }
    }
  }
  return most;
}
