// SPDX-License-Identifier: Apache-2.0
// Fuzzes streams of events and what is read of them. Adversarial cases: CR, LF and CRLF cut between pieces, a
// BOM in pieces, fields without colon, NUL, data that is no JSON, errors of every form, counts that are none.
// Checked: however the bytes are cut, the same events come and the answer is judged alike.
#include "cli/load/reply.h"
#include <stdlib.h>
#include <string.h>

typedef struct heard {
  load_reply reply;
  uint64_t hash; // of all events
} heard;

static void mix(heard *h, nf_view v) {
  for (size_t i = 0; i < v.n; i++) h->hash = (h->hash ^ (unsigned char)v.at[i]) * 0x100000001b3u;
  h->hash = (h->hash ^ v.n) * 0x100000001b3u;
}

static void hear(void *user, const load_event *e) {
  heard *h = user;
  mix(h, e->name);
  mix(h, e->data);
  const size_t texts = h->reply.texts;
  if (load_reply_hear(&h->reply, e) != (h->reply.texts == texts + 1)) abort();
}

static nf_status read_all(const char *at, size_t n, size_t piece, heard *h) {
  load_sse s = {0};
  nf_status st = nf_ok();
  h->hash = 0xcbf29ce484222325u;
  load_reply_init(&h->reply);
  for (size_t i = 0; i < n && nf_is_ok(st); i += piece)
    st = load_sse_feed(&s, at + i, n - i < piece ? n - i : piece, hear, h);
  load_sse_deinit(&s);
  return nf_is_ok(st) ? load_reply_end(&h->reply) : st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  const size_t piece = n != 0 ? 1 + data[0] % 7u : 1;
  const char *at = n != 0 ? (const char *)data + 1 : "";
  heard whole, cut;
  const nf_status a = read_all(at, n != 0 ? n - 1 : 0, n + 1, &whole);
  const nf_status b = read_all(at, n != 0 ? n - 1 : 0, piece, &cut);
  if (whole.hash != cut.hash || strcmp(nf_status_message(a), nf_status_message(b)) != 0) abort();
  if (whole.reply.out != cut.reply.out || whole.reply.out < -1 || strchr(nf_status_message(a), '\n')) abort();
  if (whole.reply.texts != cut.reply.texts) abort();
  nf_status_free(a);
  nf_status_free(b);
  return 0;
}
