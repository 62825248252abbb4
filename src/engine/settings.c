// SPDX-License-Identifier: Apache-2.0
// What a client asks of a session that draws its own tokens: checking it, and keeping it.
#include "base/checked.h"
#include "engine/engine.h"
#include <math.h>
#include <string.h>
#include <time.h>

// ---- what the model asks for ----

// Of all that generation_config.json has for it: sequences with a bias, bad words, suppressed tokens.
static size_t fill_biases(const nf_generation_config *g, infuse_logit_bias *out) {
  size_t n = 0;
  for (size_t i = 0; i < g->n_bias; i++)
    out[n++] = (infuse_logit_bias){g->bias[i].ids.id, g->bias[i].ids.n, g->bias[i].bias};
  for (size_t i = 0; i < g->n_bad_words; i++)
    out[n++] = (infuse_logit_bias){g->bad_words[i].id, g->bad_words[i].n, -INFINITY};
  for (size_t i = 0; i < g->suppress.n; i++) out[n++] = (infuse_logit_bias){&g->suppress.id[i], 1, -INFINITY};
  return n;
}

nf_status nf_model_make_sampling(infuse_model *m) {
  const nf_generation_config *g = &m->generation;
  NF_TRY(nf_make(&m->biases, g->n_bias + g->n_bad_words + g->suppress.n, sizeof *m->biases,
                 "the settings of sampling"));
  m->sampling = (infuse_sampling){.size = sizeof m->sampling,
                                  .temperature = g->temperature,
                                  .top_k = g->top_k,
                                  .top_p = g->top_p,
                                  .min_p = g->min_p,
                                  .repetition_penalty = g->repetition_penalty,
                                  .frequency_penalty = g->frequency_penalty,
                                  .presence_penalty = g->presence_penalty,
                                  .no_repeat_ngram_size = g->no_repeat_ngram,
                                  .min_tokens = g->min_new_tokens,
                                  .logit_bias = m->biases,
                                  .n_logit_bias = fill_biases(g, m->biases),
                                  .begin_suppress_tokens = g->begin_suppress.id,
                                  .n_begin_suppress_tokens = g->begin_suppress.n};
  return nf_ok();
}

void infuse_model_sampling_sized(const infuse_model *m, infuse_sampling *out, size_t size) {
  infuse_sampling s = m != NULL ? m->sampling : (infuse_sampling){0};
  s.size = size;
  nf_result_copy(out, size, &s, sizeof s);
}

// ---- checking ----

#define AT(field) offsetof(infuse_sampling, field)
static const infuse_sampling_bound bounds[] = {{"temperature", AT(temperature), 0, 1e6f},
                                               {"top_p", AT(top_p), 0, 1},
                                               {"min_p", AT(min_p), 0, 1},
                                               {"repetition_penalty", AT(repetition_penalty), 0, 1000},
                                               {"frequency_penalty", AT(frequency_penalty), -1000, 1000},
                                               {"presence_penalty", AT(presence_penalty), -1000, 1000}};

const infuse_sampling_bound *infuse_sampling_bounds(size_t *n) {
  if (n != NULL) *n = sizeof bounds / sizeof *bounds;
  return bounds;
}

static nf_status check_numbers(const infuse_sampling *s) {
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    float x;
    memcpy(&x, (const char *)s + bounds[i].at, sizeof x);
    if (!(x >= bounds[i].least && x <= bounds[i].most))
      return nf_error(NF_USAGE, "%s is %g; it must lie between %g and %g", bounds[i].name, (double)x,
                      (double)bounds[i].least, (double)bounds[i].most);
  }
  if (s->top_k < 0) return nf_error(NF_USAGE, "top_k is %d; it must be at least 1, or 0 for off", s->top_k);
  if (s->no_repeat_ngram_size < 0)
    return nf_error(NF_USAGE, "no_repeat_ngram_size is %d; it must be at least 1, or 0 for off",
                    s->no_repeat_ngram_size);
  if (s->min_tokens < 0)
    return nf_error(NF_USAGE, "min_tokens is %ld; it can't be negative", (long)s->min_tokens);
  return nf_ok();
}

