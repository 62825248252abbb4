// SPDX-License-Identifier: Apache-2.0
// Unicode normalisation form C (a row of more than 1024 combining marks is refused), and the character
// classes that added tokens need, through utf8proc.
#pragma once
#include "base/status.h"
#include "base/text.h"

// Sets *out to text if that is in form C already, else to its form C, which is kept in *buffer (reused by the
// caller). text is valid UTF-8.
nf_status nf_nfc(nf_view text, nf_text *buffer, nf_view *out);

// The character that begins at s; *n is its size. s is valid UTF-8 and not at its end.
uint32_t nf_utf8_char(const char *s, size_t *n);
bool nf_char_is_space(uint32_t c); // Unicode White_Space
bool nf_char_is_word(uint32_t c);  // \w: letters, marks, decimal digits, connectors, joiners
