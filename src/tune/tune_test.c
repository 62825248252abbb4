// SPDX-License-Identifier: Apache-2.0
// The tuner: what is asked for is measured, chosen by, kept and found again; what is refused is never chosen;
// a budget, a cancelled run and other candidates leave what is known.
#include "base/memory.h"
#include "tests/support/folder.h"
#include "tests/support/planted.h"
#include "tune/tune.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nf_hw hw;
static const nf_log silent;
static char *dir;

static void crash(const void *, int64_t, void *) { raise(SIGILL); }

#define KERNEL(f)                                                             \
  {                                                                           \
    .name = "add_" #f, .op = NF_OP_add, .backend = NF_BACKEND_CPU, .entry = { \
      NF_ENTRY_HOST,                                                          \
      {{blocks, f, NULL}}                                                     \
    }                                                                         \
  }
static const nf_variant list[] = {{.name = "add_ref",
                                   .op = NF_OP_add,
                                   .backend = NF_BACKEND_REF,
                                   .entry = {NF_ENTRY_HOST, {{blocks, good, NULL}}}},
                                  KERNEL(good),
                                  KERNEL(slow),
                                  KERNEL(crash)};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static int set_up(void **) {
  dir = folder_create();
  return setenv("INFUSE_CACHE_DIR", dir, 1);
}

static int tear_down(void **) {
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'/tune", dir);
  const int code = system(command);
  folder_remove(dir);
  return code;
}

static nf_op_desc add(int64_t k) {
  nf_op_desc d = {.op = NF_OP_add};
  d.in[0] = d.in[1] = NF_TYPE(NF_F32, NF_BY(1, NF_T), NF_C(k));
  ok(nf_op_infer(&d));
  return d;
}

static nf_tuner *tuner_of(size_t n, const nf_log *log) {
  nf_tuner *t;
  ok(nf_tuner_create_from(list, n, &hw, 2, &(nf_runner){0}, 0.5, log, &t));
  return t;
}

// What is chosen of the first n kernels.
static const char *chosen(nf_tuner *t, size_t n, int64_t k, int64_t tokens, bool measured) {
  const nf_op_desc d = add(k);
  const nf_sizes at = nf_sizes_of(tokens, 1, 1);
  const nf_select_options o = {.at = at, .least = at, .most = at, .timings = nf_tuner_timings(t)};
  nf_selection s;
  nf_select_from(list, n, &hw, &d, &o, &s);
  assert_int_equal(s.measured, measured);
  return s.chosen->name;
}

static void count(const nf_tuner *t, const char *what, int want) {
  json_t *doc = nf_tuner_report(t, NULL);
  assert_non_null(doc);
  assert_int_equal(json_integer_value(json_object_get(doc, what)), want);
  assert_true(json_real_value(json_object_get(doc, "gain")) >= 1);
  json_decref(doc);
}

static void measured_kept_and_found(void **) {
  nf_tuner *t = tuner_of(4, &silent);
  size_t measured;
  assert_string_equal(chosen(t, 4, 64, 512, false), "add_crash"); // the last of equals
  count(t, "misses", 1);
  ok(nf_tuner_run(t, 60, &measured));
  assert_int_equal(measured, 1);
  assert_string_equal(chosen(t, 4, 64, 512, true), "add_good");
  assert_string_equal(chosen(t, 4, 64, 300, true), "add_good"); // steps alike
  count(t, "refused", 1);
  ok(nf_tuner_run(t, 60, &measured));
  assert_int_equal(measured, 0);
  nf_tuner_destroy(t);
  t = tuner_of(4, &silent);
  assert_string_equal(chosen(t, 4, 64, 512, true), "add_good");
  count(t, "hits", 1);
  nf_tuner_destroy(t);
  t = tuner_of(3, &silent); // one kernel less: it says nothing of these
  assert_string_equal(chosen(t, 3, 64, 512, false), "add_slow");
  count(t, "misses", 1);
  nf_tuner_destroy(t);
}

static void all_refused(void **) {
  static const nf_variant crashes[] = {{.name = "add_ref",
                                        .op = NF_OP_add,
                                        .backend = NF_BACKEND_REF,
                                        .entry = {NF_ENTRY_HOST, {{blocks, good, NULL}}}},
                                       KERNEL(crash)};
  nf_tuner *t;
  nf_selection s;
  size_t measured;
  const nf_op_desc d = add(64);
  const nf_sizes at = nf_sizes_of(4, 1, 1);
  ok(nf_tuner_create_from(crashes, 2, &hw, 1, &(nf_runner){0}, 0.5, &silent, &t));
  const nf_select_options o = {.at = at, .least = at, .most = at, .timings = nf_tuner_timings(t)};
  nf_select_from(crashes, 2, &hw, &d, &o, &s);
  assert_string_equal(s.chosen->name, "add_crash");
  ok(nf_tuner_run(t, 60, &measured));
  assert_int_equal(measured, 1);
  nf_select_from(crashes, 2, &hw, &d, &o, &s);
  assert_string_equal(s.chosen->name, "add_ref");
  nf_tuner_destroy(t);
}

static int told;
static bool stop(void *, const char *, uint64_t done, uint64_t) { return told++, done == 0; }

static void a_run_that_is_stopped(void **) {
  const nf_log log = {.progress = stop};
  nf_tuner *t = tuner_of(2, &log);
  size_t measured;
  for (int64_t k = 64; k <= 256; k *= 2) chosen(t, 2, k, 8, false);
  ok(nf_tuner_run(t, 0, &measured)); // no time
  assert_int_equal(measured, 0);
  nf_status st = nf_tuner_run(t, 60, &measured);
  assert_int_equal(nf_status_code(st), NF_CANCELLED);
  nf_status_free(st);
  assert_true(told > 0);
  nf_tuner_destroy(t);
  t = tuner_of(2, &silent);
  assert_string_equal(chosen(t, 2, 256, 8, true), "add_good"); // what takes longest came first, and is kept
  (void)chosen(t, 2, 64, 8, false);
  nf_tuner_destroy(t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
  nf_status st = nf_hw_detect(&hw);
  if (!nf_is_ok(st)) return 1;
  const struct CMUnitTest tests[] = {TEST(measured_kept_and_found), TEST(all_refused),
                                     TEST(a_run_that_is_stopped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
