// SPDX-License-Identifier: Apache-2.0
// A session that draws its own tokens: what becomes of them, and when they end the answer.
#include "engine/generate.h"
#include "base/memory.h"
#include "engine/engine.h"

// ---- making one ----

// Of settings that it takes one use of. What there is when it fails is the session's to destroy.
static nf_status make(const infuse_model *m, nf_settings *settings, nf_generation **out) {
  const nf_status st = nf_make(out, 1, sizeof **out, "a session");
  if (!nf_is_ok(st)) return nf_settings_release(settings), st;
  nf_generation *g = *out;
  g->settings = settings;
  g->guessing.most = settings->guesses;
  g->token = -1;
  nf_answer_begin(&g->answer, NULL, NULL, NULL);
  g->answer.tokenizer = m->tokenizer;
  g->answer.stop = settings->stop;
  g->answer.n_stop = settings->n_stop;
  g->answer.stop_in_thoughts = settings->stop_in_thoughts;
  g->answer.own = !settings->ignore_eos;
  if (settings->constraint != NULL)
    NF_TRY(nf_watch_init(&g->answer.watch, &(nf_watch){.constraint = settings->constraint,
                                                       .tokenizer = m->tokenizer,
                                                       .end = &settings->end,
                                                       .mark = settings->whole ? settings->mark : NULL,
                                                       .calls = settings->functions.n != 0,
                                                       .vocab = m->config.vocab}));
  return nf_processors_create(&settings->sampling, m->config.vocab, &settings->end, &g->processors);
}

nf_status nf_generation_create(infuse_model *m, const infuse_session_options *o, nf_generation **out) {
  nf_settings *settings = NULL;
  if (!nf_device_computes(m->rt->device))
    return nf_error(NF_USAGE, "device %s computes nothing to draw tokens from",
                    nf_device_name(m->rt->device));
  const nf_status st = nf_settings_create(m, o, &settings);
  if (nf_is_ok(st)) return make(m, settings, out);
  nf_settings_release(settings);
  return st;
}

nf_status nf_generation_clone(const infuse_session *s, nf_generation **out) {
  const nf_generation *g = s->generation;
  g->settings->users++;
  NF_TRY(make(s->model, g->settings, out));
  (*out)->answer_at = g->answer_at;
  (*out)->tokens = g->tokens;
  (*out)->finish = g->finish;
  return nf_answer_copy(&(*out)->answer, &g->answer, s->token + g->answer_at,
                        (size_t)(s->known - g->answer_at));
}

void nf_generation_destroy(nf_generation *g) {
  if (g == NULL) return;
  nf_answer_deinit(&g->answer);
  nf_processors_destroy(g->processors);
  nf_settings_release(g->settings);
  nf_free(g);
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
  g->n_drawn = g->guessed = 0;
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
  g->in_answer = 0;
  g->n_drawn = g->guessed = 0;
  g->token = -1;
}

// ---- tokens ----

static bool is_among(int32_t token, const int32_t *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (list[i] == token) return true;
  return false;
}

static bool is_mark(const infuse_model *m, const nf_answer *a, int32_t token) { // of a chat's end
  return a->reader != NULL && nf_chat_is_stop(a->format, m->tokenizer, token);
}

// A chat's own mark is read, as it says how a message ends; no other stop token is text.
typedef enum verdict { GOES_ON, ENDS_ITSELF, IS_STOPPED } verdict;

static verdict judge(const infuse_model *m, const nf_generation *g, int32_t token) {
  const nf_answer *a = &g->answer;
  if (is_among(token, g->settings->stop_token.at, g->settings->stop_token.n)) return IS_STOPPED;
  if (g->settings->ignore_eos) return GOES_ON;
  if (is_among(token, m->generation.eos, (size_t)m->generation.n_eos)) return ENDS_ITSELF;
  return is_mark(m, a, token) ? ENDS_ITSELF : GOES_ON;
}

static infuse_finish limit_reached(const infuse_session *s, const nf_generation *g) {
  const int64_t most = g->settings->max_tokens;
  if (most != 0 && g->tokens >= (size_t)most) return INFUSE_LENGTH;
  return s->position >= s->model->options.context ? INFUSE_CONTEXT_FULL : INFUSE_RUNNING;
}

// Before it is read.
static bool is_text(const infuse_model *m, const nf_answer *a, int32_t token) {
  if (m->tokenizer == NULL || nf_token_is_added(m->tokenizer, token)) return false;
  return a->reader == NULL || a->format->next(a->reader).place != NF_PLACE_OTHER;
}

static bool has_called(const nf_answer *a) {
  return a->n_pieces != 0 && a->piece[a->n_pieces - 1].end == INFUSE_END_CALL;
}

static nf_status add_text(infuse_session *s, int32_t token) {
  nf_generation *g = s->generation;
  static const infuse_end ends[] = {INFUSE_END_CUT, INFUSE_END_ANSWER, INFUSE_END_STOP};
  const verdict v = judge(s->model, g, token);
  g->in_answer |= (uint32_t)(v == GOES_ON && is_text(s->model, &g->answer, token)) << (g->n_drawn - 1);
  if (v == GOES_ON || (v == ENDS_ITSELF && is_mark(s->model, &g->answer, token)))
    NF_TRY(nf_answer_read(&g->answer, token));
  const bool whole = v == GOES_ON && (nf_watch_must_end(&g->answer.watch) ||
                                      (g->settings->one_call && has_called(&g->answer)));
  g->finish = v != GOES_ON || whole || g->answer.stopped ? INFUSE_STOP : limit_reached(s, g);
  if (g->finish != INFUSE_RUNNING) NF_TRY(nf_answer_end(&g->answer, ends[whole ? ENDS_ITSELF : v]));
  if (g->answer.stopped) g->finish = INFUSE_STOP; // perhaps in what was held back until the end
  return nf_answer_end_step(&g->answer);
}

nf_status nf_generation_take(infuse_session *s, int32_t token) {
  nf_generation *g = s->generation;
  g->token = g->drawn[g->n_drawn++] = token;
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
                         .n_pieces = a->n_pieces,
                         .drawn = g->n_drawn != 0 ? g->drawn : NULL,
                         .n_drawn = g->n_drawn,
                         .guessed = g->guessed,
                         .in_answer = g->n_drawn != 0 && g->in_answer >> (g->n_drawn - 1) & 1,
                         .drawn_in_answer = g->in_answer};
}

void infuse_session_output_sized(const infuse_session *s, infuse_output *out, size_t size) {
  const nf_generation *g = s != NULL ? s->generation : NULL;
  const infuse_output ours = g != NULL ? output_of(g) : (infuse_output){.text = "", .token = -1};
  nf_result_copy(out, size, &ours, sizeof ours);
}
