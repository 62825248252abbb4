// SPDX-License-Identifier: Apache-2.0
// Where numbers that are none began: looking at every value as it is made, and telling its layer.
#include "base/checked.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_seen(const nf_graph *g, nf_val v) {
  const nf_value *value = &g->value[v];
  return value->kind == NF_VALUE_RESULT && value->type.cache == NF_NO_CACHE && nf_is_float(value->type.dtype);
}

static size_t widest_row(const infuse_model *m) {
  int64_t widest = 1;
  for (size_t i = 0; i < m->compiled.n; i++) {
    const nf_planned *p = &m->compiled.range[i];
    for (nf_val v = 1; v < p->graph->n_values; v++) {
      const nf_tensor t = nf_plan_tensor(p->plan, v);
      if (is_seen(p->graph, v)) widest = nf_max(widest, nf_tensor_cols(&t));
    }
  }
  return (size_t)widest;
}

// On failure too there is something to deinit.
static nf_status init(infuse_model *m, nf_trace *t) {
  *t = (nf_trace){.model = m};
  NF_TRY(nf_make(&t->row, widest_row(m), sizeof *t->row, "a trace"));
  NF_TRY(nf_make(&t->arena, (size_t)m->options.world, sizeof *t->arena, "a trace"));
  for (int64_t i = 0; i < m->options.world; i++)
    NF_TRY(nf_device_alloc(m->rank[i].device, m->compiled.arena_bytes, &t->arena[i]));
  return nf_model_place_arenas(m, t->arena);
}

// The step that failed has left rows of others, which its own plan finds.
static void deinit(nf_trace *t) {
  nf_model_use_plan(t->model, t->model->flight.bucket.of[NF_T]);
  nf_status_free(nf_model_place_arenas(t->model, NULL)); // ranges that were written before
  for (int64_t i = 0; t->arena != NULL && i < t->model->options.world; i++)
    nf_device_free(t->model->rank[i].device, &t->arena[i]);
  nf_free(t->arena);
  nf_free(t->row);
}

// ---- looking ----

static nf_status look_at(nf_trace *t, nf_val v) {
  const infuse_model *m = t->model;
  const nf_tensor all = nf_plan_tensor(m->plan, v);
  for (int64_t r = 0; r < nf_tensor_rows(&all) && t->found == 0; r++) {
    NF_TRY(nf_plan_read(m->plan, m->rank[0].device, v, r, 1, t->row));
    for (int64_t i = 0; i < nf_tensor_cols(&all); i++)
      if (!isfinite(t->row[i])) t->found = v;
  }
  return nf_ok();
}

nf_status nf_trace_look(void *user, const nf_node *n) {
  nf_trace *t = user;
  for (int r = 0; r < nf_node_results(n) && t->found == 0; r++)
    if (n->out[r] != 0 && is_seen(t->model->graph, n->out[r])) NF_TRY(look_at(t, n->out[r]));
  return nf_ok();
}

// ---- telling ----

// -1: the embedding; as many as there are layers: the final norm, which is called hidden.<layers>, and all
// behind it.
static long layer_of(const infuse_model *m, const char *name) {
  const long layers = (long)m->config.layers;
  long layer;
  if (sscanf(name, "L%ld.", &layer) == 1) return layer;
  if (strcmp(name, "residual") == 0) return layers - 1;
  if (sscanf(name, "hidden.%ld", &layer) == 1 && layer < layers) return layer - 1;
  return layers;
}

// "layer 3 ('L3.mlp.down' = linear)", into out.
static void place(const nf_trace *t, char *out, size_t n) {
  const nf_graph *g = t->model->graph;
  const nf_value *v = &g->value[t->found];
  const long layer = layer_of(t->model, v->name);
  char number[32];
  snprintf(number, sizeof number, "layer %ld", layer);
  snprintf(out, n, "%s ('%s' = %s)",
           layer < 0                          ? "the embedding"
           : layer == t->model->config.layers ? "the output head"
                                              : number,
           v->name, nf_op_of(g->node[v->node].op)->name);
}

// ---- searching ----

// Computes the session's tokens again, in steps as large as may be, up to the first value that is not finite.
// The last step has the rows that it had.
static nf_status recompute(infuse_session *s, nf_trace *t) {
  const infuse_model *m = s->model;
  const int64_t end = s->position, last = s->first_token_position, rows = (int64_t)s->n_rows;
  s->unshared = true; // its numbers are of no use to others
  nf_session_release(s);
  while (s->position < end && t->found == 0) {
    const bool is_last = s->position >= last;
    const int64_t tokens = nf_min(m->options.batch, (is_last ? end : last) - s->position);
    NF_TRY(nf_step_traced(s, tokens, is_last ? rows : 0, t));
    NF_TRY(nf_log_progress(&m->rt->log, "looking for numbers that are none", (uint64_t)s->position,
                           (uint64_t)end));
  }
  return nf_ok();
}

nf_status nf_trace_why(infuse_session *s, int64_t token) {
  char where[160];
  nf_trace t;
  nf_status st = init(s->model, &t);
  if (nf_is_ok(st)) st = recompute(s, &t);
  if (nf_is_ok(st) && t.found != 0) place(&t, where, sizeof where);
  const char *why = !nf_is_ok(st) ? nf_status_message(st) : "computed again they were finite";
  const nf_status out =
      t.found != 0
          ? nf_error(NF_BAD_INPUT, "the logits of token %ld are not finite; it began in %s", (long)token,
                     where)
          : nf_error(NF_BAD_INPUT, "the logits of token %ld are not finite; where it began can't be told: %s",
                     (long)token, why);
  nf_status_free(st);
  deinit(&t);
  return out;
}
