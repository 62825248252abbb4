// SPDX-License-Identifier: Apache-2.0
// Sets of characters as bytes.
#include "constrain/chars.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void nf_chars_deinit(nf_chars *s) {
  nf_free(s->at);
  *s = (nf_chars){0};
}

nf_status nf_chars_add(nf_chars *s, uint32_t lo, uint32_t hi) {
  if (!nf_grow(&s->at, &s->cap, s->n + 1, sizeof *s->at))
    return nf_error(NF_NO_MEMORY, "no memory for a set of characters");
  s->at[s->n++] = (nf_char_range){lo, hi};
  return nf_ok();
}

nf_status nf_chars_add_all(nf_chars *s, const nf_chars *more) {
  for (size_t i = 0; i < more->n; i++) NF_TRY(nf_chars_add(s, more->at[i].lo, more->at[i].hi));
  return nf_ok();
}

static int by_start(const void *a, const void *b) {
  const nf_char_range *x = a, *y = b;
  return (x->lo > y->lo) - (x->lo < y->lo);
}

void nf_chars_sort(nf_chars *s) {
  size_t n = 0;
  if (s->n > 1) qsort(s->at, s->n, sizeof *s->at, by_start);
  for (size_t i = 0; i < s->n; i++) {
    if (n != 0 && s->at[i].lo <= s->at[n - 1].hi + 1) {
      if (s->at[i].hi > s->at[n - 1].hi) s->at[n - 1].hi = s->at[i].hi;
    } else {
      s->at[n++] = s->at[i];
    }
  }
  s->n = n;
}

nf_status nf_chars_invert(nf_chars *s) {
  nf_chars others = {0};
  uint32_t next = 0;
  nf_status st = nf_ok();
  nf_chars_sort(s);
  for (size_t i = 0; i < s->n && nf_is_ok(st); next = s->at[i++].hi + 1)
    if (s->at[i].lo > next) st = nf_chars_add(&others, next, s->at[i].lo - 1);
  if (nf_is_ok(st) && next <= NF_CHAR_LAST) st = nf_chars_add(&others, next, NF_CHAR_LAST);
  nf_chars_deinit(s);
  *s = others;
  return st;
}

// ---- categories ----

static const struct {
  const char *name, *full;
  uint32_t categories; // bit k is utf8proc's category k
} categories[] = {
    {"L", "Letter", 0x3e},
    {"Lu", "Uppercase_Letter", 1 << UTF8PROC_CATEGORY_LU},
    {"Ll", "Lowercase_Letter", 1 << UTF8PROC_CATEGORY_LL},
    {"Lt", "Titlecase_Letter", 1 << UTF8PROC_CATEGORY_LT},
    {"Lm", "Modifier_Letter", 1 << UTF8PROC_CATEGORY_LM},
    {"Lo", "Other_Letter", 1 << UTF8PROC_CATEGORY_LO},
    {"M", "Mark", 1 << UTF8PROC_CATEGORY_MN | 1 << UTF8PROC_CATEGORY_MC | 1 << UTF8PROC_CATEGORY_ME},
    {"Mn", "Nonspacing_Mark", 1 << UTF8PROC_CATEGORY_MN},
    {"N", "Number", 1 << UTF8PROC_CATEGORY_ND | 1 << UTF8PROC_CATEGORY_NL | 1 << UTF8PROC_CATEGORY_NO},
    {"Nd", "Decimal_Number", 1 << UTF8PROC_CATEGORY_ND},
    {"P", "Punctuation",
     1 << UTF8PROC_CATEGORY_PC | 1 << UTF8PROC_CATEGORY_PD | 1 << UTF8PROC_CATEGORY_PS |
         1 << UTF8PROC_CATEGORY_PE | 1 << UTF8PROC_CATEGORY_PI | 1 << UTF8PROC_CATEGORY_PF |
         1 << UTF8PROC_CATEGORY_PO},
    {"S", "Symbol",
     1 << UTF8PROC_CATEGORY_SM | 1 << UTF8PROC_CATEGORY_SC | 1 << UTF8PROC_CATEGORY_SK |
         1 << UTF8PROC_CATEGORY_SO},
    {"Z", "Separator", 1 << UTF8PROC_CATEGORY_ZS | 1 << UTF8PROC_CATEGORY_ZL | 1 << UTF8PROC_CATEGORY_ZP},
    {"Zs", "Space_Separator", 1 << UTF8PROC_CATEGORY_ZS},
};

static nf_status add_all_of(nf_chars *s, uint32_t wanted) {
  for (uint32_t c = 0; c <= NF_CHAR_LAST; c++) {
    if (!(wanted >> utf8proc_category((utf8proc_int32_t)c) & 1)) continue;
    if (s->n != 0 && s->at[s->n - 1].hi + 1 == c)
      s->at[s->n - 1].hi = c;
    else
      NF_TRY(nf_chars_add(s, c, c));
  }
  return nf_ok();
}

nf_status nf_chars_add_category(nf_chars *s, nf_view name, bool *known) {
  *known = true;
  for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
    if (nf_view_equal(name, nf_view_of(categories[i].name)) ||
        nf_view_equal(name, nf_view_of(categories[i].full)))
      return add_all_of(s, categories[i].categories);
  return *known = false, nf_ok();
}

// ---- UTF-8 ----

typedef struct sink {
  nf_builder *b;
  uint32_t to;
  uint32_t tail[3]; // [k] from where k bytes of any continuation lead to `to`; 0: not made yet
} sink;

