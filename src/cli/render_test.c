// SPDX-License-Identifier: Apache-2.0
// The text of verify and check: its verdict, and its width.
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include <setjmp.h> // cmocka wants these before itself
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// What `render` prints on a screen of so many columns (NULL: of any width); freed by nf_free.
static char *printed(int (*render)(const json_t *, const cli_options *), const char *json,
                     const char *columns) {
  char path[64], *text = NULL;
  json_t *doc = json_loads(json, 0, NULL);
  size_t n;
  snprintf(path, sizeof path, "/tmp/infuse-render-%d", (int)getpid());
  if (columns != NULL)
    setenv("COLUMNS", columns, 1);
  else
    unsetenv("COLUMNS");
  fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  assert_non_null(freopen(path, "w", stdout));
  assert_int_equal(render(doc, &(cli_options){0}), 0);
  json_decref(doc);
  fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  const nf_status st = nf_file_load(path, 1 << 20, &text, &n);
  assert_string_equal(nf_status_message(st), "");
  remove(path);
  return text;
}

static void says(int (*render)(const json_t *, const cli_options *), const char *json, const char *line) {
  char *text = printed(render, json, NULL);
  if (strstr(text, line) == NULL) fail_msg("no '%s' in '%s'", line, text);
  nf_free(text);
}

static void no_wider(int (*render)(const json_t *, const cli_options *), const char *json, size_t columns) {
  char wide[16];
  snprintf(wide, sizeof wide, "%zu", columns);
  char *text = printed(render, json, wide);
  for (const char *s = text, *end; (end = strchr(s, '\n')) != NULL; s = end + 1) {
    size_t n = 0;
    for (const char *c = s; c < end; c++) n += ((unsigned char)*c & 0xC0) != 0x80;
    if (n > columns) fail_msg("%zu columns, not %zu: %.*s", n, columns, (int)(end - s), s);
  }
  nf_free(text);
}

#define VALUE(name, error, ok)                                                                          \
  "{\"name\": \"" name "\", \"op\": \"all_reduce_add_rms_norm_quantise_keep\", \"error\": " #error ", " \
  "\"unfused\": 0.01, \"bound\": 0.1, \"ok\": " #ok "}"
#define VERIFY(failed, rows, worst)                                                               \
  "{\"device\": \"cpu\", \"world\": 1, \"tokens\": 48, \"kernels\": 9, \"unfused_kernels\": 12, " \
  "\"failed\": " #failed ", \"rows\": [" rows "], \"worst\": " worst "}"
static const char good[] = VERIFY(0, VALUE("L1.moe.sum.of.all.that.there.is", 0.02, true),
                                  VALUE("L1.moe.sum.of.all.that.there.is", 0.02, true)),
                  bad[] = VERIFY(1, VALUE("L1.moe.sum", 0.2, false) ", " VALUE("L2.moe.sum", 0.01, true),
                                 VALUE("L1.moe.sum", 0.2, false));

static void verdicts_of_verify(void **state) {
  (void)state;
  says(cli_render_verify, good,
       "\nverify: ok, 1 value within bounds; worst L1.moe.sum.of.all.that.there.is: 2.0e-02 of "
       "1e-01\n");
  says(cli_render_verify, bad,
       "\nverify: FAILED: 1 of 2 values beyond bounds; worst L1.moe.sum: 2.0e-01 of 1e-01\n");
  says(cli_render_verify, bad, " 2.0e-01 1.0e-02 1e-01    1 FAILED\n");
  for (size_t columns = 60; columns <= 120; columns += 20) {
    no_wider(cli_render_verify, good, columns);
    no_wider(cli_render_verify, bad, columns);
  }
}

#define CASE(error, ok)                                                                             \
  "{\"op\": \"add\", \"variant\": \"add_of_a_very_long_name_that_no_column_holds\", \"case\": \"x " \
  "f32[T,64], "                                                                                     \
  "T 1\", \"error\": " #error ", \"bound\": 0.5, \"ok\": " #ok "}"
static const char checked[] =
    "{\"seed\": 7, \"failed\": 0, \"rows\": [" CASE(0.25, true) "], \"worst\": " CASE(0.25, true) "}",
                  broken[] = "{\"seed\": 7, \"failed\": 1, \"rows\": [" CASE(1, false) "], \"worst\": " CASE(
                      1, false) "}";

static void verdicts_of_check(void **state) {
  (void)state;
  says(cli_render_check, checked,
       "check: ok, 1 case within bounds; worst add_of_a_very_long_name_that_no_column_holds (x "
       "f32[T,64], T 1): 2.5e-01 of 5e-01\nseed 7\n");
  says(cli_render_check, broken, "check: FAILED: 1 of 1 case beyond bounds; worst add_of");
  says(cli_render_check, broken, "  FAILED add_of_a_very_long_name_that_no_column_holds x f32[T,64], T 1\n");
  for (size_t columns = 60; columns <= 120; columns += 20) {
    no_wider(cli_render_check, checked, columns);
    no_wider(cli_render_check, broken, columns);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts_of_verify),
                                     cmocka_unit_test(verdicts_of_check)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
