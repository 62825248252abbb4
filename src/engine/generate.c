// SPDX-License-Identifier: Apache-2.0
// Drawing a session's next token, and turning tokens into text: stop tokens, stop strings, chat channels.
#include "engine/generate.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <math.h>
#include <string.h>

// ---- making one ----

static nf_status check_sampling(const infuse_sampling *s) {
  if (!(s->temperature >= 0 && s->temperature <= 1e6f))
    return nf_error(NF_USAGE, "temperature is %g; it must lie between 0 and 1e6", (double)s->temperature);
  if (s->top_k < 0) return nf_error(NF_USAGE, "top_k is %d; it must be at least 1, or 0 for off", s->top_k);
  if (!(s->top_p > 0 && s->top_p <= 1))
    return nf_error(NF_USAGE, "top_p is %g; it must be above 0 and at most 1", (double)s->top_p);
  if (!(s->min_p >= 0 && s->min_p <= 1))
    return nf_error(NF_USAGE, "min_p is %g; it must lie between 0 and 1", (double)s->min_p);
  return nf_ok();
}

static nf_status think_of(infuse_thinking wish, nf_think *out) {
  static const nf_think kinds[] = {[INFUSE_THINKING_DEFAULT] = NF_THINK_DEFAULT,
                                   [INFUSE_THINKING_ON] = NF_THINK_ON,
                                   [INFUSE_THINKING_OFF] = NF_THINK_OFF};
  if ((unsigned)wish >= sizeof kinds / sizeof *kinds)
    return nf_error(NF_USAGE, "thinking is %d; it must be default (0), on (1) or off (2)", (int)wish);
  return *out = kinds[wish], nf_ok();
}

static nf_status copy_stops(const infuse_session_options *o, nf_generation *g) {
  g->stop_token = nf_alloc(o->n_stop_tokens, sizeof *g->stop_token);
  g->stop = nf_alloc(o->n_stop, sizeof *g->stop);
  if (g->stop_token == NULL || g->stop == NULL) return nf_error(NF_NO_MEMORY, "no memory for stop strings");
  for (; g->n_stop_tokens < o->n_stop_tokens; g->n_stop_tokens++)
    g->stop_token[g->n_stop_tokens] = o->stop_tokens[g->n_stop_tokens];
  for (; g->n_stop < o->n_stop; g->n_stop++) {
    const char *s = o->stop[g->n_stop];
    if (s[0] == '\0') return nf_error(NF_USAGE, "stop string %zu is empty", g->n_stop);
    g->stop[g->n_stop] = nf_alloc(strlen(s) + 1, 1);
    if (g->stop[g->n_stop] == NULL) return nf_error(NF_NO_MEMORY, "no memory for stop strings");
    memcpy(g->stop[g->n_stop], s, strlen(s));
  }
  return nf_ok();
}

static nf_status fill(const infuse_model *m, const infuse_session_options *o, nf_generation *g) {
  const infuse_sampling s = o->sampling != NULL ? *o->sampling : infuse_model_sampling(m);
  NF_TRY(check_sampling(&s));
  if (!nf_device_computes(m->rt->device))
    return nf_error(NF_USAGE, "device null computes nothing to draw tokens from");
  if (o->max_tokens < 0)
    return nf_error(NF_USAGE, "max_tokens is %ld; it can't be negative", (long)o->max_tokens);
  NF_TRY(think_of(o->thinking, &g->think));
  g->sampling = (nf_sampling){s.temperature, s.top_k, s.top_p, s.min_p, s.seed};
  g->max_tokens = o->max_tokens;
  g->ignore_eos = o->ignore_eos;
  g->token = -1;
  return copy_stops(o, g);
}

nf_status nf_generation_create(const infuse_model *m, const infuse_session_options *o, nf_generation **out) {
  nf_generation *g = nf_alloc(1, sizeof *g);
  if (g == NULL) return nf_error(NF_NO_MEMORY, "no memory for a session");
  const nf_status st = fill(m, o, g);
  if (nf_is_ok(st))
    *out = g;
  else
    nf_generation_destroy(g);
  return st;
}

void nf_generation_destroy(nf_generation *g) {
  if (g == NULL) return;
  for (size_t i = 0; i < g->n_stop; i++) nf_free(g->stop[i]);
  if (g->reader != NULL) g->chat->reader_destroy(g->reader);
  nf_free(g->stop);
  nf_free(g->stop_token);
  nf_text_deinit(&g->held);
  nf_text_deinit(&g->out);
  nf_free(g);
}

void nf_generation_resume(nf_generation *g) {
  if (g->finish == INFUSE_RUNNING) return;
  g->finish = INFUSE_RUNNING;
  g->tokens = 0;
}

void nf_generation_begin_step(nf_generation *g) {
  g->out.n = 0;
  g->token = -1;
}

// ---- text ----

