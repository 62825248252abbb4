// SPDX-License-Identifier: Apache-2.0
#include "engine/sampling.h"
#include "base/memory.h"
#include "engine/engine.h"
#include <math.h>
#include <string.h>

// ---- what the model asks for ----

// Of all that generation_config.json has for it: sequences with a bias, bad words, suppressed tokens.
static size_t fill_biases(const nf_generation_config *g, infuse_logit_bias *out) {
  size_t n = 0;
  for (size_t i = 0; i < g->n_bias; i++)
    out[n++] = (infuse_logit_bias){g->bias[i].ids.id, g->bias[i].ids.n, g->bias[i].bias};
  for (size_t i = 0; i < g->n_bad_words; i++)
    out[n++] = (infuse_logit_bias){g->bad_words[i].id, g->bad_words[i].n, -INFINITY};
  for (size_t i = 0; i < g->suppress.n; i++) out[n++] = (infuse_logit_bias){&g->suppress.id[i], 1, -INFINITY};
  return n;
}

nf_status nf_model_make_sampling(infuse_model *m) {
  const nf_generation_config *g = &m->generation;
  m->biases = nf_alloc(g->n_bias + g->n_bad_words + g->suppress.n, sizeof *m->biases);
  if (m->biases == NULL) return nf_error(NF_NO_MEMORY, "no memory for the settings of sampling");
  m->sampling = (infuse_sampling){.size = sizeof m->sampling,
                                  .temperature = g->temperature,
                                  .top_k = g->top_k,
                                  .top_p = g->top_p,
                                  .min_p = g->min_p,
                                  .repetition_penalty = g->repetition_penalty,
                                  .frequency_penalty = g->frequency_penalty,
                                  .presence_penalty = g->presence_penalty,
                                  .no_repeat_ngram_size = g->no_repeat_ngram,
                                  .min_tokens = g->min_new_tokens,
                                  .logit_bias = m->biases,
                                  .n_logit_bias = fill_biases(g, m->biases),
                                  .begin_suppress_tokens = g->begin_suppress.id,
                                  .n_begin_suppress_tokens = g->begin_suppress.n};
  return nf_ok();
}

void infuse_model_sampling_sized(const infuse_model *m, infuse_sampling *out, size_t size) {
  infuse_sampling s = m != NULL ? m->sampling : (infuse_sampling){0};
  s.size = size;
  nf_result_copy(out, size, &s, sizeof s);
}

// ---- checking ----

#define AT(field) offsetof(infuse_sampling, field)
static const struct {
  const char *name;
  size_t at;
  float lo, hi;
} bounds[] = {{"temperature", AT(temperature), 0, 1e6f},
              {"top_p", AT(top_p), 0, 1},
              {"min_p", AT(min_p), 0, 1},
              {"repetition_penalty", AT(repetition_penalty), 0, 1000},
              {"frequency_penalty", AT(frequency_penalty), -1000, 1000},
              {"presence_penalty", AT(presence_penalty), -1000, 1000}};

static nf_status check_numbers(const infuse_sampling *s) {
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    float x;
    memcpy(&x, (const char *)s + bounds[i].at, sizeof x);
    if (!(x >= bounds[i].lo && x <= bounds[i].hi))
      return nf_error(NF_USAGE, "%s is %g; it must lie between %g and %g", bounds[i].name, (double)x,
                      (double)bounds[i].lo, (double)bounds[i].hi);
  }
  if (s->top_k < 0) return nf_error(NF_USAGE, "top_k is %d; it must be at least 1, or 0 for off", s->top_k);
  if (s->no_repeat_ngram_size < 0)
    return nf_error(NF_USAGE, "no_repeat_ngram_size is %d; it must be at least 1, or 0 for off",
                    s->no_repeat_ngram_size);
  if (s->min_tokens < 0)
    return nf_error(NF_USAGE, "min_tokens is %ld; it can't be negative", (long)s->min_tokens);
  return nf_ok();
}

static nf_status check_ids(const infuse_model *m, const char *name, const int32_t *id, size_t n) {
  if (n != 0 && id == NULL) return nf_error(NF_USAGE, "%s has %zu tokens, but they are NULL", name, n);
  for (size_t i = 0; i < n; i++)
    if (id[i] < 0 || id[i] >= m->config.vocab)
      return nf_error(NF_BAD_INPUT, "%s names id %d; the vocabulary has ids 0 to %ld", name, id[i],
                      (long)m->config.vocab - 1);
  return nf_ok();
}

