// SPDX-License-Identifier: Apache-2.0
// The side of a scheduler that any thread may call, its life, and sleeping.
#include "schedule/scheduler.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include <math.h>
#include <string.h>
#include <time.h>

void nf_line_push(nf_line *l, nf_job *j) {
  j->next = NULL;
  *l->end = j;
  l->end = &j->next;
}

// ---- requests ----

static nf_status check(const nf_request *r) {
  if (r->heard == NULL) return nf_error(NF_USAGE, "a request has nobody who hears of it");
  if ((r->n_tokens != 0) == (r->n_messages != 0))
    return nf_error(NF_USAGE, "a request wants tokens or messages, %s",
                    r->n_tokens != 0 ? "not both" : "and has none");
  return nf_ok();
}

static void wake(nf_scheduler *s) {
  s->woken = true;
  pthread_cond_signal(&s->stirred);
}

static nf_status take(nf_scheduler *s, const nf_request *r, uint64_t *id) {
  nf_job *j = s->free;
  if (s->closed) return nf_error(NF_UNAVAILABLE, "no more requests are taken");
  if (s->waiting == s->queue || j == NULL) {
    nf_tally_add(&s->tally, NF_COUNT_REFUSED, 1);
    return nf_error(NF_UNAVAILABLE, "the queue is full: %zu requests wait", s->waiting);
  }
  s->free = j->next;
  *j = (nf_job){.request = *r,
                .id = ++s->ids * s->n_jobs + (uint64_t)(j - s->job),
                .answers = r->answers != 0 ? r->answers : 1,
                .arrived = nf_now()};
  s->living++;
  s->waiting++;
  nf_tally_add(&s->tally, NF_COUNT_OWED, j->answers);
  nf_line_push(&s->arrived, j);
  *id = j->id;
  wake(s);
  return nf_ok();
}

nf_status nf_scheduler_submit(nf_scheduler *s, const nf_request *r, uint64_t *id) {
  NF_TRY(check(r));
  pthread_mutex_lock(&s->lock);
  const nf_status st = take(s, r, id);
  pthread_mutex_unlock(&s->lock);
  return st;
}

void nf_scheduler_cancel(nf_scheduler *s, uint64_t id) {
  pthread_mutex_lock(&s->lock);
  nf_job *j = &s->job[id % s->n_jobs];
  if (id != 0 && j->id == id && !atomic_exchange(&j->cancelled, true)) {
    nf_tally_add(&s->tally, NF_COUNT_CANCELLED, 1);
    s->cancels = true;
    wake(s);
  }
  pthread_mutex_unlock(&s->lock);
}

void nf_job_begins(nf_scheduler *s, nf_job *j) {
  if (j->begun) return;
  j->begun = true;
  pthread_mutex_lock(&s->lock);
  s->waiting--;
  pthread_mutex_unlock(&s->lock);
}

void nf_job_release(nf_scheduler *s, nf_job *j) {
  pthread_mutex_lock(&s->lock);
  j->id = 0;
  j->next = s->free;
  s->free = j;
  if (--s->living == 0) pthread_cond_broadcast(&s->idle);
  pthread_mutex_unlock(&s->lock);
}

void nf_scheduler_close(nf_scheduler *s) {
  pthread_mutex_lock(&s->lock);
  s->closed = true;
  pthread_mutex_unlock(&s->lock);
}

void nf_scheduler_read(const nf_scheduler *s, nf_counters *out) { nf_tally_read(&s->tally, out); }

// ---- waiting ----

static struct timespec clock_at(double t) {
  return (struct timespec){(time_t)t, (long)(1e9 * (t - floor(t)))};
}

bool nf_scheduler_wait(nf_scheduler *s, double seconds) {
  const struct timespec until = clock_at(nf_now() + seconds);
  int e = 0;
  pthread_mutex_lock(&s->lock);
  while (s->living != 0 && e == 0 && seconds > 0) e = pthread_cond_timedwait(&s->idle, &s->lock, &until);
  const bool done = s->living == 0;
  pthread_mutex_unlock(&s->lock);
  return done;
}

