// SPDX-License-Identifier: Apache-2.0
// Harmony, the chat format of GPT-OSS: a conversation as ids. Everything that a message holds is encoded as
// ordinary text, so nobody can write a special token into a prompt.
#include "base/keys.h"
#include "text/chat_format.h"
#include <string.h>

const nf_chat_marks nf_harmony_marks = {
    .format = "harmony",
    .spelling = {"<|start|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|end|>", "<|call|>",
                 "<|return|>", "<|endoftext|>"},
    .n = NF_HARMONY_MARKS,
    .needed = NF_HARMONY_RETURN + 1,
    .stops = 1 << NF_HARMONY_CALL | 1 << NF_HARMONY_RETURN | 1 << NF_HARMONY_END_OF_TEXT};

static nf_status begin_plain_message(nf_rendering *r, nf_view role) {
  NF_TRY(nf_say_mark(r, NF_HARMONY_START));
  nf_say(r, role);
  return nf_say_mark(r, NF_HARMONY_MESSAGE);
}

static nf_status put_system(nf_rendering *r, const nf_chat *chat) {
  const nf_view effort = chat->effort.n ? chat->effort : NF_VIEW("medium");
  if (!nf_has_word("low medium high", effort))
    return nf_error(NF_USAGE, "reasoning effort \"%.*s\": expected low, medium or high", (int)effort.n,
                    effort.at);
  NF_TRY(begin_plain_message(r, NF_VIEW("system")));
  nf_say(r, NF_VIEW("You are ChatGPT, a large language model trained by OpenAI.\n"
                    "Knowledge cutoff: 2024-06\n"));
  if (chat->date.n) nf_text_printf(&r->span, "Current date: %.*s\n", (int)chat->date.n, chat->date.at);
  nf_text_printf(&r->span, "\nReasoning: %.*s\n\n", (int)effort.n, effort.at);
  nf_say(r, NF_VIEW("# Valid channels: analysis, commentary, final. Channel must be included for every "
                    "message."));
  if (chat->functions.n)
    nf_say(r, NF_VIEW("\nCalls to these tools must go to the commentary channel: 'functions'."));
  return nf_say_mark(r, NF_HARMONY_END);
}

// The instructions of the one who runs the model, all in one developer message, with the tools.
static nf_status put_developer(nf_rendering *r, const nf_chat *chat) {
  bool instructed = false;
  for (size_t i = 0; i < chat->n; i++) {
    if (!nf_chat_instructs(&chat->message[i])) continue;
    if (!instructed) NF_TRY(begin_plain_message(r, NF_VIEW("developer")));
    nf_say(r, instructed ? NF_VIEW("\n\n") : NF_VIEW("# Instructions\n\n"));
    nf_say(r, chat->message[i].content);
    instructed = true;
  }
  if (!instructed && !chat->functions.n) return nf_ok();
  if (!instructed) NF_TRY(begin_plain_message(r, NF_VIEW("developer")));
  if (chat->functions.n) {
    if (instructed) nf_say(r, NF_VIEW("\n\n"));
    nf_say(r, NF_VIEW("# Tools\n\n## functions\n\nnamespace functions {\n\n"));
    nf_say(r, chat->functions);
    nf_say(r, NF_VIEW("\n\n} // namespace functions"));
  }
  return nf_say_mark(r, NF_HARMONY_END);
}

// A text and what stands before it are merged as one.
static nf_status put_joined(nf_rendering *r, nf_view before, nf_view text) {
  nf_say(r, before);
  return nf_say_flush(r, text);
}

static nf_status put_role(nf_rendering *r, const nf_chat_message *m) {
  NF_TRY(nf_say_flush(r, m->role == NF_ROLE_USER ? NF_VIEW("user") : NF_VIEW("assistant")));
  return m->name.n ? put_joined(r, NF_VIEW(":"), m->name) : nf_ok();
}

static nf_status put_content_type(nf_rendering *r, const nf_chat_message *m) {
  static const char mark[] = "<|constrain|>";
  const size_t n = sizeof mark - 1;
  if (m->content_type.n == 0) return nf_ok();
  if (m->content_type.n < n || !nf_view_equal((nf_view){m->content_type.at, n}, NF_VIEW(mark)))
    return put_joined(r, NF_VIEW(" "), m->content_type);
  NF_TRY(nf_say_flush(r, NF_VIEW(" ")));
  NF_TRY(nf_say_mark(r, NF_HARMONY_CONSTRAIN));
  return nf_say_flush(r, (nf_view){m->content_type.at + n, m->content_type.n - n});
}

static nf_view channel_of(const nf_chat_message *m) {
  if (m->role == NF_ROLE_USER || m->channel.n) return m->channel;
  const bool calls = m->role == NF_ROLE_TOOL || m->recipient.n || m->n_calls;
  return calls ? NF_VIEW("commentary") : NF_VIEW("final");
}

