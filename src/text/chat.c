// SPDX-License-Identifier: Apache-2.0
// The chat formats by name, whether a model thinks, and what the formats share.
#include "base/memory.h"
#include "text/chat_format.h"
#include <string.h>

static const nf_chat_format *const formats[] = {&nf_harmony, &nf_chatml};

const nf_chat_format *nf_chat_format_of(const char *name) {
  for (size_t i = 0; name != NULL && i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i]->name, name) == 0) return formats[i];
  return NULL;
}

nf_status nf_chat_thinks(nf_thinking kind, nf_think wish, bool *out) {
  if (kind == NF_THINKING_NEVER && wish == NF_THINK_ON)
    return nf_error(NF_USAGE, "thinking is asked for, but the model never thinks; leave it at the default");
  if (kind == NF_THINKING_ALWAYS && wish == NF_THINK_OFF)
    return nf_error(NF_USAGE,
                    "no thinking is asked for, but the model always thinks; leave it at the default");
  const nf_think usual = kind == NF_THINKING_NEVER || kind == NF_THINKING_ASKED ? NF_THINK_OFF : NF_THINK_ON;
  *out = (wish == NF_THINK_DEFAULT ? usual : wish) == NF_THINK_ON;
  return nf_ok();
}

bool nf_chat_opens_thought(nf_thinking kind) {
  return kind == NF_THINKING_ALWAYS || kind == NF_THINKING_OPENED || kind == NF_THINKING_ASKED;
}

// ---- marks ----

nf_status nf_chat_marks_find(const nf_chat_marks *m, const nf_tokenizer *t, int32_t *id) {
  for (int i = 0; i < m->n; i++) {
    const bool found = nf_token_id(t, nf_view_of(m->spelling[i]), &id[i]);
    if (i < m->needed && (!found || !nf_token_is_special(t, id[i])))
      return nf_error(NF_BAD_INPUT, "the tokenizer has no special token %s, which the %s format needs",
                      m->spelling[i], m->format);
    if (!found) id[i] = -1;
  }
  return nf_ok();
}

nf_status nf_chat_check(const nf_chat_format *f, const nf_tokenizer *t) {
  return nf_chat_marks_find(f->marks, t, (int32_t[NF_MARKS_MAX]){0});
}

const nf_answer_form *nf_chat_form(const nf_chat_format *f, nf_tool_form form) {
  return f->by_template && form != NF_TOOLS_QWEN3 ? &f->functions : &f->form;
}

nf_status nf_chat_form_marks(const nf_chat_format *f, const nf_answer_form *form, const nf_tokenizer *t,
                             int32_t id[NF_MARKS_MAX]) {
  const nf_view part[] = {form->call, form->arguments, form->called, form->end};
  for (int i = 0; i < NF_MARKS_MAX; i++) id[i] = -1;
  NF_TRY(nf_chat_marks_find(f->marks, t, id));
  for (size_t i = 0; i < sizeof part / sizeof *part; i++)
    for (size_t k = 0; k < part[i].n; k++) {
      const int mark = (uint8_t)part[i].at[k] - NF_MARK_BYTE;
      if (mark >= 0 && id[mark] < 0)
        return nf_error(NF_BAD_INPUT, "the tokenizer has no token %s, by which the %s format calls tools",
                        f->marks->spelling[mark], f->marks->format);
    }
  return nf_ok();
}

bool nf_chat_is_stop(const nf_chat_format *f, const nf_tokenizer *t, int32_t id) {
  const nf_chat_marks *m = f->marks;
  int32_t mark[NF_MARKS_MAX];
  const nf_status st = nf_chat_marks_find(m, t, mark);
  bool stops = false;
  for (int i = 0; i < m->n && nf_is_ok(st) && id >= 0; i++) stops |= m->stops >> i & 1 && mark[i] == id;
  nf_status_free(st);
  return stops;
}

// ---- for renderers ----

void nf_say(nf_rendering *r, nf_view text) { nf_text_append(&r->span, text.at, text.n); }

nf_status nf_say_flush(nf_rendering *r, nf_view text) {
  nf_say(r, text);
  NF_TRY(nf_text_status(&r->span));
  if (!r->span.n) return nf_ok();
  const nf_view span = {r->span.at, r->span.n};
  r->span.n = 0;
  return nf_encode(r->t, span, NF_ENCODE_PLAIN, r->out);
}

nf_status nf_say_mark(nf_rendering *r, int mark) {
  if (r->id[mark] < 0) return nf_say(r, nf_view_of(r->marks->spelling[mark])), nf_ok();
  NF_TRY(nf_say_flush(r, (nf_view){0}));
  return nf_ids_push(r->out, r->id[mark]);
}

