// SPDX-License-Identifier: Apache-2.0
// A server over a small model in the test's own process, what tests ask it, and what they look for in its
// answers. Whatever is wrong fails the test.
#pragma once
#include "server/server.h"
#include "tests/support/http_client.h"
#include <jansson.h>

typedef struct serving {
  infuse_runtime *rt;
  infuse_model *model;
  nf_server *server;
  uint16_t port;
} serving;

#define CHAT "/v1/chat/completions"
#define TEXT "/v1/completions"
#define RESPONSE "/v1/responses"
#define SMALL "models/infuse-oss" // what is served where nothing else is said, under the name infuse-oss
// To which its answer is "The answer is 42."
#define SUM "\"messages\":[{\"role\":\"user\",\"content\":\"What is 12 + 30?\"}],\"temperature\":0"

// What cmocka sets up for a group of tests: SMALL, four sessions of 1024 tokens.
extern serving served;
int serving_set_up(void **state);
int serving_tear_down(void **state);

// Another one: two threads, `so` without what is the model's. serving_stop lets answers go on for `seconds`.
void serving_start(serving *s, const char *dir, const infuse_model_options *mo, const nf_server_options *so);
void serving_stop(serving *s, double seconds);

// A connection on which a request was sent, as http_request has it.
int serving_send(const serving *s, const char *line, const char *headers, const char *body);
// The JSON of the answer, which has this status; freed by the caller.
json_t *serving_post(const serving *s, const char *path, const char *body, int status);
// The answer has this status, and in its text `part`.
void serving_get(const serving *s, const char *path, int status, const char *part);
// A value by a path of keys and indices: "choices.0.message". NULL: there is none.
const json_t *serving_at(const json_t *root, const char *path);
const char *serving_string(const json_t *root, const char *path); // NULL: it is none
// The events of a stream, without the transfer coding. Freed by the caller.
char *serving_stream(const serving *s, const char *path, const char *body);
char *serving_events(const char *answer); // the same of an answer that has come
// The data of the events, parsed: an array. Freed by the caller.
json_t *serving_chunks(const char *events);
// What stands in each of these at a path, joined. Freed by the caller.
char *serving_joined(const char *events, const char *path);
// The number of a metric without labels but the model's and the engine's; and how many answers have ended so.
double serving_metric(const serving *s, const char *name);
double serving_ended(const serving *s, const char *reason);
// Waits until a metric is so, for 10 s at most; whether it is then.
bool serving_comes_to(const serving *s, const char *name, double value);
bool serving_is_idle(const serving *s); // waits at most 10 s until nothing runs or waits
int serving_count(const char *text, const char *part);
