// SPDX-License-Identifier: Apache-2.0
// The base of an evaluation: its items become sequences, these go through the model, and what comes of them
// is counted and handed to the others.
#include "cli/eval/eval.h"
#include "base/clock.h"
#include "cli/eval/rows.h"
#include <string.h>

typedef struct asker {
  eval *e;
  size_t task, item, part; // that come next
  eval_ids ids;            // of the text that is cut now
  size_t compare;          // tokens that may still be compared
  eval_sequence **waiting; // [n] ended, for the others
  size_t n, cap;
  double others; // seconds that they took
} asker;

static void destroy(eval_sequence *q) {
  if (q != NULL) eval_sequence_deinit(q);
  nf_free(q);
}

// ---- items become sequences ----

static const eval_item *current(const asker *a) {
  if (a->task == a->e->n_tasks) return NULL;
  return &a->e->task[a->task].item[a->item];
}

static size_t parts_of(const asker *a, const eval_item *item) {
  if (item->kind == EVAL_CHOICES) return json_array_size(item->choices);
  return item->kind == EVAL_TEXT ? eval_windows(a->ids.n, a->e->context) : 1;
}

static void advance(asker *a, const eval_item *item) {
  if (++a->part < parts_of(a, item)) return;
  infuse_free(a->ids.at);
  a->ids = (eval_ids){0};
  a->part = 0;
  if (++a->item < a->e->task[a->task].n) return;
  a->item = 0;
  a->task++;
}

static nf_status fill(asker *a, const eval_item *item, eval_sequence *q) {
  const infuse_model *m = a->e->m;
  q->item = item;
  q->part = a->part;
  q->draws = item->kind == EVAL_EXACT || item->kind == EVAL_CALL;
  if (item->kind == EVAL_CHOICES) return eval_encode_choice(m, item, a->part, q);
  if (item->kind != EVAL_TEXT) return nf_ok();
  if (a->ids.at == NULL) NF_TRY(eval_encode_text(m, item, &a->ids));
  return eval_cut_window(&a->ids, a->e->context, a->part, q);
}

static nf_status next(void *user, eval_sequence **out) {
  asker *a = user;
  const eval_item *item = current(a);
  *out = NULL;
  if (item == NULL) return nf_ok();
  eval_sequence *q = NULL;
  NF_TRY(nf_make(&q, 1, sizeof *q, "a sequence"));
  const nf_status st = fill(a, item, q);
  if (!nf_is_ok(st)) return destroy(q), st;
  advance(a, item);
  return *out = q, nf_ok();
}

// ---- what comes of them ----

static nf_status keep_row(eval_sequence *q, const float *logits, size_t vocab) {
  if (!nf_grow(&q->row, &q->cap_rows, (q->kept + 1) * vocab, sizeof *q->row))
    return nf_error(NF_NO_MEMORY, "no memory for %zu rows of %zu logits to compare", q->kept + 1, vocab);
  memcpy(q->row + q->kept++ * vocab, logits, vocab * sizeof *logits);
  return nf_ok();
}

static nf_status row(void *user, eval_sequence *q, size_t token, const float *logits, size_t vocab) {
  asker *a = user;
  if (!q->draws) {
    const double p = eval_log_probability(logits, vocab, q->token[token + 1]);
    q->log_likelihood += p;
    if (q->item->kind == EVAL_TEXT) eval_mean_add(&a->e->text[q->item->task], -p);
  }
  return q->kept < a->compare ? keep_row(q, logits, vocab) : nf_ok();
}

static nf_status wait_for_others(asker *a, eval_sequence *q) {
  q->kept = q->kept < a->compare ? q->kept : a->compare;
  a->compare -= q->kept;
  if (a->e->n_others == 0 || (q->kept == 0 && !eval_is_scored(q->item))) return destroy(q), nf_ok();
  if (!nf_grow(&a->waiting, &a->cap, a->n + 1, sizeof *a->waiting))
    return destroy(q), nf_error(NF_NO_MEMORY, "no memory for a sequence");
  a->waiting[a->n++] = q;
  return nf_ok();
}

static nf_status ended(void *user, eval_sequence *q, bool whole) {
  asker *a = user;
  eval *e = a->e;
  if (!whole) return destroy(q), nf_ok();
  const nf_status st = eval_score_add(&e->score[q->item->index], q, e->samples);
  if (!nf_is_ok(st)) return destroy(q), st;
  return wait_for_others(a, q);
}

static void forget(asker *a) {
  for (size_t i = 0; i < a->n; i++) destroy(a->waiting[i]);
  a->n = 0;
}

static nf_status compare(asker *a) {
  const double begun = nf_now();
  const nf_status st = eval_compare_all(a->e, a->waiting, a->n);
  forget(a);
  a->others += nf_now() - begun;
  return st;
}

// Sequences that have been asked for stand for the items: the bar need not be finer.
static nf_status stepped(void *user) {
  asker *a = user;
  const eval *e = a->e;
  const eval_item *item = current(a);
  const size_t begun = item != NULL ? item->index : e->n_items;
  if (!e->go_on(e->user, begun, e->n_items)) return nf_error(NF_CANCELLED, "interrupted");
  return a->n >= e->places ? compare(a) : nf_ok();
}

// ---- all ----

static void number_items(eval *e) {
  e->n_items = 0;
  for (size_t t = 0; t < e->n_tasks; t++)
    for (size_t i = 0; i < e->task[t].n; i++) {
      e->task[t].item[i].task = t;
      e->task[t].item[i].index = e->n_items++;
    }
}

static nf_status make_room(eval *e) {
  number_items(e);
  NF_TRY(nf_make(&e->score, e->n_items, sizeof *e->score, "scores"));
  NF_TRY(nf_make(&e->text, e->n_tasks, sizeof *e->text, "scores"));
  for (size_t i = 0; i < e->n_others; i++)
    NF_TRY(nf_make(&e->other[i].score, e->n_items, sizeof *e->score, "scores"));
  return nf_ok();
}

nf_status eval_run(eval *e) {
  asker a = {.e = e, .compare = e->n_others != 0 ? e->compare : 0};
  eval_flight f = {.m = e->m,
                   .places = e->places,
                   .asking = &e->asking,
                   .next = next,
                   .row = row,
                   .ended = ended,
                   .stepped = stepped,
                   .user = &a};
  NF_TRY(make_room(e));
  const double begun = nf_now();
  nf_status st = eval_fly(&f);
  if (nf_is_ok(st)) st = compare(&a);
  e->seconds = nf_now() - begun - a.others;
  e->tokens = f.tokens;
  e->drawn = f.drawn;
  forget(&a);
  nf_free(a.waiting);
  infuse_free(a.ids.at);
  return st;
}

static void free_scores(eval_score *s, size_t n) {
  for (size_t i = 0; s != NULL && i < n; i++) eval_score_deinit(&s[i]);
  nf_free(s);
}

void eval_deinit(eval *e) {
  free_scores(e->score, e->n_items);
  for (size_t i = 0; i < e->n_others; i++) {
    free_scores(e->other[i].score, e->n_items);
    e->other[i].score = NULL;
  }
  nf_free(e->text);
  e->score = NULL;
  e->text = NULL;
}
