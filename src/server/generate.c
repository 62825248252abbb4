// SPDX-License-Identifier: Apache-2.0
// Calls that generate: a body becomes requests of the scheduler, whose events become the answer.
//
// A talk lives from its body to the last event of its last request. The server's thread makes it; from then
// on the scheduler's has it, but for who goes away.
#include "base/clock.h"
#include "server/scores.h"
#include "server/server_state.h"
#include <string.h>
#include <time.h>

typedef struct part { // a prompt of it
  struct talk *talk;
  size_t first;       // of its choices
  int32_t *own;       // ids of a text that was tokenised, freed by infuse_free
  char *text;         // of ids that echo wants, the same
  const int32_t *ids; // [n] of either kind of prompt; NULL: messages
  size_t n;
  nf_view echo;              // what echo says
  nf_prompt_scores scores;   // where they are wanted, and
  nf_scores prompt;          // what is told of them, made for the first choice; until the last one has it
  size_t n_told;             // choices
  bool told[NF_ASK_CHOICES]; // of a choice: its prompt
  nf_tokens tokens;          // of its request, so far
  _Atomic uint64_t id;       // of the request; 0: none yet
} part;

typedef struct talk {
  nf_server *server;
  nf_call *call;
  nf_asked asked; // as others see it
  nf_ask ask;
  nf_reply *reply;
  nf_text out; // of one event
  part *part;  // [n_parts]
  size_t n_parts;
  nf_tokens tokens;    // of all parts
  bool begun, broken;  // broken: it has been answered by an error
  _Atomic bool over;   // its client is gone, or somebody took it back: so all parts are
  _Atomic bool full;   // a part of it found no place in the queue: all are taken back
  _Atomic size_t left; // parts that are not done
  _Atomic int owners;  // these, and who submits
} talk;

static void forget_scores(part *p) {
  nf_prompt_scores_deinit(&p->scores);
  nf_scores_deinit(&p->prompt);
}

static void release(talk *t) {
  if (--t->owners != 0) return;
  nf_requests_leave(&t->server->requests, &t->asked);
  for (size_t i = 0; t->part != NULL && i < t->n_parts; i++) {
    infuse_free(t->part[i].own);
    infuse_free(t->part[i].text);
    forget_scores(&t->part[i]);
  }
  nf_free(t->part);
  nf_reply_destroy(t->reply);
  nf_ask_deinit(&t->ask);
  nf_text_deinit(&t->out);
  nf_free(t);
}

static void cancel(void *of) {
  talk *t = of;
  t->over = true;
  for (size_t i = 0; i < t->n_parts; i++)
    if (t->part[i].id != 0) nf_scheduler_cancel(t->server->scheduler, t->part[i].id);
}

// ---- what is sent ----

static void flush(talk *t) {
  if (t->out.n != 0) nf_call_write(t->call, t->out.at, t->out.n);
  t->out.n = 0;
}

// What else was asked for would be drawn for nobody.
static void break_off(talk *t, nf_problem_kind kind, const char *message, const char *param) {
  if (t->broken) return;
  t->broken = true;
  cancel(t);
  if (!nf_call_is_stream(t->call)) return nf_serve_problem(t->call, kind, message, param);
  nf_status_free(nf_reply_event(&t->out, "error", nf_problem_json(kind, message, param)));
  nf_call_end(t->call, t->out.at, t->out.n);
}

// Of the writing of answers: memory is all that can be wanting.
static bool fine(talk *t, nf_status st) {
  const bool ok = nf_is_ok(st);
  nf_status_free(st);
  if (!ok) break_off(t, NF_PROBLEM_INTERNAL, "no memory for the answer", NULL);
  return ok;
}

static void begin(talk *t) {
  if (t->begun || t->broken || !t->ask.stream) return;
  t->begun = true;
  nf_call_stream(t->call);
  fine(t, nf_reply_begin(t->reply, &t->out)); // it goes with what comes first
}

