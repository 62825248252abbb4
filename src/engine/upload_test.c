// SPDX-License-Identifier: Apache-2.0
// Weights of a device whose memory has no address in the process: they are those that memory would have.
#include "base/memory.h"
#include "engine/upload.h"
#include "tensor/pack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include "tests/support/far.h"

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_status load(const nf_value *v, int threads, const nf_weight_sink *sink) {
  nf_weight_loader l = {0};
  ok(nf_threads_create(threads, &l.threads));
  const nf_status st = nf_weight_load(&l, v, 0, INT64_MAX, sink);
  nf_weight_loader_deinit(&l);
  nf_threads_destroy(l.threads);
  return st;
}

// Two weights one after the other, the second with longer strips than fit into the pieces of the first.
static void weights_arrive(void **state) {
  (void)state;
  nf_device *d;
  nf_upload u = {0};
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_type types[] = {nf_type_packed(NF_TYPE(NF_MXFP4, NF_C(3), NF_C(700), NF_C(608)), NF_PACK(16, 1)),
                           nf_type_packed(NF_TYPE(NF_F32, NF_C(40), NF_C(9000)), NF_PACK(16, 2))};
  far_copies = 0;
  ok(nf_device_create(&(nf_device){.driver = &far_driver}, &d));
  ok(nf_upload_init(&u, d, 1 << 30));
  for (int i = 0; i < 2; i++) {
    const nf_value v = {.name = "w", .type = types[i], .kind = NF_VALUE_WEIGHT};
    nf_buffer to;
    size_t n;
    ok(nf_type_bytes(&v.type, &none, &n));
    char *want = calloc(n, 1), *got = malloc(n);
    ok(nf_device_alloc(d, n, &to));
    memset(to.data, 0, n);
    const nf_weight_sink memory = nf_weight_memory(want), upload = nf_upload_sink(&u, &to);
    ok(load(&v, 1, &memory));
    ok(load(&v, 3, &upload));
    ok(nf_device_read(d, &to, 0, got, n));
    assert_memory_equal(got, want, n);
    nf_device_free(d, &to);
    free(want);
    free(got);
  }
  assert_true(far_copies > 4);
  ok(nf_upload_finish(&u));
  assert_int_equal(nf_device_used(d), 0);
  nf_device_destroy(d);
}

static void the_devices_host_memory_is_out(void **state) {
  (void)state;
  nf_device *d;
  nf_upload u = {0};
  nf_buffer to;
  const nf_value v = {.name = "w", .type = NF_TYPE(NF_BF16, NF_C(4000), NF_C(500)), .kind = NF_VALUE_WEIGHT};
  far_rooms = 0;
  ok(nf_device_create(&(nf_device){.driver = &far_driver}, &d));
  ok(nf_device_alloc(d, 4000 * 500 * 2, &to));
  ok(nf_upload_init(&u, d, 1 << 30));
  const nf_weight_sink sink = nf_upload_sink(&u, &to);
  const nf_status st = load(&v, 3, &sink);
  assert_int_equal(nf_status_code(st), NF_NO_MEMORY);
  nf_status_free(st);
  const nf_status why = nf_upload_finish(&u);
  assert_non_null(strstr(nf_status_message(why), "no room"));
  nf_status_free(why);
  nf_device_free(d, &to);
  assert_int_equal(nf_device_used(d), 0);
  nf_device_destroy(d);
}

// ---- copies that take their time ----

enum { MOST_LATE = 4096 };
static struct {
  void *to;
  const void *from;
  size_t bytes;
} late[MOST_LATE];
static size_t late_n, late_done, late_most; // most: on their way at once

static nf_status late_copy(nf_queue *q, nf_direction way, void *to, const void *from, size_t bytes) {
  if (way != NF_TO_DEVICE) return far_copy(q, way, to, from, bytes);
  assert_true(late_n < MOST_LATE);
  late[late_n].to = to, late[late_n].from = from, late[late_n++].bytes = bytes;
  if (late_n - late_done > late_most) late_most = late_n - late_done;
  return nf_ok();
}
static nf_status late_one(void) {
  const size_t i = late_done++;
  return far_copy(NULL, NF_TO_DEVICE, late[i].to, late[i].from, late[i].bytes);
}
static nf_status late_sync(nf_queue *q) {
  (void)q;
  while (late_done < late_n) NF_TRY(late_one());
  return nf_ok();
}
static nf_status late_record(nf_queue *q, nf_event *e) {
  return (void)q, e->handle = (void *)late_n, nf_ok();
}
static nf_status late_arrive(const nf_event *e) {
  while (late_done < (size_t)e->handle) NF_TRY(late_one());
  return nf_ok();
}
static bool late_happened(const nf_event *e) { return (size_t)e->handle <= late_done; }

// What is on its way is left alone until it has arrived, and all has at the end.
static void pieces_are_on_their_way(void **state) {
  (void)state;
  nf_driver driver = far_driver;
  nf_device *d;
  nf_upload u = {0};
  nf_buffer to;
  const size_t n = (size_t)40000 * 1000 * 2;
  const nf_value v = {
      .name = "w", .type = NF_TYPE(NF_BF16, NF_C(40000), NF_C(1000)), .kind = NF_VALUE_WEIGHT};
  driver.copy = late_copy, driver.queue_sync = late_sync;
  driver.event_record = late_record, driver.event_happened = late_happened, driver.event_sync = late_arrive;
  far_rooms = 100;
  ok(nf_device_create(&(nf_device){.driver = &driver}, &d));
  ok(nf_upload_init(&u, d, 1 << 30));
  char *want = malloc(n), *got = malloc(n);
  ok(nf_device_alloc(d, n, &to));
  const nf_weight_sink memory = nf_weight_memory(want), upload = nf_upload_sink(&u, &to);
  ok(load(&v, 1, &memory));
  ok(load(&v, 3, &upload));
  ok(nf_upload_finish(&u));
  ok(nf_device_read(d, &to, 0, got, n));
  assert_memory_equal(got, want, n);
  assert_true(late_most > NF_MAX_UPLOADS / 2 && late_most <= NF_MAX_UPLOADS);
  nf_device_free(d, &to);
  assert_int_equal(nf_device_used(d), 0);
  nf_device_destroy(d);
  free(want);
  free(got);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(weights_arrive),
                                     cmocka_unit_test(the_devices_host_memory_is_out),
                                     cmocka_unit_test(pieces_are_on_their_way)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
