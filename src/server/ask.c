// SPDX-License-Identifier: Apache-2.0
// What bodies of all endpoints have in common: fields of sampling, stops, biases, tools, the answer's shape.
#include "server/ask.h"
#include "base/keys.h"
#include <stdlib.h>
#include <string.h>

// ---- values ----

void *nf_ask_make(nf_ask *a, size_t n, size_t size) { return nf_arena_alloc(&a->arena, n, size); }

nf_status nf_ask_kept(const void *made) {
  return made != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a request");
}

nf_status nf_ask_string(const nf_json_at *at, const char **out) {
  nf_view s;
  *out = NULL;
  if (at->value == NULL) return nf_ok();
  NF_TRY(nf_json_string(at, &s));
  if (memchr(s.at, 0, s.n) != NULL) return nf_json_error(at, "holds a NUL");
  *out = s.at;
  return nf_ok();
}

nf_status nf_ask_word(const nf_json_at *at, const char *words, int *out) {
  const char *s, *all = words;
  nf_view word;
  NF_TRY(nf_ask_string(at, &s));
  for (int i = 0; s != NULL && nf_next_word(&words, &word); i++)
    if (nf_view_equal(word, nf_view_of(s))) return *out = i, nf_ok();
  return s == NULL ? nf_ok() : nf_json_error(at, "is '%s', should be one of: %s", s, all);
}

static nf_status read_field(const nf_json_at *at, const nf_field *f, void *to) {
  int64_t i;
  double x;
  switch (f->kind) {
  case NF_FIELD_BOOL:
    return nf_json_bool(at, to);
  case NF_FIELD_STRING:
    return nf_ask_string(at, to);
  case NF_FIELD_F32:
    NF_TRY(nf_json_f64(at, f->lo, f->hi, &x));
    *(float *)to = (float)x;
    return nf_ok();
  case NF_FIELD_I32:
  case NF_FIELD_I64:
    NF_TRY(nf_json_i64(at, (int64_t)f->lo, (int64_t)f->hi, &i));
    if (f->kind == NF_FIELD_I32)
      *(int32_t *)to = (int32_t)i;
    else
      *(int64_t *)to = i;
  }
  return nf_ok();
}

nf_status nf_ask_fields(const nf_json_at *object, const nf_field *f, size_t n, nf_ask *a) {
  for (size_t i = 0; i < n; i++) {
    const nf_json_at at = nf_json_get(object, f[i].key);
    if (at.value == NULL) continue;
    NF_TRY(read_field(&at, &f[i], (char *)a + f[i].at));
  }
  return nf_ok();
}

// ---- what all have ----

#define ASK(field) .at = offsetof(nf_ask, field)

static const nf_field common[] = {
    {"model", NF_FIELD_STRING, ASK(model)},
    {"stream", NF_FIELD_BOOL, ASK(stream)},
    {"n", NF_FIELD_I64, ASK(n), .lo = 1, .hi = NF_ASK_CHOICES},
    {"top_k", NF_FIELD_I32, ASK(sampling.top_k), .lo = -1, .hi = INT32_MAX},
    {"min_tokens", NF_FIELD_I64, ASK(sampling.min_tokens), .lo = 0, .hi = INT32_MAX},
    {"ignore_eos", NF_FIELD_BOOL, ASK(session.ignore_eos)},
};

// Where 0 turns a field off for the library, it would mean the contrary to clients, or nothing.
static nf_status check_zero(const nf_json_at *at, const infuse_sampling_bound *bound, const nf_ask *a) {
  const float *value = (const float *)((const char *)&a->sampling + bound->at);
  if (at->value == NULL || *value != 0 || !nf_has_word("top_p repetition_penalty", nf_view_of(bound->name)))
    return nf_ok();
  return nf_json_error(at, "is %g, should be a number above 0, and at most %g", json_number_value(at->value),
                       (double)bound->most);
}

