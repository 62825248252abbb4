// SPDX-License-Identifier: Apache-2.0
// The shipped GPT-OSS checkpoint through the public interface against its stored reference: whole prompts,
// chunks, token by token, several sequences at once, forced experts; and what a session
// refuses.
#include "base/memory.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/expect.h"
#include "tests/support/reference.h"
#include <infuse/infuse.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const dir = "checkpoints/gpt-oss-tiny";
enum { PROMPTS = 3, LAYERS = 4, VOCAB = 384, HIDDEN = 288 };
static const double LOGITS_BOUND = 1e-4; // float32 sums in another order, through 4 layers
static const double SPLIT_BOUND = 1e-5;  // the same numbers, cut into steps in another way

static nf_safetensors reference;
static infuse_runtime *runtime;

static infuse_model *load(infuse_model_options o) { return new_model(runtime, dir, o); }

static infuse_session *session(infuse_model *m, int64_t rows) {
  return new_session(m, (infuse_session_options){.rows = rows});
}

static int32_t *tensor_ids(const char *what, int i, size_t *out_n) {
  char name[32];
  snprintf(name, sizeof name, "%s.%d", what, i);
  return nf_reference_ids(&reference, name, out_n);
}

static float *expected_logits(int i, int64_t *out_rows) {
  char name[32];
  int64_t cols;
  snprintf(name, sizeof name, "logits.%d", i);
  float *want = nf_reference_floats(&reference, name, out_rows, &cols);
  assert_int_equal(cols, VOCAB);
  return want;
}

// Steps until nothing is pending; collects the logits of row `first` on into out.
static void drain(infuse_model *m, infuse_session *s, float *out, size_t first) {
  while (infuse_session_pending(s) != 0) {
    ok(infuse_step(m, &s, 1));
    const infuse_rows r = infuse_session_logits(s);
    if (r.rows != 0) memcpy(out + (r.first - first) * VOCAB, r.data, r.rows * VOCAB * sizeof(float));
  }
}

// ---- equal to the reference, however it is cut ----

