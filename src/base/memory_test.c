// SPDX-License-Identifier: Apache-2.0
// Tests of the heap and arenas, and of the whole room when memory runs out: every n-th allocation fails once,
// and from the n-th on all fail; the answer is NF_NO_MEMORY and nothing stays allocated.
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "tests/support/alloc_fail.h"
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void heap_checks_sizes(void **state) {
  (void)state;
  assert_null(nf_alloc(SIZE_MAX / 2, 3));
  assert_null(nf_alloc(SIZE_MAX, 1));
  assert_null(nf_alloc_aligned(SIZE_MAX));
  assert_null(nf_alloc_aligned(SIZE_MAX - 70));
  static const size_t none[][2] = {{0, 0}, {0, 8}, {8, 0}};
  for (size_t i = 0; i < 3; i++) {
    void *p = nf_alloc(none[i][0], none[i][1]);
    assert_non_null(p);
    nf_free(p);
  }
  unsigned char *p = nf_alloc(1000, 3);
  for (size_t i = 0; i < 3000; i++) assert_int_equal(p[i], 0);
  nf_free(p);
  nf_free(NULL);
}

static void aligned_storage(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 63, 64, 65, 100000, (8 << 20) - 1, 8 << 20, (8 << 20) + 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char *p = nf_alloc_aligned(sizes[i]);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % NF_CACHE_LINE, 0);
    if (sizes[i]) p[0] = p[sizes[i] - 1] = 1;
    nf_free_aligned(p);
  }
  nf_free_aligned(NULL);
}

static void grow_doubles_and_checks(void **state) {
  (void)state;
  int *p = NULL;
  size_t cap = 0, moves = 0;
  for (int i = 0; i < 100000; i++) {
    size_t before = cap;
    assert_true(nf_grow(&p, &cap, (size_t)i + 1, sizeof *p));
    moves += cap != before;
    p[i] = i;
  }
  for (int i = 0; i < 100000; i++) assert_int_equal(p[i], i);
  assert_true(moves < 20);
  int *same = p;
  size_t same_cap = cap;
  assert_false(nf_grow(&p, &cap, SIZE_MAX / 2, sizeof *p));
  assert_false(nf_grow(&p, &cap, SIZE_MAX, 1));
  assert_true(p == same && cap == same_cap);
  nf_free(p);
}

static void arena_gives_zeroed_aligned_objects(void **state) {
  (void)state;
  nf_arena a = {0};
  enum { COUNT = 3000 };
  unsigned char *at[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    size_t n = i % 100 == 99 ? 40000 : i % 57;
    at[i] = nf_arena_alloc(&a, n, 1);
    assert_int_equal((uintptr_t)at[i] % alignof(max_align_t), 0);
    for (size_t k = 0; k < n; k++) assert_int_equal(at[i][k], 0);
    memset(at[i], (int)(i % 251) + 1, n);
  }
  for (size_t i = 0; i < COUNT; i++) { // nobody wrote into anybody else
    size_t n = i % 100 == 99 ? 40000 : i % 57;
    for (size_t k = 0; k < n; k++) {
      if (at[i][k] != i % 251 + 1) fail_msg("object %zu byte %zu", i, k);
    }
  }
  assert_ptr_not_equal(nf_arena_alloc(&a, 0, 8), nf_arena_alloc(&a, 0, 8));
  nf_arena_deinit(&a);
  assert_true(a.block == NULL && a.bytes == 0);
}

