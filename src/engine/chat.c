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

static nf_status check_format(const infuse_model *m, const infuse_message *messages, size_t n) {
  NF_TRY(NF_GIVEN({"list of messages", messages != NULL || n == 0}));
  NF_TRY(nf_status_copy(m->broken_text));
  if (m->chat != NULL) return nf_ok();
  return nf_error(NF_USAGE, "the model has no chat format that infuse knows; give plain text");
}

// The caller's messages in the format's form, and by what they are rendered.
static nf_status open_chat(const infuse_model *m, const nf_settings *g, conversation *c, nf_chat *out) {
  if (g->effort.n != 0 && !m->chat->has_effort)
    return nf_error(NF_USAGE, "a reasoning effort is asked for, but the chat format %s has no place for one",
                    m->chat->name);
  NF_TRY(nf_make(&c->message, c->n, sizeof *c->message, "messages"));
  for (size_t i = 0; i < c->n; i++) NF_TRY(convert(c, i), "message %zu", i);
  *out = (nf_chat){.message = c->message,
                   .n = c->n,
                   .effort = g->effort,
                   .date = g->date,
                   .functions = g->functions,
                   .tools = g->tools,
                   .answer = true,
                   .thinking = m->template.thinking,
                   .form = m->template.form,
                   .think = g->think};
  return nf_ok();
}

static void close_chat(conversation *c) {
  nf_free(c->message);
  nf_arena_deinit(&c->calls);
}

infuse_error *infuse_session_chat_sized(infuse_session *s, const infuse_message *messages, size_t n,
                                        size_t size) {
  NF_TELL(NF_GIVEN({"session", s != NULL}));
  NF_TELL(check_format(s->model, messages, n));
  if (s->generation == NULL) return nf_error(NF_USAGE, "a chat needs a session made with .generate").error;
  conversation c = {.at = (const char *)messages, .n = n, .size = size};
  nf_chat chat;
  nf_status st = open_chat(s->model, s->generation->settings, &c, &chat);
  if (nf_is_ok(st)) st = hold(s, &chat);
  close_chat(&c);
  return st.error;
}

static nf_status render(const infuse_model *m, const infuse_session_options *o, conversation *c,
                        nf_ids *out) {
  nf_settings *settings = NULL;
  nf_chat chat;
  nf_status st = nf_settings_of_chat(m, o, &settings);
  if (nf_is_ok(st)) st = open_chat(m, settings, c, &chat);
  if (nf_is_ok(st)) st = m->chat->render(m->tokenizer, &chat, out);
  nf_settings_release(settings);
  close_chat(c);
  return st;
}

infuse_error *infuse_model_render_sized(const infuse_model *m, const infuse_session_options *o,
                                        const infuse_message *messages, size_t n, size_t size, int32_t **ids,
                                        size_t *n_ids) {
  infuse_session_options options = {0};
  nf_ids out = {0};
  NF_TELL(NF_GIVEN({"model", m != NULL}, {"result", ids != NULL}, {"result's count", n_ids != NULL}));
  NF_TELL(NF_OPTIONS(infuse_session_options, rows, &options, o));
  NF_TELL(check_format(m, messages, n));
  conversation c = {.at = (const char *)messages, .n = n, .size = size};
  const nf_status st = render(m, &options, &c, &out);
  if (!nf_is_ok(st)) return nf_ids_deinit(&out), st.error;
  *ids = out.at;
  *n_ids = out.n;
  return NULL;
}
