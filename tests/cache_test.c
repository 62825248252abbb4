// SPDX-License-Identifier: Apache-2.0
// What sessions share and give back of the caches: prefixes, forks, cuts, snapshots, suspension, and pools
// that are too small for all. Whatever happens, the logits are those of a session that computes all by
// itself.
#include "base/checked.h"
#include "base/sanitized.h"
#include "engine/engine.h"
#include "tests/support/sessions.h"
#include <stdlib.h>

enum { VOCAB = 384, BATCH = 64, WINDOW = 16, BASE = 192 };

typedef struct kind { // a model on a device
  infuse_model *m;
  bool recurrent, sliding, reference;
} kind;

static kind open_kind(int device, size_t i, infuse_model_options o) {
  kind k = {.sliding = i == 0, .recurrent = i == 2, .reference = device == 0};
  o.context = MANY;
  if (o.batch == 0) o.batch = BATCH;
  if (o.sessions == 0) o.sessions = 4;
  k.m = new_model(runtime[device], tiny[i], o);
  return k;
}

// Every slot is referred to as often as sessions say, and nothing else is in use.
static void check(const infuse_model *m, infuse_session *const *s, size_t n) {
  for (int g = 1; g < NF_CACHE_COUNT; g++) {
    int64_t used = 0;
    for (int32_t slot = 0; slot < m->kv[g].n; slot++) {
      int32_t refs = 0;
      for (size_t i = 0; i < n; i++) {
        if (s[i] == NULL) continue;
        if (g == NF_CACHE_RECURRENT) refs += s[i]->state == slot;
        for (int64_t p = 0; s[i]->page[g] != NULL && p < nf_model_pages(m); p++) {
          refs += s[i]->page[g][p] == slot;
          assert_true(s[i]->page[g][p] < 0 || p < s[i]->n_pages);
        }
      }
      assert_int_equal(nf_kv_refs(&m->kv[g], slot), refs);
      used += refs > 0;
    }
    assert_int_equal(m->kv[g].n - m->kv[g].unused, used);
  }
}

static void close_kind(kind k) {
  check(k.m, NULL, 0);
  infuse_model_destroy(k.m);
}

static void on(int device, void (*test)(kind k), infuse_model_options o) {
  for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++) {
    kind k = open_kind(device, i, o);
    test(k);
    close_kind(k);
  }
}

// The references are slow, and what they compute no sanitizer changes: other tests run them there.
static void everywhere(void (*test)(kind k), infuse_model_options o) {
  if (!NF_SANITIZED) on(0, test, o);
  on(1, test, o);
}

// ---- sessions ----

static infuse_session *session(infuse_model *m, bool unshared, int64_t rows) {
  return new_session(m, (infuse_session_options){.rows = rows, .unshared = unshared});
}

static infuse_session *holding(infuse_model *m, bool unshared, const int32_t *tokens, size_t n) {
  infuse_session *s = session(m, unshared, 1);
  ok(infuse_session_append(s, tokens, n));
  return s;
}

// Steps until nothing is pending. The number of tokens that were computed, and the last row.
static int64_t finish(infuse_session *s, float *row) {
  int64_t computed = 0;
  while (infuse_session_pending(s) != 0) {
    ok(infuse_step(s->model, &s, 1));
    computed += (int64_t)s->n_tokens;
  }
  const infuse_rows r = infuse_session_logits(s);
  assert_true(r.rows > 0);
  assert_int_equal(r.first + r.rows, s->position);
  memcpy(row, r.data + (r.rows - 1) * VOCAB, VOCAB * sizeof *row);
  return computed;
}

// What a session that computes all by itself has for the last token.
static void alone(infuse_model *m, const int32_t *tokens, size_t n, float *row) {
  infuse_session *s = holding(m, true, tokens, n);
  assert_int_equal(finish(s, row), n);
  infuse_session_destroy(s);
}

static void is_as_alone(kind k, const int32_t *tokens, size_t n, const float *row) {
  float want[VOCAB];
  alone(k.m, tokens, n, want);
  assert_memory_equal(row, want, sizeof want);
}

