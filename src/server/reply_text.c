// SPDX-License-Identifier: Apache-2.0
// Answers of /v1/completions: text_completion, in a stream too.
#include "server/reply.h"
#include <math.h>
#include <string.h>

// ---- logprobs: four lists, side by side ----

static int64_t characters(nf_view s) {
  int64_t n = 0;
  for (size_t i = 0; i < s.n; i++) n += (s.at[i] & 0xc0) != 0x80;
  return n;
}

// As a key or text: bytes that are no whole characters are spelled "bytes:\xe2\x80", so that tokens stay
// apart.
static nf_status spell(nf_view token, nf_text *out) {
  out->n = 0;
  if (nf_utf8_check(token.at, token.n) == token.n && memchr(token.at, 0, token.n) == NULL) {
    nf_text_append(out, token.at, token.n);
    return nf_text_status(out);
  }
  nf_text_printf(out, "bytes:");
  for (size_t i = 0; i < token.n; i++) nf_text_printf(out, "\\x%02x", (unsigned char)token.at[i]);
  return nf_text_status(out);
}

// Of tokens that are spelled alike the likeliest counts: it stands first.
static bool put_alternative(json_t *object, const nf_alternative *a, nf_text *name) {
  nf_status st = spell(a->token, name);
  const bool ok = nf_is_ok(st);
  nf_status_free(st);
  if (!ok || json_object_get(object, name->n != 0 ? name->at : "") != NULL) return ok;
  return nf_json_put(object, name->n != 0 ? name->at : "", nf_logprob_number(a->logprob));
}

static json_t *top_of(const nf_logprob *l, size_t most, nf_text *name) {
  if (isnan(l->token.logprob)) return json_null();
  json_t *o = json_object();
  bool ok = o != NULL;
  for (size_t i = 0; i < l->n_top && i < most; i++) ok = put_alternative(o, &l->top[i], name) && ok;
  ok = put_alternative(o, &l->token, name) && ok; // though it be not among the best
  return nf_json_whole(o, ok);
}

static const char *const lists[] = {"tokens", "token_logprobs", "top_logprobs", "text_offset"};

static json_t *empty_lists(void) {
  json_t *o = json_object();
  bool ok = o != NULL;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) ok = nf_json_put(o, lists[i], json_array()) && ok;
  return nf_json_whole(o, ok);
}

static bool append_position(json_t *to, const nf_logprob *l, size_t most, int64_t *offset, nf_text *name) {
  nf_status st = spell(l->token.token, name);
  bool ok = nf_is_ok(st);
  nf_status_free(st);
  ok = nf_json_push(json_object_get(to, lists[0]), nf_json_text(name)) && ok;
  ok = nf_json_push(json_object_get(to, lists[1]), nf_logprob_number(l->token.logprob)) && ok;
  ok = nf_json_push(json_object_get(to, lists[2]), top_of(l, most, name)) && ok;
  ok = nf_json_push(json_object_get(to, lists[3]), json_integer(*offset)) && ok;
  *offset += characters(l->token.token);
  return ok;
}

static bool append_positions(json_t *to, const nf_ask *a, const nf_logprob *l, size_t n, int64_t *offset) {
  nf_text name = {0};
  bool ok = to != NULL;
  for (size_t i = 0; i < n && ok; i++) ok = append_position(to, &l[i], (size_t)a->logprobs, offset, &name);
  nf_text_deinit(&name);
  return ok;
}

// ---- answers ----

// Takes text and logprobs (NULL: none are told).
static json_t *choice_of(size_t i, json_t *text, json_t *logprobs, const char *finish) {
  json_t *o = json_object();
  bool ok = nf_json_put(o, "index", json_integer((json_int_t)i));
  ok = nf_json_put(o, "text", text) && ok;
  ok = nf_json_put(o, "logprobs", logprobs != NULL ? logprobs : json_null()) && ok;
  ok = nf_json_put(o, "finish_reason", finish != NULL ? json_string(finish) : json_null()) && ok;
  return nf_json_whole(o, ok);
}

// Takes choices.
static json_t *frame(const nf_reply *r, json_t *choices, const nf_tokens *usage) {
  json_t *o = json_object();
  bool ok = nf_json_put(o, "id", json_string(r->id));
  ok = nf_json_put(o, "object", json_string("text_completion")) && ok;
  ok = nf_json_put(o, "created", json_integer(r->created)) && ok;
  ok = nf_json_put(o, "model", json_string(r->model)) && ok;
  ok = nf_json_put(o, "choices", choices) && ok;
  if (usage != NULL) ok = nf_json_put(o, "usage", nf_usage_json(usage)) && ok;
  return nf_json_whole(o, ok);
}

