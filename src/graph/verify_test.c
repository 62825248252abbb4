// SPDX-License-Identifier: Apache-2.0
// The verifier: a good graph, spoiled in one place at a time.
#include "graph/graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "graph g\n"
                           "input x : bf16[T,2,32]\n"                                  // 1
                           "pool kv : full bf16[2,2,16,32]\n"                          // 2
                           "weight s : bf16[2] = \"sinks\"\n"                          // 3
                           "weight q : mxfp4[4,32] = \"blocks\" scales \"scales\"\n"   // 4
                           "kv.1 : full bf16[2,2,16,32] = kv_write(x, x, kv)\n"        // 5, node 0
                           "kv.2 : full bf16[2,2,16,32] = kv_write(x, x, kv.1)\n"      // 6, node 1
                           "o : bf16[T,2,32] = attention(x, kv.2, s) scale=1\n"        // 7, node 2
                           "l : f32[T,2,4] = linear(o, q) out=f32\n"                   // 8, node 3
                           "e : f32[2*T,4] = reshape(l) to=[2*T,4]\n"                  // 9, node 4
                           "r : f32[2*T,2], r.ids : i32[2*T,2] = router_topk(e) k=2\n" // 10, 11, node 5
                           "output r\noutput o\n";

static nf_graph *good(void) {
  nf_graph *g;
  nf_status st = nf_graph_parse((nf_view){text, sizeof text - 1}, "good", &g);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  return g;
}

typedef struct spoil {
  void (*how)(nf_graph *g);
  const char *says;
} spoil;

static void no_name(nf_graph *g) { g->value[1].name = NULL; }
static void bad_name(nf_graph *g) { g->value[1].name = "x y"; }
static void other_name(nf_graph *g) { g->value[1].name = "unknown"; }
static void swapped_name(nf_graph *g) { g->value[1].name = g->value[3].name; }
static void bad_kind(nf_graph *g) { g->value[1].kind = (nf_value_kind)9; }
static void no_kind(nf_graph *g) { g->value[1].kind = (nf_value_kind)0; }
static void bad_type(nf_graph *g) { g->value[1].type.rank = 9; }
static void input_pool(nf_graph *g) { g->value[1].type.cache = NF_CACHE_FULL; }
static void plain_pool(nf_graph *g) { g->value[2].type.cache = NF_NO_CACHE; }
static void symbolic_weight(nf_graph *g) { g->value[3].type.dim[0].sym = NF_T; }
static void no_tensor(nf_graph *g) { g->value[3].recipe.tensor = NULL; }
static void extra_scales(nf_graph *g) { g->value[3].recipe.scales = "x"; }
static void no_scales(nf_graph *g) { g->value[4].recipe.scales = NULL; }
static nf_joined halves[2] = {{"a", 1, {.tensor = "a"}}, {"b", 1, {.tensor = "b"}}};
static void join(nf_graph *g, const char *name, nf_recipe second) {
  halves[1].name = name;
  halves[1].recipe = second;
  g->value[3].recipe = (nf_recipe){.joined = halves, .n_joined = 2};
}
static void joined_name(nf_graph *g) { join(g, NULL, (nf_recipe){.tensor = "b"}); }
static void joined_joins(nf_graph *g) { join(g, "b", (nf_recipe){.joined = halves, .n_joined = 2}); }
static void joined_tensor(nf_graph *g) { join(g, "b", (nf_recipe){.tensor = NULL}); }
static void joined_and_more(nf_graph *g) {
  join(g, "b", (nf_recipe){.tensor = "b"});
  g->value[3].recipe.tensor = "c";
}
static void joined_too_many(nf_graph *g) {
  join(g, "b", (nf_recipe){.tensor = "b"});
  g->value[3].recipe.n_joined = NF_MAX_JOINED + 1;
}
static void node_far(nf_graph *g) { g->value[7].node = 99; }
static void node_other(nf_graph *g) { g->value[7].node = 3; }
static void result_far(nf_graph *g) { g->value[7].result = 3; }
static void bad_op(nf_graph *g) { g->node[2].op = NF_OP_COUNT; }
static void no_result(nf_graph *g) { g->node[2].out[0] = 0, g->value[7].kind = NF_VALUE_INPUT; }
static void result_is_input(nf_graph *g) { g->node[2].out[0] = 1, g->value[7].kind = NF_VALUE_INPUT; }
static void operand_later(nf_graph *g) { g->node[2].in[0] = 8; }
static void operand_itself(nf_graph *g) { g->node[2].in[0] = 7; }
static void operand_far(nf_graph *g) { g->node[2].in[0] = 4000; }
static void operand_missing(nf_graph *g) { g->node[2].in[0] = 0; }
static void operand_wrong(nf_graph *g) { g->node[2].in[0] = 3; }
static void type_changed(nf_graph *g) { g->value[7].type.dtype = NF_F32; }
static void padding_changed(nf_graph *g) { g->value[7].type.padded[2] = 64; }
static void attr_changed(nf_graph *g) { g->node[2].attr.attention.scale = -1; }
static void attr_changes_type(nf_graph *g) { g->node[3].attr.linear.out = NF_BF16; }
static void stale_pool(nf_graph *g) { g->node[2].in[1] = 5; }
static void stale_first_pool(nf_graph *g) { g->node[2].in[1] = 2; }
static void pool_written_twice(nf_graph *g) { g->node[1].in[2] = 2; }
static void output_far(nf_graph *g) { g->output[0] = 4000; }
static void output_none(nf_graph *g) { g->output[0] = 0; }
static void output_twice(nf_graph *g) { g->output[0] = g->output[1]; }
static void output_stale(nf_graph *g) { g->output[0] = 5; }
static void nodes_swapped(nf_graph *g) {
  nf_node n = g->node[0];
  g->node[0] = g->node[1];
  g->node[1] = n;
  g->value[5].node = 1;
  g->value[6].node = 0;
}
static void results_apart(nf_graph *g) { // r.ids takes the place of x, before r
  g->node[5].out[1] = 1;
  g->value[1].kind = NF_VALUE_RESULT;
  g->value[1].node = 5;
  g->value[1].result = 1;
  g->value[11].kind = NF_VALUE_INPUT;
}