static nf_status check_ids(const infuse_model *m, const char *name, const int32_t *id, size_t n) {
  if (n != 0 && id == NULL) return nf_error(NF_USAGE, "%s has %zu tokens, but they are NULL", name, n);
  for (size_t i = 0; i < n; i++)
    if (id[i] < 0 || id[i] >= m->config.vocab)
      return nf_error(NF_BAD_INPUT, "%s names id %d; the vocabulary has ids 0 to %ld", name, id[i],
                      (long)m->config.vocab - 1);
  return nf_ok();
}

static nf_status check_biases(const infuse_model *m, const infuse_sampling *s) {
  if (s->n_logit_bias != 0 && s->logit_bias == NULL)
    return nf_error(NF_USAGE, "n_logit_bias is %zu, but logit_bias is NULL", s->n_logit_bias);
  for (size_t i = 0; i < s->n_logit_bias; i++) {
    const infuse_logit_bias *b = &s->logit_bias[i];
    if (b->n == 0) return nf_error(NF_USAGE, "logit_bias %zu has no tokens", i);
    if (!isfinite(b->bias) && b->bias != -INFINITY)
      return nf_error(NF_USAGE, "logit_bias %zu is %g; it must be a finite number, or -infinity", i,
                      (double)b->bias);
    NF_TRY(check_ids(m, "logit_bias", b->token, b->n));
  }
  return check_ids(m, "begin_suppress_tokens", s->begin_suppress_tokens, s->n_begin_suppress_tokens);
}

// What all versions have, and all that is read of a struct that does not say its size.
enum { FIRST_SIZE = AT(n_begin_suppress_tokens) + sizeof(size_t) };
_Static_assert(FIRST_SIZE == 88, "programs are compiled with this");

static nf_status copy_sampling(const infuse_model *m, const infuse_sampling *theirs, infuse_sampling *out) {
  if (theirs == NULL)
    *out = m->sampling;
  else if (theirs->size == 0)
    memcpy(out, theirs, FIRST_SIZE);
  else
    NF_TRY(NF_OPTIONS(infuse_sampling, seed, out, theirs));
  NF_TRY(check_numbers(out));
  return check_biases(m, out);
}

// ---- keeping ----

static nf_status kept(bool all) {
  return all ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a session's options");
}

static nf_status keep_string(nf_settings *s, nf_view from, nf_view *out) {
  *out = (nf_view){nf_arena_copy(&s->arena, from.at, from.n), from.n};
  return kept(out->at != NULL);
}

static void *copy(nf_settings *s, const void *list, size_t n, size_t size) { // NULL: no memory
  void *own = nf_arena_alloc(&s->arena, n, size);
  return own != NULL && n != 0 ? memcpy(own, list, n * size) : own;
}

static nf_status keep_sampling(nf_settings *s) {
  infuse_sampling *to = &s->sampling;
  infuse_logit_bias *bias = copy(s, to->logit_bias, to->n_logit_bias, sizeof *bias);
  for (size_t i = 0; bias != NULL && i < to->n_logit_bias; i++) {
    bias[i].token = copy(s, bias[i].token, bias[i].n, sizeof *bias[i].token);
    NF_TRY(kept(bias[i].token != NULL));
  }
  to->logit_bias = bias;
  to->begin_suppress_tokens =
      copy(s, to->begin_suppress_tokens, to->n_begin_suppress_tokens, sizeof *to->begin_suppress_tokens);
  return kept(bias != NULL && to->begin_suppress_tokens != NULL);
}

