// SPDX-License-Identifier: Apache-2.0
// JSON values as parts of an automaton.
#include "constrain/json_text.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nf_view text_of(const char *s) { return nf_view_of(s); }

void nf_add_blank(nf_builder *b, uint32_t from, char c, uint32_t to) {
  const uint32_t behind = nf_add_state(b);
  nf_add_bytes(b, from, (uint8_t)c, (uint8_t)c, behind);
  nf_add_optional(b, behind, ' ', to);
}

// ---- strings ----

static void add_hex(nf_builder *b, uint32_t from, const char *digits, uint32_t to) {
  for (; *digits != '\0'; digits++) nf_add_bytes(b, from, *digits, *digits, to);
}

// Four digits: of a character that needs no second one, or two escapes that are one character. No NUL.
static void add_unicode_escape(nf_builder *b, uint32_t from, uint32_t to) {
  static const char all[] = "0123456789abcdefABCDEF", digits[] = "123456789abcefABCEF", low[] = "01234567",
                    high[] = "89abAB", last[] = "cdefCDEF", not_zero[] = "123456789abcdefABCDEF";
  uint32_t s[13];
  for (size_t i = 0; i < sizeof s / sizeof *s; i++) s[i] = nf_add_state(b);
  add_hex(b, from, digits, s[0]); // 1 to 9, a to f but for d
  add_hex(b, s[0], all, s[1]);
  add_hex(b, s[1], all, s[2]);
  add_hex(b, s[2], all, to);
  add_hex(b, from, "0", s[3]);
  add_hex(b, s[3], not_zero, s[1]);
  add_hex(b, s[3], "0", s[4]);
  add_hex(b, s[4], not_zero, s[2]);
  add_hex(b, s[4], "0", s[5]);
  add_hex(b, s[5], not_zero, to);
  add_hex(b, from, "dD", s[6]);
  add_hex(b, s[6], low, s[1]);
  add_hex(b, s[6], high, s[7]); // d8 to db
  add_hex(b, s[7], all, s[8]);
  add_hex(b, s[8], all, s[9]);
  nf_add_text(b, s[9], text_of("\\u"), s[10]);
  add_hex(b, s[10], "dD", s[11]);
  add_hex(b, s[11], last, s[1]);
}

static void add_character(nf_builder *b, uint32_t from, uint32_t to) {
  const uint32_t escape = nf_add_state(b), unicode = nf_add_state(b);
  nf_add_plain_char(b, from, to);
  nf_add_bytes(b, from, '\\', '\\', escape);
  add_hex(b, escape, "\"\\/bfnrt", to);
  nf_add_bytes(b, escape, 'u', 'u', unicode);
  add_unicode_escape(b, unicode, to);
}

// Behind the first quote: a rule, as most of a text is strings, wherever they stand.
static nf_rule string_rule(nf_builder *b, nf_json_rules *r) {
  if (r->string.end != 0 || nf_builder_failed(b)) return r->string;
  r->string = nf_add_rule(b);
  add_character(b, r->string.start, r->string.start);
  nf_add_bytes(b, r->string.start, '"', '"', r->string.end);
  return r->string;
}

static nf_rule character_rule(nf_builder *b, nf_json_rules *r) {
  if (r->character.end != 0 || nf_builder_failed(b)) return r->character;
  r->character = nf_add_rule(b);
  add_character(b, r->character.start, r->character.end);
  return r->character;
}

void nf_add_any_string(nf_builder *b, nf_json_rules *r, uint32_t from, uint32_t to) {
  const uint32_t open = nf_add_state(b);
  nf_add_bytes(b, from, '"', '"', open);
  nf_add_call(b, open, string_rule(b, r), to);
}

void nf_add_string_of(nf_builder *b, nf_json_rules *r, uint32_t from, int64_t least, int64_t most,
                      uint32_t to) {
  uint32_t at = nf_add_state(b);
  nf_add_bytes(b, from, '"', '"', at);
  for (int64_t n = 0; (n < least || n < most) && !nf_builder_failed(b); n++) {
    const uint32_t next = nf_add_state(b);
    if (n >= least) nf_add_bytes(b, at, '"', '"', to);
    nf_add_call(b, at, character_rule(b, r), next);
    at = next;
  }
  if (most >= 0)
    nf_add_bytes(b, at, '"', '"', to);
  else
    nf_add_call(b, at, string_rule(b, r), to);
}

// ---- names ----

