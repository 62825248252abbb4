// SPDX-License-Identifier: Apache-2.0
// The block of the step's tables: its layout, and what devices have of it.
#include "engine/tables.h"
#include "base/checked.h"
#include "base/memory.h"
#include <string.h>

// Reserves n int32 at the end of the block, aligned for kernels that load 16 bytes.
static bool reserve(nf_step_tables *t, int64_t n, int64_t each, size_t *out) {
  size_t bytes;
  t->bytes = (size_t)nf_round_up((int64_t)t->bytes, NF_CACHE_LINE);
  if (!nf_mul_size((size_t)n, (size_t)each, &bytes) || !nf_mul_size(bytes, sizeof(int32_t), &bytes))
    return false;
  *out = t->bytes;
  return bytes < SIZE_MAX / 4 &&
         nf_add_size(t->bytes, (size_t)nf_round_up((int64_t)bytes, NF_CACHE_LINE), &t->bytes);
}

bool nf_step_tables_layout(nf_step_tables *t, const nf_sizes *max, const bool uses[NF_CACHE_COUNT],
                           int64_t pages, int64_t routes, int world) {
  const int64_t T = max->of[NF_T], S = max->of[NF_S], R = max->of[NF_R];
  *t = (nf_step_tables){.bytes = sizeof(nf_batch), .pages = pages, .rows = S};
  bool ok = reserve(t, S + 1, 1, &t->q_start) && reserve(t, R, 1, &t->row) &&
            reserve(t, S, 1, &t->state_in) && reserve(t, S, 1, &t->table_row);
  ok = ok && reserve(t, T, 1, &t->state_out) && reserve(t, T, 1, &t->position) &&
       reserve(t, T, routes, &t->routes);
  for (int g = 1; ok && g < NF_CACHE_COUNT; g++)
    if (uses[g] && g != NF_CACHE_RECURRENT) ok = reserve(t, T, 1, &t->write_slot[g]);
  ok = ok && reserve(t, T, 1, &t->tokens);
  t->arrays = t->bytes;
  for (int g = 1; ok && g < NF_CACHE_COUNT; g++)
    if (uses[g] && g != NF_CACHE_RECURRENT) ok = reserve(t, t->rows, pages, &t->page_table[g]);
  return ok && reserve(t, 1, sizeof(nf_comm) / sizeof(int32_t), &t->comm) &&
         reserve(t, world, sizeof(char *) / sizeof(int32_t), &t->base);
}

size_t nf_step_tables_host_bytes(const nf_step_tables *t) { return t->bytes + t->arrays; }

void nf_step_tables_place(nf_step_tables *t, void *host) {
  t->host = t->step = memset(host, 0, nf_step_tables_host_bytes(t));
  t->next = t->host + t->bytes;
}

// ---- on a device ----

nf_batch nf_step_tables_batch(const nf_step_tables *t, const void *block) {
  const char *at = block;
#define ARRAY(name) .name = (const int32_t *)(at + t->name)
  nf_batch b = {.comm = (const nf_comm *)(at + t->comm),
                ARRAY(q_start),
                ARRAY(position),
                ARRAY(row),
                ARRAY(state_in),
                ARRAY(state_out),
                ARRAY(table_row)};
#undef ARRAY
  for (int g = 1; g < NF_CACHE_COUNT; g++)
    b.group[g] = (struct nf_batch_group){(const int32_t *)(at + t->page_table[g]), t->pages,
                                         (const int32_t *)(at + t->write_slot[g])};
  return b;
}

nf_status nf_step_tables_begin(const nf_step_tables *t, nf_device *d, const nf_buffer *block, int rank,
                               char *const *arena, int world) {
  const nf_batch b = nf_step_tables_batch(t, block->data);
  const nf_comm comm = {.world = world, .rank = rank, .base = (char *const *)((char *)block->data + t->base)};
  NF_TRY(nf_device_write(d, block, t->comm, &comm, sizeof comm));
  NF_TRY(nf_device_write(d, block, t->base, arena, (size_t)world * sizeof *arena));
  return nf_device_write(d, block, 0, &b, offsetof(nf_batch, sizes));
}

nf_status nf_step_tables_write(const nf_step_tables *t, nf_device *d, const nf_buffer *block) {
  const size_t first = offsetof(nf_batch, sizes);
  return nf_queue_write(nf_device_queue(d), block, first, t->step + first, t->arrays - first);
}

int32_t *nf_step_tables_pages(const nf_step_tables *t, nf_cache group, int64_t row) {
  return (int32_t *)(t->host + t->page_table[group]) + row * t->pages;
}

nf_status nf_step_tables_write_pages(const nf_step_tables *t, nf_device *d, const nf_buffer *block,
                                     nf_cache group, int64_t row, int64_t lo, int64_t hi) {
  const int32_t *from = nf_step_tables_pages(t, group, row) + lo;
  return nf_queue_write(nf_device_queue(d), block, (size_t)((const char *)from - t->host), from,
                        (size_t)(hi - lo) * sizeof *from);
}
