// SPDX-License-Identifier: Apache-2.0
#include "tests/support/team.h"
#include "base/memory.h"
#include "tensor/pack.h"
#include <string.h>

// ---- the graph ----

typedef struct maker {
  nf_builder b;
  const team_shape *s;
  int world;
  nf_val stream, y; // residual, and its norm
} maker;

static nf_val weight(maker *m, const char *name, int64_t rows, int64_t cols) {
  return nf_build_weight(&m->b, name, NF_TYPE(m->s->dtype, NF_C(rows), NF_C(cols)),
                         (nf_recipe){.tensor = name});
}

static nf_val norm_weight(maker *m, const char *name) {
  return nf_build_weight(&m->b, name, NF_TYPE(m->s->dtype, NF_C(m->s->hidden)), (nf_recipe){.tensor = name});
}

static void sum(maker *m, nf_val x, int64_t kind) {
  nf_builder *b = &m->b;
  const nf_val w = norm_weight(m, "norm");
  if (m->s->fused || kind == 0) {
    m->y = NF_BUILD(b, "y", rms_norm, (x, w, m->stream), .eps = 1e-5f, .reduce = true);
    m->stream = nf_build_result(b, m->y, 1);
  } else if (kind == 1) {
    const nf_val r = NF_BUILD(b, "reduced", all_reduce, (x), );
    m->stream = NF_BUILD(b, "stream", add, (r, m->stream), );
    m->y = NF_BUILD(b, "y", rms_norm, (m->stream, w), .eps = 1e-5f);
  } else {
    m->y = NF_BUILD(b, "y", rms_norm, (x, w), .eps = 1e-5f, .reduce = true);
    m->stream = nf_build_result(b, m->y, 1);
  }
}

static void block(maker *m, int64_t i) {
  const int64_t inner = m->s->inner[i % 2] / m->world;
  nf_builder_scope(&m->b, "B%d.", (int)i);
  const nf_val up =
      NF_BUILD(&m->b, "up", linear, (m->y, weight(m, "rows", 2 * inner, m->s->hidden)), .out = m->s->dtype);
  const nf_val act = NF_BUILD(&m->b, "act", swiglu, (up), .alpha = 1, .interleaved = true);
  const nf_val down =
      NF_BUILD(&m->b, "down", linear, (act, weight(m, "cols", m->s->hidden, inner)), .out = m->s->dtype);
  sum(m, down, i % 3);
}

static nf_status build(const team_shape *s, int world, nf_graph **out) {
  maker m = {.s = s, .world = world};
  NF_TRY(nf_builder_init(&m.b, "team"));
  const nf_val tokens = nf_build_input(&m.b, "tokens", NF_TYPE(NF_I32, NF_BY(1, NF_T)));
  m.stream = m.y = NF_BUILD(&m.b, "embedded", embedding, (tokens, weight(&m, "table", s->vocab, s->hidden)),
                            .out = s->dtype);
  for (int64_t i = 0; i < s->blocks; i++) block(&m, i);
  nf_builder_scope(&m.b, "%s", "");
  const nf_val last = NF_BUILD(&m.b, "last", gather_rows, (m.y), );
  nf_build_output(
      &m.b, NF_BUILD(&m.b, "out", linear, (last, weight(&m, "head", s->vocab, s->hidden)), .out = NF_F32));
  return nf_builder_finish(&m.b, out);
}

// ---- weights: an element is the same in whichever rank's slice it lies ----

float team_uniform(uint64_t seed, uint64_t i) {
  uint64_t z = seed * 0x9e3779b97f4a7c15u + (i + 1) * 0xd1342543de82ef95u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (float)(z >> 40) * 0x1p-24f;
}

static uint64_t name_hash(const char *name) {
  uint64_t h = 1469598103934665603u;
  for (; *name != '\0'; name++) h = (h ^ (unsigned char)*name) * 1099511628211u;
  return h;
}

static void fill_rows(const nf_value *v, const nf_tensor *t, int rank, float *room) {
  const int64_t rows = nf_tensor_rows(t), cols = nf_tensor_cols(t);
  const int64_t row0 = strstr(v->name, "rows") != NULL ? rank * rows : 0;
  const int64_t col0 = strstr(v->name, "cols") != NULL ? rank * cols : 0;
  const bool norm = v->type.rank == 1;
  const float scale = 1.7f / __builtin_sqrtf(64);
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < cols; c++) {
      const float u = 2 * team_uniform(name_hash(v->name), (uint64_t)((row0 + r) << 24 | (col0 + c))) - 1;
      room[c] = norm ? 1 + u / 8 : scale * u;
    }
    nf_row_encode(t, r, room);
  }
}

static nf_status fill(const nf_value *v, const nf_type *type, int rank, void *data) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  size_t bytes;
  NF_TRY(nf_type_bytes(&v->type, &none, &bytes));
  float *room = nf_alloc((size_t)v->type.dim[v->type.rank - 1].c, sizeof *room);
  void *plain = nf_pack_is_plain(type->pack) ? data : nf_alloc_aligned(bytes);
  if (room == NULL || plain == NULL) return nf_error(NF_NO_MEMORY, "no memory for '%s'", v->name);
  const nf_tensor from = nf_tensor_of(&v->type, &none, 0, plain), to = nf_tensor_of(type, &none, 0, data);
  fill_rows(v, &from, rank, room);
  if (plain != data) {
    nf_pack_tensor(&to, &from);
    nf_free_aligned(plain);
  }
  nf_free(room);
  return nf_ok();
}

