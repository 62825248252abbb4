// SPDX-License-Identifier: Apache-2.0
// Making the tree of a vocabulary's tokens.
#include "constrain/tokens.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 1024 }; // bytes; longer tokens are left out

typedef struct entry {
  nf_view bytes;
  int32_t id;
} entry;

static int by_bytes(const void *a, const void *b) {
  const entry *x = a, *y = b;
  const size_t n = x->bytes.n < y->bytes.n ? x->bytes.n : y->bytes.n;
  const int order = memcmp(x->bytes.at, y->bytes.at, n);
  if (order != 0) return order;
  if (x->bytes.n != y->bytes.n) return x->bytes.n < y->bytes.n ? -1 : 1;
  return x->id < y->id ? -1 : 1;
}

static bool is_text(nf_view bytes) { // or may become one
  for (size_t i = 0; i < bytes.n; i++)
    if ((uint8_t)bytes.at[i] >= NF_NO_UTF8) return false;
  return true;
}

static size_t list(const nf_tokenizer *t, int32_t vocab, entry *out) {
  size_t n = 0;
  for (int32_t id = 0; id < vocab; id++) {
    const nf_view bytes = nf_token_bytes(t, id);
    if (bytes.n != 0 && bytes.n <= TOKEN_MAX && is_text(bytes) && !nf_token_is_added(t, id))
      out[n++] = (entry){bytes, id};
  }
  qsort(out, n, sizeof *out, by_bytes);
  return n;
}

static size_t common(nf_view a, nf_view b) {
  size_t n = 0;
  while (n < a.n && n < b.n && a.at[n] == b.at[n]) n++;
  return n;
}

static size_t count_nodes(const entry *e, size_t n) {
  size_t nodes = 0;
  for (size_t i = 0; i < n; i++) nodes += e[i].bytes.n - (i != 0 ? common(e[i - 1].bytes, e[i].bytes) : 0);
  return nodes;
}

// open[d] is the node at depth d + 1 that the last token went through.
static void close_below(nf_token_tree *t, const uint32_t *open, size_t depth, size_t last_depth) {
  for (size_t d = depth; d < last_depth; d++) t->node[open[d]].skip = (uint32_t)t->n;
}

static void fill(nf_token_tree *t, const entry *e, size_t n) {
  uint32_t open[TOKEN_MAX];
  size_t depth = 0;
  for (size_t i = 0; i < n; i++) {
    const size_t same = i != 0 ? common(e[i - 1].bytes, e[i].bytes) : 0;
    close_below(t, open, same, depth);
    for (depth = same; depth < e[i].bytes.n; depth++) {
      open[depth] = (uint32_t)t->n;
      t->node[t->n++] = (nf_token_node){
          .first = (uint32_t)i, .depth = (uint16_t)(depth + 1), .byte = (uint8_t)e[i].bytes.at[depth]};
    }
    t->id[i] = e[i].id;
    if ((int)depth > t->depth) t->depth = (int)depth;
  }
  close_below(t, open, 0, depth);
  t->node[t->n] = (nf_token_node){.first = (uint32_t)n};
  t->n_ids = n;
}

// A node's tokens begin where those below it do: of an inner node that is no token there are none, so that
// its children begin at the same place.
static nf_status make(const entry *e, size_t n, int32_t vocab, nf_token_tree **out) {
  static const char what[] = "the tree of a vocabulary";
  nf_token_tree *t;
  const size_t nodes = count_nodes(e, n);
  if (nodes >= UINT32_MAX) return nf_error(NF_BAD_INPUT, "tokens of more than 4 GiB");
  NF_TRY(nf_make(&t, 1, sizeof *t, what));
  nf_status st = nf_make(&t->node, nodes + 1, sizeof *t->node, what);
  if (nf_is_ok(st)) st = nf_make(&t->id, n, sizeof *t->id, what);
  if (!nf_is_ok(st)) return nf_token_tree_destroy(t), st;
  t->vocab = vocab;
  fill(t, e, n);
  return *out = t, nf_ok();
}

nf_status nf_token_tree_create(const nf_tokenizer *tokenizer, int32_t vocab, nf_token_tree **out) {
  entry *e;
  NF_TRY(nf_make(&e, (size_t)vocab, sizeof *e, "the tree of a vocabulary"));
  const nf_status st = make(e, list(tokenizer, vocab, e), vocab, out);
  nf_free(e);
  return st;
}

void nf_token_tree_destroy(nf_token_tree *t) {
  if (t == NULL) return;
  nf_free(t->node);
  nf_free(t->id);
  nf_free(t);
}

size_t nf_token_tree_bytes(const nf_token_tree *t) {
  return sizeof *t + (t->n + 1) * sizeof *t->node + t->n_ids * sizeof *t->id;
}