// The prompt, but for what comes behind the first n tokens.
static void vary(int32_t *tokens, int32_t by, size_t n) {
  memcpy(tokens, prompt, sizeof prompt);
  for (size_t i = n; i < MANY; i++) tokens[i] = (tokens[i] + by) % 256;
}

// ---- a common beginning ----

static void begin_behind(kind k) {
  int32_t other[MANY];
  float row[VOCAB];
  infuse_session *a = holding(k.m, false, prompt, BASE + 20);
  assert_int_equal(finish(a, row), BASE + 20);
  is_as_alone(k, prompt, BASE + 20, row);
  const size_t same[] = {BASE + 3, BASE - 1, 70, BASE + 20, BASE, 64, 63, 0};
  for (size_t i = 0; i < (k.reference ? 1 : sizeof same / sizeof *same); i++) {
    vary(other, 1, same[i]);
    const size_t n = same[i] + 10, whole = same[i] / NF_PAGE * NF_PAGE;
    infuse_session *b = holding(k.m, false, other, n);
    assert_int_equal(infuse_session_position(b), whole);
    assert_int_equal(infuse_session_cached(b), whole);
    assert_int_equal(finish(b, row), n - whole);
    is_as_alone(k, other, n, row);
    infuse_session_destroy(b);
  }
  infuse_session_destroy(a); // what it has left can still be found
  a = holding(k.m, false, prompt, BASE + 1);
  assert_int_equal(infuse_session_position(a), BASE);
  finish(a, row);
  is_as_alone(k, prompt, BASE + 1, row);
  infuse_session_destroy(a);
}
static void test_begins_behind_what_others_have_left(void **) {
  everywhere(begin_behind, (infuse_model_options){.snapshots = 4});
}

// What comes while a session waits counts too.
static void find_later(kind k) {
  float row[VOCAB];
  infuse_session *a = holding(k.m, false, prompt, BASE + 5), *b = holding(k.m, false, prompt, BASE + 9);
  finish(a, row);
  assert_int_equal(infuse_session_pending(b), BASE + 9);
  assert_int_equal(finish(b, row), 9);
  is_as_alone(k, prompt, BASE + 9, row);
  infuse_session_destroy(a);
  infuse_session_destroy(b);
}
static void test_finds_what_came_meanwhile(void **) { on(1, find_later, (infuse_model_options){0}); }

static void test_rows_that_are_wanted_are_computed(void **) {
  kind k = open_kind(1, 1, (infuse_model_options){.rows = BATCH});
  float row[VOCAB];
  const struct {
    int64_t rows, position;
  } cases[] = {{1, 192}, {13, 192}, {14, 128}, {INFUSE_ALL_ROWS, 0}, {-2, 0}}; // -2: unshared
  infuse_session *a = holding(k.m, false, prompt, BASE + 13), *s;
  finish(a, row);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    s = session(k.m, cases[i].rows == -2, cases[i].rows == -2 ? 1 : cases[i].rows);
    ok(infuse_session_append(s, prompt, BASE + 13));
    assert_int_equal(infuse_session_position(s), cases[i].position);
    infuse_session_destroy(s);
  }
  infuse_session_destroy(a);
  close_kind(k);
  for (int i = 0; i < 2; i++) { // hidden states are wanted of all
    k = open_kind(1, 1, (infuse_model_options){.keep_hidden = i == 0});
    a = holding(k.m, false, prompt, BASE), s = session(k.m, false, 1);
    finish(a, row);
    ok(infuse_session_append(s, prompt, BASE));
    assert_int_equal(infuse_session_position(s), i == 0 ? 0 : 128);
    infuse_session_destroy(a);
    infuse_session_destroy(s);
    close_kind(k);
  }
}

// ---- forks ----

static int64_t used(const infuse_model *m) {
  int64_t n = 0;
  for (int g = 1; g < NF_CACHE_COUNT; g++) n += m->kv[g].n - m->kv[g].unused;
  return n;
}

