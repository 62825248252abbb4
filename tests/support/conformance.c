// SPDX-License-Identifier: Apache-2.0
#include "tests/support/conformance.h"
#include "base/memory.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

enum { N = 1000, BYTES = N * sizeof(int32_t) };

static const nf_conformer *tested; // a group runs one at a time

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void refused(nf_status st, nf_code code) {
  assert_int_equal(nf_status_code(st), code);
  nf_status_free(st);
}

// A device with its module and three arrays, the first one counting up.
typedef struct bench {
  nf_device *d;
  nf_module *module;
  const void *function;
  nf_buffer a[3];
} bench;

static bench open_on(nf_device *d) {
  bench b = {.d = d};
  int32_t count[N];
  for (int i = 0; i < N; i++) count[i] = i;
  ok(nf_module_load(d, tested->image, tested->image_bytes, &b.module));
  ok(nf_module_function(b.module, "double_it", &b.function));
  for (int i = 0; i < 3; i++) ok(nf_device_alloc(d, BYTES, &b.a[i]));
  ok(nf_device_write(d, &b.a[0], 0, count, BYTES));
  return b;
}

static nf_device *made(void) {
  nf_device *d;
  ok(tested->make(&d));
  return d;
}

static void close_bench(bench *b) {
  for (int i = 0; i < 3; i++) nf_device_free(b->d, &b->a[i]);
  nf_module_unload(b->module);
  nf_device_destroy(b->d);
}

static nf_doubled doubled(const nf_buffer *x, const nf_buffer *y, int64_t n) {
  return (nf_doubled){x->data, y->data, n};
}

static nf_launch launch_of(const bench *b, const nf_doubled *args) {
  return (nf_launch){.function = b->function,
                     .args = args,
                     .args_bytes = sizeof *args,
                     .grid = {{(uint32_t)args->n, 1, 1}, {1, 1, 1}, 0}};
}

// b holds `times` times 0, 1, 2, …; as far as the device computes.
static void expect(const bench *b, const nf_buffer *a, int32_t times) {
  int32_t got[N];
  ok(nf_device_read(b->d, a, 0, got, BYTES));
  for (int i = 0; nf_device_computes(b->d) && i < N; i++) assert_int_equal(got[i], times * i);
}

// ---- memory ----

static void memory(void **) {
  nf_device *d = made();
  assert_string_equal(nf_device_name(d), tested->name);
  for (nf_memory m = 0; m < NF_MEMORIES; m++) {
    static const size_t sizes[] = {0, 1, 63, 1000, 1 << 20};
    nf_buffer b[5];
    uint64_t used = 0;
    for (int i = 0; i < 5; i++) {
      ok(nf_device_alloc_in(d, m, sizes[i], &b[i]));
      assert_non_null(b[i].data);
      assert_int_equal((uintptr_t)b[i].data % NF_CACHE_LINE, 0);
      assert_int_equal(b[i].bytes, sizes[i]);
      if (m != NF_ON_DEVICE) memset(b[i].host, i, sizes[i]);
      assert_int_equal(nf_device_used(d), used += sizes[i]);
    }
    for (int i = 0; i < 5; i++) {
      nf_device_free(d, &b[i]);
      nf_device_free(d, &b[i]); // twice is fine
    }
    assert_int_equal(nf_device_used(d), 0);
    refused(nf_device_alloc_in(d, m, SIZE_MAX / 2, &b[0]), NF_NO_MEMORY);
  }
  nf_device_destroy(d);
  nf_device_destroy(NULL);
}

