// SPDX-License-Identifier: Apache-2.0
// The figure by which a fusion lost, against what the graph costs with it and with what was chosen instead:
// both are fused, and every node of the results is priced anew.
#include "tests/support/fusing.h"
#include <math.h>

// What a graph costs by plain_cost, node by node.
static double cost_of(const nf_graph *g, const nf_sizes *at) {
  double sum = 0;
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_op_desc d = nf_graph_describe(g, &g->node[i]);
    nf_op_cost cost = {0};
    if (!(nf_op_of(d.op)->flags & NF_OP_VIEW)) assert_true(plain_cost(NULL, &d, at, &cost, NULL));
    sum += cost.us;
  }
  return sum;
}

// What it costs at best when the rules of `filter` may not be used.
static double cost_without(const nf_rules *r, const nf_graph *g, const char *filter) {
  nf_graph *out;
  nf_fuse_report *report;
  nf_fuse_options o = cost_options();
  o.filter = filter;
  ok(nf_fuse(r, g, &o, &out, &report));
  const double cost = cost_of(out, &o.at);
  nf_fuse_report_destroy(report);
  nf_graph_destroy(out);
  return cost;
}

// `lost` must have lost to `to`, by what the graph costs more without the rules that stood in its way.
static void check(const nf_rules *r, const char *text, const char *lost, const char *to,
                  const char *without) {
  nf_graph *g;
  nf_graph *out;
  nf_fuse_report *report;
  const nf_fuse_options o = cost_options();
  ok(nf_graph_parse(nf_view_of(text), "text", &g));
  ok(nf_fuse(r, g, &o, &out, &report));
  const nf_fusion *f = fusion_of(report, lost);
  assert_int_equal(f->verdict, NF_FUSION_LOST);
  assert_string_equal(report->fusion[f->lost_to].rule, to);
  const double apart = cost_without(r, g, without) - cost_of(out, &o.at);
  assert_true(apart > 1);
  if (fabs(f->by_us - apart) > 1e-9) fail_msg("%s: lost by %g, not %g", lost, f->by_us, apart);
  nf_fuse_report_destroy(report);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
}

static void to_one_that_takes_in_more(void **state) {
  (void)state;
  check(rules,
        "graph g\ninput x : f32[T,64]\ninput h : f32[T,64]\nweight w : f32[64] = \"w\"\n"
        "a : f32[T,64] = all_reduce(x)\ns : f32[T,64] = add(a, h)\n"
        "u : f32[T,64] = rms_norm(s, w) eps=1\noutput u\noutput s\n",
        "add_rms_norm", "all_reduce_add_rms_norm", "-all_reduce_add_rms_norm");
}

// ---- two that stand beside each other ----

static nf_val x_of(nf_side *s) {
  return nf_leaf(s, "x", NF_TYPE(s->example->dtype, NF_BY(1, NF_T), NF_C(s->example->columns)));
}
static void silu_sigmoid(nf_side *s) {
  const nf_val y = NF_BUILD(s->b, "y", silu, (x_of(s)), );
  nf_yield(s, NF_BUILD(s->b, "z", sigmoid, (y), ));
}
static void sigmoid_silu(nf_side *s) {
  const nf_val y = NF_BUILD(s->b, "y", sigmoid, (x_of(s)), );
  nf_yield(s, NF_BUILD(s->b, "z", silu, (y), ));
}
static void one_silu(nf_side *s) { nf_yield(s, NF_BUILD(s->b, "z", silu, (nf_found(s, "x")), )); }

static void to_two_at_once(void **state) {
  (void)state;
  static const nf_rule pair = {"pair", "pair", "", false, silu_sigmoid, one_silu, NULL},
                       across = {"across", "across", "", false, sigmoid_silu, one_silu, NULL};
  static const nf_rule *const both[] = {&pair, &across};
  nf_rules *mine;
  ok(nf_rules_from(both, 2, &mine));
  check(mine,
        "graph g\ninput x : f32[T,64]\na : f32[T,64] = silu(x)\nb : f32[T,64] = sigmoid(a)\n"
        "c : f32[T,64] = silu(b)\nd : f32[T,64] = sigmoid(c)\noutput d\n",
        "across", "pair", "-pair");
  nf_rules_destroy(mine);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(to_one_that_takes_in_more),
                                     cmocka_unit_test(to_two_at_once)};
  return cmocka_run_group_tests(tests, rules_set_up, rules_tear_down);
}
