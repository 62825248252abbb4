// SPDX-License-Identifier: Apache-2.0
// infuse generate: a prompt, or a message, and what the model makes of it, as it comes.
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/cli.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct job {
  const cli_options *o;
  infuse_model *m;
  infuse_session *s;
  double start, first, end; // seconds: before loading, at the first token (0: none yet), at the last
  uint64_t seed;
  size_t prompt_tokens;
  char *tools;  // of --tools; NULL: none
  char *schema; // of --json-schema; NULL: none
  cli_answer answer;
} job;

static const char *const finishes[] = {"interrupted", "stop", "length", "context full", "failed"};

static int no_memory(void) { return fprintf(stderr, "infuse: no memory for the answer\n"), 4; }

// ---- the prompt ----

bool cli_wants_chat(const cli_options *o) {
  return o->chat || o->think != NULL || o->system != NULL || o->tools != NULL || o->effort != NULL;
}

static bool is_chat(const job *j) {
  return cli_wants_chat(j->o) || (!j->o->raw && infuse_model_chat_format(j->m) != NULL);
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
  int32_t *ids;
  size_t n_ids;
  int code = cli_fail(infuse_model_check_text(j->m));
  if (code != 0) return code;
  code = cli_fail(infuse_encode(t, text, n, 0, &ids, &n_ids));
  if (code != 0) return code;
  code = n_ids != 0 ? cli_fail(infuse_session_append(j->s, ids, n_ids)) : cli_usage("the prompt is empty");
  infuse_free(ids);
  return code;
}

static int append_chat(job *j, const char *text, size_t n) {
  const infuse_message messages[] = {{"system", j->o->system}, {"user", text, n}};
  const size_t skip = j->o->system == NULL;
  return cli_fail(infuse_session_chat(j->s, messages + skip, 2 - skip));
}

static int append_prompt(job *j) {
  if (j->o->tokens != NULL) return append_ids(j);
  char *text = NULL;
  size_t n;
  int code = cli_read_text(j->o->prompt, &text, &n);
  if (code == 0) code = is_chat(j) ? append_chat(j, text, n) : append_text(j, text, n);
  nf_free(text);
  return code;
}

// ---- the answer ----

static int run(job *j) {
  infuse_output out = infuse_session_output(j->s);
  while (out.finish == INFUSE_RUNNING && cli_interrupted == 0) {
    int code = cli_fail(infuse_step(j->m, &j->s, 1));
    if (code == 0) code = cli_fail(infuse_error_copy(infuse_session_error(j->s)));
    if (code != 0) return code;
    out = infuse_session_output(j->s);
    if (out.token >= 0) j->end = nf_now();
    if (j->first == 0) j->first = j->end;
    if (!cli_answer_add(&j->answer, &out)) return no_memory();
    fflush(stdout);
  }
  return 0;
}

// ---- figures ----

static double per_second(const job *j, size_t tokens) {
  return tokens > 1 && j->end > j->first ? (double)(tokens - 1) / (j->end - j->first) : 0;
}

static json_t *figures(const job *j, const infuse_output *out) {
  return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:f, s:I}", "schema", "infuse.generate/2", "finish",
                   finishes[out->finish], "seed", (json_int_t)j->seed, "prompt_tokens",
                   (json_int_t)j->prompt_tokens, "tokens", (json_int_t)out->tokens, "first_token_seconds",
                   j->first != 0 ? json_real(j->first - j->start) : json_null(), "tokens_per_second",
                   per_second(j, out->tokens), "peak_memory", (json_int_t)nf_peak_rss());
}

static void print_figures(const job *j, const infuse_output *out) {
  fprintf(stderr, "\n%zu tokens in, %zu out (%s)", j->prompt_tokens, out->tokens, finishes[out->finish]);
  if (j->first != 0)
    fprintf(stderr, "; %.1f tokens/s, first after %.0f ms", per_second(j, out->tokens),
            1000 * (j->first - j->start));
  fprintf(stderr, ", %.0f MiB", (double)nf_peak_rss() / (1 << 20));
  if (j->o->seed < 0) fprintf(stderr, ", seed %lu", (unsigned long)j->seed);
  fputc('\n', stderr);
}

static int report(job *j) {
  const infuse_output out = infuse_session_output(j->s);
  if (!cli_answer_end(&j->answer, figures(j, &out))) return no_memory();
  fflush(stdout);
  if (!j->o->quiet && !j->o->json && !j->o->stream) print_figures(j, &out);
  return 0;
}

// ---- sampling ----

enum { MAX_BIASES = 4096 };
typedef struct biases { // what infuse_sampling points to
  infuse_logit_bias bias[MAX_BIASES];
  int32_t token[CLI_MAX_LIST];
} biases;

// "ID:VALUE" of --logit-bias.
static int add_bias(const char *text, biases *b, size_t at) {
  const char *colon = strchr(text, ':');
  int64_t id;
  double value;
  if (colon == NULL || !nf_parse_i64((nf_view){text, (size_t)(colon - text)}, &id) || id < 0 ||
      id > INT32_MAX || !nf_parse_f64(nf_view_of(colon + 1), &value) || !(fabs(value) <= 1e6))
    return cli_usage("--logit-bias: '%s' is not ID:VALUE, such as 42:-5", text);
  b->token[at] = (int32_t)id;
  b->bias[at] = (infuse_logit_bias){&b->token[at], 1, (float)value};
  return 0;
}