static void fork_sessions(kind k) {
  float row[VOCAB];
  int32_t left[MANY], right[MANY];
  infuse_session *s = holding(k.m, false, prompt, 100), *t;
  finish(s, row);
  const int64_t before = used(k.m);
  ok(infuse_session_clone(s, &t));
  assert_int_equal(used(k.m), before);
  vary(left, 1, 100), vary(right, 2, 100);
  ok(infuse_session_append(s, left + 100, 3));
  ok(infuse_session_append(t, right + 100, 5));
  assert_int_equal(infuse_session_pending(t), 5);
  while (infuse_session_pending(s) + infuse_session_pending(t) != 0)
    ok(infuse_step(k.m, (infuse_session *[]){s, t}, 2));
  check(k.m, (infuse_session *[]){s, t}, 2);
  assert_int_equal(used(k.m), before + 1 + (k.sliding || k.recurrent)); // a page of each, or a state
  for (int i = 0; i < 2; i++) {                                         // the next token behind each
    ok(infuse_session_append(i ? t : s, (i ? right : left) + (i ? 105 : 103), 1));
    finish(i ? t : s, row);
    float want[VOCAB];
    alone(k.m, i ? right : left, i ? 106 : 104, want);
    assert_memory_equal(row, want, sizeof row);
  }
  infuse_session_destroy(s);
  check(k.m, &t, 1);
  infuse_session_destroy(t);
}
static void test_forks_share_pages(void **) {
  everywhere(fork_sessions, (infuse_model_options){0});
  on(1, fork_sessions, (infuse_model_options){.world = 2});
}

// ---- cuts ----

// Goes on with another token, or with the same.
static void cut_to(kind k, int64_t n, int32_t by, const float *want) {
  float row[VOCAB];
  int32_t other[MANY];
  infuse_session *s = holding(k.m, false, prompt, 150);
  finish(s, row);
  ok(infuse_session_truncate(s, (size_t)n));
  const int64_t at = s->position;
  assert_true(n - at < NF_PAGE); // no further back than to the page
  if (!k.recurrent && !k.sliding) assert_int_equal(at, n);
  check(k.m, &s, 1);
  vary(other, by, (size_t)n);
  ok(infuse_session_append(s, other + n, 1));
  assert_int_equal(finish(s, row), n + 1 - at);
  infuse_session_destroy(s);
  if (by == 0)
    assert_memory_equal(row, want, sizeof row);
  else
    is_as_alone(k, other, (size_t)n + 1, row);
}

static void cut_everywhere(kind k) {
  static const int64_t edges[] = {0, 1, 63, 64, 65, 127, 128, 149};
  static float rows[150][VOCAB]; // of the prompt
  infuse_session *s = session(k.m, true, INFUSE_ALL_ROWS);
  ok(infuse_session_append(s, prompt, 150));
  while (infuse_session_pending(s) != 0) {
    ok(infuse_step(k.m, &s, 1));
    const infuse_rows r = infuse_session_logits(s);
    memcpy(rows[r.first], r.data, r.rows * sizeof rows[0]);
  }
  infuse_session_destroy(s);
  for (int64_t n = 0; n < 150; n += k.reference ? 149 : NF_SANITIZED ? 7 : 1) cut_to(k, n, 0, rows[n]);
  for (size_t i = 0; i < sizeof edges / sizeof *edges && !k.reference; i++) cut_to(k, edges[i], 1, NULL);
}
static void test_cuts_to_any_length(void **) {
  everywhere(cut_everywhere, (infuse_model_options){.sessions = 2, .snapshots = 3, .rows = BATCH});
}

