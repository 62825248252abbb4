// SPDX-License-Identifier: Apache-2.0
// A step: choose tokens from the sessions' queues, give them cache slots, run the plan, advance.
#include "base/checked.h"
#include "engine/draw.h"
#include "engine/engine.h"
#include "engine/trace.h"
#include <string.h>

static int64_t rows_among(const infuse_session *s, int64_t tokens) {
  const int64_t left = (int64_t)infuse_session_pending(s) - tokens; // in the queue after this step
  const int64_t wanted = s->rows_wanted == INFUSE_ALL_ROWS ? tokens : s->rows_wanted - left;
  const int64_t untold = nf_max(s->position + tokens - s->told, s->generation != NULL && left == 0);
  return nf_max(0, nf_min(tokens, nf_min(wanted, untold)));
}

// A chunk that ends behind a whole page leaves a recurrent state that others can begin from.
static int64_t end_at_page(const infuse_session *s, int64_t tokens) {
  const int64_t whole = (s->position + tokens) / NF_PAGE * NF_PAGE - s->position;
  return nf_session_leaves_states(s) && whole > 0 ? whole : tokens;
}

// As many tokens of s as the step still has room for, in tokens, rows of logits and pages.
static nf_status take(infuse_session *s, int64_t tokens_left, int64_t rows_left, nf_share *out) {
  int64_t n = end_at_page(s, nf_min((int64_t)infuse_session_pending(s), tokens_left));
  while (n > 0 && rows_among(s, n) > rows_left) n -= rows_among(s, n) - rows_left;
  n = nf_max(n, 0);
  NF_TRY(nf_session_reserve(s, &n));
  const bool last = n == (int64_t)infuse_session_pending(s) && nf_device_computes(s->model->rt->device);
  *out = (nf_share){s, n, rows_among(s, n), .draws = s->generation != NULL && last, .bad = -1};
  return nf_ok();
}

static nf_status check_session(const infuse_model *m, infuse_session *s, size_t i) {
  if (s == NULL) return nf_error(NF_USAGE, "session %zu of the step is NULL", i);
  if (s->model != m) return nf_error(NF_USAGE, "session %zu of the step belongs to another model", i);
  if (s->seen == m->steps) return nf_error(NF_USAGE, "session %zu of the step is there twice", i);
  s->seen = m->steps;
  s->waits_for = NF_NO_CACHE;
  if (s->generation == NULL) return nf_ok();
  nf_generation_begin_step(s->generation);
  if (s->generation->finish != INFUSE_RUNNING || infuse_session_pending(s) != 0) return nf_ok();
  return nf_error(NF_USAGE, "session %zu of the step generates but was given no tokens to begin with", i);
}

static nf_status check_sessions(const infuse_model *m, infuse_session *const *sessions, size_t n) {
  if (n > (size_t)m->options.sessions)
    return nf_error(NF_USAGE, "%zu sessions in one step; the model was loaded for %ld", n,
                    (long)m->options.sessions);
  for (size_t i = 0; i < n; i++) NF_TRY(check_session(m, sessions[i], i));
  return nf_ok();
}

// Sessions with one pending token first: kernels may treat the leading decode part of a batch apart.
static nf_status choose(const infuse_model *m, infuse_session *const *sessions, size_t n, nf_share *out,
                        size_t *used, nf_sizes *at) {
  int64_t tokens = 0, rows = 0;
  *used = 0;
  for (size_t i = 0; i < n; i++) nf_session_skip(sessions[i]);
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < n; i++) {
      const size_t pending = infuse_session_pending(sessions[i]);
      if (pending == 0 || (pending == 1) != (pass == 0)) continue;
      nf_share *s = &out[*used];
      NF_TRY(take(sessions[i], m->options.batch - tokens, m->options.rows - rows, s));
      if (s->tokens == 0) continue;
      ++*used;
      tokens += s->tokens;
      rows += s->rows;
    }
  }
  *at = nf_sizes_of(tokens, (int64_t)*used, rows);
  return nf_ok();
}

