// SPDX-License-Identifier: Apache-2.0
// Sampling and the other options of a session, the loop over its steps, and the figures of what came of them.
#include "cli/session.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

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

// ---- sessions ----

bool cli_wants_chat(const cli_options *o) {
  return o->chat || o->think != NULL || o->system != NULL || o->tools != NULL || o->effort != NULL;
}

infuse_thinking cli_thinking(const cli_options *o) {
  if (o->think == NULL) return INFUSE_THINKING_DEFAULT;
  return strcmp(o->think, "on") == 0 ? INFUSE_THINKING_ON : INFUSE_THINKING_OFF;
}

uint64_t cli_seed(const cli_options *o) {
  return o->seed >= 0 ? (uint64_t)o->seed : (uint64_t)(nf_now() * 1e9) & UINT32_MAX;
}

// With the texts of --tools and --json-schema, NULL where there are none.
static int create(cli_session *s, const char *tools, const char *schema) {
  const cli_options *o = s->o;
  biases room;
  infuse_sampling sampling;
  const int code = sampling_of(o, s->m, &room, &sampling);
  if (code != 0) return code;
  sampling.seed = s->seed;
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
                                     .tools = tools,
                                     .json_schema = schema,
                                     .json_object = o->json_object,
                                     .regex = o->regex,
                                     .choices = o->choice.at,
                                     .n_choices = o->choice.n,
                                     .guesses = (int32_t)o->speculate};
  return cli_fail(infuse_session_create(s->m, &so, &s->s));
}

int cli_session_open(cli_session *s) {
  char *tools = NULL, *schema = NULL;
  size_t n;
  int code = s->o->tools != NULL ? cli_read(s->o->tools, &tools, &n) : 0;
  if (code == 0 && s->o->json_schema != NULL) code = cli_read_text(s->o->json_schema, &schema, &n);
  if (code == 0) code = create(s, tools, schema);
  nf_free(tools);
  nf_free(schema);
  return code;
}

void cli_session_close(cli_session *s) {
  infuse_session_destroy(s->s);
  s->s = NULL;
}

// ---- answers ----

int cli_session_no_memory(void) { return fprintf(stderr, "infuse: no memory for the answer\n"), 4; }

static infuse_error *step(cli_session *s) {
  infuse_error *e = infuse_step(s->m, &s->s, 1);
  return e != NULL ? e : infuse_error_copy(infuse_session_error(s->s));
}

int cli_session_run(cli_session *s, bool (*take)(void *user, const infuse_output *out), void *user) {
  infuse_output out = infuse_session_output(s->s);
  s->first = s->end = 0;
  s->prompt_tokens = infuse_session_pending(s->s);
  while (out.finish == INFUSE_RUNNING && cli_interrupted == 0) {
    infuse_error *e = step(s);
    if (cli_interrupted && infuse_error_code(e) == INFUSE_CANCELLED) return infuse_error_free(e), 0;
    if (e != NULL) return cli_fail(e);
    out = infuse_session_output(s->s);
    if (out.token >= 0) s->end = nf_now();
    if (s->first == 0) s->first = s->end;
    if (!take(user, &out)) return cli_session_no_memory();
    fflush(stdout);
  }
  return 0;
}

// ---- figures ----

const char *cli_session_finish(const cli_session *s) {
  static const char *const names[] = {"interrupted", "stop", "length", "context full", "failed"};
  return names[infuse_session_output(s->s).finish];
}

double cli_session_rate(const cli_session *s) {
  const size_t tokens = infuse_session_output(s->s).tokens;
  return tokens > 1 && s->end > s->first ? (double)(tokens - 1) / (s->end - s->first) : 0;
}

void cli_session_print(const cli_session *s) {
  fprintf(stderr, "%zu tokens in, %zu out (%s)", s->prompt_tokens, infuse_session_output(s->s).tokens,
          cli_session_finish(s));
  if (s->first != 0)
    fprintf(stderr, "; %.1f tokens/s, first after %.0f ms", cli_session_rate(s),
            1000 * (s->first - s->start));
  fprintf(stderr, ", %.0f MiB", (double)nf_peak_rss() / (1 << 20));
  if (s->o->seed < 0) fprintf(stderr, ", seed %lu", (unsigned long)s->seed);
  fputc('\n', stderr);
}
