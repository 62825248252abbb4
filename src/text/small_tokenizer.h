// SPDX-License-Identifier: Apache-2.0
// Small tokenizer.json documents for tests and fuzz targets: all 256 bytes (id = byte), a few merges, and
// whatever the caller puts in place of a part.
#pragma once
#include "base/text.h"

// JSON text of each part; NULL: the usual one.
typedef struct small_tokenizer {
  const char *head; // members before the others, with a comma behind each
  const char *added, *normalizer, *pre_tokenizer, *post_processor, *decoder, *type;
  const char *options;      // members of the model, with a comma behind each
  const char *vocab, *more; // the whole vocabulary; more entries, each with a comma before it
  const char *merges;
  const char *tail; // text behind the document
} small_tokenizer;

#define SMALL_SPLIT(regex)                                                                              \
  "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex       \
  "\"},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false," \
  "\"use_regex\":false}]}"

static inline const char *small_or(const char *s, const char *usual) { return s ? s : usual; }

static inline void small_bytes(nf_text *t) {
  unsigned fresh = 256;
  for (unsigned b = 0; b < 256; b++) {
    bool plain = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    nf_text_printf(t, "%s\"\\u%04x\":%u", b ? "," : "", plain ? b : fresh++, b);
  }
}

// Appends the document. Ids 256 "ab", 257 "cd", 258 "abcd", 259 " a"; 260 "<|s|>" special.
static inline void small_tokenizer_print(const small_tokenizer *s, nf_text *t) {
  nf_text_printf(t, "{%s\"added_tokens\":%s,", small_or(s->head, ""),
                 small_or(s->added, "[{\"id\":260,\"content\":\"<|s|>\",\"special\":true}]"));
  nf_text_printf(t, "\"normalizer\":%s,", small_or(s->normalizer, "null"));
  nf_text_printf(t, "\"pre_tokenizer\":%s,",
                 small_or(s->pre_tokenizer, "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"));
  nf_text_printf(t, "\"post_processor\":%s,", small_or(s->post_processor, "null"));
  nf_text_printf(t, "\"decoder\":%s,", small_or(s->decoder, "{\"type\":\"ByteLevel\"}"));
  nf_text_printf(t, "\"model\":{\"type\":%s,%s\"vocab\":", small_or(s->type, "\"BPE\""),
                 small_or(s->options, ""));
  if (s->vocab) {
    nf_text_printf(t, "%s", s->vocab);
  } else {
    nf_text_printf(t, "{");
    small_bytes(t);
    nf_text_printf(t, ",\"ab\":256,\"cd\":257,\"abcd\":258,\"\\u0120a\":259%s}", small_or(s->more, ""));
  }
  nf_text_printf(t, ",\"merges\":%s}}%s",
                 small_or(s->merges, "[\"a b\",[\"c\",\"d\"],\"ab cd\",\"\\u0120 a\"]"),
                 small_or(s->tail, ""));
}
