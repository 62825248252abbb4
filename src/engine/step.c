// SPDX-License-Identifier: Apache-2.0
// A step: choose tokens from the sessions' queues, give them cache slots, run the plan, advance.
#include "base/checked.h"
#include "engine/engine.h"
#include <string.h>

static int64_t rows_among(const infuse_session *s, int64_t tokens) {
  const int64_t left = (int64_t)infuse_session_pending(s) - tokens; // in the queue after this step
  const int64_t wanted = s->rows_wanted == INFUSE_ALL_ROWS ? tokens : s->rows_wanted - left;
  const int64_t untold = nf_max(s->position + tokens - s->told, s->generation != NULL && left == 0);
  return nf_max(0, nf_min(tokens, nf_min(wanted, untold)));
}

// ---- guesses ----

static bool may_guess(const infuse_session *s) {
  const nf_generation *g = s->generation;
  return g != NULL && infuse_session_pending(s) == 1 && nf_guessing_most(&g->guessing) != 0;
}

// In tokens and rows beyond one for each session: none where there is a prompt.
static int64_t room_for_guesses(const infuse_model *m) {
  const nf_flight *f = &m->flight;
  int64_t n = 0;
  for (size_t i = 0; i < f->n_named; i++) {
    const size_t pending = infuse_session_pending(f->named[i]);
    if (pending > 1) return 0;
    n += pending != 0;
  }
  return nf_min(m->options.batch, m->options.rows) - n;
}

// What is behind the context or the answer's end is of no use.
static int64_t useful_guesses(const infuse_session *s) {
  const nf_generation *g = s->generation;
  const int64_t left = s->model->options.context - s->known, most = g->settings->max_tokens;
  return nf_min(left, most != 0 ? most - (int64_t)g->tokens - 1 : left);
}

// Tokens behind those that s holds.
static int64_t guess(infuse_session *s, int64_t room) {
  const int64_t most =
      nf_min((int64_t)nf_guessing_most(&s->generation->guessing), nf_min(room, useful_guesses(s)));
  if (most <= 0) return 0;
  int32_t *behind = s->token + s->known;
  const size_t n = nf_guess(s->token, (size_t)s->known, (size_t)most, behind);
  return (int64_t)nf_watch_admit(&s->generation->answer.watch, behind, n);
}

static void guess_all(infuse_model *m) {
  const nf_flight *f = &m->flight;
  int64_t room = room_for_guesses(m);
  for (size_t i = 0; i < f->n_named; i++) {
    infuse_session *s = f->named[i];
    s->guessed = may_guess(s) ? guess(s, room) : 0;
    room -= s->guessed;
  }
}

// Adds as many tokens of s as the step still has room for, in tokens, rows of logits and pages.
static nf_status add(infuse_model *m, infuse_session *s) {
  nf_flight *f = &m->flight;
  const int64_t pending = (int64_t)infuse_session_pending(s), rows_left = m->options.rows - f->at.of[NF_R];
  int64_t n = nf_session_chunk(s, nf_min(pending, m->options.batch - f->at.of[NF_T]));
  while (n > 0 && rows_among(s, n) > rows_left) n -= rows_among(s, n) - rows_left;
  n = n > 0 ? n + s->guessed : 0;
  NF_TRY(nf_session_reserve(s, &n));
  const int64_t guesses = nf_max(0, n - pending), rows = rows_among(s, n - guesses) + guesses;
  const bool draws = s->generation != NULL && n >= pending && nf_device_computes(m->rt->device);
  s->status = n != 0                        ? INFUSE_STATUS_COMPUTING
              : s->waits_for != NF_NO_CACHE ? INFUSE_STATUS_NO_PAGES
                                            : INFUSE_STATUS_NO_ROOM;
  if (n == 0) return nf_ok();
  f->share[f->n_shares++] = (nf_share){s, n, rows, .draws = draws, .guesses = guesses, .bad = -1};
  f->at = nf_sizes_of(f->at.of[NF_T] + n, (int64_t)f->n_shares, f->at.of[NF_R] + rows);
  return nf_ok();
}

// Sessions with one token first: kernels may treat the leading decode part of a batch apart. Behind them
// those that guess, then prompts.
static int pass_of(const infuse_session *s) { return infuse_session_pending(s) > 1 ? 2 : s->guessed != 0; }

static nf_status choose(infuse_model *m) {
  nf_flight *f = &m->flight;
  f->n_shares = 0;
  f->at = nf_sizes_of(0, 0, 0);
  for (size_t i = 0; i < f->n_named; i++) nf_session_skip(f->named[i]);
  guess_all(m);
  for (int pass = 0; pass < 3; pass++)
    for (size_t i = 0; i < f->n_named; i++)
      if (infuse_session_pending(f->named[i]) != 0 && pass_of(f->named[i]) == pass)
        NF_TRY(add(m, f->named[i]));
  return nf_ok();
}

