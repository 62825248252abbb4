// SPDX-License-Identifier: Apache-2.0
// The heap and arenas.
#include "base/memory.h"
#include "base/checked.h"
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

void *nf_alloc(size_t n, size_t size) {
  size_t bytes;
  if (!nf_mul_size(n, size, &bytes) || bytes > PTRDIFF_MAX) return NULL;
  return calloc(1, bytes ? bytes : 1);
}

nf_status nf_make(void *p, size_t n, size_t size, const char *what) {
  void *made = nf_alloc(n, size);
  if (made == NULL) return nf_error(NF_NO_MEMORY, "no memory for %s", what);
  memcpy(p, &made, sizeof made); // *p is some other pointer type
  return nf_ok();
}

void nf_free(void *p) { free(p); }

_Bool nf_grow(void *p, size_t *cap, size_t need, size_t size) {
  if (need <= *cap) return true;
  size_t want = *cap < SIZE_MAX / 2 ? 2 * *cap : need, bytes;
  if (want < 8) want = 8;
  if (want < need) want = need;
  if (!nf_mul_size(want, size ? size : 1, &bytes) || bytes > PTRDIFF_MAX) return false;
  void *old;
  memcpy(&old, p, sizeof old); // *p is some other pointer type
  void *grown = realloc(old, bytes);
  if (grown == NULL) return false;
  memcpy(p, &grown, sizeof grown);
  *cap = want;
  return true;
}

#define HUGE_PAGE ((size_t)2 << 20)

void *nf_alloc_aligned(size_t bytes) {
  const size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : NF_CACHE_LINE;
  size_t whole;
  if (!nf_add_size(bytes ? bytes : 1, NF_CACHE_LINE - 1, &whole) || whole > PTRDIFF_MAX) return NULL;
  whole -= whole % NF_CACHE_LINE;
  void *p;
  if (posix_memalign(&p, align, whole) != 0) return NULL;
  // Streaming weights through 4 KiB pages is bound by the TLB. A wish: where it is refused, nothing is lost.
  // The end that is no whole huge page keeps small ones, so that nothing is resident that nobody asked for.
  if (align == HUGE_PAGE) (void)madvise(p, whole / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
  return p;
}

void nf_free_aligned(void *p) { free(p); }

#if defined(__x86_64__)
// clflush waits for the one before it: a gigabyte of lines takes seconds on some processors.
__attribute__((target("clflushopt"))) static void flush_at_once(const char *at, size_t n) {
  for (size_t i = 0; i < n; i += NF_CACHE_LINE) __builtin_ia32_clflushopt(at + i);
}
static void flush_in_order(const char *at, size_t n) {
  for (size_t i = 0; i < n; i += NF_CACHE_LINE) __builtin_ia32_clflush(at + i);
}
static bool has_clflushopt(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_CLFLUSHOPT) != 0;
}
#endif

void nf_flush(const void *at, size_t n) {
#if defined(__x86_64__)
  (has_clflushopt() ? flush_at_once : flush_in_order)(at, n);
  __builtin_ia32_mfence();
#elif defined(__aarch64__)
  for (size_t i = 0; i < n; i += NF_CACHE_LINE)
    __asm__ volatile("dc civac, %0" : : "r"((const char *)at + i) : "memory");
  __asm__ volatile("dsb sy" : : : "memory");
#else
  __asm__ volatile("" : : "r"(at), "r"(n) : "memory");
#endif
}

#define BLOCK_MIN ((size_t)4 << 10)
#define BLOCK_MAX ((size_t)256 << 10)

struct nf_arena_block {
  struct nf_arena_block *next;
  size_t used, cap;
  alignas(max_align_t) char at[];
};

static void *take(struct nf_arena_block *b, size_t bytes, size_t align) {
  size_t start = (b->used + align - 1) / align * align;
  if (start > b->cap || b->cap - start < bytes) return NULL;
  b->used = start + bytes;
  return b->at + start;
}

static void *arena_take(nf_arena *a, size_t bytes, size_t align) {
  if (bytes == 0) bytes = 1; // every object has its own address
  struct nf_arena_block *b = a->block;
  void *p = b != NULL ? take(b, bytes, align) : NULL;
  if (p == NULL) {
    size_t all, cap = b != NULL ? (size_t)nf_min((int64_t)(2 * b->cap), BLOCK_MAX) : BLOCK_MIN;
    bool own = bytes > cap / 4; // a block of its own, so that the current one is not given up half empty
    if (own) cap = bytes;
    if (!nf_add_size(cap, sizeof *b, &all)) return NULL;
    struct nf_arena_block *fresh = nf_alloc(all, 1); // zeroed: nothing in an arena is used twice
    if (fresh == NULL) return NULL;
    struct nf_arena_block **at = own && b != NULL ? &b->next : &a->block;
    fresh->cap = cap;
    fresh->next = *at;
    *at = fresh;
    p = take(fresh, bytes, align);
  }
  a->bytes += bytes;
  return p;
}

void *nf_arena_alloc(nf_arena *a, size_t n, size_t size) {
  size_t bytes;
  return nf_mul_size(n, size, &bytes) ? arena_take(a, bytes, alignof(max_align_t)) : NULL;
}

char *nf_arena_copy(nf_arena *a, const char *s, size_t n) {
  size_t bytes;
  char *p = nf_add_size(n, 1, &bytes) ? arena_take(a, bytes, 1) : NULL;
  if (p != NULL && n != 0) memcpy(p, s, n);
  return p;
}

char *nf_arena_printf(nf_arena *a, const char *fmt, ...) {
  char text[128]; // most are short: they are formatted once
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(text, sizeof text, fmt, args);
  char *p = n >= 0 ? arena_take(a, (size_t)n + 1, 1) : NULL;
  if (p != NULL && (size_t)n < sizeof text)
    memcpy(p, text, (size_t)n + 1);
  else if (p != NULL)
    vsnprintf(p, (size_t)n + 1, fmt, again);
  va_end(again);
  va_end(args);
  return p;
}

void nf_arena_deinit(nf_arena *a) {
  for (struct nf_arena_block *b = a->block, *next; b != NULL; b = next) {
    next = b->next;
    free(b);
  }
  *a = (nf_arena){0};
}
