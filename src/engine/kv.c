// SPDX-License-Identifier: Apache-2.0
// Reference counts, names and the lists of what is not in use.
#include "engine/kv.h"
#include "base/map.h"
#include "base/memory.h"

typedef struct nf_kv_slot {
  nf_prefix name;
  int32_t refs;
  int32_t before, next; // in its list of those not in use
  int32_t other;        // next of its bucket, -1: it is the last
  bool named, minor;
} slot;

enum { FIRST, LAST, LISTS }; // lists are taken from in this order, each from its beginning

// ---- names ----

nf_prefix nf_prefix_empty(void) {
  nf_prefix p;
  nf_hash_seed(p.hash);
  return p;
}

nf_prefix nf_prefix_extend(nf_prefix before, const int32_t *tokens, size_t n) {
  const uint64_t turned[2] = {before.hash[1], before.hash[0]};
  return (nf_prefix){
      {nf_hash(tokens, n * sizeof *tokens, before.hash), nf_hash(tokens, n * sizeof *tokens, turned)}};
}

static int32_t *bucket_of(const nf_kv *kv, nf_prefix name) { return &kv->bucket[name.hash[0] & kv->mask]; }

static bool is(const slot *s, nf_prefix name) {
  return s->name.hash[0] == name.hash[0] && s->name.hash[1] == name.hash[1];
}

int32_t nf_kv_find(const nf_kv *kv, nf_prefix name) {
  int32_t i = *bucket_of(kv, name);
  while (i >= 0 && !is(&kv->slot[i], name)) i = kv->slot[i].other;
  return i;
}

void nf_kv_name(nf_kv *kv, int32_t i, nf_prefix name, bool minor) {
  slot *s = &kv->slot[i];
  if (s->named || nf_kv_find(kv, name) >= 0) return;
  int32_t *first = bucket_of(kv, name);
  s->name = name;
  s->named = true;
  s->minor = minor;
  s->other = *first;
  *first = i;
}

void nf_kv_unname(nf_kv *kv, int32_t i) {
  slot *s = &kv->slot[i];
  if (!s->named) return;
  int32_t *at = bucket_of(kv, s->name);
  while (*at != i) at = &kv->slot[*at].other;
  *at = s->other;
  s->named = false;
  if (kv->forgotten != NULL) kv->forgotten(kv->user, s->name);
}

bool nf_kv_is_named(const nf_kv *kv, int32_t i) { return kv->slot[i].named; }

// ---- references ----

static void put_behind(nf_kv *kv, int32_t before, int32_t i) {
  const int32_t next = kv->slot[before].next;
  kv->slot[i].before = before, kv->slot[i].next = next;
  kv->slot[before].next = kv->slot[next].before = i;
  kv->unused++;
}

static void take_out(nf_kv *kv, int32_t i) {
  const slot *s = &kv->slot[i];
  kv->slot[s->before].next = s->next;
  kv->slot[s->next].before = s->before;
  kv->unused--;
}

nf_status nf_kv_init(nf_kv *kv, int64_t n) {
  size_t buckets = 1;
  while (buckets < (size_t)n) buckets *= 2;
  *kv = (nf_kv){.slot = nf_alloc((size_t)n + LISTS, sizeof *kv->slot),
                .bucket = nf_alloc(buckets, sizeof *kv->bucket),
                .mask = buckets - 1,
                .n = n};
  if (kv->slot == NULL || kv->bucket == NULL) {
    nf_kv_deinit(kv);
    return nf_error(NF_NO_MEMORY, "no memory for a list of %ld slots", (long)n);
  }
  for (size_t i = 0; i < buckets; i++) kv->bucket[i] = -1;
  for (int64_t i = n; i < n + LISTS; i++) kv->slot[i].before = kv->slot[i].next = (int32_t)i;
  for (int64_t i = 0; i < n; i++) put_behind(kv, kv->slot[n].before, (int32_t)i); // slot 0 is taken first
  return nf_ok();
}

void nf_kv_deinit(nf_kv *kv) {
  nf_free(kv->slot);
  nf_free(kv->bucket);
  *kv = (nf_kv){0};
}

int32_t nf_kv_take(nf_kv *kv) {
  if (kv->unused == 0) return -1;
  const int32_t first = kv->slot[kv->n + FIRST].next, i = first < kv->n ? first : kv->slot[kv->n + LAST].next;
  nf_kv_share(kv, i);
  nf_kv_unname(kv, i);
  return i;
}

void nf_kv_share(nf_kv *kv, int32_t i) {
  if (kv->slot[i].refs++ == 0) take_out(kv, i);
}

void nf_kv_release(nf_kv *kv, int32_t i) {
  const slot *s = &kv->slot[i];
  const int32_t list = (int32_t)kv->n + (s->named && !s->minor ? LAST : FIRST);
  if (--kv->slot[i].refs == 0) put_behind(kv, s->named ? kv->slot[list].before : list, i);
}

int32_t nf_kv_refs(const nf_kv *kv, int32_t i) { return kv->slot[i].refs; }
