// SPDX-License-Identifier: Apache-2.0
// What fuzzers of chat readers share: a tokenizer whose marks are ids from FIRST_MARK on, the order that
// events come in, reading ids made of bytes, that all text that was read is told, once, and
// conversations made of bytes.
#pragma once
#include "text/chat.h"
#include "text/small_tokenizer.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_MARK = 260 };

// Marks that begin with "<|" are special.
static inline nf_tokenizer *tokenizer_with(const char *const *mark, int n) {
  nf_text json = {0}, added = {0};
  for (int i = 0; i < n; i++)
    nf_text_printf(&added, "%s{\"id\":%d,\"content\":\"%s\",\"special\":%s}", i ? "," : "[", FIRST_MARK + i,
                   mark[i], mark[i][1] == '|' ? "true" : "false");
  nf_text_append(&added, "]", 1);
  small_tokenizer_print(&(small_tokenizer){.added = added.at}, &json);
  nf_tokenizer *t;
  nf_status st = nf_tokenizer_parse(json.at, json.n, "built-in", &t);
  if (!nf_is_ok(st)) abort();
  nf_text_deinit(&json);
  nf_text_deinit(&added);
  return t;
}

// Events come as HEADER, TEXT..., END, and all text is valid UTF-8. The n-th event's sink fails.
typedef struct watch {
  nf_text told;        // all of it; marks are spelled
  bool all_in_headers; // the text of a message that has one stands in its header already
  bool spelled;        // it is such a message
  bool open;
  bool broken; // a sink failed: the event after it may be any
  int until_failure;
} watch;

static inline void check_text(nf_view v) {
  if (v.n && nf_utf8_check(v.at, v.n) != v.n) abort();
}

static inline nf_status see_event(watch *w, const nf_chat_event *e) {
  if (!w->broken && w->open != (e->kind != NF_CHAT_HEADER)) abort();
  w->broken = false;
  w->open = e->kind != NF_CHAT_END;
  check_text(e->text);
  check_text(e->role);
  check_text(e->channel);
  check_text(e->recipient);
  check_text(e->content_type);
  check_text(e->header);
  if (e->kind == NF_CHAT_HEADER) {
    w->spelled = w->all_in_headers && e->header.n;
    nf_text_append(&w->told, e->header.at, e->header.n);
  }
  if (!w->spelled) nf_text_append(&w->told, e->text.at, e->text.n);
  if (--w->until_failure != 0) return nf_ok();
  w->broken = true;
  return nf_error(NF_CANCELLED, "enough");
}

// A byte is an id, but 0xf0 and up: marks, and ids without text.
static inline int32_t id_of_byte(uint8_t byte) {
  return byte < 0xf0 ? byte : byte < 0xfd ? FIRST_MARK + byte - 0xf0 : byte == 0xfd ? -1 : INT32_MAX;
}

// The events of data[n] go to `see`, whose first argument is `user`, around `w`.
static inline void read_ids(const nf_chat_format *f, const nf_tokenizer *t, const nf_chat *chat,
                            const uint8_t *data, size_t n, nf_status (*see)(void *, const nf_chat_event *),
                            void *user, const watch *w) {
  nf_chat_reader *r;
  nf_status st = f->reader_create(t, chat, &r);
  if (!nf_is_ok(st)) return nf_status_free(st);
  for (size_t i = 0; i < n; i++) nf_status_free(f->read(r, id_of_byte(data[i]), see, user));
  st = f->finish(r, see, user);
  if (nf_is_ok(st) && w->open && !w->broken) abort();
  nf_status_free(st);
  f->reader_destroy(r);
}

// ---- that no text is lost, or told twice ----

// With '<' read as a letter, every '<' that is told begins a mark.
static inline int32_t id_without_bracket(uint8_t byte) { return byte == '<' ? 'x' : id_of_byte(byte); }

// What the ids stand for without their marks, each of which ends a character.
static inline void text_of_ids(const nf_tokenizer *t, const uint8_t *data, size_t n, int marks,
                               nf_text *out) {
  nf_decoder d = {0};
  for (size_t i = 0; i < n; i++) {
    const int32_t id = id_without_bracket(data[i]);
    if (id >= FIRST_MARK && id < FIRST_MARK + marks)
      nf_decoder_end(&d, out);
    else
      nf_decode_step(t, &d, id, true, out);
  }
  nf_decoder_end(&d, out);
}

