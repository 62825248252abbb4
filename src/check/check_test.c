// SPDX-License-Identifier: Apache-2.0
// The checker passes the kernels that are here, and catches kernels that are wrong in one way each.
#include "base/sanitized.h"
#include "check/check.h"
#include "kernels/kernels.h"
#include "tests/support/checked.h"
#include <stdio.h>
#include <string.h>

typedef struct seen {
  int rows, failed, refused, timed;
  char why[192];
  double used[NF_OP_COUNT], used_16[NF_OP_COUNT]; // largest share of what was allowed
} seen;

static void look_at_use(seen *s, const nf_check_row *r) {
  nf_op op;
  assert_true(nf_op_parse(nf_view_of(r->op), &op));
  if (r->used > s->used[op]) s->used[op] = r->used;
  if (r->used_16 > s->used_16[op]) s->used_16[op] = r->used_16;
}

static void look(void *user, const nf_check_row *r) {
  seen *s = user;
  s->rows++;
  s->refused += strncmp(r->text, "refused: ", 9) == 0;
  s->timed += r->us > 0;
  look_at_use(s, r);
  if (!r->ok && !s->failed++) snprintf(s->why, sizeof s->why, "%s", r->why);
  json_t *j = nf_check_row_json(r);
  assert_non_null(j);
  assert_string_equal(json_string_value(json_object_get(j, "variant")), r->variant);
  json_decref(j);
}

// Kernels that are right use a good part of what they are allowed: a bound that grows would hide wrong ones.
// What the checked kernels show is three times this or more; for 16-bit results it is mostly a neighbour, in
// any op.
static void check_use(const seen *s) {
  static const struct {
    nf_op op;
    double least, least_16;
    uint64_t need; // that a kernel has which does not compute like the reference
  } row[] = {{NF_OP_linear, 0.05, 0, 0},
             {NF_OP_grouped_linear, 0.06, 0, 0},
             {NF_OP_combine, 0.05, 0, NF_CPU_AVX2},
             {NF_OP_attention, 0, 0.4, 0},
             {NF_OP_causal_conv1d, 0.02, 0.3, 0},
             {NF_OP_gated_delta_rule, 0.03, 0.3, 0},
             {NF_OP_rms_norm, 0.06, 0, 0},
             {NF_OP_rms_norm_gated, 0.04, 0, 0},
             {NF_OP_silu, 0.05, 0, 0},
             {NF_OP_sigmoid, 0.04, 0, 0},
             {NF_OP_swiglu, 0.06, 0, 0},
             {NF_OP_silu_mul, 0.05, 0, 0},
             {NF_OP_sigmoid_mul, 0.04, 0, 0},
             {NF_OP_router_topk, 0.06, 0, 0},
             {NF_OP_qk_rope_write, 0.014, 0, 0},
             {NF_OP_experts_swiglu, 0.014, 0, 0},
             {NF_OP_experts_silu, 0.014, 0.3, 0}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    const double used = s->used[row[i].op], used_16 = s->used_16[row[i].op];
    if (!(row[i].need & ~hw.features) && (used < row[i].least || used_16 < row[i].least_16))
      fail_msg("kernels of %s use %.4f and %.4f of what they are allowed, less than %.3f and %.3f: its bound "
               "is too wide",
               nf_op_of(row[i].op)->name, used, used_16, row[i].least, row[i].least_16);
  }
}

// What is asked of numbers, no sanitizer changes; and of one that watches, tests.check.* run the same.
static void all(void **state) {
  (void)state;
  if (NF_SANITIZED) skip();
  seen both = {0};
  for (uint64_t seed = 1; seed <= 2; seed++) {
    seen s = {0};
    nf_status st =
        nf_check_run(&hw, &(nf_check_options){.seed = seed, .on.threads = threads, .row = look, .user = &s});
    if (!nf_is_ok(st)) fail_msg("%s: %s", nf_status_message(st), s.why);
    size_t n_all, n = 0;
    const nf_variant *list = nf_variants(&n_all);
    for (size_t i = 0; i < n_all; i++) n += list[i].entry.kind == NF_ENTRY_HOST;
    assert_true(s.rows > 30 * (int)n && s.refused >= (int)n);
    for (int op = 0; op < NF_OP_COUNT; op++) {
      if (s.used[op] > both.used[op]) both.used[op] = s.used[op];
      if (s.used_16[op] > both.used_16[op]) both.used_16[op] = s.used_16[op];
    }
  }
  check_use(&both);
}