static nf_status declare_tools(const infuse_model *m, const char *tools, nf_settings *s) {
  nf_text functions = {0};
  NF_TRY(nf_status_copy(m->broken_text));
  if (m->chat == NULL)
    return nf_error(NF_USAGE, "tools are for chats, and the model has no chat format that infuse knows");
  nf_status st = m->chat->declare(m->template.form, nf_view_of(tools), &functions);
  if (nf_is_ok(st)) st = keep_string(s, (nf_view){functions.at, functions.n}, &s->functions);
  if (nf_is_ok(st)) st = keep_string(s, nf_view_of(tools), &s->tools);
  nf_text_deinit(&functions);
  return st;
}

_Static_assert((int)INFUSE_GUESSES == (int)NF_GUESSES_MAX, "one bound");
_Static_assert((int)INFUSE_THINKING_ON == (int)NF_THINK_ON && (int)INFUSE_THINKING_OFF == (int)NF_THINK_OFF,
               "infuse_thinking and nf_think must name the same things in the same order");

// A session's day stays the same: what is rendered again must begin as it did.
static nf_status keep_chat_options(const infuse_model *m, const infuse_session_options *o, nf_settings *s) {
  char today[16];
  struct tm now;
  const time_t seconds = time(NULL);
  strftime(today, sizeof today, "%Y-%m-%d", gmtime_r(&seconds, &now));
  s->think = (nf_think)o->thinking;
  if (s->think > NF_THINK_OFF)
    return nf_error(NF_USAGE, "thinking is %d; it must be default (0), on (1) or off (2)", (int)o->thinking);
  NF_TRY(keep_string(s, nf_view_of(o->date != NULL ? o->date : today), &s->date));
  NF_TRY(keep_string(s, nf_view_of(o->effort), &s->effort));
  return o->tools != NULL ? declare_tools(m, o->tools, s) : nf_ok();
}

// ---- what ends an answer ----

static nf_status push_all(nf_ids *out, const int32_t *id, size_t n) {
  for (size_t i = 0; i < n; i++) NF_TRY(nf_ids_push(out, id[i]));
  return nf_ok();
}

static nf_status keep_stop_tokens(const infuse_model *m, const infuse_session_options *o, nf_settings *s) {
  if (o->n_stop_tokens != 0 && o->stop_tokens == NULL)
    return nf_error(NF_USAGE, "n_stop_tokens is %zu, but stop_tokens is NULL", o->n_stop_tokens);
  for (size_t i = 0; i < o->n_stop_tokens; i++)
    if (o->stop_tokens[i] < 0 || o->stop_tokens[i] >= m->config.vocab)
      return nf_error(NF_USAGE, "stop token %zu is id %d; the vocabulary has ids 0 to %ld", i,
                      o->stop_tokens[i], (long)m->config.vocab - 1);
  return push_all(&s->stop_token, o->stop_tokens, o->n_stop_tokens);
}

static nf_status find_ends(const infuse_model *m, nf_settings *s) {
  NF_TRY(push_all(&s->end, s->stop_token.at, s->stop_token.n));
  if (s->ignore_eos) return nf_ok();
  NF_TRY(push_all(&s->end, m->generation.eos, (size_t)m->generation.n_eos));
  for (int32_t id = 0; m->chat != NULL && id < (int32_t)m->config.vocab; id++)
    if (nf_token_is_special(m->tokenizer, id) && nf_chat_is_stop(m->chat, m->tokenizer, id))
      NF_TRY(nf_ids_push(&s->end, id));
  return check_ids(m, "stop_tokens", s->end.at, s->end.n);
}