// A cut whose window or state others have taken meanwhile goes back to what is left.
static void cut_with_little_left(kind k) {
  float row[VOCAB];
  int32_t other[MANY];
  infuse_session *s = holding(k.m, false, prompt, 200), *t;
  finish(s, row);
  vary(other, 3, 0);
  t = holding(k.m, true, other, 200);
  finish(t, row);
  ok(infuse_session_truncate(s, 150));
  check(k.m, (infuse_session *[]){s, t}, 2);
  ok(infuse_session_append(s, prompt + 150, 1));
  finish(s, row);
  infuse_session_destroy(t);
  is_as_alone(k, prompt, 151, row);
  infuse_session_destroy(s);
}
static void test_cuts_with_little_left(void **) {
  on(1, cut_with_little_left, (infuse_model_options){.sessions = 2});
}

// ---- what is kept ----

// The end of a prompt is kept while an answer of any length moves the window on.
static void test_windows_of_prompts_are_kept(void **) {
  const infuse_model_options o = {.size = sizeof o, .context = 1024, .sessions = 1};
  float row[VOCAB];
  kind k = {.sliding = true};
  ok(infuse_model_load(runtime[1], tiny[0], &o, &k.m));
  infuse_session *s = holding(k.m, false, prompt, 150);
  finish(s, row);
  for (int i = 0; i < 500; i++) {
    ok(infuse_session_append(s, prompt + i % MANY, 1));
    ok(infuse_step(k.m, &s, 1));
  }
  ok(infuse_session_truncate(s, 149));
  assert_int_equal(infuse_session_position(s), 128);
  ok(infuse_session_append(s, prompt + 149, 1));
  finish(s, row);
  infuse_session_destroy(s);
  is_as_alone(k, prompt, 150, row);
  close_kind(k);
}

// Where a session begins whose text is the prompt for the first `same` of n tokens.
static int64_t begins_at(kind k, int32_t by, size_t same, size_t n) {
  int32_t text[MANY];
  float row[VOCAB];
  vary(text, by, same);
  infuse_session *s = holding(k.m, false, text, n);
  const int64_t at = s->position;
  finish(s, row);
  infuse_session_destroy(s);
  is_as_alone(k, text, n, row);
  return at;
}

// A long prompt does not drive out the ends of others.
static void test_states_of_prompts_are_kept(void **) {
  kind k = open_kind(1, 2, (infuse_model_options){.sessions = 1, .snapshots = 2, .cache_tokens = 4096});
  assert_int_equal(begins_at(k, 1, 0, 130), 0);
  assert_int_equal(begins_at(k, 2, 0, 250), 0);
  assert_int_equal(begins_at(k, 1, 0, 140), 128);
  close_kind(k);
}

// The second of three texts that begin alike leaves a state where it parts from the first.
static void test_states_are_kept_where_texts_part(void **) {
  kind k = open_kind(
      1, 2, (infuse_model_options){.sessions = 1, .snapshots = 2, .cache_tokens = 4096, .batch = MANY});
  assert_int_equal(begins_at(k, 1, 100, 250), 0);
  assert_int_equal(begins_at(k, 2, 100, 250), 0);
  assert_int_equal(begins_at(k, 3, 100, 250), 64);
  close_kind(k);
}

// ---- suspension ----

static void suspend(kind k) {
  int32_t drawn[DRAWN], here[DRAWN];
  infuse_session *s = begin(k.m, prompt, 130), *other;
  draw(k.m, s, drawn);
  infuse_session_destroy(s);
  for (int after = 0; after < 2 + DRAWN; after++) { // steps: in the prompt, and while it draws
    s = begin(k.m, prompt, 130);
    size_t n = 0;
    for (int i = 0; infuse_session_output(s).finish == INFUSE_RUNNING; i++) {
      if (i == after) {
        ok(infuse_session_suspend(s));
        assert_int_equal(infuse_session_position(s), 0);
        check(k.m, &s, 1);
        assert_int_equal(used(k.m), 0);
        if (after % 2) { // or else all is there still
          other = holding(k.m, true, prompt, MANY);
          float row[VOCAB];
          finish(other, row);
          infuse_session_destroy(other);
        }
      }
      ok(infuse_step(k.m, &s, 1));
      if (infuse_session_output(s).token >= 0) here[n++] = infuse_session_output(s).token;
    }
    assert_int_equal(n, DRAWN);
    assert_memory_equal(here, drawn, sizeof drawn);
    ok(infuse_session_suspend(s)); // having finished
    assert_int_equal(infuse_session_pending(s), 0);
    infuse_session_destroy(s);
  }
}
static void test_suspended_sessions_go_on(void **) {
  on(1, suspend, (infuse_model_options){.sessions = 2, .cache_tokens = MANY});
}

