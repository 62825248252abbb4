// SPDX-License-Identifier: Apache-2.0
// Conversations through the public interface: second turns, answers that go on, tools, messages of every
// form; and what is wrong of a session's arguments.
#include "base/memory.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/folder.h"
#include "tests/support/sessions.h"
#include <infuse/inspect.h>
#include <stdio.h>
#include <stdlib.h>

// ---- chats ----

typedef struct chatter {
  infuse_model *m;
  infuse_session *s;
  char text[MANY];
} chatter;

// Draws an answer and keeps what a client would give back of it: the texts of the messages but thoughts.
static void answer(chatter *c) {
  size_t n = 0;
  bool kept = false;
  while (infuse_session_output(c->s).finish == INFUSE_RUNNING) {
    ok(infuse_step(c->m, &c->s, 1));
    const infuse_output o = infuse_session_output(c->s);
    for (size_t i = 0; i < o.n_pieces; i++) {
      if (o.pieces[i].begins) kept = strcmp(o.pieces[i].channel, "analysis") != 0;
      assert_int_equal(strlen(o.pieces[i].text), o.pieces[i].n);
      if (kept) memcpy(c->text + n, o.pieces[i].text, o.pieces[i].n), n += o.pieces[i].n;
    }
  }
  c->text[n] = '\0';
}

static void second_turn(const char *dir) {
  infuse_model *m = load(runtime[1], dir);
  const infuse_session_options o = {.max_tokens = 12, .date = ""};
  chatter c = {.m = m, .s = create(m, o)},
          fresh = {.m = m,
                   .s = create(m, (infuse_session_options){.max_tokens = 12, .date = "", .unshared = true})};
  infuse_message talk[] = {
      {"system", "Be brief."}, {"user", "Hello there"}, {"assistant", c.text}, {"user", "And?"}};
  ok(infuse_session_chat(c.s, talk, 2));
  const size_t first = infuse_session_pending(c.s);
  ok(infuse_session_chat(c.s, talk, 2)); // the same again changes nothing
  assert_int_equal(infuse_session_pending(c.s), first);
  answer(&c);
  ok(infuse_session_chat(c.s, talk, 4));
  ok(infuse_session_chat(fresh.s, talk, 4));
  size_t n, n_fresh;
  const int32_t *ids = infuse_session_tokens(c.s, &n), *ids_fresh = infuse_session_tokens(fresh.s, &n_fresh);
  assert_int_equal(n, n_fresh);
  assert_memory_equal(ids, ids_fresh, n * sizeof *ids);
  if (strstr(dir, "next") == NULL)
    assert_true(infuse_session_pending(c.s) < n - first + 8); // only what is new
  answer(&c);
  answer(&fresh);
  assert_string_equal(c.text, fresh.text);
  ids = infuse_session_tokens(c.s, &n), ids_fresh = infuse_session_tokens(fresh.s, &n_fresh);
  assert_int_equal(n, n_fresh);
  assert_memory_equal(ids, ids_fresh, n * sizeof *ids);
  ok(infuse_session_chat(c.s, talk, 1)); // another, shorter one
  assert_true(infuse_session_pending(c.s) >= 1);
  answer(&c);
  infuse_session_destroy(c.s);
  infuse_session_destroy(fresh.s);
  infuse_model_destroy(m);
}

static void test_second_turn(void **) {
  second_turn("checkpoints/gpt-oss-small");
  second_turn("checkpoints/qwen3-next-small");
}

