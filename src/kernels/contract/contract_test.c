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

static void says_at(const nf_limit *l, const nf_op_desc *d, const nf_site *site, const char *holds_not) {
  nf_text t = {0};
  assert_int_equal(nf_limit_holds(l, d, site), holds_not == NULL);
  if (holds_not) {
    nf_limit_explain(l, d, site, &t);
    assert_string_equal(t.at, holds_not);
    nf_text_deinit(&t);
  }
}

static void says(const nf_limit *l, const nf_op_desc *d, const char *holds_not) {
  says_at(l, d, NULL, holds_not);
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
  says(&l[0], &d, "HEAD = 80 is not a multiple of 64");
  says(&l[1], &d, NULL);
  says(&l[2], &d, "PAGE = 16 is not at least 32");
  says(&l[3], &d, "q is bf16, not one of f32 f16");
  says(&l[4], &d, NULL); // absent
  says(&l[5], &d, NULL);
  says(&l[6], &d, "E (experts) is not fixed");
}

static nf_op_desc add(nf_dtype t, int64_t columns) {
  nf_op_desc d = {.op = NF_OP_add};
  d.in[0] = d.in[1] = NF_TYPE(t, NF_BY(1, NF_T), NF_C(columns));
  nf_status st = nf_op_infer(&d);
  assert_string_equal(nf_status_message(st), "");
  return d;
}

// The limits of a one-shot collective, asked of an add.
static void derived(void **state) {
  (void)state;
  const nf_op_desc fine = add(NF_BF16, 2880), odd = add(NF_BF16, 2884), wide = add(NF_F32, 4100);
  const nf_limit whole = WHOLE(PACK16(H)), most = AT_MOST(PACK16(H), 1024), tile = MULTIPLE_OF(PACK16(H), 32),
                 least = AT_LEAST(PACK16(H), 361), heads = ONE_OF(K, 64, 2884);
  says(&whole, &fine, NULL);
  says(&whole, &odd, "PACK16(H) = 360.5 is not whole");
  says(&most, &fine, NULL);
  says(&most, &wide, "PACK16(H) = 1025 is not at most 1024");
  says(&tile, &fine, "PACK16(H) = 360 is not a multiple of 32");
  says(&least, &odd, "PACK16(H) = 360.5 is not at least 361");
  says(&heads, &odd, NULL);
  says(&heads, &fine, "K = 2880 is not one of 64 2884");
}

static void sites(void **state) {
  (void)state;
  const nf_op_desc d = add(NF_BF16, 2880);
  const nf_limit world = WORLD(2, 4, 8), cap = AT_MOST_FOR_WORLD(4, BYTES, 262144),
                 least = AT_LEAST(BYTES, 5761);
  nf_site s = {.at = nf_sizes_of(46, 1, 1), .world = 4};
  says_at(&world, &d, &s, NULL);
  says_at(&cap, &d, &s, "BYTES = 264960 is not at most 262144 for 4 ranks");
  s.at = nf_sizes_of(45, 1, 1);
  says_at(&cap, &d, &s, NULL);
  s = (nf_site){.at = nf_sizes_of(1, 1, 1), .world = 3};
  says_at(&world, &d, &s, "WORLD = 3 is not one of 2 4 8");
  says_at(&least, &d, &s, "BYTES = 5760 is not at least 5761");
  says(&world, &d, "WORLD = 1 is not one of 2 4 8");
  says(&least, &d, "BYTES (bytes of the first operand) is not fixed");
  s = (nf_site){.at = nf_sizes_of(4096, 1, 1), .world = 2}; // another world's cap
  says_at(&cap, &d, &s, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(layouts), cmocka_unit_test(limits),
                                     cmocka_unit_test(derived), cmocka_unit_test(sites)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
