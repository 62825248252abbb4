// SPDX-License-Identifier: Apache-2.0
// Running an automaton: sets of places, made once each, and the tokens that may come at them.
//
// All tokens are tried at a set by one walk of their tree, which leaves out what is below a byte that can't
// come. Most sets have one stack, on which what was called has something to return to: what happens before it
// returns does not depend on that, so it is found once for all stacks, with the nodes where it returns, and
// the walk goes on from those only. Within a string, of 200,000 tokens some thousand are left.
#include "constrain/machine.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum {
  SETS_KEPT = 1 << 13, // with more a new period begins
  SETS_MAX = 1 << 15,
  PLACES_KEPT = 1 << 19,
  BITS_KEPT = 256,                  // sets whose tokens are kept
  SEEN_MAX = 1 << 14,               // places of one set, with those that only lead to others
  WORK_MAX = 1 << 24,               // places looked at for one question
  DEPTH_UNKNOWN = NF_STACK_MAX / 2, // taken to be below an unknown stack
};

static nf_status no_memory(void) { return nf_error(NF_NO_MEMORY, "no memory for a constraint"); }

static nf_status too_ambiguous(void) {
  return nf_error(NF_BAD_INPUT, "the constraint can be read in too many ways here; smaller counts, or "
                                "patterns of which fewer parts fit the same text, would do");
}

// ---- tables ----

static uint32_t mix(uint64_t x) {
  x = (x ^ x >> 32) * 0x9e3779b97f4a7c15u;
  return (uint32_t)((x ^ x >> 29) * 0xbf58476d1ce4e5b9u >> 32);
}

static void table_clear(nf_table *t) {
  if (t->cap != 0) memset(t->slot, 0, t->cap * sizeof *t->slot);
  t->n = 0;
}

// What is in a table and may have to be found a new slot: the hash of number i.
typedef uint32_t hash_of(const nf_machine *m, uint32_t i);

static nf_status table_reserve(const nf_machine *m, nf_table *t, hash_of *hash) {
  if (2 * (t->n + 1) <= t->cap) return nf_ok();
  const nf_table old = *t;
  nf_table wider = {.cap = old.cap != 0 ? 2 * old.cap : 64, .n = old.n};
  NF_TRY(nf_make(&wider.slot, wider.cap, sizeof *wider.slot, "a constraint"));
  for (size_t i = 0; i < old.cap; i++) {
    if (old.slot[i] == 0) continue;
    size_t k = hash(m, old.slot[i] - 1) & (wider.cap - 1);
    while (wider.slot[k] != 0) k = (k + 1) & (wider.cap - 1);
    wider.slot[k] = old.slot[i];
  }
  nf_free(old.slot);
  return *t = wider, nf_ok();
}

// ---- stacks ----

static uint32_t hash_frame(const nf_machine *m, uint32_t i) {
  return mix((uint64_t)m->frame[i].back << 32 | m->frame[i].below);
}

static nf_status push(nf_machine *m, uint32_t back, uint32_t below, uint32_t *out) {
  NF_TRY(table_reserve(m, &m->frames, hash_frame));
  size_t k = mix((uint64_t)back << 32 | below) & (m->frames.cap - 1);
  for (; m->frames.slot[k] != 0; k = (k + 1) & (m->frames.cap - 1)) {
    const nf_frame *f = &m->frame[m->frames.slot[k] - 1];
    if (f->back == back && f->below == below) return *out = m->frames.slot[k] - 1, nf_ok();
  }
  if (!nf_grow(&m->frame, &m->cap_frames, m->n_frames + 1, sizeof *m->frame)) return no_memory();
  *out = (uint32_t)m->n_frames++;
  m->frame[*out] = (nf_frame){back, below, m->frame[below].depth + 1};
  m->frames.slot[k] = *out + 1;
  m->frames.n++;
  return nf_ok();
}

// ---- a set that is being made ----

typedef struct flags {
  bool ends, leaves;
} flags;

static uint32_t hash_place(nf_place p) { return mix((uint64_t)p.state << 32 | p.stack); }
static uint32_t hash_found(const nf_machine *m, uint32_t i) { return hash_place(m->found[i]); }

