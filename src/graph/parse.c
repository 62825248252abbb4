// SPDX-License-Identifier: Apache-2.0
// Graphs from text (docs/graph-text.md), through the builder, so that every check of the builder applies.
// What the text says of a node's results must be what the shape rules say.
#include "graph/graph.h"
#include "graph/scan.h"
#include <math.h>
#include <string.h>

// ---- attributes ----

static nf_view peek_value(nf_scan *l) {
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

static nf_status parse_attr(nf_scan *l, const nf_op_info *info, unsigned *seen, nf_attrs *attrs) {
  nf_view name = nf_scan_word(l);
  for (int i = 0; i < info->n_attr; i++) {
    if (!nf_view_equal(name, nf_view_of(info->attr[i].name))) continue;
    if (*seen >> i & 1) return nf_error(NF_BAD_INPUT, "attribute %s is given twice", info->attr[i].name);
    *seen |= 1u << i;
    nf_scan_take(l, name.n);
    NF_TRY(nf_scan_expect(l, '='));
    nf_view value = peek_value(l);
    NF_TRY(parse_value(&info->attr[i], nf_scan_take(l, value.n), attrs), "attribute %s", info->attr[i].name);
    return nf_ok();
  }
  return nf_error(NF_BAD_INPUT, "%s has no attribute '%.*s'", info->name, (int)(name.n < 40 ? name.n : 40),
                  name.at);
}

// ---- lines ----

static nf_status find_value(const nf_builder *b, const char *name, nf_val *out) {
  *out = nf_graph_find(b->graph, name);
  return *out ? nf_ok() : nf_error(NF_BAD_INPUT, "%s is not defined above", name);
}

static nf_status parse_operands(const nf_builder *b, nf_scan *l, const nf_op_info *info, nf_val *in) {
  char name[NF_SCAN_NAME + 1];
  NF_TRY(nf_scan_expect(l, '('));
  if (nf_scan_accept(l, ')')) return nf_ok();
  for (int i = 0;; i++) {
    if (i == info->n_in) return nf_error(NF_BAD_INPUT, "%s takes %d operands", info->name, info->n_in);
    NF_TRY(nf_scan_name(l, "an operand", name));
    if (strcmp(name, "_") != 0) NF_TRY(find_value(b, name, &in[i]));
    if (nf_scan_accept(l, ')')) return nf_ok();
    NF_TRY(nf_scan_expect(l, ','));
  }
}

typedef struct result {
  char name[NF_SCAN_NAME + 1];
  nf_type type;
} result;

static nf_status parse_typed(nf_scan *l, const char *what, result *out) {
  NF_TRY(nf_scan_name(l, what, out->name));
  NF_TRY(nf_scan_expect(l, ':'));
  return nf_status_note(nf_scan_type(l, &out->type), "%s", out->name);
}

static nf_status parse_results(nf_scan *l, result out[NF_MAX_OUT], int *n) {
  *n = 0;
  do {
    if (*n == NF_MAX_OUT) return nf_error(NF_BAD_INPUT, "a node has at most %d results", NF_MAX_OUT);
    NF_TRY(parse_typed(l, "a result's name", &out[(*n)++]));
  } while (nf_scan_accept(l, ','));
  return nf_scan_expect(l, '=');
}

static nf_status check_result(const nf_value *v, const nf_type *is) {
  if (nf_type_equal(&v->type, is)) return nf_ok();
  return nf_error(NF_BAD_INPUT, "%s must be %s", v->name, nf_type_text_of(&v->type).at);
}

static nf_status check_results(const nf_builder *b, nf_val first, const result *r, int n) {
  const nf_graph *g = b->graph;
  const nf_node *node = &g->node[g->value[first].node];
  int has = 0;
  for (int i = 0; i < nf_node_results(node); i++) has += node->out[i] != 0;
  if (n != has)
    return nf_error(NF_BAD_INPUT, "with these operands and attributes %s has %d results, not %d",
                    nf_op_of(node->op)->name, has, n);
  for (int i = 0, k = 0; i < nf_node_results(node); i++)
    if (node->out[i] != 0) NF_TRY(check_result(&g->value[node->out[i]], &r[k++].type));
  return nf_ok();
}

// Ends the builder's part of a line: its error becomes the line's.
static nf_status built(nf_builder *b) {
  nf_status st = b->failed;
  b->failed = nf_ok();
  return st;
}

static nf_status parse_node(nf_builder *b, nf_scan *l) {
  result r[NF_MAX_OUT];
  nf_val in[NF_MAX_IN] = {0};
  nf_attrs attrs = {0};
  unsigned seen = 0;
  nf_op op;
  int n;
  NF_TRY(parse_results(l, r, &n));
  nf_view name = nf_scan_word(l);
  if (!nf_op_parse(name, &op)) return nf_scan_expected(l, "an op");
  nf_scan_take(l, name.n);
  const nf_op_info *info = nf_op_of(op);
  NF_TRY(parse_operands(b, l, info, in));
  while (!nf_scan_end(l)) NF_TRY(parse_attr(l, info, &seen, &attrs));
  if (n > info->n_out || (n < info->n_out && !info->out[n].may))
    return nf_error(NF_BAD_INPUT, "%s has %d results, not %d", info->name, info->n_out, n);
  const char *names[NF_MAX_OUT];
  for (int i = 0; i < info->n_out; i++) names[i] = i < n ? r[i].name : NULL;
  nf_val first = nf_build_named(b, names, op, in, &attrs);
  NF_TRY(built(b));
  return check_results(b, first, r, n);
}

static nf_status end_line(nf_scan *l) {
  return nf_scan_end(l) ? nf_ok() : nf_scan_expected(l, "the end of the line");
}

// Inputs and pools: a name and a type, and nothing more.
static nf_status parse_leaf(nf_builder *b, nf_scan *l, nf_val (*build)(nf_builder *, const char *, nf_type)) {
  result r;
  NF_TRY(parse_typed(l, "a name", &r));
  NF_TRY(end_line(l));
  build(b, r.name, r.type);
  return built(b);
}

static nf_status parse_input(nf_builder *b, nf_scan *l) { return parse_leaf(b, l, nf_build_input); }
static nf_status parse_pool(nf_builder *b, nf_scan *l) { return parse_leaf(b, l, nf_build_pool); }

static nf_status parse_small(nf_scan *l, const char *what, int *out) {
  int64_t n;
  NF_TRY(nf_scan_count(l, what, &n));
  if (n > NF_MAX_RANKS) return nf_error(NF_BAD_INPUT, "%s is above %d", what, NF_MAX_RANKS);
  *out = (int)n;
  return nf_ok();
}

// Behind the word "slice".
static nf_status parse_slice(nf_scan *l, nf_slice *c) {
  c->copies = 1;
  NF_TRY(parse_small(l, "the dimension of a slice", &c->dim));
  NF_TRY(nf_scan_expect_word(l, "world", "'world'"));
  NF_TRY(parse_small(l, "the number of ranks", &c->world));
  if (nf_scan_accept_word(l, "copies")) NF_TRY(parse_small(l, "the number of copies", &c->copies));
  NF_TRY(nf_scan_expect(l, '['));
  do {
    if (c->n == NF_MAX_SEGMENTS)
      return nf_error(NF_BAD_INPUT, "a slice has at most %d segments", NF_MAX_SEGMENTS);
    NF_TRY(nf_scan_count(l, "the size of a segment", &c->segment[c->n].size));
    NF_TRY(nf_scan_expect(l, '/'));
    NF_TRY(nf_scan_count(l, "the unit of a segment", &c->segment[c->n++].unit));
  } while (nf_scan_accept(l, ','));
  if (c->world == 0) return nf_error(NF_BAD_INPUT, "a slice is over 2 to %d ranks", NF_MAX_RANKS);
  return nf_scan_expect(l, ']');
}

typedef struct strings { // of a recipe
  char tensor[NF_SCAN_STRING + 1], scales[NF_SCAN_STRING + 1];
} strings;

// Behind "rows" or "scale_rows".
static nf_status parse_rows(nf_scan *l, nf_rows *out) {
  NF_TRY(nf_scan_count(l, "the first of the tensor's rows", &out->first));
  NF_TRY(nf_scan_expect_word(l, "of", "'of'"));
  NF_TRY(nf_scan_count(l, "the number of the tensor's rows", &out->of));
  return out->of ? nf_ok() : nf_error(NF_BAD_INPUT, "the number of the tensor's rows is 0");
}

// Behind "groups".
static nf_status parse_groups(nf_scan *l, nf_row_groups *out) {
  NF_TRY(nf_scan_expect(l, '['));
  do {
    if (out->n == NF_MAX_SEGMENTS)
      return nf_error(NF_BAD_INPUT, "a group of rows has at most %d parts", NF_MAX_SEGMENTS);
    NF_TRY(nf_scan_count(l, "the rows of a group's part", &out->size[out->n++]));
  } while (nf_scan_accept(l, ','));
  return nf_scan_expect(l, ']');
}

static nf_status parse_recipe(nf_scan *l, strings *s, nf_recipe *out) {
  out->tensor = s->tensor;
  NF_TRY(nf_scan_string(l, s->tensor));
  if (nf_scan_accept_word(l, "scales")) {
    NF_TRY(nf_scan_string(l, s->scales));
    out->scales = s->scales;
  }
  out->transposed = nf_scan_accept_word(l, "transposed");
  if (nf_scan_accept_word(l, "rows")) NF_TRY(parse_rows(l, &out->rows));
  if (nf_scan_accept_word(l, "groups")) NF_TRY(parse_groups(l, &out->groups));
  if (nf_scan_accept_word(l, "scale_rows")) NF_TRY(parse_rows(l, &out->scale_rows));
  if (nf_scan_accept_word(l, "stack")) {
    NF_TRY(nf_scan_count(l, "the number of stacked tensors", &out->stack));
    if (out->stack == 0) return nf_error(NF_BAD_INPUT, "the number of stacked tensors is 0");
  }
  if (nf_scan_accept_word(l, "slice")) NF_TRY(parse_slice(l, &out->slice));
  out->zero_but_rank0 = nf_scan_accept_word(l, "zero_but_rank0");
  return nf_ok();
}

typedef struct joined { // what the text has of a weight's recipe
  nf_joined of[NF_MAX_JOINED];
  char name[NF_MAX_JOINED][NF_SCAN_NAME + 1];
  strings strings[NF_MAX_JOINED];
} joined;

// Behind the '{'.
static nf_status parse_joined(nf_scan *l, joined *j, nf_recipe *out) {
  out->joined = j->of;
  do {
    const int i = out->n_joined++;
    if (i == NF_MAX_JOINED) return nf_error(NF_BAD_INPUT, "a weight joins at most %d others", NF_MAX_JOINED);
    j->of[i] = (nf_joined){.name = j->name[i]};
    NF_TRY(nf_scan_name(l, "a joined weight's name", j->name[i]));
    NF_TRY(nf_scan_count(l, "its rows", &j->of[i].rows));
    NF_TRY(parse_recipe(l, &j->strings[i], &j->of[i].recipe));
  } while (nf_scan_accept(l, ','));
  return nf_scan_expect(l, '}');
}

static nf_status parse_weight(nf_builder *b, nf_scan *l) {
  result r;
  joined j;
  nf_recipe recipe = {0};
  NF_TRY(parse_typed(l, "a name", &r));
  NF_TRY(nf_scan_expect(l, '='));
  if (nf_scan_accept(l, '{'))
    NF_TRY(parse_joined(l, &j, &recipe));
  else
    NF_TRY(parse_recipe(l, &j.strings[0], &recipe));
  NF_TRY(end_line(l));
  nf_build_weight(b, r.name, r.type, recipe);
  return built(b);
}

static nf_status parse_output(nf_builder *b, nf_scan *l) {
  char name[NF_SCAN_NAME + 1];
  nf_val v;
  NF_TRY(nf_scan_name(l, "a name", name));
  NF_TRY(end_line(l));
  NF_TRY(find_value(b, name, &v));
  nf_build_output(b, v);
  return built(b);
}

static nf_status parse_head(nf_builder *b, nf_scan *l) {
  char name[NF_SCAN_NAME + 1];
  NF_TRY(nf_scan_expect_word(l, "graph", "'graph NAME'"));
  NF_TRY(nf_scan_name(l, "the graph's name", name));
  NF_TRY(end_line(l));
  return nf_builder_init(b, name);
}

// A line that begins with a keyword and a name; a name that is followed by ':' begins a node.
static nf_status parse_line(nf_builder *b, nf_scan *l) {
  static const struct {
    nf_view word;
    nf_status (*parse)(nf_builder *, nf_scan *);
  } kinds[] = {{NF_VIEW("input"), parse_input},
               {NF_VIEW("pool"), parse_pool},
               {NF_VIEW("weight"), parse_weight},
               {NF_VIEW("output"), parse_output}};
  if (!b->graph) return parse_head(b, l);
  nf_scan after = *l;
  nf_view word = nf_scan_word(&after);
  nf_scan_take(&after, word.n);
  bool keyword = nf_scan_word(&after).n > 0;
  for (size_t i = 0; keyword && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (!nf_view_equal(word, kinds[i].word)) continue;
    *l = after;
    return kinds[i].parse(b, l);
  }
  return parse_node(b, l);
}

static nf_status parse_lines(nf_builder *b, nf_view text, const char *where) {
  size_t number = 0;
  while (text.n) {
    const char *end = memchr(text.at, '\n', text.n);
    nf_scan l = {{text.at, end ? (size_t)(end - text.at) : text.n}};
    size_t used = l.rest.n + (end != NULL);
    text.at += used;
    text.n -= used;
    number++;
    if (nf_scan_end(&l) || *l.rest.at == '#') continue;
    NF_TRY(parse_line(b, &l), "%s:%zu", where, number);
  }
  return b->graph ? nf_ok() : nf_error(NF_BAD_INPUT, "%s:%zu: 'graph NAME' is missing", where, number + 1);
}

nf_status nf_graph_parse(nf_view text, const char *where, nf_graph **out) {
  nf_builder b = {0};
  nf_status st = parse_lines(&b, text, where);
  if (!b.graph) return st;
  bool ok = nf_is_ok(st);
  nf_builder_fail(&b, st);
  st = nf_builder_finish(&b, out);
  return ok ? nf_status_note(st, "%s", where) : st;
}
