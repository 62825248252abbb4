// SPDX-License-Identifier: Apache-2.0
// The tables of what is new, and the character classes that added tokens need, through utf8proc.
#include "text/unicode.h"
#include <utf8proc.h>

const nf_new_chars nf_unicode_new[] = {
#define NEW(first, last, category, script) {first, last, NF_##category, script},
#include "text/unicode_new.def"
#undef NEW
};
const size_t nf_unicode_new_n = sizeof nf_unicode_new / sizeof *nf_unicode_new;

uint32_t nf_utf8_char(const char *s, size_t *n) {
  const unsigned char *u = (const unsigned char *)s;
  if (u[0] < 0x80) return *n = 1, u[0];
  if (u[0] < 0xe0) return *n = 2, (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
  if (u[0] < 0xf0) return *n = 3, (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
  *n = 4;
  return (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
}

bool nf_char_is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

// The first row that does not end before c, or their number.
static size_t row_of(uint32_t c) {
  size_t lo = 0, hi = nf_unicode_new_n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (nf_unicode_new[mid].last < c)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static bool is_new_word(uint32_t c) {
  const nf_new_chars *row = &nf_unicode_new[row_of(c)];
  return row < nf_unicode_new + nf_unicode_new_n && row->first <= c && row->category & NF_WORD;
}

// Neighbours in a text mostly lie between the same two rows.
bool nf_has_new_chars(nf_view s) {
  uint32_t first = 0, end = nf_unicode_new[0].first; // known to have none
  for (size_t at = 0, n; at < s.n; at += n) {
    unsigned char lead = (unsigned char)s.at[at];
    n = lead < 0x80 ? 1 : 2;
    if (lead < 0xe0) continue; // below U+0800
    uint32_t c = nf_utf8_char(s.at + at, &n);
    if (c >= first && c < end) continue;
    size_t row = row_of(c);
    end = row < nf_unicode_new_n ? nf_unicode_new[row].first : UINT32_MAX;
    if (c >= end) return true;
    first = row ? nf_unicode_new[row - 1].last + 1 : 0;
  }
  return false;
}

bool nf_char_is_word(uint32_t c) {
  switch (utf8proc_category((utf8proc_int32_t)c)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_PC:
    return true;
  default: // joiners, and the circled and squared letters, which are alphabetic symbols
    return c == 0x200c || c == 0x200d || (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
           (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189) || is_new_word(c);
  }
}
