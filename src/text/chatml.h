// SPDX-License-Identifier: Apache-2.0
// The ChatML format's marks, shared by its renderer and its reader; for this room only.
#pragma once
#include "text/chat_render.h"

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

nf_status nf_chatml_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out);
nf_status nf_chatml_read(nf_chat_reader *r, int32_t id, nf_chat_sink sink, void *user);
nf_status nf_chatml_finish(nf_chat_reader *r, nf_chat_sink sink, void *user);
void nf_chatml_reader_destroy(nf_chat_reader *r);
