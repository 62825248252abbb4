// SPDX-License-Identifier: Apache-2.0
// The caller's process and its device do the measuring: what a driver has made does not survive a fork, and a
// child could open the device anew only before its parent has called the driver at all. So a kernel that
// crashes takes the device with it, and a kernel that hangs is the driver's to end; what is wrong is found as
// it is elsewhere.
#include "tune/there.h"
#include "base/memory.h"
#include "check/remote.h"
#include "tune/judge.h"
#include "tune/rounds.h"
#include <stdio.h>
#include <time.h>

enum { PAUSE_MS = 50 }; // clocks and links go to rest

typedef struct there {
  const nf_case *c;
  const nf_measuring *m;
  nf_tune_entry *e;
  nf_left want; // what the first candidate left that stands
  bool has_want;
  nf_instance i; // of all: their weights lie alike
  nf_turns turns[NF_TUNED_MOST];
  int first; // the candidate whose turns own what all read; -1: none yet
  nf_rounds rounds;
} there;

static bool stands(const there *k, int i) { return *k->e->of[i].why == '\0'; }

static void refuse(there *k, int i, const char *fmt, const char *why, const char *when) {
  snprintf(k->e->of[i].why, sizeof k->e->of[i].why, fmt, why, when);
  k->e->of[i].us = k->e->of[i].spread = 0;
}

static nf_status go_on(const there *k) {
  return k->m->progress != NULL ? nf_progress_add(k->m->progress, 0) : nf_ok();
}

static nf_status gate(there *k, int i) {
  char why[NF_TUNED_WHY];
  const nf_variant *v = k->e->of[i].v;
  const nf_judge j = {.c = k->c, .hw = k->m->hw, .on = k->m->on};
  bool *passed = &k->m->passed[v - k->m->list];
  NF_TRY(go_on(k));
  NF_TRY(nf_judge_gate(&j, v, *passed, why));
  *passed |= *why == '\0';
  if (*why != '\0') refuse(k, i, "%s%s", why, "");
  return nf_ok();
}

// ---- at the op's own size, in a capture ----

static nf_status replay(const nf_remote *r) {
  nf_capture *c;
  NF_TRY(nf_capture_create(r->device, r->launch, (size_t)r->kernel->stages, &c));
  const nf_status st = nf_device_replay(r->device, c);
  nf_capture_destroy(c);
  return st;
}

static nf_status run_captured(there *k, const nf_variant *v, const nf_instance *i, const char **why) {
  nf_remote r;
  NF_TRY(nf_remote_init(&r, v, i, k->m->on));
  nf_status st = replay(&r);
  if (nf_is_ok(st)) st = nf_remote_fetch(&r, i, false, why);
  nf_remote_deinit(&r);
  return st;
}

static nf_status compare(there *k, const nf_instance *i, const char **why) {
  nf_left got;
  NF_TRY(nf_left_take(i, &got));
  if (k->has_want && !nf_left_near(i, &k->want, &got)) *why = "the result is far from the default kernel's";
  if (k->has_want) return nf_left_free(&got), nf_ok();
  k->has_want = true;
  k->want = got;
  return nf_ok();
}

// `when`: "at this size", "after a pause".
static nf_status try(there *k, int n, const char *when) {
  nf_instance i;
  const char *why = NULL;
  const nf_variant *v = k->e->of[n].v;
  NF_TRY(go_on(k));
  NF_TRY(nf_instance_init(&i, k->c, v, 0, 0, false));
  nf_status st = run_captured(k, v, &i, &why);
  if (nf_is_ok(st) && why == NULL && !nf_guards_hold(&i)) why = "it wrote beside its result";
  if (nf_is_ok(st) && why == NULL) st = compare(k, &i, &why);
  if (why != NULL) refuse(k, n, "wrong: %s %s", why, when);
  nf_instance_deinit(&i);
  return st;
}

// The default first.
static nf_status try_all(there *k, const char *when) {
  const int first = k->e->by_default;
  if (stands(k, first)) NF_TRY(try(k, first, when));
  for (int i = 0; i < k->e->n; i++)
    if (i != first && stands(k, i)) NF_TRY(try(k, i, when));
  return nf_ok();
}

// ---- times ----

static nf_status time_cold(void *user, int i, double *us) {
  const there *k = user;
  NF_TRY(go_on(k));
  return nf_turns_time(&k->turns[i], us);
}

static nf_status time_all(there *k) {
  NF_TRY(nf_instance_init(&k->i, k->c, k->e->of[0].v, 0, 0, false));
  for (int i = 0; i < k->e->n; i++) {
    if (!stands(k, i)) continue;
    const nf_turns *like = k->first >= 0 ? &k->turns[k->first] : NULL;
    NF_TRY(nf_turns_init(&k->turns[i], k->e->of[i].v, &k->i, k->m->on, like));
    if (k->first < 0) k->first = i;
  }
  return nf_rounds_run(&k->rounds);
}

static void release(there *k) {
  for (int i = k->e->n; i-- > 0;)
    if (i != k->first) nf_turns_deinit(&k->turns[i]);
  if (k->first >= 0) nf_turns_deinit(&k->turns[k->first]);
  nf_instance_deinit(&k->i);
  nf_left_free(&k->want);
}

// Whether there is a kernel that no op was measured with before: the others have had their pause.
static bool any_is_new(const there *k) {
  bool any = false;
  for (int i = 0; i < k->e->n; i++) any |= stands(k, i) && !k->m->passed[k->e->of[i].v - k->m->list];
  return any;
}

static nf_status measure(there *k) {
  const bool pause = any_is_new(k);
  for (int i = 0; i < k->e->n; i++)
    if (stands(k, i)) NF_TRY(gate(k, i));
  NF_TRY(try_all(k, "at this size"));
  NF_TRY(time_all(k));
  if (!pause) return nf_ok();
  nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
  return try_all(k, "after a pause");
}

nf_status nf_tune_there(const nf_case *c, const nf_measuring *m, nf_tune_entry *e) {
  there *k;
  NF_TRY(nf_make(&k, 1, sizeof *k, "a measurement"));
  *k = (there){.c = c, .m = m, .e = e, .first = -1, .rounds = {e, time_cold, k}};
  const nf_status st = measure(k);
  release(k);
  nf_free(k);
  return st;
}
