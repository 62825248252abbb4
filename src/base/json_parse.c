// SPDX-License-Identifier: Apache-2.0
// The JSON parser (RFC 8259): recursive descent over a text in memory, at most NF_JSON_DEPTH deep, building
// jansson's values. json.h says why it isn't jansson's.
#include "base/json.h"
#include <string.h>

typedef struct reader {
  const char *at, *where;
  size_t n, i;
  nf_text decoded; // of the last string that has escapes
} reader;

static nf_status bad(const reader *r, size_t at, const char *what) {
  size_t line = 1, start = 0;
  for (size_t i = 0; i < at; i++)
    if (r->at[i] == '\n') line++, start = i + 1;
  return nf_error(NF_BAD_INPUT, "%s: line %zu, column %zu (byte %zu): %s", r->where, line, at - start + 1, at,
                  what);
}

static nf_status no_memory(const reader *r) {
  return nf_error(NF_NO_MEMORY, "%s: no memory for this JSON of %zu bytes", r->where, r->n);
}

static nf_status made(const reader *r, json_t *value, json_t **out) {
  if (value == NULL) return no_memory(r);
  *out = value;
  return nf_ok();
}

static int peek(const reader *r) { return r->i < r->n ? (unsigned char)r->at[r->i] : -1; }

static bool accept(reader *r, char c) {
  if (peek(r) != c) return false;
  r->i++;
  return true;
}

static void skip_space(reader *r) {
  while (r->i < r->n && strchr(" \t\n\r", r->at[r->i]) != NULL && r->at[r->i] != '\0') r->i++;
}

static int hex4(const reader *r) { // at r->i; -1 when these are not four hex digits
  int value = 0;
  if (r->n - r->i < 4) return -1;
  for (size_t k = 0; k < 4; k++) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    char c = r->at[r->i + k];
    const char *d = c != '\0' ? strchr(digits, c) : NULL;
    if (d == NULL) return -1;
    value = value << 4 | (int)((d - digits) & 15);
  }
  return value;
}

static void append_utf8(nf_text *t, unsigned c) {
  char s[4];
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t k = n - 1; k > 0; k--, c >>= 6) s[k] = (char)(0x80 | (c & 0x3f));
  s[0] = (char)(lead[n] | c);
  nf_text_append(t, s, n);
}

