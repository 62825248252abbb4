// SPDX-License-Identifier: Apache-2.0
// Messages and their texts, which grow piece by piece.
#include "cli/talk.h"
#include <string.h>

static void cut(cli_talk *t, size_t n) {
  while (t->n > n) nf_text_deinit(&t->content[--t->n]);
}

void cli_talk_deinit(cli_talk *t) {
  cut(t, 0);
  nf_free(t->at);
  nf_free(t->content);
  nf_arena_deinit(&t->names);
  *t = (cli_talk){0};
}

static void append(cli_talk *t, const char *text, size_t n) {
  nf_text *content = &t->content[t->n - 1];
  nf_text_append(content, text, n);
  t->at[t->n - 1].content = content->at;
  t->at[t->n - 1].content_n = content->n;
  t->failed |= content->failed;
}

static bool add(cli_talk *t, infuse_message m) {
  if (!nf_grow(&t->at, &t->cap, t->n + 1, sizeof *t->at) ||
      !nf_grow(&t->content, &t->cap_content, t->n + 1, sizeof *t->content))
    return t->failed = true, false;
  t->at[t->n] = m;
  t->content[t->n++] = (nf_text){0};
  return true;
}

void cli_talk_ask(cli_talk *t, nf_view question) {
  if (t->n == 0 && !add(t, (infuse_message){.role = "system"})) return;
  if (add(t, (infuse_message){.role = "user"})) append(t, question.at, question.n);
}

static const char *name(cli_talk *t, const char *s) {
  if (s[0] == '\0') return NULL;
  const char *own = nf_arena_copy(&t->names, s, strlen(s));
  t->failed |= own == NULL;
  return own;
}

void cli_talk_take(cli_talk *t, const infuse_piece *p) {
  if (p->begins) t->other = p->role[0] != '\0' && strcmp(p->role, "assistant") != 0;
  if (t->other) return;
  if (p->begins && !add(t, (infuse_message){.role = "assistant",
                                            .channel = name(t, p->channel),
                                            .recipient = name(t, p->recipient),
                                            .content_type = name(t, p->content_type)}))
    return;
  append(t, p->text, p->n);
}

bool cli_talk_undo(cli_talk *t, bool question) {
  size_t n = t->n;
  while (n != 0 && strcmp(t->at[n - 1].role, "user") != 0) n--;
  if (n == 0) return false;
  cut(t, n - question);
  return true;
}

infuse_error *cli_talk_give(cli_talk *t, const char *system, infuse_session *s) {
  const size_t skip = system == NULL;
  t->at[0].content = system;
  return infuse_session_chat(s, t->at + skip, t->n - skip);
}
