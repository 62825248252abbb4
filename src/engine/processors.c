// SPDX-License-Identifier: Apache-2.0
// The order is that of transformers and vLLM: bias, repetition, frequency and presence penalty; bans are
// last, where their place makes no difference.
#include "engine/processors.h"
#include "base/memory.h"
#include <float.h>
#include <math.h>
#include <string.h>

typedef struct seen { // a token that the text holds, or held
  int32_t token;
  int32_t times, drawn; // in all of it, and in the answer
} seen;

struct nf_processors {
  const infuse_sampling *s;
  const nf_ids *end;
  seen *seen; // [n_seen] in the order of their first coming; NULL: nobody asks
  size_t n_seen;
  int32_t *place;             // [vocab] 1 + the token's place in `seen`, 0: none
  size_t counted, drawn_from; // tokens that `seen` knows; where the answer begins among them
};

// ---- making them ----

static bool repeats_matter(const infuse_sampling *s) {
  return (s->repetition_penalty != 0 && s->repetition_penalty != 1) || s->presence_penalty != 0 ||
         s->frequency_penalty != 0;
}

static bool any(const infuse_sampling *s) {
  return repeats_matter(s) || s->no_repeat_ngram_size != 0 || s->min_tokens != 0 || s->n_logit_bias != 0 ||
         s->n_begin_suppress_tokens != 0;
}

nf_status nf_processors_create(const infuse_sampling *s, int64_t vocab, const nf_ids *end,
                               nf_processors **out) {
  if (!any(s)) return *out = NULL, nf_ok();
  NF_TRY(nf_make(out, 1, sizeof **out, "the settings of sampling"));
  **out = (nf_processors){.s = s, .end = end};
  if (!repeats_matter(s)) return nf_ok();
  NF_TRY(nf_make(&(*out)->seen, (size_t)vocab, sizeof *(*out)->seen, "the tokens of a text"));
  return nf_make(&(*out)->place, (size_t)vocab, sizeof *(*out)->place, "the tokens of a text");
}

void nf_processors_destroy(nf_processors *p) {
  if (p == NULL) return;
  nf_free(p->seen);
  nf_free(p->place);
  nf_free(p);
}

// ---- counts ----

static seen *seen_of(nf_processors *p, int32_t token) {
  if (p->place[token] == 0) {
    p->seen[p->n_seen].token = token;
    p->place[token] = (int32_t)++p->n_seen;
  }
  return &p->seen[p->place[token] - 1];
}

// With a new answer the one before is part of the prompt.
static void begin_answer(nf_processors *p, const int32_t *token, size_t from) {
  for (size_t i = 0; i < p->n_seen; i++) p->seen[i].drawn = 0;
  for (size_t i = from; i < p->counted; i++) seen_of(p, token[i])->drawn++;
  p->drawn_from = from;
}

static void count(nf_processors *p, const int32_t *token, size_t n, size_t drawn) {
  if (p->drawn_from != n - drawn) begin_answer(p, token, n - drawn);
  for (; p->counted < n; p->counted++) {
    seen *t = seen_of(p, token[p->counted]);
    t->times++;
    t->drawn += p->counted >= p->drawn_from;
  }
}

void nf_processors_cut(nf_processors *p, const int32_t *token, size_t n) {
  if (p == NULL || p->seen == NULL) return;
  for (; p->counted > n; p->counted--) {
    seen *t = seen_of(p, token[p->counted - 1]);
    t->times--;
    t->drawn -= p->counted > p->drawn_from;
  }
}

// ---- applying them ----

static float capped(float x) { return x > FLT_MAX ? FLT_MAX : x; }

// Whether the text ends in the n tokens of `end`.
static bool ends_in(const int32_t *token, size_t n_token, const int32_t *end, size_t n) {
  return n <= n_token && memcmp(token + n_token - n, end, n * sizeof *end) == 0;
}

static void add_biases(const infuse_sampling *s, const int32_t *token, size_t n, float *logits) {
  for (size_t i = 0; i < s->n_logit_bias; i++) {
    const infuse_logit_bias *b = &s->logit_bias[i];
    float *x = &logits[b->token[b->n - 1]];
    if (ends_in(token, n, b->token, b->n - 1)) *x = capped(*x + b->bias);
  }
}

static void penalise(const nf_processors *p, float *logits) {
  const float repetition = p->s->repetition_penalty != 0 ? p->s->repetition_penalty : 1;
  for (size_t i = 0; i < p->n_seen; i++) {
    const seen *t = &p->seen[i];
    float x = logits[t->token];
    if (t->times > 0) x = x > 0 ? x / repetition : x * repetition;
    if (t->drawn > 0) x -= p->s->frequency_penalty * (float)t->drawn + p->s->presence_penalty;
    logits[t->token] = capped(x);
  }
}

static void ban(const int32_t *list, size_t n, float *logits) {
  for (size_t i = 0; i < n; i++) logits[list[i]] = -INFINITY;
}

// What followed each earlier place of the last size - 1 tokens.
static void ban_repeats(size_t size, const int32_t *token, size_t n, float *logits) {
  if (size == 0 || n < size) return;
  for (size_t end = size - 1; end < n; end++)
    if (ends_in(token, end, token + n - (size - 1), size - 1)) logits[token[end]] = -INFINITY;
}

void nf_processors_apply(nf_processors *p, const int32_t *token, size_t n, size_t drawn, float *logits) {
  const infuse_sampling *s = p->s;
  add_biases(s, token, n, logits);
  if (p->seen != NULL) {
    count(p, token, n, drawn < n ? drawn : n);
    penalise(p, logits);
  }
  if (drawn == 0) ban(s->begin_suppress_tokens, s->n_begin_suppress_tokens, logits);
  if (drawn < (size_t)s->min_tokens) ban(p->end->at, p->end->n, logits);
  ban_repeats((size_t)s->no_repeat_ngram_size, token, n, logits);
}