// What sessions take, within their bounds, which are wider than what any client means by a penalty.
static nf_status read_sampling(const nf_json_at *body, nf_ask *a) {
  size_t n;
  const infuse_sampling_bound *bound = infuse_sampling_bounds(&n);
  for (size_t i = 0; i < n; i++) {
    const bool subtracts = nf_has_word("presence_penalty frequency_penalty", nf_view_of(bound[i].name));
    const nf_field f = {.key = bound[i].name,
                        .kind = NF_FIELD_F32,
                        .at = offsetof(nf_ask, sampling) + bound[i].at,
                        .lo = subtracts ? -2 : (double)bound[i].least,
                        .hi = subtracts ? 2 : (double)bound[i].most};
    const nf_json_at at = nf_json_get(body, bound[i].name);
    NF_TRY(nf_ask_fields(body, &f, 1, a));
    NF_TRY(check_zero(&at, &bound[i], a));
  }
  return nf_ok();
}

static nf_status read_seed(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "seed");
  int64_t seed;
  if (at.value == NULL) return nf_ok();
  NF_TRY(nf_json_i64(&at, INT64_MIN, INT64_MAX, &seed));
  a->sampling.seed = (uint64_t)seed;
  a->seeded = seed != -1; // which is none to vLLM's clients
  return nf_ok();
}

// A string, or a list of them.
static nf_status read_stops(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "stop");
  size_t n = 1;
  if (at.value == NULL) return nf_ok();
  if (json_is_array(at.value))
    n = json_array_size(at.value);
  else if (!json_is_string(at.value))
    return nf_json_wants(&at, "a string or an array of strings");
  if (n > NF_ASK_STOPS) return nf_json_error(&at, "has %zu strings, should have at most %d", n, NF_ASK_STOPS);
  const char **stop = nf_ask_make(a, n, sizeof *stop);
  NF_TRY(nf_ask_kept(stop));
  a->session.stop = stop, a->session.n_stop = n;
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = json_is_string(at.value) ? at : nf_json_item(&at, i);
    nf_view s;
    NF_TRY(nf_json_string(&item, &s));
    if (s.n == 0) return nf_json_error(&item, "is empty, and would end every answer where it begins");
    NF_TRY(nf_ask_string(&item, &stop[i]));
  }
  return nf_ok();
}

static nf_status read_stop_ids(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "stop_token_ids");
  size_t n;
  if (at.value == NULL) return nf_ok();
  NF_TRY(nf_json_array(&at, &n));
  if (n > NF_ASK_STOPS) return nf_json_error(&at, "has %zu ids, should have at most %d", n, NF_ASK_STOPS);
  int32_t *id = nf_ask_make(a, n, sizeof *id);
  NF_TRY(nf_ask_kept(id));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&at, i);
    int64_t value;
    NF_TRY(nf_json_i64(&item, 0, INT32_MAX, &value));
    id[i] = (int32_t)value;
  }
  a->session.stop_tokens = id, a->session.n_stop_tokens = n;
  return nf_ok();
}

// {"id": bias}; -100 and less means never, as OpenAI's documents say.
static nf_status read_bias(const nf_json_at *object, const char *key, int32_t *id, infuse_logit_bias *out) {
  const nf_json_at at = nf_json_get(object, key);
  int64_t token;
  double bias = 0;
  if (!nf_parse_i64(nf_view_of(key), &token) || token < 0 || token > INT32_MAX)
    return nf_json_error(&at, "'%s' is no id of a token", key);
  if (at.value != NULL) NF_TRY(nf_json_f64(&at, -100, 100, &bias));
  *id = (int32_t)token;
  *out = (infuse_logit_bias){id, 1, bias <= -100 ? -__builtin_inff() : (float)bias};
  return nf_ok();
}

