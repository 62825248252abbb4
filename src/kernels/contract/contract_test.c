// SPDX-License-Identifier: Apache-2.0
// Argument layouts, quantities, limits and their sentences.
#include "kernels/contract/variant.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void layouts(void **state) {
  (void)state;
  const nf_args_layout *l = nf_args_layout_of(NF_OP_linear);
  assert_int_equal(l->size, sizeof(nf_linear_args));
  assert_int_equal(l->attrs, offsetof(nf_linear_args, attr));
  assert_int_equal(l->n_tensors, 4);
  assert_int_equal(l->tensors + (size_t)l->in[2] * sizeof(nf_tensor), offsetof(nf_linear_args, bias));
  assert_int_equal(l->tensors + (size_t)l->out[0] * sizeof(nf_tensor), offsetof(nf_linear_args, y));
  l = nf_args_layout_of(NF_OP_kv_write); // the result is the pool itself
  assert_int_equal(l->n_tensors, 3);
  assert_int_equal(l->out[0], l->in[2]);
  l = nf_args_layout_of(NF_OP_rope_table);
  assert_int_equal(l->tensors, offsetof(nf_rope_table_args, y));
  l = nf_args_layout_of(NF_OP_router_topk);
  assert_int_equal(l->tensors + (size_t)l->out[1] * sizeof(nf_tensor), offsetof(nf_router_topk_args, ids));
}

static nf_op_desc attention(void) {
  nf_op_desc d = {.op = NF_OP_attention,
                  .attr.attention = {.scale = 1},
                  .in = {NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(64), NF_C(80)),
                         NF_TYPE(NF_BF16, NF_C(2), NF_C(8), NF_C(16), NF_C(80))}};
  d.in[1].cache = NF_CACHE_FULL;
  nf_status st = nf_op_infer(&d);
  assert_string_equal(nf_status_message(st), "");
  return d;
}

static void says(const nf_limit *l, const nf_op_desc *d, const char *holds_not, const char *itself) {
  nf_text t = {0};
  assert_int_equal(nf_limit_holds(l, d), holds_not == NULL);
  if (holds_not) {
    nf_limit_explain(l, d, &t);
    assert_string_equal(t.at, holds_not);
    nf_text_deinit(&t);
    t = (nf_text){0};
  }
  nf_limit_print(l, d->op, &t);
  assert_string_equal(t.at, itself);
  nf_text_deinit(&t);
}

static void limits(void **state) {
  (void)state;
  const nf_op_desc d = attention();
  const nf_limit l[] = {MULTIPLE_OF(HEAD, 64),
                        AT_MOST(GROUP, 8),
                        AT_LEAST(PAGE, 32),
                        OPERAND_DTYPE(0, NF_BIT(F32) | NF_BIT(F16)),
                        OPERAND_DTYPE(2, NF_BIT(F32)),
                        RESULT_DTYPE(0, NF_FLOATS),
                        AT_MOST(E, 4)};
  says(&l[0], &d, "HEAD = 80 is not a multiple of 64", "HEAD a multiple of 64");
  says(&l[1], &d, NULL, "GROUP at most 8");
  says(&l[2], &d, "PAGE = 16 is not at least 32", "PAGE at least 32");
  says(&l[3], &d, "q is bf16, not one of f32 f16", "q one of f32 f16");
  says(&l[4], &d, NULL, "sinks one of f32"); // absent
  says(&l[5], &d, NULL, "o one of f32 bf16 f16");
  says(&l[6], &d, "E (experts) is not fixed", "E at most 4");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(layouts), cmocka_unit_test(limits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
