// SPDX-License-Identifier: Apache-2.0
// The store: what was measured of an op's kernels, a file for each op at steps alike.
//
// Entries lie in <cache folder>/tune/<environment>/<hash of the key>.json, the environment being a hash of
// all that times depend on: processor, features, threads, caches, infuse's version, the compiler, and the
// text of all kernels (of all, as they share headers). environment.json there says it in words. An entry
// appears whole or not at all, and has its key inside; one that is cut short, of another key, too large or
// contradicts itself is a miss. Any number of processes may read and write at once: the last one counts.
#pragma once
#include "base/log.h"
#include "hw/hw.h"
#include "select/select.h"

enum { NF_TUNED_WHY = 160, NF_TUNED_MOST = 48 };
typedef struct nf_tuned { // a candidate
  const nf_variant *v;
  double us, spread;      // median, and half of what lies between the quartiles; 0: refused
  char why[NF_TUNED_WHY]; // it may not be used; "": it may
} nf_tuned;
typedef struct nf_tune_entry {
  nf_tuned of[NF_TUNED_MOST];
  int n, winner, by_default; // indices; winner -1: all are refused; by_default: what estimates would choose
  char date[16];             // "2026-11-28"
} nf_tune_entry;

// What an entry is told apart by, and an environment, in words; freed by nf_free, NULL: no memory. Sizes of
// `at` that are 0 do not count.
char *nf_tune_key(const nf_op_desc *d, const nf_sizes *at);
char *nf_tune_environment(const nf_hw *hw, int threads);

typedef struct nf_tune_store {
  char *folder; // NULL: nothing is kept
  const nf_log *log;
  bool warned;            // of all that is wrong with files only the first is told
  const nf_variant *list; // [n] that names of kernels are of
  size_t n;
} nf_tune_store;
// A folder that can't be made is told in a warning, and nothing is kept. `log` and `list` outlive the store.
nf_status nf_tune_store_open(const nf_hw *hw, int threads, const nf_log *log, const nf_variant *list,
                             size_t n,
                             nf_tune_store *out); // NF_NO_MEMORY
void nf_tune_store_close(nf_tune_store *s);       // zeroed is fine
bool nf_tune_store_find(nf_tune_store *s, const char *key, nf_tune_entry *out);
void nf_tune_store_keep(nf_tune_store *s, const char *key, const nf_tune_entry *e);

// Each whole entry of the environment, in the order of names: `name` is what nf_tune_store_forget takes. And
// removing one, or NULL: all; NF_USAGE: there is none of that name.
typedef void (*nf_tune_visit)(void *user, const char *name, const char *key, const nf_tune_entry *e);
nf_status nf_tune_store_each(nf_tune_store *s, nf_tune_visit visit, void *user);
nf_status nf_tune_store_forget(nf_tune_store *s, const char *name, size_t *removed);
