// SPDX-License-Identifier: Apache-2.0
// Inside the room: sites, and which kernels compete there.
#pragma once
#include "check/check.h"
#include "tune/tune.h"

typedef struct nf_site_tuned {
  nf_op_desc d;
  nf_sizes at; // as nf_timings_bucket gives them
  char *key;
  double estimate;        // microseconds of the default
  nf_tune_entry e;        // candidates, until `known` without times
  bool known, hit;        // hit: it was in the store
  char why[NF_TUNED_WHY]; // it can't be measured; "": it can
} nf_site_tuned;

struct nf_tuner {
  const nf_hw *hw;
  int threads;
  nf_runner on; // a device, else none
  double hang;
  const nf_log *log;
  const nf_variant *list; // [n]
  size_t n;
  bool *passed; // [n] kernels that have passed the gate
  nf_timings *timings;
  nf_tune_store store;
  nf_site_tuned **site; // [n_sites]
  size_t n_sites, room;
};

// The step that a site is measured at: sizes that the op does not depend on are one.
nf_sizes nf_site_step(const nf_sizes *at);
// Fills e's candidates and by_default, and estimate: legal kernels but references. 0 of them: no site.
int nf_site_candidates(const nf_tuner *t, nf_site_tuned *s);
