// SPDX-License-Identifier: Apache-2.0
// Reading ChatML: ids become messages. Models make mistakes, so every sequence of ids is read as something: a
// mark where it makes no sense is text, a missing end is taken as given, a call that is neither JSON nor a
// function with parameters is commentary.
#include "text/chatml_reader.h"
#include <string.h>

enum { ROLE_MAX = 64 }; // bytes; more is text

void nf_chatml_enter(nf_chatml_reader *r, nf_chatml_place to, bool strip) {
  r->place = to;
  r->open = r->odd = r->behind = false;
  r->strip = strip;
  r->held.n = r->collected.n = r->name.n = 0;
  if (to == BETWEEN) r->role.n = 0;
}

static void deinit(nf_chat_reader *head) {
  nf_chatml_reader *r = (nf_chatml_reader *)head;
  nf_text_deinit(&r->held);
  nf_text_deinit(&r->collected);
  nf_text_deinit(&r->role);
  nf_text_deinit(&r->name);
  nf_text_deinit(&r->pending);
  nf_xml_deinit(&r->call);
  nf_json_deinit(&r->tools);
}

// ---- events ----

static nf_view channel_of(const nf_chatml_reader *r) {
  if (r->role.n) return (nf_view){0};
  return r->place == THOUGHT  ? NF_VIEW("analysis")
         : r->place == ANSWER ? NF_VIEW("final")
                              : NF_VIEW("commentary");
}

nf_status nf_chatml_send(nf_chatml_reader *r, nf_chat_event_kind kind, nf_view text, nf_chat_end end) {
  const nf_chat_event e = {.kind = kind,
                           .role = r->role.n ? nf_text_view(&r->role) : NF_VIEW("assistant"),
                           .channel = channel_of(r),
                           .recipient = nf_text_view(&r->name),
                           .content_type = r->name.n ? NF_VIEW("json") : (nf_view){0},
                           .text = text,
                           .end = end,
                           .header = kind == NF_CHAT_HEADER && (r->place == CALL || r->place == FUNCTION)
                                         ? nf_text_view(&r->collected)
                                         : (nf_view){0},
                           .odd = kind == NF_CHAT_END && r->odd};
  return r->head.sink(r->head.user, &e);
}

nf_status nf_chatml_open(nf_chatml_reader *r) {
  if (r->open) return nf_ok();
  r->open = true;
  if (r->place == BETWEEN) r->place = ANSWER;
  return nf_chatml_send(r, NF_CHAT_HEADER, (nf_view){0}, 0);
}

// Adds to the message and opens it if need be, but holds newlines at the end back.
nf_status nf_chatml_tell(nf_chatml_reader *r, nf_view text) {
  size_t first = 0, end = text.n;
  if (!text.n) return nf_ok();
  while (end && text.at[end - 1] == '\n') end--;
  if (r->strip && !r->open)
    while (first < text.n && text.at[first] == '\n') first++;
  if (end > first) {
    NF_TRY(nf_chatml_open(r));
    nf_text_append(&r->held, text.at + first, end - first);
    NF_TRY(nf_text_status(&r->held));
    const nf_status st = nf_chatml_send(r, NF_CHAT_TEXT, nf_text_view(&r->held), 0);
    r->held.n = 0;
    if (!nf_is_ok(st)) return st;
    first = end;
  }
  nf_text_append(&r->held, text.at + first, text.n - first);
  return nf_text_status(&r->held);
}

// ---- what is collected ----

nf_status nf_chatml_tell_collected(nf_chatml_reader *r, nf_chatml_place as) {
  nf_text all = r->collected;
  r->collected = (nf_text){0};
  nf_chatml_enter(r, as, true);
  r->odd = true;
  const nf_status st = nf_chatml_tell(r, nf_text_view(&all));
  nf_text_deinit(&all);
  return st;
}

static nf_status collect_role(nf_chatml_reader *r, nf_view text, size_t *used) {
  const char *newline = memchr(text.at, '\n', text.n);
  const size_t n = newline ? (size_t)(newline - text.at) : text.n;
  *used = n;
  nf_text_append(&r->collected, text.at, n);
  NF_TRY(nf_text_status(&r->collected));
  if (r->collected.n > ROLE_MAX) return nf_chatml_tell_collected(r, BETWEEN);
  if (!newline) return nf_ok();
  *used = n + 1;
  const nf_view role = nf_text_view(&r->collected);
  r->role.n = 0;
  if (!nf_view_equal(role, NF_VIEW("assistant"))) nf_text_append(&r->role, role.at, role.n);
  NF_TRY(nf_text_status(&r->role));
  nf_chatml_enter(r, r->role.n ? ANSWER : BETWEEN, false);
  return nf_ok();
}

