// SPDX-License-Identifier: Apache-2.0
// Weights: loaded ones hold the file's bytes, made-up ones have the size and the repeatability they promise.
#include "model/family.h"
#include "tensor/tensor.h"
#include "tests/support/weights.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include "tests/support/folder.h"
#include <cmocka.h>

#define TINY "checkpoints/gpt-oss-tiny"
static const nf_sizes none = {{1, 0, 0, 0}};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void *storage_of(const nf_value *v, size_t *out_n) {
  void *data = weight_storage(v, 0xa5, out_n);
  assert_non_null(data);
  return data;
}

static nf_value weight(const char *name, nf_type type) {
  return (nf_value){.name = name, .type = type, .kind = NF_VALUE_WEIGHT};
}

static void expect_plane(const nf_checkpoint *files, const char *tensor, const void *got) {
  const nf_stored *t = nf_checkpoint_find(files, tensor);
  assert_non_null(t);
  char *want = malloc(t->bytes);
  ok(nf_checkpoint_read(files, t, 0, want, t->bytes));
  assert_memory_equal(got, want, t->bytes);
  free(want);
}

static void loaded_weights_are_the_files_bytes(void **state) {
  (void)state;
  nf_checkpoint *files;
  nf_config c;
  nf_graph *g;
  ok(nf_checkpoint_open(TINY, NULL, &files));
  ok(nf_config_load(TINY, NULL, &c));
  const nf_build_options o = {.activation = NF_F32, .page = 16};
  ok(nf_model_build(&c, files, &o, &g));
  size_t planes = 0;
  for (size_t i = 1; i < g->n_values; i++) {
    const nf_value *v = &g->value[i];
    if (v->kind != NF_VALUE_WEIGHT) continue;
    size_t n;
    void *data = storage_of(v, &n);
    ok(load_weight(files, v, 0, data));
    const nf_tensor t = nf_tensor_of(&v->type, &none, 0, data);
    expect_plane(files, v->recipe.tensor, t.data);
    if (t.scale) expect_plane(files, v->recipe.scales, t.scale);
    planes += t.scale ? 2 : 1;
    nf_free_aligned(data);
  }
  assert_int_equal(planes, nf_checkpoint_count(files)); // every tensor of the file has its place
  nf_graph_destroy(g);
  nf_config_deinit(&c);
  nf_checkpoint_close(files);
}

static void recipes_that_do_not_fit_are_refused(void **state) {
  (void)state;
  nf_checkpoint *files;
  ok(nf_checkpoint_open(TINY, NULL, &files));
  nf_type padded = NF_TYPE(NF_BF16, NF_C(288));
  padded.padded[0] = 320;
  const struct {
    nf_type type;
    const char *tensor;
    nf_code code;
    const char *want;
  } bad[] = {
      {NF_TYPE(NF_BF16, NF_C(288)), "no.such", NF_BAD_INPUT, "has no tensor 'no.such'"},
      {NF_TYPE(NF_BF16, NF_C(280)), "model.norm.weight", NF_BAD_INPUT, "has 576 bytes, should have 560"},
      {padded, "model.norm.weight", NF_INTERNAL, "plain, unpadded"},
      {NF_TYPE(NF_BF16, NF_BY(288, NF_T)), "model.norm.weight", NF_INTERNAL, "plain, unpadded"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    nf_value v = weight("w", bad[i].type);
    v.recipe.tensor = bad[i].tensor;
    char data[1024];
    nf_status st = load_weight(files, &v, 0, data);
    assert_int_equal(nf_status_code(st), bad[i].code);
    assert_non_null(strstr(nf_status_message(st), bad[i].want));
    nf_status_free(st);
  }
  nf_checkpoint_close(files);
}

static void count_line(void *user, nf_level level, const char *line) {
  assert_int_equal(level, NF_LOG_WARNING);
  assert_non_null(strstr(line, "tensor 't': row 3 "));
  ++*(int *)user;
}

// Three rows of two: of what may be no number, and what comes of it where that row is padding.
static void numbers_that_are_none(void **state) {
  (void)state;
  static const struct {
    nf_dtype dtype;
    uint32_t one, bad;
  } kinds[] = {{NF_F32, 0x3f800000, 0x7fc00000}, {NF_BF16, 0x3f80, 0xff80}, {NF_F16, 0x3c00, 0x7c00}};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const size_t size = (size_t)nf_dtype_of(kinds[k].dtype)->bits / 8;
    char *dir = folder_create(), *path = folder_path(dir, "model.safetensors"), data[8 * sizeof(float)];
    const nf_stored t = {.name = "t", .dtype = kinds[k].dtype, .rank = 2, .dim = {4, 2}};
    for (size_t i = 0; i < 8; i++) memcpy(data + i * size, i < 7 ? &kinds[k].one : &kinds[k].bad, size);
    nf_safetensors_writer w = {0};
    nf_checkpoint *files;
    ok(nf_safetensors_create(path, &t, 1, &w));
    ok(nf_safetensors_write(&w, 0, 0, data, 8 * size));
    ok(nf_safetensors_commit(&w));
    ok(nf_checkpoint_open(dir, NULL, &files));
    nf_value v = weight("w", NF_TYPE(kinds[k].dtype, NF_C(4), NF_C(2)));
    v.recipe.tensor = "t";
    int told = 0;
    const nf_log log = {.level = NF_LOG_WARNING, .write = count_line, .user = &told};
    char got[sizeof data];
    for (int64_t first = 3; first <= 4; first++) {
      nf_weight_loader loader = {.files = files, .log = &log};
      const nf_weight_sink sink = nf_weight_memory(got);
      nf_status st = nf_weight_load(&loader, &v, 0, first, &sink);
      nf_weight_loader_deinit(&loader);
      assert_int_equal(nf_status_code(st), first == 3 ? NF_OK : NF_BAD_INPUT);
      if (first == 4) assert_non_null(strstr(nf_status_message(st), "tensor 't': element 7 (byte"));
      nf_status_free(st);
      memset(data + 6 * size, 0, 2 * size);
      if (first == 3) assert_memory_equal(got, data, 8 * size); // the row is zeros, the others are not
    }
    assert_int_equal(told, 1);
    nf_checkpoint_close(files);
    free(path);
    folder_remove(dir);
  }
}

