// SPDX-License-Identifier: Apache-2.0
// A session goes on, back and apart: whatever it has been through, it draws what a new session draws that is
// given the same tokens at once. All families, references and CPU kernels.
#include "tests/support/folder.h"
#include "tests/support/sessions.h"
#include <stdio.h>
#include <stdlib.h>

static bool slow; // on the references
static void everywhere(void (*test)(infuse_model *m)) {
  for (int device = 0; device < 2; device++)
    for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++) {
      infuse_model *m = load(runtime[device], tiny[i]);
      slow = device == 0;
      test(m);
      infuse_model_destroy(m);
    }
}

// ---- going on ----

static void go_on(infuse_model *m) {
  int32_t drawn[DRAWN];
  size_t n;
  infuse_session *s = begin(m, prompt, 5);
  draw(m, s, drawn);
  const int32_t *held = infuse_session_tokens(s, &n);
  assert_int_equal(n, 5 + DRAWN);
  assert_int_equal(infuse_session_position(s), 5 + DRAWN - 1);
  assert_memory_equal(held + 5, drawn, sizeof drawn);
  ok(infuse_session_append(s, prompt + 7, 3));
  assert_int_equal(infuse_session_pending(s), 4); // with the token drawn last
  is_as_new(m, s);
  ok(infuse_session_append(s, NULL, 0)); // no more than the token drawn last
  assert_int_equal(infuse_session_pending(s), 1);
  is_as_new(m, s);
  infuse_session_destroy(s);
}
static void test_goes_on_after_a_limit(void **) { everywhere(go_on); }

static void go_on_after_stop(infuse_model *m) {
  int32_t drawn[DRAWN], again[DRAWN];
  infuse_session *s = begin(m, prompt, 5);
  draw(m, s, drawn);
  infuse_session_destroy(s);
  size_t at = 0; // each of several stop tokens is obeyed, wherever it stands among them
  for (size_t i = 1; i < DRAWN && at == 0; i++)
    if (drawn[i] != drawn[0]) at = i;
  for (size_t place = 0; place < 3; place++) {
    int32_t stops[] = {383, 382, 381};
    stops[place] = drawn[at];
    s = create(m, (infuse_session_options){.stop_tokens = stops, .n_stop_tokens = 3, .ignore_eos = true});
    ok(infuse_session_append(s, prompt, 5));
    const size_t n = draw(m, s, again);
    assert_true(n <= at + 1);
    assert_int_equal(infuse_session_output(s).finish, INFUSE_STOP);
    ok(infuse_session_append(s, prompt + 7, 3));
    assert_int_equal(infuse_session_pending(s), 4);
    infuse_session_destroy(s);
  }
}
static void test_goes_on_after_a_stop_token(void **) { everywhere(go_on_after_stop); }

// Every stop token of generation_config.json is obeyed.
static void test_all_of_the_models_stop_tokens(void **) {
  infuse_model *m = load(runtime[1], tiny[0]);
  int32_t drawn[DRAWN];
  char *dir = folder_create(), *weights = realpath("checkpoints/gpt-oss-tiny/model.safetensors", NULL),
       *config = realpath("checkpoints/gpt-oss-tiny/config.json", NULL), text[64];
  infuse_session *s = begin(m, prompt, 5);
  draw(m, s, drawn);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  folder_link(dir, "model.safetensors", weights);
  folder_link(dir, "config.json", config);
  for (int place = 0; place < 3; place++) {
    int32_t eos[] = {383, 382, 381};
    eos[place] = drawn[0];
    snprintf(text, sizeof text, "{\"eos_token_id\": [%d, %d, %d]}", eos[0], eos[1], eos[2]);
    folder_write_text(dir, "generation_config.json", text);
    m = load(runtime[1], dir);
    s = create(m, (infuse_session_options){0});
    ok(infuse_session_append(s, prompt, 5));
    ok(infuse_step(m, &s, 1));
    assert_int_equal(infuse_session_output(s).token, drawn[0]);
    assert_int_equal(infuse_session_output(s).finish, INFUSE_STOP);
    infuse_session_destroy(s);
    infuse_model_destroy(m);
  }
  free(weights);
  free(config);
  folder_remove(dir);
}

// ---- going back ----

static void go_back(infuse_model *m) {
  static const size_t places[] = {LONG - 3, 3, LONG + 2, 0};
  for (size_t i = 0; i < (slow ? 1 : 4); i++) {
    int32_t drawn[DRAWN];
    infuse_session *s = begin(m, prompt, LONG);
    draw(m, s, drawn);
    ok(infuse_session_truncate(s, places[i]));
    assert_int_equal(infuse_session_pending(s), 0);
    assert_int_equal(infuse_session_output(s).finish, INFUSE_LENGTH);
    assert_null(infuse_session_logits(s).data);
    ok(infuse_session_append(s, prompt + 9, 4));
    is_as_new(m, s);
    infuse_session_destroy(s);
  }
}
static void test_goes_back(void **) { everywhere(go_back); }

