// SPDX-License-Identifier: Apache-2.0
// What the fusion compiler does to whole models, through the public interface: the counts that other engines'
// pass orders are known for, and verify on every checkpoint, number of ranks and mode.
#include "tests/support/expect.h"
#include <infuse/inspect.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void keep(void *user, const char *json, size_t n) { *(json_t **)user = json_loadb(json, n, 0, NULL); }

// ---- counts ----

typedef struct expected {
  const char *dir;
  int64_t world;
  const char *fuse, *order[2];
  struct {
    const char *family;
    json_int_t chosen;
  } counts[2];
  json_int_t fused, of, padded; // all_reduces
} expected;

static const char *const reduce = "all_reduce_rms_norm", *const pad = "add_rms_norm_pad";
static const char *const gpt_120b = "configs/gpt-oss-120b", *const gpt_20b = "configs/gpt-oss-20b",
                         *const next_80b = "configs/qwen3-next-80b-a3b-fp8";

static const expected published[] = {
    {gpt_120b, 2, "ordered", {reduce, pad}, {{reduce, 37}, {pad, 0}}, 37, 73, 0},
    {gpt_120b, 2, "ordered", {pad, reduce}, {{pad, 36}, {reduce, 1}}, 1, 73, 0},
    {gpt_120b, 2, "cost", {0}, {{0}}, 73, 73, 36},
    {gpt_20b, 2, "ordered", {reduce, pad}, {{reduce, 25}, {pad, 0}}, 25, 49, 0},
    {gpt_20b, 2, "ordered", {pad, reduce}, {{pad, 24}, {reduce, 1}}, 1, 49, 0},
    {gpt_20b, 2, "cost", {0}, {{0}}, 49, 49, 24},
    {gpt_120b, 1, "cost", {0}, {{pad, 36}}, 0, 0, 0},
    {gpt_20b, 1, "cost", {0}, {{pad, 24}}, 0, 0, 0},
    {next_80b, 1, "cost", {0}, {{"gated_norm_quantise", 36}}, 0, 0, 0},
};
enum { PUBLISHED = sizeof published / sizeof *published };

static json_t *fusion_of(const expected *e) {
  infuse_runtime *rt;
  json_t *doc = NULL;
  const infuse_runtime_options ro = {.size = sizeof ro, .target = "gfx950"};
  const infuse_model_options mo = {.size = sizeof mo,
                                   .world = e->world,
                                   .fuse = e->fuse,
                                   .fuse_order = e->order,
                                   .n_fuse_order = e->order[0] == NULL ? 0 : 2};
  const infuse_explain_options eo = {.size = sizeof eo, .range_lo = 1, .range_hi = 64};
  ok(infuse_runtime_create(&ro, &rt));
  ok(infuse_explain(rt, e->dir, &mo, &eo, keep, &doc));
  infuse_runtime_destroy(rt);
  json_t *fusion = json_incref(json_object_get(doc, "fusion"));
  json_decref(doc);
  assert_non_null(fusion);
  return fusion;
}

static json_int_t chosen(const json_t *fusion, const char *family) {
  size_t i;
  const json_t *f;
  json_array_foreach(json_object_get(fusion, "families"), i, f) {
    if (strcmp(json_string_value(json_object_get(f, "family")), family) == 0)
      return json_integer_value(json_object_get(f, "chosen"));
  }
  return 0;
}

static json_int_t reduces(const json_t *fusion, const char *key) {
  return json_integer_value(json_object_get(json_object_get(fusion, "all_reduce"), key));
}

static void test_counts(void **state) {
  (void)state;
  for (int i = 0; i < PUBLISHED; i++) {
    const expected *e = &published[i];
    json_t *fusion = fusion_of(e);
    for (int k = 0; k < 2 && e->counts[k].family != NULL; k++)
      assert_int_equal(chosen(fusion, e->counts[k].family), e->counts[k].chosen);
    assert_int_equal(reduces(fusion, "fused"), e->fused);
    assert_int_equal(reduces(fusion, "of"), e->of);
    assert_int_equal(reduces(fusion, "padded"), e->padded);
    json_decref(fusion);
  }
}

