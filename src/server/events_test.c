// SPDX-License-Identifier: Apache-2.0
// Tests of page events: their bytes, and what a subscriber hears of a server, where there is a libzmq.so.5.
#include "server/events.h"
#include "server/replay.h"
#include "tests/support/serving.h"
#include <dlfcn.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void the_bytes_are_msgpack(void **state) {
  (void)state;
  static const int32_t tokens[] = {5, 128, 70000};
  static const char stored[] = "\x93\xcb\x3f\xf8\0\0\0\0\0\0\x91\x88"
                               "\xa4type\xab"
                               "BlockStored"
                               "\xac"
                               "block_hashes\x91\xcf\x80\0\0\0\0\0\0\1\xa6medium\xa3GPU"
                               "\xb1parent_block_hash\x07\xa9token_ids\x93\x05\xcd\0\x80\xce\0\1\x11\x70"
                               "\xaa"
                               "block_size\3\xa7lora_id\xc0\xa9lora_name\xc0\0";
  static const char removed[] = "\x93\xcb\x3f\xf8\0\0\0\0\0\0\x91\x83"
                                "\xa4type\xac"
                                "BlockRemoved"
                                "\xac"
                                "block_hashes\x91\x09\xa6medium\xa3GPU\0";
  nf_text out = {0};
  nf_events_pack(&(infuse_page_event){.page = 0x8000000000000001, .before = 7, .tokens = tokens, .n = 3}, 1.5,
                 &out);
  assert_int_equal(out.n, sizeof stored - 1);
  assert_memory_equal(out.at, stored, out.n);
  out.n = 0;
  nf_events_pack(&(infuse_page_event){.page = 9}, 1.5, &out);
  assert_int_equal(out.n, sizeof removed - 1);
  assert_memory_equal(out.at, removed, out.n);
  nf_text_deinit(&out);
}

// ---- a subscriber ----

enum { ZMQ_SUB = 2, ZMQ_DEALER = 5, ZMQ_SUBSCRIBE = 6, ZMQ_RCVTIMEO = 27 };

typedef struct subscriber {
  void *library, *context, *socket;
  int (*receive)(void *socket, void *to, size_t n, int flags);
  int (*send)(void *socket, const void *at, size_t n, int flags);
} subscriber;

#define SYMBOL(s, type, name) ((type)dlsym((s)->library, name))

// topic NULL: who asks for what was missed.
static bool subscribe(subscriber *s, const char *endpoint, const char *topic) {
  const int patience = 10000;
  s->library = dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (s->library == NULL) return false;
  s->context = SYMBOL(s, void *(*)(void), "zmq_ctx_new")();
  s->socket =
      SYMBOL(s, void *(*)(void *, int), "zmq_socket")(s->context, topic != NULL ? ZMQ_SUB : ZMQ_DEALER);
  s->receive = SYMBOL(s, int (*)(void *, void *, size_t, int), "zmq_recv");
  s->send = SYMBOL(s, int (*)(void *, const void *, size_t, int), "zmq_send");
  int (*set)(void *, int, const void *, size_t) =
      SYMBOL(s, int (*)(void *, int, const void *, size_t), "zmq_setsockopt");
  if (topic != NULL) assert_int_equal(set(s->socket, ZMQ_SUBSCRIBE, topic, strlen(topic)), 0);
  assert_int_equal(set(s->socket, ZMQ_RCVTIMEO, &patience, sizeof patience), 0);
  assert_int_equal(SYMBOL(s, int (*)(void *, const char *), "zmq_connect")(s->socket, endpoint), 0);
  return true;
}

static void unsubscribe(subscriber *s) {
  SYMBOL(s, int (*)(void *), "zmq_close")(s->socket);
  SYMBOL(s, int (*)(void *), "zmq_ctx_term")(s->context);
}

// The message's three parts; its number.
static uint64_t hear(const subscriber *s, const char *topic, char *message, size_t *n) {
  char text[300];
  unsigned char number[8];
  uint64_t sent = 0;
  const int got = s->receive(s->socket, text, sizeof text, 0);
  assert_int_equal(got, (int)strlen(topic));
  assert_memory_equal(text, topic, (size_t)got);
  assert_int_equal(s->receive(s->socket, number, sizeof number, 0), 8);
  for (int i = 0; i < 8; i++) sent = sent << 8 | number[i];
  const int last = s->receive(s->socket, message, *n, 0);
  assert_true(last > 0 && (size_t)last <= *n);
  *n = (size_t)last;
  return sent;
}

static bool holds(const char *message, size_t n, const char *part) {
  return memmem(message, n, part, strlen(part)) != NULL;
}

