// SPDX-License-Identifier: Apache-2.0
// infuse bench: made-up requests, run over concurrent sessions. Prompts are random ids, answers are greedy
// and as long as was asked, and nothing of a prompt is shared.
#include "base/clock.h"
#include "base/memory.h"
#include "cli/bench.h"
#include <stdio.h>

static int no_memory(void) { return fprintf(stderr, "infuse: no memory for the requests\n"), 4; }

// splitmix64: the same everywhere.
static uint64_t draw(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static int64_t draw_length(cli_bench *b, cli_lengths l) {
  return l.lo + (int64_t)(draw(&b->random) % (uint64_t)(l.hi - l.lo + 1));
}

int cli_flight_init(cli_bench *b, size_t n, cli_flight *out) {
  out->at = nf_alloc(n, sizeof *out->at);
  if (out->at == NULL) return no_memory();
  out->n = n;
  for (size_t i = 0; i < n; i++)
    out->at[i] = (cli_request){.in = draw_length(b, b->in), .out = draw_length(b, b->out)};
  return 0;
}

void cli_flight_deinit(cli_flight *f) {
  for (size_t i = 0; i < f->n; i++) infuse_session_destroy(f->at[i].s);
  nf_free(f->at);
  cli_series_deinit(&f->gaps);
  *f = (cli_flight){0};
}

// ---- running ----

typedef struct running {
  cli_bench *b;
  cli_flight *f;
  size_t begun, ended, answering; // requests so far; that have their first token
  size_t n;                       // at the moment
  cli_request **request;          // [n]
  infuse_session **session;       // [n] theirs
} running;

int cli_append_random(cli_bench *b, infuse_session *s, int64_t n) {
  int32_t *ids = nf_alloc((size_t)n, sizeof *ids);
  if (ids == NULL) return no_memory();
  for (int64_t i = 0; i < n; i++) ids[i] = (int32_t)(draw(&b->random) % (uint64_t)b->vocab);
  const int code = cli_fail(infuse_session_append(s, ids, (size_t)n));
  nf_free(ids);
  return code;
}

static int begin(running *run) {
  cli_request *r = &run->f->at[run->begun++];
  const infuse_sampling greedy = {.size = sizeof greedy};
  const infuse_session_options so = {.size = sizeof so,
                                     .generate = true,
                                     .sampling = &greedy,
                                     .max_tokens = r->out,
                                     .ignore_eos = true,
                                     .unshared = true};
  int code = cli_fail(infuse_session_create(run->b->m, &so, &r->s));
  if (code == 0) code = cli_append_random(run->b, r->s, r->in);
  r->start = nf_now();
  run->request[run->n] = r;
  run->session[run->n++] = r->s;
  return code;
}

static void end(running *run, size_t i) {
  cli_request *r = run->request[i];
  infuse_session_destroy(r->s);
  r->s = NULL;
  run->ended++;
  run->n--;
  run->request[i] = run->request[run->n];
  run->session[i] = run->session[run->n];
}

static void note_token(running *run, cli_request *r, double now) {
  cli_flight *f = run->f;
  r->tokens++;
  run->b->done++;
  f->tokens++;
  if (r->tokens > 1) return cli_series_add(&f->gaps, now - r->end);
  r->first = now;
  if (++run->answering == f->n) f->prefilled = now;
}

// What the step brought to session i, which may be its end.
static int hear(running *run, size_t i, double now) {
  cli_request *r = run->request[i];
  const int code = cli_fail(infuse_error_copy(infuse_session_error(r->s)));
  if (code != 0) return code;
  const infuse_output out = infuse_session_output(r->s);
  if (out.tokens > r->tokens) {
    note_token(run, r, now);
    r->end = now;
  }
  if (out.finish != INFUSE_RUNNING) end(run, i);
  return 0;
}

static int step(running *run) {
  int code = 0;
  while (code == 0 && run->begun < run->f->n && run->n < (size_t)run->b->sessions) code = begin(run);
  if (code == 0) code = cli_fail(infuse_step(run->b->m, run->session, run->n));
  const bool decoding = run->answering == run->f->n;
  const double now = run->f->end = nf_now();
  run->f->steps += decoding;
  for (size_t i = run->n; i-- > 0 && code == 0;) code = hear(run, i, now);
  if (!decoding) run->f->tokens = 0;
  cli_bar_show(&run->b->bar, run->b->o, run->b->o->argument, run->b->done, run->b->total);
  return code;
}

int cli_flight_run(cli_bench *b, cli_flight *f) {
  running run = {.b = b, .f = f};
  run.request = nf_alloc((size_t)b->sessions, sizeof(cli_request *));
  run.session = nf_alloc((size_t)b->sessions, sizeof(infuse_session *));
  int code = run.request != NULL && run.session != NULL ? 0 : no_memory();
  f->start = nf_now();
  while (code == 0 && run.ended < f->n && cli_interrupted == 0) code = step(&run);
  if (code == 0 && f->gaps.failed) code = no_memory();
  nf_free(run.request);
  nf_free(run.session);
  return code == 0 && cli_interrupted ? 130 : code;
}
