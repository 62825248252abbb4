// SPDX-License-Identifier: Apache-2.0
// Inside the room: a constraint on the text of an answer, token by token. Of a chat it holds for the message
// "final" alone, and thoughts, calls and headers are free; or for the whole answer with its marks.
#pragma once
#include "constrain/constrain.h"
#include "text/chat.h"

typedef struct nf_watch {
  nf_constraint *constraint; // borrowed; NULL: there is none, and nothing below is used
  const nf_tokenizer *tokenizer;
  const nf_ids *end;    // borrowed: tokens that end the answer
  const int32_t *mark;  // borrowed: [NF_MARKS_MAX] of a whole answer; NULL: the constraint is on text
  bool calls;           // a tool may be called instead
  nf_constrained text;  // so far
  nf_constrained ahead; // with what may come: only within nf_watch_admit
  bool on;              // the next token is text under the constraint
  bool broken;          // the text is not what it should be: somebody else has written it
  bool called;          // a call stands in the answer
  nf_chat_next next;    // of a chat
  uint64_t *allowed;    // [vocab / 64]
  int64_t vocab;
} nf_watch;

// What points to something is of `like`, as are `calls` and `vocab`.
nf_status nf_watch_init(nf_watch *w, const nf_watch *like);
void nf_watch_deinit(nf_watch *w); // a zeroed one is fine
// An answer begins, of a chat or (format NULL) plain text.
void nf_watch_begin(nf_watch *w, const nf_chat_format *format, const nf_chat_reader *reader);
// The token was read as part of the answer.
nf_status nf_watch_see(nf_watch *w, const nf_chat_format *format, const nf_chat_reader *reader,
                       int32_t token);
nf_status nf_watch_copy(nf_watch *to, const nf_watch *from);
bool nf_watch_is_on(const nf_watch *w); // not every token may come next
bool nf_watch_must_end(nf_watch *w);    // the text is whole, and nothing can come behind it
// How many of these tokens, one behind the other, may come. Those behind a mark are let pass by none: what
// may come there is known when the mark is read.
size_t nf_watch_admit(nf_watch *w, const int32_t *token, size_t n);
// Logits [vocab] of tokens that may not come become -infinity.
nf_status nf_watch_apply(nf_watch *w, float *logits);
