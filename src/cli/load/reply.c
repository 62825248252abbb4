// SPDX-License-Identifier: Apache-2.0
// Answers in pieces: chunks of completions and of chats, usage, and errors in all their forms.
#include "cli/load/reply.h"
#include "base/json.h"
#include <string.h>

enum { QUOTED = 200 }; // bytes of a text in a message

void load_reply_init(load_reply *r) { *r = (load_reply){.in = -1, .out = -1, .cached = -1}; }

void load_reply_deinit(load_reply *r) {
  nf_status_free(r->failure);
  r->failure = nf_ok();
}

static int quoted(nf_view text) { return (int)(text.n < QUOTED ? text.n : QUOTED); }

// ---- errors ----

// The message of an error: of OpenAI's object, of a flat one, of FastAPI's "detail", or the text itself.
static nf_view message_of(const json_t *root, nf_view text) {
  const json_t *error = json_object_get(root, "error");
  const json_t *candidates[] = {json_object_get(error, "message"), error, json_object_get(root, "message"),
                                json_object_get(root, "detail")};
  for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
    if (json_is_string(candidates[i]))
      return (nf_view){json_string_value(candidates[i]), json_string_length(candidates[i])};
  return text;
}

nf_status load_refusal(int status, nf_view body) {
  nf_json j;
  nf_status_free(nf_json_parse_nul(body.at, body.n, "the answer", &j));
  const nf_view message = message_of(j.root, body);
  const nf_status st = nf_error(NF_UNAVAILABLE, "status %d%s%.*s", status, message.n != 0 ? ": " : "",
                                quoted(message), message.n != 0 ? message.at : "");
  nf_json_deinit(&j);
  return st;
}

bool load_refuses_model(int status, nf_view body, const char *model) {
  if (status != 404) return false;
  nf_json j;
  nf_status_free(nf_json_parse_nul(body.at, body.n, "the answer", &j));
  const json_t *code = json_object_get(json_object_get(j.root, "error"), "code");
  const nf_view message = message_of(j.root, body);
  const bool coded = json_is_string(code) && strcmp(json_string_value(code), "model_not_found") == 0;
  const bool named = message.n != 0 && memmem(message.at, message.n, "model", 5) != NULL &&
                     memmem(message.at, message.n, model, strlen(model)) != NULL;
  nf_json_deinit(&j);
  return coded || named;
}

static nf_status error_in_stream(const json_t *root, nf_view text) {
  const nf_view message = message_of(root, text);
  return nf_error(NF_UNAVAILABLE, "an error in mid-stream: %.*s", quoted(message), message.at);
}

static bool tells_error(const json_t *root, const load_event *e) {
  const json_t *error = json_object_get(root, "error"), *kind = json_object_get(root, "object");
  return nf_view_equal(e->name, NF_VIEW("error")) ||
         (error != NULL && !json_is_null(error) && !json_is_false(error)) ||
         (json_is_string(kind) && strcmp(json_string_value(kind), "error") == 0);
}

// ---- chunks ----

static bool has_text(const json_t *choice) {
  static const char *const keys[] = {"content", "reasoning", "reasoning_content", "text"};
  const json_t *delta = json_object_get(choice, "delta");
  const json_t *holder = json_is_object(delta) ? delta : choice;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (json_string_length(json_object_get(holder, keys[i])) != 0) return true;
  return json_array_size(json_object_get(holder, "tool_calls")) != 0;
}

static void take_count(const json_t *usage, const char *key, int64_t *out) {
  const json_t *count = json_object_get(usage, key);
  if (json_is_integer(count) && json_integer_value(count) >= 0) *out = json_integer_value(count);
}

static void take_usage(load_reply *r, const json_t *usage) {
  take_count(usage, "prompt_tokens", &r->in);
  take_count(usage, "completion_tokens", &r->out);
  take_count(json_object_get(usage, "prompt_tokens_details"), "cached_tokens", &r->cached);
}

static bool take_choices(load_reply *r, const json_t *choices) {
  bool text = false;
  for (size_t i = 0; i < json_array_size(choices); i++) {
    const json_t *choice = json_array_get(choices, i);
    text |= has_text(choice);
    r->finished |= json_is_string(json_object_get(choice, "finish_reason"));
  }
  r->texts += text;
  return text;
}

// One that has neither choices nor usage is told as what it may be: an error whose server gave it no name.
static bool take_chunk(load_reply *r, const json_t *root, const load_event *e) {
  const json_t *choices = json_object_get(root, "choices"), *usage = json_object_get(root, "usage");
  if (tells_error(root, e) || (!json_is_array(choices) && !json_is_object(usage))) {
    r->failure = error_in_stream(root, e->data);
    return false;
  }
  if (json_is_object(usage)) take_usage(r, usage);
  return take_choices(r, choices);
}

bool load_reply_hear(load_reply *r, const load_event *e) {
  nf_json j = {0};
  if (!nf_is_ok(r->failure) || r->done) return false;
  r->done = nf_view_equal(e->data, NF_VIEW("[DONE]"));
  if (r->done) return false;
  nf_status st = nf_json_parse_nul(e->data.at, e->data.n, "an event", &j);
  if (nf_view_equal(e->name, NF_VIEW("error"))) { // whatever it says
    nf_status_free(st);
    st = nf_ok();
  }
  if (!nf_is_ok(st)) r->failure = st;
  const bool text = nf_is_ok(st) && take_chunk(r, j.root, e);
  nf_json_deinit(&j);
  return text;
}

nf_status load_reply_end(load_reply *r) {
  const nf_status st = r->failure;
  r->failure = nf_ok();
  if (!nf_is_ok(st) || r->done || r->finished) return st;
  return nf_error(NF_UNAVAILABLE, "the stream ended without [DONE] or a finish_reason");
}
