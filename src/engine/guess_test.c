// SPDX-License-Identifier: Apache-2.0
// Tests of guessing: what is found, and when it rests.
#include "engine/guess.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void what_stood_behind_is_guessed(void **state) {
  (void)state;
  static const struct {
    int32_t text[12];
    size_t n, most, guessed;
    int32_t guess[6];
  } row[] = {
      {{1, 2, 3, 9, 1, 2}, 6, 2, 2, {3, 9}},
      {{1, 2, 3, 9, 1, 2}, 6, 6, 6, {3, 9, 1, 2, 3, 9}},  // beyond the end it goes on with itself
      {{1, 2, 3, 1, 2, 4, 1, 2}, 8, 1, 1, {4}},           // the last place
      {{7, 1, 2, 3, 8, 1, 2, 4, 7, 1, 2}, 11, 1, 1, {3}}, // but a wider one first
      {{5, 5, 5}, 3, 3, 3, {5, 5, 5}},
      {{1, 2, 3, 4}, 4, 4, 0, {0}},
      {{1, 2, 3, 2}, 4, 4, 0, {0}}, // one token alone says nothing
      {{1, 2, 1, 2}, 4, 0, 0, {0}},
      {{1}, 1, 4, 0, {0}},
      {{0}, 0, 4, 0, {0}},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    int32_t out[6] = {0};
    assert_int_equal(nf_guess(row[i].text, row[i].n, row[i].most, out), row[i].guessed);
    assert_memory_equal(out, row[i].guess, sizeof out);
  }
}

static void far_back_nothing_is_looked_for(void **state) {
  (void)state;
  enum { N = NF_GUESS_REACH + 2 };
  int32_t *text = malloc(N * sizeof *text), out = 0;
  for (int32_t i = 0; i < N; i++) text[i] = i;
  text[N - 2] = 1, text[N - 1] = 2; // which stand before place 3, the first within reach
  assert_int_equal(nf_guess(text, N, 1, &out), 1);
  assert_int_equal(out, 3);
  text[N - 2] = 0, text[N - 1] = 1; // before place 2
  assert_int_equal(nf_guess(text, N, 1, &out), 0);
  free(text);
}

static void it_rests_where_guesses_are_wrong(void **state) {
  (void)state;
  nf_guessing g = {0};
  assert_int_equal(nf_guessing_most(&g), 0);
  g.most = 4;
  for (int i = 0; i < 100; i++) nf_guessing_note(&g, 4, 3);
  assert_int_equal(nf_guessing_most(&g), 4); // half of them right
  int wrong = 0, rested = 0;
  for (; nf_guessing_most(&g) != 0; wrong++) nf_guessing_note(&g, 4, 1);
  assert_true(wrong > 1 && wrong < 10);
  for (; nf_guessing_most(&g) == 0; rested++) nf_guessing_note(&g, 0, 1);
  assert_int_equal(rested, 32);
  assert_int_equal(nf_guessing_most(&g), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_stood_behind_is_guessed),
      cmocka_unit_test(far_back_nothing_is_looked_for),
      cmocka_unit_test(it_rests_where_guesses_are_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
