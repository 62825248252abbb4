// SPDX-License-Identifier: Apache-2.0
// Takes the heap's entry points by defining them and hands on to glibc's own names for them.
#include "alloc_fail.h"
#include "base/sanitized.h"
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>

static _Atomic uint64_t count, fail_at;
static _Atomic bool fail_on;
static _Atomic int64_t live, bytes, peak;

void nf_alloc_fail_at(uint64_t n, bool for_good) {
  fail_on = for_good;
  count = 0;
  peak = bytes;
  fail_at = n;
}

uint64_t nf_alloc_count(void) { return count; }
int64_t nf_alloc_live(void) { return live; }
int64_t nf_alloc_live_bytes(void) { return bytes; }
int64_t nf_alloc_peak_bytes(void) { return peak; }

#if NF_SANITIZED
bool nf_alloc_fail_available(void) { return false; }
#else
bool nf_alloc_fail_available(void) { return true; }

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);

static bool refused(void) {
  uint64_t n = atomic_fetch_add(&count, 1) + 1, at = fail_at;
  if (at == 0 || n < at || (n > at && !fail_on)) return false;
  errno = ENOMEM;
  return true;
}

static void add_bytes(int64_t n) {
  int64_t now = atomic_fetch_add(&bytes, n) + n, top = peak;
  while (now > top && !atomic_compare_exchange_weak(&peak, &top, now)) {
  }
}

static void *born(void *p) {
  if (!p) return NULL;
  live++;
  add_bytes((int64_t)malloc_usable_size(p));
  return p;
}

static void dies(void *p) {
  if (!p) return;
  live--;
  add_bytes(-(int64_t)malloc_usable_size(p));
}

// The build hides symbols by default; these must be seen by the shared libraries too, or those keep the real
// heap.
#pragma GCC visibility push(default)
void *malloc(size_t n) { return refused() ? NULL : born(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return refused() ? NULL : born(__libc_calloc(n, size)); }
void *memalign(size_t align, size_t n) { return refused() ? NULL : born(__libc_memalign(align, n)); }
void *aligned_alloc(size_t align, size_t n) { return memalign(align, n); }

int posix_memalign(void **out, size_t align, size_t n) {
  void *p = memalign(align, n);
  if (p) *out = p;
  return p ? 0 : ENOMEM;
}

void *realloc(void *p, size_t n) {
  if (!p) return malloc(n);
  if (refused()) return NULL;
  int64_t before = (int64_t)malloc_usable_size(p);
  void *q = __libc_realloc(p, n);
  if (q) add_bytes((int64_t)malloc_usable_size(q) - before);
  if (!q && n == 0) { // glibc frees then
    live--;
    add_bytes(-before);
  }
  return q;
}

void free(void *p) {
  dies(p);
  __libc_free(p);
}
#pragma GCC visibility pop
#endif
