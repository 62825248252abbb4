// SPDX-License-Identifier: Apache-2.0
// Reading ChatML: ids become messages. Models make mistakes, so every sequence of ids is read as something: a
// mark where it makes no sense is text, a missing end is taken as given, a call that is no JSON is
// commentary.
#include "base/json_reader.h"
#include "text/chat_format.h"
#include <string.h>

enum { ROLE_MAX = 64, CALL_MAX = 1 << 20 }; // bytes; more is text

typedef enum place {
  BETWEEN,  // no message is open; other text begins the answer
  THOUGHT,  // in front of </think>
  ANSWER,   // or what somebody else says
  CALL,     // behind <tool_call>: collected
  BAD_CALL, // of which no call can be made: told as it comes
  ROLE,     // behind <|im_start|>: collected up to the newline
} place;

typedef struct reader {
  nf_chat_reader head;
  place place;
  bool open;         // the message's header is out
  bool strip;        // newlines in front of the message's first other character are not part of it
  bool odd;          // the message is not as the format wants it
  bool may_think;    // no thought was there yet, and one is expected
  nf_text held;      // newlines that are part of the message only if something follows
  nf_text collected; // of a call or a role
  nf_text role, name;
} reader;

static void enter(reader *r, place to, bool strip) {
  r->place = to;
  r->open = r->odd = false;
  r->strip = strip;
  r->held.n = r->collected.n = r->name.n = 0;
  if (to == BETWEEN) r->role.n = 0;
}

static void deinit(nf_chat_reader *head) {
  reader *r = (reader *)head;
  nf_text_deinit(&r->held);
  nf_text_deinit(&r->collected);
  nf_text_deinit(&r->role);
  nf_text_deinit(&r->name);
}

// ---- events ----

static nf_view channel_of(const reader *r) {
  if (r->role.n) return (nf_view){0};
  return r->place == THOUGHT  ? NF_VIEW("analysis")
         : r->place == ANSWER ? NF_VIEW("final")
                              : NF_VIEW("commentary");
}

static nf_status send(reader *r, nf_chat_event_kind kind, nf_view text, nf_chat_end end) {
  const nf_chat_event e = {.kind = kind,
                           .role = r->role.n ? nf_text_view(&r->role) : NF_VIEW("assistant"),
                           .channel = channel_of(r),
                           .recipient = nf_text_view(&r->name),
                           .content_type = r->name.n ? NF_VIEW("json") : (nf_view){0},
                           .text = text,
                           .end = end,
                           .header = kind == NF_CHAT_HEADER && r->place == CALL ? nf_text_view(&r->collected)
                                                                                : (nf_view){0},
                           .odd = kind == NF_CHAT_END && r->odd};
  return r->head.sink(r->head.user, &e);
}

static nf_status open_message(reader *r) {
  if (r->open) return nf_ok();
  r->open = true;
  if (r->place == BETWEEN) r->place = ANSWER;
  return send(r, NF_CHAT_HEADER, (nf_view){0}, 0);
}

// Adds to the message and opens it if need be, but holds newlines at the end back.
static nf_status tell(reader *r, nf_view text) {
  size_t first = 0, end = text.n;
  if (!text.n) return nf_ok();
  while (end && text.at[end - 1] == '\n') end--;
  if (r->strip && !r->open)
    while (first < text.n && text.at[first] == '\n') first++;
  if (end > first) {
    NF_TRY(open_message(r));
    nf_text_append(&r->held, text.at + first, end - first);
    NF_TRY(nf_text_status(&r->held));
    const nf_status st = send(r, NF_CHAT_TEXT, nf_text_view(&r->held), 0);
    r->held.n = 0;
    if (!nf_is_ok(st)) return st;
    first = end;
  }
  nf_text_append(&r->held, text.at + first, text.n - first);
  return nf_text_status(&r->held);
}

// ---- what is collected ----

static nf_status tell_collected(reader *r, place as) {
  nf_text all = r->collected;
  r->collected = (nf_text){0};
  enter(r, as, true);
  r->odd = true;
  const nf_status st = tell(r, nf_text_view(&all));
  nf_text_deinit(&all);
  return st;
}

