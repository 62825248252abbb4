// SPDX-License-Identifier: Apache-2.0
// The bulk reader: a cursor over JSON text. What is cut out is checked where it is read, the rest by jansson.
#include "text/bulk_json.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

nf_bulk nf_bulk_of(nf_view value, size_t origin, const char *where) {
  return (nf_bulk){
      .text = value.at, .at = value.at, .end = value.at + value.n, .where = where, .origin = origin};
}

void nf_bulk_deinit(nf_bulk *b) { nf_text_deinit(&b->scratch); }

nf_status nf_bulk_error(const nf_bulk *b, const char *fmt, ...) {
  char what[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(what, sizeof what, fmt, args);
  va_end(args);
  return nf_error(NF_BAD_INPUT, "%s: byte %zu: %s", b->where, b->origin + (size_t)(b->at - b->text), what);
}

static void skip_space(nf_bulk *b) {
  while (b->at < b->end && (*b->at == ' ' || *b->at == '\n' || *b->at == '\r' || *b->at == '\t')) b->at++;
}

bool nf_bulk_take(nf_bulk *b, char c) {
  skip_space(b);
  if (b->at == b->end || *b->at != c) return false;
  b->at++;
  return true;
}

nf_status nf_bulk_expect(nf_bulk *b, char c) {
  return nf_bulk_take(b, c) ? nf_ok() : nf_bulk_error(b, "expected '%c'", c);
}

nf_status nf_bulk_end(nf_bulk *b) {
  skip_space(b);
  return b->at == b->end ? nf_ok() : nf_bulk_error(b, "text after the end of the value");
}

static bool hex4(nf_bulk *b, uint32_t *out) {
  if (b->end - b->at < 4) return false;
  *out = 0;
  for (int i = 0; i < 4; i++) {
    char c = *b->at++;
    uint32_t digit = c >= '0' && c <= '9'                 ? c - '0'
                     : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                          : 16;
    if (digit == 16) return false;
    *out = *out << 4 | digit;
  }
  return true;
}

static void append_utf8(nf_text *t, uint32_t c) {
  char s[4];
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n; i-- > 1; c >>= 6) s[i] = (char)(0x80 | (c & 0x3f));
  s[0] = (char)(n == 1 ? c : c | (0xf00u >> n & 0xf0));
  nf_text_append(t, s, n);
}

static nf_status unicode_escape(nf_bulk *b) {
  uint32_t c, low;
  if (!hex4(b, &c)) return nf_bulk_error(b, "\\u needs four hexadecimal digits");
  if (c >= 0xd800 && c < 0xdc00) {
    bool pair = b->end - b->at > 2 && b->at[0] == '\\' && b->at[1] == 'u' && (b->at += 2, hex4(b, &low)) &&
                low >= 0xdc00 && low < 0xe000;
    if (!pair) return nf_bulk_error(b, "a lone surrogate");
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  } else if (c >= 0xdc00 && c < 0xe000) {
    return nf_bulk_error(b, "a lone surrogate");
  }
  if (c == 0) return nf_bulk_error(b, "NUL in a string");
  append_utf8(&b->scratch, c);
  return nf_ok();
}

static nf_status escape(nf_bulk *b) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  if (b->at == b->end) return nf_bulk_error(b, "a string without end");
  char c = *b->at++;
  if (c == 'u') return unicode_escape(b);
  const char *name = c ? strchr(names, c) : NULL;
  if (!name) return nf_bulk_error(b, "an unknown escape");
  nf_text_append(&b->scratch, values + (name - names), 1);
  return nf_ok();
}

// Up to the next quote or backslash.
static nf_status plain_run(nf_bulk *b, nf_view *out) {
  const char *from = b->at;
  while (b->at < b->end && *b->at != '"' && *b->at != '\\' && (unsigned char)*b->at >= 0x20) b->at++;
  if (b->at == b->end) return nf_bulk_error(b, "a string without end");
  if ((unsigned char)*b->at < 0x20) return nf_bulk_error(b, "a control character in a string");
  *out = (nf_view){from, (size_t)(b->at - from)};
  return nf_ok();
}