// `tools`: what stands before the name of a tool that answers or is called, "functions.".
static nf_status put_message(nf_rendering *r, const nf_chat_message *m, nf_view tools) {
  const nf_view channel = channel_of(m);
  const bool answers = m->role == NF_ROLE_TOOL, calls = !answers && (tools.n || m->recipient.n);
  NF_TRY(nf_say_mark(r, NF_HARMONY_START));
  NF_TRY(answers ? put_joined(r, tools, m->name) : put_role(r, m));
  if (answers || calls) nf_say(r, NF_VIEW(" to="));
  if (calls) nf_say(r, tools);
  NF_TRY(nf_say_flush(r, answers && !m->recipient.n ? NF_VIEW("assistant") : m->recipient));
  if (channel.n) {
    NF_TRY(nf_say_mark(r, NF_HARMONY_CHANNEL));
    NF_TRY(nf_say_flush(r, channel));
  }
  NF_TRY(put_content_type(r, m));
  NF_TRY(nf_say_mark(r, NF_HARMONY_MESSAGE));
  NF_TRY(nf_say_flush(r, m->content));
  return nf_say_mark(r, m->role == NF_ROLE_ASSISTANT && calls ? NF_HARMONY_CALL : NF_HARMONY_END);
}

// ---- whole turns ----

static bool says(const nf_chat_message *m) { return m->content.n || (!m->thoughts.n && !m->n_calls); }

static nf_status put_call(nf_rendering *r, const nf_chat_call *call) {
  const nf_chat_message m = {.role = NF_ROLE_ASSISTANT,
                             .channel = NF_VIEW("commentary"),
                             .recipient = call->name,
                             .content_type = NF_VIEW("<|constrain|>json"),
                             .content = call->arguments.n ? call->arguments : NF_VIEW("{}")};
  return put_message(r, &m, NF_VIEW("functions."));
}

static nf_status put_turn(nf_rendering *r, const nf_chat_message *m, bool thoughts) {
  nf_chat_message part = {.role = m->role, .name = m->name};
  if (thoughts && m->thoughts.n) {
    part.channel = NF_VIEW("analysis");
    part.content = m->thoughts;
    NF_TRY(put_message(r, &part, (nf_view){0}));
  }
  if (says(m)) {
    part = *m;
    part.channel = channel_of(m);
    NF_TRY(put_message(r, &part, (nf_view){0}));
  }
  for (size_t i = 0; i < m->n_calls; i++) NF_TRY(put_call(r, &m->calls[i]), "call %zu", i);
  return nf_ok();
}

// ---- which call a tool's result answers: harmony writes the tool's name where others write a role ----

typedef struct answered {
  nf_view prefix, name; // of the tool; name empty: no call is known
  nf_view channel;
} answered;

// A message holds calls: itself, if it has a recipient, and those of a whole turn.

static bool has_calls(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && (m->recipient.n || m->n_calls);
}
static size_t count_calls(const nf_chat_message *m) { return m->n_calls + (m->recipient.n != 0); }

static answered call_at(const nf_chat_message *m, size_t k, nf_view *id) {
  if (k < m->n_calls) {
    *id = m->calls[k].id;
    return (answered){NF_VIEW("functions."), m->calls[k].name, NF_VIEW("commentary")};
  }
  *id = m->call_id;
  return (answered){.name = m->recipient, .channel = m->channel};
}

// "functions.f" and "f" are names of the same function.
static bool is_called(const answered *call, nf_view name) {
  if (nf_view_equal(call->name, name)) return true;
  const size_t n = call->prefix.n;
  return n && name.n > n && memcmp(name.at, call->prefix.at, n) == 0 &&
         nf_view_equal(call->name, (nf_view){name.at + n, name.n - n});
}

// The last call with this id, or else of this name.
static answered call_named(const nf_chat *chat, size_t end, nf_view id, nf_view name) {
  for (size_t i = end; i-- > 0;) {
    const nf_chat_message *m = &chat->message[i];
    for (size_t k = has_calls(m) ? count_calls(m) : 0; k-- > 0;) {
      nf_view own;
      const answered call = call_at(m, k, &own);
      if (id.n ? nf_view_equal(own, id) : is_called(&call, name)) return call;
    }
  }
  return (answered){0};
}

// The place-th of the calls that end in front of message `end`, or their last.
static answered call_in_place(const nf_chat *chat, size_t end, size_t place) {
  answered call = {0};
  size_t begin = end, seen = 0;
  while (begin > 0 && has_calls(&chat->message[begin - 1])) begin--;
  for (size_t i = begin; i < end; i++)
    for (size_t k = 0; k < count_calls(&chat->message[i]) && seen <= place; k++, seen++) {
      nf_view id;
      call = call_at(&chat->message[i], k, &id);
    }
  return call;
}

