// SPDX-License-Identifier: Apache-2.0
// What runs the ops that a model's time goes to on processors that are not here, by name:
// golden/selection.txt, a table that tools/accept_goldens writes anew. With --print it is printed.
#include "base/file.h"
#include "plan/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char golden[] = "tests/golden/selection.txt";

enum { STEPS = 3 };
static const int64_t tokens[STEPS] = {1, 8, 512};
static const double weight[STEPS] = {8, 1, 1}; // as a model's plans count

// Names of targets.def, with a mask behind some.
static const char *const processors[][2] = {{"zen2"},
                                            {"zen3"},
                                            {"zen4"},
                                            {"zen5"},
                                            {"skylake_sp"},
                                            {"cascade_lake"},
                                            {"ice_lake"},
                                            {"sapphire_rapids"},
                                            {"emerald_rapids"},
                                            {"granite_rapids"},
                                            {"graviton2"},
                                            {"graviton3"},
                                            {"graviton4"},
                                            {"altra"},
                                            {"sapphire_rapids", "amx_bf16"},
                                            {"sapphire_rapids", "avx512"},
                                            {"sapphire_rapids", "avx2"},
                                            {"sapphire_rapids", "none"}};

// Shapes of configs/: gpt-oss-20b, qwen3-8b-fp8, qwen3-32b-fp8-dynamic, qwen3-next-80b-a3b-fp8.
static const struct {
  const char *name, *text; // the last line's node is asked for
} ops[] = {
    {"linear bf16", "input x : bf16[T,2880]\nweight w : bf16[5120,2880] = \"w\"\n"
                    "y : bf16[T,5120] = linear(x, w) out=bf16\n"},
    {"linear fp8 rows", "input x : fp8row[T,5120]\nweight w : fp8row[10240,5120] = \"w\" scales \"s\"\n"
                        "y : bf16[T,10240] = linear(x, w) out=bf16\n"},
    {"linear fp8 blocks", "input x : fp8g128[T,4096]\nweight w : fp8b128[6144,4096] = \"w\" scales \"s\"\n"
                          "y : bf16[T,6144] = linear(x, w) out=bf16\n"},
    {"grouped mxfp4", "input x : bf16[T,2880]\ninput ids : i32[T,4]\n"
                      "weight w : mxfp4[32,5760,2880] = \"w\" scales \"s\"\n"
                      "y : bf16[T,4,5760] = grouped_linear(x, ids, w) out=bf16\n"},
    {"experts mxfp4",
     "input x : bf16[T,2880]\ninput ids : i32[T,4]\n"
     "weight u : mxfp4[32,5760,2880] = \"u\" scales \"t\"\n"
     "weight d : mxfp4[32,2880,2880] = \"d\" scales \"s\"\n"
     "y : bf16[T,4,2880] = experts_swiglu(x, ids, u, _, d) out=bf16 alpha=1.702 beta=1 limit=7 "
     "interleaved=1\n"},
    {"experts fp8 blocks", "input x : fp8g128[T,2048]\ninput ids : i32[T,10]\n"
                           "weight g : fp8b128[512,512,2048] = \"g\" scales \"a\"\n"
                           "weight u : fp8b128[512,512,2048] = \"u\" scales \"b\"\n"
                           "weight d : fp8b128[512,2048,512] = \"d\" scales \"c\"\n"
                           "y : bf16[T,10,2048] = experts_silu(x, ids, g, u, d) out=bf16 to=fp8g128\n"},
    {"attention", "input q : bf16[T,64,64]\npool kv : full bf16[2,8,64,64]\n"
                  "y : bf16[T,64,64] = attention(q, kv) scale=0.125\n"},
    {"delta rule",
     "input x : bf16[T,8192]\ninput b : bf16[T,32]\ninput a : bf16[T,32]\n"
     "weight l : f32[32] = \"l\"\nweight t : f32[32] = \"t\"\n"
     "pool s : recurrent f32[32,128,128]\n"
     "y : bf16[T,32,128], y.state : recurrent f32[32,128,128] = gated_delta_rule(x, b, a, l, t, s)\n"}};

static void ok(nf_status st) { assert_string_equal(nf_status_message(st), ""); }

// What plans for all these steps, made together, run the graph's node by.
static void plan(const nf_hw *hw, const nf_graph *g, const char *out[STEPS]) {
  nf_select_options select[STEPS];
  nf_layout_user user[STEPS];
  nf_layout layout;
  bool shared;
  for (int i = 0; i < STEPS; i++) {
    const nf_sizes at = nf_sizes_of(tokens[i], 1, 1);
    select[i] = (nf_select_options){.least = at, .most = at, .at = at};
    user[i] = (nf_layout_user){g, &select[i], weight[i]};
  }
  ok(nf_layout_create(hw, user, STEPS, &layout, &shared));
  for (int i = 0; i < STEPS; i++) {
    const nf_plan_options o = {.hw = *hw, .select = select[i], .max = select[i].most, .layout = &layout};
    nf_plan *p;
    ok(nf_plan_create(g, &o, &p));
    out[i] = nf_plan_kernel(p, 0)->name;
    nf_plan_destroy(p);
  }
  nf_layout_deinit(&layout);
}

static void add_row(const nf_hw *hw, const char *name, const char *text, nf_text *out) {
  const char *kernel[STEPS];
  nf_text whole = {0};
  nf_graph *g;
  nf_text_printf(&whole, "graph g\n%soutput y\n", text);
  ok(nf_graph_parse(nf_view_of(whole.at), name, &g));
  plan(hw, g, kernel);
  nf_text_printf(out, "  %-18s  %-36s %-36s %s\n", name, kernel[0], kernel[1], kernel[2]);
  nf_graph_destroy(g);
  nf_text_deinit(&whole);
}

static void make_table(nf_text *out) {
  nf_text_printf(out, "# The kernel of an op in steps of 1, 8 and 512 tokens: tests/selection_test.c\n");
  for (size_t p = 0; p < sizeof processors / sizeof *processors; p++) {
    nf_hw hw;
    ok(nf_hw_target(processors[p][0], &hw));
    if (processors[p][1] != NULL) ok(nf_hw_mask(&hw, processors[p][1]));
    nf_text_printf(out, "%s%s%s\n", hw.target, processors[p][1] != NULL ? " --cpu " : "",
                   processors[p][1] != NULL ? processors[p][1] : "");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) add_row(&hw, ops[i].name, ops[i].text, out);
  }
}

// Lines are compared one by one, so that the first other one is told.
static void is_as_accepted(void **state) {
  (void)state;
  nf_text table = {0};
  char *want;
  size_t n;
  make_table(&table);
  ok(nf_file_load(golden, 1 << 20, &want, &n));
  for (const char *a = want, *b = table.at; *a != 0 || *b != 0;) {
    const size_t length_a = strcspn(a, "\n"), length_b = strcspn(b, "\n");
    if (length_a != length_b || memcmp(a, b, length_a) != 0)
      fail_msg("%s says\n%.*s\nand selection\n%.*s\nIf that is meant: tools/accept_goldens", golden,
               (int)length_a, a, (int)length_b, b);
    a += length_a + (a[length_a] != 0), b += length_b + (b[length_b] != 0);
  }
  nf_free(want);
  nf_text_deinit(&table);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_as_accepted)};
  if (argc < 2 || strcmp(argv[1], "--print") != 0) return cmocka_run_group_tests(tests, NULL, NULL);
  nf_text table = {0};
  make_table(&table);
  fputs(table.at, stdout);
  nf_text_deinit(&table);
  return 0;
}
