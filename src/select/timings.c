// SPDX-License-Identifier: Apache-2.0
// The table of measured times: kept by op and bucket of sizes, and asked for once of who knows more.
#include "base/checked.h"
#include "select/select.h"
#include <string.h>

typedef struct timing {
  const nf_variant *variant; // NULL: the source was asked for these steps
  nf_sizes bucket;
  double us, ratio; // ratio: over the estimate
  struct timing *next;
} timing;

typedef struct timed_op {
  nf_op_desc d; // first, as nf_desc_map wants it
  timing *first;
} timed_op;

typedef struct ratios { // sorted
  double *at;
  size_t n, cap;
} ratios;

struct nf_timings {
  nf_arena arena;
  nf_desc_map ops;
  ratios ratio[NF_OP_COUNT];
  nf_timings_source source;
  void *user;
};

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for timings"); }

nf_status nf_timings_create(nf_timings **out) {
  *out = nf_alloc(1, sizeof **out);
  return *out != NULL ? nf_ok() : no_memory();
}

void nf_timings_destroy(nf_timings *t) {
  if (t == NULL) return;
  for (int op = 0; op < NF_OP_COUNT; op++) nf_free(t->ratio[op].at);
  nf_desc_map_deinit(&t->ops);
  nf_arena_deinit(&t->arena);
  nf_free(t);
}

// ---- keys ----

static void depend(const nf_type *t, bool *on) {
  for (int i = 0; i < t->rank; i++) on[t->dim[i].sym] = true;
  if (t->cache != NF_NO_CACHE) on[NF_S] = true;
}

nf_sizes nf_timings_bucket(const nf_op_desc *d, const nf_sizes *at) {
  bool on[NF_SYM_COUNT] = {false};
  nf_sizes bucket = {0};
  for (int k = 0; k < NF_MAX_IN; k++) depend(&d->in[k], on);
  for (int r = 0; r < NF_MAX_OUT; r++) depend(&d->out[r], on);
  for (int s = NF_CONST + 1; s < NF_SYM_COUNT; s++)
    if (on[s]) bucket.of[s] = nf_power_from(at->of[s]);
  return bucket;
}

static bool is_of(const timing *t, const nf_variant *v) {
  return t->variant == v || (t->variant != NULL && v != NULL && strcmp(t->variant->name, v->name) == 0);
}

static timing *find(const timed_op *op, const nf_sizes *bucket, const nf_variant *v) {
  timing *t = op != NULL ? op->first : NULL;
  while (t != NULL && (memcmp(&t->bucket, bucket, sizeof *bucket) != 0 || !is_of(t, v))) t = t->next;
  return t;
}

// ---- filling ----

static nf_status op_of(nf_timings *t, const nf_op_desc *d, timed_op **out) {
  const nf_op_desc key = nf_undecided(d);
  *out = nf_desc_map_find(&t->ops, &key);
  if (*out != NULL) return nf_ok();
  *out = nf_arena_alloc(&t->arena, 1, sizeof **out);
  if (*out == NULL) return no_memory();
  (*out)->d = key;
  return nf_desc_map_add(&t->ops, &(*out)->d);
}

static timing *add_to(nf_timings *t, timed_op *op, const nf_sizes *bucket, const nf_variant *v) {
  timing *new = nf_arena_alloc(&t->arena, 1, sizeof *new);
  if (new == NULL) return NULL;
  *new = (timing){.variant = v, .bucket = *bucket, .next = op->first};
  return op->first = new;
}

static void insert(ratios *r, double ratio) {
  size_t i = r->n++;
  for (; i > 0 && r->at[i - 1] > ratio; i--) r->at[i] = r->at[i - 1];
  r->at[i] = ratio;
}

static void take_out(ratios *r, double ratio) {
  size_t i = 0;
  while (i + 1 < r->n && r->at[i] != ratio) i++;
  r->n--;
  memmove(&r->at[i], &r->at[i + 1], (r->n - i) * sizeof *r->at);
}

nf_status nf_timings_put(nf_timings *t, const nf_hw *hw, const nf_op_desc *d, const nf_sizes *at,
                         const nf_variant *v, double us) {
  timed_op *op;
  ratios *r = &t->ratio[d->op];
  NF_TRY(op_of(t, d, &op));
  const nf_sizes bucket = nf_timings_bucket(d, at);
  const double estimate = nf_cost_us(hw, d, at, v);
  timing *found = find(op, &bucket, v);
  if (found == NULL) {
    if (!nf_grow(&r->at, &r->cap, r->n + 1, sizeof *r->at)) return no_memory();
    found = add_to(t, op, &bucket, v);
    if (found == NULL) return no_memory();
  } else if (t->source == NULL) {
    take_out(r, found->ratio);
  }
  found->us = us;
  found->ratio = estimate > 0 ? us / estimate : 1;
  if (t->source == NULL) insert(r, found->ratio);
  return nf_ok();
}

double nf_timings_ratio(const nf_timings *t, nf_op op) {
  const ratios *r = t != NULL ? &t->ratio[op] : NULL;
  return r != NULL && r->n != 0 ? r->at[r->n / 2] : 1;
}

// ---- looking up ----

void nf_timings_look_up(nf_timings *t, nf_timings_source source, void *user) {
  t->source = source;
  t->user = user;
}

// Without memory for the note that it was asked, it is not: nothing is known then.
static void ask_source(nf_timings *t, const nf_op_desc *key, const nf_sizes *bucket) {
  timed_op *op = NULL;
  nf_status st = op_of(t, key, &op);
  if (nf_is_ok(st) && find(op, bucket, NULL) == NULL && add_to(t, op, bucket, NULL) != NULL)
    t->source(t->user, key, bucket);
  nf_status_free(st);
}

bool nf_timings_get(nf_timings *t, const nf_op_desc *d, const nf_sizes *at, const nf_variant *v, double *us) {
  const nf_op_desc key = nf_undecided(d);
  const nf_sizes bucket = nf_timings_bucket(d, at);
  if (t->source != NULL) ask_source(t, &key, &bucket);
  const timing *found = find(nf_desc_map_find(&t->ops, &key), &bucket, v);
  if (found != NULL) *us = found->us;
  return found != NULL;
}
