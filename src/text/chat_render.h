// SPDX-License-Identifier: Apache-2.0
// What the renderers of chat formats share: the marks of a format, and text that becomes ids; for this room
// only.
#pragma once
#include "text/chat.h"

enum { NF_MARKS_MAX = 9 };
typedef struct nf_chat_marks {
  const char *format; // its name
  const char *spelling[NF_MARKS_MAX];
  int n, needed;  // the first so many must be special tokens; the others are tokens of some models only
  unsigned stops; // bits of those that end an answer
} nf_chat_marks;

// id[n]: -1 of what is not a token. Names the first needed one that is missing.
nf_status nf_chat_marks_find(const nf_chat_marks *m, const nf_tokenizer *t, int32_t *id);
bool nf_chat_marks_stop(const nf_chat_marks *m, const nf_tokenizer *t, int32_t id);

// Text between two flushes is encoded in one piece. All of it is ordinary text, so nobody can write a special
// token into a prompt.
typedef struct nf_rendering {
  const nf_chat_marks *marks;
  const nf_tokenizer *t;
  int32_t id[NF_MARKS_MAX];
  nf_text span; // since the last flush
  nf_ids *out;
} nf_rendering;
void nf_say(nf_rendering *r, nf_view text);
nf_status nf_say_flush(nf_rendering *r, nf_view text); // and flushes
nf_status nf_say_mark(nf_rendering *r, int mark);      // flushes first; one that is no token is text
// Appends what `put` renders; out is kept on failure.
nf_status nf_render(const nf_chat_marks *marks, nf_status (*put)(nf_rendering *r, const nf_chat *chat),
                    const nf_tokenizer *t, const nf_chat *chat, nf_ids *out);

nf_view nf_next_line(nf_view *rest);              // without its end; *rest moves behind that
bool nf_chat_instructs(const nf_chat_message *m); // by the one who runs the model
