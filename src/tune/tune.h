// SPDX-License-Identifier: Apache-2.0
// The tuner: what plans ask selection for, looked up in the store, and measured where it is not there.
//
// Its table of timings is a compiler's option. Each op at steps alike that the compiler asks about is a site;
// the table looks it up once, by the site's key. Nothing is measured by that: nf_tuner_run measures the sites
// that were missing, and plans made afterwards find them. All ranks of a model are planned for by one
// compiler in one process, so that they have one table.
#pragma once
#include "check/check.h"
#include "select/select.h"
#include "tune/store.h"
#include <jansson.h>

typedef struct nf_tuner nf_tuner; // of one thread at a time

// For plans that `threads` threads of this host run alone, or the device of `on`, unless that has none. hw,
// log, the device and its module outlive it.
nf_status nf_tuner_create(const nf_hw *hw, int threads, const nf_runner *on, const nf_log *log,
                          nf_tuner **out);
// The same over another list of variants, for tests. hang: as nf_measuring has it.
nf_status nf_tuner_create_from(const nf_variant *list, size_t n, const nf_hw *hw, int threads,
                               const nf_runner *on, double hang, const nf_log *log, nf_tuner **out);
void nf_tuner_destroy(nf_tuner *t);         // NULL is fine
nf_timings *nf_tuner_timings(nf_tuner *t);  // the tuner's
nf_tune_store *nf_tuner_store(nf_tuner *t); // the tuner's; .folder NULL: nothing is kept

// Measures what was asked for and is not known, what takes longest first, as long as there are seconds left
// (one site may take longer). *measured: so many were. NF_CANCELLED by the log's progress; what was measured
// until then is kept.
nf_status nf_tuner_run(nf_tuner *t, double seconds, size_t *measured);

// "sites" with their kernels and times, "hits", "misses", "measured", "left", "refused", and "gain", the
// geometric mean of what the default takes over what the choice takes; docs/tuning.md. op: of it alone; NULL:
// all. NULL: no memory.
json_t *nf_tuner_report(const nf_tuner *t, const char *op);
