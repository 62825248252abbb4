// SPDX-License-Identifier: Apache-2.0
// Pre-tokenising: cutting text into pieces that are merged alone, by a regular expression through PCRE2.
//
// Patterns come from files, so matching is bounded: a pattern that needs too many steps for a text is an
// error.
#pragma once
#include "base/status.h"
#include "base/text.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { NF_SPLITS_MAX = 8 }; // stages of one tokenizer

// One stage: matches and what lies between them are each pieces ("Isolated"). Immutable.
typedef struct nf_split {
  pcre2_code *code;
  pcre2_code *newer; // for texts with characters that PCRE2 may not know; NULL: the same
} nf_split;
// `literal`: the pattern is a plain string.
nf_status nf_split_init(nf_split *s, nf_view pattern, bool literal);
void nf_split_deinit(nf_split *s); // a zeroed one is fine

// What matching needs besides the stages; one for each running encode.
typedef struct nf_split_work {
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
  pcre2_match_data *match[NF_SPLITS_MAX];
  uint64_t budget; // match steps left for this text
} nf_split_work;
nf_status nf_split_work_init(nf_split_work *w, size_t stages, size_t text_n);
void nf_split_work_deinit(nf_split_work *w); // a zeroed or half-made one is fine

// Cuts text (valid UTF-8) by all stages, one inside the other, and calls emit with each piece in order.
typedef nf_status (*nf_split_emit)(void *user, nf_view piece);
nf_status nf_split_run(const nf_split *s, size_t stages, nf_split_work *w, nf_view text, nf_split_emit emit,
                       void *user);

// The pattern in PCRE2's language (appended to out); what the two read differently is rewritten, or refused.
// `lean`: for texts without characters that are newer than PCRE2's Unicode, which is shorter and matches
// faster.
nf_status nf_split_translate(nf_view pattern, bool lean, nf_text *out);

// ---- sets of characters in patterns: properties and classes as Oniguruma reads them, for PCRE2 ----

enum {
  NF_SET_FOLDS = 1, // in a class under (?i) it has more characters in Oniguruma than in PCRE2
  NF_SET_CASE = 2,  // elsewhere under (?i) it has fewer
  NF_SET_WORD = 4,  // outside classes it has the superscripts and fractions of Latin-1 as well
};

// Appended to freely; a zeroed one is empty.
typedef struct nf_set {
  nf_text items;  // what stands between the brackets of a PCRE2 class
  nf_text others; // "|a|b": patterns of one character each that no class can hold
  unsigned flags;
  bool lean; // set before anything is added: properties are without the characters of nf_unicode_new
} nf_set;
void nf_set_deinit(nf_set *s);
void nf_set_range(nf_set *s, uint32_t first, uint32_t last);
// Adds the characters of `more`, or all that it lacks.
void nf_set_add(nf_set *s, const nf_set *more, bool negated);
// As a pattern of one character.
void nf_set_print(const nf_set *s, bool negated, nf_text *out);

// Adds what \p{name} means: a category, a script, or one of a few others. `posix`: [:name:] instead. False:
// the name is not known, or its characters here would be others than those of tokenizers.
bool nf_set_property(nf_set *s, nf_view name, bool posix);
// Adds what a letter behind a backslash means: d h s w, and D H S W for the others. False: no set.
bool nf_set_letter(nf_set *s, char letter, bool *negated);

// A pattern that is being read.
typedef struct nf_pattern {
  nf_view p;
  size_t at;
  bool caseless; // (?i) holds
  int depth;     // of classes inside each other
} nf_pattern;
nf_status nf_split_refuse(const char *what, size_t at);
bool nf_next_is(const nf_pattern *r, const char *text);
char nf_peek(const nf_pattern *r, size_t ahead); // 0 behind the end
uint32_t nf_take_char(nf_pattern *r);            // not at the end

// Each begins at the reader's place and moves behind: the set behind a backslash (*found false: it is none,
// and nothing is read); a class, from its bracket; the character behind a backslash.
nf_status nf_set_backslash(nf_set *s, nf_pattern *r, bool *negated, bool *found);
nf_status nf_set_class(nf_pattern *r, nf_set *out, bool *negated);
nf_status nf_set_escape(nf_pattern *r, uint32_t *out);
// Whether (?i) makes a character equal to no others than PCRE2 has.
bool nf_set_is_plain(uint32_t c);
