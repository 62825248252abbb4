// SPDX-License-Identifier: Apache-2.0
// Harmony, the chat format of GPT-OSS: a conversation as ids. Everything that a message holds is encoded as
// ordinary text, so nobody can write a special token into a prompt.
#include "text/harmony.h"

nf_status nf_harmony_find(const nf_tokenizer *t, nf_harmony_ids *out) {
  static const char *const names[NF_HARMONY_MARKS] = {
      "<|start|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>"};
  for (int i = 0; i < NF_HARMONY_MARKS; i++)
    if (!nf_token_id(t, nf_view_of(names[i]), &out->mark[i]) || !nf_token_is_special(t, out->mark[i]))
      return nf_error(NF_BAD_INPUT, "the tokenizer has no special token %s, which the harmony format needs",
                      names[i]);
  if (!nf_token_id(t, NF_VIEW("<|endoftext|>"), &out->end_of_text)) out->end_of_text = -1;
  return nf_ok();
}

typedef struct rendering {
  const nf_tokenizer *t;
  nf_harmony_ids ids;
  nf_ids *out;
} rendering;

static nf_status put_mark(rendering *r, nf_harmony_mark mark) {
  return nf_ids_push(r->out, r->ids.mark[mark]);
}
static nf_status put_text(rendering *r, nf_view text) {
  return nf_encode(r->t, text, NF_ENCODE_PLAIN, r->out);
}

// A prefix and a text are merged as one.
static nf_status put_joined(rendering *r, const char *prefix, nf_view text) {
  nf_text joined = {0};
  nf_text_printf(&joined, "%s", prefix);
  nf_text_append(&joined, text.at, text.n);
  nf_status st = nf_text_status(&joined);
  if (nf_is_ok(st)) st = put_text(r, (nf_view){joined.at, joined.n});
  nf_text_deinit(&joined);
  return st;
}

static nf_status put_plain_message(rendering *r, const char *role, const nf_text *content) {
  NF_TRY(nf_text_status(content));
  NF_TRY(put_mark(r, NF_HARMONY_START));
  NF_TRY(put_text(r, nf_view_of(role)));
  NF_TRY(put_mark(r, NF_HARMONY_MESSAGE));
  NF_TRY(put_text(r, (nf_view){content->at, content->n}));
  return put_mark(r, NF_HARMONY_END);
}

static nf_status put_system(rendering *r, const nf_chat *chat) {
  nf_view effort = chat->effort.n ? chat->effort : NF_VIEW("medium");
  if (!nf_view_equal(effort, NF_VIEW("low")) && !nf_view_equal(effort, NF_VIEW("medium")) &&
      !nf_view_equal(effort, NF_VIEW("high")))
    return nf_error(NF_USAGE, "reasoning effort \"%.*s\": expected low, medium or high", (int)effort.n,
                    effort.at);
  nf_text s = {0};
  nf_text_printf(&s,
                 "You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n");
  if (chat->date.n) nf_text_printf(&s, "Current date: %.*s\n", (int)chat->date.n, chat->date.at);
  nf_text_printf(&s, "\nReasoning: %.*s\n\n", (int)effort.n, effort.at);
  nf_text_printf(
      &s, "# Valid channels: analysis, commentary, final. Channel must be included for every message.");
  if (chat->functions.n)
    nf_text_printf(&s, "\nCalls to these tools must go to the commentary channel: 'functions'.");
  nf_status st = put_plain_message(r, "system", &s);
  nf_text_deinit(&s);
  return st;
}

static bool instructs(const nf_chat_message *m) {
  return m->role == NF_ROLE_SYSTEM || m->role == NF_ROLE_DEVELOPER;
}

