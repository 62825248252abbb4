// SPDX-License-Identifier: Apache-2.0
// The others of an evaluation: what the base computed goes through them, and they answer themselves where
// they would have answered otherwise.
#include "cli/eval/eval.h"
#include "cli/eval/rows.h"

typedef struct group {
  eval *e;
  eval_other *other;
  eval_sequence *const *base; // [n]
  size_t n, at;               // at: the next
  bool drawing;               // those that differ draw; else all are given
  bool *differs;              // [n]
} group;

static void destroy(eval_sequence *q) {
  eval_sequence_deinit(q);
  nf_free(q);
}

// ---- sequences ----

static nf_status copy_tokens(const eval_sequence *from, eval_sequence *to) {
  NF_TRY(nf_make(&to->token, from->n, sizeof *to->token, "tokens"));
  for (size_t i = 0; i < from->n; i++) to->token[i] = from->token[i];
  to->n = from->n;
  to->context = from->context;
  return nf_ok();
}

static nf_status next(void *user, eval_sequence **out) {
  group *g = user;
  *out = NULL;
  while (g->drawing && g->at < g->n && !g->differs[g->at]) g->at++;
  if (g->at == g->n) return nf_ok();
  eval_sequence *q = NULL;
  NF_TRY(nf_make(&q, 1, sizeof *q, "a sequence"));
  const eval_sequence *base = g->base[g->at++];
  q->item = base->item;
  q->part = base->part;
  q->of = base;
  q->draws = g->drawing;
  const nf_status st = g->drawing ? nf_ok() : copy_tokens(base, q);
  if (!nf_is_ok(st)) return destroy(q), st;
  return *out = q, nf_ok();
}

static nf_status row(void *user, eval_sequence *q, size_t token, const float *logits, size_t vocab) {
  group *g = user;
  if (q->draws) return nf_ok();
  const size_t kept = token + 1 - q->context;
  if (kept < q->of->kept) {
    const eval_distance d = eval_compare(q->of->row + kept * vocab, logits, vocab);
    eval_mean_add(&g->other->kl, d.kl);
    eval_mean_add(&g->other->top, d.same_top);
  }
  if (q->of->draws && !q->differs) q->differs = eval_top(logits, vocab) != q->token[token + 1];
  if (!q->of->draws) q->log_likelihood += eval_log_probability(logits, vocab, q->token[token + 1]);
  return nf_ok();
}

static size_t place_of(const group *g, const eval_sequence *base) {
  size_t i = 0;
  while (g->base[i] != base) i++;
  return i;
}

// An answer that is the base's has the base's score.
static nf_status score(group *g, eval_sequence *q) {
  const size_t index = q->item->index;
  eval_score *s = &g->other->score[index];
  if (q->draws || !q->of->draws) return eval_score_add(s, q, false);
  g->differs[place_of(g, q->of)] = q->differs;
  if (q->differs) return nf_ok();
  const eval_score *base = &g->e->score[index];
  s->right = base->right;
  s->also = base->also;
  s->cut = base->cut;
  return nf_ok();
}

static nf_status ended(void *user, eval_sequence *q, bool whole) {
  const nf_status st = whole ? score(user, q) : nf_ok();
  destroy(q);
  return st;
}

static nf_status stepped(void *user) {
  const group *g = user;
  const eval_item *item = g->base[0]->item;
  if (g->e->go_on(g->e->user, item->index, g->e->n_items)) return nf_ok();
  return nf_error(NF_CANCELLED, "interrupted");
}

// ---- all ----

static nf_status fly(group *g, bool drawing) {
  eval_flight f = {.m = g->other->m,
                   .places = g->e->places,
                   .asking = &g->e->asking,
                   .next = next,
                   .row = row,
                   .ended = ended,
                   .stepped = stepped,
                   .user = g};
  g->at = 0;
  g->drawing = drawing;
  return eval_fly(&f);
}

static nf_status compare(eval *e, eval_other *o, eval_sequence *const *base, size_t n) {
  group g = {.e = e, .other = o, .base = base, .n = n};
  NF_TRY(nf_make(&g.differs, n, sizeof *g.differs, "a comparison"));
  nf_status st = fly(&g, false);
  if (nf_is_ok(st)) st = fly(&g, true);
  nf_free(g.differs);
  return nf_status_note(st, "--against '%s'", o->name);
}

nf_status eval_compare_all(eval *e, eval_sequence *const *base, size_t n) {
  infuse_model_info info = {.size = sizeof info};
  infuse_model_describe(e->m, &info);
  const size_t vocab = (size_t)info.vocab;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < base[i]->kept; k++) eval_log_probabilities(base[i]->row + k * vocab, vocab);
  for (size_t i = 0; i < e->n_others; i++) NF_TRY(compare(e, &e->other[i], base, n));
  return nf_ok();
}
