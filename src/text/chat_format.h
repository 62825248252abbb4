// SPDX-License-Identifier: Apache-2.0
// What chat formats are made of: their marks, text that becomes ids, ids that become events, and what each
// has of its own; for this room only.
#pragma once
#include "text/chat.h"

struct nf_chat_marks {
  const char *format; // its name
  const char *spelling[NF_MARKS_MAX];
  int n, needed;  // the first so many must be special tokens; the others are tokens of some models only
  unsigned stops; // bits of those that end an answer
};

// id[n]: -1 of what is not a token. Names the first needed one that is missing.
nf_status nf_chat_marks_find(const nf_chat_marks *m, const nf_tokenizer *t, int32_t *id);

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
// Appends what `put` renders; out is kept on failure. `put` may take all texts of messages for valid UTF-8:
// others are NF_BAD_INPUT, "message 1: thoughts: byte 0: invalid UTF-8".
nf_status nf_render(const nf_chat_marks *marks, nf_status (*put)(nf_rendering *r, const nf_chat *chat),
                    const nf_tokenizer *t, const nf_chat *chat, nf_ids *out);

nf_view nf_next_line(nf_view *rest);              // without its end; *rest moves behind that
bool nf_chat_instructs(const nf_chat_message *m); // by the one who runs the model

// ---- reading ----

// What every reader begins with.
struct nf_chat_reader {
  const struct nf_chat_reading *how;
  const nf_chat_marks *marks;
  const nf_tokenizer *t;
  int32_t mark[NF_MARKS_MAX];
  nf_decoder decoder;
  nf_text text;      // of one id
  nf_chat_sink sink; // of the call that runs, and what it is called with
  void *user;
};
typedef struct nf_chat_reading {
  nf_status (*text)(nf_chat_reader *r, nf_view text);       // never empty
  bool (*mark)(nf_chat_reader *r, int mark, nf_status *st); // false: it is text here
  nf_status (*end)(nf_chat_reader *r);                      // no more ids
  void (*deinit)(nf_chat_reader *r);                        // what it has besides
} nf_chat_reading;
// A zeroed one of `size` bytes but for its head.
nf_status nf_chat_reader_new(const nf_chat_marks *m, const nf_chat_reading *how, size_t size,
                             const nf_tokenizer *t, nf_chat_reader **out);
// The functions of nf_chat_format.
nf_status nf_chat_read(nf_chat_reader *r, int32_t id, nf_chat_sink sink, void *user);
nf_status nf_chat_finish(nf_chat_reader *r, nf_chat_sink sink, void *user);
void nf_chat_reader_destroy(nf_chat_reader *r);

// ---- ChatML ----

typedef enum nf_chatml_mark {
  NF_CHATML_START,
  NF_CHATML_END,
  NF_CHATML_END_OF_TEXT,
  NF_CHATML_THINK,
  NF_CHATML_THINK_END,
  NF_CHATML_CALL,
  NF_CHATML_CALL_END,
  NF_CHATML_RESPONSE,
  NF_CHATML_RESPONSE_END,
  NF_CHATML_MARKS,
} nf_chatml_mark;
extern const nf_chat_marks nf_chatml_marks;

nf_chat_next nf_chatml_next(const nf_chat_reader *r);
nf_status nf_chatml_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out);

// ---- harmony ----

typedef enum nf_harmony_mark {
  NF_HARMONY_START,
  NF_HARMONY_MESSAGE,
  NF_HARMONY_CHANNEL,
  NF_HARMONY_CONSTRAIN,
  NF_HARMONY_END,
  NF_HARMONY_CALL,
  NF_HARMONY_RETURN,
  NF_HARMONY_END_OF_TEXT,
  NF_HARMONY_MARKS,
} nf_harmony_mark;
extern const nf_chat_marks nf_harmony_marks;

nf_status nf_harmony_declare(nf_tool_form form, nf_view tools, nf_text *out);
nf_chat_next nf_harmony_next(const nf_chat_reader *r);
nf_status nf_harmony_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out);

// Marks within a header's text. Text is valid UTF-8, so it has no such bytes.
#define NF_HEADER_CHANNEL '\xfe'
#define NF_HEADER_CONSTRAIN '\xff'

// Fills role, name, channel, recipient, content_type and constrained of *out with views into the header, and
// odd: it is not well-formed.
// `closed`: it ended in <|message|>; `role_given`: by the prompt. Returns where the content begins that
// stands in a header without <|message|>; header.n: none does.
size_t nf_harmony_parse_header(nf_view header, bool closed, bool role_given, nf_chat_event *out);
