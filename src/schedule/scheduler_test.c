// SPDX-License-Identifier: Apache-2.0
// Requests of many threads: each has the text that it has alone, hears of its end once, and leaves nothing
// behind; queues are bounded, what waits too long is told so, and all can be cancelled at any point.
#include "base/clock.h"
#include "base/memory.h"
#include "base/sanitized.h"
#include "schedule/schedule.h"
#include "tests/support/expect.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

enum { PROMPT = 150, TOKENS = 24, LONG = 150, ANSWERS = 3, CLIENTS = 3 };

static uint64_t seed;
static uint64_t mix(uint64_t z) {
  z = (z + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
  return z ^ z >> 29;
}

// ---- a request and what it hears ----

typedef struct talk {
  nf_scheduler *s;
  nf_request r;
  uint64_t id;
  infuse_session_options options;
  infuse_sampling sampling;
  int32_t prompt[PROMPT];
  int32_t token[ANSWERS][LONG]; // [n] that were drawn
  size_t n[ANSWERS];
  char text[1024]; // of answer 0
  size_t n_text;
  bool begun, done, ended[ANSWERS];
  nf_reason reason;
  infuse_code code;
  nf_usage usage;
  bool cancels_itself;          // at its first output
  float logprob[PROMPT + LONG]; // [n_logprobs] of answer 0, of all its tokens but the prompt's first
  size_t n_logprobs;
} talk;

static void add_logprobs(talk *t, const nf_event *e) {
  const infuse_logprobs *l = &e->logprobs;
  if (!t->options.logprobs || e->answer != 0) return;
  assert_true(l->width == 1 + (size_t)t->options.top_logprobs && l->n != 0);
  for (size_t i = 0; e->kind == NF_EVENT_OUTPUT && i < l->n; i++)
    assert_int_equal(l->data[i * l->width].token, e->output->drawn[i]);
  if (e->kind == NF_EVENT_OUTPUT) assert_int_equal(l->n, e->output->n_drawn);
  if (t->r.scores_prompt) assert_int_equal(l->first, 1 + t->n_logprobs);
  for (size_t i = 0; i < l->n; i++) t->logprob[t->n_logprobs++] = l->data[i * l->width].logprob;
}

static void add_output(talk *t, const nf_event *e) {
  assert_true(t->begun && !t->ended[e->answer] && e->output->token >= 0);
  for (size_t i = 0; i < e->output->n_drawn; i++)
    t->token[e->answer][t->n[e->answer]++] = e->output->drawn[i];
  assert_int_equal(t->token[e->answer][t->n[e->answer] - 1], e->output->token);
  assert_int_equal(e->output->tokens, t->n[e->answer]);
  if (e->answer == 0 && t->n_text + e->output->n < sizeof t->text) {
    memcpy(t->text + t->n_text, e->output->text, e->output->n);
    t->n_text += e->output->n;
  }
  if (t->cancels_itself) nf_scheduler_cancel(t->s, e->id);
}

static void hear(void *user, const nf_event *e) {
  talk *t = user;
  assert_false(t->done);
  t->usage = *e->usage;
  if (e->kind == NF_EVENT_BEGUN) {
    assert_false(t->begun);
    t->begun = true;
  }
  if (e->kind == NF_EVENT_PROMPT) assert_true(t->begun && t->n[0] == 0 && e->answer == 0);
  if (e->kind == NF_EVENT_OUTPUT) add_output(t, e);
  if (e->kind == NF_EVENT_OUTPUT || e->kind == NF_EVENT_PROMPT) add_logprobs(t, e);
  if (e->kind == NF_EVENT_ENDED) {
    assert_false(t->ended[e->answer]);
    t->ended[e->answer] = true;
  }
  if (e->kind != NF_EVENT_DONE) return;
  for (size_t i = 0; i < (t->r.answers != 0 ? t->r.answers : 1); i++) assert_true(t->ended[i]);
  t->reason = e->reason;
  t->code = infuse_error_code(e->error);
  t->done = true;
}

// Prompt, lengths and sampling follow from `i`. Every third begins as others do.
static void make(talk *t, uint64_t i, int32_t vocab, bool draws) {
  const uint64_t z = mix(seed + i);
  memset(t, 0, sizeof *t);
  t->sampling = (infuse_sampling){.size = sizeof t->sampling, .temperature = z % 3 ? 1 : 0, .seed = z};
  t->options = (infuse_session_options){.size = sizeof t->options,
                                        .generate = draws,
                                        .sampling = &t->sampling,
                                        .max_tokens = 1 + (int64_t)(z >> 8) % TOKENS,
                                        .ignore_eos = true};
  if (t->options.max_tokens < 1) t->options.max_tokens = 1;
  t->options.logprobs = (z >> 40) % 3 == 0;
  t->options.top_logprobs = (int32_t)(z >> 44) & 3;
  t->r = (nf_request){.tokens = t->prompt,
                      .n_tokens = 1 + (z >> 16) % (i % 2 ? 9 : PROMPT),
                      .options = &t->options,
                      .scores_prompt = draws && t->options.logprobs && (z >> 48) % 3 != 0,
                      .heard = hear,
                      .user = t};
  for (size_t k = 0; k < t->r.n_tokens; k++)
    t->prompt[k] = (int32_t)(mix((i % 3 == 0 ? 7 : z) + k) % (uint64_t)vocab);
}

static void submit(nf_scheduler *s, talk *t) {
  t->s = s;
  ok(nf_scheduler_submit(s, &t->r, &t->id).error);
}

static void wait_all(nf_scheduler *s) { assert_true(nf_scheduler_wait(s, 300)); }

// ---- a model ----

typedef struct engine {
  infuse_runtime *rt;
  infuse_model *m;
  nf_scheduler *s;
  int32_t vocab;
} engine;

static engine load(const char *device, const char *dir, infuse_model_options mo) {
  const infuse_runtime_options ro = {.size = sizeof ro, .device = device, .threads = 2};
  infuse_model_info info = {.size = sizeof info};
  engine e = {0};
  mo.size = sizeof mo;
  ok(infuse_runtime_create(&ro, &e.rt));
  ok(infuse_model_load(e.rt, dir, &mo, &e.m));
  infuse_model_describe(e.m, &info);
  assert_true(info.sessions == mo.sessions && info.batch == (mo.batch != 0 ? mo.batch : 64) &&
              info.rows != 0);
  e.vocab = (int32_t)info.vocab;
  return e;
}

static void start(engine *e, size_t queue) {
  ok(nf_scheduler_create(e->rt, e->m, (nf_scheduler_options){.queue = queue}, &e->s).error);
}

// Nothing is in use when nobody is there.
static void stop(engine *e) {
  infuse_caches c = {.size = sizeof c};
  nf_counters n;
  nf_scheduler_read(e->s, &n);
  assert_true(n.waiting == 0);
  nf_scheduler_destroy(e->s);
  infuse_model_caches(e->m, &c);
  assert_true(c.page_tokens == 64 && c.pages > 0);
  assert_true(c.pages_in_use == 0 && c.sliding_in_use == 0 && c.states_in_use == 0);
  infuse_model_destroy(e->m);
  infuse_runtime_destroy(e->rt);
}

// The logarithm of a token's probability, by the book.
static double log_softmax(const float *logits, size_t n, int32_t token) {
  double max = -INFINITY, sum = 0;
  for (size_t i = 0; i < n; i++) max = fmax(max, (double)logits[i]);
  for (size_t i = 0; i < n; i++) sum += exp((double)logits[i] - max);
  return (double)logits[token] - max - log(sum);
}

// Of the last step, what t was told of them.
static void logprobs_are_as_alone(const talk *t, const infuse_session *s) {
  const infuse_rows rows = infuse_session_logits(s);
  const size_t skipped = t->r.scores_prompt ? 1 : t->r.n_tokens;
  size_t n;
  const int32_t *all = infuse_session_tokens(s, &n);
  for (size_t i = 0; i < rows.rows; i++) {
    const size_t at = rows.first + i + 1;
    if (at < n && at >= skipped)
      assert_float_equal(t->logprob[at - skipped],
                         log_softmax(rows.data + i * rows.width, rows.width, all[at]), 1e-4);
  }
}

// What answer `index` of t draws with the model to itself.
static void is_as_alone(infuse_model *m, const talk *t, size_t index) {
  infuse_session *s;
  infuse_sampling sampling = t->sampling;
  infuse_session_options o = t->options;
  size_t n;
  sampling.seed += index;
  o.sampling = &sampling;
  o.unshared = true;
  o.rows = INFUSE_ALL_ROWS, o.logprobs = false, o.guesses = 0;
  ok(infuse_session_create(m, &o, &s));
  ok(infuse_session_append(s, t->prompt, t->r.n_tokens));
  while (infuse_session_output(s).finish == INFUSE_RUNNING) {
    ok(infuse_step(m, &s, 1));
    if (index == 0 && t->options.logprobs) logprobs_are_as_alone(t, s);
  }
  const int32_t *all = infuse_session_tokens(s, &n);
  if (index == 0 && t->options.logprobs)
    assert_int_equal(t->n_logprobs, n - (t->r.scores_prompt ? 1 : t->r.n_tokens));
  assert_int_equal(n - t->r.n_tokens, t->n[index]);
  assert_memory_equal(all + t->r.n_tokens, t->token[index], t->n[index] * sizeof *all);
  infuse_session_destroy(s);
}

// ---- texts ----

typedef struct client {
  pthread_t thread;
  nf_scheduler *s;
  talk *talk; // [n]
  size_t n;
} client;

static void *give(void *arg) {
  client *c = arg;
  for (size_t i = 0; i < c->n; i++) submit(c->s, &c->talk[i]);
  return NULL;
}

static void give_all(nf_scheduler *s, talk *t, size_t n) { // by several threads
  client c[CLIENTS];
  for (size_t i = 0; i < CLIENTS; i++) {
    c[i] = (client){.s = s, .talk = t + i * n / CLIENTS, .n = (i + 1) * n / CLIENTS - i * n / CLIENTS};
    assert_int_equal(pthread_create(&c[i].thread, NULL, give, &c[i]), 0);
  }
  for (size_t i = 0; i < CLIENTS; i++) pthread_join(c[i].thread, NULL);
}

static void asked_is_measured(const nf_counters *c, const talk *t, size_t n) { // by all of them
  double answers = 0, longest = 0;
  for (size_t i = 0; i < n; i++) {
    answers += t[i].r.answers != 0 ? (double)t[i].r.answers : 1;
    longest += (double)t[i].options.max_tokens;
  }
  assert_true(c->measure[NF_ANSWERS].count == n && c->measure[NF_ANSWERS].sum == answers);
  assert_true(c->measure[NF_TOKENS_LONGEST].count == n && c->measure[NF_TOKENS_LONGEST].sum == longest);
  assert_true(c->measure[NF_TOKENS_ASKED].count == n && c->measure[NF_TOKENS_ASKED].sum == longest);
}

static void test_texts_are_as_alone(void **) {
  enum { N = NF_SANITIZED ? 12 : 36 };
  static const struct {
    const char *dir;
    int64_t cache_tokens;
  } models[] = {{"checkpoints/qwen3-tiny", 0},
                {"checkpoints/qwen3-tiny", 384},
                {"checkpoints/gpt-oss-tiny", 384},
                {"checkpoints/qwen3-next-tiny", 384}};
  static talk t[N];
  uint64_t preemptions = 0;
  for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
    engine e = load("cpu", models[k].dir,
                    (infuse_model_options){.context = 192,
                                           .sessions = 7,
                                           .batch = 24,
                                           .cache_tokens = models[k].cache_tokens,
                                           .guesses = 3});
    nf_counters c;
    size_t prompts = 0, drawn = 0, cached = 0;
    start(&e, 0);
    for (size_t i = 0; i < N; i++) {
      make(&t[i], k * N + i, e.vocab, true);
      if (i % 7 == 3) t[i].r.answers = ANSWERS;
      t[i].options.guesses = (int32_t)(i % 4);
      if (i < 5) { // more pages than anybody knew of
        t[i].options.max_tokens = LONG;
        if (t[i].r.n_tokens > 40) t[i].r.n_tokens = 40;
      }
    }
    give_all(e.s, t, N);
    wait_all(e.s);
    nf_scheduler_read(e.s, &c);
    preemptions += c.preemptions;
    assert_true(c.right_tokens <= c.guessed_tokens && c.guesses <= c.guessed_tokens);
    nf_scheduler_destroy(e.s);
    for (size_t i = 0; i < N; i++) {
      const size_t answers = t[i].r.answers != 0 ? t[i].r.answers : 1;
      assert_true(t[i].done && t[i].reason == NF_REASON_LENGTH &&
                  t[i].usage.tokens.prompt == t[i].r.n_tokens);
      assert_int_equal(t[i].usage.tokens.drawn, answers * (size_t)t[i].options.max_tokens);
      assert_true(t[i].usage.queue > 0 && t[i].usage.queue < t[i].usage.first_token &&
                  t[i].usage.first_token <= t[i].usage.whole);
      prompts += t[i].r.n_tokens, drawn += t[i].usage.tokens.drawn, cached += t[i].usage.tokens.cached;
      for (size_t a = 0; a < answers; a++) is_as_alone(e.m, &t[i], a);
    }
    assert_true(c.prompt_tokens == prompts && c.generation_tokens == drawn &&
                c.cached_prompt_tokens == cached);
    assert_true(c.measure[NF_TIME_FIRST_TOKEN].count == N && c.measure[NF_TIME_WHOLE].count == N);
    asked_is_measured(&c, t, N);
    assert_true(c.waiting == 0 && c.ended[NF_REASON_LENGTH] >= N && c.steps > 0);
    start(&e, 0);
    stop(&e);
  }
  assert_true(preemptions > 0);
}

