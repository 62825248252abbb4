// SPDX-License-Identifier: Apache-2.0
// Building automata, and what is left of one that is whole: dead ends go, so that every state can be ended
// from.
#include "constrain/automaton.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

void nf_builder_deinit(nf_builder *b) {
  nf_free(b->edge);
  nf_free(b->is_end);
  nf_status_free(b->failure);
  *b = (nf_builder){0};
}

bool nf_builder_failed(const nf_builder *b) { return !nf_is_ok(b->failure); }

nf_status nf_builder_take_failure(nf_builder *b) {
  const nf_status st = b->failure;
  b->failure = nf_ok();
  return st;
}

static void fail(nf_builder *b, nf_status why) { b->failure = nf_status_join(b->failure, why); }

uint32_t nf_add_state(nf_builder *b) {
  if (nf_builder_failed(b)) return 0;
  if (b->n == NF_STATES_MAX)
    return fail(b, nf_error(NF_BAD_INPUT, "needs more than %d states; smaller counts or patterns fit",
                            NF_STATES_MAX)),
           0;
  if (!nf_grow(&b->is_end, &b->cap, b->n + 1, 1))
    return fail(b, nf_error(NF_NO_MEMORY, "no memory for a constraint")), 0;
  b->is_end[b->n] = 0;
  return (uint32_t)b->n++;
}

nf_rule nf_add_rule(nf_builder *b) {
  const nf_rule r = {nf_add_state(b), nf_add_state(b)};
  if (!nf_builder_failed(b)) b->is_end[r.end] = 1;
  return r;
}

static void add_edge(nf_builder *b, nf_edge e) {
  if (nf_builder_failed(b)) return;
  if (b->n_edges == NF_EDGES_MAX)
    fail(b, nf_error(NF_BAD_INPUT, "needs more than %d edges; smaller counts or patterns fit", NF_EDGES_MAX));
  else if (!nf_grow(&b->edge, &b->cap_edges, b->n_edges + 1, sizeof *b->edge))
    fail(b, nf_error(NF_NO_MEMORY, "no memory for a constraint"));
  else
    b->edge[b->n_edges++] = e;
}

void nf_add_bytes(nf_builder *b, uint32_t from, int lo, int hi, uint32_t to) {
  add_edge(b, (nf_edge){.from = from, .to = to, .kind = NF_EDGE_BYTES, .lo = (uint8_t)lo, .hi = (uint8_t)hi});
}

void nf_add_empty(nf_builder *b, uint32_t from, uint32_t to) {
  add_edge(b, (nf_edge){.from = from, .to = to, .kind = NF_EDGE_EMPTY});
}

void nf_add_call(nf_builder *b, uint32_t from, nf_rule rule, uint32_t to) {
  add_edge(b, (nf_edge){.from = from, .to = to, .callee = rule.start, .kind = NF_EDGE_CALL});
}

void nf_add_optional(nf_builder *b, uint32_t from, char c, uint32_t to) {
  nf_add_bytes(b, from, (uint8_t)c, (uint8_t)c, to);
  nf_add_empty(b, from, to);
}

void nf_add_text(nf_builder *b, uint32_t from, nf_view text, uint32_t to) {
  if (text.n == 0) nf_add_empty(b, from, to);
  for (size_t i = 0; i < text.n && !nf_builder_failed(b); i++) {
    const uint32_t next = i + 1 == text.n ? to : nf_add_state(b);
    nf_add_bytes(b, from, (uint8_t)text.at[i], (uint8_t)text.at[i], next);
    from = next;
  }
}

// ---- one of several texts ----

static int by_bytes(const void *a, const void *b) {
  const nf_view *x = a, *y = b;
  const int order = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);
  return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

// A sorted run of texts that have their first `same` bytes in common, and are at `from` behind them.
typedef struct run {
  size_t first, end, same;
  uint32_t from;
} run;

// Goes as far as one run's texts are alike, and leaves a run for each way on.
static void part(nf_builder *b, const nf_view *text, uint32_t to, run r, run *left, size_t *n_left) {
  size_t i = r.first;
  for (; i < r.end && text[i].n == r.same; i++)
    if (i == r.first) nf_add_empty(b, r.from, to);
  while (i < r.end && !nf_builder_failed(b)) {
    const uint8_t byte = (uint8_t)text[i].at[r.same];
    size_t end = i + 1;
    while (end < r.end && (uint8_t)text[end].at[r.same] == byte) end++;
    const uint32_t next = nf_add_state(b);
    nf_add_bytes(b, r.from, byte, byte, next);
    left[(*n_left)++] = (run){i, end, r.same + 1, next};
    i = end;
  }
}

void nf_add_texts(nf_builder *b, uint32_t from, nf_view *text, size_t n, uint32_t to) {
  if (n == 0 || nf_builder_failed(b)) return;
  run *left; // runs do not overlap, so that there are never more than texts
  nf_status st = nf_make(&left, n + 1, sizeof *left, "a constraint");
  if (!nf_is_ok(st)) return fail(b, st);
  size_t n_left = 1;
  qsort(text, n, sizeof *text, by_bytes);
  left[0] = (run){0, n, 0, from};
  while (n_left != 0 && !nf_builder_failed(b)) {
    const run r = left[--n_left];
    part(b, text, to, r, left, &n_left);
  }
  nf_free(left);
}

// ---- what is left ----

typedef struct reversal { // edges by where they lead
  uint32_t *first;        // [states + 1] into edge
  uint32_t *edge;
  uint32_t *queue; // states
  uint8_t *need;   // [states]
} reversal;

