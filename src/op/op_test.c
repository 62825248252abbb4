// SPDX-License-Identifier: Apache-2.0
// The tables made from ops.def: counts, names, aliases, offsets; equality of attributes.
#include "op/op.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void tables_are_whole(void **state) {
  (void)state;
  for (int op = 0; op < NF_OP_COUNT; op++) {
    const nf_op_info *info = nf_op_of((nf_op)op);
    nf_op back;
    assert_true(info->name && info->what && nf_op_parse(nf_view_of(info->name), &back) && (int)back == op);
    assert_in_range(info->n_in, 0, NF_MAX_IN);
    assert_in_range(info->n_out, 1, NF_MAX_OUT);
    for (int i = 0; i < NF_MAX_IN; i++) assert_int_equal(info->in[i].name != NULL, i < info->n_in);
    for (int i = 0; i < NF_MAX_OUT; i++) assert_int_equal(info->out[i].name != NULL, i < info->n_out);
    for (int i = 0; i < NF_MAX_ATTRS; i++) assert_int_equal(info->attr[i].name != NULL, i < info->n_attr);
    for (int i = 0; i < info->n_out; i++)
      if (info->out[i].alias >= 0) assert_string_equal(info->out[i].name, info->in[info->out[i].alias].name);
  }
  nf_op op;
  assert_false(nf_op_parse(NF_VIEW("linea"), &op));
  assert_false(nf_op_parse(NF_VIEW(""), &op));
  assert_null(nf_op_of(NF_OP_COUNT));
}

static void some_rows(void **state) {
  (void)state;
  const nf_op_info *w = nf_op_of(NF_OP_kv_write);
  assert_int_equal(w->in[2].kind, NF_OPERAND_POOL);
  assert_int_equal(w->out[0].alias, 2);
  assert_int_equal(w->flags, NF_OP_BATCH);
  const nf_op_info *r = nf_op_of(NF_OP_rope_table);
  assert_int_equal(r->n_in, 0);
  assert_int_equal(r->n_attr, 8);
  assert_int_equal(r->attr[6].kind, NF_ATTR_INT);
  assert_int_equal(r->attr[6].offset, offsetof(nf_rope_table_attrs, dims));
  assert_int_equal(nf_op_of(NF_OP_linear)->in[2].kind, NF_OPERAND_OPT);
  assert_int_equal(nf_op_of(NF_OP_linear)->out[0].alias, -1);
  assert_int_equal(nf_op_of(NF_OP_reshape)->flags, NF_OP_VIEW);
}

static void attributes_compare_by_field(void **state) {
  (void)state;
  nf_attrs a, b;
  memset(&a, 0, sizeof a);
  memset(&b, 0xff, sizeof b); // padding differs
  a.swiglu.alpha = b.swiglu.alpha = 1.5f;
  a.swiglu.beta = b.swiglu.beta = 0;
  a.swiglu.limit = b.swiglu.limit = 7;
  a.swiglu.interleaved = b.swiglu.interleaved = true;
  assert_true(nf_attrs_equal(NF_OP_swiglu, &a, &b));
  assert_true(nf_attrs_equal(NF_OP_add, &a, &b)); // none to compare
  b.swiglu.beta = -0.0f;
  assert_false(nf_attrs_equal(NF_OP_swiglu, &a, &b));
  b.swiglu.beta = 0;
  b.swiglu.interleaved = false;
  assert_false(nf_attrs_equal(NF_OP_swiglu, &a, &b));
}

static void shapes_and_others_compare(void **state) {
  (void)state;
  nf_attrs a = {.reshape = {.to = {2, {NF_BY(1, NF_T), NF_C(4)}}}}, b = a;
  b.reshape.to.dim[2] = NF_C(9); // beyond the rank
  assert_true(nf_attrs_equal(NF_OP_reshape, &a, &b));
  b.reshape.to.dim[0].sym = NF_S;
  assert_false(nf_attrs_equal(NF_OP_reshape, &a, &b));
  a = (nf_attrs){.linear = {.out = NF_F32}};
  b = (nf_attrs){.linear = {.out = NF_F16}};
  assert_false(nf_attrs_equal(NF_OP_linear, &a, &b));
  a = (nf_attrs){.router_topk = {.k = 4}};
  b = (nf_attrs){.router_topk = {.k = 4 + (1ll << 32)}};
  assert_false(nf_attrs_equal(NF_OP_router_topk, &a, &b));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tables_are_whole), cmocka_unit_test(some_rows),
                                     cmocka_unit_test(attributes_compare_by_field),
                                     cmocka_unit_test(shapes_and_others_compare)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
