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
  nf_upload u;
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_type types[] = {nf_type_packed(NF_TYPE(NF_MXFP4, NF_C(3), NF_C(700), NF_C(608)), NF_PACK(16, 1)),
                           nf_type_packed(NF_TYPE(NF_F32, NF_C(40), NF_C(9000)), NF_PACK(16, 2))};
  far_copies = 0;
  ok(nf_device_create(&(nf_device){.driver = &far_driver}, &d));
  nf_upload_init(&u, d);
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
  nf_upload_deinit(&u);
  assert_int_equal(nf_device_used(d), 0);
  nf_device_destroy(d);
}

static void the_devices_host_memory_is_out(void **state) {
  (void)state;
  nf_device *d;
  nf_upload u;
  nf_buffer to;
  const nf_value v = {.name = "w", .type = NF_TYPE(NF_BF16, NF_C(4000), NF_C(500)), .kind = NF_VALUE_WEIGHT};
  far_rooms = 0;
  ok(nf_device_create(&(nf_device){.driver = &far_driver}, &d));
  ok(nf_device_alloc(d, 4000 * 500 * 2, &to));
  nf_upload_init(&u, d);
  const nf_weight_sink sink = nf_upload_sink(&u, &to);
  const nf_status st = load(&v, 3, &sink);
  assert_int_equal(nf_status_code(st), NF_NO_MEMORY);
  nf_status_free(st);
  nf_upload_deinit(&u);
  nf_device_free(d, &to);
  assert_int_equal(nf_device_used(d), 0);
  nf_device_destroy(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(weights_arrive),
                                     cmocka_unit_test(the_devices_host_memory_is_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
