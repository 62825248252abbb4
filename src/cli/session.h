// SPDX-License-Identifier: Apache-2.0
// A session as the options of generate and chat say, and an answer drawn in it. Thread-compatible.
#pragma once
#include "cli/cli.h"

typedef struct cli_session { // the caller sets o, m, seed and, before an answer, start
  const cli_options *o;
  infuse_model *m;
  infuse_session *s; // owned; NULL: none yet
  uint64_t seed;
  double start, first, end; // seconds: when it was asked, at the first token (0: none yet), at the last
  size_t prompt_tokens;     // that had to be computed for it
} cli_session;

uint64_t cli_seed(const cli_options *o); // --seed, else one that is short to type
// Makes s->s with s->seed. 0, or the exit code with the error told and no session.
int cli_session_open(cli_session *s);
void cli_session_close(cli_session *s); // the session; s can be opened again
// Draws until the answer ends or Ctrl-C comes, and hands out what each step brings; false from `take` is no
// memory. 0, or the exit code with the error told.
int cli_session_run(cli_session *s, bool (*take)(void *user, const infuse_output *out), void *user);
int cli_session_no_memory(void);               // tells it; the exit code
double cli_session_rate(const cli_session *s); // tokens per second behind the first one
// How the answer ended: "stop", "length", "context full", "failed", "interrupted".
const char *cli_session_finish(const cli_session *s);
void cli_session_print(const cli_session *s); // the figures, as a line on standard error
