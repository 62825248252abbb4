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
static int64_t first_bad(const infuse_model *m, const nf_share *part, int64_t first, int64_t end) {
  const infuse_session *s = part->session;
  for (int64_t i = first; i < end; i++)
    if (!isfinite(sign_of_life(m, s->first_row + (size_t)i)))
      return s->first_token_position + part->tokens - part->rows + i;
  return -1;
}

static bool draws_as_they_are(const nf_generation *g) {
  return g->processors == NULL && !nf_watch_is_on(&g->answer.watch);
}

// What changes logits, on a copy: those behind the first n of its tokens, of which `more` are not known yet.
static nf_status process(const infuse_session *s, size_t n, size_t more, float *logits) {
  nf_generation *g = s->generation;
  if (g->processors != NULL) nf_processors_apply(g->processors, s->token, n, g->tokens + more, logits);
  NF_TRY(nf_watch_apply(&g->answer.watch, logits));
  if (nf_row_max(logits, (int32_t)s->model->config.vocab) != -INFINITY) return nf_ok();
  return nf_error(NF_USAGE, "the settings of sampling leave no token to draw after %zu tokens", n);
}

// The token behind those of the session and `more` of its guesses, by row `row` of the step.
static nf_status draw(const infuse_session *s, size_t more, size_t row, float *scratch, int32_t *out) {
  const nf_generation *g = s->generation;
  const int32_t vocab = (int32_t)s->model->config.vocab;
  const size_t n = (size_t)s->known + more;
  if (!nf_model_has_logits(s->model)) return *out = s->model->best_token[row], nf_ok();
  const float *logits = nf_model_logits(s->model, row);
  if (!draws_as_they_are(g)) {
    logits = memcpy(scratch, logits, (size_t)vocab * sizeof *logits);
    NF_TRY(process(s, n, more, scratch));
  }
  *out = nf_sample(&g->settings->sampling, logits, vocab, n, scratch);
  return nf_ok();
}

static bool is_constrained(const nf_share *part) {
  return part->session->generation->answer.watch.constraint != NULL;
}

// Goes on as long as what is drawn was guessed. What is wrong behind the first token is found again, and
// told, by the step that has nothing else to say.
static void draw_all(const infuse_model *m, nf_share *part, float *scratch) {
  const infuse_session *s = part->session;
  const int64_t first = part->rows - part->guesses;
  bool right = true;
  for (int64_t i = 0; i <= part->guesses && right; i++) {
    int32_t *token = &part->token[i];
    if (i != 0 && first_bad(m, part, first + i - 1, first + i) >= 0) return;
    nf_status st = draw(s, (size_t)i, s->first_row + (size_t)(first + i - 1), scratch, token);
    if (!nf_is_ok(st) && i == 0) part->failure = st;
    if (!nf_is_ok(st) && i != 0) nf_status_free(st);
    if (!nf_is_ok(st)) return;
    part->n_drawn++;
    right = i < part->guesses && *token == s->token[s->known + i] && !is_constrained(part);
  }
}

void nf_share_draw_next(nf_share *part) {
  const infuse_session *s = part->session;
  const infuse_model *m = s->model;
  const int64_t row = part->rows - part->guesses + (int64_t)part->n_drawn - 1;
  int32_t *token = &part->token[part->n_drawn];
  if (!is_constrained(part) || s->generation->finish != INFUSE_RUNNING) return;
  if (first_bad(m, part, row, row + 1) >= 0) return;
  const nf_status st = draw(s, 0, s->first_row + (size_t)row, m->scratch, token);
  if (!nf_is_ok(st)) return nf_status_free(st);
  part->n_drawn++;
  nf_share_add_logprobs(part, nf_model_logits(m, s->first_row + (size_t)row), *token);
}

bool nf_share_is_greedy(const nf_share *part) {
  if (!part->draws || (part->guesses != 0 && is_constrained(part))) return false;
  const nf_generation *g = part->session->generation;
  return g->settings->sampling.temperature == 0 && draws_as_they_are(g);
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
    part->bad = first_bad(d->m, part, 0, part->rows - part->guesses);
    if (part->bad < 0 && part->draws) draw_all(d->m, part, scratch);
  }
}

void nf_step_draw(infuse_model *m) {
  _Atomic size_t next = 0;
  if (!nf_device_computes(m->rt->device)) return;
  nf_threads_run(m->rt->threads, nf_min((int64_t)m->flight.n_shares, m->n_scratch), draw_some,
                 &(drawing){m, &next});
}
