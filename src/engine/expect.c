// SPDX-License-Identifier: Apache-2.0
// The step that is expected behind one in which each sequence has one token and draws another: the same
// sequences, one token further. Its tables follow from this step's, but for the tokens. So they are made
// while the device computes, and put into its queue behind the step, as is a copy of the tokens that the step
// itself finds. The next step compares what it needs with what the device was given, and copies what is
// missing: nothing, tokens that were drawn otherwise, or all.
#include "engine/engine.h"
#include <string.h>

static const size_t first = offsetof(nf_batch, sizes);

static int32_t *array_of(char *block, size_t offset) { return (int32_t *)(block + offset); }

// One rank: others' copies would be theirs to make.
nf_status nf_expect_begin(infuse_model *m) {
  if (!nf_device_captures(m->rt->device) || m->options.world > 1 || m->options.forced_experts) return nf_ok();
  return nf_event_create(m->rt->device, &m->expected.computed);
}

// The queue still reads the tables of the host where something was expected.
void nf_expect_end(infuse_model *m) {
  if (m->expected.given) nf_status_free(nf_queue_sync(nf_device_queue(m->rt->device)));
  nf_event_destroy(m->expected.computed);
}

// ---- what came ----

static nf_status write_ids(const infuse_model *m, const nf_rank *r) {
  const nf_step_tables *t = &m->tables;
  const size_t bytes = (size_t)m->flight.at.of[NF_T] * sizeof(int32_t);
  const char *ids = t->step + t->tokens;
  if (m->expected.ids != 0 && memcmp(ids, m->best_token, bytes) == 0) return nf_ok();
  return nf_queue_write(nf_device_queue(r->device), &r->tables, t->tokens, ids, bytes);
}

// The blocks change their roles where the device has read the other one: it may read it still.
nf_status nf_expect_write(infuse_model *m, const nf_rank *r) {
  nf_step_tables *t = &m->tables;
  const bool was_given = m->expected.given;
  if (!was_given) return nf_step_tables_write(t, r->device, &r->tables);
  m->expected.given = false;
  if (memcmp(t->step + first, t->next + first, t->tokens - first) != 0) {
    NF_TRY(nf_queue_sync(nf_device_queue(r->device)));
    return nf_step_tables_write(t, r->device, &r->tables);
  }
  NF_TRY(write_ids(m, r));
  char *step = t->step;
  t->step = t->next;
  t->next = step;
  return nf_ok();
}

// ---- what is expected ----

// Behind a page's last token a page is to be taken first, which only the step that needs it does.
static bool goes_on(const infuse_model *m) {
  const nf_flight *f = &m->flight;
  const int32_t *position = array_of(m->tables.step, m->tables.position);
  for (size_t i = 0; i < f->n_shares; i++) {
    const nf_share *s = &f->share[i];
    if (s->tokens != 1 || s->rows != 1 || !s->draws || (position[i] + 1) % NF_PAGE == 0) return false;
  }
  return true;
}

static void make_next(const infuse_model *m) {
  const nf_step_tables *t = &m->tables;
  const int64_t n = (int64_t)m->flight.n_shares;
  memcpy(t->next + first, t->step + first, t->tokens - first);
  memcpy(t->next + t->state_in, t->step + t->state_out, (size_t)n * sizeof(int32_t));
  for (int64_t i = 0; i < n; i++) {
    array_of(t->next, t->position)[i]++;
    for (int g = 1; g < NF_CACHE_COUNT; g++)
      if (t->write_slot[g] != 0) array_of(t->next, t->write_slot[g])[i]++;
  }
}

// Row i is token i's. A kernel has written the ids where the process reads them, and the device too.
static nf_status put_ids(infuse_model *m, const nf_rank *r) {
  const size_t n = m->flight.n_shares, at = (size_t)m->options.rows * sizeof *m->best_probability;
  m->expected.ids = 0;
  for (size_t i = 0; i < n; i++)
    if (m->best_token == NULL || !nf_share_is_greedy(&m->flight.share[i])) return nf_ok();
  m->expected.ids = (int64_t)n;
  return nf_queue_copy(nf_device_queue(r->device), &r->tables, m->tables.tokens, &m->pinned_best, at,
                       n * sizeof *m->best_token);
}

static nf_status put_next(infuse_model *m, const nf_rank *r) {
  const nf_step_tables *t = &m->tables;
  nf_queue *q = nf_device_queue(r->device);
  make_next(m);
  NF_TRY(nf_queue_write(q, &r->tables, first, t->next + first, t->tokens - first));
  return put_ids(m, r);
}

nf_status nf_expect_next(infuse_model *m, const nf_rank *r, nf_status st) {
  nf_queue *q = nf_device_queue(r->device);
  if (!nf_is_ok(st) || m->expected.computed == NULL || !goes_on(m))
    return nf_status_join(st, nf_queue_sync(q));
  st = nf_queue_record(q, m->expected.computed);
  if (nf_is_ok(st)) st = put_next(m, r);
  m->expected.given = nf_is_ok(st);
  return nf_status_join(st, m->expected.given ? nf_event_sync(m->expected.computed) : nf_queue_sync(q));
}