// ---- wrong kernels: a linear that is the reference but for one fault ----

static int64_t blocks(const void *a) { return nf_linear_ref_blocks(a); }

static void wrong_tail(const void *p, int64_t block, void *) { // drops the last column of an odd K
  nf_linear_args a = *(const nf_linear_args *)p;
  if (a.x.dim[a.x.rank - 1] % 2) a.x.dim[a.x.rank - 1]--;
  nf_linear_ref(&a, block);
}

static void reads_padding(const void *p, int64_t block, void *) {
  nf_linear_args a = *(const nf_linear_args *)p;
  if (a.x.stride[0] > a.x.dim[1] && a.w.stride[0] > a.w.dim[1]) a.x.dim[1]++, a.w.dim[1]++;
  nf_linear_ref(&a, block);
}

static void writes_past_end(const void *p, int64_t block, void *) {
  const nf_linear_args *a = p;
  nf_linear_ref(a, block);
  if (nf_tensor_rows(&a->y) > 0)
    ((unsigned char *)nf_tensor_row(&a->y, 0))[nf_tensor_cols(&a->y) * nf_dtype_of(a->y.dtype)->bits / 8] = 0;
}

static void leaves_garbage(const void *p, int64_t block, void *) { // never writes the last row
  nf_linear_args a = *(const nf_linear_args *)p;
  if (a.x.dim[0] > 1) a.x.dim[0]--, a.y.dim[0]--;
  nf_linear_ref(&a, block);
}

static void loses_precision(const void *p, int64_t block, void *) {
  const nf_linear_args *a = p;
  nf_linear_ref(a, block);
  for (int64_t r = 0; block == 0 && a->y.dtype == NF_F32 && r < nf_tensor_rows(&a->y); r++)
    *(float *)nf_tensor_row(&a->y, r) *= 1 + 0x1p-16f;
}

// Another last bit as soon as there are two tokens, where sums are not of integers.
static void minds_others(const void *p, int64_t block, void *) {
  const nf_linear_args *a = p;
  const int64_t rows = nf_tensor_rows(&a->y);
  nf_linear_ref(a, block);
  if (block != nf_linear_ref_blocks(a) - 1 || a->y.dtype != NF_F32 || rows < 2) return;
  float *y = nf_tensor_row(&a->y, rows - 1);
  if (*y != (float)(int)*y) *y *= 1 + 0x1p-23f;
}

static void forgets_bias(const void *p, int64_t block, void *) {
  nf_linear_args a = *(const nf_linear_args *)p;
  a.bias = (nf_tensor){0};
  nf_linear_ref(&a, block);
}

// Every fiftieth code is its neighbour: more than the middle between two codes can explain.
static void other_codes(const void *p, int64_t block, void *) {
  const nf_rms_norm_args *a = p;
  const nf_variant *ref = nf_reference_of(NF_OP_rms_norm);
  (void)block;
  assert_true(nf_is_ok(nf_variant_run(ref, p, NULL)));
  for (int64_t r = 0, n = 0; nf_is_fp8(a->y.dtype) && r < nf_tensor_rows(&a->y); r++)
    for (int64_t i = 0; i < nf_tensor_cols(&a->y); i++) {
      uint8_t *code = (uint8_t *)nf_tensor_row(&a->y, r) + i;
      if (n++ % 50 == 7) *code = (*code & 0x7f) > 1 ? *code - 1 : *code + 1;
    }
}

static int64_t one_block(const void *a) { return a != NULL; }

static void few_other_codes(void **state) {
  (void)state;
  const nf_variant v = {.name = "rms_norm_quantise_wrong",
                        .op = NF_OP_rms_norm,
                        .backend = NF_BACKEND_CPU,
                        .entry = {NF_ENTRY_HOST, {{one_block, other_codes}}}};
  seen s = {0};
  nf_status st = nf_check_run_from(
      &v, 1, &hw, &(nf_check_options){.seed = 1, .on.threads = one_thread, .row = look, .user = &s});
  if (nf_status_code(st) != NF_CHECK_FAILED || !strstr(s.why, "codes are neighbours"))
    fail_msg("'%s', '%s'", nf_status_message(st), s.why);
  nf_status_free(st);
}

