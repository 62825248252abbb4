// SPDX-License-Identifier: Apache-2.0
// A model with a plan for small and one for large steps: which runs when, that they share their storage, and
// that a text goes on from one to the other with the bits that it has in one alone.
#include "engine/engine.h"
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include <infuse/inspect.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 4, PROMPT = 9, DECODED = 3 };

static const char dir[] = "checkpoints/qwen3-tiny-fp8-block";

static infuse_model *load_from(infuse_runtime *rt, const char *from, int64_t sessions) {
  return new_model(rt, from, (infuse_model_options){.context = 64, .sessions = sessions});
}

static infuse_model *load(infuse_runtime *rt) { return load_from(rt, dir, 1); }

// Of the kernels of d the reference is measured as the fastest, in steps of up to SMALL tokens.
static void measure_op(nf_timings *t, const nf_hw *hw, const nf_op_desc *d) {
  for (int64_t tokens = 1; tokens <= SMALL; tokens *= 2) {
    const nf_sizes at = nf_sizes_of(tokens, 1, 1);
    const nf_select_options o = {.least = at, .most = at};
    const nf_op_desc question = nf_undecided(d);
    nf_selection s;
    nf_candidate c;
    nf_select(hw, &question, &o, &s);
    for (size_t i = 0; nf_selection_next(&s, &i, hw, &question, &o, &c);) {
      if (c.refusal != NF_CHOSEN && c.refusal != NF_REFUSED_BETTER) continue;
      nf_status st = nf_timings_put(t, hw, d, &at, c.variant, c.variant->backend == NF_BACKEND_REF ? 1 : 2);
      assert_true(nf_is_ok(st));
    }
  }
}

static nf_timings *measure(const infuse_model *m) {
  nf_timings *t;
  nf_status st = nf_timings_create(&t);
  assert_true(nf_is_ok(st));
  for (nf_node_id i = 0; i < m->graph->n_nodes; i++) {
    const nf_op_desc d = nf_graph_describe(m->graph, &m->graph->node[i]);
    if (d.op == NF_OP_quantise || d.op == NF_OP_embedding) measure_op(t, &m->rt->hw, &d);
  }
  return t;
}

static void last_logits(infuse_session *s, float *out, int64_t vocab) {
  const infuse_rows r = infuse_session_logits(s);
  memcpy(out, r.data + (r.rows - 1) * r.width, (size_t)vocab * sizeof *out);
}

// Logits after the prompt, and after each token that follows; which range each step took goes to `range`.
static float *logits(infuse_model *m, size_t *range) {
  const int64_t vocab = m->config.vocab;
  const infuse_session_options o = {.size = sizeof o};
  float *out = nf_alloc((size_t)(vocab * (1 + DECODED)), sizeof *out);
  int32_t tokens[PROMPT];
  infuse_session *s;
  for (int i = 0; i < PROMPT; i++) tokens[i] = 7 * i + 3;
  ok(infuse_session_create(m, &o, &s));
  for (int i = 0; i <= DECODED; i++) {
    ok(infuse_session_append(s, tokens, i == 0 ? PROMPT : 1));
    ok(infuse_step(m, &s, 1));
    range[i] = m->range;
    last_logits(s, out + i * vocab, vocab);
  }
  infuse_session_destroy(s);
  return out;
}

// Every weight of every plan lies in what the layout stores, which is all there is.
static void share_storage(const infuse_model *m) {
  uint64_t weights = 0;
  for (size_t i = 0; i < m->compiled.layout.n; i++)
    if (m->compiled.layout.stored[i].kind == NF_VALUE_WEIGHT) weights += m->rank[0].buffer[i].bytes;
  assert_int_equal(weights, m->budget.of[NF_WEIGHTS]);
  assert_int_equal(m->rank[0].arena.bytes, m->budget.of[NF_ACTIVATIONS]);
  for (size_t k = 0; k < m->compiled.n; k++) {
    const nf_planned *p = &m->compiled.range[k];
    assert_true(nf_plan_arena_bytes(p->plan) <= m->rank[0].arena.bytes);
    for (nf_val v = 1; v < p->graph->n_values; v++) {
      const nf_value *value = &p->graph->value[v];
      if (value->kind != NF_VALUE_WEIGHT && value->kind != NF_VALUE_POOL) continue;
      const nf_buffer *b = &m->rank[0].buffer[nf_layout_find(&m->compiled.layout, value).stored];
      const char *data = nf_plan_tensor(p->plan, v).data;
      assert_true(data >= (const char *)b->data && data < (const char *)b->data + b->bytes);
    }
  }
}

static void keep(void *user, const char *json, size_t n) { *(json_t **)user = json_loadb(json, n, 0, NULL); }

