// SPDX-License-Identifier: Apache-2.0
// The body of /v1/chat/completions: messages, and what is asked of their answer.
#include "server/ask.h"
#include <string.h>

// ---- content ----

static nf_status part_text(const nf_json_at *part, nf_view *out) {
  const nf_json_at type = nf_json_get(part, "type"), text = nf_json_get(part, "text");
  nf_view kind = NF_VIEW("text");
  NF_TRY(nf_json_object(part));
  if (type.value != NULL) NF_TRY(nf_json_string(&type, &kind));
  static const char *const texts[] = {"text", "input_text", "output_text", "refusal"};
  bool is_text = false;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    is_text |= nf_view_equal(kind, nf_view_of(texts[i]));
  if (!is_text) return nf_json_error(&type, "is '%.*s'; only text is supported", (int)kind.n, kind.at);
  const nf_json_at refusal = nf_json_get(part, "refusal");
  return nf_json_string(text.value == NULL && refusal.value != NULL ? &refusal : &text, out);
}

static nf_status join_parts(const nf_json_at *at, nf_ask *a, const char **out, size_t *n) {
  nf_text all = {0};
  size_t parts;
  if (!json_is_array(at->value)) return nf_json_wants(at, NF_CONTENT);
  parts = json_array_size(at->value);
  nf_status st = nf_ok();
  for (size_t i = 0; i < parts && nf_is_ok(st); i++) {
    const nf_json_at part = nf_json_item(at, i);
    nf_view text = {0};
    st = part_text(&part, &text);
    if (nf_is_ok(st)) nf_text_append(&all, text.at, text.n);
  }
  if (nf_is_ok(st)) st = nf_text_status(&all);
  if (nf_is_ok(st)) {
    *out = nf_arena_copy(&a->arena, all.at, all.n), *n = all.n;
    st = nf_ask_kept(*out);
  }
  nf_text_deinit(&all);
  return st;
}

nf_status nf_ask_content(const nf_json_at *at, nf_ask *a, const char **out, size_t *n) {
  nf_view text;
  if (at->value == NULL) return nf_ok();
  if (!json_is_string(at->value)) return join_parts(at, a, out, n);
  NF_TRY(nf_json_string(at, &text));
  *out = text.at, *n = text.n;
  return nf_ok();
}

// ---- messages ----

static nf_status read_call(const nf_json_at *at, infuse_call *out) {
  const nf_json_at id = nf_json_get(at, "id"), function = nf_json_get(at, "function");
  const nf_json_at name = nf_json_get(&function, "name"), arguments = nf_json_get(&function, "arguments");
  NF_TRY(nf_json_object(at));
  NF_TRY(nf_json_object(&function));
  NF_TRY(nf_ask_string(&id, &out->id));
  NF_TRY(nf_ask_string(&name, &out->name));
  if (out->name == NULL) return nf_json_error(&name, "is missing, should be the function's name");
  return nf_ask_string(&arguments, &out->arguments);
}

static nf_status read_calls(const nf_json_at *message, nf_ask *a, infuse_message *out) {
  const nf_json_at at = nf_json_get(message, "tool_calls");
  size_t n;
  if (at.value == NULL) return nf_ok();
  NF_TRY(nf_json_array(&at, &n));
  infuse_call *call = nf_ask_make(a, n, sizeof *call);
  NF_TRY(nf_ask_kept(call));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&at, i);
    NF_TRY(read_call(&item, &call[i]));
  }
  out->calls = call, out->n_calls = n;
  return nf_ok();
}

// Clients spell it either way.
static nf_status read_thoughts(const nf_json_at *message, infuse_message *out) {
  const nf_json_at reasoning = nf_json_get(message, "reasoning"),
                   other = nf_json_get(message, "reasoning_content");
  return nf_ask_string(json_is_string(reasoning.value) ? &reasoning : &other, &out->thoughts);
}

