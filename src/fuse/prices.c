// SPDX-License-Identifier: Apache-2.0
// The caller's costs, remembered by op description: equal layers ask once.
#include "fuse/choice.h"
#include <math.h>

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for costs"); }

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
  nf_price *price = nf_desc_map_find(&p->known, d);
  *out = price;
  if (price) return nf_ok();
  *out = price = nf_arena_alloc(&p->arena, 1, sizeof *price);
  if (!price) return no_memory();
  price->d = *d;
  NF_TRY(ask(p, o, price));
  return nf_desc_map_add(&p->known, &price->d);
}

void nf_prices_deinit(nf_prices *p) {
  nf_desc_map_deinit(&p->known);
  nf_arena_deinit(&p->arena);
}
