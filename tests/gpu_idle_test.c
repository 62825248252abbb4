// SPDX-License-Identifier: Apache-2.0
// Every graph of a model does after a pause what it did before: steps of all buckets are run, the process
// does nothing for a while, and the same steps, which make no graph then, give the same logits, bit by bit.
// gpu_idle_test [DEVICE SECONDS]; without arguments on the drivers of tests/drivers, which need no half
// minute. 77: DEVICE is not here.
#include "tests/support/expect.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SKIPPED = 77, SESSIONS = 3, BATCH = 16, ROUNDS = 4, VOCAB = 384 };

static const char *const checkpoints[] = {"gpt-oss-tiny", "qwen3-tiny-fp8-ptpc", "qwen3-next-tiny-fp8-block"};
static const char *device, *library;
static unsigned seconds;

// Of the driver of tests/drivers; -1: it is a real one.
static long captures(void) {
  void *driver = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
  long (*count)(const char *call) = driver != NULL ? dlsym(driver, "fake_gpu_count") : NULL;
  return count != NULL ? count("capture_begin") : -1;
}

// Tokens of session k in round i: one for all, or from none to more than a step takes together.
static size_t tokens_of(int i, int k, int32_t *out) {
  const size_t n = i % 3 == 0 ? k <= i / 3 : (size_t)(i * (k + 3) % 11);
  for (size_t t = 0; t < n; t++) out[t] = (int32_t)((i * 37 + k * 11 + (int)t * 5) % 256);
  return n;
}

// What the sessions' last rows say after each round; returns how many there are.
static size_t run(infuse_model *m, float *out) {
  const infuse_session_options o = {.size = sizeof o, .unshared = true};
  infuse_session *s[SESSIONS];
  size_t n = 0;
  for (int k = 0; k < SESSIONS; k++) ok(infuse_session_create(m, &o, &s[k]));
  for (int i = 0; i < ROUNDS; i++) {
    int32_t tokens[BATCH];
    for (int k = 0; k < SESSIONS; k++) {
      const size_t some = tokens_of(i, k, tokens);
      if (some != 0) ok(infuse_session_append(s[k], tokens, some));
    }
    ok(infuse_step(m, s, SESSIONS));
    for (int k = 0; k < SESSIONS; k++) {
      const infuse_rows rows = infuse_session_logits(s[k]);
      if (rows.rows == 0) continue;
      assert_int_equal(rows.width, VOCAB);
      memcpy(out + n++ * VOCAB, rows.data, VOCAB * sizeof *out);
    }
  }
  for (int k = 0; k < SESSIONS; k++) infuse_session_destroy(s[k]);
  return n;
}

static void after_a_pause(void **) {
  enum { N = sizeof checkpoints / sizeof *checkpoints };
  static float before[N][ROUNDS * SESSIONS * VOCAB], after[ROUNDS * SESSIONS * VOCAB];
  const infuse_runtime_options o = {.size = sizeof o, .device = device, .threads = 1};
  const infuse_model_options mo = {.size = sizeof mo, .context = 256, .sessions = SESSIONS, .batch = BATCH};
  infuse_runtime *rt;
  infuse_model *m[N];
  size_t rows[N];
  ok(infuse_runtime_create(&o, &rt));
  for (int i = 0; i < N; i++) {
    char dir[64];
    snprintf(dir, sizeof dir, "checkpoints/%s", checkpoints[i]);
    ok(infuse_model_load(rt, dir, &mo, &m[i]));
    rows[i] = run(m[i], before[i]);
    assert_true(rows[i] > ROUNDS);
  }
  sleep(seconds);
  const long made = captures();
  for (int i = 0; i < N; i++) {
    assert_int_equal(run(m[i], after), rows[i]);
    assert_memory_equal(after, before[i], rows[i] * VOCAB * sizeof *after);
  }
  assert_int_equal(captures(), made);
  for (int i = 0; i < N; i++) infuse_model_destroy(m[i]);
  infuse_runtime_destroy(rt);
}

static bool is_here(void) {
  infuse_runtime *rt;
  const infuse_runtime_options o = {.size = sizeof o, .device = device, .threads = 1};
  infuse_error *e = infuse_runtime_create(&o, &rt);
  if (e != NULL) return printf("skipped: %s\n", infuse_error_message(e)), infuse_error_free(e), false;
  return infuse_runtime_destroy(rt), true;
}

static int test(const char *name, const char *driver) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(after_a_pause)};
  device = name, library = driver;
  if (!is_here()) return SKIPPED;
  return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(int argc, char **argv) {
  if (argc == 1) return test("cuda", "libcuda.so.1") + test("hip", "libamdhip64.so.6");
  seconds = argc == 3 ? (unsigned)atoi(argv[2]) : 30;
  return test(argv[1], strcmp(argv[1], "cuda") == 0 ? "libcuda.so.1" : "libamdhip64.so.6");
}