typedef struct named_text {
  const char *name;
  nf_view text;
} named_text;

static nf_status check_texts(const named_text *row, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const nf_view v = row[i].text;
    const size_t bad = nf_utf8_check(v.at, v.n);
    if (bad < v.n) return nf_error(NF_BAD_INPUT, "%s: byte %zu: invalid UTF-8", row[i].name, bad);
  }
  return nf_ok();
}

// All its texts, also those that the format has no place for: so what is refused does not depend on it.
static nf_status check_message(const nf_chat_message *m) {
  const named_text row[] = {{"name", m->name},           {"channel", m->channel},
                            {"recipient", m->recipient}, {"content_type", m->content_type},
                            {"content", m->content},     {"call_id", m->call_id},
                            {"thoughts", m->thoughts}};
  NF_TRY(check_texts(row, sizeof row / sizeof *row));
  for (size_t i = 0; i < m->n_calls; i++) {
    const nf_chat_call *c = &m->calls[i];
    const named_text call[] = {{"id", c->id}, {"name", c->name}, {"arguments", c->arguments}};
    NF_TRY(check_texts(call, sizeof call / sizeof *call), "call %zu", i);
  }
  return nf_ok();
}

nf_status nf_render(const nf_chat_marks *marks, nf_status (*put)(nf_rendering *r, const nf_chat *chat),
                    const nf_tokenizer *t, const nf_chat *chat, nf_ids *out) {
  nf_rendering r = {.marks = marks, .t = t, .out = out};
  const size_t before = out->n;
  for (size_t i = 0; i < chat->n; i++) NF_TRY(check_message(&chat->message[i]), "message %zu", i);
  const nf_status st = put(&r, chat);
  if (!nf_is_ok(st)) out->n = before;
  nf_text_deinit(&r.span);
  return st;
}

bool nf_chat_instructs(const nf_chat_message *m) {
  return m->role == NF_ROLE_SYSTEM || m->role == NF_ROLE_DEVELOPER;
}

nf_view nf_next_line(nf_view *rest) {
  const char *stop = memchr(rest->at, '\n', rest->n);
  const nf_view line = {rest->at, stop ? (size_t)(stop - rest->at) : rest->n};
  const size_t used = line.n + (stop != NULL);
  *rest = (nf_view){rest->at + used, rest->n - used};
  return line;
}

// ---- for readers ----

nf_status nf_chat_reader_new(const nf_chat_marks *m, const nf_chat_reading *how, size_t size,
                             const nf_tokenizer *t, nf_chat_reader **out) {
  nf_chat_reader head = {.how = how, .marks = m, .t = t};
  NF_TRY(nf_chat_marks_find(m, t, head.mark));
  nf_chat_reader *r = nf_alloc(1, size);
  if (!r) return nf_error(NF_NO_MEMORY, "no memory for a reader");
  *r = head;
  return *out = r, nf_ok();
}

void nf_chat_reader_destroy(nf_chat_reader *r) {
  if (!r) return;
  r->how->deinit(r);
  nf_text_deinit(&r->text);
  nf_free(r);
}

static nf_status pass_text(nf_chat_reader *r) {
  const nf_status st = nf_text_status(&r->text);
  const nf_view text = {r->text.at, r->text.n}; // lent: nothing decodes meanwhile
  r->text.n = 0;
  return nf_is_ok(st) && text.n ? r->how->text(r, text) : st;
}

static nf_status end_text(nf_chat_reader *r) {
  nf_decoder_end(&r->decoder, &r->text);
  return pass_text(r);
}

nf_status nf_chat_read(nf_chat_reader *r, int32_t id, nf_chat_sink sink, void *user) {
  nf_status st = nf_ok(), marked = nf_ok();
  r->sink = sink;
  r->user = user;
  int mark = 0;
  while (mark < r->marks->n && (id < 0 || id != r->mark[mark])) mark++;
  if (mark < r->marks->n) {
    st = end_text(r);
    if (r->how->mark(r, mark, &marked)) return nf_status_join(st, marked);
  }
  nf_decode_step(r->t, &r->decoder, id, true, &r->text);
  return nf_status_join(st, pass_text(r));
}

nf_status nf_chat_finish(nf_chat_reader *r, nf_chat_sink sink, void *user) {
  r->sink = sink;
  r->user = user;
  const nf_status st = end_text(r);
  return nf_status_join(st, r->how->end(r));
}
