// SPDX-License-Identifier: Apache-2.0
// The process that measures.
#include "tune/child.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/memory.h"
#include "check/internal.h"
#include "tensor/tensor.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_ROUNDS = 3, ROUNDS = 5, MORE_ROUNDS = 12, SEED = 1 };
static const double most_s = 0.25, slow = 2; // of all rounds; times the fastest
static const double long_us = 2e4;           // a first run that is as long counts, cold or not
static const double quick_operations = 2e7, quick_bytes = 1 << 22;

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
  double us[NF_TUNED_MOST][1 + ROUNDS + MORE_ROUNDS]; // sorted
  int runs[NF_TUNED_MOST];
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

typedef struct gated { // a sign of life for each case, and the first that is wrong
  const child *k;
  int candidate;
  nf_check_row bad;
} gated;

static void keep_first(void *user, const nf_check_row *r) {
  gated *g = user;
  tell(g->k, NF_NOTE_TRIES, g->candidate, NULL);
  if (!r->ok && g->bad.op == NULL) g->bad = *r;
}

// One line: what is wrong on which case; "" when nothing is.
static void explain(const nf_check_row *r, char *out) {
  const char *why = *r->why != '\0' ? r->why : "the result differs from the reference's";
  snprintf(out, NF_TUNED_WHY, "wrong: %.70s (%.70s)", why, r->text);
}

static void gate_shapes(child *k, int i, char *why) {
  const nf_variant *v = k->e.of[i].v;
  gated g = {.k = k, .candidate = i};
  const nf_check_options o = {.seed = SEED, .on.threads = k->threads, .row = keep_first, .user = &g};
  if (k->m->passed[v - k->m->list]) return;
  const nf_status st = nf_check_run_from(v, 1, k->m->hw, &o);
  if (nf_status_code(st) != NF_CHECK_FAILED) must(k, st);
  nf_status_free(st);
  if (g.bad.op != NULL) explain(&g.bad, why);
}

// All of its operands are made at random, those rows too that the step does not read.
static double operand_bytes(const nf_case *c) {
  double all = 0;
  for (int i = 0; i < NF_MAX_IN; i++) {
    size_t bytes = 0;
    if (c->d.in[i].dtype != NF_NONE) nf_status_free(nf_type_bytes(&c->d.in[i], &c->at, &bytes));
    all += (double)bytes;
  }
  return all;
}

static void gate_own(child *k, int i, char *why) {
  nf_case c = *k->c;
  nf_check_row r;
  if (nf_work_of(&c.d, &c.at, 1).operations > quick_operations || operand_bytes(&c) > quick_bytes) return;
  c.repeats = false;
  must(k, nf_gate(k->e.of[i].v, &c, &(nf_runner){.threads = k->threads}, &r));
  if (!r.ok) explain(&r, why);
}

static void gate(child *k, int i) {
  char why[NF_TUNED_WHY] = "";
  tell(k, NF_NOTE_TRIES, i, NULL);
  gate_shapes(k, i, why);
  if (*why == '\0') gate_own(k, i, why);
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

static void add_time(child *k, int i, double took) {
  double *us = k->us[i];
  int n = k->runs[i]++;
  for (; n > 0 && us[n - 1] > took; n--) us[n] = us[n - 1];
  us[n] = took;
  const int last = k->runs[i] - 1;
  k->e.of[i].us = us[last / 2];
  k->e.of[i].spread = (us[last - last / 4] - us[last / 4]) / 2;
}

static double time_run(child *k, int i) {
  tell(k, NF_NOTE_TRIES, i, NULL);
  const double start = nf_now();
  run(k, i);
  return fmax(1e-3, (nf_now() - start) * 1e6);
}

static void time_once(child *k, int i) {
  cool(k->of[i]);
  add_time(k, i, time_run(k, i));
}

// ---- the same as the default's ----

static bool comparable(const child *k, int r) {
  const nf_type *t = &k->c->d.out[r];
  return nf_op_of(k->c->d.op)->out[r].alias < 0 && t->dtype != NF_NONE && !t->cache && t->rank > 0 &&
         nf_is_float(t->dtype);
}

// Values of a result, decoded; freed by nf_free.
static float *values_of(child *k, const nf_tensor *t, int64_t rows) {
  float *at = nf_alloc((size_t)rows * (size_t)nf_tensor_cols(t), sizeof *at);
  if (at == NULL) must(k, nf_error(NF_NO_MEMORY, "no memory for results"));
  for (int64_t r = 0; r < rows; r++) nf_row_decode(t, r, at + r * nf_tensor_cols(t));
  return at;
}

// Far from what rounding does, near enough for what a wrong kernel does: ||a - b|| <= 1/16 ||a||.
static bool near(const float *a, const float *b, size_t n) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    size += (double)a[i] * (double)a[i];
  }
  return !isfinite(size) || difference <= size / 256;
}

