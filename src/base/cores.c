// SPDX-License-Identifier: Apache-2.0
// Cores by affinity, and the limits of cgroups on processors and memory, as Linux's files tell them.
#include "base/cores.h"
#include "base/checked.h"
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 4096, PATH = 2 * LINE };

// ---- files of one line ----

static bool read_line(const char *path, char line[LINE]) {
  FILE *f = fopen(path, "re");
  const bool read = f != NULL && fgets(line, LINE, f) != NULL;
  if (f != NULL) fclose(f);
  return read;
}

// ---- affinity and cores ----

nf_cpu_set nf_affinity(void) {
  nf_cpu_set s = {0};
  if (sched_getaffinity(0, sizeof s, (cpu_set_t *)&s) != 0) nf_cpu_set_add(&s, 0);
  return s;
}

// The CPUs of a list such as "0-3,8,10-11".
static nf_cpu_set parse_list(const char *at) {
  nf_cpu_set s = {0};
  for (char *end; *at != '\0' && *at != '\n'; at = *end == ',' ? end + 1 : end) {
    const long first = strtol(at, &end, 10);
    if (end == at) break;
    const long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
    for (long cpu = nf_max(first, 0); cpu <= last && cpu < NF_MAX_CPUS; cpu++) nf_cpu_set_add(&s, (int)cpu);
  }
  return s;
}

static nf_cpu_set read_list(const char *path) {
  char line[LINE] = "";
  return read_line(path, line) ? parse_list(line) : (nf_cpu_set){0};
}

// Whether cpu is the first of its core's that may be used.
static bool stands_for_core(const char *root, const nf_cpu_set *allowed, int cpu) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, cpu);
  const nf_cpu_set siblings = read_list(path);
  for (int other = 0; other < cpu; other++)
    if (nf_cpu_set_has(&siblings, other) && nf_cpu_set_has(allowed, other)) return false;
  return true;
}

static bool leaves_some_out(const char *root, const nf_cpu_set *allowed) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/sys/devices/system/cpu/online", root);
  const nf_cpu_set online = read_list(path);
  for (int cpu = 0; cpu < NF_MAX_CPUS; cpu++)
    if (nf_cpu_set_has(&online, cpu) && !nf_cpu_set_has(allowed, cpu)) return true;
  return false;
}

// ---- limits ----

static double lesser(double a, double b) { return a == 0 || (b > 0 && b < a) ? b : a; } // 0: no limit

static double cpus_of(double quota, double period) {
  const double cpus = quota / period;
  return quota > 0 && period > 0 && isfinite(cpus) ? cpus : 0;
}

// CPUs by the files of one cgroup; cpu.max of v2 is "QUOTA PERIOD" or "max PERIOD", the quota of v1 may be
// -1.
static double quota_of(const char *folder) {
  char path[PATH + LINE], line[LINE];
  double quota = 0, period = 0;
  snprintf(path, sizeof path, "%s/cpu.max", folder);
  if (read_line(path, line))
    return sscanf(line, "%lf %lf", &quota, &period) == 2 ? cpus_of(quota, period) : 0;
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
  if (!read_line(path, line) || sscanf(line, "%lf", &quota) != 1) return 0;
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
  return read_line(path, line) && sscanf(line, "%lf", &period) == 1 ? cpus_of(quota, period) : 0;
}

// The number in a file of a cgroup; a word ("max") or no file is no limit.
static double number_in(const char *folder, const char *file) {
  char path[PATH + LINE], line[LINE];
  double n = 0;
  snprintf(path, sizeof path, "%s/%s", folder, file);
  return read_line(path, line) && sscanf(line, "%lf", &n) == 1 && n > 0 && isfinite(n) ? n : 0;
}

// Bytes: beyond memory.high a group is held up until it gives some back; v1 writes the largest number there
// is where it has no limit.
static double memory_of(const char *folder) {
  const double v2 = lesser(number_in(folder, "memory.max"), number_in(folder, "memory.high"));
  return lesser(v2, number_in(folder, "memory.limit_in_bytes"));
}

typedef struct controller {
  const char *name;
  double (*limit_of)(const char *folder); // of one cgroup
} controller;
static const controller cpus = {"cpu", quota_of}, memory = {"memory", memory_of};