static nf_status collect_call(reader *r, nf_view text) {
  nf_text_append(&r->collected, text.at, text.n);
  NF_TRY(nf_text_status(&r->collected));
  return r->collected.n > CALL_MAX ? tell_collected(r, BAD_CALL) : nf_ok();
}

static nf_status collect_role(reader *r, nf_view text) {
  const char *newline = memchr(text.at, '\n', text.n);
  const size_t n = newline ? (size_t)(newline - text.at) : text.n;
  nf_text_append(&r->collected, text.at, n);
  NF_TRY(nf_text_status(&r->collected));
  if (r->collected.n > ROLE_MAX) {
    NF_TRY(tell_collected(r, BETWEEN));
    return tell(r, (nf_view){text.at + n, text.n - n});
  }
  if (!newline) return nf_ok();
  const nf_view role = nf_text_view(&r->collected);
  r->role.n = 0;
  if (!nf_view_equal(role, NF_VIEW("assistant"))) nf_text_append(&r->role, role.at, role.n);
  NF_TRY(nf_text_status(&r->role));
  enter(r, r->role.n ? ANSWER : BETWEEN, false);
  return tell(r, (nf_view){newline + 1, text.n - n - 1});
}

static nf_status read_text(nf_chat_reader *head, nf_view text) {
  reader *r = (reader *)head;
  if (r->place == CALL) return collect_call(r, text);
  return r->place == ROLE ? collect_role(r, text) : tell(r, text);
}

// ---- calls: {"name": "f", "arguments": {...}} ----

// As the model spelled them, so that a conversation that goes on has the same ids as the answer had. Some
// models put them into a string.
static nf_view arguments_of(nf_view text, const json_t *value, const nf_json_cut *cut) {
  if (json_is_string(value) && json_string_length(value))
    return (nf_view){json_string_value(value), json_string_length(value)};
  return !value || json_is_string(value) || json_is_null(value) ? NF_VIEW("{}")
                                                                : (nf_view){text.at + cut->at, cut->n};
}

// *name is empty when the text is no call. Errors: only NF_NO_MEMORY.
static nf_status parse_call(nf_view text, nf_text *name, nf_text *arguments) {
  nf_json doc;
  nf_json_cut cut = {.key = "arguments"};
  nf_status st = nf_json_parse_cut(text.at, text.n, "call", &cut, 1, &doc);
  if (nf_status_code(st) == NF_BAD_INPUT) {
    nf_status_free(st);
    return nf_ok();
  }
  NF_TRY(st);
  const json_t *called = json_object_get(doc.root, "name");
  if (json_is_string(called)) {
    const nf_view spelled = arguments_of(text, json_object_get(doc.root, cut.key), &cut);
    nf_text_append(name, json_string_value(called), json_string_length(called));
    nf_text_append(arguments, spelled.at, spelled.n);
    st = nf_status_join(nf_text_status(name), nf_text_status(arguments));
  }
  nf_json_deinit(&doc);
  return st;
}

// A call that is complete waits for its tool even if its end mark was forgotten. What is no call becomes a
// message that is still to be closed.
static nf_status close_call(reader *r, nf_chat_end end) {
  nf_text arguments = {0};
  nf_status st = parse_call(nf_text_view(&r->collected), &r->name, &arguments);
  if (nf_is_ok(st) && r->name.n) {
    NF_GOTO(open_message(r));
    NF_GOTO(send(r, NF_CHAT_TEXT, nf_text_view(&arguments), 0));
    st = send(r, NF_CHAT_END, (nf_view){0}, end == NF_END_ANSWER ? NF_END_CALL : end);
  } else if (nf_is_ok(st)) {
    st = tell_collected(r, BAD_CALL);
  }
fail:
  nf_text_deinit(&arguments);
  return st;
}

