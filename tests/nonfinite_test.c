// SPDX-License-Identifier: Apache-2.0
// Weights that are all finite and yet overflow in some layer: the session ends with an error that names the
// layer, at once or however much later, and nobody else's numbers change.
#include "tests/support/alloc_fail.h"
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include <infuse/inspect.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 384, MOST = 40 };
static const char *const devices[] = {"cpu", "ref"};

static char *link_checkpoint(const char *from) {
  static const char *const names[] = {"config.json", SINGLE};
  char *dir = folder_create();
  for (int i = 0; i < 2; i++) {
    char *target = folder_path(from, names[i]);
    folder_link(dir, names[i], target);
    free(target);
  }
  return dir;
}

// Element `at` of a bf16 tensor becomes 3e38, and the n - 1 behind it.
static void make_huge(const char *dir, const char *tensor, int at, int n) {
  char offset[16], bytes[8 * MOST] = "";
  snprintf(offset, sizeof offset, "%d", 2 * at);
  for (int i = 0; i < n; i++) strcat(bytes, i == 0 ? "97 127" : " 97 127");
  spoil_data(dir, tensor, offset, bytes);
}

typedef struct engine {
  infuse_runtime *runtime;
  infuse_model *model;
} engine;

static engine start(const char *device, const char *dir, infuse_model_options o) {
  const infuse_runtime_options ro = {.size = sizeof ro, .device = device, .threads = 2};
  engine e;
  ok(infuse_runtime_create(&ro, &e.runtime));
  e.model = new_model(e.runtime, dir, o);
  return e;
}

static void stop(engine e) {
  infuse_model_destroy(e.model);
  infuse_runtime_destroy(e.runtime);
}

static infuse_session *session_of(infuse_model *m, bool generate, int64_t rows, const int32_t *token,
                                  size_t n) {
  infuse_session *s = new_session(m, (infuse_session_options){.generate = generate, .rows = rows});
  ok(infuse_session_append(s, token, n));
  return s;
}

// Steps until nothing is pending, or a failure.
static infuse_error *run(infuse_model *m, infuse_session *s) {
  while (infuse_session_pending(s) != 0) {
    ok(infuse_step(m, &s, 1));
    if (infuse_session_error(s) != NULL) return infuse_error_copy(infuse_session_error(s));
    if (infuse_session_output(s).token >= 0) break;
  }
  return NULL;
}

// ---- which layer ----

static const int32_t prompt[] = {5, 9, 200, 7, 31, 100, 64, 3, 250, 11, 12};
enum { PROMPT = sizeof prompt / sizeof *prompt };

static void fails_in(const char *device, const char *dir, infuse_model_options o, const char *says) {
  const engine e = start(device, dir, o);
  infuse_session *s = session_of(e.model, true, 0, prompt, PROMPT);
  refused(run(e.model, s), INFUSE_BAD_INPUT, says);
  assert_int_equal(infuse_session_output(s).finish, INFUSE_FAILED);
  assert_non_null(strstr(infuse_error_message(infuse_session_error(s)), says));
  infuse_session_destroy(s);
  stop(e);
}