// Of a cgroup and all above it, up to where the hierarchy is mounted.
static double limit_up_from(const controller *c, char *folder, size_t mount) {
  double least = 0;
  for (;;) {
    least = lesser(least, c->limit_of(folder));
    char *slash = strrchr(folder, '/');
    if (slash == NULL || (size_t)(slash - folder) < mount) return least;
    *slash = '\0';
  }
}

static bool lists(const char *words, const char *word) { // "cpu,cpuacct"
  for (const size_t n = strlen(word); words != NULL; words = strchr(words, ',')) {
    words += *words == ',';
    if (strncmp(words, word, n) == 0 && strchr(",:\n", words[n]) != NULL) return true;
  }
  return false;
}

// The process's cgroup of the hierarchy that has the controller: "0::/path" of v2, "4:cpu,cpuacct:/path".
static bool find_cgroup(const controller *c, const char *root, bool v2, char path[LINE]) {
  char name[PATH], line[LINE];
  bool found = false;
  snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
  FILE *f = fopen(name, "re");
  while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
    const char *controllers = strchr(line, ':'), *at = controllers ? strchr(controllers + 1, ':') : NULL;
    if (at == NULL || !(v2 ? at == controllers + 1 : lists(controllers + 1, c->name))) continue;
    found = true;
    snprintf(path, LINE, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
  }
  if (f != NULL) fclose(f);
  return found;
}

// A line of mountinfo: "36 35 0:30 ROOT POINT … - TYPE SOURCE OPTIONS". What is mounted may be a part of the
// hierarchy: cgroups are below its ROOT, and one that is not is the mount itself, as containers see it.
static double limit_of_mount(const controller *c, const char *root, const char *line) {
  char from[LINE], point[LINE], type[32], options[LINE], path[LINE], folder[PATH];
  const char *behind = strstr(line, " - ");
  if (sscanf(line, "%*s %*s %*s %4095s %4095s", from, point) != 2 || behind == NULL ||
      sscanf(behind, " - %31s %*s %4095s", type, options) != 2)
    return 0;
  const bool v2 = strcmp(type, "cgroup2") == 0, v1 = strcmp(type, "cgroup") == 0 && lists(options, c->name);
  if ((!v1 && !v2) || !find_cgroup(c, root, v2, path)) return 0;
  const size_t above = strcmp(from, "/") == 0 ? 0 : strlen(from);
  const char *below = strncmp(path, from, above) == 0 ? path + above : "";
  const int mount = snprintf(folder, sizeof folder, "%s%s", root, point);
  snprintf(folder + mount, sizeof folder - (size_t)mount, "%s", strcmp(below, "/") == 0 ? "" : below);
  return limit_up_from(c, folder, (size_t)mount);
}

static double limit_under(const controller *c, const char *root) {
  char name[PATH], line[LINE];
  double least = 0;
  snprintf(name, sizeof name, "%s/proc/self/mountinfo", root);
  FILE *f = fopen(name, "re");
  while (f != NULL && fgets(line, sizeof line, f) != NULL)
    least = lesser(least, limit_of_mount(c, root, line));
  if (f != NULL) fclose(f);
  return least;
}

// ---- together ----

nf_cores_allowed nf_allowed_cores_under(const char *root, const nf_cpu_set *affinity) {
  nf_cores_allowed a = {.quota = limit_under(&cpus, root), .owned = leaves_some_out(root, affinity)};
  for (int cpu = 0; cpu < NF_MAX_CPUS; cpu++)
    if (nf_cpu_set_has(affinity, cpu)) {
      a.cpus++;
      if (!stands_for_core(root, affinity, cpu)) continue;
      a.cores++;
      nf_cpu_set_add(&a.core, cpu);
    }
  return a;
}

nf_cores_allowed nf_allowed_cores(void) {
  const nf_cpu_set affinity = nf_affinity();
  return nf_allowed_cores_under("", &affinity);
}

int nf_cores_of(const nf_cores_allowed *a) {
  const int by_quota = a->quota > 0 && a->quota < a->cores ? (int)ceil(a->quota) : a->cores;
  return (int)nf_max(by_quota, 1);
}

int nf_cores(void) {
  const nf_cores_allowed a = nf_allowed_cores();
  return nf_cores_of(&a);
}

uint64_t nf_memory_limit_under(const char *root) {
  const double bytes = limit_under(&memory, root);
  return bytes < 0x1p63 ? (uint64_t)bytes : 0;
}

uint64_t nf_memory_limit(void) { return nf_memory_limit_under(""); }