static void end(talk *t) {
  begin(t); // though nothing was drawn
  if (t->broken || !fine(t, nf_reply_end(t->reply, &t->tokens, &t->out))) return;
  if (!t->ask.stream) return nf_call_answer(t->call, 200, "application/json", t->out.at, t->out.n, 0);
  nf_call_end(t->call, t->out.at, t->out.n);
}

// ---- events ----

static void count(talk *t, part *p, const nf_tokens *now) {
  t->tokens.prompt += now->prompt - p->tokens.prompt;
  t->tokens.cached += now->cached - p->tokens.cached;
  t->tokens.drawn += now->drawn - p->tokens.drawn;
  t->tokens.thoughts += now->thoughts - p->tokens.thoughts;
  p->tokens = *now;
}

static void send(talk *t, nf_status st) {
  if (fine(t, st) && t->ask.stream) flush(t);
}

static const infuse_tokenizer *tokenizer_of(const talk *t) {
  return infuse_model_tokenizer(t->server->options.model);
}

static void take_prompt(talk *t, part *p, const nf_event *e) {
  if (!t->full && !t->broken) fine(t, nf_prompt_scores_add(&p->scores, &e->logprobs));
}

static nf_status score_prompt(talk *t, part *p) {
  if (!nf_ask_scores_prompt(&t->ask) || p->n_told != 0) return nf_ok();
  return nf_prompt_scores_make(tokenizer_of(t), &p->scores, p->n != 0 ? p->ids[0] : -1, &p->prompt);
}

// What is asked for of the prompt comes first of each choice.
static void tell_prompt(talk *t, part *p, size_t answer) {
  if (p->told[answer] || t->broken || !(t->ask.echo || nf_ask_scores_prompt(&t->ask))) return;
  p->told[answer] = true;
  nf_status st = score_prompt(t, p);
  if (nf_is_ok(st))
    st = nf_reply_prompt(t->reply, p->first + answer, p->echo, p->prompt.at, p->prompt.n, &t->out);
  if (++p->n_told == (size_t)t->ask.n) forget_scores(p);
  send(t, st);
}

// Of the tokens that are text; of a completion all are.
static nf_status score(const talk *t, const nf_event *e, nf_scores *out) {
  const uint32_t text = t->ask.kind == NF_ASK_TEXT ? UINT32_MAX : e->output->drawn_in_answer;
  if (t->ask.logprobs < 0) return nf_ok();
  NF_TRY(nf_scores_make(tokenizer_of(t), &e->logprobs, (size_t)t->ask.logprobs, out));
  const size_t all = out->n;
  out->n = 0;
  for (size_t i = 0; i < all; i++)
    if (text >> i & 1) out->at[out->n++] = out->at[i];
  return nf_ok();
}

static void take_output(talk *t, part *p, const nf_event *e) {
  const infuse_output *o = e->output;
  nf_scores scores = {0};
  if (t->full || t->broken) return;
  begin(t);
  tell_prompt(t, p, e->answer);
  if (t->broken) return;
  nf_status st = score(t, e, &scores);
  const nf_told told = {.choice = p->first + e->answer,
                        .pieces = o->pieces,
                        .n_pieces = o->n_pieces,
                        .logprobs = scores.at,
                        .n_logprobs = scores.n,
                        .finish = o->finish,
                        .usage = t->tokens};
  if (nf_is_ok(st)) st = nf_reply_tell(t->reply, &told, &t->out);
  nf_scores_deinit(&scores);
  send(t, st);
}

static void blame(talk *t, nf_code code, const char *why) {
  nf_text param = {0};
  nf_status_free(nf_ask_param(&t->ask, why, &param));
  break_off(t, nf_problem_of(code), why, param.n != 0 ? param.at : NULL);
  nf_text_deinit(&param);
}