// Any offset and size, and not a byte beside them.
static void copies(void **) {
  nf_device *d = made();
  enum { ROOM = 400 };
  unsigned char from[ROOM], to[ROOM], canary[ROOM];
  nf_buffer b[2];
  for (int i = 0; i < ROOM; i++) from[i] = (unsigned char)(i % 151);
  memset(canary, 0xa5, ROOM);
  for (int i = 0; i < 2; i++) ok(nf_device_alloc(d, ROOM, &b[i]));
  for (size_t bytes = 0; bytes < 140; bytes += bytes < 20 ? 1 : 7)
    for (size_t at = 0; at < 70; at += 9) {
      for (int i = 0; i < 2; i++) ok(nf_device_write(d, &b[i], 0, canary, ROOM));
      ok(nf_device_write(d, &b[0], at, from, bytes));
      ok(nf_device_copy(d, &b[0], at, ROOM - bytes, bytes));
      memset(to, 0xa5, ROOM);
      ok(nf_device_read(d, &b[0], ROOM - bytes, to + 1, bytes));
      assert_int_equal(to[0], 0xa5);
      assert_int_equal(to[1 + bytes], 0xa5);
      if (!nf_device_computes(d)) continue;
      assert_memory_equal(to + 1, from, bytes);
      ok(nf_device_read(d, &b[0], 0, to, ROOM));
      assert_memory_equal(to, canary, at);
      assert_memory_equal(to + at + bytes, canary, ROOM - at - 2 * bytes);
    }
  const size_t offsets[] = {ROOM - 15, ROOM + 1, SIZE_MAX}; // past the end, outside, wrapping around
  for (int o = 0; o < 3; o++) {
    refused(nf_device_write(d, &b[0], offsets[o], from, 16), NF_INTERNAL);
    refused(nf_device_read(d, &b[0], offsets[o], to, 16), NF_INTERNAL);
    refused(nf_device_copy(d, &b[0], offsets[o], 0, 16), NF_INTERNAL);
    refused(nf_device_copy(d, &b[0], 0, offsets[o], 16), NF_INTERNAL);
  }
  for (int i = 0; i < 2; i++) nf_device_free(d, &b[i]);
  nf_device_destroy(d);
}

// Kernels read and write memory of every kind.
static void kinds_in_kernels(void **) {
  bench b = open_on(made());
  for (nf_memory m = 0; m < NF_MEMORIES; m++) {
    nf_buffer x;
    ok(nf_device_alloc_in(b.d, m, BYTES, &x));
    const nf_doubled args[] = {doubled(&b.a[0], &x, N), doubled(&x, &b.a[1], N)};
    ok(nf_device_run(b.d, (nf_launch[]){launch_of(&b, &args[0]), launch_of(&b, &args[1])}, 2));
    expect(&b, &b.a[1], 4);
    if (x.host != NULL && nf_device_computes(b.d)) assert_int_equal(((int32_t *)x.host)[N - 1], 2 * (N - 1));
    nf_device_free(b.d, &x);
  }
  close_bench(&b);
}

// ---- queues ----

// What is put in a queue happens in that order, a launch of no block does nothing.
static void order(void **) {
  bench b = open_on(made());
  nf_queue *q;
  int32_t sevens[N], got[N];
  for (int i = 0; i < N; i++) sevens[i] = 7 * i;
  const nf_doubled none = doubled(&b.a[0], &b.a[1], 0),
                   args[] = {doubled(&b.a[0], &b.a[1], N), doubled(&b.a[1], &b.a[2], N)};
  ok(nf_queue_create(b.d, &q));
  ok(nf_queue_write(q, &b.a[0], 0, sevens, BYTES));
  ok(nf_queue_run(q, (nf_launch[]){launch_of(&b, &args[0]), launch_of(&b, &none), launch_of(&b, &args[1])},
                  3));
  ok(nf_queue_copy(q, &b.a[0], 4, &b.a[2], 0, BYTES - 4));
  ok(nf_queue_run(q, (nf_launch[]){launch_of(&b, &none)}, 1));
  ok(nf_queue_run(q, NULL, 0));
  ok(nf_queue_read(q, &b.a[0], 0, got, BYTES));
  ok(nf_queue_sync(q));
  for (int i = 1; nf_device_computes(b.d) && i < N; i++) assert_int_equal(got[i], 28 * (i - 1));
  nf_queue_destroy(q);
  nf_queue_destroy(NULL);
  close_bench(&b);
}