// told is read, but for marks, and characters among `blank`, which are only where something begins or ends.
static inline void compare_texts(nf_view read, nf_view told, const char *blank) {
  size_t i = 0;
  for (size_t k = 0; k < told.n; k++) {
    if (told.at[k] == '<') {
      while (told.at[k] != '>') k++;
      continue;
    }
    while (i < read.n && read.at[i] != told.at[k] && read.at[i] && strchr(blank, read.at[i])) i++;
    if (i == read.n || read.at[i++] != told.at[k]) abort();
  }
  for (; i < read.n; i++)
    if (!read.at[i] || !strchr(blank, read.at[i])) abort();
}

// `marks`: those that the format knows.
static inline void account(const nf_chat_format *f, const nf_tokenizer *t, const nf_chat *chat,
                           const uint8_t *data, size_t n, int marks, const char *blank,
                           nf_status (*see)(void *, const nf_chat_event *), void *user, watch *w) {
  nf_chat_reader *r;
  nf_text read = {0};
  nf_status st = f->reader_create(t, chat, &r);
  if (!nf_is_ok(st)) return nf_status_free(st);
  for (size_t i = 0; i < n; i++) nf_status_free(f->read(r, id_without_bracket(data[i]), see, user));
  nf_status_free(f->finish(r, see, user));
  text_of_ids(t, data, n, marks, &read);
  compare_texts((nf_view){read.at, read.n}, (nf_view){w->told.at, w->told.n}, blank);
  nf_text_deinit(&read);
  f->reader_destroy(r);
}

// ---- conversations ----

// Where the kind of a message has thoughts, those are what is in front of a byte 0xfe, if there is one.
static inline void put_texts(nf_chat_message *m, nf_view text) {
  const char *border = m->thoughts.at ? memchr(text.at, 0xfe, text.n) : NULL;
  const size_t n = border ? (size_t)(border - text.at) : 0;
  if (border) m->thoughts = (nf_view){text.at, n};
  m->content = border ? (nf_view){border + 1, text.n - n - 1} : text;
}

// Messages between bytes 0xff: the first byte of each says what it is, the rest is its texts.
static inline size_t parse_messages(const uint8_t *data, size_t n, nf_chat_message *out, size_t max) {
  static const nf_chat_call calls[] = {{NF_VIEW("1"), NF_VIEW("f"), NF_VIEW("{}")},
                                       {.name = NF_VIEW("<|end|>")}};
  static const nf_chat_message kinds[] = {
      {.role = NF_ROLE_SYSTEM},
      {.role = NF_ROLE_USER},
      {.role = NF_ROLE_ASSISTANT},
      {.role = NF_ROLE_ASSISTANT, .channel = NF_VIEW("analysis")},
      {.role = NF_ROLE_ASSISTANT, .recipient = NF_VIEW("f\"<|im_end|>")},
      {.role = NF_ROLE_TOOL},
      {.role = NF_ROLE_TOOL, .call_id = NF_VIEW("1")},
      {.role = NF_ROLE_TOOL, .name = NF_VIEW("f")},
      {.role = NF_ROLE_DEVELOPER},
      {.role = NF_ROLE_ASSISTANT, .calls = calls, .n_calls = 2},
      {.role = NF_ROLE_ASSISTANT, .thoughts = NF_VIEW("\nHm."), .calls = calls, .n_calls = 1},
      {.role = NF_ROLE_ASSISTANT, .thoughts = NF_VIEW("")},
      {.role = NF_ROLE_ASSISTANT, .channel = NF_VIEW("analysis"), .recipient = NF_VIEW("python")},
  };
  size_t count = 0;
  while (n && count < max) {
    const uint8_t *stop = memchr(data, 0xff, n);
    const size_t used = stop ? (size_t)(stop - data) : n;
    out[count] = kinds[used ? data[0] % (sizeof kinds / sizeof *kinds) : 1];
    if (used) put_texts(&out[count], (nf_view){(const char *)data + 1, used - 1});
    count++;
    data += used + (stop != NULL);
    n -= used + (stop != NULL);
  }
  return count;
}