void nf_add_name(nf_builder *b, uint32_t from, nf_view name, uint32_t to) {
  nf_text text = {0};
  nf_text_append(&text, "\"", 1);
  nf_spell_json(&text, name);
  nf_text_append(&text, "\"", 1);
  if (text.failed)
    b->failure = nf_status_join(b->failure, nf_text_status(&text));
  else
    nf_add_text(b, from, nf_text_view(&text), to);
  nf_text_deinit(&text);
}

static int by_bytes(const void *a, const void *b) {
  const nf_view *x = a, *y = b;
  const int order = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);
  return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static uint32_t char_at(nf_view s, size_t at, size_t *n) {
  const uint8_t *p = (const uint8_t *)s.at + at;
  *n = (size_t)nf_utf8_length(s.at + at, s.n - at);
  uint32_t c = *n == 1 ? p[0] : p[0] & (0x7fu >> *n);
  for (size_t i = 1; i < *n; i++) c = c << 6 | (p[i] & 0x3f);
  return c;
}

typedef struct others {
  nf_builder *b;
  nf_view *name;
  nf_chars set;  // scratch
  uint32_t rest; // in a string that is no name any more
  uint32_t to;   // behind the closing quote
} others;

typedef struct branch { // names [first, end) that agree in their first `at` bytes, which have led to `from`
  size_t first, end, at;
  uint32_t from;
} branch;

// The names of a branch part by their next character; any other leads to the rest.
static void part(others *o, branch r, branch *left, size_t *n_left) {
  size_t i = r.first;
  bool is_name = false;
  o->set.n = 0;
  for (; i < r.end && o->name[i].n == r.at; i++) is_name = true;
  if (!is_name) nf_add_bytes(o->b, r.from, '"', '"', o->to);
  while (i < r.end && !nf_builder_failed(o->b)) {
    size_t n, end = i + 1;
    const uint32_t c = char_at(o->name[i], r.at, &n);
    while (end < r.end && o->name[end].n >= r.at + n &&
           memcmp(o->name[end].at + r.at, o->name[i].at + r.at, n) == 0)
      end++;
    const uint32_t next = nf_add_state(o->b);
    nf_char_range only = {c, c};
    nf_add_char(o->b, r.from, &(nf_chars){&only, 1, 1}, NF_SPELL_JSON, next);
    left[(*n_left)++] = (branch){i, end, r.at + n, next};
    o->b->failure = nf_status_join(o->b->failure, nf_chars_add(&o->set, c, c));
    i = end;
  }
  o->b->failure = nf_status_join(o->b->failure, nf_chars_invert(&o->set));
  nf_add_char(o->b, r.from, &o->set, NF_SPELL_JSON, o->rest);
}

void nf_add_other_name(nf_builder *b, uint32_t from, nf_view *names, size_t n, uint32_t to) {
  static nf_char_range every[] = {{0, NF_CHAR_LAST}};
  others o = {.b = b, .name = names, .rest = nf_add_state(b), .to = to};
  branch *left;
  const nf_status st = nf_make(&left, n + 1, sizeof *left, "a constraint");
  if (!nf_is_ok(st)) {
    b->failure = nf_status_join(b->failure, st);
    return;
  }
  size_t n_left = 1;
  if (n > 1) qsort(names, n, sizeof *names, by_bytes);
  left[0] = (branch){0, n, 0, nf_add_state(b)};
  nf_add_bytes(b, from, '"', '"', left[0].from);
  nf_add_char(b, o.rest, &(nf_chars){every, 1, 1}, NF_SPELL_JSON, o.rest);
  nf_add_bytes(b, o.rest, '"', '"', to);
  while (n_left != 0 && !nf_builder_failed(b)) {
    const branch r = left[--n_left];
    part(&o, r, left, &n_left);
  }
  nf_chars_deinit(&o.set);
  nf_free(left);
}

// ---- any value ----

static void add_members(nf_builder *b, nf_json_rules *r, uint32_t from, nf_rule value, uint32_t to) {
  const uint32_t open = nf_add_state(b), key = nf_add_state(b), colon = nf_add_state(b),
                 start = nf_add_state(b), behind = nf_add_state(b);
  nf_add_bytes(b, from, '{', '{', open);
  nf_add_empty(b, open, key);
  nf_add_any_string(b, r, key, colon);
  nf_add_blank(b, colon, ':', start);
  nf_add_call(b, start, value, behind);
  nf_add_blank(b, behind, ',', key);
  nf_add_bytes(b, behind, '}', '}', to);
  nf_add_bytes(b, open, '}', '}', to);
}

