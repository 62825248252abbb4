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
  const nf_chat_format *format;
  const char *at;
  size_t n, size;
  nf_chat_message *message; // [n_messages]
  size_t n_messages, cap;
  nf_arena names;
} conversation;

static nf_status message_at(const conversation *c, size_t i, infuse_message *out) {
  const char *from = c->at + i * c->size;
  *out = (infuse_message){0};
  for (size_t b = sizeof *out; b < c->size; b++)
    if (from[b] != 0)
      return nf_error(NF_USAGE, "byte %zu is set, but this library knows only %zu", b, sizeof *out);
  memcpy(out, from, c->size < sizeof *out ? c->size : sizeof *out);
  return nf_ok();
}

static nf_status role_of(const char *name, nf_chat_role *out) {
  static const char *const names[] = {"system", "user", "assistant", "tool"}; // in nf_chat_role's order
  for (int i = 0; name != NULL && i < 4; i++)
    if (strcmp(name, names[i]) == 0) return *out = (nf_chat_role)i, nf_ok();
  return nf_error(NF_USAGE, "role '%s' is not known; there are system, user, assistant and tool",
                  name != NULL ? name : "NULL");
}

// The name by which the format addresses a tool.
static nf_status address(conversation *c, const char *name, nf_view *out) {
  const char *space = c->format->tool_namespace;
  *out = nf_view_of(name);
  if (name == NULL || space == NULL || strncmp(name, space, strlen(space)) == 0) return nf_ok();
  const char *full = nf_arena_printf(&c->names, "%s%s", space, name);
  if (full == NULL) return nf_error(NF_NO_MEMORY, "no memory for a tool's name");
  return *out = nf_view_of(full), nf_ok();
}

static nf_status push(conversation *c, nf_chat_message m) {
  if (!nf_grow(&c->message, &c->cap, c->n_messages + 1, sizeof m))
    return nf_error(NF_NO_MEMORY, "no memory for %zu messages", c->n_messages + 1);
  c->message[c->n_messages++] = m;
  return nf_ok();
}

static nf_status push_calls(conversation *c, const infuse_message *m) {
  if (m->n_calls != 0 && m->calls == NULL)
    return nf_error(NF_USAGE, "n_calls is %zu, but calls is NULL", m->n_calls);
  for (size_t i = 0; i < m->n_calls; i++) {
    nf_chat_message call = {.role = NF_ROLE_ASSISTANT,
                            .channel = NF_VIEW("commentary"),
                            .content_type = NF_VIEW("json"),
                            .content = nf_view_of(m->calls[i].arguments)};
    if (m->calls[i].name == NULL) return nf_error(NF_USAGE, "call %zu has no name", i);
    NF_TRY(address(c, m->calls[i].name, &call.recipient));
    NF_TRY(push(c, call));
  }
  return nf_ok();
}

// The name of the tool whose call has this id, in the messages before `end`; the last such call counts.
static nf_status called(const conversation *c, size_t end, const char *id, const char **name) {
  infuse_message m;
  while (end-- > 0) {
    NF_TRY(message_at(c, end, &m));
    for (size_t i = m.n_calls; i-- > 0;)
      if (m.calls[i].id != NULL && strcmp(m.calls[i].id, id) == 0) return *name = m.calls[i].name, nf_ok();
  }
  return nf_error(NF_USAGE, "call_id '%s' is that of no call before", id);
}

static nf_status push_own(conversation *c, size_t i, const infuse_message *m, nf_chat_role role) {
  nf_chat_message out = {.role = role,
                         .name = nf_view_of(m->name),
                         .channel = nf_view_of(m->channel),
                         .recipient = nf_view_of(m->recipient),
                         .content_type = nf_view_of(m->content_type),
                         .content = {m->content, m->content_n}};
  const char *name = m->name;
  if (m->content_n == 0) out.content = nf_view_of(m->content);
  if (role == NF_ROLE_TOOL && name == NULL && m->call_id != NULL) NF_TRY(called(c, i, m->call_id, &name));
  if (role == NF_ROLE_TOOL) NF_TRY(address(c, name, &out.name));
  if (out.channel.n == 0 && m->n_calls != 0) out.channel = NF_VIEW("commentary"); // said on the way to a call
  return push(c, out);
}

static nf_status convert(conversation *c, size_t i) {
  infuse_message m;
  nf_chat_role role = NF_ROLE_USER;
  NF_TRY(message_at(c, i, &m));
  NF_TRY(role_of(m.role, &role));
  if (m.content == NULL && m.content_n != 0)
    return nf_error(NF_USAGE, "content_n is %zu, but content is NULL", m.content_n);
  if (role != NF_ROLE_ASSISTANT && (m.thoughts != NULL || m.n_calls != 0))
    return nf_error(NF_USAGE, "only the assistant thinks and calls tools");
  if (m.thoughts != NULL)
    NF_TRY(push(c, (nf_chat_message){
                       .role = role, .channel = NF_VIEW("analysis"), .content = nf_view_of(m.thoughts)}));
  const bool alone = m.thoughts == NULL && m.n_calls == 0;
  if (alone || m.content_n != 0 || (m.content != NULL && m.content[0] != '\0'))
    NF_TRY(push_own(c, i, &m, role));
  return push_calls(c, &m);
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

static nf_status check(const infuse_session *s, const infuse_message *messages, size_t n, size_t size) {
  if (s == NULL || (messages == NULL && n != 0))
    return nf_error(NF_USAGE, "the %s NULL", s == NULL ? "session is" : "messages are");
  if (size < offsetof(infuse_message, content_n))
    return nf_error(NF_USAGE, "a message of %zu bytes has no role and content", size);
  if (s->model->chat == NULL)
    return nf_error(NF_USAGE, "the model has no chat format that infuse knows; give plain text");
  if (s->generation == NULL) return nf_error(NF_USAGE, "a chat needs a session made with .generate");
  if (s->generation->effort.n != 0 && !s->model->chat->has_effort)
    return nf_error(NF_USAGE, "a reasoning effort is asked for, but the chat format %s has no place for one",
                    s->model->chat->name);
  return nf_ok();
}

static nf_status chat(infuse_session *s, conversation *c) {
  for (size_t i = 0; i < c->n; i++) NF_TRY(convert(c, i), "message %zu", i);
  const nf_generation *g = s->generation;
  return hold(s, &(nf_chat){.message = c->message,
                            .n = c->n_messages,
                            .effort = g->effort,
                            .date = g->date,
                            .answer = true,
                            .thinking = s->model->thinking,
                            .think = g->think});
}

infuse_error *infuse_session_chat_sized(infuse_session *s, const infuse_message *messages, size_t n,
                                        size_t size) {
  nf_status st = check(s, messages, n, size);
  if (!nf_is_ok(st)) return st.error;
  conversation c = {.format = s->model->chat, .at = (const char *)messages, .n = n, .size = size};
  st = chat(s, &c);
  nf_free(c.message);
  nf_arena_deinit(&c.names);
  return st.error;
}
