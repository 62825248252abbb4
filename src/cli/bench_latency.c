// SPDX-License-Identifier: Apache-2.0
// infuse bench latency and throughput: what is measured of requests, as documents and as text.
#include "base/clock.h"
#include "base/json.h"
#include "cli/bench.h"
#include "report/doc.h"
#include <stdio.h>

typedef struct times { // seconds
  cli_series ttft, tpot, itl;
} times;

static void times_deinit(times *t) {
  cli_series_deinit(&t->ttft);
  cli_series_deinit(&t->tpot);
  cli_series_deinit(&t->itl);
}

// An answer of one token has no time per other token.
static void add_times(times *t, const cli_flight *f) {
  for (size_t i = 0; i < f->n; i++) {
    const cli_request *r = &f->at[i];
    cli_series_add(&t->ttft, r->first - r->start);
    if (r->tokens > 1) cli_series_add(&t->tpot, (r->end - r->first) / (double)(r->tokens - 1));
  }
  for (size_t i = 0; i < f->gaps.n; i++) cli_series_add(&t->itl, f->gaps.at[i]);
}

static const double p99[] = {99};

static bool put_times(json_t *doc, times *t) {
  return cli_series_put(doc, "ttft", &t->ttft, p99, 1) && cli_series_put(doc, "tpot", &t->tpot, p99, 1) &&
         cli_series_put(doc, "itl", &t->itl, p99, 1);
}