// Before its first step a request is only refused for its length.
static void fail_part(talk *t, const nf_event *e) {
  static const char *const field[] = {
      [NF_ASK_CHAT] = "messages", [NF_ASK_TEXT] = "prompt", [NF_ASK_RESPONSE] = "input"};
  char message[512];
  const char *why = infuse_error_message(e->error);
  const infuse_code code = infuse_error_code(e->error);
  if (code != INFUSE_UNAVAILABLE || e->usage->queue != 0) return blame(t, (nf_code)code, why);
  snprintf(message, sizeof message, "This model's maximum context length is %ld tokens; %s",
           (long)t->server->info.context, why);
  break_off(t, NF_PROBLEM_CONTEXT, message, field[t->ask.kind]);
}

static void break_off_cancelled(talk *t) {
  if (t->server->stops)
    break_off(t, NF_PROBLEM_UNAVAILABLE, "the request was cancelled: the server stops", NULL);
  else
    break_off(t, NF_PROBLEM_CANCELLED, NULL, NULL);
}

// Of max_tokens 0 there is no output, and a prompt that is all of the answer.
static void end_undrawn(talk *t, part *p, const nf_event *e) {
  const nf_told told = {.choice = p->first + e->answer, .finish = INFUSE_LENGTH, .usage = t->tokens};
  begin(t);
  tell_prompt(t, p, e->answer);
  if (!t->broken) send(t, nf_reply_tell(t->reply, &told, &t->out));
}

static void take_end(talk *t, part *p, const nf_event *e) {
  if (t->full) return;
  if (e->reason == NF_REASON_STOP && !t->ask.session.generate) end_undrawn(t, p, e);
  if (e->reason == NF_REASON_FAILED) fail_part(t, e);
  if (e->reason == NF_REASON_EXPIRED) break_off(t, NF_PROBLEM_WAITED, NULL, NULL);
  if (e->reason == NF_REASON_CANCELLED) break_off_cancelled(t);
}

// The last one sends what there is to send.
static void finish_part(talk *t) {
  const bool last = --t->left == 0;
  if (last && t->full)
    break_off(t, t->server->stops ? NF_PROBLEM_UNAVAILABLE : NF_PROBLEM_BUSY, NULL, NULL);
  else if (last)
    end(t);
  release(t);
}

static void hear(void *of, const nf_event *e) {
  part *p = of;
  talk *t = p->talk;
  count(t, p, &e->usage->tokens);
  nf_requests_note(&t->server->requests, &t->asked, e, &t->tokens);
  switch (e->kind) {
  case NF_EVENT_BEGUN:
    return;
  case NF_EVENT_PROMPT:
    return take_prompt(t, p, e);
  case NF_EVENT_OUTPUT:
    return take_output(t, p, e);
  case NF_EVENT_ENDED:
    return take_end(t, p, e);
  case NF_EVENT_DONE:
    return finish_part(t);
  }
}

// ---- a body ----

// A text says itself; ids what they stand for.
static nf_status find_echo(const talk *t, const nf_prompt *from, part *p) {
  p->echo = (nf_view){from->text, from->n};
  if (!t->ask.echo || from->text != NULL) return nf_ok();
  NF_TRY((nf_status){infuse_decode(tokenizer_of(t), p->ids, p->n, &p->text, &p->echo.n)});
  p->echo.at = p->text;
  return nf_ok();
}

static nf_status tokenise(talk *t) {
  const nf_json_at body = nf_json_root(&t->ask.body), prompt = nf_json_get(&body, "prompt");
  for (size_t i = 0; i < t->ask.n_prompts; i++) {
    part *p = &t->part[i];
    NF_TRY(nf_prompt_ids(t->server, &t->ask, i, &p->own, &p->ids, &p->n));
    if (p->n == 0) return nf_json_error(&prompt, "there is no token to begin with in prompt %zu", i);
    NF_TRY(find_echo(t, &t->ask.prompt[i], p));
  }
  return nf_ok();
}

// What the answer must be like, as sessions are told it.
static void tell_shape(nf_ask *a) {
  infuse_session_options *o = &a->session;
  if (a->shape == NF_SHAPE_SCHEMA) o->json_schema = a->pattern;
  if (a->shape == NF_SHAPE_REGEX) o->regex = a->pattern;
  if (a->shape == NF_SHAPE_CHOICE) o->choices = a->choices, o->n_choices = a->n_choices;
  o->json_object = a->shape == NF_SHAPE_OBJECT;
}

