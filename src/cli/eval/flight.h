// SPDX-License-Identifier: Apache-2.0
// Sequences that go through a model, many at a time: given tokens, whose rows of logits are looked at, or a
// prompt whose answer is drawn greedily. Rows are looked at that say something of tokens behind the context.
// One that ends gives its place to the next. One thread at a time.
#pragma once
#include "cli/eval/reply.h"
#include "cli/eval/task.h"

typedef struct eval_sequence {
  const eval_item *item;
  size_t part; // of the item: which choice, which window
  bool draws;  // the item's answer, from its messages; else the tokens are given
  // Tokens given, or once a drawing one has ended its prompt and all that was drawn. Row t, of the first n -
  // 1 tokens, is what the model expects behind token t.
  int32_t *token; // [n] owned
  size_t n;
  size_t context;        // tokens in front of the first that counts: the prompt's, at least 1
  eval_reply reply;      // of a drawing one
  infuse_finish finish;  // the same
  double log_likelihood; // for who looks at the rows to add to; of the tokens behind the context
  float *row;            // [kept][vocab] the same: rows that are kept, from that of token context - 1 on
  size_t kept, cap_rows;
  const struct eval_sequence *of; // the same: one of another model that it is compared with, and
  bool differs;                   // whether its most likely tokens are others
} eval_sequence;
void eval_sequence_deinit(eval_sequence *s);

typedef struct eval_asking { // how answers are drawn; strings are borrowed
  bool raw;                  // prompts are text to go on with, not chats
  infuse_thinking thinking;
  const char *effort, *date;
  int64_t max_tokens; // of an answer
} eval_asking;

// Who sends sequences into the air, and what is told of them. A sequence is made by nf_alloc; it is the
// flight's from `next` to `ended`, which takes it back, also after an error.
typedef struct eval_flight {
  infuse_model *m;
  size_t places; // sequences at the same time
  const eval_asking *asking;
  nf_status (*next)(void *user, eval_sequence **out); // *out NULL: there are no more
  nf_status (*row)(void *user, eval_sequence *s, size_t token, const float *logits, size_t vocab);
  nf_status (*ended)(void *user, eval_sequence *s, bool whole); // whole: it went all the way
  nf_status (*stepped)(void *user); // after each step, NF_CANCELLED ends the flight
  void *user;
  size_t tokens, drawn; // computed and drawn so far
} eval_flight;
nf_status eval_fly(eval_flight *f); // until `next` has no more, and all have ended

nf_status eval_note(nf_status st, const eval_item *item); // the place of the item in front of an error
