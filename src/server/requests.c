// SPDX-License-Identifier: Apache-2.0
#include "server/requests.h"
#include "base/clock.h"
#include "server/server_state.h"
#include <string.h>

void nf_requests_init(nf_requests *r) {
  pthread_mutex_init(&r->lock, NULL);
  r->ends.next = r->ends.previous = &r->ends;
}

void nf_requests_deinit(nf_requests *r) { pthread_mutex_destroy(&r->lock); }

void nf_requests_enter(nf_requests *r, nf_asked *a) {
  pthread_mutex_lock(&r->lock);
  a->next = &r->ends, a->previous = r->ends.previous;
  a->previous->next = r->ends.previous = a;
  pthread_mutex_unlock(&r->lock);
}

void nf_requests_leave(nf_requests *r, nf_asked *a) {
  pthread_mutex_lock(&r->lock);
  a->previous->next = a->next, a->next->previous = a->previous;
  pthread_mutex_unlock(&r->lock);
}

void nf_requests_note(nf_requests *r, nf_asked *a, const nf_event *e, const nf_tokens *tokens) {
  pthread_mutex_lock(&r->lock);
  a->tokens = *tokens;
  if (e->kind == NF_EVENT_BEGUN && a->begun == 0) a->begun = e->now;
  if (e->kind == NF_EVENT_OUTPUT && a->first == 0) a->first = e->now;
  pthread_mutex_unlock(&r->lock);
}

size_t nf_requests_cancel(nf_requests *r, const char *id) {
  size_t n = 0;
  pthread_mutex_lock(&r->lock);
  for (const nf_asked *a = r->ends.next; a != &r->ends; a = a->next)
    if (strcmp(a->id, id) == 0) a->cancel(a->user), n++;
  pthread_mutex_unlock(&r->lock);
  return n;
}

// ---- as JSON ----

// All that are there; freed by the caller. NULL: no memory.
static nf_asked *copy(nf_requests *r, size_t *n) {
  *n = 0;
  pthread_mutex_lock(&r->lock);
  for (const nf_asked *a = r->ends.next; a != &r->ends; a = a->next) ++*n;
  nf_asked *all = nf_alloc(*n, sizeof *all), *to = all;
  for (const nf_asked *a = r->ends.next; all != NULL && a != &r->ends; a = a->next) *to++ = *a;
  pthread_mutex_unlock(&r->lock);
  return all;
}

static json_t *seconds(double from, double to) {
  return from != 0 && to != 0 ? json_real(to - from) : json_null();
}

static json_t *asked_json(const nf_asked *a, const char *model, double now) {
  static const char *const kinds[] = {
      [NF_ASK_CHAT] = "chat", [NF_ASK_TEXT] = "completion", [NF_ASK_RESPONSE] = "response"};
  return json_pack("{s:s,s:s,s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "id", a->id, "kind", kinds[a->kind],
                   "state", a->begun != 0 ? "running" : "waiting", "model", model, "stream", a->stream, "n",
                   (json_int_t)a->answers, "prompt_tokens", (json_int_t)a->tokens.prompt, "cached_tokens",
                   (json_int_t)a->tokens.cached, "completion_tokens", (json_int_t)a->tokens.drawn, "age",
                   seconds(a->arrived, now), "queue_time", seconds(a->arrived, a->begun),
                   "time_to_first_token", seconds(a->arrived, a->first));
}

json_t *nf_requests_json(nf_requests *r, const char *model, double now) {
  size_t n;
  nf_asked *all = copy(r, &n);
  json_t *o = json_object(), *data = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; ok && i < n; i++) ok = nf_json_push(data, asked_json(&all[i], model, now));
  ok = nf_json_put(o, "object", json_string("list")) && ok;
  ok = nf_json_put(o, "data", data) && ok;
  nf_free(all);
  return nf_json_whole(o, ok);
}

// ---- handlers ----

void nf_serve_requests(void *server, nf_call *c) {
  nf_server *s = server;
  nf_serve_json(c, nf_requests_json(&s->requests, s->name, nf_now()));
}

void nf_serve_request_cancel(void *server, nf_call *c) {
  nf_server *s = server;
  const char *id = nf_call_rest(c);
  const size_t n = nf_requests_cancel(&s->requests, id);
  if (n == 0) return nf_serve_problem(c, NF_PROBLEM_PATH, "no request of this id runs or waits", NULL);
  nf_serve_json(c, json_pack("{s:s,s:I}", "id", id, "cancelled", (json_int_t)n));
}
