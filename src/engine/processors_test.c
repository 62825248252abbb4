// SPDX-License-Identifier: Apache-2.0
// What is done to logits before a token is drawn: every number computed by hand, and counts that go on, begin
// a new answer, or are cut back equal counts from nothing.
#include "engine/processors.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 8 };
static const float row[VOCAB] = {2, -2, 1, -1, 4, 0, -INFINITY, 3};
static int32_t end_ids[] = {6, 7};
static const nf_ids ends = {end_ids, 2, 2};

static nf_processors *make(const infuse_sampling *s) {
  nf_processors *p = NULL;
  assert_true(nf_is_ok(nf_processors_create(s, VOCAB, &ends, &p)));
  assert_non_null(p);
  return p;
}

static void apply(nf_processors *p, const int32_t *token, size_t n, size_t drawn, float *out) {
  memcpy(out, row, sizeof row);
  nf_processors_apply(p, token, n, drawn, out);
}

// `want` after one set of settings, of a text whose last `drawn` tokens are the answer.
static void expect(const infuse_sampling *s, const int32_t *token, size_t n, size_t drawn,
                   const float *want) {
  float got[VOCAB];
  nf_processors *p = make(s);
  apply(p, token, n, drawn, got);
  for (int i = 0; i < VOCAB; i++)
    if (got[i] != want[i]) fail_msg("token %d: %g, not %g", i, (double)got[i], (double)want[i]);
  nf_processors_destroy(p);
}

static void test_off(void **state) {
  (void)state;
  nf_processors *p = (nf_processors *)1;
  const infuse_sampling zero = {0}, ones = {.temperature = 1, .top_p = 1, .repetition_penalty = 1};
  assert_true(nf_is_ok(nf_processors_create(&zero, VOCAB, &ends, &p)) && p == NULL);
  assert_true(nf_is_ok(nf_processors_create(&ones, VOCAB, &ends, &p)) && p == NULL);
  nf_processors_destroy(NULL);
  nf_processors_cut(NULL, NULL, 0);
}

static void test_penalties(void **state) {
  (void)state;
  static const int32_t text[] = {0, 1, 6, 2, 2, 3}; // the last three are the answer
  // Prompt and answer alike: positive logits are divided, negative ones multiplied.
  expect(&(infuse_sampling){.repetition_penalty = 2}, text, 6, 3,
         (float[]){1, -4, 0.5f, -2, 4, 0, -INFINITY, 3});
  expect(&(infuse_sampling){.repetition_penalty = 0.5f}, text, 6, 3,
         (float[]){4, -1, 2, -0.5f, 4, 0, -INFINITY, 3});
  // The answer alone: by times, and once.
  expect(&(infuse_sampling){.frequency_penalty = 0.5f}, text, 6, 3,
         (float[]){2, -2, 0, -1.5f, 4, 0, -INFINITY, 3});
  expect(&(infuse_sampling){.presence_penalty = 0.5f}, text, 6, 3,
         (float[]){2, -2, 0.5f, -1.5f, 4, 0, -INFINITY, 3});
  expect(&(infuse_sampling){.presence_penalty = -1}, text, 6, 0, row);
  // Together: repetition comes first.
  expect(&(infuse_sampling){.repetition_penalty = 2, .frequency_penalty = 0.25f, .presence_penalty = 1}, text,
         6, 3, (float[]){1, -4, -1, -3.25f, 4, 0, -INFINITY, 3});
}

