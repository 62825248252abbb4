// SPDX-License-Identifier: Apache-2.0
// Reading the merges of a tokenizer.json, both spellings: "a b" and ["a", "b"]. The place in the list is the
// rank.
#include "base/memory.h"
#include "text/vocab.h"
#include <string.h>

enum { MERGES_MAX = 1 << 24 };

typedef struct reader {
  nf_vocab *v;
  nf_json_reader *json;
  nf_merge *list; // in rank order
  size_t n, cap;
  char *bytes; // of both sides, one behind the other
  size_t bytes_cap;
} reader;

// One side; its bytes go to r->bytes + *at, and *at moves behind them.
static nf_status read_side(reader *r, nf_view spelling, size_t *at, uint32_t *out) {
  size_t n = 0;
  int32_t id = -1;
  if (!nf_grow(&r->bytes, &r->bytes_cap, *at + spelling.n + 1, 1))
    return nf_error(NF_NO_MEMORY, "no memory for merges");
  if (!nf_vocab_spelled(spelling, r->bytes + *at, &n) || !nf_vocab_find(r->v, r->bytes + *at, n, &id))
    return nf_json_bad(r->json, r->json->at,
                       "model.merges[%zu]: \"%.*s\" is not a byte-level token of model.vocab", r->n,
                       spelling.n < 60 ? (int)spelling.n : 60, spelling.at);
  *at += n;
  *out = (uint32_t)id;
  return nf_ok();
}

static nf_status read_pair(reader *r, nf_merge *m, size_t *n) {
  nf_view side;
  NF_TRY(nf_json_read_string(r->json, &side));
  NF_TRY(read_side(r, side, n, &m->left));
  NF_TRY(nf_json_expect(r->json, ','));
  NF_TRY(nf_json_read_string(r->json, &side));
  NF_TRY(read_side(r, side, n, &m->right));
  return nf_json_expect(r->json, ']');
}

static nf_status read_line(reader *r, nf_merge *m, size_t *n) {
  nf_view line;
  NF_TRY(nf_json_read_string(r->json, &line));
  if (line.n >= 8 && memcmp(line.at, "#version", 8) == 0) return nf_ok();
  const char *space = memchr(line.at, ' ', line.n);
  size_t left = space ? (size_t)(space - line.at) : 0;
  if (!space || memchr(space + 1, ' ', line.n - left - 1))
    return nf_json_bad(r->json, r->json->at, "model.merges[%zu]: expected two tokens with one space between",
                       r->n);
  NF_TRY(read_side(r, (nf_view){line.at, left}, n, &m->left));
  return read_side(r, (nf_view){space + 1, line.n - left - 1}, n, &m->right);
}

static nf_status read_merge(reader *r) {
  nf_merge m = {.rank = (uint32_t)r->n};
  size_t n = 0;
  int32_t id;
  NF_TRY(nf_json_take(r->json, '[') ? read_pair(r, &m, &n) : read_line(r, &m, &n), "model.merges");
  if (n == 0) return nf_ok(); // the version line
  if (!nf_vocab_find(r->v, r->bytes, n, &id))
    return nf_json_bad(r->json, r->json->at,
                       "model.merges[%zu]: model.vocab lacks the result of merging ids %u and %u", r->n,
                       m.left, m.right);
  m.id = (uint32_t)id + 1;
  if (r->n == MERGES_MAX) return nf_json_bad(r->json, r->json->at, "model.merges: more than %d", MERGES_MAX);
  if (!nf_grow(&r->list, &r->cap, r->n + 1, sizeof *r->list))
    return nf_error(NF_NO_MEMORY, "no memory for merges");
  r->list[r->n++] = m;
  return nf_ok();
}

static nf_status read_list(reader *r) {
  NF_TRY(nf_json_expect(r->json, '['), "model.merges");
  if (nf_json_take(r->json, ']')) return nf_ok();
  do NF_TRY(read_merge(r));
  while (nf_json_take(r->json, ','));
  return nf_status_note(nf_json_expect(r->json, ']'), "model.merges");
}

// A pair that comes twice has its later rank, as it has in Hugging Face's tokenizers.
static nf_status index_merges(nf_vocab *v, const nf_merge *list, size_t n) {
  v->merge_slots = n + n / 2 + 8;
  if (!(v->merge = nf_alloc(v->merge_slots, sizeof *v->merge)))
    return nf_error(NF_NO_MEMORY, "no memory for %zu merges", n);
  for (size_t k = 0; k < n; k++) *nf_merge_slot(v, list[k].left, list[k].right) = list[k];
  return nf_ok();
}

nf_status nf_merges_read(nf_vocab *v, nf_json_reader *json) {
  reader r = {.v = v, .json = json};
  nf_status st = read_list(&r);
  if (nf_is_ok(st)) st = index_merges(v, r.list, r.n);
  nf_free(r.list);
  nf_free(r.bytes);
  return st;
}
