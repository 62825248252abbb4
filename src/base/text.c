// SPDX-License-Identifier: Apache-2.0
// Strings: growing, matching, numbers, near names, UTF-8.
#include "base/text.h"
#include "base/checked.h"
#include "base/memory.h"
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nf_view nf_view_of(const char *s) { return (nf_view){s, s != NULL ? strlen(s) : 0}; }

bool nf_view_equal(nf_view a, nf_view b) { return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0); }

bool nf_view_begins(nf_view v, nf_view with) {
  return v.n >= with.n && (with.n == 0 || memcmp(v.at, with.at, with.n) == 0);
}

bool nf_view_ends(nf_view v, nf_view with) {
  return v.n >= with.n && (with.n == 0 || memcmp(v.at + (v.n - with.n), with.at, with.n) == 0);
}

bool nf_glob(const char *pattern, const char *s) {
  const char *star = NULL, *retry = NULL;
  while (*s) {
    if (*pattern == '*')
      star = ++pattern, retry = s;
    else if (*pattern == *s && *s != ' ')
      pattern++, s++;
    else if (star != NULL)
      pattern = star, s = ++retry;
    else
      return false;
  }
  while (*pattern == '*') pattern++;
  return *pattern == 0 || *pattern == ' ';
}

static bool reserve(nf_text *t, size_t n) {
  size_t need;
  if (!t->failed &&
      (!nf_add_size(t->n, n, &need) || !nf_add_size(need, 1, &need) || !nf_grow(&t->at, &t->cap, need, 1)))
    t->failed = true;
  return !t->failed;
}

void nf_text_append(nf_text *t, const char *s, size_t n) {
  if (!reserve(t, n)) return;
  if (n) memcpy(t->at + t->n, s, n);
  t->n += n;
  t->at[t->n] = 0;
}

void nf_text_printf(nf_text *t, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  if (n < 0) t->failed = true;
  if (n >= 0 && reserve(t, (size_t)n)) {
    vsnprintf(t->at + t->n, (size_t)n + 1, fmt, again);
    t->n += (size_t)n;
  }
  va_end(again);
  va_end(args);
}

nf_status nf_text_status(const nf_text *t) {
  return t->failed ? nf_error(NF_NO_MEMORY, "no memory to grow a text of %zu bytes", t->n) : nf_ok();
}

void nf_text_deinit(nf_text *t) {
  nf_free(t->at);
  *t = (nf_text){0};
}

bool nf_parse_i64(nf_view s, int64_t *out) {
  size_t i = s.n && (s.at[0] == '-' || s.at[0] == '+');
  bool negative = i && s.at[0] == '-';
  int64_t value = 0;
  if (i == s.n) return false;
  for (; i < s.n; i++) {
    int digit = s.at[i] - '0';
    if (digit < 0 || digit > 9) return false;
    if (!nf_mul_i64(value, 10, &value)) return false;
    if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return false;
  }
  *out = value;
  return true;
}

bool nf_parse_f64(nf_view s, double *out) {
  char copy[401], *end;
  if (s.n >= sizeof copy || !s.n) return false;
  memcpy(copy, s.at, s.n);
  copy[s.n] = 0;
  if (strspn(copy, "+-.0123456789eE") != s.n) return false; // no spaces, no "0x", no "inf"
  locale_t c = newlocale(LC_ALL_MASK, "C", NULL);           // in glibc a static object: cheap and never NULL
  if (c == NULL) return false;
  double value = strtod_l(copy, &end, c);
  freelocale(c);
  if (end != copy + s.n || !isfinite(value)) return false;
  *out = value;
  return true;
}

#define NAME_MAX_NEAR 128

static size_t edit_distance(const char *a, size_t n, const char *b, size_t m) { // m <= NAME_MAX_NEAR
  size_t row[NAME_MAX_NEAR + 1];
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t change = diagonal + (a[i - 1] != b[j - 1]),
             gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = change < gap ? change : gap;
    }
  }
  return row[m];
}

const char *nf_nearest(const char *s, const char *const *names, size_t n) {
  size_t len = strlen(s), best = len / 3 + 1;
  const char *found = NULL;
  if (len > NAME_MAX_NEAR) return NULL;
  for (size_t i = 0; i < n; i++) {
    size_t m = strlen(names[i]);
    if (m > len + len / 3) continue;
    size_t d = edit_distance(names[i], m, s, len);
    if (d < best) best = d, found = names[i];
  }
  return found;
}

// RFC 3629 table 3-7 of Unicode: by first byte the length and the range of the second.
int nf_utf8_length(const char *s, size_t n) {
  const unsigned char *u = (const unsigned char *)s;
  if (u[0] < 0x80) return 1;
  int len = u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
  if (len == 0 || (size_t)len > n) return 0;
  unsigned lo = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
  unsigned hi = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;
  if (u[1] < lo || u[1] > hi) return 0;
  for (int i = 2; i < len; i++)
    if ((u[i] & 0xc0) != 0x80) return 0;
  return len;
}

size_t nf_utf8_check(const char *s, size_t n) {
  for (size_t i = 0; i < n;) {
    int len = nf_utf8_length(s + i, n - i);
    if (len == 0) return i;
    i += (size_t)len;
  }
  return n;
}

#define LINE_MAX_BYTES ((size_t)NF_LINE - 1)
#define ELLIPSIS "\xe2\x80\xa6"

// C0, DEL and C1 controls and the two Unicode line ends would break the one-line promise or drive a terminal.
static bool is_control(const unsigned char *s, int n) {
  if (n == 1) return s[0] < 0x20 || s[0] == 0x7f;
  if (n == 2) return s[0] == 0xc2 && s[1] < 0xa0;
  return n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9);
}

// Copies s to out (NF_LINE bytes) as one clean line.
static void clean(const char *s, size_t n, bool cut, char *out) {
  size_t used = 0, fits = 0; // fits: longest prefix of whole characters that leaves room for the ellipsis
  for (size_t i = 0; i < n;) {
    int len = nf_utf8_length(s + i, n - i);
    bool escape = len == 0 || is_control((const unsigned char *)s + i, len);
    size_t take = len ? (size_t)len : 1, put = escape ? 4 * take : take;
    if (used + put > LINE_MAX_BYTES) {
      cut = true;
      break;
    }
    for (size_t k = 0; escape && k < take; k++)
      snprintf(out + used + 4 * k, 5, "\\x%02x", (unsigned char)s[i + k]);
    if (!escape) memcpy(out + used, s + i, take);
    used += put, i += take;
    if (used + strlen(ELLIPSIS) <= LINE_MAX_BYTES) fits = used;
  }
  if (cut) {
    memcpy(out + fits, ELLIPSIS, strlen(ELLIPSIS));
    used = fits + strlen(ELLIPSIS);
  }
  out[used] = 0;
}

// A character cut in half by the buffer's end goes whole: it isn't hostile, it is too long.
static size_t whole_characters(const char *s, size_t n) {
  size_t back = 1;
  while (back < 4 && back < n && ((unsigned char)s[n - back] & 0xc0) == 0x80) back++;
  return back <= n && nf_utf8_length(s + n - back, back) == 0 ? n - back : n;
}

void nf_line(char out[NF_LINE], const char *fmt, va_list args) {
  char raw[NF_LINE];
  int want = vsnprintf(raw, sizeof raw, fmt, args);
  bool cut = want > (int)LINE_MAX_BYTES;
  size_t n = cut ? whole_characters(raw, LINE_MAX_BYTES) : want > 0 ? (size_t)want : 0;
  clean(raw, n, cut, out);
}
