// SPDX-License-Identifier: Apache-2.0
// Which call a tool's result answers: harmony writes the tool's name where others write a role.
#include "text/harmony.h"
#include <string.h>

// A message holds calls: itself, if it has a recipient, and those of a whole turn.

static bool has_calls(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && (m->recipient.n || m->n_calls);
}
static size_t count_calls(const nf_chat_message *m) { return m->n_calls + (m->recipient.n != 0); }

static nf_harmony_answered call_at(const nf_chat_message *m, size_t k, nf_view *id) {
  if (k < m->n_calls) {
    *id = m->calls[k].id;
    return (nf_harmony_answered){NF_VIEW("functions."), m->calls[k].name, NF_VIEW("commentary")};
  }
  *id = m->call_id;
  return (nf_harmony_answered){.name = m->recipient, .channel = m->channel};
}

// "functions.f" and "f" are names of the same function.
static bool is_called(const nf_harmony_answered *call, nf_view name) {
  if (nf_view_equal(call->name, name)) return true;
  const size_t n = call->prefix.n;
  return n && name.n > n && memcmp(name.at, call->prefix.at, n) == 0 &&
         nf_view_equal(call->name, (nf_view){name.at + n, name.n - n});
}

// The last call with this id, or else of this name.
static nf_harmony_answered call_named(const nf_chat *chat, size_t end, nf_view id, nf_view name) {
  for (size_t i = end; i-- > 0;) {
    const nf_chat_message *m = &chat->message[i];
    for (size_t k = has_calls(m) ? count_calls(m) : 0; k-- > 0;) {
      nf_view own;
      const nf_harmony_answered call = call_at(m, k, &own);
      if (id.n ? nf_view_equal(own, id) : is_called(&call, name)) return call;
    }
  }
  return (nf_harmony_answered){0};
}

// The place-th of the calls that end in front of message `end`, or their last.
static nf_harmony_answered call_in_place(const nf_chat *chat, size_t end, size_t place) {
  nf_harmony_answered call = {0};
  size_t begin = end, seen = 0;
  while (begin > 0 && has_calls(&chat->message[begin - 1])) begin--;
  for (size_t i = begin; i < end; i++)
    for (size_t k = 0; k < count_calls(&chat->message[i]) && seen <= place; k++, seen++) {
      nf_view id;
      call = call_at(&chat->message[i], k, &id);
    }
  return call;
}

nf_harmony_answered nf_harmony_answered_by(const nf_chat *chat, size_t i) {
  const nf_chat_message *m = &chat->message[i];
  nf_harmony_answered call = {0};
  if (m->call_id.n) call = call_named(chat, i, m->call_id, m->name);
  if (!call.name.n && m->name.n) call = call_named(chat, i, (nf_view){0}, m->name);
  if (call.name.n || m->name.n) return call;
  size_t first = i;
  while (first > 0 && chat->message[first - 1].role == NF_ROLE_TOOL) first--;
  return call_in_place(chat, first, i - first);
}