// Both plans are run and compared.
static void verified(infuse_runtime *rt) {
  const infuse_model_options o = {.size = sizeof o};
  const infuse_verify_options vo = {.size = sizeof vo, .seed = 7};
  json_t *doc = NULL, *row;
  size_t i, small = 0, large = 0;
  ok(infuse_verify(rt, dir, &o, &vo, keep, &doc));
  json_array_foreach(json_object_get(doc, "rows"), i, row) {
    const json_int_t tokens = json_integer_value(json_object_get(row, "tokens"));
    *(tokens == SMALL ? &small : &large) += 1;
  }
  assert_true(small > 20 && large > 20);
  json_decref(doc);
}

// What is measured while a model lives changes none of its plans, and so no text.
static void frozen(infuse_model *m, const float *before) {
  size_t range[1 + DECODED];
  float *now = logits(m, range);
  assert_memory_equal(now, before, (size_t)(m->config.vocab * (1 + DECODED)) * sizeof *now);
  nf_free(now);
}

static void small_and_large_steps(void **state) {
  (void)state;
  infuse_runtime *rt;
  size_t range[1 + DECODED];
  ok(infuse_runtime_create(NULL, &rt));
  infuse_model *one = load(rt);
  assert_int_equal(one->compiled.n, 1);
  nf_timings *t = measure(one);
  float *want = logits(one, range);
  rt->timings = t;
  infuse_model *two = load(rt);
  assert_int_equal(two->compiled.n, 2);
  assert_int_equal(two->compiled.range[0].hi, SMALL);
  share_storage(two);
  verified(rt);
  float *got = logits(two, range);
  for (int i = 0; i <= DECODED; i++) assert_int_equal(range[i], i == 0);
  assert_memory_equal(got, want, (size_t)(two->config.vocab * (1 + DECODED)) * sizeof *got);
  frozen(one, want);
  rt->timings = NULL;
  frozen(two, got);
  nf_free(got);
  nf_free(want);
  infuse_model_destroy(two);
  infuse_model_destroy(one);
  infuse_runtime_destroy(rt);
  nf_timings_destroy(t);
}

// ---- a session that fails ----

// A model in which an expert of layer 2 overflows for some tokens.
static char *make_uneven(void) {
  static const char *const names[] = {"config.json", SINGLE};
  char *to = folder_create();
  for (int i = 0; i < 2; i++) {
    char *target = folder_path("checkpoints/qwen3-next-tiny", names[i]);
    folder_link(to, names[i], target);
    free(target);
  }
  spoil_data(to, "model.layers.2.mlp.experts.0.gate_proj.weight", "0", "97 127"); // 3e38
  spoil_data(to, "model.layers.2.mlp.experts.0.up_proj.weight", "0", "97 127");
  return to;
}

static infuse_session *holding(infuse_model *m, int32_t token, size_t n) {
  infuse_session *s = new_session(m, (infuse_session_options){.unshared = true});
  for (size_t i = 0; i < n; i++) ok(infuse_session_append(s, &token, 1));
  return s;
}

static int32_t find_token(infuse_model *m, bool well) {
  for (int32_t token = 0;; token++) {
    infuse_session *s = holding(m, token, 1);
    ok(infuse_step(m, &s, 1));
    const bool found = (infuse_session_error(s) == NULL) == well;
    infuse_session_destroy(s);
    if (found) return token;
  }
}

// What began it is searched for with the plan for small steps; rows of the large step stay where they are.
static void one_fails_in_a_large_step(void **) {
  infuse_runtime *rt;
  ok(infuse_runtime_create(NULL, &rt));
  char *from = make_uneven();
  infuse_model *m = load_from(rt, from, 2);
  nf_timings *t = measure(m);
  infuse_model_destroy(m);
  rt->timings = t;
  m = load_from(rt, from, 2);
  assert_int_equal(m->compiled.n, 2);
  const int32_t well = find_token(m, true), bad = find_token(m, false);
  const size_t bytes = (size_t)m->config.vocab * sizeof(float);
  float *alone = nf_alloc(1, bytes), *beside = nf_alloc(1, bytes);
  infuse_session *all[] = {holding(m, well, PROMPT), NULL};
  ok(infuse_step(m, all, 1));
  last_logits(all[0], alone, m->config.vocab);
  infuse_session_destroy(all[0]);
  all[0] = holding(m, well, PROMPT), all[1] = holding(m, bad, 1);
  ok(infuse_step(m, all, 2));
  assert_non_null(infuse_session_error(all[1]));
  assert_int_equal(m->range, 1);
  last_logits(all[0], beside, m->config.vocab);
  assert_memory_equal(alone, beside, bytes);
  for (int i = 0; i < 2; i++) infuse_session_destroy(all[i]);
  nf_free(alone);
  nf_free(beside);
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
  nf_timings_destroy(t);
  folder_remove(from);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_and_large_steps),
                                     cmocka_unit_test(one_fails_in_a_large_step)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
