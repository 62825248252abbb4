// SPDX-License-Identifier: Apache-2.0
// infuse_check: the checker's rows as one document.
#include "check/check.h"
#include "base/checked.h"
#include "base/map.h"
#include "engine/engine.h"
#include "op/desc.h"

static void collect(void *rows, const nf_check_row *r) { nf_document_append(rows, nf_check_row_json(r)); }

static uint64_t draw_seed(void) {
  uint64_t seed[2];
  nf_hash_seed(seed);
  return seed[0] >> 1; // jansson's integers are signed
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
      return t->at[i].nodes++, nf_ok();
  if (!nf_grow(&t->at, &t->room, t->n + 1, sizeof *t->at))
    return nf_error(NF_NO_MEMORY, "no memory for a check");
  t->at[t->n++] = *one;
  return nf_ok();
}

// A step of one sequence behind a past, or a mixed one of several.
typedef struct sample {
  nf_sizes at;
  int64_t past;
} sample;

// What is compared decodes a token, and is part of a step of several sequences, of the steps that its plan is
// for. What is timed decodes one, and computes as much of a prompt as a step takes.
static void samples_of(const infuse_model *m, const nf_planned *p, bool bench, sample out[2]) {
  enum { PAST = 100, MIXED = 19, SEQUENCES = 4, ROWS = 3 };
  const int64_t past = bench ? NF_COST_CONTEXT : PAST;
  out[0] = (sample){nf_sizes_of(1, 1, 1), past};
  out[1] = bench ? (sample){nf_sizes_of(m->options.batch, 1, 1), past}
                 : (sample){nf_sizes_of(nf_max(MIXED, p->lo), SEQUENCES, ROWS), 0};
}

static nf_status add_nodes(const infuse_model *m, const nf_planned *p, const nf_check_options *own,
                           trials *t) {
  sample samples[2];
  samples_of(m, p, own->bench, samples);
  const int n = own->bench && m->options.batch == 1 ? 1 : 2;
  for (nf_node_id i = 0; i < p->graph->n_nodes; i++)
    for (int s = 0; s < n; s++) {
      const nf_trial x = {.v = nf_plan_kernel(p->plan, i),
                          .c = {.d = nf_graph_describe(p->graph, &p->graph->node[i]),
                                .at = samples[s].at,
                                .past = samples[s].past,
                                .world = (int)m->options.world,
                                .repeats = own->bench,
                                .seed = own->seed},
                          .nodes = 1};
      const int64_t tokens = x.c.at.of[NF_T];
      if (x.v != NULL && tokens >= p->lo && tokens <= p->hi) NF_TRY(add(t, &x));
    }
  return nf_ok();
}

static nf_status add_plans(infuse_runtime *rt, const infuse_check_options *o, const char *fuse,
                           const nf_check_options *own, trials *t) {
  infuse_model *m = NULL;
  nf_compile_options c;
  nf_status st;
  NF_GOTO(nf_model_open_plan(rt, o->dir, o->model, fuse, &m));
  NF_GOTO(nf_model_compile_options(m, &c));
  NF_GOTO(nf_model_compile(m, &c));
  for (size_t i = 0; i < m->compiled.n; i++) NF_GOTO(add_nodes(m, &m->compiled.range[i], own, t));
fail:
  infuse_model_destroy(m);
  return st;
}

static nf_status check_model(infuse_runtime *rt, const infuse_check_options *o, const nf_check_options *own) {
  trials t = {0};
  nf_status st = add_plans(rt, o, NULL, own, &t);
  if (nf_is_ok(st) && !own->bench) st = add_plans(rt, o, "off", own, &t);
  if (nf_is_ok(st)) st = nf_check_trials(t.at, t.n, &rt->hw, own);
  nf_free(t.at);
  return st;
}

static nf_status check(infuse_runtime *rt, const infuse_check_options *o, infuse_sink sink, void *user) {
  NF_TRY(nf_runtime_check_runs(rt));
  if (rt->threads == NULL)
    return nf_error(NF_USAGE, "device %s runs no kernels to check; use cpu, cuda, hip or ref",
                    nf_device_name(rt->device));
  json_t *rows = json_array();
  const uint64_t seed = o->seed != 0 ? o->seed : draw_seed();
  const nf_check_options own = {.op = o->op,
                                .seed = seed,
                                .on = nf_runtime_runner(rt),
                                .log = &rt->log,
                                .bench = o->bench,
                                .row = collect,
                                .user = &rows};
  const nf_status st = o->dir != NULL ? check_model(rt, o, &own) : nf_check_run(&rt->hw, &own);
  if (!nf_is_ok(st) && nf_status_code(st) != NF_CHECK_FAILED) {
    json_decref(rows);
    return st;
  }
  json_t *doc =
      json_pack("{s:s, s:I, s:o}", "schema", "infuse.check/1", "seed", (json_int_t)seed, "rows", rows);
  return nf_status_join(nf_document_deliver(nf_document_judge(doc), sink, user), st);
}

infuse_error *infuse_check(infuse_runtime *rt, const infuse_check_options *o, infuse_sink sink, void *user) {
  infuse_check_options options = {0};
  NF_TELL(NF_GIVEN({"runtime", rt != NULL}, {"sink", sink != NULL}));
  NF_TELL(NF_OPTIONS(infuse_check_options, bench, &options, o));
  return check(rt, &options, sink, user).error;
}
