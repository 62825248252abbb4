// SPDX-License-Identifier: Apache-2.0
// How tokens are drawn: what the model asks for, as far as options say nothing else.
#include "base/text.h"
#include "cli/cli.h"
#include <math.h>
#include <string.h>

// "ID:VALUE" of --logit-bias.
static int add_bias(const char *text, cli_biases *b, size_t at) {
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
static int add_biases(const cli_options *o, cli_biases *b, infuse_sampling *s) {
  const size_t n = o->logit_bias.n;
  if (n == 0) return 0;
  if (s->n_logit_bias > CLI_MAX_BIASES - n)
    return cli_usage("--logit-bias: with the model's own %zu there are more than %d", s->n_logit_bias,
                     CLI_MAX_BIASES);
  for (size_t i = 0; i < n; i++) {
    const int code = add_bias(o->logit_bias.at[i], b, i);
    if (code != 0) return code;
  }
  if (s->n_logit_bias != 0) memcpy(b->bias + n, s->logit_bias, s->n_logit_bias * sizeof *b->bias);
  s->logit_bias = b->bias;
  s->n_logit_bias += n;
  return 0;
}

int cli_sampling(const cli_options *o, const infuse_model *m, cli_biases *room, infuse_sampling *out) {
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
