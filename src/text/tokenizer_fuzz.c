// SPDX-License-Identifier: Apache-2.0
// Fuzzes the loader of tokenizer.json, then encodes and decodes with what it accepts. Adversarial cases: text
// that ends anywhere, deep nesting, keys twice or spelled with escapes, vocab or merges of another kind, ids
// twice, negative or huge, lone surrogates, merges of unknown tokens, patterns that are broken, enormous or
// backtrack without end.
//
// A document that begins with '+' is a list of parts, one a line, put into a small good tokenizer: split
// pattern, members of the vocabulary, merges, added tokens. So the fuzzer need not find 256 byte tokens by
// itself.
#include "text/small_tokenizer.h"
#include "text/tokenizer.h"
#include <stdlib.h>
#include <string.h>

static char *next_line(char **at) {
  char *line = *at, *end = strchr(line, '\n');
  *at = end ? end + 1 : line + strlen(line);
  if (end) *end = 0;
  return *line ? line : NULL;
}

static void compose(const char *data, size_t n, nf_text *out) {
  nf_text parts = {0}, split = {0};
  nf_text_append(&parts, data, n);
  char *at = parts.at, *pattern = next_line(&at);
  if (pattern)
    nf_text_printf(
        &split,
        "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"%s\"},"
        "\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\",\"use_regex\":false}]}",
        pattern);
  small_tokenizer s = {.pre_tokenizer = split.at, .normalizer = "{\"type\":\"NFC\"}"};
  s.more = next_line(&at);
  s.merges = next_line(&at);
  s.added = next_line(&at);
  small_tokenizer_print(&s, out);
  nf_text_deinit(&parts);
  nf_text_deinit(&split);
}

static void use(const nf_tokenizer *t) {
  static const char text[] =
      "aab abcd  12 ab\n\n <|s|>e\xcc\x81 \xe4\xb8\x96 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  nf_ids ids = {0};
  nf_text out = {0};
  nf_status_free(nf_encode(t, NF_VIEW(text), NF_ENCODE_TEMPLATE, &ids));
  for (size_t i = 0; i < ids.n; i++)
    if (ids.at[i] < 0 || ids.at[i] >= nf_tokenizer_vocab_size(t)) abort();
  nf_status_free(nf_decode(t, ids.at, ids.n, true, &out));
  if (nf_utf8_check(out.at ? out.at : "", out.n) != out.n) abort();
  nf_text_deinit(&out);
  nf_ids_deinit(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  nf_text json = {0};
  if (n > 0 && data[0] == '+')
    compose((const char *)data + 1, n - 1, &json);
  else
    nf_text_append(&json, (const char *)data, n);
  nf_tokenizer *t;
  nf_status st = nf_tokenizer_parse(json.at, json.n, "fuzz", &t);
  if (nf_is_ok(st)) {
    use(t);
    nf_tokenizer_destroy(t);
  } else if (strchr(nf_status_message(st), '\n')) {
    abort();
  }
  nf_status_free(st);
  nf_text_deinit(&json);
  return 0;
}
