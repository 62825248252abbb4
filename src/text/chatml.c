// SPDX-License-Identifier: Apache-2.0
// ChatML, the chat format of Qwen3 and Qwen3-Next: a conversation as ids, equal to those of the models' own
// templates. Everything that a message holds is encoded as ordinary text, so nobody can write a special token
// into a prompt; <think>, <tool_call> and their like are no special tokens, and stay what they are.
#include "text/chat_format.h"
#include "text/xml.h"
#include <string.h>

const nf_chat_marks nf_chatml_marks = {.format = "chatml",
                                       .spelling = {"<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>",
                                                    "</think>", "<tool_call>", "</tool_call>",
                                                    "<tool_response>", "</tool_response>"},
                                       .n = NF_CHATML_MARKS,
                                       .needed = NF_CHATML_END + 1,
                                       .stops = 1 << NF_CHATML_END | 1 << NF_CHATML_END_OF_TEXT};

static nf_status begin_message(nf_rendering *r, const char *role) {
  NF_TRY(nf_say_mark(r, NF_CHATML_START));
  nf_say(r, nf_view_of(role));
  return nf_say(r, NF_VIEW("\n")), nf_ok();
}

static nf_status end_message(nf_rendering *r) {
  NF_TRY(nf_say_mark(r, NF_CHATML_END));
  return nf_say(r, NF_VIEW("\n")), nf_ok();
}

static nf_status put_message(nf_rendering *r, const char *role, nf_view content) {
  NF_TRY(begin_message(r, role));
  nf_say(r, content);
  return end_message(r);
}

// ---- instructions and tools ----

// What templates write around tools and calls; byte NF_MARK_BYTE + i is mark i.
typedef struct dialect {
  const char *nobody;         // instructions where there are tools and nobody gives any; NULL: none
  const char *before, *after; // the declarations
  bool functions, tags;    // calls are functions with parameters; declarations have tags, else they are JSON
  bool strips;             // all texts, and tools come first, and all thoughts behind the last question
  const char *to_call;     // between what is said and a call
  const char *results_end; // behind the last result of a turn
} dialect;

#define THINK "\xf8"
#define THINK_END "\xf9"
#define CALL "\xfa"
#define CALL_END "\xfb"
_Static_assert(NF_MARK_BYTE + NF_CHATML_THINK == 0xf8 && NF_MARK_BYTE + NF_CHATML_CALL_END == 0xfb,
               "marks as they are spelled above");

#define CODER_SYSTEM "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks."
#define CODER_TOOLS "You have access to the following functions:\n\n<tools>"
#define CODER_CALLS                                                                                      \
  "\n</tools>\n\nIf you choose to call a function ONLY reply in the following format with NO "           \
  "suffix:\n\n" CALL                                                                                     \
  "\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"         \
  "<parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can span\n"         \
  "multiple lines\n</parameter>\n</function>\n" CALL_END "\n\n<IMPORTANT>\nReminder:\n"                  \
  "- Function calls MUST follow the specified format: an inner <function=...></function> block must be " \
  "nested within " CALL CALL_END " XML tags\n- Required parameters MUST be specified\n"                  \
  "- You may provide optional reasoning for your function call in natural language BEFORE the function " \
  "call, but NOT after\n- If there is no function call available, answer the question like normal with " \
  "your current knowledge and do not tell the user about function calls\n</IMPORTANT>"

static const dialect dialects[] = {
    [NF_TOOLS_QWEN3] =
        {.before = "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
                   "You are provided with function signatures within <tools></tools> XML tags:\n<tools>",
         .after = "\n</tools>\n\nFor each function call, return a json object with function name and "
                  "arguments within " CALL CALL_END " XML tags:\n" CALL
                  "\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n" CALL_END,
         .to_call = "\n",
         .results_end = ""},
    [NF_TOOLS_CODER] = {CODER_SYSTEM, "# Tools\n\n" CODER_TOOLS, CODER_CALLS, true, true, false, "\n\n",
                        "\n"},
    [NF_TOOLS_CODER_FIRST] = {CODER_SYSTEM, CODER_TOOLS, CODER_CALLS, true, true, false, "\n\n", "\n"},
    [NF_TOOLS_QWEN35] = {NULL, "# Tools\n\n" CODER_TOOLS, CODER_CALLS, true, false, true, "\n\n", ""},
    [NF_TOOLS_QWEN36] = {NULL, "# Tools\n\n" CODER_TOOLS, CODER_CALLS, true, false, true, "\n\n", ""},
};

