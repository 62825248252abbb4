// SPDX-License-Identifier: Apache-2.0
// Inside the room: one step of a model, session by session.
#pragma once
#include "base/status.h"
#include "op/batch.h"

struct infuse_model;
struct infuse_session;
struct nf_trace;

// One session's share of a step.
typedef struct nf_share {
  struct infuse_session *session;
  int64_t tokens, rows;
  bool draws; // the token behind these
  // What its rows say, once they are computed:
  int64_t bad;       // the first token whose logits are not finite, -1: none
  int32_t token;     // drawn, where `draws`
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
void nf_step_advance(const nf_share *part); // its tokens are computed

// Computes the next `tokens` of a session alone, with their last `rows` rows, looked at by `trace`.
nf_status nf_step_traced(struct infuse_session *s, int64_t tokens, int64_t rows, struct nf_trace *trace);
