// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tokens of an answer as pieces of messages. Knows borders, stop strings and what must
// be held back, but no model. Thread-compatible.
#pragma once
#include "base/memory.h"
#include "engine/watch.h"
#include <infuse/infuse.h>

typedef struct nf_answer {
  const nf_tokenizer *tokenizer; // NULL: tokens have no text
  const char *const *stop;       // [n_stop] strings that end a message, borrowed
  size_t n_stop;
  bool stop_in_thoughts;
  bool own; // it ends where the model goes on in another's name

  const nf_chat_format *format; // of a chat, with its reader; NULL: text without messages
  nf_chat chat;                 // what readers are made for: whether it thinks, its tools
  nf_chat_reader *reader;
  nf_decoder decoder; // of text without messages
  nf_watch watch;     // of what the text must be

  nf_arena names;       // what messages say of themselves
  infuse_piece message; // the one that is open, without text
  bool open, told;      // told: a piece has begun it
  bool stopped;         // by a stop string or another's name: nothing more is read
  bool answered;        // there has been a message "final", so that
  bool again;           // the open one says it once more
  infuse_end cut;       // how a message ends that the model did not close
  nf_text held;         // decoded, but perhaps the beginning of a stop string

  nf_text text; // what the last step added, of all pieces
  infuse_piece *piece;
  size_t n_pieces, cap_pieces;
  nf_text copies; // of their texts, each with a NUL, where there are several
} nf_answer;

void nf_answer_deinit(nf_answer *a); // a zeroed one is fine

// An answer begins. `format` and `reader` (made for `chat`, now the answer's) of a chat, or NULL. The chat's
// tools must outlive the answer.
void nf_answer_begin(nf_answer *a, const nf_chat_format *format, const nf_chat *chat, nf_chat_reader *reader);
// Reads the ids of a chat's answer again, with all that was appended since, and tells nothing: a message that
// is open then begins anew with the next piece. On failure (memory) the answer is one that just began.
nf_status nf_answer_reread(nf_answer *a, const int32_t *ids, size_t n);
// `to`, which has the same stop strings, becomes as `from` is, whose ids these are.
nf_status nf_answer_copy(nf_answer *to, const nf_answer *from, const int32_t *ids, size_t n);

// A step is nf_answer_begin_step, any number of reads, perhaps the end, and nf_answer_end_step, after which
// the pieces can be looked at.
void nf_answer_begin_step(nf_answer *a);
nf_status nf_answer_read(nf_answer *a, int32_t token);
nf_status nf_answer_end(nf_answer *a, infuse_end cut); // no more tokens: what was held back goes out
nf_status nf_answer_end_step(nf_answer *a);
