// SPDX-License-Identifier: Apache-2.0
// Models of several ranks through the engine: any world gives the logits of one rank, through prompts in
// pieces, caches and forced experts; what they need and refuse; a failing rank; allocations.
#include "base/difference.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/expect.h"

static const char *const dir = "checkpoints/gpt-oss-tiny";
enum { VOCAB = 384, PROMPT = 21, DECODE = 9, ALL = PROMPT + DECODE };

static infuse_runtime *runtime;

static infuse_error *try_load(infuse_model_options o, int64_t world, infuse_model **out) {
  o.size = sizeof o;
  o.world = world;
  return infuse_model_load(runtime, dir, &o, out);
}

static infuse_model *load(infuse_model_options o, int64_t world) {
  infuse_model *m;
  ok(try_load(o, world, &m));
  return m;
}

static infuse_session *session(infuse_model *m, int64_t rows) {
  return new_session(m, (infuse_session_options){.rows = rows});
}

// ---- any world is one ----

static void step_all(infuse_session *s, float *out) {
  while (infuse_session_pending(s) != 0) {
    ok(infuse_step(s->model, &s, 1));
    const infuse_rows r = infuse_session_logits(s);
    memcpy(out + r.first * VOCAB, r.data, r.rows * VOCAB * sizeof *out);
  }
}

