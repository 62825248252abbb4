// SPDX-License-Identifier: Apache-2.0
// A client of HTTP for tests: raw bytes over a socket of this machine, so that wrong requests can be said
// too.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int http_dial(uint16_t port);                     // a connection, or the test fails
bool http_listens(uint16_t port);                 // whether there could be one
void http_say(int s, const char *text, size_t n); // who hangs up meanwhile is no error
// All that comes until `until` has come, the connection is closed (NULL: only then), or 30 seconds are over.
// Freed by the caller.
char *http_hear(int s, const char *until);
// A request: its line ("GET /health"), headers that it has besides, each with its line end, and a body, which
// is JSON (NULL: none).
void http_request(int s, const char *line, const char *headers, const char *body);
// One request on a connection of its own, and all of the answer: of n bytes as they are, or of parts as
// above. Freed by the caller.
char *http_ask(uint16_t port, const char *text, size_t n);
char *http_call(uint16_t port, const char *line, const char *headers, const char *body);
int http_status(const char *answer);       // 0: it is none
const char *http_body(const char *answer); // behind the headers
// A header's value, copied into `out` of n bytes; "" where there is no such header.
const char *http_header(const char *answer, const char *name, char *out, size_t n);
