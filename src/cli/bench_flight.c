// SPDX-License-Identifier: Apache-2.0
// infuse bench: made-up requests, given to a scheduler as a server's are. Prompts are random ids, answers are
// greedy and as long as was asked, and nothing of a prompt is shared.
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/bench.h"
#include <stdio.h>

static int no_memory(void) { return fprintf(stderr, "infuse: no memory for the requests\n"), 4; }

static int64_t draw_length(cli_bench *b, cli_lengths l) { return nf_random_between(&b->random, l.lo, l.hi); }

int cli_flight_init(cli_bench *b, size_t n, cli_flight *out) {
  out->at = nf_alloc(n, sizeof *out->at);
  if (out->at == NULL) return no_memory();
  out->n = n;
  for (size_t i = 0; i < n; i++)
    out->at[i] = (cli_request){.in = draw_length(b, b->in), .out = draw_length(b, b->out)};
  return 0;
}

void cli_flight_deinit(cli_flight *f) {
  for (size_t i = 0; i < f->n; i++) nf_free(f->at[i].prompt);
  nf_free(f->at);
  infuse_error_free(f->error);
  cli_series_deinit(&f->gaps);
  *f = (cli_flight){0};
}

static int32_t *draw_tokens(cli_bench *b, int64_t n) {
  int32_t *ids = nf_alloc((size_t)n, sizeof *ids);
  for (int64_t i = 0; ids != NULL && i < n; i++)
    ids[i] = (int32_t)nf_random_between(&b->random, 0, b->vocab - 1);
  return ids;
}

int cli_append_random(cli_bench *b, infuse_session *s, int64_t n) {
  int32_t *ids = draw_tokens(b, n);
  if (ids == NULL) return no_memory();
  const int code = cli_fail(infuse_session_append(s, ids, (size_t)n));
  nf_free(ids);
  return code;
}

// ---- running ----

static const infuse_sampling greedy = {.size = sizeof greedy};

static void note_token(cli_request *r, const nf_event *e) {
  cli_flight *f = r->flight;
  if (f->answering == f->n && e->step > f->prefilled_step) {
    f->tokens++;
    f->steps = e->step - f->prefilled_step;
  }
  r->tokens++;
  f->bench->done++;
  f->end = e->now;
  if (r->tokens > 1) return cli_series_add(&f->gaps, e->now - r->end);
  r->first = e->now;
  if (++f->answering < f->n) return;
  f->prefilled = e->now;
  f->prefilled_step = e->step;
}

static void hear(void *user, const nf_event *e) { // on the scheduler's thread
  cli_request *r = user;
  cli_bench *b = r->flight->bench;
  if (e->kind == NF_EVENT_BEGUN) r->start = e->now;
  if (e->kind == NF_EVENT_OUTPUT) {
    note_token(r, e);
    r->end = e->now;
    cli_bar_show(&b->bar, b->o, b->o->argument, b->done, b->total);
  }
  if (e->error != NULL && r->flight->error == NULL) r->flight->error = infuse_error_copy(e->error);
}

static int give(nf_scheduler *s, cli_request *r) {
  r->options = (infuse_session_options){.size = sizeof r->options,
                                        .generate = true,
                                        .sampling = &greedy,
                                        .max_tokens = r->out,
                                        .ignore_eos = true,
                                        .unshared = true};
  const nf_request request = {
      .tokens = r->prompt, .n_tokens = (size_t)r->in, .options = &r->options, .heard = hear, .user = r};
  uint64_t id;
  return cli_fail(nf_scheduler_submit(s, &request, &id).error);
}

// All at once; the scheduler has as many of them at a time as the model has sessions.
static int run(nf_scheduler *s, cli_flight *f) {
  int code = 0;
  f->start = nf_now();
  for (size_t i = 0; i < f->n && code == 0; i++) code = give(s, &f->at[i]);
  while (code == 0 && !cli_interrupted && !nf_scheduler_wait(s, 0.05)) {
  }
  return code;
}

int cli_flight_run(cli_bench *b, cli_flight *f) {
  nf_scheduler *s = NULL;
  int code = 0;
  f->bench = b;
  for (size_t i = 0; i < f->n && code == 0; i++) {
    f->at[i].flight = f;
    f->at[i].prompt = draw_tokens(b, f->at[i].in);
    if (f->at[i].prompt == NULL) code = no_memory();
  }
  const nf_scheduler_options so = {.queue = f->n};
  if (code == 0) code = cli_fail(nf_scheduler_create(b->rt, b->m, so, &s).error);
  if (code == 0) code = run(s, f);
  nf_scheduler_destroy(s);
  if (code == 0 && cli_interrupted) return 130;
  if (code == 0) code = cli_fail(infuse_error_copy(f->error));
  return code == 0 && f->gaps.failed ? no_memory() : code;
}
