// SPDX-License-Identifier: Apache-2.0
// How the host is built, of the part that this process may use: for people who read what was measured of it.
#pragma once
#include "base/status.h"
#include <stdint.h>

enum { NF_CACHE_LEVELS = 3 };
typedef struct nf_topology {
  int packages, memory_nodes, cores, cpus; // cpus: more than cores where a core runs several threads
  struct {
    uint64_t bytes; // of one, for data; 0: not known, or not there
    int n;
  } cache[NF_CACHE_LEVELS]; // the first level is cache[0]
} nf_topology;

// Takes milliseconds, more on large machines. NF_UNAVAILABLE: the system does not tell.
nf_status nf_hw_topology(nf_topology *out);
