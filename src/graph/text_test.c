// SPDX-License-Identifier: Apache-2.0
// The text form: round trips of graphs by hand and at random, and errors that name line and place.
#include "graph/graph.h"
#include "op/traits.h"
#include "tests/support/random_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char *printed(const nf_graph *g, nf_text *out) {
  nf_graph_print(g, out);
  assert_false(out->failed);
  return out->at;
}

static nf_graph *parsed(const char *text) {
  nf_graph *g = NULL;
  nf_status st = nf_graph_parse(nf_view_of(text), "text", &g);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  return g;
}

static void check_print(const char *text, const char *want) {
  nf_graph *g = parsed(text);
  nf_text out = {0};
  assert_string_equal(printed(g, &out), want);
  nf_text_deinit(&out);
  nf_graph_destroy(g);
}

static const char layer[] =
    "graph gpt-oss-tiny\n"
    "input tokens : i32[T]\n"
    "input forced : i32[T,4]\n"
    "pool L0.kv : sliding bf16[2,2,64,64]\n"
    "weight embed.w : bf16[2010,128] = \"model.embed_tokens.weight\"\n"
    "weight norm.w : bf16[128:192] = \"\"\n"
    "weight router.w : bf16[8,128] = \"a \\x22quoted\\x22 \\x5c name\\x0a\"\n"
    "weight up.w : mxfp4[8,256,128] = \"up_blocks\" scales \"up_scales\"\n"
    "weight up.b : bf16[8,256] = \"up_bias\"\n"
    "weight gate.w : bf16[8,64,128] = \"gate_up\" rows 64 of 128\n"
    "weight turned.w : f16[8,64,128] = \"turned\" transposed rows 1 of 65\n"
    "weight taps.w : f32[16,1,4] = \"codes\" scales \"scales\"\n"
    "weight grouped.w : fp8b128[1024,128] = \"grouped\" scales \"s\" groups [128,128,256]\n"
    "weight fused.w : fp8b128[2,128,128] = \"e.*.w\" scales \"s\" scale_rows 1 of 2 stack 2\n"
    "weight qk.w : mxfp4[24,128] = {q.w 16 \"q\" scales \"qs\", k.w 8 \"k\" scales \"ks\" slice 0 world 2 "
    "[16/8]}\n"
    "hidden.0 : bf16[T,128] = embedding(tokens, embed.w) out=bf16\n"
    "rope : f32[T,64] = rope_table() theta=150000 factor=32 context=4096 "
    "beta_fast=32 beta_slow=1 scale=1.3465736 "
    "dims=64\n"
    "normed : bf16[T,128] = rms_norm(hidden.0, norm.w) eps=1e-05\n"
    "q : bf16[T,2,64] = reshape(normed) to=[T,2,64]\n"
    "k : bf16[T,2,64] = rope(q, rope)\n"
    "L0.kv.1 : sliding bf16[2,2,64,64] = kv_write(k, q, L0.kv)\n"
    "o : bf16[T,2,64] = attention(k, L0.kv.1) scale=0.125 window=128\n"
    "flat : bf16[T,128] = reshape(o) to=[T,128]\n"
    "mid : bf16[T,128] = add(hidden.0, flat)\n"
    "logits : f32[T,8] = linear(mid, router.w) out=f32\n"
    "choice : f32[T,4], choice.ids : i32[T,4] = router_topk(logits, forced) k=4\n"
    "up : bf16[T,4,256] = grouped_linear(mid, choice.ids, up.w, up.b) out=bf16\n"
    "act : bf16[T,4,128] = swiglu(up) alpha=1.702 beta=1 limit=7 interleaved=1\n"
    "sum : bf16[T,128] = combine(act, choice)\n"
    "rows : bf16[R,128] = gather_rows(sum)\n"
    "output rows\n"
    "output mid\n";

static void by_hand(void **state) {
  (void)state;
  check_print(layer, layer);
  check_print("graph g\n", "graph g\n");
}

static void loose_forms(void **state) {
  (void)state;
  check_print(
      "# a comment\n\n \t\n graph   g \ninput x:f32[T,2]\n"
      "input : f32[T,2]=add( x,x )\noutput:f32[T,1] = swiglu(input)  limit=1   alpha=2.0\n\toutput output",
      "graph g\ninput x : f32[T,2]\ninput : f32[T,2] = add(x, x)\n"
      "output : f32[T,1] = swiglu(input) alpha=2 limit=1\noutput output\n");
  check_print(
      "graph g\ninput x : f32[T,4]\nweight w : f32[3,4] = \"w\"\ny : f32[T,3] = linear(x, w, _) out=f32\n",
      "graph g\ninput x : f32[T,4]\nweight w : f32[3,4] = \"w\"\ny : f32[T,3] = linear(x, w) out=f32\n");
}