static void run_prompt(int i, int64_t chunk, float **out, size_t *out_n) {
  infuse_model *m = load((infuse_model_options){.batch = chunk, .rows = chunk});
  infuse_session *s = session(m, INFUSE_ALL_ROWS);
  int32_t *tokens = tensor_ids("prompt", i, out_n);
  *out = nf_alloc(*out_n * VOCAB, sizeof(float));
  memset(*out, 0xff, *out_n * VOCAB * sizeof(float)); // NaN where nothing is written
  ok(infuse_session_append(s, tokens, *out_n));
  drain(m, s, *out, 0);
  assert_int_equal(infuse_session_position(s), *out_n);
  nf_free(tokens);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void test_prompts(void **state) {
  (void)state;
  static const int64_t chunks[] = {1000, 1, 7, 64};
  for (int i = 0; i < PROMPTS; i++) {
    float *whole = NULL;
    int64_t rows;
    float *want = expected_logits(i, &rows);
    for (int c = 0; c < 4; c++) {
      float *got;
      size_t n;
      run_prompt(i, chunks[c], &got, &n);
      assert_int_equal(n, rows);
      const double error = nf_row_error(got, want, rows, VOCAB);
      if (!(error <= LOGITS_BOUND))
        fail_msg("prompt %d in chunks of %ld: error %g", i, (long)chunks[c], error);
      if (whole == NULL) {
        whole = got;
        continue;
      }
      const double split = nf_row_error(got, whole, rows, VOCAB);
      if (!(split <= SPLIT_BOUND))
        fail_msg("prompt %d: chunks of %ld differ by %g", i, (long)chunks[c], split);
      nf_free(got);
    }
    nf_free(whole);
    nf_free(want);
  }
}

// Why there are none, whatever else is missing.
static void test_no_hidden(void **) {
  const infuse_runtime_options ro = {.size = sizeof ro, .device = "null"};
  const infuse_model_options o = {.size = sizeof o, .dummy = true};
  infuse_runtime *null;
  infuse_model *m;
  infuse_session *s;
  infuse_rows rows;
  ok(infuse_runtime_create(&ro, &null));
  ok(infuse_model_load(null, "checkpoints/gpt-oss-tiny", &o, &m));
  ok(infuse_session_create(m, NULL, &s));
  refused(infuse_session_hidden(s, 0, &rows), INFUSE_USAGE, "device null computes no hidden states");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime_destroy(null);
  m = load((infuse_model_options){0});
  ok(infuse_session_create(m, NULL, &s));
  refused(infuse_session_hidden(s, 0, &rows), INFUSE_USAGE, "load the model with keep_hidden");
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void test_hidden(void **state) {
  (void)state;
  infuse_model *m = load((infuse_model_options){.batch = 64, .rows = 64, .keep_hidden = true});
  infuse_session *s = session(m, INFUSE_ALL_ROWS);
  size_t n;
  int32_t *tokens = tensor_ids("prompt", 0, &n);
  ok(infuse_session_append(s, tokens, n));
  ok(infuse_step(m, &s, 1));
  for (int l = 0; l <= LAYERS; l++) {
    char name[32];
    int64_t rows, cols;
    infuse_rows r;
    snprintf(name, sizeof name, "hidden.%d", l);
    float *want = nf_reference_floats(&reference, name, &rows, &cols);
    ok(infuse_session_hidden(s, l, &r));
    assert_int_equal(r.rows, rows);
    assert_int_equal(r.width, cols);
    const double error = nf_row_error(r.data, want, rows, cols);
    if (!(error <= LOGITS_BOUND)) fail_msg("%s: error %g", name, error);
    nf_free(want);
  }
  infuse_rows none;
  refused(infuse_session_hidden(s, LAYERS + 1, &none), INFUSE_USAGE, "the model has 0 to 4");
  nf_free(tokens);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

// ---- several sequences ----

// Two prompts, one in small bites while the other decodes: each as if alone, though pages and batches
// interleave.
static void test_interleaved(void **state) {
  (void)state;
  infuse_model *m = load((infuse_model_options){.batch = 7, .rows = 7, .sessions = 2});
  infuse_session *s[2] = {session(m, INFUSE_ALL_ROWS), session(m, INFUSE_ALL_ROWS)};
  int32_t *tokens[2];
  float *got[2], *want[2];
  size_t n[2], fed[2] = {0, 0};
  for (int i = 0; i < 2; i++) {
    int64_t rows;
    tokens[i] = tensor_ids("prompt", i, &n[i]);
    got[i] = nf_alloc(n[i] * VOCAB, sizeof(float));
    want[i] = expected_logits(i, &rows);
  }
  while (fed[0] < n[0] || fed[1] < n[1] || infuse_session_pending(s[0]) + infuse_session_pending(s[1]) != 0) {
    for (int i = 0; i < 2; i++) { // session 0 gets one token a step, session 1 three
      const size_t left = n[i] - fed[i], bite = left < (i == 0 ? 1 : 3) ? left : (i == 0 ? 1 : 3);
      ok(infuse_session_append(s[i], tokens[i] + fed[i], bite));
      fed[i] += bite;
    }
    ok(infuse_step(m, s, 2));
    for (int i = 0; i < 2; i++) {
      const infuse_rows r = infuse_session_logits(s[i]);
      if (r.rows != 0) memcpy(got[i] + r.first * VOCAB, r.data, r.rows * VOCAB * sizeof(float));
    }
  }
  for (int i = 0; i < 2; i++) {
    const double error = nf_row_error(got[i], want[i], (int64_t)n[i], VOCAB);
    if (!(error <= LOGITS_BOUND)) fail_msg("interleaved sequence %d: error %g", i, error);
    nf_free(tokens[i]);
    nf_free(got[i]);
    nf_free(want[i]);
    infuse_session_destroy(s[i]);
  }
  infuse_model_destroy(m);
}

static void test_threads_do_not_matter(void **state) {
  (void)state;
  size_t n = 0;
  float *got[2];
  infuse_runtime *usual = runtime;
  for (int threads = 1; threads <= 2; threads++) {
    const infuse_runtime_options o = {.size = sizeof o, .device = "ref", .threads = threads};
    ok(infuse_runtime_create(&o, &runtime));
    run_prompt(1, 64, &got[threads - 1], &n);
    infuse_runtime_destroy(runtime);
  }
  runtime = usual;
  assert_memory_equal(got[0], got[1], n * VOCAB * sizeof(float));
  nf_free(got[0]);
  nf_free(got[1]);
}

// ---- forced experts ----

static void test_routes(void **state) {
  (void)state;
  infuse_model *m = load((infuse_model_options){.batch = 64, .rows = 64, .forced_experts = true});
  for (int reversed = 0; reversed < 2; reversed++) {
    size_t n, n_routes;
    int64_t rows;
    int32_t *tokens = tensor_ids("prompt", 1, &n), *routes = tensor_ids("routes", 1, &n_routes);
    float *want = expected_logits(1, &rows);
    for (size_t i = 0; reversed && i < n_routes; i++) routes[i] = 7 - routes[i];
    infuse_session *s = session(m, INFUSE_ALL_ROWS);
    ok(infuse_session_append_routed(s, tokens, n, routes));
    ok(infuse_step(m, &s, 1));
    const double error = nf_row_error(infuse_session_logits(s).data, want, rows, VOCAB);
    assert_true(reversed ? error > 1e-2 : error <= LOGITS_BOUND); // the experts really are taken from us
    routes[0] = 8;
    refused(infuse_session_append_routed(s, tokens, n, routes), INFUSE_BAD_INPUT, "expert 8");
    refused(infuse_session_append(s, tokens, n), INFUSE_USAGE, "told each token's experts");
    infuse_session_destroy(s);
    nf_free(tokens);
    nf_free(routes);
    nf_free(want);
  }
  infuse_model_destroy(m);
}

// ---- what is refused, and memory ----

static void test_refusals(void **state) {
  (void)state;
  infuse_model *m = load((infuse_model_options){.context = 8, .sessions = 2});
  infuse_session *s[2] = {session(m, 0), session(m, 0)}, *third;
  const int32_t good[] = {1, 2, 3}, high[] = {1, VOCAB}, low[] = {-1};
  refused(infuse_session_append(s[0], high, 2), INFUSE_BAD_INPUT,
          "token 1 is id 384; the vocabulary has ids 0 to 383");
  refused(infuse_session_append(s[0], low, 1), INFUSE_BAD_INPUT, "id -1");
  assert_int_equal(infuse_session_pending(s[0]), 0);
  for (int i = 0; i < 2; i++) ok(infuse_session_append(s[0], good, 3));
  refused(infuse_session_append(s[0], good, 3), INFUSE_UNAVAILABLE,
          "6 of 8 tokens are used and 3 more do not fit");
  refused(infuse_session_create(m, NULL, &third), INFUSE_UNAVAILABLE, "all 2 sessions");
  infuse_session *const twice[] = {s[0], s[0]};
  refused(infuse_step(m, twice, 2), INFUSE_USAGE, "there twice");
  ok(infuse_step(m, s, 2)); // still usable, and the other one has nothing to do
  assert_int_equal(infuse_session_logits(s[0]).rows, 1);
  assert_int_equal(infuse_session_logits(s[0]).first, 5);
  assert_int_equal(infuse_session_logits(s[1]).rows, 0);
  ok(infuse_step(m, s, 2)); // nothing pending
  assert_int_equal(infuse_session_logits(s[0]).rows, 0);
  infuse_session_destroy(s[0]);
  infuse_session_destroy(s[1]);
  infuse_model_destroy(m);
}

static void test_load_refusals(void **state) {
  (void)state;
  infuse_model *m;
  static const char *const wrong[] = {"linear=liner_ref"};
  static const struct {
    infuse_model_options o;
    infuse_code code;
    const char *says;
  } cases[] = {
      {{.size = 4}, INFUSE_USAGE, "set .size"},
      {{.size = sizeof(infuse_model_options), .context = 1 << 20}, INFUSE_USAGE, "between 1 and 131072"},
      {{.size = sizeof(infuse_model_options), .layers = 5}, INFUSE_USAGE, "between 1 and 4"},
      {{.size = sizeof(infuse_model_options), .batch = 4, .rows = 5}, INFUSE_USAGE, "rows is 5"},
      {{.size = sizeof(infuse_model_options), .memory = 1 << 20}, INFUSE_UNAVAILABLE, "weights"},
      {{.size = sizeof(infuse_model_options), .force = wrong, .n_force = 1}, INFUSE_USAGE, "linear_ref"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    refused(infuse_model_load(runtime, dir, &cases[i].o, &m), cases[i].code, cases[i].says);
  refused(infuse_model_load(runtime, "no/such/folder", NULL, &m), INFUSE_BAD_INPUT, "no/such/folder");
}

static void test_no_allocation_after_first_step(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  infuse_model *m = load((infuse_model_options){.context = 600});
  infuse_session *s = session(m, 0);
  const int32_t token = 17;
  ok(infuse_session_append(s, &token, 1));
  ok(infuse_step(m, &s, 1));
  nf_alloc_fail_at(0, false);     // starts the count
  for (int i = 0; i < 500; i++) { // across page edges and evictions
    ok(infuse_session_append(s, &token, 1));
    ok(infuse_step(m, &s, 1));
  }
  assert_int_equal(nf_alloc_count(), 0);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

// Every allocation of a load, a session and a step fails once: a clean error each time, and nothing is left
// behind.
static void test_every_allocation_fails(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  const infuse_model_options o = {.size = sizeof o, .context = 64};
  const int32_t token = 17;
  float want[VOCAB];
  const int64_t before = nf_alloc_live();
  bool failed = true;
  for (uint64_t n = 0; failed; n++) { // 0: none fails
    infuse_model *m = NULL;
    infuse_session *s = NULL;
    nf_alloc_fail_at(n, false);
    infuse_error *e = infuse_model_load(runtime, dir, &o, &m);
    if (e == NULL) e = infuse_session_create(m, NULL, &s);
    if (e == NULL) e = infuse_session_append(s, &token, 1);
    if (e == NULL) e = infuse_step(m, &s, 1);
    failed = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    if (n == 0) {
      ok(e);
      memcpy(want, infuse_session_logits(s).data, sizeof want);
    } else if (e != NULL)
      refused(e, INFUSE_NO_MEMORY, "");
    else
      assert_memory_equal(infuse_session_logits(s).data, want, sizeof want);
    infuse_session_destroy(s);
    infuse_model_destroy(m);
    assert_int_equal(nf_alloc_live(), before);
  }
}

static int set_up(void **state) {
  (void)state;
  const infuse_runtime_options o = {.size = sizeof o, .device = "ref"};
  const nf_status st = nf_safetensors_open("checkpoints/gpt-oss-tiny/reference.safetensors", &reference);
  if (!nf_is_ok(st)) return fprintf(stderr, "%s\n", nf_status_message(st)), 1;
  return infuse_runtime_create(&o, &runtime) != NULL;
}

static int tear_down(void **state) {
  (void)state;
  infuse_runtime_destroy(runtime);
  nf_safetensors_close(&reference);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_prompts),
      cmocka_unit_test(test_no_hidden),
      cmocka_unit_test(test_hidden),
      cmocka_unit_test(test_interleaved),
      cmocka_unit_test(test_threads_do_not_matter),
      cmocka_unit_test(test_routes),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_load_refusals),
      cmocka_unit_test(test_no_allocation_after_first_step),
      cmocka_unit_test(test_every_allocation_fails),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
