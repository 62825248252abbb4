// SPDX-License-Identifier: Apache-2.0
// Tests of tables of keys: what is refused, listed and told.
#include "base/keys.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const nf_key own[] = {
    {"act", NF_KEY_CHANGES, "silu swish"}, {"size", NF_KEY_USED, NULL}, {"end", NF_KEY_CHANGES, "\"\""}};
static const nf_key common[] = {{"act acted", NF_KEY_CHANGES, NULL}, // the row above counts for "act"
                                {"_*", NF_KEY_HARMLESS, NULL},
                                {"scale", NF_KEY_CHANGES, "0 1 false [] {}"},
                                {"pruned", NF_KEY_CHANGES, NULL}};
static const nf_keys others = NF_KEYS(common, NULL), known = NF_KEYS(own, &others);

static void keep_line(void *user, nf_level level, const char *line) {
  assert_int_equal(level, NF_LOG_INFO);
  nf_text_printf(user, "%s\n", line);
}

// The message of `text` ("" when it is accepted), and what was told.
static void check(const char *text, const char *message, const char *list, const char *told) {
  nf_json doc;
  nf_status st = nf_json_parse(text, strlen(text), "t.json", &doc);
  assert_true(nf_is_ok(st));
  nf_text lines = {0}, listed = {0};
  const nf_log log = {.level = NF_LOG_INFO, .write = keep_line, .user = &lines};
  const nf_json_at root = nf_json_root(&doc);
  nf_keys_list(&root, &known, &listed); // without a log nothing is told
  assert_string_equal(listed.n ? listed.at : "", list);
  doc.log = &log;
  st = nf_keys_refuse(&root, &known);
  assert_string_equal(nf_status_message(st), message);
  assert_int_equal(nf_status_code(st), *message ? NF_BAD_INPUT : NF_OK);
  assert_string_equal(lines.n ? lines.at : "", told);
  nf_status_free(st);
  nf_text_deinit(&lines);
  nf_text_deinit(&listed);
  nf_json_deinit(&doc);
}

static void words_are_between_blanks(void **state) {
  (void)state;
  assert_true(nf_has_word(" silu swish", NF_VIEW("swish")));
  assert_false(nf_has_word("silu swish", NF_VIEW("silu swish")));
  assert_false(nf_has_word("silu ", NF_VIEW("")));
}

static void each_key_means_something(void **state) {
  (void)state;
  check("{}", "", "", "");
  check("[1]", "", "", "");
  check("{\"end\": \"\"}", "", "", "");
  check("{\"act\": \"swish\", \"size\": 9, \"_x\": [1], \"pruned\": null}", "", "", "");
  check("{\"act\": \"gelu\"}", "t.json: act: \"gelu\" is not supported, should be silu or swish or absent",
        "act \"gelu\"", "");
  check("{\"act\": \"sil\"}", "t.json: act: \"sil\" is not supported, should be silu or swish or absent",
        "act \"sil\"", "");
  check("{\"pruned\": {}}", "t.json: pruned: {} is not supported, should be absent", "pruned {}", "");
  check("{\"scale\": 1.0}", "", "", "");
  check("{\"scale\": false}", "", "", "");
  check("{\"scale\": []}", "", "", "");
  check("{\"scale\": {}}", "", "", "");
  check("{\"scale\": true, \"pruned\": 1}",
        "t.json: scale: true is not supported, should be 0 or 1 or false or [] or {} or absent",
        "scale true, pruned 1", "");
  check("{\"Act\": 1}", "", "", "t.json: Act: is not known, and not used\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_between_blanks),
                                     cmocka_unit_test(each_key_means_something)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