static void test_goes_back_in_what_is_queued(void **) {
  infuse_model *m = load(runtime[1], tiny[2]);
  infuse_session *s = begin(m, prompt, LONG);
  ok(infuse_step(m, &s, 1)); // the first 64 tokens
  ok(infuse_session_truncate(s, 80));
  assert_int_equal(infuse_session_pending(s), 16);
  is_as_new(m, s);
  refused(infuse_session_truncate(s, 80 + DRAWN + 1), INFUSE_USAGE, "holds 85 tokens");
  infuse_session_destroy(s);
  s = begin(m, prompt, 10); // while it draws
  ok(infuse_step(m, &s, 1));
  ok(infuse_session_truncate(s, 10));
  assert_int_equal(infuse_session_output(s).finish, INFUSE_STOP);
  ok(infuse_session_append(s, prompt, 1));
  is_as_new(m, s);
  ok(infuse_session_truncate(s, 0));
  ok(infuse_session_append(s, NULL, 0));
  assert_int_equal(infuse_session_pending(s), 0);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

// ---- going apart ----

static void go_apart(infuse_model *m) {
  int32_t drawn[DRAWN];
  infuse_session *s = begin(m, prompt, LONG), *t;
  for (int i = 0; i < 4; i++) ok(infuse_step(m, &s, 1)); // two chunks, and two tokens more
  ok(infuse_session_clone(s, &t));
  assert_int_equal(infuse_session_output(t).token, -1);
  assert_int_equal(infuse_session_pending(t), 1);
  while (infuse_session_output(s).finish == INFUSE_RUNNING ||
         infuse_session_output(t).finish == INFUSE_RUNNING)
    ok(infuse_step(m, (infuse_session *[]){s, t}, 2));
  size_t n, n_clone;
  const int32_t *held = infuse_session_tokens(s, &n), *clone = infuse_session_tokens(t, &n_clone);
  assert_int_equal(n, n_clone);
  assert_memory_equal(held, clone, n * sizeof *held);
  ok(infuse_session_append(s, prompt, 2));
  ok(infuse_session_append(t, prompt + 5, 3));
  is_as_new(m, t);
  infuse_session_destroy(t);
  is_as_new(m, s);
  draw(m, s, drawn);
  infuse_session_destroy(s);
}
static void test_goes_apart(void **) { everywhere(go_apart); }

static void test_clones_count(void **) {
  infuse_model *m = load(runtime[1], tiny[0]);
  infuse_session *s = begin(m, prompt, 4), *t, *u, *v;
  ok(infuse_session_clone(s, &t));
  ok(infuse_session_clone(t, &u));
  refused(infuse_session_clone(s, &v), INFUSE_UNAVAILABLE, "all 3 sessions");
  infuse_session_destroy(t);
  ok(infuse_session_clone(u, &t));
  infuse_session_destroy(u);
  is_as_new(m, t);
  infuse_session_destroy(s);
  infuse_session_destroy(t);
  infuse_model_destroy(m);
}

// ---- rows ----

static void test_rows_of_earlier_steps_are_gone(void **) {
  infuse_model *m = load(runtime[1], tiny[1]);
  const infuse_session_options o = {.size = sizeof o};
  infuse_session *s, *other;
  ok(infuse_session_create(m, &o, &s));
  ok(infuse_session_create(m, &o, &other));
  ok(infuse_session_append(s, prompt, 3));
  ok(infuse_session_append(other, prompt, 3));
  ok(infuse_step(m, &s, 1));
  assert_int_equal(infuse_session_logits(s).rows, 1);
  ok(infuse_step(m, &other, 1)); // without it
  assert_int_equal(infuse_session_logits(s).rows, 0);
  ok(infuse_session_append(other, prompt, 1));
  ok(infuse_step(m, &other, 1));
  ok(infuse_session_append(s, prompt, LONG));
  ok(infuse_step(m, &s, 1)); // with it, but it has not come to its last token
  assert_int_equal(infuse_session_logits(s).rows, 0);
  assert_null(infuse_session_logits(s).data);
  ok(infuse_step(m, (infuse_session *[]){s, other}, 2));
  assert_int_equal(infuse_session_logits(other).rows, 0); // with nothing to compute
  assert_int_equal(infuse_session_logits(s).rows, 1);
  ok(infuse_step(m, NULL, 0));
  assert_int_equal(infuse_session_logits(s).rows, 0);
  infuse_session_destroy(s);
  infuse_session_destroy(other);
  infuse_model_destroy(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_goes_on_after_a_limit),
      cmocka_unit_test(test_goes_on_after_a_stop_token),
      cmocka_unit_test(test_all_of_the_models_stop_tokens),
      cmocka_unit_test(test_goes_back),
      cmocka_unit_test(test_goes_back_in_what_is_queued),
      cmocka_unit_test(test_goes_apart),
      cmocka_unit_test(test_clones_count),
      cmocka_unit_test(test_rows_of_earlier_steps_are_gone),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
