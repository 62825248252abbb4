// SPDX-License-Identifier: Apache-2.0
// The builder: names, scopes, results, and errors that stick.
#include "graph/graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const nf_extent T = {1, NF_T};

static nf_builder begun(void) {
  nf_builder b;
  assert_true(nf_is_ok(nf_builder_init(&b, "test")));
  return b;
}

static void assert_fails(nf_builder *b, const char *part) {
  nf_graph *g = NULL;
  nf_status st = nf_builder_finish(b, &g);
  if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), part))
    fail_msg("'%s' does not say '%s'", nf_status_message(st), part);
  assert_null(g);
  nf_status_free(st);
}

static void builds_a_graph(void **state) {
  (void)state;
  nf_builder b = begun();
  nf_val x = nf_build_input(&b, "x", NF_TYPE(NF_BF16, T, NF_C(8)));
  nf_builder_scope(&b, "L%d.", 3);
  char tensor[] = "router.weight";
  nf_val w =
      nf_build_weight(&b, "router.w", NF_TYPE(NF_BF16, NF_C(4), NF_C(8)), (nf_recipe){.tensor = tensor});
  tensor[0] = '?'; // the builder has a copy
  nf_val logits = NF_BUILD(&b, "logits", linear, (x, w), .out = NF_F32);
  nf_val weights = NF_BUILD(&b, "choice", router_topk, (logits), .k = 2);
  nf_val ids = nf_build_result(&b, weights, 1);
  nf_builder_scope(&b, "%s", "");
  nf_build_output(&b, weights);
  nf_build_output(&b, ids);
  nf_graph *g;
  assert_true(nf_is_ok(nf_builder_finish(&b, &g)));
  assert_int_equal(g->n_values, 6);
  assert_int_equal(g->n_nodes, 2);
  assert_int_equal(nf_graph_find(g, "L3.choice"), weights);
  assert_int_equal(nf_graph_find(g, "L3.choice.ids"), ids);
  assert_int_equal(nf_graph_find(g, "x"), x);
  assert_int_equal(nf_graph_find(g, "choice"), 0);
  assert_string_equal(g->value[w].recipe.tensor, "router.weight");
  assert_int_equal(g->value[ids].result, 1);
  nf_op_desc d = nf_graph_describe(g, &g->node[0]);
  assert_int_equal(d.op, NF_OP_linear);
  assert_int_equal(d.attr.linear.out, NF_F32);
  assert_true(nf_type_equal(&d.in[1], &g->value[w].type));
  assert_int_equal(d.in[2].dtype, NF_NONE);
  assert_true(nf_type_equal(&d.out[0], &g->value[logits].type));
  nf_graph_destroy(g);
  nf_graph_destroy(NULL);
}

static void the_first_error_sticks(void **state) {
  (void)state;
  nf_builder b = begun();
  nf_val x = nf_build_input(&b, "x", NF_TYPE(NF_BF16, T, NF_C(8)));
  nf_val w = nf_build_weight(&b, "w", NF_TYPE(NF_BF16, NF_C(4), NF_C(9)), (nf_recipe){.tensor = "w"});
  assert_int_equal(NF_BUILD(&b, "y", linear, (x, w), .out = NF_F32), 0);
  assert_int_equal(NF_BUILD(&b, "z", add, (x, x), ), 0);
  assert_int_equal(nf_build_input(&b, "bad name", NF_TYPE(NF_F32, T)), 0);
  assert_int_equal(nf_build_result(&b, x, 0), 0);
  assert_string_equal(nf_build_name(&b, "n%d", 1), "");
  nf_build_output(&b, 0);
  nf_builder_scope(&b, "%s", "scope that would be much longer than there is room for.");
  assert_fails(&b, "y: linear: w is bf16[4,9] but x has 8 columns");
  b = begun();
  nf_builder_fail(&b, nf_error(NF_BAD_INPUT, "no such layer"));
  nf_builder_fail(&b, nf_error(NF_BAD_INPUT, "second"));
  assert_fails(&b, "no such layer");
}

