// SPDX-License-Identifier: Apache-2.0
// A server over a small model in the test's own process, and what tests of it ask of its answers. Whatever is
// wrong fails the test.
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

// Two threads; `so` without what is the model's. serving_stop lets answers go on for `seconds`.
void serving_start(serving *s, const char *dir, const infuse_model_options *mo, const nf_server_options *so);
void serving_stop(serving *s, double seconds);

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
// The number of a metric without labels but the model's and the engine's; 0 where it is not told.
double serving_metric(const serving *s, const char *name);
bool serving_is_idle(const serving *s); // waits at most 10 s until nothing runs or waits
int serving_count(const char *text, const char *part);
