// SPDX-License-Identifier: Apache-2.0
// Characters as Hugging Face's tokenizers knows them: of Unicode 16 in patterns, where the libraries here are
// older, and of Unicode 9 in normalisation, so that characters assigned since are neither sorted nor joined.
#pragma once
#include "base/text.h"

// The character that begins at s; *n is its size. s is valid UTF-8 and not at its end.
uint32_t nf_utf8_char(const char *s, size_t *n);
bool nf_char_is_space(uint32_t c); // Unicode White_Space
// As Python has it: no control or format character, nor one that is not assigned; of separators only U+0020.
bool nf_char_is_printable(uint32_t c);
bool nf_char_is_word(uint32_t c); // \w: letters, marks, decimal digits, connectors, joiners

// Sets of general categories: bit k is utf8proc's category k.
enum { NF_LU = 1 << 1, NF_LL = 1 << 2, NF_LT = 1 << 3, NF_LM = 1 << 4, NF_LO = 1 << 5 };
enum { NF_MN = 1 << 6, NF_MC = 1 << 7, NF_ME = 1 << 8, NF_ND = 1 << 9, NF_NL = 1 << 10, NF_NO = 1 << 11 };
enum { NF_PC = 1 << 12, NF_PD = 1 << 13, NF_PO = 1 << 18, NF_SM = 1 << 19, NF_SO = 1 << 22, NF_CF = 1 << 27 };
enum { NF_L = NF_LU | NF_LL | NF_LT | NF_LM | NF_LO, NF_M = NF_MN | NF_MC | NF_ME };
enum { NF_N = NF_ND | NF_NL | NF_NO, NF_WORD = NF_L | NF_M | NF_ND | NF_NL | NF_PC };

// Characters that are of another category in Unicode 16 than in 14, by code; nearly all were assigned since.
typedef struct nf_new_chars {
  uint32_t first, last, category;
  const char *script; // its names, lower case and with a blank between; "": one that Unicode 14 lacks
} nf_new_chars;
extern const nf_new_chars nf_unicode_new[];
extern const size_t nf_unicode_new_n;
bool nf_has_new_chars(nf_view text); // valid UTF-8
enum { NF_MOVED = 0x1171e };         // the one that was assigned before: Mn in Unicode 14, Mc in 16

// Sets *out to text if that is in form C already, else to its form C, which is kept in *buffer (reused by the
// caller). text is valid UTF-8. Time and memory grow with its size.
nf_status nf_nfc(nf_view text, nf_text *buffer, nf_view *out);
