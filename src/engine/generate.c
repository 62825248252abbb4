// SPDX-License-Identifier: Apache-2.0
// A session that draws its own tokens: what becomes of them, and when they end the answer.
#include "engine/generate.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <string.h>
#include <time.h>

// ---- making one ----

static nf_status think_of(infuse_thinking wish, nf_think *out) {
  static const nf_think kinds[] = {[INFUSE_THINKING_DEFAULT] = NF_THINK_DEFAULT,
                                   [INFUSE_THINKING_ON] = NF_THINK_ON,
                                   [INFUSE_THINKING_OFF] = NF_THINK_OFF};
  if ((unsigned)wish >= sizeof kinds / sizeof *kinds)
    return nf_error(NF_USAGE, "thinking is %d; it must be default (0), on (1) or off (2)", (int)wish);
  return *out = kinds[wish], nf_ok();
}

static nf_status keep_string(nf_generation *g, nf_view from, nf_view *out) {
  if (from.n == 0) return *out = (nf_view){0}, nf_ok();
  *out = (nf_view){nf_arena_copy(&g->kept, from.at, from.n), from.n};
  return out->at != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a session's options");
}

static nf_status declare_tools(const infuse_model *m, const char *tools, nf_generation *g) {
  nf_text functions = {0};
  NF_TRY(nf_status_copy(m->broken_text));
  if (m->chat == NULL)
    return nf_error(NF_USAGE, "tools are for chats, and the model has no chat format that infuse knows");
  nf_status st = m->chat->declare(nf_view_of(tools), &functions);
  if (nf_is_ok(st)) st = keep_string(g, (nf_view){functions.at, functions.n}, &g->functions);
  nf_text_deinit(&functions);
  return st;
}

// A session's day stays the same: what is rendered again must begin as it did.
static nf_status keep_chat_options(const infuse_model *m, const infuse_session_options *o, nf_generation *g) {
  char today[16];
  struct tm now;
  const time_t seconds = time(NULL);
  strftime(today, sizeof today, "%Y-%m-%d", gmtime_r(&seconds, &now));
  NF_TRY(keep_string(g, nf_view_of(o->date != NULL ? o->date : today), &g->date));
  NF_TRY(keep_string(g, nf_view_of(o->effort), &g->effort));
  return o->tools != NULL ? declare_tools(m, o->tools, g) : nf_ok();
}

static nf_status copy_stop_tokens(const infuse_model *m, const infuse_session_options *o, nf_generation *g) {
  if (o->n_stop_tokens != 0 && o->stop_tokens == NULL)
    return nf_error(NF_USAGE, "n_stop_tokens is %zu, but stop_tokens is NULL", o->n_stop_tokens);
  g->stop_token = nf_alloc(o->n_stop_tokens, sizeof *g->stop_token);
  if (g->stop_token == NULL) return nf_error(NF_NO_MEMORY, "no memory for %zu stop tokens", o->n_stop_tokens);
  for (; g->n_stop_tokens < o->n_stop_tokens; g->n_stop_tokens++) {
    const int32_t id = o->stop_tokens[g->n_stop_tokens];
    if (id < 0 || id >= m->config.vocab)
      return nf_error(NF_USAGE, "stop token %zu is id %d; the vocabulary has ids 0 to %ld", g->n_stop_tokens,
                      id, (long)m->config.vocab - 1);
    g->stop_token[g->n_stop_tokens] = id;
  }
  return nf_ok();
}

static nf_status set_stops(const infuse_model *m, const infuse_session_options *o, nf_answer *a) {
  nf_answer_begin(a, NULL, NULL, NULL);
  a->tokenizer = m->tokenizer;
  a->stop_in_thoughts = o->stop_in_thoughts;
  if (o->n_stop != 0 && o->stop == NULL)
    return nf_error(NF_USAGE, "n_stop is %zu, but stop is NULL", o->n_stop);
  if (o->n_stop != 0) NF_TRY((nf_status){infuse_model_check_text(m)}, "stop strings");
  const bool own = o->n_stop == 0 && !o->ignore_eos && m->tokenizer != NULL; // the model's
  return own ? nf_answer_set_stops(a, m->generation.stop, m->generation.n_stop)
             : nf_answer_set_stops(a, o->stop, o->n_stop);
}

