// SPDX-License-Identifier: Apache-2.0
// Packing: a packed tensor decodes to the rows that were put into it, and its padding to zeros.
#include "base/memory.h"
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 0x9e3779b97f4a7c15;
static uint32_t draw(void) {
  return (uint32_t)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33);
}

typedef struct fixture {
  nf_type plain_type, packed_type;
  nf_tensor plain, packed;
  size_t packed_bytes;
} fixture;

static void make(fixture *f, nf_dtype dtype, nf_pack order, int64_t e, int64_t n, int64_t k) {
  const nf_sizes at = nf_sizes_of(1, 1, 1);
  size_t bytes;
  f->plain_type = NF_TYPE(dtype, NF_C(e), NF_C(n), NF_C(k));
  f->packed_type = nf_type_packed(f->plain_type, order);
  assert_true(nf_is_ok(nf_type_bytes(&f->plain_type, &at, &bytes)));
  assert_true(nf_is_ok(nf_type_bytes(&f->packed_type, &at, &f->packed_bytes)));
  uint8_t *plain = nf_alloc_aligned(bytes), *packed = nf_alloc_aligned(f->packed_bytes);
  for (size_t i = 0; i < bytes; i++) plain[i] = (uint8_t)(draw() % 127); // no NaN in any format
  memset(packed, 0xee, f->packed_bytes);
  f->plain = nf_tensor_of(&f->plain_type, &at, 0, plain);
  f->packed = nf_tensor_of(&f->packed_type, &at, 0, packed);
}

static void check(fixture *f) {
  const int64_t cols = nf_tensor_cols(&f->plain);
  float *want = nf_alloc((size_t)cols, sizeof *want), *got = nf_alloc((size_t)cols, sizeof *got);
  for (int64_t r = 0; r < nf_tensor_rows(&f->plain); r++) {
    nf_row_decode(&f->plain, r, want);
    nf_row_decode(&f->packed, r, got);
    assert_memory_equal(got, want, (size_t)cols * sizeof *want);
  }
  nf_free(want);
  nf_free(got);
}

// The padding lanes and columns, read as elements of a tensor that calls them logical.
static void check_padding(fixture *f) {
  const int64_t n = f->packed.dim[1], padded = f->packed_type.padded[1], cols = nf_tensor_cols(&f->packed);
  nf_tensor all = f->packed;
  all.dim[1] = padded;
  all.dim[2] = f->packed_type.padded[2];
  float *got = nf_alloc((size_t)all.dim[2], sizeof *got);
  for (int64_t r = 0; r < nf_tensor_rows(&all); r++) {
    nf_row_decode(&all, r, got);
    for (int64_t c = r % padded < n ? cols : 0; c < all.dim[2]; c++)
      if (got[c] != 0)
        fail_msg("row %ld, column %ld of the padding is %g", (long)(r % padded), (long)c, got[c]);
  }
  nf_free(got);
}

static void try(nf_dtype dtype, nf_pack order, int64_t e, int64_t n, int64_t k) {
  fixture f;
  make(&f, dtype, order, e, n, k);
  nf_pack_tensor(&f.packed, &f.plain);
  check(&f);
  check_padding(&f);
  nf_free_aligned(f.plain.data);
  nf_free_aligned(f.packed.data);
}

static void test_round_trip(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_BF16, NF_F16, NF_F32, NF_MXFP4, NF_FP8_ROW, NF_FP8_BLOCK};
  static const int64_t shapes[][3] = {{1, 16, 32}, {1, 1, 32},   {1, 17, 64},  {3, 15, 96},
                                      {2, 33, 32}, {4, 48, 160}, {2, 130, 288}};
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
      try(dtypes[d], NF_PACK_N16, shapes[s][0], shapes[s][1], shapes[s][2]);
}

// Every order, with rows and columns that are no whole strips and groups.
static void test_all_orders(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_BF16, NF_F16, NF_F32, NF_MXFP4, NF_FP8_ROW, NF_FP8_BLOCK};
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
    for (int16_t rows = 2; rows <= NF_PACK_MOST_ROWS; rows *= 2)
      for (int16_t k = 1; k <= NF_PACK_MOST_K; k *= 2)
        for (int i = 0; i < 4; i++) {
          const int64_t cols = dtypes[d] == NF_MXFP4 ? 32 * (1 + draw() % 5) : 1 + draw() % 300;
          try(dtypes[d], NF_PACK(rows, k), 1 + draw() % 3, 1 + draw() % 150, cols);
        }
}

