// SPDX-License-Identifier: Apache-2.0
// Whole graphs: GPT-OSS on two ranks in all modes, verdicts and refusals, cycles, failing memory; and how
// long it takes.
#include "base/clock.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/fusing.h"
#include "tests/support/layers.h"
#include <stdlib.h>

// ---- the touchstone ----

static void gpt_oss(void **state) {
  (void)state;
  static const char *const sums_first[] = {"all_reduce_rms_norm", "add_rms_norm_pad"};
  static const char *const pads_first[] = {"add_rms_norm_pad", "all_reduce_rms_norm"};
  for (int layers = 1; layers <= 36; layers += 7) {
    const size_t n = (size_t)layers;
    nf_graph *g, *out;
    nf_fuse_report *r;
    nf_fuse_options o = cost_options();
    ok(nf_layers_graph(&(nf_layers){.layers = layers, .ranks = true, .pads = true, .act = NF_BF16}, &g));
    ok(nf_fuse(rules, g, &o, &out, &r));
    assert_int_equal(r->sums, 1 + 2 * n);
    assert_int_equal(r->sums_fused, 1 + 2 * n);
    assert_int_equal(r->sums_padded, n);
    assert_true(r->after_us < r->before_us);
    nf_fuse_report_destroy(r);
    nf_graph_destroy(out);
    o.mode = NF_FUSE_ORDERED;
    o.n_order = 2;
    for (int pads = 0; pads < 2; pads++) {
      o.order = pads ? pads_first : sums_first;
      ok(nf_fuse(rules, g, &o, &out, &r));
      assert_int_equal(chosen(r, "all_reduce_rms_norm"), pads ? 1 : n + 1);
      assert_int_equal(chosen(r, "add_rms_norm_pad"), pads ? n : 0);
      assert_int_equal(r->n_normalised, 0);
      for (size_t i = 0; i < r->n_fusions; i++)
        if (strcmp(r->fusion[i].rule, "add_rms_norm") == 0)
          assert_int_equal(r->fusion[i].verdict, NF_FUSION_UNNAMED);
      nf_fuse_report_destroy(r);
      nf_graph_destroy(out);
    }
    nf_graph_destroy(g);
  }
}

static void one_rank_and_off(void **state) {
  (void)state;
  nf_graph *g, *out;
  nf_fuse_report *r;
  nf_fuse_options o = cost_options();
  ok(nf_layers_graph(&(nf_layers){.layers = 6, .pads = true, .act = NF_BF16}, &g));
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_int_equal(chosen(r, "add_rms_norm_pad"), 6);
  assert_int_equal(r->sums, 0);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  o.mode = NF_FUSE_OFF;
  ok(nf_fuse(rules, g, &o, &out, &r));
  char *was = text_of(g), *is = text_of(out);
  assert_string_equal(was, is);
  nf_free(was);
  nf_free(is);
  assert_int_equal(r->n_fusions, 0);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
}

// ---- what is told ----

static void verdicts(void **state) {
  (void)state;
  nf_graph *g, *out;
  nf_fuse_report *r;
  nf_fuse_options o = cost_options();
  ok(nf_graph_parse(
      nf_view_of("graph g\ninput x : f32[T,64]\ninput h : f32[T,64]\nweight w : f32[64] = \"w\"\n"
                 "a : f32[T,64] = all_reduce(x)\ns : f32[T,64] = add(a, h)\n"
                 "u : f32[T,64] = rms_norm(s, w) eps=1\noutput u\noutput s\n"),
      "text", &g));
  ok(nf_fuse(rules, g, &o, &out, &r));
  const nf_fusion *won = fusion_of(r, "all_reduce_add_rms_norm"), *lost = fusion_of(r, "add_rms_norm");
  assert_int_equal(won->verdict, NF_FUSION_CHOSEN);
  assert_int_equal(lost->verdict, NF_FUSION_LOST);
  assert_ptr_equal(&r->fusion[lost->lost_to], won);
  assert_true(lost->by_us > 2);
  assert_non_null(strstr(lost->why, "lost to all_reduce_add_rms_norm at a by "));
  assert_int_equal(r->n_sites, 1);
  char *json = json_of(r);
  assert_non_null(strstr(json, "\"verdict\": \"chosen\""));
  assert_non_null(strstr(json, "\"lost_to\": \"all_reduce_add_rms_norm\""));
  free(json);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  // Without its kernel the next best one is taken, and the reason told.
  odd_ops odd = {.no_kernel = true};
  o.costs.user = &odd;
  ok(nf_fuse(rules, g, &o, &out, &r));
  won = fusion_of(r, "all_reduce_add_rms_norm");
  assert_int_equal(won->verdict, NF_FUSION_REFUSED);
  assert_string_equal(won->why, "rms_norm: K = 64 is not a multiple of 128");
  assert_int_equal(fusion_of(r, "add_rms_norm")->verdict, NF_FUSION_CHOSEN);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  // Nor is a fusion taken that costs more, but where it is the only way to run at all.
  odd = (odd_ops){.dear = true};
  ok(nf_fuse(rules, g, &o, &out, &r));
  won = fusion_of(r, "all_reduce_add_rms_norm");
  assert_int_equal(won->verdict, NF_FUSION_UNPROFITABLE);
  assert_non_null(strstr(won->why, " µs, its nodes "));
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  odd.no_kernel = "rms_norm";
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_int_equal(fusion_of(r, "add_rms_norm")->verdict, NF_FUSION_CHOSEN);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  o.costs.user = NULL;
  o.filter = "-all_reduce_add_rms_norm";
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_null(fusion_of(r, "all_reduce_add_rms_norm"));
  assert_int_equal(fusion_of(r, "add_rms_norm")->verdict, NF_FUSION_CHOSEN);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
}

