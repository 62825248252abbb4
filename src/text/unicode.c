// SPDX-License-Identifier: Apache-2.0
// The tables of what is new, the character classes that added tokens need, and form C, through utf8proc.
//
// Form C only where it can matter: text between two characters that never change nor join is copied as it is.
// The marks are sorted here, because utf8proc does it in quadratic time.
#include "text/unicode.h"
#include "base/memory.h"
#include <string.h>
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

// The first row that does not end before c, or n.
static size_t row_of(const nf_new_chars *row, size_t n, uint32_t c) {
  size_t lo = 0, hi = n;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (row[mid].last < c)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
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
    size_t row = row_of(nf_unicode_new, nf_unicode_new_n, c);
    end = row < nf_unicode_new_n ? nf_unicode_new[row].first : UINT32_MAX;
    if (c >= end) return true;
    first = row ? nf_unicode_new[row - 1].last + 1 : 0;
  }
  return false;
}

bool nf_char_is_printable(uint32_t c) {
  const utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
  return c == ' ' || (k != UTF8PROC_CATEGORY_CN && k < UTF8PROC_CATEGORY_ZS);
}

// Besides categories: joiners, and the circled and squared letters, which are alphabetic symbols.
bool nf_char_is_word(uint32_t c) {
  const size_t row = row_of(nf_unicode_new, nf_unicode_new_n, c);
  const bool newer = row < nf_unicode_new_n && nf_unicode_new[row].first <= c;
  return 1u << utf8proc_category((utf8proc_int32_t)c) & NF_WORD || c == 0x200c || c == 0x200d ||
         (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
         (c >= 0x1f170 && c <= 0x1f189) || (newer && nf_unicode_new[row].category & NF_WORD);
}

// ---- form C ----

enum { DECOMPOSED_MAX = 8 }; // of one character; the longest have four

// What a character may do to its neighbours: join them or change; be joined by what follows; nothing at all.
typedef enum kind { ACTIVE, INERT, ALONE } kind;

// Characters that have no part in normalising before Unicode 10: for tokenizers they are like any unknown
// one.
static bool is_newer(uint32_t c) {
  static const nf_new_chars rows[] = {
#define NEW(begin, end) {.first = begin, .last = end},
#include "text/nfc_new.def"
#undef NEW
  };
  const size_t n = sizeof rows / sizeof *rows, row = row_of(rows, n, c);
  return row < n && rows[row].first <= c;
}

static uint8_t class_of(int32_t c) { return (uint8_t)utf8proc_get_property(c)->combining_class; }

// INERT only for characters that form C leaves alone and that never join the character before them. Rather
// ACTIVE than wrong: letters with a decomposition, all marks and the conjoining jamo are that.
static kind kind_of(uint32_t c) {
  if (c < 0x300) return INERT;
  if ((c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3)) return INERT;
  if (c >= 0x1100 && c <= 0x11ff) return ACTIVE;
  if (is_newer(c)) return ALONE;
  const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
  bool inert = p->combining_class == 0 && !(1u << p->category & NF_M) &&
               (p->decomp_seqindex == UINT16_MAX || p->decomp_type != 0);
  return inert ? INERT : ACTIVE;
}

// The first active character of s at or after `from`; *before is where what it may join begins.
static size_t next_active(nf_view s, size_t from, size_t *before) {
  *before = from;
  for (size_t at = from, n; at < s.n; at += n) {
    kind k = INERT;
    if ((unsigned char)s.at[at] < 0xcc) // below U+0300
      n = (unsigned char)s.at[at] < 0x80 ? 1 : 2;
    else
      k = kind_of(nf_utf8_char(s.at + at, &n));
    if (k == ACTIVE) return at;
    *before = k == INERT ? at : at + n;
  }
  return s.n;
}

static size_t next_inert(nf_view s, size_t from) {
  for (size_t n; from < s.n; from += n)
    if (kind_of(nf_utf8_char(s.at + from, &n)) != ACTIVE) return from;
  return s.n;
}

// Characters while they are decomposed, and room for sorting them.
typedef struct work {
  int32_t *at, *sorted;
  size_t n, cap, sorted_cap;
} work;

static nf_status decompose(work *w, nf_view s) {
  int boundary = 0;
  w->n = 0;
  for (size_t at = 0, n; at < s.n; at += n) {
    int32_t c = (int32_t)nf_utf8_char(s.at + at, &n);
    if (!nf_grow(&w->at, &w->cap, w->n + DECOMPOSED_MAX, sizeof *w->at))
      return nf_error(NF_NO_MEMORY, "no memory for normalising");
    utf8proc_ssize_t made = utf8proc_decompose_char(c, w->at + w->n, DECOMPOSED_MAX,
                                                    UTF8PROC_STABLE | UTF8PROC_COMPOSE, &boundary);
    if (made < 0 || made > DECOMPOSED_MAX) return nf_error(NF_INTERNAL, "NFC: %s", utf8proc_errmsg(made));
    w->n += (size_t)made;
  }
  return nf_ok();
}

// Sorts a row of marks by class, those of one class as they come: in time that grows with their number.
static nf_status sort_marks(work *w, size_t from, size_t to) {
  size_t place[256] = {0}, sum = 0;
  if (!nf_grow(&w->sorted, &w->sorted_cap, to - from, sizeof *w->sorted))
    return nf_error(NF_NO_MEMORY, "no memory for normalising");
  for (size_t i = from; i < to; i++) place[class_of(w->at[i])]++;
  for (size_t k = 0; k < 256; k++) {
    size_t n = place[k];
    place[k] = sum, sum += n;
  }
  for (size_t i = from; i < to; i++) w->sorted[place[class_of(w->at[i])]++] = w->at[i];
  memcpy(w->at + from, w->sorted, (to - from) * sizeof *w->at);
  return nf_ok();
}

static nf_status sort_all(work *w) {
  for (size_t from = 0, to; from < w->n; from = to + 1) {
    bool sorted = true;
    for (to = from; to < w->n && class_of(w->at[to]); to++)
      sorted &= to == from || class_of(w->at[to - 1]) <= class_of(w->at[to]);
    if (!sorted) NF_TRY(sort_marks(w, from, to));
  }
  return nf_ok();
}

static nf_status append_nfc(work *w, nf_view s, nf_text *out) {
  NF_TRY(decompose(w, s));
  NF_TRY(sort_all(w));
  utf8proc_ssize_t n =
      utf8proc_normalize_utf32(w->at, (utf8proc_ssize_t)w->n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (n < 0) return nf_error(NF_INTERNAL, "NFC: %s", utf8proc_errmsg(n));
  for (utf8proc_ssize_t i = 0; i < n; i++) {
    utf8proc_uint8_t bytes[4];
    nf_text_append(out, (const char *)bytes, (size_t)utf8proc_encode_char(w->at[i], bytes));
  }
  return nf_ok();
}

static nf_status normalise(work *w, nf_view text, nf_text *buffer, nf_view *out) {
  size_t done = 0, before, active;
  buffer->n = 0;
  while ((active = next_active(text, done, &before)) < text.n) {
    size_t end = next_inert(text, active);
    nf_text_append(buffer, text.at + done, before - done);
    NF_TRY(append_nfc(w, (nf_view){text.at + before, end - before}, buffer));
    done = end;
  }
  if (done == 0) return *out = text, nf_ok();
  nf_text_append(buffer, text.at + done, text.n - done);
  *out = (nf_view){buffer->at, buffer->n};
  return nf_text_status(buffer);
}

nf_status nf_nfc(nf_view text, nf_text *buffer, nf_view *out) {
  work w = {0};
  nf_status st = normalise(&w, text, buffer, out);
  nf_free(w.at);
  nf_free(w.sorted);
  return st;
}
