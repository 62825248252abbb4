// SPDX-License-Identifier: Apache-2.0
// Tests of declared tools: what is no array of tools, and what chat_golden_test.c does not cover.
#include "tests/support/chatting.h"
#include "text/chat.h"
#include "text/tools.h"
#include <stdlib.h>
#include <string.h>

static const nf_chat_format *const formats[] = {&nf_harmony, &nf_chatml};

static void expect_declared(const nf_chat_format *format, const char *tools, const char *expected) {
  nf_text got = {0};
  check_ok(format->declare(0, nf_view_of(tools), &got));
  assert_string_equal(got.n ? got.at : "", expected);
  nf_text_deinit(&got);
}

static void what_is_no_tool_is_refused(void **) {
  static const struct {
    const char *tools, *message;
  } cases[] = {
      {"", "tools: line 1, column 1 (byte 0): the text ends where a value is expected"},
      {"{}", "tools: is an object, should be an array"},
      {"[{\"type\": \"function\", \"function\": {\"name\": \"f\"}}, 3]",
       "tools: [1]: is a number, should be an object"},
      {"[{\"type\": \"web_search\"}]", "tools: [0].type: is \"web_search\", should be \"function\""},
      {"[{\"type\": \"function\"}]", "tools: [0].name: is missing, should be a string"},
      {"[{\"function\": {\"name\": \"\"}}]", "tools: [0].function.name: is empty, should name the function"},
      {"[{\"name\": \"f\", \"description\": 3}]", "tools: [0].description: is a number, should be a string"},
      {"[{\"name\": \"f\", \"parameters\": []}]", "tools: [0].parameters: is an array, should be an object"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int k = 0; k < 2; k++) {
      nf_text out = {0};
      nf_status st = formats[k]->declare(0, nf_view_of(cases[i].tools), &out);
      assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
      assert_string_equal(nf_status_message(st), cases[i].message);
      nf_status_free(st);
      nf_text_deinit(&out);
    }
}

static void tools_have_bounds(void **) {
  nf_text deep = {0}, out = {0};
  nf_text_printf(&deep, "[{\"name\":\"f\",\"parameters\":");
  for (int i = 0; i < NF_JSON_DEPTH; i++) nf_text_printf(&deep, "{\"a\":");
  nf_status st = nf_harmony.declare(0, (nf_view){deep.at, deep.n}, &out);
  assert_non_null(strstr(nf_status_message(st), "more than 64 arrays and objects inside each other"));
  nf_status_free(st);
  st = nf_harmony.declare(0, (nf_view){deep.at, NF_TOOLS_MAX + 1}, &out);
  assert_string_equal(nf_status_message(st), "tools: 4194305 bytes of JSON, there may be 4194304");
  nf_status_free(st);
  nf_text_deinit(&deep);
  nf_text_deinit(&out);
}

static void both_forms_are_declared(void **) {
  for (int k = 0; k < 2; k++) expect_declared(formats[k], " [ ] ", "");
  static const char
      inner[] =
          "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":null,\"parameters\":null}}]",
      outer[] =
          "[{\"type\":\"function\",\"name\":\"f\"},{\"name\":\"g\",\"description\":\"one\\r\\ntwo\\n\"}]";
  expect_declared(&nf_harmony, inner, "type f = () => any;");
  expect_declared(&nf_harmony, outer, "type f = () => any;\n\n// one\n// two\ntype g = () => any;");
  expect_declared(&nf_chatml, inner,
                  "{\"type\": \"function\", \"function\": {\"name\": \"f\", \"description\": null, "
                  "\"parameters\": null}}");
  expect_declared(
      &nf_chatml, outer,
      "{\"type\": \"function\", \"name\": \"f\"}\n{\"name\": \"g\", \"description\": \"one\\r\\ntwo\\n\"}");
}

static void functions_are_declared(void **) {
  nf_text got = {0};
  check_ok(nf_chatml.declare(
      NF_TOOLS_CODER,
      NF_VIEW("[{\"name\":\"f\",\"strict\":true},{\"name\":\"g\",\"parameters\":{\"properties\":{"
              "\"a\":true}}}]"),
      &got));
  assert_string_equal(got.at,
                      "<function>\n<name>f</name>\n<parameters>\n</parameters>\n</function>\n<function>\n"
                      "<name>g</name>\n<parameters>\n<parameter>\n<name>a</name>\n</parameter>\n"
                      "</parameters>\n</function>");
  nf_text_deinit(&got);
}

static nf_status declare(const void *format) {
  static const char tools[] =
      "[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\",\"properties\":"
      "{\"a\":{\"oneOf\":[{\"type\":\"string\",\"default\":1.5}]}}}}]";
  nf_text out = {0};
  const nf_status st = ((const nf_chat_format *)format)->declare(0, NF_VIEW(tools), &out);
  nf_text_deinit(&out);
  return st;
}

static nf_status declare_functions(const void *tools) {
  nf_text out = {0};
  const nf_status st = nf_chatml.declare(NF_TOOLS_CODER, nf_view_of(tools), &out);
  nf_text_deinit(&out);
  return st;
}

static void memory_runs_out(void **) {
  if (!nf_alloc_fail_available()) skip();
  for (int k = 0; k < 2; k++) runs_out_of_memory(declare, formats[k], false);
  runs_out_of_memory(
      declare_functions,
      "[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"properties\":{\"a\":{\"type\":[\"null\"]"
      ",\"default\":1.5}},\"required\":[\"a\"]}}]",
      false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_tool_is_refused),
      cmocka_unit_test(tools_have_bounds),
      cmocka_unit_test(both_forms_are_declared),
      cmocka_unit_test(functions_are_declared),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