typedef struct moments {
  double mean, deviation, least, most;
} moments;

static moments moments_of(const nf_value *v, const void *data) {
  const nf_tensor t = nf_tensor_of(&v->type, &none, 0, (void *)data);
  const int64_t rows = nf_tensor_rows(&t), cols = nf_tensor_cols(&t);
  float *x = malloc((size_t)cols * sizeof *x);
  double sum = 0, squares = 0;
  moments m = {.least = INFINITY, .most = -INFINITY};
  for (int64_t r = 0; r < rows; r++) {
    nf_row_decode(&t, r, x);
    for (int64_t i = 0; i < cols; i++) {
      sum += x[i], squares += (double)x[i] * x[i];
      m.least = fmin(m.least, x[i]), m.most = fmax(m.most, x[i]);
    }
  }
  free(x);
  m.mean = sum / (double)(rows * cols);
  m.deviation = sqrt(squares / (double)(rows * cols) - m.mean * m.mean);
  return m;
}

// Deviations are those of an estimate from >= 100,000 values: far inside 2 %; MXFP4's scale is a power of
// two.
static void made_up_matrices_keep_the_size_of_what_they_multiply(void **state) {
  (void)state;
  const struct {
    nf_type type;
    double low, high; // of deviation times sqrt(K)
  } all[] = {
      {NF_TYPE(NF_BF16, NF_C(512), NF_C(288)), 0.98, 1.02},
      {NF_TYPE(NF_F16, NF_C(512), NF_C(288)), 0.98, 1.02},
      {NF_TYPE(NF_F32, NF_C(64), NF_C(2880)), 0.98, 1.02},
      {NF_TYPE(NF_MXFP4, NF_C(2), NF_C(64), NF_C(2880)), 0.7, 1.42},
      {NF_TYPE(NF_MXFP4, NF_C(2048), NF_C(192)), 0.7, 1.42},
      {NF_TYPE(NF_MXFP4, NF_C(2048), NF_C(96)), 0.7, 1.42},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const nf_value v = weight("L0.attn.q.w", all[i].type);
    const double k = sqrt((double)all[i].type.dim[all[i].type.rank - 1].c);
    size_t n;
    void *data = storage_of(&v, &n);
    ok(load_weight(NULL, &v, 0, data));
    const moments m = moments_of(&v, data);
    if (!(m.deviation * k > all[i].low && m.deviation * k < all[i].high) || fabs(m.mean) * k > 0.02)
      fail_msg("%d: mean %g, deviation %g of 1/sqrt(K)", (int)i, m.mean * k, m.deviation * k);
    nf_free_aligned(data);
  }
}

static void made_up_vectors_are_near_what_training_gives(void **state) {
  (void)state;
  const nf_value norm = weight("L0.attn.norm.w", NF_TYPE(NF_BF16, NF_C(2883)));
  const nf_value bias =
      weight("L0.attn.q.b", NF_TYPE(NF_BF16, NF_C(2883))); // three left over behind the fours
  size_t n;
  void *data = storage_of(&norm, &n);
  ok(load_weight(NULL, &norm, 0, data));
  moments m = moments_of(&norm, data);
  assert_true(m.least > 0.89 && m.most < 1.11 && m.deviation > 0.03);
  ok(load_weight(NULL, &bias, 0, data));
  m = moments_of(&bias, data);
  assert_true(m.least > -0.051 && m.most < 0.051 && m.deviation > 0.02);
  nf_free_aligned(data);
}

static void the_name_decides_and_nothing_else(void **state) {
  (void)state;
  static const nf_dtype types[] = {NF_BF16, NF_F16, NF_F32, NF_MXFP4};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const nf_type type = NF_TYPE(types[i], NF_C(32), NF_C(64));
    const nf_value a = weight("L0.a", type), b = weight("L0.b", type);
    size_t n;
    char *x = storage_of(&a, &n), *y = storage_of(&a, &n);
    ok(load_weight(NULL, &a, 0, x));
    ok(load_weight(NULL, &a, 0, y));
    assert_memory_equal(x, y, n);
    ok(load_weight(NULL, &b, 0, y));
    assert_true(memcmp(x, y, n) != 0);
    nf_free_aligned(x);
    nf_free_aligned(y);
  }
  const nf_value odd = weight("w", NF_TYPE(NF_I32, NF_C(4)));
  int32_t data[4];
  nf_status st = load_weight(NULL, &odd, 0, data);
  assert_int_equal(nf_status_code(st), NF_INTERNAL);
  nf_status_free(st);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loaded_weights_are_the_files_bytes),
      cmocka_unit_test(recipes_that_do_not_fit_are_refused),
      cmocka_unit_test(numbers_that_are_none),
      cmocka_unit_test(made_up_matrices_keep_the_size_of_what_they_multiply),
      cmocka_unit_test(made_up_vectors_are_near_what_training_gives),
      cmocka_unit_test(the_name_decides_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
