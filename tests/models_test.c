// SPDX-License-Identifier: Apache-2.0
// The six shipped checkpoints against their stored references, on the reference device and on the CPU, or on
// the device that is the first argument: one line a measurement, with its bound. `make check-models` prints
// the table.
//
// error: of the whole, ||got - want|| / ||want||, for the CPU, GPUs and where activations are quantised; of
// the worst row otherwise. Bounds of FP8 with quantised activations are wide because one value on the other
// side of a rounding edge changes all that follows: the same mathematics summed in another order differs by
// up to 4e-2.
#include "base/clock.h"
#include "base/memory.h"
#include "base/sanitized.h"
#include "tests/support/expect.h"
#include "tests/support/reference.h"
#include <infuse/infuse.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct checkpoint {
  const char *name;
  int prompts;
  bool fp8, experts;
} checkpoint;

static const checkpoint checkpoints[] = {
    {"gpt-oss-tiny", 3, false, true},        {"qwen3-tiny", 3, false, false},
    {"qwen3-tiny-fp8-ptpc", 3, true, false}, {"qwen3-tiny-fp8-block", 3, true, false},
    {"qwen3-next-tiny", 4, false, true},     {"qwen3-next-tiny-fp8-block", 4, true, true},
};
enum { LONG = -1, LONG_ROWS = 16, GREEDY = 24, VOCAB = 384 };
static const double EXACT = 1e-4, SPLIT = 1e-5, QUANTISED = 1e-1, BF16 = 3e-2;

// From the command line: a device, NULL: ref and cpu; and how many prompts of each are enough, where lanes
// are emulated or all is sanitized.
static const char *only;
static int most_prompts = NF_SANITIZED ? 1 : INT_MAX;

typedef struct job { // one checkpoint on one device
  const checkpoint *c;
  const char *device;
  nf_safetensors reference;
  infuse_runtime *rt;
} job;

static int prompts_of(const job *j) { return j->c->prompts < most_prompts ? j->c->prompts : most_prompts; }

// ---- tensors of the reference ----

static const char *tensor_name(const char *what, int prompt) {
  static char name[32];
  if (prompt == LONG)
    snprintf(name, sizeof name, "%s.long", what);
  else
    snprintf(name, sizeof name, "%s.%d", what, prompt);
  return name;
}

static int32_t *ids_of(const job *j, const char *what, int prompt, size_t *n) {
  return nf_reference_ids(&j->reference, tensor_name(what, prompt), n);
}

// ---- running ----

typedef struct run {
  int64_t chunk, rows; // rows 0: all
  bool plain, forced;
} run;

// Logits of the last `rows` tokens, [rows][VOCAB].
static float *logits_of(const job *j, const run *r, const int32_t *tokens, size_t n, const int32_t *routes) {
  const int64_t rows = r->rows != 0 ? r->rows : (int64_t)n;
  char dir[64];
  snprintf(dir, sizeof dir, "checkpoints/%s", j->c->name);
  const infuse_model_options mo = {.size = sizeof mo,
                                   .context = (int64_t)n,
                                   .batch = r->chunk,
                                   .rows = r->chunk < rows ? r->chunk : rows,
                                   .forced_experts = r->forced,
                                   .plain_activations = r->plain};
  const infuse_session_options so = {.size = sizeof so, .rows = rows};
  infuse_model *m;
  infuse_session *s;
  ok(infuse_model_load(j->rt, dir, &mo, &m));
  ok(infuse_session_create(m, &so, &s));
  ok(routes != NULL ? infuse_session_append_routed(s, tokens, n, routes)
                    : infuse_session_append(s, tokens, n));
  float *got = nf_alloc((size_t)rows * VOCAB, sizeof *got);
  memset(got, 0xff, (size_t)rows * VOCAB * sizeof *got); // NaN where nothing is written
  while (infuse_session_pending(s) != 0) {
    ok(infuse_step(m, &s, 1));
    const infuse_rows out = infuse_session_logits(s);
    const size_t first = n - (size_t)rows;
    if (out.rows != 0) memcpy(got + (out.first - first) * VOCAB, out.data, out.rows * VOCAB * sizeof *got);
  }
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  return got;
}

static float *prompt_logits(const job *j, const run *r, int prompt, size_t *n) {
  size_t n_routes;
  int32_t *tokens = ids_of(j, "prompt", prompt, n);
  int32_t *routes = r->forced ? ids_of(j, "routes", prompt, &n_routes) : NULL;
  float *got = logits_of(j, r, tokens, *n, routes);
  nf_free(tokens);
  nf_free(routes);
  return got;
}

// ---- the table ----

static int failures;

static void row(const job *j, const char *what, double error, double bound) {
  const bool good = error <= bound;
  printf("%-26s %-4s %-46s %8.1e  bound %.0e  %s\n", j->c->name, j->device, what, error, bound,
         good ? "ok" : "FAILED");
  fflush(stdout);
  failures += !good;
}

static double larger(double a, double b) { return !(b <= a) ? b : a; } // NaN is larger

// The worst prompt's error against tensors "<want>.I", of the whole or of the worst row.
static double worst_prompt(const job *j, const run *r, const char *want, bool whole) {
  double worst = 0;
  for (int i = 0; i < prompts_of(j); i++) {
    size_t n;
    int64_t rows, cols;
    float *got = prompt_logits(j, r, i, &n);
    float *wanted = nf_reference_floats(&j->reference, tensor_name(want, i), &rows, &cols);
    assert_int_equal(rows, n);
    assert_int_equal(cols, VOCAB);
    worst = larger(worst, nf_row_error(got, wanted, whole ? 1 : rows, whole ? rows * VOCAB : VOCAB));
    nf_free(got);
    nf_free(wanted);
  }
  return worst;
}

