// SPDX-License-Identifier: Apache-2.0
// Padding of every op whose row asks for it, and none elsewhere.
#include "compile/internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void ok(nf_status st) { assert_string_equal(nf_status_message(st), ""); }

// The graph laid out for `target` has all of the lines.
static void has(const char *target, const char *graph, const char *const *line) {
  nf_hw hw;
  nf_graph *g, *laid_out;
  nf_text t = {0};
  const nf_select_options o = {.least = nf_sizes_of(1, 1, 1), .most = nf_sizes_of(64, 1, 1)};
  ok(nf_hw_target(target, &hw));
  ok(nf_graph_parse(nf_view_of(graph), "text", &g));
  ok(nf_legalise(g, &hw, &o, &laid_out));
  nf_graph_print(laid_out, &t);
  for (; *line != NULL; line++)
    if (!strstr(t.at, *line)) fail_msg("no '%s' in\n%s", *line, t.at);
  nf_text_deinit(&t);
  nf_graph_destroy(laid_out);
  nf_graph_destroy(g);
}

#define GRAPH                                                                                    \
  "graph g\n"                                                                                    \
  "input x : bf16[T,320]\n"                                                                      \
  "input ids : i32[T,4]\n"                                                                       \
  "input weights : f32[T,4]\n"                                                                   \
  "weight up : mxfp4[8,256,320] = \"up\" scales \"us\"\n"                                        \
  "weight down : mxfp4[8,320,128] = \"down\" scales \"ds\"\n"                                    \
  "weight more : mxfp4[8,256,320] = \"more\" scales \"ms\"\n"                                    \
  "y : bf16[T,4,320] = experts_swiglu(x, ids, up, _, down, _) out=bf16 alpha=1 beta=0 limit=0\n" \
  "z : bf16[T,4,256] = grouped_linear(x, ids, more, _) out=bf16\n"                               \
  "sum : bf16[T,320] = combine(y, weights)\n"                                                    \
  "twice : bf16[T,320] = add(sum, x)\n"                                                          \
  "output twice\noutput z\noutput sum\n"

static void padding(void **state) {
  (void)state;
  has("gfx950", GRAPH,
      (const char *[]){
          "x.padded512 : bf16[T,320:512] = pad(x)", "y : bf16[T,4,320:512] = experts_swiglu(x.padded512,",
          "z : bf16[T,4,256:512] = grouped_linear(x.padded512,", "sum : bf16[T,320:512] = combine(y,",
          "twice : bf16[T,320] = add(sum.unpadded, x)", "output sum.unpadded\n", NULL});
  has("sm_90", GRAPH,
      (const char *[]){"y : bf16[T,4,320] = experts_swiglu(x,", "z : bf16[T,4,256] = grouped_linear(x,",
                       "add(sum, x)", "output sum\n", NULL});
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(padding)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
