// SPDX-License-Identifier: Apache-2.0
// What the forms of answers share: choices as they grow, events, numbers.
#include "server/reply.h"
#include "server/problem.h"
#include <math.h>
#include <string.h>

nf_status nf_reply_no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for an answer"); }

// ---- pieces of JSON ----

json_t *nf_json_text(const nf_text *t) { return json_stringn(t->n != 0 ? t->at : "", t->n); }

json_t *nf_logprob_number(double x) { return isnan(x) ? json_null() : json_real(x > -9999 ? x : -9999); }

// ---- logprobs ----

static json_t *bytes_of(nf_view token) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; i < token.n; i++)
    ok = nf_json_push(list, json_integer((unsigned char)token.at[i])) && ok;
  return nf_json_whole(list, ok);
}

// A token that is no whole characters is shown with U+FFFD; its bytes are told beside it.
json_t *nf_token_json(nf_view token) {
  nf_text text = {0};
  for (size_t i = 0; i < token.n;) {
    const int n = nf_utf8_length(token.at + i, token.n - i);
    nf_text_append(&text, n != 0 ? token.at + i : "\xef\xbf\xbd", n != 0 ? (size_t)n : 3);
    i += n != 0 ? (size_t)n : 1;
  }
  json_t *value = text.failed ? NULL : nf_json_text(&text);
  nf_text_deinit(&text);
  return value;
}

static json_t *alternative(const nf_alternative *a) {
  json_t *o = json_object();
  bool ok = nf_json_put(o, "token", nf_token_json(a->token));
  ok = nf_json_put(o, "logprob", nf_logprob_number(a->logprob)) && ok;
  ok = nf_json_put(o, "bytes", bytes_of(a->token)) && ok;
  return nf_json_whole(o, ok);
}

json_t *nf_logprob_json(const nf_logprob *l) {
  json_t *o = alternative(&l->token), *top = json_array();
  bool ok = o != NULL && top != NULL;
  for (size_t i = 0; i < l->n_top; i++) ok = nf_json_push(top, alternative(&l->top[i])) && ok;
  ok = nf_json_put(o, "top_logprobs", top) && ok;
  return nf_json_whole(o, ok);
}

bool nf_json_push_logprobs(json_t *list, const nf_logprob *l, size_t n) {
  bool ok = list != NULL;
  for (size_t i = 0; i < n && ok; i++) ok = nf_json_push(list, nf_logprob_json(&l[i]));
  return ok;
}

// As vLLM has it: {"<id>": {"logprob", "rank", "decoded_token"}}, the likeliest and the token itself.
static bool put_ranked(json_t *to, const nf_alternative *a) {
  char id[16];
  json_t *o = json_object();
  snprintf(id, sizeof id, "%d", a->id);
  bool ok = nf_json_put(o, "logprob", nf_logprob_number(a->logprob));
  ok = nf_json_put(o, "rank", json_integer(a->rank)) && ok;
  ok = nf_json_put(o, "decoded_token", nf_token_json(a->token)) && ok;
  return nf_json_put(to, id, nf_json_whole(o, ok));
}

static json_t *ranked(const nf_logprob *l, size_t top) {
  if (isnan(l->token.logprob)) return json_null();
  json_t *o = json_object();
  bool ok = o != NULL && put_ranked(o, &l->token);
  for (size_t i = 0; i < top && i < l->n_top; i++) ok = put_ranked(o, &l->top[i]) && ok;
  return nf_json_whole(o, ok);
}

static json_t *ranked_list(const nf_logprob *l, size_t n, size_t top) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; i < n && ok; i++) ok = nf_json_push(list, ranked(&l[i], top));
  return nf_json_whole(list, ok);
}

// ---- usage ----

json_t *nf_usage_json(const nf_tokens *u) {
  json_t *usage = json_object(), *prompt = json_object(), *answer = json_object();
  bool ok = nf_json_put(prompt, "cached_tokens", json_integer((json_int_t)u->cached));
  ok = nf_json_put(answer, "reasoning_tokens", json_integer((json_int_t)u->thoughts)) && ok;
  ok = nf_json_put(usage, "prompt_tokens", json_integer((json_int_t)u->prompt)) && ok;
  ok = nf_json_put(usage, "completion_tokens", json_integer((json_int_t)u->drawn)) && ok;
  ok = nf_json_put(usage, "total_tokens", json_integer((json_int_t)(u->prompt + u->drawn))) && ok;
  ok = nf_json_put(usage, "prompt_tokens_details", prompt) && ok;
  ok = nf_json_put(usage, "completion_tokens_details", answer) && ok;
  return nf_json_whole(usage, ok);
}

