// SPDX-License-Identifier: Apache-2.0
// The map (linear probing, at most three quarters full) and its hash.
#include "base/map.h"
#include "base/checked.h"
#include "base/memory.h"
#include <string.h>
#include <sys/random.h>
#include <time.h>

// SipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) with 1 compression and 3
// finalisation rounds.
typedef struct sip {
  uint64_t a, b, c, d;
} sip;

static uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

static void sip_round(sip *s) {
  s->a += s->b, s->b = rotate(s->b, 13) ^ s->a, s->a = rotate(s->a, 32);
  s->c += s->d, s->d = rotate(s->d, 16) ^ s->c;
  s->a += s->d, s->d = rotate(s->d, 21) ^ s->a;
  s->c += s->b, s->b = rotate(s->b, 17) ^ s->c, s->c = rotate(s->c, 32);
}

static void sip_word(sip *s, uint64_t w) {
  s->d ^= w;
  sip_round(s);
  s->a ^= w;
}

uint64_t nf_hash(const void *at, size_t n, const uint64_t seed[2]) {
  const unsigned char *p = at;
  sip s = {seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d, seed[0] ^ 0x6c7967656e657261,
           seed[1] ^ 0x7465646279746573};
  size_t i = 0;
  for (; n - i >= 8; i += 8) {
    uint64_t w;
    memcpy(&w, p + i, 8); // little endian, as every target is
    sip_word(&s, w);
  }
  uint64_t last = (uint64_t)n << 56;
  for (size_t k = 0; k < n - i; k++) last |= (uint64_t)p[i + k] << 8 * k;
  sip_word(&s, last);
  s.c ^= 0xff;
  for (int k = 0; k < 3; k++) sip_round(&s);
  return s.a ^ s.b ^ s.c ^ s.d;
}

struct nf_map_slot {
  const char *key; // NULL: free
  size_t n;
  uint32_t hash, value;
};

static struct nf_map_slot *find_slot(const nf_map *m, const char *key, size_t n, uint32_t hash) {
  size_t i = hash & (m->cap - 1);
  for (;; i = (i + 1) & (m->cap - 1)) {
    struct nf_map_slot *s = &m->slot[i];
    if (s->key == NULL || (s->hash == hash && s->n == n && memcmp(s->key, key, n) == 0)) return s;
  }
}

void nf_hash_seed(uint64_t seed[2]) {
  if (getrandom(seed, 2 * sizeof *seed, GRND_NONBLOCK) == 2 * sizeof *seed) return;
  struct timespec t; // early boot or no such call: weaker, but still not known to a file's author
  clock_gettime(CLOCK_MONOTONIC, &t);
  seed[0] = (uint64_t)t.tv_nsec << 32 ^ (uint64_t)t.tv_sec;
  seed[1] = (uintptr_t)seed;
}

static nf_status rehash(nf_map *m, size_t cap) {
  nf_map bigger = {.slot = nf_alloc(cap, sizeof *m->slot), .cap = cap};
  if (bigger.slot == NULL) return nf_error(NF_NO_MEMORY, "no memory for a map of %zu names", m->n);
  if (m->cap == 0) nf_hash_seed(m->seed);
  for (size_t i = 0; i < m->cap; i++) {
    const struct nf_map_slot *s = &m->slot[i];
    if (s->key != NULL) *find_slot(&bigger, s->key, s->n, s->hash) = *s;
  }
  nf_free(m->slot);
  m->slot = bigger.slot;
  m->cap = cap;
  return nf_ok();
}

nf_status nf_map_reserve(nf_map *m, size_t n) {
  if (n > (size_t)UINT32_MAX / 4 * 3) return nf_error(NF_NO_MEMORY, "a map of %zu names is too large", n);
  size_t cap = m->cap ? m->cap : 16;
  while (n > cap / 4 * 3) cap *= 2;
  return cap == m->cap ? nf_ok() : rehash(m, cap);
}

nf_status nf_map_add(nf_map *m, const char *key, size_t n, uint32_t value, bool *out_added) {
  if (n == 0) key = "";
  if (m->cap == 0) NF_TRY(nf_map_reserve(m, 1));
  uint32_t hash = (uint32_t)nf_hash(key, n, m->seed);
  struct nf_map_slot *s = find_slot(m, key, n, hash);
  bool fresh = s->key == NULL;
  if (fresh && m->n + 1 > m->cap / 4 * 3) {
    NF_TRY(nf_map_reserve(m, m->n + 1));
    s = find_slot(m, key, n, hash);
  }
  if (fresh) {
    *s = (struct nf_map_slot){key, n, hash, value};
    m->n++;
  }
  if (out_added != NULL) *out_added = fresh;
  return nf_ok();
}

bool nf_map_find(const nf_map *m, const char *key, size_t n, uint32_t *out_value) {
  if (m->cap == 0) return false;
  if (n == 0) key = "";
  const struct nf_map_slot *s = find_slot(m, key, n, (uint32_t)nf_hash(key, n, m->seed));
  if (s->key != NULL) *out_value = s->value;
  return s->key != NULL;
}

void nf_map_deinit(nf_map *m) {
  nf_free(m->slot);
  *m = (nf_map){0};
}