static void begin(nf_machine *m) {
  if (m->seen.cap > 1024 && m->seen.n < 256) { // of a large set before: clearing it would cost more
    for (size_t i = 0; i < m->n_found; i++) {
      size_t k = hash_found(m, (uint32_t)i) & (m->seen.cap - 1);
      while (m->seen.slot[k] != i + 1) k = (k + 1) & (m->seen.cap - 1);
      m->seen.slot[k] = UINT32_MAX;
    }
    for (size_t i = 0; i < m->n_found; i++) {
      size_t k = hash_found(m, (uint32_t)i) & (m->seen.cap - 1);
      while (m->seen.slot[k] == UINT32_MAX) m->seen.slot[k] = 0, k = (k + 1) & (m->seen.cap - 1);
    }
    m->seen.n = 0;
  } else {
    table_clear(&m->seen);
  }
  m->n_found = 0;
}

// Unless it is there, or from it the end needs more calls than may still be made.
static nf_status add(nf_machine *m, uint32_t state, uint32_t stack) {
  const nf_place p = {state, stack};
  const uint8_t need = m->automaton.node[state].need;
  m->work++;
  if (need == NF_NEED_NONE || need + m->frame[stack].depth > NF_STACK_MAX) return nf_ok();
  NF_TRY(table_reserve(m, &m->seen, hash_found));
  size_t k = hash_place(p) & (m->seen.cap - 1);
  for (; m->seen.slot[k] != 0; k = (k + 1) & (m->seen.cap - 1)) {
    const nf_place *q = &m->found[m->seen.slot[k] - 1];
    if (q->state == state && q->stack == stack) return nf_ok();
  }
  if (m->n_found == SEEN_MAX || m->work > WORK_MAX) return too_ambiguous();
  if (!nf_grow(&m->found, &m->cap_found, m->n_found + 1, sizeof *m->found)) return no_memory();
  m->found[m->n_found++] = p;
  m->seen.slot[k] = (uint32_t)m->n_found;
  m->seen.n++;
  return nf_ok();
}

static nf_status come_back(nf_machine *m, uint32_t stack, flags *f) {
  if (stack == NF_STACK_EMPTY) return f->ends = true, nf_ok();
  if (stack == NF_STACK_UNKNOWN) return f->leaves = true, nf_ok();
  return add(m, m->frame[stack].back, m->frame[stack].below);
}

// A call whose return has nothing more to do leaves no frame, so that a rule may begin with itself.
static bool only_ends(const nf_automaton *a, uint32_t state) {
  return a->node[state].is_end && a->node[state].bytes == a->node[state].end;
}

static nf_status follow(nf_machine *m, nf_place p, const nf_edge *e) {
  uint32_t stack = p.stack;
  if (e->kind == NF_EDGE_EMPTY) return add(m, e->to, p.stack);
  if (m->automaton.node[e->callee].need + m->frame[stack].depth > NF_STACK_MAX) return nf_ok();
  if (!only_ends(&m->automaton, e->to)) {
    if (m->frame[stack].depth == NF_STACK_MAX) return nf_ok();
    NF_TRY(push(m, e->to, p.stack, &stack));
  }
  return add(m, e->callee, stack);
}

// Places that can be come to without a byte; those stay from which a byte leads on.
static nf_status close(nf_machine *m, flags *f) {
  const nf_automaton *a = &m->automaton;
  for (size_t i = 0; i < m->n_found; i++) {
    const nf_place p = m->found[i];
    const struct nf_node *s = &a->node[p.state];
    if (s->is_end) NF_TRY(come_back(m, p.stack, f));
    for (uint32_t k = s->others; k < s->end; k++) NF_TRY(follow(m, p, &a->edge[k]));
  }
  return nf_ok();
}

static int by_place(const void *a, const void *b) {
  const nf_place *x = a, *y = b;
  if (x->state != y->state) return x->state < y->state ? -1 : 1;
  return (x->stack > y->stack) - (x->stack < y->stack);
}

static uint32_t hash_set(const nf_machine *m, uint32_t i) { return m->set[i].hash; }