static void test_layers(void **state) {
  (void)state;
  static const struct {
    const char *from, *tensor, *says;
  } cases[] = {
      {"checkpoints/qwen3-tiny", "model.layers.0.input_layernorm.weight", "it began in layer 0 ('L0.attn."},
      {"checkpoints/qwen3-tiny", "model.layers.2.post_attention_layernorm.weight",
       "it began in layer 2 ('L2.mlp."},
      {"checkpoints/qwen3-tiny", "model.norm.weight", "it began in the output head ('"},
      {"checkpoints/qwen3-tiny-fp8-block", "model.norm.weight", "it began in the output head ('"},
      {"checkpoints/qwen3-tiny-fp8-ptpc", "model.norm.weight", "it began in the output head ('"},
      {"checkpoints/qwen3-next-tiny", "model.norm.weight", "it began in the output head ('"},
      {"checkpoints/gpt-oss-tiny", "model.norm.weight", "it began in the output head ('"},
      {"checkpoints/gpt-oss-tiny", "model.layers.1.input_layernorm.weight", "it began in layer 1 ('L1.attn."},
      {"checkpoints/qwen3-next-tiny", "model.layers.1.input_layernorm.weight",
       "it began in layer 1 ('L1.attn."},
      {"checkpoints/qwen3-next-tiny", "model.layers.3.post_attention_layernorm.weight",
       "it began in layer 3 ('L3.moe."},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *dir = link_checkpoint(cases[i].from);
    make_huge(dir, cases[i].tensor, 0, MOST);
    for (int d = 0; d < 2; d++) {
      fails_in(devices[d], dir, (infuse_model_options){0}, cases[i].says);
      fails_in(devices[d], dir, (infuse_model_options){.batch = 4, .world = 2, .keep_hidden = true},
               cases[i].says);
    }
    folder_remove(dir);
  }
}

// ---- one of several sessions ----

// A model in which an expert of layer 2 overflows for some tokens.
static char *make_uneven(void) {
  char *dir = link_checkpoint("checkpoints/qwen3-next-tiny");
  make_huge(dir, "model.layers.2.mlp.experts.0.gate_proj.weight", 0, 1);
  make_huge(dir, "model.layers.2.mlp.experts.0.up_proj.weight", 0, 1);
  return dir;
}

static const char layer_2[] = "it began in layer 2 ('L2.moe.";

// Tokens that are well when they come first, and some that are not.
static void find_tokens(infuse_model *m, int32_t *well, int32_t *bad) {
  int n_well = 0, n_bad = 0;
  for (int32_t t = 0; t < VOCAB && (n_well < 4 || n_bad < 2); t++) {
    infuse_session *s = session_of(m, false, 0, &t, 1);
    infuse_error *e = run(m, s);
    if (e == NULL && n_well < 4) well[n_well++] = t;
    if (e != NULL && n_bad < 2) bad[n_bad++] = t;
    if (e != NULL) refused(e, INFUSE_BAD_INPUT, layer_2);
    infuse_session_destroy(s);
  }
  assert_true(n_well == 4 && n_bad == 2);
}

static void copy_row(const infuse_session *s, float *out) {
  const infuse_rows r = infuse_session_logits(s);
  assert_int_equal(r.rows, 1);
  memcpy(out, r.data, VOCAB * sizeof *out);
}

static void test_others_go_on(void **state) {
  (void)state;
  char *dir = make_uneven();
  for (int d = 0; d < 2; d++) {
    const engine e = start(devices[d], dir, (infuse_model_options){.sessions = 3, .keep_hidden = true});
    int32_t well[4], bad[2];
    float alone[VOCAB], beside[VOCAB];
    infuse_rows hidden;
    find_tokens(e.model, well, bad);
    infuse_session *s = session_of(e.model, true, 0, well, 1);
    ok(run(e.model, s));
    const int32_t drawn = infuse_session_output(s).token;
    copy_row(s, alone);
    infuse_session_destroy(s);

    infuse_session *const all[] = {session_of(e.model, true, 0, bad, 1),
                                   session_of(e.model, true, 0, well, 1),
                                   session_of(e.model, false, 0, bad + 1, 1)};
    ok(infuse_step(e.model, all, 3));
    for (int i = 0; i < 3; i++)
      assert_int_equal(infuse_session_status(all[i]), i == 1 ? INFUSE_STATUS_COMPUTED : INFUSE_STATUS_FAILED);
    copy_row(all[1], beside);
    assert_memory_equal(alone, beside, sizeof alone);
    assert_int_equal(infuse_session_output(all[1]).token, drawn);
    ok(infuse_session_hidden(all[1], 2, &hidden));
    assert_int_equal(hidden.rows, 1);
    for (size_t i = 0; i < hidden.width; i++) assert_true(isfinite(hidden.data[i]));
    assert_null(infuse_session_error(all[1]));

    // Those that failed have ended, and the others go on with them in the list.
    for (int i = 0; i < 3; i += 2) {
      assert_non_null(strstr(infuse_error_message(infuse_session_error(all[i])), layer_2));
      assert_int_equal(infuse_session_pending(all[i]), 0);
      assert_int_equal(infuse_session_logits(all[i]).rows, 0);
      refused(infuse_session_append(all[i], well, 1), INFUSE_USAGE,
              "the session has failed: the logits of token 0");
      refused(infuse_session_truncate(all[i], 0), INFUSE_USAGE, "the session has failed");
      infuse_session *copy;
      refused(infuse_session_clone(all[i], &copy), INFUSE_USAGE, "the session has failed");
    }
    ok(infuse_step(e.model, all, 3)); // the token that was drawn may be a bad one
    for (int i = 0; i < 3; i++) infuse_session_destroy(all[i]);

    // Caches that held numbers that are none leave no trace.
    s = session_of(e.model, true, 0, well, 1);
    ok(run(e.model, s));
    copy_row(s, beside);
    assert_memory_equal(alone, beside, sizeof alone);
    infuse_session_destroy(s);
    stop(e);
  }
  folder_remove(dir);
}

