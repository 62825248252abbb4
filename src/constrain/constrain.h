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
// among them, never stand in a constrained text: they mean something else than their text. Nor do bytes from
// NF_NO_UTF8 on: who wants more than text to be constrained lets these stand for it. Immutable.
enum { NF_NO_UTF8 = 0xf5 };
typedef struct nf_token_tree nf_token_tree;
nf_status nf_token_tree_create(const nf_tokenizer *t, int32_t vocab, nf_token_tree **out);
void nf_token_tree_destroy(nf_token_tree *t); // NULL is fine
size_t nf_token_tree_bytes(const nf_token_tree *t);

typedef enum nf_piece_kind {
  NF_PIECE_TEXT,       // .text as it is
  NF_PIECE_SCHEMA,     // JSON that .text, a JSON Schema, allows
  NF_PIECE_OBJECT,     // any JSON object
  NF_PIECE_PARAMETERS, // of a function, as tags, that .text, a JSON Schema, allows
  NF_PIECE_REGEX,      // what the expression .text matches, all of it
  NF_PIECE_CHOICE,     // one of .choice
} nf_piece_kind;
typedef struct nf_piece {
  nf_piece_kind kind;
  nf_view text;
  const nf_view *choice; // [n_choices]
  size_t n_choices;
  nf_view of; // what it is part of, for messages; empty: nothing
} nf_piece;
// A text is the pieces of one sequence, one behind the other: the call of a tool is text, JSON, text.
typedef struct nf_piece_sequence {
  const nf_piece *piece; // [n]
  size_t n;
} nf_piece_sequence;

// A whole text.
typedef struct nf_outline {
  const nf_piece_sequence *opening; // [n_openings] one of these comes first, or none does
  size_t n_openings;
  bool must_open;                // none may not
  bool opens_again;              // any number of them comes first
  const nf_piece_sequence *part; // [n_parts] then one of these, or
  size_t n_parts;
  nf_view between; // several, with this between them; .at NULL: just one
  nf_view closing; // and then this
} nf_outline;

// Thread-safe: several texts at a time may be under one constraint, and share what it has learnt.
typedef struct nf_constraint nf_constraint;
// Of one user. Nothing is kept of the outline; the tree must outlive the constraint. NF_BAD_INPUT names the
// place in the schema, or the byte of the pattern.
nf_status nf_constraint_create(const nf_token_tree *t, const nf_outline *o, nf_constraint **out);
void nf_constraint_release(nf_constraint *c); // by one user; NULL is fine

// Those made last, by what they were made of, so that equal ones are made once. Thread-compatible; a zeroed
// one is empty.
enum { NF_CONSTRAINTS_KEPT = 16 };
typedef struct nf_constraints {
  struct nf_kept_constraint {
    nf_text key;
    nf_constraint *constraint; // NULL: the place is free
    uint64_t used;             // when; larger is later
  } kept[NF_CONSTRAINTS_KEPT];
  uint64_t uses, made;
} nf_constraints;
void nf_constraints_deinit(nf_constraints *all);
// The result has one user more. All are of the same tree.
nf_status nf_constraints_get(nf_constraints *all, const nf_token_tree *t, const nf_outline *o,
                             nf_constraint **out);

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
// Whether it might, and nothing changes.
nf_status nf_constrained_fits(nf_constraint *c, nf_constrained *x, nf_view bytes, bool *fits);

// What may come next: bit i of bits[i / 64] of each token, [vocab rounded up to 64, / 64].
typedef struct nf_next {
  bool may_end;
  bool must_end; // no byte may come
} nf_next;
// `bits` may be NULL. NF_BAD_INPUT: the constraint is too ambiguous here.
nf_status nf_constrained_next(nf_constraint *c, nf_constrained *x, uint64_t *bits, nf_next *out);