static void gaps_are_of_answers(const nf_counters *c, uint64_t count) {
  assert_int_equal(c->measure[NF_TIME_GAP].count, count);
  assert_true(c->measure[NF_TIME_GAP].sum <= c->measure[NF_TIME_DECODE].sum + 1e-6);
}

// The rest of what another drew, which repeats itself: with its first 65 tokens as a prompt, of which a page
// is in the caches, the first step guesses too. Between the tokens of that one there is no time.
static void go_on(talk *t, const talk *other) {
  memcpy(t->prompt + 24, other->token[0], 41 * sizeof *t->prompt);
  t->r.n_tokens = 65, t->options.max_tokens = 59;
  t->r.options = &t->options, t->r.user = t, t->r.tokens = t->prompt;
  t->options.sampling = &t->sampling;
}

static void test_guesses_are_counted(void **) {
  engine e = load("cpu", "checkpoints/qwen3-tiny",
                  (infuse_model_options){.context = 192, .sessions = 1, .batch = 32, .rows = 8});
  static talk t, again;
  nf_counters c;
  make(&t, 1, e.vocab, true);
  t.sampling.temperature = 0;
  t.options.logprobs = t.r.scores_prompt = false;
  t.options.guesses = 3, t.options.max_tokens = 100;
  t.r.n_tokens = 24;
  for (size_t i = 0; i < t.r.n_tokens; i++) t.prompt[i] = (int32_t)(i % 3) + 1;
  again = t;
  start(&e, 0);
  submit(e.s, &t);
  wait_all(e.s);
  nf_scheduler_read(e.s, &c);
  assert_true(c.right_tokens > 0 && c.right_tokens <= c.guessed_tokens && c.guesses <= c.guessed_tokens);
  assert_int_equal(c.right_at[0] + c.right_at[1] + c.right_at[2], c.right_tokens);
  assert_true(c.right_at[0] >= c.right_at[1] && c.right_at[1] >= c.right_at[2] && c.right_at[3] == 0);
  assert_int_equal(c.generation_tokens, 100);
  assert_int_equal(t.usage.tokens.drawn, 100);
  assert_true(c.steps < 100);
  gaps_are_of_answers(&c, 99);
  go_on(&again, &t);
  submit(e.s, &again);
  wait_all(e.s);
  assert_int_equal(again.usage.tokens.cached, 64);
  assert_memory_equal(again.token[0], t.token[0] + 41, 59 * sizeof t.token[0][0]);
  nf_scheduler_read(e.s, &c);
  gaps_are_of_answers(&c, 99 + 58);
  nf_scheduler_destroy(e.s);
  is_as_alone(e.m, &t, 0);
  start(&e, 0);
  stop(&e);
}

