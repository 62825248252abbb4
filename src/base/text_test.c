// SPDX-License-Identifier: Apache-2.0
// Tests of text: growing strings, globs, numbers, near names, UTF-8.
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void text_grows(void **state) {
  (void)state;
  nf_text t = {0};
  nf_text_append(&t, "", 0);
  assert_string_equal(t.at, "");
  for (int i = 0; i < 1000; i++) nf_text_printf(&t, "%d,", i % 10);
  nf_text_append(&t, "a\0b", 3);
  assert_int_equal(t.n, 2003);
  assert_memory_equal(t.at, "0,1,2,3,", 8);
  assert_memory_equal(t.at + 2000, "a\0b", 4);
  nf_status_free(nf_text_status(&t));
  assert_true(nf_is_ok(nf_text_status(&t)));
  nf_text_append(&t, "x", SIZE_MAX - 5);
  nf_text_append(&t, "x", 1);
  nf_status s = nf_text_status(&t);
  assert_int_equal(nf_status_code(s), NF_NO_MEMORY);
  assert_int_equal(t.n, 2003);
  nf_status_free(s);
  nf_text_deinit(&t);
  assert_null(t.at);
}

static void views_compare(void **state) {
  (void)state;
  assert_true(nf_view_equal(NF_VIEW("ab"), nf_view_of("ab")));
  assert_false(nf_view_equal(NF_VIEW("ab"), NF_VIEW("ac")));
  assert_false(nf_view_equal(NF_VIEW("ab"), NF_VIEW("a")));
  assert_true(nf_view_equal((nf_view){0}, NF_VIEW("")));
  assert_true(nf_view_begins(NF_VIEW("abc"), NF_VIEW("ab")) && nf_view_ends(NF_VIEW("abc"), NF_VIEW("bc")));
  assert_false(nf_view_begins(NF_VIEW("abc"), NF_VIEW("bc")) || nf_view_ends(NF_VIEW("abc"), NF_VIEW("ab")));
  assert_false(nf_view_begins(NF_VIEW("a"), NF_VIEW("ab")) || nf_view_ends(NF_VIEW("b"), NF_VIEW("ab")));
  assert_true(nf_view_begins((nf_view){0}, NF_VIEW("")) && nf_view_ends((nf_view){0}, NF_VIEW("")));
}

static void globs(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *s;
    bool match;
  } row[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"**", "abc", true},
      {"a*c", "abbc", true},
      {"a*c", "abcb", false},
      {"*.weight", "a.weight", true},
      {"a*b*c", "a-b-b-c-c", true},
      {"a?c", "abc", false},
      {"abc", "ab", false},
      {"ab", "abc", false},
      {"*aab", "aaaaab", true},
      {"lm_head*", "lm_hea", false},
      {"a*c d", "abc", true},
      {"a* d", "a b", true},
      {"a d", "a d", false},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    assert_int_equal(nf_glob(row[i].pattern, row[i].s), row[i].match);
  }
}

static void integers(void **state) {
  (void)state;
  int64_t v = 42;
  static const char *const wrong[] = {"",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1.0",
                                      "--1",
                                      "+-1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(nf_parse_i64(nf_view_of(wrong[i]), &v));
    assert_int_equal(v, 42);
  }
  static const struct {
    const char *s;
    int64_t v;
  } right[] = {{"0", 0},
               {"-0", 0},
               {"+17", 17},
               {"007", 7},
               {"9223372036854775807", INT64_MAX},
               {"-9223372036854775808", INT64_MIN}};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    assert_true(nf_parse_i64(nf_view_of(right[i].s), &v));
    assert_true(v == right[i].v);
  }
}

static void floats(void **state) {
  (void)state;
  double v = 42;
  static const char *const wrong[] = {"",      ".",   "-",  "e5", "1e",    "1e+",   "inf", "nan",
                                      "0x1p3", "1,5", " 1", "1 ", "1.2.3", "1e999", "1f"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(nf_parse_f64(nf_view_of(wrong[i]), &v));
    assert_true(v == 42);
  }
  static const struct {
    const char *s;
    double v;
  } right[] = {{"0", 0},       {"-1.5", -1.5}, {".5", .5},    {"5.", 5},
               {"1e-6", 1e-6}, {"+2E3", 2000}, {"1e-999", 0}, {"0.1", 0.1}};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    assert_true(nf_parse_f64(nf_view_of(right[i].s), &v));
    assert_true(v == right[i].v);
  }
  char digits[401];
  memset(digits, '1', sizeof digits);
  assert_true(nf_parse_f64((nf_view){digits, 300}, &v));
  assert_false(nf_parse_f64((nf_view){digits, 401}, &v));
}

static void near_names(void **state) {
  (void)state;
  static const char *const names[] = {"temperature", "top-p", "top-k", "threads", "x"};
#define NEAR(s) nf_nearest(s, names, 5)
  assert_string_equal(NEAR("temprature"), "temperature");
  assert_string_equal(NEAR("thread"), "threads");
  assert_string_equal(NEAR("top-p"), "top-p");
  assert_string_equal(NEAR("top-x"), "top-p"); // the first of equally near ones
  assert_null(NEAR("banana"));
  assert_null(NEAR("ab"));
  assert_null(NEAR(""));
  char big[300];
  memset(big, 'a', sizeof big);
  big[299] = 0;
  assert_null(NEAR(big));
}

static void utf8(void **state) {
  (void)state;
  static const struct {
    const char *s;
    size_t good;
  } row[] = {
      {"", 0},
      {"abc", 3},
      {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 18},
      {"a\x80", 1},
      {"a\xc1\xbf", 1},
      {"a\xe0\x9f\xbf", 1},
      {"a\xed\xa0\x80", 1},
      {"a\xf0\x8f\xbf\xbf", 1},
      {"a\xf4\x90\x80\x80", 1},
      {"a\xf5\x80\x80\x80", 1},
      {"ab\xe2\x82", 2},
      {"ab\xe2\x82z", 2},
      {"ab\xc3", 2},
      {"\xf0\x9f\x98\x80\xff", 4},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    assert_int_equal(nf_utf8_check(row[i].s, strlen(row[i].s)), row[i].good);
  }
}

// Every scalar value, encoded by the definition, is one sequence of its length; every surrogate is none.
static void utf8_of_every_scalar(void **state) {
  (void)state;
  for (unsigned c = 0x80; c < 0x110000; c++) {
    int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    unsigned char s[4];
    unsigned rest = c;
    for (int k = n - 1; k > 0; k--, rest >>= 6) s[k] = (unsigned char)(0x80 | (rest & 0x3f));
    s[0] = (unsigned char)(0xf00 >> n | rest);
    int want = c >= 0xd800 && c < 0xe000 ? 0 : n;
    if (nf_utf8_length((char *)s, 4) != want) fail_msg("U+%04X", c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_grows), cmocka_unit_test(views_compare),
      cmocka_unit_test(globs),      cmocka_unit_test(integers),
      cmocka_unit_test(floats),     cmocka_unit_test(near_names),
      cmocka_unit_test(utf8),       cmocka_unit_test(utf8_of_every_scalar),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
