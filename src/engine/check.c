// SPDX-License-Identifier: Apache-2.0
// infuse_check: the checker's rows as one document.
#include "check/check.h"
#include "base/checked.h"
#include "base/clock.h"
#include "engine/document.h"
#include "engine/engine.h"
#include "op/desc.h"
#include <sys/random.h>

typedef struct collected {
  json_t *rows; // NULL: memory ran out
} collected;

static void collect(void *user, const nf_check_row *r) {
  collected *c = user;
  if (c->rows == NULL || json_array_append_new(c->rows, nf_check_row_json(r)) == 0) return;
  json_decref(c->rows);
  c->rows = NULL;
}

static uint64_t draw_seed(void) {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = (uint64_t)(nf_now() * 1e9);
  return seed >> 1; // jansson's integers are signed
}

// ---- the kernels of a model ----

typedef struct trials {
  nf_trial *at;
  size_t n, room;
} trials;

static nf_status add(trials *t, const nf_trial *one) {
  for (size_t i = 0; i < t->n; i++)
    if (t->at[i].v == one->v && t->at[i].c.at.of[NF_T] == one->c.at.of[NF_T] &&
        nf_op_desc_equal(&t->at[i].c.d, &one->c.d))
      return nf_ok();
  if (!nf_grow(&t->at, &t->room, t->n + 1, sizeof *t->at))
    return nf_error(NF_NO_MEMORY, "no memory for a check");
  t->at[t->n++] = *one;
  return nf_ok();
}

// Each node decodes a token behind a past, and is part of a step of several sequences; of the steps that its
// plan is for.
static nf_status add_nodes(const infuse_model *m, const nf_planned *p, uint64_t seed, trials *t) {
  enum { PAST = 100, MIXED = 19, SEQUENCES = 4, ROWS = 3 };
  const nf_sizes sizes[] = {nf_sizes_of(1, 1, 1), nf_sizes_of(nf_max(MIXED, p->lo), SEQUENCES, ROWS)};
  for (nf_node_id i = 0; i < p->graph->n_nodes; i++)
    for (int mixed = 0; mixed < 2; mixed++) {
      const nf_trial x = {.v = nf_plan_kernel(p->plan, i),
                          .c = {.d = nf_graph_describe(p->graph, &p->graph->node[i]),
                                .at = sizes[mixed],
                                .past = mixed ? 0 : PAST,
                                .world = (int)m->options.world,
                                .seed = seed}};
      const int64_t tokens = x.c.at.of[NF_T];
      if (x.v != NULL && tokens >= p->lo && tokens <= p->hi) NF_TRY(add(t, &x));
    }
  return nf_ok();
}

static nf_status add_plans(infuse_runtime *rt, const infuse_check_options *o, const char *fuse, uint64_t seed,
                           trials *t) {
  infuse_model *m = NULL;
  nf_compile_options c;
  nf_status st = nf_model_open_plan(rt, o->dir, o->model, fuse, &m);
  if (nf_is_ok(st)) st = nf_model_compile_options(m, &c);
  if (nf_is_ok(st)) st = nf_model_compile(m, &c);
  for (size_t i = 0; nf_is_ok(st) && i < m->compiled.n; i++)
    st = add_nodes(m, &m->compiled.range[i], seed, t);
  infuse_model_destroy(m);
  return st;
}

static nf_status check_model(infuse_runtime *rt, const infuse_check_options *o, const nf_check_options *own) {
  trials t = {0};
  nf_status st = add_plans(rt, o, NULL, own->seed, &t);
  if (nf_is_ok(st)) st = add_plans(rt, o, "off", own->seed, &t);
  if (nf_is_ok(st)) st = nf_check_trials(t.at, t.n, own);
  nf_free(t.at);
  return st;
}

static nf_status check(infuse_runtime *rt, const infuse_check_options *o, infuse_sink sink, void *user) {
  NF_TRY(nf_runtime_check_runs(rt));
  if (rt->threads == NULL)
    return nf_error(NF_USAGE, "device %s runs no kernels to check; use cpu or ref",
                    nf_device_name(rt->device));
  collected c = {.rows = json_array()};
  const uint64_t seed = o->seed != 0 ? o->seed : draw_seed();
  const nf_check_options own = {.op = o->op,
                                .seed = seed,
                                .threads = rt->threads,
                                .log = &rt->log,
                                .bench = o->bench,
                                .row = collect,
                                .user = &c};
  const nf_status st = o->dir != NULL ? check_model(rt, o, &own) : nf_check_run(&rt->hw, &own);
  if (!nf_is_ok(st) && nf_status_code(st) != NF_CHECK_FAILED) {
    json_decref(c.rows);
    return st;
  }
  json_t *doc = c.rows == NULL ? NULL
                               : json_pack("{s:s, s:I, s:o}", "schema", "infuse.check/1", "seed",
                                           (json_int_t)seed, "rows", c.rows);
  return nf_status_join(nf_document_deliver(nf_document_judge(doc), sink, user), st);
}

infuse_error *infuse_check(infuse_runtime *rt, const infuse_check_options *o, infuse_sink sink, void *user) {
  infuse_check_options options = {0};
  nf_status st = NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL});
  if (nf_is_ok(st)) st = NF_OPTIONS(infuse_check_options, bench, &options, o);
  if (nf_is_ok(st)) st = check(rt, &options, sink, user);
  return st.error;
}
