// SPDX-License-Identifier: Apache-2.0
// Inside the room: a session that draws its own tokens, and the text that comes of them.
#pragma once
#include "base/status.h"
#include "engine/sampler.h"
#include "text/chat.h"
#include "text/tokenizer.h"
#include <infuse/infuse.h>

typedef struct nf_generation {
  nf_sampling sampling;
  int64_t max_tokens; // 0: no limit
  bool ignore_eos;
  nf_think think;      // of its chats
  int32_t *stop_token; // [n_stop_tokens] copied
  size_t n_stop_tokens;
  char **stop; // [n_stop] copied
  size_t n_stop;
  nf_decoder decoder;
  const nf_chat_format *chat; // with its reader, of a chat; else NULL
  nf_chat_reader *reader;
  char channel[32];
  nf_text held; // decoded, but perhaps the beginning of a stop string
  nf_text out;  // what the last step added
  int32_t token;
  size_t tokens;
  infuse_finish finish;
} nf_generation;

nf_status nf_generation_create(const infuse_model *m, const infuse_session_options *o, nf_generation **out);
void nf_generation_destroy(nf_generation *g);    // NULL is fine
void nf_generation_resume(nf_generation *g);     // new input: what had finished goes on
void nf_generation_begin_step(nf_generation *g); // forgets the last step's output
// Draws the next token of `s` from its last row of logits, adds its text and queues it or finishes.
nf_status nf_generate(infuse_session *s, const float *logits);
