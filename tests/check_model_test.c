// SPDX-License-Identifier: Apache-2.0
// The kernels that run a model, each on the shapes of its nodes: of the small models and the checkpoints,
// with fusions and without, alone and as one of two ranks.
#include "base/json.h"
#include "tests/support/expect.h"
#include <infuse/inspect.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct seen {
  size_t rows, experts, attention;
} seen;

static void look(void *user, const char *json, size_t n) {
  seen *s = user;
  json_t *doc = json_loadb(json, n, 0, NULL), *row;
  size_t i;
  assert_non_null(doc);
  json_array_foreach(json_object_get(doc, "rows"), i, row) {
    const char *op = json_string_value(json_object_get(row, "op"));
    s->rows++;
    s->experts += strstr(op, "experts") != NULL || strcmp(op, "grouped_linear") == 0;
    s->attention += strcmp(op, "attention") == 0;
    if (!json_is_true(json_object_get(row, "ok")))
      fail_msg("%s %s: %s", json_string_value(json_object_get(row, "variant")),
               json_string_value(json_object_get(row, "case")),
               json_string_value(json_object_get(row, "why")));
  }
  json_decref(doc);
}

static seen check(infuse_runtime *rt, const char *dir, int world, const char *op) {
  seen s = {0};
  const infuse_model_options mo = {.size = sizeof mo, .world = world};
  const infuse_check_options co = {.size = sizeof co, .op = op, .seed = 3, .dir = dir, .model = &mo};
  ok(infuse_check(rt, &co, look, &s));
  return s;
}

static void every_node(void **state) {
  (void)state;
  static const struct {
    const char *dir;
    int world;
  } models[] = {{"checkpoints/gpt-oss-small", 2},        {"checkpoints/qwen3-next-small", 1},
                {"checkpoints/gpt-oss-tiny", 2},         {"checkpoints/qwen3-tiny", 2},
                {"checkpoints/qwen3-tiny-fp8-block", 2}, {"checkpoints/qwen3-tiny-fp8-ptpc", 2},
                {"checkpoints/qwen3-next-tiny", 2},      {"checkpoints/qwen3-next-tiny-fp8-block", 2}};
  infuse_runtime *rt;
  ok(infuse_runtime_create(NULL, &rt));
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    for (int world = 1; world <= models[i].world; world++) {
      const seen s = check(rt, models[i].dir, world, NULL);
      assert_true(s.rows > 30 && s.attention > 1);
      assert_true((s.experts > 1) == (strstr(models[i].dir, "qwen3-tiny") == NULL));
    }
  const seen one = check(rt, models[0].dir, 1, "attention");
  assert_true(one.rows == one.attention && one.rows >= 4); // full and sliding, a token and more
  infuse_runtime_destroy(rt);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_node)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