static void names_are_checked(void **state) {
  (void)state;
  static const char *const bad[] = {"", "_", "a b", "a\n", "a:b", "\xc3\xa9", "a,b", "a(b", "#"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    nf_builder b = begun();
    assert_int_equal(nf_build_input(&b, bad[i], NF_TYPE(NF_F32, T)), 0);
    assert_fails(&b, "the name must be");
    nf_status st = nf_builder_init(&b, bad[i]);
    assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
    nf_status_free(st);
  }
  nf_builder b = begun();
  nf_build_input(&b, "same", NF_TYPE(NF_F32, T));
  nf_build_input(&b, "same", NF_TYPE(NF_F32, T));
  assert_fails(&b, "same: the name is taken");
  b = begun();
  nf_builder_scope(&b, "%040d", 1);
  assert_fails(&b, "is longer than 31 bytes");
  b = begun();
  nf_build_name(&b, "%0300d", 1);
  assert_fails(&b, "is longer than 255 bytes");
  b = begun();
  nf_builder_scope(&b, "scope");
  nf_build_input(&b, nf_build_name(&b, "%0255d", 1), NF_TYPE(NF_F32, T));
  assert_fails(&b, "the name must be 1 to 255");
}

static void leaves_are_checked(void **state) {
  (void)state;
  nf_type pool = NF_TYPE(NF_F32, NF_C(4));
  pool.cache = NF_CACHE_FULL;
  nf_builder b = begun();
  nf_build_input(&b, "x", pool);
  assert_fails(&b, "x: only a pool's type");
  b = begun();
  nf_build_pool(&b, "x", NF_TYPE(NF_F32, NF_C(4)));
  assert_fails(&b, "x: a pool's type must name its cache group");
  b = begun();
  nf_build_input(&b, "x", (nf_type){0});
  assert_fails(&b, "x: a type without a dtype");
  b = begun();
  nf_build_weight(&b, "w", NF_TYPE(NF_F32, T), (nf_recipe){.tensor = "w"});
  assert_fails(&b, "w: a weight must have constant extents");
  b = begun();
  nf_build_weight(&b, "w", NF_TYPE(NF_F32, NF_C(4)), (nf_recipe){0});
  assert_fails(&b, "w: a weight must name its tensor");
  b = begun();
  nf_build_weight(&b, "w", NF_TYPE(NF_F32, NF_C(4)), (nf_recipe){"w", "s"});
  assert_fails(&b, "f32 weights have no scales");
  b = begun();
  nf_build_weight(&b, "w", NF_TYPE(NF_MXFP4, NF_C(32)), (nf_recipe){.tensor = "w"});
  assert_fails(&b, "mxfp4 weights must name their scales");
}

static void wrong_values_are_refused(void **state) {
  (void)state;
  nf_builder b = begun();
  nf_val x = nf_build_input(&b, "x", NF_TYPE(NF_F32, T));
  nf_build_result(&b, x, 0);
  assert_fails(&b, "x is no node's result");
  b = begun();
  x = nf_build_input(&b, "x", NF_TYPE(NF_F32, T));
  nf_build_result(&b, NF_BUILD(&b, "y", add, (x, x), ), 1);
  assert_fails(&b, "y: add has no result 1");
  b = begun();
  nf_build_output(&b, 7);
  assert_fails(&b, "value 7 does not exist");
  b = begun();
  x = nf_build_input(&b, "x", NF_TYPE(NF_F32, T));
  NF_BUILD(&b, "y", add, (x, 99), );
  assert_fails(&b, "y: value 99 does not exist");
  b = begun();
  x = nf_build_input(&b, "x", NF_TYPE(NF_F32, T));
  NF_BUILD(&b, "y", add, (x), );
  assert_fails(&b, "y: add: b is missing");
  b = begun();
  x = nf_build_input(&b, "x", NF_TYPE(NF_F32, T));
  nf_build_output(&b, x);
  nf_build_output(&b, x);
  assert_fails(&b, "x is an output already");
  b = begun();
  nf_build_node(&b, "y", NF_OP_COUNT, NULL, NULL);
  assert_fails(&b, "does not exist");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(builds_a_graph), cmocka_unit_test(the_first_error_sticks),
      cmocka_unit_test(names_are_checked), cmocka_unit_test(leaves_are_checked),
      cmocka_unit_test(wrong_values_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
