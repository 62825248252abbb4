// SPDX-License-Identifier: Apache-2.0
// Every kernel of GPUs passes the checker in its host form: with waves of 32 lanes as NVIDIA has them, of 64
// as AMD. With the name of an op or of a row only those: tests_emulated_test add
#include "check/check.h"
#include "kernels/kernels.h"
#include "tests/support/checked.h"
#include "tests/support/emulated.h"
#include <stdio.h>
#include <string.h>

static const char *asked; // NULL: all

static void tell(void *user, const nf_check_row *r) {
  if (!r->ok && (*(int *)user)++ < 5)
    print_message("%s on %s: %s (error %g, bound %g)\n", r->variant, r->text, r->why, r->error, r->bound);
}

static bool is_asked(const nf_variant *v) {
  return v->entry.kind == NF_ENTRY_MODULE &&
         (!asked || strcmp(asked, v->name) == 0 || strcmp(asked, nf_op_of(v->op)->name) == 0);
}

static int check_row(const nf_variant *v) {
  int failed = 0;
  const nf_variant here = emulated_row(v);
  nf_status st = nf_check_run_from(
      &here, 1, &hw, &(nf_check_options){.seed = 1, .threads = threads, .row = tell, .user = &failed});
  nf_status found = emulated_status();
  if (!nf_is_ok(found)) print_message("%s\n", nf_status_message(found));
  if (!nf_is_ok(st)) print_message("%s: %s\n", v->name, nf_status_message(st));
  const bool ok = nf_is_ok(st) && nf_is_ok(found);
  nf_status_free(st);
  nf_status_free(found);
  return !ok;
}

static void every_kernel(void **state) {
  (void)state;
  size_t n;
  int rows = 0, failed = 0;
  const nf_variant *list = nf_variants(&n);
  for (size_t i = 0; i < n; i++)
    if (is_asked(&list[i])) rows++, failed += check_row(&list[i]);
  assert_true(rows > 0);
  if (failed) fail_msg("%d of %d kernels failed", failed, rows);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_kernel)};
  asked = argc > 1 ? argv[1] : NULL;
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
