// SPDX-License-Identifier: Apache-2.0
// Inside the room: a nondeterministic automaton over bytes whose edges may call a rule, which is entered with
// the place to return to on a stack. What texts may be is built as parts of it from one state to another.
#pragma once
#include "base/text.h"
#include <stddef.h>
#include <stdint.h>

enum {
  NF_STATES_MAX = 1 << 16,
  NF_EDGES_MAX = 1 << 18,
  NF_STACK_MAX = 60, // calls inside each other: what a text of them may nest
};

typedef enum nf_edge_kind { NF_EDGE_BYTES, NF_EDGE_EMPTY, NF_EDGE_CALL } nf_edge_kind;
typedef struct nf_edge {
  uint32_t to;
  uint32_t from;   // a state
  uint32_t callee; // of a call: the first state of the rule
  uint8_t kind;
  uint8_t lo, hi; // of bytes
  bool begins;    // a character of the text that a string stands for
} nf_edge;

// An automaton that is being built. The first failure (no memory, too large) is remembered, and all that
// comes behind it does nothing.
typedef struct nf_builder {
  nf_edge *edge;
  size_t n_edges, cap_edges;
  uint8_t *is_end; // [n] the end of a rule: from here a call returns
  size_t n, cap;
  nf_status failure;
} nf_builder;
void nf_builder_deinit(nf_builder *b);
bool nf_builder_failed(const nf_builder *b);
// The failure, which is then the caller's.
nf_status nf_builder_take_failure(nf_builder *b);

typedef struct nf_rule {
  uint32_t start, end;
} nf_rule;

uint32_t nf_add_state(nf_builder *b);
nf_rule nf_add_rule(nf_builder *b); // two states
void nf_add_bytes(nf_builder *b, uint32_t from, int lo, int hi, uint32_t to);
void nf_add_empty(nf_builder *b, uint32_t from, uint32_t to);
void nf_add_call(nf_builder *b, uint32_t from, nf_rule rule, uint32_t to);
void nf_add_text(nf_builder *b, uint32_t from, nf_view text, uint32_t to);
// One of several texts, which share what they begin with. Sorts them.
void nf_add_texts(nf_builder *b, uint32_t from, nf_view *text, size_t n, uint32_t to);
void nf_add_optional(nf_builder *b, uint32_t from, char c, uint32_t to);

// ---- built ----

// Without what can't come to an end. A state's edges lie together, those of bytes first.
typedef struct nf_automaton {
  struct nf_node {
    uint32_t bytes, others, end; // edges: bytes [bytes, others), others [others, end)
    uint8_t need;                // calls inside each other that reaching the end of the rule takes at least
    bool is_end;
  } * node;
  nf_edge *edge;
  size_t n, n_edges;
  uint8_t of_byte[256]; // bytes that no edge tells apart are of one class
  uint8_t byte_of[256]; // of each class
  int classes;
} nf_automaton;
enum { NF_NEED_NONE = 255 }; // the end can't be reached
nf_status nf_automaton_build(const nf_builder *b, nf_automaton *out);
void nf_automaton_deinit(nf_automaton *a);
