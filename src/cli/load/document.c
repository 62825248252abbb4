// SPDX-License-Identifier: Apache-2.0
// Totals, times and lists of a point.
#include "cli/load/document.h"
#include "base/memory.h"
#include <math.h>
#include <string.h>

typedef struct totals {
  int64_t in, out, cached;
  size_t completed, good, failed;
  cli_series ttft, tpot, itl, e2el; // seconds
} totals;

static bool came(const load_record *r) { return nf_is_ok(r->failure); }

static double latency(const load_record *r) { return r->last - r->start; }

static bool is_good(const load_record *r, const double *most) {
  const double tpot = r->out > 1 ? load_tpot(r) : 0;
  return r->first - r->start <= most[0] && tpot <= most[1] && latency(r) <= most[2];
}

static void add(totals *t, const load_record *r, const double *most) {
  if (!came(r)) {
    t->failed++;
    return;
  }
  t->completed++;
  t->in += r->in;
  t->out += r->out;
  t->cached += r->cached;
  t->good += is_good(r, most);
  cli_series_add(&t->ttft, r->first - r->start);
  cli_series_add(&t->e2el, latency(r));
  if (r->out > 1) cli_series_add(&t->tpot, load_tpot(r));
  for (size_t i = 0; i < r->gaps.n; i++) cli_series_add(&t->itl, r->gaps.at[i]);
}

