// SPDX-License-Identifier: Apache-2.0
// Inside the room: one step of a model, session by session.
#pragma once
#include "base/status.h"
#include "engine/guess.h"
#include "op/batch.h"
#include "plan/plan.h"

struct infuse_model;
struct infuse_session;

// One session's share of a step.
typedef struct nf_share {
  struct infuse_session *session;
  int64_t tokens, rows;
  bool draws;      // the token behind these
  int64_t guesses; // of them, at their end; each has a row
  // What its rows say, once they are computed:
  int64_t bad;                       // the first token whose logits are not finite, -1: none
  int32_t token[1 + NF_GUESSES_MAX]; // [n_drawn] where `draws`
  size_t n_drawn;
  nf_status failure; // why none could be
} nf_share;

// The step that a model is at: prepared and settled by the caller's thread, computed by any.
typedef struct nf_flight {
  struct infuse_session **named; // [n_named] the sessions of the step, as they were given
  nf_share *share;               // [n_shares] of those that it computes something of
  size_t n_named, n_shares;
  nf_sizes at, bucket;    // its own sizes, and those that it runs at
  _Atomic bool cancelled; // from any thread
  bool landed;            // of a step that was begun: it is settled, with this result
  nf_status result;
} nf_flight;

// step.c, in the order of a step. Shares are chosen among the named sessions and have their slots and arrays.
// NF_UNAVAILABLE: none of them can go on for want of slots. Of a session only its status changes.
nf_status nf_step_prepare(struct infuse_model *m);
// Runs the plan and draws, within nf_ranks_run. Of sessions nothing changes.
nf_status nf_step_compute(void *model, int rank);
// draw.c. Looks at the rows of each share and draws the tokens of those that do, over the runtime's threads.
// Sessions stay as they are, but for what their processors have counted. Results don't depend on the number
// of threads; allocates nothing.
void nf_step_draw(struct infuse_model *m);
// A constraint knows what may come behind a token once that was taken: the next one of such a share, if the
// step has a row for it. Adds none where it can't be drawn; the next step then says why.
void nf_share_draw_next(nf_share *part);
bool nf_share_is_greedy(const nf_share *part); // all it wants of its last rows is the likeliest token
void nf_step_advance(const nf_share *part, int64_t tokens); // so many of its tokens are computed

// trace.c: where numbers that are none began. A session whose logits are not finite is computed again from
// its first token, and every value is looked at as it is made.
typedef struct nf_trace {
  struct infuse_model *model;
  nf_buffer *arena; // [world] beside that of the last step, whose results stay
  float *row;       // one decoded row of any value
  nf_val found;     // the first value with a number that is none; 0: none yet
} nf_trace;
nf_status nf_trace_look(void *t, const nf_node *n); // an nf_plan_seen of rank 0

// Why s ends, whose last step gave logits of `token` that are not finite: NF_BAD_INPUT with the layer where
// it began.
nf_status nf_trace_why(struct infuse_session *s, int64_t token);
// Computes the next `tokens` of a session alone, with their last `rows` rows, looked at by `trace`.
nf_status nf_step_traced(struct infuse_session *s, int64_t tokens, int64_t rows, nf_trace *trace);
