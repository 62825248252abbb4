// SPDX-License-Identifier: Apache-2.0
// Every allocation fails once, alone and for good: building, printing and parsing a graph either works or
// says NF_NO_MEMORY, and nothing is leaked.
#include "graph/graph.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/random_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SEED = 13 };

static nf_status there_and_back(void) {
  nf_graph *g = NULL, *back = NULL;
  nf_text text = {0};
  NF_TRY(nf_random_graph(SEED, &g));
  nf_graph_print(g, &text);
  nf_status st = nf_text_status(&text);
  if (nf_is_ok(st)) st = nf_graph_parse((nf_view){text.at, text.n}, "text", &back);
  nf_text_deinit(&text);
  nf_graph_destroy(g);
  nf_graph_destroy(back);
  return st;
}

// A refusal whose message needs memory for the types that it names.
static nf_status refusal(void) {
  static const char text[] = "graph g\ninput x : f32[T,4]\ny : f32[T,5] = add(x, x)\n";
  nf_graph *g = NULL;
  return nf_graph_parse((nf_view){text, sizeof text - 1}, "text", &g);
}

static void fail_each(nf_status (*run)(void), nf_code otherwise, bool for_good) {
  nf_status_free(run());
  nf_alloc_fail_at(0, false);
  int64_t live = nf_alloc_live();
  nf_status_free(run());
  uint64_t count = nf_alloc_count();
  assert_true(count > 5);
  for (uint64_t n = 1; n <= count; n++) {
    nf_alloc_fail_at(n, for_good);
    nf_status st = run();
    nf_alloc_fail_at(0, false);
    nf_code code = nf_status_code(st);
    if (code != NF_NO_MEMORY && code != otherwise)
      fail_msg("allocation %d: %s", (int)n, nf_status_message(st));
    nf_status_free(st);
    if (nf_alloc_live() != live) fail_msg("allocation %d: something is leaked", (int)n);
  }
}

static void round_trip(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  fail_each(there_and_back, NF_NO_MEMORY, false);
  fail_each(there_and_back, NF_NO_MEMORY, true);
}

static void refusals(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  fail_each(refusal, NF_BAD_INPUT, false);
  fail_each(refusal, NF_BAD_INPUT, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