// Rows that were told are not told again.
static void test_rows_are_told_once(void **) {
  for (size_t i = 0; i < 3; i++) {
    kind k = open_kind(1, i, (infuse_model_options){.rows = BATCH});
    infuse_session *s = session(k.m, false, INFUSE_ALL_ROWS);
    bool told[MANY] = {0};
    ok(infuse_session_append(s, prompt, 150));
    for (int step = 0; infuse_session_pending(s) != 0; step++) {
      if (step == 2) ok(infuse_session_suspend(s));
      ok(infuse_step(k.m, &s, 1));
      const infuse_rows r = infuse_session_logits(s);
      for (size_t t = r.first; t < r.first + r.rows; t++) {
        assert_false(told[t]);
        told[t] = true;
      }
    }
    for (int t = 0; t < 150; t++) assert_true(told[t]);
    infuse_session_destroy(s);
    close_kind(k);
  }
}

// ---- too few pages ----

static void step_all(infuse_model *m, infuse_session **s, size_t n) {
  ok(infuse_step(m, s, n));
  check(m, s, n);
}

// Three texts of two pages each, and room for four pages: the third one waits, and the others do not notice.
static void wait_for_pages(kind k) {
  float row[VOCAB], want[3][VOCAB];
  int32_t text[3][MANY];
  infuse_session *s[3];
  for (int i = 0; i < 3; i++) {
    vary(text[i], i, 0);
    alone(k.m, text[i], 101, want[i]);
  }
  for (int i = 0; i < 3; i++) s[i] = holding(k.m, false, text[i], 100);
  while (infuse_session_pending(s[0]) + infuse_session_pending(s[1]) != 0) ok(infuse_step(k.m, s, 2));
  assert_int_equal(used(k.m), 4 + 2 * k.recurrent);
  assert_int_equal(infuse_session_pending(s[2]), 100);
  refused(infuse_step(k.m, &s[2], 1), INFUSE_UNAVAILABLE, "needs a page of the");
  assert_int_equal(infuse_session_status(s[2]), INFUSE_STATUS_NO_PAGES);
  for (int i = 0; i < 2; i++) ok(infuse_session_append(s[i], text[i] + 100, 1));
  step_all(k.m, s, 3); // in mid-batch
  assert_int_equal(infuse_session_status(s[2]), INFUSE_STATUS_NO_PAGES);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(infuse_session_status(s[i]), INFUSE_STATUS_COMPUTED);
    assert_memory_equal(infuse_session_logits(s[i]).data, want[i], sizeof row);
  }
  ok(infuse_session_suspend(s[0]));
  ok(infuse_session_append(s[2], text[2] + 100, 1));
  while (infuse_session_pending(s[2]) != 0) step_all(k.m, s + 1, 2);
  assert_memory_equal(infuse_session_logits(s[2]).data, want[2], sizeof row);
  infuse_session_destroy(s[1]);
  ok(infuse_session_append(s[0], text[0] + 101, 1)); // and comes back
  finish(s[0], row);
  infuse_session_destroy(s[2]);
  is_as_alone(k, text[0], 102, row);
  check(k.m, s, 1);
  infuse_session_destroy(s[0]);
}
static void test_waits_for_pages(void **) {
  for (size_t i = 1; i < 3; i++) {
    kind k = open_kind(1, i, (infuse_model_options){.sessions = 3, .cache_tokens = MANY});
    wait_for_pages(k);
    close_kind(k);
  }
}

