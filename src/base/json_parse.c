// SPDX-License-Identifier: Apache-2.0
// The JSON parser (RFC 8259): recursive descent over a text in memory, at most NF_JSON_DEPTH deep, building
// jansson's values. json.h says why it isn't jansson's.
#include "base/json_reader.h"
#include <stdarg.h>
#include <string.h>

nf_status nf_json_bad(const nf_json_reader *r, size_t at, const char *fmt, ...) {
  char what[NF_LINE];
  va_list args;
  va_start(args, fmt);
  nf_line(what, fmt, args);
  va_end(args);
  size_t line = 1, start = 0;
  for (size_t i = 0; i < at; i++)
    if (r->text[i] == '\n') line++, start = i + 1;
  return nf_error(NF_BAD_INPUT, "%s: line %zu, column %zu (byte %zu): %s", r->where, line, at - start + 1, at,
                  what);
}

static nf_status no_memory(const nf_json_reader *r) {
  return nf_error(NF_NO_MEMORY, "%s: no memory for this JSON of %zu bytes", r->where, r->n);
}

static nf_status made(const nf_json_reader *r, json_t *value, json_t **out) {
  if (value == NULL) return no_memory(r);
  *out = value;
  return nf_ok();
}

static int peek(const nf_json_reader *r) { return r->at < r->n ? (unsigned char)r->text[r->at] : -1; }

static bool accept(nf_json_reader *r, char c) {
  if (peek(r) != c) return false;
  r->at++;
  return true;
}

void nf_json_skip_space(nf_json_reader *r) {
  for (int c; (c = peek(r)) == ' ' || c == '\n' || c == '\r' || c == '\t';) r->at++;
}

bool nf_json_take(nf_json_reader *r, char c) {
  nf_json_skip_space(r);
  return accept(r, c);
}

nf_status nf_json_expect(nf_json_reader *r, char c) {
  return nf_json_take(r, c) ? nf_ok() : nf_json_bad(r, r->at, "expected '%c'", c);
}

// ---- strings ----

