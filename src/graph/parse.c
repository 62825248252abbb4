// SPDX-License-Identifier: Apache-2.0
// Graphs from text (grammar: print.c), through the builder, so that every check of the builder applies. What
// the text says of a node's results must be what the shape rules say.
#include "graph/graph.h"
#include <math.h>
#include <string.h>

enum { MAX_TEXT_NAME = 255, MAX_STRING = 1023 };

typedef struct line {
  nf_view rest; // what is still to be read
} line;

static void skip_spaces(line *l) {
  while (l->rest.n && (*l->rest.at == ' ' || *l->rest.at == '\t')) l->rest.at++, l->rest.n--;
}

static nf_view take(line *l, size_t n) {
  nf_view head = {l->rest.at, n};
  l->rest.at += n;
  l->rest.n -= n;
  return head;
}

static bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

static nf_view peek_word(line *l) {
  size_t n = 0;
  skip_spaces(l);
  while (n < l->rest.n && name_char(l->rest.at[n])) n++;
  return (nf_view){l->rest.at, n};
}

static bool accept(line *l, char c) {
  skip_spaces(l);
  if (!l->rest.n || *l->rest.at != c) return false;
  take(l, 1);
  return true;
}

static bool at_end(line *l) {
  skip_spaces(l);
  return l->rest.n == 0;
}

static nf_status expected(const line *l, const char *what) {
  size_t n = l->rest.n < 40 ? l->rest.n : 40;
  if (!n) return nf_error(NF_BAD_INPUT, "%s is missing at the end of the line", what);
  return nf_error(NF_BAD_INPUT, "%s is expected before '%.*s'", what, (int)n, l->rest.at);
}

static nf_status expect(line *l, char c) {
  char what[] = {'\'', c, '\'', 0};
  return accept(l, c) ? nf_ok() : expected(l, what);
}

static nf_status parse_name(line *l, const char *what, char out[MAX_TEXT_NAME + 1]) {
  nf_view w = peek_word(l);
  if (!w.n) return expected(l, what);
  if (w.n > MAX_TEXT_NAME) return nf_error(NF_BAD_INPUT, "%s is longer than %d bytes", what, MAX_TEXT_NAME);
  memcpy(out, take(l, w.n).at, w.n);
  out[w.n] = 0;
  return nf_ok();
}

