// SPDX-License-Identifier: Apache-2.0
// The rules of turns against an engine of numbers: a step computes at most `batch` tokens, decoding answers
// first, as far as there are pages. Whatever arrives and is cancelled, all end in time.
#include "schedule/turns.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

enum { MOST = 64, REQUESTS = 200, ROUNDS = 300, PAGE = 64 };

typedef struct request {
  int64_t prompt, answer;     // tokens
  int64_t arrives, cancelled; // steps; cancelled -1: never
  int64_t ended;              // -1: not yet
  int64_t have, drawn;        // tokens in the caches; drawn
  bool has_session, runs, lacks;
  int64_t gave_back; // the step, -1
  int64_t last;      // step of its last token, -1
} request;

typedef struct engine {
  int64_t batch, sessions, pages;
  request r[REQUESTS];
  size_t n;
  int64_t step, preemptions;
  bool shortage; // pages have run out
} engine;

static uint64_t state;
static uint64_t draw(uint64_t n) { // less than n
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % n;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t pages_of(int64_t tokens) { return (tokens + PAGE - 1) / PAGE; }
static int64_t all_of(const request *r) { return r->prompt + r->drawn; }
static int64_t pending(const request *r) { return all_of(r) - r->have; }

static int64_t unused(const engine *e) {
  int64_t n = e->pages;
  for (size_t i = 0; i < e->n; i++) n -= pages_of(e->r[i].have);
  return n;
}

static void end(engine *e, request *r) {
  r->ended = e->step;
  r->has_session = r->runs = false;
  r->have = 0;
}

static size_t most(const engine *e) { return (size_t)least(e->sessions, e->batch); }

// ---- a step ----

// What the engine has left for it, in tokens and pages.
static int64_t compute(engine *e, request *r, int64_t left) {
  const int64_t room = pages_of(r->have) * PAGE + unused(e) * PAGE - r->have;
  const int64_t n = least(least(pending(r), left), room);
  r->lacks = n == 0 && left > 0;
  if (n == 0) return 0;
  r->have += n;
  if (pending(r) != 0) return n;
  if (r->last >= 0 && !e->shortage) assert_int_equal(r->last, e->step - 1); // who decodes, does in each step
  r->last = e->step;
  if (++r->drawn == r->answer) end(e, r);
  return n;
}

static size_t list(engine *e, request **to) { // who has a session
  size_t n = 0;
  for (size_t i = 0; i < e->n && n < (size_t)e->sessions; i++) {
    request *r = &e->r[i];
    if (r->arrives > e->step || r->ended >= 0) continue;
    r->has_session = true;
    to[n++] = r;
  }
  return n;
}

static void preempt(engine *e, request **r, size_t n) {
  for (size_t i = n; i-- > 1;)
    if (r[i]->ended < 0 && (r[i]->runs || r[i]->have != 0)) {
      r[i]->runs = false;
      r[i]->have = 0;
      r[i]->gave_back = e->step;
      e->preemptions++;
      return;
    }
}

static void run_step(engine *e) {
  request *r[MOST];
  nf_turn turn[MOST];
  size_t order[MOST];
  const size_t n = list(e, r);
  for (size_t i = 0; i < n; i++)
    turn[i] = (nf_turn){r[i]->have, pending(r[i]), r[i]->prompt + r[i]->answer, r[i]->runs,
                        r[i]->gave_back >= 0 && r[i]->gave_back + 1 == e->step};
  const nf_room room = {most(e), PAGE, unused(e)};
  const size_t running = nf_turns_begin(turn, n, &room);
  assert_true(running <= most(e) && (n == 0 || running > 0));
  assert_int_equal(nf_turns_order(turn, n, (uint64_t)e->step, order), running);
  for (size_t i = 0; i < n; i++) r[i]->runs = turn[i].runs;
  if (n != 0) assert_true(r[0]->runs); // the oldest
  int64_t left = e->batch;
  bool lacks = false;
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < running; i++)
      if ((turn[order[i]].pending == 1) == (pass == 0)) {
        left -= compute(e, r[order[i]], left);
        lacks |= r[order[i]]->lacks;
      }
  assert_true(left >= 0);
  if (lacks) e->shortage = true, preempt(e, r, n);
  e->step++;
}

static void cancel(engine *e) {
  for (size_t i = 0; i < e->n; i++)
    if (e->r[i].ended < 0 && e->r[i].cancelled >= 0 && e->r[i].cancelled <= e->step) end(e, &e->r[i]);
}

// ---- in time ----

