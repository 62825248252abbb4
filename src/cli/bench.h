// SPDX-License-Identifier: Apache-2.0
// What the files of infuse bench share: made-up requests that run on a model, and the document that tells of
// them. Keys of documents and rows of text are vLLM's where it has them.
#pragma once
#include "cli/bar.h"
#include "cli/cli.h"
#include "cli/series.h"
#include "schedule/schedule.h"

typedef struct cli_lengths { // tokens, from lo to hi
  int64_t lo, hi;
} cli_lengths;

enum { CLI_MAX_NUMBERS = 32 };
typedef struct cli_numbers { // of an option that takes several
  double at[CLI_MAX_NUMBERS];
  size_t n;
} cli_numbers;

typedef struct cli_request {
  int64_t in, out;                // tokens of its prompt and answer
  int32_t *prompt;                // [in]
  infuse_session_options options; // of its session
  struct cli_flight *flight;
  size_t tokens;            // drawn so far
  double start, first, end; // seconds, of nf_now
} cli_request;

typedef struct cli_bench {
  const cli_options *o;
  infuse_runtime *rt;
  infuse_model *m;
  int64_t vocab;
  cli_lengths in, out;
  int64_t sessions;   // at the same time
  uint64_t random;    // state of the generator that lengths and prompts come from
  size_t done, total; // tokens of all answers, for the progress bar
  cli_bar bar;
  int code; // the exit code once the document is out
} cli_bench;

// "1,2,4": at most `most` numbers from lo to hi, "inf" where hi is infinite. 0, or the exit code.
int cli_parse_numbers(const char *option, const char *text, double lo, double hi, size_t most,
                      cli_numbers *out);

// Requests that ran, at most `sessions` of them at a time.
typedef struct cli_flight {
  cli_request *at; // [n] in the order of their start
  size_t n;
  double start, end; // of all
  // Since the last request had its first token, all that runs is decoding.
  double prefilled;
  size_t steps, tokens; // since then
  cli_series gaps;      // between the tokens of a request, seconds
  cli_bench *bench;
  size_t answering;        // requests that have their first token
  uint64_t prefilled_step; // of the scheduler
  infuse_error *error;     // of the first request that failed
} cli_flight;

// Lengths are drawn here; they run once. Of a zeroed flight.
int cli_flight_init(cli_bench *b, size_t n, cli_flight *out);
int cli_flight_run(cli_bench *b, cli_flight *f); // 0, or the exit code
void cli_flight_deinit(cli_flight *f);
int cli_append_random(cli_bench *b, infuse_session *s, int64_t n); // n ids; 0, or the exit code
// infuse_explain's document; 0, or the exit code.
int cli_bench_explain(const cli_bench *b, const infuse_model_options *mo, const infuse_explain_options *eo,
                      json_t **out);

// Each measures, and gives its document (NULL: no memory) and 0, or the exit code; and prints it.
int cli_bench_latency(cli_bench *b, json_t **out);
int cli_bench_throughput(cli_bench *b, json_t **out);
int cli_bench_fusions(cli_bench *b, json_t **out);
int cli_bench_serve(cli_bench *b, json_t **out);
void cli_show_latency(const json_t *doc);
void cli_show_throughput(const json_t *doc);
void cli_show_fusions(const json_t *doc);
void cli_show_serve(const json_t *doc);
void cli_show_kernels(const json_t *doc);

// ---- rows ----

// What cli_series_put has put: mean, median, and these percentiles.
void cli_print_times(const json_t *doc, const char *title, const char *name, const char *label,
                     const double *percent, size_t n);
void cli_print_title(const char *title, char fill); // in the middle of 50 columns
void cli_print_row(const json_t *doc, const char *label, const char *key);
void cli_print_reads(const json_t *doc); // what a decoding step reads, and how fast