// The instructions of the one who runs the model, all in one developer message, with the tools.
static nf_status put_developer(rendering *r, const nf_chat *chat) {
  nf_text s = {0};
  for (size_t i = 0; i < chat->n; i++) {
    if (!instructs(&chat->message[i])) continue;
    nf_text_printf(&s, s.n ? "\n\n" : "# Instructions\n\n");
    nf_text_append(&s, chat->message[i].content.at, chat->message[i].content.n);
  }
  if (chat->functions.n) {
    nf_text_printf(&s, "%s# Tools\n\n## functions\n\nnamespace functions {\n\n", s.n ? "\n\n" : "");
    nf_text_append(&s, chat->functions.at, chat->functions.n);
    nf_text_printf(&s, "\n\n} // namespace functions");
  }
  nf_status st = s.n || s.failed ? put_plain_message(r, "developer", &s) : nf_ok();
  nf_text_deinit(&s);
  return st;
}

static nf_status put_role(rendering *r, const nf_chat_message *m) {
  if (m->role == NF_ROLE_TOOL) return put_text(r, m->name);
  NF_TRY(put_text(r, m->role == NF_ROLE_USER ? NF_VIEW("user") : NF_VIEW("assistant")));
  return m->name.n ? put_joined(r, ":", m->name) : nf_ok();
}

static nf_status put_content_type(rendering *r, const nf_chat_message *m) {
  static const char mark[] = "<|constrain|>";
  const size_t n = sizeof mark - 1;
  if (m->content_type.n == 0) return nf_ok();
  if (m->content_type.n < n || !nf_view_equal((nf_view){m->content_type.at, n}, NF_VIEW(mark)))
    return put_joined(r, " ", m->content_type);
  NF_TRY(put_text(r, NF_VIEW(" ")));
  NF_TRY(put_mark(r, NF_HARMONY_CONSTRAIN));
  return put_text(r, (nf_view){m->content_type.at + n, m->content_type.n - n});
}

static nf_view channel_of(const nf_chat_message *m) {
  if (m->role == NF_ROLE_USER || m->channel.n) return m->channel;
  const bool calls = m->role == NF_ROLE_TOOL || m->recipient.n || m->n_calls;
  return calls ? NF_VIEW("commentary") : NF_VIEW("final");
}

static nf_status put_message(rendering *r, const nf_chat_message *m) {
  nf_view channel = channel_of(m), recipient = m->recipient;
  if (m->role == NF_ROLE_TOOL && recipient.n == 0) recipient = NF_VIEW("assistant");
  NF_TRY(put_mark(r, NF_HARMONY_START));
  NF_TRY(put_role(r, m));
  if (recipient.n) NF_TRY(put_joined(r, " to=", recipient));
  if (channel.n) {
    NF_TRY(put_mark(r, NF_HARMONY_CHANNEL));
    NF_TRY(put_text(r, channel));
  }
  NF_TRY(put_content_type(r, m));
  NF_TRY(put_mark(r, NF_HARMONY_MESSAGE));
  NF_TRY(put_text(r, m->content));
  return put_mark(r, m->role == NF_ROLE_ASSISTANT && recipient.n ? NF_HARMONY_CALL : NF_HARMONY_END);
}

// ---- whole turns, and results by the call that they answer ----

static bool says(const nf_chat_message *m) { return m->content.n || (!m->thoughts.n && !m->n_calls); }

static nf_status put_call(rendering *r, const nf_chat_call *call) {
  nf_text to = {0};
  nf_text_printf(&to, "functions.");
  nf_text_append(&to, call->name.at, call->name.n);
  nf_status st = nf_text_status(&to);
  if (nf_is_ok(st))
    st = put_message(r, &(nf_chat_message){.role = NF_ROLE_ASSISTANT,
                                           .recipient = {to.at, to.n},
                                           .content_type = NF_VIEW("<|constrain|>json"),
                                           .content = call->arguments.n ? call->arguments : NF_VIEW("{}")});
  nf_text_deinit(&to);
  return st;
}

