// SPDX-License-Identifier: Apache-2.0
// From the logits of a step to tokens: rows are looked at, and drawn from, session by session, over the
// runtime's threads. A thread takes the next session that nobody has.
#include "base/checked.h"
#include "engine/engine.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>

// Finite where the row's logits are numbers.
static float sign_of_life(const infuse_model *m, size_t row) {
  if (!nf_model_has_logits(m)) return m->best_probability[row];
  return nf_row_max(nf_model_logits(m, row), (int32_t)m->config.vocab);
}

// The first token of the share whose logits are not finite, or -1. A few of -infinity are tokens that never
// come.
static int64_t first_bad(const infuse_model *m, const nf_share *part) {
  const infuse_session *s = part->session;
  for (int64_t i = 0; i < part->rows; i++)
    if (!isfinite(sign_of_life(m, s->first_row + (size_t)i)))
      return s->first_token_position + part->tokens - part->rows + i;
  return -1;
}

static bool draws_as_they_are(const nf_generation *g) {
  return g->processors == NULL && !nf_watch_is_on(&g->answer.watch);
}

// What changes logits, on a copy.
static nf_status process(const infuse_session *s, float *logits) {
  nf_generation *g = s->generation;
  const size_t n = (size_t)s->known;
  if (g->processors != NULL) nf_processors_apply(g->processors, s->token, n, g->tokens, logits);
  NF_TRY(nf_watch_apply(&g->answer.watch, logits));
  if (nf_row_max(logits, (int32_t)s->model->config.vocab) != -INFINITY) return nf_ok();
  return nf_error(NF_USAGE, "the settings of sampling leave no token to draw after %zu tokens", n);
}

// The token behind those of the session.
static nf_status draw(const infuse_session *s, float *scratch, int32_t *out) {
  const nf_generation *g = s->generation;
  const int32_t vocab = (int32_t)s->model->config.vocab;
  const size_t n = (size_t)s->known;
  if (!nf_model_has_logits(s->model))
    return *out = s->model->best_token[s->first_row + s->n_rows - 1], nf_ok();
  const float *logits = nf_model_logits(s->model, s->first_row + s->n_rows - 1);
  if (!draws_as_they_are(g)) {
    logits = memcpy(scratch, logits, (size_t)vocab * sizeof *logits);
    NF_TRY(process(s, scratch));
  }
  *out = nf_sample(&g->settings->sampling, logits, vocab, n, scratch);
  return nf_ok();
}

bool nf_share_is_greedy(const nf_share *part) {
  const nf_generation *g = part->session->generation;
  return part->draws && g->settings->sampling.temperature == 0 && draws_as_they_are(g);
}

typedef struct drawing {
  infuse_model *m;
  _Atomic size_t *next; // share
} drawing;

static void draw_some(const void *arg, int64_t block) {
  const drawing *d = arg;
  const nf_flight *f = &d->m->flight;
  float *scratch = d->m->scratch + (size_t)block * nf_sampler_scratch((int32_t)d->m->config.vocab);
  for (size_t i; (i = atomic_fetch_add_explicit(d->next, 1, memory_order_relaxed)) < f->n_shares;) {
    nf_share *part = &f->share[i];
    part->bad = first_bad(d->m, part);
    if (part->bad < 0 && part->draws) part->failure = draw(part->session, scratch, &part->token);
  }
}

void nf_step_draw(infuse_model *m) {
  _Atomic size_t next = 0;
  if (!nf_device_computes(m->rt->device)) return;
  nf_threads_run(m->rt->threads, nf_min((int64_t)m->flight.n_shares, m->n_scratch), draw_some,
                 &(drawing){m, &next});
}
