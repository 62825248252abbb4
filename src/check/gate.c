// SPDX-License-Identifier: Apache-2.0
// The gate: a kernel's runs on one case, and what is compared.
#include "base/checked.h"
#include "check/internal.h"
#include "check/remote.h"
#include <stdio.h>
#include <string.h>

typedef struct job { // the blocks of a kernel in another order
  const nf_host_function *f;
  const void *args;
  int64_t blocks, step;
} job;

static int64_t job_blocks(const void *arg) { return ((const job *)arg)->blocks; }
static size_t job_scratch(const void *arg) {
  const job *j = arg;
  return j->f->scratch != NULL ? j->f->scratch(j->args) : 0;
}
static size_t job_shared(const void *arg) {
  const job *j = arg;
  return j->f->shared != NULL ? j->f->shared(j->args) : 0;
}
static void job_run(const void *arg, int64_t block, void *scratch) {
  const job *j = arg;
  j->f->run(j->args, (j->blocks - 1 - block) * j->step % j->blocks, scratch);
}

// The second round, as it is.
static int64_t then_blocks(const void *arg) {
  const job *j = arg;
  return j->f->then->blocks(j->args);
}
static void then_run(const void *arg, int64_t block, void *scratch) {
  const job *j = arg;
  j->f->then->run(j->args, block, scratch);
}

// From the end and in leaps, on all threads.
static nf_status run_shuffled(const nf_variant *v, const nf_instance *i, nf_threads *threads) {
  static const int64_t primes[] = {7919, 104729, 1299709};
  const nf_host_function *f = &v->entry.host;
  const nf_host_function then = {then_blocks, then_run, job_scratch, job_shared};
  nf_variant shuffled = {.name = v->name, .entry = {NF_ENTRY_HOST, {{job_blocks, job_run, job_scratch}}}};
  if (f->then != NULL) shuffled.entry.host.shared = job_shared, shuffled.entry.host.then = &then;
  job j = {&v->entry.host, i->args, v->entry.host.blocks(i->args), 1};
  for (int n = 0; n < 3; n++)
    if (j.blocks % primes[n]) j.step = primes[n];
  return nf_variant_run(&shuffled, &j, threads);
}

// on: NULL for a reference. The order of a device's blocks is its own.
static nf_status run(const nf_variant *v, const nf_instance *i, const nf_runner *on, bool shuffled,
                     const char **why) {
  if (v->entry.kind == NF_ENTRY_MODULE) return nf_remote_run(v, i, on, why);
  return shuffled && on->threads != NULL ? run_shuffled(v, i, on->threads) : nf_variant_run(v, i->args, NULL);
}

static nf_status run_fresh(const nf_variant *v, const nf_case *c, int gap, unsigned char garbage,
                           const nf_runner *on, bool shuffled, nf_instance *out, const char **why) {
  NF_TRY(nf_instance_init(out, c, v, gap, garbage, false));
  const uint64_t before = nf_operands_hash(out);
  NF_TRY(run(v, out, on, shuffled, why));
  if (nf_operands_hash(out) != before) *why = "wrote into an operand";
  if (!nf_guards_hold(out)) *why = "wrote beside its result";
  return nf_ok();
}

enum { WANT, FIRST, SECOND, SUMS, RUNS }; // SUMS: the reference over absolute values

// Rows of a module's operands begin where loads of 16 bytes may, or do not: what it does to either must be
// one.
static nf_status run_all(const nf_variant *v, const nf_case *c, const nf_runner *on, nf_instance t[RUNS],
                         const char **why) {
  const nf_variant *ref = nf_reference_of(c->d.op);
  const int gap = v->entry.kind == NF_ENTRY_MODULE ? 0 : 1, other = c->seed % 2 ? 3 : 8;
  NF_TRY(run_fresh(ref, c, 0, 0xff, NULL, false, &t[WANT], why));
  NF_TRY(run_fresh(v, c, gap, 0xff, on, false, &t[FIRST], why));
  NF_TRY(run_fresh(v, c, other, 0x4b, on, true, &t[SECOND], why));
  NF_TRY(nf_instance_init(&t[SUMS], c, NULL, 0, 0xff, true));
  return run(ref, &t[SUMS], NULL, false, why);
}

// ---- a token by itself ----

