// SPDX-License-Identifier: Apache-2.0
// Answers of /v1/chat/completions: chat.completion, and its chunks. Of a choice's chunks only the first has
// the role, only a call's first fragment its id and name: clients add up what they get.
#include "server/reply.h"
#include <string.h>

// ---- logprobs ----

static json_t *positions(const nf_told *t) {
  json_t *list = json_array();
  return nf_json_whole(list, nf_json_push_logprobs(list, t->logprobs, t->n_logprobs));
}

static json_t *content_of(json_t *list) { // {"content": list}; takes it
  json_t *o = json_object();
  const bool ok = nf_json_put(o, "content", list);
  return nf_json_whole(o, ok);
}

// ---- chunks ----

static json_t *frame(const nf_reply *r, const char *object) {
  json_t *o = json_object();
  bool ok = nf_json_put(o, "id", json_string(r->id));
  ok = nf_json_put(o, "object", json_string(object)) && ok;
  ok = nf_json_put(o, "created", json_integer(r->created)) && ok;
  ok = nf_json_put(o, "model", json_string(r->model)) && ok;
  return nf_json_whole(o, ok);
}

// Takes delta and logprobs (NULL: none are told). finish NULL: not yet.
static nf_status chunk(const nf_reply *r, size_t i, json_t *delta, json_t *logprobs, const char *finish,
                       const nf_tokens *usage, nf_text *out) {
  json_t *o = frame(r, "chat.completion.chunk"), *choice = json_object(), *choices = json_array();
  bool ok = nf_json_put(choice, "index", json_integer((json_int_t)i));
  ok = nf_json_put(choice, "delta", delta) && ok;
  ok = nf_json_put(choice, "logprobs", logprobs != NULL ? logprobs : json_null()) && ok;
  ok = nf_json_put(choice, "finish_reason", finish != NULL ? json_string(finish) : json_null()) && ok;
  ok = nf_json_push(choices, choice) && ok;
  ok = nf_json_put(o, "choices", choices) && ok;
  if (usage != NULL) ok = nf_json_put(o, "usage", nf_usage_json(usage)) && ok;
  return nf_reply_event(out, NULL, nf_json_whole(o, ok));
}

static nf_status begin(nf_reply *r, nf_text *out) {
  const nf_tokens nothing = {0};
  for (size_t i = 0; i < r->n; i++) {
    json_t *delta = json_object();
    bool ok = nf_json_put(delta, "role", json_string("assistant"));
    ok = nf_json_put(delta, "content", json_string("")) && ok;
    NF_TRY(
        chunk(r, i, nf_json_whole(delta, ok), NULL, NULL, r->ask->continuous_usage ? &nothing : NULL, out));
  }
  return nf_ok();
}

static json_t *call_id(const nf_reply *r, size_t choice, size_t call) {
  return json_sprintf("call_%s_%zu_%zu", r->id, choice, call);
}

// A fragment of a choice's call, which with its first one is named.
static json_t *fragment(const nf_reply *r, size_t i, size_t call, const infuse_piece *p) {
  const nf_choice *c = &r->choice[i];
  json_t *o = json_object(), *function = json_object(), *list = json_array(), *delta = json_object();
  bool ok = nf_json_put(o, "index", json_integer((json_int_t)call));
  if (p->begins) {
    ok = nf_json_put(o, "id", call_id(r, i, call)) && ok;
    ok = nf_json_put(o, "type", json_string("function")) && ok;
    ok = nf_json_put(function, "name", nf_json_text(&c->call[call].name)) && ok;
  }
  ok = nf_json_put(function, "arguments", json_stringn(p->text, p->n)) && ok;
  ok = nf_json_put(o, "function", function) && ok;
  ok = nf_json_push(list, o) && ok;
  ok = nf_json_put(delta, "tool_calls", list) && ok;
  return nf_json_whole(delta, ok);
}

static json_t *text_delta(nf_part part, nf_view text) {
  json_t *delta = json_object();
  const bool ok =
      nf_json_put(delta, part == NF_PART_THOUGHTS ? "reasoning" : "content", json_stringn(text.at, text.n));
  return nf_json_whole(delta, ok);
}

static bool begins_call(const infuse_piece *p) { return p->begins && nf_choice_part(p) == NF_PART_CALL; }

// Most chunks have a text and nothing else that is new.
static nf_status text_chunk(const nf_reply *r, size_t i, nf_part part, nf_view text, nf_text *out) {
  nf_mould *m = &r->choice[i].mould[part];
  if (m->at == 0) {
    m->chunk.n = 0;
    NF_TRY(chunk(r, i, text_delta(part, NF_VIEW("")), NULL, NULL, NULL, &m->chunk));
    nf_mould_find(m);
  }
  return nf_mould_fill(m, text, out);
}

// Takes logprobs. call: the one that the piece is of, where it is of one.
static nf_status tell_piece(const nf_reply *r, size_t i, size_t call, const infuse_piece *p, json_t *logprobs,
                            const nf_tokens *usage, nf_text *out) {
  const nf_part part = nf_choice_part(p);
  const nf_view text = {p->text, p->n};
  if (part != NF_PART_CALL && logprobs == NULL && usage == NULL) return text_chunk(r, i, part, text, out);
  json_t *delta = part == NF_PART_CALL ? fragment(r, i, call, p) : text_delta(part, text);
  return chunk(r, i, delta, logprobs, NULL, usage, out);
}