static nf_status say_with_marks(nf_rendering *r, const char *text) {
  for (; *text != 0; text++) {
    const int mark = (uint8_t)*text - NF_MARK_BYTE;
    if (mark >= 0)
      NF_TRY(nf_say_mark(r, mark));
    else
      nf_say(r, (nf_view){text, 1});
  }
  return nf_ok();
}

static nf_status put_tools(nf_rendering *r, const nf_chat *chat) {
  const dialect *d = &dialects[chat->form];
  NF_TRY(say_with_marks(r, d->before));
  nf_say(r, NF_VIEW("\n"));
  nf_say(r, chat->functions);
  return say_with_marks(r, d->after);
}

static bool begins_with_system(const nf_chat *chat) {
  return chat->n > 0 && nf_chat_instructs(chat->message);
}

static nf_view content_of(const nf_chat *chat, size_t i) {
  const nf_view content = chat->message[i].content;
  return dialects[chat->form].strips ? nf_xml_strip(content) : content;
}

// Only a system message that comes first shares its turn with the tools.
static nf_status put_system(nf_rendering *r, const nf_chat *chat) {
  const dialect *d = &dialects[chat->form];
  const bool given = begins_with_system(chat), tools = chat->functions.n;
  const nf_view told = given ? content_of(chat, 0) : nf_view_of(tools ? d->nobody : NULL);
  const nf_view between = tools && (told.n || (given && !d->strips)) ? NF_VIEW("\n\n") : NF_VIEW("");
  if (!given && !tools) return nf_ok();
  NF_TRY(begin_message(r, "system"));
  if (!d->strips) nf_say(r, told), nf_say(r, between);
  if (tools) NF_TRY(put_tools(r, chat));
  if (d->strips) nf_say(r, between), nf_say(r, told);
  return end_message(r);
}

// Each tool as Python's json.dumps writes it, which is what the templates do, or as a function.
static nf_status declare(nf_tool_form form, nf_view tools, nf_text *out) {
  nf_json doc;
  size_t i;
  json_t *tool;
  NF_TRY(nf_tools_parse(tools, &doc));
  nf_view source = tools;
  json_array_foreach(doc.root, i, tool) {
    json_t *function = (json_t *)nf_tool_function(tool);
    json_object_del(function, "strict"); // it is not the model that is told
    if (i) nf_text_append(out, "\n", 1);
    if (dialects[form].tags)
      nf_xml_declare(function, form, out);
    else
      source = nf_json_print(tool, &nf_json_python, source, out);
  }
  nf_json_deinit(&doc);
  return nf_text_status(out);
}

static nf_status put_tool_results(nf_rendering *r, const nf_chat *chat, size_t *at) {
  NF_TRY(begin_message(r, "user"));
  for (size_t first = *at; *at < chat->n && chat->message[*at].role == NF_ROLE_TOOL; ++*at) {
    if (*at > first) nf_say(r, NF_VIEW("\n"));
    NF_TRY(nf_say_mark(r, NF_CHATML_RESPONSE));
    nf_say(r, NF_VIEW("\n"));
    nf_say(r, content_of(chat, *at));
    nf_say(r, NF_VIEW("\n"));
    NF_TRY(nf_say_mark(r, NF_CHATML_RESPONSE_END));
  }
  nf_say(r, nf_view_of(dialects[chat->form].results_end));
  return end_message(r);
}

// ---- turns of the assistant ----

// What one consists of in a conversation, whether it comes whole or as several messages.
typedef struct turn {
  bool thought; // the reasoning came as a message of its own
  nf_view reasoning, content;
  size_t calls, end; // messages [calls, end) hold calls
} turn;

static bool is_whole(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && (m->thoughts.at || m->n_calls);
}
static bool is_call(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && m->recipient.n && !is_whole(m);
}
static bool is_thought(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && !m->recipient.n && !is_whole(m) &&
         nf_view_equal(m->channel, NF_VIEW("analysis"));
}

static bool is_said(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && !is_call(m) && !is_thought(m) && !is_whole(m);
}

static nf_view strip_left(nf_view v) {
  while (v.n && v.at[0] == '\n') v.at++, v.n--;
  return v;
}
static nf_view strip_right(nf_view v) {
  while (v.n && v.at[v.n - 1] == '\n') v.n--;
  return v;
}

