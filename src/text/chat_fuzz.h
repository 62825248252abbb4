// SPDX-License-Identifier: Apache-2.0
// What fuzzers of chat readers share: a tokenizer whose marks are ids from FIRST_MARK on, the order that
// events come in, and reading ids made of bytes.
#pragma once
#include "text/chat.h"
#include "text/small_tokenizer.h"
#include <stdlib.h>

enum { FIRST_MARK = 262 };

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