// The kind of cache that the op has a pool of.
static nf_cache cache_of(const nf_case *c) {
  nf_cache found = NF_NO_CACHE;
  for (int i = 0; i < NF_MAX_IN; i++)
    if (c->d.in[i].dtype != NF_NONE && c->d.in[i].cache != NF_NO_CACHE) found = c->d.in[i].cache;
  return found;
}

static bool by_tokens(const nf_type *t) {
  return t->dtype != NF_NONE && !t->cache && t->rank > 0 && t->dim[0].sym == NF_T;
}

static int64_t rows_of_token(const nf_tensor *t) { return t->dim[0] > 0 ? nf_tensor_rows(t) / t->dim[0] : 0; }

static void narrow(nf_tensor *t, const nf_type *type, int64_t from, int64_t n) {
  if (!by_tokens(type)) return;
  const int64_t row = from * (type->rank > 1 ? rows_of_token(t) : 1);
  if (type->rank == 1) {
    t->data = (char *)t->data + row * nf_dtype_of(t->dtype)->bits / 8;
  } else {
    t->scale = t->scale != NULL ? nf_tensor_scales(t, row) : NULL;
    t->data = nf_tensor_row(t, row);
  }
  t->dim[0] = n;
}

bool nf_alone_range(const nf_instance *i, int64_t *sequence, int64_t *from, int64_t *n) {
  const nf_op_info *info = nf_op_of(i->c->d.op);
  const nf_batch *b = &i->batch;
  if (i->used < 2) return false;
  for (int k = 0; k < info->n_in; k++) // what has rows of its own
    for (int d = 0; d < i->c->d.in[k].rank; d++)
      if (i->c->d.in[k].dim[d].sym != NF_CONST && (d > 0 || i->c->d.in[k].dim[d].sym != NF_T)) return false;
  for (int r = 0; r < info->n_out; r++)
    if (i->c->d.out[r].dtype != NF_NONE && !i->c->d.out[r].cache && !by_tokens(&i->c->d.out[r])) return false;
  const nf_cache cache = cache_of(i->c);
  const int64_t end = cache == NF_NO_CACHE ? i->c->at.of[NF_T] : i->used; // behind it is padding
  for (*sequence = 0; b->q_start[*sequence + 1] < i->used;) ++*sequence;
  *from = cache == NF_CACHE_RECURRENT ? b->q_start[*sequence] : end - 1;
  *n = end - *from;
  return true;
}

static void make_alone(nf_instance *i, int64_t sequence, int64_t from, int64_t n) {
  const nf_op_info *info = nf_op_of(i->c->d.op);
  nf_batch *b = &i->batch;
  for (int k = 0; k < info->n_in; k++) narrow(i->storage[i->layout->in[k]].tensor, &i->c->d.in[k], from, n);
  for (int r = 0; r < info->n_out; r++) narrow(nf_instance_result(i, r), &i->c->d.out[r], from, n);
  i->start[0] = 0;
  i->start[1] = (int32_t)n;
  b->sizes = nf_sizes_of(n, 1, 1);
  b->q_start = i->start;
  b->position += from;
  b->state_in += sequence;
  b->state_out += from;
  b->table_row += sequence;
  for (int g = 0; g < NF_CACHE_COUNT; g++)
    if (b->group[g].write_slot != NULL) b->group[g].write_slot += from;
}

static bool equal_alone(const nf_instance *all, const nf_instance *alone, int64_t from) {
  for (int r = 0; r < nf_op_of(all->c->d.op)->n_out; r++) {
    nf_tensor part = *nf_instance_result(all, r);
    const nf_tensor *t = nf_instance_result(alone, r);
    if (!by_tokens(&all->c->d.out[r])) continue;
    narrow(&part, &all->c->d.out[r], from, t->dim[0]);
    for (int64_t row = 0; row < nf_tensor_rows(t); row++)
      if (!nf_rows_equal(&part, t, row)) return false;
  }
  return true;
}

// A token's bits do not depend on what else is in the step; but those of a module's kernel that declares no
// order of sums may on how large the step is.
static nf_status check_alone(const nf_variant *v, const nf_case *c, const nf_runner *on,
                             const nf_instance *all, const char **why) {
  nf_instance alone;
  int64_t sequence, from, n;
  if (v->entry.kind == NF_ENTRY_MODULE && v->order == NF_ORDER_ANY) return nf_ok();
  if (!nf_alone_range(all, &sequence, &from, &n)) return nf_ok();
  NF_TRY(nf_instance_init(&alone, c, v, 1, 0xff, false));
  make_alone(&alone, sequence, from, n);
  nf_status st = run(v, &alone, on, false, why);
  if (nf_is_ok(st) && !equal_alone(all, &alone, from)) *why = "a token's result is another when it is alone";
  nf_instance_deinit(&alone);
  return st;
}

