// SPDX-License-Identifier: Apache-2.0
// Bounds are seen: of every op and in every result a reference that is wrong by twice its bound in one
// element does not pass the gate, nor one by two codes where the result is quantised; one that is wrong by
// half of it does.
#include "base/checked.h"
#include "check/internal.h"
#include "tests/support/checked.h"
#include <math.h>
#include <string.h>

// ---- a reference that is wrong in one place, or in all rows ----

static struct fault {
  const nf_variant *ref;
  int result;
  int64_t rows, row, col; // rows: of the result, where all of the step is there
  double by;
  double by_row[1024]; // of all_rows
  bool all_rows;
} fault;

static int64_t one_block(const void *args) { return args != NULL; }

static void spoil_codes(const nf_tensor *t) {
  uint8_t *code = (uint8_t *)nf_tensor_row(t, fault.row) + fault.col;
  *code = (*code & 0x7f) >= 8 ? (uint8_t)(*code - (int)fault.by) : (uint8_t)(*code + (int)fault.by);
}

static void spoil_row(const nf_tensor *t, int64_t r, double by) {
  float room[4096];
  assert_true(nf_tensor_cols(t) <= 4096);
  nf_row_decode(t, r, room);
  room[fault.col] += (float)(room[fault.col] < 0 ? -by : by);
  nf_row_encode(t, r, room);
}

static void run_wrong(const void *args, int64_t block, void *scratch) {
  const nf_args_layout *layout = nf_args_layout_of(fault.ref->op);
  const nf_tensor *t = (const nf_tensor *)((const char *)args + layout->tensors) + layout->out[fault.result];
  (void)block, (void)scratch;
  assert_true(nf_is_ok(nf_variant_run(fault.ref, args, NULL)));
  if (nf_tensor_rows(t) != fault.rows) return; // a token by itself
  if (nf_is_fp8(t->dtype))
    spoil_codes(t);
  else if (t->dtype == NF_I32)
    ((int32_t *)nf_tensor_row(t, fault.row))[fault.col] += (int32_t)fault.by;
  else if (!fault.all_rows)
    spoil_row(t, fault.row, fault.by);
  else
    for (int64_t r = 0; r < nf_tensor_rows(t); r++) spoil_row(t, r, fault.by_row[r]);
}

static bool passes(const nf_case *c, double by) {
  const nf_variant wrong = {.name = "wrong",
                            .op = c->d.op,
                            .backend = NF_BACKEND_CPU,
                            .entry = {NF_ENTRY_HOST, {{one_block, run_wrong}}}};
  nf_check_row r;
  fault.by = by;
  nf_status st = nf_gate(&wrong, c, &(nf_runner){.threads = one_thread}, &r);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  return r.ok;
}

static void must(const nf_case *c, double by, bool pass, const char *what) {
  char text[192];
  nf_case_print(c, text, sizeof text);
  if (passes(c, by) != pass)
    fail_msg("%s, result %d row %d column %d off by %g, %s: %s\n%s", nf_op_of(c->d.op)->name, fault.result,
             (int)fault.row, (int)fault.col, by, what, pass ? "refused" : "passes", text);
}

// ---- where ----

typedef struct pair {
  nf_instance want, sums;
} pair;

// A value that the op gives, and what it may be off by there and in few rows; false: not there.
static bool bounds_at(const pair *p, const nf_case *c, double *bound, double *step) {
  const nf_tensor *w = nf_instance_result(&p->want, fault.result),
                  *s = nf_instance_result(&p->sums, fault.result);
  float want[4096], sum[4096];
  nf_expected e = nf_expected_of(c);
  nf_row_decode(w, fault.row, want);
  nf_row_decode(s, fault.row, sum);
  if (!isfinite(want[fault.col]) || !isfinite(sum[fault.col])) return false;
  for (int64_t i = 0; i < nf_tensor_cols(w); i++) e.row = fmax(e.row, fabs((double)want[i]));
  e.want = want[fault.col];
  e.sum = 1.01 * fabs((double)sum[fault.col]);
  *bound = nf_bound_of(c, w->dtype, &e);
  *step = nf_bound_of_step(c, &e);
  return *bound > 0;
}

