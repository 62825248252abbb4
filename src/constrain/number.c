// SPDX-License-Identifier: Apache-2.0
// Numbers as parts of an automaton: any, and those within bounds, digit by digit.
#include "constrain/json_text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_digit(nf_builder *b, uint32_t from, int lo, int hi, uint32_t to) {
  if (lo <= hi) nf_add_bytes(b, from, '0' + lo, '0' + hi, to);
}

// Up to n more digits.
static void add_digits(nf_builder *b, uint32_t from, int n, uint32_t to) {
  nf_add_empty(b, from, to);
  for (; n > 0; n--) {
    const uint32_t next = nf_add_state(b);
    add_digit(b, from, 0, 9, next);
    nf_add_empty(b, next, to);
    from = next;
  }
}

void nf_add_any_integer(nf_builder *b, uint32_t from, uint32_t to) {
  const uint32_t first = nf_add_state(b), more = nf_add_state(b);
  nf_add_optional(b, from, '-', first);
  add_digit(b, first, 0, 0, to);
  add_digit(b, first, 1, 9, more);
  add_digits(b, more, NF_DIGITS_MAX - 1, to);
}

void nf_add_any_number(nf_builder *b, uint32_t from, uint32_t to) {
  const uint32_t whole = nf_add_state(b), point = nf_add_state(b), part = nf_add_state(b),
                 parted = nf_add_state(b), sign = nf_add_state(b), exponent = nf_add_state(b),
                 raised = nf_add_state(b);
  nf_add_any_integer(b, from, whole);
  nf_add_empty(b, whole, parted);
  nf_add_bytes(b, whole, '.', '.', point);
  add_digit(b, point, 0, 9, part);
  add_digits(b, part, NF_DIGITS_MAX - 1, parted);
  nf_add_empty(b, parted, to);
  nf_add_bytes(b, parted, 'e', 'e', sign);
  nf_add_bytes(b, parted, 'E', 'E', sign);
  nf_add_optional(b, sign, '-', exponent);
  nf_add_bytes(b, sign, '+', '+', exponent);
  add_digit(b, exponent, 0, 9, raised);
  add_digits(b, raised, NF_EXPONENT_DIGITS - 1, to);
}

// ---- bounds ----

// Digits of |x| with the point behind the first `point` of them.
static int digits_of(const json_t *number, char digits[24], int *point) {
  char text[40];
  int n = 0;
  if (json_is_integer(number)) {
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(number));
    for (const char *c = text; *c != '\0'; c++)
      if (*c != '-') digits[n++] = *c;
    return *point = n, n;
  }
  const double x = fabs(json_real_value(number));
  for (int precision = 14; precision <= 16; precision++) {
    double back;
    snprintf(text, sizeof text, "%.*e", precision, x);
    if (nf_parse_f64(nf_view_of(text), &back) && back == x) break;
  }
  for (const char *c = text; *c != 'e'; c++)
    if (*c != '.') digits[n++] = *c;
  int64_t exponent = 0;
  const char *e = strchr(text, 'e') + 1;
  nf_parse_i64(nf_view_of(*e == '+' ? e + 1 : e), &exponent);
  return *point = (int)exponent + 1, n;
}

nf_status nf_digits_of(const json_t *number, bool exclusive, nf_digits *out) {
  char digits[24];
  int point, first = 0, part = 0;
  int n = digits_of(number, digits, &point);
  *out = (nf_digits){.given = true, .exclusive = exclusive, .negative = json_number_value(number) < 0};
  while (n > 0 && digits[n - 1] == '0' && n > point) n--;
  while (first < n && digits[first] == '0') first++;
  if (first == n) return nf_ok(); // zero
  if (point - first > NF_DIGITS_MAX) return out->beyond = true, nf_ok();
  for (int i = first; i < point; i++) out->whole[i - first] = i < n ? digits[i] : '0';
  for (int i = point; i < first; i++) out->part[part++] = '0';
  for (int i = point > first ? point : first; i < n; i++) out->part[part++] = digits[i];
  while (part > 0 && out->part[part - 1] == '0') out->part[--part] = '\0';
  return nf_ok();
}

static bool is_zero(const nf_digits *x) { return !x->beyond && x->whole[0] == '\0' && x->part[0] == '\0'; }

// ---- digits within bounds ----

