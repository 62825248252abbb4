// SPDX-License-Identifier: Apache-2.0
// FP8 weights: scales of every float dtype and shape, blocks cut short, stacks, plain and packed, against a
// direct decode of the file's bytes; what is no number is refused; made-up ones keep their size.
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include "tests/support/folder.h"
#include "tests/support/weights.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const nf_sizes none = {{1, 0, 0, 0}};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// ---- a file with one weight, or with a stack of them ----

typedef struct sample {
  nf_dtype dtype, scales; // scales: as the file has them
  int64_t parts, n, k;    // parts 0: no stack
  bool vector;            // row scales are [N], not [N, 1]
  uint8_t *code;          // [parts, n, k]
  float *scale;           // [parts, rows of scales, columns of scales]
  char *dir;
  nf_checkpoint *files;
} sample;

static int64_t parts_of(const sample *s) { return s->parts ? s->parts : 1; }
static int64_t scale_rows(const sample *s) { return nf_scale_rows(s->dtype, s->n); }
static int64_t scale_cols(const sample *s) { return nf_scale_cols(s->dtype, s->k); }

static uint32_t draw(uint32_t *seed) { return (*seed = *seed * 1664525 + 1013904223) >> 8; }

// Any code but NaN; scales that every float dtype holds exactly.
static void make_values(sample *s) {
  const int64_t n = parts_of(s) * s->n * s->k, m = parts_of(s) * scale_rows(s) * scale_cols(s);
  uint32_t seed = (uint32_t)(s->n * 1000 + s->k);
  s->code = malloc((size_t)n);
  s->scale = malloc((size_t)m * sizeof *s->scale);
  for (int64_t i = 0; i < n; i++) do
      s->code[i] = (uint8_t)draw(&seed);
    while ((s->code[i] & 0x7f) == 0x7f);
  for (int64_t i = 0; i < m; i++)
    s->scale[i] =
        ldexpf((float)(128 + draw(&seed) % 128) * (draw(&seed) % 2 ? 1 : -1), -(int)(draw(&seed) % 14));
}

static void encode(nf_dtype dtype, float x, unsigned char *at) {
  const uint16_t half = dtype == NF_BF16 ? nf_bf16_encode(x) : nf_f16_encode(x);
  memcpy(at, dtype == NF_F32 ? (const void *)&x : &half, dtype == NF_F32 ? 4 : 2);
}

static void write_part(sample *s, nf_safetensors_writer *w, int64_t part) {
  const int64_t codes = s->n * s->k, scales = scale_rows(s) * scale_cols(s);
  const size_t bytes = s->scales == NF_F32 ? 4 : 2;
  unsigned char *stored = malloc((size_t)scales * bytes);
  for (int64_t i = 0; i < scales; i++)
    encode(s->scales, s->scale[part * scales + i], stored + (size_t)i * bytes);
  ok(nf_safetensors_write(w, (size_t)part * 2, 0, s->code + part * codes, (size_t)codes));
  ok(nf_safetensors_write(w, (size_t)part * 2 + 1, 0, stored, (size_t)scales * bytes));
  free(stored);
}

static void write_file(sample *s) {
  enum { MAX = 8 };
  nf_stored t[2 * MAX];
  char name[2 * MAX][32];
  nf_safetensors_writer w;
  for (int p = 0; p < parts_of(s); p++) {
    snprintf(name[2 * p], sizeof *name, "part.%d.weight", p);
    snprintf(name[2 * p + 1], sizeof *name, "part.%d.scale", p);
    t[2 * p] = (nf_stored){.name = name[2 * p], .dtype = NF_F8E4M3, .rank = 2, .dim = {s->n, s->k}};
    t[2 * p + 1] = (nf_stored){.name = name[2 * p + 1],
                               .dtype = s->scales,
                               .rank = s->vector ? 1 : 2,
                               .dim = {scale_rows(s), scale_cols(s)}};
  }
  s->dir = folder_create();
  char *path = folder_path(s->dir, "model.safetensors");
  ok(nf_safetensors_create(path, t, 2 * (size_t)parts_of(s), &w));
  for (int64_t p = 0; p < parts_of(s); p++) write_part(s, &w, p);
  ok(nf_safetensors_commit(&w));
  ok(nf_checkpoint_open(s->dir, NULL, &s->files));
  free(path);
}

static void end(sample *s) {
  nf_checkpoint_close(s->files);
  folder_remove(s->dir);
  free(s->code);
  free(s->scale);
}

static nf_value value_of(const sample *s, nf_pack pack) {
  nf_type t = NF_TYPE(s->dtype, NF_C(s->n), NF_C(s->k));
  if (s->parts) t = NF_TYPE(s->dtype, NF_C(s->parts), NF_C(s->n), NF_C(s->k));
  nf_value v = {.name = "w", .type = nf_type_packed(t, pack), .kind = NF_VALUE_WEIGHT};
  v.recipe = (nf_recipe){"part.0.weight", "part.0.scale", 0};
  if (s->parts) v.recipe = (nf_recipe){"part.*.weight", "part.*.scale", s->parts};
  return v;
}

