// SPDX-License-Identifier: Apache-2.0
// Fuzzes the harmony reader with any sequence of ids. Adversarial cases: marks in every order and number,
// messages that never end, headers that never end, half characters before a mark, ids without text and out of
// range, sinks that fail. Checked: events come as HEADER, TEXT..., END; all text is valid UTF-8; the reader
// survives a sink's error.
#include "text/chat.h"
#include "text/small_tokenizer.h"
#include <stdlib.h>

static nf_tokenizer *make(void) {
  static const char *const marks[] = {"start", "message", "channel",   "constrain", "end",
                                      "call",  "return",  "endoftext", "odd"};
  nf_text json = {0}, added = {0};
  for (int i = 0; i < 9; i++)
    nf_text_printf(&added, "%s{\"id\":%d,\"content\":\"<|%s|>\",\"special\":true}", i ? "," : "[", 262 + i,
                   marks[i]);
  nf_text_append(&added, "]", 1);
  small_tokenizer_print(&(small_tokenizer){.added = added.at}, &json);
  nf_tokenizer *t;
  nf_status st = nf_tokenizer_parse(json.at, json.n, "built-in", &t);
  if (!nf_is_ok(st)) abort();
  nf_text_deinit(&json);
  nf_text_deinit(&added);
  return t;
}

typedef struct watch {
  bool open;
  bool broken; // a sink failed: the event after it may be any
  int until_failure;
} watch;

static void check_text(nf_view v) {
  if (v.n && nf_utf8_check(v.at, v.n) != v.n) abort();
}

static nf_status see(void *user, const nf_chat_event *e) {
  watch *w = user;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static nf_tokenizer *t;
  if (!t) t = make();
  nf_chat_reader *r;
  if (n == 0 || !nf_is_ok(nf_harmony.reader_create(t, &(nf_chat){0}, &r))) return 0;
  watch w = {.until_failure = data[0]};
  for (size_t i = 1; i < n; i++) { // a byte is an id, but 0xf0 and up: marks, and ids without text
    int32_t id = data[i] < 0xf0    ? data[i]
                 : data[i] < 0xfd  ? 262 + data[i] - 0xf0
                 : data[i] == 0xfd ? -1
                                   : INT32_MAX;
    nf_status_free(nf_harmony.read(r, id, see, &w));
  }
  nf_status st = nf_harmony.finish(r, see, &w);
  if (nf_is_ok(st) && w.open && !w.broken) abort();
  nf_status_free(st);
  nf_harmony.reader_destroy(r);
  return 0;
}