// Those of the request, behind the model's own.
static nf_status read_biases(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "logit_bias");
  infuse_sampling *s = &a->sampling;
  if (at.value == NULL) return nf_ok();
  NF_TRY(nf_json_object(&at));
  const size_t n = json_object_size(at.value), own = s->n_logit_bias;
  if (n > NF_ASK_BIASES)
    return nf_json_error(&at, "has %zu entries, should have at most %d", n, NF_ASK_BIASES);
  int32_t *id = nf_ask_make(a, n, sizeof *id);
  infuse_logit_bias *all = nf_ask_make(a, own + n, sizeof *all);
  NF_TRY(nf_ask_kept(id));
  NF_TRY(nf_ask_kept(all));
  if (own != 0) memcpy(all, s->logit_bias, own * sizeof *all);
  const char *key;
  json_t *value;
  size_t i = 0;
  json_object_foreach(at.value, key, value) {
    NF_TRY(read_bias(&at, key, &id[i], &all[own + i]));
    i++;
  }
  s->logit_bias = all, s->n_logit_bias = own + n;
  return nf_ok();
}

static nf_status read_stream_options(const nf_json_at *body, nf_ask *a) {
  static const nf_field field[] = {{"include_usage", NF_FIELD_BOOL, ASK(include_usage)},
                                   {"continuous_usage_stats", NF_FIELD_BOOL, ASK(continuous_usage)}};
  const nf_json_at at = nf_json_get(body, "stream_options");
  if (at.value == NULL) return nf_ok();
  NF_TRY(nf_json_object(&at));
  if (!a->stream) return nf_json_error(&at, "is there, but stream is not true");
  return nf_ask_fields(&at, field, sizeof field / sizeof *field, a);
}

// The value as text, of the arena.
static nf_status keep_json(nf_ask *a, const json_t *value, const char **out) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  *out = text != NULL ? nf_arena_copy(&a->arena, text, strlen(text)) : NULL;
  free(text);
  return nf_ask_kept(*out);
}

// ---- tools ----

static nf_status read_tool(const nf_json_at *at, nf_ask_kind of, json_t *list) {
  const nf_json_at type = nf_json_get(at, "type"), inner = nf_json_get(at, "function");
  nf_view kind;
  NF_TRY(nf_json_object(at));
  NF_TRY(nf_json_string(&type, &kind));
  if (!nf_view_equal(kind, NF_VIEW("function")))
    return nf_json_error(&type, "is '%.*s'; only functions are supported", (int)kind.n, kind.at);
  const nf_json_at *function = inner.value != NULL ? &inner : at;
  if (inner.value == NULL && of == NF_ASK_CHAT && json_object_get(at->value, "name") == NULL)
    return nf_json_wants(&inner, "an object with the function's name");
  const nf_json_at name = nf_json_get(function, "name"), strict = nf_json_get(function, "strict");
  const char *called;
  bool is_strict;
  NF_TRY(nf_json_object(function));
  if (name.value == NULL) return nf_json_error(&name, "is missing, should be the function's name");
  NF_TRY(nf_ask_string(&name, &called));
  if (strict.value != NULL) NF_TRY(nf_json_bool(&strict, &is_strict));
  json_t *copy = json_object(), *whole = json_object();
  bool ok = copy != NULL && whole != NULL;
  static const char *const keys[] = {"name", "description", "parameters", "strict"};
  for (size_t i = 0; ok && i < sizeof keys / sizeof *keys; i++) {
    const nf_json_at part = nf_json_get(function, keys[i]);
    ok = part.value == NULL || json_object_set(copy, keys[i], part.value) == 0;
  }
  ok = nf_json_put(whole, "type", json_string("function")) && ok;
  ok = nf_json_put(whole, "function", copy) && ok;
  ok = nf_json_push(list, whole) && ok;
  return ok ? nf_ok() : nf_ask_kept(NULL);
}

static bool has_tool(const nf_ask *a, const char *name) {
  for (size_t i = 0; a->tools != NULL && i < json_array_size(a->tools); i++) {
    const json_t *f = json_object_get(json_array_get(a->tools, i), "function");
    if (strcmp(json_string_value(json_object_get(f, "name")), name) == 0) return true;
  }
  return false;
}

