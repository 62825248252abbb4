// SPDX-License-Identifier: Apache-2.0
// The tokens that a session holds: what is appended, cut off, and found again at the start of another text.
#include "base/checked.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <string.h>

// ---- appending ----

static nf_status check_tokens(const infuse_session *s, const int32_t *tokens, size_t n) {
  const infuse_model *m = s->model;
  if (s->known > m->options.context || n > (size_t)(m->options.context - s->known))
    return nf_error(NF_UNAVAILABLE, "the context is full: %ld of %ld tokens are used and %zu more do not fit",
                    (long)nf_min(s->known, m->options.context), (long)m->options.context, n);
  for (size_t i = 0; i < n; i++)
    if (tokens[i] < 0 || tokens[i] >= m->config.vocab)
      return nf_error(NF_BAD_INPUT, "token %zu is id %d; the vocabulary has ids 0 to %ld", i, tokens[i],
                      (long)m->config.vocab - 1);
  return nf_ok();
}

static nf_status check_routes(const infuse_model *m, size_t n, const int32_t *routes) {
  const size_t k = (size_t)m->config.experts_per_token;
  if (m->options.forced_experts != (routes != NULL))
    return nf_error(NF_USAGE, m->options.forced_experts
                                  ? "this model was loaded to be told each token's experts"
                                  : "experts can be given only to a model loaded for it");
  for (size_t i = 0; routes != NULL && i < (size_t)m->config.layers * n * k; i++)
    if (routes[i] < 0 || routes[i] >= m->config.experts)
      return nf_error(NF_BAD_INPUT, "routes: layer %zu, token %zu: expert %d; the model has experts 0 to %ld",
                      i / (n * k), i / k % n, routes[i], (long)m->config.experts - 1);
  return nf_ok();
}

static nf_status keep_routes(infuse_session *s, size_t n, const int32_t *routes) {
  const size_t k = (size_t)s->model->config.experts_per_token, layers = (size_t)s->model->config.layers;
  const size_t first = (size_t)s->known;
  if (!nf_grow(&s->routes, &s->routes_cap, (first + n) * layers * k, sizeof *s->routes))
    return nf_error(NF_NO_MEMORY, "no memory for the experts of %zu tokens", n);
  for (size_t t = 0; t < n; t++)
    for (size_t l = 0; l < layers; l++)
      memcpy(s->routes + ((first + t) * layers + l) * k, routes + (l * n + t) * k, k * sizeof *routes);
  return nf_ok();
}

static nf_status append(infuse_session *s, const int32_t *tokens, size_t n, const int32_t *routes) {
  NF_TRY(NF_GIVEN({"session", s != NULL}, {"list of tokens", tokens != NULL || n == 0}));
  NF_TRY(nf_session_check(s));
  NF_TRY(check_tokens(s, tokens, n));
  NF_TRY(check_routes(s->model, n, routes));
  if (routes != NULL) NF_TRY(keep_routes(s, n, routes));
  if (n != 0) memcpy(s->token + s->known, tokens, n * sizeof *tokens);
  const int64_t all = s->known + (int64_t)n;
  if (s->generation != NULL && s->queued != all) NF_TRY(nf_generation_resume(s, all));
  s->queued = s->known = all;
  nf_session_skip(s);
  return nf_ok();
}

infuse_error *infuse_session_append(infuse_session *s, const int32_t *tokens, size_t n) {
  return append(s, tokens, n, NULL).error;
}

infuse_error *infuse_session_append_routed(infuse_session *s, const int32_t *tokens, size_t n,
                                           const int32_t *routes) {
  NF_TELL(NF_GIVEN({"list of routes", routes != NULL}));
  return append(s, tokens, n, routes).error;
}

size_t infuse_session_pending(const infuse_session *s) {
  return s != NULL ? (size_t)(s->queued - s->position) : 0;
}
size_t infuse_session_cached(const infuse_session *s) { return s != NULL ? (size_t)s->cached : 0; }
size_t infuse_session_position(const infuse_session *s) { return s != NULL ? (size_t)s->position : 0; }

const int32_t *infuse_session_tokens(const infuse_session *s, size_t *n) {
  if (n != NULL) *n = s != NULL ? (size_t)s->known : 0;
  return s != NULL ? s->token : NULL;
}

// ---- going back ----

void nf_session_cut(infuse_session *s, int64_t n) {
  if (s->generation != NULL) nf_processors_cut(s->generation->processors, s->token, (size_t)n);
  s->known = n;
  s->told = nf_min(s->told, n);
  s->queued = nf_min(s->queued, n);
  const bool gone = n < s->position;
  nf_session_go_back(s, n);
  if (!gone) return;
  s->queued = s->position;
  s->step = 0; // its rows are of tokens that are no more
}

infuse_error *infuse_session_truncate(infuse_session *s, size_t n) {
  NF_TELL(nf_session_check(s));
  if (n > (size_t)s->known)
    return nf_error(NF_USAGE, "the session holds %ld tokens; it can't be cut back to %zu", (long)s->known, n)
        .error;
  if (n == (size_t)s->known) return NULL;
  nf_session_cut(s, (int64_t)n);
  if (s->generation != NULL) nf_generation_forget(s);
  return NULL;
}

nf_status nf_session_replace(infuse_session *s, const int32_t *tokens, size_t n) {
  const infuse_session empty = {.model = s->model};
  int64_t same = 0;
  NF_TRY(nf_session_check(s));
  NF_TRY(check_tokens(&empty, tokens, n));
  NF_TRY(check_routes(s->model, n, NULL));
  while (same < nf_min(s->known, (int64_t)n) && s->token[same] == tokens[same]) same++;
  // The last token is computed in any case: the answer is drawn from its logits.
  nf_session_cut(s, s->position >= (int64_t)n ? nf_min(same, (int64_t)n - 1) : same);
  memcpy(s->token, tokens, n * sizeof *tokens);
  s->queued = s->known = (int64_t)n;
  nf_session_skip(s);
  return nf_ok();
}

infuse_error *infuse_session_suspend(infuse_session *s) {
  NF_TELL(nf_session_check(s));
  const bool waits = infuse_session_pending(s) != 0;
  nf_session_release(s);
  if (!waits) s->queued = 0;
  return NULL;
}
