// SPDX-License-Identifier: Apache-2.0
// Tests of the pool: every block once, runs follow each other safely (the allocation test is in
// memory_test.c); log and clock beside it.
#include "base/clock.h"
#include "base/cores.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/threads.h"
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static nf_threads *pool(int n) {
  nf_threads *t = NULL;
  nf_status s = nf_threads_create(n, &t);
  assert_string_equal(nf_status_message(s), "");
  return t;
}

static void *read_mask(void *mask) {
  pthread_sigmask(SIG_SETMASK, NULL, mask);
  return NULL;
}

static void signals_are_for_others(void **) {
  sigset_t of_thread, before, after;
  pthread_t thread;
  read_mask(&before);
  assert_int_equal(nf_thread_start(&thread, read_mask, &of_thread), 0);
  pthread_join(thread, NULL);
  read_mask(&after);
  static const int asked[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGCHLD};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    assert_true(sigismember(&of_thread, asked[i]));
    assert_int_equal(sigismember(&after, asked[i]), sigismember(&before, asked[i]));
  }
}

typedef struct job {
  int64_t *seen; // plain memory: the thread sanitizer sees whether a run orders it
  int64_t value;
} job;

static void put(const void *arg, int64_t block) {
  const job *j = arg;
  j->seen[block] += j->value;
}

static void every_block_runs_once(void **state) {
  (void)state;
  enum { BLOCKS = 1000 };
  static const int sizes[] = {1, 2, 3, 8};
  for (size_t k = 0; k < 4; k++) {
    nf_threads *t = pool(sizes[k]);
    assert_int_equal(nf_threads_count(t), sizes[k]);
    int64_t seen[BLOCKS] = {0}, wrong = 0;
    for (int64_t run = 1; run <= 300; run++) {
      int64_t blocks = run * 7919 % (run % 3 ? 12 : BLOCKS + 1);
      nf_threads_run(t, blocks, put, &(job){seen, run});
      for (int64_t b = 0; b < BLOCKS; b++) wrong += seen[b] != (b < blocks ? run : 0);
      memset(seen, 0, sizeof seen);
    }
    assert_int_equal(wrong, 0);
    nf_threads_run(t, 0, put, NULL);
    nf_threads_destroy(t);
  }
}

static void sleeping_workers_wake(void **state) {
  (void)state;
  nf_threads *t = pool(3);
  int64_t seen[64] = {0};
  for (int i = 0; i < 20; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    nf_threads_run(t, 64, put, &(job){seen, 1});
  }
  for (int i = 0; i < 64; i++) assert_int_equal(seen[i], 20);
  nf_threads_destroy(t);
}

typedef struct meeting {
  _Atomic int *here;
  int all;
} meeting;

