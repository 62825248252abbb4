// SPDX-License-Identifier: Apache-2.0
// The words of a line of a graph's text.
#include "graph/scan.h"
#include <string.h>

static void skip_spaces(nf_scan *l) {
  while (l->rest.n && (*l->rest.at == ' ' || *l->rest.at == '\t')) l->rest.at++, l->rest.n--;
}

nf_view nf_scan_take(nf_scan *l, size_t n) {
  nf_view head = {l->rest.at, n};
  l->rest.at += n;
  l->rest.n -= n;
  return head;
}

static bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

nf_view nf_scan_word(nf_scan *l) {
  size_t n = 0;
  skip_spaces(l);
  while (n < l->rest.n && name_char(l->rest.at[n])) n++;
  return (nf_view){l->rest.at, n};
}

bool nf_scan_accept(nf_scan *l, char c) {
  skip_spaces(l);
  if (!l->rest.n || *l->rest.at != c) return false;
  nf_scan_take(l, 1);
  return true;
}

bool nf_scan_end(nf_scan *l) {
  skip_spaces(l);
  return l->rest.n == 0;
}

nf_status nf_scan_expected(const nf_scan *l, const char *what) {
  size_t n = l->rest.n < 40 ? l->rest.n : 40;
  if (!n) return nf_error(NF_BAD_INPUT, "%s is missing at the end of the line", what);
  return nf_error(NF_BAD_INPUT, "%s is expected before '%.*s'", what, (int)n, l->rest.at);
}

nf_status nf_scan_expect(nf_scan *l, char c) {
  char what[] = {'\'', c, '\'', 0};
  return nf_scan_accept(l, c) ? nf_ok() : nf_scan_expected(l, what);
}

nf_status nf_scan_name(nf_scan *l, const char *what, char out[NF_SCAN_NAME + 1]) {
  nf_view w = nf_scan_word(l);
  if (!w.n) return nf_scan_expected(l, what);
  if (w.n > NF_SCAN_NAME) return nf_error(NF_BAD_INPUT, "%s is longer than %d bytes", what, NF_SCAN_NAME);
  memcpy(out, nf_scan_take(l, w.n).at, w.n);
  out[w.n] = 0;
  return nf_ok();
}

// Up to and with the closing bracket.
nf_status nf_scan_type(nf_scan *l, nf_type *out) {
  skip_spaces(l);
  const char *end = l->rest.n ? memchr(l->rest.at, ']', l->rest.n) : NULL;
  if (!end) return nf_scan_expected(l, "a type");
  return nf_type_parse(nf_scan_take(l, (size_t)(end - l->rest.at) + 1), out);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// One byte of a string, or -1.
static int parse_byte(nf_scan *l) {
  if (!l->rest.n) return -1;
  char c = *nf_scan_take(l, 1).at;
  if (c != '\\') return (unsigned char)c >= 32 ? (unsigned char)c : -1;
  if (l->rest.n < 3 || l->rest.at[0] != 'x') return -1;
  int hi = hex_digit(l->rest.at[1]), lo = hex_digit(l->rest.at[2]);
  nf_scan_take(l, 3);
  return hi < 0 || lo < 0 || hi + lo == 0 ? -1 : hi * 16 + lo;
}

nf_status nf_scan_string(nf_scan *l, char out[NF_SCAN_STRING + 1]) {
  if (!nf_scan_accept(l, '"')) return nf_scan_expected(l, "a string");
  for (size_t n = 0; n <= NF_SCAN_STRING; n++) {
    if (l->rest.n && *l->rest.at == '"') {
      nf_scan_take(l, 1);
      out[n] = 0;
      return nf_ok();
    }
    int c = parse_byte(l);
    if (c < 0) return nf_error(NF_BAD_INPUT, "a string does not end or holds a byte that must be \\xNN");
    out[n] = (char)c;
  }
  return nf_error(NF_BAD_INPUT, "a string is longer than %d bytes", NF_SCAN_STRING);
}

bool nf_scan_accept_word(nf_scan *l, const char *word) {
  const nf_view w = nf_scan_word(l);
  if (!nf_view_equal(w, nf_view_of(word))) return false;
  nf_scan_take(l, w.n);
  return true;
}

nf_status nf_scan_expect_word(nf_scan *l, const char *word, const char *what) {
  return nf_scan_accept_word(l, word) ? nf_ok() : nf_scan_expected(l, what);
}

nf_status nf_scan_count(nf_scan *l, const char *what, int64_t *out) {
  const nf_view w = nf_scan_word(l);
  if (!nf_parse_i64(w, out) || *out < 0) return nf_scan_expected(l, what);
  nf_scan_take(l, w.n);
  return nf_ok();
}
