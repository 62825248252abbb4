// SPDX-License-Identifier: Apache-2.0
// Descriptions as keys of tables.
#include "op/desc.h"
#include "base/memory.h"

const char *nf_order_name(nf_order o) {
  static const char *const names[] = {
#define NF_ORDER_NAME(id, name) [NF_ORDER_##id] = name,
      NF_ORDERS(NF_ORDER_NAME)
#undef NF_ORDER_NAME
  };
  return names[o];
}

static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

static uint64_t hash_type(uint64_t h, const nf_type *t) {
  h = mix(h, (uint64_t)t->dtype << 40 | (uint64_t)t->rank << 32 | (uint64_t)(uint16_t)t->pack.rows << 16 |
                 (uint16_t)t->pack.k);
  for (int i = 0; i < t->rank; i++)
    h = mix(mix(h, (uint64_t)t->dim[i].c), (uint64_t)t->padded[i] << 2 | t->dim[i].sym);
  return h;
}

uint64_t nf_op_desc_hash(const nf_op_desc *d) {
  const nf_op_info *info = nf_op_of(d->op);
  uint64_t h = mix(mix(1, d->op), d->order);
  for (int k = 0; k < info->n_in; k++) h = hash_type(h, &d->in[k]);
  for (int r = 0; r < info->n_out; r++) h = hash_type(h, &d->out[r]);
  return h;
}

bool nf_op_desc_equal(const nf_op_desc *a, const nf_op_desc *b) {
  const nf_op_info *info = nf_op_of(a->op);
  bool equal = a->op == b->op && a->order == b->order && nf_attrs_equal(a->op, &a->attr, &b->attr);
  for (int k = 0; equal && k < info->n_in; k++) equal = nf_type_equal(&a->in[k], &b->in[k]);
  for (int r = 0; equal && r < info->n_out; r++) equal = nf_type_equal(&a->out[r], &b->out[r]);
  return equal;
}

// ---- the map ----

static const nf_op_desc **slot_of(const nf_desc_map *m, const nf_op_desc *d) {
  for (size_t i = (size_t)nf_op_desc_hash(d);; i++) {
    const nf_op_desc **slot = &m->slot[i & (m->size - 1)];
    if (*slot == NULL || nf_op_desc_equal(*slot, d)) return slot;
  }
}

void *nf_desc_map_find(const nf_desc_map *m, const nf_op_desc *d) {
  return m->size != 0 ? (void *)*slot_of(m, d) : NULL;
}

static nf_status grow(nf_desc_map *m) {
  nf_desc_map bigger = {.n = m->n, .size = m->size != 0 ? 2 * m->size : 64};
  bigger.slot = nf_alloc(bigger.size, sizeof *bigger.slot);
  if (bigger.slot == NULL) return nf_error(NF_NO_MEMORY, "no memory for a table of ops");
  for (size_t i = 0; i < m->size; i++)
    if (m->slot[i] != NULL) *slot_of(&bigger, m->slot[i]) = m->slot[i];
  nf_desc_map_deinit(m);
  *m = bigger;
  return nf_ok();
}

nf_status nf_desc_map_add(nf_desc_map *m, nf_op_desc *d) {
  if (2 * (m->n + 1) > m->size) NF_TRY(grow(m));
  *slot_of(m, d) = d;
  m->n++;
  return nf_ok();
}

void nf_desc_map_deinit(nf_desc_map *m) {
  nf_free(m->slot);
  *m = (nf_desc_map){0};
}
