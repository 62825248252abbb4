// SPDX-License-Identifier: Apache-2.0
// The body of /v1/responses: instructions and items become the messages of a chat. Nothing is stored: a
// conversation that goes on is sent whole.
#include "base/keys.h"
#include "server/ask.h"
#include <string.h>

// ---- items ----

static nf_status read_message(const nf_json_at *at, nf_ask *a, infuse_message *out) {
  static const char *const roles[] = {"system", "developer", "user", "assistant"};
  const nf_json_at role = nf_json_get(at, "role"), content = nf_json_get(at, "content");
  int kind = -1;
  NF_TRY(nf_ask_word(&role, "system developer user assistant", &kind));
  if (kind < 0) return nf_json_error(&role, "is missing, should be one of: system developer user assistant");
  if (content.value == NULL && kind != 3) return nf_json_wants(&content, NF_CONTENT);
  *out = (infuse_message){.role = roles[kind], .content = ""};
  return nf_ask_content(&content, a, &out->content, &out->content_n);
}

static nf_status read_call(const nf_json_at *at, nf_ask *a, infuse_message *out) {
  const nf_json_at id = nf_json_get(at, "call_id"), name = nf_json_get(at, "name"),
                   arguments = nf_json_get(at, "arguments");
  infuse_call *call = nf_ask_make(a, 1, sizeof *call);
  NF_TRY(nf_ask_kept(call));
  NF_TRY(nf_ask_string(&id, &call->id));
  NF_TRY(nf_ask_string(&name, &call->name));
  if (call->name == NULL) return nf_json_error(&name, "is missing, should be the function's name");
  NF_TRY(nf_ask_string(&arguments, &call->arguments));
  *out = (infuse_message){.role = "assistant", .content = "", .calls = call, .n_calls = 1};
  return nf_ok();
}

static nf_status read_result(const nf_json_at *at, nf_ask *a, infuse_message *out) {
  const nf_json_at id = nf_json_get(at, "call_id"), output = nf_json_get(at, "output");
  *out = (infuse_message){.role = "tool", .content = ""};
  NF_TRY(nf_ask_string(&id, &out->call_id));
  return nf_ask_content(&output, a, &out->content, &out->content_n);
}

// Thoughts come back as parts of their text, or of a summary where there is none.
static nf_status read_reasoning(const nf_json_at *at, nf_ask *a, infuse_message *out) {
  const nf_json_at content = nf_json_get(at, "content"), summary = nf_json_get(at, "summary");
  size_t n;
  if (content.value != NULL) NF_TRY(nf_json_array(&content, &n));
  if (summary.value != NULL) NF_TRY(nf_json_array(&summary, &n));
  const nf_json_at *parts = json_array_size(content.value) != 0 ? &content : &summary;
  nf_text all = {0};
  nf_status st = nf_ok();
  n = json_array_size(parts->value);
  for (size_t i = 0; i < n && nf_is_ok(st); i++) {
    const nf_json_at part = nf_json_item(parts, i), text = nf_json_get(&part, "text");
    nf_view s = {0};
    st = nf_json_string(&text, &s);
    if (nf_is_ok(st)) nf_text_append(&all, s.at, s.n);
  }
  *out = (infuse_message){.role = "assistant", .channel = "analysis", .content = ""};
  if (nf_is_ok(st)) st = nf_text_status(&all);
  if (nf_is_ok(st) && all.n != 0) {
    out->content = nf_arena_copy(&a->arena, all.at, all.n), out->content_n = all.n;
    st = nf_ask_kept(out->content);
  }
  nf_text_deinit(&all);
  return st;
}

static nf_status read_item(const nf_json_at *at, nf_ask *a, infuse_message *out) {
  static nf_status (*const read[])(const nf_json_at *, nf_ask *,
                                   infuse_message *) = {read_message, read_call, read_result, read_reasoning};
  const nf_json_at type = nf_json_get(at, "type");
  int kind = 0; // items without a type are messages
  NF_TRY(nf_json_object(at));
  NF_TRY(nf_ask_word(&type, "message function_call function_call_output reasoning", &kind));
  return read[kind](at, a, out);
}

