// SPDX-License-Identifier: Apache-2.0
// infuse_step: a step is prepared, computed and settled. Until it is settled the sessions are as they were,
// so that one that fails or is cancelled can be done again.
#include "engine/engine.h"
#include <stdatomic.h>

// ---- before ----

static nf_status check_sessions(infuse_model *m, infuse_session *const *sessions, size_t n) {
  if (n > (size_t)m->options.sessions)
    return nf_error(NF_USAGE, "%zu sessions in one step; the model was loaded for %ld", n,
                    (long)m->options.sessions);
  m->checks++;
  for (size_t i = 0; i < n; i++) {
    infuse_session *s = sessions[i];
    if (s == NULL) return nf_error(NF_USAGE, "session %zu of the step is NULL", i);
    if (s->model != m) return nf_error(NF_USAGE, "session %zu of the step belongs to another model", i);
    if (s->seen == m->checks) return nf_error(NF_USAGE, "session %zu of the step is there twice", i);
    s->seen = m->checks;
    if (s->generation != NULL && s->generation->finish == INFUSE_RUNNING && infuse_session_pending(s) == 0)
      return nf_error(NF_USAGE, "session %zu of the step generates but was given no tokens to begin with", i);
  }
  return nf_ok();
}

// ---- after ----

// Keys and values that the step has written are written again when it is repeated. Who waits for pages does
// so still.
static void give_up(const nf_flight *f) {
  for (size_t i = 0; i < f->n_shares; i++) {
    infuse_session *s = f->share[i].session;
    if (f->share[i].guesses != 0) nf_processors_cut(s->generation->processors, s->token, (size_t)s->known);
    nf_session_undo(s);
    nf_status_free(f->share[i].failure);
  }
  for (size_t i = 0; i < f->n_named; i++) {
    infuse_status *status = &f->named[i]->status;
    if (*status == INFUSE_STATUS_COMPUTING || *status == INFUSE_STATUS_NO_ROOM) *status = INFUSE_STATUS_IDLE;
  }
}

// What was drawn, or why nothing could be. Of right guesses each is computed when it is taken; those behind
// the end of an answer never were.
static nf_status take_tokens(nf_share *part) {
  infuse_session *s = part->session;
  if (part->bad >= 0 || !nf_is_ok(part->failure) || !part->draws) return part->failure;
  s->generation->guessed = (size_t)part->guesses;
  size_t i = 0;
  while (i < part->n_drawn && s->generation->finish == INFUSE_RUNNING) {
    const bool right = (int64_t)i < part->guesses && part->token[i] == s->token[s->known];
    if (i != 0) nf_step_advance(part, 1);
    NF_TRY(nf_generation_take(s, part->token[i++]));
    if (right && i == part->n_drawn) nf_share_draw_next(part);
  }
  nf_guessing_note(&s->generation->guessing, (size_t)part->guesses, part->n_drawn);
  nf_logprobs_drop(&s->logprobs, part->n_drawn - i);
  if (i < part->n_drawn) nf_processors_cut(s->generation->processors, s->token, (size_t)s->known);
  s->n_tokens -= (size_t)part->guesses + 1 - i, s->n_rows -= (size_t)part->guesses + 1 - i;
  return nf_ok();
}

// Sessions advance, take what they have drawn, or fail; others are not touched by one that does. Looking for
// causes comes last, as it computes.
static void settle(nf_flight *f) {
  for (size_t i = 0; i < f->n_named; i++) {
    nf_logprobs_forget(&f->named[i]->logprobs);
    if (f->named[i]->generation != NULL) nf_generation_begin_step(f->named[i]->generation);
  }
  for (size_t i = 0; i < f->n_shares; i++) {
    f->share[i].session->status = INFUSE_STATUS_COMPUTED;
    nf_step_advance(&f->share[i], f->share[i].tokens - f->share[i].guesses);
    nf_share_turn_logprobs(&f->share[i]);
    const nf_status st = take_tokens(&f->share[i]);
    nf_session_end_step(f->share[i].session);
    nf_session_fail(f->share[i].session, st);
  }
  for (size_t i = 0; i < f->n_shares; i++)
    if (f->share[i].bad >= 0)
      nf_session_fail(f->share[i].session, nf_trace_why(f->share[i].session, f->share[i].bad));
}

