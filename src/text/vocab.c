// SPDX-License-Identifier: Apache-2.0
// Reading the vocabulary and the merges of a tokenizer.json into the flat tables.
#include "text/vocab.h"
#include "base/map.h"
#include "base/memory.h"
#include <string.h>

enum { TOKEN_BYTES_MAX = 1 << 16, MERGES_MAX = 1 << 24 };

// The byte alphabet: printable Latin-1 characters stand for themselves, the other 68 bytes for U+0100 and up.
static int byte_of_char(uint32_t c) {
  if ((c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255)) return (int)c;
  if (c < 256 || c >= 256 + 68) return -1;
  c -= 256;
  return (int)(c < 33 ? c : c < 67 ? c + 127 - 33 : 173);
}

void nf_vocab_deinit(nf_vocab *v) {
  nf_free(v->blob);
  nf_free(v->token);
  nf_free(v->slot);
  nf_free(v->merge);
  *v = (nf_vocab){0};
}

static uint32_t hash_bytes(const nf_vocab *v, const char *s, size_t n) {
  uint64_t h = v->seed[0] ^ n, word;
  for (; n >= 8; s += 8, n -= 8) {
    memcpy(&word, s, 8);
    h = nf_vocab_fold(h ^ word, 0x9e3779b97f4a7c15u ^ v->seed[0]);
  }
  word = 0;
  memcpy(&word, s, n);
  return (uint32_t)nf_vocab_fold(h ^ word, 0xd6e8feb86659fd93u ^ v->seed[0]);
}

static bool token_is(const nf_vocab *v, uint32_t id, const char *bytes, size_t n) {
  return v->token[id].n == n && memcmp(v->blob + v->token[id].at, bytes, n) == 0;
}

// The slot that holds these bytes, or the empty one where they belong.
static size_t find_slot(const nf_vocab *v, uint32_t hash, const char *bytes, size_t n) {
  size_t i = (size_t)((uint64_t)hash * v->slots >> 32);
  while (v->slot[i].id && !(v->slot[i].hash == hash && token_is(v, v->slot[i].id - 1, bytes, n)))
    i = i + 1 == v->slots ? 0 : i + 1;
  return i;
}

bool nf_vocab_find(const nf_vocab *v, const char *bytes, size_t n, int32_t *out) {
  if (v->slots == 0) return false;
  size_t i = find_slot(v, hash_bytes(v, bytes, n), bytes, n);
  if (v->slot[i].id == 0) return false;
  *out = (int32_t)(v->slot[i].id - 1);
  return true;
}

bool nf_vocab_spelled(nf_view spelling, char *out, size_t *out_n) {
  const unsigned char *s = (const unsigned char *)spelling.at, *end = s + spelling.n;
  char *to = out;
  while (s < end) {
    if (*s >= 0xc8) return false; // beyond U+01FF
    uint32_t c = *s < 0x80 ? *s : (*s & 0x1fu) << 6 | (s[1] & 0x3fu);
    s += c < 0x80 ? 1 : 2;
    int byte = byte_of_char(c);
    if (byte < 0) return false;
    *to++ = (char)byte;
  }
  *out_n = (size_t)(to - out);
  return true;
}

static bool find_literal(const nf_vocab *v, nf_view spelling, int32_t *out) {
  for (size_t id = 0; id < v->n; id++)
    if (v->token[id].literal && !v->token[id].added && token_is(v, (uint32_t)id, spelling.at, spelling.n))
      return *out = (int32_t)id, true;
  return false;
}

nf_status nf_vocab_find_spelling(const nf_vocab *v, nf_view spelling, bool *found, int32_t *out) {
  size_t n;
  char *bytes = nf_alloc(spelling.n + 1, 1);
  if (!bytes) return nf_error(NF_NO_MEMORY, "no memory for a token");
  *found = nf_vocab_spelled(spelling, bytes, &n) ? nf_vocab_find(v, bytes, n, out)
                                                 : find_literal(v, spelling, out);
  nf_free(bytes);
  return nf_ok();
}

static nf_status reserve_token(nf_vocab *v, uint32_t id, size_t n) {
  size_t old = v->n;
  if (v->blob_n + n > UINT32_MAX) return nf_error(NF_BAD_INPUT, "tokens of more than 4 GiB");
  if (!nf_grow(&v->blob, &v->blob_cap, v->blob_n + n, 1) ||
      !nf_grow(&v->token, &v->cap, (size_t)id + 1, sizeof *v->token))
    return nf_error(NF_NO_MEMORY, "no memory for %u tokens", id + 1);
  if (id >= old) {
    memset(v->token + old, 0, (id + 1 - old) * sizeof *v->token);
    v->n = (size_t)id + 1;
  }
  return nf_ok();
}

