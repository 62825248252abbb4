// SPDX-License-Identifier: Apache-2.0
// Plans of one model: an op is run in one order of sums by all of them, whatever each would do alone; packing
// orders and orders of sums go by what was measured, summed over plans.
#include "plan/plan.h"
#include "tensor/pack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void ok(nf_status st) { assert_string_equal(nf_status_message(st), ""); }

enum { FEW, MANY, PLANS };
static const int64_t tokens[PLANS] = {1, 64};

typedef struct setting { // two plans of one graph
  nf_graph *g;
  nf_hw hw;
  nf_timings *timings;
  nf_select_options select[PLANS];
  double weight[PLANS];
  nf_layout layout;
  nf_plan *plan[PLANS];
} setting;

static void set_up(setting *s, const char *text, const char *target) {
  *s = (setting){.weight = {1, 1}};
  ok(nf_graph_parse(nf_view_of(text), "text", &s->g));
  ok(nf_hw_target(target, &s->hw));
  ok(nf_timings_create(&s->timings));
}

static void tear_down(setting *s) {
  for (int i = 0; i < PLANS; i++) nf_plan_destroy(s->plan[i]);
  nf_layout_deinit(&s->layout);
  nf_timings_destroy(s->timings);
  nf_graph_destroy(s->g);
}

// What was measured of node 0's kernels: name, microseconds for few tokens and for many.
typedef struct measured {
  const char *kernel;
  double us[PLANS];
} measured;

static void put(setting *s, const measured *m, size_t n) {
  const nf_op_desc d = nf_graph_describe(s->g, &s->g->node[0]);
  for (size_t i = 0; i < n; i++)
    for (int p = 0; p < PLANS; p++) {
      const nf_sizes at = nf_sizes_of(tokens[p], 1, 1);
      ok(nf_timings_put(s->timings, &s->hw, &d, &at, nf_variant_find(m[i].kernel), m[i].us[p]));
    }
}

static void plan(setting *s) {
  nf_layout_user user[PLANS];
  bool shared;
  for (int i = 0; i < PLANS; i++) {
    const nf_sizes at = nf_sizes_of(tokens[i], 1, 1);
    s->select[i] = (nf_select_options){.least = at, .most = at, .at = at, .timings = s->timings};
    user[i] = (nf_layout_user){s->g, &s->select[i], s->weight[i]};
  }
  ok(nf_layout_create(&s->hw, user, PLANS, &s->layout, &shared));
  assert_true(shared);
  for (int i = 0; i < PLANS; i++) {
    const nf_plan_options o = {
        .hw = s->hw, .select = s->select[i], .max = s->select[i].most, .layout = &s->layout};
    ok(nf_plan_create(s->g, &o, &s->plan[i]));
  }
}

static void runs(const setting *s, const char *few, const char *many) {
  assert_string_equal(nf_plan_kernel(s->plan[FEW], 0)->name, few);
  assert_string_equal(nf_plan_kernel(s->plan[MANY], 0)->name, many);
}

static const char silu[] = "graph g\ninput x : bf16[T,64]\ny : bf16[T,64] = silu(x)\noutput y\n";
static const char add[] = "graph g\ninput x : bf16[T,64]\ny : bf16[T,64] = add(x, x)\noutput y\n";

// Costs that cross over: the order that costs less over both plans is that of both.
static void one_order(void **state) {
  (void)state;
  static const measured cross[] = {{"silu_ref", {2, 90}}, {"silu_rows_generic", {5, 30}}};
  static const double often[] = {1, 40};
  for (int i = 0; i < 2; i++) {
    const char *want = i == 0 ? "silu_rows_generic" : "silu_ref";
    setting s;
    set_up(&s, silu, "graviton3");
    put(&s, cross, 2);
    s.weight[FEW] = often[i];
    plan(&s);
    runs(&s, want, want);
    tear_down(&s);
  }
}

// What gives one order's bits may take turns.
static void kernels_of_one_order(void **state) {
  (void)state;
  static const measured cross[] = {{"add_ref", {2, 90}}, {"add_rows_generic", {5, 30}}};
  setting s;
  set_up(&s, add, "graviton3");
  put(&s, cross, 2);
  plan(&s);
  runs(&s, "add_ref", "add_rows_generic");
  tear_down(&s);
}

// The cheaper one that was not taken says why.
static void is_explained(void **state) {
  (void)state;
  static const measured cross[] = {{"silu_ref", {2, 90}}, {"silu_rows_generic", {5, 30}}};
  setting s;
  set_up(&s, silu, "graviton3");
  put(&s, cross, 2);
  plan(&s);
  json_t *told = nf_plan_explain(s.plan[FEW]);
  char *text = json_dumps(told, 0);
  assert_non_null(strstr(text, "2 \\u00b5s, but sums in order reference, steps of all sizes in plain") != NULL
                      ? text
                      : strstr(text, "2 µs, but sums in order reference, steps of all sizes in plain"));
  free(text);
  json_decref(told);
  tear_down(&s);
}

#if defined(__x86_64__)
static const char linear[] = "graph g\ninput x : bf16[T,64]\nweight w : bf16[32,64] = \"w\"\n"
                             "y : bf16[T,32] = linear(x, w, _) out=bf16\noutput y\n";

// Packs go by measured costs: what estimates would choose (pairs) loses where it took longer over both plans.
static void measured_packs(void **state) {
  (void)state;
  static const struct {
    measured of[3];
    nf_pack want;
    const char *kernel;
  } rows[] = {
      {{{"linear_bf16_n16_generic", {9, 99}},
        {"linear_bf16_n16_avx2", {3, 20}},
        {"linear_pairs_avx512", {4, 25}}},
       NF_PACK_N16,
       "linear_bf16_n16_avx2"},
      {{{"linear_bf16_n16_generic", {9, 99}},
        {"linear_bf16_n16_avx2", {3, 20}},
        {"linear_pairs_avx512", {4, 15}}},
       NF_PACK(16, 2),
       "linear_pairs_avx512"},
      // in one packing order too there is one order of sums
      {{{"linear_bf16_n16_generic", {1, 30}},
        {"linear_bf16_n16_avx2", {3, 20}},
        {"linear_pairs_avx512", {40, 50}}},
       NF_PACK_N16,
       "linear_bf16_n16_avx2"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    setting s;
    set_up(&s, linear, "zen4");
    put(&s, rows[i].of, 3);
    plan(&s);
    assert_true(nf_pack_equal(s.layout.stored[0].type.pack, rows[i].want));
    runs(&s, rows[i].kernel, rows[i].kernel);
    tear_down(&s);
  }
}

// One kernel without a measured time: all are estimated, whatever packing order they read.
static void packs_mix_no_costs(void **state) {
  (void)state;
  static const measured some[] = {{"linear_bf16_n16_generic", {.001, .001}},
                                  {"linear_bf16_n16_avx2", {.001, .001}}};
  setting s;
  set_up(&s, linear, "zen4");
  put(&s, some, 2);
  plan(&s);
  runs(&s, "linear_pairs_avx512", "linear_pairs_avx512");
  tear_down(&s);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_order),
    cmocka_unit_test(kernels_of_one_order),
    cmocka_unit_test(is_explained),
#if defined(__x86_64__)
    cmocka_unit_test(measured_packs),
    cmocka_unit_test(packs_mix_no_costs),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