// It began in a step that gave no rows: layer 3 attends to it ever after, but did not begin it.
static void test_began_earlier(void **state) {
  (void)state;
  char *dir = make_uneven();
  for (int d = 0; d < 2; d++) {
    const engine e = start(devices[d], dir, (infuse_model_options){.batch = 2, .sessions = 3});
    int32_t well[4], bad[2], text[8];
    find_tokens(e.model, well, bad);
    for (int i = 0; i < 8; i++) text[i] = i == 0 ? bad[0] : well[i % 4];
    infuse_session *s = session_of(e.model, false, 0, text, 8);
    refused(run(e.model, s), INFUSE_BAD_INPUT,
            "the logits of token 7 are not finite; it began in layer 2 ('L2.moe.");
    infuse_session_destroy(s);
    s = session_of(e.model, false, INFUSE_ALL_ROWS, text, 8);
    refused(run(e.model, s), INFUSE_BAD_INPUT,
            "the logits of token 0 are not finite; it began in layer 2 ('L2.moe.");
    infuse_session_destroy(s);
    stop(e);
  }
  folder_remove(dir);
}

// Whatever memory the search for the layer lacks, the session ends with an error all the same.
static void test_no_memory(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  char *dir = make_uneven();
  const engine e = start("cpu", dir, (infuse_model_options){.batch = 2});
  int32_t well[4], bad[2];
  bool failed = true;
  find_tokens(e.model, well, bad);
  for (uint64_t n = 1; failed; n++) {
    const int64_t before = nf_alloc_live();
    infuse_session *s = session_of(e.model, false, 0, bad, 1);
    nf_alloc_fail_at(n, false);
    infuse_error *error = infuse_step(e.model, &s, 1);
    failed = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    ok(error);
    refused(infuse_error_copy(infuse_session_error(s)), INFUSE_BAD_INPUT, "");
    infuse_session_destroy(s);
    assert_int_equal(nf_alloc_live(), before);
  }
  stop(e);
  folder_remove(dir);
}

// ---- files of logits ----

static void test_written_logits(void **state) {
  (void)state;
  char *dir = link_checkpoint("checkpoints/qwen3-tiny"), *path = folder_path(dir, "out.safetensors");
  make_huge(dir, "model.layers.1.input_layernorm.weight", 0, MOST);
  const engine e = start("cpu", dir, (infuse_model_options){.rows = 8});
  refused(infuse_write_logits(e.model, prompt, PROMPT, NULL, path), INFUSE_BAD_INPUT, "layer 1 ('L1.attn.");
  assert_false(folder_has(dir, "out.safetensors"));
  stop(e);
  free(path);
  folder_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_layers), cmocka_unit_test(test_others_go_on),
                                     cmocka_unit_test(test_began_earlier), cmocka_unit_test(test_no_memory),
                                     cmocka_unit_test(test_written_logits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
