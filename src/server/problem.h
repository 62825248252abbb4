// SPDX-License-Identifier: Apache-2.0
// What goes wrong with a request, as HTTP and OpenAI's clients are told: one table of statuses, types, codes.
#pragma once
#include "base/json.h"

typedef enum nf_problem_kind {
  NF_PROBLEM_NONE,
  NF_PROBLEM_REQUEST,   // its body is wrong
  NF_PROBLEM_CONTEXT,   // the prompt is longer than the model's context
  NF_PROBLEM_KEY,       // no key, or a wrong one
  NF_PROBLEM_MODEL,     // there is no such model here
  NF_PROBLEM_PATH,      // nor such a path
  NF_PROBLEM_METHOD,    // the path has no such method
  NF_PROBLEM_WAITED,    // too long in the queue
  NF_PROBLEM_TOO_LARGE, // the body
  NF_PROBLEM_BUSY,      // the queue is full
  NF_PROBLEM_CANCELLED, // by who runs the server; 499, as clients and routers try 5xx again
  NF_PROBLEM_INTERNAL,
  NF_PROBLEM_UNAVAILABLE, // the server stops, or its device is gone
  NF_PROBLEMS
} nf_problem_kind;

int nf_problem_status(nf_problem_kind kind);
int nf_problem_retry_after(nf_problem_kind kind); // seconds; 0: trying again does not help
// {"error": {"message", "type", "param", "code"}}. message NULL: the kind's own; param NULL: none, or what a
// message of nf_ask_read names. NULL: no memory.
json_t *nf_problem_json(nf_problem_kind kind, const char *message, const char *param);
// The same, appended as text. NF_NO_MEMORY.
nf_status nf_problem_body(nf_problem_kind kind, const char *message, const char *param, nf_text *out);
// Appends a value as all that is sent is written: ASCII, as some clients cut lines at U+0085 and U+2028.
// Takes it; NULL is NF_NO_MEMORY.
nf_status nf_json_write(json_t *value, nf_text *out);
// Of an error of the library's, before an answer has begun.
nf_problem_kind nf_problem_of(nf_code code);