// Where nobody goes on, nobody will by itself.
static nf_status check_pages(const infuse_model *m) {
  for (size_t i = 0; i < m->flight.n_named; i++) {
    const infuse_session *s = m->flight.named[i];
    if (s->waits_for != NF_NO_CACHE)
      return nf_error(NF_UNAVAILABLE,
                      "no session of the step can go on: session %zu, at token %ld, needs a page of the %s "
                      "cache, and all %ld are in use; suspend a session, or load with more cache_tokens",
                      i, (long)s->position, nf_cache_name(s->waits_for), (long)m->kv[s->waits_for].n);
  }
  return nf_ok();
}

// ---- the arrays ----

static int32_t *host_array(const nf_step_tables *t, size_t offset) { return (int32_t *)(t->step + offset); }

static void fill_routes(const infuse_model *m, const infuse_session *s, int64_t first, int64_t n) {
  const int64_t k = m->config.experts_per_token, layers = m->config.layers;
  int32_t *to = host_array(&m->tables, m->tables.routes);
  for (int64_t l = 0; l < layers; l++)
    for (int64_t i = 0; i < n; i++)
      memcpy(to + (l * m->options.batch + first + i) * k, s->routes + ((s->position + i) * layers + l) * k,
             (size_t)k * sizeof *to);
}

static void fill_tokens(const infuse_model *m, const nf_share *part, int64_t first) {
  const nf_step_tables *t = &m->tables;
  const infuse_session *s = part->session;
  const int64_t before = part->tokens - (int64_t)s->n_next; // of those without a state
  memcpy(host_array(t, t->tokens) + first, s->token + s->position, (size_t)part->tokens * sizeof(int32_t));
  for (int64_t i = 0; i < part->tokens; i++) {
    const int64_t position = s->position + i;
    host_array(t, t->position)[first + i] = (int32_t)position;
    host_array(t, t->state_out)[first + i] = i < before ? -1 : s->next_state[i - before];
    for (int g = 1; g < NF_CACHE_COUNT; g++)
      if (s->page[g] != NULL)
        host_array(t, t->write_slot[g])[first + i] =
            s->page[g][position / NF_PAGE] * NF_PAGE + (int32_t)(position % NF_PAGE);
  }
  if (m->options.forced_experts) fill_routes(m, s, first, part->tokens);
}

static void fill(infuse_model *m, const nf_share *part, size_t n) {
  const nf_step_tables *t = &m->tables;
  int64_t token = 0, row = 0;
  for (size_t i = 0; i < n; i++) {
    infuse_session *s = part[i].session;
    s->first_token = (size_t)token, s->n_tokens = (size_t)part[i].tokens;
    s->first_row = (size_t)row, s->n_rows = (size_t)part[i].rows;
    s->first_token_position = s->position;
    host_array(t, t->q_start)[i] = (int32_t)token;
    host_array(t, t->state_in)[i] = s->state;
    host_array(t, t->table_row)[i] = (int32_t)s->row;
    fill_tokens(m, &part[i], token);
    token += part[i].tokens;
    for (int64_t r = part[i].rows; r > 0; r--) host_array(t, t->row)[row++] = (int32_t)(token - r);
  }
  host_array(t, t->q_start)[n] = (int32_t)token;
}

// ---- buckets ----

// Where a step is replayed from a capture, its sizes are rounded up to powers of two, so that there are few.
static nf_sizes bucket_of(const infuse_model *m, const nf_sizes *at) {
  const nf_sizes most = nf_model_largest_step(m);
  nf_sizes out = *at;
  for (int s = NF_CONST + 1; m->buckets && s < NF_SYM_COUNT; s++) {
    if (at->of[s] != 0) out.of[s] = nf_min(nf_power_from(at->of[s]), most.of[s]);
  }
  return out;
}

// What is behind the step's own: tokens that are written nowhere, sequences without tokens, rows of whatever
// token comes first.
static void fill_padding(infuse_model *m, const nf_sizes *at, const nf_sizes *bucket) {
  const nf_step_tables *t = &m->tables;
  for (int64_t i = at->of[NF_T]; i < bucket->of[NF_T]; i++) {
    host_array(t, t->tokens)[i] = host_array(t, t->position)[i] = 0;
    host_array(t, t->state_out)[i] = -1;
    for (int g = 1; g < NF_CACHE_COUNT; g++)
      if (t->write_slot[g] != 0) host_array(t, t->write_slot[g])[i] = -1;
  }
  for (int64_t i = at->of[NF_S]; i < bucket->of[NF_S]; i++) {
    host_array(t, t->q_start)[i + 1] = (int32_t)at->of[NF_T];
    host_array(t, t->state_in)[i] = -1;
    host_array(t, t->table_row)[i] = 0;
  }
  for (int64_t i = at->of[NF_R]; i < bucket->of[NF_R]; i++) host_array(t, t->row)[i] = 0;
  ((nf_batch *)t->step)->sizes = *bucket;
}

// ---- running ----

typedef struct job { // of all ranks
  infuse_model *m;
  const nf_share *share; // [n_shares]
  int64_t n_shares;
  nf_sizes at;     // that it runs at
  nf_trace *trace; // NULL: nobody looks
} job;

