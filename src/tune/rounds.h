// SPDX-License-Identifier: Apache-2.0
// Inside the room: candidates timed in turns, until it is known which is the fastest.
#pragma once
#include "tune/store.h"

enum { NF_LEAST_ROUNDS = 3, NF_ROUNDS_OF_ALL = 5, NF_ROUNDS_OF_TWO = 12 };
typedef struct nf_rounds {
  nf_tune_entry *e;                                         // its times and spreads follow
  nf_status (*time)(void *user, int candidate, double *us); // of one run; > 0
  void *user;
  double us[NF_TUNED_MOST][1 + NF_ROUNDS_OF_ALL + NF_ROUNDS_OF_TWO]; // sorted
  int runs[NF_TUNED_MOST];
} nf_rounds;
#define NF_LONG_US 2e4                                      // a first run that is as long counts, cold or not
void nf_rounds_add(nf_rounds *r, int candidate, double us); // of a run that was made anyway
nf_status nf_rounds_run(nf_rounds *r);                      // the error of `time`