static nf_status keep_stops(const infuse_session_options *o, nf_settings *s) {
  const char **own = nf_arena_alloc(&s->arena, o->n_stop, sizeof *own);
  NF_TRY(kept(own != NULL));
  s->stop = own;
  for (; s->n_stop < o->n_stop; s->n_stop++) {
    const nf_view stop = nf_view_of(o->stop[s->n_stop]);
    const size_t valid = nf_utf8_check(stop.at, stop.n);
    if (stop.n == 0)
      return nf_error(NF_USAGE, "stop string %zu is %s", s->n_stop, stop.at != NULL ? "empty" : "NULL");
    if (valid != stop.n)
      return nf_error(NF_USAGE, "stop string %zu: byte %zu: invalid UTF-8", s->n_stop, valid);
    own[s->n_stop] = nf_arena_copy(&s->arena, stop.at, stop.n);
    NF_TRY(kept(own[s->n_stop] != NULL));
  }
  return nf_ok();
}

static nf_status set_stops(const infuse_model *m, const infuse_session_options *o, nf_settings *s) {
  s->stop_in_thoughts = o->stop_in_thoughts;
  if (o->n_stop != 0 && o->stop == NULL)
    return nf_error(NF_USAGE, "n_stop is %zu, but stop is NULL", o->n_stop);
  if (o->n_stop != 0) NF_TRY((nf_status){infuse_model_check_text(m)}, "stop strings");
  if (o->n_stop != 0 || o->ignore_eos || m->tokenizer == NULL) return keep_stops(o, s);
  s->stop = m->generation.stop;
  s->n_stop = m->generation.n_stop;
  return nf_ok();
}

// ---- what the text must be ----

static nf_status add_choices(nf_settings *s, const infuse_session_options *o, nf_piece *out) {
  nf_view *choice = nf_arena_alloc(&s->arena, o->n_choices, sizeof *choice);
  NF_TRY(kept(choice != NULL));
  for (size_t i = 0; i < o->n_choices; i++) {
    choice[i] = nf_view_of(o->choices[i]);
    if (choice[i].n == 0)
      return nf_error(NF_USAGE, "choice %zu is %s", i, choice[i].at != NULL ? "empty" : "NULL");
  }
  out->choice = choice;
  out->n_choices = o->n_choices;
  return nf_ok();
}

static nf_status know_tokens(infuse_model *m) {
  if (m->tokens != NULL) return nf_ok();
  const int64_t vocab = nf_min(nf_tokenizer_vocab_size(m->tokenizer), m->config.vocab);
  return nf_token_tree_create(m->tokenizer, (int32_t)vocab, &m->tokens);
}

// What a text must be where it is free of calls; *any: something.
static nf_status make_piece(infuse_model *m, const infuse_session_options *o, nf_settings *s, nf_piece *out,
                            bool *any) {
  nf_piece piece = {0};
  const int asked = (o->json_schema != NULL) + (o->regex != NULL) + (o->n_choices != 0) + o->json_object;
  if (o->n_choices != 0 && o->choices == NULL)
    return nf_error(NF_USAGE, "n_choices is %zu, but choices is NULL", o->n_choices);
  *any = asked != 0;
  if (asked == 0) return nf_ok();
  if (asked > 1)
    return nf_error(NF_USAGE,
                    "a text can be asked for by one of json_schema, json_object, regex and choices");
  NF_TRY((nf_status){infuse_model_check_text(m)}, "constrained text");
  if (o->json_schema != NULL) piece = (nf_piece){.kind = NF_PIECE_SCHEMA, .text = nf_view_of(o->json_schema)};
  if (o->regex != NULL) piece = (nf_piece){.kind = NF_PIECE_REGEX, .text = nf_view_of(o->regex)};
  if (o->json_object) piece.kind = NF_PIECE_OBJECT;
  if (o->n_choices != 0) piece.kind = NF_PIECE_CHOICE;
  if (o->n_choices != 0) NF_TRY(add_choices(s, o, &piece));
  return *out = piece, nf_ok();
}

