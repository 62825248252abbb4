// SPDX-License-Identifier: Apache-2.0
// A GPU that fails under a scheduler, on the drivers of tests/drivers: whom the step was for is told its
// error, and nobody waits for ever.
#include "schedule/schedule.h"
#include "tests/drivers/fake.h"
#include "tests/support/expect.h"
#include <dlfcn.h>
#include <stdio.h>

enum { N = 9, SESSIONS = 3, TOKENS = 4 };

static void (*fake)(const char *settings);

typedef struct heard {
  size_t tokens;
  bool done;
  nf_reason reason;
  infuse_code code;
  char message[200];
} heard;

static void hear(void *user, const nf_event *e) {
  heard *h = user;
  h->tokens += e->kind == NF_EVENT_OUTPUT;
  if (e->kind != NF_EVENT_DONE) return;
  h->done = true;
  h->reason = e->reason;
  h->code = infuse_error_code(e->error);
  snprintf(h->message, sizeof h->message, "%s", infuse_error_message(e->error));
}

static const infuse_sampling greedy = {.size = sizeof greedy};
static const infuse_session_options options = {
    .size = sizeof options, .generate = true, .sampling = &greedy, .max_tokens = TOKENS, .ignore_eos = true};
static const int32_t prompt[] = {3, 1, 4, 1, 5, 9, 2, 6};

typedef struct engine {
  infuse_runtime *rt;
  infuse_model *m;
  nf_scheduler *s;
} engine;

static engine start(void) {
  const infuse_runtime_options ro = {.size = sizeof ro, .device = "cuda", .threads = 1};
  const infuse_model_options mo = {.size = sizeof mo, .context = 64, .sessions = SESSIONS};
  engine e;
  ok(infuse_runtime_create(&ro, &e.rt));
  ok(infuse_model_load(e.rt, "checkpoints/qwen3-tiny", &mo, &e.m));
  ok(nf_scheduler_create(e.rt, e.m, (nf_scheduler_options){0}, &e.s).error);
  return e;
}

static void give(const engine *e, heard *h, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const nf_request r = {
        .tokens = prompt, .n_tokens = 1 + i % 8, .options = &options, .heard = hear, .user = &h[i]};
    uint64_t id;
    h[i] = (heard){0};
    ok(nf_scheduler_submit(e->s, &r, &id).error);
  }
  assert_true(nf_scheduler_wait(e->s, 300));
  for (size_t i = 0; i < n; i++) assert_true(h[i].done);
}

static void stop(engine *e) {
  nf_scheduler_destroy(e->s);
  infuse_model_destroy(e->m);
  infuse_runtime_destroy(e->rt);
  fake(NULL);
}

static void test_a_failing_step(void **) {
  heard h[N];
  size_t failed = 0;
  engine e = start();
  give(&e, h, 1);
  assert_true(h[0].reason == NF_REASON_LENGTH && h[0].tokens == TOKENS);
  fake("fail=exec_launch:3:1");
  give(&e, h, N);
  for (size_t i = 0; i < N; i++) {
    failed += h[i].reason == NF_REASON_FAILED;
    if (h[i].reason != NF_REASON_FAILED) {
      assert_int_equal(h[i].tokens, TOKENS);
      continue;
    }
    assert_int_equal(h[i].code, INFUSE_INTERNAL);
    assert_non_null(strstr(h[i].message, "CUDA_ERROR_INVALID_VALUE"));
  }
  assert_true(failed >= 1 && failed <= SESSIONS); // others go on
  stop(&e);
}

static void test_a_lost_device(void **) {
  static const char *const ways[] = {"fail=exec_launch:2:719", "fail=stream_sync:2:700", "fail=copy:2:999"};
  for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
    heard h[N];
    engine e = start();
    fake(ways[k]);
    give(&e, h, N);
    for (size_t i = 0; i < N; i++) {
      assert_true(h[i].reason == NF_REASON_FAILED && h[i].code == INFUSE_UNAVAILABLE);
      assert_non_null(strstr(h[i].message, "this process can't use the device any more"));
    }
    stop(&e);
  }
}

int main(void) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  fake = library != NULL ? dlsym(library, "fake_gpu") : NULL;
  if (fake == NULL) return fprintf(stderr, "libcuda.so.1 is not the one of tests/drivers\n"), 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_failing_step),
                                     cmocka_unit_test(test_a_lost_device)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