static nf_status prepare(talk *t, nf_ask_kind kind) {
  const nf_view body = nf_call_body(t->call);
  NF_TRY(nf_ask_read(kind, body.at != NULL ? body.at : "", body.n, &t->server->sampling, &t->ask));
  if (!t->ask.seeded) t->ask.sampling.seed = t->server->seed++;
  t->ask.session.sampling = &t->ask.sampling;
  t->ask.session.guesses = t->server->options.guesses;
  tell_shape(&t->ask);
  t->left = t->n_parts = t->ask.n_prompts != 0 ? t->ask.n_prompts : 1;
  NF_TRY(nf_make(&t->part, t->n_parts, sizeof *t->part, "a request"));
  t->asked.stream = t->ask.stream, t->asked.answers = t->n_parts * (size_t)t->ask.n;
  for (size_t i = 0; i < t->n_parts; i++) t->part[i].talk = t, t->part[i].first = i * (size_t)t->ask.n;
  NF_TRY(tokenise(t));
  return nf_reply_create(&t->ask, nf_call_id(t->call), (int64_t)time(NULL), t->server->name,
                         infuse_model_chat_format(t->server->options.model), &t->reply);
}

static nf_status submit(talk *t, size_t i) {
  const nf_ask *a = &t->ask;
  part *p = &t->part[i];
  const nf_request r = {.tokens = p->ids,
                        .n_tokens = p->n,
                        .messages = a->message,
                        .n_messages = a->n_messages,
                        .options = &a->session,
                        .scores_prompt = nf_ask_scores_prompt(a),
                        .answers = (size_t)a->n,
                        .patience = t->server->options.patience,
                        .heard = hear,
                        .user = p};
  uint64_t id;
  NF_TRY(nf_scheduler_submit(t->server->scheduler, &r, &id));
  p->id = id;
  if (t->over) nf_scheduler_cancel(t->server->scheduler, id);
  return nf_ok();
}

static void refuse(talk *t, nf_status st) {
  nf_serve_failure(t->call, &t->ask, st);
  t->owners = 1;
  release(t);
}

static void submit_all(talk *t) {
  size_t i = 0;
  t->owners = (int)t->n_parts + 1;
  nf_call_when_gone(t->call, cancel, t);
  if (t->ask.stream) nf_call_will_stream(t->call);
  for (; i < t->n_parts; i++) {
    nf_status st = submit(t, i);
    const bool ok = nf_is_ok(st);
    nf_status_free(st);
    if (!ok) break;
  }
  t->full = i < t->n_parts;
  if (t->full) cancel(t);
  for (; i < t->n_parts; i++) finish_part(t);
  release(t);
}

// Nobody looks before all of it is known: that is done on this thread too.
static void enter(talk *t, nf_ask_kind kind) {
  t->asked = (nf_asked){.kind = kind, .arrived = nf_now(), .cancel = cancel, .user = t};
  strcpy(t->asked.id, nf_call_id(t->call)); // both have room for the longest
  nf_requests_enter(&t->server->requests, &t->asked);
}

static void serve(nf_server *s, nf_call *c, nf_ask_kind kind) {
  talk *t = nf_alloc(1, sizeof *t);
  if (t == NULL) return nf_serve_problem(c, NF_PROBLEM_INTERNAL, NULL, NULL);
  t->server = s, t->call = c;
  enter(t, kind);
  nf_status st = prepare(t, kind);
  if (!nf_is_ok(st)) return refuse(t, st);
  if (nf_server_is_model(s, t->ask.model)) return submit_all(t);
  nf_serve_no_model(s, c);
  t->owners = 1;
  release(t);
}

void nf_serve_chat(void *server, nf_call *c) { serve(server, c, NF_ASK_CHAT); }
void nf_serve_text(void *server, nf_call *c) { serve(server, c, NF_ASK_TEXT); }
void nf_serve_response(void *server, nf_call *c) { serve(server, c, NF_ASK_RESPONSE); }
