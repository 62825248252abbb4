// SPDX-License-Identifier: Apache-2.0
// The scheduler's thread: requests get sessions, sessions take their turns, and what steps bring is told
// while the next one computes.
#include "base/clock.h"
#include "schedule/scheduler.h"
#include <infuse/chat.h>
#include <string.h>

// ---- telling ----

_Static_assert((int)NF_MOST_GUESSES == (int)INFUSE_GUESSES, "each place of a guess is counted");

static void tell(const nf_scheduler *s, const nf_job *j, nf_event e) {
  e.id = j->id;
  e.step = s->step;
  if (e.now == 0) e.now = s->now;
  e.usage = &j->usage;
  j->request.heard(j->request.user, &e);
}

// What there is of `l` from place `from` to `to` in the text.
static infuse_logprobs part_of(infuse_logprobs l, size_t from, size_t to) {
  const size_t skip = from > l.first ? from - l.first : 0, end = l.first + l.n < to ? l.first + l.n : to;
  if (l.first + skip >= end) return (infuse_logprobs){0};
  return (infuse_logprobs){l.data + skip * l.width, end - l.first - skip, l.width, l.first + skip};
}

static void tell_output(const nf_scheduler *s, nf_answer *a) {
  if (!a->said) return;
  a->said = false;
  const infuse_output out = infuse_session_output(a->session);
  const infuse_logprobs l = infuse_session_logprobs(a->session), prompt = part_of(l, 0, a->prompt);
  if (prompt.n != 0)
    tell(s, a->job, (nf_event){.kind = NF_EVENT_PROMPT, .answer = a->index, .logprobs = prompt});
  if (out.token >= 0)
    tell(s, a->job,
         (nf_event){.kind = NF_EVENT_OUTPUT,
                    .answer = a->index,
                    .output = &out,
                    .logprobs = part_of(l, a->prompt, SIZE_MAX)});
}

static void tell_outputs(nf_scheduler *s) {
  for (size_t i = 0; i < s->n; i++) tell_output(s, &s->answer[i]);
}

// ---- ending ----

static void tell_end(nf_scheduler *s, nf_job *j, size_t answer, nf_reason why, const infuse_error *error) {
  j->reason = why;
  j->ended++;
  nf_tally_add(&s->tally, NF_COUNT_ENDED + why, 1);
  nf_tally_add(&s->tally, NF_COUNT_OWED, (uint64_t)-1);
  tell(s, j, (nf_event){.kind = NF_EVENT_ENDED, .answer = answer, .reason = why, .error = error});
}

static void measure_job(nf_scheduler *s, const nf_job *j) {
  const nf_usage *u = &j->usage;
  const infuse_session_options *o = j->request.options;
  const int64_t room = s->info.context - (int64_t)u->tokens.prompt;
  const int64_t asked = o == NULL || !o->generate ? 0 : o->max_tokens != 0 ? o->max_tokens : room;
  nf_tally_measure(&s->tally, NF_ANSWERS, (double)j->answers);
  nf_tally_measure(&s->tally, NF_TOKENS_LONGEST, (double)j->longest);
  nf_tally_measure(&s->tally, NF_TOKENS_ASKED, (double)asked);
  nf_tally_measure(&s->tally, NF_TIME_WHOLE, u->whole);
  nf_tally_measure(&s->tally, NF_TIME_INFERENCE, u->whole - u->queue);
  nf_tally_measure(&s->tally, NF_TOKENS_PROMPT, (double)u->tokens.prompt);
  nf_tally_measure(&s->tally, NF_TOKENS_DRAWN, (double)u->tokens.drawn);
  if (u->first_token == 0) return;
  nf_tally_measure(&s->tally, NF_TIME_PREFILL, u->first_token - u->queue);
  nf_tally_measure(&s->tally, NF_TIME_DECODE, u->whole - u->first_token);
  nf_tally_measure(&s->tally, NF_TOKENS_COMPUTED, (double)(u->tokens.prompt - u->tokens.cached));
}

static void end_job(nf_scheduler *s, nf_job *j, const infuse_error *error) {
  j->usage.whole = nf_now() - j->arrived;
  if (j->begun && j->reason != NF_REASON_CANCELLED) measure_job(s, j);
  nf_job_begins(s, j);
  tell(s, j, (nf_event){.kind = NF_EVENT_DONE, .reason = j->reason, .error = error});
  nf_job_release(s, j);
}

