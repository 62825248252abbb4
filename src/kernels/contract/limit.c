// SPDX-License-Identifier: Apache-2.0
// Limits of kernel variants: derived quantities, whether a limit holds, and the sentences about it.
#include "kernels/contract/variant.h"

// ---- amounts ----

typedef struct amount { // v / unit
  int64_t v, unit;
} amount;

// Bits of a row over bits of a pack, so that halves are seen.
static bool packs(const nf_op_desc *d, amount *out) {
  enum { PACK_BITS = 128 };
  int64_t columns, bits;
  if (!nf_quantity_of(d, NF_Q_K, &columns)) return false;
  if (__builtin_mul_overflow(columns, nf_dtype_of(d->in[0].dtype)->bits, &bits)) return false;
  *out = (amount){bits, PACK_BITS};
  return true;
}

static bool bytes(const nf_op_desc *d, const nf_site *site, amount *out) {
  size_t n;
  if (site == NULL || site->at.of[NF_CONST] == 0 || d->in[0].dtype == NF_NONE) return false;
  const nf_status st = nf_type_bytes(&d->in[0], &site->at, &n);
  const bool ok = nf_is_ok(st) && n <= INT64_MAX;
  nf_status_free(st);
  if (ok) *out = (amount){(int64_t)n, 1};
  return ok;
}

// A NULL site is one where nothing is known. false: the op has no such quantity here.
static bool amount_of(const nf_op_desc *d, nf_quantity q, const nf_site *site, amount *out) {
  if (q == NF_Q_PACK16_H) return packs(d, out);
  if (q == NF_Q_BYTES) return bytes(d, site, out);
  *out = (amount){site != NULL && site->world > 1 ? site->world : 1, 1};
  return q == NF_Q_WORLD || nf_quantity_of(d, q, &out->v);
}

// ---- holding ----

static const nf_type *operand(const nf_limit *l, const nf_op_desc *d) {
  return l->operand >= 0 ? &d->in[l->operand] : &d->out[-1 - l->operand];
}

static const char *operand_name(const nf_limit *l, nf_op op) {
  const nf_op_info *info = nf_op_of(op);
  return l->operand >= 0 ? info->in[l->operand].name : info->out[-1 - l->operand].name;
}

static const struct nf_attr_info *flag(const nf_limit *l, nf_op op) {
  const nf_op_info *info = nf_op_of(op);
  int i = 0;
  while (info->attr[i].offset != (size_t)l->attr) i++;
  return &info->attr[i];
}

static bool flag_of(const nf_limit *l, const nf_op_desc *d) {
  const void *at = (const char *)&d->attr + l->attr;
  return flag(l, d->op)->kind == NF_ATTR_DTYPE ? *(const nf_dtype *)at != NF_NONE : *(const bool *)at;
}

// What a limit speaks of.
static const char *subject(const nf_limit *l, nf_op op) {
  return l->relation == NF_DTYPE_IN  ? operand_name(l, op)
         : l->relation == NF_FLAG_IS ? flag(l, op)->name
                                     : nf_quantity_name(l->quantity);
}

static bool is_one_of(const nf_limit *l, amount a) {
  for (int i = 0; i < NF_MAX_ONE_OF && l->one_of[i] != 0; i++)
    if (a.v == l->one_of[i] * a.unit) return true;
  return false;
}

bool nf_limit_holds(const nf_limit *l, const nf_op_desc *d, const nf_site *site) {
  if (l->relation == NF_DTYPE_IN) {
    const nf_dtype t = operand(l, d)->dtype;
    return t == NF_NONE || (l->dtypes >> t & 1);
  }
  if (l->relation == NF_FLAG_IS) return flag_of(l, d) == l->value;
  amount a;
  if (l->world != 0 && (site == NULL || site->world != l->world)) return true;
  if (!amount_of(d, l->quantity, site, &a)) return false;
  switch (l->relation) {
  case NF_MULTIPLE_OF:
    return a.v % (l->value * a.unit) == 0;
  case NF_AT_MOST:
    return a.v <= l->value * a.unit;
  case NF_AT_LEAST:
    return a.v >= l->value * a.unit;
  case NF_ONE_OF:
    return is_one_of(l, a);
  case NF_WHOLE:
    return a.v % a.unit == 0;
  case NF_DTYPE_IN:
  case NF_FLAG_IS:
    break;
  }
  return false;
}

// ---- sentences ----

static void print_dtypes(uint64_t set, nf_text *out) {
  for (int t = 0; t < NF_DTYPE_COUNT; t++)
    if (set >> t & 1) nf_text_printf(out, " %s", nf_dtype_of((nf_dtype)t)->name);
}

// "a multiple of 64", "one of 2 4 8", "whole", "at most 262144 for 4 ranks".
static void print_relation(const nf_limit *l, nf_text *out) {
  static const char *const names[] = {
      [NF_MULTIPLE_OF] = "a multiple of", [NF_AT_MOST] = "at most", [NF_AT_LEAST] = "at least",
      [NF_DTYPE_IN] = "one of",           [NF_ONE_OF] = "one of",   [NF_WHOLE] = "whole"};
  nf_text_printf(out, "%s", names[l->relation]);
  if (l->relation == NF_DTYPE_IN) print_dtypes(l->dtypes, out);
  for (int i = 0; i < NF_MAX_ONE_OF && l->one_of[i] != 0; i++) nf_text_printf(out, " %d", (int)l->one_of[i]);
  if (l->value != 0) nf_text_printf(out, " %lld", (long long)l->value);
  if (l->world != 0) nf_text_printf(out, " for %d ranks", l->world);
}

static void print_amount(amount a, nf_text *out) {
  if (a.v % a.unit == 0)
    nf_text_printf(out, "%lld", (long long)(a.v / a.unit));
  else
    nf_text_printf(out, "%.10g", (double)a.v / (double)a.unit);
}

void nf_limit_explain(const nf_limit *l, const nf_op_desc *d, const nf_site *site, nf_text *out) {
  amount a;
  const char *name = subject(l, d->op), *what = nf_quantity_what(l->quantity);
  if (l->relation == NF_DTYPE_IN) {
    nf_text_printf(out, "%s is %s, not ", name, nf_dtype_of(operand(l, d)->dtype)->name);
  } else if (l->relation == NF_FLAG_IS) {
    nf_text_printf(out, "%s is %sset", name, l->value != 0 ? "not " : "");
    return;
  } else if (amount_of(d, l->quantity, site, &a)) {
    nf_text_printf(out, "%s = ", name);
    print_amount(a, out);
    nf_text_printf(out, " is not ");
  } else {
    nf_text_printf(out, "%s (%s) is not fixed", name, what);
    return;
  }
  print_relation(l, out);
}