static bool is_set(const nf_machine *m, const nf_set_of_places *s, const nf_set_of_places *t) {
  return s->hash == t->hash && s->n == t->n && s->ends == t->ends && s->leaves == t->leaves &&
         memcmp(m->place + s->at, m->place + t->at, s->n * sizeof *m->place) == 0;
}

static nf_status new_set(nf_machine *m, const nf_set_of_places *s, uint32_t *out) {
  const size_t classes = (size_t)m->automaton.classes;
  if (m->n_sets == SETS_MAX) return too_ambiguous();
  if (!nf_grow(&m->set, &m->cap_sets, m->n_sets + 1, sizeof *m->set) ||
      !nf_grow(&m->next, &m->cap_next, (m->n_sets + 1) * classes, sizeof *m->next))
    return no_memory();
  *out = (uint32_t)m->n_sets++;
  m->set[*out] = *s;
  memset(m->next + *out * classes, 0, classes * sizeof *m->next);
  return nf_ok();
}

// The number of the set that was found.
static nf_status number(nf_machine *m, flags f, uint32_t *out) {
  nf_set_of_places s = {.at = (uint32_t)m->n_places, .ends = f.ends, .leaves = f.leaves};
  if (!nf_grow(&m->place, &m->cap_places, m->n_places + m->n_found + 1, sizeof *m->place)) return no_memory();
  NF_TRY(table_reserve(m, &m->sets, hash_set));
  for (size_t i = 0; i < m->n_found; i++) {
    const struct nf_node *q = &m->automaton.node[m->found[i].state];
    if (q->bytes != q->others) m->place[s.at + s.n++] = m->found[i];
  }
  if (s.n == 0 && !f.ends && !f.leaves) return *out = NF_SET_DEAD, nf_ok();
  if (s.n > 1) qsort(m->place + s.at, s.n, sizeof *m->place, by_place);
  s.hash = mix((uint64_t)s.n << 2 | (uint64_t)f.ends << 1 | f.leaves);
  for (uint32_t i = 0; i < s.n; i++) s.hash = mix((uint64_t)s.hash << 32 | hash_place(m->place[s.at + i]));
  size_t k = s.hash & (m->sets.cap - 1);
  for (; m->sets.slot[k] != 0; k = (k + 1) & (m->sets.cap - 1))
    if (is_set(m, &m->set[m->sets.slot[k] - 1], &s)) return *out = m->sets.slot[k] - 1, nf_ok();
  NF_TRY(new_set(m, &s, out));
  m->n_places += s.n;
  m->sets.slot[k] = *out + 1;
  m->sets.n++;
  return nf_ok();
}

static nf_status finish(nf_machine *m, uint32_t *out) {
  flags f = {0};
  NF_TRY(close(m, &f));
  return number(m, f, out);
}

static nf_status make_next(nf_machine *m, uint32_t set, uint8_t byte, uint32_t *out) {
  const nf_automaton *a = &m->automaton;
  begin(m);
  for (uint32_t i = 0; i < m->set[set].n; i++) {
    const nf_place p = m->place[m->set[set].at + i];
    const struct nf_node *q = &a->node[p.state];
    for (uint32_t k = q->bytes; k < q->others; k++)
      if (a->edge[k].lo <= byte && byte <= a->edge[k].hi) NF_TRY(add(m, a->edge[k].to, p.stack));
  }
  NF_TRY(finish(m, out));
  m->next[set * (size_t)a->classes + a->of_byte[byte]] = *out;
  return nf_ok();
}

nf_status nf_machine_go(nf_machine *m, uint32_t set, uint8_t byte, uint32_t *out) {
  *out = m->next[set * (size_t)m->automaton.classes + m->automaton.of_byte[byte]];
  return *out != NF_SET_UNKNOWN ? nf_ok() : make_next(m, set, byte, out);
}

nf_status nf_machine_start(nf_machine *m, bool blank, uint32_t *out) {
  begin(m);
  NF_TRY(add(m, m->start[blank], NF_STACK_EMPTY));
  return finish(m, out);
}

// ---- tokens ----

