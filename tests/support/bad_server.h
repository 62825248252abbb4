// SPDX-License-Identifier: Apache-2.0
// A server of HTTP that says what a test wrote down, byte by byte, right or wrong, and hangs up: what clients
// have to bear. On a port of this machine, one connection after the other, in a thread of its own.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct bad_answer {
  const char *path; // what the request begins with, behind its method
  const char *text; // all that is said, from the status line on; "" hangs up without a word
} bad_answer;

typedef struct bad_server bad_server;
// Of a request whose path is in no row nothing is said. `answer` outlives the server.
bad_server *bad_server_start(const bad_answer *answer, size_t n);
uint16_t bad_server_port(const bad_server *s);
void bad_server_stop(bad_server *s); // once its connections are over