// In steps of 64, so that pages fill up and are given back.
static double long_prompt(const job *j) {
  const run r = {.chunk = 64, .rows = LONG_ROWS, .plain = true};
  int64_t rows, cols;
  size_t n;
  float *got = prompt_logits(j, &r, LONG, &n);
  float *want = nf_reference_floats(&j->reference, "logits.long", &rows, &cols);
  assert_int_equal(rows, LONG_ROWS);
  const double error = nf_row_error(got, want, rows, VOCAB);
  nf_free(got);
  nf_free(want);
  return error;
}

// Cut into steps of 1, 7 and 64 tokens: the same as in one piece.
static double worst_split(const job *j, bool plain) {
  static const int64_t chunks[] = {1, 7, 64};
  const int prompt = j->c->prompts - 1;
  size_t n;
  double worst = 0;
  float *whole = prompt_logits(j, &(run){.chunk = 1000, .plain = plain}, prompt, &n);
  for (int i = 0; i < 3; i++) {
    float *got = prompt_logits(j, &(run){.chunk = chunks[i], .plain = plain}, prompt, &n);
    worst = larger(worst, nf_row_error(got, whole, (int64_t)n, VOCAB));
    nf_free(got);
  }
  nf_free(whole);
  return worst;
}

static int argmax(const float *x) {
  int best = 0;
  for (int i = 1; i < VOCAB; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

// Of the reference's own continuation, the tokens whose margin exceeds `margin` and that are not ours too.
static int wrong_tokens(const job *j, int prompt, double margin, int *judged) {
  size_t n, n_greedy;
  int32_t *tokens = ids_of(j, "prompt", prompt, &n), *greedy = ids_of(j, "greedy", prompt, &n_greedy);
  float *margins = nf_reference_vector(&j->reference, tensor_name("margin", prompt), GREEDY);
  int32_t all[256];
  int wrong = 0;
  assert_int_equal(n_greedy, GREEDY);
  memcpy(all, tokens, n * sizeof *all);
  memcpy(all + n, greedy, (GREEDY - 1) * sizeof *all);
  float *got = logits_of(j, &(run){.chunk = 64, .rows = GREEDY}, all, n + GREEDY - 1, NULL);
  for (int i = 0; i < GREEDY; i++) {
    if (!(margins[i] > margin)) continue;
    ++*judged;
    wrong += argmax(got + i * VOCAB) != greedy[i];
  }
  nf_free(tokens);
  nf_free(greedy);
  nf_free(margins);
  nf_free(got);
  return wrong;
}

static void check_tokens(const job *j) {
  const double margin = j->c->fp8 ? 0.4 : 0.15;
  int wrong = 0, judged = 0;
  char what[64];
  for (int i = 0; i < prompts_of(j); i++) wrong += wrong_tokens(j, i, margin, &judged);
  snprintf(what, sizeof what, "wrong of %d next tokens of margin > %g", judged, margin);
  assert_true(judged > 10 || prompts_of(j) < j->c->prompts);
  row(j, what, wrong, 0);
}

static void check_reference(const job *j) {
  const run whole = {.chunk = 1000, .plain = true};
  row(j, j->c->fp8 ? "activations as they are, worst row" : "worst row",
      worst_prompt(j, &whole, j->c->fp8 ? "logits_a16" : "logits", false), EXACT);
  // Codes of weights, of which short prompts have as many, are all that a long one of FP8 has besides.
  if (!NF_SANITIZED || !j->c->fp8) row(j, "last 16 of 5,000 tokens, worst row", long_prompt(j), EXACT);
  row(j, "steps of 1, 7, 64 tokens against one", worst_split(j, true), SPLIT);
  if (!j->c->fp8) return;
  row(j, "quantised activations",
      worst_prompt(j, &(run){.chunk = 1000, .forced = j->c->experts}, "logits", true), QUANTISED);
  row(j, "the same in steps of 1, 7, 64 against one", worst_split(j, false), SPLIT);
}

// Of bf16 activations.
static void check_device(const job *j) {
  const run forced = {.chunk = 64, .forced = j->c->experts};
  row(j, j->c->experts ? "experts as the reference's" : "whole", worst_prompt(j, &forced, "logits", true),
      j->c->fp8 ? QUANTISED : BF16);
  check_tokens(j);
}

static void check(const checkpoint *c, const char *device, void (*with)(const job *)) {
  job j = {.c = c, .device = device};
  char path[96];
  const infuse_runtime_options o = {.size = sizeof o, .device = device};
  const double start = nf_now();
  snprintf(path, sizeof path, "checkpoints/%s/reference.safetensors", c->name);
  assert_true(nf_is_ok(nf_safetensors_open(path, &j.reference)));
  ok(infuse_runtime_create(&o, &j.rt));
  with(&j);
  infuse_runtime_destroy(j.rt);
  nf_safetensors_close(&j.reference);
  printf("%-26s %-4s %.1f s\n", c->name, device, nf_now() - start);
}

static void test_checkpoints(void **state) {
  (void)state;
  failures = 0;
  for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
    if (only == NULL) check(&checkpoints[i], "ref", check_reference);
    check(&checkpoints[i], only != NULL ? only : "cpu", check_device);
  }
  if (failures != 0) fail_msg("%d measurements exceed their bounds", failures);
}

int main(int argc, char **argv) {
  if (argc > 1) only = argv[1];
  if (argc > 2) most_prompts = atoi(argv[2]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_checkpoints)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
