// SPDX-License-Identifier: Apache-2.0
// Planning for machines that are not here, through the public interface: every node of gpt-oss-120b before
// fusions (fusion_test.c has these) has a kernel and a cost on every target; the null device takes such a
// model, and nothing else does.
#include "tests/support/expect.h"
#include <infuse/inspect.h>
#include <jansson.h>
#include <stdio.h>

static infuse_runtime *runtime_for(const char *target, const char *device) {
  infuse_runtime *rt = NULL;
  ok(infuse_runtime_create(
      &(infuse_runtime_options){.size = sizeof(infuse_runtime_options), .target = target, .device = device},
      &rt));
  return rt;
}

static void keep(void *user, const char *json, size_t n) { *(json_t **)user = json_loadb(json, n, 0, NULL); }

static json_t *explained_in(const char *dir, const char *target, int64_t batch) {
  infuse_runtime *rt = runtime_for(target, NULL);
  json_t *doc = NULL;
  const infuse_model_options o = {.size = sizeof o, .batch = batch, .fuse = "off"};
  const infuse_explain_options eo = {.size = sizeof eo, .range_lo = batch, .range_hi = batch};
  ok(infuse_explain(rt, dir, &o, &eo, keep, &doc));
  infuse_runtime_destroy(rt);
  assert_non_null(doc);
  return doc;
}

static json_t *explained(const char *target, int64_t batch) {
  return explained_in("configs/gpt-oss-120b", target, batch);
}

static const char *string(const json_t *object, const char *key) {
  const char *s = json_string_value(json_object_get(object, key));
  assert_non_null(s);
  return s;
}
static double number(const json_t *object, const char *key) {
  assert_true(json_is_number(json_object_get(object, key)));
  return json_number_value(json_object_get(object, key));
}

static const json_t *node_named(const json_t *doc, const char *name) {
  const json_t *node;
  size_t i;
  json_array_foreach(json_object_get(json_object_get(doc, "plan"), "nodes"), i,
                     node) if (strcmp(string(node, "name"), name) == 0) return node;
  fail_msg("no node '%s'", name);
  return NULL;
}

// Every node is planned, its estimates are positive and add up to the plan's.
static void check_plan(const json_t *doc, bool gpu) {
  const json_t *plan = json_object_get(doc, "plan"), *node;
  size_t i, kernels = 0, declared = 0;
  double sum = 0;
  json_array_foreach(json_object_get(plan, "nodes"), i, node) {
    sum += number(node, "us");
    if (json_is_null(json_object_get(node, "kernel"))) continue;
    assert_true(number(node, "us") > 0.1 && number(node, "us") < 1e8);
    kernels++;
    declared += json_is_true(json_object_get(node, "declared"));
  }
  assert_true(kernels == (size_t)number(plan, "launches") && kernels > 36 * 15);
  assert_true(gpu || declared == 0);
  assert_true(declared == (size_t)number(plan, "declared"));
  assert_true(number(plan, "us") > sum * (1 - 1e-6) && number(plan, "us") < sum * (1 + 1e-6));
}

static void gpus(void **state) {
  (void)state;
  static const struct {
    const char *target, *device, *gate_up, *norm;
    int64_t padded; // K of the experts; 0: as it is
  } row[] = {{"gfx942", "hip", "grouped_linear_mxfp4_gfx942", "rms_norm_bf16_hip", 0},
             {"gfx950", "hip", "grouped_linear_mxfp4_gfx950", "rms_norm_bf16_hip", 3072},
             {"sm_90", "cuda", "grouped_linear_mxfp4_cuda", "rms_norm_bf16_cuda", 0},
             {"sm_100", "cuda", "grouped_linear_mxfp4_cuda", "rms_norm_bf16_cuda", 0}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    json_t *doc = explained(row[i].target, 1);
    const json_t *target = json_object_get(doc, "target"), *experts = node_named(doc, "L3.moe.gate_up");
    assert_string_equal(string(target, "target"), row[i].target);
    assert_string_equal(string(target, "device"), row[i].device);
    check_plan(doc, true);
    assert_string_equal(string(experts, "kernel"), row[i].gate_up);
    assert_string_equal(string(node_named(doc, "L0.attn.norm"), "kernel"), row[i].norm);
    const json_t *padded = json_object_get(json_object_get(experts, "wants"), "K");
    assert_int_equal(json_integer_value(padded), row[i].padded);
    json_decref(doc);
  }
}

static void families(void **state) {
  (void)state;
  static const char *const targets[] = {"gfx942", "gfx950", "sm_90", "sm_100"},
                           *const names[] = {"gpt-oss-tiny",         "qwen3-tiny",
                                             "qwen3-tiny-fp8-block", "qwen3-tiny-fp8-ptpc",
                                             "qwen3-next-tiny",      "qwen3-next-tiny-fp8-block"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
      char dir[64];
      snprintf(dir, sizeof dir, "checkpoints/%s", names[i]);
      json_t *doc = explained_in(dir, targets[t], 64);
      const json_t *plan = json_object_get(doc, "plan");
      assert_true(number(plan, "launches") > 0 && number(plan, "us") > 0);
      json_decref(doc);
    }
}

