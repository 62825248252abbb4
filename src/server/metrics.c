// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"
#include <inttypes.h>
#include <math.h>

#define AT(field) offsetof(nf_counters, field)
static const struct {
  const char *name, *type, *help;
  size_t at;
} plain[] = {
    {"vllm:num_requests_running", "gauge", "Answers that are computed.", AT(running)},
    {"vllm:num_requests_waiting", "gauge",
     "Answers that wait: for their first step, or for cache pages that others have.", AT(waiting)},
    {"vllm:num_preemptions_total", "counter", "Answers that gave back their cache pages to others.",
     AT(preemptions)},
    {"vllm:prefix_cache_queries_total", "counter", "Tokens of prompts, looked up in the caches.",
     AT(prompt_tokens)},
    {"vllm:prefix_cache_hits_total", "counter", "Tokens of prompts that were there.",
     AT(cached_prompt_tokens)},
    {"vllm:prompt_tokens_total", "counter", "Tokens of prompts.", AT(prompt_tokens)},
    {"vllm:prompt_tokens_cached_total", "counter", "Tokens of prompts that were not computed.",
     AT(cached_prompt_tokens)},
    {"vllm:generation_tokens_total", "counter", "Tokens drawn.", AT(generation_tokens)},
    {"vllm:spec_decode_num_drafts_total", "counter", "Steps of answers in which tokens were guessed.",
     AT(guesses)},
    {"vllm:spec_decode_num_draft_tokens_total", "counter", "Tokens that were guessed.", AT(guessed_tokens)},
    {"vllm:spec_decode_num_accepted_tokens_total", "counter", "Guessed tokens that were drawn.",
     AT(right_tokens)},
    {"infuse:odd_messages_total", "counter", "Messages of answers that were not as their format wants them.",
     AT(odd_messages)}, // which vLLM does not tell
};

static const char *const reasons[NF_REASONS] = {
    [NF_REASON_STOP] = "stop",       [NF_REASON_LENGTH] = "length",   [NF_REASON_FAILED] = "error",
    [NF_REASON_CANCELLED] = "abort", [NF_REASON_EXPIRED] = "timeout",
};

static const struct {
  const char *name, *help;
} measures[NF_MEASURES] = {
    [NF_TIME_FIRST_TOKEN] = {"vllm:time_to_first_token_seconds",
                             "From a request's arrival to its first token."},
    [NF_TIME_GAP] = {"vllm:inter_token_latency_seconds", "Between two tokens of an answer."},
    [NF_TIME_PER_TOKEN] = {"vllm:request_time_per_output_token_seconds", "Mean time of an answer's tokens."},
    [NF_TIME_QUEUE] = {"vllm:request_queue_time_seconds", "From a request's arrival to its first step."},
    [NF_TIME_WHOLE] = {"vllm:e2e_request_latency_seconds", "From a request's arrival to its end."},
    [NF_TIME_INFERENCE] = {"vllm:request_inference_time_seconds", "From a request's first step to its end."},
    [NF_TIME_PREFILL] = {"vllm:request_prefill_time_seconds",
                         "From a request's first step to its first token."},
    [NF_TIME_DECODE] = {"vllm:request_decode_time_seconds", "From a request's first token to its end."},
    [NF_TOKENS_PROMPT] = {"vllm:request_prompt_tokens", "Tokens of a request's prompt."},
    [NF_TOKENS_COMPUTED] = {"vllm:request_prefill_kv_computed_tokens",
                            "Tokens of a request's prompt that were not in the caches."},
    [NF_TOKENS_DRAWN] = {"vllm:request_generation_tokens", "Tokens drawn for a request."},
    [NF_TOKENS_LONGEST] = {"vllm:request_max_num_generation_tokens", "Tokens of a request's longest answer."},
    [NF_TOKENS_ASKED] = {"vllm:request_params_max_tokens", "Tokens that an answer of a request may have."},
    [NF_ANSWERS] = {"vllm:request_params_n", "Answers that a request asks for."},
    [NF_TOKENS_STEP] = {"vllm:iteration_tokens_total", "Tokens of a step."},
};

