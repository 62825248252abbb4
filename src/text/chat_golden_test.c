// SPDX-License-Identifier: Apache-2.0
// Equality with what the real libraries make of the conversations of tests/data/chat/
// (tools/make_chat_goldens.py makes them), and with what they read.
#include "base/json.h"
#include "tests/support/chatting.h"
#include "text/chat.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_MESSAGES = 16, MAX_CALLS = 4, MAX_FILE = 1 << 20 };

static nf_view text_of(const json_t *object, const char *key) { // .at NULL: there is none
  const json_t *v = json_object_get(object, key);
  return json_is_string(v) ? (nf_view){json_string_value(v), json_string_length(v)} : (nf_view){0};
}

// The place of the member's value among the names; 0: there is none.
static int pick(const json_t *object, const char *key, const char *const *names, int n) {
  const nf_view v = text_of(object, key);
  for (int i = 0; i < n; i++)
    if (nf_view_equal(v, nf_view_of(names[i]))) return i;
  if (v.at) fail_msg("%s: %.*s", key, (int)v.n, v.at);
  return 0;
}

typedef struct conversation {
  nf_chat_message message[MAX_MESSAGES];
  nf_chat_call call[MAX_MESSAGES][MAX_CALLS];
} conversation;

static void read_message(const json_t *json, nf_chat_message *m, nf_chat_call *calls) {
  static const char *const roles[] = {"system", "user", "assistant", "tool", "developer"};
  const json_t *list = json_object_get(json, "calls");
  *m = (nf_chat_message){.role = (nf_chat_role)pick(json, "role", roles, 5),
                         .name = text_of(json, "name"),
                         .channel = text_of(json, "channel"),
                         .recipient = text_of(json, "recipient"),
                         .content_type = text_of(json, "content_type"),
                         .content = text_of(json, "content"),
                         .call_id = text_of(json, "call_id"),
                         .thoughts = text_of(json, "thoughts"),
                         .calls = calls,
                         .n_calls = json_array_size(list)};
  assert_true(m->n_calls <= MAX_CALLS);
  for (size_t i = 0; i < m->n_calls; i++) {
    const json_t *call = json_array_get(list, i);
    calls[i] = (nf_chat_call){text_of(call, "id"), text_of(call, "name"), text_of(call, "arguments")};
  }
}

static void render(const nf_chat_format *format, const json_t *row, nf_text *text) {
  static const char *const kinds[] = {"never", "always", "hybrid", "opened", "asked"},
                           *const wishes[] = {"default", "on", "off"},
                           *const forms[] = {"qwen3", "coder", "coder first", "qwen3.5", "qwen3.6"};
  static conversation c;
  const json_t *messages = json_object_get(row, "messages");
  const size_t n = json_array_size(messages);
  const nf_view tools = text_of(row, "tools");
  nf_text functions = {0};
  nf_ids ids = {0};
  assert_true(n <= MAX_MESSAGES);
  for (size_t i = 0; i < n; i++) read_message(json_array_get(messages, i), &c.message[i], c.call[i]);
  const nf_tool_form form = (nf_tool_form)pick(row, "form", forms, 5);
  if (tools.n) check_ok(format->declare(form, tools, &functions));
  const nf_chat chat = {.message = c.message,
                        .n = n,
                        .effort = text_of(row, "effort"),
                        .date = text_of(row, "date"),
                        .functions = {functions.at, functions.n},
                        .answer = !json_is_false(json_object_get(row, "answer")),
                        .thinking = (nf_thinking)pick(row, "thinking", kinds, 5),
                        .form = form,
                        .think = (nf_think)pick(row, "think", wishes, 3)};
  check_ok(format->render(tokenizer, &chat, &ids));
  check_ok(nf_decode(tokenizer, ids.at, ids.n, false, text));
  nf_ids_deinit(&ids);
  nf_text_deinit(&functions);
}

static nf_json load(const char *file, const char *vocabulary) {
  nf_json doc;
  check_ok(nf_json_load(file, MAX_FILE, &doc));
  load_tokenizer(vocabulary);
  return doc;
}

