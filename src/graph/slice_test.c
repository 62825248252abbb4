// SPDX-License-Identifier: Apache-2.0
// Cuts: shares cover every segment once, in order and in whole units; cuts that part scales are refused; text
// form.
#include "base/checked.h"
#include "graph/graph.h"
#include "graph/slice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// Every column is on exactly `copies` ranks, in order; the first rank has most; only the last unit is short.
static void check_segment(const nf_slice *c, int segment) {
  int64_t at = 0;
  for (int rank = 0; rank < c->world; rank++) {
    const nf_share s = nf_slice_share(c, segment, rank);
    if (rank % c->copies) {
      const nf_share before = nf_slice_share(c, segment, rank - 1);
      assert_true(before.from == s.from && before.n == s.n);
      continue;
    }
    assert_int_equal(s.from, at);
    assert_true(s.n <= nf_slice_longest(c, segment));
    assert_true(s.n % c->segment[segment].unit == 0 || s.from + s.n == c->segment[segment].size);
    at += s.n;
  }
  assert_int_equal(at, c->segment[segment].size);
}

static void shares_cover_everything_once(void **state) {
  (void)state;
  for (int world = 2; world <= 9; world++)
    for (int copies = 1; copies <= world; copies++)
      for (int64_t size = 1; size < 40; size++)
        for (int64_t unit = 1; unit < 12; unit++) {
          if (world % copies) continue;
          const nf_slice c = {
              .world = world, .copies = copies, .n = 2, .segment = {{size, unit}, {2 * size, 2 * unit}}};
          for (int i = 0; i < 2; i++) check_segment(&c, i);
          assert_int_equal(2 * nf_slice_longest(&c, 0), nf_slice_longest(&c, 1));
        }
}

static void known_cuts(void **state) {
  (void)state;
  const nf_slice mx = {.world = 2, .copies = 1, .dim = 2, .n = 1, .segment = {{160, 32}}};
  const nf_type whole = NF_TYPE(NF_MXFP4, NF_C(4), NF_C(288), NF_C(160)), local = nf_slice_type(&mx, whole);
  assert_int_equal(local.dim[2].c, 96);
  assert_int_equal(nf_slice_share(&mx, 0, 1).n, 64);
  const nf_type back = nf_slice_whole(&mx, local);
  assert_true(nf_type_equal(&back, &whole));
  assert_true(nf_is_ok(nf_slice_check(&mx, &local)));
  assert_true(nf_slice_equal(&mx, &mx));
}

static const struct {
  const char *line, *says; // says NULL: fine
} lines[] = {
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [8/1]", NULL},
    {"w : bf16[4,8] = \"t\" zero_but_rank0", NULL},
    {"w : bf16[4,8] = \"t\" slice 1 world 4 copies 2 [16/8] zero_but_rank0", NULL},
    {"w : bf16[2,4,8] = \"t*\" stack 4 slice 0 world 2 [4/1]", NULL},
    {"w : bf16[12,1,4] = \"t\" slice 0 world 2 [8/4,8/4,8/2]", NULL},
    {"w : mxfp4[4,96] = \"t\" scales \"s\" slice 1 world 2 [160/32]", NULL},
    {"w : fp8b128[64,8] = \"t\" scales \"s\" slice 0 world 2 [128/64]", NULL},
    {"w : fp8b128[256,8] = \"t\" scales \"s\" slice 0 world 2 [320/128]", NULL},
    {"w : fp8row[4,100] = \"t\" scales \"s\" slice 1 world 2 [199/1]", NULL},
    {"w : fp8b128[96,8] = \"t\" scales \"s\" slice 0 world 2 [192/96]", "parts the 128 that share a scale"},
    {"w : fp8b128[4,96] = \"t\" scales \"s\" slice 1 world 2 [192/96]", "parts the 128 that share a scale"},
    {"w : fp8b128[192,8] = \"t\" scales \"s\" slice 0 world 2 [128/64,256/128]", "parts the 128"},
    {"w : mxfp4[4,80] = \"t\" scales \"s\" slice 1 world 2 [160/16]", "parts the 32 that share a scale"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [6/1]", "has 3 columns, the type 4"},
    {"w : bf16[4,8] = \"t\" slice 2 world 2 [8/1]", "one of the 2 dimensions"},
    {"w : bf16[4,8] = \"t\" slice 0 world 1 [4/1]", "over 2 to 1024 ranks"},
    {"w : bf16[4,8] = \"t\" slice 0 world 0 [4/1]", "over 2 to 1024 ranks"},
    {"w : bf16[4,8] = \"t\" slice 0 world 4000 [4/1]", "the number of ranks is above 1024"},
    {"w : bf16[4,8] = \"t\" slice 0 world 4 copies 3 [4/1]", "in whole groups of copies"},
    {"w : bf16[4,8] = \"t\" slice 0 world 4 copies 0 [4/1]", "in whole groups of copies"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [8/0]", "must be above 0"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [0/1]", "must be above 0"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [9223372036854775807/9223372036854775807]", "below 2^49"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [8/-1]", "the unit of a segment is expected"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [1/1,1/1,1/1,1/1,1/1]", "at most 4 segments"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2", "'[' is missing"},
    {"w : bf16[4,8] = \"t\" slice 0 world 2 [8/1", "']' is missing"},
    {"w : bf16[4,8] = \"t\" slice 0 [8/1]", "'world' is expected"},
    {"w : bf16[2,8] = \"t*\" stack 2 slice 0 world 2 [4/1]", "one part for each of its first extent"},
};

static void text_form(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    char text[256];
    nf_graph *g = NULL;
    nf_text out = {0};
    snprintf(text, sizeof text, "graph g\nweight %s\n", lines[i].line);
    nf_status st = nf_graph_parse(nf_view_of(text), "text", &g);
    if (lines[i].says) {
      if (!strstr(nf_status_message(st), lines[i].says))
        fail_msg("%s: %s", lines[i].line, nf_status_message(st));
      nf_status_free(st);
      continue;
    }
    if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
    nf_graph_print(g, &out);
    assert_string_equal(out.at, text);
    nf_text_deinit(&out);
    nf_graph_destroy(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shares_cover_everything_once),
      cmocka_unit_test(known_cuts),
      cmocka_unit_test(text_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
