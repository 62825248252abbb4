// SPDX-License-Identifier: Apache-2.0
// Sets as classes and alternatives of PCRE2, and Oniguruma's way to write classes: sets within sets, && and
// [:names:].
#include "text/split.h"
#include "text/unicode.h"
#include <string.h>

enum { CLASSES_MAX = 16 }; // inside each other

nf_status nf_split_refuse(const char *what, size_t at) {
  return nf_error(NF_BAD_INPUT, "pattern: %s (byte %zu) is not supported", what, at);
}

char nf_peek(const nf_pattern *r, size_t ahead) {
  return r->p.n - r->at > ahead ? r->p.at[r->at + ahead] : 0;
}

bool nf_next_is(const nf_pattern *r, const char *text) {
  size_t n = strlen(text);
  return r->p.n - r->at >= n && memcmp(r->p.at + r->at, text, n) == 0;
}

void nf_set_deinit(nf_set *s) {
  nf_text_deinit(&s->items);
  nf_text_deinit(&s->others);
  *s = (nf_set){.lean = s->lean};
}

void nf_set_range(nf_set *s, uint32_t first, uint32_t last) {
  nf_text_printf(&s->items, first == last ? "\\x{%x}" : "\\x{%x}-\\x{%x}", first, last);
}

// Alternatives are atomic: one character that several of them match is matched in one way.
void nf_set_print(const nf_set *s, bool negated, nf_text *out) {
  if (s->items.failed || s->others.failed) out->failed = true;
  if (out->failed) return;
  const char *items = s->items.n ? s->items.at : "", *others = s->others.n ? s->others.at : "";
  if (!*items && !*others)
    nf_text_printf(out, negated ? "(?s:.)" : "(?!)");
  else if (!*others)
    nf_text_printf(out, negated ? "[^%s]" : "[%s]", items);
  else
    nf_text_printf(out, negated ? "(?>(?!%s%s%s%s)(?s:.))" : "(?>%s%s%s%s)", *items ? "[" : "", items,
                   *items ? "]" : "", *items ? others : others + 1);
}

void nf_set_add(nf_set *s, const nf_set *more, bool negated) {
  s->flags |= more->flags | (negated ? NF_SET_FOLDS : 0);
  if (negated) {
    nf_text_append(&s->others, "|", 1);
    nf_set_print(more, true, &s->others);
    return;
  }
  if (more->items.n) nf_text_append(&s->items, more->items.at, more->items.n);
  if (more->others.n) nf_text_append(&s->others, more->others.at, more->others.n);
}

// ---- escapes ----

static int hex_digit(char c) {
  static const char digits[] = "0123456789abcdef";
  const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c) : NULL;
  return at ? (int)(at - digits) : -1;
}

// Up to `most` digits, at least one, of a base.
static nf_status read_digits(nf_pattern *r, int base, size_t most, uint32_t *out) {
  size_t from = r->at;
  for (*out = 0; r->at - from < most; r->at++) {
    int digit = hex_digit(nf_peek(r, 0));
    if (digit < 0 || digit >= base) break;
    *out = *out * (uint32_t)base + (uint32_t)digit;
  }
  return r->at > from ? nf_ok() : nf_split_refuse("an escape without digits", from);
}

static nf_status read_number(nf_pattern *r, char kind, uint32_t *out) {
  size_t from = r->at;
  bool braced = kind != 'u' && nf_next_is(r, "{");
  r->at += braced;
  if (kind == 'o' && !braced) return nf_split_refuse("\\o without braces", from);
  NF_TRY(read_digits(r, kind == 'o' ? 8 : 16, braced ? 8 : kind == 'u' ? 4 : 2, out));
  if (kind == 'u' && r->at - from != 4) return nf_split_refuse("\\u without four digits", from);
  if (braced && nf_peek(r, 0) != '}') return nf_split_refuse("an escape without its brace", from);
  r->at += braced;
  if (*out > (braced || kind == 'u' ? 0x10ffff : 0x7f) || (*out >= 0xd800 && *out < 0xe000))
    return nf_split_refuse("an escape that is no character", from);
  return nf_ok();
}

uint32_t nf_take_char(nf_pattern *r) {
  size_t n;
  const uint32_t c = nf_utf8_char(r->p.at + r->at, &n);
  r->at += n;
  return c;
}

