// SPDX-License-Identifier: Apache-2.0
// A rank's weights: each element is that of the uncut weight, and zeros are where the rank has nothing; made
// up and from files, plain and packed.
#include "graph/slice.h"
#include "tensor/pack.h"
#include "tests/support/folder.h"
#include "tests/support/weights.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const nf_sizes none = {{1, 0, 0, 0}};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static const struct cut_case {
  const char *dir, *type; // of the uncut weight
  nf_recipe recipe;
} cases[] = {
#define L0 "model.layers.0."
#define SLICE(d, w, c, segments, ...) \
  .slice = {.world = (w), .copies = (c), .dim = (d), .n = (segments), .segment = {__VA_ARGS__}}
#define Q .tensor = L0 "self_attn.q_proj.weight"
#define OSS "checkpoints/gpt-oss-tiny"
#define BLOCK "checkpoints/qwen3-tiny-fp8-block"
#define PTPC "checkpoints/qwen3-tiny-fp8-ptpc"
#define NEXT "checkpoints/qwen3-next-tiny"
#define NEXT_BLOCK "checkpoints/qwen3-next-tiny-fp8-block"
    {OSS, "bf16[256,288]", {Q, SLICE(0, 2, 1, 1, {256, 32})}},
    {OSS, "bf16[256,288]", {Q, SLICE(0, 3, 1, 1, {256, 32})}},
    {OSS, "bf16[256,288]", {Q, SLICE(0, 4, 2, 1, {256, 32})}},
    {OSS, "bf16[256,288]", {Q, SLICE(0, 5, 1, 3, {100, 7}, {50, 3}, {106, 50})}},
    {OSS, "bf16[256,288]", {Q, SLICE(1, 3, 1, 1, {288, 50})}},
    {OSS, "bf16[256,288]", {Q, SLICE(1, 2, 1, 2, {130, 1}, {158, 40})}},
    {OSS, "bf16[256,288]", {Q, .zero_but_rank0 = true}},
    {OSS, "bf16[8]", {.tensor = L0 "self_attn.sinks", SLICE(0, 4, 1, 1, {8, 1})}},
    {OSS, "bf16[8]", {.tensor = L0 "self_attn.sinks", SLICE(0, 3, 1, 1, {8, 1})}},
    {OSS, "bf16[8,384]", {.tensor = L0 "mlp.experts.gate_up_proj_bias", SLICE(1, 5, 1, 1, {384, 64})}},
    {OSS, "bf16[8,384]", {.tensor = L0 "mlp.experts.gate_up_proj_bias", SLICE(0, 3, 1, 1, {8, 3})}},
#define UP .tensor = L0 "mlp.experts.gate_up_proj_blocks", .scales = L0 "mlp.experts.gate_up_proj_scales"
#define DOWN .tensor = L0 "mlp.experts.down_proj_blocks", .scales = L0 "mlp.experts.down_proj_scales"
    {OSS, "mxfp4[8,384,288]", {UP, SLICE(1, 2, 1, 1, {384, 64})}},
    {OSS, "mxfp4[8,384,288]", {UP, SLICE(1, 4, 1, 1, {384, 64})}},
    {OSS, "mxfp4[8,384,288]", {UP, SLICE(1, 2, 1, 2, {192, 32}, {192, 32})}},
    {OSS, "mxfp4[8,384,288]", {UP, SLICE(0, 3, 1, 1, {8, 3})}},
    {OSS, "mxfp4[8,384,288]", {UP, SLICE(2, 2, 1, 1, {288, 32})}},
    {OSS, "mxfp4[8,288,192]", {DOWN, SLICE(2, 4, 1, 1, {192, 32})}},
    {OSS, "mxfp4[8,288,192]", {DOWN, SLICE(2, 8, 1, 1, {192, 32})}},
#define FP8(module, name) .tensor = L0 module ".weight", .scales = L0 module "." name
    {BLOCK, "fp8b128[256,192]", {FP8("self_attn.q_proj", "weight_scale_inv"), SLICE(0, 2, 1, 1, {256, 64})}},
    {BLOCK, "fp8b128[128,192]", {FP8("self_attn.k_proj", "weight_scale_inv"), SLICE(0, 2, 1, 1, {128, 64})}},
    {BLOCK, "fp8b128[128,192]", {FP8("self_attn.k_proj", "weight_scale_inv"), SLICE(0, 4, 2, 1, {128, 64})}},
    {BLOCK, "fp8b128[320,192]", {FP8("mlp.up_proj", "weight_scale_inv"), SLICE(0, 2, 1, 1, {320, 128})}},
    {BLOCK, "fp8b128[192,320]", {FP8("mlp.down_proj", "weight_scale_inv"), SLICE(1, 2, 1, 1, {320, 128})}},
    {BLOCK, "fp8b128[192,320]", {FP8("mlp.down_proj", "weight_scale_inv"), SLICE(1, 4, 1, 1, {320, 128})}},
    {PTPC, "fp8row[320,192]", {FP8("mlp.up_proj", "weight_scale"), SLICE(0, 3, 1, 1, {320, 1})}},
    {PTPC, "fp8row[192,320]", {FP8("mlp.down_proj", "weight_scale"), SLICE(1, 3, 1, 1, {320, 1})}},
#define STACK .tensor = L0 "mlp.experts.*.gate_proj.weight", .stack = 6
    {NEXT, "bf16[6,96,192]", {STACK, SLICE(0, 4, 1, 1, {6, 2})}},
    {NEXT, "bf16[6,96,192]", {STACK, SLICE(1, 4, 1, 1, {96, 32})}},
    {NEXT, "bf16[6,96,192]", {STACK, SLICE(2, 2, 1, 1, {192, 5})}},
    {NEXT,
     "bf16[1024,1,4]",
     {.tensor = L0 "linear_attn.conv1d.weight", SLICE(0, 2, 1, 3, {256, 128}, {256, 128}, {512, 256})}},
    {NEXT_BLOCK,
     "fp8b128[6,96,192]",
     {STACK, .scales = L0 "mlp.experts.*.gate_proj.weight_scale_inv", SLICE(0, 2, 1, 1, {6, 3})}},
    {NEXT_BLOCK,
     "fp8b128[6,96,192]",
     {STACK, .scales = L0 "mlp.experts.*.gate_proj.weight_scale_inv", SLICE(2, 2, 1, 1, {192, 128})}},
};