// An answer that max_tokens has cut goes on in the message where it was; a clone in the middle tells the
// same.
static void cut_answer(const char *dir) {
  infuse_model *m = load(runtime[1], dir);
  chatter whole = {.m = m, .s = create(m, (infuse_session_options){.max_tokens = 24, .ignore_eos = true})},
          *w = &whole;
  chatter cut = {.m = m, .s = create(m, (infuse_session_options){.max_tokens = 8, .ignore_eos = true})},
          copy = {.m = m};
  const infuse_message talk[] = {{"user", "Hello there"}};
  ok(infuse_session_chat(w->s, talk, 1));
  ok(infuse_session_chat(cut.s, talk, 1));
  answer(w);
  for (int i = 0; i < 3; i++) {
    ok(infuse_session_append(cut.s, NULL, 0));
    while (infuse_session_output(cut.s).tokens < 4) ok(infuse_step(m, &cut.s, 1));
    ok(infuse_session_clone(cut.s, &copy.s));
    answer(&cut);
    answer(&copy);
    assert_string_equal(infuse_session_output(cut.s).channel, infuse_session_output(copy.s).channel);
    const size_t last = strlen(cut.text), n = strlen(copy.text);
    assert_true(last <= n || strcmp(cut.text + last - n, copy.text) == 0);
    infuse_session_destroy(copy.s);
  }
  size_t n, n_cut;
  const int32_t *ids = infuse_session_tokens(w->s, &n), *ids_cut = infuse_session_tokens(cut.s, &n_cut);
  assert_int_equal(n, n_cut);
  assert_memory_equal(ids, ids_cut, n * sizeof *ids);
  infuse_session_destroy(w->s);
  infuse_session_destroy(cut.s);
  infuse_model_destroy(m);
}

// A stop token of generation_config.json that is an ordinary one to the chat format is not part of the text.
static void test_stop_tokens_are_no_text(void **) {
  static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json"};
  char *dir = folder_create(), text[64], path[64];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "checkpoints/gpt-oss-small/%s", files[i]);
    char *target = realpath(path, NULL);
    folder_link(dir, files[i], target);
    free(target);
  }
  const infuse_message talk[] = {{"user", "Hello there"}};
  infuse_model *m = load(runtime[1], "checkpoints/gpt-oss-small");
  infuse_session *s = create(m, (infuse_session_options){.max_tokens = 1, .date = ""});
  int32_t drawn[DRAWN];
  ok(infuse_session_chat(s, talk, 1));
  draw(m, s, drawn);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  snprintf(text, sizeof text, "{\"eos_token_id\": %d}", drawn[0]);
  folder_write_text(dir, "generation_config.json", text);
  chatter c = {.m = load(runtime[1], dir)};
  c.s = create(c.m, (infuse_session_options){.date = ""});
  ok(infuse_session_chat(c.s, talk, 1));
  answer(&c);
  assert_int_equal(infuse_session_output(c.s).finish, INFUSE_STOP);
  assert_string_equal(c.text, "");
  infuse_session_destroy(c.s);
  infuse_model_destroy(c.m);
  folder_remove(dir);
}

static void test_cut_answers_go_on(void **) {
  cut_answer("checkpoints/gpt-oss-small");
  cut_answer("checkpoints/qwen3-next-small");
}

static const char *const tools =
    "[{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"description\": \"Of a city.\", "
    "\"parameters\": {\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}}}]";

static void declares(const char *dir, const char *part) {
  infuse_model *m = load(runtime[1], dir);
  infuse_session *s = create(m, (infuse_session_options){.tools = tools}), *t;
  ok(infuse_session_clone(s, &t));
  const infuse_message talk[] = {{"user", "Weather?"}};
  for (int i = 0; i < 2; i++) {
    char *text;
    size_t n_ids, n;
    ok(infuse_session_chat(i ? t : s, talk, 1));
    const int32_t *ids = infuse_session_tokens(i ? t : s, &n_ids);
    ok(infuse_decode(infuse_model_tokenizer(m), ids, n_ids, &text, &n));
    if (strstr(text, part) == NULL) fail_msg("no '%s' in: %s", part, text);
    infuse_free(text);
  }
  infuse_session_destroy(s);
  infuse_session_destroy(t);
  const infuse_session_options bad = {.size = sizeof bad, .generate = true, .tools = "{}"};
  infuse_error *e = infuse_session_create(m, &bad, &s);
  assert_int_not_equal(infuse_error_code(e), INFUSE_OK);
  infuse_error_free(e);
  infuse_model_destroy(m);
}

static void test_tools(void **) {
  declares("checkpoints/gpt-oss-small", "type weather = (_: {\ncity?: string,\n}) => any;");
  declares("checkpoints/qwen3-next-small",
           "<tools>\n{\"type\": \"function\", \"function\": {\"name\": \"weather\"");
  infuse_model *m = load(runtime[1], tiny[0]);
  const infuse_session_options o = {.size = sizeof o, .generate = true, .tools = tools};
  infuse_session *s;
  refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, "tools are for chats");
  infuse_model_destroy(m);
}