// What is written past the caches is the same, wherever it begins.
static void test_streams(void **state) {
  (void)state;
  static const int bits[] = {4, 8, 16, 32};
  enum { COLS = 96 + 32, BYTES = 16 * COLS * 4 };
  static _Alignas(64) uint8_t rows[BYTES], plain[BYTES], streamed[BYTES + 64];
  for (size_t i = 0; i < sizeof rows; i++) rows[i] = (uint8_t)draw();
  for (size_t b = 0; b < sizeof bits / sizeof *bits; b++)
    for (int k = 1; k <= 2; k++)
      for (int from = 0; from < 32; from += 8) {
        nf_strip s = {NF_PACK(16, (int16_t)k), bits[b], COLS, COLS, COLS * bits[b] / 8, false};
        nf_pack_strip(&s, rows, 16, plain);
        s.stream = true;
        memset(streamed, 0xee, sizeof streamed);
        nf_pack_strip(&s, rows, 16, streamed + from);
        assert_memory_equal(streamed + from, plain, (size_t)nf_strip_bytes(&s));
        assert_int_equal(streamed[from + nf_strip_bytes(&s)], 0xee);
      }
}

static void test_element_order(void **state) { // the order that kernels rely on, by hand
  (void)state;
  fixture f;
  make(&f, NF_BF16, NF_PACK_N16, 1, 20, 32);
  nf_pack_tensor(&f.packed, &f.plain);
  const uint16_t *plain = f.plain.data, *packed = f.packed.data;
  assert_int_equal(packed[(0 * 32 + 5) * 16 + 3], plain[3 * 32 + 5]);
  assert_int_equal(packed[(1 * 32 + 31) * 16 + 3], plain[19 * 32 + 31]);
  nf_free_aligned(f.plain.data);
  nf_free_aligned(f.packed.data);
  make(&f, NF_BF16, NF_PACK(16, 2), 1, 20, 33); // one column more than pairs
  nf_pack_tensor(&f.packed, &f.plain);
  plain = f.plain.data, packed = f.packed.data;
  assert_int_equal(packed[(2 * 16 + 3) * 2 + 1], plain[3 * 33 + 5]);
  assert_int_equal(packed[17 * 32 + (16 * 16 + 3) * 2], plain[19 * 33 + 32]);
  assert_int_equal(packed[17 * 32 + (16 * 16 + 3) * 2 + 1], 0);
  nf_free_aligned(f.plain.data);
  nf_free_aligned(f.packed.data);
  make(&f, NF_MXFP4, NF_PACK_N16, 1, 16, 32);
  nf_pack_tensor(&f.packed, &f.plain);
  const uint8_t *codes = f.plain.data, *bytes = f.packed.data;
  assert_int_equal(bytes[6 * 8 + 2] & 15, codes[2 * 16 + 3] & 15);  // row 2, column 6
  assert_int_equal(bytes[7 * 8 + 2] >> 4, codes[10 * 16 + 3] >> 4); // row 10, column 7
  nf_free_aligned(f.plain.data);
  nf_free_aligned(f.packed.data);
  make(&f, NF_MXFP4, NF_PACK(16, 2), 1, 17, 32); // 32-bit words of columns 0 2 4 6 1 3 5 7
  nf_pack_tensor(&f.packed, &f.plain);
  codes = f.plain.data, bytes = f.packed.data;
  assert_int_equal(bytes[(16 + 3) * 4 + 1] >> 4, codes[3 * 16 + 7] & 15);                 // row 3, column 14
  assert_int_equal(bytes[(2 * 16 + 9) * 4 + 2] & 15, codes[9 * 16 + 8] >> 4);             // row 9, column 17
  assert_int_equal(bytes[16 * 16 + (3 * 16 + 0) * 4 + 3] >> 4, codes[16 * 16 + 15] >> 4); // row 16, column 31
  nf_free_aligned(f.plain.data);
  nf_free_aligned(f.packed.data);
  make(&f, NF_MXFP4, NF_PACK(32, 4), 1, 32, 32); // the same columns, with bits where bf16 has them
  nf_pack_tensor(&f.packed, &f.plain);
  codes = f.plain.data;
  const uint8_t *row = codes + 5 * 16 + 8; // columns 16 to 23
  const uint32_t w = ((const uint32_t *)f.packed.data)[2 * 32 + 5];
  const uint32_t pair[4] = {w & 0x81c081c0, w << 6 & 0x81c081c0,
                            (w << 4 & 0x81808180) | (w >> 4 & 0x00400040), (w >> 6 | w << 26) & 0x81c081c0};
  for (int i = 0; i < 4; i++) {
    const uint32_t low = row[i] & 15, high = row[i] >> 4;
    assert_int_equal(pair[i], (low & 8) << 12 | (low & 7) << 6 | (high & 8) << 28 | (high & 7) << 22);
  }
  nf_free_aligned(f.plain.data);
  nf_free_aligned(f.packed.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_all_orders),
                                     cmocka_unit_test(test_streams), cmocka_unit_test(test_element_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