static void results_have_any_names(void **state) {
  (void)state;
  const char *text =
      "graph g\ninput x : f32[T,4]\nw : f32[T,2], best : i32[T,2] = router_topk(x) k=2\noutput best\n";
  check_print(text, text);
}

static void refused(void **state) {
  (void)state;
#define G "graph g\ninput x : f32[T,4]\n"
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"", "text:1: 'graph NAME' is missing"},
      {"# nothing\n", "text:2: 'graph NAME' is missing"},
      {"input x : f32[T]", "text:1: 'graph NAME' is expected before 'input"},
      {"graph", "text:1: the graph's name is missing"},
      {"graph g h", "the end of the line is expected before 'h'"},
      {"graph _", "graph name"},
      {G "input x : f32[T]", "text:3: x: the name is taken"},
      {G "input y : f32[T", "text:3: y: a type is expected before"},
      {G "input y : f99[T]", "'f99[T]' is no type"},
      {G "input y f32[T]", "':' is expected before 'f32"},
      {G "input y : f32[T] more", "the end of the line is expected"},
      {G "pool y : f32[4]", "y: a pool's type must name"},
      {G "weight y : f32[4]", "'=' is missing at the end of the line"},
      {G "weight y : f32[4] = name", "a string is expected before 'name'"},
      {G "weight y : f32[4] = \"name", "a string does not end"},
      {G "weight y : f32[4] = \"\\x00\"", "a string does not end or holds"},
      {G "weight y : f32[4] = \"\\n\"", "a string does not end or holds"},
      {G "weight y : f32[4] = \"w\" scale \"s\"", "the end of the line is expected before 'scale"},
      {G "weight y : f32[4] = \"w\" scales", "a string is missing"},
      {G "weight y : f32[4] = {", "a joined weight's name is missing"},
      {G "weight y : f32[4] = {a \"a\"", "its rows is expected before"},
      {G "weight y : f32[4] = {a 2 \"a\" b 2 \"b\"}", "'}' is expected before 'b 2"},
      {G "weight y : f32[4] = {a 2 \"a\", b 2 {c 1 \"c\"}}", "a string is expected before '{c"},
      {G "weight y : f32[4] = {a 1 \"a\", b 1 \"b\", c 1 \"c\", d 1 \"d\", e 1 \"e\"}", "joins at most 4"},
      {G "weight y : f32[4] = {a 4 \"a\"}", "y: a weight of other weights' rows joins 2 to 4"},
      {G "weight y : f32[4] = {a 2 \"a\", b 1 \"b\"}", "y: the joined weights' rows must be those"},
      {G "weight y : f32[4] = {a 2 \"a\", b 9223372036854775807 \"b\"}", "rows must be those"},
      {G "weight y : f32[4] = {a 4 \"a\", b 0 \"b\"}", "joined weight 1 must have a name, rows"},
      {G "weight y : bf16[4,8] = \"a\" rows 5 of 8",
       "y: the rows of a weight must be some that its tensor has"},
      {G "weight y : bf16[4,8] = \"a\" rows 9223372036854775807 of 8", "must be some that its tensor has"},
      {G "weight y : bf16[4] = \"a\" rows 0 of 8", "must be some that its tensor has"},
      {G "weight y : bf16[4,8] = \"a\" rows 0 8", "'of'"},
      {G "weight y : bf16[4,8] = \"a\" rows 0 of 0", "the number of the tensor's rows is 0"},
      {G "weight y : bf16[8,8] = \"a\" groups [1,2]", "y: groups of rows must be those of a matrix"},
      {G "weight y : bf16[8,8] = \"a\" groups [0,8]", "y: groups of rows must be those of a matrix"},
      {G "weight y : bf16[8] = \"a\" groups [4,4]", "y: groups of rows must be those of a matrix"},
      {G "weight y : bf16[8,8] = \"a\" groups [9223372036854775807,2]", "groups of rows must be those"},
      {G "weight y : bf16[8,8] = \"a\" groups [1,1,1,1,4]", "a group of rows has at most 4 parts"},
      {G "weight y : fp8b128[256,128] = \"a\" scales \"s\" groups [64,64]", "that are whole blocks"},
      {G "weight y : bf16[8] = \"a\" transposed", "only matrices of floats may be stored transposed"},
      {G "weight y : fp8row[4,8] = \"a\" scales \"s\" transposed", "only matrices of floats"},
      {G "weight y : fp8row[4,8] = \"a\" scales \"s\" scale_rows 0 of 4", "those of a stack that has some"},
      {G "weight y : f32[4] = {a 2 \"a\", b 2 \"b\" scales \"s\"}",
       "joined weight b: f32 weights have no scales"},
      {G "weight y : f32[2,2,2] = {a 1 \"a\", b 1 \"b\"}", "joins 2 to 4"},
      {G "weight y : fp8b128[256,128] = {a 64 \"a\" scales \"s\", b 192 \"b\" scales \"s\"}",
       "a has no whole blocks of 128 rows"},
      {G "y : f32[T,4] = add(x, z)", "text:3: z is not defined above"},
      {G "y : f32[T,4] = add(x, y)", "y is not defined above"},
      {G "y : f32[T,4] = add(x)", "y: add: b is missing"},
      {G "y : f32[T,4] = add(_, x)", "y: add: a is missing"},
      {G "y : f32[T,4] = add(x, x, x)", "add takes 2 operands"},
      {G "y : f32[T,4] = add(x, x", "',' is missing"},
      {G "y : f32[T,4] = add(x x)", "',' is expected before 'x)'"},
      {G "y : f32[T,4] = add x", "'(' is expected before 'x'"},
      {G "y : f32[T,4] = plus(x, x)", "an op is expected before 'plus(x, x)'"},
      {G "y : f32[T,5] = add(x, x)", "y must be f32[T,4]"},
      {G "y : f32[T,4], z : f32[T,4] = add(x, x)", "add has 1 results, not 2"},
      {G "w : f32[T,2], x : i32[T,2] = router_topk(x) k=2", "text:3: x: the name is taken"},
      {G "w : f32[T,2], w.ids : i32[T,2] = router_topk(x)", "k is 0"},
      {G "w : f32[T,2] = router_topk(x) k=2", "router_topk has 2 results"},
      {G "y : f32[T,2] = swiglu(x) alpha=1 alpha=1", "attribute alpha is given twice"},
      {G "y : f32[T,2] = swiglu(x) alpha=fast", "attribute alpha: 'fast' is no value"},
      {G "y : f32[T,2] = swiglu(x) alpha=1e99", "attribute alpha: '1e99' is no value"},
      {G "y : f32[T,2] = swiglu(x) alpha=", "attribute alpha: '' is no value"},
      {G "y : f32[T,2] = swiglu(x) interleaved=yes", "attribute interleaved: 'yes' is no value"},
      {G "y : f32[T,2] = swiglu(x) gamma=1", "swiglu has no attribute 'gamma'"},
      {G "y : f32[T,2] = swiglu(x) =", "swiglu has no attribute ''"},
      {G "y : f32[T,2] = swiglu(x) alpha", "'=' is missing"},
      {G "w : f32[T,2], w.ids : i32[T,2] = router_topk(x) k=2.5", "'2.5' is no value"},
      {G "y : f32[4*T] = reshape(x) to=4*T", "no shape"},
      {G "y : f32[4*T] = reshape(x) to=[4*T", "is no type"},
      {G "y : f32[4*T] = reshape(x) to=[4*T:5]", "a shape has no padding"},
      {G "a:f32[T],b:f32[T],c:f32[T],d:f32[T],e:f32[T] = add(x, x)", "at most 4 results"},
      {G "output y", "y is not defined above"},
      {G "output x\noutput x", "text:4: x is an output already"},
      {G "output x : f32[T]", "the end of the line is expected"},
      {G ") : f32[T]", "a result's name is expected before ')"},
      {"graph g\ninput k : f32[T,1,4]\npool p : full f32[2,1,1,4]\na : full f32[2,1,1,4] = kv_write(k, k, "
       "p)\n"
       "b : full f32[2,1,1,4] = kv_write(k, k, p)\n",
       "text: graph g: b: uses p, which a has replaced"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    nf_graph *g = NULL;
    nf_status st = nf_graph_parse(nf_view_of(rows[i].text), "text", &g);
    if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), rows[i].says))
      fail_msg("'%s' does not say '%s'", nf_status_message(st), rows[i].says);
    assert_null(g);
    nf_status_free(st);
  }
}