static nf_status read_input(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "input"), instructions = nf_json_get(body, "instructions");
  size_t n = 1;
  if (json_is_array(at.value))
    n = json_array_size(at.value);
  else if (!json_is_string(at.value))
    return nf_json_wants(&at, "a string or an array of items");
  if (n == 0 || n > NF_ASK_MESSAGES)
    return nf_json_error(&at, "has %zu items, should have 1 to %d", n, NF_ASK_MESSAGES);
  a->message = nf_ask_make(a, n + 1, sizeof *a->message);
  NF_TRY(nf_ask_kept(a->message));
  if (instructions.value != NULL) {
    infuse_message *first = &a->message[a->n_messages++];
    *first = (infuse_message){.role = "system", .content = ""};
    NF_TRY(nf_ask_content(&instructions, a, &first->content, &first->content_n));
  }
  for (size_t i = 0; i < n; i++) {
    infuse_message *to = &a->message[a->n_messages++];
    const nf_json_at item = nf_json_item(&at, i);
    if (!json_is_string(at.value)) {
      NF_TRY(read_item(&item, a, to));
      continue;
    }
    *to = (infuse_message){.role = "user"};
    NF_TRY(nf_ask_content(&at, a, &to->content, &to->content_n));
  }
  return nf_ok();
}

// `include` says whether there are any; what else it may name no answer here has.
static nf_status read_logprobs(const nf_json_at *body, nf_ask *a) {
  static const char names[] = "message.output_text.logprobs reasoning.encrypted_content "
                              "message.input_image.image_url code_interpreter_call.outputs "
                              "computer_call_output.output.image_url file_search_call.results "
                              "web_search_call.results web_search_call.action.sources";
  const nf_json_at at = nf_json_get(body, "include"), top = nf_json_get(body, "top_logprobs"),
                   prompt = nf_json_get(body, "prompt_logprobs");
  size_t n = 0;
  int64_t most = 0;
  if (prompt.value != NULL) return nf_json_error(&prompt, "can't be had of a response");
  if (at.value != NULL) NF_TRY(nf_json_array(&at, &n));
  if (top.value != NULL) NF_TRY(nf_json_i64(&top, 0, NF_ASK_LOGPROBS, &most));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&at, i);
    int name = -1;
    if (item.value == NULL) return nf_json_wants(&item, "a string");
    NF_TRY(nf_ask_word(&item, names, &name));
    if (name == 0) a->logprobs = most;
  }
  return nf_ok();
}

static const nf_key refused[] = {
    {"prompt", NF_KEY_CHANGES, NULL}, // one that is stored
    {"truncation", NF_KEY_CHANGES, "auto disabled"},
    {"*", NF_KEY_HARMLESS, NULL},
};

nf_status nf_ask_response(const nf_json_at *body, nf_ask *a) {
  static const nf_keys keys = NF_KEYS(refused, NULL);
  static const nf_field field[] = {
      {"max_output_tokens", NF_FIELD_I64, .at = offsetof(nf_ask, max_tokens), .lo = 1, .hi = INT32_MAX}};
  static const nf_field effort[] = {{"effort", NF_FIELD_STRING, .at = offsetof(nf_ask, session.effort)}};
  const nf_json_at reasoning = nf_json_get(body, "reasoning"), text = nf_json_get(body, "text"),
                   format = nf_json_get(&text, "format");
  const nf_json_at n = nf_json_get(body, "n");
  NF_TRY(nf_keys_refuse(body, &keys));
  if (a->n != 1) return nf_json_error(&n, "is %ld; a response has one answer", (long)a->n);
  NF_TRY(nf_ask_fields(body, field, 1, a));
  if (text.value != NULL) NF_TRY(nf_json_object(&text));
  if (reasoning.value != NULL) NF_TRY(nf_json_object(&reasoning));
  if (reasoning.value != NULL) NF_TRY(nf_ask_fields(&reasoning, effort, 1, a));
  NF_TRY(read_input(body, a));
  NF_TRY(read_logprobs(body, a));
  NF_TRY(nf_ask_schema(&format, a));
  return nf_ask_tools(body, a);
}
