// SPDX-License-Identifier: Apache-2.0
// Sessions: a queue of tokens still to compute, a position, and the cache slots of what was computed.
#include "base/memory.h"
#include "engine/engine.h"
#include <string.h>

infuse_error *infuse_session_create(infuse_model *m, const infuse_session_options *o, infuse_session **out) {
  infuse_session_options options = {0};
  nf_status st = nf_options_copy(&options, sizeof options, o, "infuse_session_options");
  if (!nf_is_ok(st)) return st.error;
  if (m->n_sessions == m->options.sessions)
    return nf_error(NF_UNAVAILABLE, "all %ld sessions of the model are in use; load it with more",
                    (long)m->options.sessions)
        .error;
  infuse_session *s = nf_alloc(1, sizeof *s);
  if (s == NULL) return nf_error(NF_NO_MEMORY, "no memory for a session").error;
  m->n_sessions++;
  *s = (infuse_session){.model = m, .rows_wanted = options.rows != 0 ? options.rows : 1, .state = -1};
  if (options.generate) st = nf_generation_create(m, &options, &s->generation);
  if (!nf_is_ok(st)) {
    infuse_session_destroy(s);
    return st.error;
  }
  const int64_t pages = nf_model_pages(m);
  for (int g = 1; g < NF_CACHE_COUNT; g++) {
    if (!m->uses[g] || !nf_has_pages((nf_cache)g)) continue;
    s->page[g] = nf_alloc((size_t)pages, sizeof *s->page[g]);
    if (s->page[g] == NULL) {
      infuse_session_destroy(s);
      return nf_error(NF_NO_MEMORY, "no memory for a page table of %ld pages", (long)pages).error;
    }
    memset(s->page[g], 0xff, (size_t)pages * sizeof *s->page[g]);
  }
  *out = s;
  return NULL;
}

void infuse_session_destroy(infuse_session *s) {
  if (s == NULL) return;
  for (int g = 1; g < NF_CACHE_COUNT; g++) {
    for (int64_t i = 0; s->page[g] != NULL && i < nf_model_pages(s->model); i++)
      if (s->page[g][i] >= 0) nf_slots_give(&s->model->slots[g], s->page[g][i]);
    nf_free(s->page[g]);
  }
  if (s->state >= 0) nf_slots_give(&s->model->slots[NF_CACHE_RECURRENT], s->state);
  s->model->n_sessions--;
  nf_generation_destroy(s->generation);
  nf_free(s->queue);
  nf_free(s->routes);
  nf_free(s);
}

// ---- the queue ----

static nf_status check_tokens(const infuse_session *s, const int32_t *tokens, size_t n) {
  const infuse_model *m = s->model;
  const int64_t used = s->position + (int64_t)infuse_session_pending(s);
  if (n > (size_t)(m->options.context - used))
    return nf_error(NF_UNAVAILABLE, "the context is full: %ld of %ld tokens are used and %zu more do not fit",
                    (long)used, (long)m->options.context, n);
  for (size_t i = 0; i < n; i++)
    if (tokens[i] < 0 || tokens[i] >= m->config.vocab)
      return nf_error(NF_BAD_INPUT, "token %zu is id %d; the vocabulary has ids 0 to %ld", i, tokens[i],
                      (long)m->config.vocab - 1);
  return nf_ok();
}

static nf_status check_routes(const infuse_model *m, size_t n, const int32_t *routes) {
  const size_t k = (size_t)m->config.experts_per_token;
  for (size_t i = 0; i < (size_t)m->config.layers * n * k; i++)
    if (routes[i] < 0 || routes[i] >= m->config.experts)
      return nf_error(NF_BAD_INPUT, "routes: layer %zu, token %zu: expert %d; the model has experts 0 to %ld",
                      i / (n * k), i / k % n, routes[i], (long)m->config.experts - 1);
  return nf_ok();
}

// Moves what is pending to the front, so that the queue does not grow with the length of the sequence.
static void compact(infuse_session *s, size_t per_token) {
  if (s->head == 0) return;
  const size_t n = s->tail - s->head;
  memmove(s->queue, s->queue + s->head, n * sizeof *s->queue);
  if (s->routes != NULL)
    memmove(s->routes, s->routes + s->head * per_token, n * per_token * sizeof *s->routes);
  s->head = 0;
  s->tail = n;
}

