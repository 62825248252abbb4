// SPDX-License-Identifier: Apache-2.0
// Tests of verify where activations are quantised: bounds that come from what rounding does to the model,
// within which wrong kernels are found all the same.
#include "kernels/contract/args.h"
#include "select/select.h"
#include "tests/support/expect.h"
#include <infuse/inspect.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const char model[] = "checkpoints/qwen3-next-tiny-fp8-block";

// ---- wrong kernels: those of an op for CPUs are the reference but for one fault ----

typedef struct fault {
  nf_op op;
  const char *what;
  void (*before)(void *args), (*after)(const void *args); // NULL: nothing
} fault;
static const fault *planted;

static int64_t one_block(const void *args) { return args != NULL; }

static void run_wrong(const void *p, int64_t block, void *scratch) {
  _Alignas(max_align_t) char args[8192];
  const size_t n = nf_args_layout_of(planted->op)->size;
  (void)block, (void)scratch;
  assert_true(n <= sizeof args);
  memcpy(args, p, n);
  if (planted->before != NULL) planted->before(args);
  assert_true(nf_is_ok(nf_variant_run(nf_reference_of(planted->op), args, NULL)));
  if (planted->after != NULL) planted->after(args);
}

// The linker puts it in place of nf_variants.
const nf_variant *__real_nf_variants(size_t *out_n);
const nf_variant *__wrap_nf_variants(size_t *out_n);
const nf_variant *__wrap_nf_variants(size_t *out_n) {
  static nf_variant *wrong;
  const nf_variant *right = __real_nf_variants(out_n);
  if (planted == NULL) return right;
  if (wrong == NULL) wrong = calloc(*out_n, sizeof *wrong);
  assert_non_null(wrong);
  memcpy(wrong, right, *out_n * sizeof *wrong);
  for (size_t i = 0; i < *out_n; i++)
    if (wrong[i].op == planted->op && wrong[i].backend == NF_BACKEND_CPU)
      wrong[i].entry = (nf_entry){NF_ENTRY_HOST, {{one_block, run_wrong}}};
  return wrong;
}

static void lose_tail(void *args) { // the last columns of every sum
  nf_linear_args *a = args;
  a->x.dim[a->x.rank - 1] -= 32, a->w.dim[a->w.rank - 1] -= 32;
}

static void lose_row(const void *args) {
  const nf_tensor *y = &((const nf_linear_args *)args)->y;
  const int64_t last = nf_tensor_rows(y) - 1;
  if (last > 0)
    memset(nf_tensor_row(y, last), 0, (size_t)nf_tensor_cols(y) * nf_dtype_of(y->dtype)->bits / 8);
}

static void swap(nf_tensor *a, nf_tensor *b) {
  const nf_tensor t = *a;
  *a = *b, *b = t;
}
static void swap_halves(void *args) {
  swap(&((nf_silu_mul_args *)args)->gate, &((nf_silu_mul_args *)args)->up);
}
static void swap_gates(void *args) {
  swap(&((nf_gated_delta_rule_args *)args)->a, &((nf_gated_delta_rule_args *)args)->b);
}

static void take_gate_twice(void *args) {
  ((nf_experts_silu_args *)args)->w_up = ((nf_experts_silu_args *)args)->w_gate;
}

static void scale_otherwise(void *args) { ((nf_attention_args *)args)->attr.scale *= 2; }
static void forget_one_plus(void *args) { ((nf_rms_norm_args *)args)->attr.one_plus = false; }
static void forget_residual(void *args) { ((nf_rms_norm_args *)args)->residual = (nf_tensor){0}; }

static const fault faults[] = {
    {NF_OP_linear, "the last 32 columns", lose_tail, NULL},
    {NF_OP_linear, "the last token", NULL, lose_row},
    {NF_OP_experts_silu, "the gate twice", take_gate_twice, NULL},
    {NF_OP_gated_delta_rule, "gates swapped", swap_gates, NULL},
    {NF_OP_silu_mul, "gate and up swapped", swap_halves, NULL},
    {NF_OP_attention, "another scale", scale_otherwise, NULL},
    {NF_OP_rms_norm, "no 1 + w", forget_one_plus, NULL},
    {NF_OP_rms_norm, "no residual", forget_residual, NULL},
};

// ---- verify ----

static void keep(void *doc, const char *json, size_t n) {
  *(json_t **)doc = json_loadb(json, n, 0, NULL);
  assert_non_null(*(json_t **)doc);
}

static infuse_code verify(const char *dir, const infuse_verify_options *o, json_t **doc) {
  infuse_runtime *rt;
  const infuse_runtime_options ro = {.size = sizeof ro, .threads = 2};
  *doc = NULL;
  ok(infuse_runtime_create(&ro, &rt));
  infuse_error *e = infuse_verify(rt, dir, NULL, o, keep, doc);
  const infuse_code code = e != NULL ? infuse_error_code(e) : INFUSE_OK;
  if (*doc == NULL) fail_msg("%s", infuse_error_message(e));
  infuse_error_free(e);
  infuse_runtime_destroy(rt);
  return code;
}

static void wrong_kernels_are_found(void **state) {
  (void)state;
  const infuse_verify_options o = {.size = sizeof o, .seed = 1};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    json_t *doc;
    planted = &faults[i];
    const infuse_code code = verify(model, &o, &doc);
    planted = NULL;
    printf("%s: %s: %ld values beyond bounds\n", nf_op_of(faults[i].op)->name, faults[i].what,
           (long)json_integer_value(json_object_get(doc, "failed")));
    assert_int_equal(code, INFUSE_CHECK_FAILED);
    json_decref(doc);
  }
}

// Whatever tokens are drawn, and of few of them too, which say little of noise by themselves.
static void right_kernels_pass(void **state) {
  (void)state;
  static const int32_t few[] = {7};
  static const char *const dirs[] = {model, "models/infuse-next"};
  for (size_t i = 0; i < 2; i++)
    for (int64_t seed = 0; seed < 3; seed++) {
      const infuse_verify_options o = {
          .size = sizeof o, .seed = seed, .tokens = seed == 2 ? few : NULL, .n_tokens = seed == 2};
      json_t *doc;
      assert_int_equal(verify(dirs[i], &o, &doc), INFUSE_OK);
      json_decref(doc);
    }
}

// Bounds are nowhere what anything would pass.
static void bounds_are_what_rounding_does(void **state) {
  (void)state;
  const infuse_verify_options o = {.size = sizeof o, .seed = 1};
  json_t *doc, *row;
  size_t i;
  assert_int_equal(verify("models/infuse-next", &o, &doc), INFUSE_OK);
  json_array_foreach(json_object_get(doc, "rows"), i, row) {
    const double bound = json_number_value(json_object_get(row, "bound")),
                 unfused = json_number_value(json_object_get(row, "unfused"));
    const bool logits = strcmp(json_string_value(json_object_get(row, "name")), "logits") == 0;
    assert_true(bound >= (logits ? 0.05 : 0.1) && bound < 1);
    assert_true(bound <= (logits ? 0.05 : 0.1) || bound < 6 * unfused);
  }
  json_decref(doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_kernels_are_found),
      cmocka_unit_test(right_kernels_pass),
      cmocka_unit_test(bounds_are_what_rounding_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