nf_status nf_reply_event(nf_text *out, const char *event, json_t *value) {
  if (event != NULL) nf_text_printf(out, "event: %s\n", event);
  nf_text_printf(out, "data: ");
  NF_TRY(nf_json_write(value, out));
  nf_text_printf(out, "\n\n");
  return nf_text_status(out);
}

static const char empty[] = "\"\"";

void nf_mould_find(nf_mould *m) {
  for (const char *at = m->chunk.at; (at = strstr(at, empty)) != NULL; at++)
    m->at = (size_t)(at - m->chunk.at);
}

nf_status nf_mould_fill(const nf_mould *m, nf_view text, nf_text *out) {
  const size_t behind = m->at + strlen(empty);
  nf_text_append(out, m->chunk.at, m->at);
  NF_TRY(nf_json_write(json_stringn(text.at, text.n), out));
  nf_text_append(out, m->chunk.at + behind, m->chunk.n - behind);
  return nf_text_status(out);
}

const char *nf_finish_name(const nf_choice *c) {
  if (c->finish != INFUSE_STOP) return "length";
  return c->n_calls != 0 && !c->cut ? "tool_calls" : "stop";
}

// ---- choices ----

static bool is_call(const infuse_piece *p) { return p->recipient[0] != 0; }
static bool is_thought(const infuse_piece *p) { return strcmp(p->channel, "analysis") == 0; }

const char *nf_function_name(const nf_reply *r, const char *recipient) {
  const size_t n = strlen(r->space);
  return strncmp(recipient, r->space, n) == 0 ? recipient + n : recipient;
}

bool nf_is_cut_call(const infuse_piece *p) {
  return is_call(p) && (p->end == INFUSE_END_STOP || p->end == INFUSE_END_CUT);
}

static nf_status begin_call(const nf_reply *r, nf_choice *c, const char *recipient) {
  if (!nf_grow(&c->call, &c->cap_calls, c->n_calls + 1, sizeof *c->call)) return nf_reply_no_memory();
  nf_reply_call *call = &c->call[c->n_calls++];
  *call = (nf_reply_call){0};
  const char *name = nf_function_name(r, recipient);
  nf_text_append(&call->name, name, strlen(name));
  return nf_text_status(&call->name);
}

nf_part nf_choice_part(const infuse_piece *p) {
  return is_call(p) ? NF_PART_CALL : is_thought(p) ? NF_PART_THOUGHTS : NF_PART_CONTENT;
}

static nf_status keep(const nf_reply *r, nf_choice *c, const infuse_piece *p) {
  if (is_call(p) && p->begins) NF_TRY(begin_call(r, c, p->recipient));
  if (is_call(p)) c->cut = nf_is_cut_call(p);
  nf_text *to = is_call(p) ? &c->call[c->n_calls - 1].arguments : is_thought(p) ? &c->thoughts : &c->content;
  nf_text_append(to, p->text, p->n);
  return nf_text_status(to);
}

// ---- which pieces are told ----
//
// What an answer says is one text: of messages for the user the first "final" one, and what stands in front
// of calls ("commentary"), a blank line between them. Where a shape is asked for, that text is the "final"
// one alone, and commentary is thoughts. With ignore_eos the text goes on behind the answer's end.

static bool is_others(const infuse_piece *p) { return p->role[0] != 0 && strcmp(p->role, "assistant") != 0; }

static void begin_message(const nf_reply *r, nf_choice *c, const infuse_piece *p) {
  const bool final = !is_call(p) && strcmp(p->channel, "final") == 0;
  c->left_out = !r->ask->session.ignore_eos && (is_others(p) || (final && c->answered));
  c->answered = c->answered || final;
  c->parted = c->content.n != 0;
}

static nf_status show(nf_reply *r, nf_choice *c, infuse_piece p) {
  if (!nf_grow(&r->shown, &r->cap_shown, r->n_shown + 1, sizeof *r->shown)) return nf_reply_no_memory();
  r->shown[r->n_shown++] = p;
  return keep(r, c, &p);
}

