// SPDX-License-Identifier: Apache-2.0
// Inside the room: what rows of logits say of the tokens behind them, for sessions that ask.
#pragma once
#include "base/status.h"
#include <infuse/session.h>

struct infuse_model;
struct nf_share;

// The result of the last step, which a client may read while the next one is computed and writes beside it.
typedef struct nf_logprobs {
  size_t width, most;          // of a result: tokens a row, 0: nobody asks; rows at most
  infuse_logprob *told, *next; // [most][width]
  size_t n, first;             // of `told`
} nf_logprobs;

// For steps of at most `most` rows. NF_USAGE: `top` is out of bounds. On failure too there is something to
// deinit.
nf_status nf_logprobs_init(nf_logprobs *l, int64_t top, int64_t vocab, int64_t most);
void nf_logprobs_deinit(nf_logprobs *l); // a zeroed one is fine
void nf_logprobs_forget(nf_logprobs *l);
// `next` is the result from here on: n rows, the first of them of the token at place `first`.
void nf_logprobs_turn(nf_logprobs *l, size_t n, size_t first);

// Of one row [vocab] to out [width]: `token`, and behind it the likeliest; ties go to the lower id.
void nf_logprobs_of(const float *logits, int32_t vocab, int32_t token, infuse_logprob *out, size_t width);

// Within a step, behind its drawing: all rows of sessions that ask, to their `next`, over the runtime's
// threads. Behind the step, before its tokens are taken: these are the session's result.
void nf_step_logprobs(struct infuse_model *m);
void nf_share_turn_logprobs(const struct nf_share *part);
// A token more of the result, or so many fewer, as tokens are taken.
void nf_share_add_logprobs(const struct nf_share *part, const float *logits, int32_t token);
void nf_logprobs_drop(nf_logprobs *l, size_t n);