// The answer is gone from the list, and the job with the last of its answers.
static void end_answer(nf_scheduler *s, size_t i, nf_reason why, const infuse_error *error) {
  nf_answer *a = &s->answer[i], ended = *a;
  tell_output(s, a);
  tell_end(s, ended.job, ended.index, why, error);
  if (ended.tokens > ended.job->longest) ended.job->longest = ended.tokens;
  if (ended.tokens > 1)
    nf_tally_measure(&s->tally, NF_TIME_PER_TOKEN, (ended.last - ended.first) / (double)(ended.tokens - 1));
  memmove(a, a + 1, (--s->n - i) * sizeof *a);
  if (ended.job->ended == ended.job->answers) end_job(s, ended.job, error);
  infuse_session_destroy(ended.session); // its error may be what was told
}

static void leave_line(nf_scheduler *s, const nf_job *j) {
  nf_job **at = &s->line.first;
  while (*at != NULL && *at != j) at = &(*at)->next;
  if (*at == NULL) return;
  *at = j->next;
  if (j->next == NULL) s->line.end = at;
}

// All that has not ended of a job. The job may be gone with the last answer that has a session.
static void end_all(nf_scheduler *s, nf_job *j, nf_reason why, const infuse_error *error) {
  size_t have = 0;
  leave_line(s, j);
  for (size_t i = 0; i < s->n; i++) have += s->answer[i].job == j;
  while (j->admitted < j->answers) tell_end(s, j, j->admitted++, why, error);
  if (have == 0) end_job(s, j, error);
  for (size_t i = s->n; i-- > 0 && have != 0;)
    if (s->answer[i].job == j) {
      have--;
      end_answer(s, i, why, error);
    }
}

// ---- sessions ----

// What a session is made with: answer 0 as the request says it, others with seeds of their own.
static nf_status make_session(nf_scheduler *s, const nf_job *j, infuse_session **out) {
  const infuse_session_options none = {.size = sizeof none};
  infuse_session_options o = j->request.options != NULL ? *j->request.options : none;
  infuse_sampling sampling = o.sampling != NULL ? *o.sampling : infuse_model_sampling(s->m);
  sampling.size = sizeof sampling;
  sampling.seed += j->admitted;
  o.sampling = &sampling;
  if (j->request.scores_prompt && j->admitted == 0) o.rows = INFUSE_ALL_ROWS;
  return (nf_status){infuse_session_create(s->m, &o, out)};
}

static nf_status fill_session(const nf_job *j, infuse_session *session) {
  const nf_request *r = &j->request;
  return (nf_status){r->n_messages != 0 ? infuse_session_chat(session, r->messages, r->n_messages)
                                        : infuse_session_append(session, r->tokens, r->n_tokens)};
}

// Behind all that came before it.
static void put_answer(nf_scheduler *s, nf_job *j, infuse_session *session) {
  const int64_t asked = j->request.options != NULL ? j->request.options->max_tokens : 0;
  size_t at = s->n, n;
  infuse_session_tokens(session, &n);
  while (at > 0 && s->answer[at - 1].job->id / s->n_jobs > j->id / s->n_jobs) at--;
  memmove(&s->answer[at + 1], &s->answer[at], (s->n++ - at) * sizeof *s->answer);
  s->answer[at] = (nf_answer){.job = j, .index = j->admitted++, .session = session, .prompt = n};
  s->answer[at].most =
      asked != 0 && (int64_t)n + asked < s->info.context ? (int64_t)n + asked : s->info.context;
  j->usage.tokens.prompt = n;
}

static nf_status admit_answer(nf_scheduler *s, nf_job *j) {
  infuse_session *session;
  NF_TRY(make_session(s, j, &session));
  const nf_status st = fill_session(j, session);
  if (nf_is_ok(st))
    put_answer(s, j, session);
  else
    infuse_session_destroy(session);
  return st;
}

// The first answer computes the prompt; the others then find it in the caches.
static bool may_have_session(const nf_scheduler *s, const nf_job *j) {
  return s->n < (size_t)s->info.sessions && j->admitted < j->answers &&
         (j->admitted == 0 || j->usage.first_token != 0 || j->ended != 0);
}

