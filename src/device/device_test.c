// SPDX-License-Identifier: Apache-2.0
// The devices that pass the suite: a row each. And what only the host has.
#include "base/memory.h"
#include "tests/support/conformance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static nf_threads *threads;
static nf_status make_host(nf_device **out) { return nf_device_host(threads, out); }

static int64_t blocks_of_doubled(const void *args) { return ((const nf_doubled *)args)->n; }
static void double_it(const void *args, int64_t i, void *) {
  const nf_doubled *a = args;
  a->y[i] = 2 * a->x[i];
}
static const nf_host_symbol image[] = {{"double_it", {blocks_of_doubled, double_it, NULL}}};

static const nf_conformer devices[] = {
    {"host", make_host, image, sizeof image},
    {"null", nf_device_null, NULL, 0},
};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// ---- the host's ----

enum { SCRATCH = 1000, BLOCKS = 200 };
static int64_t many_blocks(const void *) { return BLOCKS; }
static size_t scratch_of(const void *) { return SCRATCH; }
static void use_scratch(const void *args, int64_t block, void *scratch) {
  _Atomic int *wrong = *(_Atomic int *const *)args;
  unsigned char mine[SCRATCH];
  memset(mine, (int)block, SCRATCH);
  memset(scratch, (int)block, SCRATCH);
  for (volatile int i = 0; i < 3000; i++) continue; // long enough for others to come along
  *wrong += memcmp(scratch, mine, SCRATCH) != 0 || (uintptr_t)scratch % NF_CACHE_LINE != 0;
}

// Nobody else writes a thread's scratch while a block runs.
static void scratch(void **) {
  nf_device *d;
  _Atomic int wrong = 0, *at = &wrong;
  const nf_host_function f = {many_blocks, use_scratch, scratch_of};
  ok(make_host(&d));
  ok(nf_device_reserve_scratch(d, (nf_scratch_bytes){10, 0}));
  ok(nf_device_reserve_scratch(d, (nf_scratch_bytes){SCRATCH, 0}));
  ok(nf_device_run(d, &(nf_launch){.function = &f, .args = &at, .args_bytes = sizeof at}, 1));
  assert_int_equal(wrong, 0);
  nf_device_destroy(d);
}

static nf_status give_up(void *, int) { return nf_error(NF_CANCELLED, "enough"); }

// An error at a barrier leaves the rest undone.
static void barrier_fails(void **) {
  nf_device *d;
  int32_t x = 1, y = 0;
  const nf_doubled args = {&x, &y, 1};
  const nf_barrier b = {2, 0, give_up, NULL};
  ok(make_host(&d));
  nf_status st =
      nf_device_run(d, (nf_launch[]){{.barrier = &b}, {.function = &image[0].function, .args = &args}}, 2);
  assert_string_equal(nf_status_message(st), "enough");
  nf_status_free(st);
  assert_int_equal(y, 0);
  nf_module *m;
  st = nf_module_load(d, image, 7, &m);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  nf_status_free(st);
  nf_device_destroy(d);
}

// What a machine without a driver says. One that has it is told by device.hardware.
static void no_driver(void **) {
  static const struct {
    const char *library;
    nf_status (*make)(int index, nf_device **out);
  } rows[] = {{"libcuda.so.1", nf_device_cuda}, {"libamdhip64.so.7", nf_device_hip}};
  for (int i = 0; i < 2; i++) {
    nf_device *d;
    char text[100];
    nf_status st = rows[i].make(0, &d);
    snprintf(text, sizeof text, "%s can't be loaded: no driver is installed here", rows[i].library);
    if (nf_is_ok(st))
      nf_device_destroy(d);
    else if (strstr(nf_status_message(st), "can't be loaded") != NULL)
      assert_string_equal(nf_status_message(st), text);
    assert_true(nf_is_ok(st) || nf_status_code(st) == NF_UNAVAILABLE);
    nf_status_free(st);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(scratch), cmocka_unit_test(barrier_fails),
                                     cmocka_unit_test(no_driver)};
  int failed = 0;
  if (!nf_is_ok(nf_threads_create(2, &threads))) return 1;
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) failed += nf_conformance(&devices[i]);
  failed += cmocka_run_group_tests_name("host alone", tests, NULL, NULL);
  nf_threads_destroy(threads);
  return failed;
}