static void *storage_of(const nf_value *v, size_t *out_n) {
  void *data = weight_storage(v, 0xa5, out_n);
  assert_non_null(data);
  return data;
}

// ---- against a direct decode ----

static float e4m3(uint8_t c) { // by the format's definition
  const int e = c >> 3 & 15, m = c & 7;
  const float x = e ? ldexpf((float)(8 + m), e - 10) : ldexpf((float)m, -9);
  return c & 0x80 ? -x : x;
}

static float direct(const sample *s, int64_t row, int64_t k) {
  const bool blocks = s->dtype == NF_FP8_BLOCK;
  const int64_t part = row / s->n, r = row % s->n;
  const int64_t at = (part * scale_rows(s) + (blocks ? r / 128 : r)) * scale_cols(s) + (blocks ? k / 128 : 0);
  return e4m3(s->code[row * s->k + k]) * s->scale[at];
}

static void expect_decoded(const sample *s, nf_pack pack) {
  const nf_value v = value_of(s, pack);
  size_t n;
  void *data = storage_of(&v, &n);
  float *row = malloc((size_t)s->k * sizeof *row);
  ok(load_weight(s->files, &v, 0, data));
  const nf_tensor t = nf_tensor_of(&v.type, &none, 0, data);
  assert_int_equal(nf_tensor_rows(&t), parts_of(s) * s->n);
  for (int64_t r = 0; r < nf_tensor_rows(&t); r++) {
    nf_row_decode(&t, r, row);
    for (int64_t k = 0; k < s->k; k++)
      if (row[k] != direct(s, r, k))
        fail_msg("%s %s [%d,%d,%d]: row %d, column %d is %g, should be %g", nf_dtype_of(s->dtype)->name,
                 nf_pack_name(pack).at, (int)s->parts, (int)s->n, (int)s->k, (int)r, (int)k, row[k],
                 direct(s, r, k));
  }
  free(row);
  nf_free_aligned(data);
}

static void expect_sample(sample s) {
  make_values(&s);
  write_file(&s);
  expect_decoded(&s, NF_PACK_PLAIN);
  expect_decoded(&s, NF_PACK_N16);
  end(&s);
}

static const nf_dtype fp8[] = {NF_FP8_ROW, NF_FP8_BLOCK};
static const nf_dtype floats[] = {NF_F32, NF_BF16, NF_F16};

static void scales_of_every_float_and_shape_are_read(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    expect_sample((sample){NF_FP8_BLOCK, floats[i], 0, 300, 200});
    expect_sample((sample){NF_FP8_ROW, floats[i], 0, 300, 200});
    expect_sample((sample){NF_FP8_ROW, floats[i], 0, 300, 200, .vector = true});
  }
}

// The same numbers in files of other dtypes give the same bytes.
static void scales_of_every_float_are_the_same(void **state) {
  (void)state;
  for (int d = 0; d < 2; d++) {
    void *data[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
      sample s = {fp8[d], floats[i], 3, 130, 140};
      make_values(&s);
      write_file(&s);
      const nf_value v = value_of(&s, NF_PACK_PLAIN);
      data[i] = storage_of(&v, &n);
      ok(load_weight(s.files, &v, 0, data[i]));
      end(&s);
      assert_memory_equal(data[i], data[0], n);
    }
    for (int i = 0; i < 3; i++) nf_free_aligned(data[i]);
  }
}

static void blocks_may_be_cut_short(void **state) {
  (void)state;
  static const int sizes[][2] = {{1, 1},     {128, 128}, {128, 129}, {129, 128},
                                 {127, 127}, {64, 320},  {130, 257}, {17, 1}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int d = 0; d < 2; d++) expect_sample((sample){fp8[d], NF_F32, 0, sizes[i][0], sizes[i][1]});
}

static void stacks_are_read_part_by_part(void **state) {
  (void)state;
  static const int sizes[][3] = {{1, 16, 32}, {2, 20, 48},   {5, 130, 140},
                                 {8, 1, 3},   {3, 256, 128}, {4, 129, 300}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int d = 0; d < 2; d++)
      expect_sample((sample){fp8[d], NF_BF16, sizes[i][0], sizes[i][1], sizes[i][2]});
}

// Rows of more than the 8 MiB that are read at once, and many such pieces.
static void large_weights_go_in_pieces(void **state) {
  (void)state;
  expect_sample((sample){NF_FP8_BLOCK, NF_F32, 0, 1, 9 << 20});
  expect_sample((sample){NF_FP8_ROW, NF_BF16, 0, 600, 16000});
}

// ---- what is no number ----

static void expect_refused(sample *s, nf_pack pack, const char *want) {
  const nf_value v = value_of(s, pack);
  size_t n;
  void *data = storage_of(&v, &n);
  nf_status st = load_weight(s->files, &v, 0, data);
  if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), want))
    fail_msg("'%s' does not say '%s'", nf_status_message(st), want);
  nf_status_free(st);
  nf_free_aligned(data);
}

