// SPDX-License-Identifier: Apache-2.0
// ChatML, the chat format of Qwen3 and Qwen3-Next: a conversation as ids, equal to those of the models' own
// templates. Everything that a message holds is encoded as ordinary text, so nobody can write a special token
// into a prompt; <think>, <tool_call> and their like are no special tokens, and stay what they are.
#include "text/chatml.h"
#include "text/json_print.h"
#include "text/tools.h"
#include <string.h>

const char *const nf_chatml_spelling[NF_CHATML_MARKS] = {
    "<|im_start|>", "<|im_end|>",   "<|endoftext|>",   "<think>",          "</think>",
    "<tool_call>",  "</tool_call>", "<tool_response>", "</tool_response>",
};

nf_status nf_chatml_find(const nf_tokenizer *t, nf_chatml_ids *out) {
  for (int i = 0; i < NF_CHATML_MARKS; i++) {
    const bool found = nf_token_id(t, nf_view_of(nf_chatml_spelling[i]), &out->mark[i]);
    if (i <= NF_CHATML_END && (!found || !nf_token_is_special(t, out->mark[i])))
      return nf_error(NF_BAD_INPUT, "the tokenizer has no special token %s, which the chatml format needs",
                      nf_chatml_spelling[i]);
    if (!found) out->mark[i] = -1;
  }
  return nf_ok();
}

// ---- ids: text between two marks is encoded in one piece, as the template's output would be ----

typedef struct rendering {
  const nf_tokenizer *t;
  nf_chatml_ids ids;
  nf_text span; // since the last mark
  nf_ids *out;
} rendering;

static void say(rendering *r, nf_view text) { nf_text_append(&r->span, text.at, text.n); }

static nf_status flush(rendering *r) {
  NF_TRY(nf_text_status(&r->span));
  const nf_view text = {r->span.at, r->span.n};
  r->span.n = 0;
  return nf_encode(r->t, text, NF_ENCODE_PLAIN, r->out);
}

static nf_status mark(rendering *r, nf_chatml_mark m) {
  if (r->ids.mark[m] < 0) return say(r, nf_view_of(nf_chatml_spelling[m])), nf_ok();
  NF_TRY(flush(r));
  return nf_ids_push(r->out, r->ids.mark[m]);
}

static nf_status begin_message(rendering *r, const char *role) {
  NF_TRY(mark(r, NF_CHATML_START));
  return say(r, nf_view_of(role)), nf_ok();
}

static nf_status end_message(rendering *r) {
  NF_TRY(mark(r, NF_CHATML_END));
  return say(r, NF_VIEW("\n")), nf_ok();
}

static nf_status put_message(rendering *r, const char *role, nf_view content) {
  NF_TRY(begin_message(r, role));
  say(r, NF_VIEW("\n"));
  say(r, content);
  return end_message(r);
}

// ---- instructions and tools ----

static nf_view next_line(nf_view *rest) {
  const char *stop = memchr(rest->at, '\n', rest->n);
  const nf_view line = {rest->at, stop ? (size_t)(stop - rest->at) : rest->n};
  const size_t used = line.n + (stop != NULL);
  *rest = (nf_view){rest->at + used, rest->n - used};
  return line;
}

static nf_status put_tools(rendering *r, nf_view functions) {
  say(r, NF_VIEW("# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
                 "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"));
  while (functions.n) {
    const nf_view line = next_line(&functions);
    if (line.n == 0) continue;
    say(r, NF_VIEW("\n"));
    say(r, line);
  }
  say(r, NF_VIEW("\n</tools>\n\nFor each function call, return a json object with function name and "
                 "arguments within "));
  NF_TRY(mark(r, NF_CHATML_CALL));
  NF_TRY(mark(r, NF_CHATML_CALL_END));
  say(r, NF_VIEW(" XML tags:\n"));
  NF_TRY(mark(r, NF_CHATML_CALL));
  say(r, NF_VIEW("\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n"));
  return mark(r, NF_CHATML_CALL_END);
}

static bool instructs(const nf_chat_message *m) {
  return m->role == NF_ROLE_SYSTEM || m->role == NF_ROLE_DEVELOPER;
}

static bool begins_with_system(const nf_chat *chat) { return chat->n > 0 && instructs(chat->message); }

