// SPDX-License-Identifier: Apache-2.0
// Regular expressions: a parser that makes a tree, and the tree as a part of an automaton. What is no regular
// language (look-around, references to groups) is refused by its name.
#include "constrain/regex.h"
#include "base/memory.h"
#include <string.h>

enum {
  PATTERN_MAX = 1 << 16, // bytes
  DEPTH_MAX = 100,       // groups inside each other
  COUNT_MAX = 10000,     // of a repetition
  UNLIMITED = -1,
};

typedef enum kind { CHAR, SEQUENCE, CHOICE, REPEAT } kind;
typedef struct tree {
  kind kind;
  nf_chars set;              // of CHAR
  int32_t least, most;       // of REPEAT
  bool from_start, to_end;   // of a SEQUENCE that is a whole pattern's: ^ and $ stand there
  struct tree *first, *next; // children, in a list
} tree;

typedef struct parser {
  nf_view p;
  size_t at;
  int depth;
  nf_arena trees;
  struct owner { // of all trees, whose sets are to be freed

    tree *t;
    struct owner *next;
  } * owners;
} parser;

static nf_status refuse(size_t at, const char *what) {
  return nf_error(NF_BAD_INPUT, "byte %zu: %s", at, what);
}

static nf_status new_tree(parser *r, kind k, tree **out) {
  struct owner *o = nf_arena_alloc(&r->trees, 1, sizeof *o);
  tree *t = nf_arena_alloc(&r->trees, 1, sizeof *t);
  if (o == NULL || t == NULL) return nf_error(NF_NO_MEMORY, "no memory for a pattern");
  *o = (struct owner){t, r->owners};
  r->owners = o;
  t->kind = k;
  return *out = t, nf_ok();
}

static bool more(const parser *r) { return r->at < r->p.n; }
static char peek(const parser *r, size_t ahead) {
  return r->at + ahead < r->p.n ? r->p.at[r->at + ahead] : '\0';
}
static bool take(parser *r, const char *text) {
  const size_t n = strlen(text);
  if (r->p.n - r->at < n || memcmp(r->p.at + r->at, text, n) != 0) return false;
  r->at += n;
  return true;
}

static uint32_t take_char(parser *r) { // not at the end
  const uint8_t *s = (const uint8_t *)r->p.at + r->at;
  const int n = nf_utf8_length(r->p.at + r->at, r->p.n - r->at);
  uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
  for (int i = 1; i < n; i++) c = c << 6 | (s[i] & 0x3f);
  r->at += (size_t)n;
  return c;
}

// ---- characters ----

static int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool take_hex(parser *r, int n, uint32_t *out) { // of n digits
  *out = 0;
  for (int i = 0; i < n; i++) {
    const int v = hex_value(peek(r, (size_t)i));
    if (v < 0) return false;
    *out = *out << 4 | (uint32_t)v;
  }
  r->at += (size_t)n;
  return true;
}

static bool take_braced_hex(parser *r, uint32_t *out) {
  const size_t start = r->at;
  *out = 0;
  for (r->at++; hex_value(peek(r, 0)) >= 0 && *out <= NF_CHAR_LAST; r->at++)
    *out = *out << 4 | (uint32_t)hex_value(peek(r, 0));
  return r->at > start + 1 && *out <= NF_CHAR_LAST && take(r, "}");
}

// Behind \u or \U or \x. Two escapes of surrogates are one character.
static nf_status read_hex(parser *r, char letter, uint32_t *out) {
  const size_t at = r->at - 2;
  uint32_t low;
  if (peek(r, 0) == '{')
    return take_braced_hex(r, out) ? nf_ok() : refuse(at, "no character of this number in braces");
  if (!take_hex(r, letter == 'x' ? 2 : letter == 'u' ? 4 : 8, out) || *out > NF_CHAR_LAST)
    return refuse(at, "too few hexadecimal digits");
  if (*out >= 0xd800 && *out < 0xdc00 && take(r, "\\u") && take_hex(r, 4, &low) && low >= 0xdc00 &&
      low < 0xe000)
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
  if (*out >= 0xd800 && *out < 0xe000) return refuse(at, "half of a surrogate pair");
  return nf_ok();
}

