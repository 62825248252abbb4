// SPDX-License-Identifier: Apache-2.0
// Reading harmony: ids become messages. Models make mistakes, so every sequence of ids is read as something:
// a header without <|message|> is the text of a message, a missing <|start|> or <|end|> is taken as given.
#include "base/memory.h"
#include "text/harmony.h"
#include <string.h>

enum { HEADER_MAX = 1024 }; // bytes; a longer one is text
static const size_t NOWHERE = SIZE_MAX;

struct nf_chat_reader {
  const nf_tokenizer *t;
  nf_harmony_ids ids;
  bool in_content;
  bool role_given; // the prompt said it, so the header does not
  nf_text header;  // its text; the marks within are the two places
  size_t channel_at, constrain_at;
  nf_text text;
  nf_decoder decoder;
  nf_chat_event message; // what is known of the running message; views into header
};

static void begin_header(nf_chat_reader *r, bool role_given) {
  r->in_content = false;
  r->role_given = role_given;
  r->header.n = 0;
  r->channel_at = r->constrain_at = NOWHERE;
  r->decoder = (nf_decoder){0};
  r->message = (nf_chat_event){0};
}

nf_status nf_harmony_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out) {
  (void)chat; // every answer begins within a header
  nf_harmony_ids ids;
  NF_TRY(nf_harmony_find(t, &ids));
  nf_chat_reader *r = nf_alloc(1, sizeof *r);
  if (!r) return nf_error(NF_NO_MEMORY, "no memory for a reader");
  r->t = t;
  r->ids = ids;
  begin_header(r, true);
  *out = r;
  return nf_ok();
}