static nf_status land(infuse_model *m, nf_status st) {
  if (nf_is_ok(st))
    settle(&m->flight);
  else
    give_up(&m->flight);
  return st;
}

// ---- at once ----

// The caller's errors first; behind them the step is there, and is given up where it can't be prepared.
static nf_status prepare(infuse_model *m, infuse_session *const *sessions, size_t n) {
  nf_flight *f = &m->flight;
  NF_TRY(nf_runtime_check_idle(m->rt));
  NF_TRY(check_sessions(m, sessions, n));
  m->steps++; // rows of earlier steps are gone
  atomic_store(&f->cancelled, false);
  f->n_named = n;
  for (size_t i = 0; i < n; i++) {
    f->named[i] = sessions[i];
    sessions[i]->status = nf_is_ok(sessions[i]->failure) ? INFUSE_STATUS_IDLE : INFUSE_STATUS_FAILED;
    sessions[i]->waits_for = NF_NO_CACHE;
  }
  const nf_status st = nf_step_prepare(m);
  return nf_is_ok(st) ? st : land(m, st);
}

static nf_status step(infuse_model *m, infuse_session *const *sessions, size_t n) {
  NF_TRY(prepare(m, sessions, n));
  return land(m, m->flight.n_shares != 0 ? nf_ranks_run(m->ranks, nf_step_compute, m) : nf_ok());
}

nf_status nf_step_alone(infuse_session *s) {
  NF_TRY(step(s->model, &s, 1));
  return nf_status_copy(s->failure);
}

infuse_error *infuse_step(infuse_model *m, infuse_session *const *sessions, size_t n) {
  NF_TELL(NF_GIVEN({"model", m != NULL}, {"list of sessions", sessions != NULL || n == 0}));
  return step(m, sessions, n).error;
}

// ---- begun, and waited for ----

bool nf_session_in_flight(const infuse_session *s) {
  const infuse_model *m = s->model;
  return m->rt->in_flight == m && !m->flight.landed && s->seen == m->checks;
}

void nf_flight_land(infuse_model *m) {
  if (m->rt->in_flight != m || m->flight.landed) return;
  m->flight.result = land(m, nf_ranks_wait(m->ranks));
  m->flight.landed = true;
}

static void tell_computed(const infuse_model *m) {
  if (m->rt->computed != NULL) m->rt->computed(m->rt->computed_user);
}

static nf_status compute(void *model, int rank) {
  const nf_status st = nf_step_compute(model, rank);
  if (rank == 0) tell_computed(model);
  return st;
}

static nf_status begin(infuse_model *m, infuse_session *const *sessions, size_t n) {
  NF_TRY(prepare(m, sessions, n));
  const nf_status st = m->flight.n_shares != 0 ? nf_ranks_begin(m->ranks, compute, m) : nf_ok();
  if (!nf_is_ok(st)) return land(m, st);
  if (m->flight.n_shares == 0) tell_computed(m);
  m->flight.landed = false;
  m->rt->in_flight = m;
  return nf_ok();
}

infuse_error *infuse_step_begin(infuse_model *m, infuse_session *const *sessions, size_t n) {
  NF_TELL(NF_GIVEN({"model", m != NULL}, {"list of sessions", sessions != NULL || n == 0}));
  return begin(m, sessions, n).error;
}

bool infuse_step_poll(infuse_model *m) {
  return m == NULL || m->rt->in_flight != m || m->flight.landed || nf_ranks_poll(m->ranks);
}

infuse_error *infuse_step_wait(infuse_model *m) {
  NF_TELL(NF_GIVEN({"model", m != NULL}));
  if (m->rt->in_flight != m) return NULL;
  nf_flight_land(m);
  const nf_status st = m->flight.result;
  m->flight.result = nf_ok();
  m->rt->in_flight = NULL;
  return st.error;
}

void infuse_step_cancel(infuse_model *m) {
  if (m != NULL) atomic_store(&m->flight.cancelled, true);
}

infuse_status infuse_session_status(const infuse_session *s) {
  return s != NULL ? s->status : INFUSE_STATUS_IDLE;
}
