// SPDX-License-Identifier: Apache-2.0
// Which launches may run side by side.
#include "plan/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// For each launch whether it is beside those before it: "-" or "b".
static void is_listed(const char *text, bool keep_all, const char *want) {
  nf_plan_options o = {.max = nf_sizes_of(4, 1, 1), .keep_all = keep_all};
  nf_graph *g;
  nf_plan *p;
  char got[16] = "";
  ok(nf_hw_detect(&o.hw));
  ok(nf_graph_parse(nf_view_of(text), "text", &g));
  ok(nf_plan_create(g, &o, &p));
  for (size_t i = 0; i < p->n_launches; i++) strcat(got, p->launch[i].beside ? "b" : "-");
  assert_string_equal(got, want);
  nf_plan_destroy(p);
  nf_graph_destroy(g);
}

#define GRAPH "graph g\ninput x : bf16[T,64]\ninput y : bf16[T,64]\n"

static void what_is_read_is_waited_for(void **) {
  static const char text[] = GRAPH "a : bf16[T,64] = add(x, y)\n"
                                   "b : bf16[T,64] = mul(x, y)\n"
                                   "c : bf16[T,64] = add(a, x)\n"
                                   "d : bf16[T,64] = mul(b, x)\n"
                                   "e : bf16[T,64] = add(c, d)\n"
                                   "output e\n";
  is_listed(text, true, "-b-b-");
}

// x+y is dead behind b, so that c may have its storage: then c waits for b, though it reads nothing of it.
static void storage_that_is_used_again_is_waited_for(void **) {
  static const char text[] = GRAPH "a : bf16[T,64] = add(x, y)\n"
                                   "b : bf16[T,64] = mul(a, y)\n"
                                   "c : bf16[T,64] = add(x, x)\n"
                                   "output b\n"
                                   "output c\n";
  is_listed(text, true, "--b");
  is_listed(text, false, "---");
}

// A view is no launch, and what reads it reads what it is of.
static void views_are_what_they_are_of(void **) {
  static const char text[] = GRAPH "a : bf16[T,64] = add(x, y)\n"
                                   "v : bf16[T,32] = narrow(a) start=0 size=32\n"
                                   "b : bf16[T,32] = add(v, v)\n"
                                   "c : bf16[T,64] = mul(x, y)\n"
                                   "output b\n"
                                   "output c\n";
  is_listed(text, true, "--b");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_read_is_waited_for),
                                     cmocka_unit_test(storage_that_is_used_again_is_waited_for),
                                     cmocka_unit_test(views_are_what_they_are_of)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
