// SPDX-License-Identifier: Apache-2.0
// The caller's costs, remembered by op description: equal layers ask once.
#include "fuse/choice.h"
#include <math.h>
#include <string.h>

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for costs"); }

static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

static uint64_t hash_type(uint64_t h, const nf_type *t) {
  h = mix(h, (uint64_t)t->dtype << 32 | (uint64_t)t->rank << 8 | (uint64_t)t->pack);
  for (int i = 0; i < t->rank; i++)
    h = mix(mix(h, (uint64_t)t->dim[i].c), (uint64_t)t->padded[i] << 2 | t->dim[i].sym);
  return h;
}

static size_t hash(const nf_op_desc *d) {
  const nf_op_info *info = nf_op_of(d->op);
  uint64_t h = mix(1, d->op);
  for (int k = 0; k < info->n_in; k++) h = hash_type(h, &d->in[k]);
  for (int r = 0; r < info->n_out; r++) h = hash_type(h, &d->out[r]);
  return (size_t)h;
}

static bool same(const nf_op_desc *a, const nf_op_desc *b) {
  const nf_op_info *info = nf_op_of(a->op);
  bool equal = a->op == b->op && nf_attrs_equal(a->op, &a->attr, &b->attr);
  for (int k = 0; equal && k < info->n_in; k++) equal = nf_type_equal(&a->in[k], &b->in[k]);
  for (int r = 0; equal && r < info->n_out; r++) equal = nf_type_equal(&a->out[r], &b->out[r]);
  return equal;
}

static nf_price **find(const nf_prices *p, const nf_op_desc *d) {
  for (size_t i = hash(d);; i++) {
    nf_price **slot = &p->slot[i & (p->size - 1)];
    if (!*slot || same(&(*slot)->d, d)) return slot;
  }
}

static nf_status grow(nf_prices *p) {
  nf_prices bigger = *p;
  bigger.size = p->size ? 2 * p->size : 64;
  bigger.slot = nf_alloc(bigger.size, sizeof *bigger.slot);
  if (!bigger.slot) return no_memory();
  for (size_t i = 0; i < p->size; i++)
    if (p->slot[i]) *find(&bigger, &p->slot[i]->d) = p->slot[i];
  nf_free(p->slot);
  *p = bigger;
  return nf_ok();
}

static nf_status ask(nf_prices *p, const nf_fuse_options *o, nf_price *price) {
  nf_text why = {0};
  if (nf_op_of(price->d.op)->flags & NF_OP_VIEW) {
    price->legal = true;
    return nf_ok();
  }
  price->legal = o->costs.of(o->costs.user, &price->d, &o->at, &price->us, &why);
  nf_status st = nf_text_status(&why);
  if (nf_is_ok(st) && price->legal && !(isfinite(price->us) && price->us >= 0))
    st = nf_error(NF_INTERNAL, "the cost of %s is %g µs, which must be finite and not negative",
                  nf_op_of(price->d.op)->name, price->us);
  price->why = nf_arena_copy(&p->arena, why.n ? why.at : "", why.n);
  if (nf_is_ok(st) && !price->why) st = no_memory();
  nf_text_deinit(&why);
  return st;
}

nf_status nf_price_of(nf_prices *p, const nf_fuse_options *o, const nf_op_desc *d, const nf_price **out) {
  if (2 * (p->n + 1) > p->size) NF_TRY(grow(p));
  nf_price **slot = find(p, d);
  if (!*slot) {
    nf_price *price = nf_arena_alloc(&p->arena, 1, sizeof *price);
    if (!price) return no_memory();
    price->d = *d;
    NF_TRY(ask(p, o, price));
    *slot = price;
    p->n++;
  }
  *out = *slot;
  return nf_ok();
}

void nf_prices_deinit(nf_prices *p) {
  nf_free(p->slot);
  nf_arena_deinit(&p->arena);
  *p = (nf_prices){0};
}