// The prompt of several answers is computed once but for its last page.
static void test_answers_share_their_prompt(void **) {
  engine e = load("cpu", "checkpoints/qwen3-tiny",
                  (infuse_model_options){.context = 192, .sessions = 4, .batch = 64});
  static talk t[2];
  start(&e, 0);
  make(&t[0], 1, e.vocab, true);
  for (size_t k = 0; k < PROMPT; k++) t[0].prompt[k] = (int32_t)(k * 5 % 250);
  t[0].r.n_tokens = PROMPT, t[0].r.answers = ANSWERS, t[0].r.scores_prompt = false;
  submit(e.s, &t[0]);
  wait_all(e.s);
  assert_int_equal(t[0].usage.tokens.cached, 0);
  t[1] = t[0]; // and once more: the other's pages
  t[1].begun = t[1].done = false;
  memset(t[1].ended, 0, sizeof t[1].ended);
  memset(t[1].n, 0, sizeof t[1].n);
  t[1].n_logprobs = 0;
  t[1].r.options = &t[1].options, t[1].r.user = &t[1], t[1].r.tokens = t[1].prompt;
  submit(e.s, &t[1]);
  wait_all(e.s);
  assert_int_equal(t[1].usage.tokens.cached, 128);
  assert_memory_equal(t[0].token, t[1].token, sizeof t[0].token);
  stop(&e);
}

