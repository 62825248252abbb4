// SPDX-License-Identifier: Apache-2.0
// Inside the room: one step of a model, session by session.
#pragma once
#include "base/status.h"
#include "op/batch.h"

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

// Computes the next `tokens` of a session alone, with their last `rows` rows, looked at by `trace`.
nf_status nf_step_traced(struct infuse_session *s, int64_t tokens, int64_t rows, struct nf_trace *trace);