// Where nobody goes on, nobody will by itself.
static nf_status check_pages(const infuse_model *m, infuse_session *const *sessions, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const nf_cache g = sessions[i]->waits_for;
    if (g != NF_NO_CACHE)
      return nf_error(NF_UNAVAILABLE,
                      "no session of the step can go on: session %zu, at token %ld, needs a page of the %s "
                      "cache, and all %ld are in use; suspend a session, or load with more cache_tokens",
                      i, (long)sessions[i]->position, nf_cache_name(g), (long)m->kv[g].n);
  }
  return nf_ok();
}

// ---- the arrays ----

static int32_t *host_array(const nf_step_tables *t, size_t offset) { return (int32_t *)(t->host + offset); }

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
  memcpy(host_array(t, t->tokens) + first, s->token + s->position, (size_t)part->tokens * sizeof(int32_t));
  for (int64_t i = 0; i < part->tokens; i++) {
    const int64_t position = s->position + i;
    host_array(t, t->position)[first + i] = (int32_t)position;
    for (int g = 1; g < NF_CACHE_COUNT; g++)
      if (s->page[g] != NULL)
        host_array(t, t->write_slot[g])[first + i] =
            s->page[g][position / NF_PAGE] * NF_PAGE + (int32_t)(position % NF_PAGE);
  }
  if (m->options.forced_experts) fill_routes(m, s, first, part->tokens);
}

static void fill(infuse_model *m, const nf_share *part, size_t n, const nf_sizes *at) {
  const nf_step_tables *t = &m->tables;
  int64_t token = 0, row = 0;
  ((nf_batch *)t->host)->sizes = *at;
  for (size_t i = 0; i < n; i++) {
    infuse_session *s = part[i].session;
    s->first_token = (size_t)token, s->n_tokens = (size_t)part[i].tokens;
    s->first_row = (size_t)row, s->n_rows = (size_t)part[i].rows;
    s->first_token_position = s->position;
    host_array(t, t->q_start)[i] = (int32_t)token;
    host_array(t, t->state_in)[i] = s->state;
    host_array(t, t->state_out)[i] = s->next_state;
    host_array(t, t->table_row)[i] = (int32_t)i;
    for (int g = 1; g < NF_CACHE_COUNT; g++)
      if (s->page[g] != NULL)
        memcpy(host_array(t, t->page_table[g]) + (int64_t)i * t->pages, s->page[g],
               (size_t)t->pages * sizeof(int32_t));
    fill_tokens(m, &part[i], token);
    token += part[i].tokens;
    for (int64_t r = part[i].rows; r > 0; r--) host_array(t, t->row)[row++] = (int32_t)(token - r);
  }
  host_array(t, t->q_start)[n] = (int32_t)token;
}

// ---- running ----

typedef struct job { // of all ranks
  const infuse_model *m;
  nf_sizes at;
  nf_trace *trace; // NULL: nobody looks
} job;

static void look_away(void *user, const nf_node *n) { (void)user, (void)n; }

static nf_status run_rank(void *user, int rank) {
  const job *j = user;
  const nf_rank *r = &j->m->rank[rank];
  const nf_step_tables *t = &j->m->tables;
  NF_TRY(nf_step_tables_write(t, r->device, &r->tables));
  for (int g = 1; g < NF_CACHE_COUNT; g++)
    if (t->page_table[g] != 0)
      NF_TRY(nf_device_write(r->device, &r->tables, t->page_table[g], t->host + t->page_table[g],
                             (size_t)(j->at.of[NF_S] * t->pages) * sizeof(int32_t)));
  if (j->trace == NULL) return nf_plan_run(r->plan, r->device, &j->at);
  return nf_plan_trace(r->plan, r->device, &j->at, j->trace->arena[rank].data,
                       rank == 0 ? nf_trace_look : look_away, j->trace);
}

