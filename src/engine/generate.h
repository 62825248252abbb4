// SPDX-License-Identifier: Apache-2.0
// Inside the room: a session that draws its own tokens, by what its client asks for, and the text that comes
// of them.
#pragma once
#include "engine/answer.h"
#include "engine/calls.h"
#include "engine/guess.h"
#include "engine/processors.h"

// What a client asks for, checked, and kept for the session and its clones.
typedef struct nf_settings {
  size_t users; // sessions that share it
  infuse_sampling sampling;
  int64_t max_tokens; // 0: no limit
  bool ignore_eos, stop_in_thoughts;
  nf_think think;                         // of its chats, as are
  nf_view effort, date, functions, tools; // empty: not told
  const char *const *stop;                // [n_stop] none empty
  size_t n_stop;
  nf_ids stop_token;          // of the caller's
  nf_ids end;                 // all ids that sampling.min_tokens holds back, or a constraint
  nf_constraint *constraint;  // on what the text must be; NULL: it is free
  bool whole;                 // of a chat's answer, with marks,
  int32_t mark[NF_MARKS_MAX]; // which are these
  int32_t guesses;            // at a time, 0: none
  bool one_call;              // the answer ends with its first call
  nf_arena arena;             // owns strings and lists, but for what is the model's
} nf_settings;

// m->sampling from m->generation.
nf_status nf_model_make_sampling(infuse_model *m);

// Of one user. NF_USAGE names what is out of bounds, NF_BAD_INPUT an id outside the vocabulary. Nothing is
// kept of o. On failure too there is something to release.
nf_status nf_settings_create(infuse_model *m, const infuse_session_options *o, nf_settings **out);
// The same of what a conversation is rendered by, and of no more. Any thread may.
nf_status nf_settings_of_chat(const infuse_model *m, const infuse_session_options *o, nf_settings **out);
void nf_settings_release(nf_settings *s); // by one user; NULL is fine

typedef struct nf_generation {
  nf_settings *settings;     // shared with its clones
  nf_processors *processors; // NULL: logits are drawn from as they are
  nf_answer answer;
  int64_t answer_at;                        // where the answer of a chat begins in the session's tokens
  int32_t token, drawn[1 + NF_GUESSES_MAX]; // as infuse_output has them
  size_t n_drawn, guessed;
  uint32_t in_answer; // bits of those that are drawn
  nf_guessing guessing;
  size_t tokens;
  infuse_finish finish;
} nf_generation;

// On failure too there may be something to destroy.
nf_status nf_generation_create(infuse_model *m, const infuse_session_options *o, nf_generation **out);
void nf_generation_destroy(nf_generation *g); // NULL is fine
// The same for another session that holds the same tokens.
nf_status nf_generation_clone(const infuse_session *s, nf_generation **out);
// New input, s->token[0..n): what had finished goes on, a chat's answer where it stood.
nf_status nf_generation_resume(infuse_session *s, int64_t n);
// The answer to a chat that the session now holds. The reader is the session's from here on.
void nf_generation_expect(infuse_session *s, const nf_chat_format *format, const nf_chat *chat,
                          nf_chat_reader *reader);
void nf_generation_forget(infuse_session *s);    // after a cut: an answer whose beginning is gone is none
void nf_generation_begin_step(nf_generation *g); // forgets the last step's output
// The token that was drawn behind those of s: adds its text, and queues it or finishes.
nf_status nf_generation_take(infuse_session *s, int32_t token);