static void test_messages(void **) {
  infuse_model *m = load(runtime[1], "checkpoints/gpt-oss-small");
  infuse_session *s = create(m, (infuse_session_options){.date = "2025-06-28", .effort = "low"});
  const infuse_call call = {"c1", "weather", "{\"city\":\"Oslo\"}"};
  const infuse_message talk[] = {{"user", "Weather?"},
                                 {"assistant", .thoughts = "I call.", .calls = &call, .n_calls = 1},
                                 {"tool", "rain", .call_id = "c1"}},
                       apart[] = {{"user", "Weather?"},
                                  {"assistant", "I call.", .channel = "analysis"},
                                  {"assistant", "{\"city\":\"Oslo\"}", .channel = "commentary",
                                   .recipient = "functions.weather", .content_type = "json"},
                                  {"tool", "rain", .name = "functions.weather"}};
  ok(infuse_session_chat(s, talk, 3));
  const size_t n = infuse_session_pending(s);
  char *text;
  size_t n_ids, n_text;
  const int32_t *ids = infuse_session_tokens(s, &n_ids);
  ok(infuse_decode(infuse_model_tokenizer(m), ids, n_ids, &text, &n_text));
  assert_non_null(strstr(text, "Reasoning: low"));
  assert_non_null(strstr(text, "2025-06-28"));
  assert_non_null(strstr(text, "functions.weather to=assistant"));
  infuse_free(text);
  ok(infuse_session_chat(s, apart, 4));
  assert_int_equal(infuse_session_pending(s), n);
  // a NUL is text, and an old caller's messages are shorter
  ok(infuse_session_chat(s, &(infuse_message){"user", "a\0b", 3}, 1));
  const size_t with = infuse_session_pending(s);
  ok(infuse_session_chat(s, &(infuse_message){"user", "a"}, 1));
  assert_true(infuse_session_pending(s) < with);
  const char *const old[] = {"user", "a"};
  ok(infuse_session_chat_sized(s, (const infuse_message *)old, 1, sizeof old));
  refused(infuse_session_chat_sized(s, talk, 1, 8), INFUSE_USAGE, "8 bytes");
  refused(infuse_session_chat(s, &(infuse_message){"user", .n_calls = 1, .calls = &call}, 1), INFUSE_USAGE,
          "only the assistant");
  refused(infuse_session_chat(s, &(infuse_message){"assistant", .n_calls = 1}, 1), INFUSE_USAGE,
          "calls is NULL");
  refused(infuse_session_chat(s, &(infuse_message){"user", NULL, 2}, 1), INFUSE_USAGE, "content is NULL");
  refused(infuse_session_chat(s, &(infuse_message){NULL, "x"}, 1), INFUSE_USAGE, "role 'NULL'");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  m = load(runtime[1], "checkpoints/qwen3-next-small");
  s = create(m, (infuse_session_options){.effort = "low"});
  refused(infuse_session_chat(s, talk, 3), INFUSE_USAGE, "no place for one");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

// ---- what is wrong ----

static void ignore(void *user, const char *json, size_t n) { (void)user, (void)json, (void)n; }

static void test_nothing_is_no_crash_elsewhere(void **) {
  infuse_runtime *rt = runtime[1];
  infuse_model *m;
  infuse_tokenizer *t;
  refused(infuse_runtime_create(NULL, NULL), INFUSE_USAGE, "result is NULL");
  refused(infuse_model_load(NULL, tiny[0], NULL, &m), INFUSE_USAGE, "runtime is NULL");
  refused(infuse_model_load(rt, NULL, NULL, &m), INFUSE_USAGE, "folder is NULL");
  refused(infuse_model_load(rt, tiny[0], NULL, NULL), INFUSE_USAGE, "result is NULL");
  refused(infuse_tokenizer_load(NULL, &t), INFUSE_USAGE, "path is NULL");
  refused(infuse_devices(NULL, ignore, NULL), INFUSE_USAGE, "runtime is NULL");
  refused(infuse_devices(rt, NULL, NULL), INFUSE_USAGE, "sink is NULL");
  refused(infuse_measure(NULL, ignore, NULL), INFUSE_USAGE, "runtime is NULL");
  refused(infuse_measure(rt, NULL, NULL), INFUSE_USAGE, "sink is NULL");
  refused(infuse_names(rt, NULL, NULL), INFUSE_USAGE, "sink is NULL");
  refused(infuse_check(NULL, NULL, ignore, NULL), INFUSE_USAGE, "runtime is NULL");
  refused(infuse_explain(NULL, tiny[0], NULL, NULL, ignore, NULL), INFUSE_USAGE, "runtime is NULL");
  refused(infuse_explain(rt, NULL, NULL, NULL, ignore, NULL), INFUSE_USAGE, "folder is NULL");
  refused(infuse_verify(NULL, tiny[0], NULL, NULL, ignore, NULL), INFUSE_USAGE, "runtime is NULL");
  refused(infuse_verify(rt, tiny[0], NULL, NULL, NULL, NULL), INFUSE_USAGE, "sink is NULL");
  refused(infuse_write_logits(NULL, prompt, 1, NULL, "/nowhere"), INFUSE_USAGE, "model is NULL");
  infuse_runtime_destroy(NULL);
  infuse_model_destroy(NULL);
  infuse_tokenizer_destroy(NULL);
  infuse_error_free(NULL);
  infuse_free(NULL);
  infuse_model_describe(NULL, NULL);
  infuse_model_caches(NULL, NULL);
  assert_null(infuse_model_tokenizer(NULL));
  assert_string_equal(infuse_error_message(NULL), "");
  assert_int_equal(infuse_error_code(NULL), INFUSE_OK);
  assert_true(infuse_model_sampling(NULL).temperature == 0);
}

static void test_nothing_is_no_crash(void **) {
  infuse_session *s;
  int32_t *ids;
  char *text;
  size_t n;
  refused(infuse_session_create(NULL, NULL, &s), INFUSE_USAGE, "model is NULL");
  refused(infuse_session_clone(NULL, &s), INFUSE_USAGE, "session is NULL");
  refused(infuse_session_append(NULL, prompt, 1), INFUSE_USAGE, "session is NULL");
  refused(infuse_session_append_routed(NULL, prompt, 1, prompt), INFUSE_USAGE, "session is NULL");
  refused(infuse_session_truncate(NULL, 0), INFUSE_USAGE, "session is NULL");
  refused(infuse_session_chat(NULL, NULL, 0), INFUSE_USAGE, "session is NULL");
  refused(infuse_model_render(NULL, NULL, NULL, 0, &ids, &n), INFUSE_USAGE, "model is NULL");
  refused(infuse_session_hidden(NULL, 0, NULL), INFUSE_USAGE, "session is NULL");
  refused(infuse_step(NULL, NULL, 0), INFUSE_USAGE, "model is NULL");
  refused(infuse_encode(NULL, "x", 1, 0, &ids, &n), INFUSE_BAD_INPUT, "no tokenizer");
  refused(infuse_decode(NULL, prompt, 1, &text, &n), INFUSE_BAD_INPUT, "no tokenizer");
  assert_int_equal(infuse_session_pending(NULL) + infuse_session_position(NULL) + infuse_session_cached(NULL),
                   0);
  assert_null(infuse_session_tokens(NULL, &n));
  assert_null(infuse_session_logits(NULL).data);
  assert_string_equal(infuse_session_output(NULL).text, "");
  assert_null(infuse_model_chat_format(NULL));
  infuse_session_destroy(NULL);
  infuse_model *m = load(runtime[1], tiny[1]);
  refused(infuse_session_create(m, NULL, NULL), INFUSE_USAGE, "result is NULL");
  refused(infuse_step(m, NULL, 1), INFUSE_USAGE, "list of sessions is NULL");
  s = NULL;
  refused(infuse_step(m, &s, 1), INFUSE_USAGE, "session 0 of the step is NULL");
  s = begin(m, prompt, 1);
  refused(infuse_session_append(s, NULL, 1), INFUSE_USAGE, "NULL");
  refused(infuse_session_clone(s, NULL), INFUSE_USAGE, "result is NULL");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

// Rendering by itself gives what a session holds.
static void test_rendering(void **) {
  const infuse_message talk[] = {{"system", "Be brief."}, {"user", "Hello there"}, {"assistant", "Hi"}};
  const infuse_session_options o = {.size = sizeof o, .generate = true, .date = ""};
  for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++) {
    infuse_model *m = load(runtime[1], tiny[i]);
    infuse_session *s;
    int32_t *ids = NULL;
    size_t n = 0, held = 0;
    ok(infuse_session_create(m, &o, &s));
    infuse_error *chatted = infuse_session_chat(s, talk, 3),
                 *rendered = infuse_model_render(m, &o, talk, 3, &ids, &n);
    assert_string_equal(infuse_error_message(chatted), infuse_error_message(rendered));
    const int32_t *holds = infuse_session_tokens(s, &held);
    assert_int_equal(n, held);
    if (n != 0) assert_memory_equal(ids, holds, n * sizeof *ids);
    infuse_error_free(chatted);
    infuse_error_free(rendered);
    infuse_free(ids);
    infuse_session_destroy(s);
    infuse_model_destroy(m);
  }
}

static void test_options_are_checked(void **) {
  static const char *const bad_utf8[] = {"ok", "a\xff"}, *const null[] = {NULL};
  static const int32_t outside[] = {1, 4096};
  const struct {
    infuse_session_options o;
    const char *says;
  } cases[] = {
      {{.stop = bad_utf8, .n_stop = 2}, "stop string 1: byte 1: invalid UTF-8"},
      {{.stop = null, .n_stop = 1}, "stop string 0 is NULL"},
      {{.n_stop = 1}, "stop is NULL"},
      {{.n_stop_tokens = 1}, "stop_tokens is NULL"},
      {{.stop_tokens = outside, .n_stop_tokens = 2}, "stop token 1 is id 4096"},
      {{.rows = -2}, "rows is -2"},
      {{.max_tokens = -1}, "max_tokens is -1"},
  };
  infuse_model *m = load(runtime[1], "checkpoints/gpt-oss-small");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    infuse_session_options o = cases[i].o;
    infuse_session *s;
    o.size = sizeof o;
    o.generate = true;
    refused(infuse_session_create(m, &o, &s), INFUSE_USAGE, cases[i].says);
  }
  infuse_model_destroy(m);
}