static void *filled(const nf_value *v, int rank, const nf_checkpoint *files) {
  void *data = weight_storage(v, 0xff, NULL);
  assert_non_null(data);
  ok(load_weight(files, v, rank, data));
  return data;
}

// Where index i of the rank's axis is in the uncut one; -1: nowhere.
static int64_t origin(const nf_recipe *r, int dim, int rank, int64_t i) {
  int64_t base = 0;
  if (r->zero_but_rank0 && rank) return -1;
  if (r->slice.world == 0 || r->slice.dim != dim) return i;
  for (int k = 0; k < r->slice.n; k++) {
    const nf_share s = nf_slice_share(&r->slice, k, rank);
    const int64_t room = nf_slice_longest(&r->slice, k);
    if (i < room) return i < s.n ? base + s.from + i : -1;
    i -= room;
    base += r->slice.segment[k].size;
  }
  fail();
  return -1;
}

static void compare(const nf_recipe *r, int rank, const nf_tensor *part, const nf_tensor *whole) {
  static float got[1024], want[1024];
  const int last = part->rank - 1;
  const int64_t N = last > 0 ? part->dim[last - 1] : 1, uncut = last > 0 ? whole->dim[last - 1] : 1;
  for (int64_t row = 0; row < nf_tensor_rows(part); row++) {
    const int64_t m = last > 1 ? origin(r, 0, rank, row / N) : row / N,
                  n = origin(r, last - 1, rank, row % N);
    nf_row_decode(part, row, got);
    if (m >= 0 && n >= 0) nf_row_decode(whole, m * uncut + n, want);
    for (int64_t i = 0; i < nf_tensor_cols(part); i++) {
      const int64_t k = origin(r, last, rank, i);
      const float x = m < 0 || n < 0 || k < 0 ? 0 : want[k];
      if (got[i] != x)
        fail_msg("rank %d, row %ld, column %ld: %g, not %g", rank, (long)row, (long)i, got[i], x);
    }
  }
}

