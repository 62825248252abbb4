// SPDX-License-Identifier: Apache-2.0
// Plans per range of tokens: where they end, that a kernel for small steps is used in those, that equal
// neighbours are one, that timings make and unmake ranges, and how often selection is asked.
#include "compile/internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void ok(nf_status st) { assert_string_equal(nf_status_message(st), ""); }

static nf_graph *reduce(void) {
  nf_graph *g;
  ok(nf_graph_parse(NF_VIEW("graph g\ninput a : bf16[T,2880]\ninput h : bf16[T,2880]\n"
                            "weight w : bf16[2880] = \"w\"\nx : bf16[T,2880] = add(a, h)\n"
                            "s : bf16[T,2880] = all_reduce(x)\nr : bf16[T,2880] = add(s, h)\n"
                            "n : bf16[T,2880] = rms_norm(r, w) eps=1e-05 one_plus=0\noutput n\noutput r\n"),
                    "text", &g));
  return g;
}

static nf_compile_options options(const char *target, int64_t least, int64_t most, int64_t at) {
  nf_compile_options o = {.plan.max = nf_sizes_of(most, 8, 8),
                          .least = nf_sizes_of(least, 1, 1),
                          .at = nf_sizes_of(at, 1, 1),
                          .mode = NF_FUSE_COST};
  ok(nf_hw_target(target, &o.plan.hw));
  o.plan.hw.world = 8;
  return o;
}

// "1-32 33-64 of 33", the range after "of" being the main one.
static void ranges_are(const nf_compiled *c, const char *want) {
  nf_text t = {0};
  for (size_t i = 0; i < c->n; i++)
    nf_text_printf(&t, "%ld-%ld ", (long)c->range[i].lo, (long)c->range[i].hi);
  nf_text_printf(&t, "of %ld", (long)c->range[c->main].lo);
  assert_string_equal(t.at, want);
  nf_text_deinit(&t);
}

static bool uses(const nf_planned *p, const char *kernel) {
  json_t *doc = nf_plan_explain_kernels(p->plan), *node;
  bool any = false;
  size_t i;
  json_array_foreach(json_object_get(doc, "nodes"), i, node) any |=
      strstr(json_string_value(json_object_get(node, "kernel")), kernel) != NULL;
  json_decref(doc);
  return any;
}

static void small_and_large_steps(void **state) {
  (void)state;
  nf_graph *g = reduce();
  nf_compiled c;
  nf_compile_options o = options("gfx950", 1, 1000, 1); // one-shot up to 39 tokens
  ok(nf_compile(g, &o, &c));
  ranges_are(&c, "1-32 33-1000 of 1");
  assert_true(uses(&c.range[0], "oneshot") && !uses(&c.range[1], "oneshot"));
  assert_int_equal(nf_compiled_for(&c, 32), 0);
  assert_int_equal(nf_compiled_for(&c, 33), 1);
  assert_int_equal(c.arena_bytes, nf_plan_arena_bytes(c.range[1].plan));
  assert_true(nf_plan_arena_bytes(c.range[0].plan) < c.arena_bytes);
  nf_compiled_deinit(&c);
  o = options("gfx950", 1, 1000, 500);
  ok(nf_compile(g, &o, &c));
  ranges_are(&c, "1-32 33-1000 of 33");
  nf_compiled_deinit(&c);
  o = options("gfx950", 40, 1000, 40); // as --range asks
  ok(nf_compile(g, &o, &c));
  ranges_are(&c, "40-1000 of 40");
  nf_compiled_deinit(&c);
  o = options("gfx950", 1, 1, 1);
  ok(nf_compile(g, &o, &c));
  ranges_are(&c, "1-1 of 1");
  nf_compiled_deinit(&c);
  o = options("gfx950", 1, 1000, 1);
  o.mode = NF_FUSE_OFF; // all_reduce alone has two kernels too
  ok(nf_compile(g, &o, &c));
  ranges_are(&c, "1-32 33-1000 of 1");
  nf_compiled_deinit(&c);
  nf_graph_destroy(g);
}

// Of the kernels of `add` the one called so is measured as the fastest, at steps like `at`.
static void measure(nf_timings *t, const nf_hw *hw, const nf_graph *g, const nf_sizes *at, const char *best) {
  const nf_op_desc d = nf_graph_describe(g, &g->node[0]);
  const nf_select_options o = {.least = *at, .most = *at};
  nf_selection s;
  nf_candidate c;
  nf_select(hw, &d, &o, &s);
  for (size_t i = 0; nf_selection_next(&s, &i, hw, &d, &o, &c);)
    if (c.refusal == NF_CHOSEN || c.refusal == NF_REFUSED_BETTER)
      ok(nf_timings_put(t, hw, &d, at, c.variant, strcmp(c.variant->name, best) == 0 ? 1 : 2));
}

static void timings(void **state) {
  (void)state;
  nf_graph *g;
  nf_compiled c;
  nf_timings *t;
  ok(nf_graph_parse(NF_VIEW("graph g\ninput a : bf16[T,64]\ny : bf16[T,64] = add(a, a)\noutput y\n"), "text",
                    &g));
  nf_compile_options o = {
      .plan.max = nf_sizes_of(64, 1, 1), .least = nf_sizes_of(1, 1, 1), .at = nf_sizes_of(1, 1, 1)};
  ok(nf_hw_detect(&o.plan.hw));
  ok(nf_timings_create(&t));
  o.plan.select.timings = t;
  ok(nf_compile(g, &o, &c));
  ranges_are(&c, "1-64 of 1");
  nf_compiled_deinit(&c);
  for (int64_t n = 1; n <= 4; n *= 2) {
    const nf_sizes at = nf_sizes_of(n, 1, 1);
    measure(t, &o.plan.hw, g, &at, "add_ref");
  }
  ok(nf_compile(g, &o, &c));
  ranges_are(&c, "1-4 5-64 of 1");
  assert_true(uses(&c.range[0], "add_ref") && !uses(&c.range[1], "add_ref"));
  nf_compiled_deinit(&c);
  nf_timings_destroy(t);
  nf_graph_destroy(g);
}

// The linker puts it in place of nf_select.
static int selections;
void __real_nf_select(const nf_hw *, const nf_op_desc *, const nf_select_options *, nf_selection *);
void __wrap_nf_select(const nf_hw *, const nf_op_desc *, const nf_select_options *, nf_selection *);
void __wrap_nf_select(const nf_hw *hw, const nf_op_desc *d, const nf_select_options *o, nf_selection *out) {
  selections++;
  __real_nf_select(hw, d, o, out);
}

// What an op costs and by what kernel is one question; whether one wants padding is none.
static void asks_once(void **state) {
  (void)state;
  nf_graph *g = reduce(), *laid_out;
  const nf_compile_options o = options("gfx950", 1, 64, 1);
  nf_planned p = {.lo = 1, .hi = 64};
  const nf_op_desc d = nf_graph_describe(g, &g->node[0]);
  nf_op_cost cost = {0};
  selections = 0;
  nf_range_set_sizes(&o, &p);
  const nf_fuse_costs costs = nf_range_costs(&p);
  assert_true(costs.of(costs.user, &d, &p.options.select.at, &cost, NULL));
  assert_int_equal(selections, 1);
  assert_true(cost.us > 0 && cost.by != NULL);
  ok(nf_legalise(g, &p.options.hw, &p.options.select, &laid_out));
  assert_int_equal(selections, 1);
  nf_graph_destroy(laid_out);
  nf_graph_destroy(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_and_large_steps), cmocka_unit_test(timings),
                                     cmocka_unit_test(asks_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