nf_status nf_bulk_string(nf_bulk *b, nf_view *out) {
  NF_TRY(nf_bulk_expect(b, '"'));
  NF_TRY(plain_run(b, out));
  if (*b->at == '"') return b->at++, nf_ok();
  b->scratch.n = 0;
  nf_text_append(&b->scratch, out->at, out->n);
  while (*b->at == '\\') {
    b->at++;
    NF_TRY(escape(b));
    NF_TRY(plain_run(b, out));
    nf_text_append(&b->scratch, out->at, out->n);
  }
  b->at++;
  *out = (nf_view){b->scratch.at, b->scratch.n};
  return nf_text_status(&b->scratch);
}

nf_status nf_bulk_count(nf_bulk *b, uint32_t max, uint32_t *out) {
  skip_space(b);
  const char *from = b->at;
  uint64_t v = 0;
  while (b->at < b->end && *b->at >= '0' && *b->at <= '9' && v <= max)
    v = v * 10 + (uint64_t)(*b->at++ - '0');
  if (b->at == from || v > max || (*from == '0' && b->at - from > 1))
    return nf_bulk_error(b, "expected an integer from 0 to %u", max);
  *out = (uint32_t)v;
  return nf_ok();
}

// Any value, checked only as far as finding its end needs.
static nf_status skip_value(nf_bulk *b) {
  int depth = 0;
  nf_view ignored;
  do {
    skip_space(b);
    if (b->at == b->end) return nf_bulk_error(b, "the text ends within a value");
    char c = *b->at;
    if (c == '"') {
      NF_TRY(nf_bulk_string(b, &ignored));
      continue;
    }
    b->at++;
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') depth--;
    if (depth > DEPTH_MAX) return nf_bulk_error(b, "nested deeper than %d", DEPTH_MAX);
    if (depth < 0) return nf_bulk_error(b, "expected a value");
    if (depth == 0 && c != '}' && c != ']')
      while (b->at < b->end && !strchr(",]} \n\r\t", *b->at)) b->at++;
  } while (depth > 0);
  return nf_ok();
}

nf_status nf_bulk_members(nf_bulk *b, const char *const *key, size_t n, nf_view *cut) {
  NF_TRY(nf_bulk_expect(b, '{'));
  if (nf_bulk_take(b, '}')) return nf_ok();
  do {
    nf_view name;
    NF_TRY(nf_bulk_string(b, &name));
    size_t i = 0;
    while (i < n && !(cut[i].at == NULL && nf_view_equal(name, nf_view_of(key[i])))) i++;
    NF_TRY(nf_bulk_expect(b, ':'));
    skip_space(b);
    const char *from = b->at;
    NF_TRY(skip_value(b));
    if (i < n) cut[i] = (nf_view){from, (size_t)(b->at - from)};
  } while (nf_bulk_take(b, ','));
  return nf_bulk_expect(b, '}');
}

static void append_rest(nf_view text, const nf_view *cut, size_t n, nf_text *rest) {
  const char *at = text.at, *end = text.at + text.n;
  while (at < end) {
    const nf_view *next = NULL;
    for (size_t i = 0; i < n; i++)
      if (cut[i].at && cut[i].at >= at && (!next || cut[i].at < next->at)) next = &cut[i];
    nf_text_append(rest, at, (size_t)((next ? next->at : end) - at));
    if (next) nf_text_append(rest, "0", 1);
    at = next ? next->at + next->n : end;
  }
}

nf_status nf_bulk_cut(nf_view text, const char *where, const char *key, const char *const *large, size_t n,
                      nf_view *cut, nf_text *rest) {
  nf_bulk b = nf_bulk_of(text, 0, where);
  nf_view object = {0};
  memset(cut, 0, n * sizeof *cut);
  nf_status st = nf_bulk_members(&b, &key, 1, &object);
  if (nf_is_ok(st) && object.n > 0 && *object.at == '{') {
    b.at = object.at;
    st = nf_bulk_members(&b, large, n, cut);
  }
  nf_bulk_deinit(&b);
  NF_TRY(st);
  append_rest(text, cut, n, rest);
  return nf_text_status(rest);
}
