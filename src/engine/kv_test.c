// SPDX-License-Identifier: Apache-2.0
// Random operations on slots, compared with a list that is searched.
#include "base/clock.h"
#include "engine/kv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 12, NAMES = 20 };

typedef struct model { // what is not in use stands in `order`, first what is taken first
  int refs[MOST], name[MOST], order[MOST], n, unused;
  bool minor[MOST];
} model;

static nf_prefix name_of(int i) { // of some buckets, so that there are collisions
  return (nf_prefix){{(uint64_t)(i % 3), (uint64_t)i}};
}

static int find(const model *m, int name) {
  for (int i = 0; i < m->n; i++)
    if (m->name[i] == name) return i;
  return -1;
}

static void leave(model *m, int i) {
  int at = 0;
  while (m->order[at] != i) at++;
  memmove(m->order + at, m->order + at + 1, (size_t)(--m->unused - at) * sizeof *m->order);
}

static void enter(model *m, int i) {
  int at = 0; // behind all that are taken before it
  while (m->name[i] >= 0 && at < m->unused &&
         !(m->minor[i] && m->name[m->order[at]] >= 0 && !m->minor[m->order[at]]))
    at++;
  memmove(m->order + at + 1, m->order + at, (size_t)(m->unused - at) * sizeof *m->order);
  m->order[at] = i;
  m->unused++;
}

static void share(nf_kv *kv, model *m, int i) {
  nf_kv_share(kv, i);
  if (m->refs[i]++ == 0) leave(m, i);
}

static void operate(nf_kv *kv, model *m) {
  const int i = rand() % m->n, name = rand() % NAMES, what = rand() % 5;
  if (what == 0) {
    const int first = m->unused > 0 ? m->order[0] : -1;
    assert_int_equal(nf_kv_take(kv), first);
    if (first >= 0) leave(m, first), m->refs[first] = 1, m->name[first] = -1;
  } else if (what == 1 && m->refs[i] > 0) {
    nf_kv_release(kv, i);
    if (--m->refs[i] == 0) enter(m, i);
  } else if (what == 2 && m->refs[i] > 0) {
    const bool minor = rand() % 2;
    nf_kv_name(kv, i, name_of(name), minor);
    if (m->name[i] < 0 && find(m, name) < 0) m->name[i] = name, m->minor[i] = minor;
  } else if (what == 3 && m->refs[i] > 0 && rand() % 4 == 0) {
    nf_kv_unname(kv, i);
    m->name[i] = -1;
  } else if (what == 4) {
    const int found = find(m, name);
    if (found >= 0) share(kv, m, found);
  }
}

static void compare(const nf_kv *kv, const model *m) {
  assert_int_equal(kv->unused, m->unused);
  for (int i = 0; i < m->n; i++) {
    assert_int_equal(nf_kv_refs(kv, i), m->refs[i]);
    assert_int_equal(nf_kv_is_named(kv, i), m->name[i] >= 0);
  }
  for (int k = 0; k < NAMES; k++) assert_int_equal(nf_kv_find(kv, name_of(k)), find(m, k));
}

static void test_is_like_a_list(void **) {
  for (int n = 1; n <= MOST; n++) {
    nf_kv kv;
    model m = {.n = n, .unused = n};
    for (int i = 0; i < n; i++) m.order[i] = i, m.name[i] = -1;
    assert_true(nf_is_ok(nf_kv_init(&kv, n)));
    for (int i = 0; i < 5000; i++) {
      operate(&kv, &m);
      compare(&kv, &m);
    }
    nf_kv_deinit(&kv);
  }
}

static void test_names(void **) {
  const int32_t a[] = {1, 2, 3}, b[] = {1, 2, 4};
  const nf_prefix none = nf_prefix_empty(), other = nf_prefix_empty();
  assert_memory_not_equal(&none, &other, sizeof none);
  const nf_prefix x = nf_prefix_extend(none, a, 3), y = nf_prefix_extend(none, b, 3),
                  again = nf_prefix_extend(none, a, 3), longer = nf_prefix_extend(y, a, 3);
  assert_memory_equal(&x, &again, sizeof x);
  assert_memory_not_equal(&x, &y, sizeof x);
  assert_memory_not_equal(&x, &longer, sizeof x);
  assert_memory_not_equal(&x.hash[0], &x.hash[1], sizeof x.hash[0]);
}

// A call takes a time that does not depend on how many slots there are.
static double seconds_of(int64_t n) {
  nf_kv kv;
  int32_t tokens[64] = {0};
  nf_prefix p = nf_prefix_empty();
  assert_true(nf_is_ok(nf_kv_init(&kv, n)));
  for (int64_t i = 0; i < n; i++) { // all in use, then all named and released
    tokens[0] = (int32_t)i;
    const int32_t slot = nf_kv_take(&kv);
    nf_kv_name(&kv, slot, p = nf_prefix_extend(p, tokens, 64), false);
    nf_kv_release(&kv, slot);
  }
  const double start = nf_now();
  for (int i = 0; i < 20000; i++) {
    tokens[0] = i;
    const int32_t slot = nf_kv_take(&kv);
    nf_kv_name(&kv, slot, p = nf_prefix_extend(p, tokens, 64), false);
    nf_kv_share(&kv, nf_kv_find(&kv, p));
    nf_kv_release(&kv, slot);
    nf_kv_release(&kv, slot);
  }
  const double seconds = nf_now() - start;
  nf_kv_deinit(&kv);
  return seconds;
}

static void test_many_cost_as_few(void **) {
  const double few = seconds_of(64), many = seconds_of(1 << 18);
  print_message("take, name, find, release: %.0f ns of 64 slots, %.0f of 262144\n", few * 5e4, many * 5e4);
  assert_true(many < 50 * few + 0.1); // a list that is searched takes a thousand times as long
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_is_like_a_list),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_many_cost_as_few),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
