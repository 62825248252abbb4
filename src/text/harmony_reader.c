// SPDX-License-Identifier: Apache-2.0
// Reading harmony: ids become messages. Models make mistakes, so every sequence of ids is read as something:
// what stands in a header without <|message|> behind its names is content, a missing <|start|> or <|end|> is
// taken as given, a mark within a message is left out. No text is lost: it is in a message's header or text.
#include "base/memory.h"
#include "text/harmony.h"
#include <string.h>

enum { HEADER_MAX = 1024 }; // bytes; a longer one is content

struct nf_chat_reader {
  const nf_tokenizer *t;
  int32_t mark[NF_MARKS_MAX];
  bool in_content;
  bool role_given; // the prompt said it, so the header does not
  bool started;    // by <|start|> or the prompt
  bool odd;
  nf_text header; // text and marks
  nf_text text;
  nf_decoder decoder;
  nf_chat_event message; // what is known of the running message; views into header
};

static void begin_header(nf_chat_reader *r, bool role_given, bool started) {
  r->in_content = r->odd = false;
  r->role_given = role_given;
  r->started = started;
  r->header.n = 0;
  r->decoder = (nf_decoder){0};
  r->message = (nf_chat_event){0};
}

nf_status nf_harmony_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out) {
  (void)chat; // every answer begins within a header
  int32_t mark[NF_MARKS_MAX];
  NF_TRY(nf_chat_marks_find(&nf_harmony_marks, t, mark));
  nf_chat_reader *r = nf_alloc(1, sizeof *r);
  if (!r) return nf_error(NF_NO_MEMORY, "no memory for a reader");
  r->t = t;
  memcpy(r->mark, mark, sizeof mark);
  begin_header(r, true, true);
  nf_text_append(&r->header, "", 0); // never NULL
  *out = r;
  return nf_ok();
}

void nf_harmony_reader_destroy(nf_chat_reader *r) {
  if (!r) return;
  nf_text_deinit(&r->header);
  nf_text_deinit(&r->text);
  nf_free(r);
}

static nf_view view(const nf_text *t) { return (nf_view){t->at, t->n}; }

// ---- events ----

static nf_status send(nf_chat_reader *r, nf_chat_event_kind kind, nf_view text, nf_chat_end end,
                      nf_chat_sink sink, void *user) {
  nf_chat_event e = r->message;
  e.kind = kind;
  e.text = text;
  e.end = end;
  e.odd = kind == NF_CHAT_END && r->odd;
  return sink(user, &e);
}

static nf_status send_text(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  NF_TRY(nf_text_status(&r->text));
  const nf_view text = view(&r->text);
  r->text.n = 0;
  return text.n ? send(r, NF_CHAT_TEXT, text, 0, sink, user) : nf_ok();
}

// Appends text of a header with its marks as they are spelled, or left out.
static void spell(nf_text *out, nf_view header, bool marks) {
  for (size_t i = 0; i < header.n; i++) {
    const char c = header.at[i];
    const bool channel = c == NF_HEADER_CHANNEL;
    if (!channel && c != NF_HEADER_CONSTRAIN)
      nf_text_append(out, &c, 1);
    else if (marks)
      nf_text_printf(out, channel ? "<|channel|>" : "<|constrain|>");
  }
}

// The message is open from here on, also when it fails.
static nf_status begin_content(nf_chat_reader *r, bool closed, nf_chat_sink sink, void *user) {
  nf_text spelled = {0};
  bool odd;
  NF_TRY(nf_text_status(&r->header));
  const nf_view all = view(&r->header);
  const size_t n = nf_harmony_parse_header(all, closed, r->role_given, &r->message, &odd);
  r->odd = odd || !r->started;
  r->in_content = true;
  spell(&spelled, (nf_view){all.at, n}, true);
  spell(&r->text, (nf_view){all.at + n, all.n - n}, false);
  nf_status st = nf_text_status(&spelled);
  if (nf_is_ok(st)) {
    r->message.header = view(&spelled);
    st = send(r, NF_CHAT_HEADER, (nf_view){0}, 0, sink, user);
  }
  r->message.header = (nf_view){0};
  nf_text_deinit(&spelled);
  return nf_is_ok(st) ? send_text(r, sink, user) : st;
}