static void head(nf_text *out, const char *name, const char *type, const char *help) {
  nf_text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// What each line is labelled with: the model's name, in which backslashes, quotes and line ends are escaped,
// and the engine, of which vLLM's servers may have several.
static void label(const char *model, nf_text *out) {
  nf_text_printf(out, "model_name=\"");
  for (const char *s = model; *s != 0; s++) {
    if (*s == '\\' || *s == '"' || *s == '\n') nf_text_append(out, "\\", 1);
    nf_text_append(out, *s != '\n' ? s : "n", 1);
  }
  nf_text_printf(out, "\",engine=\"0\"");
}

// Bounds beyond what one request can have are left out.
static void print_histogram(const nf_histogram *h, const char *name, const char *help, const char *labels,
                            double most, nf_text *out) {
  uint64_t below = 0;
  head(out, name, "histogram", help);
  for (size_t i = 0; i < h->n; i++) {
    below += h->bucket[i];
    if (h->bound[i] <= most)
      nf_text_printf(out, "%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n", name, labels, h->bound[i], below);
  }
  nf_text_printf(out, "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, labels, h->count);
  nf_text_printf(out, "%s_sum{%s} %.9g\n", name, labels, h->sum);
  nf_text_printf(out, "%s_count{%s} %" PRIu64 "\n", name, labels, h->count);
}

static void print_caches(const nf_counters *c, const char *labels, const nf_metrics_facts *f, nf_text *out) {
  const double used = c->pages != 0 ? (double)c->pages_in_use / (double)c->pages : 0;
  head(out, "vllm:kv_cache_usage_perc", "gauge", "Share of the cache's pages that are in use, 0 to 1.");
  nf_text_printf(out, "vllm:kv_cache_usage_perc{%s} %.6g\n", labels, used);
  head(out, "vllm:cache_config_info", "gauge", "The size of a page in tokens, and how many there are.");
  nf_text_printf(out,
                 "vllm:cache_config_info{%s,block_size=\"%" PRId64 "\",num_gpu_blocks=\"%" PRIu64
                 "\",enable_prefix_caching=\"True\"} 1\n",
                 labels, f->page_tokens, c->pages);
}

// Counters and gauges of which there is one for each word.
static void print_words(const nf_counters *c, const char *labels, nf_text *out) {
  const uint64_t prompt = c->prompt_tokens, cached = c->cached_prompt_tokens; // not read at one time
  head(out, "vllm:request_success_total", "counter", "Answers that have ended, by why.");
  for (int r = 0; r < NF_REASONS; r++)
    nf_text_printf(out, "vllm:request_success_total{%s,finished_reason=\"%s\"} %" PRIu64 "\n", labels,
                   reasons[r], c->ended[r]);
  head(out, "vllm:num_requests_waiting_by_reason", "gauge", "Answers that wait, by why.");
  nf_text_printf(out, "vllm:num_requests_waiting_by_reason{%s,reason=\"capacity\"} %" PRIu64 "\n", labels,
                 c->waiting);
  head(out, "vllm:prompt_tokens_by_source_total", "counter", "Tokens of prompts, by where they came from.");
  nf_text_printf(out, "vllm:prompt_tokens_by_source_total{%s,source=\"local_compute\"} %" PRIu64 "\n", labels,
                 prompt > cached ? prompt - cached : 0);
  nf_text_printf(out, "vllm:prompt_tokens_by_source_total{%s,source=\"local_cache_hit\"} %" PRIu64 "\n",
                 labels, cached);
}

static void print_guesses(const nf_counters *c, const char *labels, int32_t most, nf_text *out) {
  if (most > 0)
    head(out, "vllm:spec_decode_num_accepted_tokens_per_pos_total", "counter",
         "Guessed tokens that were drawn, by their places in the guess.");
  for (int32_t i = 0; i < most; i++)
    nf_text_printf(out,
                   "vllm:spec_decode_num_accepted_tokens_per_pos_total{%s,position=\"%d\"} %" PRIu64 "\n",
                   labels, i, c->right_at[i]);
}

void nf_metrics_text(const nf_counters *c, const nf_metrics_facts *f, nf_text *out) {
  nf_text labels = {0};
  label(f->model, &labels);
  const char *as = labels.n != 0 ? labels.at : "";
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    head(out, plain[i].name, plain[i].type, plain[i].help);
    nf_text_printf(out, "%s{%s} %" PRIu64 "\n", plain[i].name, as,
                   *(const uint64_t *)((const char *)c + plain[i].at));
  }
  print_words(c, as, out);
  print_guesses(c, as, f->guesses, out);
  print_caches(c, as, f, out);
  for (int i = 0; i < NF_MEASURES; i++) {
    const bool capped = i >= NF_TOKENS_PROMPT && i <= NF_TOKENS_ASKED;
    print_histogram(&c->measure[i], measures[i].name, measures[i].help, as,
                    capped ? (double)f->context : INFINITY, out);
  }
  out->failed |= labels.failed;
  nf_text_deinit(&labels);
}