// Logprobs ride on the first chunk of the step; where it has none, on one without text.
static nf_status tell_stream(nf_reply *r, const nf_told *t, nf_text *out) {
  const nf_tokens *usage = r->ask->continuous_usage ? &t->usage : NULL;
  json_t *logprobs = t->n_logprobs != 0 ? content_of(positions(t)) : NULL;
  size_t calls = r->choice[t->choice].n_calls; // that have begun
  for (size_t i = 0; i < t->n_pieces; i++) calls -= begins_call(&t->pieces[i]);
  for (size_t i = 0; i < t->n_pieces; i++) {
    const infuse_piece *p = &t->pieces[i];
    calls += begins_call(p);
    if (p->n == 0 && !begins_call(p)) continue;
    nf_status st = tell_piece(r, t->choice, calls - 1, p, logprobs, usage, out);
    logprobs = NULL;
    NF_TRY(st);
  }
  if (logprobs != NULL) NF_TRY(chunk(r, t->choice, json_object(), logprobs, NULL, usage, out));
  if (t->finish == INFUSE_RUNNING) return nf_ok();
  return chunk(r, t->choice, json_object(), NULL, nf_finish_name(&r->choice[t->choice]), usage, out);
}

static nf_status tell(nf_reply *r, const nf_told *t, nf_text *out) {
  nf_choice *c = &r->choice[t->choice];
  if (r->ask->stream) return tell_stream(r, t, out);
  if (t->n_logprobs == 0) return nf_ok();
  if (c->logprobs == NULL) c->logprobs = json_array();
  return nf_json_push_logprobs(c->logprobs, t->logprobs, t->n_logprobs) ? nf_ok() : nf_reply_no_memory();
}

static nf_status end(nf_reply *r, const nf_tokens *usage, nf_text *out) {
  if (r->ask->include_usage || r->ask->continuous_usage) {
    json_t *o = frame(r, "chat.completion.chunk");
    bool ok = nf_json_put(o, "choices", json_array());
    ok = nf_json_put(o, "usage", nf_usage_json(usage)) && ok;
    NF_TRY(nf_reply_event(out, NULL, nf_json_whole(o, ok)));
  }
  nf_text_printf(out, "data: [DONE]\n\n");
  return nf_text_status(out);
}

// ---- the whole ----

static json_t *calls(const nf_reply *r, size_t i) {
  const nf_choice *c = &r->choice[i];
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t k = 0; k < c->n_calls; k++) {
    json_t *o = json_object(), *function = json_object();
    ok = nf_json_put(function, "name", nf_json_text(&c->call[k].name)) && ok;
    ok = nf_json_put(function, "arguments", nf_json_text(&c->call[k].arguments)) && ok;
    ok = nf_json_put(o, "id", call_id(r, i, k)) && ok;
    ok = nf_json_put(o, "type", json_string("function")) && ok;
    ok = nf_json_put(o, "function", function) && ok;
    ok = nf_json_push(list, o) && ok;
  }
  return nf_json_whole(list, ok);
}

static json_t *message(const nf_reply *r, size_t i) {
  const nf_choice *c = &r->choice[i];
  json_t *o = json_object();
  bool ok = nf_json_put(o, "role", json_string("assistant"));
  const bool none = c->content.n == 0 && c->n_calls != 0;
  ok = nf_json_put(o, "content", none ? json_null() : nf_json_text(&c->content)) && ok;
  if (c->thoughts.n != 0) ok = nf_json_put(o, "reasoning", nf_json_text(&c->thoughts)) && ok;
  if (c->n_calls != 0) ok = nf_json_put(o, "tool_calls", calls(r, i)) && ok;
  return nf_json_whole(o, ok);
}

static json_t *whole(nf_reply *r, const nf_tokens *usage) {
  json_t *o = frame(r, "chat.completion"), *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; i < r->n; i++) {
    nf_choice *c = &r->choice[i];
    json_t *choice = json_object();
    ok = nf_json_put(choice, "index", json_integer((json_int_t)i)) && ok;
    ok = nf_json_put(choice, "message", message(r, i)) && ok;
    ok = nf_json_put(choice, "logprobs",
                     c->logprobs != NULL ? content_of(json_incref(c->logprobs)) : json_null()) &&
         ok;
    ok = nf_json_put(choice, "finish_reason", json_string(nf_finish_name(c))) && ok;
    ok = nf_json_push(list, choice) && ok;
  }
  ok = nf_json_put(o, "choices", list) && ok;
  ok = nf_json_put(o, "usage", nf_usage_json(usage)) && ok;
  json_t *prompt = r->choice[0].prompt_logprobs; // of all choices; a chat's are vLLM's for the whole
  if (prompt != NULL) ok = nf_json_put(o, "prompt_logprobs", json_incref(prompt)) && ok;
  return nf_json_whole(o, ok);
}

const nf_reply_form nf_reply_chat = {"chatcmpl-", true, begin, NULL, tell, end, whole};