static void test_conversations(void **) {
  engine e = load("cpu", "models/infuse-oss", (infuse_model_options){.context = 256, .sessions = 2});
  const infuse_message question = {.role = "user", .content = "Once upon a time"}, odd = {.role = "nobody"};
  static talk t[2];
  char alone[1024] = "";
  infuse_session *s;
  for (int i = 0; i < 2; i++) {
    make(&t[i], 5, e.vocab, true);
    t[i].options.date = "";
    t[i].r.tokens = NULL, t[i].r.n_tokens = 0;
    t[i].r.messages = i == 0 ? &question : &odd, t[i].r.n_messages = 1;
  }
  ok(infuse_session_create(e.m, &t[0].options, &s));
  ok(infuse_session_chat(s, &question, 1));
  for (size_t n = 0; infuse_session_output(s).finish == INFUSE_RUNNING;) {
    ok(infuse_step(e.m, &s, 1));
    memcpy(alone + n, infuse_session_output(s).text, infuse_session_output(s).n);
    n += infuse_session_output(s).n;
  }
  infuse_session_destroy(s);
  start(&e, 0);
  for (int i = 0; i < 2; i++) submit(e.s, &t[i]);
  wait_all(e.s);
  assert_true(t[0].done && t[0].reason != NF_REASON_FAILED && t[0].usage.tokens.prompt > 4);
  assert_string_equal(t[0].text, alone);
  assert_true(t[1].reason == NF_REASON_FAILED && t[1].code == INFUSE_USAGE && !t[1].begun);
  stop(&e);
}