static void add_items(nf_builder *b, uint32_t from, nf_rule value, uint32_t to) {
  const uint32_t open = nf_add_state(b), start = nf_add_state(b), behind = nf_add_state(b);
  nf_add_bytes(b, from, '[', '[', open);
  nf_add_empty(b, open, start);
  nf_add_call(b, start, value, behind);
  nf_add_blank(b, behind, ',', start);
  nf_add_bytes(b, behind, ']', ']', to);
  nf_add_bytes(b, open, ']', ']', to);
}

static nf_rule value_rule(nf_builder *b, nf_json_rules *r) {
  if (r->value.end != 0 || nf_builder_failed(b)) return r->value;
  const nf_rule v = r->value = nf_add_rule(b);
  nf_add_any_string(b, r, v.start, v.end);
  nf_add_any_number(b, v.start, v.end);
  nf_add_text(b, v.start, text_of("true"), v.end);
  nf_add_text(b, v.start, text_of("false"), v.end);
  nf_add_text(b, v.start, text_of("null"), v.end);
  add_members(b, r, v.start, v, v.end);
  add_items(b, v.start, v, v.end);
  return v;
}

void nf_add_any_value(nf_builder *b, nf_json_rules *r, uint32_t from, uint32_t to) {
  nf_add_call(b, from, value_rule(b, r), to);
}

void nf_add_any_object(nf_builder *b, nf_json_rules *r, uint32_t from, uint32_t to) {
  add_members(b, r, from, value_rule(b, r), to);
}

// ---- constants ----

// The shortest spelling that is read as the same number.
static void spell_real(nf_text *out, double x) {
  char text[32];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, x);
    double back;
    if (nf_parse_f64(nf_view_of(text), &back) && back == x) break;
  }
  nf_text_append(out, text, strlen(text));
}

nf_status nf_spell_scalar(nf_text *out, const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_STRING:
    nf_text_append(out, "\"", 1);
    nf_spell_json(out, (nf_view){json_string_value(value), json_string_length(value)});
    nf_text_append(out, "\"", 1);
    break;
  case JSON_INTEGER:
    nf_text_printf(out, "%lld", (long long)json_integer_value(value));
    break;
  case JSON_REAL:
    spell_real(out, json_real_value(value));
    break;
  default:
    nf_text_printf(out, "%s", json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
  }
  return nf_text_status(out);
}

static void add_scalar(nf_builder *b, uint32_t from, const json_t *value, uint32_t to) {
  nf_text text = {0};
  const nf_status st = nf_spell_scalar(&text, value);
  if (nf_is_ok(st)) nf_add_text(b, from, nf_text_view(&text), to);
  b->failure = nf_status_join(b->failure, st);
  nf_text_deinit(&text);
}

static void add_constant_array(nf_builder *b, uint32_t from, const json_t *value, uint32_t to) {
  uint32_t at = nf_add_state(b);
  nf_add_bytes(b, from, '[', '[', at);
  for (size_t i = 0; i < json_array_size(value); i++) {
    const uint32_t start = i != 0 ? nf_add_state(b) : at, behind = nf_add_state(b);
    if (i != 0) nf_add_blank(b, at, ',', start);
    nf_add_constant(b, start, json_array_get(value, i), behind);
    at = behind;
  }
  nf_add_bytes(b, at, ']', ']', to);
}

static void add_constant_object(nf_builder *b, uint32_t from, const json_t *value, uint32_t to) {
  uint32_t at = nf_add_state(b);
  const char *key;
  size_t n;
  json_t *member;
  bool first = true;
  nf_add_bytes(b, from, '{', '{', at);
  json_object_keylen_foreach((json_t *)value, key, n, member) {
    const uint32_t name = first ? at : nf_add_state(b), colon = nf_add_state(b), start = nf_add_state(b),
                   behind = nf_add_state(b);
    if (!first) nf_add_blank(b, at, ',', name);
    nf_add_name(b, name, (nf_view){key, n}, colon);
    nf_add_blank(b, colon, ':', start);
    nf_add_constant(b, start, member, behind);
    at = behind;
    first = false;
  }
  nf_add_bytes(b, at, '}', '}', to);
}

void nf_add_constant(nf_builder *b, uint32_t from, const json_t *value, uint32_t to) {
  if (nf_builder_failed(b)) return;
  if (json_is_array(value))
    add_constant_array(b, from, value, to);
  else if (json_is_object(value))
    add_constant_object(b, from, value, to);
  else
    add_scalar(b, from, value, to);
}
