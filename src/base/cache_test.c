// SPDX-License-Identifier: Apache-2.0
// Where the cache folder is.
#include "base/cache.h"
#include "base/file.h"
#include "base/memory.h"
#include "tests/support/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void set(const char *name, const char *value) {
  assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void folders(void **) {
  static const struct {
    const char *own, *xdg, *home, *want; // below the test's folder; NULL: not set, "" as it is
  } rows[] = {{"a/b", "x", "h", "a/b/host"},
              {NULL, "x", "h", "x/infuse/host"},
              {NULL, NULL, "h", "h/.cache/infuse/host"},
              {NULL, "", "h", "h/.cache/infuse/host"},
              {"", "x", "h", NULL},
              {NULL, NULL, NULL, NULL}};
  char *root = folder_create();
  assert_int_equal(chdir(root), 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *values[] = {rows[i].own, rows[i].xdg, rows[i].home};
    static const char *const names[] = {"INFUSE_CACHE_DIR", "XDG_CACHE_HOME", "HOME"};
    char at[3][512], *got;
    for (int k = 0; k < 3; k++) {
      snprintf(at[k], sizeof at[k], "%s/%s", root, values[k] != NULL ? values[k] : "");
      set(names[k], values[k] == NULL ? NULL : *values[k] != '\0' ? at[k] : "");
    }
    assert_true(nf_is_ok(nf_cache_folder("host", &got)));
    assert_int_equal(got == NULL, rows[i].want == NULL);
    if (got == NULL) continue;
    assert_string_equal(got + strlen(root) + 1, rows[i].want);
    assert_true(nf_path_is_dir(got));
    nf_free(got);
  }
  set("INFUSE_CACHE_DIR", "/proc/nothing/here");
  char *got;
  const nf_status st = nf_cache_folder("host", &got);
  assert_false(nf_is_ok(st));
  assert_null(got);
  nf_status_free(st);
  assert_int_equal(chdir("/"), 0);
  free(root);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(folders)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