// ---- verify ----

static const char *const checkpoints[] = {
    "checkpoints/gpt-oss-tiny",        "checkpoints/qwen3-tiny",      "checkpoints/qwen3-tiny-fp8-block",
    "checkpoints/qwen3-tiny-fp8-ptpc", "checkpoints/qwen3-next-tiny", "checkpoints/qwen3-next-tiny-fp8-block",
};
enum { CHECKPOINTS = sizeof checkpoints / sizeof *checkpoints };

static double worst(const json_t *rows, const char *key) {
  double most = 0;
  size_t i;
  const json_t *row;
  json_array_foreach(rows, i, row) {
    const double x = json_number_value(json_object_get(row, key));
    if (x > most) most = x;
  }
  return most;
}

static void verify(const char *dir, int64_t world, const char *fuse, const char *const *order, size_t n) {
  infuse_runtime *rt;
  json_t *doc = NULL;
  const infuse_model_options mo = {
      .size = sizeof mo, .world = world, .fuse = fuse, .fuse_order = order, .n_fuse_order = n};
  const infuse_verify_options vo = {.size = sizeof vo, .seed = 7};
  ok(infuse_runtime_create(NULL, &rt));
  ok(infuse_verify(rt, dir, &mo, &vo, keep, &doc));
  infuse_runtime_destroy(rt);
  const json_t *rows = json_object_get(doc, "rows");
  const json_int_t kernels = json_integer_value(json_object_get(doc, "kernels")),
                   unfused = json_integer_value(json_object_get(doc, "unfused_kernels"));
  printf("%-40s %2ld %-8s %4ld kernels of %4ld, %3zu values: error %.1e, unfused %.1e\n", dir, (long)world,
         fuse, (long)kernels, (long)unfused, json_array_size(rows), worst(rows, "error"),
         worst(rows, "unfused"));
  assert_true(json_array_size(rows) > 20);
  const json_t *plans = json_object_get(doc, "plans"),
               *last = json_array_get(plans, json_array_size(plans) - 1); // the one for all tokens
  assert_true(json_equal(json_object_get(last, "tokens"), json_object_get(doc, "tokens")));
  assert_true(json_equal(json_object_get(last, "kernels"), json_object_get(doc, "kernels")));
  assert_true(strcmp(fuse, "off") == 0 ? kernels == unfused : kernels < unfused);
  if (strcmp(fuse, "off") == 0) assert_true(worst(rows, "between") == 0);
  json_decref(doc);
}

// Families that the checkpoint's graph has sites of, the order reversed with `reversed`.
static size_t families(const char *dir, int64_t world, bool reversed, const char **out, size_t most,
                       json_t **owner) {
  infuse_runtime *rt;
  const infuse_model_options mo = {.size = sizeof mo, .world = world};
  ok(infuse_runtime_create(NULL, &rt));
  ok(infuse_explain(rt, dir, &mo, NULL, keep, owner));
  infuse_runtime_destroy(rt);
  const json_t *all = json_object_get(json_object_get(*owner, "fusion"), "families");
  const size_t n = json_array_size(all);
  assert_true(n > 0 && n <= most);
  for (size_t i = 0; i < n; i++)
    out[reversed ? n - 1 - i : i] = json_string_value(json_object_get(json_array_get(all, i), "family"));
  return n;
}

static void test_verify(void **state) {
  (void)state;
  for (int i = 0; i < CHECKPOINTS; i++)
    for (int64_t world = 1; world <= 2; world++) {
      verify(checkpoints[i], world, "cost", NULL, 0);
      verify(checkpoints[i], world, "off", NULL, 0);
      for (int reversed = 0; reversed < 2; reversed++) {
        const char *order[64];
        json_t *owner = NULL;
        const size_t n = families(checkpoints[i], world, reversed != 0, order, 64, &owner);
        verify(checkpoints[i], world, "ordered", order, n);
        json_decref(owner);
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_verify)};
  return cmocka_run_group_tests_name("fusion", tests, NULL, NULL);
}
