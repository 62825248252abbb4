// SPDX-License-Identifier: Apache-2.0
// Types: bytes, rows, checks, text.
#include "tensor/type.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const nf_sizes sizes = {{1, 7, 3, 2}};

static nf_type parsed(const char *text) {
  nf_type t;
  nf_status st = nf_type_parse(nf_view_of(text), &t);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  return t;
}

static void bytes(void **state) {
  (void)state;
  static const struct {
    const char *type;
    size_t bytes;
  } rows[] = {
      {"f32[]", 4},
      {"bf16[T,2880]", 7 * 2880 * 2},
      {"bf16[T,2880:3072]", 7 * 3072 * 2},
      {"f32[4*S,8]", 12 * 8 * 4},
      {"i64[0,5]", 0},
      {"e2m1[3,6]", 9},
      {"mxfp4[3,64]", 128 + 6}, // 96 code bytes, to the next line, 2 scales per row
      {"mxfp4[2,64,32]", 2048 + 128},
      {"mxfp4[2,33:64]", 64 + 4},
      {"mxfp4[0,32]", 0},
      {"sliding bf16[2,8,64,64]", 2 * 8 * 64 * 64 * 2},
      {"u8[T:2,5]", 70},
      {"fp8row[3,50]", 192 + 3 * 4}, // 150 code bytes, to the next line, a scale per row
      {"fp8row[2,3,50]", 320 + 6 * 4},
      {"fp8g128[3,300]", 960 + 9 * 4}, // three scales per row, the last for 44 columns
      {"fp8g128[T,128]", 7 * 128 + 7 * 4},
      {"fp8b128[130,300]", 39040 + 2 * 3 * 4},
      {"fp8b128[3,130,128]", 49920 + 3 * 2 * 4}, // each matrix ends with a block of two rows
      {"fp8b128[0,128]", 0},
      {"fp8b128[2,1:16,100]", 3200 + 2 * 4},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    nf_type t = parsed(rows[i].type);
    size_t n;
    nf_status st = nf_type_bytes(&t, &sizes, &n);
    if (!nf_is_ok(st) || n != rows[i].bytes) fail_msg("%s: %zu %s", rows[i].type, n, nf_status_message(st));
  }
}

static void bytes_refused(void **state) {
  (void)state;
  static const char *const types[] = {
      "mxfp4[4,33]",
      "mxfp4[4,T]",
      "mxfp4[]",
      "e2m1[4,5]",
      "f32[4294967296,4294967296]",
      "f32[9223372036854775807]",
      "f32[9223372036854775807*T]",
      "u8[4294967296,4294967296,0:1]",
      "f32[4,2:4611686018427387904]",
      "mxfp4[288230376151711744,64]",
      "i64[4294967296,4294967296,4294967296,4294967296]",
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    nf_type t = parsed(types[i]);
    size_t n;
    nf_status st = nf_type_bytes(&t, &sizes, &n);
    if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), "type "))
      fail_msg("%s: taken", types[i]);
    nf_status_free(st);
  }
}

static void rows(void **state) {
  (void)state;
  nf_extent e;
  nf_type t = parsed("bf16[3,2*T,5,9]");
  assert_true(nf_type_rows(&t, &e) && nf_extent_equal(e, NF_BY(30, NF_T)));
  t = parsed("bf16[9]");
  assert_true(nf_type_rows(&t, &e) && nf_extent_equal(e, NF_C(1)));
  t = parsed("bf16[]");
  assert_true(nf_type_rows(&t, &e) && nf_extent_equal(e, NF_C(1)));
  t = parsed("bf16[T,S]");
  assert_true(nf_type_rows(&t, &e) && nf_extent_equal(e, NF_BY(1, NF_T)));
  t = parsed("bf16[T,S,4]");
  assert_false(nf_type_rows(&t, &e));
  t = parsed("bf16[4294967296,4294967296,4]");
  assert_false(nf_type_rows(&t, &e));
}

