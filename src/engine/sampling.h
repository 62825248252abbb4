// SPDX-License-Identifier: Apache-2.0
// Inside the room: from a client's infuse_sampling to a session's next token.
#pragma once
#include "base/status.h"
#include "engine/processors.h"
#include "engine/sampler.h"
#include <infuse/infuse.h>

// m->sampling from m->generation.
nf_status nf_model_make_sampling(infuse_model *m);

// How one session draws. A zeroed one is greedy.
typedef struct nf_session_sampler {
  nf_sampling sampling;
  nf_processors *processors; // NULL: logits are drawn from as they are
} nf_session_sampler;

// From o->sampling, or else what the model asks for. NF_USAGE names what is out of bounds, NF_BAD_INPUT an id
// outside the vocabulary. Nothing is kept of o.
nf_status nf_session_sampler_init(const infuse_model *m, const infuse_session_options *o,
                                  nf_session_sampler *out);
void nf_session_sampler_deinit(nf_session_sampler *s);
// Of another session that holds the same tokens.
nf_status nf_session_sampler_copy(const nf_session_sampler *from, nf_session_sampler *out);

// Draws from logits [vocab], finite but for some -infinity, at the end of token [n], whose last `drawn` are
// the answer so far. NF_USAGE: nothing is left to draw. Any thread, one at a time for each sampler.
nf_status nf_session_sampler_draw(nf_session_sampler *s, nf_sampler_scratch *scratch, int64_t vocab,
                                  const float *logits, const int32_t *token, size_t n, size_t drawn,
                                  int32_t *out);
