// SPDX-License-Identifier: Apache-2.0
#include "tests/drivers/reach.h"
#include "base/sanitized.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096 };
static const size_t most = 64ull << 30; // of addresses, which are not used again

typedef struct part {
  char *at;
  size_t bytes; // that were asked for
  struct part *next;
} part;
static struct {
  pthread_mutex_t lock;
  part *parts; // the last one, which has the highest address, first
  char *base, *top;
  int users; // kernels and copies that run
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t whole(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

// A call for each run of neighbours, and none for what was given back: the more addresses one has, the longer
// it takes.
static void reach(int how) {
  for (part *p = memory.parts; !NF_ASAN && p != NULL;) {
    char *end = p->at + whole(p->bytes), *begin;
    do begin = p->at, p = p->next;
    while (p != NULL && p->at + whole(p->bytes) == begin);
    mprotect(begin, (size_t)(end - begin), how);
  }
}

static void *addresses(size_t bytes) {
  if (NF_ASAN) return aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (memory.base == NULL) {
    void *all = mmap(NULL, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) return NULL;
    memory.base = memory.top = all;
  }
  if (bytes > most - PAGE - (size_t)(memory.top - memory.base)) return NULL;
  void *at = memory.top;
  memory.top += whole(bytes);
  if (memory.users > 0) mprotect(at, whole(bytes), PROT_READ | PROT_WRITE);
  return at;
}

void *fake_reach_take(size_t bytes) {
  part *p = malloc(sizeof *p);
  pthread_mutex_lock(&memory.lock);
  void *at = p != NULL ? addresses(bytes) : NULL;
  if (at != NULL) {
    *p = (part){at, bytes, memory.parts};
    memory.parts = p;
  } else
    free(p);
  pthread_mutex_unlock(&memory.lock);
  return at;
}

static part *unlink_part(void *at) {
  for (part **p = &memory.parts; *p != NULL; p = &(*p)->next) {
    part *found = *p;
    if (found->at == at) return *p = found->next, found;
  }
  return NULL;
}

size_t fake_reach_give(void *at) {
  pthread_mutex_lock(&memory.lock);
  part *p = unlink_part(at);
  const size_t bytes = p != NULL ? p->bytes : 0;
  if (bytes != 0 && NF_ASAN) free(at);
  if (bytes != 0 && !NF_ASAN) madvise(at, whole(bytes), MADV_DONTNEED), mprotect(at, whole(bytes), PROT_NONE);
  pthread_mutex_unlock(&memory.lock);
  return free(p), bytes;
}

void fake_reach_enter(void) {
  pthread_mutex_lock(&memory.lock);
  if (memory.users++ == 0) reach(PROT_READ | PROT_WRITE);
  pthread_mutex_unlock(&memory.lock);
}

void fake_reach_leave(void) {
  pthread_mutex_lock(&memory.lock);
  if (--memory.users == 0) reach(PROT_NONE);
  pthread_mutex_unlock(&memory.lock);
}
