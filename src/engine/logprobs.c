// SPDX-License-Identifier: Apache-2.0
// Logarithms of probabilities. A row costs three passes over the vocabulary: its maximum, the sum of the
// exponentials with how many tokens are likelier, and the best few. Threads take row by row.
#include "engine/logprobs.h"
#include "base/checked.h"
#include "base/exp.h"
#include "engine/engine.h"
#include <math.h>
#include <stdatomic.h>

// ---- results ----

nf_status nf_logprobs_init(nf_logprobs *l, int64_t top, int64_t vocab, int64_t most) {
  if (top < 0 || top > INFUSE_TOP_LOGPROBS)
    return nf_error(NF_USAGE, "top_logprobs is %ld; it must be 0 to %d", (long)top, INFUSE_TOP_LOGPROBS);
  const size_t width = 1 + (size_t)nf_min(top, vocab);
  NF_TRY(nf_make(&l->told, (size_t)most * width, sizeof *l->told, "logprobs"));
  NF_TRY(nf_make(&l->next, (size_t)most * width, sizeof *l->next, "logprobs"));
  l->width = width, l->most = (size_t)most;
  return nf_ok();
}

void nf_logprobs_deinit(nf_logprobs *l) {
  nf_free(l->told);
  nf_free(l->next);
}

void nf_logprobs_forget(nf_logprobs *l) { l->n = 0; }

void nf_logprobs_drop(nf_logprobs *l, size_t n) { l->n -= l->n < n ? l->n : n; }

void nf_logprobs_turn(nf_logprobs *l, size_t n, size_t first) {
  infuse_logprob *next = l->told;
  if (l->width == 0) return;
  l->told = l->next, l->next = next;
  l->n = n, l->first = first;
}

void infuse_session_logprobs_sized(const infuse_session *s, infuse_logprobs *out, size_t size) {
  const nf_logprobs *l = s != NULL ? &s->logprobs : NULL;
  const infuse_logprobs ours =
      l == NULL || l->n == 0 ? (infuse_logprobs){0} : (infuse_logprobs){l->told, l->n, l->width, l->first};
  nf_result_copy(out, size, &ours, sizeof ours);
}

// ---- a row ----

// Without branches, so that compilers vectorise it; in blocks, as a sum of so many floats would be none.
static double sum_of(const float *x, int32_t n, float max) {
  enum { BLOCK = 256, LANES = 16 };
  double all = 0;
  int32_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) {
    float lane[LANES] = {0}, block = 0;
    for (int32_t k = 0; k < BLOCK; k += LANES)
      for (int l = 0; l < LANES; l++) lane[l] += nf_exp_down(x[i + k + l] - max);
    for (int l = 0; l < LANES; l++) block += lane[l];
    all += (double)block;
  }
  for (; i < n; i++) all += (double)nf_exp_down(x[i] - max);
  return all;
}

static int32_t likelier(const float *x, int32_t n, float than) {
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) count += x[i] > than;
  return count;
}

// The best `k` of the row to out [k]; a token has its logit meanwhile.
static void find_best(const float *x, int32_t n, infuse_logprob *out, size_t k) {
  size_t have = 0;
  for (int32_t i = 0; i < n && k != 0; i++) {
    if (have == k && !(x[i] > out[k - 1].logprob)) continue;
    size_t at = have < k ? have++ : k - 1;
    for (; at > 0 && x[i] > out[at - 1].logprob; at--) out[at] = out[at - 1];
    out[at] = (infuse_logprob){.token = i, .logprob = x[i]};
  }
}

void nf_logprobs_of(const float *logits, int32_t vocab, int32_t token, infuse_logprob *out, size_t width) {
  const float max = nf_row_max(logits, vocab);
  const double log_sum = log(sum_of(logits, vocab, max));
  out[0] = (infuse_logprob){token, 1 + likelier(logits, vocab, logits[token]), logits[token]};
  find_best(logits, vocab, out + 1, width - 1);
  for (size_t i = 1; i < width; i++)
    out[i].rank = i > 1 && out[i].logprob == out[i - 1].logprob ? out[i - 1].rank : (int32_t)i;
  for (size_t i = 0; i < width; i++) out[i].logprob = (float)((double)(out[i].logprob - max) - log_sum);
}

// ---- a step ----

// The token behind row r of the share; -1: there is none.
static int32_t token_behind(const nf_share *part, int64_t r) {
  const infuse_session *s = part->session;
  const int64_t at = s->first_token_position + part->tokens - part->rows + r + 1;
  if (at < s->known) return s->token[at];
  return at - s->known < (int64_t)part->n_drawn ? part->token[at - s->known] : -1;
}

static bool asks(const nf_share *part) {
  return part->session->logprobs.width != 0 && part->bad < 0 && nf_is_ok(part->failure);
}

static void tell_row(const infuse_model *m, const nf_share *part, size_t row) {
  nf_logprobs *l = &part->session->logprobs;
  const size_t r = row - part->session->first_row;
  const int32_t token = asks(part) ? token_behind(part, (int64_t)r) : -1;
  if (token >= 0)
    nf_logprobs_of(nf_model_logits(m, row), (int32_t)m->config.vocab, token, l->next + r * l->width,
                   l->width);
}

typedef struct telling {
  const infuse_model *m;
  _Atomic size_t *next; // row
} telling;

static void tell_some(const void *arg, int64_t block) {
  const telling *t = arg;
  const nf_flight *f = &t->m->flight;
  (void)block;
  for (size_t row, i = 0;
       (row = atomic_fetch_add_explicit(t->next, 1, memory_order_relaxed)) < (size_t)f->at.of[NF_R];) {
    while (row >= f->share[i].session->first_row + (size_t)f->share[i].rows) i++; // rows only grow
    tell_row(t->m, &f->share[i], row);
  }
}

void nf_step_logprobs(infuse_model *m) {
  const nf_flight *f = &m->flight;
  _Atomic size_t next = 0;
  bool any = false;
  for (size_t i = 0; i < f->n_shares; i++) any |= f->share[i].rows != 0 && asks(&f->share[i]);
  if (any && nf_device_computes(m->rt->device))
    nf_threads_run(m->rt->threads, nf_min(f->at.of[NF_R], nf_threads_count(m->rt->threads)), tell_some,
                   &(telling){m, &next});
}

void nf_share_turn_logprobs(const nf_share *part) {
  const infuse_session *s = part->session;
  const int64_t first = s->first_token_position + part->tokens - part->rows + 1;
  const int64_t all = asks(part) ? nf_min(part->rows, s->known + (int64_t)part->n_drawn - first) : 0;
  nf_logprobs_turn(&part->session->logprobs, (size_t)nf_max(0, all), (size_t)first);
}

void nf_share_add_logprobs(const nf_share *part, const float *logits, int32_t token) {
  nf_logprobs *l = &part->session->logprobs;
  if (l->width == 0) return;
  nf_logprobs_of(logits, (int32_t)part->session->model->config.vocab, token, l->told + l->n++ * l->width,
                 l->width);
}
