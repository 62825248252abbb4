// SPDX-License-Identifier: Apache-2.0
// Times of variants at the shapes of real models: the median of a few runs, with bytes and operations per
// second as costs count them.
#include "base/checked.h"
#include "base/clock.h"
#include "check/remote.h"
#include <string.h>

enum { RUNS = 5 };
static const double long_s = 0.1; // runs that took so long together are enough: references take seconds

typedef struct timed {
  const nf_variant *v;
  const nf_instance *i;
  const nf_runner *on;
  nf_scratch scratch; // of a host entry, there before, as it is when a plan runs
  nf_turns turns;     // of a module's kernel
} timed;

static nf_status prepare(timed *t) {
  if (t->v->entry.kind == NF_ENTRY_MODULE) return nf_turns_init(&t->turns, t->v, t->i, t->on, NULL);
  return nf_variant_scratch(t->v, t->i->args, t->on->threads, &t->scratch);
}

static nf_status run_once(const timed *t, double *us) {
  if (t->v->entry.kind == NF_ENTRY_MODULE) return nf_turns_time(&t->turns, us);
  const double start = nf_now();
  nf_host_run(&t->v->entry.host, t->i->args, t->on->threads, &t->scratch);
  *us = (nf_now() - start) * 1e6;
  return nf_ok();
}

static nf_status median(const timed *t, double *out) {
  double us[RUNS];
  const double begin = nf_now();
  int n = 0;
  for (; n < RUNS && (n == 0 || nf_now() - begin < long_s); n++) {
    double one;
    NF_TRY(run_once(t, &one));
    int at = n;
    for (; at > 0 && us[at - 1] > one; at--) us[at] = us[at - 1]; // sorted
    us[at] = one;
  }
  return *out = us[n / 2], nf_ok();
}

static nf_status time_variant(const nf_variant *v, const nf_instance *i, const nf_runner *on, double *us) {
  timed t = {.v = v, .i = i, .on = on};
  NF_TRY(prepare(&t));
  const nf_status st = median(&t, us);
  nf_free_aligned(t.scratch.at);
  nf_turns_deinit(&t.turns);
  return st;
}

nf_status nf_bench_case(const nf_variant *v, const nf_case *c, const nf_hw *hw, const nf_runner *on,
                        nf_check_row *r) {
  nf_instance i;
  NF_TRY(nf_instance_init(&i, c, v, 0, 0, false));
  const nf_work work = nf_work_of(&c->d, &c->at, c->world);
  double us = 0;
  const nf_status st = time_variant(v, &i, on, &us);
  if (!nf_is_ok(st)) {
    nf_instance_deinit(&i);
    return st;
  }
  *r = (nf_check_row){.op = nf_op_of(v->op)->name,
                      .variant = v->name,
                      .ok = true,
                      .us = us,
                      .gb_s = work.bytes / us * 1e-3,
                      .gflop_s = work.operations / us * 1e-3,
                      .roof_us = nf_cost_us(hw, &c->d, &c->at, v)};
  nf_case_print(c, r->text, sizeof r->text);
  nf_instance_deinit(&i);
  return nf_ok();
}

static nf_status bench(const nf_variant *v, const nf_timed_node *s, int64_t tokens, const nf_hw *hw,
                       const nf_check_options *o, nf_progress *progress) {
  nf_case c;
  nf_check_row r;
  NF_TRY(nf_timed_case(s, tokens, &c));
  if (!nf_check_can_run(v, hw, &o->on) || !nf_case_legal(v, hw, &c)) return nf_ok();
  NF_TRY(nf_progress_add(progress, 1));
  NF_TRY(nf_bench_case(v, &c, hw, &o->on, &r));
  if (o->row) o->row(o->user, &r);
  return nf_ok();
}

// Steps that a shape is timed at; 0 ends the list.
enum { STEPS = 4 };
static void steps_of(const nf_timed_node *s, bool device, int64_t out[STEPS]) {
  const int64_t host[STEPS] = {1, s->many ? s->many : 64}, gpu[STEPS] = {1, 16, 64, s->many ? s->many : 512};
  const int64_t one[STEPS] = {1};
  memcpy(out, s->many == 1 ? one : device ? gpu : host, sizeof one);
}

static nf_status bench_shape(const nf_variant *v, const nf_timed_node *s, const nf_hw *hw,
                             const nf_check_options *o, nf_progress *progress) {
  int64_t step[STEPS];
  const bool device = o->on.device != NULL;
  steps_of(s, device, step);
  if (s->op != v->op || (s->of_device && !device)) return nf_ok();
  for (int i = 0; i < STEPS && step[i] > 0; i++)
    NF_TRY(bench(v, s, step[i], hw, o, progress), "timing %s", v->name);
  return nf_ok();
}

nf_status nf_bench_variants(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o) {
  nf_progress progress = {o->log, "timing", 0, 0};
  for (size_t i = 0; i < n; i++)
    for (size_t s = 0; s < nf_n_timed_nodes && nf_check_asked(o, &list[i]); s++)
      NF_TRY(bench_shape(&list[i], &nf_timed_nodes[s], hw, o, &progress));
  return nf_ok();
}
