// SPDX-License-Identifier: Apache-2.0
// What the system allows, from made-up files of it.
#include "base/cores.h"
#include "tests/support/folder.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// cmocka wants the standard headers first
#include <cmocka.h>

// A file below root, with its folders.
static void put(const char *root, const char *name, const char *text) {
  char path[1024];
  const int n = snprintf(path, sizeof path, "%s/%s", root, name);
  for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
    *at = '\0';
    mkdir(path, 0777);
    *at = '/';
  }
  FILE *f = fopen(path, "w");
  assert_true(f != NULL && n < (int)sizeof path && fputs(text, f) >= 0 && fclose(f) == 0);
}

static int drop(const char *path, const struct stat *, int, struct FTW *) { return remove(path); }

typedef struct file {
  const char *name, *text;
} file;
#define MOUNT2 "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
#define MOUNT1 "33 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define V1 "4:memory:/x\n3:cpu,cpuacct:/a/b\n0::/c\n"
#define CG "sys/fs/cgroup/"
#define CG1 "sys/fs/cgroup/cpu,cpuacct/"
#define SIBLINGS(cpu) "sys/devices/system/cpu/cpu" #cpu "/topology/thread_siblings_list"

static const struct {
  const char *what;
  file files[8];
  int cpus, cores; // of CPUs 0 to 5
  double quota;
  int usable;
  bool owned;
} rows[] = {
    {"nothing is told", {{0}}, 6, 6, 0, 6, false},
    {"v2: of the group above",
     {{"proc/self/mountinfo", MOUNT2},
      {"proc/self/cgroup", "0::/a/b\n"},
      {CG "a/b/cpu.max", "max 100000\n"},
      {CG "a/cpu.max", "250000 100000\n"}},
     6,
     6,
     2.5,
     3,
     false},
    {"v2: the least of all",
     {{"proc/self/mountinfo", MOUNT2},
      {"proc/self/cgroup", "0::/a/b\n"},
      {CG "a/b/cpu.max", "50000 100000\n"},
      {CG "cpu.max", "250000 100000\n"}},
     6,
     6,
     0.5,
     1,
     false},
    {"v2: a container's root",
     {{"proc/self/mountinfo", MOUNT2}, {"proc/self/cgroup", "0::/\n"}, {CG "cpu.max", "400000 200000\n"}},
     6,
     6,
     2,
     2,
     false},
    {"v2: a part is mounted",
     {{"proc/self/mountinfo", "29 23 0:26 /pod/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n"},
      {"proc/self/cgroup", "0::/pod/x/job\n"},
      {CG "job/cpu.max", "300000 100000\n"}},
     6,
     6,
     3,
     3,
     false},
    {"v2: a group outside of what is mounted",
     {{"proc/self/mountinfo", "29 23 0:26 /pod/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n"},
      {"proc/self/cgroup", "0::/other\n"},
      {CG "cpu.max", "100000 100000\n"}},
     6,
     6,
     1,
     1,
     false},
    {"v2: more than there are",
     {{"proc/self/mountinfo", MOUNT2}, {"proc/self/cgroup", "0::/\n"}, {CG "cpu.max", "6400000 100000\n"}},
     6,
     6,
     64,
     6,
     false},
    {"v2: nonsense",
     {{"proc/self/mountinfo", "x\n29 23 0:26\n" MOUNT2},
      {"proc/self/cgroup", "0\n::\n0::/\n"},
      {CG "cpu.max", "100000 0\n"}},
     6,
     6,
     0,
     6,
     false},
    {"v1",
     {{"proc/self/mountinfo", MOUNT1},
      {"proc/self/cgroup", V1},
      {CG1 "a/b/cpu.cfs_quota_us", "-1\n"},
      {CG1 "a/b/cpu.cfs_period_us", "100000\n"},
      {CG1 "a/cpu.cfs_quota_us", "400000\n"},
      {CG1 "a/cpu.cfs_period_us", "100000\n"}},
     6,
     6,
     4,
     4,
     false},
    {"v1 has the CPUs, v2 is there too",
     {{"proc/self/mountinfo", MOUNT1 "30 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"},
      {"proc/self/cgroup", V1},
      {CG1 "cpu.cfs_quota_us", "150000\n"},
      {CG1 "cpu.cfs_period_us", "100000\n"}},
     6,
     6,
     1.5,
     2,
     false},
    {"v1: another controller's",
     {{"proc/self/mountinfo", "33 25 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"},
      {"proc/self/cgroup", "3:cpuset:/\n"},
      {CG "cpuset/cpu.cfs_quota_us", "100000\n"},
      {CG "cpuset/cpu.cfs_period_us", "100000\n"}},
     6,
     6,
     0,
     6,
     false},
    {"two CPUs a core",
     {{SIBLINGS(0), "0,8\n"},
      {SIBLINGS(1), "1-2\n"},
      {SIBLINGS(2), "1-2\n"},
      {SIBLINGS(4), "4-5"},
      {SIBLINGS(5), "4-5"},
      {"sys/devices/system/cpu/online", "0-5\n"}},
     6,
     4,
     0,
     4,
     false},
    {"some of the machine's", {{"sys/devices/system/cpu/online", "0-7\n"}}, 6, 6, 0, 6, true},
};