static nf_status read_message(const nf_json_at *at, nf_ask *a, infuse_message *out) {
  static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", "function"};
  const nf_json_at role = nf_json_get(at, "role"), content = nf_json_get(at, "content");
  const nf_json_at name = nf_json_get(at, "name"), call = nf_json_get(at, "tool_call_id");
  int kind = -1;
  NF_TRY(nf_json_object(at));
  NF_TRY(nf_ask_word(&role, "system developer user assistant tool function", &kind));
  if (kind < 0)
    return nf_json_error(&role, "is missing, should be one of: system developer user assistant tool");
  const bool assistant = kind == 3, tool = kind >= 4;
  out->role = roles[tool ? 4 : kind];
  if (content.value == NULL && !assistant && !tool) return nf_json_wants(&content, NF_CONTENT);
  NF_TRY(nf_ask_content(&content, a, &out->content, &out->content_n));
  if (out->content == NULL) out->content = "";
  if (tool) NF_TRY(nf_ask_string(&call, &out->call_id));
  // What names the result of a call is the call; names beside an id are the clients' own.
  if (out->call_id == NULL) NF_TRY(nf_ask_string(&name, &out->name));
  if (assistant) NF_TRY(read_thoughts(at, out));
  return assistant ? read_calls(at, a, out) : nf_ok();
}

static nf_status read_messages(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "messages");
  size_t n;
  NF_TRY(nf_json_array(&at, &n));
  if (n == 0 || n > NF_ASK_MESSAGES)
    return nf_json_error(&at, "has %zu messages, should have 1 to %d", n, NF_ASK_MESSAGES);
  a->message = nf_ask_make(a, n, sizeof *a->message);
  NF_TRY(nf_ask_kept(a->message));
  for (; a->n_messages < n; a->n_messages++) {
    const nf_json_at item = nf_json_item(&at, a->n_messages);
    NF_TRY(read_message(&item, a, &a->message[a->n_messages]));
  }
  return nf_ok();
}

// ---- the answer ----

// {"enable_thinking": bool}, as templates of Qwen name it.
static nf_status read_template(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "chat_template_kwargs"),
                   thinking = nf_json_get(&at, "enable_thinking");
  bool on;
  if (at.value == NULL) return nf_ok();
  NF_TRY(nf_json_object(&at));
  if (thinking.value == NULL) return nf_ok();
  NF_TRY(nf_json_bool(&thinking, &on));
  a->session.thinking = on ? INFUSE_THINKING_ON : INFUSE_THINKING_OFF;
  return nf_ok();
}

static nf_status read_logprobs(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "logprobs"), top = nf_json_get(body, "top_logprobs");
  bool wanted = false;
  int64_t n = 0;
  if (at.value != NULL) NF_TRY(nf_json_bool(&at, &wanted));
  if (top.value != NULL) NF_TRY(nf_json_i64(&top, 0, NF_ASK_LOGPROBS, &n));
  if (n > 0 && !wanted) return nf_json_error(&top, "is %ld, but logprobs is not true", (long)n);
  if (wanted) a->logprobs = n;
  return nf_ok();
}

// The newer name counts where both are told.
static nf_status read_length(const nf_json_at *body, nf_ask *a) {
  static const char *const keys[] = {"max_tokens", "max_completion_tokens"};
  for (int i = 0; i < 2; i++) {
    const nf_json_at at = nf_json_get(body, keys[i]);
    if (at.value != NULL) NF_TRY(nf_json_i64(&at, 1, INT32_MAX, &a->max_tokens));
  }
  return nf_ok();
}

nf_status nf_ask_chat(const nf_json_at *body, nf_ask *a) {
  static const nf_field field[] = {
      {"reasoning_effort", NF_FIELD_STRING, .at = offsetof(nf_ask, session.effort)}};
  const nf_json_at format = nf_json_get(body, "response_format");
  NF_TRY(nf_ask_fields(body, field, 1, a));
  NF_TRY(read_messages(body, a));
  NF_TRY(read_template(body, a));
  NF_TRY(read_logprobs(body, a));
  NF_TRY(nf_ask_prompt_logprobs(body, a));
  NF_TRY(read_length(body, a));
  NF_TRY(nf_ask_schema(&format, a));
  return nf_ask_tools(body, a);
}
