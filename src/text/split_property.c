// SPDX-License-Identifier: Apache-2.0
// Names of properties. Categories are those of PCRE2 with the characters that are newer than it; they may as
// well be there already, so any PCRE2 up to Unicode 16 gives the same. Scripts are Script, never
// Script_Extensions.
#include "base/keys.h"
#include "text/split.h"
#include "text/unicode.h"
#include <stdio.h>
#include <string.h>

#define SPACES \
  "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define CIRCLED "\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}"

enum { CASED = NF_SET_FOLDS, CASES = NF_SET_FOLDS | NF_SET_CASE };
static const struct property {
  const char *names, *items; // names between blanks
  uint32_t categories;       // of the new characters that belong to it
  unsigned flags;
} properties[] = {
    {"l letter", "\\p{L}", NF_L, CASED},
    {"lc casedletter", "\\p{L&}", NF_LU | NF_LL | NF_LT, CASED},
    {"lu uppercaseletter", "\\p{Lu}", NF_LU, CASES},
    {"ll lowercaseletter", "\\p{Ll}", NF_LL, CASES},
    {"lt titlecaseletter", "\\p{Lt}", NF_LT, CASES},
    {"lm modifierletter", "\\p{Lm}", NF_LM, CASED},
    {"lo otherletter", "\\p{Lo}", NF_LO, CASED},
    {"m mark combiningmark", "\\p{M}", NF_M, CASED},
    {"mn nonspacingmark", "", NF_MN, CASED}, // see add_row
    {"mc spacingmark", "\\p{Mc}", NF_MC, CASED},
    {"me enclosingmark", "\\p{Me}", NF_ME, 0},
    {"n number", "\\p{N}", NF_N, 0},
    {"nd decimalnumber digit", "\\p{Nd}", NF_ND, 0},
    {"nl letternumber", "\\p{Nl}", NF_NL, 0},
    {"no othernumber", "\\p{No}", NF_NO, 0},
    {"p punctuation punct", "\\p{P}", NF_PC | NF_PD | NF_PO, 0},
    {"pc connectorpunctuation", "\\p{Pc}", NF_PC, 0},
    {"pd dashpunctuation", "\\p{Pd}", NF_PD, 0},
    {"ps openpunctuation", "\\p{Ps}", 0, 0},
    {"pe closepunctuation", "\\p{Pe}", 0, 0},
    {"pi initialpunctuation", "\\p{Pi}", 0, 0},
    {"pf finalpunctuation", "\\p{Pf}", 0, 0},
    {"po otherpunctuation", "\\p{Po}", NF_PO, 0},
    {"s symbol", "\\p{S}", NF_SM | NF_SO, 0},
    {"sm mathsymbol", "\\p{Sm}", NF_SM, 0},
    {"sc currencysymbol", "\\p{Sc}", 0, 0},
    {"sk modifiersymbol", "\\p{Sk}", 0, 0},
    {"so othersymbol", "\\p{So}", NF_SO, 0},
    {"z separator", "\\p{Z}", 0, 0},
    {"zs spaceseparator", "\\p{Zs}", 0, 0},
    {"zl lineseparator", "\\p{Zl}", 0, 0},
    {"zp paragraphseparator", "\\p{Zp}", 0, 0},
    {"cc control cntrl", "\\p{Cc}", 0, 0},
    {"cf format", "\\p{Cf}", NF_CF, 0},
    {"co privateuse", "\\p{Co}", 0, 0},
    {"any", "\\x{0}-\\x{10ffff}", 0, CASED},
    {"ascii", "\\x{0}-\\x{7f}", 0, CASED},
    {"xdigit asciihexdigit ahex", "0-9A-Fa-f", 0, 0},
    {"space whitespace wspace", SPACES, 0, 0},
    {"blank", "\\t\\p{Zs}", 0, 0},
    {"word", "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" CIRCLED, NF_WORD, CASED | NF_SET_WORD},
    {"posixpunct", "\\p{P}\\p{S}", NF_PC | NF_PD | NF_PO | NF_SM | NF_SO, 0},
};

static bool has_name(const char *names, const char *name) { return nf_has_word(names, nf_view_of(name)); }

// The new characters of some categories, or of a script; neighbours as one range.
static void add_new(nf_set *s, uint32_t categories, const char *script) {
  for (size_t i = 0; !s->lean && i < nf_unicode_new_n;) {
    uint32_t first = nf_unicode_new[i].first, next = first;
    for (; i < nf_unicode_new_n && nf_unicode_new[i].first == next; i++) {
      const nf_new_chars *row = &nf_unicode_new[i];
      if (!(row->category & categories) && !(script && has_name(row->script, script))) break;
      next = row->last + 1;
    }
    if (next == first)
      i++;
    else
      nf_set_range(s, first, next - 1);
  }
}

static void add_row(nf_set *s, const struct property *row) {
  nf_text_printf(&s->items, "%s", row->items);
  add_new(s, row->categories, NULL);
  if (row->categories == NF_MN && s->lean) nf_text_printf(&s->items, "\\p{Mn}");
  if (row->categories == NF_MN && !s->lean) nf_text_printf(&s->others, "|(?!\\x{%x})\\p{Mn}", NF_MOVED);
  s->flags |= row->flags;
}

static bool compiles(const char *pattern) {
  int code;
  PCRE2_SIZE at;
  pcre2_code *compiled =
      pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
  pcre2_code_free(compiled);
  return compiled;
}

// "unknown" are the characters of no script; those that PCRE2 does not know yet would be among them.
static bool add_script(nf_set *s, const char *name) {
  char item[96];
  snprintf(item, sizeof item, "\\p{sc:%s}", name);
  if (has_name("unknown zzzz", name) || !compiles(item)) return false;
  nf_text_printf(&s->items, "%s", item);
  add_new(s, 0, name);
  s->flags |= NF_SET_FOLDS;
  return true;
}

// Case, blanks, hyphens and underscores do not count. False: it is longer than any name, or has other
// characters.
static bool plain_name(nf_view name, char *out, size_t cap) {
  size_t n = 0;
  for (size_t i = 0; i < name.n; i++) {
    char c = name.at[i];
    if (c == ' ' || c == '-' || c == '_') continue;
    c = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    if (c < 'a' || c > 'z' || n + 1 == cap) return false;
    out[n++] = c;
  }
  out[n] = 0;
  return n;
}

bool nf_set_property(nf_set *s, nf_view name, bool posix) {
  char text[48];
  if (!plain_name(name, text, sizeof text)) return false;
  if (posix && !has_name("digit space blank xdigit word cntrl ascii punct", text)) return false;
  const char *wanted = posix && strcmp(text, "punct") == 0 ? "posixpunct" : text;
  for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
    if (has_name(properties[i].names, wanted)) return add_row(s, &properties[i]), true;
  return add_script(s, text);
}

bool nf_set_letter(nf_set *s, char letter, bool *negated) {
  static const struct {
    char letter;
    const char *name;
  } letters[] = {{'d', "digit"}, {'h', "xdigit"}, {'s', "space"}, {'w', "word"}};
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
    *negated = letter == letters[i].letter - 'a' + 'A';
    if (*negated || letter == letters[i].letter)
      return nf_set_property(s, nf_view_of(letters[i].name), false);
  }
  return false;
}
