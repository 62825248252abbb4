// SPDX-License-Identifier: Apache-2.0
// Inside the room: where numbers that are none began. A session whose logits are not finite is computed again
// from its first token, and every value is looked at as it is made.
#pragma once
#include "base/status.h"
#include "plan/plan.h"

typedef struct nf_trace {
  const struct infuse_model *model;
  nf_buffer *arena; // [world] beside that of the last step, whose results stay
  float *row;       // one decoded row of any value
  nf_val found;     // the first value with a number that is none; 0: none yet
} nf_trace;
nf_status nf_trace_init(struct infuse_model *m, nf_trace *t); // on failure too there is something to deinit
void nf_trace_deinit(nf_trace *t);
void nf_trace_look(void *t, const nf_node *n); // an nf_plan_seen of rank 0
// "layer 3 ('L3.mlp.down' = linear)", into out.
void nf_trace_place(const nf_trace *t, char *out, size_t n);
