// SPDX-License-Identifier: Apache-2.0
// Split patterns are written for Oniguruma, in its own syntax. Here they are written anew for PCRE2, piece by
// piece, so that both cut the same; what can't be, or what nobody writes, is refused by name.
#include "text/split.h"
#include "text/unicode.h"
#include <stdio.h>
#include <string.h>

enum { GROUPS_MAX = 128 };
static const size_t NONE = SIZE_MAX;

typedef struct group {
  size_t start;          // where it begins in the output
  bool caseless, dotall; // (?i), and (?m), which lets the dot match a newline
  bool look;             // it is a look-around, which is nothing to repeat
  bool empty, nullable;  // so far this branch may match nothing; a branch before may
  unsigned options;      // groups that options without a colon have opened in it
} group;

typedef struct translator {
  nf_pattern in;
  nf_text *out;
  group stack[GROUPS_MAX]; // [0] is the whole pattern
  size_t depth;
  size_t atom, quantifier; // where the last atom and its repetition begin in the output, or NONE
  bool single;             // the atom is one character
  bool nullable;           // it may match nothing
  bool empty;              // so might the branch before it
  bool interval;           // the repetition is {n,m}, greedy, so that another one repeats it
  int64_t least;
  char letter; // the literal before, lower case; 0: none
  bool named, numbered, lean;
} translator;

static group *inner(translator *t) { return &t->stack[t->depth]; }

static void begin_atom(translator *t, bool single) {
  t->empty = inner(t)->empty, inner(t)->empty = false;
  t->nullable = false;
  t->atom = t->out->n, t->quantifier = NONE;
  t->single = single, t->interval = false, t->letter = 0;
}
static void no_atom(translator *t) { t->atom = t->quantifier = NONE, t->letter = 0; }

// ---- atoms ----

