// SPDX-License-Identifier: Apache-2.0
// From what a scheduler tells of logprobs to what answers say of them.
#pragma once
#include "server/reply.h"

typedef struct nf_scores {
  nf_logprob *at; // [n]
  size_t n;
  nf_alternative *top;
} nf_scores;

// Of all l, with the likeliest `top` of each, as far as they are there. Bytes of tokens are the tokenizer's,
// which may be NULL: they are then empty. NF_NO_MEMORY: nothing is kept.
nf_status nf_scores_make(const infuse_tokenizer *t, const infuse_logprobs *l, size_t top, nf_scores *out);
void nf_scores_deinit(nf_scores *s); // a zeroed one is fine

// Those of a prompt as its steps tell them, row by row.
typedef struct nf_prompt_scores {
  infuse_logprob *row; // [n][width]
  size_t n, width, cap;
} nf_prompt_scores;
nf_status nf_prompt_scores_add(nf_prompt_scores *p, const infuse_logprobs *l);
// The same with the prompt's first token in front, of which nothing is known; -1: not even which it is.
nf_status nf_prompt_scores_make(const infuse_tokenizer *t, const nf_prompt_scores *p, int32_t first,
                                nf_scores *out);
void nf_prompt_scores_deinit(nf_prompt_scores *p); // a zeroed one is fine