// Each of two fusions could go alone, but each one's norm has a weight that needs the other's sum; a third
// one's weight needs its own sum.
static void cycles(void **state) {
  (void)state;
  nf_graph *g, *out;
  nf_fuse_report *r;
  const nf_fuse_options o = cost_options();
  ok(nf_graph_parse(
      nf_view_of("graph g\ninput x : f32[8]\ninput h : f32[8]\ninput k : f32[8]\n"
                 "s1 : f32[8] = add(x, h)\ns2 : f32[8] = add(x, k)\ns3 : f32[8] = add(h, k)\n"
                 "w1 : f32[8] = add(s2, h)\nw2 : f32[8] = add(s1, h)\nw3 : f32[8] = add(s3, h)\n"
                 "n1 : f32[8] = rms_norm(s1, w1) eps=1\n"
                 "n2 : f32[8] = rms_norm(s2, w2) eps=1\n"
                 "n3 : f32[8] = rms_norm(s3, w3) eps=1\n"
                 "output n1\noutput n2\noutput n3\n"),
      "text", &g));
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_int_equal(chosen(r, "add_rms_norm"), 1);
  assert_int_equal(r->n_fusions, 3);
  assert_int_equal(r->fusion[0].verdict, NF_FUSION_CHOSEN);
  assert_string_equal(r->fusion[1].why, "with the others it would close a cycle");
  assert_string_equal(r->fusion[2].why, "something between its nodes needs one and is needed by another");
  compare(g, out, 2, 1, 0, 1);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
}

// ---- memory ----

static nf_graph *to_fuse;
static nf_status fuse_once(void) {
  nf_graph *out;
  nf_fuse_report *r;
  nf_rules *mine;
  json_t *json = NULL;
  const nf_fuse_options o = cost_options();
  NF_TRY(nf_rules_create(&mine));
  nf_status st = nf_fuse(mine, to_fuse, &o, &out, &r);
  if (nf_is_ok(st)) {
    st = nf_fuse_report_json(r, &json);
    json_decref(json);
    nf_fuse_report_destroy(r);
    nf_graph_destroy(out);
  }
  nf_rules_destroy(mine);
  return st;
}

static void failing_memory(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  ok(nf_layers_graph(&(nf_layers){.layers = 1, .ranks = true, .pads = true, .act = NF_BF16}, &to_fuse));
  ok(fuse_once());
  nf_alloc_fail_at(0, false);
  const int64_t live = nf_alloc_live();
  ok(fuse_once());
  const uint64_t count = nf_alloc_count();
  for (uint64_t n = 1; n <= count; n++)
    for (int for_good = 0; for_good < 2; for_good++) {
      nf_alloc_fail_at(n, for_good);
      nf_status st = fuse_once();
      nf_alloc_fail_at(0, false);
      if (nf_status_code(st) != NF_NO_MEMORY) fail_msg("allocation %d: '%s'", (int)n, nf_status_message(st));
      nf_status_free(st);
      if (nf_alloc_live() != live) fail_msg("allocation %d: something is leaked", (int)n);
    }
  nf_graph_destroy(to_fuse);
}

// ---- time: printed, never judged ----

