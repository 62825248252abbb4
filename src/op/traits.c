// SPDX-License-Identifier: Apache-2.0
// The table of traits, quantities and where they stand, and what shape rules have in common: which operands
// there are, and where padding may be.
#include "op/traits.h"
#include "op/want.h"
#include <math.h>

const nf_op_traits *nf_traits_of(nf_op op) {
  static const nf_op_traits *const traits[NF_OP_COUNT] = {
#define NF_OP(name, ...) [NF_OP_##name] = &nf_traits_##name,
#include "op/ops.def"
  };
  return traits[op];
}

// ---- quantities ----

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

// ---- what all ops take ----

// Weights may be padded, and what PADDED ops take in their columns; elsewhere an unpad must say where padding
// ends.
static nf_status check_padding(const nf_op_desc *d, int i) {
  const nf_type *t = &d->in[i];
  const bool takes = nf_op_of(d->op)->flags & NF_OP_PADDED;
  bool constant = true;
  for (int k = 0; k < t->rank; k++) constant &= t->dim[k].sym == NF_CONST;
  for (int k = 0; k < t->rank && !constant; k++) {
    if (t->padded[k] == t->dim[k].c || (takes && k == t->rank - 1 && t->dim[k].sym == NF_CONST)) continue;
    return nf_refuse_operand(d, i,
                             takes ? "only constant columns may be padded" : "must not be padded; unpad it");
  }
  return nf_ok();
}

static nf_status check_operand(const nf_op_desc *d, int i) {
  const struct nf_operand_info *o = &nf_op_of(d->op)->in[i];
  const nf_type *t = &d->in[i];
  if (t->dtype == NF_NONE) return o->optional ? nf_ok() : nf_refuse(d, "%s is missing", o->name);
  NF_TRY(nf_type_check(t), "%s: %s", nf_op_of(d->op)->name, o->name);
  NF_TRY(check_padding(d, i));
  bool pool = t->cache != NF_NO_CACHE;
  if (pool && o->role != NF_ROLE_POOL) return nf_refuse_operand(d, i, "must not be a pool");
  if (!pool && o->role == NF_ROLE_POOL) return nf_refuse_operand(d, i, "must be a pool");
  return nf_ok();
}

static nf_status check_real(const nf_op_desc *d, const struct nf_attr_info *a) {
  const float *x = (const float *)((const char *)&d->attr + a->offset);
  if (a->kind != NF_ATTR_REAL || isfinite(*x)) return nf_ok();
  return nf_refuse(d, "%s is %.9g but must be finite", a->name, (double)*x);
}

nf_status nf_op_infer(nf_op_desc *d) {
  const nf_op_info *info = (unsigned)d->op < NF_OP_COUNT ? nf_op_of(d->op) : NULL;
  if (!info) return nf_error(NF_BAD_INPUT, "op %d does not exist", (int)d->op);
  for (int i = 0; i < info->n_in; i++) NF_TRY(check_operand(d, i));
  for (int i = 0; i < info->n_attr; i++) NF_TRY(check_real(d, &info->attr[i]));
  for (int i = 0; i < NF_MAX_OUT; i++) d->out[i] = (nf_type){0};
  return nf_traits_of(d->op)->infer(d);
}