// What may come below nodes [from, to) of the tree, at `set` where depth is `depth`. `of` is noted with the
// nodes at which something leaves an unknown stack.
static nf_status walk(nf_machine *m, uint32_t set, uint32_t from, uint32_t to, int depth, uint64_t *bits,
                      uint32_t of) {
  const nf_token_node *node = m->tree->node;
  const uint8_t *class = m->automaton.of_byte;
  const size_t classes = (size_t)m->automaton.classes;
  m->way[depth] = set;
  for (uint32_t i = from; i < to;) {
    const size_t entry = m->way[node[i].depth - 1] * classes + class[node[i].byte];
    uint32_t next = m->next[entry];
    if (next == NF_SET_UNKNOWN) NF_TRY(make_next(m, m->way[node[i].depth - 1], node[i].byte, &next));
    if (next == NF_SET_DEAD) {
      i = node[i].skip;
      continue;
    }
    for (uint32_t k = node[i].first; k < node[i + 1].first; k++)
      bits[m->tree->id[k] / 64] |= 1ull << (m->tree->id[k] % 64);
    if (m->set[next].leaves) {
      nf_set_of_places *s = &m->set[of];
      if (!nf_grow(&s->left, &s->cap_left, s->n_left + 1, sizeof *s->left)) return no_memory();
      s->left[s->n_left++] = i;
    }
    m->way[node[i].depth] = next;
    i++;
  }
  return nf_ok();
}

static uint32_t below_both(const nf_machine *m, uint32_t a, uint32_t b) {
  while (a != b) {
    if (a < NF_STACKS_FIRST && b < NF_STACKS_FIRST) return NF_STACK_EMPTY;
    if (m->frame[a].depth >= m->frame[b].depth && a >= NF_STACKS_FIRST)
      a = m->frame[a].below;
    else
      b = m->frame[b].below;
  }
  return a;
}

// The highest stack that is below all places of a set.
static uint32_t common_stack(const nf_machine *m, const nf_set_of_places *s) {
  uint32_t stack = s->n != 0 ? m->place[s->at].stack : NF_STACK_EMPTY;
  for (uint32_t i = 1; i < s->n; i++) stack = below_both(m, stack, m->place[s->at + i].stack);
  return stack;
}

// `stack` with something unknown in the place of `below`.
static nf_status lift(nf_machine *m, uint32_t stack, uint32_t below, uint32_t *out) {
  uint32_t back[NF_STACK_MAX];
  int n = 0;
  for (; stack != below; stack = m->frame[stack].below) back[n++] = m->frame[stack].back;
  *out = NF_STACK_UNKNOWN;
  while (n > 0) NF_TRY(push(m, back[--n], *out, out));
  return nf_ok();
}

// *out is dead where a place would be too deep to end.
static nf_status lift_all(nf_machine *m, uint32_t set, uint32_t below, uint32_t *out) {
  begin(m);
  for (uint32_t i = 0; i < m->set[set].n; i++) {
    const nf_place p = m->place[m->set[set].at + i];
    uint32_t stack;
    NF_TRY(lift(m, p.stack, below, &stack));
    NF_TRY(add(m, p.state, stack));
  }
  if (m->n_found != m->set[set].n) return *out = NF_SET_DEAD, nf_ok();
  return number(m, (flags){0}, out);
}

static size_t words(const nf_machine *m) { return ((size_t)m->tree->vocab + 63) / 64; }

static nf_status make_bits(nf_machine *m, uint32_t set) {
  NF_TRY(nf_make(&m->set[set].bits, words(m), sizeof(uint64_t), "a constraint"));
  m->n_bits++;
  return nf_ok();
}

static nf_status walk_all(nf_machine *m, uint32_t set) {
  m->set[set].n_left = 0;
  return walk(m, set, 0, (uint32_t)m->tree->n, 0, m->set[set].bits, set);
}

// What returned to `stack` goes on there.
static nf_status walk_left(nf_machine *m, uint32_t set, uint32_t lifted, uint32_t stack) {
  const nf_token_node *node = m->tree->node;
  uint32_t back;
  begin(m);
  NF_TRY(add(m, m->frame[stack].back, m->frame[stack].below));
  NF_TRY(finish(m, &back));
  if (back == NF_SET_DEAD) return nf_ok();
  for (size_t i = 0; i < m->set[lifted].n_left; i++) {
    const uint32_t at = m->set[lifted].left[i];
    NF_TRY(walk(m, back, at + 1, node[at].skip, node[at].depth, m->set[set].bits, set));
  }
  return nf_ok();
}