static nf_view strip(nf_view v) { return strip_left(strip_right(v)); }

// The last place of `what` in v; false: there is none.
static bool find_last(nf_view v, nf_view what, size_t *at) {
  for (size_t i = v.n; i >= what.n; i--)
    if (memcmp(v.at + i - what.n, what.at, what.n) == 0) return *at = i - what.n, true;
  return false;
}

// Content that still has its thoughts in front, as a client that knows no channels gives it back.
static void split_thoughts(turn *t) {
  const nf_view all = t->content, close = NF_VIEW("</think>"), open = NF_VIEW("<think>");
  size_t last, begin;
  if (!find_last(all, close, &last)) return;
  const char *first = memmem(all.at, all.n, close.at, close.n);
  nf_view reasoning = {all.at, (size_t)(first - all.at)};
  if (find_last(reasoning, open, &begin))
    reasoning = (nf_view){all.at + begin + open.n, reasoning.n - begin - open.n};
  t->reasoning = strip(reasoning);
  t->content = strip_left((nf_view){all.at + last + close.n, all.n - last - close.n});
}

static turn turn_at(const nf_chat *chat, size_t i) {
  const nf_chat_message *m = chat->message;
  turn t = {.thought = is_thought(&m[i])};
  const bool told = t.thought || m[i].thoughts.at;
  t.reasoning = t.thought ? m[i].content : m[i].thoughts;
  if (t.thought) i++;
  const bool whole = i < chat->n && is_whole(&m[i]) && !(t.thought && m[i].thoughts.at);
  if (whole || (i < chat->n && is_said(&m[i]))) t.content = content_of(chat, i++);
  t.calls = whole ? i - 1 : i;
  while (!whole && i < chat->n && is_call(&m[i])) i++;
  t.end = i;
  if (!told && chat->thinking != NF_THINKING_NEVER) split_thoughts(&t);
  return t;
}

static nf_status put_call(nf_rendering *r, nf_tool_form form, nf_view name, nf_view arguments) {
  const bool functions = dialects[form].functions;
  const nf_view given = arguments.n ? arguments : NF_VIEW("{}");
  NF_TRY(say_with_marks(r, functions ? CALL "\n<function=" : CALL "\n{\"name\": \""));
  if (functions) {
    nf_say(r, name);
    nf_say(r, NF_VIEW(">\n"));
    NF_TRY(nf_xml_print_arguments(given, form, &r->span), "call of %.*s", (int)name.n, name.at);
    return say_with_marks(r, "</function>\n" CALL_END);
  }
  nf_json_put_text(&r->span, name);
  nf_say(r, NF_VIEW("\", \"arguments\": "));
  nf_say(r, given);
  return say_with_marks(r, "}\n" CALL_END);
}

static nf_status put_calls(nf_rendering *r, nf_tool_form form, const nf_chat_message *m, bool *follows) {
  for (size_t i = 0; i < m->n_calls; i++, *follows = true) {
    if (*follows) nf_say(r, NF_VIEW("\n"));
    NF_TRY(put_call(r, form, m->calls[i].name, m->calls[i].arguments));
  }
  if (!is_call(m)) return nf_ok();
  if (*follows) nf_say(r, NF_VIEW("\n"));
  *follows = true;
  return put_call(r, form, m->recipient, m->content);
}

static nf_status put_thoughts(nf_rendering *r, nf_view reasoning) {
  NF_TRY(nf_say_mark(r, NF_CHATML_THINK));
  nf_say(r, NF_VIEW("\n"));
  nf_say(r, strip(reasoning));
  nf_say(r, NF_VIEW("\n"));
  NF_TRY(nf_say_mark(r, NF_CHATML_THINK_END));
  return nf_say(r, NF_VIEW("\n\n")), nf_ok();
}

static bool calls(const nf_chat *chat, const turn *t) {
  for (size_t i = t->calls; i < t->end; i++)
    if (chat->message[i].n_calls || is_call(&chat->message[i])) return true;
  return false;
}

static void put_said(nf_rendering *r, const nf_chat *chat, const turn *t, nf_view content) {
  const dialect *d = &dialects[chat->form];
  const bool called = calls(chat, t);
  const nf_view said = called && d->functions ? nf_xml_strip(content) : content;
  nf_say(r, said);
  if (called && said.n) nf_say(r, nf_view_of(d->to_call));
}

