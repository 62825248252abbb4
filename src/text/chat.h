// SPDX-License-Identifier: Apache-2.0
// Chat formats: how a conversation becomes ids, and how the ids of an answer become messages again.
//
// A format is a row of function pointers over one tokenizer, so that clients name no format.
#pragma once
#include "base/json.h"
#include "text/tokenizer.h"

typedef enum nf_chat_role {
  NF_ROLE_SYSTEM, // instructions of the one who runs the model
  NF_ROLE_USER,
  NF_ROLE_ASSISTANT,
  NF_ROLE_TOOL,      // what a tool answered
  NF_ROLE_DEVELOPER, // instructions too: no format tells the two apart
} nf_chat_role;

// A call of a function, as OpenAI's API has it.
typedef struct nf_chat_call {
  nf_view id;        // by which a result names its call; may be empty
  nf_view name;      // of the function; the format puts its own prefix before it (harmony: "functions.")
  nf_view arguments; // JSON, kept as it is spelled; empty: {}
} nf_chat_call;

// One message. Views may be empty, and NUL in them is text; all is borrowed for the call.
//
// A turn of the assistant is given in one of two forms, which may be mixed within a conversation:
// - as readers tell it, one message for each channel: thoughts ("analysis"), what was said, each call (with a
//   recipient and the arguments as content), in this order;
// - whole, as OpenAI's API has it: thoughts, content and calls in one message. Content beside calls goes to
//   harmony's channel "commentary" if no channel is given.
//
// The result of a tool belongs to the call that has its call_id, else to the last call of its name, else
// (without either) to the call in the same place: the second result behind two calls is the second one's.
// From the call it has its name and channel where it brings none. A result without a call and a name is by
// "tool".
typedef struct nf_chat_message {
  nf_chat_role role;
  nf_view
      name; // of a tool, in full where the call is not given (harmony: "functions.f"), or of a participant
  nf_view channel;      // of the assistant: "analysis", "commentary", "final"; empty: "final"
  nf_view recipient;    // a tool that the assistant calls, by the name that the format gives it
  nf_view content_type; // of a call: "json"
  nf_view content;
  nf_view call_id;           // of a tool's result, or of a message with a recipient: see nf_chat_call.id
  nf_view thoughts;          // of a whole turn; .at NULL: not told, so that they may stand in content
  const nf_chat_call *calls; // of a whole turn
  size_t n_calls;
} nf_chat_message;

// Whether a model thinks before it answers: what its chat template makes of it, and what is wanted.
typedef enum nf_thinking {
  NF_THINKING_NEVER,
  NF_THINKING_ALWAYS,
  NF_THINKING_HYBRID, // unless told not to; it begins the thought itself
  NF_THINKING_OPENED, // the same, but the prompt begins it
  NF_THINKING_ASKED,  // the same, but only if told to
} nf_thinking;
typedef enum nf_think { NF_THINK_DEFAULT, NF_THINK_ON, NF_THINK_OFF } nf_think;
// NF_USAGE: the wish can't be had of this model.
nf_status nf_chat_thinks(nf_thinking kind, nf_think wish, bool *out);
bool nf_chat_opens_thought(nf_thinking kind); // where the model thinks the prompt has begun the thought

// How calls are written, and what is said of tools: as the chat templates of these models have it.
typedef enum nf_tool_form {
  NF_TOOLS_QWEN3,       // calls and declarations are JSON
  NF_TOOLS_CODER,       // Qwen3-Coder: calls are functions with parameters, and so are declarations
  NF_TOOLS_CODER_FIRST, // the same of its first release: without a heading, and lists as Python has them
  NF_TOOLS_QWEN35,      // Qwen3.5: calls are functions with parameters, declarations JSON, in front of
                        // instructions
  NF_TOOLS_QWEN36, // the same of Qwen3.6: parameters that are no text are JSON, also true, false and null
} nf_tool_form;

typedef struct nf_chat {
  const nf_chat_message *message;
  size_t n;
  // Formats without a place for effort or date leave them out.
  nf_view effort; // reasoning effort "low", "medium" or "high"; empty: "medium"
  nf_view date;   // today, "2025-06-28"; empty: the prompt says nothing about it
  // Declarations of function tools in the format's own language (harmony: TypeScript; chatml: JSON, one line
  // each, or tags); empty: no tools.
  nf_view functions;
  nf_view tools; // the same as OpenAI's API has them, JSON, for readers that need their parameters' types
  bool answer;   // end with the start of the assistant's answer
  nf_thinking thinking; // of the model, for formats that go by its template, as is
  nf_tool_form form;
  nf_think think;
} nf_chat;

// What comes out of an answer. HEADER starts a message, TEXT adds to it, END closes it; always in this order.
typedef enum nf_chat_event_kind { NF_CHAT_HEADER, NF_CHAT_TEXT, NF_CHAT_END } nf_chat_event_kind;
typedef enum nf_chat_end {
  NF_END_MESSAGE, // another message may follow
  NF_END_CALL,    // the assistant waits for a tool
  NF_END_ANSWER,  // the answer is complete
  NF_END_CUT,     // the message was not closed
} nf_chat_end;
typedef struct nf_chat_event {
  nf_chat_event_kind kind;
  nf_view role, name, channel, recipient,
      content_type; // of the message, in every event; valid during the call
  bool constrained; // content_type was promised by a special token
  nf_view text;     // TEXT: whole characters, valid UTF-8
  nf_chat_end end;  // END
  nf_view header;   // HEADER: all that was read before the message's text, marks spelled; empty: nothing
  bool odd;         // END: the message was not as the format wants it, and was read by guessing
} nf_chat_event;
typedef nf_status (*nf_chat_sink)(void *user, const nf_chat_event *event);

