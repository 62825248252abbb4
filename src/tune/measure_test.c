// SPDX-License-Identifier: Apache-2.0
// Measuring: planted kernels that crash, hang, answer wrong or write where they must not are refused with the
// reason and the others measured; ties go to the default; a host's own signals and children do not matter.
#include "kernels/contract/args.h"
#include "tests/support/planted.h"
#include "tune/measure.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static nf_hw hw;

static void crash(const void *, int64_t, void *) { raise(SIGSEGV); }
static void stop(const void *, int64_t, void *) { abort(); }
static void hang(const void *, int64_t, void *) {
  for (volatile int i = 0;; i = 0) (void)i;
}
static const nf_tensor *result(const void *args) { return &((const nf_add_args *)args)->y; }
static void wrong(const void *args, int64_t block, void *scratch) {
  good(args, block, scratch);
  if (nf_tensor_cols(result(args)) > 0) *(char *)nf_tensor_row(result(args), block) ^= 0x40;
}
static void beside(const void *args, int64_t block, void *scratch) {
  good(args, block, scratch);
  const nf_tensor *y = result(args);
  const size_t bytes = (size_t)(nf_tensor_cols(y) * nf_dtype_of(y->dtype)->bits / 8);
  ((char *)nf_tensor_row(y, nf_tensor_rows(y) - 1))[bytes] = 5;
}
// Only where a row is as long as those of the test, which are none of the gate's.
static void wrong_when_large(const void *args, int64_t block, void *scratch) {
  good(args, block, scratch);
  if (nf_tensor_cols(result(args)) == 4096) memset(nf_tensor_row(result(args), block), 0, 4096);
}

#define KERNEL(f)                                                             \
  {                                                                           \
    .name = "add_" #f, .op = NF_OP_add, .backend = NF_BACKEND_CPU, .entry = { \
      NF_ENTRY_HOST,                                                          \
      {{blocks, f, NULL}}                                                     \
    }                                                                         \
  }
enum { GOOD, SLOW, CRASH, STOP, HANG, WRONG, BESIDE, LARGE, N };
static const nf_variant list[N] = {KERNEL(good), KERNEL(slow),  KERNEL(crash),  KERNEL(stop),
                                   KERNEL(hang), KERNEL(wrong), KERNEL(beside), KERNEL(wrong_when_large)};

static nf_case add(int64_t k) {
  nf_case c = {.d.op = NF_OP_add, .at = nf_sizes_of(512, 1, 1), .seed = 1, .world = 1};
  c.d.in[0] = c.d.in[1] = NF_TYPE(NF_F32, NF_BY(1, NF_T), NF_C(k));
  nf_status st = nf_op_infer(&c.d);
  assert_true(nf_is_ok(st));
  return c;
}

static nf_tune_entry measure(const int *candidates, int n, int by_default, int64_t k) {
  bool passed[N] = {false};
  const nf_measuring m = {.hw = &hw, .threads = 2, .hang = 2, .list = list, .passed = passed};
  const nf_case c = add(k);
  nf_tune_entry e = {.n = n, .by_default = by_default};
  for (int i = 0; i < n; i++) e.of[i].v = &list[candidates[i]];
  nf_status st = nf_tune_measure(&c, &m, &e);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  for (int i = 0; i < n; i++) assert_int_equal(*e.of[i].why == '\0', e.of[i].us > 0);
  return e;
}

static void the_faster_wins(void **) {
  nf_tune_entry e = measure((int[]){SLOW, GOOD}, 2, 0, 64);
  assert_int_equal(e.winner, 1);
  assert_true(e.of[0].us > 2 * e.of[1].us && e.of[0].spread >= 0);
  e = measure((int[]){GOOD, SLOW}, 2, 0, 64);
  assert_int_equal(e.winner, 0);
}

static void refused(int kernel, const char *why, int64_t k) {
  nf_tune_entry e = measure((int[]){kernel, GOOD}, 2, 1, k);
  assert_non_null(strstr(e.of[0].why, why));
  assert_int_equal(e.winner, 1);
}

static void planted(void **) {
  refused(CRASH, "crashed: SEGV", 64);
  refused(STOP, "crashed: ABRT", 64);
  refused(HANG, "hung: nothing for 2 s", 64);
  refused(WRONG, "wrong: ", 64);
  refused(BESIDE, "wrong: wrote beside its result", 64);
  refused(LARGE, "wrong: the result is far from the default", 4096);
}

static void all_at_once(void **) {
  nf_tune_entry e = measure((int[]){CRASH, GOOD, HANG, WRONG}, 4, 0, 64); // the default is refused too
  assert_int_equal(e.winner, 1);
  assert_true(*e.of[0].why != '\0' && *e.of[2].why != '\0' && *e.of[3].why != '\0');
  e = measure((int[]){CRASH, WRONG}, 2, 0, 64);
  assert_int_equal(e.winner, -1);
}

static void ignored(int signal) { (void)signal; }

// The handlers of a program that the library is in, and one that wants no children.
static void hosts(void **) {
  signal(SIGSEGV, ignored);
  refused(CRASH, "crashed: SEGV", 64);
  signal(SIGSEGV, SIG_DFL);
  signal(SIGCHLD, SIG_IGN);
  refused(CRASH, "crashed", 64);
  nf_tune_entry e = measure((int[]){SLOW, GOOD}, 2, 0, 64);
  assert_int_equal(e.winner, 1);
  signal(SIGCHLD, SIG_DFL);
}

static bool no(void *, const char *, uint64_t, uint64_t) { return false; }
static void stopping(void **) {
  bool passed[N] = {false};
  const nf_log log = {.progress = no};
  nf_progress progress = {.log = &log, .what = "tuning", .total = 1};
  const nf_measuring m = {.hw = &hw, .threads = 1, .list = list, .passed = passed, .progress = &progress};
  const nf_case c = add(64);
  nf_tune_entry e = {.n = 1, .of = {{.v = &list[HANG]}}};
  nf_status st = nf_tune_measure(&c, &m, &e);
  assert_int_equal(nf_status_code(st), NF_CANCELLED);
  nf_status_free(st);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nobody is left
}

static void decisions(void **) {
  nf_tune_entry e = {
      .n = 3, .by_default = 1, .of = {{NULL, 97.5, 0, ""}, {NULL, 100, 0, ""}, {NULL, 120, 0, ""}}};
  int near_by;
  nf_tune_decide(&e, &near_by);
  assert_true(e.winner == 1 && near_by == 0);
  e.of[0].us = 95;
  nf_tune_decide(&e, &near_by);
  assert_true(e.winner == 0 && near_by == 0);
  e.of[0].spread = e.of[1].spread = 4; // what noise can do
  nf_tune_decide(&e, &near_by);
  assert_true(e.winner == 1 && near_by == 0);
  e.of[0].us = 50;
  nf_tune_decide(&e, &near_by);
  assert_true(e.winner == 0 && near_by == -1);
  snprintf(e.of[0].why, sizeof e.of[0].why, "wrong");
  snprintf(e.of[1].why, sizeof e.of[1].why, "wrong");
  nf_tune_decide(&e, &near_by);
  assert_true(e.winner == 2 && near_by == -1);
}

int main(void) {
  nf_status st = nf_hw_detect(&hw);
  if (!nf_is_ok(st)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_faster_wins), cmocka_unit_test(planted),
                                     cmocka_unit_test(all_at_once),     cmocka_unit_test(hosts),
                                     cmocka_unit_test(stopping),        cmocka_unit_test(decisions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
