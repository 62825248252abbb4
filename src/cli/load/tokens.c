// SPDX-License-Identifier: Apache-2.0
// Text to ids, here or at the server.
#include "cli/load/tokens.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/load/reply.h"
#include <stdlib.h>
#include <string.h>

nf_status load_tokens_init(load_tokens *t, const char *path, load_client *client, const char *model) {
  *t = (load_tokens){.client = client, .model = model};
  return (nf_status){path != NULL ? infuse_tokenizer_load(path, &t->local) : NULL};
}

void load_tokens_deinit(load_tokens *t) { infuse_tokenizer_destroy(t->local); }

// Both spellings of each field: vLLM's, and llama.cpp's, who ignore each other's.
static nf_status make_body(const load_tokens *t, nf_view text, char **out) {
  json_t *body = json_pack("{s:s, s:s%, s:s%, s:b, s:b}", "model", t->model, "prompt", text.at, text.n,
                           "content", text.at, text.n, "add_special_tokens", 0, "add_special", 0);
  *out = json_dumps(body, JSON_COMPACT);
  json_decref(body);
  return *out != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a text");
}

static nf_status read_ids(const nf_json *j, int32_t **ids, size_t *n) {
  const nf_json_at root = nf_json_root(j), list = nf_json_get(&root, "tokens");
  NF_TRY(nf_json_array(&list, n));
  int32_t *at = malloc((*n + 1) * sizeof *at); // infuse_free is the caller's
  if (at == NULL) return nf_error(NF_NO_MEMORY, "no memory for tokens");
  *ids = at;
  for (size_t i = 0; i < *n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    int64_t id;
    NF_TRY(nf_json_i64(&item, 0, INT32_MAX, &id));
    at[i] = (int32_t)id;
  }
  return nf_ok();
}

static nf_status say_why(const load_tokens *t, const load_call *call, nf_status st) {
  if (load_refuses_model(call->status, nf_text_view(&call->kept), t->model))
    return nf_status_note(st, "the server has no model '%s'; --served-model-name says another", t->model);
  return nf_status_note(st, "the server does not tokenize (POST /tokenize); --tokenizer DIR does it here");
}

static nf_status ask(const load_tokens *t, char *body, int32_t **ids, size_t *n) {
  load_call call = {.path = "/tokenize", .body = nf_view_of(body)};
  nf_json j = {0};
  nf_status st = load_client_ask(t->client, &call);
  if (!nf_is_ok(st)) st = say_why(t, &call, st);
  if (nf_is_ok(st)) st = nf_json_parse(call.kept.at, call.kept.n, "the answer of /tokenize", &j);
  if (nf_is_ok(st)) st = read_ids(&j, ids, n);
  nf_json_deinit(&j);
  nf_text_deinit(&call.kept);
  return st;
}

nf_status load_encode(const load_tokens *t, nf_view text, int32_t **ids, size_t *n) {
  char *body = NULL;
  *ids = NULL;
  if (t->local != NULL)
    return (nf_status){
        infuse_encode(t->local, text.at, text.n, INFUSE_ENCODE_BARE | INFUSE_ENCODE_PLAIN, ids, n)};
  NF_TRY(make_body(t, text, &body));
  const nf_status st = ask(t, body, ids, n);
  free(body);
  if (nf_is_ok(st)) return st;
  infuse_free(*ids);
  *ids = NULL;
  return st;
}