// Only a system message that comes first shares its turn with the tools.
static nf_status put_system(rendering *r, const nf_chat *chat) {
  const bool told = begins_with_system(chat);
  if (!told && chat->functions.n == 0) return nf_ok();
  NF_TRY(begin_message(r, "system"));
  say(r, NF_VIEW("\n"));
  if (told) say(r, chat->message[0].content);
  if (told && chat->functions.n) say(r, NF_VIEW("\n\n"));
  if (chat->functions.n) NF_TRY(put_tools(r, chat->functions));
  return end_message(r);
}

// Each tool as Python's json.dumps writes it, which is what the templates do.
static nf_status declare(nf_view tools, nf_text *out) {
  nf_json doc;
  size_t i;
  json_t *tool;
  NF_TRY(nf_tools_parse(tools, &doc));
  nf_view source = tools;
  json_array_foreach(doc.root, i, tool) {
    if (i) nf_text_append(out, "\n", 1);
    source = nf_json_print(tool, &nf_json_python, source, out);
  }
  nf_json_deinit(&doc);
  return nf_text_status(out);
}

static nf_status put_tool_results(rendering *r, const nf_chat *chat, size_t *at) {
  NF_TRY(begin_message(r, "user"));
  for (; *at < chat->n && chat->message[*at].role == NF_ROLE_TOOL; ++*at) {
    say(r, NF_VIEW("\n"));
    NF_TRY(mark(r, NF_CHATML_RESPONSE));
    say(r, NF_VIEW("\n"));
    say(r, chat->message[*at].content);
    say(r, NF_VIEW("\n"));
    NF_TRY(mark(r, NF_CHATML_RESPONSE_END));
  }
  return end_message(r);
}

// ---- turns of the assistant ----

static void say_in_json(rendering *r, nf_view name) { // inside quotes
  for (size_t i = 0; i < name.n; i++) {
    const unsigned char c = (unsigned char)name.at[i];
    if (c < 0x20)
      nf_text_printf(&r->span, "\\u%04x", c);
    else
      nf_text_printf(&r->span, c == '"' || c == '\\' ? "\\%c" : "%c", c);
  }
}

static nf_status put_call(rendering *r, nf_view name, nf_view arguments) {
  NF_TRY(mark(r, NF_CHATML_CALL));
  say(r, NF_VIEW("\n{\"name\": \""));
  say_in_json(r, name);
  say(r, NF_VIEW("\", \"arguments\": "));
  say(r, arguments.n ? arguments : NF_VIEW("{}"));
  say(r, NF_VIEW("}\n"));
  return mark(r, NF_CHATML_CALL_END);
}

static nf_status put_calls(rendering *r, const nf_chat_message *m, bool *follows) {
  for (size_t i = 0; i < m->n_calls; i++, *follows = true) {
    if (*follows) say(r, NF_VIEW("\n"));
    NF_TRY(put_call(r, m->calls[i].name, m->calls[i].arguments));
  }
  if (!nf_chatml_is_call(m)) return nf_ok();
  if (*follows) say(r, NF_VIEW("\n"));
  *follows = true;
  return put_call(r, m->recipient, m->content);
}

static nf_status put_thoughts(rendering *r, nf_view reasoning) {
  NF_TRY(mark(r, NF_CHATML_THINK));
  say(r, NF_VIEW("\n"));
  say(r, nf_chatml_strip(reasoning));
  say(r, NF_VIEW("\n"));
  NF_TRY(mark(r, NF_CHATML_THINK_END));
  return say(r, NF_VIEW("\n\n")), nf_ok();
}

// `fresh`: behind the last question, where thoughts are kept. The templates give a turn that ends the
// conversation an empty thought if it has none.
static nf_status put_turn(rendering *r, const nf_chat *chat, const nf_chatml_turn *t, bool fresh) {
  const bool thoughts = fresh && (t->reasoning.n || t->end == chat->n);
  NF_TRY(begin_message(r, "assistant"));
  say(r, NF_VIEW("\n"));
  if (thoughts) NF_TRY(put_thoughts(r, t->reasoning));
  say(r, thoughts ? nf_chatml_strip_left(t->content) : t->content);
  bool follows = t->content.n;
  for (size_t i = t->calls; i < t->end; i++) NF_TRY(put_calls(r, &chat->message[i], &follows));
  return end_message(r);
}

