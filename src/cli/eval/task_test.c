// SPDX-License-Identifier: Apache-2.0
// Task files: what their lines become, and what is said of those that are wrong.
#include "cli/eval/task.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static nf_status parse(const char *name, const char *text, size_t limit, const char *system, eval_task *out) {
  return eval_task_parse(name, nf_view_of(text), limit, system, out);
}

#define TOOLS                                                                                           \
  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"," \
  "\"properties\":{\"x\":{\"type\":\"integer\"}}}}}]"

static void test_kinds(void **state) {
  (void)state;
  eval_task t;
  assert_true(
      nf_is_ok(parse("a.jsonl",
                     "{\"prompt\":\"1+1?\",\"answer\":\"2\",\"id\":7}\n"
                     "\n"
                     "{\"prompt\":\"p\"," TOOLS ",\"call\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}\r\n"
                     "{\"prompt\":\"The sky is\",\"choices\":[\"blue\",\"green\"],\"answer\":1}\n"
                     "{\"text\":\"Once\"}",
                     0, NULL, &t)));
  static const eval_kind kinds[] = {EVAL_EXACT, EVAL_CALL, EVAL_CHOICES, EVAL_TEXT};
  static const size_t lines[] = {1, 3, 4, 5};
  assert_int_equal(t.n, 4);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(t.item[i].kind, kinds[i]);
    assert_int_equal(t.item[i].line, lines[i]);
  }
  assert_string_equal(t.item[0].answer, "2");
  assert_int_equal(t.item[0].n_messages, 1);
  assert_string_equal(t.item[0].message[0].content, "1+1?");
  assert_string_equal(t.item[0].prompt, "1+1?");
  assert_string_equal(t.item[1].name, "f");
  assert_non_null(strstr(t.item[1].tools, "\"name\":\"f\""));
  assert_int_equal(json_integer_value(json_object_get(t.item[1].arguments, "x")), 1);
  assert_int_equal(t.item[2].right, 1);
  assert_int_equal(t.item[3].text.n, 4);
  eval_task_deinit(&t);
}

// Of the item, else of the caller, else none.
static void test_system(void **state) {
  (void)state;
  static const char text[] =
      "{\"prompt\":\"a\",\"answer\":\"b\"}\n"
      "{\"prompt\":\"a\",\"system\":\"own\",\"answer\":\"b\"}\n"
      "{\"messages\":[{\"role\":\"system\",\"content\":\"told\"},{\"role\":\"user\","
      "\"content\":\"a\"},{\"role\":\"assistant\",\"thinking\":\"t\",\"tool_calls\":[{\"name\":"
      "\"f\",\"arguments\":{\"x\":1}}]},{\"role\":\"tool\",\"name\":\"f\",\"content\":\"3\"}],"
      "\"answer\":\"b\"}\n";
  eval_task t;
  assert_true(nf_is_ok(parse("a.jsonl", text, 0, "given", &t)));
  assert_string_equal(t.item[0].message[0].content, "given");
  assert_int_equal(t.item[0].n_messages, 2);
  assert_string_equal(t.item[1].message[0].content, "own");
  assert_string_equal(t.item[2].message[0].content, "told");
  assert_int_equal(t.item[2].n_messages, 4);
  assert_null(t.item[2].prompt);
  assert_string_equal(t.item[2].message[2].thoughts, "t");
  assert_int_equal(t.item[2].message[2].n_calls, 1);
  assert_string_equal(t.item[2].message[2].calls[0].arguments, "{\"x\":1}");
  eval_task_deinit(&t);
}

static void test_limit(void **state) {
  (void)state;
  eval_task t;
  assert_true(nf_is_ok(parse("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\nnot read", 2, NULL, &t)));
  assert_int_equal(t.n, 2);
  eval_task_deinit(&t);
}

static void test_plain(void **state) {
  (void)state;
  eval_task t;
  assert_true(nf_is_ok(parse("a.txt", "{\"text\":\"a\"}\n", 1, NULL, &t)));
  assert_int_equal(t.n, 1);
  assert_int_equal(t.item[0].kind, EVAL_TEXT);
  assert_int_equal(t.item[0].line, 0);
  assert_int_equal(t.item[0].text.n, 13);
  eval_task_deinit(&t);
}

static void test_bad_lines(void **state) {
  (void)state;
  static const char *const bad[][2] = {
      {"", "a.jsonl: no items"},
      {"\n \n", "a.jsonl: no items"},
      {"{\"text\":\"a\"}\n{", "a.jsonl:2: line 1, column 2"},
      {"[]", "a.jsonl:1"},
      {"{\"prompt\":\"a\"}", "a.jsonl:1: wants \"answer\", \"call\" or \"choices\""},
      {"{\"answer\":\"a\"}", "wants \"prompt\" or \"messages\""},
      {"{\"prompt\":\"a\",\"messages\":[],\"answer\":\"a\"}", "and not both"},
      {"{\"messages\":[],\"answer\":\"a\"}", "messages: is empty"},
      {"{\"messages\":[{\"role\":\"bot\",\"content\":\"a\"}],\"answer\":\"a\"}",
       "messages[0].role: 'bot' is no role"},
      {"{\"messages\":[{\"role\":\"user\"}],\"answer\":\"a\"}", "messages[0]: wants content"},
      {"{\"prompt\":\"a\",\"answer\":37}", "a.jsonl:1: answer:"},
      {"{\"prompt\":\"a\",\"answer\":\"\"}", "answer: is empty"},
      {"{\"prompt\":\"a\",\"anser\":\"1\",\"answer\":\"1\"}",
       "key 'anser' is not known here; did you mean answer"},
      {"{\"prompt\":\"a\",\"choices\":[\"b\"],\"answer\":0}", "choices: wants two choices"},
      {"{\"prompt\":\"a\",\"choices\":[\"b\",\"c\"],\"answer\":2}", "answer:"},
      {"{\"prompt\":\"a\",\"choices\":[\"b\",\"\"],\"answer\":1}", "choices[1]: is empty"},
      {"{\"messages\":[],\"choices\":[\"b\",\"c\"],\"answer\":1}", "key 'messages' is not known here"},
      {"{\"prompt\":\"a\",\"call\":{\"name\":\"f\",\"arguments\":{}}}",
       "call.name: 'f' is not among the tools"},
      {"{\"prompt\":\"a\"," TOOLS ",\"call\":{\"name\":\"f\",\"arguments\":{\"x\":\"1\"}}}",
       "call.arguments: the tool's schema does not admit them"},
      {"{\"prompt\":\"a\",\"tools\":[{\"name\":\"f\",\"parameters\":{\"type\":\"obj\"}}],\"answer\":\"1\"}",
       "tools[0].parameters.type: 'obj' is no type"},
      {"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}],\"system\":\"s\",\"answer\":\"1\"}",
       "system: the messages begin with one"},
      {"{\"text\":\"\"}", "text: is empty"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    eval_task t;
    const nf_status st = parse("a.jsonl", bad[i][0], 0, NULL, &t);
    if (nf_is_ok(st) || strstr(nf_status_message(st), bad[i][1]) == NULL)
      fail_msg("%s: '%s', not '%s'", bad[i][0], nf_status_message(st), bad[i][1]);
    nf_status_free(st);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_system),
                                     cmocka_unit_test(test_limit), cmocka_unit_test(test_plain),
                                     cmocka_unit_test(test_bad_lines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