// Where an answer is that has been read so far: what the next ids are.
typedef enum nf_chat_place {
  NF_PLACE_OTHER,      // thoughts, calls, headers
  NF_PLACE_TEXT,       // of the answer itself, the message "final"
  NF_PLACE_START,      // that text begins, unless a mark comes
  NF_PLACE_START_OVER, // the same; newlines in front of it are not part of it
} nf_chat_place;
typedef struct nf_chat_next {
  nf_chat_place place;
  int32_t think, call; // marks that may come where the text begins; -1: none
  int32_t must;        // of a header that says "final": the mark behind which that text begins, as text in
                       // front of it would be read as the message's; -1: none
} nf_chat_next;

// What a whole answer consists of, as the model writes it, for constraints on it. Byte NF_MARK_BYTE + i is
// the format's mark i; no UTF-8 has such bytes.
enum { NF_MARK_BYTE = 0xf5, NF_MARKS_MAX = 9 };
typedef struct nf_answer_form {
  nf_view think, thought; // before and behind a thought
  bool thinks_again;      // there may be several
  nf_view aside, said;    // around text in front of a call that is a message of its own; .at NULL: none is
  nf_view say, answered;  // around the answer
  nf_view call, arguments, called; // before a function's name, between it and the arguments, behind these
  bool quotes;                     // the name stands in a JSON string
  bool parameters;                 // the arguments are a function's parameters, else JSON
  nf_view between;                 // a call and what follows; .at NULL: nothing does
  nf_view end;                     // of all
} nf_answer_form;

typedef struct nf_chat_reader nf_chat_reader;
typedef struct nf_chat_marks nf_chat_marks;

typedef struct nf_chat_format {
  const char *name;
  bool has_effort;                // a conversation says how much the model is to reason
  bool by_template;               // .thinking is what the checkpoint's template says; else always
  const nf_chat_marks *marks;     // its special tokens
  nf_answer_form form, functions; // where calls are JSON, and where they are functions with parameters
  // Appends the text for nf_chat.functions of tools as OpenAI's API has them: a JSON array of {"type":
  // "function", "function": {"name", "description", "parameters": a JSON schema}}, at most 4 MiB; of an empty
  // array nothing. Harmony: as the openai-harmony library writes them; chatml: as the models' templates do
  // under transformers, in this form. NF_BAD_INPUT: it is no such array; what out then holds is undefined.
  nf_status (*declare)(nf_tool_form form, nf_view tools, nf_text *out);
  // Appends; out is kept on failure. NF_BAD_INPUT: a text of a message is no UTF-8.
  nf_status (*render)(const nf_tokenizer *t, const nf_chat *chat, nf_ids *out);
  // A reader that starts where render of this chat with .answer ended. Nothing is kept of the chat; the
  // tokenizer must outlive the reader. Thread-compatible. NF_BAD_INPUT: .tools are none.
  nf_status (*reader_create)(const nf_tokenizer *t, const nf_chat *chat, nf_chat_reader **out);
  nf_status (*read)(nf_chat_reader *r, int32_t id, nf_chat_sink sink,
                    void *user); // an error of the sink is passed on
  nf_chat_next (*next)(const nf_chat_reader *r);
  nf_status (*finish)(nf_chat_reader *r, nf_chat_sink sink,
                      void *user);           // no more ids: closes an open message
  void (*reader_destroy)(nf_chat_reader *r); // NULL is fine
} nf_chat_format;

extern const nf_chat_format nf_harmony, nf_chatml;
// The format of this name; NULL: unknown, or no name.
const nf_chat_format *nf_chat_format_of(const char *name);
// Whether the tokenizer has the format's special tokens; else an error that names the first missing one.
nf_status nf_chat_check(const nf_chat_format *f, const nf_tokenizer *t);
bool nf_chat_is_stop(const nf_chat_format *f, const nf_tokenizer *t, int32_t id); // it ends the answer
// Of answers whose calls have this form.
const nf_answer_form *nf_chat_form(const nf_chat_format *f, nf_tool_form form);
// The ids of the format's marks, -1 of those that are no tokens. NF_BAD_INPUT: one of the form is not.
nf_status nf_chat_form_marks(const nf_chat_format *f, const nf_answer_form *form, const nf_tokenizer *t,
                             int32_t id[NF_MARKS_MAX]);

// ---- what a checkpoint's chat template says of thinking and of tools ----
//
// Templates are programs; this only looks for the words by which the kinds differ, and renders nothing.

typedef struct nf_chat_template {
  nf_thinking thinking;
  nf_tool_form form;
} nf_chat_template;

// With a switch enable_thinking: opened or asked if its generation prompt has a thought that does not end
// there, else hybrid. Without: always if that prompt ends inside a thought, else never.
nf_thinking nf_chat_template_thinking(nf_view text);
// Calls are functions with parameters: it writes "<function="; declarations have tags: it writes
// "<parameters>".
nf_tool_form nf_chat_template_form(nf_view text);
// The template in a tokenizer_config.json or chat_template.json: a string, or of a list the one that is named
// "default". Lives as long as the document; empty when there is none.
nf_status nf_chat_template_in(const nf_json *doc, nf_view *out);
// From chat_template.jinja, else tokenizer_config.json, else chat_template.json of a checkpoint's folder. If
// none has a template: hybrid when the tokenizer knows <think>, else never, and calls are JSON. A broken file
// is NF_BAD_INPUT.
nf_status nf_chat_template_load(const char *dir, const nf_tokenizer *t, nf_chat_template *out);