// ---- ends ----

// A device that computes nothing: requests without answers.
static engine null_engine(int64_t sessions, int64_t cache_tokens) {
  return load("null", "checkpoints/qwen3-next-tiny",
              (infuse_model_options){
                  .context = 192, .sessions = sessions, .batch = 32, .cache_tokens = cache_tokens});
}

static void test_what_is_wrong_with_one_is_its_own(void **) {
  engine e = load("cpu", "checkpoints/qwen3-tiny", (infuse_model_options){.context = 64, .sessions = 2});
  static talk t[4];
  start(&e, 0);
  for (size_t i = 0; i < 4; i++) {
    make(&t[i], 2 * i + 1, e.vocab, true);
    t[i].options.max_tokens = 3;
  }
  t[0].prompt[0] = e.vocab;
  t[1].r.n_tokens = PROMPT;
  t[2].sampling.temperature = -1;
  t[2].r.answers = 2;
  for (size_t i = 0; i < 4; i++) submit(e.s, &t[i]);
  wait_all(e.s);
  assert_true(t[0].code == INFUSE_BAD_INPUT && t[1].code == INFUSE_UNAVAILABLE && t[2].code == INFUSE_USAGE);
  for (size_t i = 0; i < 3; i++) assert_true(t[i].reason == NF_REASON_FAILED && !t[i].begun);
  assert_true(t[3].reason == NF_REASON_LENGTH && t[3].n[0] == 3);
  nf_request r = t[3].r;
  r.n_tokens = 0;
  refused(nf_scheduler_submit(e.s, &r, &t[3].id).error, INFUSE_USAGE, "and has none");
  r.n_tokens = 1, r.heard = NULL;
  refused(nf_scheduler_submit(e.s, &r, &t[3].id).error, INFUSE_USAGE, "nobody who hears");
  stop(&e);
}