static double rate(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

// Events with text in the second that had most of them, each taken as a token.
static bool find_peak(const load_point *p, double *out) {
  const size_t n = (size_t)p->duration + 1;
  size_t *count = nf_alloc(n, sizeof *count), most = 0;
  if (count == NULL) return false;
  for (size_t i = 0; i < p->n; i++) {
    const load_record *r = &p->at[i];
    double when = r->first;
    for (size_t k = 0; came(r) && r->out != 0 && k <= r->gaps.n; k++) {
      const size_t second = (size_t)when < n ? (size_t)when : n - 1;
      if (++count[second] > most) most = count[second];
      if (k < r->gaps.n) when += r->gaps.at[k];
    }
  }
  nf_free(count);
  *out = (double)most;
  return true;
}

static bool put_totals(json_t *doc, const load_point *p, const totals *t) {
  const double d = p->duration, in = (double)t->in, out = (double)t->out;
  double peak;
  return find_peak(p, &peak) && nf_json_put(doc, "duration", json_real(d)) &&
         nf_json_put(doc, "completed", json_integer((json_int_t)t->completed)) &&
         nf_json_put(doc, "failed", json_integer((json_int_t)t->failed)) &&
         nf_json_put(doc, "total_input_tokens", json_integer(t->in)) &&
         nf_json_put(doc, "total_cached_tokens", json_integer(t->cached)) &&
         nf_json_put(doc, "total_output_tokens", json_integer(t->out)) &&
         nf_json_put(doc, "request_throughput", json_real(rate((double)t->completed, d))) &&
         nf_json_put(doc, "output_throughput", json_real(rate(out, d))) &&
         nf_json_put(doc, "total_token_throughput", json_real(rate(in + out, d))) &&
         nf_json_put(doc, "max_output_tokens_per_s", json_real(peak)) &&
         nf_json_put(doc, "max_concurrent_requests", json_integer((json_int_t)p->most));
}

static bool put_times(json_t *doc, totals *t, const load_document_options *o) {
  return cli_series_put(doc, "ttft", &t->ttft, o->percents, o->n_percents) &&
         cli_series_put(doc, "tpot", &t->tpot, o->percents, o->n_percents) &&
         cli_series_put(doc, "itl", &t->itl, o->percents, o->n_percents) &&
         cli_series_put(doc, "e2el", &t->e2el, o->percents, o->n_percents);
}

static bool put_lists(json_t *doc, const load_point *p) {
  static const char *const keys[] = {"input_lens", "output_lens", "start_times", "ttfts", "itls", "errors"};
  enum { N = sizeof keys / sizeof *keys };
  json_t *list[N];
  bool ok = true;
  for (int k = 0; k < N; k++) ok &= nf_json_put(doc, keys[k], list[k] = json_array());
  for (size_t i = 0; i < p->n && ok; i++) {
    const load_record *r = &p->at[i];
    ok = nf_json_push(list[0], json_integer(r->in)) && nf_json_push(list[1], json_integer(r->out)) &&
         nf_json_push(list[2], json_real(r->start)) &&
         nf_json_push(list[3], json_real(came(r) ? r->first - r->start : 0)) &&
         nf_json_push(list[4], cli_series_json(&r->gaps, 1)) &&
         nf_json_push(list[5], json_string(nf_status_message(r->failure)));
  }
  return ok;
}

// An infinite rate is text, as in vLLM's documents: JSON has no such number.
static bool put_setting(json_t *doc, const load_point *p, const load_point_options *po,
                        const load_document_options *o) {
  json_t *limit = po->concurrency != 0 ? json_integer((json_int_t)po->concurrency) : json_null();
  return nf_json_put(doc, "schema", json_string("infuse.bench.serve/1")) &&
         nf_json_put(doc, "backend", json_string(o->backend)) &&
         nf_json_put(doc, "endpoint", json_string(o->endpoint)) &&
         nf_json_put(doc, "model_id", json_string(o->model)) &&
         nf_json_put(doc, "tokenizer_id", o->tokenizer != NULL ? json_string(o->tokenizer) : json_null()) &&
         nf_json_put(doc, "num_prompts", json_integer((json_int_t)p->n)) &&
         nf_json_put(doc, "request_rate", isinf(po->rate) ? json_string("inf") : json_real(po->rate)) &&
         nf_json_put(doc, "burstiness", json_real(po->burstiness)) &&
         nf_json_put(doc, "max_concurrency", limit);
}

static json_t *write_document(const load_point *p, const load_point_options *po,
                              const load_document_options *o, totals *t) {
  json_t *doc = json_object();
  bool ok = doc != NULL && put_setting(doc, p, po, o) && put_totals(doc, p, t) && put_times(doc, t, o);
  if (o->goodput)
    ok = ok && nf_json_put(doc, "request_goodput", json_real(rate((double)t->good, p->duration)));
  if (o->detailed) ok = ok && put_lists(doc, p);
  return nf_json_whole(doc, ok);
}

// Where nobody succeeded: zeros would look like speeds and times.
static void forget_figures(json_t *doc) {
  static const char *const ends[] = {"_ms", "_throughput", "_goodput", "_tokens_per_s"};
  const char *key;
  json_t *value;
  json_object_foreach(doc, key, value) {
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
      if (nf_view_ends(nf_view_of(key), nf_view_of(ends[i]))) json_object_set_new(doc, key, json_null());
  }
}

json_t *load_document(const load_point *p, const load_point_options *po, const load_document_options *o) {
  totals t = {0};
  for (size_t i = 0; i < p->n; i++) add(&t, &p->at[i], po->good);
  json_t *doc = write_document(p, po, o, &t);
  if (t.completed == 0) forget_figures(doc);
  cli_series_deinit(&t.ttft);
  cli_series_deinit(&t.tpot);
  cli_series_deinit(&t.itl);
  cli_series_deinit(&t.e2el);
  return doc;
}

// ---- failures ----

static bool told_before(const load_point *p, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (!came(&p->at[k]) &&
        strcmp(nf_status_message(p->at[k].failure), nf_status_message(p->at[i].failure)) == 0)
      return true;
  return false;
}

static size_t alike(const load_point *p, size_t i) {
  size_t n = 0;
  for (size_t k = i; k < p->n; k++)
    n += !came(&p->at[k]) &&
         strcmp(nf_status_message(p->at[k].failure), nf_status_message(p->at[i].failure)) == 0;
  return n;
}

void load_failures(const load_point *p, size_t most, nf_text *out) {
  for (size_t i = 0; i < p->n && most != 0; i++) {
    if (came(&p->at[i]) || told_before(p, i)) continue;
    nf_text_printf(out, "  %zu x %s\n", alike(p, i), nf_status_message(p->at[i].failure));
    most--;
  }
}
