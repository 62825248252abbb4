// SPDX-License-Identifier: Apache-2.0
// Ranks: what one wrote before a barrier all read behind it; who fails or leaves early releases the others
// with one error; allocations.
#include "comm/ranks.h"
#include "tests/support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const int worlds[] = {1, 2, 3, 4, 9};
enum { N_WORLDS = sizeof worlds / sizeof *worlds, MOST = 9 };

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static void refused(nf_status st, nf_code code, const char *message) {
  assert_string_equal(nf_status_message(st), message);
  assert_int_equal(nf_status_code(st), code);
  nf_status_free(st);
}

static nf_ranks *started(int world) {
  nf_ranks *r = NULL;
  ok(nf_ranks_create(world, 1, &r));
  ok(nf_ranks_start(r));
  return r;
}

typedef struct job {
  nf_ranks *ranks;
  int rounds, bad_rank, bad_round; // bad_round -1: nobody fails
  bool leaves;                     // instead of failing
  int64_t at[MOST];                // plain memory: the thread sanitizer sees whether barriers order it
  _Atomic int wrong, done;
} job;

static void rest(int64_t microseconds) {
  nanosleep(&(struct timespec){.tv_nsec = 1000 * microseconds}, NULL);
}

static nf_status rounds(void *user, int rank) {
  job *j = user;
  for (int i = 0; i < j->rounds; i++) {
    if (rank == j->bad_rank && i == j->bad_round)
      return j->leaves ? nf_ok() : nf_error(NF_BAD_INPUT, "rank %d has had enough", rank);
    j->at[rank] += rank + i;
    NF_TRY(nf_ranks_barrier(j->ranks, rank));
    for (int r = 0; r < nf_ranks_world(j->ranks); r++)
      j->wrong += j->at[r] != (int64_t)(i + 1) * r + (int64_t)i * (i + 1) / 2;
    NF_TRY(nf_ranks_barrier(j->ranks, rank));
    if (i % 256 == 255 && rank == i / 256 % 3) rest(300); // the others sleep by then
  }
  j->done++;
  return nf_ok();
}

static void test_barriers_order(void **state) {
  (void)state;
  for (int w = 0; w < N_WORLDS; w++) {
    job j = {.ranks = started(worlds[w]), .rounds = 2000, .bad_round = -1};
    for (int run = 0; run < 3; run++) {
      memset(j.at, 0, sizeof j.at);
      ok(nf_ranks_run(j.ranks, rounds, &j));
    }
    assert_int_equal(j.wrong, 0);
    assert_int_equal(j.done, 3 * worlds[w]);
    nf_ranks_destroy(j.ranks);
  }
}

// Whoever fails, early or late: its error comes out, and the next run is as good as any.
static void test_a_rank_fails(void **state) {
  (void)state;
  for (int w = 0; w < N_WORLDS; w++) {
    job j = {.ranks = started(worlds[w]), .rounds = 20};
    for (j.bad_rank = 0; j.bad_rank < worlds[w]; j.bad_rank++) {
      char message[40];
      snprintf(message, sizeof message, "rank %d has had enough", j.bad_rank);
      for (j.bad_round = 0; j.bad_round < 20; j.bad_round += 19) {
        memset(j.at, 0, sizeof j.at);
        refused(nf_ranks_run(j.ranks, rounds, &j), NF_BAD_INPUT, message);
        assert_int_equal(j.done, 0);
      }
      job good = {.ranks = j.ranks, .rounds = 20, .bad_round = -1};
      ok(nf_ranks_run(j.ranks, rounds, &good));
      assert_int_equal(good.wrong + j.wrong, 0);
    }
    nf_ranks_destroy(j.ranks);
  }
}

static void test_a_rank_leaves(void **state) {
  (void)state;
  job j = {.ranks = started(2), .rounds = 20, .bad_rank = 1, .bad_round = 7, .leaves = true};
  refused(nf_ranks_run(j.ranks, rounds, &j), NF_CANCELLED, "rank 0 waits for rank 1, which has returned");
  nf_ranks_destroy(j.ranks);
}