static void meet(const void *arg, int64_t block) {
  (void)block;
  const meeting *m = arg;
  atomic_fetch_add(m->here, 1);
  while (atomic_load(m->here) < m->all) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

// Blocks that wait for each other end only when as many threads run them; with more than cores some may
// sleep.
static void workers_run_side_by_side(void **state) {
  (void)state;
  nf_threads *t = pool(3);
  _Atomic int here = 0;
  const int all = nf_cores() < 3 ? nf_cores() : 3;
  nf_threads_run(t, all, meet, &(meeting){&here, all});
  assert_int_equal(here, all);
  nf_threads_destroy(t);
}

// ---- walks ----

enum { JOBS = 40, MOST = 25 };
typedef struct list {
  int64_t sum[JOBS][MOST]; // plain memory, as above
  int threads, stop_at, seen;
  _Atomic int *busy, *wrong; // busy[threads]
} list;

static int64_t blocks_of(const void *arg, size_t job) { return (void)arg, (int64_t)(job * 7 % MOST); }
// Jobs 4, 5, 6, then 12, 13, 14, and so on are beside the one before.
static bool is_beside(const void *arg, size_t job) { return (void)arg, job % 8 >= 4 && job % 8 < 7; }
static size_t first_beside(size_t job) { return is_beside(NULL, job) ? job / 8 * 8 + 3 : job; }

// 1 and the sum of the last job before this one and those beside it that has blocks.
static void add_up(const void *arg, size_t job, int64_t block, int thread) {
  list *l = (list *)arg;
  int64_t sum = 1;
  *l->wrong += thread < 0 || thread >= l->threads || atomic_exchange(&l->busy[thread], 1) != 0;
  for (size_t from = first_beside(job); from-- > 0 && sum == 1;)
    for (int64_t b = 0; b < blocks_of(l, from); b++) sum += l->sum[from][b];
  l->sum[job][block] += sum % 1000003;
  atomic_store(&l->busy[thread], 0);
}

static bool stops(const void *arg) { return ((const list *)arg)->stop_at == ((list *)arg)->seen++; }

static list walked(nf_threads *t, int threads, int stop_at) {
  static _Atomic int busy[8], wrong;
  list l = {.threads = threads, .stop_at = stop_at, .busy = busy, .wrong = &wrong};
  const nf_jobs jobs = {JOBS, &l, blocks_of, is_beside, add_up, stop_at >= 0 ? stops : NULL};
  l.seen = 0;
  const size_t done = nf_threads_walk(t, &jobs);
  assert_int_equal(wrong, 0);
  assert_true(stop_at < 0 ? done == JOBS : done < JOBS);
  return l;
}

// Whatever the number of threads: a job sees all of those before it, and those beside each other may mix.
static void walks_keep_order(void **) {
  const list right = walked(NULL, 1, -1);
  for (int n = 1; n <= 8; n++) {
    nf_threads *t = pool(n);
    for (int i = 0; i < 100; i++) {
      const list l = walked(t, n, -1);
      assert_memory_equal(l.sum, right.sum, sizeof l.sum);
    }
    nf_threads_destroy(t);
  }
}

// A stopped walk ends, what it has done is right, and the pool walks again.
static void walks_stop(void **) {
  const list right = walked(NULL, 1, -1);
  nf_threads *t = pool(3);
  for (int at = 0; at < 20; at++) {
    const list l = walked(t, 3, at), again = walked(t, 3, -1);
    assert_memory_equal(l.sum, right.sum, (size_t)at * sizeof l.sum[0]); // a group is at least a job
    assert_memory_equal(again.sum, right.sum, sizeof again.sum);
  }
  nf_threads_destroy(t);
}

static void create_refuses_nonsense(void **state) {
  (void)state;
  static const int wrong[] = {-1, 4097, INT_MAX, INT_MIN};
  for (size_t i = 0; i < 4; i++) {
    nf_threads *t = NULL;
    nf_status s = nf_threads_create(wrong[i], &t);
    assert_int_equal(nf_status_code(s), NF_USAGE);
    assert_null(t);
    nf_status_free(s);
  }
  nf_threads *t = pool(0);
  assert_int_equal(nf_threads_count(t), nf_cores());
  nf_threads_destroy(t);
  nf_threads_destroy(NULL);
}

static void clock_and_memory(void **state) {
  (void)state;
  double start = nf_now();
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  double took = nf_now() - start;
  assert_true(took >= 0.002 && took < 60);
  uint64_t before = nf_peak_rss();
  size_t n = (size_t)32 << 20;
  char *p = nf_alloc_aligned(n);
  memset(p, 1, n);
  assert_true(before > 0 && nf_peak_rss() >= n);
  nf_free_aligned(p);
}

static void keep_line(void *user, nf_level level, const char *line) {
  nf_text_printf(user, "%d%s;", level, line);
}

static bool keep_progress(void *user, const char *what, uint64_t done, uint64_t total) {
  nf_text_printf(user, "%s %d/%d;", what, (int)done, (int)total);
  return done < 2;
}

static void log_hands_on_clean_lines(void **state) {
  (void)state;
  nf_text t = {0};
  nf_log log = {.level = NF_LOG_INFO, .write = keep_line, .progress = keep_progress, .user = &t};
  nf_log_print(&log, NF_LOG_INFO, "a%s", "\n");
  nf_log_print(&log, NF_LOG_DEBUG, "dropped");
  nf_log_print(&(nf_log){0}, NF_LOG_ERROR, "silent");
  assert_true(nf_is_ok(nf_log_progress(&(nf_log){0}, "x", 5, 5)));
  assert_true(nf_is_ok(nf_log_progress(&log, "load", 1, 3)));
  nf_status s = nf_log_progress(&log, "load", 2, 3);
  assert_int_equal(nf_status_code(s), NF_CANCELLED);
  nf_status_free(s);
  assert_string_equal(t.at, "2a\\x0a;load 1/3;load 2/3;");
  nf_text_deinit(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(signals_are_for_others),
      cmocka_unit_test(every_block_runs_once),
      cmocka_unit_test(sleeping_workers_wake),
      cmocka_unit_test(workers_run_side_by_side),
      cmocka_unit_test(create_refuses_nonsense),
      cmocka_unit_test(walks_keep_order),
      cmocka_unit_test(walks_stop),
      cmocka_unit_test(clock_and_memory),
      cmocka_unit_test(log_hands_on_clean_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