static void test_the_size_of_caches(void **) {
  infuse_model_options o = {.size = sizeof o, .context = 1000, .sessions = 4, .cache_tokens = 999};
  infuse_model *m;
  refused(infuse_model_load(runtime[1], tiny[0], &o, &m), INFUSE_USAGE, "cache_tokens is 999");
  o.cache_tokens = 1L << 31;
  refused(infuse_model_load(runtime[1], tiny[0], &o, &m), INFUSE_USAGE,
          "cache_tokens is 2147483648; it must lie between 1000 and 2147483584");
  const struct {
    int64_t cache_tokens, snapshots, full, sliding;
  } cases[] = {{0, 0, 64, 12}, {0, 2, 64, 16}, {1000, 0, 16, 12}, {2560, 0, 40, 12}, {6400, 1, 100, 20}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    o.cache_tokens = cases[i].cache_tokens;
    o.snapshots = cases[i].snapshots;
    ok(infuse_model_load(runtime[1], tiny[0], &o, &m));
    assert_int_equal(m->kv[NF_CACHE_FULL].n, cases[i].full);
    assert_int_equal(m->kv[NF_CACHE_SLIDING].n, cases[i].sliding);
    infuse_model_destroy(m);
  }
  o = (infuse_model_options){.size = sizeof o, .sessions = 2, .snapshots = -1};
  refused(infuse_model_load(runtime[1], tiny[2], &o, &m), INFUSE_USAGE, "snapshots is -1");
  o.snapshots = 3;
  ok(infuse_model_load(runtime[1], tiny[2], &o, &m));
  assert_int_equal(m->kv[NF_CACHE_RECURRENT].n, 5);
  infuse_model_destroy(m);
}

// ---- anything ----

enum { SESSIONS = 4, BEGINNINGS = 3 };

typedef struct player { // a session and what it should hold
  infuse_session *s;
  int32_t token[MANY];
  int64_t n;
} player;

static void extend(player *p, int64_t n) {
  n = nf_min(n, MANY - p->n);
  const int32_t by = rand() % BEGINNINGS;
  for (int64_t i = 0; i < n; i++) p->token[p->n + i] = (prompt[p->n + i] + by) % 256;
  ok(infuse_session_append(p->s, p->token + p->n, (size_t)n));
  p->n += n;
}

static void play(infuse_model *m, player *p, infuse_session **all) {
  player *one = &p[rand() % SESSIONS], *two = &p[rand() % SESSIONS];
  const int what = rand() % 12;
  if (one->s == NULL) {
    one->n = 0;
    one->s = session(m, rand() % 8 == 0, 1);
  } else if (what < 4) {
    extend(one, 1 + rand() % (what == 0 ? 100 : 5));
  } else if (what == 4) {
    const int64_t n = rand() % (one->n + 1);
    ok(infuse_session_truncate(one->s, (size_t)n));
    one->n = n;
  } else if (what == 5) {
    ok(infuse_session_suspend(one->s));
  } else if (what == 6 && two->s == NULL) {
    ok(infuse_session_clone(one->s, &two->s));
    memcpy(two->token, one->token, sizeof one->token);
    two->n = one->n;
  } else if (what == 7 && rand() % 4 == 0) {
    infuse_session_destroy(one->s);
    one->s = NULL;
  } else {
    infuse_session *s[SESSIONS];
    size_t n = 0;
    for (int i = 0; i < SESSIONS; i++)
      if (p[i].s != NULL && rand() % 4 != 0) s[n++] = p[i].s;
    infuse_error *e = infuse_step(m, s, n);
    if (e != NULL) refused(e, INFUSE_UNAVAILABLE, "no session of the step can go on");
  }
  for (int i = 0; i < SESSIONS; i++) all[i] = p[i].s;
  check(m, all, SESSIONS);
}

