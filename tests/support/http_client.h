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
// One request on a connection of its own: n bytes, and all of the answer. Freed by the caller.
char *http_ask(uint16_t port, const char *text, size_t n);
// The same of a method, path, and a body, which is JSON (n bytes; NULL: none).
char *http_call(uint16_t port, const char *method, const char *path, const char *body, size_t n);
int http_status(const char *answer);       // 0: it is none
const char *http_body(const char *answer); // behind the headers