static nf_status look_away(void *user, const nf_node *n) { return (void)user, (void)n, nf_ok(); }

// What has changed in the page tables since the device was told last.
static nf_status write_pages(const job *j, const nf_rank *r) {
  for (int64_t i = 0; i < j->n_shares; i++)
    for (int g = 1; g < NF_CACHE_COUNT; g++) {
      const infuse_session *s = j->share[i].session;
      if (s->changed[g].hi != 0)
        NF_TRY(nf_step_tables_write_pages(&j->m->tables, r->device, &r->tables, (nf_cache)g, s->row,
                                          s->changed[g].lo, s->changed[g].hi));
    }
  return nf_ok();
}

static nf_status run_plan(const job *j, int rank) {
  const nf_rank *r = &j->m->rank[rank];
  nf_plan *plan = r->plans[j->m->range];
  NF_TRY(nf_expect_write(j->m, r));
  NF_TRY(write_pages(j, r));
  if (j->trace == NULL && j->m->buckets)
    return nf_expect_next(j->m, r, nf_plan_replay(plan, r->device, &j->at));
  if (j->trace == NULL) return nf_plan_run(plan, r->device, &j->at);
  return nf_plan_trace(plan, r->device, &j->at, j->trace->arena[rank].data,
                       rank == 0 ? nf_trace_look : look_away, j->trace);
}

static nf_status run_rank(void *user, int rank) {
  const job *j = user;
  nf_device *d = j->m->rank[rank].device;
  nf_device_stop_on(d, &j->m->flight.cancelled);
  const nf_status st = run_plan(j, rank);
  nf_device_stop_on(d, NULL);
  return st;
}

static nf_status begin(infuse_model *m, const nf_share *part, size_t n, const nf_sizes *at,
                       const nf_sizes *bucket) {
  for (size_t i = 0; i < n; i++) NF_TRY(nf_session_begin(part[i].session, part[i].guesses));
  for (size_t i = 0; i < n; i++) nf_session_keep_state(part[i].session);
  nf_model_use_plan(m, bucket->of[NF_T]);
  fill(m, part, n);
  fill_padding(m, at, bucket);
  return nf_ok();
}

nf_status nf_step_prepare(infuse_model *m) {
  nf_flight *f = &m->flight;
  NF_TRY(choose(m));
  f->bucket = bucket_of(m, &f->at);
  return f->n_shares != 0 ? begin(m, f->share, f->n_shares, &f->at, &f->bucket) : check_pages(m);
}

// Whether more of the rows is asked for than the likeliest token.
static bool wants_logits(const infuse_model *m) {
  const nf_flight *f = &m->flight;
  for (size_t i = 0; i < f->n_shares; i++)
    if (f->share[i].rows > 1 + f->share[i].guesses || !nf_share_is_greedy(&f->share[i]) ||
        f->share[i].session->logprobs.width != 0)
      return true;
  return m->best_token == NULL;
}

nf_status nf_model_fetch_logits(infuse_model *m) {
  const int64_t rows = m->flight.at.of[NF_R];
  if (rows != 0) NF_TRY(nf_plan_read(m->plan, m->rank[0].device, m->logits_value, 0, rows, m->logits));
  m->logits_step = m->steps;
  return nf_ok();
}

nf_status nf_step_compute(void *model, int rank) {
  infuse_model *m = model;
  nf_flight *f = &m->flight;
  NF_TRY(run_rank(&(job){m, f->share, (int64_t)f->n_shares, f->bucket, NULL}, rank));
  if (rank != 0) return nf_ok();
  if (m->logits != NULL && nf_device_computes(m->rt->device) && wants_logits(m))
    NF_TRY(nf_model_fetch_logits(m));
  nf_step_draw(m);
  nf_step_logprobs(m);
  return nf_ok();
}

void nf_step_advance(const nf_share *part, int64_t tokens) {
  infuse_session *s = part->session;
  s->step = s->model->steps;
  for (int g = 1; g < NF_CACHE_COUNT; g++) s->changed[g] = (nf_range){0};
  nf_session_advance(s, tokens);
}

nf_status nf_step_traced(infuse_session *s, int64_t tokens, int64_t rows, nf_trace *trace) {
  const nf_share part = {.session = s, .tokens = tokens, .rows = rows};
  const nf_sizes at = nf_sizes_of(tokens, 1, rows);
  int64_t got = tokens;
  NF_TRY(nf_session_reserve(s, &got));
  if (got < tokens) return nf_error(NF_UNAVAILABLE, "other sessions use the caches");
  nf_status st = begin(s->model, &part, 1, &at, &at);
  if (nf_is_ok(st)) st = nf_ranks_run(s->model->ranks, run_rank, &(job){s->model, &part, 1, at, trace});
  if (nf_is_ok(st))
    nf_step_advance(&part, tokens);
  else
    nf_session_undo(s);
  return st;
}