static void writes_operand(const void *p, int64_t block, void *) {
  const nf_linear_args *a = p;
  nf_linear_ref(a, block);
  if (block == 0) *(unsigned char *)a->w.data ^= 1;
}

static void order_matters(const void *p, int64_t block,
                          void *) { // block 1 is right only after block 0
  const nf_linear_args *a = p;
  nf_linear_ref(a, block);
  if (block != 1 || nf_tensor_rows(&a->y) == 0) return;
  uint8_t first[2];
  memcpy(first, nf_tensor_row(&a->y, 0), sizeof first);
  if (first[0] == 0x4b && first[1] == 0x4b) ((uint8_t *)nf_tensor_row(&a->y, 0))[8] ^= 0x10;
}

static void catches(void **state) {
  (void)state;
  static const struct {
    void (*run)(const void *, int64_t, void *);
    const char *why;
  } wrong[] = {{wrong_tail, "row"},
               {reads_padding, "row"},
               {writes_past_end, "wrote beside its result"},
               {leaves_garbage, "row"},
               {loses_precision, "row"},
               {forgets_bias, "row"},
               {writes_operand, "wrote into an operand"},
               {minds_others, "when it is alone"},
               {order_matters, "another order"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const nf_variant v = {.name = "linear_wrong",
                          .op = NF_OP_linear,
                          .backend = NF_BACKEND_CPU,
                          .limit = {AT_MOST(K, 4096)},
                          .entry = {NF_ENTRY_HOST, {{blocks, wrong[i].run}}}};
    // Some of these race by nature; one thread shuffles the blocks just as well, and the same way each time.
    seen s = {0};
    nf_status st = nf_check_run_from(
        &v, 1, &hw, &(nf_check_options){.seed = 1, .on.threads = one_thread, .row = look, .user = &s});
    if (nf_status_code(st) != NF_CHECK_FAILED || !strstr(s.why, wrong[i].why))
      fail_msg("wrong kernel %zu: '%s', '%s'", i, nf_status_message(st), s.why);
    nf_status_free(st);
  }
  const nf_variant right = {
      .name = "linear_right",
      .op = NF_OP_linear,
      .backend = NF_BACKEND_CPU,
      .limit = {MULTIPLE_OF(K, 48), AT_MOST(K, 4096), OPERAND_DTYPE(1, NF_BIT(MXFP4))},
      .entry = {NF_ENTRY_HOST, {{blocks, nf_reference_of(NF_OP_linear)->entry.host.run}}}};
  seen s = {0};
  nf_status st = nf_check_run_from(
      &right, 1, &hw, &(nf_check_options){.seed = 1, .on.threads = threads, .row = look, .user = &s});
  if (!nf_is_ok(st)) fail_msg("%s: %s", nf_status_message(st), s.why);
  assert_int_equal(s.refused, 3);
}

// Right, with another last bit in the first column where sums are not of integers.
static void sums_otherwise(const void *p, int64_t block, void *) {
  const nf_linear_args *a = p;
  nf_linear_ref(a, block);
  for (int64_t r = 0; block == 0 && a->y.dtype == NF_F32 && r < nf_tensor_rows(&a->y); r++) {
    float *y = nf_tensor_row(&a->y, r);
    if (*y != (float)(int)*y) *y *= 1 + 0x1p-23f;
  }
}

// A kernel that is right, but not in the order that it declares, is told beside which one.
static void orders(void **state) {
  (void)state;
  nf_variant rows[] = {{.name = "linear_first", .entry = {NF_ENTRY_HOST, {{blocks, sums_otherwise}}}},
                       {.name = "linear_second",
                        .entry = {NF_ENTRY_HOST, {{blocks, nf_reference_of(NF_OP_linear)->entry.host.run}}}}};
  for (int same = 0; same < 2; same++) {
    seen s = {0};
    for (int i = 0; i < 2; i++) {
      rows[i].op = NF_OP_linear, rows[i].backend = NF_BACKEND_CPU;
      rows[i].order = i == 0 || same ? NF_ORDER_PLAIN : NF_ORDER_FMA;
    }
    nf_status st = nf_check_run_from(
        rows, 2, &hw, &(nf_check_options){.seed = 1, .on.threads = one_thread, .row = look, .user = &s});
    assert_int_equal(nf_status_code(st), same ? NF_CHECK_FAILED : NF_OK);
    if (same) assert_string_equal(s.why, "declares the order of sums of linear_first and gives other bits");
    nf_status_free(st);
  }
}

// Off by less than a bit behind 13, which only a row that says so may be.
static void cuts_sums(const void *p, int64_t block, void *) {
  const nf_linear_args *a = p;
  nf_linear_ref(a, block);
  for (int64_t r = 0; block == 0 && a->y.dtype == NF_F32 && r < nf_tensor_rows(&a->y); r++) {
    float *y = nf_tensor_row(&a->y, r);
    if (*y != (float)(int)*y) *y *= 1 + 0x1p-14f;
  }
}

static void bits_of_sums(void **state) {
  (void)state;
  for (int told = 0; told < 2; told++) {
    const nf_variant v = {.name = "linear_cut",
                          .op = NF_OP_linear,
                          .backend = NF_BACKEND_CPU,
                          .sum_error = told ? 0x1p-12 : 0,
                          .entry = {NF_ENTRY_HOST, {{blocks, cuts_sums}}}};
    seen s = {0};
    nf_status st = nf_check_run_from(
        &v, 1, &hw, &(nf_check_options){.seed = 1, .on.threads = one_thread, .row = look, .user = &s});
    assert_int_equal(nf_status_code(st), told ? NF_OK : NF_CHECK_FAILED);
    nf_status_free(st);
  }
}

// Limits on what follows from extents, dtypes and the step have both their sides too.
static void derived_limits(void **state) {
  (void)state;
  const nf_variant *ref = nf_reference_of(NF_OP_add);
  const nf_variant v[] = {{.name = "add_packs",
                           .op = NF_OP_add,
                           .backend = NF_BACKEND_CPU,
                           .limit = {WHOLE(PACK16(H)), AT_MOST(PACK16(H), 8), AT_LEAST(PACK16(H), 2),
                                     AT_MOST(BYTES, 4096), WORLD(1), OPERAND_DTYPE(0, NF_BIT(BF16))},
                           .entry = ref->entry},
                          {.name = "add_some",
                           .op = NF_OP_add,
                           .backend = NF_BACKEND_CPU,
                           .limit = {ONE_OF(K, 24, 64), AT_MOST_FOR_WORLD(1, BYTES, 999)},
                           .entry = ref->entry},
                          {.name = "add_to_come", .op = NF_OP_add}};
  seen s = {0};
  nf_status st = nf_check_run_from(
      v, 3, &hw, &(nf_check_options){.seed = 3, .on.threads = threads, .row = look, .user = &s});
  if (!nf_is_ok(st)) fail_msg("%s: %s", nf_status_message(st), s.why);
  assert_int_equal(s.refused, 8); // each limit of the first two, none of the third
  assert_true(s.rows > 60);
}

// A limit on a flag has no number to move.
static void flags(void **state) {
  (void)state;
  const nf_variant v = {.name = "rms_norm_alone",
                        .op = NF_OP_rms_norm,
                        .backend = NF_BACKEND_CPU,
                        .limit = {UNSET(rms_norm, reduce)},
                        .entry = nf_reference_of(NF_OP_rms_norm)->entry};
  seen s = {0};
  nf_status st = nf_check_run_from(
      &v, 1, &hw, &(nf_check_options){.seed = 3, .on.threads = threads, .row = look, .user = &s});
  if (!nf_is_ok(st)) fail_msg("%s: %s", nf_status_message(st), s.why);
  assert_true(s.rows >= 10 && s.refused == 0);
}

static void names_and_times(void **state) {
  (void)state;
  nf_status st =
      nf_check_run(&hw, &(nf_check_options){.op = "linear", .variant = "add_ref", .on.threads = threads});
  assert_int_equal(nf_status_code(st), NF_USAGE);
  nf_status_free(st);
  seen s = {0};
  st = nf_check_run(
      &hw,
      &(nf_check_options){.op = "rms_norm", .bench = true, .on.threads = threads, .row = look, .user = &s});
  assert_true(nf_is_ok(st));
  assert_true(s.timed >= 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all),    cmocka_unit_test(catches),        cmocka_unit_test(few_other_codes),
      cmocka_unit_test(orders), cmocka_unit_test(bits_of_sums),   cmocka_unit_test(derived_limits),
      cmocka_unit_test(flags),  cmocka_unit_test(names_and_times)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