// Those of the command line come in front of the model's own.
static int add_biases(const cli_options *o, biases *b, infuse_sampling *s) {
  const size_t n = o->logit_bias.n;
  if (n == 0) return 0;
  if (s->n_logit_bias > MAX_BIASES - n)
    return cli_usage("--logit-bias: with the model's own %zu there are more than %d", s->n_logit_bias,
                     MAX_BIASES);
  for (size_t i = 0; i < n; i++) {
    const int code = add_bias(o->logit_bias.at[i], b, i);
    if (code != 0) return code;
  }
  if (s->n_logit_bias != 0) memcpy(b->bias + n, s->logit_bias, s->n_logit_bias * sizeof *b->bias);
  s->logit_bias = b->bias;
  s->n_logit_bias += n;
  return 0;
}

// The model's with what the options say, but for the seed; `room` must live as long as *out is used. 0, or
// the exit code.
static int sampling_of(const cli_options *o, const infuse_model *m, biases *room, infuse_sampling *out) {
  infuse_sampling s = infuse_model_sampling(m);
  if (o->temperature >= 0) s.temperature = (float)o->temperature;
  if (o->top_k >= 0) s.top_k = (int32_t)o->top_k;
  if (o->top_p >= 0) s.top_p = (float)o->top_p;
  if (o->min_p >= 0) s.min_p = (float)o->min_p;
  if (o->repetition_penalty >= 0) s.repetition_penalty = (float)o->repetition_penalty;
  if (!isnan(o->presence_penalty)) s.presence_penalty = (float)o->presence_penalty;
  if (!isnan(o->frequency_penalty)) s.frequency_penalty = (float)o->frequency_penalty;
  if (o->no_repeat_ngram >= 0) s.no_repeat_ngram_size = (int32_t)o->no_repeat_ngram;
  if (o->min_tokens >= 0) s.min_tokens = o->min_tokens;
  const int code = add_biases(o, room, &s);
  if (code == 0) *out = s;
  return code;
}

// ---- all ----

infuse_thinking cli_thinking(const cli_options *o) {
  if (o->think == NULL) return INFUSE_THINKING_DEFAULT;
  return strcmp(o->think, "on") == 0 ? INFUSE_THINKING_ON : INFUSE_THINKING_OFF;
}

static cli_form form_of(const job *j) {
  if (j->o->stream) return CLI_LINES;
  if (j->o->json) return CLI_DOCUMENT;
  return infuse_model_tokenizer(j->m) != NULL ? CLI_TEXT : CLI_IDS;
}

static int create_session(job *j) {
  const cli_options *o = j->o;
  biases room;
  infuse_sampling sampling;
  const int code = sampling_of(o, j->m, &room, &sampling);
  if (code != 0) return code;
  j->seed = o->seed >= 0 ? (uint64_t)o->seed : (uint64_t)(nf_now() * 1e9) & UINT32_MAX; // short to type
  sampling.seed = j->seed;
  const infuse_session_options so = {.size = sizeof so,
                                     .generate = true,
                                     .sampling = &sampling,
                                     .max_tokens = o->count,
                                     .ignore_eos = o->ignore_eos,
                                     .stop = o->stop.at,
                                     .n_stop = o->stop.n,
                                     .stop_in_thoughts = o->stop_in_thoughts,
                                     .thinking = cli_thinking(o),
                                     .effort = o->effort,
                                     .tools = j->tools,
                                     .json_schema = j->schema,
                                     .json_object = o->json_object,
                                     .regex = o->regex,
                                     .choices = o->choice.at,
                                     .n_choices = o->choice.n,
                                     .guesses = (int32_t)o->speculate};
  return cli_fail(infuse_session_create(j->m, &so, &j->s));
}

static int generate(job *j) {
  size_t n;
  if (!cli_answer_init(&j->answer, form_of(j))) return no_memory();
  int code = j->o->tools != NULL ? cli_read(j->o->tools, &j->tools, &n) : 0;
  if (code == 0 && j->o->json_schema != NULL) code = cli_read_text(j->o->json_schema, &j->schema, &n);
  if (code == 0) code = create_session(j);
  if (code == 0) code = append_prompt(j);
  if (code != 0) return code;
  j->prompt_tokens = infuse_session_pending(j->s);
  code = run(j);
  return code == 0 ? report(j) : code;
}

static int check(const cli_options *o) {
  if (o->model == NULL) return cli_usage("generate wants -m DIR");
  if ((o->prompt == NULL) == (o->tokens == NULL)) return cli_usage("generate wants -p TEXT or --tokens LIST");
  if (cli_wants_chat(o) && (o->raw || o->tokens != NULL))
    return cli_usage("%s goes with neither --raw nor --tokens", o->chat             ? "--chat"
                                                                : o->think != NULL  ? "--think"
                                                                : o->system != NULL ? "--system"
                                                                : o->tools != NULL  ? "--tools"
                                                                                    : "--effort");
  return 0;
}

int cli_generate(const cli_options *o, infuse_runtime *rt) {
  infuse_model_options mo = cli_model_options(o);
  mo.rows = o->speculate != 0 ? o->speculate + 1 : 0;
  job j = {.o = o, .start = nf_now()};
  int code = check(o);
  if (code == 0) code = cli_fail(infuse_model_load(rt, o->model, &mo, &j.m));
  if (code == 0) code = generate(&j);
  cli_answer_deinit(&j.answer);
  infuse_session_destroy(j.s);
  infuse_model_destroy(j.m);
  nf_free(j.tools);
  nf_free(j.schema);
  return code;
}