static void admit(nf_scheduler *s) {
  for (nf_job *j = s->line.first, *next; j != NULL && s->n < (size_t)s->info.sessions; j = next) {
    nf_status st = nf_ok();
    next = j->next;
    while (nf_is_ok(st) && may_have_session(s, j)) st = admit_answer(s, j);
    if (!nf_is_ok(st))
      end_all(s, j, NF_REASON_FAILED, st.error);
    else if (j->admitted == j->answers)
      leave_line(s, j);
    nf_status_free(st);
  }
}

// ---- what others ask for ----

static bool is_expired(const nf_job *j, double now) {
  return !j->begun && j->request.patience > 0 && now - j->arrived > j->request.patience;
}

// Whether it was ended. One that was begun can be only between steps.
static bool end_early(nf_scheduler *s, nf_job *j, bool between, bool ends, double now) {
  if (j->begun && !between) return false;
  const bool cancelled = ends || atomic_load(&j->cancelled), over = cancelled || is_expired(j, now);
  if (over) end_all(s, j, cancelled ? NF_REASON_CANCELLED : NF_REASON_EXPIRED, NULL);
  return over;
}

// When its time to wait is over, if that is before `first`; 0: never.
static double sooner(double first, const nf_job *j) {
  const double end = j->arrived + j->request.patience;
  return !j->begun && j->request.patience > 0 && (first == 0 || end < first) ? end : first;
}

static void find_next_end(nf_scheduler *s) {
  s->next_end = 0;
  for (size_t i = 0; i < s->n; i++) s->next_end = sooner(s->next_end, s->answer[i].job);
  for (const nf_job *j = s->line.first; j != NULL; j = j->next) s->next_end = sooner(s->next_end, j);
}

// Takes what has come. Whether somebody was cancelled: one that was begun stays so until it can be ended.
static bool take_arrived(nf_scheduler *s, bool between, bool *ends) {
  pthread_mutex_lock(&s->lock);
  const bool cancels = s->cancels;
  *ends = s->ends;
  s->cancels &= !between;
  for (nf_job *j = s->arrived.first, *next; j != NULL; j = next) {
    next = j->next;
    s->next_end = sooner(s->next_end, j);
    nf_line_push(&s->line, j);
  }
  s->arrived = (nf_line){.end = &s->arrived.first};
  pthread_mutex_unlock(&s->lock);
  return cancels;
}

// Ends what was cancelled or has waited too long, and looks for it only where there is some. Whether all is
// to end.
static bool hear(nf_scheduler *s, bool between) {
  const double now = nf_now();
  bool ends;
  const bool cancels = take_arrived(s, between, &ends);
  if (!ends && !cancels && (s->next_end == 0 || now < s->next_end)) return false;
  for (nf_job *j = s->line.first, *next; j != NULL; j = next) {
    next = j->next;
    end_early(s, j, between, ends, now);
  }
  for (size_t i = 0; i < s->n;)
    if (!end_early(s, s->answer[i].job, between, ends, now))
      i++;
    else
      i = 0; // several may be gone
  find_next_end(s);
  return ends;
}

// ---- turns ----

static void note_caches(nf_scheduler *s, infuse_caches *c) {
  *c = (infuse_caches){.size = sizeof *c};
  infuse_model_caches(s->m, c);
  nf_tally_set(&s->tally, NF_COUNT_PAGES, (uint64_t)c->pages);
  nf_tally_set(&s->tally, NF_COUNT_PAGES_IN_USE, (uint64_t)c->pages_in_use);
}

static void begin_job(nf_scheduler *s, nf_job *j) {
  if (j->begun) return;
  const double now = nf_now();
  nf_job_begins(s, j);
  j->usage.queue = now - j->arrived;
  nf_tally_measure(&s->tally, NF_TIME_QUEUE, j->usage.queue);
  nf_tally_add(&s->tally, NF_COUNT_PROMPT, j->usage.tokens.prompt);
  tell(s, j, (nf_event){.kind = NF_EVENT_BEGUN, .now = now});
}