static void events(void **) {
  bench b = open_on(made());
  nf_queue *q[2];
  nf_event *there, *back;
  for (int i = 0; i < 2; i++) ok(nf_queue_create(b.d, &q[i]));
  ok(nf_event_create(b.d, &there));
  ok(nf_event_create(b.d, &back));
  assert_true(nf_event_happened(there));
  ok(nf_queue_wait(q[1], there)); // never recorded: nothing to wait for
  int32_t times = 1;
  for (int round = 0; round < 10; round++, times *= 4) {
    const nf_doubled args[] = {doubled(&b.a[0], &b.a[1], N), doubled(&b.a[1], &b.a[2], N)};
    ok(nf_queue_run(q[0], (nf_launch[]){launch_of(&b, &args[0])}, 1));
    ok(nf_queue_record(q[0], there));
    ok(nf_queue_wait(q[1], there));
    ok(nf_queue_run(q[1], (nf_launch[]){launch_of(&b, &args[1])}, 1));
    ok(nf_queue_copy(q[1], &b.a[0], 0, &b.a[2], 0, BYTES));
    ok(nf_queue_record(q[1], back));
    ok(nf_queue_wait(q[0], back));
    if (round % 2 == 0)
      ok(nf_event_sync(back));
    else
      ok(nf_queue_sync(q[0]));
    assert_true(nf_event_happened(back));
  }
  expect(&b, &b.a[0], times);
  nf_event_destroy(there);
  nf_event_destroy(back);
  nf_event_destroy(NULL);
  for (int i = 0; i < 2; i++) nf_queue_destroy(q[i]);
  close_bench(&b);
}

// Work in flight ends before what it needs goes.
static void destroyed_in_flight(void **) {
  bench b = open_on(made());
  nf_queue *q;
  const nf_doubled args[] = {doubled(&b.a[0], &b.a[1], N), doubled(&b.a[1], &b.a[2], N)};
  ok(nf_queue_create(b.d, &q));
  for (int i = 0; i < 100; i++)
    ok(nf_queue_run(q, (nf_launch[]){launch_of(&b, &args[0]), launch_of(&b, &args[1])}, 2));
  nf_queue_destroy(q);
  expect(&b, &b.a[2], 4);
  close_bench(&b);
}

// ---- captures ----

static void captures(void **) {
  bench b = open_on(made());
  nf_capture *c, *none;
  nf_doubled args[] = {doubled(&b.a[0], &b.a[1], N), doubled(&b.a[1], &b.a[2], N)};
  int32_t x[N];
  ok(nf_capture_create(b.d, (nf_launch[]){launch_of(&b, &args[0]), launch_of(&b, &args[1])}, 2, &c));
  ok(nf_capture_create(b.d, NULL, 0, &none));
  memset(args, 0, sizeof args); // what was captured is not these
  for (int32_t times = 1; times < 5; times++) {
    for (int i = 0; i < N; i++) x[i] = times * i;
    ok(nf_device_write(b.d, &b.a[0], 0, x, BYTES));
    ok(nf_device_replay(b.d, none));
    ok(nf_device_replay(b.d, c));
    expect(&b, &b.a[2], 4 * times);
  }
  nf_capture_destroy(c);
  nf_capture_destroy(none);
  nf_capture_destroy(NULL);
  close_bench(&b);
}

// ---- errors ----

static void errors(void **) {
  bench b = open_on(made());
  const void *f;
  _Atomic bool stop = true;
  const nf_doubled args = doubled(&b.a[0], &b.a[1], N);
  const nf_launch launch = launch_of(&b, &args);
  if (nf_device_computes(b.d)) refused(nf_module_function(b.module, "halve_it", &f), NF_BAD_INPUT);
  nf_device_stop_on(b.d, &stop);
  refused(nf_device_run(b.d, &launch, 1), NF_CANCELLED);
  nf_device_stop_on(b.d, NULL);
  ok(nf_device_run(b.d, &launch, 1)); // as good as ever
  expect(&b, &b.a[1], 2);
  close_bench(&b);
}

