// SPDX-License-Identifier: Apache-2.0
// Values are read back as they would be from the process's memory, from a device whose memory is elsewhere.
#include "plan/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include "tests/support/far.h"
#include <cmocka.h>

enum { T = 3, COLUMNS = 256, MOST = 5 };

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static const char text[] = "graph g\n"
                           "input x : bf16[T,256]\n"
                           "y : bf16[T,256] = add(x, x)\n"
                           "q : fp8g128[T,256] = quantise(y) to=fp8g128\n"
                           "output y\n"
                           "output q\n";

static void values_come_back(void **state) {
  (void)state;
  nf_graph *g;
  nf_plan *p;
  nf_device *d;
  nf_buffer arena, x;
  uint16_t bits[MOST * COLUMNS];
  nf_plan_options o = {.max = nf_sizes_of(MOST, 1, 1)};
  const nf_sizes at = nf_sizes_of(T, 1, 1);
  const nf_batch batch = {0};
  for (int i = 0; i < MOST * COLUMNS; i++) bits[i] = (uint16_t)(0x3f00 + i * 7 % 256);
  ok(nf_hw_detect(&o.hw));
  ok(nf_graph_parse(nf_view_of(text), "text", &g));
  ok(nf_plan_create(g, &o, &p));
  ok(nf_device_create(&(nf_device){.driver = &far_driver}, &d));
  ok(nf_device_alloc(d, sizeof bits, &x));
  ok(nf_device_alloc(d, nf_plan_arena_bytes(p), &arena));
  ok(nf_device_write(d, &x, 0, bits, sizeof bits));
  nf_plan_bind(p, nf_graph_find(g, "x"), x.data, 0);
  nf_plan_place(p, arena.data);
  nf_plan_set_batch(p, &batch);
  ok(nf_plan_run(p, d, &at));
  static const char *const names[] = {"x", "y", "q"};
  for (int i = 0; i < 3; i++) {
    const nf_val v = nf_graph_find(g, names[i]);
    const nf_tensor t = nf_plan_tensor(p, v); // this device's memory is the process's after all
    float got[2 * COLUMNS], want[2 * COLUMNS];
    far_copies = 0;
    ok(nf_plan_read(p, d, v, 1, 2, got));
    assert_int_equal(far_copies, i == 2 ? 4 : 2);
    for (int r = 0; r < 2; r++) nf_row_decode(&t, 1 + r, want + r * COLUMNS);
    assert_memory_equal(got, want, sizeof want);
    assert_true(want[5] != 0);
    const nf_status st = nf_plan_read(p, d, v, 2, 2, got);
    assert_int_equal(nf_status_code(st), NF_INTERNAL);
    nf_status_free(st);
  }
  nf_device_free(d, &x);
  nf_device_free(d, &arena);
  nf_device_destroy(d);
  nf_plan_destroy(p);
  nf_graph_destroy(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(values_come_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