static nf_status fail_after_rank_1(void *user, int rank) {
  if (rank == 1) return nf_error(NF_NO_MEMORY, "first");
  nf_status_free(nf_ranks_barrier(user, rank)); // over when rank 1 is gone
  return nf_error(NF_BAD_INPUT, "later");
}

static void test_first_error_counts(void **state) {
  (void)state;
  nf_ranks *r = started(4);
  refused(nf_ranks_run(r, fail_after_rank_1, r), NF_NO_MEMORY, "first");
  nf_ranks_destroy(r);
}

// A run that was begun is like any other, its caller free meanwhile; runs of both kinds alternate.
static void test_begin(void **state) {
  (void)state;
  for (int w = 0; w < N_WORLDS; w++) {
    job j = {.ranks = started(worlds[w]), .rounds = 300, .bad_round = -1};
    assert_true(nf_ranks_poll(j.ranks));
    ok(nf_ranks_wait(j.ranks));
    for (int run = 0; run < 20; run++) {
      memset(j.at, 0, sizeof j.at);
      ok(nf_ranks_begin(j.ranks, rounds, &j));
      refused(nf_ranks_begin(j.ranks, rounds, &j), NF_INTERNAL, "the ranks' last run was not waited for");
      refused(nf_ranks_run(j.ranks, rounds, &j), NF_INTERNAL, "the ranks' last run was not waited for");
      while (run % 2 && !nf_ranks_poll(j.ranks)) rest(10);
      ok(nf_ranks_wait(j.ranks));
      memset(j.at, 0, sizeof j.at);
      ok(nf_ranks_run(j.ranks, rounds, &j));
    }
    assert_int_equal(j.wrong, 0);
    assert_int_equal(j.done, 40 * worlds[w]);
    job bad = {.ranks = j.ranks, .rounds = 3, .bad_rank = worlds[w] - 1, .bad_round = 1};
    char message[40];
    snprintf(message, sizeof message, "rank %d has had enough", bad.bad_rank);
    ok(nf_ranks_begin(j.ranks, rounds, &bad));
    refused(nf_ranks_wait(j.ranks), NF_BAD_INPUT, message);
    memset(j.at, 0, sizeof j.at);
    ok(nf_ranks_begin(j.ranks, rounds, &j)); // not waited for
    nf_ranks_destroy(j.ranks);
    assert_int_equal(j.done, 41 * worlds[w]);
  }
}

static void test_refusals(void **state) {
  (void)state;
  nf_ranks *r = NULL;
  refused(nf_ranks_create(0, 1, &r), NF_USAGE, "0 ranks; there may be 1 to 64");
  refused(nf_ranks_create(65, 1, &r), NF_USAGE, "65 ranks; there may be 1 to 64");
  assert_null(r);
  ok(nf_ranks_create(64, 4096, &r));
  refused(nf_ranks_run(r, rounds, NULL), NF_INTERNAL, "64 ranks were never started");
  nf_ranks_destroy(r);
  nf_ranks_destroy(NULL);
}

static nf_status use(void) {
  nf_ranks *r;
  NF_TRY(nf_ranks_create(3, 1, &r));
  job j = {.ranks = r, .rounds = 5, .bad_round = -1};
  nf_status st = nf_ranks_start(r);
  const uint64_t before = nf_alloc_count();
  if (nf_is_ok(st)) st = nf_ranks_run(r, rounds, &j);
  assert_int_equal(nf_alloc_count(), before);
  nf_ranks_destroy(r);
  return st;
}

static void test_allocations(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  ok(use()); // what libraries keep for ever is made here
  bool reached = true;
  for (uint64_t n = 1; reached; n++) {
    const int64_t live = nf_alloc_live();
    nf_alloc_fail_at(n, false);
    const nf_status st = use();
    reached = nf_alloc_count() >= n;
    nf_alloc_fail_at(0, false);
    assert_true(nf_is_ok(st) || nf_status_code(st) == NF_NO_MEMORY || nf_status_code(st) == NF_UNAVAILABLE);
    nf_status_free(st);
    assert_int_equal(nf_alloc_live(), live);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_barriers_order), cmocka_unit_test(test_a_rank_fails),
      cmocka_unit_test(test_a_rank_leaves),  cmocka_unit_test(test_first_error_counts),
      cmocka_unit_test(test_begin),          cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
