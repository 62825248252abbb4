// SPDX-License-Identifier: Apache-2.0
// Words of one to three syllables. They are the same in every run, so that only the prompts depend on a seed.
#include "cli/load/words.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include <stdlib.h>
#include <string.h>

enum { TEXT_WORDS = 4000 }; // of the text whose ids are drawn from

static void make_word(uint64_t *random, char *out) {
  static const char heads[] = "bcdfghjklmnprstvwz", vowels[] = "aeiou", tails[] = "nrlst    ";
  char *to = out;
  *to++ = ' ';
  for (int64_t left = nf_random_between(random, 1, 3); left > 0; left--) {
    *to++ = heads[nf_random_between(random, 0, sizeof heads - 2)];
    *to++ = vowels[nf_random_between(random, 0, sizeof vowels - 2)];
    const char tail = tails[nf_random_between(random, 0, sizeof tails - 2)];
    if (tail != ' ') *to++ = tail;
  }
  *to = '\0';
}

// ---- ids ----

static int ascending(const void *a, const void *b) {
  const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return x < y ? -1 : x > y;
}

static size_t each_once(int32_t *id, size_t n) {
  size_t kept = 0;
  qsort(id, n, sizeof *id, ascending);
  for (size_t i = 0; i < n; i++)
    if (kept == 0 || id[kept - 1] != id[i]) id[kept++] = id[i];
  return kept;
}

static nf_status find_ids(load_words *w, const load_tokens *t, uint64_t *random) {
  nf_text text = {0};
  size_t n = 0;
  for (int i = 0; i < TEXT_WORDS; i++) {
    char word[LOAD_WORD_LETTERS];
    make_word(random, word);
    nf_text_printf(&text, "%s", word);
  }
  nf_status st = nf_text_status(&text);
  if (nf_is_ok(st)) st = load_encode(t, nf_text_view(&text), &w->id, &n);
  nf_text_deinit(&text);
  if (!nf_is_ok(st)) return st;
  w->n_ids = each_once(w->id, n);
  return w->n_ids != 0 ? nf_ok() : nf_error(NF_BAD_INPUT, "the tokenizer gives no tokens for a text");
}

nf_status load_words_ids(const load_words *w, uint64_t *random, int64_t n, json_t *array) {
  bool ok = true;
  for (int64_t i = 0; i < n && ok; i++)
    ok = nf_json_push(array, json_integer(w->id[nf_random_between(random, 0, (int64_t)w->n_ids - 1)]));
  return ok ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a prompt");
}

// ---- text ----

static nf_status measure_words(load_words *w, const load_tokens *t) {
  for (int i = 0; i < LOAD_WORDS; i++) {
    int32_t *ids = NULL;
    NF_TRY(load_encode(t, nf_view_of(w->word[i]), &ids, &w->tokens[i]));
    infuse_free(ids);
    if (w->tokens[i] == 0)
      return nf_error(NF_BAD_INPUT, "the tokenizer gives no tokens for '%s'", w->word[i]);
  }
  return nf_ok();
}

// A word that is at most so many tokens long; -1: there is none.
static int word_within(const load_words *w, uint64_t *random, int64_t room) {
  const int64_t first = nf_random_between(random, 0, LOAD_WORDS - 1);
  for (int64_t i = 0; i < LOAD_WORDS; i++) {
    const int64_t at = (first + i) % LOAD_WORDS;
    if ((int64_t)w->tokens[at] <= room) return (int)at;
  }
  return -1;
}

nf_status load_words_text(const load_words *w, uint64_t *random, int64_t n, nf_text *text, int64_t *added) {
  *added = 0;
  for (int at; *added < n && (at = word_within(w, random, n - *added)) >= 0; *added += (int64_t)w->tokens[at])
    nf_text_printf(text, "%s", w->word[at]);
  return nf_text_status(text);
}

// ---- both ----

nf_status load_words_init(load_words *w, const load_tokens *t, bool ids) {
  uint64_t random = 1;
  *w = (load_words){0};
  if (ids) return find_ids(w, t, &random);
  for (int i = 0; i < LOAD_WORDS; i++) make_word(&random, w->word[i]);
  return measure_words(w, t);
}

void load_words_deinit(load_words *w) { infuse_free(w->id); }