static nf_status read_tool_choice(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "tool_choice");
  int choice = NF_TOOLS_AUTO;
  if (json_is_object(at.value)) {
    const nf_json_at type = nf_json_get(&at, "type"), inner = nf_json_get(&at, "function");
    const bool wrapped =
        inner.value != NULL || (a->kind == NF_ASK_CHAT && !json_is_string(json_object_get(at.value, "name")));
    const nf_json_at name = nf_json_get(wrapped ? &inner : &at, "name");
    int kind = 0;
    NF_TRY(nf_ask_word(&type, "function", &kind));
    if (name.value == NULL) return nf_json_error(&name, "is missing, should be a function's name");
    NF_TRY(nf_ask_string(&name, &a->tool));
    if (!has_tool(a, a->tool)) return nf_json_error(&name, "'%s' is not among the tools", a->tool);
    choice = NF_TOOLS_NAMED;
  } else if (at.value != NULL && !json_is_string(at.value)) {
    return nf_json_wants(&at, "auto, none, required, or an object with a function's name");
  } else {
    NF_TRY(nf_ask_word(&at, "auto none required", &choice));
  }
  if (choice >= NF_TOOLS_REQUIRED && a->tools == NULL)
    return nf_json_error(&at, "asks for a call, but there are no tools");
  a->tool_choice = (nf_tool_choice)choice;
  return nf_ok();
}

// What templates are shown: with choice "none" there are no tools.
static nf_status tell_tools(nf_ask *a) {
  if (a->tools == NULL || a->tool_choice == NF_TOOLS_NONE) return nf_ok();
  a->session.must_call = a->tool_choice == NF_TOOLS_REQUIRED;
  a->session.call = a->tool; // NULL unless one is named
  a->session.one_call = a->one_call;
  return keep_json(a, a->tools, &a->session.tools);
}

nf_status nf_ask_tools(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "tools"), parallel = nf_json_get(body, "parallel_tool_calls");
  size_t n = 0;
  bool many = true;
  if (at.value != NULL) NF_TRY(nf_json_array(&at, &n));
  json_t *list = n != 0 ? json_array() : NULL;
  if (n != 0) NF_TRY(nf_ask_kept(list));
  // The body owns it from here on.
  if (n != 0 && !nf_json_put(a->body.root, " tools", list)) return nf_ask_kept(NULL);
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&at, i);
    NF_TRY(read_tool(&item, a->kind, list));
  }
  a->tools = list;
  if (parallel.value != NULL) NF_TRY(nf_json_bool(&parallel, &many));
  a->one_call = !many;
  NF_TRY(read_tool_choice(body, a));
  return tell_tools(a);
}

// ---- the answer's shape ----

static nf_status note_shape(const nf_json_at *at, nf_ask *a) {
  nf_text path = {0};
  nf_json_path(at, &path);
  nf_status st = nf_text_status(&path);
  if (nf_is_ok(st)) st = nf_ask_kept(a->shape_at = nf_arena_copy(&a->arena, path.at, path.n));
  nf_text_deinit(&path);
  return st;
}

static nf_status keep_schema(const nf_json_at *schema, nf_ask *a) {
  if (schema->value == NULL) return nf_json_error(schema, "is missing, should be a JSON schema");
  NF_TRY(note_shape(schema, a));
  a->shape = NF_SHAPE_SCHEMA;
  return keep_json(a, schema->value, &a->pattern);
}

nf_status nf_ask_schema(const nf_json_at *format, nf_ask *a) {
  int type = -1;
  if (format->value == NULL) return nf_ok();
  NF_TRY(nf_json_object(format));
  const nf_json_at kind = nf_json_get(format, "type"), inner = nf_json_get(format, "json_schema");
  NF_TRY(nf_ask_word(&kind, "text json_object json_schema", &type));
  if (type < 0) return nf_json_error(&kind, "is missing, should be one of: text json_object json_schema");
  if (type == 1) a->shape = NF_SHAPE_OBJECT;
  if (type != 2) return nf_ok();
  const bool flat =
      inner.value == NULL && (a->kind == NF_ASK_RESPONSE || json_object_get(format->value, "schema") != NULL);
  if (!flat) NF_TRY(nf_json_object(&inner));
  const nf_json_at schema = nf_json_get(flat ? format : &inner, "schema");
  return keep_schema(&schema, a);
}

