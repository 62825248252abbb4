// SPDX-License-Identifier: Apache-2.0
// A plan with kernels that have no code yet: made, explained, taken by the null device, refused by one that
// computes.
#include "plan/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void ok(nf_status st) { assert_string_equal(nf_status_message(st), ""); }
static void refused(nf_status st, const char *why) {
  assert_int_equal(nf_status_code(st), NF_UNAVAILABLE);
  assert_string_equal(nf_status_message(st), why);
  nf_status_free(st);
}

// The linker puts it in place of nf_variants: `only`, where there is one, is all the kernels that there are.
static const nf_variant *only;
const nf_variant *__real_nf_variants(size_t *out_n);
const nf_variant *__wrap_nf_variants(size_t *out_n);
const nf_variant *__wrap_nf_variants(size_t *out_n) {
  if (only == NULL) return __real_nf_variants(out_n);
  *out_n = 1;
  return only;
}

static void declared(void **state) {
  (void)state;
  nf_graph *g;
  nf_plan *p;
  nf_device *host, *null;
  nf_threads *threads;
  nf_plan_options o = {.max = nf_sizes_of(4, 1, 1)};
  static const nf_variant row = {.name = "add_later", .op = NF_OP_add, .backend = NF_BACKEND_HIP};
  ok(nf_hw_target("gfx950", &o.hw));
  only = &row;
  ok(nf_graph_parse(NF_VIEW("graph g\ninput a : bf16[T,64]\ny : bf16[T,64] = add(a, a)\noutput y\n"), "text",
                    &g));
  ok(nf_plan_create(g, &o, &p));
  float a[4 * 64];
  void *arena = nf_alloc_aligned(nf_plan_arena_bytes(p));
  nf_plan_bind(p, nf_graph_find(g, "a"), a, 0);
  nf_plan_place(p, arena);
  ok(nf_threads_create(1, &threads));
  ok(nf_device_host(threads, &host));
  ok(nf_device_null(&null));
  const nf_batch b = {.sizes = nf_sizes_of(4, 1, 1)};
  nf_plan_set_batch(p, &b);
  ok(nf_plan_run(p, null, &b.sizes));
  refused(nf_plan_run(p, host, &b.sizes),
          "kernel add_later is declared, not written yet: the plan can't be run");
  json_t *doc;
  assert_non_null(doc = nf_plan_explain(p));
  assert_int_equal(json_integer_value(json_object_get(doc, "declared")), 1);
  json_decref(doc);
  only = NULL;
  nf_device_destroy(null);
  nf_device_destroy(host);
  nf_threads_destroy(threads);
  nf_free_aligned(arena);
  nf_plan_destroy(p);
  nf_graph_destroy(g);
}

// A module's kernel is planned, and is not run without it.
static void without_module(void **state) {
  (void)state;
  static const nf_module_kernel kernel = {.stages = 1, .symbol = {"add_m"}, .packed = {8}};
  static const nf_variant row = {
      .name = "add_m", .op = NF_OP_add, .entry = {NF_ENTRY_MODULE, {.module = &kernel}}};
  nf_graph *g;
  nf_plan *p;
  nf_device *host;
  const nf_plan_options o = {.max = nf_sizes_of(4, 1, 1), .hw.backend = row.backend};
  ok(nf_graph_parse(NF_VIEW("graph g\ninput a : bf16[T,64]\ny : bf16[T,64] = add(a, a)\noutput y\n"), "text",
                    &g));
  ok(nf_device_host(NULL, &host));
  only = &row;
  ok(nf_plan_create(g, &o, &p));
  refused(nf_plan_run(p, host, &o.max),
          "kernel add_m is of a module that was not loaded: the plan can't be run");
  nf_plan_destroy(p);
  only = NULL;
  nf_device_destroy(host);
  nf_graph_destroy(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(declared), cmocka_unit_test(without_module)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
