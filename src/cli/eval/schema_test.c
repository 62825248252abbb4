// SPDX-License-Identifier: Apache-2.0
// What schemas admit, keyword by keyword, and which schemas are refused.
#include "cli/eval/schema.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static nf_json parse(const char *text) {
  nf_json doc;
  const nf_status st = nf_json_parse(text, strlen(text), "schema", &doc);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  return doc;
}

typedef struct one {
  const char *schema, *value;
  bool admitted;
} one;

static void test_admits(void **state) {
  (void)state;
#define POINT "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}},\"required\":[\"x\"]}"
#define OPEN "{\"properties\":{\"x\":{}},\"additionalProperties\":{\"type\":\"string\"}}"
  static const one all[] = {
      {"{}", "[1]", true},
      {"{\"type\":\"integer\"}", "3", true},
      {"{\"type\":\"integer\"}", "3.0", true},
      {"{\"type\":\"integer\"}", "3.5", false},
      {"{\"type\":\"integer\"}", "\"3\"", false},
      {"{\"type\":\"number\"}", "3", true},
      {"{\"type\":[\"string\",\"null\"]}", "null", true},
      {"{\"type\":[\"string\",\"null\"]}", "false", false},
      {"{\"enum\":[\"a\",2]}", "2.0", true},
      {"{\"enum\":[\"a\",2]}", "\"b\"", false},
      {"{\"const\":{\"a\":[1]}}", "{\"a\":[1.0]}", true},
      {"{\"minimum\":2,\"maximum\":4}", "4", true},
      {"{\"minimum\":2,\"maximum\":4}", "5", false},
      {"{\"minimum\":2}", "1", false},
      {"{\"items\":{\"type\":\"string\"}}", "[\"a\",\"b\"]", true},
      {"{\"items\":{\"type\":\"string\"}}", "[\"a\",1]", false},
      {POINT, "{\"x\":1}", true},
      {POINT, "{}", false},
      {POINT, "{\"x\":\"1\"}", false},
      {POINT, "{\"x\":1,\"y\":2}", false},
      {POINT, "[]", false},
      {OPEN, "{\"x\":1,\"y\":\"s\"}", true},
      {OPEN, "{\"y\":2}", false},
      {"{\"properties\":{},\"additionalProperties\":true}", "{\"y\":2}", true},
      {"{\"additionalProperties\":false}", "{\"y\":2}", false},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    nf_json schema = parse(all[i].schema), value = parse(all[i].value);
    const nf_json_at root = nf_json_root(&schema);
    assert_true(nf_is_ok(eval_schema_check(&root)));
    if (eval_admits(schema.root, value.root) != all[i].admitted)
      fail_msg("%s of %s: not %d", all[i].value, all[i].schema, all[i].admitted);
    nf_json_deinit(&schema);
    nf_json_deinit(&value);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const char *const bad[][2] = {
      {"[]", "schema"},
      {"{\"type\":\"int\"}", "'int' is no type"},
      {"{\"type\":[3]}", "type"},
      {"{\"anyOf\":[]}", "anyOf: this keyword is not checked"},
      {"{\"properties\":{\"x\":{\"pattern\":\"a\"}}}", "properties.x.pattern: this keyword"},
      {"{\"required\":\"x\"}", "required"},
      {"{\"enum\":1}", "enum"},
      {"{\"minimum\":\"a\"}", "minimum"},
      {"{\"items\":[{}]}", "items"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    nf_json schema = parse(bad[i][0]);
    const nf_json_at root = nf_json_root(&schema);
    const nf_status st = eval_schema_check(&root);
    if (strstr(nf_status_message(st), bad[i][1]) == NULL)
      fail_msg("%s: '%s', not '%s'", bad[i][0], nf_status_message(st), bad[i][1]);
    nf_status_free(st);
    nf_json_deinit(&schema);
  }
}

static void test_equal(void **state) {
  (void)state;
  nf_json a = parse("{\"x\":[1,2.5,null],\"y\":\"s\"}"), b = parse("{\"y\":\"s\",\"x\":[1.0,2.5,null]}"),
          c = parse("{\"y\":\"s\",\"x\":[1,2.5]}"), d = parse("{\"y\":\"s\",\"z\":[1,2.5,null]}");
  assert_true(eval_equal(a.root, b.root));
  assert_false(eval_equal(a.root, c.root));
  assert_false(eval_equal(a.root, d.root));
  nf_json_deinit(&a);
  nf_json_deinit(&b);
  nf_json_deinit(&c);
  nf_json_deinit(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_admits), cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_equal)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