static void checks(void **state) {
  (void)state;
  const nf_type good = NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(8), NF_C(8), NF_C(8), NF_C(8));
  nf_type bad[9];
  for (int i = 0; i < 9; i++) bad[i] = good;
  bad[0].dtype = NF_NONE;
  bad[1].dtype = NF_DTYPE_COUNT;
  bad[2].pack = NF_PACK(16, 3);
  bad[3].cache = NF_CACHE_COUNT;
  bad[4].rank = NF_MAX_RANK + 1;
  bad[5].rank = -1;
  bad[6].dim[1].c = bad[6].padded[1] = -1;
  bad[7].padded[1] = 7;
  bad[8].cache = NF_CACHE_FULL; // no room for the slots
  assert_true(nf_is_ok(nf_type_check(&good)));
  for (int i = 0; i < 9; i++) {
    nf_status st = nf_type_check(&bad[i]);
    if (nf_is_ok(st)) fail_msg("bad type %d is taken", i);
    nf_status_free(st);
  }
  nf_type symbol = good;
  symbol.dim[0].sym = NF_SYM_COUNT;
  nf_status st = nf_type_check(&symbol);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  nf_status_free(st);
}

static nf_type random_type(void) {
  nf_extent dim[NF_MAX_RANK];
  bool pool = rand() % 4 == 0;
  size_t rank = (size_t)rand() % (NF_MAX_RANK + !pool);
  for (size_t i = 0; i < rank; i++)
    dim[i] = NF_BY(rand() % 3 ? rand() % 5000 : rand() % 3, (nf_sym)(rand() % NF_SYM_COUNT));
  nf_type t = nf_type_make((nf_dtype)(1 + rand() % (NF_DTYPE_COUNT - 1)), dim, rank);
  for (size_t i = 0; i < rank; i++)
    if (rand() % 2) t.padded[i] += rand() % 100;
  if (rank > 1 && rand() % 2) t.pack = NF_PACK((int16_t)(2 << rand() % 6), (int16_t)(1 << rand() % 3));
  if (pool) t.cache = (nf_cache)(1 + rand() % (NF_CACHE_COUNT - 1));
  return t;
}

static void text_round_trip(void **state) {
  (void)state;
  srand(20240607);
  for (int i = 0; i < 3000; i++) {
    nf_type t = random_type(), back;
    const nf_type_text text = nf_type_text_of(&t);
    assert_true(nf_is_ok(nf_type_parse(nf_view_of(text.at), &back)));
    if (!nf_type_equal(&t, &back)) fail_msg("%s does not come back", text.at);
    if (t.rank) {
      back.padded[rand() % t.rank]++;
      assert_false(nf_type_equal(&t, &back));
    }
  }
}

static void text_forms(void **state) {
  (void)state;
  nf_type t = NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_BY(4, NF_R), NF_C(2880), NF_BY(0, NF_S));
  t.padded[2] = 3072;
  t.cache = NF_CACHE_SLIDING;
  assert_string_equal(nf_type_text_of(&t).at, "sliding bf16[T,4*R,2880:3072,0*S]");
}

static void text_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "bf16",
      "bf16[",
      "[T]",
      "bf16]",
      "bf17[T]",
      "none[T]",
      "bf16[T",
      "bf16[T,]",
      "bf16[,T]",
      "bf16[T]x",
      "bf16[-1]",
      "bf16[+1]",
      "bf16[ 1]",
      "bf16[4:3]",
      "bf16[4:]",
      "bf16[4*]",
      "bf16[4*Q]",
      "bf16[*T]",
      "bf16[T*4]",
      "bf16@[T]",
      "bf16@odd[T]",
      "bf16@n[T]",
      "bf16@n15[T]",
      "bf16@n016[T]",
      "bf16@n16k1[T]",
      "bf16@n16k[T]",
      "bf16@n16k8[T]",
      "bf16@n128[T]",
      "bf16@n65552[T]",
      "half bf16[T]",
      " bf16[T]",
      "bf16 [T]",
      "bf16[1,1,1,1,1,1]",
      "bf16[9223372036854775808]",
      "full  bf16[2]",
      "full[2]",
      "bf16[T:-1]",
      "bf16[4:T]",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    nf_type t;
    nf_status st = nf_type_parse(nf_view_of(texts[i]), &t);
    if (nf_status_code(st) != NF_BAD_INPUT) fail_msg("'%s' is taken", texts[i]);
    nf_status_free(st);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes),       cmocka_unit_test(bytes_refused),   cmocka_unit_test(rows),
      cmocka_unit_test(checks),      cmocka_unit_test(text_round_trip), cmocka_unit_test(text_forms),
      cmocka_unit_test(text_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
