// SPDX-License-Identifier: Apache-2.0
// Quantities: their names, and where they stand in an op.
#include "op/quantity.h"
#include "op/traits.h"

static const struct {
  const char *name, *what;
} quantities[NF_Q_COUNT] = {
#define ROW(id, name, what) {name, what},
    NF_QUANTITIES(ROW)};

const char *nf_quantity_name(nf_quantity q) { return quantities[q].name; }
const char *nf_quantity_what(nf_quantity q) { return quantities[q].what; }

// Extent i of t, counted from the end when i < 0; false when there is none or a step decides it.
static bool fixed(const nf_type *t, int i, int64_t *out) {
  if (i < 0) i += t->rank;
  if (t->dtype == NF_NONE || i < 0 || i >= t->rank || t->dim[i].sym != NF_CONST) return false;
  *out = t->dim[i].c;
  return true;
}

static bool at_place(const nf_op_desc *d, const nf_op_extent *e, int64_t *out) {
  int64_t per;
  if (!fixed(e->operand >= 0 ? &d->in[e->operand] : &d->out[-1 - e->operand], e->dim, out)) return false;
  if (e->per == NF_Q_NONE) return true;
  if (!nf_quantity_of(d, e->per, &per) || per < 1) return false;
  *out /= per;
  return true;
}

bool nf_quantity_of(const nf_op_desc *d, nf_quantity q, int64_t *out) {
  static const nf_op_extent k = {NF_Q_K, 0, -1, NF_Q_NONE}, n = {NF_Q_N, NF_RESULT(0), -1, NF_Q_NONE};
  if (q == NF_Q_K || q == NF_Q_N) return at_place(d, q == NF_Q_K ? &k : &n, out);
  const nf_op_extent *e = nf_traits_of(d->op)->extent;
  for (int i = 0; i < NF_MAX_EXTENTS && e[i].quantity != NF_Q_NONE; i++)
    if (e[i].quantity == q) return at_place(d, &e[i], out);
  return false;
}
