// SPDX-License-Identifier: Apache-2.0
// What /tokenizer_info tells: tokenizer_config.json of the checkpoint's folder, with the chat template that
// counts and the token that ends a text, which clients without a tokenizer of their own go by.
#include "base/file.h"
#include "server/server_state.h"
#include <string.h>

enum { MOST_BYTES = 64 << 20 };

// A file that is not there is an empty document.
static nf_status load(const char *dir, const char *name, nf_json *out) {
  char *path;
  *out = (nf_json){0};
  NF_TRY(nf_path_join(dir, name, &path));
  const nf_status st = nf_path_exists(path) ? nf_json_load(path, MOST_BYTES, out) : nf_ok();
  nf_free(path);
  return st;
}

// A token is a string, or an object around one.
static json_t *plain(const json_t *value) {
  json_t *content = json_object_get(value, "content");
  return json_is_string(content) ? content : (json_t *)value;
}

static bool copy_config(const json_t *config, json_t *to) {
  const char *key;
  json_t *value;
  bool ok = to != NULL;
  json_object_foreach((json_t *)config, key, value) if (strcmp(key, "added_tokens_decoder") != 0) ok =
      json_object_set(to, key, plain(value)) == 0 && ok;
  return ok;
}

// Of several the one that is named so.
static const json_t *default_template(const json_t *templates) {
  size_t i;
  const json_t *item;
  if (!json_is_array(templates)) return templates;
  json_array_foreach(templates, i, item) {
    const char *name = json_string_value(json_object_get(item, "name"));
    if (name != NULL && strcmp(name, "default") == 0) return json_object_get(item, "template");
  }
  return NULL;
}

// A file of its own counts before what is in the others.
static nf_status put_template(const char *dir, json_t *info) {
  char *path, *text = NULL;
  size_t n = 0;
  nf_json other;
  NF_TRY(nf_path_join(dir, "chat_template.jinja", &path));
  nf_status st = nf_path_exists(path) ? nf_file_load(path, MOST_BYTES, &text, &n) : nf_ok();
  nf_free(path);
  NF_TRY(st);
  st = load(dir, "chat_template.json", &other);
  const json_t *own = default_template(json_object_get(info, "chat_template")),
               *beside = default_template(json_object_get(other.root, "chat_template"));
  json_t *chosen = text != NULL ? json_stringn(text, n) : json_incref((json_t *)(own != NULL ? own : beside));
  const bool ok = nf_json_put(info, "chat_template", chosen != NULL ? chosen : json_null());
  nf_json_deinit(&other);
  nf_free(text);
  return !nf_is_ok(st) ? st : ok ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a chat template");
}

// The token of an id, or of the first of a list; NULL: there is none.
static json_t *spelling(const infuse_model *m, const json_t *ids) {
  const json_t *first = json_is_array(ids) ? json_array_get(ids, 0) : ids;
  const json_int_t id = json_integer_value(first);
  const int32_t token = (int32_t)id;
  char *text;
  size_t n;
  if (!json_is_integer(first) || id != token) return NULL;
  infuse_error *e = infuse_decode(infuse_model_tokenizer(m), &token, 1, &text, &n);
  if (e != NULL) return infuse_error_free(e), NULL;
  json_t *value = json_stringn(text, n);
  infuse_free(text);
  return value;
}

// Where the tokenizer's own file does not say which tokens begin and end a text the model's do by their ids.
static nf_status put_tokens(const infuse_model *m, const char *dir, json_t *info) {
  static const char *const names[][2] = {{"bos_token", "bos_token_id"}, {"eos_token", "eos_token_id"}};
  static const char *const files[] = {"generation_config.json", "config.json"};
  nf_status st = nf_ok();
  for (size_t f = 0; f < sizeof files / sizeof *files && nf_is_ok(st); f++) {
    nf_json doc;
    st = load(dir, files[f], &doc);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      if (json_is_string(json_object_get(info, names[i][0]))) continue;
      json_t *token = spelling(m, json_object_get(doc.root, names[i][1]));
      if (!nf_json_put(info, names[i][0], token != NULL ? token : json_null()) && nf_is_ok(st))
        st = nf_error(NF_NO_MEMORY, "no memory for a token");
    }
    nf_json_deinit(&doc);
  }
  return st;
}

nf_status nf_tokenizer_info(const infuse_model *m, const char *dir, json_t **out) {
  nf_json config;
  json_t *info = json_object();
  nf_status st = load(dir, "tokenizer_config.json", &config);
  if (nf_is_ok(st) && !copy_config(config.root, info)) st = nf_error(NF_NO_MEMORY, "no memory for tokens");
  nf_json_deinit(&config);
  if (nf_is_ok(st)) st = put_template(dir, info);
  if (nf_is_ok(st)) st = put_tokens(m, dir, info);
  if (nf_is_ok(st) && json_object_get(info, "tokenizer_class") == NULL &&
      !nf_json_put(info, "tokenizer_class", json_string("PreTrainedTokenizerFast")))
    st = nf_error(NF_NO_MEMORY, "no memory for a name");
  *out = nf_json_whole(info, nf_is_ok(st));
  return st;
}