// The thread is held in a callback, so that what waits is known.
typedef struct hold {
  pthread_mutex_t lock;
  bool held;
} hold;

static void hold_on(void *user, const nf_event *e) {
  hold *h = user;
  if (e->kind != NF_EVENT_BEGUN) return;
  __atomic_store_n(&h->held, true, __ATOMIC_SEQ_CST);
  pthread_mutex_lock(&h->lock);
  pthread_mutex_unlock(&h->lock);
}

static void test_a_full_queue_and_patience(void **) {
  enum { QUEUE = 3 };
  engine e = null_engine(1, 0);
  static talk t[QUEUE + 2];
  hold h = {.lock = PTHREAD_MUTEX_INITIALIZER};
  uint64_t id;
  nf_counters c;
  start(&e, QUEUE);
  for (size_t i = 0; i < QUEUE + 2; i++) make(&t[i], i, e.vocab, false);
  t[0].r.heard = hold_on, t[0].r.user = &h;
  pthread_mutex_lock(&h.lock);
  submit(e.s, &t[0]);
  while (!__atomic_load_n(&h.held, __ATOMIC_SEQ_CST)) nf_scheduler_wait(e.s, 1e-4);
  t[2].r.patience = 1e-3;
  for (size_t i = 1; i <= QUEUE; i++) submit(e.s, &t[i]);
  refused(nf_scheduler_submit(e.s, &t[QUEUE + 1].r, &id).error, INFUSE_UNAVAILABLE, "the queue is full: 3");
  nf_scheduler_cancel(e.s, t[3].id);
  nf_scheduler_cancel(e.s, t[3].id);
  nf_scheduler_cancel(e.s, 0);
  nf_scheduler_cancel(e.s, t[3].id + 1000000);
  assert_false(nf_scheduler_wait(e.s, 5e-3));
  nf_scheduler_read(e.s, &c);
  assert_true(c.waiting == QUEUE + 1 &&
              c.refused == 1); // the first one is told that it begins, and does not run yet
  pthread_mutex_unlock(&h.lock);
  wait_all(e.s);
  assert_true(t[1].reason == NF_REASON_STOP && t[1].begun);
  assert_true(t[2].reason == NF_REASON_EXPIRED && !t[2].begun && t[3].reason == NF_REASON_CANCELLED);
  nf_scheduler_read(e.s, &c);
  assert_true(c.cancelled == 1 && c.ended[NF_REASON_EXPIRED] == 1 && c.ended[NF_REASON_CANCELLED] == 1);
  nf_scheduler_close(e.s);
  refused(nf_scheduler_submit(e.s, &t[4].r, &id).error, INFUSE_UNAVAILABLE, "no more requests");
  stop(&e);
}