static void test_bias(void **state) {
  (void)state;
  static const int32_t text[] = {1, 2}, a[] = {0}, b[] = {2, 3}, c[] = {1, 3}, d[] = {0, 1, 2, 5},
                       e[] = {1, 2, 7}, f[] = {6};
  const infuse_logit_bias bias[] = {{a, 1, 1},   {a, 1, 0.5f},      {b, 2, -3}, {c, 2, 100},
                                    {d, 4, 100}, {e, 3, -INFINITY}, {f, 1, 100}};
  // Sequences as far as the text ends in their beginning; entries of one token add up; -infinity stays.
  expect(&(infuse_sampling){.logit_bias = bias, .n_logit_bias = 7}, text, 2, 0,
         (float[]){3.5f, -2, 1, -4, 4, 0, -INFINITY, -INFINITY});
  // Bias comes before penalties: 2 - 2.5 is negative when it is penalised.
  const infuse_logit_bias less = {a, 1, -2.5f};
  expect(&(infuse_sampling){.repetition_penalty = 2, .logit_bias = &less, .n_logit_bias = 1}, a, 1, 0,
         (float[]){-1, -2, 1, -1, 4, 0, -INFINITY, 3});
  // What grows beyond all numbers is the largest one.
  const infuse_logit_bias most[] = {{a, 1, FLT_MAX}, {a, 1, FLT_MAX}};
  expect(&(infuse_sampling){.logit_bias = most, .n_logit_bias = 2}, text, 2, 0,
         (float[]){FLT_MAX, -2, 1, -1, 4, 0, -INFINITY, 3});
}

static void test_bans(void **state) {
  (void)state;
  static const int32_t text[] = {1, 2, 3, 1, 2, 4, 1, 2}, first[] = {4, 0};
  const float without_ends[] = {2, -2, 1, -1, 4, 0, -INFINITY, -INFINITY};
  expect(&(infuse_sampling){.min_tokens = 2}, text, 8, 0, without_ends);
  expect(&(infuse_sampling){.min_tokens = 2}, text, 8, 1, without_ends);
  expect(&(infuse_sampling){.min_tokens = 2}, text, 8, 2, row);
  const infuse_sampling begin = {.begin_suppress_tokens = first, .n_begin_suppress_tokens = 2};
  expect(&begin, text, 8, 0, (float[]){-INFINITY, -2, 1, -1, -INFINITY, 0, -INFINITY, 3});
  expect(&begin, text, 8, 1, row);
  // 1 2 was followed by 3 and by 4; 1 and 2 and 3 and 4 were there; no four tokens repeat.
  expect(&(infuse_sampling){.no_repeat_ngram_size = 3}, text, 8, 0,
         (float[]){2, -2, 1, -INFINITY, -INFINITY, 0, -INFINITY, 3});
  expect(&(infuse_sampling){.no_repeat_ngram_size = 1}, text, 8, 0,
         (float[]){2, -INFINITY, -INFINITY, -INFINITY, -INFINITY, 0, -INFINITY, 3});
  expect(&(infuse_sampling){.no_repeat_ngram_size = 4}, text, 8, 0, row);
  expect(&(infuse_sampling){.no_repeat_ngram_size = 9}, text, 8, 0, row);
  expect(&(infuse_sampling){.no_repeat_ngram_size = 1}, text, 0, 0, row);
}

// A session's life at random: it draws, is given tokens, is cut back and goes on otherwise.
static void test_counts_go_on(void **state) {
  (void)state;
  const infuse_sampling s = {
      .repetition_penalty = 1.5f, .frequency_penalty = 0.25f, .presence_penalty = 0.5f};
  nf_processors *p = make(&s);
  int32_t text[400];
  float got[VOCAB], want[VOCAB];
  size_t n = 0, drawn = 0;
  srand(3);
  for (int step = 0; step < 5000; step++) {
    const int what = rand() % 40;
    if (what == 0 || n > 390) {
      n = (size_t)rand() % (n + 1);
      nf_processors_cut(p, text, n);
      drawn = drawn < n ? drawn : n;
    }
    if (what <= 2) drawn = 0;
    for (int more = what < 3 ? rand() % 4 : 0; more > 0; more--) text[n++] = rand() % VOCAB;
    apply(p, text, n, drawn, got);
    nf_processors *afresh;
    assert_true(nf_is_ok(nf_processors_create(&s, VOCAB, &ends, &afresh)));
    apply(afresh, text, n, drawn, want);
    nf_processors_destroy(afresh);
    for (int i = 0; i < VOCAB; i++)
      if (got[i] != want[i])
        fail_msg("step %d, token %d: %g, not %g", step, i, (double)got[i], (double)want[i]);
    text[n++] = rand() % VOCAB;
    drawn++;
  }
  nf_processors_destroy(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_off), cmocka_unit_test(test_penalties),
                                     cmocka_unit_test(test_bias), cmocka_unit_test(test_bans),
                                     cmocka_unit_test(test_counts_go_on)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
