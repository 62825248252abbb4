// SPDX-License-Identifier: Apache-2.0
// Weights that join the rows of others: each row is the other's own, made up and from files, plain and
// packed, cut and uncut.
#include "graph/slice.h"
#include "tensor/pack.h"
#include "tests/support/weights.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const nf_sizes none = {{1, 0, 0, 0}};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

#define L0 "model.layers.0."
#define TENSOR(module) .tensor = L0 module ".weight"
#define BLOCK(module) TENSOR(module), .scales = L0 module ".weight_scale_inv"
#define ROW(module) TENSOR(module), .scales = L0 module ".weight_scale"
#define HALVES(d, size, unit_) \
  .slice = {.world = 2, .copies = 1, .dim = d, .n = 1, .segment = {{size, unit_}}}

static const struct joined_case {
  const char *dir, *type; // of a rank
  int n;
  nf_joined joined[3];
} cases[] = {
    {"checkpoints/gpt-oss-tiny",
     "bf16[384,288]",
     3,
     {{"q.w", 256, {TENSOR("self_attn.q_proj")}},
      {"k.w", 64, {TENSOR("self_attn.k_proj")}},
      {"v.w", 64, {TENSOR("self_attn.v_proj")}}}},
    {"checkpoints/gpt-oss-tiny",
     "bf16[384]",
     3,
     {{"q.b", 256, {.tensor = L0 "self_attn.q_proj.bias"}},
      {"k.b", 64, {.tensor = L0 "self_attn.k_proj.bias"}},
      {"v.b", 64, {.tensor = L0 "self_attn.v_proj.bias"}}}},
    {"checkpoints/gpt-oss-tiny",
     "bf16[192,288]",
     3,
     {{"q.w", 128, {TENSOR("self_attn.q_proj"), HALVES(0, 256, 32)}},
      {"k.w", 32, {TENSOR("self_attn.k_proj"), HALVES(0, 64, 32)}},
      {"v.w", 32, {TENSOR("self_attn.v_proj"), HALVES(0, 64, 32)}}}},
    {"checkpoints/gpt-oss-tiny",
     "bf16[66]",
     2,
     {{"k.b", 64, {.tensor = L0 "self_attn.k_proj.bias", .zero_but_rank0 = true}},
      {"s",
       2,
       {.tensor = L0 "self_attn.sinks", .slice = {.world = 4, .copies = 1, .n = 1, .segment = {{8, 2}}}}}}},
    {"checkpoints/qwen3-tiny-fp8-block",
     "fp8b128[384,192]",
     2,
     {{"q.w", 256, {BLOCK("self_attn.q_proj")}}, {"k.w", 128, {BLOCK("self_attn.k_proj")}}}},
    {"checkpoints/qwen3-tiny-fp8-block",
     "fp8b128[448,192]",
     2,
     {{"k.w", 128, {BLOCK("self_attn.k_proj")}}, {"up.w", 320, {BLOCK("mlp.up_proj")}}}},
    {"checkpoints/qwen3-tiny-fp8-ptpc",
     "fp8row[640,192]",
     2,
     {{"gate.w", 320, {ROW("mlp.gate_proj")}}, {"up.w", 320, {ROW("mlp.up_proj")}}}},
    {"checkpoints/qwen3-tiny-fp8-ptpc",
     "fp8row[327,192]",
     2, // strips of both
     {{"gate.w",
       7,
       {ROW("mlp.gate_proj"), .slice = {.world = 46, .copies = 1, .n = 1, .segment = {{320, 7}}}}},
      {"up.w", 320, {ROW("mlp.up_proj")}}}},
};

static void *filled(const nf_value *v, int rank, const nf_checkpoint *files) {
  void *data = weight_storage(v, 0xff, NULL);
  assert_non_null(data);
  ok(load_weight(files, v, rank, data));
  return data;
}

// Element i of row r; those of a vector are columns of its one row.
static float element(const nf_tensor *t, int64_t r, int64_t i) {
  static float row[1024];
  assert_true(nf_tensor_cols(t) <= 1024);
  nf_row_decode(t, t->rank > 1 ? r : 0, row);
  return row[t->rank > 1 ? i : r];
}

static void compare(const nf_value *v, int rank, const nf_checkpoint *files) {
  void *data = filled(v, rank, files);
  const nf_tensor all = nf_tensor_of(&v->type, &none, 0, data);
  for (int i = 0; i < nf_weight_joins(v); i++) {
    int64_t first;
    nf_value one = nf_weight_joined(v, i, &first);
    one.type.pack = NF_PACK_PLAIN;
    void *part = filled(&one, rank, files);
    const nf_tensor t = nf_tensor_of(&one.type, &none, 0, part);
    const int64_t cols = t.rank > 1 ? nf_tensor_cols(&t) : 1;
    for (int64_t r = 0; r < one.type.dim[0].c; r += 3)
      for (int64_t k = 0; k < cols; k += 61)
        if (element(&all, first + r, k) != element(&t, r, k)) fail_msg("%s, row %d", one.name, (int)r);
    nf_free_aligned(part);
  }
  nf_free_aligned(data);
}

static void rows_are_those_of_the_joined(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct joined_case *c = &cases[i];
    nf_value v = {.name = "w", .kind = NF_VALUE_WEIGHT, .recipe = {.joined = c->joined, .n_joined = c->n}};
    nf_checkpoint *files;
    ok(nf_type_parse(nf_view_of(c->type), &v.type));
    ok(nf_checkpoint_open(c->dir, NULL, &files));
    for (int rank = 0; rank < 2; rank++) {
      nf_value packed = v;
      packed.type = v.type.rank > 1 ? nf_type_packed(v.type, NF_PACK_N16) : v.type;
      compare(&v, rank, NULL);
      compare(&v, rank, files);
      compare(&packed, rank, NULL);
      compare(&packed, rank, files);
    }
    nf_checkpoint_close(files);
  }
}

static void their_tensors(void **state) {
  (void)state;
  const nf_value v = {.type = NF_TYPE(NF_FP8_BLOCK, NF_C(384), NF_C(192)),
                      .recipe = {.joined = cases[4].joined, .n_joined = 2}};
  static const char *const names[] = {L0 "self_attn.q_proj.weight", L0 "self_attn.q_proj.weight_scale_inv",
                                      L0 "self_attn.k_proj.weight", L0 "self_attn.k_proj.weight_scale_inv"};
  static const int64_t rows[] = {256, 2, 128, 1};
  assert_int_equal(nf_weight_tensor_count(&v), 4);
  for (int i = 0; i < 4; i++) {
    nf_weight_tensor t;
    nf_weight_tensor_at(&v, i, &t);
    assert_string_equal(t.name, names[i]);
    assert_int_equal(t.scales, i % 2);
    assert_int_equal(t.stored.dim[0], rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_those_of_the_joined),
                                     cmocka_unit_test(their_tensors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