static void reversal_deinit(reversal *r) {
  nf_free(r->first);
  nf_free(r->edge);
  nf_free(r->queue);
  nf_free(r->need);
}

static nf_status reversal_make(const nf_builder *b, reversal *r) {
  static const char what[] = "a constraint";
  NF_TRY(nf_make(&r->first, b->n + 2, sizeof *r->first, what));
  NF_TRY(nf_make(&r->edge, b->n_edges, sizeof *r->edge, what));
  NF_TRY(nf_make(&r->queue, b->n, sizeof *r->queue, what));
  NF_TRY(nf_make(&r->need, b->n, sizeof *r->need, what));
  memset(r->need, NF_NEED_NONE, b->n);
  for (size_t i = 0; i < b->n_edges; i++) r->first[b->edge[i].to + 2]++;
  for (size_t q = 0; q < b->n; q++) r->first[q + 2] += r->first[q + 1];
  for (size_t i = 0; i < b->n_edges; i++) r->edge[r->first[b->edge[i].to + 1]++] = (uint32_t)i;
  return nf_ok();
}

// Whether an edge whose end is known to need no more than `level` can be taken with so many calls.
static bool is_passable(const reversal *r, const nf_edge *e, int level) {
  return e->kind != NF_EDGE_CALL || (r->need[e->callee] != NF_NEED_NONE && r->need[e->callee] < level);
}

// Backwards from the states in the queue.
static bool spread(const nf_builder *b, reversal *r, size_t n, int level) {
  for (size_t i = 0; i < n; i++) {
    const uint32_t q = r->queue[i];
    for (uint32_t k = r->first[q]; k < r->first[q + 1]; k++) {
      const nf_edge *e = &b->edge[r->edge[k]];
      if (r->need[e->from] != NF_NEED_NONE || !is_passable(r, e, level)) continue;
      r->need[e->from] = (uint8_t)level;
      r->queue[n++] = e->from;
    }
  }
  return n != 0;
}

// Calls that have become passable at this level.
static size_t begin_level(const nf_builder *b, reversal *r, int level) {
  size_t n = 0;
  for (size_t q = 0; level == 0 && q < b->n; q++)
    if (b->is_end[q]) r->need[q] = 0, r->queue[n++] = (uint32_t)q;
  for (size_t i = 0; level != 0 && i < b->n_edges; i++) {
    const nf_edge *e = &b->edge[i];
    if (e->kind != NF_EDGE_CALL || r->need[e->to] == NF_NEED_NONE || r->need[e->from] != NF_NEED_NONE ||
        !is_passable(r, e, level))
      continue;
    r->need[e->from] = (uint8_t)level;
    r->queue[n++] = e->from;
  }
  return n;
}

static void find_needs(const nf_builder *b, reversal *r) {
  for (int level = 0; level <= NF_STACK_MAX; level++)
    if (!spread(b, r, begin_level(b, r, level), level)) return;
}

static bool is_alive(const reversal *r, const nf_edge *e) {
  return r->need[e->to] != NF_NEED_NONE && (e->kind != NF_EDGE_CALL || r->need[e->callee] != NF_NEED_NONE);
}

// A counting sort by state, in which bytes come before others.
static nf_status keep_alive(const nf_builder *b, const reversal *r, nf_automaton *a) {
  NF_TRY(nf_make(&a->node, b->n, sizeof *a->node, "a constraint"));
  NF_TRY(nf_make(&a->edge, b->n_edges, sizeof *a->edge, "a constraint"));
  a->n = b->n;
  for (size_t i = 0; i < b->n_edges; i++) {
    if (!is_alive(r, &b->edge[i])) continue;
    struct nf_node *from = &a->node[b->edge[i].from];
    *(b->edge[i].kind == NF_EDGE_BYTES ? &from->others : &from->end) += 1;
  }
  uint32_t place = 0;
  for (size_t q = 0; q < b->n; q++) {
    struct nf_node *s = &a->node[q];
    const uint32_t bytes = s->others, others = s->end;
    *s = (struct nf_node){.bytes = place, .others = place, .end = place + bytes, .need = r->need[q]};
    s->is_end = b->is_end[q] != 0;
    place += bytes + others;
  }
  a->n_edges = place;
  for (size_t i = 0; i < b->n_edges; i++) { // `others` and `end` are where the next one goes
    if (!is_alive(r, &b->edge[i])) continue;
    struct nf_node *from = &a->node[b->edge[i].from];
    uint32_t *at = b->edge[i].kind == NF_EDGE_BYTES ? &from->others : &from->end;
    a->edge[(*at)++] = b->edge[i];
  }
  return nf_ok();
}

static void find_classes(nf_automaton *a) {
  bool border[257] = {true};
  for (size_t i = 0; i < a->n_edges; i++)
    if (a->edge[i].kind == NF_EDGE_BYTES) border[a->edge[i].lo] = border[a->edge[i].hi + 1] = true;
  a->classes = 0;
  for (int b = 0; b < 256; b++) {
    if (border[b]) a->byte_of[a->classes++] = (uint8_t)b;
    a->of_byte[b] = (uint8_t)(a->classes - 1);
  }
}

nf_status nf_automaton_build(const nf_builder *b, nf_automaton *out) {
  reversal r = {0};
  *out = (nf_automaton){0};
  nf_status st = reversal_make(b, &r);
  if (nf_is_ok(st)) {
    find_needs(b, &r);
    st = keep_alive(b, &r, out);
  }
  if (nf_is_ok(st)) find_classes(out);
  reversal_deinit(&r);
  return st;
}

void nf_automaton_deinit(nf_automaton *a) {
  nf_free(a->node);
  nf_free(a->edge);
  *a = (nf_automaton){0};
}