static nf_status begin(nf_reply *r, nf_text *out) { return (void)r, (void)out, nf_ok(); }

// A chunk. Takes the text (NULL: no memory).
static nf_status chunk(nf_reply *r, size_t i, json_t *text, const nf_logprob *l, size_t n, const char *finish,
                       const nf_tokens *usage, nf_text *out) {
  json_t *logprobs = n != 0 ? empty_lists() : NULL, *list = json_array();
  bool ok = n == 0 || append_positions(logprobs, r->ask, l, n, &r->choice[i].offset);
  ok = nf_json_push(list, choice_of(i, text, logprobs, finish)) && ok;
  json_t *o = frame(r, list, usage);
  return nf_reply_event(out, NULL, nf_json_whole(o, ok));
}

// Most chunks have a text and nothing else that is new.
static nf_status text_chunk(nf_reply *r, size_t i, nf_view text, nf_text *out) {
  nf_mould *m = &r->choice[i].mould[NF_PART_CONTENT];
  if (m->at == 0) {
    m->chunk.n = 0;
    NF_TRY(chunk(r, i, json_string(""), NULL, 0, NULL, NULL, &m->chunk));
    nf_mould_find(m);
  }
  return nf_mould_fill(m, text, out);
}

static nf_status tell_text(nf_reply *r, const nf_told *t, const nf_text *text, nf_text *out) {
  const nf_tokens *usage = r->ask->continuous_usage ? &t->usage : NULL;
  const char *finish = t->finish != INFUSE_RUNNING ? nf_finish_name(&r->choice[t->choice]) : NULL;
  const bool only = t->n_logprobs == 0 && finish == NULL;
  NF_TRY(nf_text_status(text));
  if (only && text->n == 0) return nf_ok();
  if (only && usage == NULL) return text_chunk(r, t->choice, nf_text_view(text), out);
  return chunk(r, t->choice, nf_json_text(text), t->logprobs, t->n_logprobs, finish, usage, out);
}

static nf_status tell_stream(nf_reply *r, const nf_told *t, nf_text *out) {
  nf_text text = {0};
  for (size_t i = 0; i < t->n_pieces; i++) nf_text_append(&text, t->pieces[i].text, t->pieces[i].n);
  const nf_status st = tell_text(r, t, &text, out);
  nf_text_deinit(&text);
  return st;
}

static nf_status keep_logprobs(nf_reply *r, size_t choice, const nf_logprob *l, size_t n) {
  nf_choice *c = &r->choice[choice];
  if (n == 0) return nf_ok();
  if (c->logprobs == NULL) c->logprobs = empty_lists();
  return append_positions(c->logprobs, r->ask, l, n, &c->offset) ? nf_ok() : nf_reply_no_memory();
}

static nf_status tell(nf_reply *r, const nf_told *t, nf_text *out) {
  if (r->ask->stream) return tell_stream(r, t, out);
  return keep_logprobs(r, t->choice, t->logprobs, t->n_logprobs);
}

static nf_status echo(nf_reply *r, size_t choice, nf_view text, const nf_logprob *l, size_t n, nf_text *out) {
  const nf_tokens nothing = {0};
  if (r->ask->logprobs < 0) n = 0;
  if (r->ask->stream)
    return chunk(r, choice, json_stringn(text.at, text.n), l, n, NULL,
                 r->ask->continuous_usage ? &nothing : NULL, out);
  nf_text_append(&r->choice[choice].content, text.at, text.n);
  NF_TRY(nf_text_status(&r->choice[choice].content));
  return keep_logprobs(r, choice, l, n);
}

static nf_status end(nf_reply *r, const nf_tokens *usage, nf_text *out) {
  if (r->ask->include_usage || r->ask->continuous_usage)
    NF_TRY(nf_reply_event(out, NULL, frame(r, json_array(), usage)));
  nf_text_printf(out, "data: [DONE]\n\n");
  return nf_text_status(out);
}

static json_t *whole(nf_reply *r, const nf_tokens *usage) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; i < r->n; i++) {
    const nf_choice *c = &r->choice[i];
    json_t *prompt = *nf_reply_prompt_logprobs(r, i);
    json_t *choice = choice_of(i, nf_json_text(&c->content), json_incref(c->logprobs), nf_finish_name(c));
    if (prompt != NULL) ok = nf_json_put(choice, "prompt_logprobs", json_incref(prompt)) && ok;
    ok = nf_json_push(list, choice) && ok;
  }
  json_t *o = frame(r, list, usage);
  return nf_json_whole(o, ok);
}

const nf_reply_form nf_reply_text = {"cmpl-", false, begin, echo, tell, end, whole};