static uint32_t tail_of(sink *s, int n) {
  if (n == 0) return s->to;
  if (s->tail[n - 1] == 0) {
    const uint32_t next = tail_of(s, n - 1);
    s->tail[n - 1] = nf_add_state(s->b);
    nf_add_bytes(s->b, s->tail[n - 1], 0x80, 0xbf, next);
  }
  return s->tail[n - 1];
}

static void mark_begin(nf_builder *b, size_t first_edge, uint32_t from) {
  for (size_t i = first_edge; i < b->n_edges; i++)
    if (b->edge[i].from == from) b->edge[i].begins = true;
}

static bool all_are(const uint8_t *bytes, int n, uint8_t value) {
  while (n > 0 && bytes[n - 1] == value) n--;
  return n == 0;
}

// Sequences of n bytes from lo to hi, of one length and with one kind of first byte.
static void add_sequences(sink *s, uint32_t from, const uint8_t *lo, const uint8_t *hi, int n) {
  static const uint8_t least[] = {0x80, 0x80, 0x80}, most[] = {0xbf, 0xbf, 0xbf};
  int first = lo[0], last = hi[0];
  if (nf_builder_failed(s->b)) return;
  if (n == 1) return nf_add_bytes(s->b, from, first, last, s->to);
  const bool whole_lo = all_are(lo + 1, n - 1, 0x80), whole_hi = all_are(hi + 1, n - 1, 0xbf);
  if (first == last && !(whole_lo && whole_hi)) {
    const uint32_t next = nf_add_state(s->b);
    nf_add_bytes(s->b, from, first, first, next);
    return add_sequences(s, next, lo + 1, hi + 1, n - 1);
  }
  if (!whole_lo) {
    const uint32_t next = nf_add_state(s->b);
    nf_add_bytes(s->b, from, first, first, next);
    add_sequences(s, next, lo + 1, most, n - 1);
    first++;
  }
  if (!whole_hi) {
    const uint32_t next = nf_add_state(s->b);
    nf_add_bytes(s->b, from, last, last, next);
    add_sequences(s, next, least, hi + 1, n - 1);
    last--;
  }
  if (first <= last) nf_add_bytes(s->b, from, first, last, tail_of(s, n - 1));
}

static int encode(uint32_t c, uint8_t out[4]) {
  if (c < 0x80) return out[0] = (uint8_t)c, 1;
  const int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (int i = n - 1; i > 0; i--, c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3f));
  out[0] = (uint8_t)(0xf00 >> n | c);
  return n;
}

static void add_range(sink *s, uint32_t from, uint32_t lo, uint32_t hi) {
  // Of each length, and on both sides of the surrogates.
  static const nf_char_range parts[] = {
      {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, NF_CHAR_LAST}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const uint32_t first = lo > parts[i].lo ? lo : parts[i].lo, last = hi < parts[i].hi ? hi : parts[i].hi;
    uint8_t a[4], z[4];
    if (first > last) continue;
    const int n = encode(first, a);
    encode(last, z);
    add_sequences(s, from, a, z, n);
  }
}

// ---- JSON strings ----

static const char short_escapes[][2] = {{'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'},
                                        {'\t', 't'}, {'"', '"'},  {'\\', '\\'}};

static bool needs_escape(uint32_t c) { return c < 0x20 || c == '"' || c == '\\'; }

// How c, which needs an escape, is spelled: "\n", or "\u001f".
static int escape_of(uint32_t c, char out[8]) {
  for (size_t i = 0; i < sizeof short_escapes / sizeof *short_escapes; i++)
    if ((uint32_t)short_escapes[i][0] == c) return out[0] = '\\', out[1] = short_escapes[i][1], 2;
  return snprintf(out, 8, "\\u%04x", c);
}

static void add_escapes(sink *s, uint32_t from, uint32_t lo, uint32_t hi) {
  char spelled[8];
  for (uint32_t c = lo > 1 ? lo : 1; c <= hi && c <= '\\'; c++)
    if (needs_escape(c)) nf_add_text(s->b, from, (nf_view){spelled, (size_t)escape_of(c, spelled)}, s->to);
}

static void add_unescaped(sink *s, uint32_t from, uint32_t lo, uint32_t hi) {
  static const nf_char_range parts[] = {{0x20, 0x21}, {0x23, 0x5b}, {0x5d, NF_CHAR_LAST}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (lo <= parts[i].hi && hi >= parts[i].lo)
      add_range(s, from, lo > parts[i].lo ? lo : parts[i].lo, hi < parts[i].hi ? hi : parts[i].hi);
}

void nf_add_char(nf_builder *b, uint32_t from, const nf_chars *set, nf_spelling spelling, uint32_t to) {
  sink s = {.b = b, .to = to};
  const size_t first_edge = b->n_edges;
  for (size_t i = 0; i < set->n && !nf_builder_failed(b); i++) {
    const nf_char_range r = set->at[i];
    if (spelling == NF_SPELL_UTF8) {
      add_range(&s, from, r.lo, r.hi);
    } else {
      add_escapes(&s, from, r.lo, r.hi);
      add_unescaped(&s, from, r.lo, r.hi);
    }
  }
  mark_begin(b, first_edge, from);
}

void nf_add_plain_char(nf_builder *b, uint32_t from, uint32_t to) {
  sink s = {.b = b, .to = to};
  add_unescaped(&s, from, 0, NF_CHAR_LAST);
}

void nf_spell_json(nf_text *out, nf_view text) {
  char spelled[8];
  for (size_t i = 0; i < text.n; i++) {
    const uint8_t c = (uint8_t)text.at[i];
    if (needs_escape(c))
      nf_text_append(out, spelled, (size_t)escape_of(c, spelled));
    else
      nf_text_append(out, text.at + i, 1);
  }
}
