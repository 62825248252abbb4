// SPDX-License-Identifier: Apache-2.0
// Kernels that read weights in pairs of columns sum in one order: those with tiles, here in plain C, give the
// bits of those without, and both what the reference says.
#include "base/checked.h"
#include "check/internal.h"
#include "kernels/kernels.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NF_PLAIN_PAIRS(X) X(linear) X(grouped_linear) X(experts_swiglu) X(experts_silu)
#define PROTOTYPES(op)                          \
  NF_SCRATCHED_PROTOTYPES(op, op##_pairs_plain) \
  FUNCTIONS(op)
#define FUNCTIONS(op)                                                                   \
  static int64_t op##_blocks(const void *a) { return nf_##op##_pairs_plain_blocks(a); } \
  static void op##_run(const void *a, int64_t block, void *scratch) {                   \
    nf_##op##_pairs_plain(a, block, scratch);                                           \
  }                                                                                     \
  static size_t op##_scratch(const void *a) { return nf_##op##_pairs_plain_scratch(a); }
NF_PLAIN_PAIRS(PROTOTYPES)

NF_ROUNDS_PROTOTYPES(attention, attention_pairs_plain)
FUNCTIONS(attention)
static size_t attention_shared(const void *a) { return nf_attention_pairs_plain_shared(a); }
static int64_t then_blocks(const void *a) { return nf_attention_pairs_plain_then_blocks(a); }
static void then_run(const void *a, int64_t block, void *s) { nf_attention_pairs_plain_then(a, block, s); }
static const nf_host_function second = {then_blocks, then_run, attention_scratch, attention_shared};

typedef struct kernels { // of an op: with plain tiles, and without any
  nf_variant plain;
  const nf_variant *avx512;
} kernels;

static bool find(nf_op op, kernels *k) {
  static const nf_entry entries[NF_OP_COUNT] = {
#define ENTRY(op) [NF_OP_##op] = {NF_ENTRY_HOST, {{op##_blocks, op##_run, op##_scratch}}},
      NF_PLAIN_PAIRS(ENTRY)[NF_OP_attention] = {
          NF_ENTRY_HOST, {{attention_blocks, attention_run, attention_scratch, attention_shared, &second}}}};
  char name[64];
  nf_hw hw;
  snprintf(name, sizeof name, "%s_pairs_avx512", nf_op_of(op)->name);
  k->avx512 = nf_variant_find(name);
  k->plain = *k->avx512;
  k->plain.name = "plain";
  k->plain.entry = entries[op];
  assert_true(nf_is_ok(nf_hw_detect(&hw)));
  return (k->avx512->need & ~hw.features) == 0;
}

static nf_case case_of(nf_op op, const char *const *in, int64_t tokens, uint64_t seed) {
  nf_case c = {.d.op = op, .at = nf_sizes_of(tokens, 1, 1), .past = 1, .seed = seed};
  for (int i = 0; i < NF_MAX_IN && in[i] != NULL; i++)
    if (*in[i] != 0) assert_true(nf_is_ok(nf_type_parse(nf_view_of(in[i]), &c.d.in[i])));
  if (op == NF_OP_linear) c.d.attr.linear.out = NF_F32;
  if (op == NF_OP_grouped_linear) c.d.attr.grouped_linear.out = NF_F32;
  if (op == NF_OP_experts_swiglu)
    c.d.attr.experts_swiglu =
        (nf_experts_swiglu_attrs){.out = NF_BF16, .alpha = 1.7f, .beta = 1, .limit = 7, .interleaved = true};
  if (op == NF_OP_experts_silu) c.d.attr.experts_silu.out = NF_BF16;
  assert_true(nf_is_ok(nf_op_infer(&c.d)));
  return c;
}

static void expect_same(const kernels *k, const nf_case *c) {
  nf_instance a, b;
  assert_true(nf_is_ok(nf_instance_init(&a, c, k->avx512, 3, 0xff, false)));
  assert_true(nf_is_ok(nf_instance_init(&b, c, k->avx512, 0, 0xaa, false)));
  assert_true(nf_is_ok(nf_variant_run(k->avx512, a.args, NULL)));
  assert_true(nf_is_ok(nf_variant_run(&k->plain, b.args, NULL)));
  const nf_tensor *x = nf_instance_result(&a, 0), *y = nf_instance_result(&b, 0);
  const size_t bytes = (size_t)(nf_tensor_cols(x) * nf_dtype_of(x->dtype)->bits / 8);
  const int64_t used = nf_tensor_rows(x) / c->at.of[NF_T] * a.used; // rows of padding may be anything
  for (int64_t r = 0; r < used; r++) assert_memory_equal(nf_tensor_row(x, r), nf_tensor_row(y, r), bytes);
  nf_instance_deinit(&a);
  nf_instance_deinit(&b);
}

static void expect_right(const nf_variant *v, const nf_case *c) {
  nf_check_row r;
  assert_true(nf_is_ok(nf_gate(v, c, &(nf_runner){0}, &r)));
  if (!r.ok) fail_msg("%s, %s: %s", v->name, r.text, r.why);
}

static void try(nf_op op, const char *const *in, int64_t tokens) {
  static uint64_t seed;
  kernels k;
  if (!find(op, &k)) skip();
  const nf_case c = case_of(op, in, tokens, ++seed);
  expect_same(&k, &c);
  expect_right(k.avx512, &c);
  expect_right(&k.plain, &c);
}

