// SPDX-License-Identifier: Apache-2.0
// Rows are looked at, and drawn from, session by session: a thread takes the next one that nobody has.
#include "engine/draw.h"
#include "engine/engine.h"
#include <math.h>
#include <stdatomic.h>

typedef struct turn {
  nf_sampler_scratch *scratch;
  size_t n;
  nf_draw_fn f;
  void *user;
  _Atomic size_t *next;
} turn;

static void take_some(const void *arg, int64_t block) {
  const turn *r = arg;
  for (size_t i; (i = atomic_fetch_add_explicit(r->next, 1, memory_order_relaxed)) < r->n;)
    r->f(r->user, i, &r->scratch[block]);
}

void nf_draw_each(nf_threads *t, nf_sampler_scratch *scratch, size_t n_scratch, size_t n, nf_draw_fn f,
                  void *user) {
  _Atomic size_t next = 0;
  nf_threads_run(t, (int64_t)(n < n_scratch ? n : n_scratch), take_some, &(turn){scratch, n, f, user, &next});
}

// The first token of the share whose logits are not finite, or -1. A few of -infinity are tokens that never
// come.
static int64_t first_bad(const infuse_model *m, const nf_share *part) {
  const infuse_session *s = part->session;
  for (int64_t i = 0; i < part->rows; i++)
    if (!isfinite(nf_row_max(nf_model_logits(m, s->first_row + (size_t)i), (int32_t)m->config.vocab)))
      return s->first_token_position + part->tokens - part->rows + i;
  return -1;
}

typedef struct drawing {
  const infuse_model *m;
  nf_share *share;
} drawing;

static void draw_share(void *user, size_t i, nf_sampler_scratch *scratch) {
  const drawing *d = user;
  nf_share *part = &d->share[i];
  const infuse_session *s = part->session;
  part->bad = first_bad(d->m, part);
  if (part->bad >= 0 || !part->draws) return;
  part->failure = nf_session_sampler_draw(&s->generation->sampler, scratch, d->m->config.vocab,
                                          nf_model_logits(d->m, s->first_row + s->n_rows - 1), s->token,
                                          (size_t)s->known, s->generation->tokens, &part->token);
}

void nf_draw_shares(infuse_model *m, nf_share *share, size_t n) {
  if (!nf_device_computes(m->rt->device)) return;
  nf_draw_each(m->rt->threads, m->scratch, m->n_scratch, n, draw_share, &(drawing){m, share});
}
