// SPDX-License-Identifier: Apache-2.0
// Conversations: public messages become those of a chat format, and their ids what the session holds.
#include "base/memory.h"
#include "engine/engine.h"
#include <string.h>

const char *infuse_model_chat_format(const infuse_model *m) {
  return m != NULL && m->chat != NULL ? m->chat->name : NULL;
}

// The caller's messages, of its size of the struct, and what they become.
typedef struct conversation {
  const char *at;
  size_t n, size;
  nf_chat_message *message; // [n]
  nf_arena calls;
} conversation;

static nf_status role_of(const char *name, nf_chat_role *out) {
  static const char *const names[] = {[NF_ROLE_SYSTEM] = "system",
                                      [NF_ROLE_USER] = "user",
                                      [NF_ROLE_ASSISTANT] = "assistant",
                                      [NF_ROLE_TOOL] = "tool",
                                      [NF_ROLE_DEVELOPER] = "developer"};
  for (size_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) return *out = (nf_chat_role)i, nf_ok();
  return nf_error(NF_USAGE, "role '%s' is not known; there are system, developer, user, assistant and tool",
                  name != NULL ? name : "NULL");
}

static nf_status convert_calls(conversation *c, const infuse_message *m, nf_chat_message *out) {
  if (m->n_calls == 0) return nf_ok();
  if (m->calls == NULL) return nf_error(NF_USAGE, "n_calls is %zu, but calls is NULL", m->n_calls);
  nf_chat_call *calls = nf_arena_alloc(&c->calls, m->n_calls, sizeof *calls);
  if (calls == NULL) return nf_error(NF_NO_MEMORY, "no memory for %zu calls", m->n_calls);
  for (size_t i = 0; i < m->n_calls; i++) {
    const infuse_call *call = &m->calls[i];
    if (call->name == NULL) return nf_error(NF_USAGE, "call %zu has no name", i);
    for (size_t k = 0; k < sizeof call->reserved / sizeof *call->reserved; k++)
      if (call->reserved[k] != NULL) return nf_error(NF_USAGE, "call %zu: what is reserved must be NULL", i);
    calls[i] = (nf_chat_call){nf_view_of(call->id), nf_view_of(call->name), nf_view_of(call->arguments)};
  }
  out->calls = calls;
  out->n_calls = m->n_calls;
  return nf_ok();
}

static nf_status convert(conversation *c, size_t i) {
  nf_chat_message *out = &c->message[i];
  infuse_message m = {0};
  NF_TRY(nf_struct_copy(&m, sizeof m, NF_SIZE_TO(infuse_message, content), c->at + i * c->size, c->size,
                        "infuse_message"));
  NF_TRY(role_of(m.role, &out->role));
  if (m.content == NULL && m.content_n != 0)
    return nf_error(NF_USAGE, "content_n is %zu, but content is NULL", m.content_n);
  if (out->role != NF_ROLE_ASSISTANT && (m.thoughts != NULL || m.n_calls != 0))
    return nf_error(NF_USAGE, "only the assistant thinks and calls tools");
  out->name = nf_view_of(m.name);
  out->channel = nf_view_of(m.channel);
  out->recipient = nf_view_of(m.recipient);
  out->content_type = nf_view_of(m.content_type);
  if (out->recipient.n != 0 && nf_view_equal(out->content_type, NF_VIEW("json")))
    out->content_type = NF_VIEW("<|constrain|>json"); // models promise the JSON of a call by a mark
  out->content = m.content_n != 0 ? (nf_view){m.content, m.content_n} : nf_view_of(m.content);
  out->call_id = nf_view_of(m.call_id);
  out->thoughts = nf_view_of(m.thoughts);
  return convert_calls(c, &m, out);
}

// The session becomes one that holds the conversation and expects an answer.
static nf_status hold(infuse_session *s, const nf_chat *chat) {
  const infuse_model *m = s->model;
  nf_ids ids = {0};
  nf_chat_reader *reader = NULL;
  nf_status st;
  NF_GOTO(m->chat->render(m->tokenizer, chat, &ids));
  NF_GOTO(m->chat->reader_create(m->tokenizer, chat, &reader));
  NF_GOTO(nf_session_replace(s, ids.at, ids.n));
  nf_generation_expect(s, m->chat, chat, reader);
  reader = NULL;
fail:
  m->chat->reader_destroy(reader);
  nf_ids_deinit(&ids);
  return st;
}

static nf_status check(const infuse_session *s, const infuse_message *messages, size_t n) {
  NF_TRY(NF_GIVEN({"session", s != NULL}, {"list of messages", messages != NULL || n == 0}));
  NF_TRY(nf_status_copy(s->model->broken_text));
  if (s->model->chat == NULL)
    return nf_error(NF_USAGE, "the model has no chat format that infuse knows; give plain text");
  if (s->generation == NULL) return nf_error(NF_USAGE, "a chat needs a session made with .generate");
  if (s->generation->settings->effort.n != 0 && !s->model->chat->has_effort)
    return nf_error(NF_USAGE, "a reasoning effort is asked for, but the chat format %s has no place for one",
                    s->model->chat->name);
  return nf_ok();
}

static nf_status chat(infuse_session *s, conversation *c) {
  NF_TRY(nf_make(&c->message, c->n, sizeof *c->message, "messages"));
  for (size_t i = 0; i < c->n; i++) NF_TRY(convert(c, i), "message %zu", i);
  const nf_settings *g = s->generation->settings;
  return hold(s, &(nf_chat){.message = c->message,
                            .n = c->n,
                            .effort = g->effort,
                            .date = g->date,
                            .functions = g->functions,
                            .answer = true,
                            .thinking = s->model->thinking,
                            .think = g->think});
}

infuse_error *infuse_session_chat_sized(infuse_session *s, const infuse_message *messages, size_t n,
                                        size_t size) {
  NF_TELL(check(s, messages, n));
  conversation c = {.at = (const char *)messages, .n = n, .size = size};
  const nf_status st = chat(s, &c);
  nf_free(c.message);
  nf_arena_deinit(&c.calls);
  return st.error;
}
