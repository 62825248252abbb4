// SPDX-License-Identifier: Apache-2.0
// What becomes of a request before it is computed: its tokens and how they would be drawn, as vLLM's clients
// and routers ask for it.
#include "server/server_state.h"
#include <string.h>

json_t *nf_ids_json(const int32_t *id, size_t n) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; i < n && ok; i++) ok = nf_json_push(list, json_integer(id[i]));
  return nf_json_whole(list, ok);
}

static nf_status check_ids(const nf_server *s, const nf_ask *a, size_t prompt) {
  const nf_json_at body = nf_json_root(&a->body), at = nf_json_get(&body, "prompt"),
                   own = nf_json_item(&at, prompt);
  const nf_json_at *list = json_is_array(own.value) ? &own : &at;
  int64_t id;
  for (size_t i = 0; i < a->prompt[prompt].n; i++) {
    const nf_json_at item = nf_json_item(list, i);
    NF_TRY(nf_json_i64(&item, 0, s->info.vocab - 1, &id));
  }
  return nf_ok();
}

nf_status nf_prompt_ids(const nf_server *s, const nf_ask *a, size_t i, int32_t **own, const int32_t **ids,
                        size_t *n) {
  const infuse_tokenizer *k = infuse_model_tokenizer(s->options.model);
  const nf_prompt *p = &a->prompt[i];
  *ids = p->ids, *n = p->n;
  if (p->text == NULL) return check_ids(s, a, i);
  NF_TRY((nf_status){infuse_encode(k, p->text, p->n, 0, own, n)});
  *ids = *own;
  return nf_ok();
}

static json_t *sampling_json(const nf_ask *a) {
  const infuse_sampling *s = &a->sampling;
  json_t *o = json_object(), *stop = json_array();
  bool ok = nf_json_put(o, "n", json_integer((json_int_t)a->n));
  ok = nf_json_put(o, "temperature", json_real((double)s->temperature)) && ok;
  ok = nf_json_put(o, "top_p", json_real(s->top_p != 0 ? (double)s->top_p : 1)) && ok;
  ok = nf_json_put(o, "top_k", json_integer(s->top_k)) && ok;
  ok = nf_json_put(o, "min_p", json_real((double)s->min_p)) && ok;
  ok = nf_json_put(o, "presence_penalty", json_real((double)s->presence_penalty)) && ok;
  ok = nf_json_put(o, "frequency_penalty", json_real((double)s->frequency_penalty)) && ok;
  ok = nf_json_put(o, "repetition_penalty",
                   json_real(s->repetition_penalty != 0 ? (double)s->repetition_penalty : 1)) &&
       ok;
  ok = nf_json_put(o, "seed", a->seeded ? json_integer((json_int_t)s->seed) : json_null()) && ok;
  for (size_t i = 0; i < a->session.n_stop; i++)
    ok = nf_json_push(stop, json_string(a->session.stop[i])) && ok;
  ok = nf_json_put(o, "stop", stop) && ok;
  ok = nf_json_put(o, "ignore_eos", json_boolean(a->session.ignore_eos)) && ok;
  ok = nf_json_put(o, "min_tokens", json_integer((json_int_t)s->min_tokens)) && ok;
  ok = nf_json_put(o, "max_tokens",
                   a->max_tokens >= 0 ? json_integer((json_int_t)a->max_tokens) : json_null()) &&
       ok;
  return nf_json_whole(o, ok);
}

// What generates: of one prompt.
static json_t *request_json(const nf_server *s, const nf_call *c, const nf_ask *a, const int32_t *id,
                            size_t n) {
  json_t *o = json_object();
  bool ok = nf_json_put(o, "request_id", json_string(nf_call_id(c)));
  ok = nf_json_put(o, "token_ids", nf_ids_json(id, n)) && ok;
  ok = nf_json_put(o, "sampling_params", sampling_json(a)) && ok;
  ok = nf_json_put(o, "model", json_string(s->name)) && ok;
  ok = nf_json_put(o, "stream", json_boolean(a->stream)) && ok;
  return nf_json_whole(o, ok);
}

static nf_status render_messages(const nf_server *s, const nf_call *c, const nf_ask *a, json_t **out) {
  int32_t *id;
  size_t n;
  NF_TRY((nf_status){infuse_model_render(s->options.model, &a->session, a->message, a->n_messages, &id, &n)});
  *out = request_json(s, c, a, id, n);
  infuse_free(id);
  return nf_ok();
}

static nf_status render_prompts(const nf_server *s, const nf_call *c, const nf_ask *a, json_t **out) {
  json_t *list = json_array();
  nf_status st = nf_ok();
  bool ok = list != NULL;
  for (size_t i = 0; i < a->n_prompts && ok && nf_is_ok(st); i++) {
    int32_t *own = NULL;
    const int32_t *id;
    size_t n;
    st = nf_prompt_ids(s, a, i, &own, &id, &n);
    if (nf_is_ok(st)) ok = nf_json_push(list, request_json(s, c, a, id, n));
    infuse_free(own);
  }
  *out = nf_json_whole(list, ok && nf_is_ok(st));
  return st;
}

static nf_status render(const nf_server *s, const nf_call *c, const nf_ask *a, json_t **out) {
  return a->n_prompts != 0 ? render_prompts(s, c, a, out) : render_messages(s, c, a, out);
}

// Of a body that could be computed, and is not.
static void serve(nf_server *s, nf_call *c, nf_ask_kind kind) {
  const nf_view body = nf_call_body(c);
  nf_ask a;
  json_t *answer = NULL;
  nf_status st = nf_ask_read(kind, body.at != NULL ? body.at : "", body.n, &s->sampling, &a);
  const bool ours = !nf_is_ok(st) || nf_server_is_model(s, a.model);
  if (nf_is_ok(st) && ours) st = render(s, c, &a, &answer);
  const bool failed = !nf_is_ok(st);
  if (failed) nf_serve_failure(c, &a, st);
  nf_ask_deinit(&a);
  if (failed) return;
  if (!ours) return nf_serve_no_model(s, c);
  nf_serve_json(c, answer);
}

void nf_serve_render_chat(void *server, nf_call *c) { serve(server, c, NF_ASK_CHAT); }
void nf_serve_render_text(void *server, nf_call *c) { serve(server, c, NF_ASK_TEXT); }
void nf_serve_render_response(void *server, nf_call *c) { serve(server, c, NF_ASK_RESPONSE); }
