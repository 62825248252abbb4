// SPDX-License-Identifier: Apache-2.0
// Sending requests and hearing answers, in one thread.
#include "cli/load/point.h"
#include "base/clock.h"
#include "base/memory.h"
#include "cli/load/arrivals.h"
#include "cli/load/reply.h"
#include <string.h>

typedef struct running running;
typedef struct flight { // one request in the air
  load_call call;
  load_sse sse;
  load_reply reply;
  load_record *record;
  running *of;
} flight;

struct running {
  const load_point_options *o;
  load_point *point;
  double *due; // [n] seconds from the start
  double start;
  flight *flight; // [n]
  size_t sent, open, ended;
};

static double since(const running *r) { return nf_now() - r->start; }

// ---- an answer ----

static void take_event(void *user, const load_event *e) {
  flight *f = user;
  load_record *r = f->record;
  const bool begins = f->reply.texts == 0;
  if (!load_reply_hear(&f->reply, e)) return;
  const double now = since(f->of);
  if (begins)
    r->first = now;
  else
    cli_series_add(&r->gaps, now - r->last);
  r->last = now;
}

static bool hear(load_call *call, const char *at, size_t n) {
  flight *f = call->user;
  const nf_status st = load_sse_feed(&f->sse, at, n, take_event, f);
  if (!nf_is_ok(st)) f->reply.failure = nf_status_join(f->reply.failure, st);
  return nf_is_ok(f->reply.failure);
}

// What the stream said comes first: hanging up for it is no other failure.
static nf_status judge(flight *f) {
  load_call *c = &f->call;
  const bool success = c->status >= 200 && c->status < 300;
  if (nf_is_ok(c->error) && !success) return load_refusal(c->status, nf_text_view(&c->kept));
  if (success && !nf_is_ok(f->reply.failure)) {
    nf_status_free(c->error);
    return load_reply_end(&f->reply);
  }
  if (!nf_is_ok(c->error)) return c->error;
  return load_reply_end(&f->reply);
}

static void take_counts(load_record *r, const load_reply *reply, double now) {
  r->in = reply->in >= 0 ? reply->in : r->prompt.in;
  r->out = reply->out >= 0 ? reply->out : (int64_t)reply->texts;
  r->cached = reply->cached >= 0 ? reply->cached : 0;
  if (reply->texts == 0) r->first = r->last = now;
}

static void land(flight *f) {
  take_counts(f->record, &f->reply, since(f->of));
  load_sse_deinit(&f->sse);
  load_reply_deinit(&f->reply);
  nf_text_deinit(&f->call.kept);
  load_prompt_deinit(&f->record->prompt);
  f->of->open--;
  f->of->ended++;
}

static void end(load_call *call) {
  flight *f = call->user;
  load_record *r = f->record;
  r->failure = judge(f);
  if (nf_is_ok(r->failure) && r->gaps.failed) r->failure = nf_error(NF_NO_MEMORY, "no memory for its times");
  land(f);
}

// ---- sending ----

static nf_status send_one(running *r) {
  flight *f = &r->flight[r->sent];
  load_record *record = &r->point->at[r->sent];
  *f = (flight){.record = record, .of = r};
  f->call = (load_call){.path = r->o->path,
                        .body = {record->prompt.body, record->prompt.n_body},
                        .wants_stream = true,
                        .heard = hear,
                        .ended = end,
                        .user = f};
  load_reply_init(&f->reply);
  record->start = since(r);
  r->sent++;
  if (++r->open > r->point->most) r->point->most = r->open;
  return load_client_start(r->o->client, &f->call);
}

static bool has_room(const running *r) { return r->o->concurrency == 0 || r->open < r->o->concurrency; }

static nf_status fly(running *r) {
  const size_t n = r->point->n;
  size_t shown = 0;
  r->start = nf_now();
  while (r->ended < n) {
    while (r->sent < n && has_room(r) && r->due[r->sent] <= since(r)) NF_TRY(send_one(r));
    double until = nf_now() + 0.1;
    if (r->sent < n && has_room(r) && r->start + r->due[r->sent] < until) until = r->start + r->due[r->sent];
    NF_TRY(load_client_turn(r->o->client, until));
    if (r->o->stop != NULL && *r->o->stop) return nf_error(NF_CANCELLED, "interrupted");
    if (r->o->progress != NULL && r->ended != shown) r->o->progress(r->o->user, shown = r->ended);
  }
  r->point->duration = since(r);
  return nf_ok();
}

static nf_status prepare(running *r, load_prompts *prompts) {
  const load_point_options *o = r->o;
  NF_TRY(nf_make(&r->point->at, o->n, sizeof *r->point->at, "requests"));
  r->point->n = o->n;
  NF_TRY(nf_make(&r->flight, o->n, sizeof *r->flight, "requests"));
  NF_TRY(nf_make(&r->due, o->n, sizeof *r->due, "requests"));
  load_arrivals(o->random, o->rate, o->burstiness, r->due, o->n);
  for (size_t i = 0; i < o->n; i++) NF_TRY(load_prompts_draw(prompts, &r->point->at[i].prompt));
  return nf_ok();
}

// Calls that are open after an error are dropped with the client, which must not be used again.
static void clean_up(running *r) {
  for (size_t i = 0; r->flight != NULL && i < r->sent; i++) {
    load_sse_deinit(&r->flight[i].sse);
    load_reply_deinit(&r->flight[i].reply);
    nf_text_deinit(&r->flight[i].call.kept);
  }
  nf_free(r->flight);
  nf_free(r->due);
}

nf_status load_point_run(const load_point_options *o, load_prompts *prompts, load_point *out) {
  *out = (load_point){0};
  running r = {.o = o, .point = out};
  nf_status st = prepare(&r, prompts);
  if (nf_is_ok(st)) st = fly(&r);
  clean_up(&r);
  return st;
}

void load_point_deinit(load_point *p) {
  for (size_t i = 0; i < p->n; i++) {
    load_prompt_deinit(&p->at[i].prompt);
    cli_series_deinit(&p->at[i].gaps);
    nf_status_free(p->at[i].failure);
  }
  nf_free(p->at);
  *p = (load_point){0};
}

double load_tpot(const load_record *r) { return (r->last - r->first) / (double)(r->out - 1); }
