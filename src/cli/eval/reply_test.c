// SPDX-License-Identifier: Apache-2.0
// Final answers of contents, answers out of pieces, and calls that are judged.
#include "cli/eval/reply.h"
#include "tests/support/piece.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void is(nf_view got, const char *want) {
  if (!nf_view_equal(got, nf_view_of(want))) fail_msg("'%.*s', not '%s'", (int)got.n, got.at, want);
}

static void test_final_answer(void **state) {
  (void)state;
  static const char *const all[][2] = {
      {"The answer is 37.", "37"},
      {"37", "37"},
      {" 37. \n", "37"},
      {"12 + 30 = 42\nThe answer is 42.\nSo the answer is 37.", "37"},
      {"The answer is \"elppa\".", "elppa"},
      {"The answer is 'elppa.'", "elppa"},
      {"The answer is [3, 1, 2].\nGood luck!", "[3, 1, 2]"},
      {"The answer is\n\n37.", "37"},
      {"The answer is", ""},
      {"answer i", "answer i"},
      {"The answer is 3.5.", "3.5"},
      {"The answer is .", "."},
      {"", ""},
      {"\"", "\""},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    is(eval_final_answer(nf_view_of(all[i][0])), all[i][1]);
  is(eval_bare(NF_VIEW(" `x`. ")), "x");
}

static void add(eval_reply *r, infuse_piece p) { assert_true(nf_is_ok(eval_reply_add(r, &p))); }

static void test_pieces(void **state) {
  (void)state;
  eval_reply r = {0};
  add(&r, piece("analysis", "", "thin", true));
  add(&r, piece("analysis", "", "king", false));
  add(&r, piece("commentary", "", "I shall call", true));
  add(&r, piece("commentary", "functions.f", "{\"x\"", true));
  add(&r, piece("commentary", "functions.f", ":1}", false));
  add(&r, piece("final", "", "37", true));
  add(&r, piece("final", "", "38", true));
  is(nf_text_view(&r.thoughts), "thinking");
  is(nf_text_view(&r.content), "37\n38");
  assert_int_equal(r.n_calls, 1);
  is(nf_text_view(&r.call[0].name), "f");
  is(nf_text_view(&r.call[0].arguments), "{\"x\":1}");
  eval_reply_deinit(&r);
}

// NAME ARGUMENTS of one call or two, and what they are judged to be: valid, exact.
typedef struct judged {
  const char *call[2][2];
  bool valid, exact;
} judged;

static void test_calls(void **state) {
  (void)state;
  static const char tools[] =
      "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
      "\"properties\":"
      "{\"x\":{\"type\":\"integer\"}},\"required\":[\"x\"]}}},{\"type\":\"function\",\"name\":\"g\"}]";
  static const judged all[] = {
      {{{"functions.f", "{\"x\": 1}"}}, true, true},
      {{{"f", "{\"x\": 1.0}"}}, true, true},
      {{{"f", "{\"x\": 2}"}}, true, false},
      {{{"f", "{\"x\": \"1\"}"}}, false, false},
      {{{"f", "{\"x\": 1"}}, false, false},
      {{{"f", "1"}}, false, false},
      {{{"f", "{\"x\": 1, \"y\": 2}"}}, false, false},
      {{{"g", "{\"x\": 1}"}}, true, false},
      {{{"h", "{\"x\": 1}"}}, false, false},
      {{{"f", "{\"x\": 1}"}, {"f", "{\"x\": 1}"}}, false, false},
      {{{NULL, NULL}}, false, false},
  };
  nf_json doc, wanted;
  assert_true(nf_is_ok(nf_json_parse(tools, sizeof tools - 1, "tools", &doc)));
  assert_true(nf_is_ok(nf_json_parse("{\"x\":1}", 7, "wanted", &wanted)));
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    eval_reply r = {0};
    eval_judged got;
    for (int k = 0; k < 2 && all[i].call[k][0] != NULL; k++)
      add(&r, piece("commentary", all[i].call[k][0], all[i].call[k][1], true));
    assert_true(nf_is_ok(eval_judge_call(&r, doc.root, "f", wanted.root, &got)));
    if (got.valid != all[i].valid || got.exact != all[i].exact)
      fail_msg("call %zu: %d %d", i, got.valid, got.exact);
    eval_reply_deinit(&r);
  }
  nf_json_deinit(&doc);
  nf_json_deinit(&wanted);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_final_answer), cmocka_unit_test(test_pieces),
                                     cmocka_unit_test(test_calls)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