// A prompt in pieces, then token by token; the experts are told, so that no tie is decided differently.
static void run(int64_t world, float *out) {
  infuse_model *m = load((infuse_model_options){.batch = 8, .rows = 8, .forced_experts = true}, world);
  infuse_session *s = session(m, INFUSE_ALL_ROWS);
  const size_t k = (size_t)m->config.experts_per_token, layers = (size_t)m->config.layers;
  int32_t tokens[ALL], routes[ALL * 64];
  for (int i = 0; i < ALL; i++) tokens[i] = (i * 37 + 11) % VOCAB;
  for (size_t i = 0; i < PROMPT * k * layers; i++) routes[i] = (int32_t)(i % (size_t)m->config.experts);
  ok(infuse_session_append_routed(s, tokens, PROMPT, routes));
  step_all(s, out);
  for (int i = PROMPT; i < ALL; i++) {
    ok(infuse_session_append_routed(s, tokens + i, 1, routes));
    step_all(s, out);
  }
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void test_any_world_is_one(void **state) {
  (void)state;
  static float want[ALL * VOCAB], got[ALL * VOCAB];
  run(1, want);
  for (int64_t world = 2; world <= 8; world *= 2) {
    nf_difference d = {0};
    memset(got, 0xff, sizeof got); // NaN
    run(world, got);
    nf_difference_add(&d, got, want, ALL * VOCAB);
    if (!(nf_difference_of(&d) <= 1e-4)) fail_msg("%d ranks: error %g", (int)world, nf_difference_of(&d));
  }
}

// ---- what ranks need ----

static void test_budget_counts_all(void **state) {
  (void)state;
  infuse_model *m = load((infuse_model_options){0}, 1);
  const nf_budget one = m->budget;
  infuse_model_destroy(m);
  m = load((infuse_model_options){0}, 4);
  const nf_budget four = m->budget;
  infuse_model_destroy(m);
  const uint64_t *a = one.of, *b = four.of;
  assert_true(b[NF_WEIGHTS] > a[NF_WEIGHTS] && b[NF_WEIGHTS] < 4 * a[NF_WEIGHTS]); // norms are on every rank
  assert_true(b[NF_CACHES] >= a[NF_CACHES]);
  assert_true(b[NF_ACTIVATIONS] > a[NF_ACTIVATIONS]);
  const uint64_t tables = (b[NF_TABLES] - a[NF_TABLES]) / 3; // of a rank
  assert_int_equal(b[NF_TABLES], a[NF_TABLES] + 3 * tables);
  assert_true(a[NF_TABLES] >
              2 * tables); // the host has them too, and the arrays of the step that is expected
  assert_true(a[NF_TABLES] <= 3 * tables);
  uint64_t all = 0;
  for (int i = 0; i < NF_PARTS; i++) all += b[i];
  infuse_model_destroy(load((infuse_model_options){.memory = all}, 4));
  refused(try_load((infuse_model_options){.memory = all - 1}, 4, &m), INFUSE_UNAVAILABLE, "needs");
}

static void test_refusals(void **state) {
  (void)state;
  infuse_model *m = NULL;
  static const char wants[] = "it must lie between 1 and 64";
  refused(try_load((infuse_model_options){0}, 65, &m), INFUSE_USAGE, wants);
  refused(try_load((infuse_model_options){0}, -1, &m), INFUSE_USAGE, wants);
  refused(try_load((infuse_model_options){0}, 3, &m), INFUSE_BAD_INPUT, "can't be split evenly");
  assert_null(m);
}

// One rank can't run its plan: one error, and the step can be tried again.
static void fail_once(int rank) {
  infuse_model *m = load((infuse_model_options){0}, 4);
  infuse_session *s = session(m, 1);
  const int32_t tokens[] = {1, 2, 3};
  const size_t range = nf_compiled_for(&m->compiled, 3);
  const nf_val input = nf_graph_find(m->compiled.range[range].graph, "tokens");
  ok(infuse_session_append(s, tokens, 3));
  nf_plan_bind(m->rank[rank].plans[range], input, NULL, 0);
  refused(infuse_step(m, &s, 1), INFUSE_INTERNAL, "value 'tokens' was never bound");
  nf_plan_bind(m->rank[rank].plans[range], input, (char *)m->rank[rank].tables.data + m->tables.tokens, 0);
  assert_int_equal(infuse_session_pending(s), 3);
  ok(infuse_step(m, &s, 1));
  assert_int_equal(infuse_session_logits(s).rows, 1);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static void test_a_rank_fails(void **state) {
  (void)state;
  for (int rank = 0; rank < 4; rank++) fail_once(rank);
}

static void test_null_device(void **state) {
  (void)state;
  infuse_runtime *usual = runtime;
  const infuse_runtime_options o = {.size = sizeof o, .device = "null"};
  ok(infuse_runtime_create(&o, &runtime));
  infuse_model *m = load((infuse_model_options){0}, 4);
  infuse_session *s = session(m, 1);
  const int32_t tokens[] = {1, 2, 3};
  ok(infuse_session_append(s, tokens, 3));
  ok(infuse_step(m, &s, 1));
  assert_int_equal(infuse_session_logits(s).rows, 1);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime_destroy(runtime);
  runtime = usual;
}

// ---- memory ----

static void test_nothing_is_allocated(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  infuse_model *m = load((infuse_model_options){0}, 2);
  infuse_session *s = session(m, 1);
  const int32_t tokens[] = {5, 6, 7};
  ok(infuse_session_append(s, tokens, 3));
  ok(infuse_step(m, &s, 1));
  for (int i = 0; i < 5; i++) {
    ok(infuse_session_append(s, tokens, 1)); // the queue has room
    nf_alloc_fail_at(0, false);
    ok(infuse_step(m, &s, 1));
    assert_int_equal(nf_alloc_count(), 0);
  }
  infuse_session_destroy(s);
  infuse_model_destroy(m);
}

static infuse_error *use(void) {
  infuse_model *m = NULL;
  infuse_session *s = NULL;
  const int32_t token = 9;
  infuse_error *e = try_load((infuse_model_options){.layers = 1, .context = 64}, 2, &m);
  if (e == NULL) e = infuse_session_create(m, NULL, &s);
  if (e == NULL) e = infuse_session_append(s, &token, 1);
  if (e == NULL) e = infuse_step(m, &s, 1);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  return e;
}

static void test_every_allocation_fails(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  ok(use()); // what libraries keep for ever is made here
  const int64_t before = nf_alloc_live();
  bool reached = true;
  for (uint64_t n = 1; reached; n++) {
    nf_alloc_fail_at(n, false);
    infuse_error *e = use();
    reached = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    if (e != NULL && infuse_error_code(e) != INFUSE_UNAVAILABLE) // a thread that can't be made
      assert_int_equal(infuse_error_code(e), INFUSE_NO_MEMORY);
    infuse_error_free(e);
    assert_int_equal(nf_alloc_live(), before);
  }
}

static int set_up(void **state) {
  (void)state;
  const infuse_runtime_options o = {.size = sizeof o, .device = "ref", .threads = 2};
  return infuse_runtime_create(&o, &runtime) != NULL;
}

static int tear_down(void **state) {
  (void)state;
  infuse_runtime_destroy(runtime);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_world_is_one),
      cmocka_unit_test(test_budget_counts_all),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_a_rank_fails),
      cmocka_unit_test(test_null_device),
      cmocka_unit_test(test_nothing_is_allocated),
      cmocka_unit_test(test_every_allocation_fails),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
