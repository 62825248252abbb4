// SPDX-License-Identifier: Apache-2.0
// Tests of JSON: what is accepted, what is refused and where, typed access and its messages.
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static nf_json parsed(const char *text) {
  nf_json j;
  nf_status st = nf_json_parse(text, strlen(text), "t.json", &j);
  assert_string_equal(nf_status_message(st), "");
  return j;
}

static void refused(nf_view text, const char *want) {
  nf_json j;
  nf_status st = nf_json_parse(text.at, text.n, "t.json", &j);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  assert_string_equal(nf_status_message(st), want);
  assert_null(j.root);
  nf_status_free(st);
}

static void bad_text_is_refused_with_its_place(void **state) {
  (void)state;
#define AT(line, column, byte) "t.json: line " #line ", column " #column " (byte " #byte "): "
  static const struct {
    nf_view text;
    const char *want;
  } row[] = {
      {NF_VIEW(""), AT(1, 1, 0) "the text ends where a value is expected"},
      {NF_VIEW(" \n "), AT(2, 2, 3) "the text ends where a value is expected"},
      {NF_VIEW("{} {}"), AT(1, 4, 3) "text behind the end of the value"},
      {NF_VIEW("{}\0"), AT(1, 3, 2) "text behind the end of the value"},
      {NF_VIEW("\xef\xbb\xbf{}"), AT(1, 1, 0) "expected a value"},
      {NF_VIEW("[1,]"), AT(1, 4, 3) "expected a value"},
      {NF_VIEW("[1 2]"), AT(1, 4, 3) "expected ',' or ']'"},
      {NF_VIEW("[1"), AT(1, 3, 2) "expected ',' or ']'"},
      {NF_VIEW("{\n \"a\" 1}"), AT(2, 6, 7) "expected ':'"},
      {NF_VIEW("{\"a\":1 \"b\":2}"), AT(1, 8, 7) "expected ',' or '}'"},
      {NF_VIEW("{\"a\":1,}"), AT(1, 8, 7) "expected a key in quotes"},
      {NF_VIEW("{a:1}"), AT(1, 2, 1) "expected a key in quotes"},
      {NF_VIEW("{\"a\":1,\n\"\\u0061\":2}"), AT(2, 1, 8) "this key is there already"},
      {NF_VIEW("[NaN]"), AT(1, 2, 1) "expected a value"},
      {NF_VIEW("[Infinity]"), AT(1, 2, 1) "expected a value"},
      {NF_VIEW("[tru"), AT(1, 2, 1) "expected a value"},
      {NF_VIEW("['a']"), AT(1, 2, 1) "expected a value"},
      {NF_VIEW("[01]"), AT(1, 3, 2) "expected ',' or ']'"},
      {NF_VIEW("[-]"), AT(1, 2, 1) "malformed number"},
      {NF_VIEW("[1.]"), AT(1, 2, 1) "malformed number"},
      {NF_VIEW("[1e]"), AT(1, 2, 1) "malformed number"},
      {NF_VIEW("[.5]"), AT(1, 2, 1) "expected a value"},
      {NF_VIEW("[+1]"), AT(1, 2, 1) "expected a value"},
      {NF_VIEW("[1e999]"), AT(1, 2, 1) "number beyond the range of a double, or above 400 characters"},
      {NF_VIEW("[\"a"), AT(1, 4, 3) "the text ends inside a string"},
      {NF_VIEW("[\"\\"), AT(1, 3, 2) "unknown escape in a string"},
      {NF_VIEW("[\"\\x41\"]"), AT(1, 3, 2) "unknown escape in a string"},
      {NF_VIEW("[\"\\\0\"]"), AT(1, 3, 2) "unknown escape in a string"},
      {NF_VIEW("[\"a\nb\"]"), AT(1, 4, 3) "control character in a string: must be escaped"},
      {NF_VIEW("[\"a\0b\"]"), AT(1, 4, 3) "control character in a string: must be escaped"},
      {NF_VIEW("[\"ab\\u0000\"]"), AT(1, 5, 4) "NUL in a string"},
      {NF_VIEW("{\"\\u0000\":1}"), AT(1, 3, 2) "NUL in a string"},
      {NF_VIEW("[\"\\u12g4\"]"), AT(1, 3, 2) "\\u wants four hex digits"},
      {NF_VIEW("[\"\\u12"), AT(1, 3, 2) "\\u wants four hex digits"},
      {NF_VIEW("[\"\\ud83d\"]"), AT(1, 3, 2) "half of a surrogate pair"},
      {NF_VIEW("[\"\\ude00\"]"), AT(1, 3, 2) "half of a surrogate pair"},
      {NF_VIEW("[\"\\ud83d\\u0041\"]"), AT(1, 3, 2) "half of a surrogate pair"},
      {NF_VIEW("[\"\\ud83d\\n\"]"), AT(1, 3, 2) "half of a surrogate pair"},
      {NF_VIEW("[\"\xc0\xaf\"]"), AT(1, 3, 2) "invalid UTF-8"},
      {NF_VIEW("[\"\\n\xe2\x82\"]"), AT(1, 5, 4) "invalid UTF-8"},
      {NF_VIEW("[\xff]"), AT(1, 2, 1) "expected a value"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) refused(row[i].text, row[i].want);
}

static void depth_is_limited(void **state) {
  (void)state;
  static char text[100000];
  memset(text, '[', sizeof text);
  refused((nf_view){text, sizeof text}, AT(1, 65, 64) "more than 64 arrays and objects inside each other");
  memset(text + NF_JSON_DEPTH, ']', NF_JSON_DEPTH);
  nf_json j;
  assert_true(nf_is_ok(nf_json_parse(text, 2 * NF_JSON_DEPTH, "t.json", &j)));
  nf_json_deinit(&j);
  for (size_t i = 0; i + 5 <= sizeof text; i += 5) memcpy(text + i, "{\"a\":", 5);
  refused((nf_view){text, sizeof text}, AT(1, 321, 320) "more than 64 arrays and objects inside each other");
}

static void strings_are_decoded(void **state) {
  (void)state;
  static const char *const row[][2] = {
      {"\"\"", ""},
      {"\"plain \xc3\xa9\"", "plain \xc3\xa9"},
      {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
      {"\"\\u0041\\u00E9\\u20ac\\uFFFF\"", "A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf"},
      {"\"\\ud83d\\ude00\\uD800\\uDC00\\udbff\\udfff\"", "\xf0\x9f\x98\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
      {" \"a\\nb c\\n\" ", "a\nb c\n"},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    nf_json j = parsed(row[i][0]);
    nf_json_at root = nf_json_root(&j);
    nf_view s;
    assert_true(nf_is_ok(nf_json_string(&root, &s)));
    assert_true(nf_view_equal(s, nf_view_of(row[i][1])));
    nf_json_deinit(&j);
  }
}

static void numbers_keep_their_value(void **state) {
  (void)state;
  nf_json j =
      parsed("[9223372036854775807,-9223372036854775808,3.0,1e3,1e-400,0.1,1000000000000000019884624838656,"
             "-0,9223372036854775808,2.5]");
  static const int64_t want[] = {INT64_MAX, INT64_MIN, 3, 1000, 0};
  nf_json_at root = nf_json_root(&j);
  for (size_t i = 0; i < 5; i++) {
    nf_json_at item = nf_json_item(&root, i);
    int64_t v;
    assert_true(nf_is_ok(nf_json_i64(&item, INT64_MIN, INT64_MAX, &v)) && v == want[i]);
  }
  static const double real[] = {0x1p63, -0x1p63, 3, 1000, 0, 0.1, 1e30, 0, 0x1p63, 2.5};
  for (size_t i = 0; i < 10; i++) {
    nf_json_at item = nf_json_item(&root, i);
    double v;
    assert_true(nf_is_ok(nf_json_f64(&item, -1e31, 1e31, &v)) && v == real[i]);
  }
  for (size_t i = 8; i < 10; i++) { // 2^63 and 2.5 are no int64_t
    nf_json_at item = nf_json_item(&root, i);
    int64_t v = 7;
    nf_status st = nf_json_i64(&item, INT64_MIN, INT64_MAX, &v);
    assert_true(nf_status_code(st) == NF_BAD_INPUT && v == 7);
    nf_status_free(st);
  }
  nf_json_deinit(&j);
}

static void says(nf_status st, const char *want) {
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  assert_string_equal(nf_status_message(st), want);
  nf_status_free(st);
}

static void errors_name_the_key(void **state) {
  (void)state;
  nf_json j =
      parsed("{\"rope\":{\"factor\":\"x\",\"n\":7,\"none\":null,\"bad\\nkey\":1.5},\"list\":[1,[true]]}");
  nf_json_at root = nf_json_root(&j), rope = nf_json_get(&root, "rope"), list = nf_json_get(&root, "list");
  nf_json_at factor = nf_json_get(&rope, "factor"), n = nf_json_get(&rope, "n"),
             none = nf_json_get(&rope, "none");
  nf_json_at deep = nf_json_item(&list, 1), truth = nf_json_item(&deep, 0), beyond = nf_json_item(&list, 9);
  nf_json_at hostile = nf_json_get(&rope, "bad\nkey"), lost = nf_json_get(&beyond, "x");
  int64_t i;
  double f;
  bool b;
  nf_view s;
  size_t size;
  says(nf_json_f64(&factor, 1, 64, &f), "t.json: rope.factor: is a string, should be a number from 1 to 64");
  says(nf_json_i64(&n, 0, 6, &i), "t.json: rope.n: is 7, should be an integer from 0 to 6");
  says(nf_json_i64(&n, 8, 9, &i), "t.json: rope.n: is 7, should be an integer from 8 to 9");
  says(nf_json_f64(&n, 0, 6.5, &f), "t.json: rope.n: is 7, should be a number from 0 to 6.5");
  says(nf_json_bool(&none, &b), "t.json: rope.none: is missing, should be true or false");
  says(nf_json_i64(&hostile, 0, 6, &i), "t.json: rope.bad\\x0akey: is 1.5, should be an integer from 0 to 6");
  says(nf_json_string(&truth, &s), "t.json: list[1][0]: is true, should be a string");
  says(nf_json_object(&list), "t.json: list: is an array, should be an object");
  says(nf_json_array(&root, &size), "t.json: is an object, should be an array");
  says(nf_json_object(&beyond), "t.json: list[9]: is missing, should be an object");
  says(nf_json_bool(&lost, &b), "t.json: list[9].x: is missing, should be true or false");
  says(nf_json_error(&n, "wants %s", "more"), "t.json: rope.n: wants more");
  assert_true(nf_is_ok(nf_json_bool(&truth, &b)) && b);
  assert_true(nf_is_ok(nf_json_array(&list, &size)) && size == 2);
  assert_true(nf_is_ok(nf_json_object(&rope)));
  nf_json_deinit(&j);
  nf_json_deinit(&j);
}

// Whole, or cut between characters; never more than is there.
static void values_are_quoted(void **state) {
  (void)state;
  static const struct {
    const char *value, *quoted;
  } row[] = {{"[]", "[]"},
             {"\"1234567890123\"", "\"1234567890123\""},
             {"\"12345678901234\"", "\"12345678901\xe2\x80\xa6"},
             {"[\"a\",\"12345678901234\"]", "[\"a\",\"123456\xe2\x80\xa6"},
             {"\"1234567890\xc3\xa9\xc3\xa9\xc3\xa9\"", "\"1234567890\xe2\x80\xa6"}};
  char text[16];
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    json_t *value = json_loads(row[i].value, JSON_DECODE_ANY, NULL);
    memset(text, 'x', sizeof text);
    assert_string_equal(nf_json_quote(value, text, sizeof text), row[i].quoted);
    json_decref(value);
  }
  assert_string_equal(nf_json_quote(NULL, text, sizeof text), "missing");
}

static void files_are_loaded(void **state) {
  (void)state;
  nf_json j;
  nf_status st = nf_json_load("/no/such.json", 100, &j);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  assert_non_null(strstr(nf_status_message(st), "/no/such.json"));
  assert_null(j.root);
  nf_status_free(st);
}

static void references_lead_to_values(void **state) {
  (void)state;
  static const struct {
    const char *reference;
    int value; // -1: nothing is there
  } row[] = {{"#/a/1/b", 1}, {"#/x~1y", 2}, {"#/~0~01", 3}, {"#/", 4},       {"#/a/2", -1}, {"#/a/-1", -1},
             {"#/a/b", -1},  {"#/c", -1},   {"#/a~2", -1},  {"#/a~", -1},    {"#a", -1},    {"", -1},
             {"a", -1},      {"/a", -1},    {"#/d/e", -1},  {"#/x~01y", -1}, {"#/d/", -1}};
  nf_json j = parsed("{\"a\":[0,{\"b\":1}],\"x/y\":2,\"~~1\":3,\"\":4,\"d\":5}");
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    const json_t *value = nf_json_refer(j.root, nf_view_of(row[i].reference));
    if ((value != NULL ? json_integer_value(value) : -1) != row[i].value) fail_msg("%s", row[i].reference);
  }
  assert_ptr_equal(nf_json_refer(j.root, NF_VIEW("#")), j.root);
  nf_json_deinit(&j);
  nf_text text = {0}, reference = {0}; // escaped names have a bound, others have none
  for (int escaped = 0; escaped < 2; escaped++) {
    nf_text_printf(&text, "{\"%0300d%s\":1}", 0, escaped ? "~" : "");
    nf_text_printf(&reference, "#/%0300d%s", 0, escaped ? "~0" : "");
    j = parsed(text.at);
    assert_int_equal(nf_json_refer(j.root, nf_text_view(&reference)) != NULL, !escaped);
    nf_json_deinit(&j);
    text.n = reference.n = 0;
  }
  nf_text_deinit(&text);
  nf_text_deinit(&reference);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_text_is_refused_with_its_place),
      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(strings_are_decoded),
      cmocka_unit_test(numbers_keep_their_value),
      cmocka_unit_test(errors_name_the_key),
      cmocka_unit_test(values_are_quoted),
      cmocka_unit_test(files_are_loaded),
      cmocka_unit_test(references_lead_to_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
