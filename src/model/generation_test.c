// SPDX-License-Identifier: Apache-2.0
// generation_config.json: defaults, spellings of "off", the union of stop tokens, lists, and the remark about
// what is not done or not understood, which never is an error.
#include "model/generation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka wants the standard headers first
#include "tests/support/folder.h"
#include <cmocka.h>

static const nf_config config = {.vocab = 1000, .eos = {7, 8}, .n_eos = 2};

static nf_generation_config parse(const char *text) {
  nf_json doc = {0};
  nf_generation_config g = {0};
  nf_status st = nf_json_parse(text, strlen(text), "g.json", &doc);
  if (nf_is_ok(st)) st = nf_generation_parse(&doc, &config, &g);
  if (!nf_is_ok(st)) fail_msg("%s: %s", text, nf_status_message(st));
  nf_json_deinit(&doc);
  return g;
}

static const char *remark_of(const nf_generation_config *g) { return g->remark.n ? g->remark.at : ""; }

static bool is_greedy(const nf_generation_config *g) {
  return g->temperature == 0 && g->top_k == 0 && g->top_p == 1 && g->min_p == 0;
}

static void what_is_said_is_read(void **state) {
  (void)state;
  nf_generation_config g = parse("{}");
  assert_true(is_greedy(&g) && g.repetition_penalty == 1 && g.n_eos == 2 && g.remark.n == 0);
  nf_generation_config_deinit(&g);
  g = parse("{\"do_sample\": true}");
  assert_true(g.temperature == 1);
  nf_generation_config_deinit(&g);
  g = parse("{\"do_sample\": false, \"temperature\": 0.7, \"top_k\": 5, \"repetition_penalty\": 1.1}");
  assert_true(is_greedy(&g) && g.repetition_penalty == 1.1f); // penalties count for greedy text too
  nf_generation_config_deinit(&g);
  g = parse("{\"do_sample\": true, \"temperature\": 0.5, \"top_k\": 20, \"top_p\": 0.9, \"min_p\": 0.1, "
            "\"eos_token_id\": [8, 9, 10], \"presence_penalty\": 0.25, \"frequency_penalty\": -0.5, "
            "\"no_repeat_ngram_size\": 3, \"min_new_tokens\": 4}");
  assert_true(g.temperature == 0.5f && g.top_k == 20 && g.top_p == 0.9f && g.min_p == 0.1f);
  assert_true(g.presence_penalty == 0.25f && g.frequency_penalty == -0.5f);
  assert_true(g.no_repeat_ngram == 3 && g.min_new_tokens == 4);
  const int32_t want[] = {7, 8, 9, 10};
  assert_int_equal(g.n_eos, 4);
  assert_memory_equal(g.eos, want, sizeof want);
  nf_generation_config_deinit(&g);
}

static void off_has_many_spellings(void **state) {
  (void)state;
  static const char *const off[] = {"\"top_k\": -1",         "\"top_k\": 0",
                                    "\"top_k\": null",       "\"top_p\": 1",
                                    "\"top_p\": null",       "\"top_p\": 1.0",
                                    "\"min_p\": 0",          "\"min_p\": null",
                                    "\"temperature\": null", "\"top_k\": 0.0",
                                    "\"temperature\": 1",    "\"eos_token_id\": null",
                                    "\"eos_token_id\": []",  "\"num_beams\": 1, \"typical_p\": 1.0",
                                    "\"max_length\": 20",    "\"bad_words_ids\": null",
                                    "\"penalty_alpha\": 0"};
  for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
    char text[256];
    snprintf(text, sizeof text, "{\"do_sample\": true, %s}", off[i]);
    nf_generation_config g = parse(text);
    if (g.temperature != 1 || g.top_k || g.top_p != 1 || g.min_p != 0 || g.n_eos != 2 || g.remark.n)
      fail_msg("%s: %s", text, remark_of(&g));
    nf_generation_config_deinit(&g);
  }
  nf_generation_config g = parse("{\"do_sample\": true, \"top_p\": 0, \"temperature\": 0}");
  assert_true(g.top_p > 0 && g.top_p < 1e-6f && g.temperature == 0); // the best token alone
  nf_generation_config_deinit(&g);
}

