// SPDX-License-Identifier: Apache-2.0
// infuse generate: a prompt, or a message, and what the model makes of it, as it comes.
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct job {
  const cli_options *o;
  infuse_model *m;
  infuse_session *s;
  double start, first, end; // seconds: before loading, at the first token, at the last
  size_t prompt_tokens;
  nf_text text;     // all of it, for --json
  char channel[32]; // last one shown
} job;

static const char *const finishes[] = {"interrupted", "stop", "length", "context full"};

// ---- the prompt ----

static bool is_chat(const job *j) {
  const cli_options *o = j->o;
  if (o->chat || o->think != NULL) return true;
  return !o->raw && o->tokens == NULL && infuse_model_chat_format(j->m) != NULL;
}

static int append_ids(job *j) {
  int32_t *ids;
  size_t n;
  int code = cli_tokens(j->o->tokens, &ids, &n);
  if (code == 0) code = cli_fail(infuse_session_append(j->s, ids, n));
  nf_free(ids);
  return code;
}

static int append_text(job *j, const char *text, size_t n) {
  const infuse_tokenizer *t = infuse_model_tokenizer(j->m);
  if (t == NULL) return cli_usage("%s has no tokenizer.json; give --tokens", j->o->model);
  int32_t *ids;
  size_t n_ids;
  int code = cli_fail(infuse_encode(t, text, n, false, &ids, &n_ids));
  if (code != 0) return code;
  code = n_ids != 0 ? cli_fail(infuse_session_append(j->s, ids, n_ids)) : cli_usage("the prompt is empty");
  infuse_free(ids);
  return code;
}

static int append_prompt(job *j) {
  if (j->o->tokens != NULL) return append_ids(j);
  char *text = NULL;
  size_t n = strlen(j->o->prompt);
  if (strcmp(j->o->prompt, "-") == 0) {
    const int code = cli_read("-", &text, &n);
    if (code != 0) return code;
  }
  const char *prompt = text != NULL ? text : j->o->prompt;
  const infuse_message messages[] = {{"system", j->o->system}, {"user", prompt}};
  const size_t skip = j->o->system == NULL;
  const int code =
      is_chat(j) ? cli_fail(infuse_session_chat(j->s, messages + skip, 2 - skip)) : append_text(j, prompt, n);
  nf_free(text);
  return code;
}

// ---- the answer ----

static void show(job *j, const infuse_output *out) {
  if (j->o->json) {
    nf_text_append(&j->text, out->text, out->n);
    return;
  }
  if (out->channel != NULL && out->n != 0 && strcmp(out->channel, j->channel) != 0) {
    printf("%s[%s] ", j->channel[0] != '\0' ? "\n" : "", out->channel);
    snprintf(j->channel, sizeof j->channel, "%s", out->channel);
  }
  fwrite(out->text, 1, out->n, stdout);
  fflush(stdout);
}

static int run(job *j) {
  infuse_output out = infuse_session_output(j->s);
  while (out.finish == INFUSE_RUNNING && cli_interrupted == 0) {
    const int code = cli_fail(infuse_step(j->m, &j->s, 1));
    if (code != 0) return code;
    out = infuse_session_output(j->s);
    j->end = nf_now();
    if (out.tokens == 1 && j->first == 0) j->first = j->end;
    show(j, &out);
  }
  return 0;
}

// ---- figures ----

static double per_second(const job *j, size_t tokens) {
  return tokens > 1 && j->end > j->first ? (double)(tokens - 1) / (j->end - j->first) : 0;
}

static int report_json(job *j) {
  const infuse_output out = infuse_session_output(j->s);
  json_t *doc = json_pack("{s:s, s:s%, s:s, s:I, s:I, s:f, s:f, s:I}", "schema", "infuse.generate/1", "text",
                          j->text.n != 0 ? j->text.at : "", j->text.n, "finish", finishes[out.finish],
                          "prompt_tokens", (json_int_t)j->prompt_tokens, "tokens", (json_int_t)out.tokens,
                          "first_token_seconds", j->first - j->start, "tokens_per_second",
                          per_second(j, out.tokens), "peak_memory", (json_int_t)nf_peak_rss());
  char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT) : NULL;
  if (text != NULL) cli_print_json(NULL, text, strlen(text));
  json_decref(doc);
  free(text);
  return text != NULL ? 0 : (fprintf(stderr, "infuse: no memory for the document\n"), 4);
}

static int report(job *j) {
  if (j->o->json) return report_json(j);
  const infuse_output out = infuse_session_output(j->s);
  printf("\n");
  if (!j->o->quiet)
    fprintf(stderr, "\n%zu tokens in, %zu out (%s); %.1f tokens/s, first after %.0f ms, %.0f MiB\n",
            j->prompt_tokens, out.tokens, finishes[out.finish], per_second(j, out.tokens),
            1000 * (j->first - j->start), (double)nf_peak_rss() / (1 << 20));
  return 0;
}

// ---- all ----

static infuse_sampling sampling_of(const job *j) {
  const cli_options *o = j->o;
  infuse_sampling s = infuse_model_sampling(j->m);
  if (o->temperature >= 0) s.temperature = (float)o->temperature;
  if (o->top_k >= 0) s.top_k = (int32_t)o->top_k;
  if (o->top_p >= 0) s.top_p = (float)o->top_p;
  if (o->min_p >= 0) s.min_p = (float)o->min_p;
  s.seed = o->seed >= 0 ? (uint64_t)o->seed : (uint64_t)(nf_now() * 1e9);
  return s;
}

static infuse_thinking thinking_of(const cli_options *o) {
  if (o->think == NULL) return INFUSE_THINKING_DEFAULT;
  return strcmp(o->think, "on") == 0 ? INFUSE_THINKING_ON : INFUSE_THINKING_OFF;
}

static int generate(job *j) {
  const infuse_sampling sampling = sampling_of(j);
  const infuse_session_options so = {.size = sizeof so,
                                     .generate = true,
                                     .sampling = &sampling,
                                     .max_tokens = j->o->count,
                                     .ignore_eos = j->o->ignore_eos,
                                     .stop = j->o->stop.at,
                                     .n_stop = j->o->stop.n,
                                     .thinking = thinking_of(j->o)};
  int code = cli_fail(infuse_session_create(j->m, &so, &j->s));
  if (code == 0) code = append_prompt(j);
  if (code != 0) return code;
  j->prompt_tokens = infuse_session_pending(j->s);
  code = run(j);
  return code == 0 ? report(j) : code;
}

int cli_generate(const cli_options *o, infuse_runtime *rt) {
  if (o->model == NULL) return cli_usage("generate wants -m DIR");
  if ((o->prompt == NULL) == (o->tokens == NULL)) return cli_usage("generate wants -p TEXT or --tokens LIST");
  if (o->chat && (o->raw || o->tokens != NULL))
    return cli_usage("--chat goes with neither --raw nor --tokens");
  if (o->think != NULL && (o->raw || o->tokens != NULL))
    return cli_usage("--think goes with neither --raw nor --tokens");
  if (o->think != NULL && strcmp(o->think, "on") != 0 && strcmp(o->think, "off") != 0)
    return cli_usage("--think: '%s' is neither on nor off", o->think);
  const infuse_model_options mo = cli_model_options(o);
  job j = {.o = o, .start = nf_now()};
  int code = cli_fail(infuse_model_load(rt, o->model, &mo, &j.m));
  if (code == 0) code = generate(&j);
  nf_text_deinit(&j.text);
  infuse_session_destroy(j.s);
  infuse_model_destroy(j.m);
  return code;
}