static void compare(child *k, int i, float **want) {
  for (int r = 0; r < nf_op_of(k->c->d.op)->n_out; r++) {
    if (!comparable(k, r)) continue;
    const nf_tensor *t = nf_instance_result(&k->of[i]->i, r);
    const int64_t rows = nf_rows_to_compare(&k->of[i]->i, t);
    float *got = values_of(k, t, rows);
    if (want[r] == NULL) {
      want[r] = got;
      continue;
    }
    if (stands(k, i) && !near(want[r], got, (size_t)(rows * nf_tensor_cols(t))))
      refuse(k, i, "wrong: the result is far from the default kernel's at this size");
    nf_free(got);
  }
}

static void run_first(child *k, int i, float **want) {
  const double took = time_run(k, i);
  if (took >= long_us) add_time(k, i, took);
  if (!nf_guards_hold(&k->of[i]->i)) refuse(k, i, "wrong: it wrote beside its result at this size");
  if (stands(k, i)) compare(k, i, want);
}

static void run_all(child *k) {
  float *want[NF_MAX_OUT] = {0};
  if (stands(k, k->e.by_default)) run_first(k, k->e.by_default, want);
  for (int i = 0; i < k->e.n; i++)
    if (stands(k, i) && i != k->e.by_default) run_first(k, i, want);
  for (int r = 0; r < NF_MAX_OUT; r++) nf_free(want[r]);
}

// ---- rounds ----

static double fastest(const child *k) {
  double us = INFINITY;
  for (int i = 0; i < k->e.n; i++)
    if (stands(k, i) && k->runs[i] > 0 && k->us[i][0] < us) us = k->us[i][0];
  return us;
}

// Two runs, or a long one, say that a kernel is too slow to win.
static bool is_out(const child *k, int i) {
  const bool known = k->runs[i] >= 2 || (k->runs[i] == 1 && k->us[i][0] >= long_us);
  return !stands(k, i) || (known && k->us[i][0] > slow * fastest(k));
}

// Whether more rounds may decide otherwise.
static bool is_open(const child *k) {
  nf_tune_entry e = k->e;
  int near_by;
  nf_tune_decide(&e, &near_by);
  return near_by >= 0;
}

static void time_all(child *k) {
  const double start = nf_now();
  for (int round = 0; round < ROUNDS && (round < LEAST_ROUNDS || (is_open(k) && nf_now() - start < most_s));
       round++)
    for (int i = 0; i < k->e.n; i++)
      if (!is_out(k, i)) time_once(k, i);
}

static void time_near(child *k) {
  const double start = nf_now();
  int other;
  nf_tune_decide(&k->e, &other);
  for (int round = 0; other >= 0 && round < MORE_ROUNDS && nf_now() - start < most_s; round++) {
    time_once(k, round % 2 ? other : k->e.by_default);
    time_once(k, round % 2 ? k->e.by_default : other);
  }
}

void nf_tune_child(const nf_case *c, const nf_measuring *m, const nf_tune_entry *e, int pipe) {
  static child k; // the process is for one
  k = (child){.c = c, .m = m, .e = *e, .pipe = pipe};
  must(&k, nf_threads_create(m->threads, &k.threads));
  for (int i = 0; i < k.e.n; i++)
    if (stands(&k, i)) gate(&k, i);
  tell(&k, NF_NOTE_TRIES, -1, NULL);
  for (int i = 0; i < k.e.n; i++)
    if (stands(&k, i)) make_side(&k, i);
  make_scratch(&k);
  run_all(&k);
  time_all(&k);
  time_near(&k);
  for (int i = 0; i < k.e.n; i++)
    if (stands(&k, i)) tell(&k, NF_NOTE_TIMED, i, NULL);
  tell(&k, NF_NOTE_DONE, -1, NULL);
  _exit(0);
}
