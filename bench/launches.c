// SPDX-License-Identifier: Apache-2.0
// What a launch costs beyond its work: a list of 300 with empty blocks and with short ones, walked once by
// all threads, and run one by one. Never a test. build/bench/launches [threads]
#include "base/clock.h"
#include "base/threads.h"
#include "bench/measure.h"

enum { LAUNCHES = 300, ROUNDS = 41 };
typedef struct list {
  int64_t blocks;
  int spins; // of a block
} list;

static int64_t blocks_of(const void *arg, size_t) { return ((const list *)arg)->blocks; }
static void spin(const void *arg, int64_t) {
  for (volatile int i = 0; i < ((const list *)arg)->spins;) i = i + 1;
}
static void run_block(const void *arg, size_t, int64_t block, int) { spin(arg, block); }

static void walk(nf_threads *t, const list *l) {
  (void)nf_threads_walk(t, &(nf_jobs){.n = LAUNCHES, .arg = l, .blocks = blocks_of, .run = run_block});
}

static void run_each(nf_threads *t, const list *l) {
  for (int i = 0; i < LAUNCHES; i++) nf_threads_run(t, l->blocks, spin, l);
}

static double us_of(nf_threads *t, const list *l, void (*f)(nf_threads *t, const list *l)) {
  double us[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    const double start = nf_now();
    f(t, l);
    us[i] = 1e6 * (nf_now() - start) / LAUNCHES;
  }
  return median(us, ROUNDS);
}

int main(int argc, char **argv) {
  static const list lists[] = {{2, 0}, {64, 0}, {64, 300}, {16, 3000}};
  nf_threads *t;
  must(nf_threads_create(argc > 1 ? atoi(argv[1]) : 0, &t));
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    printf("%d threads, %2ld blocks of %4d rounds: walked %6.2f us a launch, one by one %6.2f us\n",
           nf_threads_count(t), (long)lists[i].blocks, lists[i].spins, us_of(t, &lists[i], walk),
           us_of(t, &lists[i], run_each));
  nf_threads_destroy(t);
}