static const spoil spoils[] = {
    {no_name, "value 1 has no name"},
    {bad_name, "x y: the name must be"},
    {other_name, "unknown: the name leads to another value"},
    {swapped_name, "s: the name leads to another value"},
    {bad_kind, "x: kind 9 does not exist"},
    {no_kind, "x: kind 0 does not exist"},
    {bad_type, "x: a type of rank 9"},
    {input_pool, "x: only a pool's type names a cache group"},
    {plain_pool, "kv: a pool's type must name its cache group"},
    {symbolic_weight, "s: a weight must have constant extents"},
    {no_tensor, "s: a weight must name its tensor"},
    {extra_scales, "s: bf16 weights have no scales"},
    {no_scales, "q: mxfp4 weights must name their scales"},
    {joined_name, "s: joined weight 1 must have a name"},
    {joined_joins, "s: joined weight 1 must have a name"},
    {joined_tensor, "s: joined weight b: a weight must name its tensor"},
    {joined_and_more, "s: a weight of other weights' rows joins 2 to 4 of them and nothing else"},
    {joined_too_many, "s: a weight of other weights' rows joins 2 to 4"},
    {node_far, "o: no node makes it"},
    {node_other, "o: no node makes it"},
    {result_far, "o: no node makes it"},
    {bad_op, "node 2: op"},
    {no_result, "node 2: result o is missing"},
    {result_is_input, "x: is not the result of node 2"},
    {operand_later, "o: operand q does not stand before it"},
    {operand_itself, "o: operand q does not stand before it"},
    {operand_far, "o: operand q does not stand before it"},
    {operand_missing, "o: attention: q is missing"},
    {operand_wrong, "o: attention: q is bf16[2] but"},
    {type_changed, "o: is f32[T,2,32] but must be bf16[T,2,32]"},
    {padding_changed, "o: is bf16[T,2,32:64] but must be bf16[T,2,32]"},
    {attr_changed, "o: attention: scale is -1"},
    {attr_changes_type, "l: is f32[T,2,4] but must be bf16[T,2,4]"},
    {stale_pool, "o: uses kv.1, which kv.2 has replaced"},
    {stale_first_pool, "o: uses kv, which kv.1 has replaced"},
    {pool_written_twice, "kv.2: uses kv, which kv.1 has replaced"},
    {output_far, "output 0: value 4000 does not exist"},
    {output_none, "output 0: value 0 does not exist"},
    {output_twice, "output o: is listed twice"},
    {output_stale, "output kv.1: a later node has replaced it"},
    {nodes_swapped, "kv.1: stands out of order"},
    {results_apart, "x: stands out of order"},
};

static void each_rule_once(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
    nf_graph *g = good();
    spoils[i].how(g);
    nf_status st = nf_graph_verify(g);
    if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), spoils[i].says))
      fail_msg("'%s' does not say '%s'", nf_status_message(st), spoils[i].says);
    assert_non_null(strstr(nf_status_message(st), "graph g: "));
    nf_status_free(st);
    nf_graph_destroy(g);
  }
}

static void good_graphs_pass(void **state) {
  (void)state;
  nf_graph *g = good();
  assert_true(nf_is_ok(nf_graph_verify(g)));
  g->n_outputs = 0;
  assert_true(nf_is_ok(nf_graph_verify(g)));
  nf_graph_destroy(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(good_graphs_pass), cmocka_unit_test(each_rule_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