static nf_status take(nf_reply *r, nf_choice *c, infuse_piece p) {
  if (p.begins) begin_message(r, c, &p);
  if (c->left_out) return nf_ok();
  if (r->ask->shape != NF_SHAPE_FREE && strcmp(p.channel, "commentary") == 0) p.channel = "analysis";
  if (r->form->joins && c->parted && p.n != 0 && nf_choice_part(&p) == NF_PART_CONTENT) {
    infuse_piece blank = p;
    blank.text = "\n\n", blank.n = 2, blank.end = INFUSE_END_NONE;
    c->parted = p.begins = false;
    NF_TRY(show(r, c, blank));
  }
  return show(r, c, p);
}

// ---- an answer ----

nf_status nf_reply_create(const nf_ask *ask, const char *id, int64_t created, const char *model,
                          const char *format, nf_reply **out) {
  static const nf_reply_form *const form[] = {
      [NF_ASK_CHAT] = &nf_reply_chat, [NF_ASK_TEXT] = &nf_reply_text, [NF_ASK_RESPONSE] = &nf_reply_response};
  nf_reply *r = nf_alloc(1, sizeof *r);
  if (r == NULL) return nf_reply_no_memory();
  *r = (nf_reply){.ask = ask, .form = form[ask->kind], .created = created};
  r->space = format != NULL && strcmp(format, "harmony") == 0 ? "functions." : "";
  r->n = (size_t)ask->n * (ask->n_prompts != 0 ? ask->n_prompts : 1);
  r->id = nf_arena_printf(&r->arena, "%s%s", r->form->prefix, id);
  r->model = nf_arena_copy(&r->arena, model, strlen(model));
  r->choice = nf_arena_alloc(&r->arena, r->n, sizeof *r->choice);
  if (r->id != NULL && r->model != NULL && r->choice != NULL) return *out = r, nf_ok();
  nf_reply_destroy(r);
  return nf_reply_no_memory();
}

void nf_reply_destroy(nf_reply *r) {
  if (r == NULL) return;
  for (size_t i = 0; r->choice != NULL && i < r->n; i++) {
    nf_choice *c = &r->choice[i];
    for (size_t k = 0; k < c->n_calls; k++) {
      nf_text_deinit(&c->call[k].name);
      nf_text_deinit(&c->call[k].arguments);
    }
    nf_free(c->call);
    nf_text_deinit(&c->content);
    nf_text_deinit(&c->thoughts);
    for (int part = 0; part < NF_PART_CALL; part++) nf_text_deinit(&c->mould[part].chunk);
    json_decref(c->logprobs);
    json_decref(c->prompt_logprobs);
  }
  for (size_t i = 0; i < r->n_items; i++) {
    nf_text_deinit(&r->item[i].text);
    nf_text_deinit(&r->item[i].name);
    json_decref(r->item[i].logprobs);
  }
  nf_free(r->item);
  nf_free(r->shown);
  json_decref(r->waiting);
  nf_arena_deinit(&r->arena);
  nf_free(r);
}

nf_status nf_reply_begin(nf_reply *r, nf_text *out) {
  return r->ask->stream ? r->form->begin(r, out) : nf_ok();
}

json_t **nf_reply_prompt_logprobs(nf_reply *r, size_t choice) {
  return &r->choice[choice - choice % (size_t)r->ask->n].prompt_logprobs;
}

nf_status nf_reply_prompt(nf_reply *r, size_t choice, nf_view text, const nf_logprob *l, size_t n,
                          nf_text *out) {
  json_t **list = nf_reply_prompt_logprobs(r, choice);
  if (r->ask->prompt_logprobs >= 0 && *list == NULL) {
    *list = ranked_list(l, n, (size_t)r->ask->prompt_logprobs);
    if (*list == NULL) return nf_reply_no_memory();
  }
  return r->ask->echo ? r->form->echo(r, choice, text, l, n, out) : nf_ok();
}

nf_status nf_reply_tell(nf_reply *r, const nf_told *told, nf_text *out) {
  nf_choice *c = &r->choice[told->choice];
  nf_told shown = *told;
  c->finish = told->finish;
  r->n_shown = 0;
  for (size_t i = 0; i < told->n_pieces; i++) NF_TRY(take(r, c, told->pieces[i]));
  shown.pieces = r->shown, shown.n_pieces = r->n_shown;
  if (c->left_out) shown.n_logprobs = 0;
  return r->form->tell(r, &shown, out);
}

nf_status nf_reply_end(nf_reply *r, const nf_tokens *usage, nf_text *out) {
  return r->ask->stream ? r->form->end(r, usage, out) : nf_json_write(r->form->whole(r, usage), out);
}
