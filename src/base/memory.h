// SPDX-License-Identifier: Apache-2.0
// Heap memory with checked sizes, and arenas: many small objects that live and die together.
#pragma once
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

#define NF_CACHE_LINE 64

// Zeroed array of n elements; NULL when it does not fit or memory is out. n or size 0 gives a valid pointer.
void *nf_alloc(size_t n, size_t size);
// The same into *p, which is left alone on failure: NF_NO_MEMORY, "no memory for <what>".
nf_status nf_make(void *p /* T ** */, size_t n, size_t size, const char *what);
// Grows *p to hold at least `need` elements of `size` bytes (amortised doubling); false leaves *p and *cap
// alone. New elements are not zeroed. *p NULL and *cap 0 start an empty array.
[[nodiscard]] _Bool nf_grow(void *p /* T ** */, size_t *cap, size_t need, size_t size);
void nf_free(void *p);

// Storage for tensors: aligned to NF_CACHE_LINE, not zeroed, straight from the system when large.
void *nf_alloc_aligned(size_t bytes);
void nf_free_aligned(void *p);
void nf_flush(const void *at, size_t n); // n bytes out of the processor's caches, where it can do that

// An arena. Thread-compatible. Nothing in it is freed alone.
typedef struct nf_arena {
  struct nf_arena_block *block; // newest first
  size_t bytes;                 // handed out so far
} nf_arena;
// A zeroed arena is a valid, empty one.
void *nf_arena_alloc(nf_arena *a, size_t n, size_t size);  // zeroed; NULL when memory is out
char *nf_arena_copy(nf_arena *a, const char *s, size_t n); // NUL-terminated copy
char *nf_arena_printf(nf_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void nf_arena_deinit(nf_arena *a); // frees all; the arena is empty and usable again

// What a kernel is given whose blocks leave something for one another (device/launch.h).
typedef struct nf_shared {
  void *own;    // the thread's scratch
  void *shared; // of all blocks of the launch, aligned to NF_CACHE_LINE
} nf_shared;