// Pages of a prompt are told once, whoever has it; and that they are gone when others take their place.
static void a_router_hears_of_pages(void **state) {
  (void)state;
  const infuse_model_options mo = {
      .size = sizeof mo, .sessions = 1, .context = 512, .cache_tokens = 512, .batch = 64};
  const nf_server_options so = {.queue = 4, .events = true, .replay = true};
  void *library = dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    puts("left out: there is no libzmq.so.5");
    skip();
  }
  serving s = {0};
  subscriber hears = {0};
  serving_start(&s, SMALL, &mo, &so);
  char *answer = http_call(s.port, "GET /kv_event_sources", "", NULL), topic[200], endpoint[200];
  json_t *sources = json_loads(http_body(answer), 0, NULL);
  snprintf(topic, sizeof topic, "%s", serving_string(sources, "0.topic"));
  snprintf(endpoint, sizeof endpoint, "%s", serving_string(sources, "0.endpoint"));
  assert_int_equal(strncmp(endpoint, "tcp://127.0.0.1:", 16), 0);
  assert_int_equal(strncmp(serving_string(sources, "0.replay_endpoint"), "tcp://127.0.0.1:", 16), 0);
  assert_int_equal(json_integer_value(serving_at(sources, "0.buffer_steps")), NF_REPLAY_KEPT);
  assert_true(subscribe(&hears, endpoint, "kv@"));
  usleep(300000); // subscribing takes a moment, of which nobody is told
  nf_text body = {0};
  int stored = 0, removed = 0;
  for (int k = 0; k < 6; k++) { // six texts, of which the first comes twice, and there is no room for all
    body.n = 0;
    nf_text_printf(&body, "{\"max_tokens\":1,\"prompt\":[%d", k < 2 ? 10 : 10 + k);
    for (int i = 1; i < 140; i++) nf_text_printf(&body, ",%d", 20 + i);
    nf_text_printf(&body, "]}");
    json_decref(serving_post(&s, TEXT, body.at, 200));
  }
  for (uint64_t last = 0, i = 0; removed == 0; i++) {
    char message[2000];
    size_t n = sizeof message;
    const uint64_t sent = hear(&hears, topic, message, &n);
    assert_true(i == 0 || sent == last + 1);
    last = sent;
    stored += holds(message, n, "BlockStored");
    removed += holds(message, n, "BlockRemoved");
    if (i == 0)
      assert_true(holds(message, n, "parent_block_hash\xc0") && holds(message, n, "block_size\x40"));
    if (i == 1) assert_true(holds(message, n, "parent_block_hash\xcf"));
  }
  assert_int_equal(stored % 2, 0); // two pages of each text
  assert_true(stored >= 6 && stored <= 10);
  unsubscribe(&hears);
  nf_text_deinit(&body);
  json_decref(sources);
  free(answer);
  serving_stop(&s, 10);
}

// ---- once more ----

static void ask_from(const subscriber *s, uint64_t number) {
  char text[NF_ZMQ_NUMBER];
  nf_zmq_number(number, text);
  assert_int_equal(s->send(s->socket, "", 0, NF_ZMQ_MORE), 0);
  assert_int_equal(s->send(s->socket, text, sizeof text, 0), sizeof text);
}

// The number of the next message that comes again; it tells of the page of that number.
static uint64_t hear_again(const subscriber *s) {
  unsigned char number[NF_ZMQ_NUMBER];
  char message[6000], page[20] = "block_hashes\x91";
  assert_int_equal(s->receive(s->socket, message, sizeof message, 0), 0);
  assert_int_equal(s->receive(s->socket, number, sizeof number, 0), sizeof number);
  const int n = s->receive(s->socket, message, sizeof message, 0);
  const uint64_t sent = nf_zmq_number_of(number);
  assert_int_equal(n == 0, sent == UINT64_MAX);
  if (n == 0) return sent;
  const size_t length = strlen(page);
  const uint64_t told = 1000 + sent;
  snprintf(page + length, sizeof page - length, "\xcd%c%c", (char)(told >> 8), (char)told);
  assert_non_null(memmem(message, (size_t)n, page, length + 3));
  return sent;
}

static void hear_from_to(const subscriber *s, uint64_t from, uint64_t to) {
  ask_from(s, from);
  for (uint64_t i = from; i < to; i++) assert_int_equal(hear_again(s), i);
  assert_true(hear_again(s) == UINT64_MAX);
}

// What is no request is left alone, and the next one answered.
static void ask_wrongly(const subscriber *s) {
  static const struct {
    int parts;
    size_t bytes;
  } wrong[] = {{1, 8}, {1, 0}, {2, 7}, {2, 9}, {2, 4096}, {3, 8}, {9, 8}};
  static const char text[4096];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    for (int k = 1; k <= wrong[i].parts; k++) {
      const bool last = k == wrong[i].parts;
      s->send(s->socket, text, last || k > 1 ? wrong[i].bytes : 0, last ? 0 : NF_ZMQ_MORE);
    }
}

