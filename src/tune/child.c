// SPDX-License-Identifier: Apache-2.0
// The process that measures.
#include "tune/child.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tune/judge.h"
#include "tune/rounds.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct side { // operands in one packing order
  nf_instance i;
  nf_pack pack;
} side;

typedef struct child {
  const nf_case *c;
  const nf_measuring *m;
  nf_tune_entry e;
  int pipe;
  nf_threads *threads;
  side *of[NF_TUNED_MOST]; // of each candidate
  side made[NF_TUNED_MOST];
  int n_made;
  nf_left want; // results
  bool has_want;
  int gated; // the candidate that the gate has now
  nf_rounds rounds;
  nf_scratch scratch;
} child;

// ---- telling ----

static void tell(const child *k, nf_note_kind kind, int candidate, const char *why) {
  nf_note n = {.kind = (int32_t)kind, .candidate = candidate};
  if (candidate >= 0) n.us = k->e.of[candidate].us, n.spread = k->e.of[candidate].spread;
  if (why != NULL) snprintf(n.why, sizeof n.why, "%s", why);
  ssize_t wrote;
  do wrote = write(k->pipe, &n, sizeof n);
  while (wrote < 0 && errno == EINTR);
  if (wrote != sizeof n) _exit(1);
}

static void refuse(child *k, int i, const char *why) {
  snprintf(k->e.of[i].why, sizeof k->e.of[i].why, "%s", why);
  tell(k, NF_NOTE_REFUSED, i, why);
}

static void must(const child *k, nf_status st) {
  if (nf_is_ok(st)) return;
  tell(k, NF_NOTE_FAILED, -1, nf_status_message(st));
  _exit(0);
}

static bool stands(const child *k, int i) { return *k->e.of[i].why == '\0'; }

// ---- the gate ----

// A sign of life.
static void alive(void *user) {
  const child *k = user;
  tell(k, NF_NOTE_TRIES, k->gated, NULL);
}

static void gate(child *k, int i) {
  char why[NF_TUNED_WHY];
  const nf_variant *v = k->e.of[i].v;
  const nf_runner on = {.threads = k->threads};
  const nf_judge j = {k->c, k->m->hw, &on, alive, k};
  k->gated = i;
  tell(k, NF_NOTE_TRIES, i, NULL);
  must(k, nf_judge_gate(&j, v, k->m->passed[v - k->m->list], why));
  if (*why != '\0')
    refuse(k, i, why);
  else
    tell(k, NF_NOTE_PASSED, i, NULL);
}

// ---- operands ----

static void make_side(child *k, int i) {
  const nf_pack pack = k->e.of[i].v->pack;
  for (int s = 0; s < k->n_made; s++)
    if (nf_pack_equal(k->made[s].pack, pack)) k->of[i] = &k->made[s];
  if (k->of[i] != NULL) return;
  side *s = k->of[i] = &k->made[k->n_made++];
  s->pack = pack;
  must(k, nf_instance_init(&s->i, k->c, k->e.of[i].v, 0, 0, false));
}

static void make_scratch(child *k) {
  for (int i = 0; i < k->e.n; i++) {
    const nf_host_function *f = &k->e.of[i].v->entry.host;
    if (stands(k, i))
      k->scratch.bytes = nf_scratch_most(k->scratch.bytes, nf_host_scratch(f, k->of[i]->i.args));
  }
  k->scratch.at = nf_alloc_aligned(nf_scratch_total(k->scratch.bytes, k->m->threads));
  if (k->scratch.at == NULL) must(k, nf_error(NF_NO_MEMORY, "no memory for scratch"));
}

// ---- runs ----

static void run(child *k, int i) {
  nf_host_run(&k->e.of[i].v->entry.host, k->of[i]->i.args, k->threads, &k->scratch);
}

// What a step reads once, it finds in memory; what the op before it wrote, in the caches.
static void cool(const side *s) {
  const nf_op_info *info = nf_op_of(s->i.c->d.op);
  for (int n = 0; n < info->n_in; n++) {
    const struct nf_storage *x = &s->i.storage[s->i.layout->in[n]];
    const bool warm = info->in[n].role == NF_ROLE_ACTIVATION || info->in[n].role == NF_ROLE_IDS;
    if (x->base != NULL && !warm) nf_flush(x->base, x->bytes);
    if (x->base != NULL && warm)
      for (size_t b = 0; b < x->bytes; b += NF_CACHE_LINE) (void)((volatile unsigned char *)x->base)[b];
  }
}

static double time_run(child *k, int i) {
  tell(k, NF_NOTE_TRIES, i, NULL);
  const double start = nf_now();
  run(k, i);
  return fmax(1e-3, (nf_now() - start) * 1e6);
}

static nf_status time_cold(void *user, int i, double *us) {
  child *k = user;
  cool(k->of[i]);
  *us = time_run(k, i);
  return nf_ok();
}

// ---- the same as the default's ----

// The first to stand is what the others are held against; the default is tried first.
static void compare(child *k, int i) {
  nf_left got;
  const nf_instance *x = &k->of[i]->i;
  must(k, nf_left_take(x, &got));
  if (k->has_want && !nf_left_near(x, &k->want, &got))
    refuse(k, i, "wrong: the result is far from the default kernel's at this size");
  if (k->has_want) return nf_left_free(&got);
  k->has_want = true;
  k->want = got;
}

static void run_first(child *k, int i) {
  const double took = time_run(k, i);
  if (took >= NF_LONG_US) nf_rounds_add(&k->rounds, i, took);
  if (!nf_guards_hold(&k->of[i]->i)) refuse(k, i, "wrong: it wrote beside its result at this size");
  if (stands(k, i)) compare(k, i);
}

static void run_all(child *k) {
  if (stands(k, k->e.by_default)) run_first(k, k->e.by_default);
  for (int i = 0; i < k->e.n; i++)
    if (stands(k, i) && i != k->e.by_default) run_first(k, i);
  nf_left_free(&k->want);
}

void nf_tune_child(const nf_case *c, const nf_measuring *m, const nf_tune_entry *e, int pipe) {
  static child k; // the process is for one
  k = (child){.c = c, .m = m, .e = *e, .pipe = pipe, .rounds = {&k.e, time_cold, &k}};
  must(&k, nf_threads_create(m->threads, &k.threads));
  for (int i = 0; i < k.e.n; i++)
    if (stands(&k, i)) gate(&k, i);
  tell(&k, NF_NOTE_TRIES, -1, NULL);
  for (int i = 0; i < k.e.n; i++)
    if (stands(&k, i)) make_side(&k, i);
  make_scratch(&k);
  run_all(&k);
  must(&k, nf_rounds_run(&k.rounds));
  for (int i = 0; i < k.e.n; i++)
    if (stands(&k, i)) tell(&k, NF_NOTE_TIMED, i, NULL);
  tell(&k, NF_NOTE_DONE, -1, NULL);
  _exit(0);
}