// `fresh`: behind the last question, where thoughts are kept. The templates give a turn that ends the
// conversation an empty thought if it has none.
static nf_status put_turn(nf_rendering *r, const nf_chat *chat, const turn *t, bool fresh) {
  const bool strips = dialects[chat->form].strips;
  const bool thoughts = fresh && (strips || t->reasoning.n || t->end == chat->n);
  NF_TRY(begin_message(r, "assistant"));
  if (thoughts) NF_TRY(put_thoughts(r, strips ? nf_xml_strip(t->reasoning) : t->reasoning));
  put_said(r, chat, t, thoughts ? strip_left(t->content) : t->content);
  bool follows = false;
  for (size_t i = t->calls; i < t->end; i++) NF_TRY(put_calls(r, chat->form, &chat->message[i], &follows));
  return end_message(r);
}

static nf_status put_assistant(nf_rendering *r, const nf_chat *chat, size_t query, size_t *at) {
  const turn t = turn_at(chat, *at);
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
    const nf_view v = content_of(chat, i);
    const bool answers = v.n >= close.n && memcmp(v.at, open.at, open.n) == 0 &&
                         memcmp(v.at + v.n - close.n, close.at, close.n) == 0;
    if (chat->message[i].role == NF_ROLE_USER && !answers) return i;
  }
  return chat->n;
}

static nf_status put_next(nf_rendering *r, const nf_chat *chat, size_t query, size_t *at) {
  const nf_view content = content_of(chat, *at);
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

static nf_status put_answer(nf_rendering *r, const nf_chat *chat, bool thinks) {
  NF_TRY(begin_message(r, "assistant"));
  if (chat->thinking != NF_THINKING_NEVER && !thinks) return put_thoughts(r, (nf_view){0});
  if (!thinks || !nf_chat_opens_thought(chat->thinking)) return nf_ok();
  NF_TRY(nf_say_mark(r, NF_CHATML_THINK));
  return nf_say(r, NF_VIEW("\n")), nf_ok();
}

static nf_status put_chat(nf_rendering *r, const nf_chat *chat) {
  bool thinks;
  NF_TRY(nf_chat_marks_find(&nf_chatml_marks, r->t, r->id));
  NF_TRY(nf_chat_thinks(chat->thinking, chat->think, &thinks));
  if (chat->thinking != NF_THINKING_NEVER && r->id[NF_CHATML_THINK_END] < 0)
    return nf_error(NF_BAD_INPUT, "the chat template thinks, but the tokenizer has no token </think>");
  NF_TRY(put_system(r, chat), "system message");
  const size_t query = last_query(chat);
  for (size_t at = begins_with_system(chat); at < chat->n;) {
    const size_t message = at;
    NF_TRY(put_next(r, chat, query, &at), "message %zu", message);
  }
  if (chat->answer) NF_TRY(put_answer(r, chat, thinks));
  return nf_say_flush(r, (nf_view){0});
}

static nf_status render(const nf_tokenizer *t, const nf_chat *chat, nf_ids *out) {
  return nf_render(&nf_chatml_marks, put_chat, t, chat, out);
}

#define END "\xf6"
#define TEXT(s) \
  { (s), sizeof(s) - 1 }
_Static_assert(NF_MARK_BYTE + NF_CHATML_END == 0xf6, "the mark as it is spelled above");

#define ANSWER                                                                                    \
  .think = TEXT(THINK), .thought = TEXT(THINK_END "\n\n"), .say = TEXT(""), .answered = TEXT(""), \
  .between = TEXT("\n"), .end = TEXT(END)

const nf_chat_format nf_chatml = {
    .name = "chatml",
    .by_template = true,
    .marks = &nf_chatml_marks,
    .form = {ANSWER, .call = TEXT(CALL "\n{\"name\": \""), .arguments = TEXT("\", \"arguments\": "),
             .called = TEXT("}\n" CALL_END), .quotes = true},
    .functions = {ANSWER, .call = TEXT(CALL "\n<function="), .arguments = TEXT(">\n"),
                  .called = TEXT("</function>\n" CALL_END), .parameters = true},
    .declare = declare,
    .render = render,
    .reader_create = nf_chatml_reader_create,
    .read = nf_chat_read,
    .next = nf_chatml_next,
    .finish = nf_chat_finish,
    .reader_destroy = nf_chat_reader_destroy,
};