nf_status nf_set_escape(nf_pattern *r, uint32_t *out) {
  static const char letters[] = "tnrfaev", values[] = "\t\n\r\f\a\x1b\v";
  if (r->at == r->p.n) return nf_error(NF_BAD_INPUT, "broken pattern: it ends with a backslash");
  char c = r->p.at[r->at];
  const char *letter = c ? strchr(letters, c) : NULL;
  if (letter) return *out = (uint32_t)values[letter - letters], r->at++, nf_ok();
  if (c >= '0' && c <= '7') return read_digits(r, 8, c <= '1' ? 3 : 2, out);
  if (c && strchr("xuo", c)) return r->at++, read_number(r, c, out);
  if (c && strchr("cCM", c)) return nf_split_refuse("a control escape", r->at);
  return *out = nf_take_char(r), nf_ok();
}

// The rest of \p{…} or \P{…}, from its brace; a ^ turns *negated.
static nf_status read_braces(nf_set *s, nf_pattern *r, bool *negated) {
  const char *name = r->p.at + r->at + 1, *end = memchr(name, '}', r->p.n - r->at - 1);
  if (!end) return nf_split_refuse("a property without its brace", r->at);
  if (*name == '^') name++, *negated = !*negated;
  if (!nf_set_property(s, (nf_view){name, (size_t)(end - name)}, false))
    return nf_error(NF_BAD_INPUT, "pattern: \\p{%.*s} (byte %zu) is not supported",
                    end - name < 40 ? (int)(end - name) : 40, name, r->at);
  r->at = (size_t)(end - r->p.at) + 1;
  return nf_ok();
}

nf_status nf_set_backslash(nf_set *s, nf_pattern *r, bool *negated, bool *found) {
  const char c = nf_peek(r, 0);
  const bool braces = (c == 'p' || c == 'P') && nf_peek(r, 1) == '{';
  *found = braces || nf_set_letter(s, c, negated);
  r->at += *found;
  if (!braces) return nf_ok();
  *negated = c == 'P';
  return read_braces(s, r, negated);
}

bool nf_set_is_plain(uint32_t c) { return c < 0x80 || !nf_char_is_word(c); }

// ---- classes ----

// A set of its own within a class, which may be no end of a range.
static nf_status add_inner(nf_pattern *r, nf_set *s, nf_set *inner, bool negated) {
  nf_status st = nf_ok();
  if (nf_next_is(r, "-") && !nf_next_is(r, "-]")) st = nf_split_refuse("a range between sets", r->at);
  nf_set_add(s, inner, negated);
  nf_set_deinit(inner);
  return st;
}

// Whether [ begins a [:name:]; then it is added, or refused.
static bool is_posix(const nf_pattern *r, size_t *name_n) {
  size_t n = 2;
  while (nf_peek(r, n) >= 'a' && nf_peek(r, n) <= 'z') n++;
  *name_n = n - 2;
  return nf_peek(r, n) == ':' && nf_peek(r, n + 1) == ']';
}

static nf_status read_posix(nf_pattern *r, nf_set *s, size_t n) {
  nf_set inner = {.lean = s->lean};
  nf_view name = {r->p.at + r->at + 2, n};
  if (!nf_set_property(&inner, name, true)) {
    nf_set_deinit(&inner);
    return nf_error(NF_BAD_INPUT, "pattern: [:%.*s:] (byte %zu) is not supported", (int)n, name.at, r->at);
  }
  r->at += n + 4;
  return add_inner(r, s, &inner, false);
}

static nf_status read_nested(nf_pattern *r, nf_set *s) {
  nf_set inner = {.lean = s->lean};
  bool negated;
  size_t n;
  if (nf_next_is(r, "[:^")) return nf_split_refuse("a negated [:name:]", r->at);
  if (nf_next_is(r, "[:") && is_posix(r, &n)) return read_posix(r, s, n);
  nf_status st = nf_set_class(r, &inner, &negated);
  if (!nf_is_ok(st)) return nf_set_deinit(&inner), st;
  return add_inner(r, s, &inner, negated);
}

static nf_status read_set_escape(nf_pattern *r, nf_set *s, bool *found) {
  nf_set inner = {.lean = s->lean};
  bool negated = false;
  const bool escape = nf_peek(r, 0) == '\\';
  *found = false;
  r->at += escape;
  nf_status st = escape ? nf_set_backslash(&inner, r, &negated, found) : nf_ok();
  if (nf_is_ok(st) && *found) return add_inner(r, s, &inner, negated);
  r->at -= escape;
  nf_set_deinit(&inner);
  return st;
}