// ---- a token and what it does not see ----

// A token of the sequence that has most of them.
static int64_t some_token(const nf_instance *i, int64_t *sequence) {
  const int32_t *start = i->batch.q_start;
  *sequence = 0;
  for (int64_t s = 1; s < i->c->at.of[NF_S]; s++)
    if (start[s + 1] - start[s] > start[*sequence + 1] - start[*sequence]) *sequence = s;
  const int32_t n = start[*sequence + 1] - start[*sequence];
  return start[*sequence] + (int64_t)(i->c->seed % (uint64_t)n);
}

static bool equal_token(const nf_instance *a, const nf_instance *b, int64_t t) {
  for (int r = 0; r < nf_op_of(a->c->d.op)->n_out; r++) {
    nf_tensor x = *nf_instance_result(a, r), y = *nf_instance_result(b, r);
    if (!by_tokens(&a->c->d.out[r])) continue;
    narrow(&x, &a->c->d.out[r], t, 1);
    narrow(&y, &a->c->d.out[r], t, 1);
    for (int64_t row = 0; row < nf_tensor_rows(&x); row++)
      if (!nf_rows_equal(&x, &y, row)) return false;
  }
  return true;
}

// Keys and values that a token does not see have no part in its bits, whatever they are.
static nf_status check_unseen(const nf_variant *v, const nf_case *c, const nf_runner *on,
                              const nf_instance *all, const char **why) {
  nf_instance other;
  int64_t sequence;
  if (all->used < 2) return nf_ok();
  const int64_t t = some_token(all, &sequence);
  NF_TRY(nf_instance_init(&other, c, v, 1, 0xff, false));
  nf_status st = nf_ok();
  if (nf_instance_hide(&other, sequence, t)) {
    st = run(v, &other, on, false, why);
    if (nf_is_ok(st) && !equal_token(all, &other, t)) *why = "what a token does not see changes its result";
  }
  nf_instance_deinit(&other);
  return st;
}

nf_status nf_gate(const nf_variant *v, const nf_case *c, const nf_runner *on, nf_check_row *r) {
  const char *why = NULL;
  nf_instance t[RUNS] = {0};
  *r = (nf_check_row){.op = nf_op_of(c->d.op)->name, .variant = v->name};
  nf_case_print(c, r->text, sizeof r->text);
  nf_status st = run_all(v, c, on, t, &why);
  if (nf_is_ok(st)) {
    const bool bitwise = v->promise == NF_PROMISE_EXACT || nf_case_bitwise(c);
    r->ok = nf_results_near(&t[WANT], &t[FIRST], &t[SUMS], bitwise, r);
    if (!nf_results_equal(&t[FIRST], &t[SECOND]))
      why = "another order, other garbage or other row gaps change the result";
    if (r->ok && !why) st = check_alone(v, c, on, &t[FIRST], &why);
    if (r->ok && !why && nf_is_ok(st)) st = check_unseen(v, c, on, &t[FIRST], &why);
    if (why) snprintf(r->why, sizeof r->why, "%s", why);
    r->ok &= !why;
  }
  for (int i = 0; i < RUNS; i++) nf_instance_deinit(&t[i]);
  return st;
}

nf_status nf_gate_order(const nf_variant *v, const nf_variant *other, const nf_case *c, const nf_runner *on,
                        nf_check_row *r) {
  nf_instance mine = {0}, others = {0};
  const char *why; // was told already
  nf_status st = run_fresh(v, c, 1, 0xff, on, false, &mine, &why);
  if (nf_is_ok(st)) st = run_fresh(other, c, 1, 0xff, on, false, &others, &why);
  if (nf_is_ok(st) && !nf_results_equal(&mine, &others)) {
    r->ok = false;
    snprintf(r->why, sizeof r->why, "declares the order of sums of %s and gives other bits", other->name);
  }
  nf_instance_deinit(&mine);
  nf_instance_deinit(&others);
  return st;
}