// Tokens on both sides of what a tile takes; columns on both sides of a step, a block and a panel.
static void linear(void **state) {
  (void)state;
  static const char *const types[][2] = {{"bf16", "bf16"},    {"bf16", "fp8row"},     {"fp8row", "fp8row"},
                                         {"bf16", "fp8b128"}, {"fp8g128", "fp8b128"}, {"bf16", "mxfp4"}};
  static const int tokens[] = {1, 2, 3, 5, 7, 9, 13, 17, 40, 130}, cols[] = {1, 33, 130, 256, 525, 1100},
                   rows[] = {1, 17, 70, 300};
  for (int t = 0; t < 6; t++)
    for (int i = 0; i < 10; i++) {
      char x[64], w[64], bias[64];
      const int K = cols[(t + i) % 6], N = rows[(t + i / 2) % 4];
      snprintf(x, sizeof x, "%s[T,%d]", types[t][0], t == 5 ? (K + 31) / 32 * 32 : K);
      snprintf(w, sizeof w, "%s[%d,%d]", types[t][1], N, t == 5 ? (K + 31) / 32 * 32 : K);
      snprintf(bias, sizeof bias, "bf16[%d]", N);
      try(NF_OP_linear, (const char *const[NF_MAX_IN]){x, w, i % 2 ? bias : NULL}, tokens[i]);
    }
}

static void experts(void **state) {
  (void)state;
  static const char *const grouped[][NF_MAX_IN] = {
      {"bf16[T,160]", "i32[T,3]", "mxfp4[5,70,160]", "bf16[5,70]"},
      {"fp8g128[T,3,300]", "i32[T,3]", "fp8b128[40,33,300]"},
      {"bf16[T,33]", "i32[T,2]", "bf16[2,530,33]"},
      {"fp8row[T,600]", "i32[T,2]", "fp8row[3,20,600]"}};
  static const char *const swiglu[][NF_MAX_IN] = {
      {"bf16[T,96]", "i32[T,2]", "mxfp4[3,128,96]", "bf16[3,128]", "mxfp4[3,40,64]", "bf16[3,40]"},
      {"bf16[T,40]", "i32[T,2]", "bf16[3,66,40]", "", "bf16[3,20,33]"}};
  static const char *const silu[][NF_MAX_IN] = {
      {"bf16[T,130]", "i32[T,2]", "fp8b128[3,140,130]", "fp8b128[3,140,130]", "fp8b128[3,20,140]"}};
  static const int tokens[] = {1, 2, 9, 60, 200};
  for (int i = 0; i < 5; i++) {
    for (int n = 0; n < 4; n++) try(NF_OP_grouped_linear, grouped[n], tokens[i]);
    for (int n = 0; n < 2; n++) try(NF_OP_experts_swiglu, swiglu[n], tokens[i]);
    try(NF_OP_experts_silu, silu[0], tokens[i]);
  }
}

static nf_case heads_case(const int heads[3], int64_t tokens, int64_t sequences, int page, bool window,
                          bool sinks) {
  const int head = heads[0], kv = heads[2], all = heads[1] * kv;
  nf_case c = {.d = {.op = NF_OP_attention, .attr.attention = {.scale = .25f, .window = window ? 67 : 0}},
               .at = nf_sizes_of(tokens, sequences, 1)};
  char in[3][64];
  snprintf(in[0], sizeof in[0], "bf16[T,%d,%d]", all, head);
  snprintf(in[1], sizeof in[1], "%s bf16[2,%d,%d,%d]", window ? "sliding" : "full", kv, page, head);
  snprintf(in[2], sizeof in[2], "%s[%d]", tokens % 2 ? "f32" : "bf16", all);
  for (int j = 0; j < 2 + sinks; j++) assert_true(nf_is_ok(nf_type_parse(nf_view_of(in[j]), &c.d.in[j])));
  assert_true(nf_is_ok(nf_op_infer(&c.d)));
  return c;
}

static void expect_one_order(const kernels *k, const nf_case *c) {
  expect_right(k->avx512, c);
  expect_right(&k->plain, c);
  expect_same(k, c);
}

// Behind many keys, which are cut into splits, of more keys each at later positions; by blocks of splits, of
// a token, of several.
static void long_past(void **state) {
  (void)state;
  static const int heads[][3] = {{32, 3, 2}, {64, 2, 1}};
  static const int64_t past[] = {253, 700, 4090}, tokens[] = {1, 3, 33, 140};
  kernels k;
  if (!find(NF_OP_attention, &k)) skip();
  for (int i = 0; i < 3; i++)
    for (int n = 0; n < 4; n++) {
      nf_case c =
          heads_case(heads[(i + n) % 2], tokens[n], n == 1 ? 2 : 1, n == 2 ? 32 : 64, n == 1 && i % 2, i < 2);
      c.past = past[i];
      c.seed = (uint64_t)(i * 4 + n + 1);
      expect_right(k.avx512, &c);
      expect_same(&k, &c);
    }
}

// Mixed batches on both sides of a page and of what a tile takes, with and without sinks and a window; keys
// that no token may see are NaN.
static void attention(void **state) {
  (void)state;
  static const int heads[][3] = {{32, 16, 2}, {64, 8, 2}, {64, 3, 1}, {128, 2, 2}, {128, 5, 1}, {256, 8, 1}};
  static const int tokens[] = {1, 3, 7, 33, 150};
  kernels k;
  if (!find(NF_OP_attention, &k)) skip();
  for (int i = 0; i < 6; i++)
    for (int n = 0; n < 5; n++) {
      nf_case c = heads_case(heads[i], tokens[n], nf_min(tokens[n], 5), n == 2 ? 32 : 64, (i + n) % 2, n > 1);
      c.seed = (uint64_t)(i * 5 + n + 1);
      expect_one_order(&k, &c);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(linear), cmocka_unit_test(experts),
                                     cmocka_unit_test(attention), cmocka_unit_test(long_past)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