// |x| between two bounds that are not negative, with so many digits in front of the point and at most `part`
// behind it. A side is tight while all digits so far are the bound's.
typedef struct span {
  nf_builder *b;
  const nf_digits *lo, *hi; // hi may be not given
  int whole, part;
  uint32_t to;
  uint32_t state[2 * NF_DIGITS_MAX + 4][2][2]; // [digits read][lo tight][hi tight]; 0: not made yet
} span;

static int whole_digits(const nf_digits *x) { return x->whole[0] == '\0' ? 1 : (int)strlen(x->whole); }

static int digit_at(const nf_digits *x, int whole, int i) { // the i-th digit, from the first in front
  if (i < whole) return x->whole[0] == '\0' ? 0 : x->whole[i] - '0';
  const size_t k = (size_t)(i - whole);
  return k < strlen(x->part) ? x->part[k] - '0' : 0;
}

// Whether digits that are those of a bound so far, and no more, are within.
static bool may_end_tight(const nf_digits *x, int behind, bool is_lo) {
  const bool equal = strlen(x->part) <= (size_t)behind;
  return equal ? !x->exclusive : !is_lo;
}

static uint32_t span_state(span *s, int read, bool lo, bool hi);

static void add_digit_of(span *s, uint32_t from, int read, bool lo, bool hi) {
  const bool first_of_many = read == 0 && s->whole > 1;
  const int least = lo ? digit_at(s->lo, s->whole, read) : first_of_many,
            most = hi ? digit_at(s->hi, s->whole, read) : 9;
  for (int d = least; d <= most && !nf_builder_failed(s->b); d++) {
    const bool at_lo = lo && d == least, at_hi = hi && d == most;
    int last = d;
    if (!at_lo && !at_hi) last = hi ? most - 1 : most;
    add_digit(s->b, from, d, last, span_state(s, read + 1, at_lo, at_hi));
    d = last;
  }
}

static uint32_t span_state(span *s, int read, bool lo, bool hi) {
  uint32_t *state = &s->state[read][lo][hi];
  if (*state != 0 || nf_builder_failed(s->b)) return *state;
  *state = nf_add_state(s->b);
  const uint32_t at = *state;
  const int behind = read - s->whole;
  if (behind < 0) return add_digit_of(s, at, read, lo, hi), at;
  if ((!lo || may_end_tight(s->lo, behind, true)) && (!hi || may_end_tight(s->hi, behind, false)))
    nf_add_empty(s->b, at, s->to);
  if (behind >= s->part) return at;
  uint32_t from = at;
  if (behind == 0) {
    from = nf_add_state(s->b);
    nf_add_bytes(s->b, at, '.', '.', from);
  }
  add_digit_of(s, from, read, lo, hi);
  return at;
}

static void add_span(nf_builder *b, uint32_t from, const nf_digits *lo, const nf_digits *hi, int part,
                     uint32_t to) {
  const int first = whole_digits(lo), last = hi->given && !hi->beyond ? whole_digits(hi) : NF_DIGITS_MAX;
  for (int n = first; n <= last && !nf_builder_failed(b); n++) {
    span s = {.b = b, .lo = lo, .hi = hi, .whole = n, .part = part, .to = to};
    nf_add_empty(b, from, span_state(&s, 0, n == first, hi->given && !hi->beyond && n == last));
  }
}

// So few digits that two numbers that differ here differ as doubles too.
static int part_digits(const nf_digits *lo, const nf_digits *hi) {
  int whole = 1;
  if (lo->given && !lo->beyond && whole_digits(lo) > whole) whole = whole_digits(lo);
  if (hi->given && !hi->beyond && whole_digits(hi) > whole) whole = whole_digits(hi);
  return whole < 15 ? 15 - whole : 0;
}

void nf_add_number_within(nf_builder *b, uint32_t from, const nf_digits *lo, const nf_digits *hi,
                          bool integer, uint32_t to) {
  const nf_digits none = {0}, zero = {.given = true}, above_zero = {.given = true, .exclusive = true};
  const int part = integer ? 0 : part_digits(lo, hi);
  const bool from_below = !lo->given || (lo->negative && !is_zero(lo)),
             to_above = !hi->given || !hi->negative || is_zero(hi);
  // Zero and above; a bound that is beyond all numbers is none, or leaves nothing.
  if (to_above && !(lo->beyond && !lo->negative)) add_span(b, from, from_below ? &zero : lo, hi, part, to);
  if (!from_below || (hi->beyond && hi->negative)) return;
  const uint32_t minus = nf_add_state(b);
  nf_add_bytes(b, from, '-', '-', minus);
  add_span(b, minus, to_above ? &above_zero : hi, lo->given ? lo : &none, part, to);
}
