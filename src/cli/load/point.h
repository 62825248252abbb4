// SPDX-License-Identifier: Apache-2.0
// One point of a load: requests sent at a rate, so many at a time at most, and what was measured of each.
#pragma once
#include "cli/load/prompts.h"
#include "cli/series.h"
#include <signal.h>

typedef struct load_record { // of a request
  load_prompt prompt;
  int64_t in, out, cached; // tokens as the server counts them, else as the prompt was made, events with text
                           // for `out`, and 0
  double start;            // seconds since the point's: when it was sent
  double first, last;      // the same, of its first text and its last; the end where no text came
  cli_series gaps;         // between events with text, seconds
  nf_status failure;       // OK: it came to its end
} load_record;

typedef struct load_point_options {
  load_client *client;
  const char *path; // "/v1/completions"
  size_t n;
  double rate;        // requests a second; infinite: all at once
  double burstiness;  // see arrivals.h
  size_t concurrency; // most that are open at the same time; 0: as many as there are
  const double *good; // [3] most seconds of TTFT, TPOT and E2EL of a good answer; infinite: any
  uint64_t *random;   // state of the generator
  const volatile sig_atomic_t *stop;          // not 0: end
  void (*progress)(void *user, size_t ended); // NULL: nobody looks
  void *user;
} load_point_options;

typedef struct load_point {
  load_record *at; // [n] in the order of their sending
  size_t n;
  double duration; // seconds from the start to the last end
  size_t most;     // requests open at the same time
} load_point;

// Prompts are drawn and written before the clock starts. A request that fails is a record that says why; an
// error is one of the generator's own, or NF_CANCELLED.
nf_status load_point_run(const load_point_options *o, load_prompts *prompts, load_point *out);
void load_point_deinit(load_point *p);  // also after an error; a zeroed one is fine
double load_tpot(const load_record *r); // seconds; of two tokens or more