static void long_words_are_refused(void **state) {
  (void)state;
  char text[4000] = "graph ";
  memset(text + 6, 'a', 300);
  nf_graph *g = NULL;
  nf_status st = nf_graph_parse(nf_view_of(text), "text", &g);
  assert_non_null(strstr(nf_status_message(st), "longer than 255"));
  nf_status_free(st);
  int n = snprintf(text, sizeof text, "graph g\nweight w : f32[1] = \"");
  memset(text + n, 'a', 2000);
  snprintf(text + n + 2000, 10, "\"");
  st = nf_graph_parse(nf_view_of(text), "text", &g);
  assert_non_null(strstr(nf_status_message(st), "longer than 1023"));
  nf_status_free(st);
}

static bool same_node(const nf_node *a, const nf_node *b) {
  return a->op == b->op && memcmp(a->in, b->in, sizeof a->in) == 0 &&
         memcmp(a->out, b->out, sizeof a->out) == 0 && nf_attrs_equal(a->op, &a->attr, &b->attr);
}

static bool same_recipe(const nf_recipe *a, const nf_recipe *b) {
  bool scales = a->scales && b->scales ? strcmp(a->scales, b->scales) == 0 : a->scales == b->scales;
  bool tensor = a->tensor && b->tensor ? strcmp(a->tensor, b->tensor) == 0 : a->tensor == b->tensor;
  bool same =
      scales && tensor && a->n_joined == b->n_joined && memcmp(&a->groups, &b->groups, sizeof a->groups) == 0;
  for (int i = 0; same && i < a->n_joined; i++)
    same = strcmp(a->joined[i].name, b->joined[i].name) == 0 && a->joined[i].rows == b->joined[i].rows &&
           same_recipe(&a->joined[i].recipe, &b->joined[i].recipe);
  return same;
}