// ---- ends ----

// Closes what is open, if anything is. Always leaves the reader between messages. Newlines that end a message
// are part of it only in what is said, and only if nothing of the same turn follows.
nf_status nf_chatml_close(nf_chatml_reader *r, nf_chat_end end) {
  nf_status st = nf_ok();
  if (r->place == CALL && end != NF_END_CALL) r->odd = true;
  if (r->place == ROLE && r->collected.n) NF_GOTO(nf_chatml_tell_collected(r, BETWEEN));
  if (r->place == CALL) NF_GOTO(nf_chatml_close_call(r, end));
  if (r->place == FUNCTION) NF_GOTO(nf_chatml_end_function(r, end));
  if (r->open && r->place != CALL) {
    if (r->place == ANSWER && r->held.n && (end != NF_END_MESSAGE || r->role.n))
      NF_GOTO(nf_chatml_send(r, NF_CHAT_TEXT, nf_text_view(&r->held), 0));
    NF_GOTO(nf_chatml_send(r, NF_CHAT_END, (nf_view){0}, end == NF_END_CALL ? NF_END_MESSAGE : end));
  }
fail:
  nf_chatml_enter(r, BETWEEN, true);
  return st;
}

static nf_status close_and_enter(nf_chatml_reader *r, nf_chat_end end, nf_chatml_place to) {
  const nf_status st = nf_chatml_close(r, end);
  nf_chatml_enter(r, to, true);
  return st;
}

// ---- ids ----

// Whether the id was a mark that means something here; else it is text.
static bool read_mark(nf_chatml_reader *r, int mark, nf_status *st) {
  const nf_chatml_place at = r->place;
  switch (mark) {
  case NF_CHATML_START:
    r->odd = true; // of a message that is open
    return *st = close_and_enter(r, NF_END_CUT, ROLE), true;
  case NF_CHATML_END:
  case NF_CHATML_END_OF_TEXT:
    return *st = nf_chatml_close(r, r->role.n ? NF_END_MESSAGE : NF_END_ANSWER), true;
  case NF_CHATML_THINK: // where the prompt has opened a thought, the model may do it again
    if (r->open || (at != BETWEEN && at != THOUGHT)) return false;
    return r->may_think = false, nf_chatml_enter(r, THOUGHT, true), *st = nf_ok(), true;
  case NF_CHATML_THINK_END:
    if (at != THOUGHT && !(at == BETWEEN && !r->open)) return false;
    return *st = nf_chatml_close(r, NF_END_MESSAGE), true;
  case NF_CHATML_CALL:
    if (at != BETWEEN && (at != ANSWER || r->role.n) && (at != CALL || !r->behind)) return false;
    return *st = close_and_enter(r, NF_END_MESSAGE, CALL), true;
  case NF_CHATML_CALL_END:
    if (at == BETWEEN && r->behind) return r->behind = false, *st = nf_ok(), true;
    if (at != CALL && at != BAD_CALL) return false;
    return *st = nf_chatml_close(r, at == CALL ? NF_END_CALL : NF_END_MESSAGE), true;
  default:
    return false;
  }
}

static int mark_at(nf_view v, size_t i) { // -1: there is none
  return (uint8_t)v.at[i] >= NF_MARK_BYTE ? (uint8_t)v.at[i] - NF_MARK_BYTE : -1;
}

// A function has all marks for itself, but for those of turns.
static bool stops(const nf_chatml_reader *r, int mark) {
  return mark >= 0 && (r->place != FUNCTION || mark <= NF_CHATML_END_OF_TEXT);
}

// How much of v comes before a mark that stops it. Of a function much may be pending that has been looked at.
static size_t text_in(const nf_chatml_reader *r, nf_view v) {
  size_t n = r->place == FUNCTION ? r->call.seen : 0;
  while (n < v.n && !stops(r, mark_at(v, n))) n++;
  return n;
}

static nf_status read_text(nf_chatml_reader *r, nf_view text, nf_xml_more more, size_t *used) {
  switch (r->place) {
  case FUNCTION:
    return nf_chatml_read_function(r, text, more, used);
  case CALL:
    return nf_chatml_collect_call(r, text, used);
  case ROLE:
    return collect_role(r, text, used);
  default:
    return nf_chatml_say(r, text, more != NF_XML_MORE, used);
  }
}

