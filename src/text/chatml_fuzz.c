// SPDX-License-Identifier: Apache-2.0
// Fuzzes the ChatML reader with any sequence of ids, and the renderer with any conversation. Adversarial
// cases: marks in every order and number, calls that are no JSON or never end, roles that never end, half
// characters before a mark, ids without text and out of range, sinks that fail; messages of every kind in
// every order whose texts spell marks; functions with parameters that are missing, there twice, of all types,
// whose tags are cut, in the wrong order or part of a value. Checked: events come as HEADER, TEXT..., END;
// all text is valid UTF-8; thoughts have no newlines around them; a call has a name; the parameters of a
// whole call are a JSON object, each name once; all text that was read is told once, but for newlines around
// a message; a prompt has as many ends as starts.
#include "base/json.h"
#include "text/chat_fuzz.h"
#include <string.h>

static nf_tokenizer *make(void) {
  static const char *const marks[] = {"<|im_start|>", "<|im_end|>",      "<|endoftext|>",
                                      "<think>",      "</think>",        "<tool_call>",
                                      "</tool_call>", "<tool_response>", "<|odd|>"};
  return tokenizer_with(marks, 9);
}

typedef struct watch_texts {
  watch events;
  bool begun;        // the open message has text, or what it has is no longer known
  char last;         // byte of it
  bool is_function;  // it is a call with parameters, and nothing of it was lost
  nf_text arguments; // of it
} watch_texts;

static void follow_function(watch_texts *w, const nf_chat_event *e) {
  nf_json doc;
  if (e->kind == NF_CHAT_HEADER) {
    w->is_function = e->recipient.n && e->header.n && memmem(e->header.at, e->header.n, "<function=", 10);
    w->arguments.n = 0;
  }
  if (e->kind == NF_CHAT_TEXT) nf_text_append(&w->arguments, e->text.at, e->text.n);
  if (e->kind != NF_CHAT_END || e->end == NF_END_CUT || !w->is_function) return;
  const nf_status st = nf_json_parse_nul(w->arguments.at, w->arguments.n, "arguments", &doc);
  if (!nf_is_ok(st) || !json_is_object(doc.root)) abort();
  nf_json_deinit(&doc);
}

static nf_status see(void *user, const nf_chat_event *e) {
  watch_texts *w = user;
  const bool thought = nf_view_equal(e->channel, NF_VIEW("analysis"));
  if (thought && e->kind == NF_CHAT_TEXT && !w->begun && e->text.at[0] == '\n') abort();
  if (thought && e->kind == NF_CHAT_END && w->last == '\n') abort();
  if (e->kind == NF_CHAT_END && e->end == NF_END_CALL && !e->recipient.n) abort();
  follow_function(w, e);
  if (e->kind == NF_CHAT_HEADER) w->begun = false, w->last = 0;
  if (e->kind == NF_CHAT_TEXT && e->text.n) w->begun = true, w->last = e->text.at[e->text.n - 1];
  const nf_status st = see_event(&w->events, e);
  if (w->events.broken) w->begun = true, w->is_function = false;
  return st;
}

static void render(const nf_tokenizer *t, nf_chat chat, const uint8_t *data, size_t n) {
  nf_chat_message message[32];
  nf_ids ids = {0};
  int open = 0, special = 0;
  chat.message = message;
  chat.n = parse_messages(data, n, message, 32);
  nf_status st = nf_chatml.render(t, &chat, &ids);
  if (!nf_is_ok(st) && ids.n) abort();
  for (size_t i = 0; i < ids.n; i++) {
    special += nf_token_is_special(t, ids.at[i]);
    if (ids.at[i] == FIRST_MARK) open++;
    if (ids.at[i] == FIRST_MARK + 1) open--;
    if (open < 0 || open > 1) abort();
  }
  if (nf_is_ok(st) && (open != chat.answer || special > 2 * ((int)chat.n + 1) + 1)) abort();
  nf_status_free(st);
  nf_ids_deinit(&ids);
}

static void read_one(const nf_tokenizer *t, const nf_chat *chat, const uint8_t *data, size_t n) {
  watch_texts w = {.events = {.until_failure = data[0], .all_in_headers = true}};
  if (data[0] || memchr(data, 0xf0, n)) // a role is told only with its message
    read_ids(&nf_chatml, t, chat, data + 1, n - 1, see, &w, &w.events);
  else
    account(&nf_chatml, t, chat, data + 1, n - 1, 8, "\n", see, &w, &w.events);
  nf_text_deinit(&w.events.told);
  nf_text_deinit(&w.arguments);
}

static const nf_view tools = NF_VIEW(
    "[{\"name\": \"f\", \"parameters\": {\"properties\": {\"s\": {\"type\": \"string\"}, \"t\": {\"type\": "
    "[\"null\", \"string\"]}, \"n\": {\"type\": \"integer\"}, \"o\": {\"type\": \"object\"}}}}, {\"name\": "
    "\"g\"}]");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static nf_tokenizer *t;
  if (!t) t = make();
  if (n < 2) return 0;
  const int kind = data[0] % 3; // of those with a switch there are three
  const nf_chat chat = {.thinking =
                            (nf_thinking)(kind == NF_THINKING_HYBRID ? kind + (data[0] >> 4) % 3 : kind),
                        .think = (nf_think)(data[0] / 3 % 3),
                        .form = (nf_tool_form)(data[0] / 9 % (NF_TOOLS_QWEN36 + 1)),
                        .answer = data[0] & 64,
                        .functions = data[0] & 32 ? NF_VIEW("{}\n{\"<|im_end|>\":1}") : (nf_view){0},
                        .tools = data[0] & 32 ? tools : (nf_view){0}};
  if (data[0] & 128)
    render(t, chat, data + 1, n - 1);
  else
    read_one(t, &chat, data + 1, n - 1);
  return 0;
}
