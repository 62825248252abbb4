// SPDX-License-Identifier: Apache-2.0
// Validation of kernels forced by name.
#include "base/memory.h"
#include "select/select.h"
#include <string.h>

// Only what can be had is offered: kernels of this kind of device, and not those that are yet to be written.
static bool offered(const nf_hw *hw, const nf_variant *v) {
  return (v->backend == hw->backend || v->backend == NF_BACKEND_REF) &&
         (!nf_variant_is_declared(v) || hw->target != NULL);
}

static nf_status unknown_variant(const nf_hw *hw, const char *force, nf_op op, const char *variant) {
  size_t n = 0, n_all;
  const nf_variant *all = nf_variants(&n_all);
  const char **names = nf_alloc(n_all, sizeof *names);
  if (names == NULL) return nf_error(NF_NO_MEMORY, "no memory to look for a kernel's name");
  for (size_t i = 0; i < n_all; i++)
    if (all[i].op == op && offered(hw, &all[i])) names[n++] = all[i].name;
  const char *near = nf_nearest(variant, names, n);
  const nf_status st = nf_error(NF_USAGE, "force %s: %s has no such kernel%s%s", force, nf_op_of(op)->name,
                                near ? "; nearest is "
                                : n  ? "; one is "
                                     : "",
                                near ? near
                                : n  ? names[n - 1]
                                     : "");
  nf_free(names);
  return st;
}

static nf_status check(const nf_hw *hw, const char *force) {
  const char *equals = strchr(force, '=');
  nf_op op;
  if (!equals) return nf_error(NF_USAGE, "force %s: wants op=variant", force);
  NF_TRY(nf_op_find((nf_view){force, (size_t)(equals - force)}, &op), "force %s", force);
  const nf_variant *v = nf_variant_find(equals + 1);
  if (!v || v->op != op) return unknown_variant(hw, force, op, equals + 1);
  return nf_ok();
}

nf_status nf_select_check_forced(const nf_hw *hw, const nf_select_options *o) {
  for (size_t i = 0; i < o->n_force; i++) NF_TRY(check(hw, o->force[i]));
  return nf_ok();
}
