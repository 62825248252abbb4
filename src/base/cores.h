// SPDX-License-Identifier: Apache-2.0
// How much of the machine's processors and memory the system lets this process use.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// CPU numbers as bits, as many as Linux can have.
typedef struct nf_cpu_set {
  unsigned long bits[128];
} nf_cpu_set;
enum { NF_MAX_CPUS = sizeof(nf_cpu_set) * 8 };
static inline bool nf_cpu_set_has(const nf_cpu_set *s, int cpu) {
  return s->bits[cpu / (int)(8 * sizeof *s->bits)] >> cpu % (int)(8 * sizeof *s->bits) & 1;
}
static inline void nf_cpu_set_add(nf_cpu_set *s, int cpu) {
  s->bits[cpu / (int)(8 * sizeof *s->bits)] |= 1ul << cpu % (int)(8 * sizeof *s->bits);
}

typedef struct nf_cores_allowed {
  int cpus;        // that threads may run on: the affinity, which is within cpusets
  int cores;       // that these belong to: less, where a core is several CPUs and they share it
  nf_cpu_set core; // a CPU of each of them
  double quota;    // CPUs' worth of time that the process's cgroups (v1 or v2) leave it; 0: no limit
  bool owned;      // cpus are some of the machine's, given to this process on purpose (taskset, a cpuset)
} nf_cores_allowed;

nf_cpu_set nf_affinity(void); // of the calling thread
nf_cores_allowed
nf_allowed_cores(void); // reads some files of /proc and /sys; what they do not tell is no limit
// The same for this affinity and below another root than "", for tests.
nf_cores_allowed nf_allowed_cores_under(const char *root, const nf_cpu_set *affinity);
int nf_cores(void); // that a thread each can use: the lesser of cores and the quota rounded up, at least 1
int nf_cores_of(const nf_cores_allowed *a);

// Bytes that the process's cgroups (v1 or v2) leave it, the lesser of limit and throttle; 0: no limit.
uint64_t nf_memory_limit(void);
uint64_t nf_memory_limit_under(const char *root); // the same below another root, for tests
