// SPDX-License-Identifier: Apache-2.0
// The tables made from ops.def: counts, names, aliases, offsets; equality of attributes.
#include "op/traits.h"
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
  assert_int_equal(w->in[NF_OPERAND(kv_write, kv)].role, NF_ROLE_POOL);
  assert_int_equal(w->out[0].alias, 2);
  assert_int_equal(w->flags, NF_OP_BATCH);
  const nf_op_info *r = nf_op_of(NF_OP_rope_table);
  assert_int_equal(r->n_in, 0);
  assert_int_equal(r->n_attr, 8);
  assert_int_equal(r->attr[6].kind, NF_ATTR_INT);
  assert_int_equal(r->attr[6].offset, offsetof(nf_rope_table_attrs, dims));
  assert_int_equal(nf_op_of(NF_OP_linear)->in[1].role, NF_ROLE_WEIGHT);
  assert_false(nf_op_of(NF_OP_linear)->in[1].optional);
  assert_true(nf_op_of(NF_OP_linear)->in[2].optional);
  assert_int_equal(nf_op_of(NF_OP_linear)->out[0].alias, -1);
  assert_int_equal(nf_op_of(NF_OP_reshape)->flags, NF_OP_VIEW);
}

static void traits_are_whole(void **state) {
  (void)state;
  for (int op = 0; op < NF_OP_COUNT; op++) {
    const nf_op_info *info = nf_op_of((nf_op)op);
    const nf_op_traits *t = nf_traits_of((nf_op)op);
    assert_non_null(t->infer);
    assert_in_range(t->shard, NF_SHARD_LINEAR, NF_SHARD_REPLICATED);
    assert_in_range(t->exact, NF_EXACT_NEVER, NF_EXACT_ALWAYS);
    assert_true((t->work.exchange > 0) == ((info->flags & (NF_OP_COMM | NF_OP_REDUCES)) != 0));
    for (int i = 0; i < NF_MAX_EXTENTS && t->extent[i].quantity != NF_Q_NONE; i++)
      assert_in_range(t->extent[i].operand + NF_MAX_OUT, NF_MAX_OUT - info->n_out,
                      NF_MAX_OUT + info->n_in - 1);
  }
}

static void roles(void **state) {
  (void)state;
  nf_op_desc d = {.op = NF_OP_experts_swiglu};
  enum { W_UP = NF_OPERAND(experts_swiglu, w_up), W_DOWN = NF_OPERAND(experts_swiglu, w_down) };
  d.in[W_UP] = NF_TYPE(NF_MXFP4, NF_C(4), NF_C(8), NF_C(32));
  d.in[W_DOWN] = NF_TYPE(NF_MXFP4, NF_BY(4, NF_T), NF_C(8), NF_C(32)); // no weight of a model
  assert_int_equal(nf_packed_operand(&d, 0), W_UP);
  assert_int_equal(nf_packed_operand(&d, W_UP + 1), -1);
  assert_int_equal(nf_operand_of(&d, NF_ROLE_WEIGHT, W_UP + 1), W_DOWN);
  assert_int_equal(nf_operand_of(&d, NF_ROLE_IDS, 0), -1); // absent
  assert_true(nf_op_is_comm(NF_OP_all_reduce, &d.attr));
  assert_false(nf_op_is_comm(NF_OP_rms_norm, &(nf_attrs){.rms_norm = {.eps = 1, .keep = true}}));
  assert_true(nf_op_is_comm(NF_OP_rms_norm, &(nf_attrs){.rms_norm.reduce = true}));
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(tables_are_whole),
                                     cmocka_unit_test(some_rows),
                                     cmocka_unit_test(traits_are_whole),
                                     cmocka_unit_test(roles),
                                     cmocka_unit_test(attributes_compare_by_field),
                                     cmocka_unit_test(shapes_and_others_compare)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
