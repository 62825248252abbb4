// SPDX-License-Identifier: Apache-2.0
#include "tune/judge.h"
#include "base/memory.h"
#include <math.h>
#include <stdio.h>

enum { SEED = 1 };
static const double quick_operations = 2e7, quick_bytes = 1 << 22;

// ---- the gate ----

typedef struct gated { // the first case that is wrong
  const nf_judge *j;
  nf_check_row bad;
} gated;

static void keep_first(void *user, const nf_check_row *r) {
  gated *g = user;
  if (g->j->alive != NULL) g->j->alive(g->j->user);
  if (!r->ok && g->bad.op == NULL) g->bad = *r;
}

static void explain(const nf_check_row *r, char *out) {
  const char *why = *r->why != '\0' ? r->why : "the result differs from the reference's";
  snprintf(out, NF_TUNED_WHY, "wrong: %.70s (%.70s)", why, r->text);
}

static nf_status gate_shapes(const nf_judge *j, const nf_variant *v, char *why) {
  gated g = {.j = j};
  const nf_check_options o = {.seed = SEED, .on = *j->on, .row = keep_first, .user = &g};
  nf_status st = nf_check_run_from(v, 1, j->hw, &o);
  if (nf_status_code(st) != NF_CHECK_FAILED) return st;
  nf_status_free(st);
  explain(&g.bad, why);
  return nf_ok();
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

static nf_status gate_own(const nf_judge *j, const nf_variant *v, char *why) {
  nf_case c = *j->c;
  nf_check_row r;
  if (nf_work_of(&c.d, &c.at, 1).operations > quick_operations || operand_bytes(&c) > quick_bytes)
    return nf_ok();
  c.repeats = false;
  NF_TRY(nf_gate(v, &c, j->on, &r));
  if (!r.ok) explain(&r, why);
  return nf_ok();
}

nf_status nf_judge_gate(const nf_judge *j, const nf_variant *v, bool passed, char why[NF_TUNED_WHY]) {
  *why = '\0';
  if (!passed) NF_TRY(gate_shapes(j, v, why));
  return *why == '\0' ? gate_own(j, v, why) : nf_ok();
}

// ---- results ----

static bool comparable(const nf_case *c, int r) {
  const nf_type *t = &c->d.out[r];
  return nf_op_of(c->d.op)->out[r].alias < 0 && t->dtype != NF_NONE && !t->cache && t->rank > 0 &&
         nf_is_float(t->dtype);
}

nf_status nf_left_take(const nf_instance *i, nf_left *out) {
  *out = (nf_left){0};
  for (int r = 0; r < nf_op_of(i->c->d.op)->n_out; r++) {
    if (!comparable(i->c, r)) continue;
    const nf_tensor *t = nf_instance_result(i, r);
    const int64_t rows = nf_rows_to_compare(i, t), cols = nf_tensor_cols(t);
    out->of[r] = nf_alloc((size_t)rows * (size_t)cols, sizeof(float));
    if (out->of[r] == NULL) {
      nf_left_free(out);
      return nf_error(NF_NO_MEMORY, "no memory for results");
    }
    for (int64_t k = 0; k < rows; k++) nf_row_decode(t, k, out->of[r] + k * cols);
  }
  return nf_ok();
}

void nf_left_free(nf_left *l) {
  for (int r = 0; r < NF_MAX_OUT; r++) nf_free(l->of[r]);
  *l = (nf_left){0};
}

// ||a - b|| <= 1/16 ||a||
static bool near(const float *a, const float *b, size_t n) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    size += (double)a[i] * (double)a[i];
  }
  return !isfinite(size) || difference <= size / 256;
}

bool nf_left_near(const nf_instance *i, const nf_left *want, const nf_left *got) {
  bool all = true;
  for (int r = 0; r < NF_MAX_OUT && all; r++) {
    if (want->of[r] == NULL || got->of[r] == NULL) continue;
    const nf_tensor *t = nf_instance_result(i, r);
    all = near(want->of[r], got->of[r], (size_t)(nf_rows_to_compare(i, t) * nf_tensor_cols(t)));
  }
  return all;
}