// The character behind a backslash that stands for itself or is written by number.
static nf_status read_escaped(parser *r, uint32_t *out) {
  static const char letters[] = "tnrfv0abe", values[] = "\t\n\r\f\v\0\a\b\033";
  const size_t at = r->at - 1;
  const char c = peek(r, 0);
  const char *known = c != '\0' ? strchr(letters, c) : NULL;
  if (c == 'b') known = NULL;
  if (!more(r)) return refuse(at, "a backslash ends the pattern");
  if (known != NULL && !(c == '0' && peek(r, 1) >= '0' && peek(r, 1) <= '9'))
    return r->at++, *out = (uint8_t)values[known - letters], nf_ok();
  if (c == 'x' || c == 'u' || c == 'U') return r->at++, read_hex(r, c, out);
  if (c == 'c' && ((peek(r, 1) | 32) >= 'a' && (peek(r, 1) | 32) <= 'z'))
    return *out = (uint32_t)peek(r, 1) & 31, r->at += 2, nf_ok();
  if (c >= '0' && c <= '9') return refuse(at, "a reference to a group is no regular expression");
  if (c == 'k') return refuse(at, "a reference to a group (\\k) is no regular expression");
  if (c == 'b' || c == 'B') return refuse(at, "a word boundary (\\b, \\B) is not supported");
  if ((c | 32) >= 'a' && (c | 32) <= 'z') return refuse(at, "an escape that is not known");
  *out = take_char(r);
  return nf_ok();
}

static nf_status read_property(parser *r, nf_chars *out) {
  const size_t at = r->at - 2;
  bool known = false;
  if (peek(r, 0) != '{') return refuse(at, "\\p wants a category in braces, as in \\p{L}");
  const char *start = r->p.at + r->at + 1, *end = memchr(start, '}', r->p.n - r->at - 1);
  if (end != NULL) NF_TRY(nf_chars_add_category(out, (nf_view){start, (size_t)(end - start)}, &known));
  if (!known)
    return refuse(at, "\\p of a name that is not known; there are general categories such as L, Lu, Nd, P");
  r->at = (size_t)(end + 1 - r->p.at);
  return nf_ok();
}

