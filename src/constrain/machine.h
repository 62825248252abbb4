// SPDX-License-Identifier: Apache-2.0
// Inside the room: an automaton that runs. The sets of places where a text may be (a state and a stack of
// returns) are found as they are needed and numbered, so that going on by a byte is a look-up.
#pragma once
#include "constrain/automaton.h"
#include "constrain/tokens.h"

typedef struct nf_place {
  uint32_t state, stack;
} nf_place;
typedef struct nf_frame { // of a stack: equal stacks are one
  uint32_t back, below;   // the state to return to; the stack below
  uint32_t depth;
} nf_frame;
enum { NF_STACK_EMPTY, NF_STACK_UNKNOWN, NF_STACKS_FIRST }; // UNKNOWN: only what is above it is looked at

enum { NF_SET_UNKNOWN, NF_SET_DEAD, NF_SETS_FIRST };
typedef struct nf_set_of_places {
  uint32_t at, n; // in `place`
  uint32_t hash;
  bool ends;      // the text may end here
  bool leaves;    // something returns to what is below an unknown stack
  uint64_t *bits; // the tokens that may come; NULL: not made yet
  uint32_t *left; // [n_left] of an unknown stack: nodes of the tree at which something has returned
  size_t n_left, cap_left;
} nf_set_of_places;

typedef struct nf_table { // open addressing; a slot is a number + 1
  uint32_t *slot;
  size_t cap, n;
} nf_table;

typedef struct nf_machine {
  nf_automaton automaton;
  const nf_token_tree *tree;
  uint32_t start[2]; // [1]: two newlines may come first
  uint32_t period;   // numbers of sets hold within one

  nf_set_of_places *set;
  uint32_t *next; // [sets][classes]
  nf_place *place;
  nf_frame *frame;
  size_t n_sets, cap_sets, cap_next, n_places, cap_places, n_frames, cap_frames, n_bits;
  nf_table sets, frames;

  nf_place *found; // of the set that is being made, in the order in which they are to be looked at
  nf_table seen;
  size_t n_found, cap_found;
  uint32_t *way; // [depth of the tree + 1] sets on a walk
  uint64_t work; // places looked at for one question
} nf_machine;

nf_status nf_machine_init(nf_machine *m, const nf_token_tree *tree); // of a zeroed one with its automaton
void nf_machine_deinit(nf_machine *m);
// Before each question. What was learnt is forgotten when it is too much: then a new period begins.
nf_status nf_machine_ready(nf_machine *m);
nf_status nf_machine_start(nf_machine *m, bool blank, uint32_t *out);
nf_status nf_machine_go(nf_machine *m, uint32_t set, uint8_t byte, uint32_t *out);
nf_status nf_machine_tokens(nf_machine *m, uint32_t set, const uint64_t **out);
