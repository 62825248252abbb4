// SPDX-License-Identifier: Apache-2.0
// Measuring the host. All threads of a round begin together; what they did is divided by the time from the
// first's begin to the last's end.
#include "hw/measure.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/cores.h"
#include "base/gate.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 1024, LEAST_ROUNDS = 3 };
// Of multiplying in a round, and of all rounds for a figure: long enough for some of them to meet no other
// program, on a machine that has others.
static const double round_s = 1e-3, figure_s = 12e-3;
enum { PART_MOST = 8 << 20, ALL_MOST = 256 << 20, PART_GRAIN = 1 << 16 }; // bytes that a thread reads

typedef struct attempt {
  void (*prepare)(const struct attempt *r, int64_t part);
  double (*work)(const struct attempt *r, int64_t part); // returns how much it did
  char *memory;                                          // part_bytes for each
  size_t part_bytes;
  nf_reader read;
  nf_multiply multiply;
  int64_t parts;
  _Atomic int64_t *ready;
  struct span {
    double first, last, did;
  } * span; // [parts]
} attempt;

// ---- what is measured ----

static double read_part(const attempt *r, int64_t part) {
  r->read(r->memory + (size_t)part * r->part_bytes, r->part_bytes);
  return (double)r->part_bytes;
}

static void flush_part(const attempt *r, int64_t part) {
  nf_flush(r->memory + (size_t)part * r->part_bytes, r->part_bytes);
}

static void touch_part(const attempt *r, int64_t part) {
  memset(r->memory + (size_t)part * r->part_bytes, 1, r->part_bytes);
}

static double touched_part(const attempt *, int64_t) { return 0; }

static void prepare_nothing(const attempt *, int64_t) {}

static double multiply_part(const attempt *r, int64_t) {
  const double end = nf_now() + round_s;
  double did = 0;
  while (nf_now() < end) did += r->multiply(2000);
  return did;
}

// ---- rounds ----

// Others that come late, as the system was slow to wake them, are not waited for long.
static void wait_for_others(const attempt *r) {
  const double end = nf_now() + 2e-3;
  atomic_fetch_add(r->ready, 1);
  while (atomic_load(r->ready) < r->parts && nf_now() < end) nf_pause();
}

static void run_part(const void *arg, int64_t part) {
  const attempt *r = arg;
  r->prepare(r, part);
  wait_for_others(r);
  const double first = nf_now(), did = r->work(r, part);
  r->span[part] = (struct span){first, nf_now(), did};
}

static double rate_of_round(nf_threads *threads, const attempt *r) {
  double first = 0, last = 0, did = 0;
  *r->ready = 0;
  nf_threads_run(threads, r->parts, run_part, r);
  for (int64_t i = 0; i < r->parts; i++) {
    const struct span *s = &r->span[i];
    if (i == 0 || s->first < first) first = s->first;
    if (i == 0 || s->last > last) last = s->last;
    did += s->did;
  }
  return last > first ? did / (last - first) : 0;
}

static double best_rate(nf_threads *threads, const attempt *r) {
  double best = 0;
  const double end = nf_now() + figure_s;
  for (int i = 0; i < LEAST_ROUNDS || nf_now() < end; i++) {
    const double rate = rate_of_round(threads, r);
    if (rate > best) best = rate;
  }
  return best;
}

// ---- launches ----

enum { LISTS = 25, LAUNCHES = 100, BLOCKS_EACH = 4 }; // blocks for each thread

static int64_t blocks_of(const void *arg, size_t) { return *(const int *)arg; }
static void run_empty(const void *, size_t, int64_t, int) {}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

// The median: the best is that of a list which the caller met alone.
static double launch_of(nf_threads *threads, int parts) {
  const int blocks = BLOCKS_EACH * parts;
  const nf_jobs jobs = {.n = LAUNCHES, .arg = &blocks, .blocks = blocks_of, .run = run_empty};
  double each[LISTS];
  for (int i = 0; i < LISTS; i++) {
    const double first = nf_now();
    (void)nf_threads_walk(parts > 1 ? threads : NULL, &jobs);
    each[i] = (nf_now() - first) / LAUNCHES;
  }
  qsort(each, LISTS, sizeof *each, ascending);
  return each[LISTS / 2];
}

// ---- together ----

static nf_speed measure(uint64_t features, nf_threads *threads, attempt r, int parts) {
  nf_speed s = {.launch = launch_of(threads, parts)};
  r.parts = parts;
  if (r.memory != NULL) {
    r.prepare = flush_part, r.work = read_part, r.read = nf_reader_of(features);
    s.bandwidth = best_rate(threads, &r);
  }
  r.prepare = prepare_nothing, r.work = multiply_part;
  for (int i = 0; i < NF_RATE_COUNT; i++)
    if ((r.multiply = nf_multiply_of(features, (nf_rate)i)) != NULL) s.peak[i] = best_rate(threads, &r);
  return s;
}

// The better of each.
static nf_speed best_of(nf_speed a, nf_speed b) {
  nf_speed s = {.bandwidth = fmax(a.bandwidth, b.bandwidth),
                .launch = a.launch > 0 ? fmin(a.launch, b.launch) : b.launch};
  for (int r = 0; r < NF_RATE_COUNT; r++) s.peak[r] = fmax(a.peak[r], b.peak[r]);
  return s;
}

// Threads that multiply much less together than one alone does for each of them had others on their cores:
// they are asked again, not for ever.
static nf_speed measure_all(uint64_t features, nf_threads *threads, attempt r, int parts, nf_speed one) {
  nf_speed all = one;
  all.launch = 0; // of one thread it is less
  for (int i = 0; i < 3 && all.peak[NF_RATE_F32] < 0.6 * parts * one.peak[NF_RATE_F32]; i++)
    all = best_of(all, measure(features, threads, r, parts));
  return all;
}

nf_speeds nf_hw_measure(uint64_t features, nf_threads *threads) {
  struct span span[MOST_THREADS];
  _Atomic int64_t ready;
  const int n = (int)nf_min(nf_min(nf_threads_count(threads), nf_cores()), MOST_THREADS);
  const size_t part = (size_t)nf_min(PART_MOST, ALL_MOST / n / PART_GRAIN * PART_GRAIN);
  attempt r = {.memory = nf_alloc_aligned((size_t)n * part),
               .part_bytes = part,
               .ready = &ready,
               .span = span,
               .parts = n};
  nf_speeds s = {.threads = n};
  if (r.memory != NULL) {
    r.prepare = touch_part, r.work = touched_part;
    (void)rate_of_round(threads, &r);
  }
  s.one = measure(features, threads, r, 1);
  s.all = n > 1 ? measure_all(features, threads, r, n, s.one) : s.one;
  nf_free_aligned(r.memory);
  return s;
}