// turns.h says so. What an answer has drawn when it gives back its pages is prompt afterwards.
static int64_t bound(const engine *e, size_t i) {
  const int64_t share = e->batch - (int64_t)most(e) + 1;
  int64_t n = e->preemptions;
  for (size_t k = 0; k <= i; k++) {
    const int64_t tokens = e->r[k].prompt + (e->preemptions != 0 ? e->r[k].answer : 0);
    n += 2 * ((tokens + share - 1) / share) + e->r[k].answer;
  }
  return n;
}

static bool runs(const engine *e) {
  for (size_t i = 0; i < e->n; i++)
    if (e->r[i].ended < 0) return true;
  return false;
}

static void make(engine *e) {
  const int64_t longest = 1 + (int64_t)draw(3000);
  int64_t arrives = 0;
  memset(e, 0, sizeof *e);
  e->batch = 1 + (int64_t)draw(draw(2) ? 8 : 256);
  e->sessions = 1 + (int64_t)draw(MOST);
  e->n = 1 + draw(REQUESTS);
  e->pages = 0;
  for (size_t i = 0; i < e->n; i++) {
    request *r = &e->r[i];
    arrives += (int64_t)draw(draw(3) ? 4 : 200);
    *r = (request){.prompt = 1 + (int64_t)draw((uint64_t)(draw(4) ? 1 + longest / 10 : longest)),
                   .answer = 1 + (int64_t)draw(draw(8) ? 100 : 1500),
                   .arrives = arrives,
                   .cancelled = draw(5) ? -1 : arrives + (int64_t)draw(500),
                   .ended = -1,
                   .gave_back = -1,
                   .last = -1};
    const int64_t own = pages_of(r->prompt + r->answer);
    e->pages = own > e->pages ? own : e->pages; // the longest fits alone
  }
  e->pages += (int64_t)draw(draw(2) ? 16 : 100000);
}

static void test_all_end_in_time(void **) {
  static engine e;
  int64_t shortages = 0;
  for (int round = 0; round < ROUNDS; round++) {
    make(&e);
    while (runs(&e)) {
      cancel(&e);
      run_step(&e);
      assert_true(e.step < 100000000);
    }
    assert_int_equal(unused(&e), e.pages);
    shortages += e.shortage;
    for (size_t i = 0; i < e.n; i++) assert_true(e.r[i].ended - e.r[i].arrives <= bound(&e, i));
  }
  printf("%ld rounds without enough pages\n", shortages);
  assert_true(shortages > 10 && shortages < ROUNDS);
}

// ---- a long one ----

static void test_a_long_prompt_holds_up_nobody(void **) {
  static engine e;
  memset(&e, 0, sizeof e);
  e.batch = 64, e.sessions = 8, e.pages = 1 << 20, e.n = 3;
  const request none = {.cancelled = -1, .ended = -1, .gave_back = -1, .last = -1};
  for (size_t i = 0; i < e.n; i++) e.r[i] = none;
  e.r[0].prompt = 10, e.r[0].answer = 1000; // decodes: compute() says so if it misses a step
  e.r[1].prompt = 20000, e.r[1].answer = 1, e.r[1].arrives = 2;
  e.r[2].prompt = 30, e.r[2].answer = 1, e.r[2].arrives = 5;
  while (runs(&e)) run_step(&e);
  assert_true(e.r[2].ended <= e.r[2].arrives + 2);                          // the next step but one
  assert_true(e.r[1].ended - e.r[1].arrives <= (20000 + 30 + 62) / 63 + 1); // nothing is left idle
  assert_int_equal(e.r[0].ended, 999);
}

static void test_who_rests_and_who_is_behind(void **) {
  nf_turn t[] = {{.position = 100, .pending = 1, .most = 200, .runs = true},
                 {.pending = 100, .most = 200, .rests = true},
                 {.pending = 10, .most = 20}};
  const nf_room room = {3, PAGE, 100};
  assert_int_equal(nf_turns_begin(t, 3, &room), 1); // nobody overtakes
  t[1].rests = false;
  assert_int_equal(nf_turns_begin(t, 3, &(nf_room){3, PAGE, 3}), 1); // 1 page of the first, 3 of the second
  assert_int_equal(nf_turns_begin(t, 3, &(nf_room){2, PAGE, 5}), 2);
  assert_false(t[2].runs);
  t[0].runs = t[1].runs = false, t[1].rests = true;
  assert_int_equal(nf_turns_begin(t + 1, 2, &(nf_room){3, PAGE, 0}), 1); // alone: there is nobody to wait for
}

int main(int argc, char **argv) {
  if (argc > 1)
    sscanf(argv[1], "%lu", &state);
  else
    (void)!getrandom(&state, sizeof state, 0);
  printf("seed %lu\n", state);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_end_in_time),
                                     cmocka_unit_test(test_a_long_prompt_holds_up_nobody),
                                     cmocka_unit_test(test_who_rests_and_who_is_behind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