// (?i) makes two letters equal to one character here (ss and U+00DF), and only to each other in PCRE2.
static bool joins(char before, char c) {
  static const char pairs[][2] = {{'s', 's'}, {'s', 't'}, {'f', 'f'}, {'f', 'i'}, {'f', 'l'}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (pairs[i][0] == before && pairs[i][1] == c) return true;
  return false;
}

static nf_status add_literal(translator *t, uint32_t c, size_t from) {
  char before = t->letter, letter = c < 0x80 ? (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c) : 0;
  bool caseless = inner(t)->caseless;
  begin_atom(t, true);
  if (caseless && !nf_set_is_plain(c)) return nf_split_refuse("a letter beyond ASCII under (?i)", from);
  if (caseless && joins(before, letter))
    return nf_split_refuse("\"ss\", \"st\", \"ff\", \"fi\" or \"fl\" under (?i)", from);
  t->letter = letter;
  nf_text_printf(
      t->out,
      c < 0x80 && ((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')) ? "%c" : "\\x{%x}",
      c);
  return nf_ok();
}

static void add_latin1_words(nf_set *s) {
  nf_set_range(s, 0xb2, 0xb3);
  nf_set_range(s, 0xb9, 0xb9);
  nf_set_range(s, 0xbc, 0xbe);
}

static nf_status add_set(translator *t, nf_set *s, bool negated, nf_status st) {
  begin_atom(t, true);
  if (nf_is_ok(st)) nf_set_print(s, negated, t->out);
  nf_set_deinit(s);
  return st;
}

static nf_status add_class(translator *t) {
  nf_set s = {.lean = t->lean};
  bool negated = false;
  t->in.caseless = inner(t)->caseless;
  nf_status st = nf_set_class(&t->in, &s, &negated);
  return add_set(t, &s, negated, st);
}

// In \p{…} (?i) does not count for Oniguruma; for PCRE2 it does in categories of case.
static nf_status add_set_escape(translator *t, size_t from, bool *found) {
  nf_set s = {.lean = t->lean};
  bool negated = false;
  nf_status st = nf_set_backslash(&s, &t->in, &negated, found);
  if (!*found) return st;
  if (nf_is_ok(st) && inner(t)->caseless && s.flags & NF_SET_CASE)
    st = nf_split_refuse("this property under (?i)", from);
  if (s.flags & NF_SET_WORD) add_latin1_words(&s);
  return add_set(t, &s, negated, st);
}

// Word and no word on the two sides; \B: the same on both.
static void add_boundary(translator *t, bool negated) {
  static const char *const side[2] = {"(?:(?<=%s)(?%c%s)", "|(?<!%s)(?%c%s))"};
  nf_set set = {.lean = t->lean};
  nf_text word = {0};
  bool ignored;
  nf_set_letter(&set, 'w', &ignored);
  add_latin1_words(&set);
  nf_set_print(&set, false, &word);
  nf_set_deinit(&set);
  if (word.failed) t->out->failed = true;
  for (int i = 0; i < 2 && !word.failed; i++)
    nf_text_printf(t->out, side[i], word.at, (i == 0) == negated ? '=' : '!', word.at);
  nf_text_deinit(&word);
  no_atom(t);
}

// ---- escapes ----

static nf_status add_reference(translator *t, size_t from) {
  begin_atom(t, false);
  t->nullable = true, inner(t)->empty = t->empty;
  const char next = nf_peek(&t->in, 1);
  if (nf_peek(&t->in, 0) != 'k') { // one digit, as it is
    if (next >= '0' && next <= '9') return nf_split_refuse("a back reference of two digits", from);
    nf_text_printf(t->out, "\\g{%c}", t->in.p.at[t->in.at++]);
    return t->numbered = true, nf_ok();
  }
  const char *name = t->in.p.at + t->in.at + 2;
  const char *end =
      next == '<' || next == '\'' ? memchr(name, next == '<' ? '>' : next, t->in.p.n - t->in.at - 2) : NULL;
  if (!end || end == name) return nf_split_refuse("\\k without a name", from);
  size_t n = (size_t)(end - name);
  if (memchr(name, '+', n)) return nf_split_refuse("a back reference with a level", from);
  if (*name == '-' || (*name >= '0' && *name <= '9')) t->numbered = true;
  nf_text_printf(t->out, "\\g{%.*s}", (int)n, name);
  t->in.at += n + 3;
  return nf_ok();
}

// Constructs that stand for a fixed text of PCRE2.
static bool add_fixed(translator *t, char c) {
  static const struct {
    char letter;
    bool atom;
    const char *text;
  } fixed[] = {{'A', false, "\\A"},   {'z', false, "\\z"},
               {'Z', false, "\\Z"},   {'R', true, "(?>\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])"},
               {'N', true, "[^\\n]"}, {'O', true, "(?s:.)"}};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
    if (fixed[i].letter != c) continue;
    if (fixed[i].atom)
      begin_atom(t, c != 'R');
    else
      no_atom(t);
    nf_text_printf(t->out, "%s", fixed[i].text);
    return t->in.at++, true;
  }
  return false;
}

static nf_status add_escape(translator *t) {
  size_t from = t->in.at++;
  char c = nf_peek(&t->in, 0);
  bool found;
  uint32_t code;
  if (c == 'b' || c == 'B') return t->in.at++, add_boundary(t, c == 'B'), nf_ok();
  if (add_fixed(t, c)) return nf_ok();
  if (c == 'k' || (c >= '1' && c <= '9')) return add_reference(t, from);
  if (c && strchr("gGKXyY", c))
    return nf_error(NF_BAD_INPUT, "pattern: \\%c (byte %zu) is not supported", c, from);
  NF_TRY(add_set_escape(t, from, &found));
  if (found) return nf_ok();
  NF_TRY(nf_set_escape(&t->in, &code));
  return add_literal(t, code, from);
}

// ---- repetitions ----

static bool read_count(const translator *t, size_t *at, int64_t *out) {
  size_t from = *at;
  for (*out = 0; *at < t->in.p.n && t->in.p.at[*at] >= '0' && t->in.p.at[*at] <= '9' && *at - from < 9; ++*at)
    *out = *out * 10 + (t->in.p.at[*at] - '0');
  return *at > from;
}

// {n}, {n,}, {,m}, {n,m}; anything else is text. most -1: without end.
static bool read_interval(translator *t, int64_t *least, int64_t *most, bool *fixed) {
  size_t at = t->in.at + 1;
  bool some = read_count(t, &at, least);
  *fixed = some && at < t->in.p.n && t->in.p.at[at] == '}';
  *most = *least;
  if (!*fixed) {
    if (at == t->in.p.n || t->in.p.at[at++] != ',') return false;
    bool bound = read_count(t, &at, most);
    if (!bound) *most = -1;
    if ((!some && !bound) || at == t->in.p.n || t->in.p.at[at] != '}') return false;
  }
  t->in.at = at + 1;
  return true;
}

// Another repetition behind {n,m} repeats it all; where that is one character, a simpler one says the same.
static nf_status repeat_interval(translator *t) {
  char c = t->in.p.at[t->in.at];
  if (t->single && t->least <= 1 && c == '+') {
    t->out->n = t->quantifier;
    nf_text_append(t->out, t->least ? "+" : "*", 1);
    return t->in.at++, t->interval = false, nf_ok();
  }
  nf_text_append(t->out, ")???", 4);
  if (t->out->failed) return nf_ok();
  t->out->n -= 3;
  char *atom = t->out->at + t->atom;
  memmove(atom + 3, atom, t->out->n - t->atom);
  memcpy(atom, "(?:", 3);
  t->out->n += 3;
  t->single = t->interval = false, t->quantifier = NONE;
  return nf_ok();
}

static nf_status add_repetition(translator *t, const char *text, bool lazy, bool possessive) {
  t->quantifier = t->out->n;
  nf_text_printf(t->out, "%s", text);
  const char *suffix = lazy && nf_next_is(&t->in, "?")         ? "?"
                       : possessive && nf_next_is(&t->in, "+") ? "+"
                                                               : "";
  nf_text_printf(t->out, "%s", suffix);
  t->in.at += *suffix != 0;
  t->interval = !possessive && !*suffix;
  return nf_ok();
}

static nf_status add_quantifier(translator *t) {
  size_t from = t->in.at;
  int64_t least = 0, most = 0;
  bool fixed = false;
  char text[48] = {t->in.p.at[t->in.at]};
  bool interval = *text == '{';
  if (interval && !read_interval(t, &least, &most, &fixed)) return t->in.at++, add_literal(t, '{', from);
  if (t->atom == NONE) return nf_error(NF_BAD_INPUT, "broken pattern: nothing to repeat (byte %zu)", from);
  if (interval && t->nullable) return nf_split_refuse("{n,m} of what may be empty", from);
  if (interval && most >= 0 && most < least)
    return nf_split_refuse("a repetition with its ends exchanged", from);
  if (t->quantifier != NONE) {
    if (!t->interval || !t->single) return nf_split_refuse("a repetition of a repetition", from);
    size_t behind = t->in.at;
    t->in.at = from;
    NF_TRY(repeat_interval(t));
    if (t->in.at != from) return nf_ok();
    t->in.at = behind;
  }
  if (most < 0)
    snprintf(text, sizeof text, "{%d,}", (int)least);
  else if (interval)
    snprintf(text, sizeof text, "{%d,%d}", (int)least, (int)most);
  t->in.at += !interval;
  if ((interval ? least : *text == '+' ? 1 : 0) == 0) inner(t)->empty = t->empty;
  t->least = least, t->letter = 0;
  return add_repetition(t, text, !fixed, !interval);
}

// ---- groups ----

// What was opened begins with nothing; options in the middle of a group do not.
static nf_status push(translator *t, bool look) {
  if (t->depth + 1 == GROUPS_MAX) return nf_split_refuse("so many groups inside each other", t->in.at);
  group outer = *inner(t);
  t->stack[++t->depth] = (group){
      .start = t->out->n, .caseless = outer.caseless, .dotall = outer.dotall, .look = look, .empty = true};
  no_atom(t);
  return nf_ok();
}

// What (?…) may begin with and PCRE2 reads alike; the longest first.
static bool open_plain(translator *t, nf_status *st) {
  static const struct {
    const char *text;
    bool look;
  } openings[] = {{"(?:", false}, {"(?=", true},  {"(?!", true},
                  {"(?>", false}, {"(?<=", true}, {"(?<!", true}};
  for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
    if (!nf_next_is(&t->in, openings[i].text)) continue;
    *st = push(t, openings[i].look);
    nf_text_printf(t->out, "%s", openings[i].text);
    return t->in.at += strlen(openings[i].text), true;
  }
  return false;
}

static nf_status open_named(translator *t) {
  const char *name = t->in.p.at + t->in.at + 3, close = name[-1] == '<' ? '>' : '\'';
  const char *end = memchr(name, close, t->in.p.n - t->in.at - 3);
  if (!end || end == name) return nf_split_refuse("a group without a name", t->in.at);
  t->named = true;
  NF_TRY(push(t, false));
  nf_text_printf(t->out, "(?<%.*s>", (int)(end - name), name);
  t->in.at = (size_t)(end - t->in.p.at) + 1;
  return nf_ok();
}

static nf_status skip_comment(translator *t) {
  for (size_t from = t->in.at; t->in.at < t->in.p.n; t->in.at++) {
    if (t->in.p.at[t->in.at] == ')') return t->in.at++, nf_ok();
    if (t->in.p.at[t->in.at] == '\\') t->in.at++;
    if (t->in.at >= t->in.p.n) return nf_split_refuse("a comment without an end", from);
  }
  return nf_split_refuse("a comment without an end", t->in.at);
}

// (?i-m:…) is a group; (?i) holds to the end of the group it is in, alternatives and all: a(?i)b|c is
// a(?i:b|c).
static nf_status open_options(translator *t) {
  size_t at = t->in.at + 2;
  group own = *inner(t);
  for (bool on = true; at < t->in.p.n && !strchr(":)", t->in.p.at[at]); at++) {
    char c = t->in.p.at[at];
    if (c == '-')
      on = false;
    else if (c == 'i')
      own.caseless = on;
    else if (c == 'm')
      own.dotall = on;
    else
      return nf_split_refuse("this kind of group", t->in.at);
  }
  if (at == t->in.p.n || at == t->in.at + 2) return nf_split_refuse("this kind of group", t->in.at);
  bool rest = t->in.p.at[at] == ')';
  if (!rest) NF_TRY(push(t, false));
  inner(t)->options += rest;
  inner(t)->caseless = own.caseless, inner(t)->dotall = own.dotall;
  nf_text_printf(t->out, own.caseless ? "(?i:" : "(?-i:");
  t->in.at = at + 1;
  return no_atom(t), nf_ok();
}

static nf_status open_group(translator *t) {
  nf_status st;
  if (nf_next_is(&t->in, "(*")) return nf_split_refuse("(*", t->in.at);
  if (!nf_next_is(&t->in, "(?")) {
    NF_TRY(push(t, false));
    nf_text_append(t->out, "(", 1);
    return t->in.at++, nf_ok();
  }
  if (open_plain(t, &st)) return st;
  if (nf_next_is(&t->in, "(?#")) return skip_comment(t);
  return nf_next_is(&t->in, "(?<") || nf_next_is(&t->in, "(?'") ? open_named(t) : open_options(t);
}

static void close_options(translator *t) {
  for (unsigned i = 0; i < inner(t)->options; i++) nf_text_append(t->out, ")", 1);
}

static nf_status close_group(translator *t) {
  if (t->depth == 0) return nf_error(NF_BAD_INPUT, "broken pattern: ) without ( (byte %zu)", t->in.at);
  close_options(t);
  nf_text_append(t->out, ")", 1);
  group closed = t->stack[t->depth--];
  begin_atom(t, false);
  t->atom = closed.look ? NONE : closed.start;
  t->nullable = closed.look || closed.empty || closed.nullable;
  if (t->nullable) inner(t)->empty = t->empty;
  return t->in.at++, nf_ok();
}

// ---- all ----

static nf_status step(translator *t) {
  const size_t from = t->in.at;
  const char c = t->in.p.at[from];
  switch (c) {
  case '\\':
    return add_escape(t);
  case '[':
    return add_class(t);
  case '(':
    return open_group(t);
  case ')':
    return close_group(t);
  case '*':
  case '+':
  case '?':
  case '{':
    return add_quantifier(t);
  case '.':
    begin_atom(t, true);
    nf_text_printf(t->out, inner(t)->dotall ? "(?s:.)" : "[^\\n]");
    return t->in.at++, nf_ok();
  case '|':
    inner(t)->nullable |= inner(t)->empty;
    inner(t)->empty = true;
    [[fallthrough]];
  case '^':
  case '$':
    no_atom(t);
    nf_text_append(t->out, &c, 1);
    return t->in.at++, nf_ok();
  default:
    return add_literal(t, nf_take_char(&t->in), from);
  }
}

nf_status nf_split_translate(nf_view p, bool lean, nf_text *out) {
  translator t = {
      .in.p = p, .out = out, .lean = lean, .atom = NONE, .quantifier = NONE, .stack[0].empty = true};
  while (t.in.at < p.n) NF_TRY(step(&t));
  if (t.depth) return nf_error(NF_BAD_INPUT, "broken pattern: a group is not closed");
  if (t.named && t.numbered) return nf_split_refuse("a numbered back reference beside a named group", p.n);
  close_options(&t);
  return nf_text_status(out);
}