// White space alone is no message.
static bool header_is_blank(const nf_chat_reader *r) {
  return r->decoder.n == 0 && strspn(r->header.n ? r->header.at : "", " \t\n\v\f\r") == r->header.n;
}

// Closes what is open, if anything is. Always leaves the reader at the start of a header.
static nf_status close_message(nf_chat_reader *r, nf_chat_end end, nf_chat_sink sink, void *user) {
  nf_status st = nf_ok();
  if (!r->in_content && !header_is_blank(r)) {
    nf_decoder_end(&r->decoder, &r->header);
    NF_GOTO(begin_content(r, false, sink, user));
  }
  if (r->in_content) {
    nf_decoder_end(&r->decoder, &r->text);
    NF_GOTO(send_text(r, sink, user));
    NF_GOTO(send(r, NF_CHAT_END, (nf_view){0}, end, sink, user));
  }
fail:
  r->text.n = 0;
  begin_header(r, false, false);
  return st;
}

// ---- marks ----

static nf_status add_mark(nf_chat_reader *r, char mark) {
  nf_decoder_end(&r->decoder, &r->header);
  nf_text_append(&r->header, &mark, 1);
  return nf_text_status(&r->header);
}

// Whether the header so far has words that are content: of a message whose end was forgotten.
static bool header_has_content(const nf_chat_reader *r) {
  bool odd;
  nf_chat_event e;
  const nf_view all = view(&r->header);
  return nf_harmony_parse_header(all, false, r->role_given, &e, &odd) < all.n;
}

static nf_status read_channel(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  if (!r->in_content) {
    NF_TRY(add_mark(r, NF_HEADER_CHANNEL));
    if (!header_has_content(r)) return nf_ok();
    r->header.n--;
  }
  r->odd = true;
  NF_TRY(close_message(r, NF_END_CUT, sink, user));
  return add_mark(r, NF_HEADER_CHANNEL);
}

static nf_status read_start(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  r->odd = true; // of a message that is open
  const nf_status st = close_message(r, NF_END_CUT, sink, user);
  r->started = true;
  return st;
}

static nf_status read_mark(nf_chat_reader *r, nf_harmony_mark mark, nf_chat_sink sink, void *user) {
  switch (mark) {
  case NF_HARMONY_START:
    return read_start(r, sink, user);
  case NF_HARMONY_END:
    return close_message(r, NF_END_MESSAGE, sink, user);
  case NF_HARMONY_CALL:
    return close_message(r, NF_END_CALL, sink, user);
  case NF_HARMONY_RETURN:
  case NF_HARMONY_END_OF_TEXT:
    return close_message(r, NF_END_ANSWER, sink, user);
  case NF_HARMONY_MESSAGE:
    if (r->in_content) break;
    nf_decoder_end(&r->decoder, &r->header);
    return begin_content(r, true, sink, user);
  case NF_HARMONY_CHANNEL:
    return read_channel(r, sink, user);
  default:
    if (!r->in_content) return add_mark(r, NF_HEADER_CONSTRAIN);
  }
  r->odd = true; // within a message it means nothing
  nf_decoder_end(&r->decoder, &r->text);
  return send_text(r, sink, user);
}

nf_status nf_harmony_read(nf_chat_reader *r, int32_t id, nf_chat_sink sink, void *user) {
  for (int i = 0; i < NF_HARMONY_MARKS && id >= 0; i++)
    if (id == r->mark[i]) return read_mark(r, (nf_harmony_mark)i, sink, user);
  nf_decode_step(r->t, &r->decoder, id, true, r->in_content ? &r->text : &r->header);
  if (r->in_content) return send_text(r, sink, user);
  NF_TRY(nf_text_status(&r->header));
  return r->header.n > HEADER_MAX ? begin_content(r, false, sink, user) : nf_ok();
}

nf_status nf_harmony_finish(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  return close_message(r, NF_END_CUT, sink, user);
}
