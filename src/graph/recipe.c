// SPDX-License-Identifier: Apache-2.0
// Recipes: copies of their own, and weights that join others.
#include "graph/graph.h"
#include <string.h>

static nf_status copy_string(nf_arena *a, const char **s) {
  if (!*s) return nf_ok();
  *s = nf_arena_copy(a, *s, strlen(*s));
  return *s ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a recipe");
}

nf_status nf_recipe_copy(nf_arena *a, const nf_recipe *r, nf_recipe *out) {
  const nf_joined *from = r->joined;
  *out = *r;
  NF_TRY(copy_string(a, &out->tensor));
  NF_TRY(copy_string(a, &out->scales));
  if (!out->n_joined) return nf_ok();
  nf_joined *joined = nf_arena_alloc(a, (size_t)out->n_joined, sizeof *joined);
  if (!joined) return nf_error(NF_NO_MEMORY, "no memory for a recipe");
  out->joined = joined;
  for (int i = 0; i < out->n_joined; i++) {
    joined[i] = from[i];
    NF_TRY(copy_string(a, &joined[i].name));
    NF_TRY(nf_recipe_copy(a, &from[i].recipe, &joined[i].recipe));
  }
  return nf_ok();
}

int nf_weight_joins(const nf_value *v) { return v->recipe.n_joined ? v->recipe.n_joined : 1; }

nf_value nf_weight_joined(const nf_value *v, int i, int64_t *first) {
  nf_value one = *v;
  *first = 0;
  if (!v->recipe.n_joined) return one;
  for (int k = 0; k < i; k++) *first += v->recipe.joined[k].rows;
  one.name = v->recipe.joined[i].name;
  one.recipe = v->recipe.joined[i].recipe;
  one.type.dim[0].c = one.type.padded[0] = v->recipe.joined[i].rows;
  return one;
}
