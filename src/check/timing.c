// SPDX-License-Identifier: Apache-2.0
// Times of a module's kernels: captured runs of many launches, as a step of a model is.
#include "base/checked.h"
#include "base/clock.h"
#include "check/remote.h"

// Constants lie so often in memory that what a turn reads is gone from the second-level cache (50 MiB on an
// H200) when it is read again, if that takes no more copies than MOST_TURNS and no more than a part of the
// memory.
enum { COLD_BYTES = 256 << 20, MOST_TURNS = 64, MEMORY_SHARE = 4 };
// A capture takes so long that its start (some 10 us) is no part of the time.
enum { MOST_LAUNCHES = 1024, REPLAYS = 4 };
static const double capture_us = 2000;

static size_t turns_for(const nf_instance *i, const nf_runner *on) {
  const double constants = (double)nf_remote_constants(i), read = nf_work_of(&i->c->d, &i->c->at, 1).bytes;
  if (constants == 0) return 1;
  const double most = nf_max(1, (int64_t)((double)(on->hw->memory / MEMORY_SHARE) / constants));
  const double wanted = nf_ceil_div(COLD_BYTES, nf_max(1, (int64_t)read));
  return (size_t)nf_max(1, nf_min(MOST_TURNS, (int64_t)(wanted < most ? wanted : most)));
}

static nf_status place_turn(nf_turns *t, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                            const nf_turns *like) {
  nf_remote *r = &t->turn[t->n];
  if (like != NULL) return nf_remote_beside(r, v, i, on, &like->turn[t->n]);
  return t->n > 0 ? nf_remote_turn(r, v, i, on, t->turn) : nf_remote_init(r, v, i, on);
}

static nf_status place_turns(nf_turns *t, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                             const nf_turns *like) {
  const size_t n = like != NULL ? like->n : turns_for(i, on);
  NF_TRY(nf_make(&t->turn, n, sizeof *t->turn, "operands"));
  for (; t->n < n; t->n++) NF_TRY(place_turn(t, v, i, on, like));
  return nf_ok();
}

// Every turn `times` times.
static nf_status capture(nf_turns *t, size_t times) {
  const size_t stages = (size_t)t->turn->kernel->stages, n = t->n * times * stages;
  nf_launch *list;
  NF_TRY(nf_make(&list, n, sizeof *list, "launches"));
  for (size_t k = 0; k < n; k++) list[k] = t->turn[k / stages % t->n].launch[k % stages];
  nf_capture_destroy(t->capture);
  t->capture = NULL;
  const nf_status st = nf_capture_create(t->turn->device, list, n, &t->capture);
  t->launches = (double)(n / stages);
  nf_free(list);
  return st;
}

static nf_status replay(const nf_turns *t, int replays, double *us) {
  nf_device *d = t->turn->device;
  nf_queue *q;
  nf_status st = nf_queue_create(d, &q);
  if (!nf_is_ok(st)) return st;
  const double start = nf_now();
  for (int k = 0; k < replays && nf_is_ok(st); k++) st = nf_queue_replay(q, t->capture);
  st = nf_status_join(st, nf_queue_sync(q));
  *us = (nf_now() - start) * 1e6 / (t->launches * replays);
  nf_queue_destroy(q);
  return st;
}

static nf_status prepare(nf_turns *t, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                         const nf_turns *like) {
  double us;
  NF_TRY(place_turns(t, v, i, on, like));
  NF_TRY(capture(t, 1));
  NF_TRY(replay(t, 1, &us)); // the first is of code that was not there yet
  NF_TRY(replay(t, 1, &us));
  const double wanted = capture_us / (us * (double)t->n);
  const int64_t most = MOST_LAUNCHES / ((int64_t)t->n * t->turn->kernel->stages);
  const int64_t times = nf_max(1, nf_min(most, (int64_t)wanted));
  return times > 1 ? capture(t, (size_t)times) : nf_ok();
}

nf_status nf_turns_init(nf_turns *t, const nf_variant *v, const nf_instance *i, const nf_runner *on,
                        const nf_turns *like) {
  *t = (nf_turns){0};
  const nf_status st = prepare(t, v, i, on, like);
  if (!nf_is_ok(st)) nf_turns_deinit(t);
  return st;
}

void nf_turns_deinit(nf_turns *t) {
  nf_capture_destroy(t->capture);
  while (t->n > 0) nf_remote_deinit(&t->turn[--t->n]); // the first last
  nf_free(t->turn);
  *t = (nf_turns){0};
}

nf_status nf_turns_time(const nf_turns *t, double *us) { return replay(t, REPLAYS, us); }
