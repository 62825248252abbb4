// SPDX-License-Identifier: Apache-2.0
// Pre-tokenising: cutting text into pieces that are merged alone, by a regular expression through PCRE2.
//
// Patterns come from files, so matching is bounded: a pattern that needs too many steps for a text is an
// error.
#pragma once
#include "base/status.h"
#include "base/text.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { NF_SPLITS_MAX = 8 }; // stages of one tokenizer

// One stage: matches and what lies between them are each pieces ("Isolated"). Immutable.
typedef struct nf_split {
  pcre2_code *code;
  pcre2_code *newer; // for texts with characters that PCRE2 may not know; NULL: the same
} nf_split;
// `literal`: the pattern is a plain string.
nf_status nf_split_init(nf_split *s, nf_view pattern, bool literal);
void nf_split_deinit(nf_split *s); // a zeroed one is fine

// What matching needs besides the stages; one for each running encode.
typedef struct nf_split_work {
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
  pcre2_match_data *match[NF_SPLITS_MAX];
  uint64_t budget; // match steps left for this text
} nf_split_work;
nf_status nf_split_work_init(nf_split_work *w, size_t stages, size_t text_n);
void nf_split_work_deinit(nf_split_work *w); // a zeroed or half-made one is fine

// Cuts text (valid UTF-8) by all stages, one inside the other, and calls emit with each piece in order.
typedef nf_status (*nf_split_emit)(void *user, nf_view piece);
nf_status nf_split_run(const nf_split *s, size_t stages, nf_split_work *w, nf_view text, nf_split_emit emit,
                       void *user);

// The pattern in PCRE2's language (appended to out); what the two read differently is rewritten, or refused.
// `lean`: for texts without characters that are newer than PCRE2's Unicode, which is shorter and matches
// faster.
nf_status nf_split_translate(nf_view pattern, bool lean, nf_text *out);
