// SPDX-License-Identifier: Apache-2.0
// The verdict that is drawn from a document's rows.
#include "engine/engine.h"
#include <math.h>
#include <setjmp.h> // cmocka wants these before itself
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void judged(const char *rows, const char *verdict, int failed, const char *worst) {
  json_error_t error;
  json_t *list = json_loads(rows, 0, &error);
  assert_non_null(list);
  json_t *doc = nf_document_judge(json_pack("{s:o}", "rows", list));
  assert_non_null(doc);
  assert_string_equal(json_string_value(json_object_get(doc, "verdict")), verdict);
  assert_int_equal(json_integer_value(json_object_get(doc, "failed")), failed);
  const json_t *name = json_object_get(json_object_get(doc, "worst"), "name");
  if (worst == NULL)
    assert_true(json_is_null(json_object_get(doc, "worst")));
  else
    assert_string_equal(json_string_value(name), worst);
  json_decref(doc);
}

static void verdicts(void **state) {
  (void)state;
  judged("[]", "ok", 0, NULL);
  // The largest part of its own bound, not the largest error.
  judged("[{\"name\": \"a\", \"error\": 0.05, \"bound\": 1.0, \"ok\": true},"
         " {\"name\": \"b\", \"error\": 0.04, \"bound\": 0.05, \"ok\": true}]",
         "ok", 0, "b");
  judged("[{\"name\": \"a\", \"error\": 0.05, \"bound\": 1.0, \"ok\": true},"
         " {\"name\": \"b\", \"error\": 0.4, \"bound\": 0.1, \"ok\": false},"
         " {\"name\": \"c\", \"error\": 0.3, \"bound\": 0.1, \"ok\": false}]",
         "failed", 2, "b");
  // Bits that differ, and figures that are none, are worse than any figure.
  judged("[{\"name\": \"a\", \"error\": 9, \"bound\": 1, \"ok\": false},"
         " {\"name\": \"b\", \"error\": 0, \"bound\": 0, \"ok\": false}]",
         "failed", 2, "b");
  judged("[{\"name\": \"a\", \"error\": 9, \"bound\": 1, \"ok\": false},"
         " {\"name\": \"b\", \"ok\": false, \"why\": \"nan\"}]",
         "failed", 2, "b");
}

static void nothing_stays_nothing(void **state) {
  (void)state;
  assert_null(nf_document_judge(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts), cmocka_unit_test(nothing_stays_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
