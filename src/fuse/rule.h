// SPDX-License-Identifier: Apache-2.0
// What a rule is: data, and two sides written with the builder that models use.
//
// The pattern is built once, on example types; it matches nodes of the same ops, attributes and connections
// whatever their types. The replacement is built anew for every match, on the types of the values that it
// found. Both yield the same values in the same order, of the same types. A value that the pattern does not
// yield must have no other user. Rules are constants and shared by all threads; a side belongs to the call
// that made it.
#pragma once
#include "graph/graph.h"

// What patterns show: types and attributes that stand for any. The tests draw them at random.
typedef struct nf_example {
  nf_dtype dtype, weight;  // of activations and of weights
  int64_t columns, padded; // padded > columns
  float eps;
  bool flag;
} nf_example;

enum { NF_MAX_LEAVES = 14, NF_MAX_YIELDS = 6, NF_MAX_ANY = 16 };

typedef struct nf_side {
  nf_builder *b;
  const struct nf_rule *rule;
  const nf_example *example; // of a pattern
  // The rest is read through the functions below.
  struct {
    const char *name;
    nf_val v;
    bool maybe;
  } leaf[NF_MAX_LEAVES];
  struct {
    nf_val v;
    const char *attr;
  } any[NF_MAX_ANY];
  nf_val yield[NF_MAX_YIELDS];
  int n_leaves, n_any, n_yields;
  const struct nf_match *match; // of a replacement
} nf_side;

typedef struct nf_rule {
  const char *name, *family; // letters, digits, '_'; options speak of either
  const char *what;          // one line
  bool normalise;            // never costs: runs to a fixed point before fusions are chosen
  void (*pattern)(nf_side *s);
  void (*replacement)(nf_side *s);
  // Facts of the graph that the pattern can't say; false says why not. Targets and ranges are not its
  // business: those are the kernels' limits. NULL: always. False without a reason: no near miss either.
  bool (*applies)(const nf_side *s, nf_text *why);
  unsigned parts; // bits of the file's own: which optional nodes its two sides have (s->rule->parts)
} nf_rule;

// A row of a file's list: the sides are <sides>_pattern and <sides>_replacement; further fields behind.
#define NF_RULE(sides, name_, family_, what_, ...)                               \
  {                                                                              \
    .name = name_, .family = family_, .what = what_, .pattern = sides##_pattern, \
    .replacement = sides##_replacement, __VA_ARGS__                              \
  }
// The rules of a file, in any order, and an empty one behind them. rules.def lists the files.
#define NF_RULES(file) extern const nf_rule nf_rules_##file[];
#include "fuse/rules/rules.def"

// ---- both sides ----
void nf_yield(nf_side *s, nf_val v); // at most NF_MAX_YIELDS; a pattern yields results of its nodes only

// ---- patterns ----
// A value from outside, here with an example of its type; a leaf that is used twice is the same value twice.
nf_val nf_leaf(nf_side *s, const char *name, nf_type example);
nf_val nf_leaf_maybe(nf_side *s, const char *name, nf_type example); // an operand that may be absent
// The same, of a rule that joins weights: matches anything too, but nf_found_weight says more of it.
nf_val nf_leaf_weight(nf_side *s, const char *name, nf_type example, bool maybe);
// The node that makes v may have any value of the attribute; all others must be as they stand in the pattern.
void nf_any(nf_side *s, nf_val v, const char *attr);

// ---- replacements and applies ----
// By the names of the pattern's values: what was found there. An unknown name fails the builder
// (NF_INTERNAL).
nf_val nf_found(nf_side *s, const char *leaf); // 0: absent
const nf_type *nf_found_type(const nf_side *s, const char *value);
const nf_attrs *nf_found_attrs(const nf_side *s, const char *value);  // of the node that makes it
size_t nf_found_users(const nf_side *s, const char *value, nf_op op); // how many nodes of this op use it
bool nf_found_before(const nf_side *s, const char *a, const char *b); // a stands in front of b in the graph
// What was found for a leaf, where it is a weight that joins no others and has no other user; else NULL.
const nf_value *nf_found_weight(const nf_side *s, const char *leaf);
