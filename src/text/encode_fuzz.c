// SPDX-License-Identifier: Apache-2.0
// Fuzzes encoding: decode(encode(x)) = x for valid UTF-8 without normaliser, and a clean refusal of all else.
// Adversarial cases: invalid and cut UTF-8, NUL, whitespace runs with and without newlines, marks without
// letters, pieces on both sides of the limit between short and long, spellings of added tokens whole, cut and
// nested.
#include "text/small_tokenizer.h"
#include "text/tokenizer.h"
#include <stdlib.h>
#include <string.h>

static nf_tokenizer *make(const char *pattern) {
  nf_text json = {0};
  nf_tokenizer *t;
  small_tokenizer_print(&(small_tokenizer){.pre_tokenizer = pattern,
                                           .added =
                                               "[{\"id\":260,\"content\":\"<|s|>\",\"special\":true},"
                                               "{\"id\":261,\"content\":\"<|s|>b\",\"single_word\":true},"
                                               "{\"id\":262,\"content\":\"cd\\u00e9\",\"normalized\":true}]"},
                        &json);
  nf_status st = nf_tokenizer_parse(json.at, json.n, "built-in", &t);
  if (!nf_is_ok(st)) abort();
  nf_text_deinit(&json);
  return t;
}

static void round_trip(const nf_tokenizer *t, nf_view text, unsigned flags) {
  nf_ids ids = {0};
  nf_text back = {0};
  nf_status st = nf_encode(t, text, flags, &ids);
  if (nf_is_ok(st) != (nf_utf8_check(text.at, text.n) == text.n)) abort();
  if (!nf_is_ok(st) && (nf_status_code(st) != NF_BAD_INPUT || ids.n)) abort();
  if (nf_is_ok(st)) {
    nf_status_free(nf_decode(t, ids.at, ids.n, false, &back));
    if (back.n != text.n || (text.n && memcmp(back.at, text.at, text.n) != 0)) abort();
    for (size_t i = 0; i < ids.n && (flags & NF_ENCODE_PLAIN); i++)
      if (nf_token_is_special(t, ids.at[i])) abort();
  }
  nf_status_free(st);
  nf_ids_deinit(&ids);
  nf_text_deinit(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static nf_tokenizer *t[2];
  if (!t[0]) {
    t[0] = make(NULL); // the GPT-2 pattern
    t[1] = make(SMALL_SPLIT(
        "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*[\\\\p{Ll}\\\\p{Lm}"
        "\\\\p{Lo}\\\\p{M}]+(?i:'s|'t)?|\\\\p{N}{1,3}|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"));
  }
  for (int i = 0; i < 2; i++)
    for (unsigned flags = 0; flags <= NF_ENCODE_PLAIN; flags++)
      round_trip(t[i], (nf_view){(const char *)data, n}, flags);
  return 0;
}