static nf_status read_char(nf_pattern *r, uint32_t *out) {
  if (nf_peek(r, 0) != '\\') return *out = nf_take_char(r), nf_ok();
  r->at++;
  return nf_next_is(r, "b") ? r->at++, *out = '\b', nf_ok() : nf_set_escape(r, out);
}

// Whether what follows is a hyphen and a character: \d and [ are none, and their hyphen is one itself.
static bool is_range(const nf_pattern *r) {
  const char c = nf_peek(r, 1), letter = nf_peek(r, 2);
  if (nf_peek(r, 0) != '-' || !c || strchr("][", c)) return false;
  return c != '\\' || !letter || !strchr("dDhHsSwWpP", letter);
}

static nf_status read_range(nf_pattern *r, nf_set *s) {
  size_t from = r->at;
  uint32_t first, last;
  NF_TRY(read_char(r, &first));
  last = first;
  if (is_range(r)) {
    r->at++;
    NF_TRY(read_char(r, &last));
  } else if (nf_next_is(r, "-") && !nf_next_is(r, "-]")) {
    return nf_split_refuse("a range between sets", r->at);
  }
  if (last < first)
    return nf_error(NF_BAD_INPUT, "broken pattern: an empty range in a class (byte %zu)", from);
  if (r->caseless && !(nf_set_is_plain(first) && nf_set_is_plain(last) && (last < 0x80 || first == last)))
    return nf_split_refuse("a letter beyond ASCII under (?i)", from);
  return nf_set_range(s, first, last), nf_ok();
}

static nf_status read_item(nf_pattern *r, nf_set *s) {
  bool is_set = r->p.at[r->at] == '[';
  size_t from = r->at;
  NF_TRY(is_set ? read_nested(r, s) : read_set_escape(r, s, &is_set));
  if (!is_set) return read_range(r, s);
  return r->caseless && s->flags & NF_SET_FOLDS ? nf_split_refuse("this set in a class under (?i)", from)
                                                : nf_ok();
}

// What stands between && and &&, or at the ends.
static nf_status read_side(nf_pattern *r, nf_set *s) {
  do {
    if (r->at == r->p.n) return nf_error(NF_BAD_INPUT, "broken pattern: a class is not closed");
    NF_TRY(read_item(r, s));
  } while (!nf_next_is(r, "]") && !nf_next_is(r, "&&"));
  return nf_ok();
}

// s becomes what both have.
static void intersect(nf_set *s, const nf_set *side) {
  nf_text both = {0};
  nf_text_append(&both, "|(?=", 4);
  nf_set_print(s, false, &both);
  nf_text_append(&both, ")", 1);
  nf_set_print(side, false, &both);
  nf_text_deinit(&s->items);
  nf_text_deinit(&s->others);
  s->items = (nf_text){0};
  s->others = both;
  s->flags |= side->flags;
}

static nf_status read_sides(nf_pattern *r, nf_set *s) {
  NF_TRY(read_side(r, s));
  while (nf_next_is(r, "&&")) {
    nf_set side = {.lean = s->lean};
    r->at += 2;
    nf_status st = nf_next_is(r, "]") || nf_next_is(r, "&&") ? nf_split_refuse("an empty side of &&", r->at)
                                                             : read_side(r, &side);
    intersect(s, &side);
    nf_set_deinit(&side);
    NF_TRY(st);
  }
  r->at++; // behind ]
  return nf_ok();
}

nf_status nf_set_class(nf_pattern *r, nf_set *s, bool *negated) {
  size_t from = r->at++;
  if (++r->depth > CLASSES_MAX) return nf_split_refuse("so many classes inside each other", from);
  if ((*negated = nf_next_is(r, "^"))) r->at++;
  if (nf_next_is(r, "&&")) return nf_split_refuse("an empty side of &&", r->at);
  if (nf_next_is(r, "]") && !memchr(r->p.at + r->at + 1, ']', r->p.n - r->at - 1))
    return nf_error(NF_BAD_INPUT, "broken pattern: an empty class (byte %zu)", from);
  NF_TRY(read_sides(r, s));
  r->depth--;
  return nf_ok();
}
