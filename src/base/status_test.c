// SPDX-License-Identifier: Apache-2.0
// Tests of statuses: codes, notes, clean and bounded messages.
#include "base/status.h"
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka wants the four above first
#include <cmocka.h>

static void ok_is_empty(void **state) {
  (void)state;
  assert_true(nf_is_ok(nf_ok()));
  assert_int_equal(nf_status_code(nf_ok()), NF_OK);
  assert_string_equal(nf_status_message(nf_ok()), "");
  assert_true(nf_is_ok(nf_status_note(nf_ok(), "note %d", 1)));
  nf_status_free(nf_ok());
}

static void error_knows_code_and_text(void **state) {
  (void)state;
  nf_status s = nf_error(NF_BAD_INPUT, "%s: byte %d", "a.bin", 7);
  assert_int_equal(nf_status_code(s), NF_BAD_INPUT);
  assert_string_equal(nf_status_message(s), "a.bin: byte 7");
  s = nf_status_note(s, "shard %d of %d", 1, 2);
  assert_string_equal(nf_status_message(s), "shard 1 of 2: a.bin: byte 7");
  const nf_status copy = nf_status_copy(s);
  nf_status_free(s);
  assert_int_equal(nf_status_code(copy), NF_BAD_INPUT);
  assert_string_equal(nf_status_message(copy), "shard 1 of 2: a.bin: byte 7");
  nf_status_free(copy);
  assert_true(nf_is_ok(nf_status_copy(nf_ok())));
}

static void every_code_has_its_own_name(void **state) {
  (void)state;
  for (int a = NF_OK; a <= NF_INTERNAL; a++) {
    assert_true(strlen(nf_code_name(a)) > 1);
    for (int b = NF_OK; b < a; b++) assert_string_not_equal(nf_code_name(a), nf_code_name(b));
  }
  assert_string_equal(nf_code_name((nf_code)99), nf_code_name(NF_INTERNAL));
}

static void check_message(const char *raw, const char *want) {
  nf_status s = nf_error(NF_BAD_INPUT, "%s", raw);
  assert_string_equal(nf_status_message(s), want);
  s = nf_status_note(s, "%s", raw);
  assert_memory_equal(nf_status_message(s), want, strlen(want));
  nf_status_free(s);
}

static void messages_are_one_clean_line(void **state) {
  (void)state;
  check_message("a\nb\r\t\x1b[31m\x7f", "a\\x0ab\\x0d\\x09\\x1b[31m\\x7f");
  check_message("caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80");
  check_message("\xc2\x9b"
                "31m",
                "\\xc2\\x9b31m");
  check_message("\xe2\x80\xa8|\xe2\x80\xa9", "\\xe2\\x80\\xa8|\\xe2\\x80\\xa9");
  check_message("\xff\xc0\xaf\xe2\x82", "\\xff\\xc0\\xaf\\xe2\\x82");
}

// Whatever the text's length and alphabet: at most 1024 bytes, valid UTF-8, and an ellipsis iff it was cut.
static void check_length(const char *unit, size_t count, bool escaped) {
  char raw[4096];
  size_t n = 0, put = strlen(unit) * (escaped ? 4 : 1);
  for (size_t i = 0; i < count; i++, n += strlen(unit)) strcpy(raw + n, unit);
  raw[n] = 0;
  nf_status s = nf_error(NF_BAD_INPUT, "%s", raw);
  const char *text = nf_status_message(s);
  size_t len = strlen(text);
  bool cut = count * put > 1024;
  assert_true(len <= 1024 && (cut ? len >= 1024 - 3 - put : len == count * put));
  assert_int_equal(nf_utf8_check(text, len), len);
  assert_int_equal(len >= 3 && strcmp(text + len - 3, "\xe2\x80\xa6") == 0, cut);
  assert_null(strstr(text, "\\xe2"));
  s = nf_status_note(s, "%s", raw);
  assert_true(strlen(nf_status_message(s)) <= 1024);
  nf_status_free(s);
}

static void long_messages_are_cut_between_characters(void **state) {
  (void)state;
  for (size_t n = 250; n < 262; n++) check_length("\n", n, true);
  for (size_t n = 1015; n < 1030; n++) check_length("x", n, false);
  for (size_t n = 505; n < 520; n++) check_length("\xc3\xa9", n, false);
  for (size_t n = 335; n < 350; n++) check_length("\xe2\x82\xac", n, false);
  for (size_t n = 250; n < 262; n++) check_length("\xf0\x9f\x98\x80", n, false);
}

static void join_keeps_the_first_error(void **state) {
  (void)state;
  nf_status s = nf_status_join(nf_ok(), nf_error(NF_USAGE, "one"));
  assert_string_equal(nf_status_message(s), "one");
  s = nf_status_join(s, nf_error(NF_INTERNAL, "two"));
  assert_string_equal(nf_status_message(s), "one");
  s = nf_status_join(s, nf_ok());
  assert_int_equal(nf_status_code(s), NF_USAGE);
  nf_status_free(s);
}

static nf_status inner(bool fail) { return fail ? nf_error(NF_UNAVAILABLE, "inner") : nf_ok(); }

static nf_status through_try(bool fail, bool note) {
  if (note)
    NF_TRY(inner(fail), "outer %d", 3);
  else
    NF_TRY(inner(fail));
  return nf_error(NF_INTERNAL, "reached the end");
}

static nf_status through_goto(bool fail, int *cleaned) {
  nf_status st;
  NF_GOTO(inner(false));
  NF_GOTO(inner(fail), "outer");
  return nf_ok();
fail:
  (*cleaned)++;
  return st;
}

static void check_status(nf_status s, const char *want) {
  assert_string_equal(nf_status_message(s), want);
  nf_status_free(s);
}

static void try_and_goto_pass_errors_up(void **state) {
  (void)state;
  int cleaned = 0;
  check_status(through_try(true, false), "inner");
  check_status(through_try(true, true), "outer 3: inner");
  check_status(through_try(false, true), "reached the end");
  check_status(through_goto(true, &cleaned), "outer: inner");
  check_status(through_goto(false, &cleaned), "");
  assert_int_equal(cleaned, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ok_is_empty),
      cmocka_unit_test(error_knows_code_and_text),
      cmocka_unit_test(every_code_has_its_own_name),
      cmocka_unit_test(messages_are_one_clean_line),
      cmocka_unit_test(long_messages_are_cut_between_characters),
      cmocka_unit_test(join_keeps_the_first_error),
      cmocka_unit_test(try_and_goto_pass_errors_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