static nf_status check_biases(const infuse_model *m, const infuse_sampling *s) {
  if (s->n_logit_bias != 0 && s->logit_bias == NULL)
    return nf_error(NF_USAGE, "n_logit_bias is %zu, but logit_bias is NULL", s->n_logit_bias);
  for (size_t i = 0; i < s->n_logit_bias; i++) {
    const infuse_logit_bias *b = &s->logit_bias[i];
    if (b->n == 0) return nf_error(NF_USAGE, "logit_bias %zu has no tokens", i);
    if (!isfinite(b->bias) && b->bias != -INFINITY)
      return nf_error(NF_USAGE, "logit_bias %zu is %g; it must be a finite number, or -infinity", i,
                      (double)b->bias);
    NF_TRY(check_ids(m, "logit_bias", b->token, b->n));
  }
  return check_ids(m, "begin_suppress_tokens", s->begin_suppress_tokens, s->n_begin_suppress_tokens);
}

// What all versions have, and all that is read of a struct that does not say its size.
enum { FIRST_SIZE = AT(n_begin_suppress_tokens) + sizeof(size_t) };
_Static_assert(FIRST_SIZE == 88, "programs are compiled with this");

static nf_status copy_options(const infuse_model *m, const infuse_sampling *theirs, infuse_sampling *out) {
  if (theirs == NULL)
    *out = m->sampling;
  else if (theirs->size == 0)
    memcpy(out, theirs, FIRST_SIZE);
  else
    NF_TRY(nf_options_copy(out, sizeof *out, theirs, "infuse_sampling"));
  NF_TRY(check_numbers(out));
  return check_biases(m, out);
}

// ---- tokens that end an answer ----

static nf_status push_all(nf_ids *out, const int32_t *id, size_t n) {
  for (size_t i = 0; i < n; i++) NF_TRY(nf_ids_push(out, id[i]));
  return nf_ok();
}

static nf_status find_ends(const infuse_model *m, const infuse_session_options *o, nf_ids *out) {
  NF_TRY(push_all(out, o->stop_tokens, o->n_stop_tokens));
  if (o->ignore_eos) return nf_ok();
  NF_TRY(push_all(out, m->generation.eos, (size_t)m->generation.n_eos));
  for (int32_t id = 0; m->chat != NULL && id < (int32_t)m->config.vocab; id++)
    if (nf_token_is_special(m->tokenizer, id) && m->chat->is_stop(m->tokenizer, id))
      NF_TRY(nf_ids_push(out, id));
  return nf_ok();
}

// ---- a session's sampler ----

static nf_status create_processors(const infuse_model *m, const infuse_session_options *o,
                                   const infuse_sampling *s, nf_processors **out) {
  nf_ids end = {0};
  nf_status st = s->min_tokens != 0 ? find_ends(m, o, &end) : nf_ok();
  if (nf_is_ok(st)) st = check_ids(m, "stop_tokens", end.at, end.n);
  if (nf_is_ok(st)) st = nf_processors_create(s, m->config.vocab, end.at, end.n, out);
  nf_ids_deinit(&end);
  return st;
}

nf_status nf_session_sampler_init(const infuse_model *m, const infuse_session_options *o,
                                  nf_session_sampler *out) {
  infuse_sampling s = {0};
  NF_TRY(copy_options(m, o->sampling, &s));
  out->sampling = (nf_sampling){s.temperature, s.top_k, s.top_p, s.min_p, s.seed};
  return create_processors(m, o, &s, &out->processors);
}

void nf_session_sampler_deinit(nf_session_sampler *s) { nf_processors_destroy(s->processors); }

nf_status nf_session_sampler_copy(const nf_session_sampler *from, nf_session_sampler *out) {
  *out = (nf_session_sampler){.sampling = from->sampling};
  return from->processors != NULL ? nf_processors_copy(from->processors, &out->processors) : nf_ok();
}

nf_status nf_session_sampler_draw(nf_session_sampler *s, nf_sampler_scratch *scratch, int64_t vocab,
                                  const float *logits, const int32_t *token, size_t n, size_t drawn,
                                  int32_t *out) {
  if (s->processors != NULL) {
    float *changed = memcpy(scratch->logit, logits, (size_t)vocab * sizeof *logits);
    nf_processors_apply(s->processors, token, n, drawn, changed);
    if (nf_row_max(changed, (int32_t)vocab) == -INFINITY)
      return nf_error(NF_USAGE, "the settings of sampling leave no token to draw after %zu tokens", n);
    logits = changed;
  }
  *out = nf_sample(&s->sampling, logits, (int32_t)vocab, n, scratch);
  return nf_ok();
}
