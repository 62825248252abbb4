// SPDX-License-Identifier: Apache-2.0
// Made-up words, and the tokens that they are: what random prompts are put together from.
#pragma once
#include "cli/load/tokens.h"
#include <jansson.h>

enum { LOAD_WORDS = 128, LOAD_WORD_LETTERS = 12 };

typedef struct load_words {
  char word[LOAD_WORDS][LOAD_WORD_LETTERS]; // each with a blank in front
  size_t tokens[LOAD_WORDS];                // of each; 0 where only ids are wanted
  int32_t *id;                              // [n_ids] the ids of a long text of such words, each once
  size_t n_ids;
} load_words;
// `ids`: for prompts that are lists of ids; else for text, whose words are measured one by one.
nf_status load_words_init(load_words *w, const load_tokens *t, bool ids);
void load_words_deinit(load_words *w);
// Appends n tokens: to the array, or to the text, as exactly as words allow. What was appended is *added.
nf_status load_words_ids(const load_words *w, uint64_t *random, int64_t n, json_t *array);
nf_status load_words_text(const load_words *w, uint64_t *random, int64_t n, nf_text *text, int64_t *added);