static void mark_turns(nf_scheduler *s) {
  for (size_t i = 0; i < s->n; i++) {
    nf_answer *a = &s->answer[i];
    if (s->turn[i].runs && !a->runs) a->gave_back = 0;
    a->named = a->runs = s->turn[i].runs;
    if (a->runs) begin_job(s, a->job);
  }
}

// Who takes part in the next step: named[how many].
static size_t choose(nf_scheduler *s) {
  infuse_caches c;
  note_caches(s, &c);
  for (size_t i = 0; i < s->n; i++) {
    nf_answer *a = &s->answer[i];
    a->position = (int64_t)infuse_session_position(a->session);
    s->turn[i] = (nf_turn){.position = a->position,
                           .pending = (int64_t)infuse_session_pending(a->session),
                           .most = a->most,
                           .runs = a->runs,
                           .rests = a->gave_back > s->step};
  }
  const nf_room room = {s->most, c.pages != 0 ? c.page_tokens : 0, c.pages - c.pages_in_use};
  nf_turns_begin(s->turn, s->n, &room);
  const size_t n = nf_turns_order(s->turn, s->n, s->step, s->order);
  for (size_t i = 0; i < n; i++) s->named[i] = s->answer[s->order[i]].session;
  mark_turns(s);
  return n;
}

// The youngest that has pages gives them back, unless it is the oldest of all. Whether one has.
static bool make_pages(nf_scheduler *s) {
  for (size_t i = s->n; i-- > 1;) {
    nf_answer *a = &s->answer[i];
    if (!a->runs && infuse_session_position(a->session) == 0) continue;
    infuse_error *e = infuse_session_suspend(a->session);
    infuse_error_free(e); // there is none: it is between steps, and has not failed
    a->job->usage.preemptions += a->runs;
    nf_tally_add(&s->tally, NF_COUNT_PREEMPTIONS, a->runs);
    a->runs = a->named = false;
    a->gave_back = s->step + 1;
    return true;
  }
  return false;
}

static bool lacks_pages(const nf_scheduler *s) {
  for (size_t i = 0; i < s->n; i++)
    if (s->answer[i].named && infuse_session_status(s->answer[i].session) == INFUSE_STATUS_NO_PAGES)
      return true;
  return false;
}

static void fail_named(nf_scheduler *s, const infuse_error *error) {
  for (size_t i = 0; i < s->n;)
    if (s->answer[i].named) {
      end_all(s, s->answer[i].job, NF_REASON_FAILED, error);
      i = 0;
    } else
      i++;
}

static void count_turns(nf_scheduler *s, size_t running) {
  size_t suspended = 0;
  for (size_t i = 0; i < s->n; i++) suspended += s->answer[i].gave_back != 0;
  nf_tally_set(&s->tally, NF_COUNT_RUNNING, running);
  nf_tally_set(&s->tally, NF_COUNT_SUSPENDED, suspended);
}

// Whether a step computes now.
static bool begin_step(nf_scheduler *s) {
  for (;;) {
    const size_t n = choose(s);
    count_turns(s, n);
    if (n == 0) return false;
    infuse_error *e = infuse_step_begin(s->m, s->named, n);
    if (e == NULL) return true;
    if (infuse_error_code(e) != INFUSE_UNAVAILABLE || !lacks_pages(s) || !make_pages(s)) fail_named(s, e);
    infuse_error_free(e);
  }
}

// ---- what a step brought ----

// The prompt is computed; what an answer found of it again, after it had given back its pages, counts once.
static void note_prompt(nf_scheduler *s, const nf_answer *a) {
  nf_tokens *t = &a->job->usage.tokens;
  const size_t cached = infuse_session_cached(a->session);
  t->cached = cached < t->prompt ? cached : t->prompt - 1;
  nf_tally_add(&s->tally, NF_COUNT_CACHED, t->cached);
}

static void note_first(nf_scheduler *s, nf_answer *a) {
  nf_job *j = a->job;
  a->first = s->now;
  if (j->usage.first_token != 0) return;
  note_prompt(s, a);
  j->usage.first_token = s->now - j->arrived;
  nf_tally_measure(&s->tally, NF_TIME_FIRST_TOKEN, j->usage.first_token);
}

