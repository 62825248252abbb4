// SPDX-License-Identifier: Apache-2.0
// A queue of requests for a model, and the thread that computes them together: continuous batching. Any
// thread gives requests and takes them back; what becomes of them is told to a callback.
//
// While a scheduler is there its thread owns the model and the runtime: nobody else calls these, but for
// what says that any thread may, and the model's tokenizer.
//
// Why a callback, and no mailbox: a server hands text to a connection that is suspended in its own event
// loop, and wakes that one; it has a buffer for it already, and whoever wants a mailbox makes it of that in
// ten lines. The text of an answer has a bound, so that a slow reader costs memory that can be counted, and
// never holds up the step of the others. The callback runs on the scheduler's thread while the model computes
// the next step, so it must not block for long; it may call nf_scheduler_submit and nf_scheduler_cancel.
#pragma once
#include "base/status.h"
#include "schedule/counters.h"
#include <infuse/infuse.h>

typedef struct nf_tokens {
  size_t prompt, cached;  // cached: of the prompt, that were not computed
  size_t drawn, thoughts; // thoughts: of those that were drawn
} nf_tokens;

typedef struct nf_usage { // of a request, all its answers
  nf_tokens tokens;
  size_t preemptions;               // how often an answer of it gave back its pages
  double queue, first_token, whole; // seconds from its arrival until it begins, has a token, has ended; 0:
                                    // not yet
} nf_usage;

typedef enum nf_event_kind {
  NF_EVENT_BEGUN,  // its first step comes now: tokens.prompt and queue of its usage are known
  NF_EVENT_PROMPT, // logprobs of tokens of the prompt, as steps compute them: in order, all of answer 0
  NF_EVENT_OUTPUT, // tokens of an answer were drawn: one, or with guesses several
  NF_EVENT_ENDED,  // of an answer, behind its last output. Each answer ends once, also if it never began
  NF_EVENT_DONE    // of the request, behind the ends of all answers: nothing of it is used any more
} nf_event_kind;

typedef struct nf_event {
  nf_event_kind kind;
  uint64_t id, step;           // of the request; of the scheduler, counted from 1
  double now;                  // of nf_now: when that step was computed; of BEGUN: when the next one begins
  size_t answer;               // which of the request's, from 0
  const infuse_output *output; // OUTPUT; lives during the call
  infuse_logprobs logprobs; // PROMPT; OUTPUT: of the tokens that were drawn, where options ask for them. They
                            // live during the call
  nf_reason reason;         // ENDED, and DONE: that of the last answer that ended
  const infuse_error *error; // of FAILED; lives during the call
  const nf_usage *usage;     // so far; lives during the call
} nf_event;

// What it points to stays the caller's, and there, until its last event.
typedef struct nf_request {
  const int32_t *tokens; // [n_tokens] the prompt, or
  size_t n_tokens;
  const infuse_message *messages; // [n_messages] a conversation; rendered by the scheduler's thread
  size_t n_messages;
  const infuse_session_options *options; // without .generate it ends when its prompt is computed; NULL: all 0
  bool scores_prompt; // logprobs are wanted of the prompt too: all of it is computed, but for its first
                      // token. `options` ask for them
  size_t answers; // to one prompt, which is computed once but for its last page; 0: 1. Answer i is drawn with
                  // the seed of `options` plus i
  double patience; // seconds that it may wait for its first step; 0: for ever
  void (*heard)(void *user, const nf_event *e);
  void *user;
} nf_request;

typedef struct nf_scheduler_options {
  size_t queue; // requests that may wait for their first step; 0: 1024
} nf_scheduler_options;

typedef struct nf_scheduler nf_scheduler;

// All sessions of the model are its own: there must be none.
nf_status nf_scheduler_create(infuse_runtime *rt, infuse_model *m, nf_scheduler_options o,
                              nf_scheduler **out);
// Cancels what is left, and the step that computes; returns behind the last event. NULL is fine.
void nf_scheduler_destroy(nf_scheduler *s);

// By any thread:

// The request's id, which is never 0 and comes once. Its events begin perhaps before this returns.
// NF_UNAVAILABLE: the queue is full, or closed. What else may be wrong with it is told by its events.
nf_status nf_scheduler_submit(nf_scheduler *s, const nf_request *r, uint64_t *id);
// Ends it as soon as the step that computes now is over, unless it has ended. Its events tell.
void nf_scheduler_cancel(nf_scheduler *s, uint64_t id);
void nf_scheduler_close(nf_scheduler *s); // refuses further requests; those that are there go on
// Until all requests have had their last event, or `seconds` are over (0: look only): whether they have.
bool nf_scheduler_wait(nf_scheduler *s, double seconds);
void nf_scheduler_read(const nf_scheduler *s, nf_counters *out); // waits for nothing