// Behind "\u"; the second half of a surrogate pair is taken along.
static nf_status parse_unicode(reader *r) {
  size_t start = r->i - 2;
  int c = hex4(r);
  if (c < 0) return bad(r, start, "\\u wants four hex digits");
  r->i += 4;
  if (c == 0) return bad(r, start, "NUL in a string");
  if (c >= 0xd800 && c < 0xe000) {
    bool pair = c < 0xdc00 && accept(r, '\\') && accept(r, 'u');
    int low = pair ? hex4(r) : -1;
    if (low < 0xdc00 || low >= 0xe000) return bad(r, start, "half of a surrogate pair");
    r->i += 4;
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(&r->decoded, (unsigned)c);
  return nf_ok();
}

static nf_status parse_escape(reader *r) { // behind the backslash
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  int c = peek(r);
  if (c == 'u') return r->i++, parse_unicode(r);
  const char *e = c > 0 ? strchr(from, c) : NULL;
  if (e == NULL) return bad(r, r->i - 1, "unknown escape in a string");
  r->i++;
  nf_text_append(&r->decoded, to + (e - from), 1);
  return nf_ok();
}

// The length of what stands at r->i up to a quote or a backslash.
static nf_status plain_run(const reader *r, size_t *out_n) {
  size_t i = r->i;
  for (;;) {
    if (i == r->n) return bad(r, i, "the text ends inside a string");
    unsigned char c = (unsigned char)r->at[i];
    if (c == '"' || c == '\\') break;
    if (c < 0x20) return bad(r, i, "control character in a string: must be escaped");
    int len = nf_utf8_length(r->at + i, r->n - i);
    if (len == 0) return bad(r, i, "invalid UTF-8");
    i += (size_t)len;
  }
  *out_n = i - r->i;
  return nf_ok();
}

static nf_status parse_string(reader *r, json_t **out) { // behind the quote
  size_t n;
  NF_TRY(plain_run(r, &n));
  const char *start = r->at + r->i;
  r->i += n;
  if (accept(r, '"')) return made(r, json_stringn_nocheck(start, n), out);
  r->decoded.n = 0;
  nf_text_append(&r->decoded, start, n);
  while (!accept(r, '"')) {
    if (accept(r, '\\')) {
      NF_TRY(parse_escape(r));
      continue;
    }
    NF_TRY(plain_run(r, &n));
    nf_text_append(&r->decoded, r->at + r->i, n);
    r->i += n;
  }
  if (r->decoded.failed) return no_memory(r);
  return made(r, json_stringn_nocheck(r->decoded.at, r->decoded.n), out);
}

static bool skip_digits(reader *r) {
  size_t start = r->i;
  while (peek(r) >= '0' && peek(r) <= '9') r->i++;
  return r->i > start;
}

static nf_status parse_number(reader *r, json_t **out) {
  size_t start = r->i;
  (void)accept(r, '-');
  bool valid = accept(r, '0') || skip_digits(r), whole = true;
  if (valid && accept(r, '.')) whole = false, valid = skip_digits(r);
  if (valid && (accept(r, 'e') || accept(r, 'E'))) {
    whole = false;
    if (!accept(r, '+')) (void)accept(r, '-');
    valid = skip_digits(r);
  }
  if (!valid) return bad(r, start, "malformed number");
  nf_view s = {r->at + start, r->i - start};
  int64_t integer;
  double real;
  if (whole && nf_parse_i64(s, &integer)) return made(r, json_integer(integer), out);
  if (!nf_parse_f64(s, &real))
    return bad(r, start, "number beyond the range of a double, or above 400 characters");
  return made(r, json_real(real), out);
}

static nf_status parse_value(reader *r, int depth, json_t **out);

static nf_status parse_items(reader *r, int depth, json_t *array) {
  skip_space(r);
  if (accept(r, ']')) return nf_ok();
  for (;;) {
    json_t *item;
    NF_TRY(parse_value(r, depth, &item));
    if (json_array_append_new(array, item) != 0) return no_memory(r);
    skip_space(r);
    if (accept(r, ']')) return nf_ok();
    if (!accept(r, ',')) return bad(r, r->i, "expected ',' or ']'");
  }
}

// Behind the key: its colon, its value, and both into the object.
static nf_status parse_member(reader *r, int depth, json_t *object, size_t at, json_t *key) {
  const char *name = json_string_value(key);
  size_t n = json_string_length(key);
  if (json_object_getn(object, name, n) != NULL) return bad(r, at, "this key is there already");
  skip_space(r);
  if (!accept(r, ':')) return bad(r, r->i, "expected ':'");
  json_t *value;
  NF_TRY(parse_value(r, depth, &value));
  return json_object_setn_new_nocheck(object, name, n, value) == 0 ? nf_ok() : no_memory(r);
}

static nf_status parse_members(reader *r, int depth, json_t *object) {
  skip_space(r);
  if (accept(r, '}')) return nf_ok();
  for (;;) {
    skip_space(r);
    size_t at = r->i;
    json_t *key;
    if (!accept(r, '"')) return bad(r, at, "expected a key in quotes");
    NF_TRY(parse_string(r, &key));
    nf_status st = parse_member(r, depth, object, at, key);
    json_decref(key);
    NF_TRY(st);
    skip_space(r);
    if (accept(r, '}')) return nf_ok();
    if (!accept(r, ',')) return bad(r, r->i, "expected ',' or '}'");
  }
}

static nf_status parse_container(reader *r, int depth, json_t **out) {
  if (depth == NF_JSON_DEPTH) return bad(r, r->i, "more than 64 arrays and objects inside each other");
  bool is_array = r->at[r->i++] == '[';
  json_t *value = is_array ? json_array() : json_object();
  if (value == NULL) return no_memory(r);
  nf_status st = is_array ? parse_items(r, depth + 1, value) : parse_members(r, depth + 1, value);
  if (nf_is_ok(st))
    *out = value;
  else
    json_decref(value);
  return st;
}

static bool accept_word(reader *r, const char *word) {
  size_t n = strlen(word);
  if (r->n - r->i < n || memcmp(r->at + r->i, word, n) != 0) return false;
  r->i += n;
  return true;
}

static nf_status parse_value(reader *r, int depth, json_t **out) {
  skip_space(r);
  int c = peek(r);
  if (c == '{' || c == '[') return parse_container(r, depth, out);
  if (accept(r, '"')) return parse_string(r, out);
  if (c == '-' || (c >= '0' && c <= '9')) return parse_number(r, out);
  if (accept_word(r, "true")) return made(r, json_true(), out);
  if (accept_word(r, "false")) return made(r, json_false(), out);
  if (accept_word(r, "null")) return made(r, json_null(), out);
  return bad(r, r->i, c < 0 ? "the text ends where a value is expected" : "expected a value");
}

nf_status nf_json_parse(const char *text, size_t n, const char *where, nf_json *out) {
  *out = (nf_json){0};
  reader r = {.at = text, .where = where, .n = n};
  nf_json j = {0};
  nf_status st = parse_value(&r, 0, &j.root);
  nf_text_deinit(&r.decoded);
  NF_TRY(st);
  skip_space(&r);
  if (r.i < n)
    st = bad(&r, r.i, "text behind the end of the value");
  else if ((j.where = strdup(where)) == NULL)
    st = no_memory(&r);
  if (nf_is_ok(st))
    *out = j;
  else
    nf_json_deinit(&j);
  return st;
}