// Of a session whose chats have tools.
static nf_status make_calling(const infuse_model *m, const infuse_session_options *o, const nf_piece *content,
                              nf_settings *s, nf_calling *out) {
  bool thinks;
  *out = (nf_calling){.form = m->chat != NULL ? nf_chat_form(m->chat, m->template.form) : NULL,
                      .tools = nf_view_of(o->tools),
                      .must = o->must_call || o->call != NULL,
                      .only = nf_view_of(o->call),
                      .once = s->one_call,
                      .content = content};
  NF_TRY(nf_calling_check(out, &s->whole));
  if (!s->whole) return nf_ok();
  NF_TRY(nf_chat_thinks(m->chat->by_template ? m->template.thinking : NF_THINKING_ALWAYS, s->think, &thinks));
  out->in_thought = m->chat->by_template && thinks && nf_chat_opens_thought(m->template.thinking);
  out->thinks = thinks;
  return nf_chat_form_marks(m->chat, out->form, m->tokenizer, s->mark);
}

static nf_status constrain(infuse_model *m, const infuse_session_options *o, nf_settings *s) {
  nf_piece piece = {0};
  nf_calling calling;
  bool any = false;
  s->one_call = o->one_call || o->call != NULL;
  NF_TRY(make_piece(m, o, s, &piece, &any));
  NF_TRY(make_calling(m, o, any ? &piece : NULL, s, &calling));
  if (!any && !s->whole) return nf_ok();
  NF_TRY(know_tokens(m));
  if (s->whole) return nf_calling_constrain(&calling, &m->constraints, m->tokens, &s->constraint);
  const nf_outline text = {.part = &(nf_piece_sequence){&piece, 1}, .n_parts = 1};
  return nf_constraints_get(&m->constraints, m->tokens, &text, &s->constraint);
}

// ---- guesses ----

static nf_status keep_guesses(const infuse_model *m, const infuse_session_options *o, nf_settings *s) {
  if (o->guesses < 0 || o->guesses > INFUSE_GUESSES)
    return nf_error(NF_USAGE, "guesses is %d; it must be 0 to %d", o->guesses, INFUSE_GUESSES);
  if (m->uses[NF_CACHE_RECURRENT] && o->guesses > m->options.guesses)
    return nf_error(NF_USAGE,
                    "guesses is %d; this model has recurrent layers, and was loaded with room for the states "
                    "of %ld guesses of a session: load it with more",
                    o->guesses, (long)m->options.guesses);
  s->guesses = m->options.forced_experts || m->options.keep_hidden ? 0 : o->guesses;
  return nf_ok();
}

// ---- all of them ----

nf_status nf_settings_of_chat(const infuse_model *m, const infuse_session_options *o, nf_settings **out) {
  NF_TRY(nf_make(out, 1, sizeof **out, "the settings of a chat"));
  (*out)->users = 1;
  return keep_chat_options(m, o, *out);
}

nf_status nf_settings_create(infuse_model *m, const infuse_session_options *o, nf_settings **out) {
  NF_TRY(nf_make(out, 1, sizeof **out, "a session"));
  nf_settings *s = *out;
  s->users = 1;
  if (o->max_tokens < 0)
    return nf_error(NF_USAGE, "max_tokens is %ld; it can't be negative", (long)o->max_tokens);
  s->max_tokens = o->max_tokens;
  s->ignore_eos = o->ignore_eos;
  NF_TRY(keep_chat_options(m, o, s));
  NF_TRY(keep_stop_tokens(m, o, s));
  NF_TRY(copy_sampling(m, o->sampling, &s->sampling));
  NF_TRY(keep_sampling(s));
  NF_TRY(constrain(m, o, s));
  NF_TRY(keep_guesses(m, o, s));
  if (s->sampling.min_tokens != 0 || s->constraint != NULL) NF_TRY(find_ends(m, s));
  return set_stops(m, o, s);
}

void nf_settings_release(nf_settings *s) {
  if (s == NULL || --s->users != 0) return;
  nf_ids_deinit(&s->stop_token);
  nf_ids_deinit(&s->end);
  nf_constraint_release(s->constraint);
  nf_arena_deinit(&s->arena);
  nf_free(s);
}
