// SPDX-License-Identifier: Apache-2.0
// Inside the room: JSON as a part of an automaton: strings, numbers, any value.
//
// White space: one blank may stand behind each colon and each comma, and nowhere else.
#pragma once
#include "base/json.h"
#include "constrain/chars.h"

// What is made once for an automaton, when it is needed first; end 0: not yet.
typedef struct nf_json_rules {
  nf_rule value, string, character, key, text;
} nf_json_rules;

void nf_add_blank(nf_builder *b, uint32_t from, char c, uint32_t to); // the character, and perhaps a blank
void nf_add_any_value(nf_builder *b, nf_json_rules *r, uint32_t from, uint32_t to);
void nf_add_any_object(nf_builder *b, nf_json_rules *r, uint32_t from, uint32_t to);
void nf_add_any_string(nf_builder *b, nf_json_rules *r, uint32_t from, uint32_t to);
// Of `least` to `most` characters; most -1: no limit.
void nf_add_string_of(nf_builder *b, nf_json_rules *r, uint32_t from, int64_t least, int64_t most,
                      uint32_t to);
// A string that spells one of some names, or what is none of them, each character in its only spelling.
void nf_add_name(nf_builder *b, uint32_t from, nf_view name, uint32_t to);
void nf_add_other_name(nf_builder *b, uint32_t from, nf_view *names, size_t n, uint32_t to); // sorts them
// The value as it is; a failure stays in b.
void nf_add_constant(nf_builder *b, uint32_t from, const json_t *value, uint32_t to);
// Of strings, numbers, true, false and null: as they are spelled, appended.
nf_status nf_spell_scalar(nf_text *out, const json_t *value);

// ---- numbers ----

enum { NF_DIGITS_MAX = 18, NF_EXPONENT_DIGITS = 2 }; // of a number in front of the point, and behind it

typedef struct nf_digits {
  bool given, exclusive, negative;
  char whole[NF_DIGITS_MAX + 1]; // digits, without zeros in front: "" is zero
  char part[360];                // digits behind the point, without zeros at the end
  bool beyond;                   // it has more digits in front of the point than numbers here
} nf_digits;
nf_status nf_digits_of(const json_t *number, bool exclusive, nf_digits *out);
void nf_add_any_integer(nf_builder *b, uint32_t from, uint32_t to);
void nf_add_any_number(nf_builder *b, uint32_t from, uint32_t to);
// Within bounds, each of which may be missing.
void nf_add_number_within(nf_builder *b, uint32_t from, const nf_digits *lo, const nf_digits *hi,
                          bool integer, uint32_t to);