static void what_was_missed_comes_again(void **state) {
  (void)state;
  enum { SENT = NF_REPLAY_KEPT + 50 };
  nf_events *e = NULL;
  subscriber asks = {0};
  if (dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL) == NULL) {
    puts("left out: there is no libzmq.so.5");
    skip();
  }
  assert_true(nf_is_ok(nf_events_start(&(nf_events_options){"127.0.0.1", "m", .replay = true}, &e)));
  assert_true(subscribe(&asks, nf_events_replay(e), NULL));
  hear_from_to(&asks, 0, 0);
  for (uint64_t i = 0; i < SENT; i++) nf_events_tell(e, &(infuse_page_event){.page = 1000 + i});
  ask_wrongly(&asks);
  hear_from_to(&asks, SENT - 5, SENT);
  ask_from(&asks, 0);
  usleep(300000); // more waits than sockets have room for, and none is lost
  for (uint64_t i = SENT - NF_REPLAY_KEPT; i < SENT; i++) assert_int_equal(hear_again(&asks), i);
  assert_true(hear_again(&asks) == UINT64_MAX);
  hear_from_to(&asks, SENT, SENT);
  hear_from_to(&asks, UINT64_MAX, UINT64_MAX);
  ask_from(&asks, 0); // nobody reads it
  usleep(50000);
  nf_events_stop(e);
  unsubscribe(&asks);
}

// It has nothing of the end, and who asks next is answered.
static void who_is_slow_does_not_keep_the_others_waiting(void **state) {
  (void)state;
  nf_events *e = NULL;
  subscriber slow = {0};
  const nf_events_options o = {"127.0.0.1", "m", .replay = true, .whole_replay = 0.1};
  if (dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL) == NULL) {
    puts("left out: there is no libzmq.so.5");
    skip();
  }
  assert_true(nf_is_ok(nf_events_start(&o, &e)));
  assert_true(subscribe(&slow, nf_events_replay(e), NULL));
  int32_t tokens[1024]; // so many that most messages find no room in any socket
  for (int i = 0; i < 1024; i++) tokens[i] = 1 << 20;
  for (uint64_t i = 0; i < NF_REPLAY_KEPT; i++)
    nf_events_tell(e, &(infuse_page_event){.page = 1000 + i, .tokens = tokens, .n = 1024});
  ask_from(&slow, 0);
  usleep(300000); // longer than the answer may take, and less than the patience with each message
  ask_from(&slow, NF_REPLAY_KEPT);
  uint64_t n = 0;
  for (uint64_t i; (i = hear_again(&slow)) != UINT64_MAX; n++) assert_int_equal(i, n);
  assert_true(n < NF_REPLAY_KEPT);
  nf_events_stop(e);
  unsubscribe(&slow);
}

static void without_events_there_are_no_sources(void **state) {
  (void)state;
  const infuse_model_options mo = {.size = sizeof mo, .sessions = 1, .context = 512, .batch = 64};
  const nf_server_options so = {.queue = 4};
  serving s = {0};
  serving_start(&s, SMALL, &mo, &so);
  serving_get(&s, "/kv_event_sources", 200, "\r\n\r\n{}");
  serving_stop(&s, 10);
}

static void what_cannot_be_published_is_said(void **state) {
  (void)state;
  nf_events *e;
  nf_status st = nf_events_start(&(nf_events_options){"example.invalid", "m", .port = 1}, &e);
  assert_int_equal(nf_status_code(st), NF_UNAVAILABLE);
  nf_status_free(st);
}

static bool has_ipv6(void) {
  const struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const int s = socket(AF_INET6, SOCK_STREAM, 0);
  const bool has = s >= 0 && bind(s, (const struct sockaddr *)&at, sizeof at) == 0;
  if (s >= 0) close(s);
  return has;
}

static void hosts_of_ipv6_publish(void **state) {
  (void)state;
  static const char *const hosts[] = {"::1", "::"};
  if (dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL) == NULL || !has_ipv6()) {
    puts("left out: there is no libzmq.so.5, or no IPv6");
    skip();
  }
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    nf_events *e = NULL;
    char begin[20];
    const size_t n = (size_t)snprintf(begin, sizeof begin, "tcp://[%s]:", hosts[i]);
    const nf_status st = nf_events_start(&(nf_events_options){hosts[i], "m", .replay = true}, &e);
    if (!nf_is_ok(st)) print_error("%s\n", nf_status_message(st));
    assert_true(nf_is_ok(st));
    assert_int_equal(strncmp(nf_events_endpoint(e), begin, n), 0);
    assert_int_equal(strncmp(nf_events_replay(e), begin, n), 0);
    nf_events_stop(e);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bytes_are_msgpack),
      cmocka_unit_test(a_router_hears_of_pages),
      cmocka_unit_test(what_was_missed_comes_again),
      cmocka_unit_test(who_is_slow_does_not_keep_the_others_waiting),
      cmocka_unit_test(without_events_there_are_no_sources),
      cmocka_unit_test(hosts_of_ipv6_publish),
      cmocka_unit_test(what_cannot_be_published_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