static void time(void **state) {
  (void)state;
  for (int layers = 12; layers <= 96; layers *= 2) {
    nf_graph *g, *out;
    nf_fuse_report *r;
    double best = 1e9;
    const nf_fuse_options o = cost_options();
    ok(nf_layers_graph(&(nf_layers){.layers = layers, .ranks = true, .pads = true, .act = NF_BF16}, &g));
    for (int n = 0; n < 5; n++) {
      const double start = nf_now();
      ok(nf_fuse(rules, g, &o, &out, &r));
      const double t = nf_now() - start;
      if (t < best) best = t;
      nf_fuse_report_destroy(r);
      nf_graph_destroy(out);
    }
    print_message("%d layers, %zu nodes: %.2f ms\n", layers, g->n_nodes, best * 1e3);
    nf_graph_destroy(g);
  }
}

// What is found once is chosen for any costs, as if it had been found for them.
static void one_search_for_many_choices(void **state) {
  (void)state;
  nf_graph *g, *out, *alone;
  nf_fuse_report *r, *alone_r;
  nf_fusions *found;
  nf_fuse_choice choice[3] = {0};
  const odd_ops odd[] = {{0}, {.dear = true}, {0}};
  nf_fuse_options o = cost_options();
  ok(nf_layers_graph(&(nf_layers){.layers = 2, .ranks = true, .pads = true, .act = NF_BF16}, &g));
  ok(nf_fuse_find(rules, g, &o, &found));
  for (int i = 0; i < 3; i++) {
    o.costs.user = (void *)&odd[i];
    ok(nf_fuse_choose(found, &o.at, &o.costs, &choice[i]));
    ok(nf_fuse_build(found, &out, &r));
    ok(nf_fuse(rules, g, &o, &alone, &alone_r));
    char *text = text_of(out), *want = text_of(alone), *json = json_of(r), *want_json = json_of(alone_r);
    assert_string_equal(text, want);
    assert_string_equal(json, want_json);
    nf_free(text);
    nf_free(want);
    free(json);
    free(want_json);
    nf_graph_destroy(out);
    nf_graph_destroy(alone);
    nf_fuse_report_destroy(r);
    nf_fuse_report_destroy(alone_r);
  }
  assert_false(nf_fuse_choice_equal(&choice[0], &choice[1]));
  assert_true(nf_fuse_choice_equal(&choice[0], &choice[2]));
  for (int i = 0; i < 3; i++) nf_fuse_choice_deinit(&choice[i]);
  nf_fusions_destroy(found);
  nf_graph_destroy(g);
}

// Measured, a norm of more than rows and weights is slow; other norms are not measured with `some_norms`.
static bool some_norms;
static bool measured_cost(void *user, const nf_op_desc *d, const nf_sizes *at, nf_op_cost *out,
                          nf_text *why) {
  int operands = 0;
  for (int k = 0; k < NF_MAX_IN; k++) operands += d->in[k].dtype != NF_NONE;
  out->measured = !some_norms || d->op != NF_OP_rms_norm || operands > 2;
  out->measured_us = operands > 2 ? 1000 : 1;
  return plain_cost(user, d, at, out, why);
}

// One op of a site that was not measured leaves all its costs to be estimated.
static void costs_are_never_mixed(void **state) {
  (void)state;
  nf_graph *g, *out;
  ok(nf_graph_parse(
      NF_VIEW("graph g\ninput x : bf16[T,64]\ninput h : bf16[T,64]\nweight w : bf16[64] = \"w\"\n"
              "r : bf16[T,64] = add(x, h)\nn : bf16[T,64] = rms_norm(r, w) eps=1e-05 "
              "one_plus=0\noutput n\noutput r\n"),
      "text", &g));
  for (int i = 0; i < 2; i++) {
    nf_fuse_report *r;
    nf_fuse_options o = cost_options();
    some_norms = i == 1;
    o.costs.of = measured_cost;
    ok(nf_fuse(rules, g, &o, &out, &r));
    assert_int_equal(r->nodes_after, i == 0 ? 2 : 1);
    nf_graph_destroy(out);
    nf_fuse_report_destroy(r);
  }
  nf_graph_destroy(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_search_for_many_choices),
      cmocka_unit_test(costs_are_never_mixed),
      cmocka_unit_test(gpt_oss),
      cmocka_unit_test(one_rank_and_off),
      cmocka_unit_test(verdicts),
      cmocka_unit_test(cycles),
      cmocka_unit_test(failing_memory),
      cmocka_unit_test(time),
  };
  return cmocka_run_group_tests(tests, rules_set_up, rules_tear_down);
}
