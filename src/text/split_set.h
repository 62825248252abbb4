// SPDX-License-Identifier: Apache-2.0
// Sets of characters in split patterns: properties and classes as Oniguruma reads them, written for PCRE2.
#pragma once
#include "base/status.h"
#include "base/text.h"

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

// The rest of \p{…} or \P{…}, from its brace: *at moves behind it. *negated is turned by a ^.
nf_status nf_set_braces(nf_set *s, nf_view p, size_t *at, bool *negated);
// The class that begins at p.at[*at] == '['; *at moves behind it. `caseless`: it stands under (?i).
nf_status nf_set_class(nf_view p, size_t *at, bool caseless, nf_set *out, bool *negated);
// The character behind a backslash at p.at[*at - 1]; *at moves behind it.
nf_status nf_set_escape(nf_view p, size_t *at, uint32_t *out);
// Whether (?i) makes a character equal to no others than PCRE2 has.
bool nf_set_is_plain(uint32_t c);
