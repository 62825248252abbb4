// SPDX-License-Identifier: Apache-2.0
// What the harmony format's renderer and reader share; for this room only.
#pragma once
#include "text/chat_render.h"

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

nf_status nf_harmony_declare(nf_view tools, nf_text *out);
nf_status nf_harmony_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out);
nf_status nf_harmony_read(nf_chat_reader *r, int32_t id, nf_chat_sink sink, void *user);
nf_status nf_harmony_finish(nf_chat_reader *r, nf_chat_sink sink, void *user);
void nf_harmony_reader_destroy(nf_chat_reader *r);

// ---- headers of messages as text ----

// Marks within a header's text. Text is valid UTF-8, so it has no such bytes.
#define NF_HEADER_CHANNEL '\xfe'
#define NF_HEADER_CONSTRAIN '\xff'

// Fills role, name, channel, recipient, content_type and constrained of *out with views into the header.
// `closed`: it ended in <|message|>; `role_given`: by the prompt. Returns where the content begins that
// stands in a header without <|message|>; header.n: none does. *odd: it is not well-formed.
size_t nf_harmony_parse_header(nf_view header, bool closed, bool role_given, nf_chat_event *out, bool *odd);