static nf_status fill(const infuse_model *m, const infuse_session_options *o, nf_generation *g) {
  if (!nf_device_computes(m->rt->device))
    return nf_error(NF_USAGE, "device %s computes nothing to draw tokens from",
                    nf_device_name(m->rt->device));
  if (o->max_tokens < 0)
    return nf_error(NF_USAGE, "max_tokens is %ld; it can't be negative", (long)o->max_tokens);
  NF_TRY(think_of(o->thinking, &g->think));
  g->max_tokens = o->max_tokens;
  g->ignore_eos = o->ignore_eos;
  g->token = -1;
  NF_TRY(keep_chat_options(m, o, g));
  NF_TRY(copy_stop_tokens(m, o, g));
  NF_TRY(nf_session_sampler_init(m, o, &g->sampler));
  return set_stops(m, o, &g->answer);
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
  nf_answer_deinit(&g->answer);
  nf_arena_deinit(&g->kept);
  nf_session_sampler_deinit(&g->sampler);
  nf_free(g->stop_token);
  nf_free(g);
}

static nf_status copy(const infuse_session *s, nf_generation *to) {
  const nf_generation *g = s->generation;
  const nf_answer *a = &g->answer;
  *to = *g;
  to->answer = (nf_answer){.tokenizer = a->tokenizer, .stop_in_thoughts = a->stop_in_thoughts};
  to->kept = (nf_arena){0};
  to->sampler = (nf_session_sampler){0};
  to->token = -1; // it has had no step
  to->stop_token = nf_alloc(g->n_stop_tokens, sizeof *to->stop_token);
  NF_TRY(nf_session_sampler_copy(&g->sampler, &to->sampler));
  NF_TRY(keep_string(to, g->effort, &to->effort));
  NF_TRY(keep_string(to, g->date, &to->date));
  NF_TRY(keep_string(to, g->functions, &to->functions));
  if (to->stop_token == NULL) return nf_error(NF_NO_MEMORY, "no memory for stop tokens");
  if (g->n_stop_tokens != 0) memcpy(to->stop_token, g->stop_token, g->n_stop_tokens * sizeof *to->stop_token);
  NF_TRY(nf_answer_set_stops(&to->answer, (const char *const *)a->stop, a->n_stop));
  return nf_answer_copy(&to->answer, a, s->token + g->answer_at, (size_t)(s->known - g->answer_at));
}

nf_status nf_generation_clone(const infuse_session *s, nf_generation **out) {
  nf_generation *g = nf_alloc(1, sizeof *g);
  if (g == NULL) return nf_error(NF_NO_MEMORY, "no memory for a session");
  const nf_status st = copy(s, g);
  if (nf_is_ok(st))
    *out = g;
  else
    nf_generation_destroy(g);
  return st;
}

// ---- going on ----

nf_status nf_generation_resume(infuse_session *s, int64_t n) {
  nf_generation *g = s->generation;
  if (g->finish == INFUSE_RUNNING) return nf_ok();
  NF_TRY(nf_answer_reread(&g->answer, s->token + g->answer_at, (size_t)(n - g->answer_at)));
  g->finish = INFUSE_RUNNING;
  g->tokens = 0;
  return nf_ok();
}

void nf_generation_expect(infuse_session *s, const nf_chat_format *format, const nf_chat *chat,
                          nf_chat_reader *reader) {
  nf_generation *g = s->generation;
  nf_answer_begin(&g->answer, format, chat, reader);
  g->answer_at = s->known;
  g->finish = INFUSE_RUNNING;
  g->token = -1;
  g->tokens = 0;
}

