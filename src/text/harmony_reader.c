// SPDX-License-Identifier: Apache-2.0
// Reading harmony: ids become messages. Models make mistakes, so every sequence of ids is read as something:
// what stands in a header without <|message|> behind its names is content, a missing <|start|> or <|end|> is
// taken as given, a mark within a message is left out. No text is lost: it is in a message's header or text.
#include "text/chat_format.h"
#include <string.h>

enum { HEADER_MAX = 1024 }; // bytes; a longer one is content

typedef struct reader {
  nf_chat_reader head;
  bool in_content;
  bool role_given; // the prompt said it, so the header does not
  bool started;    // by <|start|> or the prompt
  bool odd;
  nf_text header;        // text and marks
  nf_chat_event message; // what is known of the running message; views into header
} reader;

static void begin_header(reader *r, bool role_given, bool started) {
  r->in_content = r->odd = false;
  r->role_given = role_given;
  r->started = started;
  r->header.n = 0;
  nf_text_append(&r->header, "", 0); // never NULL
  r->message = (nf_chat_event){0};
}

static void deinit(nf_chat_reader *r) { nf_text_deinit(&((reader *)r)->header); }

// ---- events ----

static nf_status send(reader *r, nf_chat_event_kind kind, nf_view text, nf_chat_end end) {
  nf_chat_event e = r->message;
  e.kind = kind;
  e.text = text;
  e.end = end;
  e.odd = kind == NF_CHAT_END && r->odd;
  return r->head.sink(r->head.user, &e);
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
static nf_status begin_content(reader *r, bool closed) {
  nf_text spelled = {0};
  NF_TRY(nf_text_status(&r->header));
  const nf_view all = nf_text_view(&r->header);
  const size_t n = nf_harmony_parse_header(all, closed, r->role_given, &r->message);
  r->odd = r->message.odd || !r->started;
  r->in_content = true;
  spell(&spelled, (nf_view){all.at, n}, true);
  const size_t told = spelled.n;
  spell(&spelled, (nf_view){all.at + n, all.n - n}, false);
  nf_status st = nf_text_status(&spelled);
  r->message.header = (nf_view){spelled.at, told};
  if (nf_is_ok(st)) st = send(r, NF_CHAT_HEADER, (nf_view){0}, 0);
  r->message.header = (nf_view){0};
  if (nf_is_ok(st) && spelled.n > told)
    st = send(r, NF_CHAT_TEXT, (nf_view){spelled.at + told, spelled.n - told}, 0);
  nf_text_deinit(&spelled);
  return st;
}

// White space alone is no message.
static bool header_is_blank(const reader *r) {
  return strspn(r->header.n ? r->header.at : "", " \t\n\v\f\r") == r->header.n;
}

// Closes what is open, if anything is. Always leaves the reader at the start of a header.
static nf_status close_message(reader *r, nf_chat_end end) {
  nf_status st = nf_ok();
  if (!r->in_content && !header_is_blank(r)) st = begin_content(r, false);
  if (r->in_content && nf_is_ok(st)) st = send(r, NF_CHAT_END, (nf_view){0}, end);
  begin_header(r, false, false);
  return st;
}

// ---- marks ----

static nf_status add_mark(reader *r, char mark) {
  nf_text_append(&r->header, &mark, 1);
  return nf_text_status(&r->header);
}

// Whether the header so far has words that are content: of a message whose end was forgotten.
static bool header_has_content(const reader *r) {
  nf_chat_event e;
  return nf_harmony_parse_header(nf_text_view(&r->header), false, r->role_given, &e) < r->header.n;
}

static nf_status read_channel(reader *r) {
  if (!r->in_content) {
    NF_TRY(add_mark(r, NF_HEADER_CHANNEL));
    if (!header_has_content(r)) return nf_ok();
    r->header.n--;
  }
  r->odd = true;
  NF_TRY(close_message(r, NF_END_CUT));
  return add_mark(r, NF_HEADER_CHANNEL);
}

static nf_status read_start(reader *r) {
  r->odd = true; // of a message that is open
  const nf_status st = close_message(r, NF_END_CUT);
  r->started = true;
  return st;
}

static nf_status read_mark(nf_chat_reader *head, int mark) {
  reader *r = (reader *)head;
  switch (mark) {
  case NF_HARMONY_START:
    return read_start(r);
  case NF_HARMONY_END:
    return close_message(r, NF_END_MESSAGE);
  case NF_HARMONY_CALL:
    return close_message(r, NF_END_CALL);
  case NF_HARMONY_RETURN:
  case NF_HARMONY_END_OF_TEXT:
    return close_message(r, NF_END_ANSWER);
  case NF_HARMONY_CHANNEL:
    return read_channel(r);
  default:
    if (!r->in_content)
      return mark == NF_HARMONY_MESSAGE ? begin_content(r, true) : add_mark(r, NF_HEADER_CONSTRAIN);
    return r->odd = true, nf_ok(); // within a message it means nothing
  }
}

static bool understand(nf_chat_reader *r, int mark, nf_status *st) { return *st = read_mark(r, mark), true; }

static nf_status read_text(nf_chat_reader *head, nf_view text) {
  reader *r = (reader *)head;
  if (r->in_content) return send(r, NF_CHAT_TEXT, text, 0);
  nf_text_append(&r->header, text.at, text.n);
  NF_TRY(nf_text_status(&r->header));
  return r->header.n > HEADER_MAX ? begin_content(r, false) : nf_ok();
}

static nf_status end(nf_chat_reader *r) { return close_message((reader *)r, NF_END_CUT); }

static bool is_answer(const nf_chat_event *message) {
  return message->recipient.n == 0 && nf_view_equal(message->channel, NF_VIEW("final"));
}

nf_chat_next nf_harmony_next(const nf_chat_reader *head) {
  const reader *r = (const reader *)head;
  nf_chat_next next = {NF_PLACE_OTHER, -1, -1, -1};
  nf_chat_event e;
  if (r->in_content) {
    if (is_answer(&r->message)) next.place = NF_PLACE_TEXT;
    return next;
  }
  nf_harmony_parse_header(nf_text_view(&r->header), false, r->role_given, &e);
  if (is_answer(&e)) next.must = head->mark[NF_HARMONY_MESSAGE];
  return next;
}

nf_status nf_harmony_reader_create(const nf_tokenizer *t, const nf_chat *, nf_chat_reader **out) {
  static const nf_chat_reading reading = {read_text, understand, end, deinit};
  NF_TRY(nf_chat_reader_new(&nf_harmony_marks, &reading, sizeof(reader), t, out));
  return begin_header((reader *)*out, true, true), nf_ok(); // every answer begins within a header
}