static void files_tell(void **) {
  nf_cpu_set six = {0};
  for (int i = 0; i < 6; i++) nf_cpu_set_add(&six, i);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char *root = folder_create();
    for (const file *f = rows[i].files; f->name != NULL; f++) put(root, f->name, f->text);
    const nf_cores_allowed a = nf_allowed_cores_under(root, &six);
    if (a.cpus != rows[i].cpus || a.cores != rows[i].cores || a.quota != rows[i].quota ||
        nf_cores_of(&a) != rows[i].usable || a.owned != rows[i].owned)
      fail_msg("%s: %d CPUs, %d cores, quota %g, %d usable, owned %d", rows[i].what, a.cpus, a.cores, a.quota,
               nf_cores_of(&a), a.owned);
    nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(root);
  }
}

#define MEMORY1 "35 25 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
static const struct {
  const char *what;
  file files[6];
  uint64_t bytes;
} memories[] = {
    {"nothing is told", {{0}}, 0},
    {"v2: of the group above",
     {{"proc/self/mountinfo", MOUNT2},
      {"proc/self/cgroup", "0::/a/b\n"},
      {CG "a/b/memory.max", "max\n"},
      {CG "a/memory.max", "8589934592\n"}},
     8ull << 30},
    {"v2: held up before",
     {{"proc/self/mountinfo", MOUNT2},
      {"proc/self/cgroup", "0::/a\n"},
      {CG "a/memory.max", "8589934592\n"},
      {CG "a/memory.high", "4294967296\n"}},
     4ull << 30},
    {"v2: nonsense",
     {{"proc/self/mountinfo", MOUNT2}, {"proc/self/cgroup", "0::/\n"}, {CG "memory.max", "-1 nan\n"}},
     0},
    {"v1",
     {{"proc/self/mountinfo", MOUNT1 MEMORY1},
      {"proc/self/cgroup", V1},
      {CG "memory/x/memory.limit_in_bytes", "1073741824\n"},
      {CG "memory/memory.limit_in_bytes", "9223372036854771712\n"}},
     1ull << 30},
    {"v1: no limit",
     {{"proc/self/mountinfo", MEMORY1},
      {"proc/self/cgroup", V1},
      {CG "memory/memory.limit_in_bytes", "9223372036854775807\n"}},
     0},
};

static void files_tell_of_memory(void **) {
  for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
    char *root = folder_create();
    for (const file *f = memories[i].files; f->name != NULL; f++) put(root, f->name, f->text);
    const uint64_t bytes = nf_memory_limit_under(root);
    if (bytes != memories[i].bytes) fail_msg("%s: %llu bytes", memories[i].what, (unsigned long long)bytes);
    nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(root);
  }
}

static void this_machine(void **) {
  const nf_cores_allowed a = nf_allowed_cores();
  assert_true(a.cpus >= 1 && a.cores >= 1 && a.cores <= a.cpus && a.cpus <= sysconf(_SC_NPROCESSORS_CONF));
  assert_true(nf_cores() >= 1 && nf_cores() <= a.cores);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(files_tell), cmocka_unit_test(files_tell_of_memory),
                                     cmocka_unit_test(this_machine)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