void nf_generation_forget(infuse_session *s) {
  nf_generation *g = s->generation;
  if (s->known < g->answer_at) {
    nf_answer_begin(&g->answer, NULL, NULL, NULL);
    g->answer_at = 0;
  }
  if (g->finish == INFUSE_RUNNING && infuse_session_pending(s) == 0)
    g->finish = INFUSE_STOP; // until something is appended
}

void nf_generation_begin_step(nf_generation *g) {
  nf_answer_begin_step(&g->answer);
  g->token = -1;
}

// ---- tokens ----

static bool is_among(int32_t token, const int32_t *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (list[i] == token) return true;
  return false;
}

static bool is_mark(const infuse_model *m, const nf_answer *a, int32_t token) { // of a chat's end
  return a->reader != NULL && a->format->is_stop(m->tokenizer, token);
}

// A chat's own mark is read, as it says how a message ends; no other stop token is text.
typedef enum verdict { GOES_ON, ENDS_ITSELF, IS_STOPPED } verdict;

static verdict judge(const infuse_model *m, const nf_generation *g, int32_t token) {
  const nf_answer *a = &g->answer;
  if (is_among(token, g->stop_token, g->n_stop_tokens)) return IS_STOPPED;
  if (g->ignore_eos) return GOES_ON;
  if (is_among(token, m->generation.eos, (size_t)m->generation.n_eos)) return ENDS_ITSELF;
  return is_mark(m, a, token) ? ENDS_ITSELF : GOES_ON;
}

static infuse_finish limit_reached(const infuse_session *s, const nf_generation *g) {
  if (g->max_tokens != 0 && g->tokens >= (size_t)g->max_tokens) return INFUSE_LENGTH;
  return s->position >= s->model->options.context ? INFUSE_CONTEXT_FULL : INFUSE_RUNNING;
}

static nf_status add_text(infuse_session *s, int32_t token) {
  nf_generation *g = s->generation;
  static const infuse_end ends[] = {INFUSE_END_CUT, INFUSE_END_ANSWER, INFUSE_END_STOP};
  const verdict v = judge(s->model, g, token);
  if (v == GOES_ON || (v == ENDS_ITSELF && is_mark(s->model, &g->answer, token)))
    NF_TRY(nf_answer_read(&g->answer, token));
  g->finish = v != GOES_ON || g->answer.stopped ? INFUSE_STOP : limit_reached(s, g);
  if (g->finish != INFUSE_RUNNING) NF_TRY(nf_answer_end(&g->answer, ends[v]));
  if (g->answer.stopped) g->finish = INFUSE_STOP; // perhaps in what was held back until the end
  return nf_answer_end_step(&g->answer);
}

nf_status nf_generation_take(infuse_session *s, int32_t token) {
  nf_generation *g = s->generation;
  g->token = token;
  g->tokens++;
  s->token[s->known++] = token; // there is room for one beyond the context
  NF_TRY(add_text(s, token));
  if (g->finish == INFUSE_RUNNING) s->queued = s->known;
  return nf_ok();
}

static infuse_output output_of(const nf_generation *g) {
  const nf_answer *a = &g->answer;
  return (infuse_output){.text = a->text.n != 0 ? a->text.at : "",
                         .n = a->text.n,
                         .channel = a->reader != NULL ? a->message.channel : NULL,
                         .token = g->token,
                         .tokens = g->tokens,
                         .finish = g->finish,
                         .pieces = a->piece,
                         .n_pieces = a->n_pieces};
}

void infuse_session_output_sized(const infuse_session *s, infuse_output *out, size_t size) {
  const nf_generation *g = s != NULL ? s->generation : NULL;
  const infuse_output ours = g != NULL ? output_of(g) : (infuse_output){.text = "", .token = -1};
  nf_result_copy(out, size, &ours, sizeof ours);
}