static nf_status copy_logits(infuse_model *m, int64_t rows) {
  if (m->logits == NULL || rows == 0 || !nf_device_computes(m->rt->device)) return nf_ok();
  const nf_tensor t = nf_plan_tensor(m->plan, m->logits_value);
  const nf_rank *r = &m->rank[0];
  const size_t at = (size_t)((const char *)t.data - (const char *)r->arena.data);
  return nf_device_read(r->device, &r->arena, at, m->logits,
                        (size_t)(rows * m->config.vocab) * sizeof(float));
}

static nf_status run(infuse_model *m, const nf_share *part, size_t n, const nf_sizes *at, nf_trace *trace) {
  for (size_t i = 0; i < n; i++) NF_TRY(nf_session_begin(part[i].session));
  for (size_t i = 0; i < n; i++) nf_session_keep_state(part[i].session);
  fill(m, part, n, at);
  NF_TRY(nf_ranks_run(m->ranks, run_rank, &(job){m, *at, trace}));
  return trace == NULL ? copy_logits(m, at->of[NF_R]) : nf_ok();
}

// On an error all sessions stay where they were, or begin again.
static nf_status compute(infuse_model *m, const nf_share *part, size_t n, const nf_sizes *at,
                         nf_trace *trace) {
  const nf_status st = run(m, part, n, at, trace);
  for (size_t i = 0; i < n; i++) {
    infuse_session *s = part[i].session;
    if (nf_is_ok(st))
      s->step = m->steps, nf_session_advance(s, part[i].tokens);
    else
      nf_session_undo(s);
  }
  return st;
}

nf_status nf_step_traced(infuse_session *s, int64_t tokens, int64_t rows, nf_trace *trace) {
  const nf_share part = {.session = s, .tokens = tokens, .rows = rows};
  const nf_sizes at = nf_sizes_of(tokens, 1, rows);
  int64_t got = tokens;
  NF_TRY(nf_session_reserve(s, &got));
  if (got < tokens) return nf_error(NF_UNAVAILABLE, "other sessions use the caches");
  return compute(s->model, &part, 1, &at, trace);
}

// Sessions take what they have drawn, or fail; others are not touched by one that does. Looking for causes
// comes last, as it computes.
static void finish(const nf_share *part, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const bool drawn = part[i].draws && part[i].bad < 0 && nf_is_ok(part[i].failure);
    nf_session_fail(part[i].session,
                    drawn ? nf_generation_take(part[i].session, part[i].token) : part[i].failure);
  }
  for (size_t i = 0; i < n; i++)
    if (part[i].bad >= 0) nf_session_fail(part[i].session, nf_trace_why(part[i].session, part[i].bad));
}

// The first failure of this step's sessions, which had none before.
static nf_status failure_among(infuse_session *const *sessions, size_t n, const nf_share *part,
                               size_t n_part) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < n_part; k++) {
      if (part[k].session != sessions[i] || nf_is_ok(sessions[i]->failure)) continue;
      const nf_status st = nf_status_copy(sessions[i]->failure);
      return n > 1 ? nf_status_note(st, "session %zu of the step", i) : st;
    }
  return nf_ok();
}

static nf_status step(infuse_model *m, infuse_session *const *sessions, size_t n) {
  m->steps++; // rows of earlier steps are gone
  NF_TRY(check_sessions(m, sessions, n));
  nf_share *part = m->share;
  nf_sizes at;
  size_t used;
  NF_TRY(choose(m, sessions, n, part, &used, &at));
  if (used == 0) return check_pages(m, sessions, n);
  NF_TRY(compute(m, part, used, &at, NULL));
  nf_draw_shares(m, part, used);
  finish(part, used);
  return failure_among(sessions, n, part, used);
}

infuse_error *infuse_step(infuse_model *m, infuse_session *const *sessions, size_t n) {
  const nf_status st = NF_GIVEN({"model", m != NULL}, {"list of sessions", sessions != NULL || n == 0});
  return nf_is_ok(st) ? step(m, sessions, n).error : st.error;
}