// Tokens of one step share the time since the one before; those beside an answer's first came with it. So the
// gaps of an answer are one less than its tokens, and their sum is the time from its first to its last.
static void note_tokens(nf_scheduler *s, nf_answer *a, const infuse_output *out) {
  const size_t n = out->n_drawn;
  const bool first = a->tokens == 0;
  const double gap = first ? 0 : (s->now - a->last) / (double)n;
  if (first) note_first(s, a);
  for (size_t i = first; i < n; i++) nf_tally_measure(&s->tally, NF_TIME_GAP, gap);
  a->last = s->now;
  a->tokens += n;
  a->job->usage.tokens.drawn += n;
  if (out->channel != NULL && strcmp(out->channel, "analysis") == 0) a->job->usage.tokens.thoughts += n;
  nf_tally_add(&s->tally, NF_COUNT_GENERATION, n);
  nf_tally_add(&s->tally, NF_COUNT_GUESSES, out->guessed != 0);
  nf_tally_add(&s->tally, NF_COUNT_GUESSED, out->guessed);
  nf_tally_add(&s->tally, NF_COUNT_RIGHT, n - 1);
  for (size_t i = 0; i + 1 < n; i++) nf_tally_add(&s->tally, NF_COUNT_RIGHT_AT + (int)i, 1);
}

static void note_messages(nf_scheduler *s, const infuse_output *out) {
  for (size_t i = 0; i < out->n_pieces; i++)
    nf_tally_add(&s->tally, NF_COUNT_ODD, out->pieces[i].end != INFUSE_END_NONE && out->pieces[i].odd);
}

// One that draws nothing has ended when its prompt is computed.
static bool has_ended(nf_scheduler *s, nf_answer *a, nf_reason *why) {
  const infuse_session_options *o = a->job->request.options;
  const infuse_output out = infuse_session_output(a->session);
  a->said = true;
  if (infuse_session_error(a->session) != NULL) return *why = NF_REASON_FAILED, true;
  if (o != NULL && o->generate) {
    if (out.n_drawn != 0) note_tokens(s, a, &out);
    note_messages(s, &out);
    *why = out.finish == INFUSE_STOP ? NF_REASON_STOP : NF_REASON_LENGTH;
    return out.finish != INFUSE_RUNNING;
  }
  if (infuse_session_pending(a->session) != 0) return false;
  note_prompt(s, a);
  return *why = NF_REASON_STOP, true;
}

// Whether answer i is still there.
static bool settle_answer(nf_scheduler *s, size_t i) {
  nf_answer *a = &s->answer[i];
  nf_reason why;
  if (!has_ended(s, a, &why)) return true;
  end_answer(s, i, why, infuse_session_error(a->session));
  return false;
}

// What sessions found in the caches when it began counts with it, as it does for vLLM.
static void measure_step(nf_scheduler *s) {
  int64_t tokens = 0;
  for (size_t i = 0; i < s->n; i++) {
    const nf_answer *a = &s->answer[i];
    const int64_t now = (int64_t)infuse_session_position(a->session);
    if (a->named && now > a->position) tokens += now - a->position;
  }
  nf_tally_measure(&s->tally, NF_TOKENS_STEP, (double)tokens);
}

static void settle(nf_scheduler *s) {
  infuse_error *e = infuse_step_wait(s->m);
  s->now = nf_now();
  s->step++;
  nf_tally_add(&s->tally, NF_COUNT_STEPS, 1);
  if (e != NULL) { // where it was cancelled all ends
    if (infuse_error_code(e) != INFUSE_CANCELLED) fail_named(s, e);
    infuse_error_free(e);
    return;
  }
  const bool lacks = lacks_pages(s);
  measure_step(s);
  for (size_t i = 0; i < s->n;) i += !s->answer[i].named || settle_answer(s, i);
  if (lacks) make_pages(s);
}

// ---- the thread ----

void *nf_scheduler_thread(void *scheduler) {
  nf_scheduler *s = scheduler;
  while (!hear(s, true)) {
    admit(s);
    if (!begin_step(s)) { // others may have come behind those that could not
      if (s->line.first == NULL) nf_scheduler_sleep(s, false, 0);
      continue;
    }
    tell_outputs(s);
    do {
      hear(s, false);
      admit(s);
    } while (!nf_scheduler_sleep(s, true, s->next_end));
    settle(s);
  }
  return NULL;
}
