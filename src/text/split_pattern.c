// SPDX-License-Identifier: Apache-2.0
// Split patterns are written for Oniguruma. PCRE2 reads the same, except what is handled here: \s and \S
// (PCRE2 counts U+180E among white space), and set operations within classes, which PCRE2 would read as
// characters.
#include "text/split.h"
#include <string.h>

#define SPACES \
  "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

static nf_status translate_escape(nf_view p, size_t at, bool in_class, nf_text *out) {
  if (at + 1 == p.n) return nf_error(NF_BAD_INPUT, "broken pattern: it ends with a backslash");
  switch (p.at[at + 1]) {
  case 's':
    nf_text_printf(out, in_class ? "%s" : "[%s]", SPACES);
    return nf_ok();
  case 'S':
    if (in_class)
      return nf_error(NF_BAD_INPUT, "pattern: \\S within a class (byte %zu) is not supported", at);
    nf_text_printf(out, "[^%s]", SPACES);
    return nf_ok();
  case 'h':
  case 'H':
  case 'R':
  case 'X':
  case 'Q':
    return nf_error(NF_BAD_INPUT, "pattern: \\%c (byte %zu) is not supported", p.at[at + 1], at);
  default:
    nf_text_append(out, p.at + at, 2);
    return nf_ok();
  }
}

static nf_status translate_in_class(nf_view p, size_t at, nf_text *out) {
  if (p.at[at] == '[')
    return nf_error(
        NF_BAD_INPUT,
        "pattern: a class within a class (byte %zu) is not supported; write \\[ for the character", at);
  if (p.at[at] == '&' && at + 1 < p.n && p.at[at + 1] == '&')
    return nf_error(NF_BAD_INPUT, "pattern: && within a class (byte %zu) is not supported", at);
  nf_text_append(out, p.at + at, 1);
  return nf_ok();
}

nf_status nf_split_translate(nf_view p, nf_text *out) {
  size_t class_from = 0; // the place behind '[' or '[^', where ']' is an ordinary character; 0: outside
  for (size_t at = 0; at < p.n; at++) {
    char c = p.at[at];
    if (c == '\\') {
      NF_TRY(translate_escape(p, at++, class_from > 0, out));
    } else if (class_from && !(c == ']' && at > class_from)) {
      NF_TRY(translate_in_class(p, at, out));
    } else {
      nf_text_append(out, &c, 1);
      if (c == '[') {
        if (at + 1 < p.n && p.at[at + 1] == '^') nf_text_append(out, &p.at[++at], 1);
        class_from = at + 1;
      } else if (c == ']') {
        class_from = 0;
      }
    }
  }
  return nf_text_status(out);
}