static void move_held(nf_generation *g, size_t n) { // the first n bytes of what was held back go out
  nf_text_append(&g->out, g->held.at, n);
  memmove(g->held.at, g->held.at + n, g->held.n - n);
  g->held.n -= n;
}

// Length of the longest end of the held text that begins a stop string.
static size_t may_stop(const nf_generation *g) {
  size_t longest = 0;
  for (size_t i = 0; i < g->n_stop; i++) {
    const size_t length = strlen(g->stop[i]);
    for (size_t n = length - 1; n > longest; n--)
      if (n <= g->held.n && memcmp(g->held.at + g->held.n - n, g->stop[i], n) == 0) longest = n;
  }
  return longest;
}

static size_t find_stop(const nf_generation *g) { // where the first stop string begins, or SIZE_MAX
  size_t first = SIZE_MAX;
  for (size_t i = 0; i < g->n_stop && g->held.n != 0; i++) {
    const char *at = memmem(g->held.at, g->held.n, g->stop[i], strlen(g->stop[i]));
    if (at != NULL && (size_t)(at - g->held.at) < first) first = (size_t)(at - g->held.at);
  }
  return first;
}

static void release_text(nf_generation *g) {
  const size_t stop = find_stop(g);
  if (stop != SIZE_MAX) {
    move_held(g, stop);
    g->held.n = 0;
    g->finish = INFUSE_STOP;
  } else if (g->held.n != 0)
    move_held(g, g->held.n - may_stop(g));
}

static nf_status chat_event(void *user, const nf_chat_event *e) {
  nf_generation *g = user;
  if (e->kind == NF_CHAT_HEADER) {
    const size_t n = e->channel.n < sizeof g->channel - 1 ? e->channel.n : sizeof g->channel - 1;
    if (n != 0) memcpy(g->channel, e->channel.at, n);
    g->channel[n] = '\0';
  } else if (e->kind == NF_CHAT_TEXT)
    nf_text_append(&g->held, e->text.at, e->text.n);
  return nf_ok();
}

static nf_status add_text(const infuse_model *m, nf_generation *g, int32_t token) {
  if (m->tokenizer == NULL) return nf_ok();
  if (g->reader != NULL)
    NF_TRY(g->chat->read(g->reader, token, chat_event, g));
  else
    nf_decode_step(m->tokenizer, &g->decoder, token, true, &g->held);
  release_text(g);
  NF_TRY(nf_text_status(&g->held));
  return nf_text_status(&g->out);
}

// The text has ended: what was held back for a character or a stop string that never came goes out.
static nf_status end_text(nf_generation *g) {
  if (g->reader != NULL)
    NF_TRY(g->chat->finish(g->reader, chat_event, g));
  else
    nf_decoder_end(&g->decoder, &g->held);
  if (g->held.n != 0) move_held(g, g->held.n);
  NF_TRY(nf_text_status(&g->held));
  return nf_text_status(&g->out);
}

// ---- tokens ----

static bool is_among(int32_t token, const int32_t *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (list[i] == token) return true;
  return false;
}

static bool ends_text(const infuse_model *m, const nf_generation *g, int32_t token) {
  if (is_among(token, g->stop_token, g->n_stop_tokens)) return true;
  if (g->ignore_eos) return false;
  if (is_among(token, m->generation.eos, (size_t)m->generation.n_eos)) return true;
  return g->reader != NULL && g->chat->is_stop(m->tokenizer, token);
}

static infuse_finish limit_reached(const infuse_session *s, const nf_generation *g) {
  if (g->max_tokens != 0 && g->tokens >= (size_t)g->max_tokens) return INFUSE_LENGTH;
  return s->position >= s->model->options.context ? INFUSE_CONTEXT_FULL : INFUSE_RUNNING;
}

nf_status nf_generate(infuse_session *s, const float *logits) {
  const infuse_model *m = s->model;
  nf_generation *g = s->generation;
  g->token = nf_sample(&g->sampling, logits, (int32_t)m->config.vocab, (uint64_t)s->position, m->choices);
  g->tokens++;
  const bool ended = ends_text(m, g, g->token);
  if (ended)
    g->finish = INFUSE_STOP;
  else
    NF_TRY(add_text(m, g, g->token));
  const bool cut = g->finish == INFUSE_STOP && !ended; // by a stop string
  if (g->finish == INFUSE_RUNNING) g->finish = limit_reached(s, g);
  if (g->finish != INFUSE_RUNNING) return cut ? nf_ok() : end_text(g);
  s->queue[0] = g->token; // append leaves room for it
  s->head = 0;
  s->tail = 1;
  return nf_ok();
}

infuse_output infuse_session_output(const infuse_session *s) {
  const nf_generation *g = s->generation;
  if (g == NULL) return (infuse_output){.text = "", .token = -1};
  return (infuse_output){.text = g->out.n != 0 ? g->out.at : "",
                         .n = g->out.n,
                         .channel = g->reader != NULL ? g->channel : NULL,
                         .token = g->token,
                         .tokens = g->tokens,
                         .finish = g->finish};
}