static void check(const struct cut_case *c, const nf_checkpoint *files, nf_pack pack) {
  nf_value whole = {.name = "L0.w", .kind = NF_VALUE_WEIGHT, .recipe = c->recipe};
  ok(nf_type_parse(nf_view_of(c->type), &whole.type));
  whole.recipe.slice.world = 0;
  whole.recipe.zero_but_rank0 = false;
  void *all = filled(&whole, 0, files);
  const nf_tensor uncut = nf_tensor_of(&whole.type, &none, 0, all);
  for (int rank = 0; rank < (c->recipe.slice.world ? c->recipe.slice.world : 2); rank++) {
    nf_value v = {.name = "L0.w", .kind = NF_VALUE_WEIGHT, .recipe = c->recipe};
    v.type = nf_slice_type(&c->recipe.slice, whole.type);
    if (!nf_pack_is_plain(pack)) v.type = nf_type_packed(v.type, pack);
    void *data = filled(&v, rank, files);
    const nf_tensor part = nf_tensor_of(&v.type, &none, 0, data);
    compare(&c->recipe, rank, &part, &uncut);
    nf_free_aligned(data);
  }
  nf_free_aligned(all);
}

static void a_ranks_elements_are_the_weights(void **state) {
  (void)state;
  static const nf_pack packs[] = {{0, 0}, {16, 1}, {8, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nf_checkpoint *files;
    ok(nf_checkpoint_open(cases[i].dir, NULL, &files));
    for (int p = 0; p < 3; p++) {
      if (p > 0 && !strchr(cases[i].type, ',')) continue;
      check(&cases[i], files, packs[p]);
      check(&cases[i], NULL, packs[p]);
    }
    nf_checkpoint_close(files);
  }
}

// Rows so long that a rank's columns are read alone.
static void long_rows(void **state) {
  (void)state;
  enum { ROWS = 3, COLUMNS = 8192 };
  char *dir = folder_create(), *path = folder_path(dir, "model.safetensors");
  nf_value v = {.name = "w", .type = NF_TYPE(NF_BF16, NF_C(ROWS), NF_C(COLUMNS)), .recipe = {.tensor = "t"}};
  const nf_stored t = {.name = "t", .dtype = NF_BF16, .rank = 2, .dim = {ROWS, COLUMNS}};
  nf_safetensors_writer w = {0};
  nf_checkpoint *files;
  static uint16_t all[ROWS][COLUMNS], part[ROWS][COLUMNS];
  ok(load_weight(NULL, &v, 0, all));
  ok(nf_safetensors_create(path, &t, 1, &w));
  ok(nf_safetensors_write(&w, 0, 0, all, sizeof all));
  ok(nf_safetensors_commit(&w));
  ok(nf_checkpoint_open(dir, NULL, &files));
  v.recipe.slice = (nf_slice){.world = 3, .copies = 1, .dim = 1, .n = 1, .segment = {{COLUMNS, 64}}};
  v.type = nf_slice_type(&v.recipe.slice, v.type);
  for (int rank = 0; rank < 3; rank++) {
    const nf_share s = nf_slice_share(&v.recipe.slice, 0, rank);
    const int64_t width = v.type.dim[1].c;
    ok(load_weight(files, &v, rank, part));
    for (int r = 0; r < ROWS; r++)
      for (int64_t i = 0; i < width; i++)
        assert_int_equal(((uint16_t *)part)[r * width + i], i < s.n ? all[r][s.from + i] : 0);
  }
  nf_checkpoint_close(files);
  free(path);
  folder_remove(dir);
}

static void ranks_that_there_are_not(void **state) {
  (void)state;
  nf_value v = {
      .name = "w", .type = NF_TYPE(NF_BF16, NF_C(2)), .recipe = {.tensor = "t", SLICE(0, 2, 1, 1, {4, 1})}};
  uint16_t data[2];
  for (int rank = -1; rank < 3; rank++) {
    nf_status st = load_weight(NULL, &v, rank, data);
    assert_int_equal(nf_status_code(st), rank < 0 || rank > 1 ? NF_INTERNAL : NF_OK);
    nf_status_free(st);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_ranks_elements_are_the_weights),
      cmocka_unit_test(long_rows),
      cmocka_unit_test(ranks_that_there_are_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
