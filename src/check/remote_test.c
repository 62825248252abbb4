// SPDX-License-Identifier: Apache-2.0
// Kernels of modules through the checker, on a device far away whose kernels are the references, or wrong in
// one way each.
#include "check/remote.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
// cmocka wants the standard headers first
#include "tests/support/module.h"

typedef struct seen {
  int rows, failed;
  char why[192];
} seen;

static void look(void *user, const nf_check_row *r) {
  seen *s = user;
  s->rows++;
  if (!r->ok && !s->failed++) snprintf(s->why, sizeof s->why, "%s", r->why);
}

static nf_status check(const far *f, nf_op op, enum fault fault, seen *s) {
  const nf_variant v = {.name = "planted",
                        .op = op,
                        .backend = NF_BACKEND_CUDA,
                        .promise = NF_PROMISE_EXACT,
                        .order = NF_ORDER_REFERENCE,
                        .limit = {AT_MOST(K, 512)},
                        .parameter = {op, fault},
                        .entry = {NF_ENTRY_MODULE, {.module = fault == SECOND_STAGE ? &twice : &kernel}}};
  const nf_runner on = {.device = f->device, .module = f->module, .hw = &f->hw};
  *s = (seen){0};
  return nf_check_run_from(&v, 1, &f->hw, &(nf_check_options){.seed = 1, .on = on, .row = look, .user = s});
}

// Operands, scales, tables, pools, the rank and results come and go as they are here.
static void passes(void **state) {
  static const nf_op ops[] = {NF_OP_add,      NF_OP_quantise,         NF_OP_grouped_linear,
                              NF_OP_kv_write, NF_OP_attention,        NF_OP_gather_rows,
                              NF_OP_rank_ids, NF_OP_gated_delta_rule, NF_OP_causal_conv1d};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    seen s;
    const nf_status st = check(*state, ops[i], RIGHT, &s);
    if (!nf_is_ok(st)) fail_msg("%s: %s: %s", nf_op_of(ops[i])->name, nf_status_message(st), s.why);
    assert_true(s.rows > 30);
  }
}

static void catches(void **state) {
  static const char *const why[FAULTS] = {
      [BESIDE] = "wrote beside its result",
      [OPERAND] = "wrote into an operand",
      [COUNTERS] = "left counters that are not zeros",
      [WRONG] = "y row",
      [EARLY] = "y row",
      [SCRATCH] = "wrote beside its scratch",
      [UNALIGNED] = "another order, other garbage or other row gaps change the result"};
  for (enum fault fault = RIGHT + 1; fault < FAULTS; fault++) {
    seen s;
    nf_status st = check(*state, NF_OP_add, fault, &s);
    if (why[fault] != NULL &&
        (nf_status_code(st) != NF_CHECK_FAILED || strncmp(s.why, why[fault], strlen(why[fault])) != 0))
      fail_msg("fault %d: '%s', '%s'", (int)fault, nf_status_message(st), s.why);
    if (why[fault] == NULL) assert_true(nf_is_ok(st)); // a stage without blocks
    nf_status_free(st);
  }
}

// In each turn the weight lies elsewhere, and is the same; what the step before wrote stays where it is.
static void turns(void **state) {
  const far *f = *state;
  const nf_variant v = {.op = NF_OP_rms_norm,
                        .parameter = {NF_OP_rms_norm, RIGHT},
                        .entry = {NF_ENTRY_MODULE, {.module = &twice}}};
  const nf_runner on = {.device = f->device, .module = f->module, .hw = &f->hw};
  const nf_dims m = {.q = {[NF_Q_K] = 64}, .tokens = 2, .act = NF_BF16, .weight = NF_BF16, .out = NF_BF16};
  nf_case c;
  nf_instance i;
  nf_turns t;
  double us = 0;
  assert_true(nf_is_ok(nf_case_make(NF_OP_rms_norm, &m, &c)));
  assert_true(nf_is_ok(nf_instance_init(&i, &c, &v, 0, 0, false)));
  assert_true(nf_is_ok(nf_turns_init(&t, &v, &i, &on, NULL)));
  assert_true(t.n > 1);
  const nf_rms_norm_args *first = t.turn[0].args, *last = t.turn[t.n - 1].args;
  assert_ptr_equal(first->x.data, last->x.data);
  assert_ptr_equal(first->y.data, last->y.data);
  assert_ptr_not_equal(first->w.data, last->w.data);
  assert_memory_equal(first->w.data, last->w.data, 64 * 2);
  assert_true(nf_is_ok(nf_turns_time(&t, &us)));
  assert_true(us > 0 && t.launches >= (double)t.n);
  nf_turns_deinit(&t);
  nf_instance_deinit(&i);
}

// What a device makes of a large constant's first rows is what the process would have sent.
static void repeated(void **state) {
  static const char *const weights[] = {"bf16[3,300,256]", "fp8b128[3,300,256]", "mxfp4[3,300,256]"};
  const far *f = *state;
  const nf_variant v = {.op = NF_OP_grouped_linear,
                        .parameter = {NF_OP_grouped_linear, RIGHT},
                        .entry = {NF_ENTRY_MODULE, {.module = &kernel}}};
  const nf_runner on = {.device = f->device, .module = f->module, .hw = &f->hw};
  for (int w = 0; w < 3; w++) {
    const nf_timed_node node = {NF_OP_grouped_linear,
                                {w == 1 ? "fp8g128[T,256]" : "bf16[T,256]", "i32[T,2]", weights[w]},
                                {.grouped_linear = {.out = NF_BF16}}};
    nf_case c;
    nf_instance here, there;
    nf_remote r;
    assert_true(nf_is_ok(nf_timed_case(&node, 3, &c)));
    assert_true(nf_is_ok(nf_instance_init(&here, &c, NULL, 0, 0, false)));
    assert_true(nf_is_ok(nf_instance_init(&there, &c, &v, 0, 0, false)));
    assert_true(nf_is_ok(nf_remote_init(&r, &v, &there, &on)));
    const struct nf_storage *s = &here.storage[here.layout->in[2]];
    assert_memory_equal((char *)r.storage[here.layout->in[2]].data + NF_GUARD, s->base + NF_GUARD, s->bytes);
    nf_remote_deinit(&r);
    nf_instance_deinit(&there);
    nf_instance_deinit(&here);
  }
}

static void nodes(void **) {
  for (size_t n = 0; n < nf_n_timed_nodes; n++) {
    nf_case c;
    const nf_status st = nf_timed_case(&nf_timed_nodes[n], 1, &c);
    if (!nf_is_ok(st))
      fail_msg("%s, node %zu: %s", nf_op_of(nf_timed_nodes[n].op)->name, n, nf_status_message(st));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(passes, set_up, tear_down),
                                     cmocka_unit_test_setup_teardown(catches, set_up, tear_down),
                                     cmocka_unit_test_setup_teardown(turns, set_up, tear_down),
                                     cmocka_unit_test_setup_teardown(repeated, set_up, tear_down),
                                     cmocka_unit_test(nodes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
