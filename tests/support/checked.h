// SPDX-License-Identifier: Apache-2.0
// What tests of the checker share: the processor that is here, and threads.
#pragma once
#include "base/threads.h"
#include "hw/hw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static nf_threads *threads, *one_thread;
static nf_hw hw;

static int set_up(void **state) {
  (void)state;
  nf_status st = nf_threads_create(3, &threads);
  if (nf_is_ok(st)) st = nf_threads_create(1, &one_thread);
  if (nf_is_ok(st)) st = nf_hw_detect(&hw);
  const int failed = !nf_is_ok(st);
  nf_status_free(st);
  return failed;
}

static int tear_down(void **state) {
  (void)state;
  nf_threads_destroy(threads);
  nf_threads_destroy(one_thread);
  return 0;
}
