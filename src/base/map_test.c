// SPDX-License-Identifier: Apache-2.0
// Tests of the map and its hash.
#include "base/map.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

// From CPython 3.11 (PYTHONHASHSEED=0, whose key is zero): hash() of bytes is SipHash-1-3.
static void hash_is_siphash_1_3(void **state) {
  (void)state;
  static const struct {
    const char *s;
    uint64_t hash;
  } row[] = {
      {"a", 0x407448d2b89b1813},
      {"abcdefg", 0x6db12aae9070f506},
      {"abcdefgh", 0x3f7b849c0b8e35ea},
      {"model.layers.0.mlp.experts.gate_up_proj_blocks", 0x84f9aa17b560f4fc},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    assert_true(nf_hash(row[i].s, strlen(row[i].s), (uint64_t[2]){0, 0}) == row[i].hash);
    assert_true(nf_hash(row[i].s, strlen(row[i].s), (uint64_t[2]){0, 1}) != row[i].hash);
  }
}

static bool add(nf_map *m, const char *key, size_t n, uint32_t value) {
  bool added;
  nf_status s = nf_map_add(m, key, n, value, &added);
  assert_true(nf_is_ok(s));
  return added;
}

static void first_value_stays(void **state) {
  (void)state;
  nf_map m = {0};
  uint32_t v = 9;
  assert_false(nf_map_find(&m, "a", 1, &v));
  assert_true(add(&m, "a", 1, 1));
  assert_false(add(&m, "a", 1, 2));
  assert_true(add(&m, "ab", 2, 3));
  assert_true(add(&m, "a\0b", 3, 4));
  assert_true(add(&m, NULL, 0, 5));
  assert_false(add(&m, "", 0, 6));
  assert_true(nf_map_find(&m, "a", 1, &v) && v == 1);
  assert_true(nf_map_find(&m, "abc", 2, &v) && v == 3);
  assert_true(nf_map_find(&m, "a\0b", 3, &v) && v == 4);
  assert_true(nf_map_find(&m, NULL, 0, &v) && v == 5);
  assert_false(nf_map_find(&m, "b", 1, &v));
  assert_int_equal(m.n, 4);
  nf_map_deinit(&m);
  assert_false(nf_map_find(&m, "a", 1, &v));
  nf_map_deinit(&m);
}

enum { MANY = 151000, WIDTH = 8 };

static void holds_a_vocabulary(void **state) {
  (void)state;
  char(*key)[WIDTH] = nf_alloc(MANY, WIDTH);
  nf_map m = {0};
  uint32_t v;
  for (uint32_t i = 0; i < MANY; i++) {
    int n = snprintf(key[i], WIDTH, "%x", i);
    assert_true(add(&m, key[i], (size_t)n, i));
  }
  assert_int_equal(m.n, MANY);
  for (uint32_t i = 0; i < MANY; i++) {
    if (!nf_map_find(&m, key[i], strlen(key[i]), &v) || v != i) fail_msg("key %u", i);
  }
  assert_false(nf_map_find(&m, "ffffff", 6, &v));
  nf_map_deinit(&m);
  nf_free(key);
}

static void reserve_is_enough(void **state) {
  (void)state;
  char key[1000][WIDTH];
  nf_map m = {0};
  assert_true(nf_is_ok(nf_map_reserve(&m, 1000)));
  size_t cap = m.cap;
  for (uint32_t i = 0; i < 1000; i++) add(&m, key[i], (size_t)snprintf(key[i], WIDTH, "%u", i), i);
  assert_int_equal(m.cap, cap);
  nf_status s = nf_map_reserve(&m, SIZE_MAX);
  assert_int_equal(nf_status_code(s), NF_NO_MEMORY);
  nf_status_free(s);
  nf_map_deinit(&m);
}

static void seeds_differ(void **state) {
  (void)state;
  nf_map a = {0}, b = {0};
  add(&a, "x", 1, 0);
  add(&b, "x", 1, 0);
  assert_memory_not_equal(a.seed, b.seed, sizeof a.seed);
  nf_map_deinit(&a);
  nf_map_deinit(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hash_is_siphash_1_3), cmocka_unit_test(first_value_stays),
      cmocka_unit_test(holds_a_vocabulary),  cmocka_unit_test(reserve_is_enough),
      cmocka_unit_test(seeds_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
