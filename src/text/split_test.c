// SPDX-License-Identifier: Apache-2.0
// Split patterns cut as Oniguruma does in Hugging Face's `tokenizers` (tests/data/tokenizers/patterns.jsonl,
// made by tools/make_tokenizer_goldens.py), or are refused by name.
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "text/split.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void check_ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_status add_size(void *user, nf_view piece) {
  nf_text *sizes = user;
  nf_text_printf(sizes, sizes->n ? " %zu" : "%zu", piece.n);
  return nf_text_status(sizes);
}

static nf_view string_at(const nf_json *row, size_t i) {
  const json_t *s = json_array_get(row->root, i);
  return (nf_view){json_string_value(s), json_string_length(s)};
}

// Whether the pattern cuts the text into pieces of these sizes.
static bool cuts(nf_view pattern, nf_view text, nf_view expected) {
  nf_split split;
  nf_split_work work;
  nf_text sizes = {0};
  nf_status st = nf_split_init(&split, pattern, false);
  if (!nf_is_ok(st)) fail_msg("%.*s: %s", (int)pattern.n, pattern.at, nf_status_message(st));
  check_ok(nf_split_work_init(&work, 1, text.n));
  check_ok(nf_split_run(&split, 1, &work, text, add_size, &sizes));
  bool same = sizes.n == expected.n && memcmp(sizes.at, expected.at, sizes.n) == 0;
  if (!same)
    print_error("%.*s\n%.*s\ngot      %s\nexpected %.*s\n", (int)pattern.n, pattern.at, (int)text.n, text.at,
                sizes.at, (int)expected.n, expected.at);
  nf_text_deinit(&sizes);
  nf_split_work_deinit(&work);
  nf_split_deinit(&split);
  return same;
}

static void equal_to_oniguruma(void **) {
  char *file;
  size_t n, rows = 0, wrong = 0;
  check_ok(nf_file_load("tests/data/tokenizers/patterns.jsonl", 1 << 20, &file, &n));
  for (const char *at = file, *end; at < file + n; at = end + 1, rows++) {
    end = memchr(at, '\n', (size_t)(file + n - at));
    assert_non_null(end);
    nf_json row;
    check_ok(nf_json_parse(at, (size_t)(end - at), "patterns.jsonl", &row));
    wrong += !cuts(string_at(&row, 0), string_at(&row, 1), string_at(&row, 2));
    nf_json_deinit(&row);
  }
  nf_free(file);
  assert_in_range(rows, 300, 10000);
  assert_int_equal(wrong, 0);
}

static void refused_by_name(void **) {
  static const char *const patterns[][2] = {
      {"\\X", "\\X (byte 0)"},
      {"a\\Kb", "\\K (byte 1)"},
      {"\\G", "\\G"},
      {"\\y", "\\y"},
      {"\\g<n>", "\\g"},
      {"\\ca", "a control escape"},
      {"\\xe9", "no character"},
      {"\\x{110000}", "no character"},
      {"\\x", "without digits"},
      {"\\u12", "four digits"},
      {"(a)\\12", "two digits"},
      {"(?<n>a)(b)\\1", "beside a named group"},
      {"\\k<n+1>", "a level"},
      {"\\p{Nonsense}", "\\p{Nonsense} (byte 2)"},
      {"\\p{Alphabetic}", "\\p{Alphabetic}"},
      {"\\p{Cn}", "\\p{Cn}"},
      {"\\p{Unknown}", "\\p{Unknown}"},
      {"\\p{L", "without its brace"},
      {"[[:alpha:]]", "[:alpha:]"},
      {"[[:^digit:]]", "negated [:name:]"},
      {"[a-\\d]", "a range between sets"},
      {"[\\d-a]", "a range between sets"},
      {"[a-[b]]", "a range between sets"},
      {"[a&&]", "an empty side"},
      {"[&&a]", "an empty side"},
      {"[z-a]", "an empty range"},
      {"[]", "an empty class"},
      {"[a", "a class is not closed"},
      {"[[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]", "so many classes"},
      {"(?x: a)", "this kind of group"},
      {"(?s:.)", "this kind of group"},
      {"(?P<n>a)", "this kind of group"},
      {"(?~a)", "this kind of group"},
      {"(?R)", "this kind of group"},
      {"(*FAIL)", "(*"},
      {"(?#a", "a comment without an end"},
      {"(a", "a group is not closed"},
      {"a)", ") without ("},
      {"*a", "nothing to repeat"},
      {"\\b+", "nothing to repeat"},
      {"a**", "a repetition of a repetition"},
      {"(?:ab){2}{3}", "a repetition of a repetition"},
      {"(?:a?){2}", "{n,m} of what may be empty"},
      {"(?:a|b*){2,}", "{n,m} of what may be empty"},
      {"a{3,1}", "ends exchanged"},
      {"(?i:ss)", "under (?i)"},
      {"(?i:\xc3\xa9)", "a letter beyond ASCII under (?i)"},
      {"(?i:[\xc3\xa0-\xc3\xbc])", "a letter beyond ASCII under (?i)"},
      {"(?i:[\\p{L}])", "this set in a class under (?i)"},
      {"(?i:\\p{Lu})", "this property under (?i)"},
      {"(?<=a*)b", "lookbehind"},
  };
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    nf_split split;
    nf_status st = nf_split_init(&split, nf_view_of(patterns[i][0]), false);
    if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), patterns[i][1]))
      fail_msg("%s: expected '%s', got '%s'", patterns[i][0], patterns[i][1],
               nf_is_ok(st) ? "" : nf_status_message(st));
    nf_status_free(st);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equal_to_oniguruma), cmocka_unit_test(refused_by_name)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
