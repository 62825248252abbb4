// SPDX-License-Identifier: Apache-2.0
// What a turn of the assistant consists of in a conversation, whether it comes whole or as several messages.
#include "text/chatml.h"
#include <string.h>

static bool is_whole(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && (m->thoughts.at || m->n_calls);
}
bool nf_chatml_is_call(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && m->recipient.n && !is_whole(m);
}
static bool is_thought(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && !m->recipient.n && !is_whole(m) &&
         nf_view_equal(m->channel, NF_VIEW("analysis"));
}

static bool is_said(const nf_chat_message *m) {
  return m->role == NF_ROLE_ASSISTANT && !nf_chatml_is_call(m) && !is_thought(m) && !is_whole(m);
}

nf_view nf_chatml_strip_left(nf_view v) {
  while (v.n && v.at[0] == '\n') v.at++, v.n--;
  return v;
}
static nf_view strip_right(nf_view v) {
  while (v.n && v.at[v.n - 1] == '\n') v.n--;
  return v;
}

nf_view nf_chatml_strip(nf_view v) { return nf_chatml_strip_left(strip_right(v)); }

// The last place of `what` in v; false: there is none.
static bool find_last(nf_view v, nf_view what, size_t *at) {
  for (size_t i = v.n; i >= what.n; i--)
    if (memcmp(v.at + i - what.n, what.at, what.n) == 0) return *at = i - what.n, true;
  return false;
}

// Content that still has its thoughts in front, as a client that knows no channels gives it back.
static void split_thoughts(nf_chatml_turn *t) {
  const nf_view all = t->content, close = NF_VIEW("</think>"), open = NF_VIEW("<think>");
  size_t last, begin;
  if (!find_last(all, close, &last)) return;
  const char *first = memmem(all.at, all.n, close.at, close.n);
  nf_view reasoning = {all.at, (size_t)(first - all.at)};
  if (find_last(reasoning, open, &begin))
    reasoning = (nf_view){all.at + begin + open.n, reasoning.n - begin - open.n};
  t->reasoning = nf_chatml_strip(reasoning);
  t->content = nf_chatml_strip_left((nf_view){all.at + last + close.n, all.n - last - close.n});
}

nf_chatml_turn nf_chatml_turn_at(const nf_chat *chat, size_t i) {
  const nf_chat_message *m = chat->message;
  nf_chatml_turn t = {.thought = is_thought(&m[i])};
  const bool told = t.thought || m[i].thoughts.at;
  t.reasoning = t.thought ? m[i].content : m[i].thoughts;
  if (t.thought) i++;
  const bool whole = i < chat->n && is_whole(&m[i]) && !(t.thought && m[i].thoughts.at);
  if (whole || (i < chat->n && is_said(&m[i]))) t.content = m[i++].content;
  t.calls = whole ? i - 1 : i;
  while (!whole && i < chat->n && nf_chatml_is_call(&m[i])) i++;
  t.end = i;
  if (!told && chat->thinking != NF_THINKING_NEVER) split_thoughts(&t);
  return t;
}
