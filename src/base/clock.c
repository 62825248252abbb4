// SPDX-License-Identifier: Apache-2.0
// Time and peak memory.
#include "base/clock.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double nf_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Not getrusage: its ru_maxrss starts with what the parent held before exec.
uint64_t nf_peak_rss(void) {
  char text[4096];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n < 0) return 0;
  text[n] = 0;
  const char *line = strstr(text, "\nVmHWM:");
  return line != NULL ? strtoull(line + strlen("\nVmHWM:"), NULL, 10) * 1024 : 0;
}
