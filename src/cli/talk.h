// SPDX-License-Identifier: Apache-2.0
// A conversation: questions, and the messages that answers were, kept to be given back whole with the next
// question. Thread-compatible.
#pragma once
#include "base/memory.h"
#include "base/text.h"
#include <infuse/infuse.h>

typedef struct cli_talk { // zeroed: nothing was said
  infuse_message *at;     // [n] the first has the instructions
  nf_text *content;       // [n] of each; the other strings lie in `names`
  size_t n, cap, cap_content;
  nf_arena names;
  bool other;  // an answer's running message is not the assistant's, and is not kept
  bool failed; // no memory for something: the conversation is not whole
} cli_talk;
void cli_talk_deinit(cli_talk *t);
void cli_talk_ask(cli_talk *t, nf_view question);
void cli_talk_take(cli_talk *t, const infuse_piece *p); // of an answer
// Takes away what came behind the last question, and with `question` that as well. false: there is none.
bool cli_talk_undo(cli_talk *t, bool question);
// The conversation, behind instructions unless they are NULL, becomes what the session holds; an error is
// that of infuse_session_chat.
infuse_error *cli_talk_give(cli_talk *t, const char *system, infuse_session *s);