void nf_harmony_reader_destroy(nf_chat_reader *r) {
  if (!r) return;
  nf_text_deinit(&r->header);
  nf_text_deinit(&r->text);
  nf_free(r);
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The next word of the header at or after *at; a mark ends a word, and so does the '<' that a model spells as
// text.
static bool next_word(const nf_chat_reader *r, size_t *at, nf_view *word, size_t *begin) {
  size_t i = *at;
  while (i < r->header.n && is_space(r->header.at[i])) i++;
  if (i == r->header.n) return false;
  *begin = i;
  do i++;
  while (i < r->header.n && !is_space(r->header.at[i]) && r->header.at[i] != '<' && i != r->channel_at &&
         i != r->constrain_at);
  *word = (nf_view){r->header.at + *begin, i - *begin};
  *at = i;
  return true;
}

static void take_role(nf_chat_event *m, nf_view word) {
  const char *colon = memchr(word.at, ':', word.n);
  m->role = colon ? (nf_view){word.at, (size_t)(colon - word.at)} : word;
  if (colon) m->name = (nf_view){colon + 1, word.n - m->role.n - 1};
}

// In any order: [role][:name], to=recipient, channel behind its mark, content type behind its mark or last.
static void parse_header(nf_chat_reader *r) {
  nf_chat_event *m = &r->message;
  nf_view word;
  bool need_role = !r->role_given, need_channel = r->channel_at != NOWHERE,
       need_type = r->constrain_at != NOWHERE;
  *m = (nf_chat_event){.role = NF_VIEW("assistant"), .constrained = need_type};
  for (size_t at = 0, begin; next_word(r, &at, &word, &begin);) {
    if (word.n > 3 && memcmp(word.at, "to=", 3) == 0) {
      m->recipient = (nf_view){word.at + 3, word.n - 3};
    } else if (need_channel && begin >= r->channel_at) {
      m->channel = word;
      need_channel = need_role = false;
    } else if (need_role) {
      take_role(m, word);
      need_role = false;
    } else if (need_type && begin >= r->constrain_at) {
      m->content_type = word;
      need_type = false;
    } else if (!m->constrained) {
      m->content_type = word;
    }
  }
}

static nf_status send(nf_chat_reader *r, nf_chat_event_kind kind, nf_view text, nf_chat_end end,
                      nf_chat_sink sink, void *user) {
  nf_chat_event e = r->message;
  e.kind = kind;
  e.text = text;
  e.end = end;
  return sink(user, &e);
}

static nf_status send_text(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  NF_TRY(nf_text_status(&r->text));
  nf_view text = {r->text.at, r->text.n};
  r->text.n = 0;
  return text.n ? send(r, NF_CHAT_TEXT, text, 0, sink, user) : nf_ok();
}

static nf_status begin_content(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  nf_decoder_end(&r->decoder, &r->header);
  NF_TRY(nf_text_status(&r->header));
  r->in_content = true;
  parse_header(r);
  return send(r, NF_CHAT_HEADER, (nf_view){0}, 0, sink, user);
}

// What stands in a header that never became one is the text of an assistant's message without channel.
static nf_status header_is_text(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  r->in_content = true;
  r->message = (nf_chat_event){.role = NF_VIEW("assistant")};
  NF_TRY(send(r, NF_CHAT_HEADER, (nf_view){0}, 0, sink, user));
  nf_text_append(&r->text, r->header.at, r->header.n);
  return send_text(r, sink, user);
}

// Closes what is open, if anything is. Always leaves the reader at the start of a header.
static nf_status close_message(nf_chat_reader *r, nf_chat_end end, nf_chat_sink sink, void *user) {
  nf_status st = nf_ok();
  if (!r->in_content && r->header.n + r->decoder.n > 0) NF_GOTO(header_is_text(r, sink, user));
  if (r->in_content) {
    nf_decoder_end(&r->decoder, &r->text);
    NF_GOTO(send_text(r, sink, user));
    NF_GOTO(send(r, NF_CHAT_END, (nf_view){0}, end, sink, user));
  }
fail:
  r->text.n = 0;
  begin_header(r, false);
  return st;
}

static nf_status read_mark(nf_chat_reader *r, nf_harmony_mark mark, nf_chat_sink sink, void *user) {
  switch (mark) {
  case NF_HARMONY_START:
    return close_message(r, NF_END_CUT, sink, user);
  case NF_HARMONY_END:
    return close_message(r, NF_END_MESSAGE, sink, user);
  case NF_HARMONY_CALL:
    return close_message(r, NF_END_CALL, sink, user);
  case NF_HARMONY_RETURN:
    return close_message(r, NF_END_ANSWER, sink, user);
  case NF_HARMONY_MESSAGE:
    return r->in_content ? nf_ok() : begin_content(r, sink, user);
  case NF_HARMONY_CHANNEL:
    if (r->in_content) NF_TRY(close_message(r, NF_END_CUT, sink, user));
    nf_decoder_end(&r->decoder, &r->header);
    if (r->channel_at == NOWHERE) r->channel_at = r->header.n;
    return nf_text_status(&r->header);
  default:
    if (r->in_content) return nf_ok();
    nf_decoder_end(&r->decoder, &r->header);
    if (r->constrain_at == NOWHERE) r->constrain_at = r->header.n;
    return nf_text_status(&r->header);
  }
}

nf_status nf_harmony_read(nf_chat_reader *r, int32_t id, nf_chat_sink sink, void *user) {
  for (int i = 0; i < NF_HARMONY_MARKS; i++)
    if (id == r->ids.mark[i]) return read_mark(r, (nf_harmony_mark)i, sink, user);
  if (id == r->ids.end_of_text && id >= 0) return close_message(r, NF_END_ANSWER, sink, user);
  nf_decode_step(r->t, &r->decoder, id, true, r->in_content ? &r->text : &r->header);
  if (r->in_content) return send_text(r, sink, user);
  NF_TRY(nf_text_status(&r->header));
  return r->header.n > HEADER_MAX ? header_is_text(r, sink, user) : nf_ok();
}

nf_status nf_harmony_finish(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  return close_message(r, NF_END_CUT, sink, user);
}
