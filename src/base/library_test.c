// SPDX-License-Identifier: Apache-2.0
// Tests of functions of libraries, with those that every process has.
#include "base/library.h"
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

typedef struct table {
  int before;
  size_t (*length)(const char *);
  int (*absolute)(int);
} table;

static void functions_are_found(void **state) {
  (void)state;
  static const nf_symbol symbols[] = {{"abs", offsetof(table, absolute)},
                                      {"strlen", offsetof(table, length)}};
  table t = {.before = 7};
  nf_status st = nf_library_find(dlopen(NULL, RTLD_NOW), "libc", symbols, 2, &t);
  assert_string_equal(nf_status_message(st), "");
  assert_int_equal(t.length("four"), 4);
  assert_int_equal(t.absolute(-5), 5);
  assert_int_equal(t.before, 7);
}

static void what_is_missing_is_named(void **state) {
  (void)state;
  static const nf_symbol symbols[] = {{"abs", offsetof(table, absolute)},
                                      {"no_such", offsetof(table, length)}};
  table t = {0};
  nf_status st = nf_library_find(dlopen(NULL, RTLD_NOW), "libc", symbols, 2, &t);
  assert_int_equal(nf_status_code(st), NF_UNAVAILABLE);
  assert_string_equal(nf_status_message(st), "libc has no no_such");
  nf_status_free(st);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_are_found),
      cmocka_unit_test(what_is_missing_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