static nf_status drop_bits(nf_machine *m, uint32_t set, nf_status st) { // of a walk that failed
  nf_free(m->set[set].bits);
  m->set[set].bits = NULL;
  m->n_bits--;
  return st;
}

static nf_status make_by_itself(nf_machine *m, uint32_t set) {
  NF_TRY(make_bits(m, set));
  const nf_status st = walk_all(m, set);
  return nf_is_ok(st) ? st : drop_bits(m, set, st);
}

static nf_status make_tokens(nf_machine *m, uint32_t set) {
  const uint32_t stack = common_stack(m, &m->set[set]);
  uint32_t lifted = NF_SET_DEAD;
  if (stack >= NF_STACKS_FIRST && m->frame[stack].depth <= NF_STACK_MAX - DEPTH_UNKNOWN)
    NF_TRY(lift_all(m, set, stack, &lifted));
  if (lifted == NF_SET_DEAD) return make_by_itself(m, set);
  if (m->set[lifted].bits == NULL) NF_TRY(make_by_itself(m, lifted));
  NF_TRY(make_bits(m, set));
  memcpy(m->set[set].bits, m->set[lifted].bits, words(m) * sizeof(uint64_t));
  const nf_status st = walk_left(m, set, lifted, stack);
  return nf_is_ok(st) ? st : drop_bits(m, set, st);
}

nf_status nf_machine_tokens(nf_machine *m, uint32_t set, const uint64_t **out) {
  if (m->set[set].bits == NULL) NF_TRY(make_tokens(m, set));
  return *out = m->set[set].bits, nf_ok();
}

// ---- life ----

static void forget_bits(nf_machine *m) {
  for (size_t i = 0; i < m->n_sets; i++) {
    nf_free(m->set[i].bits);
    nf_free(m->set[i].left);
    m->set[i].bits = NULL, m->set[i].left = NULL;
    m->set[i].n_left = m->set[i].cap_left = 0;
  }
  m->n_bits = 0;
}

static nf_status begin_period(nf_machine *m) {
  const nf_set_of_places none = {0};
  uint32_t ignored;
  forget_bits(m);
  m->n_sets = m->n_places = m->n_frames = 0;
  table_clear(&m->sets);
  table_clear(&m->frames);
  m->period++;
  if (!nf_grow(&m->frame, &m->cap_frames, NF_STACKS_FIRST, sizeof *m->frame)) return no_memory();
  m->frame[m->n_frames++] = (nf_frame){0};
  m->frame[m->n_frames++] = (nf_frame){.depth = DEPTH_UNKNOWN};
  for (int i = 0; i < NF_SETS_FIRST; i++) NF_TRY(new_set(m, &none, &ignored));
  return nf_ok();
}

nf_status nf_machine_init(nf_machine *m, const nf_token_tree *tree) {
  m->tree = tree;
  NF_TRY(nf_make(&m->way, (size_t)tree->depth + 1, sizeof *m->way, "a constraint"));
  return begin_period(m);
}

nf_status nf_machine_ready(nf_machine *m) {
  m->work = 0;
  if (m->n_sets > SETS_KEPT || m->n_places > PLACES_KEPT || m->n_frames > PLACES_KEPT ||
      m->n_sets < NF_SETS_FIRST)
    return begin_period(m);
  if (m->n_bits >= BITS_KEPT) forget_bits(m);
  return nf_ok();
}

void nf_machine_deinit(nf_machine *m) {
  forget_bits(m);
  nf_automaton_deinit(&m->automaton);
  nf_free(m->set);
  nf_free(m->next);
  nf_free(m->place);
  nf_free(m->frame);
  nf_free(m->sets.slot);
  nf_free(m->frames.slot);
  nf_free(m->found);
  nf_free(m->seen.slot);
  nf_free(m->way);
  *m = (nf_machine){0};
}
