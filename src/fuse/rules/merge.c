// SPDX-License-Identifier: Apache-2.0
// Linears that read the same rows as one, whose weight joins theirs, one's rows below another's, and whose
// columns are theirs: views, which kernels read in place.
#include "fuse/rules/parts.h"

static const char *const results[] = {"a", "b", "c"}, *const weights[] = {"a.w", "b.w", "c.w"},
                         *const biases[] = {"a.b", "b.b", "c.b"};

enum { THREE = 1 }; // parts

static int count(const nf_side *s) { return s->rule->parts & THREE ? 3 : 2; }

static void merge_pattern(nf_side *s) {
  const nf_example *e = s->example;
  const nf_val x = nf_leaf_rows(s, "x");
  for (int i = 0; i < count(s); i++) {
    const nf_extent rows = NF_C(3 + 2 * i);
    const nf_val w = nf_leaf_weight(s, weights[i], NF_TYPE(e->weight, rows, NF_C(e->columns)), false);
    const nf_val b = nf_leaf_weight(s, biases[i], NF_TYPE(e->weight, rows), true);
    const nf_val y = NF_BUILD(s->b, results[i], linear, (x, w, b), .out = e->dtype);
    nf_any(s, y, "out");
    nf_yield(s, y);
  }
}

// The leaves as one weight, one's rows below another's.
static nf_val replace_joined(nf_side *s, const char *name, const char *const *leaf, int n) {
  nf_joined join[NF_MAX_JOINED];
  nf_type t = *nf_found_type(s, leaf[0]);
  int64_t rows = 0;
  for (int i = 0; i < n; i++) {
    const nf_value *w = nf_found_weight(s, leaf[i]);
    join[i] = (nf_joined){.name = w->name, .rows = w->type.dim[0].c, .recipe = w->recipe};
    rows += join[i].rows;
  }
  t.dim[0].c = t.padded[0] = rows;
  return nf_build_weight(s->b, name, t, (nf_recipe){.joined = join, .n_joined = n});
}

static void merge_replacement(nf_side *s) {
  const int n = count(s);
  const nf_val w = replace_joined(s, "joined.w", weights, n);
  const nf_val b = nf_found(s, biases[0]) ? replace_joined(s, "joined.b", biases, n) : 0;
  const nf_val all = NF_BUILD(s->b, "joined", linear, (nf_found(s, "x"), w, b),
                              .out = nf_found_attrs(s, results[0])->linear.out);
  for (int64_t i = 0, start = 0; i < n; i++) {
    const int64_t size = nf_found_type(s, weights[i])->dim[0].c;
    nf_yield(s, NF_BUILD(s->b, results[i], narrow, (all), .start = start, .size = size));
    start += size;
  }
}

// Types of the leaves but for their rows.
static bool alike(const nf_type *a, const nf_type *b) {
  nf_type t = *b;
  if (a->rank == 0 || b->rank == 0) return a->dtype == b->dtype; // absent
  t.dim[0] = a->dim[0];
  t.padded[0] = a->padded[0];
  return nf_type_equal(a, &t);
}

// Leaves that can be joined: all absent, or weights of one type and nobody else's.
static const char *cant_join(const nf_side *s, const char *const *leaf, int n) {
  const nf_type *first = nf_found_type(s, leaf[0]);
  const int block = nf_dtype_of(first->dtype)->group_rows;
  for (int i = 0; i < n; i++) {
    const nf_type *t = nf_found_type(s, leaf[i]);
    if (!alike(first, t)) return "weights of other types";
    if (t->dtype == NF_NONE) continue;
    if (!nf_found_weight(s, leaf[i])) return "no weight, or one with another user";
    if (block > 1 && t->dim[0].c % block) return "blocks of 128 rows would be cut";
  }
  return NULL;
}

static bool can_merge(const nf_side *s, nf_text *why) {
  const int n = count(s);
  for (int i = 1; i < n; i++)
    if (!nf_found_before(s, results[i - 1], results[i])) return false; // told once, in the graph's order
  const char *wrong = cant_join(s, weights, n);
  if (!wrong) wrong = cant_join(s, biases, n);
  for (int i = 1; i < n && !wrong; i++)
    if (!nf_attrs_equal(NF_OP_linear, nf_found_attrs(s, results[0]), nf_found_attrs(s, results[i])))
      wrong = "results of other types";
  if (wrong) nf_text_printf(why, "%s", wrong);
  return !wrong;
}

const nf_rule nf_rules_merge[] = {
    NF_RULE(merge, "merge_2_linears", "merge_linears", "two linears of the same rows as one",
            .applies = can_merge),
    NF_RULE(merge, "merge_3_linears", "merge_linears", "three linears of the same rows as one",
            .parts = THREE, .applies = can_merge),
    {0},
};
