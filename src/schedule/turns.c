// SPDX-License-Identifier: Apache-2.0
// Who begins, and who comes first.
#include "schedule/turns.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t pages_of(int64_t tokens, int64_t page) { return (tokens + page - 1) / page; }

// Pages that it will take soon: for what waits, and for a page of text behind it.
static int64_t wants(const nf_turn *t, int64_t page) {
  const int64_t end = least(t->position + t->pending + page, t->most);
  const int64_t more = pages_of(end, page) - pages_of(t->position, page);
  return more > 0 ? more : 0;
}

size_t nf_turns_begin(nf_turn *t, size_t n, const nf_room *room) {
  size_t running = 0;
  int64_t wanted = 0;
  for (size_t i = 0; i < n; i++) running += t[i].runs;
  for (size_t i = 0; i < n && room->page_tokens != 0; i++)
    if (t[i].runs) wanted += wants(&t[i], room->page_tokens);
  for (size_t i = 0; i < n && running < room->most; i++) {
    if (t[i].runs) continue;
    if (t[i].rests && running != 0) break;
    if (room->page_tokens != 0) wanted += wants(&t[i], room->page_tokens);
    if (running != 0 && room->page_tokens != 0 && wanted > room->pages) break;
    t[i].runs = true;
    running++;
  }
  return running;
}

// Of prompts, the one with the fewest tokens left; n: there are none.
static size_t nearest(const nf_turn *t, size_t n) {
  size_t best = n;
  for (size_t i = 0; i < n; i++)
    if (t[i].runs && t[i].pending > 1 && (best == n || t[i].pending < t[best].pending)) best = i;
  return best;
}

size_t nf_turns_order(const nf_turn *t, size_t n, uint64_t step, size_t *to) {
  const size_t first = step % 2 != 0 ? nearest(t, n) : n;
  size_t k = 0;
  if (first < n) to[k++] = first;
  for (size_t i = 0; i < n; i++)
    if (t[i].runs && i != first) to[k++] = i;
  return k;
}