static bool draw(const pair *p, const nf_case *c, int n, double *bound, double *step) {
  const nf_tensor *t = nf_instance_result(&p->want, n);
  const int64_t cols = nf_tensor_cols(t);
  int64_t rows = nf_rows_to_compare(&p->want, t), sequence, from, tokens;
  fault.rows = nf_tensor_rows(t);
  if (!t->cache && nf_alone_range(&p->want, &sequence, &from, &tokens)) // not what is computed again alone
    rows = fault.rows / t->dim[0] * from;
  fault.result = n;
  for (int i = 0; i < 200 && rows > 0 && cols > 0; i++) {
    const uint64_t h = nf_check_hash(c->seed, (uint64_t)i);
    fault.row = (int64_t)(h >> 32) % rows;
    fault.col = (int64_t)(h & 0xffffffff) % cols;
    if (t->dtype == NF_I32 || nf_is_fp8(t->dtype) || bounds_at(p, c, bound, step)) return true;
  }
  return false;
}

// What a few rows may be off by, because of a rounding within the op, all may not.
static void try_all_rows(const pair *p, const nf_case *c) {
  const nf_tensor *t = nf_instance_result(&p->want, fault.result);
  double step;
  assert_true(nf_tensor_rows(t) <= 1024);
  for (fault.row = 0; fault.row < nf_tensor_rows(t); fault.row++)
    if (!bounds_at(p, c, &fault.by_row[fault.row], &step)) fault.by_row[fault.row] = 0;
  for (fault.row = 0; fault.row < nf_tensor_rows(t); fault.row++) fault.by_row[fault.row] *= 2;
  fault.all_rows = true;
  must(c, 0, false, "twice the bound in all rows");
  fault.all_rows = false;
}

static bool try_result(const pair *p, const nf_case *c, int n) {
  const nf_dtype t = c->d.out[n].dtype;
  double bound = 0, step = 0;
  if (t == NF_NONE || !draw(p, c, n, &bound, &step)) return false;
  if (nf_is_fp8(t)) {
    must(c, 2, false, "two codes");
    must(c, 1, !nf_case_bitwise(c), "one code");
    return true;
  }
  if (t == NF_I32 || nf_case_bitwise(c)) {
    must(c, t == NF_I32 ? 1 : 2 * bound, false, "exact");
    return true;
  }
  must(c, 2 * (bound + step), false, "twice the bound");
  must(c, bound / 2, true, "half of the bound");
  if (step > 0) try_all_rows(p, c);
  return true;
}

static void twice(void **state) {
  (void)state;
  enum { CASES = 40 };
  for (int op = 0; op < NF_OP_COUNT; op++) {
    int tried[NF_MAX_OUT] = {0};
    fault = (struct fault){.ref = nf_reference_of((nf_op)op)};
    if (fault.ref == NULL) continue;
    for (int i = 0; i < CASES; i++) {
      nf_dims m;
      nf_case c;
      pair p = {0};
      if (!nf_case_for(fault.ref, &hw, i, 7, &m, &c)) continue;
      assert_true(nf_is_ok(nf_instance_init(&p.want, &c, NULL, 0, 0xff, false)));
      assert_true(nf_is_ok(nf_instance_init(&p.sums, &c, NULL, 0, 0xff, true)));
      assert_true(nf_is_ok(nf_variant_run(fault.ref, p.want.args, NULL)));
      assert_true(nf_is_ok(nf_variant_run(fault.ref, p.sums.args, NULL)));
      for (int n = 0; n < nf_op_of((nf_op)op)->n_out; n++) tried[n] += try_result(&p, &c, n);
      nf_instance_deinit(&p.want);
      nf_instance_deinit(&p.sums);
    }
    for (int n = 0; n < nf_op_of((nf_op)op)->n_out; n++)
      if (tried[n] < 5) fail_msg("%s: result %d was tried %d times", nf_op_of((nf_op)op)->name, n, tried[n]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(twice)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