static int hex4(nf_json_reader *r) { // -1 when these are not four hex digits
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  int value = 0;
  for (size_t k = 0; k < 4; k++) {
    const int c = peek(r);
    const char *d = c > 0 ? strchr(digits, c) : NULL;
    if (d == NULL) return -1;
    value = value << 4 | (int)((d - digits) & 15);
    r->at++;
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
static nf_status read_unicode(nf_json_reader *r) {
  size_t start = r->at - 2;
  int c = hex4(r);
  if (c < 0) return nf_json_bad(r, start, "\\u wants four hex digits");
  if (c == 0 && !r->nul) return nf_json_bad(r, start, "NUL in a string");
  if (c >= 0xd800 && c < 0xe000) {
    bool pair = c < 0xdc00 && accept(r, '\\') && accept(r, 'u');
    int low = pair ? hex4(r) : -1;
    if (low < 0xdc00 || low >= 0xe000) return nf_json_bad(r, start, "half of a surrogate pair");
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(&r->decoded, (unsigned)c);
  return nf_ok();
}

static nf_status read_escape(nf_json_reader *r) { // behind the backslash
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  int c = peek(r);
  const char *e = c > 0 ? strchr(from, c) : NULL;
  if (c != 'u' && e == NULL) return nf_json_bad(r, r->at - 1, "unknown escape in a string");
  r->at++;
  if (c == 'u') return read_unicode(r);
  nf_text_append(&r->decoded, to + (e - from), 1);
  return nf_ok();
}

// What stands there up to a quote or a backslash.
static nf_status plain_run(nf_json_reader *r, nf_view *out) {
  const size_t from = r->at;
  for (int c; (c = peek(r)) != '"' && c != '\\';) {
    if (c < 0) return nf_json_bad(r, r->at, "the text ends inside a string");
    if (c < 0x20) return nf_json_bad(r, r->at, "control character in a string: must be escaped");
    const int len = c < 0x80 ? 1 : nf_utf8_length(r->text + r->at, r->n - r->at);
    if (len == 0) return nf_json_bad(r, r->at, "invalid UTF-8");
    r->at += (size_t)len;
  }
  *out = (nf_view){r->text + from, r->at - from};
  return nf_ok();
}

nf_status nf_json_read_string(nf_json_reader *r, nf_view *out) {
  NF_TRY(nf_json_expect(r, '"'));
  NF_TRY(plain_run(r, out));
  if (accept(r, '"')) return nf_ok();
  r->decoded.n = 0;
  nf_text_append(&r->decoded, out->at, out->n);
  while (accept(r, '\\')) {
    NF_TRY(read_escape(r));
    NF_TRY(plain_run(r, out));
    nf_text_append(&r->decoded, out->at, out->n);
  }
  r->at++;
  *out = (nf_view){r->decoded.at, r->decoded.n};
  return r->decoded.failed ? no_memory(r) : nf_ok();
}

// ---- values ----

typedef struct parser {
  nf_json_reader r;
  nf_json_cut *cut;
  size_t cuts;
  const char *member; // of the root, which is being read
} parser;

static bool skip_digits(nf_json_reader *r) {
  size_t start = r->at;
  while (peek(r) >= '0' && peek(r) <= '9') r->at++;
  return r->at > start;
}

static nf_status parse_number(nf_json_reader *r, json_t **out) {
  size_t start = r->at;
  (void)accept(r, '-');
  bool valid = accept(r, '0') || skip_digits(r), whole = true;
  if (valid && accept(r, '.')) whole = false, valid = skip_digits(r);
  if (valid && (accept(r, 'e') || accept(r, 'E'))) {
    whole = false;
    if (!accept(r, '+')) (void)accept(r, '-');
    valid = skip_digits(r);
  }
  if (!valid) return nf_json_bad(r, start, "malformed number");
  nf_view s = {r->text + start, r->at - start};
  int64_t integer;
  double real;
  if (whole && nf_parse_i64(s, &integer)) return made(r, json_integer(integer), out);
  if (!nf_parse_f64(s, &real))
    return nf_json_bad(r, start, "number beyond the range of a double, or above 400 characters");
  return made(r, json_real(real), out);
}

static nf_status parse_value(parser *p, int depth, json_t **out);

static nf_status parse_items(parser *p, int depth, json_t *array) {
  if (nf_json_take(&p->r, ']')) return nf_ok();
  do {
    json_t *item;
    NF_TRY(parse_value(p, depth, &item));
    if (json_array_append_new(array, item) != 0) return no_memory(&p->r);
  } while (nf_json_take(&p->r, ','));
  return nf_json_take(&p->r, ']') ? nf_ok() : nf_json_bad(&p->r, p->r.at, "expected ',' or ']'");
}

static nf_status too_deep(const nf_json_reader *r) {
  return nf_json_bad(r, r->at, "more than %d arrays and objects inside each other", NF_JSON_DEPTH);
}

static nf_status skip_value(nf_json_reader *r) {
  int depth = 0;
  nf_view ignored;
  do {
    nf_json_skip_space(r);
    const int c = peek(r);
    if (c < 0) return nf_json_bad(r, r->at, "the text ends within a value");
    if (c == '"') {
      NF_TRY(nf_json_read_string(r, &ignored));
      continue;
    }
    r->at++;
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') depth--;
    if (depth > NF_JSON_DEPTH) return too_deep(r);
    if (depth < 0) return nf_json_bad(r, r->at - 1, "expected a value");
    if (depth == 0 && c != '}' && c != ']')
      while (r->at < r->n && !strchr(",]} \n\r\t", r->text[r->at])) r->at++;
  } while (depth > 0);
  return nf_ok();
}

static nf_json_cut *cut_of(const parser *p, int depth, const char *key) {
  for (nf_json_cut *c = p->cut; c && c < p->cut + p->cuts; c++) {
    const bool here = c->object ? depth == 2 && strcmp(c->object, p->member) == 0 : depth == 1;
    if (here && strcmp(c->key, key) == 0) return c;
  }
  return NULL;
}

// The colon and the value behind a key.
static nf_status parse_member(parser *p, int depth, const char *key, json_t **out) {
  NF_TRY(nf_json_expect(&p->r, ':'));
  if (depth == 1) p->member = key;
  nf_json_cut *cut = cut_of(p, depth, key);
  if (cut == NULL) return parse_value(p, depth, out);
  nf_json_skip_space(&p->r);
  cut->at = p->r.at;
  NF_TRY(cut->skip ? skip_value(&p->r) : parse_value(p, depth, out));
  cut->n = p->r.at - cut->at;
  return cut->skip ? made(&p->r, json_null(), out) : nf_ok();
}

static nf_status parse_members(parser *p, int depth, json_t *object) {
  nf_json_reader *r = &p->r;
  if (nf_json_take(r, '}')) return nf_ok();
  do {
    nf_json_skip_space(r);
    const size_t at = r->at;
    nf_view name;
    json_t *value = NULL;
    if (peek(r) != '"') return nf_json_bad(r, at, "expected a key in quotes");
    NF_TRY(nf_json_read_string(r, &name));
    if (memchr(name.at, 0, name.n) != NULL) return nf_json_bad(r, at, "NUL in a key");
    json_t *key = json_stringn_nocheck(name.at, name.n); // the reader's string is gone behind the value
    if (key == NULL) return no_memory(r);
    const char *own = json_string_value(key);
    nf_status st = json_object_get(object, own) == NULL ? parse_member(p, depth, own, &value)
                                                        : nf_json_bad(r, at, "this key is there already");
    if (nf_is_ok(st) && json_object_set_new_nocheck(object, own, value) != 0) st = no_memory(r);
    json_decref(key);
    NF_TRY(st);
  } while (nf_json_take(r, ','));
  return nf_json_take(r, '}') ? nf_ok() : nf_json_bad(r, r->at, "expected ',' or '}'");
}

static nf_status parse_container(parser *p, int depth, json_t **out) {
  nf_json_reader *r = &p->r;
  if (depth == NF_JSON_DEPTH) return too_deep(r);
  bool is_array = r->text[r->at++] == '[';
  json_t *value = is_array ? json_array() : json_object();
  if (value == NULL) return no_memory(r);
  nf_status st = is_array ? parse_items(p, depth + 1, value) : parse_members(p, depth + 1, value);
  if (nf_is_ok(st))
    *out = value;
  else
    json_decref(value);
  return st;
}

static bool accept_word(nf_json_reader *r, const char *word) {
  size_t n = strlen(word);
  if (r->n - r->at < n || memcmp(r->text + r->at, word, n) != 0) return false;
  r->at += n;
  return true;
}

static nf_status parse_value(parser *p, int depth, json_t **out) {
  nf_json_reader *r = &p->r;
  nf_json_skip_space(r);
  int c = peek(r);
  if (c == '{' || c == '[') return parse_container(p, depth, out);
  if (c == '-' || (c >= '0' && c <= '9')) return parse_number(r, out);
  if (accept_word(r, "true")) return made(r, json_true(), out);
  if (accept_word(r, "false")) return made(r, json_false(), out);
  if (accept_word(r, "null")) return made(r, json_null(), out);
  if (c != '"')
    return nf_json_bad(r, r->at, c < 0 ? "the text ends where a value is expected" : "expected a value");
  nf_view string;
  NF_TRY(nf_json_read_string(r, &string));
  return made(r, json_stringn_nocheck(string.at, string.n), out);
}

static nf_status parse_all(parser p, nf_json *out) {
  *out = (nf_json){0};
  nf_json j = {0};
  nf_status st = parse_value(&p, 0, &j.root);
  nf_text_deinit(&p.r.decoded);
  NF_TRY(st);
  nf_json_skip_space(&p.r);
  if (p.r.at < p.r.n)
    st = nf_json_bad(&p.r, p.r.at, "text behind the end of the value");
  else if ((j.where = strdup(p.r.where)) == NULL)
    st = no_memory(&p.r);
  if (nf_is_ok(st))
    *out = j;
  else
    nf_json_deinit(&j);
  return st;
}

nf_status nf_json_parse_cut(const char *text, size_t n, const char *where, nf_json_cut *cut, size_t cuts,
                            nf_json *out) {
  return parse_all((parser){{.text = text, .where = where, .n = n}, cut, cuts, ""}, out);
}

nf_status nf_json_parse(const char *text, size_t n, const char *where, nf_json *out) {
  return nf_json_parse_cut(text, n, where, NULL, 0, out);
}

nf_status nf_json_parse_nul(const char *text, size_t n, const char *where, nf_json *out) {
  return parse_all((parser){{.text = text, .where = where, .n = n, .nul = true}, NULL, 0, ""}, out);
}
