// SPDX-License-Identifier: Apache-2.0
// The batch of a case: sequences with their lengths, places in caches, and recurrent states.
#include "base/checked.h"
#include "check/internal.h"
#include <string.h>

// Sequences with these tokens of the step, and tokens before it. Up to three decode, with short and long
// pasts; behind them are one or two prefills, an empty sequence, and a token of padding.
static void mixed(const nf_case *c, int32_t *count, int32_t *before) {
  const int64_t tokens = c->at.of[NF_T], sequences = c->at.of[NF_S];
  const int32_t past[] = {0, 4, c->seed % 4 == 0 ? 1030 : 129};
  const int64_t padding = tokens > 4, room = tokens > sequences ? sequences - 1 : sequences;
  const int64_t decode = nf_max(0, nf_min(nf_min(tokens, 3), room)), rest = tokens - decode - padding;
  const int64_t first = sequences > decode + 1 ? (rest + 1) / 2 : rest;
  for (int64_t s = 0; s < decode; s++) count[s] = 1, before[s] = past[s];
  if (sequences > decode) count[decode] = (int32_t)first;
  if (sequences > decode + 1) count[decode + 1] = (int32_t)(rest - first), before[decode + 1] = 9;
}

static void even(const nf_case *c, int32_t *count, int32_t *before) {
  const int64_t tokens = c->at.of[NF_T], sequences = c->at.of[NF_S];
  for (int64_t s = 0; s < sequences; s++) {
    count[s] = (int32_t)(tokens / sequences + (s < tokens % sequences));
    before[s] = (int32_t)c->past;
  }
}

// States: in place, from another slot, from nothing; of prefills that are short enough, behind two of three
// tokens too, in slots behind the others'.
static void give_states(nf_instance *i, const int32_t *q_start, const int32_t *before, int32_t *in,
                        int32_t *out) {
  const int64_t n = i->c->at.of[NF_S];
  i->states = 2 * n + 1;
  for (int64_t t = 0; t < i->c->at.of[NF_T]; t++) out[t] = -1;
  for (int64_t s = 0; s < n; s++) {
    const int32_t last = (int32_t)(2 * (n - 1 - s) + 1), count = q_start[s + 1] - q_start[s];
    in[s] = before[s] == 0 ? -1 : s % 2 ? last : last - 1;
    for (int32_t t = 0; t + 1 < count && count <= NF_STATES && i->c->past == 0; t++)
      if (t % 3 != 1) out[q_start[s] + t] = (int32_t)i->states++;
    if (count != 0) out[q_start[s + 1] - 1] = last;
  }
}

nf_status nf_instance_batch(nf_instance *i) {
  const int64_t tokens = i->c->at.of[NF_T], n = i->c->at.of[NF_S], rows = i->c->at.of[NF_R];
  int32_t *q_start = nf_arena_alloc(&i->arena, (size_t)(6 * n + 1 + 2 * tokens + rows), sizeof *q_start);
  if (!q_start) return nf_error(NF_NO_MEMORY, "no memory for a batch");
  int32_t *keys = q_start + n + 1, *before = keys + n, *count = before + n, *position = count + n,
          *row = position + tokens, *in = row + rows, *out = in + n, *table_row = out + tokens;
  memset(q_start, 0, (size_t)(6 * n + 1 + 2 * tokens + rows) * sizeof *q_start);
  if (i->c->past)
    even(i->c, count, before);
  else
    mixed(i->c, count, before);
  for (int64_t s = 0; s < n; s++) {
    q_start[s + 1] = q_start[s] + count[s];
    keys[s] = before[s] + count[s];
    table_row[s] = (int32_t)((s + 1) % n);
    for (int32_t t = 0; t < count[s]; t++) position[q_start[s] + t] = before[s] + t;
  }
  give_states(i, q_start, before, in, out);
  for (int64_t r = 0; r < rows; r++) row[r] = (int32_t)((tokens - 1 - r % tokens));
  i->used = q_start[n];
  i->before = before;
  i->keys = keys;
  i->batch = (nf_batch){.sizes = i->c->at,
                        .q_start = q_start,
                        .position = position,
                        .table_row = table_row,
                        .row = row,
                        .state_in = in,
                        .state_out = out};
  return nf_ok();
}

nf_status nf_instance_pages(nf_instance *i, nf_cache cache, int64_t page, int64_t window, int64_t *slots) {
  struct nf_batch_group *g = &i->batch.group[cache];
  const nf_batch *b = &i->batch;
  const int64_t n = i->c->at.of[NF_S], tokens = i->c->at.of[NF_T];
  int64_t most = 0;
  for (int64_t s = 0; s < n; s++) most = nf_max(most, i->keys[s]);
  g->pages = nf_ceil_div(most, page) + 1;
  *slots = n * g->pages + 3;
  while (*slots % 7 == 0) ++*slots; // so that steps of 7 reach all of them
  int32_t *table = nf_arena_alloc(&i->arena, (size_t)(n * g->pages), sizeof *table);
  int32_t *write = nf_arena_alloc(&i->arena, (size_t)nf_max(1, tokens), sizeof *write);
  if (!table || !write) return nf_error(NF_NO_MEMORY, "no memory for a page table");
  for (int64_t s = 0; s < n; s++)
    for (int64_t p = 0; p < g->pages; p++) {
      const bool seen = window == 0 || (p + 1) * page > i->before[s] - window + 1;
      const bool there = p * page < i->keys[s];
      table[b->table_row[s] * g->pages + p] =
          seen && there ? (int32_t)(((s * g->pages + p) * 7 + 3) % *slots) : -1;
    }
  for (int64_t t = 0; t < tokens; t++) write[t] = -1;
  for (int64_t s = 0; s < n; s++)
    for (int64_t t = b->q_start[s]; t < b->q_start[s + 1]; t++)
      write[t] =
          (int32_t)(table[b->table_row[s] * g->pages + b->position[t] / page] * page + b->position[t] % page);
  g->page_table = table;
  g->write_slot = write;
  return nf_ok();
}