nf_status nf_vocab_add(nf_vocab *v, uint32_t id, nf_view bytes) {
  NF_TRY(reserve_token(v, id, bytes.n));
  memcpy(v->blob + v->blob_n, bytes.at, bytes.n);
  v->token[id] = (nf_token){.at = (uint32_t)v->blob_n, .n = (uint32_t)bytes.n, .literal = true};
  v->blob_n += bytes.n;
  return nf_ok();
}

// An integer in [0, NF_TOKENS_MAX).
static nf_status read_id(nf_json_reader *r, uint32_t *out) {
  size_t digits = 0;
  nf_json_skip_space(r);
  for (*out = 0; r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9' && *out < NF_TOKENS_MAX;
       digits++)
    *out = *out * 10 + (uint32_t)(r->text[r->at++] - '0');
  if (digits && *out < NF_TOKENS_MAX && (digits == 1 || r->text[r->at - digits] != '0')) return nf_ok();
  return nf_json_bad(r, r->at, "expected an integer from 0 to %d", NF_TOKENS_MAX - 1);
}

static nf_status read_token(nf_vocab *v, nf_json_reader *r) {
  nf_view spelling;
  uint32_t id;
  NF_TRY(nf_json_read_string(r, &spelling), "model.vocab");
  if (spelling.n == 0) return nf_json_bad(r, r->at, "model.vocab: an empty token");
  if (spelling.n > TOKEN_BYTES_MAX)
    return nf_json_bad(r, r->at, "model.vocab: a token of more than %d bytes", TOKEN_BYTES_MAX);
  if (!nf_grow(&v->blob, &v->blob_cap, v->blob_n + spelling.n, 1))
    return nf_error(NF_NO_MEMORY, "no memory for tokens");
  nf_token token = {.at = (uint32_t)v->blob_n};
  size_t n = spelling.n;
  token.literal = !nf_vocab_spelled(spelling, v->blob + v->blob_n, &n);
  if (token.literal) memcpy(v->blob + v->blob_n, spelling.at, n);
  token.n = (uint32_t)n;
  NF_TRY(nf_json_expect(r, ':'), "model.vocab");
  NF_TRY(read_id(r, &id), "model.vocab");
  if (id < v->n && v->token[id].n) return nf_json_bad(r, r->at, "model.vocab: id %u is used twice", id);
  NF_TRY(reserve_token(v, id, n));
  v->token[id] = token;
  v->blob_n += n;
  return nf_ok();
}

static nf_status index_tokens(nf_vocab *v, const char *where) {
  v->slots = v->entries + v->entries / 2 + 8;
  if (!(v->slot = nf_alloc(v->slots, sizeof *v->slot)))
    return nf_error(NF_NO_MEMORY, "no memory for %zu tokens", v->entries);
  for (uint32_t id = 0; id < v->n; id++) {
    nf_token t = v->token[id];
    if (t.n == 0 || t.literal) continue;
    uint32_t hash = hash_bytes(v, v->blob + t.at, t.n);
    size_t i = find_slot(v, hash, v->blob + t.at, t.n);
    if (v->slot[i].id)
      return nf_error(NF_BAD_INPUT, "%s: model.vocab: ids %u and %u have the same token", where,
                      v->slot[i].id - 1, id);
    v->slot[i].hash = hash;
    v->slot[i].id = id + 1;
  }
  for (int b = 0; b < 256; b++) {
    char byte = (char)b;
    if (!nf_vocab_find(v, &byte, 1, &v->byte[b]))
      return nf_error(NF_BAD_INPUT, "%s: model.vocab: no token for byte 0x%02x; byte-level BPE needs all 256",
                      where, b);
  }
  return nf_ok();
}

nf_status nf_vocab_read(nf_vocab *v, nf_json_reader *r) {
  nf_hash_seed(v->seed);
  NF_TRY(nf_json_expect(r, '{'), "model.vocab");
  if (!nf_json_take(r, '}')) {
    do {
      NF_TRY(read_token(v, r));
      v->entries++;
    } while (nf_json_take(r, ','));
    NF_TRY(nf_json_expect(r, '}'), "model.vocab");
  }
  return index_tokens(v, r->where);
}

// ---- merges, in both spellings: "a b" and ["a", "b"]; the place in the list is the rank ----

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