static nf_status put_turn(rendering *r, const nf_chat_message *m, bool thoughts) {
  nf_chat_message part = {.role = m->role, .name = m->name};
  if (thoughts && m->thoughts.n) {
    part.channel = NF_VIEW("analysis");
    part.content = m->thoughts;
    NF_TRY(put_message(r, &part));
  }
  if (says(m)) {
    part = *m;
    part.channel = channel_of(m);
    NF_TRY(put_message(r, &part));
  }
  for (size_t i = 0; i < m->n_calls; i++) NF_TRY(put_call(r, &m->calls[i]), "call %zu", i);
  return nf_ok();
}

// A result by its tool, in the channel of its call.
typedef struct result {
  nf_chat_message message;
  nf_text name;
} result;

static nf_status result_at(const nf_chat *chat, size_t i, result *out) {
  const nf_harmony_answered call = nf_harmony_answered_by(chat, i);
  const nf_chat_message *m = &chat->message[i];
  const nf_view name = call.name.n ? call.name : m->name.n ? m->name : NF_VIEW("tool");
  *out = (result){.message = *m};
  nf_text_append(&out->name, call.prefix.at, call.prefix.n);
  nf_text_append(&out->name, name.at, name.n);
  out->message.name = (nf_view){out->name.at, out->name.n};
  if (!m->channel.n) out->message.channel = call.channel;
  return nf_text_status(&out->name);
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

static nf_status put_next(rendering *r, const nf_chat *chat, size_t i, bool thoughts) {
  const nf_chat_message *m = &chat->message[i];
  if (instructs(m)) return nf_ok(); // said already
  if (m->role == NF_ROLE_USER) return put_message(r, m);
  if (m->role == NF_ROLE_ASSISTANT) {
    const bool spent = !thoughts && nf_view_equal(m->channel, NF_VIEW("analysis"));
    return spent ? nf_ok() : put_turn(r, m, thoughts);
  }
  result answer;
  nf_status st = result_at(chat, i, &answer);
  if (nf_is_ok(st) && (thoughts || !nf_view_equal(answer.message.channel, NF_VIEW("analysis"))))
    st = put_message(r, &answer.message);
  nf_text_deinit(&answer.name);
  return st;
}

static nf_status put_chat(rendering *r, const nf_chat *chat) {
  bool thinks; // how much is a matter of effort
  NF_TRY(nf_chat_thinks(NF_THINKING_ALWAYS, chat->think, &thinks));
  NF_TRY(nf_harmony_find(r->t, &r->ids));
  NF_TRY(put_system(r, chat));
  NF_TRY(put_developer(r, chat));
  const size_t answered = end_of_answers(chat);
  for (size_t i = 0; i < chat->n; i++) NF_TRY(put_next(r, chat, i, i >= answered), "message %zu", i);
  if (!chat->answer) return nf_ok();
  NF_TRY(put_mark(r, NF_HARMONY_START));
  return put_text(r, NF_VIEW("assistant"));
}

nf_status nf_harmony_render(const nf_tokenizer *t, const nf_chat *chat, nf_ids *out) {
  rendering r = {.t = t, .out = out};
  size_t before = out->n;
  nf_status st = put_chat(&r, chat);
  if (!nf_is_ok(st)) out->n = before;
  return st;
}

static nf_status check(const nf_tokenizer *t) {
  nf_harmony_ids ids;
  return nf_harmony_find(t, &ids);
}

static bool is_stop(const nf_tokenizer *t, int32_t id) {
  nf_harmony_ids ids;
  nf_status st = nf_harmony_find(t, &ids);
  bool known = nf_is_ok(st);
  nf_status_free(st);
  return known && id >= 0 &&
         (id == ids.mark[NF_HARMONY_RETURN] || id == ids.mark[NF_HARMONY_CALL] || id == ids.end_of_text);
}

const nf_chat_format nf_harmony = {
    .name = "harmony",
    .has_effort = true,
    .check = check,
    .declare = nf_harmony_declare,
    .render = nf_harmony_render,
    .reader_create = nf_harmony_reader_create,
    .read = nf_harmony_read,
    .finish = nf_harmony_finish,
    .reader_destroy = nf_harmony_reader_destroy,
    .is_stop = is_stop,
};