static nf_status read_choices(const nf_json_at *at, nf_ask *a) {
  size_t n;
  NF_TRY(nf_json_array(at, &n));
  if (n == 0) return nf_json_error(at, "is empty");
  const char **choice = nf_ask_make(a, n, sizeof *choice);
  NF_TRY(nf_ask_kept(choice));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(at, i);
    nf_view s;
    NF_TRY(nf_json_string(&item, &s));
    NF_TRY(nf_ask_string(&item, &choice[i]));
  }
  a->choices = choice, a->n_choices = n, a->shape = NF_SHAPE_CHOICE;
  return note_shape(at, a);
}

// vLLM's fields of their own: one at most, and not beside a response_format.
static const nf_key refused_structures[] = {
    {"grammar structural_tag whitespace_pattern", NF_KEY_CHANGES, NULL},
    {"json_object disable_additional_properties", NF_KEY_CHANGES, "false"},
    {"*", NF_KEY_HARMLESS, NULL},
};
static nf_status read_structure(const nf_json_at *body, nf_ask *a) {
  static const nf_keys keys = NF_KEYS(refused_structures, NULL);
  const nf_json_at at = nf_json_get(body, "structured_outputs");
  if (at.value == NULL) return nf_ok();
  NF_TRY(nf_json_object(&at));
  const nf_json_at schema = nf_json_get(&at, "json"), regex = nf_json_get(&at, "regex"),
                   choice = nf_json_get(&at, "choice");
  NF_TRY(nf_keys_refuse(&at, &keys));
  const int told = (schema.value != NULL) + (regex.value != NULL) + (choice.value != NULL);
  if (told + (a->shape != NF_SHAPE_FREE) > 1)
    return nf_json_error(&at, "the answer's shape is told more than once");
  if (json_is_string(schema.value)) { // a document, as vLLM has it
    a->shape = NF_SHAPE_SCHEMA;
    NF_TRY(note_shape(&schema, a));
    return nf_ask_string(&schema, &a->pattern);
  }
  if (schema.value != NULL) return keep_schema(&schema, a);
  if (choice.value != NULL) return read_choices(&choice, a);
  if (regex.value == NULL) return nf_ok();
  a->shape = NF_SHAPE_REGEX;
  NF_TRY(note_shape(&regex, a));
  return nf_ask_string(&regex, &a->pattern);
}

// ---- a body ----

static const nf_key refused[] = {
    {"best_of", NF_KEY_CHANGES, "1"},
    {"suffix", NF_KEY_CHANGES, "\"\""},
    {"use_beam_search", NF_KEY_CHANGES, "false"},
    {"length_penalty", NF_KEY_CHANGES, "1 1.0"},
    {"truncate_prompt_tokens", NF_KEY_CHANGES, NULL},
    {"functions", NF_KEY_CHANGES, "[]"},
    {"function_call", NF_KEY_CHANGES, "none"},
    {"guided_json", NF_KEY_CHANGES, NULL},
    {"guided_regex", NF_KEY_CHANGES, NULL},
    {"guided_choice", NF_KEY_CHANGES, NULL},
    {"guided_grammar", NF_KEY_CHANGES, NULL},
    {"audio", NF_KEY_CHANGES, NULL},
    {"prediction", NF_KEY_CHANGES, NULL},
    {"web_search_options", NF_KEY_CHANGES, NULL},
    {"previous_response_id", NF_KEY_CHANGES, NULL},
    {"conversation", NF_KEY_CHANGES, NULL},
    {"background", NF_KEY_CHANGES, "false"},
    {"allowed_token_ids bad_words documents logits_processors", NF_KEY_CHANGES, "[]"},
    {"include_reasoning skip_special_tokens add_generation_prompt", NF_KEY_CHANGES, "true"},
    {"continue_final_message include_stop_str_in_output return_token_ids return_tokens_as_token_ids",
     NF_KEY_CHANGES, "false"},
    {"chat_template thinking_token_budget lora_path regex ebnf json_schema", NF_KEY_CHANGES, NULL},
    {"no_repeat_ngram_size top_a dry_multiplier", NF_KEY_CHANGES, "0 0.0"},
    {"typical_p", NF_KEY_CHANGES, "1 1.0"},
    {"modalities", NF_KEY_CHANGES, "[\"text\"]"},
    {"*", NF_KEY_HARMLESS, NULL},
};

