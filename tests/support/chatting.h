// SPDX-License-Identifier: Apache-2.0
// What tests of chats share: the file's tokenizer, and work that runs out of memory at every allocation.
#pragma once
#include "base/status.h"
#include "tests/support/alloc_fail.h"
#include "text/tokenizer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static inline void check_ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// cmocka_run_group_tests(tests, load, unload), where load calls load_tokenizer.
[[maybe_unused]] static nf_tokenizer *tokenizer;
static inline int load_tokenizer(const char *path) {
  check_ok(nf_tokenizer_load(path, &tokenizer));
  return 0;
}
static inline int unload(void **) {
  nf_tokenizer_destroy(tokenizer);
  return 0;
}

// Every allocation of use(arg), and all behind it, fail once: NF_NO_MEMORY, with `may_pass` or no error, and
// nothing leaked. What libraries keep for good must be there already.
static inline void runs_out_of_memory(nf_status (*use)(const void *), const void *arg, bool may_pass) {
  for (uint64_t n = 1;; n++) {
    const int64_t live = nf_alloc_live();
    nf_alloc_fail_at(n, true);
    const nf_status st = use(arg);
    const bool done = nf_alloc_count() < n;
    nf_alloc_fail_at(0, false);
    const nf_code code = nf_status_code(st);
    nf_status_free(st);
    if (nf_alloc_live() != live) fail_msg("allocation %d: leak", (int)n);
    if (code != (done || (may_pass && code == NF_OK) ? NF_OK : NF_NO_MEMORY))
      fail_msg("allocation %d: %s", (int)n, nf_code_name(code));
    if (done) break;
  }
}
