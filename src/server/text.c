// SPDX-License-Identifier: Apache-2.0
// /tokenize and /detokenize, as vLLM's clients know them.
#include "server/server_state.h"
#include <string.h>

static nf_status read_body(const nf_call *c, nf_json *out) {
  const nf_view body = nf_call_body(c);
  *out = (nf_json){0};
  NF_TRY(nf_json_parse_nul(body.at != NULL ? body.at : "", body.n, "body", out));
  const nf_json_at root = nf_json_root(out);
  return nf_json_object(&root);
}

static nf_status check_model(const nf_server *s, const nf_json_at *root, bool *out) {
  const nf_json_at at = nf_json_get(root, "model");
  const char *name;
  NF_TRY(nf_ask_string(&at, &name));
  *out = nf_server_is_model(s, name);
  return nf_ok();
}

// A chat is what /v1/chat/completions would compute.
static nf_status chat_ids(const nf_server *s, const nf_call *c, int32_t **id, size_t *n) {
  const nf_view body = nf_call_body(c);
  nf_ask a;
  nf_status st = nf_ask_read(NF_ASK_CHAT, body.at, body.n, &s->sampling, &a);
  if (nf_is_ok(st))
    st = (nf_status){infuse_model_render(s->options.model, &a.session, a.message, a.n_messages, id, n)};
  nf_ask_deinit(&a);
  return st;
}

static nf_status text_ids(const nf_server *s, const nf_json_at *root, int32_t **id, size_t *n) {
  const nf_json_at prompt = nf_json_get(root, "prompt"), special = nf_json_get(root, "add_special_tokens");
  nf_view text;
  bool add = true;
  NF_TRY(nf_json_string(&prompt, &text));
  if (special.value != NULL) NF_TRY(nf_json_bool(&special, &add));
  return (nf_status){infuse_encode(infuse_model_tokenizer(s->options.model), text.at, text.n,
                                   add ? 0 : INFUSE_ENCODE_BARE, id, n)};
}

static nf_status tokenise(const nf_server *s, const nf_call *c, const nf_json_at *root, json_t **out) {
  const nf_json_at messages = nf_json_get(root, "messages");
  int32_t *id;
  size_t n;
  NF_TRY(messages.value != NULL ? chat_ids(s, c, &id, &n) : text_ids(s, root, &id, &n));
  *out = json_pack("{s:I,s:I,s:o?}", "count", (json_int_t)n, "max_model_len", (json_int_t)s->info.context,
                   "tokens", nf_ids_json(id, n));
  infuse_free(id);
  return nf_ok();
}

static nf_status read_token(const infuse_tokenizer *k, const nf_json_at *at, int32_t *out) {
  int64_t value = 0;
  NF_TRY(nf_json_i64(at, 0, INT32_MAX, &value));
  *out = (int32_t)value;
  if (k == NULL || infuse_token_bytes(k, *out, NULL) != NULL) return nf_ok();
  return nf_json_error(at, "is %d, which stands for no token", *out);
}

static nf_status detokenise(const nf_server *s, const nf_call *c, const nf_json_at *root, json_t **out) {
  (void)c;
  const nf_json_at tokens = nf_json_get(root, "tokens");
  const infuse_tokenizer *k = infuse_model_tokenizer(s->options.model);
  size_t n, bytes;
  int32_t *id;
  char *text;
  NF_TRY(nf_json_array(&tokens, &n));
  NF_TRY(nf_make(&id, n, sizeof *id, "tokens"));
  nf_status st = nf_ok();
  for (size_t i = 0; i < n && nf_is_ok(st); i++) {
    const nf_json_at item = nf_json_item(&tokens, i);
    st = read_token(k, &item, &id[i]);
  }
  if (nf_is_ok(st)) st = (nf_status){infuse_decode(k, id, n, &text, &bytes)};
  nf_free(id);
  NF_TRY(st);
  *out = json_pack("{s:o?}", "prompt", json_stringn(text, bytes));
  infuse_free(text);
  return nf_ok();
}

static void serve(nf_server *s, nf_call *c,
                  nf_status (*make)(const nf_server *, const nf_call *, const nf_json_at *, json_t **)) {
  nf_json body;
  json_t *answer = NULL;
  bool ours = true;
  nf_status st = read_body(c, &body);
  const nf_json_at root = nf_json_root(&body);
  if (nf_is_ok(st)) st = check_model(s, &root, &ours);
  if (nf_is_ok(st) && ours) st = make(s, c, &root, &answer);
  nf_json_deinit(&body);
  if (!nf_is_ok(st)) return nf_serve_status(c, st);
  if (!ours) return nf_serve_no_model(s, c);
  nf_serve_json(c, answer);
}

void nf_serve_tokenize(void *server, nf_call *c) { serve(server, c, tokenise); }
void nf_serve_detokenize(void *server, nf_call *c) { serve(server, c, detokenise); }