// ---- ranks ----

static nf_status bind_weights(team *t, struct team_rank *r, int rank) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  r->weight = nf_alloc(t->graph->n_values, sizeof *r->weight);
  if (r->weight == NULL) return nf_error(NF_NO_MEMORY, "no memory for weights");
  for (nf_val v = 1; v < t->graph->n_values; v++) {
    const nf_value *value = &t->graph->value[v];
    size_t bytes;
    if (value->kind != NF_VALUE_WEIGHT) continue;
    NF_TRY(nf_type_bytes(nf_plan_type(r->plan, v), &none, &bytes));
    NF_TRY(nf_device_alloc(r->device, bytes, &r->weight[v]));
    NF_TRY(fill(value, nf_plan_type(r->plan, v), rank, r->weight[v].data));
    nf_plan_bind(r->plan, v, r->weight[v].data, 0);
  }
  return nf_ok();
}

static nf_status init_rank(team *t, int rank, int threads, const nf_hw *hw) {
  struct team_rank *r = &t->rank[rank];
  nf_plan_options o = {
      .max = nf_sizes_of(t->shape.batch, 1, t->shape.batch), .ranks = t->ranks, .rank = rank};
  NF_TRY(nf_hw_detect(&o.hw));
  o.hw.backend = NF_BACKEND_REF;
  if (hw != NULL) o.hw = *hw;
  NF_TRY(nf_threads_create(threads, &r->threads));
  NF_TRY(nf_device_host(r->threads, &r->device));
  NF_TRY(nf_plan_create(t->graph, &o, &r->plan));
  NF_TRY(nf_device_alloc(r->device, nf_plan_arena_bytes(r->plan), &r->arena));
  memset(r->arena.data, 0xff, r->arena.bytes); // NaN
  nf_plan_place(r->plan, r->arena.data);
  t->base[rank] = r->arena.data;
  NF_TRY(bind_weights(t, r, rank));
  if (rank == 0) {
    NF_TRY(nf_device_alloc(r->device, (size_t)t->shape.batch * sizeof(int32_t), &t->tokens));
    NF_TRY(nf_device_alloc(r->device, (size_t)t->shape.batch * sizeof(int32_t), &t->rows));
  }
  nf_plan_bind(r->plan, nf_graph_find(t->graph, "tokens"), t->tokens.data, 0);
  r->comm = (nf_comm){.world = t->world, .rank = rank, .base = t->base};
  r->batch = (nf_batch){.comm = &r->comm, .row = t->rows.data};
  nf_plan_set_batch(r->plan, &r->batch);
  return nf_ok();
}

nf_status team_init(team *t, const team_shape *shape, int world, int threads, const nf_hw *hw) {
  *t = (team){.shape = *shape, .world = world, .failing = -1};
  nf_status st;
  NF_GOTO(build(shape, world, &t->graph));
  NF_GOTO(nf_ranks_create(world, threads, &t->ranks));
  for (int r = 0; r < world; r++) NF_GOTO(init_rank(t, r, threads, hw));
  for (int64_t i = 0; i < shape->batch; i++) ((int32_t *)t->rows.data)[i] = (int32_t)i;
  NF_GOTO(nf_ranks_start(t->ranks));
  return nf_ok();
fail:
  team_deinit(t);
  return st;
}

void team_deinit(team *t) {
  nf_ranks_destroy(t->ranks);
  for (int i = t->world - 1; i >= 0; i--) {
    struct team_rank *r = &t->rank[i];
    for (nf_val v = 1; r->weight != NULL && v < t->graph->n_values; v++)
      nf_device_free(r->device, &r->weight[v]);
    nf_free(r->weight);
    if (r->device != NULL) nf_device_free(r->device, &r->arena);
    if (i == 0 && r->device != NULL) {
      nf_device_free(r->device, &t->tokens);
      nf_device_free(r->device, &t->rows);
    }
    nf_plan_destroy(r->plan);
    nf_device_destroy(r->device);
    nf_threads_destroy(r->threads);
  }
  nf_graph_destroy(t->graph);
  *t = (team){0};
}

static nf_status run_rank(void *user, int rank) {
  team *t = user;
  if (rank == t->failing) return nf_error(NF_UNAVAILABLE, "rank %d is out of order", rank);
  t->rank[rank].batch.sizes = t->sizes;
  return nf_plan_run(t->rank[rank].plan, t->rank[rank].device, &t->sizes);
}

nf_status team_step(team *t, const int32_t *tokens, int64_t n) {
  memcpy(t->tokens.data, tokens, (size_t)n * sizeof *tokens);
  t->sizes = nf_sizes_of(n, 1, n);
  return nf_ranks_run(t->ranks, run_rank, t);
}

nf_tensor team_out(const team *t, int rank) {
  return nf_plan_tensor(t->rank[rank].plan, nf_graph_find(t->graph, "out"));
}
