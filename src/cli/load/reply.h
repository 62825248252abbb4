// SPDX-License-Identifier: Apache-2.0
// A streamed answer of OpenAI's API, judged as clients do: what is a token, what the server counted, and
// whether it came to its end. Completions and chats alike. Thread-compatible.
#pragma once
#include "cli/load/sse.h"
#include <stdint.h>

typedef struct load_reply {
  int64_t in, out, cached; // tokens as the server's usage counts them; -1: not told
  size_t texts;            // events with some text
  bool finished, done;     // a finish_reason came; [DONE] came
  nf_status failure;       // what the stream said that went wrong, or how it was
} load_reply;

void load_reply_init(load_reply *r);
void load_reply_deinit(load_reply *r);
// Takes an event. True: it has text of the answer (content, reasoning, or a call's), at least a token.
// What fails is remembered, and nothing is heard from then on: an error in any of the forms that servers
// have, whether its event is named so or not, and an event that is none of an answer.
bool load_reply_hear(load_reply *r, const load_event *e);
// Once all has come: the failure, or that the stream ended too early. The caller's.
nf_status load_reply_end(load_reply *r);

// What the body of an answer that is no success says: OpenAI's error object, or the beginning of the text.
nf_status load_refusal(int status, nf_view body);
// Whether it says that the server has no model of this name: by OpenAI's code, or in words, as vLLM does.
bool load_refuses_model(int status, nf_view body, const char *model);
