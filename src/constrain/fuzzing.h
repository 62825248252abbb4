// SPDX-License-Identifier: Apache-2.0
// What fuzz targets of this room share: a small vocabulary, and a walk that must never come to a dead end.
#pragma once
#include "constrain/constraining.h"
#include "text/small_tokenizer.h"
#include <stdio.h>

enum { FUZZ_VOCAB = 280, FUZZ_WORDS = (FUZZ_VOCAB + 63) / 64 };

static inline const nf_token_tree *fuzz_tree(const nf_tokenizer **tokenizer) {
  static nf_tokenizer *t;
  static nf_token_tree *tree;
  nf_text json = {0};
  if (tree != NULL) return *tokenizer = t, tree;
  small_tokenizer_print(
      &(small_tokenizer){.more =
                             ",\"\\\":\":261,\"},{\":262,\"]]\":263,\"00\":264,\"\\\",\":265,\"true\":266"},
      &json);
  if (!nf_is_ok(nf_tokenizer_parse(json.at, json.n, "small", &t)) ||
      !nf_is_ok(nf_token_tree_create(t, nf_tokenizer_vocab_size(t), &tree)))
    abort();
  nf_text_deinit(&json);
  return *tokenizer = t, tree;
}

// Allowed tokens fit; the text may end, or something is allowed. An error is one of too much ambiguity.
static inline void fuzz_walk(nf_constraint *c, const nf_tokenizer *t, const uint8_t *choice, size_t n) {
  nf_constrained x = {0};
  nf_next next;
  bool fits;
  for (size_t i = 0; i < n; i++) {
    uint64_t bits[FUZZ_WORDS] = {0}, seed = (uint64_t)choice[i] * 2654435761u + i + 1;
    const nf_status st = nf_constrained_next(c, &x, bits, &next);
    const bool known = nf_is_ok(st);
    if (!known && nf_status_code(st) != NF_BAD_INPUT) abort();
    nf_status_free(st);
    if (!known) break;
    const int32_t id = draw_token(bits, nf_tokenizer_vocab_size(t), &seed);
    if (next.must_end != (id < 0) || (next.must_end && !next.may_end)) abort();
    if (id < 0) break;
    const nf_status taken = nf_constrained_take(c, &x, nf_token_bytes(t, id), &fits);
    if (!nf_is_ok(taken) ? nf_status_code(taken) != NF_BAD_INPUT : !fits) abort();
    nf_status_free(taken);
    if (x.text.n != 0 && nf_utf8_check(x.text.at, x.text.n) + 4 < x.text.n) abort();
  }
  nf_constrained_deinit(&x);
}

// Whatever is compiled compiles again; errors are one line of NF_BAD_INPUT.
static inline void fuzz_constraint(nf_piece_kind kind, const uint8_t *data, size_t n) {
  const nf_tokenizer *t;
  const nf_token_tree *tree = fuzz_tree(&t);
  nf_constraint *c;
  static const uint8_t choices[] = {1, 77, 3, 200, 5, 6, 120, 8, 9, 250, 11, 12, 13, 90, 15, 16};
  const nf_status st = constrain_to(tree, kind, (nf_view){(const char *)data, n}, &c);
  if (nf_is_ok(st)) {
    for (size_t k = 0; k + 4 <= sizeof choices; k += 4) fuzz_walk(c, t, choices + k, sizeof choices - k);
    nf_constraint_release(c);
  } else if (nf_status_code(st) != NF_BAD_INPUT) {
    abort();
  }
  nf_status_free(st);
}