static void lists_are_read(void **state) {
  (void)state;
  nf_generation_config g =
      parse("{\"suppress_tokens\": [1, 2], \"begin_suppress_tokens\": [3], \"bad_words_ids\": [[5, 6], [8], "
            "[9]], \"sequence_bias\": [[[1, 2], -2.5], [[4], 3]], \"stop_strings\": [\"END\", \"x\"]}");
  assert_true(g.suppress.n == 2 && g.suppress.id[1] == 2 && g.begin_suppress.n == 1);
  assert_int_equal(g.n_bad_words, 2); // 8 ends the text, and may
  assert_true(g.bad_words[0].n == 2 && g.bad_words[0].id[1] == 6 && g.bad_words[1].id[0] == 9);
  assert_int_equal(g.n_bias, 2);
  assert_true(g.bias[0].ids.n == 2 && g.bias[0].bias == -2.5f && g.bias[1].bias == 3);
  assert_int_equal(g.n_stop, 2);
  assert_string_equal(g.stop[0], "END");
  assert_int_equal(g.remark.n, 0);
  nf_generation_config_deinit(&g);
  g = parse("{\"stop_strings\": \"END\"}");
  assert_int_equal(g.n_stop, 1);
  assert_string_equal(g.stop[0], "END");
  nf_generation_config_deinit(&g);
}

static void what_is_not_done_is_one_remark(void **state) {
  (void)state;
  nf_generation_config g =
      parse("{\"num_beams\": 4, \"max_new_tokens\": 99, \"top_p\": 7, \"_x\": 1, \"other\": 1}");
  assert_string_equal(remark_of(&g), "g.json: not supported and left out: num_beams 4, max_new_tokens 99; "
                                     "not understood and left out: top_p: is 7, should be a number from 0 "
                                     "to 1");
  assert_true(is_greedy(&g));
  nf_generation_config_deinit(&g);
}

static void strange_values_leave_the_default(void **state) {
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
      {"{\"top_p\": -0.1}", "top_p"},
      {"{\"top_p\": 1.01}", "top_p"},
      {"{\"min_p\": 2}", "min_p"},
      {"{\"repetition_penalty\": 0}", "repetition_penalty"},
      {"{\"eos_token_id\": 4194304}", "eos_token_id"},
      {"{\"eos_token_id\": [1, -1]}", "eos_token_id"},
      {"{\"eos_token_id\": \"end\"}", "eos_token_id"},
      {"{\"suppress_tokens\": [1000]}", "suppress_tokens[0]"},
      {"{\"bad_words_ids\": [5]}", "bad_words_ids[0]"},
      {"{\"bad_words_ids\": [[5], []]}", "bad_words_ids[1]"},
      {"{\"sequence_bias\": {\"5\": 1}}", "sequence_bias"},
      {"{\"sequence_bias\": [[[5]]]}", "sequence_bias[0][1]"},
      {"{\"stop_strings\": [\"\"]}", "stop_strings[0]"},
      {"{\"stop_strings\": 3}", "stop_strings"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nf_generation_config g = parse(cases[i].text);
    if (strstr(remark_of(&g), cases[i].names) == NULL)
      fail_msg("%s: '%s' does not name %s", cases[i].text, remark_of(&g), cases[i].names);
    assert_true(is_greedy(&g) && g.n_eos == 2 && g.repetition_penalty == 1);
    assert_true(g.suppress.n == 0 && g.n_bad_words == 0 && g.n_bias == 0 && g.n_stop == 0);
    nf_generation_config_deinit(&g);
  }
}

static void a_broken_file_leaves_the_defaults(void **state) {
  (void)state;
  char *dir = folder_create();
  nf_generation_config g;
  assert_true(nf_is_ok(nf_generation_load(dir, &config, NULL, &g)));
  assert_true(is_greedy(&g) && g.n_eos == 2 && g.remark.n == 0); // none is fine
  nf_generation_config_deinit(&g);
  folder_write_text(dir, "generation_config.json", "{\"top_k\": }");
  assert_true(nf_is_ok(nf_generation_load(dir, &config, NULL, &g)));
  assert_true(is_greedy(&g) && g.n_eos == 2);
  assert_non_null(strstr(remark_of(&g), "generation_config.json: line 1, column 11"));
  nf_generation_config_deinit(&g);
  folder_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_said_is_read),
                                     cmocka_unit_test(off_has_many_spellings),
                                     cmocka_unit_test(lists_are_read),
                                     cmocka_unit_test(what_is_not_done_is_one_remark),
                                     cmocka_unit_test(strange_values_leave_the_default),
                                     cmocka_unit_test(a_broken_file_leaves_the_defaults)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
