// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a scheduler is. Requests come and go under its lock; what they have of the model is
// its thread's alone.
#pragma once
#include "schedule/schedule.h"
#include "schedule/turns.h"
#include <pthread.h>

typedef struct nf_job { // a request; room for it is there from the beginning
  nf_request request;
  uint64_t id;         // 0: it is free
  struct nf_job *next; // of those that are free, have just come, or have answers without a session
  _Atomic bool cancelled;
  bool begun;             // was named in a step
  size_t answers;         // of these
  size_t admitted, ended; // have had a session; have had their end
  size_t longest;         // tokens of the longest that has ended
  double arrived;
  nf_usage usage;
  nf_reason reason; // of the last answer that has ended
} nf_job;

typedef struct nf_line { // of jobs, in the order of their arrival
  nf_job *first, **end;  // end: where the next one is linked
} nf_line;

typedef struct nf_answer { // one that has a session
  nf_job *job;
  size_t index; // of the job's
  infuse_session *session;
  int64_t most;           // tokens it may hold at its end
  size_t prompt;          // tokens
  int64_t position;       // of the session, when the step was made
  bool runs, named, said; // takes its turns; in this step; a step of it was computed that nobody was told of
  uint64_t gave_back;     // the step behind which it gave back its pages, + 1; 0: it has them
  size_t tokens;          // drawn
  double first, last;     // when
} nf_answer;

struct nf_scheduler {
  infuse_runtime *rt;
  infuse_model *m;
  infuse_model_info info;
  nf_tally tally;

  pthread_mutex_t lock;
  pthread_cond_t stirred, idle; // for the thread; for who waits until all is done
  pthread_t thread;
  // Under the lock:
  bool closed, ends, cancels; // ends: cancels all; cancels: some job was, and may not have been ended
  bool woken, computed;       // there is something new; the step is computed
  nf_job *job, *free;
  size_t n_jobs, queue, waiting, living; // waiting: that were not begun
  nf_line arrived;
  uint64_t ids;

  // The thread's:
  nf_line line;      // of those that have answers without a session
  nf_answer *answer; // [n] by arrival and index
  size_t n;
  size_t most; // that may run
  nf_turn *turn;
  size_t *order;
  infuse_session **named;
  uint64_t step;
  double now;      // when the last step was computed
  double next_end; // not before this one of those that wait has waited too long; 0: none will
};

void *nf_scheduler_thread(void *scheduler); // steps.c: until it ends and nothing is left
void nf_job_release(nf_scheduler *s, nf_job *j);
void nf_job_begins(nf_scheduler *s, nf_job *j); // or ends: it waits no more
// Until something is new, the step is computed, or it is `until` (of nf_now, 0: never). Whether it is
// computed.
bool nf_scheduler_sleep(nf_scheduler *s, bool computes, double until);
void nf_line_push(nf_line *l, nf_job *j);