static void cpus(void **state) {
  (void)state;
  static const char *const names[] = {"zen4", "zen5", "sapphire_rapids", "graviton3"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    json_t *doc = explained(names[i], 1);
    check_plan(doc, false);
    json_decref(doc);
  }
  json_t *here = explained(NULL, 1);
  check_plan(here, false);
  assert_true(json_is_null(json_object_get(json_object_get(here, "target"), "target")));
  json_decref(here);
}

// References define the ops; none of them runs in a plan for a CPU, whatever is fused and on however many
// ranks.
static size_t count_kernels(const char *dir, const char *target, const char *fuse, int64_t world) {
  infuse_runtime *rt = runtime_for(target, NULL);
  json_t *doc = NULL;
  const json_t *node;
  size_t k, kernels = 0;
  const infuse_model_options o = {.size = sizeof o, .batch = 512, .fuse = fuse, .world = world, .layers = 4};
  const infuse_explain_options eo = {.size = sizeof eo};
  ok(infuse_explain(rt, dir, &o, &eo, keep, &doc));
  infuse_runtime_destroy(rt);
  json_array_foreach(json_object_get(json_object_get(doc, "plan"), "nodes"), k, node) {
    if (json_is_null(json_object_get(node, "kernel"))) continue;
    if (strstr(string(node, "kernel"), "_ref"))
      fail_msg("%s of %s, %s, %s, %d ranks", string(node, "kernel"), dir, target, fuse, (int)world);
    kernels++;
  }
  json_decref(doc);
  return kernels;
}

static void no_kernel_of_a_cpu_is_a_reference(void **state) {
  (void)state;
  static const char *const dirs[] = {"configs/gpt-oss-20b", "configs/qwen3-0.6b",
                                     "configs/qwen3-32b-fp8-dynamic", "configs/qwen3-8b-fp8",
                                     "configs/qwen3-next-80b-a3b-fp8"};
  static const char *const targets[] = {"zen5", "graviton3"}, *const modes[] = {"cost", "off"};
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++)
      for (size_t m = 0; m < 2; m++)
        for (int64_t world = 1; world <= 2; world++)
          assert_true(count_kernels(dirs[i], targets[t], modes[m], world) > 30);
}

// More tokens cost more in all; one token costs the weights that it touches: 5.1 billion parameters, most in
// 4 bits.
static void estimates(void **state) {
  (void)state;
  json_t *one = explained("gfx950", 1), *many = explained("gfx950", 512);
  const double us = number(json_object_get(one, "plan"), "us"),
               launches = number(json_object_get(one, "plan"), "launches");
  assert_true(us < number(json_object_get(many, "plan"), "us"));
  const double bytes = (us - 3 * launches) * 1e-6 * 8e12;
  assert_true(bytes > 3.0e9 && bytes < 6.0e9);
  json_decref(one);
  json_decref(many);
}

static void running(void **state) {
  (void)state;
  const char *const dir = "checkpoints/gpt-oss-tiny", *const why =
                                                          "target gfx950 (AMD Instinct MI355X) is not here";
  infuse_runtime *rt = runtime_for("gfx950", NULL);
  infuse_model *m = NULL;
  json_t *doc = NULL;
  refused(infuse_model_load(rt, dir, NULL, &m), INFUSE_UNAVAILABLE, why);
  refused(infuse_verify(rt, dir, NULL, NULL, keep, &doc), INFUSE_UNAVAILABLE, why);
  refused(infuse_check(rt, NULL, keep, &doc), INFUSE_UNAVAILABLE, why);
  infuse_runtime_destroy(rt);
  rt = runtime_for("gfx950", "null");
  ok(infuse_model_load(rt, dir, NULL, &m));
  infuse_session *s = NULL;
  ok(infuse_session_create(m, NULL, &s));
  ok(infuse_session_append(s, (const int32_t[]){1, 2, 3}, 3));
  ok(infuse_step(m, &s, 1));
  assert_int_equal(infuse_session_logits(s).rows, 1);
  infuse_session_destroy(s);
  infuse_model_destroy(m);
  infuse_runtime_destroy(rt);
  infuse_runtime_options o = {.size = sizeof o, .target = "gfx95"};
  refused(infuse_runtime_create(&o, &rt), INFUSE_USAGE, "there is no target 'gfx95'; did you mean gfx950?");
  o = (infuse_runtime_options){.size = sizeof o, .target = "zen4", .device = "cpu"};
  refused(infuse_runtime_create(&o, &rt), INFUSE_UNAVAILABLE,
          "target zen4 is not here for device cpu to run");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gpus),      cmocka_unit_test(families),
      cmocka_unit_test(cpus),      cmocka_unit_test(no_kernel_of_a_cpu_is_a_reference),
      cmocka_unit_test(estimates), cmocka_unit_test(running)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
