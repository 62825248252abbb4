// SPDX-License-Identifier: Apache-2.0
// Any bytes as what the system tells of cores and memory: mountinfo, cgroup, cpu.max, a list of CPUs and
// memory.max, with a zero byte between.
#include "base/cores.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/cores_fuzz.XXXXXX";
static const char *const folders[] = {
    "proc", "proc/self", "sys", "sys/cg", "sys/devices", "sys/devices/system", "sys/devices/system/cpu"};
static const char *const files[] = {"proc/self/mountinfo", "proc/self/cgroup", "sys/cg/cpu.max",
                                    "sys/devices/system/cpu/online", "sys/cg/memory.max"};

static const char *in_root(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", root, name);
  return path;
}

static void drop(void) {
  for (size_t i = sizeof files / sizeof *files; i-- > 0;) remove(in_root(files[i]));
  for (size_t i = sizeof folders / sizeof *folders; i-- > 0;) remove(in_root(folders[i]));
  remove(root);
}

static void make(void) {
  if (mkdtemp(root) == NULL) abort();
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (mkdir(in_root(folders[i]), 0700) != 0) abort();
  atexit(drop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int made;
  nf_cpu_set four = {0};
  if (!made++) make();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const uint8_t *end = size != 0 ? memchr(data, 0, size) : NULL;
    const size_t n = end != NULL ? (size_t)(end - data) : size;
    FILE *f = fopen(in_root(files[i]), "w");
    if (f == NULL || (n != 0 && fwrite(data, 1, n, f) != n) || fclose(f) != 0) abort();
    data += n + (end != NULL), size -= n + (end != NULL);
  }
  for (int i = 0; i < 4; i++) nf_cpu_set_add(&four, i);
  const nf_cores_allowed a = nf_allowed_cores_under(root, &four);
  if (a.cpus != 4 || !(a.quota >= 0) || nf_cores_of(&a) < 1 || nf_cores_of(&a) > 4) abort();
  (void)nf_memory_limit_under(root);
  return 0;
}