static void prompts_are_equal(const nf_chat_format *format, const nf_json *doc, size_t least) {
  const json_t *cases = json_object_get(doc->root, "cases"), *row;
  size_t i, wrong = 0;
  json_array_foreach(cases, i, row) {
    const nf_view want = text_of(row, "text");
    nf_text got = {0};
    render(format, row, &got);
    if (!nf_view_equal((nf_view){got.at, got.n}, want)) {
      print_error("%s:\ngot      %s\nexpected %s\n", text_of(row, "name").at, got.at, want.at);
      wrong++;
    }
    nf_text_deinit(&got);
  }
  assert_in_range(i, least, 1000);
  assert_int_equal(wrong, 0);
}

static void chatml_prompts_are_equal(void **) {
  nf_json doc = load("tests/data/chat/chatml.json", "tests/data/tokenizers/qwen-small/tokenizer.json");
  prompts_are_equal(&nf_chatml, &doc, 20);
  unload(NULL);
  nf_json_deinit(&doc);
}

static void coder_prompts_are_equal(void **) {
  nf_json doc = load("tests/data/chat/coder.json", "tests/data/tokenizers/qwen-small/tokenizer.json");
  prompts_are_equal(&nf_chatml, &doc, 20);
  unload(NULL);
  nf_json_deinit(&doc);
}

static void qwen35_prompts_are_equal(void **) {
  nf_json doc = load("tests/data/chat/qwen3_5.json", "tests/data/tokenizers/qwen-small/tokenizer.json");
  prompts_are_equal(&nf_chatml, &doc, 20);
  unload(NULL);
  nf_json_deinit(&doc);
}

static void harmony_prompts_are_equal(void **) {
  nf_json doc = load("tests/data/chat/harmony.json", "tests/data/tokenizers/o200k-small/tokenizer.json");
  prompts_are_equal(&nf_harmony, &doc, 15);
  unload(NULL);
  nf_json_deinit(&doc);
}

// ---- answers ----

// One line for each message: channel, recipient, content type, content.
static void put_field(nf_text *out, nf_view field, char behind) {
  nf_text_append(out, field.at, field.n);
  nf_text_append(out, &behind, 1);
}

static nf_status put_event(void *user, const nf_chat_event *e) {
  if (e->kind == NF_CHAT_TEXT) nf_text_append(user, e->text.at, e->text.n);
  if (e->kind == NF_CHAT_END) assert_false(e->odd);
  if (e->kind != NF_CHAT_HEADER) return nf_ok();
  put_field(user, (nf_view){0}, '\n');
  put_field(user, e->channel, '|');
  put_field(user, e->recipient, '|');
  if (e->constrained) nf_text_printf(user, "<|constrain|>");
  put_field(user, e->content_type, '|');
  return nf_ok();
}

static void put_messages(nf_text *out, const json_t *messages) {
  size_t i;
  json_t *m;
  json_array_foreach(messages, i, m) {
    put_field(out, (nf_view){0}, '\n');
    put_field(out, text_of(m, "channel"), '|');
    put_field(out, text_of(m, "recipient"), '|');
    put_field(out, text_of(m, "content_type"), '|');
    nf_text_append(out, text_of(m, "content").at, text_of(m, "content").n);
  }
}

static void harmony_answers_are_equal(void **) {
  nf_json doc = load("tests/data/chat/harmony.json", "tests/data/tokenizers/o200k-small/tokenizer.json");
  const json_t *answers = json_object_get(doc.root, "answers"), *row;
  size_t i;
  json_array_foreach(answers, i, row) {
    nf_text want = {0}, got = {0};
    nf_ids ids = {0};
    nf_chat_reader *r;
    put_messages(&want, json_object_get(row, "messages"));
    check_ok(nf_encode(tokenizer, text_of(row, "answer"), 0, &ids));
    check_ok(nf_harmony.reader_create(tokenizer, &(nf_chat){0}, &r));
    for (size_t k = 0; k < ids.n; k++) check_ok(nf_harmony.read(r, ids.at[k], put_event, &got));
    check_ok(nf_harmony.finish(r, put_event, &got));
    assert_string_equal(got.at, want.at);
    nf_harmony.reader_destroy(r);
    nf_ids_deinit(&ids);
    nf_text_deinit(&want);
    nf_text_deinit(&got);
  }
  assert_in_range(i, 8, 1000);
  unload(NULL);
  nf_json_deinit(&doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(harmony_prompts_are_equal), cmocka_unit_test(harmony_answers_are_equal),
      cmocka_unit_test(chatml_prompts_are_equal),  cmocka_unit_test(coder_prompts_are_equal),
      cmocka_unit_test(qwen35_prompts_are_equal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