// What computes is cancelled with its step, and what waits; others have the text that they have alone.
static void test_cancelling(void **) {
  enum { N = 12 };
  engine e = load("cpu", "checkpoints/qwen3-tiny", (infuse_model_options){.context = 192, .sessions = 4});
  static talk t[N];
  start(&e, 0);
  for (size_t i = 0; i < N; i++) {
    make(&t[i], i, e.vocab, true);
    t[i].options.max_tokens = TOKENS;
    t[i].cancels_itself = i % 4 == 1;
    if (i % 4 == 1) t[i].r.answers = ANSWERS;
  }
  for (size_t i = 0; i < N; i++) submit(e.s, &t[i]);
  nf_scheduler_cancel(e.s, t[N - 2].id);
  wait_all(e.s);
  nf_scheduler_destroy(e.s);
  for (size_t i = 0; i < N; i++) {
    const bool cancelled = i % 4 == 1 || i == N - 2;
    assert_int_equal(t[i].reason, cancelled ? NF_REASON_CANCELLED : NF_REASON_LENGTH);
    if (i % 4 == 1) assert_true(t[i].n[0] >= 1 && t[i].n[0] < TOKENS);
    if (!cancelled) is_as_alone(e.m, &t[i], 0);
  }
  start(&e, 0);
  stop(&e);
}

static void test_destroying_cancels_what_is_left(void **) {
  engine e = load("cpu", "checkpoints/qwen3-tiny", (infuse_model_options){.context = 192, .sessions = 2});
  static talk t[8];
  for (int round = 0; round < 5; round++) {
    start(&e, 0);
    for (size_t i = 0; i < 8; i++) {
      make(&t[i], i, e.vocab, true);
      submit(e.s, &t[i]);
    }
    nf_scheduler_wait(e.s, 1e-3 * round);
    nf_scheduler_destroy(e.s);
    for (size_t i = 0; i < 8; i++) assert_true(t[i].done);
  }
  start(&e, 0);
  stop(&e);
}

// Closed, it takes no more and finishes what is there.
static void test_closing_finishes_what_is_there(void **) {
  engine e = load("cpu", "checkpoints/qwen3-tiny", (infuse_model_options){.context = 192, .sessions = 2});
  static talk t[6];
  uint64_t id;
  start(&e, 0);
  for (size_t i = 0; i < 6; i++) {
    make(&t[i], i, e.vocab, true);
    submit(e.s, &t[i]);
  }
  nf_scheduler_close(e.s);
  refused(nf_scheduler_submit(e.s, &t[0].r, &id).error, INFUSE_UNAVAILABLE, "no more requests");
  wait_all(e.s);
  for (size_t i = 0; i < 6; i++) assert_int_equal(t[i].reason, NF_REASON_LENGTH);
  stop(&e);
}

// ---- very many ----

typedef struct crowd {
  nf_scheduler *s;
  talk *t; // [n]
  size_t n, ended[NF_REASONS], left;
} crowd;

static void count(void *user, const nf_event *e) {
  crowd *c = user;
  if (e->kind != NF_EVENT_DONE) return;
  c->ended[e->reason]++;
  c->left--;
}

// A part of them is cancelled at once, a part by another thread while others compute.
static void *cancel_some(void *arg) {
  const crowd *c = arg;
  for (size_t i = 0; i < c->n; i++)
    if (i % 5 == 0) nf_scheduler_cancel(c->s, __atomic_load_n(&c->t[i].id, __ATOMIC_SEQ_CST));
  return NULL;
}