// Closes what is open, if anything is. Always leaves the reader between messages. Newlines that end a message
// are part of it only in what is said, and only if nothing of the same turn follows.
static nf_status close(reader *r, nf_chat_end end) {
  nf_status st = nf_ok();
  if (r->place == CALL && end != NF_END_CALL) r->odd = true;
  if (r->place == ROLE && r->collected.n) NF_GOTO(tell_collected(r, BETWEEN));
  if (r->place == CALL) NF_GOTO(close_call(r, end));
  if (r->open && r->place != CALL) {
    if (r->place == ANSWER && r->held.n && (end != NF_END_MESSAGE || r->role.n))
      NF_GOTO(send(r, NF_CHAT_TEXT, nf_text_view(&r->held), 0));
    NF_GOTO(send(r, NF_CHAT_END, (nf_view){0}, end == NF_END_CALL ? NF_END_MESSAGE : end));
  }
fail:
  enter(r, BETWEEN, true);
  return st;
}

static nf_status close_and_enter(reader *r, nf_chat_end end, place to) {
  const nf_status st = close(r, end);
  enter(r, to, true);
  return st;
}

// ---- ids ----

// Whether the id was a mark that means something here; else it is text.
static bool read_mark(reader *r, int mark, nf_status *st) {
  const place at = r->place;
  switch (mark) {
  case NF_CHATML_START:
    r->odd = true; // of a message that is open
    return *st = close_and_enter(r, NF_END_CUT, ROLE), true;
  case NF_CHATML_END:
  case NF_CHATML_END_OF_TEXT:
    return *st = close(r, r->role.n ? NF_END_MESSAGE : NF_END_ANSWER), true;
  case NF_CHATML_THINK: // where the prompt has opened a thought, the model may do it again
    if (r->open || (at != BETWEEN && at != THOUGHT)) return false;
    return r->may_think = false, enter(r, THOUGHT, true), *st = nf_ok(), true;
  case NF_CHATML_THINK_END:
    if (at != THOUGHT && !(at == BETWEEN && !r->open)) return false;
    return *st = close(r, NF_END_MESSAGE), true;
  case NF_CHATML_CALL:
    if (at != BETWEEN && (at != ANSWER || r->role.n)) return false;
    return *st = close_and_enter(r, NF_END_MESSAGE, CALL), true;
  case NF_CHATML_CALL_END:
    if (at != CALL && at != BAD_CALL) return false;
    return *st = close(r, at == CALL ? NF_END_CALL : NF_END_MESSAGE), true;
  default:
    return false;
  }
}

static bool understand(nf_chat_reader *head, int mark, nf_status *st) {
  reader *r = (reader *)head;
  if (read_mark(r, mark, st)) return true;
  if (r->place != CALL) r->odd = true;
  return false;
}

static nf_status end(nf_chat_reader *r) { return close((reader *)r, NF_END_CUT); }

nf_chat_next nf_chatml_next(const nf_chat_reader *head) {
  const reader *r = (const reader *)head;
  nf_chat_next next = {NF_PLACE_OTHER, -1, -1, -1};
  if (r->role.n != 0) return next;
  if (r->place == ANSWER && r->open) next.place = NF_PLACE_TEXT;
  if (r->place != BETWEEN || r->open) return next;
  next.place = r->strip ? NF_PLACE_START_OVER : NF_PLACE_START;
  if (r->may_think) next.think = head->mark[NF_CHATML_THINK];
  next.call = head->mark[NF_CHATML_CALL];
  return next;
}

nf_status nf_chatml_reader_create(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out) {
  static const nf_chat_reading reading = {read_text, understand, end, deinit};
  const bool in_thought = chat->thinking == NF_THINKING_ALWAYS; // the prompt opened it
  bool thinks;
  NF_TRY(nf_chat_thinks(chat->thinking, chat->think, &thinks));
  NF_TRY(nf_chat_reader_new(&nf_chatml_marks, &reading, sizeof(reader), t, out));
  enter((reader *)*out, in_thought ? THOUGHT : BETWEEN,
        in_thought || (chat->thinking == NF_THINKING_HYBRID && !thinks));
  ((reader *)*out)->may_think = thinks && !in_thought;
  return nf_ok();
}
