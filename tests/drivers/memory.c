// SPDX-License-Identifier: Apache-2.0
#include "tests/drivers/memory.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 15 };

static struct {
  pthread_mutex_t lock;
  nf_emulated_range range[MOST]; // in the order of their addresses
  bool written[MOST];
  size_t n;
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

// How many begin at `at` or before.
static size_t upto(const void *at) {
  size_t i = 0;
  while (i < memory.n && (uintptr_t)memory.range[i].at <= (uintptr_t)at) i++;
  return i;
}

// Moves everything from place `from` on to place `to`.
static void move(size_t from, size_t to) {
  memmove(&memory.range[to], &memory.range[from], (memory.n - from) * sizeof *memory.range);
  memmove(&memory.written[to], &memory.written[from], (memory.n - from) * sizeof *memory.written);
  memory.n += to - from;
}

void fake_memory_add(const void *at, size_t bytes, bool written) {
  pthread_mutex_lock(&memory.lock);
  if (memory.n == MOST) abort();
  const size_t i = upto(at);
  move(i, i + 1);
  memory.range[i] = (nf_emulated_range){at, bytes};
  memory.written[i] = written;
  pthread_mutex_unlock(&memory.lock);
}

void fake_memory_remove(const void *at) {
  pthread_mutex_lock(&memory.lock);
  const size_t i = upto(at);
  if (i > 0 && memory.range[i - 1].at == at) move(i, i - 1);
  pthread_mutex_unlock(&memory.lock);
}

void fake_memory_written(const void *to) {
  pthread_mutex_lock(&memory.lock);
  const size_t i = upto(to);
  if (i > 0) memory.written[i - 1] = true;
  pthread_mutex_unlock(&memory.lock);
}

bool fake_memory_ranges(nf_emulation *how) {
  pthread_mutex_lock(&memory.lock);
  nf_emulated_range *all = malloc((2 * memory.n + 1) * sizeof *all), *late = all + memory.n;
  for (size_t i = 0; i < memory.n && all != NULL; i++) {
    all[i] = memory.range[i];
    if (!memory.written[i]) late[how->lates++] = memory.range[i];
  }
  how->legal = all, how->legals = memory.n, how->late = late;
  pthread_mutex_unlock(&memory.lock);
  return all != NULL;
}
