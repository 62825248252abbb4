// SPDX-License-Identifier: Apache-2.0
#include "server/events.h"
#include "base/memory.h"
#include <dlfcn.h>
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

// ---- ZeroMQ ----

enum { ZMQ_PUB = 1, ZMQ_SNDMORE = 2, ZMQ_LINGER = 17, ZMQ_LAST_ENDPOINT = 32, ZMQ_IPV6 = 42 };

typedef struct zmq {
  void *library;
  void *(*ctx_new)(void);
  int (*ctx_term)(void *context);
  void *(*socket)(void *context, int kind);
  int (*close)(void *socket);
  int (*setsockopt)(void *socket, int option, const void *value, size_t n);
  int (*getsockopt)(void *socket, int option, void *value, size_t *n);
  int (*bind)(void *socket, const char *endpoint);
  int (*send)(void *socket, const void *data, size_t n, int flags);
  int (*error)(void);
  const char *(*strerror)(int error);
} zmq;

struct nf_events {
  zmq z;
  void *context, *socket;
  uint64_t sent;
  nf_text message;
  char endpoint[300], topic[600];
};

static nf_status open_library(zmq *z) {
  static const struct {
    const char *name;
    size_t at;
  } symbols[] = {{"zmq_ctx_new", offsetof(zmq, ctx_new)},
                 {"zmq_ctx_term", offsetof(zmq, ctx_term)},
                 {"zmq_socket", offsetof(zmq, socket)},
                 {"zmq_close", offsetof(zmq, close)},
                 {"zmq_setsockopt", offsetof(zmq, setsockopt)},
                 {"zmq_getsockopt", offsetof(zmq, getsockopt)},
                 {"zmq_bind", offsetof(zmq, bind)},
                 {"zmq_send", offsetof(zmq, send)},
                 {"zmq_errno", offsetof(zmq, error)},
                 {"zmq_strerror", offsetof(zmq, strerror)}};
  static const char file[] = "libzmq.so.5";
  z->library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (z->library == NULL)
    return nf_error(NF_UNAVAILABLE, "page events need %s (Debian: libzmq5): %s", file, dlerror());
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *symbol = dlsym(z->library, symbols[i].name);
    if (symbol == NULL) return nf_error(NF_UNAVAILABLE, "%s has no %s", file, symbols[i].name);
    memcpy((char *)z + symbols[i].at, &symbol, sizeof symbol);
  }
  return nf_ok();
}

static nf_status open_socket(nf_events *e, const char *host, uint16_t port) {
  char endpoint[sizeof e->endpoint];
  size_t n = sizeof e->endpoint;
  const char *open = strchr(host, ':') != NULL ? "[" : "", *end = *open != 0 ? "]" : "";
  const int linger = 0, ipv6 = *open != 0; // libzmq leaves IPv6 out unless told
  char number[8] = "*";
  if (port != 0) snprintf(number, sizeof number, "%u", port);
  const int written = snprintf(endpoint, sizeof endpoint, "tcp://%s%s%s:%s", open, host, end, number);
  if (written < 0 || (size_t)written >= sizeof endpoint) return nf_error(NF_USAGE, "host is too long");
  e->context = e->z.ctx_new();
  e->socket = e->context != NULL ? e->z.socket(e->context, ZMQ_PUB) : NULL;
  if (e->socket != NULL && e->z.setsockopt(e->socket, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
      e->z.setsockopt(e->socket, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 && e->z.bind(e->socket, endpoint) == 0 &&
      e->z.getsockopt(e->socket, ZMQ_LAST_ENDPOINT, e->endpoint, &n) == 0)
    return nf_ok();
  return nf_error(NF_UNAVAILABLE, "can't publish page events at %s: %s", endpoint,
                  e->z.strerror(e->z.error()));
}

nf_status nf_events_start(const char *host, uint16_t port, const char *model, nf_events **out) {
  nf_events *e;
  NF_TRY(nf_make(&e, 1, sizeof *e, "page events"));
  nf_status st = open_library(&e->z);
  if (nf_is_ok(st)) st = open_socket(e, host, port);
  if (!nf_is_ok(st)) return nf_events_stop(e), st;
  snprintf(e->topic, sizeof e->topic, "kv@%s@%s", e->endpoint + strlen("tcp://"), model);
  *out = e;
  return st;
}

// The library stays: it may have threads that end later.
void nf_events_stop(nf_events *e) {
  if (e == NULL) return;
  if (e->socket != NULL) e->z.close(e->socket);
  if (e->context != NULL) e->z.ctx_term(e->context);
  nf_text_deinit(&e->message);
  nf_free(e);
}

const char *nf_events_endpoint(const nf_events *e) { return e->endpoint; }
const char *nf_events_topic(const nf_events *e) { return e->topic; }

// A publisher's socket waits for nobody. What can't be told counts too, so that its lack is noticed.
void nf_events_tell(void *events, const infuse_page_event *page) {
  nf_events *e = events;
  struct timespec now;
  char number[8];
  clock_gettime(CLOCK_REALTIME, &now);
  e->message.n = 0;
  nf_events_pack(page, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec, &e->message);
  for (int i = 0; i < 8; i++) number[i] = (char)(e->sent >> 8 * (7 - i));
  e->sent++;
  if (e->message.failed) {
    nf_text_deinit(&e->message);
    return;
  }
  if (e->z.send(e->socket, e->topic, strlen(e->topic), ZMQ_SNDMORE) < 0) return;
  if (e->z.send(e->socket, number, sizeof number, ZMQ_SNDMORE) < 0) return;
  e->z.send(e->socket, e->message.at, e->message.n, 0);
}