// Up to and with the closing bracket.
static nf_status parse_type(line *l, nf_type *out) {
  skip_spaces(l);
  const char *end = l->rest.n ? memchr(l->rest.at, ']', l->rest.n) : NULL;
  if (!end) return expected(l, "a type");
  return nf_type_parse(take(l, (size_t)(end - l->rest.at) + 1), out);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// One byte of a string, or -1.
static int parse_byte(line *l) {
  if (!l->rest.n) return -1;
  char c = *take(l, 1).at;
  if (c != '\\') return (unsigned char)c >= 32 ? (unsigned char)c : -1;
  if (l->rest.n < 3 || l->rest.at[0] != 'x') return -1;
  int hi = hex_digit(l->rest.at[1]), lo = hex_digit(l->rest.at[2]);
  take(l, 3);
  return hi < 0 || lo < 0 || hi + lo == 0 ? -1 : hi * 16 + lo;
}

static nf_status parse_string(line *l, char out[MAX_STRING + 1]) {
  if (!accept(l, '"')) return expected(l, "a string");
  for (size_t n = 0; n <= MAX_STRING; n++) {
    if (l->rest.n && *l->rest.at == '"') {
      take(l, 1);
      out[n] = 0;
      return nf_ok();
    }
    int c = parse_byte(l);
    if (c < 0) return nf_error(NF_BAD_INPUT, "a string does not end or holds a byte that must be \\xNN");
    out[n] = (char)c;
  }
  return nf_error(NF_BAD_INPUT, "a string is longer than %d bytes", MAX_STRING);
}

// ---- attributes ----

static nf_view peek_value(line *l) {
  size_t n = 0;
  while (n < l->rest.n && l->rest.at[n] != ' ' && l->rest.at[n] != '\t') n++;
  return (nf_view){l->rest.at, n};
}

static bool parse_real(nf_view s, float *out) {
  double x;
  if (!nf_parse_f64(s, &x)) return false;
  *out = (float)x;
  return isfinite(*out);
}

static bool parse_flag(nf_view s, bool *out) {
  *out = nf_view_equal(s, NF_VIEW("1"));
  return *out || nf_view_equal(s, NF_VIEW("0"));
}

static bool parse_dtype(nf_view s, nf_dtype *out) {
  char name[16] = {0};
  if (nf_view_equal(s, NF_VIEW("none"))) return *out = NF_NONE, true;
  if (s.n >= sizeof name) return false;
  memcpy(name, s.at, s.n);
  *out = NF_NONE;
  return nf_view_equal(s, nf_view_of(nf_dtype_of(NF_NONE)->name)) || nf_dtype_parse(name, out);
}

static nf_status parse_shape(nf_view s, nf_shape *out) {
  char text[256] = "u8";
  nf_type t;
  if (s.n > sizeof text - 3 || !s.n || s.at[0] != '[')
    return nf_error(NF_BAD_INPUT, "no shape such as [T,8,64]");
  memcpy(text + 2, s.at, s.n);
  NF_TRY(nf_type_parse((nf_view){text, s.n + 2}, &t));
  for (int i = 0; i < t.rank; i++)
    if (t.padded[i] != t.dim[i].c) return nf_error(NF_BAD_INPUT, "a shape has no padding");
  out->rank = t.rank;
  memcpy(out->dim, t.dim, sizeof out->dim);
  return nf_ok();
}

static nf_status parse_value(const struct nf_attr_info *a, nf_view s, nf_attrs *attrs) {
  void *at = (char *)attrs + a->offset;
  bool ok = false;
  switch (a->kind) {
  case NF_ATTR_REAL:
    ok = parse_real(s, at);
    break;
  case NF_ATTR_INT:
    ok = nf_parse_i64(s, at);
    break;
  case NF_ATTR_FLAG:
    ok = parse_flag(s, at);
    break;
  case NF_ATTR_DTYPE:
    ok = parse_dtype(s, at);
    break;
  case NF_ATTR_SHAPE:
    return parse_shape(s, at);
  }
  if (ok) return nf_ok();
  return nf_error(NF_BAD_INPUT, "'%.*s' is no value of its kind", (int)(s.n < 40 ? s.n : 40), s.at);
}

static nf_status parse_attr(line *l, const nf_op_info *info, unsigned *seen, nf_attrs *attrs) {
  nf_view name = peek_word(l);
  for (int i = 0; i < info->n_attr; i++) {
    if (!nf_view_equal(name, nf_view_of(info->attr[i].name))) continue;
    if (*seen >> i & 1) return nf_error(NF_BAD_INPUT, "attribute %s is given twice", info->attr[i].name);
    *seen |= 1u << i;
    take(l, name.n);
    NF_TRY(expect(l, '='));
    nf_view value = peek_value(l);
    NF_TRY(parse_value(&info->attr[i], take(l, value.n), attrs), "attribute %s", info->attr[i].name);
    return nf_ok();
  }
  return nf_error(NF_BAD_INPUT, "%s has no attribute '%.*s'", info->name, (int)(name.n < 40 ? name.n : 40),
                  name.at);
}

// ---- lines ----

typedef struct parser {
  nf_builder b;
} parser;

static nf_status find_value(const parser *p, const char *name, nf_val *out) {
  *out = nf_graph_find(p->b.graph, name);
  return *out ? nf_ok() : nf_error(NF_BAD_INPUT, "%s is not defined above", name);
}

static nf_status parse_operands(const parser *p, line *l, const nf_op_info *info, nf_val *in) {
  char name[MAX_TEXT_NAME + 1];
  NF_TRY(expect(l, '('));
  if (accept(l, ')')) return nf_ok();
  for (int i = 0;; i++) {
    if (i == info->n_in) return nf_error(NF_BAD_INPUT, "%s takes %d operands", info->name, info->n_in);
    NF_TRY(parse_name(l, "an operand", name));
    if (strcmp(name, "_") != 0) NF_TRY(find_value(p, name, &in[i]));
    if (accept(l, ')')) return nf_ok();
    NF_TRY(expect(l, ','));
  }
}

typedef struct result {
  char name[MAX_TEXT_NAME + 1];
  nf_type type;
} result;

static nf_status parse_results(line *l, result out[NF_MAX_OUT], int *n) {
  *n = 0;
  do {
    if (*n == NF_MAX_OUT) return nf_error(NF_BAD_INPUT, "a node has at most %d results", NF_MAX_OUT);
    NF_TRY(parse_name(l, "a result's name", out[*n].name));
    NF_TRY(expect(l, ':'));
    NF_TRY(parse_type(l, &out[*n].type), "%s", out[*n].name);
    ++*n;
  } while (accept(l, ','));
  return expect(l, '=');
}

static nf_status check_results(const parser *p, nf_val first, const result *r, int n) {
  const nf_graph *g = p->b.graph;
  const nf_node *node = &g->node[g->value[first].node];
  int has = 0;
  while (has < NF_MAX_OUT && node->out[has]) has++;
  if (n != has)
    return nf_error(NF_BAD_INPUT, "with these attributes %s has %d results, not %d", nf_op_of(node->op)->name,
                    has, n);
  for (int i = 0; i < n; i++) {
    const nf_value *v = &g->value[node->out[i]];
    if (nf_type_equal(&v->type, &r[i].type)) continue;
    nf_text want = {0};
    nf_type_print(&v->type, &want);
    nf_status st =
        nf_error(NF_BAD_INPUT, "%s must be %s", v->name, want.failed ? "of another type" : want.at);
    nf_text_deinit(&want);
    return st;
  }
  return nf_ok();
}

// Ends the builder's part of a line: its error becomes the line's.
static nf_status built(parser *p) {
  nf_status st = p->b.failed;
  p->b.failed = nf_ok();
  return st;
}

static nf_status parse_node(parser *p, line *l) {
  result r[NF_MAX_OUT];
  nf_val in[NF_MAX_IN] = {0};
  nf_attrs attrs = {0};
  unsigned seen = 0;
  nf_op op;
  int n;
  NF_TRY(parse_results(l, r, &n));
  nf_view name = peek_word(l);
  if (!nf_op_parse(name, &op)) return expected(l, "an op");
  take(l, name.n);
  const nf_op_info *info = nf_op_of(op);
  NF_TRY(parse_operands(p, l, info, in));
  while (!at_end(l)) NF_TRY(parse_attr(l, info, &seen, &attrs));
  if (n > info->n_out || (n < info->n_out && !info->out[n].may))
    return nf_error(NF_BAD_INPUT, "%s has %d results, not %d", info->name, info->n_out, n);
  const char *names[NF_MAX_OUT];
  for (int i = 0; i < info->n_out; i++) names[i] = i < n ? r[i].name : NULL;
  nf_val first = nf_build_named(&p->b, names, op, in, &attrs);
  NF_TRY(built(p));
  return check_results(p, first, r, n);
}

static nf_status parse_typed(line *l, result *out) {
  NF_TRY(parse_name(l, "a name", out->name));
  NF_TRY(expect(l, ':'));
  return parse_type(l, &out->type);
}

static nf_status end_line(line *l) { return at_end(l) ? nf_ok() : expected(l, "the end of the line"); }

// Inputs and pools: a name and a type, and nothing more.
static nf_status parse_leaf(parser *p, line *l, nf_val (*build)(nf_builder *, const char *, nf_type)) {
  result r;
  NF_TRY(parse_typed(l, &r));
  NF_TRY(end_line(l));
  build(&p->b, r.name, r.type);
  return built(p);
}

static nf_status parse_input(parser *p, line *l) { return parse_leaf(p, l, nf_build_input); }
static nf_status parse_pool(parser *p, line *l) { return parse_leaf(p, l, nf_build_pool); }

static nf_status parse_weight(parser *p, line *l) {
  result r;
  char tensor[MAX_STRING + 1], scales[MAX_STRING + 1];
  nf_recipe recipe = {.tensor = tensor};
  NF_TRY(parse_typed(l, &r));
  NF_TRY(expect(l, '='));
  NF_TRY(parse_string(l, tensor));
  nf_view word = peek_word(l);
  if (nf_view_equal(word, NF_VIEW("scales"))) {
    take(l, word.n);
    NF_TRY(parse_string(l, scales));
    recipe.scales = scales;
    word = peek_word(l);
  }
  if (nf_view_equal(word, NF_VIEW("stack"))) {
    take(l, word.n);
    word = peek_word(l);
    if (!nf_parse_i64(word, &recipe.stack) || recipe.stack < 1)
      return expected(l, "the number of stacked tensors");
    take(l, word.n);
  }
  NF_TRY(end_line(l));
  nf_build_weight(&p->b, r.name, r.type, recipe);
  return built(p);
}

static nf_status parse_output(parser *p, line *l) {
  char name[MAX_TEXT_NAME + 1];
  nf_val v;
  NF_TRY(parse_name(l, "a name", name));
  NF_TRY(end_line(l));
  NF_TRY(find_value(p, name, &v));
  nf_build_output(&p->b, v);
  return built(p);
}

static nf_status parse_head(parser *p, line *l) {
  char name[MAX_TEXT_NAME + 1];
  nf_view word = peek_word(l);
  if (!nf_view_equal(word, NF_VIEW("graph"))) return expected(l, "'graph NAME'");
  take(l, word.n);
  NF_TRY(parse_name(l, "the graph's name", name));
  NF_TRY(end_line(l));
  return nf_builder_init(&p->b, name);
}

// A line that begins with a keyword and a name; a name that is followed by ':' begins a node.
static nf_status parse_line(parser *p, line *l) {
  static const struct {
    nf_view word;
    nf_status (*parse)(parser *, line *);
  } kinds[] = {{NF_VIEW("input"), parse_input},
               {NF_VIEW("pool"), parse_pool},
               {NF_VIEW("weight"), parse_weight},
               {NF_VIEW("output"), parse_output}};
  if (!p->b.graph) return parse_head(p, l);
  line after = *l;
  nf_view word = peek_word(&after);
  take(&after, word.n);
  bool keyword = peek_word(&after).n > 0;
  for (size_t i = 0; keyword && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (!nf_view_equal(word, kinds[i].word)) continue;
    *l = after;
    return kinds[i].parse(p, l);
  }
  return parse_node(p, l);
}

static nf_status parse_lines(parser *p, nf_view text, const char *where) {
  size_t number = 0;
  while (text.n) {
    const char *end = memchr(text.at, '\n', text.n);
    line l = {{text.at, end ? (size_t)(end - text.at) : text.n}};
    size_t used = l.rest.n + (end != NULL);
    text.at += used;
    text.n -= used;
    number++;
    if (at_end(&l) || *l.rest.at == '#') continue;
    NF_TRY(parse_line(p, &l), "%s:%zu", where, number);
  }
  return p->b.graph ? nf_ok() : nf_error(NF_BAD_INPUT, "%s:%zu: 'graph NAME' is missing", where, number + 1);
}

nf_status nf_graph_parse(nf_view text, const char *where, nf_graph **out) {
  parser p = {0};
  nf_status st = parse_lines(&p, text, where);
  if (!p.b.graph) return st;
  bool ok = nf_is_ok(st);
  nf_builder_fail(&p.b, st);
  st = nf_builder_finish(&p.b, out);
  return ok ? nf_status_note(st, "%s", where) : st;
}
