// SPDX-License-Identifier: Apache-2.0
// Sessions: how they begin, end and multiply, and what a step left of theirs.
#include "base/checked.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <string.h>

static nf_status allocate_room(infuse_session *s) {
  const int64_t pages = nf_model_pages(s->model);
  NF_TRY(nf_make(&s->token, (size_t)s->model->options.context + 1, sizeof *s->token, "a session's tokens"));
  NF_TRY(nf_make(&s->prefix, (size_t)pages, sizeof *s->prefix, "a session's pages"));
  for (int g = 1; g < NF_CACHE_COUNT; g++) {
    if (!s->model->uses[g] || !nf_has_pages((nf_cache)g)) continue;
    s->page[g] = nf_step_tables_pages(&s->model->tables, (nf_cache)g, s->row);
    memset(s->page[g], 0xff, (size_t)pages * sizeof *s->page[g]);
  }
  return nf_ok();
}

// A session that holds nothing yet.
static nf_status allocate(infuse_model *m, infuse_session **out) {
  if (m->n_sessions == m->options.sessions)
    return nf_error(NF_UNAVAILABLE, "all %ld sessions of the model are in use; load it with more",
                    (long)m->options.sessions);
  infuse_session *s;
  NF_TRY(nf_make(&s, 1, sizeof *s, "a session"));
  *s = (infuse_session){.model = m, .row = m->free_row[m->n_sessions++], .state = -1};
  const nf_status st = allocate_room(s);
  if (nf_is_ok(st))
    *out = s;
  else
    infuse_session_destroy(s);
  return st;
}

static nf_status ask_logprobs(infuse_session *s, int64_t top) {
  const int64_t guesses = s->generation != NULL ? s->generation->settings->guesses : 0;
  const int64_t most = s->rows_wanted == INFUSE_ALL_ROWS ? INT64_MAX : s->rows_wanted + guesses;
  return nf_logprobs_init(&s->logprobs, top, s->model->config.vocab, nf_min(most, s->model->options.rows));
}

static nf_status create(infuse_model *m, const infuse_session_options *o, infuse_session **out) {
  infuse_session_options options = {0};
  NF_TRY(NF_GIVEN({"model", m != NULL}, {"result", out != NULL}));
  NF_TRY(NF_OPTIONS(infuse_session_options, rows, &options, o));
  if (options.rows < INFUSE_ALL_ROWS)
    return nf_error(NF_USAGE, "rows is %ld; it must be at least 1, 0 for 1, or -1 for all",
                    (long)options.rows);
  infuse_session *s;
  NF_TRY(allocate(m, &s));
  s->rows_wanted = options.rows != 0 ? options.rows : 1;
  s->unshared = options.unshared;
  if (options.generate) nf_model_tell_generation(m);
  nf_status st = options.generate ? nf_generation_create(m, &options, &s->generation) : nf_ok();
  if (nf_is_ok(st) && options.logprobs) st = ask_logprobs(s, options.top_logprobs);
  if (nf_is_ok(st))
    *out = s;
  else
    infuse_session_destroy(s);
  return st;
}

infuse_error *infuse_session_create(infuse_model *m, const infuse_session_options *o, infuse_session **out) {
  return create(m, o, out).error;
}

void infuse_session_destroy(infuse_session *s) {
  if (s == NULL) return;
  if (nf_session_in_flight(s)) nf_flight_land(s->model);
  nf_session_release(s);
  nf_free(s->prefix);
  s->model->free_row[--s->model->n_sessions] = s->row;
  nf_status_free(s->failure);
  nf_generation_destroy(s->generation);
  nf_logprobs_deinit(&s->logprobs);
  nf_free(s->token);
  nf_free(s->routes);
  nf_free(s);
}

// ---- failing ----

void nf_session_fail(infuse_session *s, nf_status why) {
  if (nf_is_ok(why)) return;
  s->failure = why;
  nf_session_release(s);
  s->queued = 0;
  s->step = 0;
  s->status = INFUSE_STATUS_FAILED;
  if (s->generation != NULL) s->generation->finish = INFUSE_FAILED;
}

nf_status nf_session_check(const infuse_session *s) {
  NF_TRY(NF_GIVEN({"session", s != NULL}));
  if (nf_session_in_flight(s))
    return nf_error(NF_USAGE, "a step with this session was begun; infuse_step_wait comes first");
  if (nf_is_ok(s->failure)) return nf_ok();
  return nf_error(NF_USAGE, "the session has failed: %s", nf_status_message(s->failure));
}

const infuse_error *infuse_session_error(const infuse_session *s) {
  return s != NULL ? s->failure.error : NULL;
}

// ---- cloning ----