// A NaN code at element `at` of part 1 is told with its tensor, element and byte in the file.
static void codes_that_are_no_number_are_refused(void **state) {
  (void)state;
  static const int places[] = {0, 1, 140, 130 * 140 - 1};
  for (int i = 0; i < 8; i++) {
    sample s = {fp8[i % 2], NF_F32, 2, 130, 140};
    const int at = places[i / 2];
    char want[160];
    make_values(&s);
    s.code[130 * 140 + at] = i % 2 ? 0x7f : 0xff;
    write_file(&s);
    const nf_stored *t = nf_checkpoint_find(s.files, "part.1.weight");
    snprintf(want, sizeof want, "tensor 'part.1.weight': element %d (byte %llu) is no finite number", at,
             (unsigned long long)t->offset + (unsigned)at);
    expect_refused(&s, NF_PACK_PLAIN, want);
    expect_refused(&s, NF_PACK_N16, want);
    end(&s);
  }
}

static void scales_that_are_no_number_are_refused(void **state) {
  (void)state;
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 18; i++) {
    sample s = {fp8[i / 9], floats[i % 9 / 3], 2, 130, 140};
    char want[160];
    make_values(&s);
    const int64_t all = scale_rows(&s) * scale_cols(&s), at = all - 1;
    s.scale[all + at] = bad[i % 3];
    write_file(&s);
    const nf_stored *t = nf_checkpoint_find(s.files, "part.1.scale");
    snprintf(want, sizeof want, "tensor 'part.1.scale': scale %d (byte %llu) is no finite number", (int)at,
             (unsigned long long)(t->offset + (uint64_t)at * (s.scales == NF_F32 ? 4 : 2)));
    expect_refused(&s, NF_PACK_PLAIN, want);
    expect_refused(&s, NF_PACK_N16, want);
    end(&s);
  }
}

// ---- made-up ones ----

static void made_up_weights_are_the_same_in_every_order(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    sample s = {.dtype = fp8[i % 2], .parts = i / 2 * 3, .n = 130, .k = 140};
    const nf_value plain = value_of(&s, NF_PACK_PLAIN), packed = value_of(&s, NF_PACK_N16);
    size_t n;
    void *a = storage_of(&plain, &n), *b = storage_of(&packed, &n);
    ok(load_weight(NULL, &plain, 0, a));
    ok(load_weight(NULL, &packed, 0, b));
    const nf_tensor ta = nf_tensor_of(&plain.type, &none, 0, a), tb = nf_tensor_of(&packed.type, &none, 0, b);
    for (int64_t r = 0; r < nf_tensor_rows(&ta); r++) {
      float x[140], y[140];
      nf_row_decode(&ta, r, x);
      nf_row_decode(&tb, r, y);
      assert_memory_equal(x, y, sizeof x);
    }
    nf_free_aligned(a);
    nf_free_aligned(b);
  }
}

// Variance of w . x over the rows of w, where x has variance 1. Of 2,048 rows its own deviation is 3 %.
static double variance_of_products(const nf_tensor *w) {
  const int64_t k = nf_tensor_cols(w), rows = nf_tensor_rows(w);
  float *row = malloc((size_t)k * sizeof *row);
  double sum = 0;
  for (int64_t r = 0; r < rows; r++) {
    uint32_t seed = 7;
    double y = 0;
    nf_row_decode(w, r, row);
    for (int64_t i = 0; i < k; i++) y += row[i] * (draw(&seed) & 0x1000 ? 1.0 : -1.0);
    sum += y * y;
  }
  free(row);
  return sum / (double)rows;
}

static void made_up_matrices_keep_the_size_of_what_they_multiply(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    sample s = {.dtype = fp8[i % 2], .n = 2048, .k = i / 2 ? 1000 : 96};
    const nf_value v = value_of(&s, NF_PACK_PLAIN);
    size_t n;
    void *data = storage_of(&v, &n);
    ok(load_weight(NULL, &v, 0, data));
    const nf_tensor t = nf_tensor_of(&v.type, &none, 0, data);
    const double variance = variance_of_products(&t);
    if (variance < 0.85 || variance > 1.15)
      fail_msg("%s, K %d: variance %g", nf_dtype_of(s.dtype)->name, (int)s.k, variance);
    nf_free_aligned(data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scales_of_every_float_and_shape_are_read),
      cmocka_unit_test(scales_of_every_float_are_the_same),
      cmocka_unit_test(blocks_may_be_cut_short),
      cmocka_unit_test(stacks_are_read_part_by_part),
      cmocka_unit_test(large_weights_go_in_pieces),
      cmocka_unit_test(codes_that_are_no_number_are_refused),
      cmocka_unit_test(scales_that_are_no_number_are_refused),
      cmocka_unit_test(made_up_weights_are_the_same_in_every_order),
      cmocka_unit_test(made_up_matrices_keep_the_size_of_what_they_multiply),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
