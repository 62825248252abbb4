// SPDX-License-Identifier: Apache-2.0
#include "server/events.h"
#include "base/memory.h"
#include "server/replay.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

// ---- msgpack ----

static void put_number(nf_text *out, unsigned char kind, uint64_t value, int bytes) { // big endian
  char text[9] = {(char)kind};
  for (int i = 0; i < bytes; i++) text[1 + i] = (char)(value >> 8 * (bytes - 1 - i));
  nf_text_append(out, text, 1 + (size_t)bytes);
}

static void put_u64(nf_text *out, uint64_t value) {
  if (value < 0x80)
    put_number(out, (unsigned char)value, 0, 0);
  else if (value <= UINT16_MAX)
    put_number(out, 0xcd, value, 2);
  else if (value <= UINT32_MAX)
    put_number(out, 0xce, value, 4);
  else
    put_number(out, 0xcf, value, 8);
}

static void put_array(nf_text *out, size_t n) {
  if (n < 16)
    put_number(out, (unsigned char)(0x90 | n), 0, 0);
  else
    put_number(out, 0xdd, n, 4);
}

static void put_map(nf_text *out, size_t n) { put_number(out, (unsigned char)(0x80 | n), 0, 0); } // n < 16
static void put_nil(nf_text *out) { put_number(out, 0xc0, 0, 0); }

static void put_string(nf_text *out, const char *s) { // shorter than 32 bytes
  put_number(out, (unsigned char)(0xa0 | strlen(s)), 0, 0);
  nf_text_append(out, s, strlen(s));
}

static void put_pages(nf_text *out, uint64_t page) {
  put_string(out, "block_hashes");
  put_array(out, 1);
  put_u64(out, page);
  put_string(out, "medium");
  put_string(out, "GPU"); // the engine's own memory, as vLLM calls it wherever that is
}

static void put_stored(nf_text *out, const infuse_page_event *e) {
  put_map(out, 8);
  put_string(out, "type");
  put_string(out, "BlockStored");
  put_pages(out, e->page);
  put_string(out, "parent_block_hash");
  if (e->before != 0)
    put_u64(out, e->before);
  else
    put_nil(out);
  put_string(out, "token_ids");
  put_array(out, e->n);
  for (size_t i = 0; i < e->n; i++) put_u64(out, (uint64_t)e->tokens[i]);
  put_string(out, "block_size");
  put_u64(out, e->n);
  put_string(out, "lora_id");
  put_nil(out);
  put_string(out, "lora_name");
  put_nil(out);
}

static void put_removed(nf_text *out, const infuse_page_event *e) {
  put_map(out, 3);
  put_string(out, "type");
  put_string(out, "BlockRemoved");
  put_pages(out, e->page);
}

void nf_events_pack(const infuse_page_event *e, double now, nf_text *out) {
  uint64_t bits;
  memcpy(&bits, &now, sizeof bits);
  put_array(out, 3);
  put_number(out, 0xcb, bits, 8);
  put_array(out, 1);
  if (e->tokens != NULL)
    put_stored(out, e);
  else
    put_removed(out, e);
  put_u64(out, 0); // the rank among servers that share requests
}

// ---- publishing ----

struct nf_events {
  nf_zmq z;
  void *context, *socket;
  nf_replay *replay; // NULL: there is none
  uint64_t sent;
  nf_text message;
  char endpoint[NF_ZMQ_ENDPOINT], topic[600];
};

static nf_status open_sockets(nf_events *e, const nf_events_options *o) {
  e->context = e->z.ctx_new();
  if (e->context == NULL) return nf_error(NF_NO_MEMORY, "no memory for page events");
  e->socket = e->z.socket(e->context, NF_ZMQ_PUB);
  NF_TRY(nf_zmq_bind(&e->z, e->socket, o->host, o->port, e->endpoint));
  if (!o->replay) return nf_ok();
  const nf_replay_options ro = {.host = o->host, .port = o->replay_port, .whole = o->whole_replay};
  return nf_replay_start(&e->z, e->context, &ro, &e->replay);
}

nf_status nf_events_start(const nf_events_options *o, nf_events **out) {
  nf_events *e;
  NF_TRY(nf_make(&e, 1, sizeof *e, "page events"));
  nf_status st = nf_zmq_open(&e->z);
  if (nf_is_ok(st)) st = open_sockets(e, o);
  if (!nf_is_ok(st)) return nf_events_stop(e), st;
  snprintf(e->topic, sizeof e->topic, "kv@%s@%s", e->endpoint + strlen("tcp://"), o->model);
  *out = e;
  return st;
}

// The end of the context ends what waits for a request, which then closes its own socket.
void nf_events_stop(nf_events *e) {
  if (e == NULL) return;
  if (e->socket != NULL) e->z.close(e->socket);
  if (e->context != NULL) e->z.ctx_term(e->context);
  nf_replay_join(e->replay);
  nf_text_deinit(&e->message);
  nf_free(e);
}

const char *nf_events_endpoint(const nf_events *e) { return e->endpoint; }
const char *nf_events_topic(const nf_events *e) { return e->topic; }
const char *nf_events_replay(const nf_events *e) {
  return e->replay != NULL ? nf_replay_endpoint(e->replay) : NULL;
}

// A publisher's socket waits for nobody. What can't be told counts too, so that its lack is noticed.
void nf_events_tell(void *events, const infuse_page_event *page) {
  nf_events *e = events;
  struct timespec now;
  char number[NF_ZMQ_NUMBER];
  clock_gettime(CLOCK_REALTIME, &now);
  e->message.n = 0;
  nf_events_pack(page, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec, &e->message);
  nf_zmq_number(e->sent++, number);
  if (e->message.failed) nf_text_deinit(&e->message);
  if (e->replay != NULL) nf_replay_keep(e->replay, nf_text_view(&e->message));
  if (e->message.n == 0) return;
  if (e->z.send(e->socket, e->topic, strlen(e->topic), NF_ZMQ_MORE) < 0) return;
  if (e->z.send(e->socket, number, sizeof number, NF_ZMQ_MORE) < 0) return;
  e->z.send(e->socket, e->message.at, e->message.n, 0);
}
