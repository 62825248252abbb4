// SPDX-License-Identifier: Apache-2.0
// Inside the room: sets of characters (code points), and characters as bytes: UTF-8, or as a JSON string
// spells them.
#pragma once
#include "constrain/automaton.h"

enum { NF_CHAR_LAST = 0x10ffff };

typedef struct nf_char_range {
  uint32_t lo, hi;
} nf_char_range;
typedef struct nf_chars { // a zeroed one is empty
  nf_char_range *at;
  size_t n, cap;
} nf_chars;
void nf_chars_deinit(nf_chars *s);
nf_status nf_chars_add(nf_chars *s, uint32_t lo, uint32_t hi);
nf_status nf_chars_add_all(nf_chars *s, const nf_chars *more);
void nf_chars_sort(nf_chars *s);        // afterwards ranges are in order and apart
nf_status nf_chars_invert(nf_chars *s); // all others
// What \p{name} means: a general category ("L", "Lu", "Letter"); false: the name is not known.
nf_status nf_chars_add_category(nf_chars *s, nf_view name, bool *known);

typedef enum nf_spelling {
  NF_SPELL_UTF8,
  NF_SPELL_JSON, // within a string: each character in one way, with an escape only where it needs one
} nf_spelling;
// One character of a sorted set. What UTF-8 has no bytes for (surrogates), and NUL in JSON, never comes.
void nf_add_char(nf_builder *b, uint32_t from, const nf_chars *set, nf_spelling spelling, uint32_t to);
// Any character but `"` and `\` and those below U+0020, as UTF-8.
void nf_add_plain_char(nf_builder *b, uint32_t from, uint32_t to);
// The text spelled within a JSON string, without quotes.
void nf_spell_json(nf_text *out, nf_view text);