nf_status nf_ask_prompt_logprobs(const nf_json_at *body, nf_ask *a) {
  static const nf_field field[] = {
      {"prompt_logprobs", NF_FIELD_I64, ASK(prompt_logprobs), .lo = 0, .hi = NF_ASK_LOGPROBS}};
  const nf_json_at at = nf_json_get(body, "prompt_logprobs");
  NF_TRY(nf_ask_fields(body, field, 1, a));
  if (a->prompt_logprobs >= 0 && a->stream) return nf_json_error(&at, "can't be had of a stream");
  return nf_ok();
}

static nf_status read_common(const nf_json_at *body, nf_ask *a) {
  static const nf_keys keys = NF_KEYS(refused, NULL);
  NF_TRY(nf_keys_refuse(body, &keys));
  NF_TRY(nf_ask_fields(body, common, sizeof common / sizeof *common, a));
  NF_TRY(read_sampling(body, a));
  if (a->sampling.top_k < 0) a->sampling.top_k = 0; // -1 is off to vLLM's clients
  NF_TRY(read_seed(body, a));
  NF_TRY(read_stops(body, a));
  NF_TRY(read_stop_ids(body, a));
  NF_TRY(read_biases(body, a));
  return read_stream_options(body, a);
}

bool nf_ask_scores_prompt(const nf_ask *a) {
  return (a->echo && a->logprobs >= 0) || a->prompt_logprobs >= 0;
}

static nf_status check_least(const nf_json_at *body, const nf_ask *a) {
  const nf_json_at least = nf_json_get(body, "min_tokens");
  if (least.value == NULL || a->max_tokens < 0 || a->sampling.min_tokens <= a->max_tokens) return nf_ok();
  return nf_json_error(&least, "is %ld, above the most tokens that the answer may have, %ld",
                       (long)a->sampling.min_tokens, (long)a->max_tokens);
}

static void tell_logprobs(nf_ask *a) {
  const int64_t most = a->logprobs > a->prompt_logprobs ? a->logprobs : a->prompt_logprobs;
  a->session.logprobs = most >= 0;
  a->session.top_logprobs = (int32_t)(most > 0 ? most : 0);
}

nf_status nf_ask_read(nf_ask_kind kind, const char *text, size_t n, const infuse_sampling *sampling,
                      nf_ask *out) {
  static nf_status (*const rest[])(const nf_json_at *, nf_ask *) = {
      [NF_ASK_CHAT] = nf_ask_chat, [NF_ASK_TEXT] = nf_ask_text, [NF_ASK_RESPONSE] = nf_ask_response};
  *out = (nf_ask){.kind = kind, .n = 1, .logprobs = -1, .prompt_logprobs = -1, .max_tokens = -1};
  out->sampling = *sampling;
  out->session = (infuse_session_options){.size = sizeof out->session, .generate = true};
  NF_TRY(nf_json_parse_nul(text, n, "body", &out->body));
  const nf_json_at body = nf_json_root(&out->body);
  NF_TRY(nf_json_object(&body));
  NF_TRY(read_common(&body, out));
  NF_TRY(rest[kind](&body, out));
  NF_TRY(read_structure(&body, out));
  NF_TRY(check_least(&body, out));
  if (out->max_tokens > 0) out->session.max_tokens = out->max_tokens;
  out->session.generate = out->max_tokens != 0;
  tell_logprobs(out);
  return nf_ok();
}

void nf_ask_deinit(nf_ask *a) {
  nf_json_deinit(&a->body);
  nf_arena_deinit(&a->arena);
}