// ---- peers ----

static void peers(void **) {
  if (tested->alone) skip();
  bench a = open_on(made());
  nf_device *d;
  ok(nf_device_peer(a.d, 2, 1, &d));
  assert_string_equal(nf_device_name(d), nf_device_name(a.d));
  bench b = open_on(d);
  const nf_doubled across = doubled(&a.a[1], &b.a[1], N), own = doubled(&a.a[0], &a.a[1], N);
  ok(nf_device_run(a.d, (nf_launch[]){launch_of(&a, &own)}, 1));
  ok(nf_device_run(b.d, (nf_launch[]){launch_of(&b, &across)}, 1)); // reads what is the other's
  expect(&b, &b.a[1], 4);
  nf_queue *q;
  ok(nf_queue_create(b.d, &q));
  ok(nf_queue_copy(q, &a.a[2], 0, &b.a[1], 0, BYTES));
  nf_queue_destroy(q);
  expect(&a, &a.a[2], 4);
  close_bench(&b);
  close_bench(&a);
}

enum { RANKS = 2, TURNS = 10, RUNS = 2 }; // values stay below 2^31: N < 2^10, 2^20 times
typedef struct rank {
  bench b;
  const bench *other;
  nf_barrier barrier;
  nf_status st;
} rank;

static nf_status meet(void *user, int) { return pthread_barrier_wait(user), nf_ok(); }

// Doubles the other's array into its own, in turn, in one run: only barriers keep the order.
static void *run_rank(void *arg) {
  rank *r = arg;
  const nf_doubled args[] = {doubled(&r->other->a[0], &r->b.a[1], N),
                             doubled(&r->other->a[1], &r->b.a[0], N)};
  nf_launch list[2 * TURNS];
  for (int i = 0; i < 2 * TURNS; i += 2) {
    list[i] = (nf_launch){.barrier = &r->barrier};
    list[i + 1] = launch_of(&r->b, &args[i / 2 % 2]);
  }
  for (int i = 0; i < RUNS && nf_is_ok(r->st); i++) r->st = nf_device_run(r->b.d, list, 2 * TURNS);
  return NULL;
}

// Two devices at once, on a thread each.
static void ranks(void **) {
  if (tested->alone) skip();
  pthread_barrier_t all;
  pthread_t thread[RANKS];
  rank r[RANKS] = {{.st = nf_ok()}, {.st = nf_ok()}};
  nf_device *first = made();
  pthread_barrier_init(&all, NULL, RANKS);
  for (int i = 0; i < RANKS; i++) {
    nf_device *d = first;
    if (i > 0) ok(nf_device_peer(first, RANKS, i, &d));
    r[i] = (rank){open_on(d), &r[1 - i].b, {RANKS, i, meet, &all}, nf_ok()};
  }
  for (int i = 0; i < RANKS; i++) assert_int_equal(pthread_create(&thread[i], NULL, run_rank, &r[i]), 0);
  for (int i = 0; i < RANKS; i++) pthread_join(thread[i], NULL);
  for (int i = 0; i < RANKS; i++) {
    ok(r[i].st);
    expect(&r[i].b, &r[i].b.a[0], 1 << TURNS * RUNS);
  }
  for (int i = RANKS; i-- > 0;) close_bench(&r[i].b);
  pthread_barrier_destroy(&all);
}

int nf_conformance(const nf_conformer *c) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory), cmocka_unit_test(copies),   cmocka_unit_test(kinds_in_kernels),
      cmocka_unit_test(order),  cmocka_unit_test(events),   cmocka_unit_test(destroyed_in_flight),
      cmocka_unit_test(peers),  cmocka_unit_test(captures), cmocka_unit_test(errors),
      cmocka_unit_test(ranks),
  };
  tested = c;
  printf("device %s\n", c->name);
  return cmocka_run_group_tests_name(c->name, tests, NULL, NULL);
}