// The rest of what is queued, and one token more, are computed with the others suspended.
static void end(infuse_model *roomy, player *p) {
  float row[VOCAB], want[VOCAB];
  for (int i = 0; i < SESSIONS; i++)
    if (p[i].s != NULL) ok(infuse_session_suspend(p[i].s));
  for (int i = 0; i < SESSIONS; i++) {
    if (p[i].s == NULL) continue;
    if (p[i].n == MANY) ok(infuse_session_truncate(p[i].s, (size_t)--p[i].n));
    extend(&p[i], 1);
    finish(p[i].s, row);
    alone(roomy, p[i].token, (size_t)p[i].n, want);
    assert_memory_equal(row, want, sizeof row);
    infuse_session_destroy(p[i].s);
  }
}

static void test_anything(void **) {
  for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++)
    for (int round = 0; round < 3; round++) {
      srand(1000 * (unsigned)i + (unsigned)round);
      kind k = open_kind(1, i,
                         (infuse_model_options){.sessions = SESSIONS,
                                                .cache_tokens = (int64_t[]){MANY, MANY + 128, 0}[round],
                                                .snapshots = round}),
           roomy = open_kind(1, i, (infuse_model_options){0});
      player p[SESSIONS] = {0};
      infuse_session *all[SESSIONS];
      for (int n = 0; n < (NF_SANITIZED ? 50 : 200); n++) play(k.m, p, all);
      end(roomy.m, p);
      close_kind(k);
      close_kind(roomy);
    }
}

// ---- telling of pages ----

typedef struct told {
  uint64_t page[64], before[64];
  size_t n, stored, gone;
  int32_t last; // of the tokens of the last page
} told;

static void note_page(void *user, const infuse_page_event *e) {
  told *t = user;
  t->stored += e->tokens != NULL;
  t->gone += e->tokens == NULL;
  if (e->tokens == NULL) return;
  assert_int_equal(e->n, NF_PAGE);
  t->page[t->n % 64] = e->page, t->before[t->n++ % 64] = e->before;
  t->last = e->tokens[NF_PAGE - 1];
}

// Each page that can be found is told once, behind the one in front of it; and so is its end.
static void tells_of_pages(kind k) {
  told t = {0};
  int32_t other[MANY];
  float row[VOCAB];
  if (k.reference) return;
  infuse_model_on_pages(k.m, note_page, &t);
  for (int i = 0; i < 2; i++) { // the second finds all that the first has left
    infuse_session *s = holding(k.m, false, prompt, 2 * NF_PAGE + 1);
    finish(s, row);
    infuse_session_destroy(s);
  }
  assert_true(t.stored == 2 && t.gone == 0);
  assert_true(t.before[0] == 0 && t.page[0] != 0 && t.before[1] == t.page[0] && t.page[1] != t.page[0]);
  assert_int_equal(t.last, prompt[2 * NF_PAGE - 1]);
  for (int i = 1; i < 40 && t.gone == 0; i++) {
    vary(other, i, 0);
    infuse_session *s = holding(k.m, false, other, 2 * NF_PAGE + 1);
    finish(s, row);
    infuse_session_destroy(s);
  }
  assert_true(t.gone > 0 && t.gone < t.stored);
  infuse_model_on_pages(k.m, NULL, NULL);
}
static void test_tells_of_pages(void **) {
  everywhere(tells_of_pages, (infuse_model_options){.sessions = 1, .snapshots = 2});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_begins_behind_what_others_have_left),
      cmocka_unit_test(test_finds_what_came_meanwhile),
      cmocka_unit_test(test_rows_that_are_wanted_are_computed),
      cmocka_unit_test(test_forks_share_pages),
      cmocka_unit_test(test_cuts_to_any_length),
      cmocka_unit_test(test_cuts_with_little_left),
      cmocka_unit_test(test_windows_of_prompts_are_kept),
      cmocka_unit_test(test_states_of_prompts_are_kept),
      cmocka_unit_test(test_states_are_kept_where_texts_part),
      cmocka_unit_test(test_suspended_sessions_go_on),
      cmocka_unit_test(test_rows_are_told_once),
      cmocka_unit_test(test_waits_for_pages),
      cmocka_unit_test(test_the_size_of_caches),
      cmocka_unit_test(test_tells_of_pages),
      cmocka_unit_test(test_anything),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