static nf_status clone_tokens(const infuse_session *s, infuse_session *to) {
  const infuse_model *m = s->model;
  const size_t routes =
      s->routes != NULL ? (size_t)(s->known * m->config.layers * m->config.experts_per_token) : 0;
  if (!nf_grow(&to->routes, &to->routes_cap, routes, sizeof *to->routes))
    return nf_error(NF_NO_MEMORY, "no memory for a session's experts");
  if (routes != 0) memcpy(to->routes, s->routes, routes * sizeof *to->routes);
  memcpy(to->token, s->token, (size_t)s->known * sizeof *to->token);
  return nf_ok();
}

static nf_status clone(const infuse_session *s, infuse_session *to) {
  to->rows_wanted = s->rows_wanted;
  to->queued = s->queued, to->known = s->known, to->told = s->told;
  to->unshared = s->unshared;
  NF_TRY(clone_tokens(s, to));
  nf_session_share(s, to);
  if (s->generation != NULL) NF_TRY(nf_generation_clone(s, &to->generation));
  return s->logprobs.width != 0 ? ask_logprobs(to, (int64_t)s->logprobs.width - 1) : nf_ok();
}

infuse_error *infuse_session_clone(const infuse_session *s, infuse_session **out) {
  infuse_session *to;
  NF_TELL(NF_GIVEN({"session", s != NULL}, {"result", out != NULL}));
  NF_TELL(nf_session_check(s));
  NF_TELL(allocate(s->model, &to));
  const nf_status st = clone(s, to);
  if (nf_is_ok(st))
    *out = to;
  else
    infuse_session_destroy(to);
  return st.error;
}

// ---- results ----

bool nf_model_has_logits(const infuse_model *m) { return m->logits == NULL || m->logits_step == m->steps; }

const float *nf_model_logits(const infuse_model *m, size_t row) {
  if (m->logits != NULL) return m->logits + row * (size_t)m->config.vocab;
  const nf_tensor t = nf_plan_tensor(m->plan, m->logits_value);
  return (const float *)t.data + row * (size_t)t.stride[0];
}

// Nobody has asked so far. An error is the device's, and the next step's too.
static bool fetched(infuse_model *m) {
  const nf_status st = nf_model_fetch_logits(m);
  const bool well = nf_is_ok(st);
  nf_status_free(st);
  return well;
}

static infuse_rows logits_of(const infuse_session *s) {
  infuse_model *m = s->model;
  const size_t vocab = (size_t)m->config.vocab;
  if (s->step != m->steps || s->n_rows == 0) return (infuse_rows){.width = vocab};
  if (!nf_model_has_logits(m) && !fetched(m)) return (infuse_rows){.width = vocab};
  const size_t skipped = s->n_tokens - s->n_rows; // the rows are the last ones of the tokens
  return (infuse_rows){nf_model_logits(m, s->first_row), s->n_rows, vocab,
                       (size_t)s->first_token_position + skipped};
}

void infuse_session_logits_sized(const infuse_session *s, infuse_rows *out, size_t size) {
  const infuse_rows ours = s != NULL ? logits_of(s) : (infuse_rows){0};
  nf_result_copy(out, size, &ours, sizeof ours);
}

static nf_status check_hidden(const infuse_session *s, int64_t layer, const infuse_rows *out) {
  NF_TRY(NF_GIVEN({"session", s != NULL}, {"result", out != NULL}));
  const infuse_model *m = s->model;
  if (!nf_device_computes(m->rt->device))
    return nf_error(NF_USAGE, "device %s computes no hidden states", nf_device_name(m->rt->device));
  if (!m->options.keep_hidden)
    return nf_error(NF_USAGE, "hidden states are not kept: load the model with keep_hidden");
  if (layer >= 0 && layer <= m->config.layers) return nf_ok();
  return nf_error(NF_USAGE, "there is no 'hidden.%ld'; the model has 0 to %ld", (long)layer,
                  (long)m->config.layers);
}

static nf_status hidden_of(const infuse_session *s, int64_t layer, infuse_rows *out) {
  const infuse_model *m = s->model;
  char name[32];
  snprintf(name, sizeof name, "hidden.%ld", (long)layer);
  const bool final = layer == m->config.layers;
  const size_t n = final ? s->n_rows : s->n_tokens, first = final ? s->first_row : s->first_token;
  const size_t width = (size_t)m->config.hidden;
  *out = (infuse_rows){.width = width};
  if (s->step != m->steps || n == 0) return nf_ok();
  NF_TRY(nf_plan_read(m->plan, m->rank[0].device, nf_graph_find(m->graph, name), (int64_t)first, (int64_t)n,
                      m->hidden));
  *out = (infuse_rows){m->hidden, n, width, (size_t)s->first_token_position + s->n_tokens - n};
  return nf_ok();
}

infuse_error *infuse_session_hidden_sized(const infuse_session *s, int64_t layer, infuse_rows *out,
                                          size_t size) {
  infuse_rows ours;
  NF_TELL(check_hidden(s, layer, out));
  NF_TELL(hidden_of(s, layer, &ours));
  nf_result_copy(out, size, &ours, sizeof ours);
  return NULL;
}
