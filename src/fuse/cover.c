// SPDX-License-Identifier: Apache-2.0
// The heaviest set of things that do not exclude each other: branch and bound with a limit on its steps.
#include "fuse/choice.h"
#include <string.h>

typedef struct search {
  nf_cover *c;
  double *rest;     // [n + 1] sum of the gains from i on
  uint64_t *barred; // [n + 1][words] what is excluded at each depth
  bool *now;        // [n]
  size_t steps;
  double best;
} search;

static bool barred(const search *s, size_t i) { return s->barred[i * s->c->words + i / 64] >> i % 64 & 1; }

static void keep_best(search *s, double sum) {
  if (sum <= s->best) return; // what was found earlier wins ties
  s->best = sum;
  memcpy(s->c->taken, s->now, s->c->n * sizeof *s->now);
}

// Gains from i on that are not barred: no set can add more.
static double bound(const search *s, size_t i) {
  double sum = 0;
  for (size_t j = i; j < s->c->n; j++)
    if (!(s->barred[i * s->c->words + j / 64] >> j % 64 & 1)) sum += s->c->gain[j];
  return sum;
}

static void branch(search *s, size_t i, double sum) {
  nf_cover *c = s->c;
  if (++s->steps > c->limit) {
    c->exact = false;
    keep_best(s, sum);
    return;
  }
  while (i < c->n && barred(s, i)) {
    memcpy(&s->barred[(i + 1) * c->words], &s->barred[i * c->words], c->words * sizeof *s->barred);
    i++;
  }
  if (i == c->n || sum + s->rest[i] <= s->best || sum + bound(s, i) <= s->best) {
    keep_best(s, sum);
    return;
  }
  uint64_t *here = &s->barred[i * c->words], *below = here + c->words;
  for (size_t w = 0; w < c->words; w++) below[w] = here[w] | c->excludes[i * c->words + w];
  s->now[i] = true;
  branch(s, i + 1, sum + c->gain[i]);
  s->now[i] = false;
  memcpy(below, here, c->words * sizeof *here);
  branch(s, i + 1, sum);
}

nf_status nf_cover_solve(nf_cover *c) {
  nf_arena a = {0};
  search s = {.c = c,
              .rest = nf_arena_alloc(&a, c->n + 1, sizeof *s.rest),
              .barred = nf_arena_alloc(&a, (c->n + 1) * c->words, sizeof *s.barred),
              .now = nf_arena_alloc(&a, c->n, sizeof *s.now)};
  nf_status st = s.rest && s.barred && s.now ? nf_ok() : nf_fuse_no_memory();
  if (nf_is_ok(st)) {
    memset(c->taken, 0, c->n * sizeof *c->taken);
    for (size_t i = c->n; i-- > 0;) s.rest[i] = s.rest[i + 1] + c->gain[i];
    c->exact = true;
    branch(&s, 0, 0);
  }
  nf_arena_deinit(&a);
  return st;
}
