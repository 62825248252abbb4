// SPDX-License-Identifier: Apache-2.0
// Counters and histograms say what was counted.
#include "schedule/counters.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static nf_tally tally;
static nf_counters c;

static void test_counts(void **) {
  nf_tally_add(&tally, NF_COUNT_STEPS, 3);
  nf_tally_add(&tally, NF_COUNT_STEPS, 4);
  nf_tally_add(&tally, NF_COUNT_OWED, 5);
  nf_tally_set(&tally, NF_COUNT_RUNNING, 3);
  nf_tally_add(&tally, NF_COUNT_RIGHT_AT + NF_MOST_GUESSES - 1, 6);
  nf_tally_add(&tally, NF_COUNT_ENDED + NF_REASON_EXPIRED, 2);
  nf_tally_read(&tally, &c);
  assert_true(c.steps == 7 && c.waiting == 2 && c.running == 3 && c.right_at[NF_MOST_GUESSES - 1] == 6);
  nf_tally_set(&tally, NF_COUNT_RUNNING, 6);
  nf_tally_read(&tally, &c);
  assert_int_equal(c.waiting, 0);
  assert_true(c.ended[NF_REASON_EXPIRED] == 2 && c.ended[NF_REASON_STOP] == 0);
}

// A time on a bound belongs below it, as in Prometheus ("le").
static void test_histograms(void **) {
  static const struct {
    nf_measure what;
    size_t n;
    double first, last;
  } shapes[] = {{NF_TIME_FIRST_TOKEN, 22, 0.001, 2560}, {NF_TIME_GAP, 19, 0.01, 80},
                {NF_TIME_PER_TOKEN, 19, 0.01, 80},      {NF_TIME_QUEUE, 21, 0.3, 7680},
                {NF_TIME_WHOLE, 21, 0.3, 7680},         {NF_TIME_INFERENCE, 21, 0.3, 7680},
                {NF_TIME_PREFILL, 21, 0.3, 7680},       {NF_TIME_DECODE, 21, 0.3, 7680},
                {NF_TOKENS_PROMPT, 22, 1, 1e7},         {NF_TOKENS_COMPUTED, 22, 1, 1e7},
                {NF_TOKENS_DRAWN, 22, 1, 1e7},          {NF_TOKENS_LONGEST, 22, 1, 1e7},
                {NF_TOKENS_ASKED, 22, 1, 1e7},          {NF_ANSWERS, 5, 1, 20},
                {NF_TOKENS_STEP, 13, 1, 16384}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    nf_tally_measure(&tally, shapes[i].what, shapes[i].first);
    nf_tally_measure(&tally, shapes[i].what, 0);
    nf_tally_measure(&tally, shapes[i].what, shapes[i].last);
    nf_tally_measure(&tally, shapes[i].what, 2 * shapes[i].last);
    nf_tally_read(&tally, &c);
    const nf_histogram *h = &c.measure[shapes[i].what];
    assert_true(h->n == shapes[i].n && h->bound[0] == shapes[i].first &&
                h->bound[h->n - 1] == shapes[i].last);
    assert_true(h->bucket[0] == 2 && h->bucket[h->n - 1] == 1 && h->bucket[h->n] == 1 && h->count == 4);
    assert_true(h->sum == shapes[i].first + 3 * shapes[i].last);
    for (size_t k = 1; k < h->n; k++) assert_true(h->bound[k] > h->bound[k - 1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_histograms)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
