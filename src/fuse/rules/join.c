// SPDX-License-Identifier: Apache-2.0
// Joining the weights of linears that read the same rows.
#include "fuse/rules/join.h"

// The leaves as one weight, one's rows below another's.
nf_val nf_replace_joined(nf_side *s, const char *name, const char *const *leaf, int n) {
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

bool nf_can_merge(const nf_side *s, const char *const *result, const char *const *weight,
                  const char *const *bias, int n, nf_text *why) {
  const char *wrong = cant_join(s, weight, n);
  if (!wrong) wrong = cant_join(s, bias, n);
  for (int i = 1; i < n && !wrong; i++)
    if (!nf_attrs_equal(NF_OP_linear, nf_found_attrs(s, result[0]), nf_found_attrs(s, result[i])))
      wrong = "results of other types";
  if (wrong) nf_text_printf(why, "%s", wrong);
  return !wrong;
}