static void test_every_allocation_fails(void **) {
  if (!nf_alloc_fail_available()) skip();
  infuse_model *m = load(runtime[1], "checkpoints/gpt-oss-small");
  const int64_t before = nf_alloc_live();
  const infuse_message talk[] = {{"user", "Hi"}, {"assistant", "Yes"}, {"user", "No"}};
  bool failed = true;
  for (uint64_t n = 1; failed; n++) {
    infuse_session *s = create(m, (infuse_session_options){.max_tokens = 3}), *t = NULL;
    nf_alloc_fail_at(n, false);
    infuse_error *e = infuse_session_chat(s, talk, 1);
    while (e == NULL && infuse_session_output(s).finish == INFUSE_RUNNING) e = infuse_step(m, &s, 1);
    if (e == NULL) e = infuse_error_copy(infuse_session_error(s));
    if (e == NULL) e = infuse_session_append(s, NULL, 0);
    if (e == NULL) e = infuse_session_clone(s, &t);
    if (e == NULL) e = infuse_session_chat(t, talk, 3);
    int32_t *ids = NULL;
    size_t n_ids;
    if (e == NULL) e = infuse_model_render(m, NULL, talk, 3, &ids, &n_ids);
    infuse_free(ids);
    failed = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    if (e != NULL) refused(e, INFUSE_NO_MEMORY, "");
    infuse_session_destroy(s);
    infuse_session_destroy(t);
    assert_int_equal(nf_alloc_live(), before);
  }
  infuse_model_destroy(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_second_turn),
      cmocka_unit_test(test_cut_answers_go_on),
      cmocka_unit_test(test_stop_tokens_are_no_text),
      cmocka_unit_test(test_tools),
      cmocka_unit_test(test_messages),
      cmocka_unit_test(test_rendering),
      cmocka_unit_test(test_nothing_is_no_crash_elsewhere),
      cmocka_unit_test(test_nothing_is_no_crash),
      cmocka_unit_test(test_options_are_checked),
      cmocka_unit_test(test_every_allocation_fails),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