static void run_crowd(nf_scheduler *s, talk *t, size_t n, int32_t vocab, uint64_t from, bool draws) {
  crowd c = {.s = s, .t = t, .n = n, .left = n};
  pthread_t other;
  for (size_t i = 0; i < n; i++) {
    make(&t[i], from + i, vocab, draws);
    if (i % 14 == 1) t[i].options.max_tokens = LONG;
    if (mix(from + i) % 11 == 0) t[i].r.answers = 1 + mix(i) % 4;
    if (mix(from + i) % 13 == 0) t[i].r.patience = 1e-4;
    t[i].r.heard = count, t[i].r.user = &c;
  }
  assert_int_equal(pthread_create(&other, NULL, cancel_some, &c), 0);
  for (size_t i = 0; i < n; i++) {
    uint64_t id;
    ok(nf_scheduler_submit(s, &t[i].r, &id).error);
    __atomic_store_n(&t[i].id, id, __ATOMIC_SEQ_CST);
    if (i % 17 == 0) nf_scheduler_cancel(s, id);
  }
  pthread_join(other, NULL);
  wait_all(s);
  assert_int_equal(c.left, 0);
  assert_true(c.ended[draws ? NF_REASON_LENGTH : NF_REASON_STOP] != 0 && c.ended[NF_REASON_FAILED] == 0);
}

static void test_ten_thousand_leave_nothing(void **) {
  enum { N = 500, ROUNDS = NF_SANITIZED ? 4 : 20 };
  engine e = null_engine(8, 512);
  talk *t = nf_alloc(N, sizeof *t);
  nf_counters c;
  assert_non_null(t);
  start(&e, N);
  run_crowd(e.s, t, N, e.vocab, 0, false);
  const uint64_t before = nf_peak_rss();
  for (uint64_t k = 1; k < ROUNDS; k++) run_crowd(e.s, t, N, e.vocab, k * N, false);
  if (!NF_SANITIZED) assert_true(nf_peak_rss() <= before + before / 50);
  nf_scheduler_read(e.s, &c);
  assert_true(c.waiting == 0 && c.measure[NF_TIME_QUEUE].count != 0);
  uint64_t ended = 0;
  for (int i = 0; i < NF_REASONS; i++) ended += c.ended[i];
  assert_true(ended >= N * ROUNDS && c.ended[NF_REASON_CANCELLED] != 0);
  nf_free(t);
  stop(&e);
}

// The same with answers and too few pages.
static void test_a_crowd_that_draws(void **) {
  enum { N = NF_SANITIZED ? 60 : 400 };
  static talk t[N];
  for (int i = 0; i < 2; i++) {
    engine e = load("cpu", i == 0 ? "checkpoints/qwen3-tiny" : "checkpoints/qwen3-next-tiny",
                    (infuse_model_options){.context = 192, .sessions = 8, .batch = 32, .cache_tokens = 512});
    nf_counters c;
    start(&e, N);
    run_crowd(e.s, t, N, e.vocab, 0, true);
    nf_scheduler_read(e.s, &c);
    assert_true(c.generation_tokens != 0 && c.running <= 8 && c.pages == 8);
    stop(&e);
  }
}

int main(int argc, char **argv) {
  if (argc > 1)
    sscanf(argv[1], "%lu", &seed);
  else
    (void)!getrandom(&seed, sizeof seed, 0);
  printf("seed %lu\n", seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts_are_as_alone),
                                     cmocka_unit_test(test_guesses_are_counted),
                                     cmocka_unit_test(test_answers_share_their_prompt),
                                     cmocka_unit_test(test_conversations),
                                     cmocka_unit_test(test_what_is_wrong_with_one_is_its_own),
                                     cmocka_unit_test(test_a_full_queue_and_patience),
                                     cmocka_unit_test(test_cancelling),
                                     cmocka_unit_test(test_destroying_cancels_what_is_left),
                                     cmocka_unit_test(test_closing_finishes_what_is_there),
                                     cmocka_unit_test(test_ten_thousand_leave_nothing),
                                     cmocka_unit_test(test_a_crowd_that_draws)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
