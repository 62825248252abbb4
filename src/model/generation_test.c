// SPDX-License-Identifier: Apache-2.0
// generation_config.json: defaults, the union of stop tokens, and each bound by name.
#include "model/generation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const nf_config config = {.vocab = 1000, .eos = {7, 8}, .n_eos = 2};

static nf_status parse(const char *text, nf_generation_config *out) {
  nf_json doc = {0};
  nf_status st = nf_json_parse(text, strlen(text), "generation_config.json", &doc);
  if (nf_is_ok(st)) st = nf_generation_parse(&doc, &config, out);
  nf_json_deinit(&doc);
  return st;
}

static void test_good(void **state) {
  (void)state;
  nf_generation_config g;
  assert_true(nf_is_ok(parse("{}", &g)));
  assert_true(g.temperature == 0 && g.top_k == 0 && g.top_p == 1 && g.min_p == 0);
  assert_int_equal(g.n_eos, 2);
  assert_true(nf_is_ok(parse("{\"do_sample\": true}", &g)));
  assert_true(g.temperature == 1);
  assert_true(nf_is_ok(parse("{\"do_sample\": false, \"temperature\": 0.7}", &g)));
  assert_true(g.temperature == 0); // greedy, whatever else it says
  assert_true(nf_is_ok(parse("{\"do_sample\": true, \"temperature\": 0.5, \"top_k\": 20, \"top_p\": 0.9, "
                             "\"min_p\": 0.1, \"eos_token_id\": [8, 9, 10]}",
                             &g)));
  assert_true(g.temperature == 0.5f && g.top_k == 20 && g.top_p == 0.9f && g.min_p == 0.1f);
  const int32_t want[] = {7, 8, 9, 10};
  assert_int_equal(g.n_eos, 4);
  assert_memory_equal(g.eos, want, sizeof want);
}

static void test_bad(void **state) {
  (void)state;
  static const struct {
    const char *text, *names;
  } cases[] = {
      {"[]", "object"},
      {"{\"do_sample\": 1}", "do_sample"},
      {"{\"temperature\": -1}", "temperature"},
      {"{\"temperature\": \"warm\"}", "temperature"},
      {"{\"top_k\": -5}", "top_k"},
      {"{\"top_k\": 1.5}", "top_k"},
      {"{\"top_p\": 0}", "top_p"},
      {"{\"top_p\": 1.01}", "top_p"},
      {"{\"min_p\": 2}", "min_p"},
      {"{\"eos_token_id\": 4194304}", "eos_token_id"},
      {"{\"eos_token_id\": [1, -1]}", "eos_token_id"},
      {"{\"eos_token_id\": \"end\"}", "eos_token_id"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nf_generation_config g;
    const nf_status st = parse(cases[i].text, &g);
    if (nf_status_code(st) != NF_BAD_INPUT) fail_msg("%s: code %d", cases[i].text, (int)nf_status_code(st));
    if (strstr(nf_status_message(st), cases[i].names) == NULL)
      fail_msg("%s: '%s' does not name %s", cases[i].text, nf_status_message(st), cases[i].names);
    nf_status_free(st);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