static nf_status append(infuse_session *s, const int32_t *tokens, size_t n, const int32_t *routes) {
  const infuse_model *m = s->model;
  const size_t k = (size_t)m->config.experts_per_token, layers = (size_t)m->config.layers;
  NF_TRY(check_tokens(s, tokens, n));
  if (m->options.forced_experts != (routes != NULL))
    return nf_error(NF_USAGE, m->options.forced_experts
                                  ? "this model was loaded to be told each token's experts"
                                  : "experts can be given only to a model loaded for it");
  if (routes != NULL) NF_TRY(check_routes(m, n, routes));
  compact(s, layers * k);
  // One more than asked: a generating session puts its next token there, and a step must not allocate.
  if (!nf_grow(&s->queue, &s->queue_cap, s->tail + n + 1, sizeof *s->queue) ||
      (routes != NULL && !nf_grow(&s->routes, &s->routes_cap, (s->tail + n) * layers * k, sizeof *s->routes)))
    return nf_error(NF_NO_MEMORY, "no memory to queue %zu tokens", n);
  if (n != 0) memcpy(s->queue + s->tail, tokens, n * sizeof *tokens);
  for (size_t t = 0; routes != NULL && t < n; t++)
    for (size_t l = 0; l < layers; l++)
      memcpy(s->routes + ((s->tail + t) * layers + l) * k, routes + (l * n + t) * k, k * sizeof *routes);
  s->tail += n;
  if (s->generation != NULL && n != 0) nf_generation_resume(s->generation);
  return nf_ok();
}

infuse_error *infuse_session_append(infuse_session *s, const int32_t *tokens, size_t n) {
  return append(s, tokens, n, NULL).error;
}

infuse_error *infuse_session_append_routed(infuse_session *s, const int32_t *tokens, size_t n,
                                           const int32_t *routes) {
  return append(s, tokens, n, routes).error;
}

size_t infuse_session_pending(const infuse_session *s) { return s->tail - s->head; }
size_t infuse_session_position(const infuse_session *s) { return (size_t)s->position; }

// ---- results ----

static const float *rows_of(const infuse_session *s, nf_val v, size_t first) {
  const nf_tensor t = nf_plan_tensor(s->model->plan, v);
  return (const float *)t.data + first * (size_t)t.stride[0];
}

infuse_rows infuse_session_logits(const infuse_session *s) {
  const infuse_model *m = s->model;
  const size_t vocab = (size_t)m->config.vocab;
  if (s->step != m->steps || s->n_rows == 0) return (infuse_rows){.width = vocab};
  const float *data =
      m->logits != NULL ? m->logits + s->first_row * vocab : rows_of(s, m->logits_value, s->first_row);
  const size_t skipped = s->n_tokens - s->n_rows; // the rows are the last ones of the tokens
  return (infuse_rows){data, s->n_rows, vocab, (size_t)s->first_token_position + skipped};
}

infuse_error *infuse_session_hidden(const infuse_session *s, int64_t layer, infuse_rows *out) {
  const infuse_model *m = s->model;
  if (!m->options.keep_hidden || layer < 0 || layer > m->config.layers)
    return nf_error(NF_USAGE, "'hidden.%ld' is not kept: load with keep_hidden and ask for 0 to %ld",
                    (long)layer, (long)m->config.layers)
        .error;
  if (!nf_device_is_host(m->rt->device))
    return nf_error(NF_USAGE, "device null computes no hidden states").error;
  char name[32];
  snprintf(name, sizeof name, "hidden.%ld", (long)layer);
  const bool final = layer == m->config.layers;
  const size_t n = final ? s->n_rows : s->n_tokens, first = final ? s->first_row : s->first_token;
  *out = (infuse_rows){.width = (size_t)m->config.hidden};
  if (s->step != m->steps || n == 0) return NULL;
  const nf_tensor t = nf_plan_tensor(m->plan, nf_graph_find(m->graph, name));
  for (size_t i = 0; i < n; i++) nf_row_decode(&t, (int64_t)(first + i), m->hidden + i * out->width);
  *out = (infuse_rows){m->hidden, n, out->width, (size_t)s->first_token_position + s->n_tokens - n};
  return NULL;
}