static nf_xml_more behind_text(int mark) { return mark == NF_CHATML_START ? NF_XML_CUT : NF_XML_ENDED; }

// A mark that stops what was read.
static nf_status understand(nf_chatml_reader *r, int mark) {
  nf_status st;
  size_t used;
  if (r->place == FUNCTION) NF_TRY(nf_chatml_read_function(r, NF_VIEW(""), behind_text(mark), &used));
  if (read_mark(r, mark, &st)) return st;
  if (r->place != CALL) r->odd = true;
  return read_text(r, nf_view_of(r->head.marks->spelling[mark]), NF_XML_ENDED, &used);
}

// Reads *used bytes of v; 0: what they are depends on what follows.
static nf_status read_some(nf_chatml_reader *r, nf_view v, bool last, size_t *used) {
  if (stops(r, mark_at(v, 0))) return *used = 1, understand(r, mark_at(v, 0));
  const size_t n = text_in(r, v);
  const nf_xml_more more = n < v.n ? behind_text(mark_at(v, n)) : last ? NF_XML_CUT : NF_XML_MORE;
  return read_text(r, (nf_view){v.at, n}, more, used);
}

static nf_status read_pending(nf_chatml_reader *r, bool last) {
  nf_status st = nf_text_status(&r->pending);
  size_t at = 0;
  for (bool goes_on = true; goes_on && at < r->pending.n && nf_is_ok(st);) {
    const nf_chatml_place was = r->place;
    size_t used = 0;
    st = read_some(r, (nf_view){r->pending.at + at, r->pending.n - at}, last, &used);
    at += used;
    goes_on = used != 0 || r->place != was;
  }
  r->pending.n -= at;
  if (at != 0) memmove(r->pending.at, r->pending.at + at, r->pending.n);
  return st;
}

static nf_status take_text(nf_chat_reader *head, nf_view text) {
  nf_chatml_reader *r = (nf_chatml_reader *)head;
  nf_text_append(&r->pending, text.at, text.n);
  return read_pending(r, false);
}

static bool take_mark(nf_chat_reader *head, int mark, nf_status *st) {
  const char byte = (char)(NF_MARK_BYTE + mark);
  return *st = take_text(head, (nf_view){&byte, 1}), true;
}

static nf_status end(nf_chat_reader *head) {
  nf_chatml_reader *r = (nf_chatml_reader *)head;
  const nf_status st = read_pending(r, true);
  return nf_status_join(st, nf_chatml_close(r, NF_END_CUT));
}

nf_chat_next nf_chatml_next(const nf_chat_reader *head) {
  const nf_chatml_reader *r = (const nf_chatml_reader *)head;
  nf_chat_next next = {NF_PLACE_OTHER, -1, -1, -1};
  if (r->role.n != 0) return next;
  const bool begun = r->open || r->pending.n != 0;
  if ((r->place == ANSWER || r->place == BETWEEN) && begun) next.place = NF_PLACE_TEXT;
  if (r->place != BETWEEN || begun) return next;
  next.place = r->strip ? NF_PLACE_START_OVER : NF_PLACE_START;
  if (r->may_think) next.think = head->mark[NF_CHATML_THINK];
  next.call = head->mark[NF_CHATML_CALL];
  return next;
}

nf_status nf_chatml_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out) {
  static const nf_chat_reading reading = {take_text, take_mark, end, deinit};
  bool thinks;
  NF_TRY(nf_chat_thinks(chat->thinking, chat->think, &thinks));
  const bool in_thought = thinks && nf_chat_opens_thought(chat->thinking);
  nf_json tools = {0};
  if (chat->tools.n) NF_TRY(nf_tools_parse(chat->tools, &tools));
  const nf_status st = nf_chat_reader_new(&nf_chatml_marks, &reading, sizeof(nf_chatml_reader), t, out);
  if (!nf_is_ok(st)) return nf_json_deinit(&tools), st;
  nf_chatml_reader *r = (nf_chatml_reader *)*out;
  r->tools = tools;
  nf_chatml_enter(r, in_thought ? THOUGHT : BETWEEN,
                  in_thought || (chat->thinking != NF_THINKING_NEVER && !thinks));
  r->may_think = thinks && !in_thought;
  return nf_ok();
}
