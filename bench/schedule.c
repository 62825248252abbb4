// SPDX-License-Identifier: Apache-2.0
// What a scheduler costs: the processor time of its thread for each step, beside the time of the step, with
// so many answers at once.
//   build/bench/schedule [model folder] [answers at once]
#include "schedule/schedule.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PROMPT = 64, TOKENS = 128, TURNS = 4, MOST = 1024 };

typedef struct seen { // by the scheduler's thread: after the first step, and after the last one so far
  double cpu[2], now[2];
  uint64_t step[2];
} seen;

static double cpu_of_thread(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void hear(void *user, const nf_event *e) {
  seen *s = user;
  if (e->error != NULL) fprintf(stderr, "schedule: %s\n", infuse_error_message(e->error)), exit(1);
  if (e->kind != NF_EVENT_OUTPUT) return;
  const int i = s->step[0] != 0;
  s->cpu[i] = cpu_of_thread(), s->now[i] = nf_now(), s->step[i] = e->step;
}

static void check(infuse_error *e) {
  if (e != NULL) fprintf(stderr, "schedule: %s\n", infuse_error_message(e)), exit(1);
}

static void measure(const char *dir, size_t n) {
  const infuse_model_options mo = {.size = sizeof mo,
                                   .context = PROMPT + TOKENS,
                                   .sessions = (int64_t)n,
                                   .batch = n > 64 ? (int64_t)n : 64};
  const infuse_sampling greedy = {.size = sizeof greedy};
  const infuse_session_options o = {
      .size = sizeof o, .generate = true, .sampling = &greedy, .max_tokens = TOKENS, .ignore_eos = true};
  static int32_t prompt[MOST * TURNS][PROMPT];
  infuse_runtime *rt;
  infuse_model *m;
  nf_scheduler *s;
  seen seen = {0};
  check(infuse_runtime_create(NULL, &rt));
  check(infuse_model_load(rt, dir, &mo, &m));
  check(nf_scheduler_create(rt, m, (nf_scheduler_options){.queue = MOST * TURNS}, &s).error);
  for (size_t i = 0; i < n * TURNS; i++) {
    uint64_t id;
    for (size_t k = 0; k < PROMPT; k++) prompt[i][k] = (int32_t)((i * 31 + k * 7) % 250);
    const nf_request r = {
        .tokens = prompt[i], .n_tokens = PROMPT, .options = &o, .heard = hear, .user = &seen};
    check(nf_scheduler_submit(s, &r, &id).error);
  }
  while (!nf_scheduler_wait(s, 1)) {
  }
  nf_scheduler_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
  const double steps = (double)(seen.step[1] - seen.step[0]);
  printf("%4zu at once: %8.1f us a step, of which the scheduler's thread computes %6.1f\n", n,
         1e6 * (seen.now[1] - seen.now[0]) / steps, 1e6 * (seen.cpu[1] - seen.cpu[0]) / steps);
}

int main(int argc, char **argv) {
  const char *dir = argc > 1 ? argv[1] : "models/infuse-oss";
  static const size_t numbers[] = {1, 8, 32, 128};
  if (argc > 2) return measure(dir, (size_t)strtoul(argv[2], NULL, 10) % (MOST + 1)), 0;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) measure(dir, numbers[i]);
}