bool nf_scheduler_sleep(nf_scheduler *s, bool computes, double until) {
  const struct timespec at = clock_at(until);
  int e = 0;
  pthread_mutex_lock(&s->lock);
  while (!s->woken && !(computes && s->computed) && e == 0)
    e = until != 0 ? pthread_cond_timedwait(&s->stirred, &s->lock, &at)
                   : pthread_cond_wait(&s->stirred, &s->lock);
  s->woken = false;
  const bool computed = computes && s->computed;
  if (computed) s->computed = false;
  pthread_mutex_unlock(&s->lock);
  return computed;
}

// Who is woken finds the lock free. The scheduler stays until this returns: its thread waits for the step.
static void computed(void *user) {
  nf_scheduler *s = user;
  pthread_mutex_lock(&s->lock);
  s->computed = true;
  pthread_mutex_unlock(&s->lock);
  pthread_cond_signal(&s->stirred);
}

// ---- life ----

static nf_status make_room(nf_scheduler *s, size_t queue) {
  const size_t sessions = (size_t)s->info.sessions;
  s->queue = queue != 0 ? queue : 1024;
  s->n_jobs = s->queue + sessions;
  NF_TRY(nf_make(&s->job, s->n_jobs, sizeof *s->job, "a queue"));
  NF_TRY(nf_make(&s->answer, sessions, sizeof *s->answer, "a scheduler"));
  NF_TRY(nf_make(&s->turn, sessions, sizeof *s->turn, "a scheduler"));
  NF_TRY(nf_make(&s->order, sessions, sizeof *s->order, "a scheduler"));
  NF_TRY(nf_make(&s->named, sessions, sizeof *s->named, "a scheduler"));
  for (size_t i = s->n_jobs; i-- > 0; s->free = &s->job[i]) s->job[i].next = s->free;
  return nf_ok();
}

static void give_room_back(nf_scheduler *s) {
  nf_free(s->job);
  nf_free(s->answer);
  nf_free(s->turn);
  nf_free(s->order);
  nf_free(s->named);
  nf_free(s);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void init(nf_scheduler *s) {
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&s->stirred, &clock);
  pthread_cond_init(&s->idle, &clock);
  pthread_condattr_destroy(&clock);
  pthread_mutex_init(&s->lock, NULL);
  s->most = (size_t)least(s->info.sessions, least(s->info.batch, s->info.rows));
  s->arrived.end = &s->arrived.first;
  s->line.end = &s->line.first;
}

static void deinit(nf_scheduler *s) {
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->stirred);
  pthread_cond_destroy(&s->idle);
  give_room_back(s);
}

static nf_status start(nf_scheduler *s) {
  NF_TRY((nf_status){infuse_runtime_on_computed(s->rt, computed, s)});
  const int e = nf_thread_start(&s->thread, nf_scheduler_thread, s);
  if (e == 0) return nf_ok();
  infuse_error_free(infuse_runtime_on_computed(s->rt, NULL, NULL));
  return nf_error(NF_UNAVAILABLE, "can't make the scheduler's thread: %s", strerrordesc_np(e));
}

nf_status nf_scheduler_create(infuse_runtime *rt, infuse_model *m, nf_scheduler_options o,
                              nf_scheduler **out) {
  nf_scheduler *s;
  NF_TRY(nf_make(&s, 1, sizeof *s, "a scheduler"));
  *s = (nf_scheduler){.rt = rt, .m = m, .info = {.size = sizeof s->info}};
  infuse_model_describe(m, &s->info);
  nf_status st = make_room(s, o.queue);
  if (!nf_is_ok(st)) return give_room_back(s), st;
  init(s);
  st = start(s);
  if (!nf_is_ok(st)) return deinit(s), st;
  *out = s;
  return st;
}

void nf_scheduler_destroy(nf_scheduler *s) {
  if (s == NULL) return;
  pthread_mutex_lock(&s->lock);
  s->closed = s->ends = true;
  wake(s);
  pthread_mutex_unlock(&s->lock);
  infuse_step_cancel(s->m);
  pthread_join(s->thread, NULL);
  infuse_error_free(infuse_runtime_on_computed(s->rt, NULL, NULL));
  deinit(s);
}