static nf_status put_assistant(rendering *r, const nf_chat *chat, size_t query, size_t *at) {
  const nf_chatml_turn t = nf_chatml_turn_at(chat, *at);
  const bool fresh = *at > query && chat->thinking != NF_THINKING_NEVER;
  const bool nothing_else = t.thought && t.end == *at + 1; // a thought that led nowhere
  *at = t.end;
  return nothing_else && !fresh ? nf_ok() : put_turn(r, chat, &t, fresh);
}

// ---- all ----

// The last message of a user that is not a tool's answer; chat->n when there is none.
static size_t last_query(const nf_chat *chat) {
  const nf_view open = NF_VIEW("<tool_response>"), close = NF_VIEW("</tool_response>");
  for (size_t i = chat->n; i-- > 0;) {
    const nf_view v = chat->message[i].content;
    const bool answers = v.n >= close.n && memcmp(v.at, open.at, open.n) == 0 &&
                         memcmp(v.at + v.n - close.n, close.at, close.n) == 0;
    if (chat->message[i].role == NF_ROLE_USER && !answers) return i;
  }
  return chat->n;
}

static nf_status put_next(rendering *r, const nf_chat *chat, size_t query, size_t *at) {
  const nf_view content = chat->message[*at].content;
  const size_t bad = nf_utf8_check(content.at, content.n);
  if (bad < content.n) return nf_error(NF_BAD_INPUT, "byte %zu: invalid UTF-8", bad);
  switch (chat->message[*at].role) {
  case NF_ROLE_ASSISTANT:
    return put_assistant(r, chat, query, at);
  case NF_ROLE_TOOL:
    return put_tool_results(r, chat, at);
  case NF_ROLE_SYSTEM:
  case NF_ROLE_DEVELOPER:
    return ++*at, put_message(r, "system", content);
  default:
    return ++*at, put_message(r, "user", content);
  }
}

static nf_status put_answer(rendering *r, const nf_chat *chat, bool thinks) {
  NF_TRY(begin_message(r, "assistant"));
  say(r, NF_VIEW("\n"));
  if (chat->thinking == NF_THINKING_HYBRID && !thinks) return put_thoughts(r, (nf_view){0});
  if (chat->thinking != NF_THINKING_ALWAYS) return nf_ok();
  NF_TRY(mark(r, NF_CHATML_THINK));
  return say(r, NF_VIEW("\n")), nf_ok();
}

static nf_status put_chat(rendering *r, const nf_chat *chat) {
  bool thinks;
  NF_TRY(nf_chatml_find(r->t, &r->ids));
  NF_TRY(nf_chat_thinks(chat->thinking, chat->think, &thinks));
  if (chat->thinking != NF_THINKING_NEVER && r->ids.mark[NF_CHATML_THINK_END] < 0)
    return nf_error(NF_BAD_INPUT, "the chat template thinks, but the tokenizer has no token </think>");
  NF_TRY(put_system(r, chat), "system message");
  const size_t query = last_query(chat);
  for (size_t at = begins_with_system(chat); at < chat->n;) {
    const size_t message = at;
    NF_TRY(put_next(r, chat, query, &at), "message %zu", message);
  }
  if (chat->answer) NF_TRY(put_answer(r, chat, thinks));
  return flush(r);
}

static nf_status render(const nf_tokenizer *t, const nf_chat *chat, nf_ids *out) {
  rendering r = {.t = t, .out = out};
  const size_t before = out->n;
  const nf_status st = put_chat(&r, chat);
  if (!nf_is_ok(st)) out->n = before;
  nf_text_deinit(&r.span);
  return st;
}

static nf_status check(const nf_tokenizer *t) {
  nf_chatml_ids ids;
  return nf_chatml_find(t, &ids);
}

static bool is_stop(const nf_tokenizer *t, int32_t id) {
  nf_chatml_ids ids;
  const nf_status st = nf_chatml_find(t, &ids);
  const bool known = nf_is_ok(st);
  nf_status_free(st);
  return known && id >= 0 && (id == ids.mark[NF_CHATML_END] || id == ids.mark[NF_CHATML_END_OF_TEXT]);
}

const nf_chat_format nf_chatml = {
    .name = "chatml",
    .by_template = true,
    .check = check,
    .declare = declare,
    .render = render,
    .reader_create = nf_chatml_reader_create,
    .read = nf_chatml_read,
    .finish = nf_chatml_finish,
    .reader_destroy = nf_chatml_reader_destroy,
    .is_stop = is_stop,
};