static answered answered_by(const nf_chat *chat, size_t i) {
  const nf_chat_message *m = &chat->message[i];
  answered call = {0};
  if (m->call_id.n) call = call_named(chat, i, m->call_id, m->name);
  if (!call.name.n && m->name.n) call = call_named(chat, i, (nf_view){0}, m->name);
  if (call.name.n || m->name.n) return call;
  size_t first = i;
  while (first > 0 && chat->message[first - 1].role == NF_ROLE_TOOL) first--;
  return call_in_place(chat, first, i - first);
}

// A result by its tool, in the channel of its call.
static nf_status put_result(nf_rendering *r, const nf_chat *chat, size_t i, bool thoughts) {
  const answered call = answered_by(chat, i);
  nf_chat_message m = chat->message[i];
  if (!m.channel.n) m.channel = call.channel;
  if (!m.name.n || call.name.n) m.name = call.name.n ? call.name : NF_VIEW("tool");
  const bool spent = !thoughts && nf_view_equal(m.channel, NF_VIEW("analysis"));
  return spent ? nf_ok() : put_message(r, &m, call.prefix);
}

// ---- all ----

// Behind the last final answer. Thoughts that led to an answer which is given already are dropped, with the
// results of tools among them; those of a turn that still runs are kept.
static size_t end_of_answers(const nf_chat *chat) {
  for (size_t i = chat->n; i > 0; i--) {
    const nf_chat_message *m = &chat->message[i - 1];
    if (m->role == NF_ROLE_ASSISTANT && says(m) && nf_view_equal(channel_of(m), NF_VIEW("final"))) return i;
  }
  return 0;
}

static nf_status put_next(nf_rendering *r, const nf_chat *chat, size_t i, bool thoughts) {
  const nf_chat_message *m = &chat->message[i];
  if (nf_chat_instructs(m)) return nf_ok(); // said already
  if (m->role == NF_ROLE_USER) return put_message(r, m, (nf_view){0});
  if (m->role == NF_ROLE_TOOL) return put_result(r, chat, i, thoughts);
  const bool spent = !thoughts && nf_view_equal(m->channel, NF_VIEW("analysis"));
  return spent ? nf_ok() : put_turn(r, m, thoughts);
}

static nf_status put_chat(nf_rendering *r, const nf_chat *chat) {
  bool thinks; // how much is a matter of effort
  NF_TRY(nf_chat_thinks(NF_THINKING_ALWAYS, chat->think, &thinks));
  NF_TRY(nf_chat_marks_find(&nf_harmony_marks, r->t, r->id));
  NF_TRY(put_system(r, chat));
  NF_TRY(put_developer(r, chat));
  const size_t answered = end_of_answers(chat);
  for (size_t i = 0; i < chat->n; i++) NF_TRY(put_next(r, chat, i, i >= answered), "message %zu", i);
  if (!chat->answer) return nf_ok();
  NF_TRY(nf_say_mark(r, NF_HARMONY_START));
  return nf_say_flush(r, NF_VIEW("assistant"));
}

static nf_status render(const nf_tokenizer *t, const nf_chat *chat, nf_ids *out) {
  return nf_render(&nf_harmony_marks, put_chat, t, chat, out);
}

#define START "\xf5"
#define MESSAGE "\xf6"
#define CHANNEL "\xf7"
#define CONSTRAIN "\xf8"
#define END "\xf9"
#define CALL "\xfa"
#define RETURN "\xfb"
#define TEXT(s) \
  { (s), sizeof(s) - 1 }
_Static_assert(NF_MARK_BYTE + NF_HARMONY_START == 0xf5 && NF_MARK_BYTE + NF_HARMONY_RETURN == 0xfb,
               "marks as they are spelled above");

const nf_chat_format nf_harmony = {
    .name = "harmony",
    .has_effort = true,
    .marks = &nf_harmony_marks,
    .form = {.think = TEXT(CHANNEL "analysis" MESSAGE),
             .thought = TEXT(END START "assistant"),
             .thinks_again = true,
             .aside = TEXT(CHANNEL "commentary" MESSAGE),
             .said = TEXT(END START "assistant"),
             .say = TEXT(CHANNEL "final" MESSAGE),
             .answered = TEXT(RETURN),
             .call = TEXT(CHANNEL "commentary to=functions."),
             .arguments = TEXT(" " CONSTRAIN "json" MESSAGE),
             .called = TEXT(CALL)},
    .declare = nf_harmony_declare,
    .render = render,
    .reader_create = nf_harmony_reader_create,
    .read = nf_chat_read,
    .next = nf_harmony_next,
    .finish = nf_chat_finish,
    .reader_destroy = nf_chat_reader_destroy,
};
