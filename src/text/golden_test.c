// SPDX-License-Identifier: Apache-2.0
// Equality with Hugging Face's `tokenizers` on the texts of tests/data/tokenizers/goldens.jsonl
// (tools/make_tokenizer_goldens.py makes them), and the way back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "text/tokenizer.h"

#define FOLDER "tests/data/tokenizers/"

static nf_tokenizer *tokenizers[2];
static const char *const names[2] = {FOLDER "o200k-small/tokenizer.json", FOLDER "qwen-small/tokenizer.json"};

static void check_ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static bool same_ids(const nf_ids *ids, const char *expected) {
  nf_text text = {0};
  for (size_t i = 0; i < ids->n; i++) nf_text_printf(&text, i ? " %d" : "%d", ids->at[i]);
  bool same = strcmp(text.n ? text.at : "", expected) == 0;
  if (!same) print_error("got      %s\nexpected %s\n", text.n ? text.at : "", expected);
  nf_text_deinit(&text);
  return same;
}

static bool check_row(const char *line, size_t n) {
  nf_json row;
  check_ok(nf_json_parse(line, n, "goldens.jsonl", &row));
  size_t fields = json_array_size(row.root);
  json_t *text = json_array_get(row.root, 0);
  nf_view view = {json_string_value(text), json_string_length(text)};
  bool same = true;
  assert_true(fields == 3 || fields == 5);
  for (int k = 0; k < 4; k++) { // both tokenizers, then both with special tokens as plain text
    nf_ids ids = {0};
    check_ok(nf_encode(tokenizers[k & 1], view, k & 2 ? NF_ENCODE_PLAIN : 0, &ids));
    const char *expected =
        json_string_value(json_array_get(row.root, fields == 5 ? 1 + (size_t)k : 1 + (size_t)(k & 1)));
    if (!same_ids(&ids, expected)) {
      print_error("%s%s: %.*s\n", names[k & 1], k & 2 ? " plain" : "", (int)n, line);
      same = false;
    }
    nf_text back = {0};
    check_ok(nf_decode(tokenizers[k & 1], ids.at, ids.n, false, &back));
    if (!(k & 1)) same &= back.n == view.n && memcmp(back.at ? back.at : "", view.at, view.n) == 0;
    nf_text_deinit(&back);
    nf_ids_deinit(&ids);
  }
  nf_json_deinit(&row);
  return same;
}

static void equal_to_hugging_face(void **) {
  char *file;
  size_t n, rows = 0, wrong = 0;
  check_ok(nf_file_load(FOLDER "goldens.jsonl", 1 << 20, &file, &n));
  for (int i = 0; i < 2; i++) check_ok(nf_tokenizer_load(names[i], &tokenizers[i]));
  for (const char *at = file, *end; at < file + n; at = end + 1, rows++) {
    end = memchr(at, '\n', (size_t)(file + n - at));
    assert_non_null(end);
    wrong += !check_row(at, (size_t)(end - at));
  }
  for (int i = 0; i < 2; i++) nf_tokenizer_destroy(tokenizers[i]);
  nf_free(file);
  assert_in_range(rows, 2000, 10000);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equal_to_hugging_face)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
