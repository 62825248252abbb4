// SPDX-License-Identifier: Apache-2.0
// What tests of sessions share: two runtimes (references, and CPU kernels), small models, and comparing a
// session to a new one that is given the same tokens.
#pragma once
#include "tests/support/expect.h"
#include <infuse/infuse.h>
#include <string.h>

enum { MANY = 256, LONG = 85, DRAWN = 5 }; // LONG: pages of the sliding window (16) are gone
static infuse_runtime *runtime[2];         // ref, cpu
[[maybe_unused]] static const char *const tiny[] = {"checkpoints/gpt-oss-tiny", "checkpoints/qwen3-tiny",
                                                    "checkpoints/qwen3-next-tiny"};
[[maybe_unused]] static const infuse_sampling greedy = {.top_p = 1};
static int32_t prompt[MANY];

static inline infuse_model *load(infuse_runtime *rt, const char *dir) {
  return new_model(rt, dir, (infuse_model_options){.context = MANY, .sessions = 3, .batch = 64});
}

static inline infuse_session *create(infuse_model *m, infuse_session_options o) {
  o.generate = true;
  o.sampling = &greedy;
  if (o.max_tokens == 0) o.max_tokens = DRAWN;
  return new_session(m, o);
}

static inline infuse_session *begin(infuse_model *m, const int32_t *tokens, size_t n) {
  infuse_session *s = create(m, (infuse_session_options){.ignore_eos = true});
  ok(infuse_session_append(s, tokens, n));
  return s;
}

// Draws until s has finished.
static inline size_t draw(infuse_model *m, infuse_session *s, int32_t out[DRAWN]) {
  size_t n = 0;
  while (infuse_session_output(s).finish == INFUSE_RUNNING) {
    ok(infuse_step(m, &s, 1));
    if (infuse_session_output(s).token < 0) continue;
    assert_true(n < DRAWN);
    out[n++] = infuse_session_output(s).token;
  }
  assert_int_equal(infuse_session_pending(s), 0);
  return n;
}

// What s draws next is what a new session draws that is given the tokens that s holds, and computes them all.
static inline void is_as_new(infuse_model *m, infuse_session *s) {
  int32_t here[DRAWN], there[DRAWN], held[MANY];
  size_t n;
  const int32_t *tokens = infuse_session_tokens(s, &n);
  assert_true(n <= MANY);
  memcpy(held, tokens, n * sizeof *held);
  const size_t drawn = draw(m, s, here);
  infuse_session *fresh = create(m, (infuse_session_options){.ignore_eos = true, .unshared = true});
  ok(infuse_session_append(fresh, held, n));
  assert_int_equal(draw(m, fresh, there), drawn);
  assert_memory_equal(here, there, drawn * sizeof *here);
  infuse_session_destroy(fresh);
}

static inline int set_up(void **) {
  for (int i = 0; i < MANY; i++) prompt[i] = (i * 37 + 11) % 256;
  const infuse_runtime_options ref = {.size = sizeof ref, .device = "ref", .threads = 1},
                               cpu = {.size = sizeof cpu, .threads = 1};
  return infuse_runtime_create(&ref, &runtime[0]) != NULL || infuse_runtime_create(&cpu, &runtime[1]) != NULL;
}

static inline int tear_down(void **) {
  infuse_runtime_destroy(runtime[0]);
  infuse_runtime_destroy(runtime[1]);
  return 0;
}