static bool same_value(const nf_value *a, const nf_value *b) {
  return same_recipe(&a->recipe, &b->recipe) && strcmp(a->name, b->name) == 0 && a->kind == b->kind &&
         nf_type_equal(&a->type, &b->type);
}

// g, whose number is told where it fails, and which goes.
static void check_graph(nf_graph *g, uint64_t seed, uint64_t *ops) {
  nf_text first = {0}, second = {0};
  nf_graph *back = parsed(printed(g, &first));
  if (strcmp(first.at, printed(back, &second)) != 0)
    fail_msg("seed %d:\n%s\n%s", (int)seed, first.at, second.at);
  assert_int_equal(g->n_nodes, back->n_nodes);
  assert_int_equal(g->n_values, back->n_values);
  assert_int_equal(g->n_outputs, back->n_outputs);
  for (size_t i = 0; i < g->n_nodes; i++) {
    if (!same_node(&g->node[i], &back->node[i])) fail_msg("seed %d: node %d differs", (int)seed, (int)i);
    *ops |= 1ull << g->node[i].op;
  }
  for (size_t i = 1; i < g->n_values; i++)
    if (!same_value(&g->value[i], &back->value[i])) fail_msg("seed %d: value %d differs", (int)seed, (int)i);
  nf_text_deinit(&first);
  nf_text_deinit(&second);
  nf_graph_destroy(g);
  nf_graph_destroy(back);
}

// One node, the sample of an op; NULL where its shape rule refuses it.
static nf_graph *sample_graph(nf_op op, unsigned options) {
  nf_dims m = {.tokens = 3, .act = NF_BF16, .weight = NF_F32, .out = NF_F16, .options = options};
  for (int q = 0; q < NF_Q_COUNT; q++) m.q[q] = 4;
  nf_op_desc d = {.op = op};
  nf_traits_of(op)->sample(&d, &m);
  nf_builder b;
  nf_graph *g = NULL;
  nf_val in[NF_MAX_IN] = {0};
  assert_true(nf_is_ok(nf_builder_init(&b, "sample")));
  for (int i = 0; i < nf_op_of(op)->n_in; i++)
    if (d.in[i].dtype != NF_NONE)
      in[i] = (d.in[i].cache != NF_NO_CACHE ? nf_build_pool : nf_build_input)(&b, nf_op_of(op)->in[i].name,
                                                                              d.in[i]);
  nf_build_output(&b, nf_build_node(&b, "made", op, in, &d.attr));
  nf_status_free(nf_builder_finish(&b, &g));
  return g;
}

static void at_random(void **state) {
  (void)state;
  uint64_t ops = 0;
  for (uint64_t seed = 1; seed <= 500; seed++) {
    nf_graph *g;
    nf_status st = nf_random_graph(seed, &g);
    if (!nf_is_ok(st)) fail_msg("seed %d: %s", (int)seed, nf_status_message(st));
    check_graph(g, seed, &ops);
  }
  for (unsigned n = 0; n < 8 * NF_OP_COUNT; n++) {
    nf_graph *g = sample_graph((nf_op)(n / 8), n % 8);
    if (g != NULL) check_graph(g, n, &ops);
  }
  assert_true(ops == (1ull << NF_OP_COUNT) - 1); // every op has occurred, if only as its sample
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand),
                                     cmocka_unit_test(loose_forms),
                                     cmocka_unit_test(results_have_any_names),
                                     cmocka_unit_test(refused),
                                     cmocka_unit_test(long_words_are_refused),
                                     cmocka_unit_test(at_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