static void arena_text_and_limits(void **state) {
  (void)state;
  nf_arena a = {0};
  char *s = nf_arena_copy(&a, "hello world", 5), *p = nf_arena_printf(&a, "L%d.%s", 3, "attn");
  assert_string_equal(s, "hello");
  assert_string_equal(p, "L3.attn");
  assert_string_equal(nf_arena_copy(&a, NULL, 0), "");
  size_t bytes = a.bytes;
  assert_null(nf_arena_alloc(&a, SIZE_MAX / 2, 4));
  assert_null(nf_arena_alloc(&a, SIZE_MAX - 8, 1));
  assert_null(nf_arena_copy(&a, s, SIZE_MAX));
  assert_int_equal(a.bytes, bytes);
  double *after = nf_arena_alloc(&a, 1, sizeof *after);
  assert_int_equal((uintptr_t)after % alignof(max_align_t), 0);
  assert_string_equal(s, "hello");
  nf_arena_deinit(&a);
}

// What is run out of memory. Each frees all it made, whatever fails.

static nf_status no_memory(bool made) { return made ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory"); }

static nf_status use_arena(void) {
  nf_arena a = {0};
  bool made = true;
  for (size_t i = 0; made && i < 300; i++) {
    made = nf_arena_alloc(&a, i, 8) && nf_arena_printf(&a, "%zu", i) && nf_arena_copy(&a, "abc", 3);
  }
  nf_arena_deinit(&a);
  return no_memory(made);
}

static nf_status use_text(void) {
  nf_text t = {0};
  for (int i = 0; i < 1000; i++) nf_text_printf(&t, "%d", i % 10);
  nf_status st = nf_text_status(&t);
  if (nf_is_ok(st)) assert_int_equal(t.n, 1000);
  nf_text_deinit(&t);
  return st;
}

static nf_status use_map(void) {
  static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789";
  nf_map m = {0};
  nf_status st = nf_ok();
  uint32_t value;
  for (uint32_t i = 0; nf_is_ok(st) && i < 300; i++)
    st = nf_map_add(&m, digits + i % 20, 1 + i / 20, i, NULL);
  for (uint32_t i = 0; nf_is_ok(st) && i < 300; i++) {
    assert_true(nf_map_find(&m, digits + i % 20, 1 + i / 20, &value));
    assert_int_equal(value, i);
  }
  nf_map_deinit(&m);
  return st;
}

static const char document[] =
    "{\"a long key that needs more than a few bytes\": [1, 2.5, \"a string with \\u20ac and \\\"escapes\\\", "
    "long too\", "
    "true, null], \"rope_scaling\": {\"factor\": 32, \"list\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}, "
    "\"k1\": 1, \"k2\": 2, \"k3\": 3, \"k4\": 4, \"k5\": 5, \"k6\": 6, \"k7\": 7, \"k8\": 8, \"k9\": 9}";
static char document_path[] = "/tmp/infuse-memory-XXXXXX";

static nf_status read_document(const nf_json *j) {
  int64_t n;
  nf_view s;
  nf_json_at root = nf_json_root(j), list = nf_json_get(&root, "a long key that needs more than a few bytes");
  nf_json_at text = nf_json_item(&list, 2), k9 = nf_json_get(&root, "k9");
  NF_TRY(nf_json_string(&text, &s));
  assert_true(nf_view_equal(s, NF_VIEW("a string with \xe2\x82\xac and \"escapes\", long too")));
  NF_TRY(nf_json_i64(&k9, 9, 9, &n));
  return nf_ok();
}

static nf_status use_json(void) {
  nf_json j;
  nf_status st = nf_json_load(document_path, 4096, &j);
  if (nf_is_ok(st)) st = read_document(&j);
  nf_json_deinit(&j);
  return st;
}

static nf_status use_new_file(void) {
  nf_new_file f;
  NF_TRY(nf_new_file_create(document_path, &f));
  nf_status st = nf_new_file_write(&f, 0, document, sizeof document - 1);
  if (nf_is_ok(st)) st = nf_new_file_commit(&f);
  nf_new_file_close(&f);
  return st;
}

static nf_status use_paths(void) {
  char *path;
  NF_TRY(nf_path_join("a-folder-with-a-name", "and-a-file", &path));
  nf_free(path);
  return nf_ok();
}

// Fails every allocation of `use` in turn until it gets through untouched.
static void exhaust(nf_status (*use)(void), bool for_good) {
  nf_status_free(use()); // what libraries keep for ever is made here
  for (uint64_t n = 1;; n++) {
    int64_t live = nf_alloc_live(), bytes = nf_alloc_live_bytes();
    nf_alloc_fail_at(n, for_good);
    nf_status st = use();
    bool reached = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    nf_code code = nf_status_code(st);
    nf_status_free(st);
    if (nf_alloc_live() != live || nf_alloc_live_bytes() != bytes) fail_msg("allocation %d: leak", (int)n);
    if (!reached) {
      assert_int_equal(code, NF_OK);
      assert_true(n > 1);
      return;
    }
    if (code != NF_NO_MEMORY) fail_msg("allocation %d: %s", (int)n, nf_code_name(code));
  }
}

static void every_failed_allocation_is_clean(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  static nf_status (*const use[])(void) = {use_arena, use_text, use_map, use_json, use_new_file, use_paths};
  for (size_t i = 0; i < sizeof use / sizeof *use; i++) {
    exhaust(use[i], false);
    exhaust(use[i], true);
  }
}

static void errors_need_no_memory(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  nf_alloc_fail_at(1, true);
  nf_status st = nf_status_note(nf_error(NF_BAD_INPUT, "text"), "note");
  nf_alloc_fail_at(0, false);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  assert_string_equal(nf_status_message(st), "bad input");
  st = nf_status_note(st, "later");
  assert_string_equal(nf_status_message(st), "later: bad input");
  nf_status_free(st);
  st = nf_error(NF_USAGE, "text");
  nf_alloc_fail_at(1, true);
  st = nf_status_note(st, "note");
  nf_alloc_fail_at(0, false);
  assert_string_equal(nf_status_message(st), "text");
  nf_status_free(st);
}

static void nothing(const void *arg, int64_t block) { (void)arg, (void)block; }

static void a_run_allocates_nothing(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  nf_threads *t;
  assert_true(nf_is_ok(nf_threads_create(3, &t)));
  nf_threads_run(t, 100, nothing, NULL);
  nf_alloc_fail_at(0, false);
  for (int i = 0; i < 100; i++) nf_threads_run(t, 100, nothing, NULL);
  assert_int_equal(nf_alloc_count(), 0);
  nf_threads_destroy(t);
}

static void counters_count(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  nf_alloc_fail_at(0, false);
  int64_t live = nf_alloc_live(), bytes = nf_alloc_live_bytes();
  char *p = nf_alloc(1000, 1);
  size_t cap = 1000;
  assert_true(nf_grow(&p, &cap, 5000, 1));
  assert_int_equal(nf_alloc_count(), 2);
  assert_int_equal(nf_alloc_live(), live + 1);
  assert_true(nf_alloc_live_bytes() >= bytes + 5000 && nf_alloc_peak_bytes() >= bytes + 5000);
  nf_free(p);
  assert_true(nf_alloc_live() == live && nf_alloc_live_bytes() == bytes);
}

static int make_document(void **state) {
  (void)state;
  int fd = mkstemp(document_path);
  return fd >= 0 && write(fd, document, sizeof document - 1) > 0 ? close(fd) : -1;
}

static int remove_document(void **state) {
  (void)state;
  return unlink(document_path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heap_checks_sizes),       cmocka_unit_test(aligned_storage),
      cmocka_unit_test(grow_doubles_and_checks), cmocka_unit_test(arena_gives_zeroed_aligned_objects),
      cmocka_unit_test(arena_text_and_limits),   cmocka_unit_test(every_failed_allocation_is_clean),
      cmocka_unit_test(errors_need_no_memory),   cmocka_unit_test(a_run_allocates_nothing),
      cmocka_unit_test(counters_count),
  };
  return cmocka_run_group_tests(tests, make_document, remove_document);
}
