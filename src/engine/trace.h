// SPDX-License-Identifier: Apache-2.0
// Inside the room: where numbers that are none began. A session whose logits are not finite is computed again
// from its first token, and every value is looked at as it is made.
#pragma once
#include "base/status.h"
#include "plan/plan.h"

struct infuse_session;

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