static double rate(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

// ---- latency ----

typedef struct latency {
  cli_series whole, prefill, decode, step; // of each iteration: seconds; tokens/s twice; seconds of a step
  times times;
} latency;

static void add_iteration(latency *l, const cli_flight *f) {
  double in = 0;
  for (size_t i = 0; i < f->n; i++) in += (double)f->at[i].in;
  cli_series_add(&l->whole, f->end - f->start);
  cli_series_add(&l->prefill, rate(in, f->prefilled - f->start));
  cli_series_add(&l->decode, rate((double)f->tokens, f->end - f->prefilled));
  if (f->steps != 0) cli_series_add(&l->step, (f->end - f->prefilled) / (double)f->steps);
  add_times(&l->times, f);
}

static int iterate(cli_bench *b, latency *l, bool measured) {
  cli_flight f = {0};
  int code = cli_flight_init(b, (size_t)b->sessions, &f);
  if (code == 0) code = cli_flight_run(b, &f);
  if (code == 0 && measured) add_iteration(l, &f);
  cli_flight_deinit(&f);
  return code;
}

static const int percents[] = {10, 25, 50, 75, 90, 99};
enum { N_PERCENTS = sizeof percents / sizeof *percents };

static json_t *percentiles(const cli_series *sorted) {
  json_t *p = json_object();
  bool ok = p != NULL;
  for (int i = 0; i < N_PERCENTS && ok; i++) {
    char key[8];
    snprintf(key, sizeof key, "%d", percents[i]);
    ok = nf_json_put(p, key, json_real(cli_percentile(sorted, percents[i])));
  }
  return nf_json_whole(p, ok);
}

static double median(cli_series *s) {
  cli_sort(s);
  return cli_percentile(s, 50);
}

static json_t *latency_document(const cli_bench *b, latency *l) {
  json_t *doc = json_object();
  bool ok = doc != NULL && nf_json_put(doc, "schema", json_string("infuse.bench.latency/1")) &&
            nf_json_put(doc, "input_len", json_integer(b->in.lo)) &&
            nf_json_put(doc, "output_len", json_integer(b->out.lo)) &&
            nf_json_put(doc, "batch_size", json_integer(b->sessions)) &&
            nf_json_put(doc, "avg_latency", json_real(cli_mean(&l->whole))) &&
            nf_json_put(doc, "latencies", cli_series_json(&l->whole, 1)) &&
            nf_json_put(doc, "prefill_throughput", json_real(median(&l->prefill))) &&
            nf_json_put(doc, "decode_throughput", json_real(median(&l->decode))) &&
            nf_json_put(doc, "decode_step_ms", json_real(1e3 * median(&l->step))) &&
            put_times(doc, &l->times);
  cli_sort(&l->whole);
  ok = ok && nf_json_put(doc, "percentiles", percentiles(&l->whole));
  return nf_json_whole(doc, ok);
}

int cli_bench_latency(cli_bench *b, json_t **out) {
  const int64_t warm = b->o->num_iters_warmup >= 0 ? b->o->num_iters_warmup : 1;
  const int64_t n = b->o->num_iters != 0 ? b->o->num_iters : 5;
  latency l = {0};
  int code = 0;
  b->total = (size_t)((warm + n) * b->sessions * b->out.lo);
  for (int64_t i = 0; i < warm + n && code == 0; i++) code = iterate(b, &l, i >= warm);
  if (code == 0) *out = latency_document(b, &l);
  cli_series_deinit(&l.whole);
  cli_series_deinit(&l.prefill);
  cli_series_deinit(&l.decode);
  cli_series_deinit(&l.step);
  times_deinit(&l.times);
  return code;
}

void cli_show_latency(const json_t *doc) {
  printf("Avg latency: %.6f seconds\n", report_number(doc, "avg_latency"));
  for (int i = 0; i < N_PERCENTS; i++) {
    char key[24];
    snprintf(key, sizeof key, "percentiles.%d", percents[i]);
    printf("%d%% percentile latency: %.6f seconds\n", percents[i], report_number(doc, key));
  }
  cli_print_times(doc, "Time to First Token", "ttft", "TTFT", p99, 1);
  cli_print_row(doc, "Prefill throughput (tok/s):", "prefill_throughput");
  cli_print_times(doc, "Time per Output Token (excl. 1st token)", "tpot", "TPOT", p99, 1);
  cli_print_row(doc, "Decode throughput (tok/s):", "decode_throughput");
  cli_print_reads(doc);
  cli_print_title("", '=');
}

// ---- throughput ----

typedef struct totals { // tokens, seconds
  int64_t in, out;
  double elapsed;
} totals;

static totals totals_of(const cli_flight *f) {
  totals t = {.elapsed = f->end - f->start};
  for (size_t i = 0; i < f->n; i++) {
    t.in += f->at[i].in;
    t.out += (int64_t)f->at[i].tokens;
  }
  return t;
}

// Both of vLLM's documents in one: that of its throughput, and that of its serving benchmark.
static json_t *throughput_document(const cli_bench *b, const cli_flight *f) {
  const totals t = totals_of(f);
  const json_int_t n = (json_int_t)f->n;
  const double requests = rate((double)n, t.elapsed), out = rate((double)t.out, t.elapsed),
               all = rate((double)(t.in + t.out), t.elapsed);
  return json_pack("{s:s, s:f, s:I, s:I, s:f, s:f, s:f, s:I, s:i, s:I, s:I, s:f, s:f, s:f, s:I}", "schema",
                   "infuse.bench.throughput/1", "elapsed_time", t.elapsed, "num_requests", n,
                   "total_num_tokens", (json_int_t)(t.in + t.out), "requests_per_second", requests,
                   "tokens_per_second", all, "duration", t.elapsed, "completed", n, "failed", 0,
                   "total_input_tokens", (json_int_t)t.in, "total_output_tokens", (json_int_t)t.out,
                   "request_throughput", requests, "output_throughput", out, "total_token_throughput", all,
                   "max_concurrent_requests", (json_int_t)b->sessions);
}

static bool put_lists(json_t *doc, const cli_flight *f, times *t) {
  json_t *in = json_array(), *out = json_array(), *start = json_array();
  bool ok = true;
  for (size_t i = 0; i < f->n; i++) {
    const cli_request *r = &f->at[i];
    ok &= nf_json_push(in, json_integer(r->in)) && nf_json_push(out, json_integer((json_int_t)r->tokens)) &&
          nf_json_push(start, json_real(r->start - f->start));
  }
  ok &= nf_json_put(doc, "input_lens", in);
  ok &= nf_json_put(doc, "output_lens", out);
  ok &= nf_json_put(doc, "start_times", start);
  return nf_json_put(doc, "ttfts", cli_series_json(&t->ttft, 1)) && ok;
}

int cli_bench_throughput(cli_bench *b, json_t **out) {
  cli_flight f = {0};
  times t = {0};
  int code = cli_flight_init(b, (size_t)(b->o->num_prompts != 0 ? b->o->num_prompts : 16), &f);
  for (size_t i = 0; i < f.n; i++) b->total += (size_t)f.at[i].out;
  if (code == 0) code = cli_flight_run(b, &f);
  if (code == 0) {
    add_times(&t, &f);
    json_t *doc = throughput_document(b, &f);
    *out = nf_json_whole(doc, put_lists(doc, &f, &t) && put_times(doc, &t));
  }
  times_deinit(&t);
  cli_flight_deinit(&f);
  return code;
}

void cli_show_throughput(const json_t *doc) {
  static const char *const rows[][2] = {{"Successful requests:", "completed"},
                                        {"Failed requests:", "failed"},
                                        {"Maximum request concurrency:", "max_concurrent_requests"},
                                        {"Benchmark duration (s):", "duration"},
                                        {"Total input tokens:", "total_input_tokens"},
                                        {"Total generated tokens:", "total_output_tokens"},
                                        {"Request throughput (req/s):", "request_throughput"},
                                        {"Output token throughput (tok/s):", "output_throughput"},
                                        {"Total token throughput (tok/s):", "total_token_throughput"}};
  cli_print_title(" Serving Benchmark Result ", '=');
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) cli_print_row(doc, rows[i][0], rows[i][1]);
  cli_print_times(doc, "Time to First Token", "ttft", "TTFT", p99, 1);
  cli_print_times(doc, "Time per Output Token (excl. 1st token)", "tpot", "TPOT", p99, 1);
  cli_print_times(doc, "Inter-token Latency", "itl", "ITL", p99, 1);
  cli_print_title("", '=');
  printf("Throughput: %.2f requests/s, %.2f total tokens/s, %.2f output tokens/s\n",
         report_number(doc, "request_throughput"), report_number(doc, "total_token_throughput"),
         report_number(doc, "output_throughput"));
  printf("Total num prompt tokens:  %.0f\n", report_number(doc, "total_input_tokens"));
  printf("Total num output tokens:  %.0f\n", report_number(doc, "total_output_tokens"));
}
