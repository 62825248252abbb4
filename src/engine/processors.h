// SPDX-License-Identifier: Apache-2.0
// Inside the room: what changes a row of logits before a token is drawn from it (logits processors): bias,
// penalties for what the text holds already, and bans.
#pragma once
#include "text/tokenizer.h"
#include <infuse/infuse.h>

typedef struct nf_processors nf_processors; // of one session; thread-compatible

// *out is NULL when nothing of `s` is on. Both are borrowed; `end` are the tokens that s->min_tokens holds
// back. Numbers of s are within their bounds, and all ids below `vocab`. On failure too there may be
// something to destroy.
nf_status nf_processors_create(const infuse_sampling *s, int64_t vocab, const nf_ids *end,
                               nf_processors **out);
void nf_processors_destroy(nf_processors *p); // NULL is fine

// Applies them to logits [vocab]. token [n] is all that the session holds, the last `drawn` of it the answer
// so far. Counts go on from the last call, so that a step costs what is new. Allocates nothing.
void nf_processors_apply(nf_processors *p, const int32_t *token, size_t n, size_t drawn, float *logits);

// The session forgets all behind the first n of `token`, which still holds what it held. NULL is fine.
void nf_processors_cut(nf_processors *p, const int32_t *token, size_t n);