// \d \w \s as in ECMAScript, \p{…}, and their opposites. *is_set false: it is none, and nothing was read.
static nf_status read_escaped_set(parser *r, nf_chars *out, bool *is_set) {
  static const struct {
    char letter;
    nf_char_range range[12];
  } sets[] = {{'d', {{'0', '9'}}},
              {'w', {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
              {'s',
               {{'\t', '\r'},
                {' ', ' '},
                {0xa0, 0xa0},
                {0x1680, 0x1680},
                {0x2000, 0x200a},
                {0x2028, 0x2029},
                {0x202f, 0x202f},
                {0x205f, 0x205f},
                {0x3000, 0x3000},
                {0xfeff, 0xfeff}}}};
  const char c = peek(r, 0);
  *is_set = true;
  if ((c | 32) == 'p') {
    r->at++;
    NF_TRY(read_property(r, out));
    return c == 'P' ? nf_chars_invert(out) : nf_ok();
  }
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    if ((c | 32) != sets[i].letter) continue;
    r->at++;
    for (const nf_char_range *k = sets[i].range; k->hi != 0; k++) NF_TRY(nf_chars_add(out, k->lo, k->hi));
    return c != sets[i].letter ? nf_chars_invert(out) : nf_ok();
  }
  return *is_set = false, nf_ok();
}

// One item of a class: a set, or *lo, a character.
static nf_status read_item(parser *r, nf_chars *set, bool *is_set, uint32_t *lo) {
  *is_set = false;
  if (!take(r, "\\")) return *lo = take_char(r), nf_ok();
  if (take(r, "b")) return *lo = '\b', nf_ok();
  if (take(r, "-")) return *lo = '-', nf_ok();
  NF_TRY(read_escaped_set(r, set, is_set));
  return *is_set ? nf_ok() : read_escaped(r, lo);
}

static nf_status read_range(parser *r, nf_chars *out) {
  const size_t at = r->at;
  nf_chars set = {0};
  bool is_set = false, to_set = false;
  uint32_t lo = 0, hi;
  nf_status st;
  NF_GOTO(read_item(r, &set, &is_set, &lo));
  if (is_set) {
    st = nf_chars_add_all(out, &set);
    goto fail;
  }
  hi = lo;
  if (peek(r, 0) == '-' && peek(r, 1) != ']' && r->at + 1 < r->p.n) {
    r->at++;
    NF_GOTO(read_item(r, &set, &to_set, &hi));
    if (to_set || hi < lo) NF_GOTO(refuse(at, "a range of characters that ends before it begins"));
  }
  st = nf_chars_add(out, lo, hi);
fail:
  nf_chars_deinit(&set);
  return st;
}

static nf_status read_class(parser *r, nf_chars *out) { // behind its bracket
  const size_t at = r->at - 1;
  const bool others = take(r, "^");
  while (more(r) && peek(r, 0) != ']') NF_TRY(read_range(r, out));
  if (!take(r, "]")) return refuse(at, "a class of characters without its ]");
  return others ? nf_chars_invert(out) : nf_ok();
}

static nf_status read_dot(nf_chars *out) {
  NF_TRY(nf_chars_add(out, '\n', '\n'));
  NF_TRY(nf_chars_add(out, '\r', '\r'));
  NF_TRY(nf_chars_add(out, 0x2028, 0x2029));
  return nf_chars_invert(out);
}

static nf_status read_char(parser *r, tree *t) {
  bool is_set = false;
  uint32_t c;
  nf_status st = nf_ok();
  if (take(r, "[")) {
    st = read_class(r, &t->set);
  } else if (take(r, ".")) {
    st = read_dot(&t->set);
  } else {
    const bool escaped = take(r, "\\");
    if (escaped) NF_TRY(read_escaped_set(r, &t->set, &is_set));
    if (!is_set) {
      if (escaped)
        NF_TRY(read_escaped(r, &c));
      else
        c = take_char(r);
      st = nf_chars_add(&t->set, c, c);
    }
  }
  nf_chars_sort(&t->set);
  return st;
}

// ---- structure ----

static nf_status read_choice(parser *r, bool outermost, tree **out);

static nf_status read_group(parser *r, tree **out) { // behind its parenthesis
  static const struct {
    const char *mark, *what;
  } refused[] = {{"?=", "a look-ahead (?=…) is not supported"},
                 {"?!", "a look-ahead (?!…) is not supported"},
                 {"?<=", "a look-behind (?<=…) is not supported"},
                 {"?<!", "a look-behind (?<!…) is not supported"},
                 {"?>", "an atomic group (?>…) is not supported"}};
  const size_t at = r->at - 1;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (take(r, refused[i].mark)) return refuse(at, refused[i].what);
  if (!take(r, "?:") && peek(r, 0) == '?') {
    if (!take(r, "?<") && !take(r, "?P<")) return refuse(at, "flags in a group are not supported");
    const char *end = memchr(r->p.at + r->at, '>', r->p.n - r->at);
    if (end == NULL || end == r->p.at + r->at) return refuse(at, "a group's name without its end");
    r->at = (size_t)(end + 1 - r->p.at);
  }
  if (++r->depth > DEPTH_MAX) return refuse(at, "more than 100 groups inside each other");
  NF_TRY(read_choice(r, false, out));
  r->depth--;
  return take(r, ")") ? nf_ok() : refuse(at, "a group without its )");
}

static bool take_count(parser *r, int32_t *out) {
  const size_t start = r->at;
  *out = 0;
  for (; peek(r, 0) >= '0' && peek(r, 0) <= '9'; r->at++)
    if (*out <= COUNT_MAX) *out = *out * 10 + (peek(r, 0) - '0');
  return r->at > start;
}

// {m}, {m,}, {m,n}; else a brace is a character, as it is to ECMAScript without its flag u.
static bool take_counts(parser *r, int32_t *least, int32_t *most) {
  const size_t start = r->at;
  if (!take(r, "{")) return false;
  if (take_count(r, least)) {
    *most = *least;
    if (take(r, ",") && !take_count(r, most)) *most = UNLIMITED;
    if (take(r, "}")) return true;
  }
  r->at = start;
  return false;
}

static bool take_repetition(parser *r, int32_t *least, int32_t *most) {
  *least = 0, *most = UNLIMITED;
  if (take(r, "*")) return true;
  if (take(r, "+")) return *least = 1, true;
  if (take(r, "?")) return *most = 1, true;
  return take_counts(r, least, most);
}

static nf_status read_repetitions(parser *r, tree **t) {
  int32_t least, most;
  for (size_t at = r->at; take_repetition(r, &least, &most); at = r->at) {
    tree *outer = NULL;
    if (least > COUNT_MAX || most > COUNT_MAX) return refuse(at, "a repetition of more than 10000 times");
    if (most != UNLIMITED && most < least) return refuse(at, "a repetition that ends before it begins");
    NF_TRY(new_tree(r, REPEAT, &outer));
    outer->least = least, outer->most = most;
    outer->first = *t;
    *t = outer;
    take(r, "?"); // a lazy one matches the same texts
    if (peek(r, 0) == '+') return refuse(at, "a possessive repetition is not supported");
  }
  return nf_ok();
}

static nf_status read_atom(parser *r, tree **out) {
  const size_t at = r->at;
  const char c = peek(r, 0);
  if (take(r, "(")) return read_group(r, out);
  if (c == '*' || c == '+' || c == '?') return refuse(at, "a repetition of nothing");
  if (c == '^' || c == '$') return refuse(at, "an anchor within a pattern is not supported");
  NF_TRY(new_tree(r, CHAR, out));
  return read_char(r, *out);
}

static bool at_end_of_sequence(const parser *r) { return !more(r) || peek(r, 0) == '|' || peek(r, 0) == ')'; }

static nf_status read_sequence(parser *r, bool outermost, tree **out) {
  NF_TRY(new_tree(r, SEQUENCE, out));
  tree **last = &(*out)->first;
  (*out)->from_start = outermost && take(r, "^");
  while (!at_end_of_sequence(r)) {
    if (outermost && peek(r, 0) == '$' && (r->at + 1 == r->p.n || peek(r, 1) == '|')) {
      r->at++;
      (*out)->to_end = true;
      break;
    }
    tree *t = NULL;
    NF_TRY(read_atom(r, &t));
    NF_TRY(read_repetitions(r, &t));
    *last = t;
    last = &t->next;
  }
  return nf_ok();
}

static nf_status read_choice(parser *r, bool outermost, tree **out) {
  NF_TRY(new_tree(r, CHOICE, out));
  tree **last = &(*out)->first;
  do {
    NF_TRY(read_sequence(r, outermost, last));
    last = &(*last)->next;
  } while (take(r, "|"));
  return nf_ok();
}

static nf_status parse(parser *r, tree **out) {
  const size_t valid = nf_utf8_check(r->p.at, r->p.n);
  if (r->p.n > PATTERN_MAX) return nf_error(NF_BAD_INPUT, "more than %d bytes", PATTERN_MAX);
  if (valid != r->p.n) return refuse(valid, "invalid UTF-8");
  NF_TRY(read_choice(r, true, out));
  return more(r) ? refuse(r->at, "a ) without its group") : nf_ok();
}

// ---- as a part of an automaton ----

typedef struct target {
  nf_builder *b;
  nf_spelling spelling;
  bool anchored;
} target;

static void add_tree(const target *g, uint32_t from, const tree *t, uint32_t to);

static void add_sequence(const target *g, uint32_t from, const tree *t, uint32_t to) {
  for (const tree *child = t->first; child != NULL && !nf_builder_failed(g->b); child = child->next) {
    const uint32_t next = nf_add_state(g->b);
    add_tree(g, from, child, next);
    from = next;
  }
  nf_add_empty(g->b, from, to);
}

static void add_loop(const target *g, uint32_t from, const tree *t, uint32_t to) {
  const uint32_t hub = nf_add_state(g->b);
  nf_add_empty(g->b, from, hub);
  add_tree(g, hub, t, hub);
  nf_add_empty(g->b, hub, to);
}

static void add_repeat(const target *g, uint32_t from, const tree *t, uint32_t to) {
  for (int32_t i = 0; (i < t->least || (t->most != UNLIMITED && i < t->most)) && !nf_builder_failed(g->b);
       i++) {
    const uint32_t next = nf_add_state(g->b);
    if (i >= t->least) nf_add_empty(g->b, from, to);
    add_tree(g, from, t->first, next);
    from = next;
  }
  if (t->most == UNLIMITED)
    add_loop(g, from, t->first, to);
  else
    nf_add_empty(g->b, from, to);
}

static void add_tree(const target *g, uint32_t from, const tree *t, uint32_t to) {
  if (nf_builder_failed(g->b)) return;
  switch (t->kind) {
  case CHAR:
    return nf_add_char(g->b, from, &t->set, g->spelling, to);
  case SEQUENCE:
    return add_sequence(g, from, t, to);
  case REPEAT:
    return add_repeat(g, from, t, to);
  case CHOICE:
    for (const tree *child = t->first; child != NULL; child = child->next) add_tree(g, from, child, to);
  }
}

// Where a pattern is not bound to the ends of a text, anything stands before and behind what it matches.
static void add_alternative(const target *g, uint32_t from, const tree *t, uint32_t to) {
  static nf_char_range all[] = {{0, NF_CHAR_LAST}};
  const tree any = {.kind = CHAR, .set = {all, 1, 1}};
  const uint32_t start = nf_add_state(g->b), end = nf_add_state(g->b);
  if (t->from_start || g->anchored)
    nf_add_empty(g->b, from, start);
  else
    add_loop(g, from, &any, start);
  add_sequence(g, start, t, end);
  if (t->to_end || g->anchored)
    nf_add_empty(g->b, end, to);
  else
    add_loop(g, end, &any, to);
}

nf_status nf_add_regex(nf_builder *b, uint32_t from, nf_view pattern, bool anchored, nf_spelling spelling,
                       uint32_t to) {
  parser r = {.p = pattern};
  const target g = {b, spelling, anchored};
  tree *t;
  const nf_status st = parse(&r, &t);
  if (nf_is_ok(st))
    for (const tree *child = t->first; child != NULL; child = child->next)
      add_alternative(&g, from, child, to);
  for (struct owner *o = r.owners; o != NULL; o = o->next) nf_chars_deinit(&o->t->set);
  nf_arena_deinit(&r.trees);
  return st;
}
