// SPDX-License-Identifier: Apache-2.0
// Constrained output: what a text must be (JSON by a schema, a regular expression, one of several texts) is
// compiled to one automaton over bytes, and at each place in a text that tells which tokens may come next.
// It follows from structure alone: what descriptions say changes nothing.
//
// A text that was begun within the tokens that are allowed can always be ended. Everything is bounded: what
// is too large is refused when it is compiled, and what turns out to be too ambiguous when a mask is made.
#pragma once
#include "text/tokenizer.h"

// The tokens of a tokenizer with ids below `vocab`, for any number of constraints. Added tokens, special ones
// among them, never stand in a constrained text: they mean something else than their text. Immutable.
typedef struct nf_token_tree nf_token_tree;
nf_status nf_token_tree_create(const nf_tokenizer *t, int32_t vocab, nf_token_tree **out);
void nf_token_tree_destroy(nf_token_tree *t); // NULL is fine
size_t nf_token_tree_bytes(const nf_token_tree *t);

typedef enum nf_piece_kind {
  NF_PIECE_TEXT,   // .text as it is
  NF_PIECE_SCHEMA, // JSON that .text, a JSON Schema, allows
  NF_PIECE_OBJECT, // any JSON object
  NF_PIECE_REGEX,  // what the expression .text matches, all of it
  NF_PIECE_CHOICE, // one of .choice
} nf_piece_kind;
typedef struct nf_piece {
  nf_piece_kind kind;
  nf_view text;
  const nf_view *choice; // [n_choices]
  size_t n_choices;
} nf_piece;
// A text is the pieces of one sequence, one behind the other: the call of a tool is text, JSON, text.
typedef struct nf_piece_sequence {
  const nf_piece *piece; // [n]
  size_t n;
} nf_piece_sequence;

// Thread-safe: several texts at a time may be under one constraint, and share what it has learnt.
typedef struct nf_constraint nf_constraint;
// One of the sequences. Nothing is kept of them; the tree must outlive the constraint. NF_BAD_INPUT names the
// place in the schema, or the byte of the pattern.
nf_status nf_constraint_create(const nf_token_tree *t, const nf_piece_sequence *sequence, size_t n,
                               nf_constraint **out);
void nf_constraint_destroy(nf_constraint *c); // NULL is fine

// A text under a constraint, as far as it has come. A zeroed one is to be begun. Thread-compatible.
typedef struct nf_constrained {
  nf_text text;
  bool blank;      // it may begin with two newlines that are not part of it
  uint32_t at;     // where the automaton is,
  uint32_t period; // and how long that holds
} nf_constrained;
void nf_constrained_deinit(nf_constrained *x);
void nf_constrained_begin(nf_constrained *x, bool blank);
nf_status nf_constrained_copy(nf_constrained *to, const nf_constrained *from);
// The text goes on with these bytes. *fits false: it must not, and stays as it is.
nf_status nf_constrained_take(nf_constraint *c, nf_constrained *x, nf_view bytes, bool *fits);

// What may come next: bit i of bits[i / 64] of each token, [vocab rounded up to 64, / 64].
typedef struct nf_next {
  bool may_end;
  bool must_end; // no byte may come
} nf_next;
// `bits` may be NULL. NF_BAD_INPUT: the constraint is too ambiguous here.
nf_status nf_constrained_next(nf_constraint *c, nf_constrained *x, uint64_t *bits, nf_next *out);
