// SPDX-License-Identifier: Apache-2.0
// One suite for every device: what holds for all, and what only a device that computes can show.
#include "base/memory.h"
#include "device/device.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nf_threads *threads;
static nf_status make_host(nf_device **out) { return nf_device_host(threads, out); }

static const struct {
  const char *name;
  nf_status (*make)(nf_device **out);
} devices[] = {{"host", make_host}, {"null", nf_device_null}};
enum { N_DEVICES = sizeof devices / sizeof *devices };

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void test_memory(void **state) {
  (void)state;
  for (int i = 0; i < N_DEVICES; i++) {
    nf_device *d;
    nf_buffer a = {0}, b = {0};
    ok(devices[i].make(&d));
    assert_string_equal(nf_device_name(d), devices[i].name);
    ok(nf_device_alloc(d, 0, &a));
    ok(nf_device_alloc(d, 1000, &b));
    assert_non_null(a.data);
    assert_int_equal((uintptr_t)b.data % NF_CACHE_LINE, 0);
    assert_int_equal(nf_device_used(d), 1000);
    nf_device_free(d, &a);
    nf_device_free(d, &b);
    nf_device_free(d, &b); // twice is fine
    assert_int_equal(nf_device_used(d), 0);
    nf_device_destroy(d);
  }
}

static void test_copies(void **state) {
  (void)state;
  for (int i = 0; i < N_DEVICES; i++) {
    nf_device *d;
    nf_buffer b;
    const char from[] = "sixteen bytes...";
    char to[16];
    ok(devices[i].make(&d));
    ok(nf_device_alloc(d, 64, &b));
    ok(nf_device_write(d, &b, 48, from, 16));
    ok(nf_device_read(d, &b, 48, to, 16));
    if (nf_device_computes(d)) assert_memory_equal(to, from, 16);
    const size_t offsets[] = {49, 65, SIZE_MAX}; // past the end, outside, wrapping around
    for (int o = 0; o < 3; o++) {
      nf_status st = nf_device_write(d, &b, offsets[o], from, 16);
      assert_int_equal(nf_status_code(st), NF_INTERNAL);
      nf_status_free(st);
      st = nf_device_read(d, &b, offsets[o], to, 16);
      assert_int_equal(nf_status_code(st), NF_INTERNAL);
      nf_status_free(st);
    }
    nf_device_free(d, &b);
    nf_device_destroy(d);
  }
}

typedef struct sum_args {
  const int *from;
  int *to;
  int64_t n;
} sum_args;
static int64_t sum_blocks(const void *args) { return ((const sum_args *)args)->n; }
static void double_it(const void *args, int64_t i) {
  const sum_args *a = args;
  a->to[i] = 2 * a->from[i];
}

// Launches run in order: the second reads what the first wrote.
static void test_launches(void **state) {
  (void)state;
  enum { N = 1000 };
  for (int i = 0; i < N_DEVICES; i++) {
    nf_device *d;
    int first[N], second[N] = {0}, third[N] = {0};
    for (int k = 0; k < N; k++) first[k] = k;
    const sum_args args[] = {{first, second, N}, {second, third, N}};
    const nf_launch launch[] = {{sum_blocks, double_it, &args[0]}, {sum_blocks, double_it, &args[1]}};
    ok(devices[i].make(&d));
    ok(nf_device_run(d, launch, 2));
    assert_int_equal(nf_device_launches(d), 2);
    for (int k = 0; k < N; k++) assert_int_equal(third[k], nf_device_computes(d) ? 4 * k : 0);
    nf_device_destroy(d);
  }
}

typedef struct visitor { // who is called between kernels
  const int *seen;
  int calls, at[3], fail;
} visitor;

static nf_status visit(void *user) {
  visitor *v = user;
  v->at[v->calls++] = *v->seen;
  return v->calls == v->fail ? nf_error(NF_CANCELLED, "enough") : nf_ok();
}

// Meetings stand where they should, and an error of one leaves the rest undone.
static void test_meetings(void **state) {
  (void)state;
  for (int i = 0; i < N_DEVICES; i++) {
    nf_device *d;
    int one = 1, x[3] = {0};
    const sum_args args[] = {{&one, &x[0], 1}, {&x[0], &x[1], 1}, {&x[1], &x[2], 1}};
    visitor v = {.seen = &x[1]};
    const nf_meeting m = {visit, &v};
    const nf_launch launch[] = {{sum_blocks, double_it, &args[0]},
                                {sum_blocks, double_it, &args[1], .before = &m, .after = &m},
                                {sum_blocks, double_it, &args[2], .before = &m}};
    ok(devices[i].make(&d));
    ok(nf_device_run(d, launch, 3));
    assert_int_equal(v.calls, 3);
    assert_int_equal(v.at[0], 0);
    for (int k = 1; k < 3; k++) assert_int_equal(v.at[k], nf_device_computes(d) ? 4 : 0);
    v = (visitor){.seen = &x[1], .fail = 2};
    nf_status st = nf_device_run(d, launch, 3);
    assert_string_equal(nf_status_message(st), "enough");
    nf_status_free(st);
    assert_int_equal(nf_device_launches(d), 3 + 2);
    nf_device_destroy(d);
  }
}

static int set_up(void **state) {
  (void)state;
  return !nf_is_ok(nf_threads_create(2, &threads));
}
static int tear_down(void **state) {
  (void)state;
  nf_threads_destroy(threads);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory), cmocka_unit_test(test_copies),
                                     cmocka_unit_test(test_launches), cmocka_unit_test(test_meetings)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
