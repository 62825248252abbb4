// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"
#include <inttypes.h>

#define AT(field) offsetof(nf_counters, field)
static const struct {
  const char *name, *type, *help;
  size_t at;
} plain[] = {
    {"num_requests_running", "gauge", "Answers that are computed.", AT(running)},
    {"num_requests_waiting", "gauge", "Requests that wait for their first step.", AT(waiting)},
    {"num_preemptions_total", "counter", "Answers that gave back their cache pages to others.",
     AT(preemptions)},
    {"prefix_cache_queries_total", "counter", "Tokens of prompts, looked up in the caches.",
     AT(prompt_tokens)},
    {"prefix_cache_hits_total", "counter", "Tokens of prompts that were there.", AT(cached_prompt_tokens)},
    {"prompt_tokens_total", "counter", "Tokens of prompts.", AT(prompt_tokens)},
    {"prompt_tokens_cached_total", "counter", "Tokens of prompts that were not computed.",
     AT(cached_prompt_tokens)},
    {"generation_tokens_total", "counter", "Tokens drawn.", AT(generation_tokens)},
    {"spec_decode_num_drafts_total", "counter", "Steps of answers in which tokens were guessed.",
     AT(guesses)},
    {"spec_decode_num_draft_tokens_total", "counter", "Tokens that were guessed.", AT(guessed_tokens)},
    {"spec_decode_num_accepted_tokens_total", "counter", "Guessed tokens that were drawn.", AT(right_tokens)},
};

static const char *const reasons[NF_REASONS] = {
    [NF_REASON_STOP] = "stop",       [NF_REASON_LENGTH] = "length",   [NF_REASON_FAILED] = "error",
    [NF_REASON_CANCELLED] = "abort", [NF_REASON_EXPIRED] = "timeout",
};

static const struct {
  const char *name, *help;
} times[NF_TIMES] = {
    [NF_TIME_FIRST_TOKEN] = {"time_to_first_token_seconds", "From a request's arrival to its first token."},
    [NF_TIME_GAP] = {"inter_token_latency_seconds", "Between two tokens of an answer."},
    [NF_TIME_PER_TOKEN] = {"request_time_per_output_token_seconds", "Mean time of an answer's tokens."},
    [NF_TIME_QUEUE] = {"request_queue_time_seconds", "From a request's arrival to its first step."},
    [NF_TIME_WHOLE] = {"e2e_request_latency_seconds", "From a request's arrival to its end."},
};

static void head(nf_text *out, const char *name, const char *type, const char *help) {
  nf_text_printf(out, "# HELP vllm:%s %s\n# TYPE vllm:%s %s\n", name, help, name, type);
}

// A name within quotes: backslashes, quotes and line ends are escaped.
static void label(const char *model, nf_text *out) {
  for (const char *s = model; *s != 0; s++) {
    if (*s == '\\' || *s == '"') nf_text_append(out, "\\", 1);
    if (*s != '\n') nf_text_append(out, s, 1);
  }
}

static void print_histogram(const nf_histogram *h, const char *name, const char *help, const char *model,
                            nf_text *out) {
  uint64_t below = 0;
  head(out, name, "histogram", help);
  for (size_t i = 0; i <= h->n; i++) {
    below += h->bucket[i];
    nf_text_printf(out, "vllm:%s_bucket{model_name=\"%s\",le=\"", name, model);
    if (i < h->n)
      nf_text_printf(out, "%g\"} %" PRIu64 "\n", h->bound[i], below);
    else
      nf_text_printf(out, "+Inf\"} %" PRIu64 "\n", below);
  }
  nf_text_printf(out, "vllm:%s_sum{model_name=\"%s\"} %.9g\n", name, model, h->sum);
  nf_text_printf(out, "vllm:%s_count{model_name=\"%s\"} %" PRIu64 "\n", name, model, below);
}

static void print_caches(const nf_counters *c, const char *model, int64_t page_tokens, nf_text *out) {
  const double used = c->pages != 0 ? (double)c->pages_in_use / (double)c->pages : 0;
  head(out, "kv_cache_usage_perc", "gauge", "Share of the cache's pages that are in use, 0 to 1.");
  nf_text_printf(out, "vllm:kv_cache_usage_perc{model_name=\"%s\"} %.6g\n", model, used);
  head(out, "cache_config_info", "gauge", "The size of a page in tokens, and how many there are.");
  nf_text_printf(out,
                 "vllm:cache_config_info{model_name=\"%s\",block_size=\"%" PRId64
                 "\",num_gpu_blocks=\"%" PRIu64 "\"} 1\n",
                 model, page_tokens, c->pages);
}

void nf_metrics_text(const nf_counters *c, const char *model, int64_t page_tokens, nf_text *out) {
  nf_text name = {0};
  label(model, &name);
  const char *as = name.n != 0 ? name.at : "";
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    head(out, plain[i].name, plain[i].type, plain[i].help);
    nf_text_printf(out, "vllm:%s{model_name=\"%s\"} %" PRIu64 "\n", plain[i].name, as,
                   *(const uint64_t *)((const char *)c + plain[i].at));
  }
  head(out, "request_success_total", "counter", "Answers that have ended, by why.");
  for (int r = 0; r < NF_REASONS; r++)
    nf_text_printf(out, "vllm:request_success_total{model_name=\"%s\",finished_reason=\"%s\"} %" PRIu64 "\n",
                   as, reasons[r], c->ended[r]);
  print_caches(c, as, page_tokens, out);
  for (int t = 0; t < NF_TIMES; t++) print_histogram(&c->time[t], times[t].name, times[t].help, as, out);
  out->failed |= name.failed;
  nf_text_deinit(&name);
}
