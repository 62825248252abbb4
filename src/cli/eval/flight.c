// SPDX-License-Identifier: Apache-2.0
// Sequences that go through a model.
#include "cli/eval/flight.h"

typedef struct place {
  eval_sequence *sequence;
  infuse_session *session;
} place;

typedef struct flying {
  eval_flight *f;
  place *at;                // [n] in the air
  infuse_session **session; // [n] theirs
  size_t n;
  bool last; // there are no more
} flying;

void eval_sequence_deinit(eval_sequence *s) {
  nf_free(s->token);
  nf_free(s->row);
  eval_reply_deinit(&s->reply);
  *s = (eval_sequence){0};
}

nf_status eval_note(nf_status st, const eval_item *item) {
  return item->line != 0 ? nf_status_note(st, "%s:%zu", item->file, item->line)
                         : nf_status_note(st, "%s", item->file);
}

// ---- the beginning of a sequence ----

static nf_status append_raw(const flying *all, const eval_item *item, infuse_session *s) {
  int32_t *ids;
  size_t n;
  if (item->prompt == NULL) return nf_error(NF_USAGE, "messages are a chat; they go with no raw text");
  NF_TRY((nf_status){infuse_model_check_text(all->f->m)});
  NF_TRY((nf_status){infuse_encode(infuse_model_tokenizer(all->f->m), item->prompt,
                                   nf_view_of(item->prompt).n, 0, &ids, &n)});
  const nf_status st = {infuse_session_append(s, ids, n)};
  infuse_free(ids);
  return st;
}

static nf_status append_prompt(const flying *all, eval_sequence *q, infuse_session *s) {
  const eval_item *item = q->item;
  NF_TRY(all->f->asking->raw ? append_raw(all, item, s)
                             : (nf_status){infuse_session_chat(s, item->message, item->n_messages)});
  infuse_session_tokens(s, &q->context);
  return nf_ok();
}

static infuse_session_options options_of(const eval_flight *f, const eval_sequence *q,
                                         const infuse_sampling *greedy) {
  const eval_asking *a = f->asking;
  infuse_session_options so = {.size = sizeof so, .rows = 1};
  if (!q->draws) so.rows = (int64_t)(q->n - q->context);
  if (!q->draws) return so;
  so.generate = true;
  so.sampling = greedy;
  so.max_tokens = a->max_tokens;
  so.thinking = a->thinking;
  so.effort = a->effort;
  so.date = a->date;
  so.tools = q->item->tools;
  return so;
}

static nf_status begin(flying *all, eval_sequence *q) {
  const infuse_sampling greedy = {.size = sizeof greedy};
  const infuse_session_options so = options_of(all->f, q, &greedy);
  place *p = &all->at[all->n];
  *p = (place){.sequence = q};
  all->n++;
  NF_TRY((nf_status){infuse_session_create(all->f->m, &so, &p->session)});
  return q->draws ? append_prompt(all, q, p->session)
                  : (nf_status){infuse_session_append(p->session, q->token, q->n - 1)};
}

static nf_status fill(flying *all) {
  while (!all->last && all->n < all->f->places) {
    eval_sequence *q;
    NF_TRY(all->f->next(all->f->user, &q));
    all->last = q == NULL;
    if (q != NULL) NF_TRY(eval_note(begin(all, q), q->item));
  }
  return nf_ok();
}

// ---- a step, and the end of a sequence ----

static nf_status take_tokens(eval_sequence *q, const infuse_session *s) {
  const int32_t *token = infuse_session_tokens(s, &q->n);
  NF_TRY(nf_make(&q->token, q->n, sizeof *q->token, "tokens"));
  for (size_t i = 0; i < q->n; i++) q->token[i] = token[i];
  return nf_ok();
}

static nf_status land(flying *all, size_t i, bool whole) {
  const place p = all->at[i];
  nf_status st = whole && p.sequence->draws ? take_tokens(p.sequence, p.session) : nf_ok();
  infuse_session_destroy(p.session);
  all->at[i] = all->at[--all->n];
  return nf_status_join(st, all->f->ended(all->f->user, p.sequence, whole && nf_is_ok(st)));
}

static nf_status hear_text(eval_flight *f, eval_sequence *q, const infuse_session *s, bool *done) {
  const infuse_output out = infuse_session_output(s);
  f->drawn += out.token >= 0;
  for (size_t i = 0; i < out.n_pieces; i++) NF_TRY(eval_reply_add(&q->reply, &out.pieces[i]));
  q->finish = out.finish;
  *done = out.finish != INFUSE_RUNNING;
  return nf_ok();
}

static nf_status hear(flying *all, size_t i) {
  eval_flight *f = all->f;
  eval_sequence *q = all->at[i].sequence;
  const infuse_session *s = all->at[i].session;
  NF_TRY((nf_status){infuse_error_copy(infuse_session_error(s))});
  const infuse_rows rows = infuse_session_logits(s);
  for (size_t r = 0; r < rows.rows; r++)
    NF_TRY(f->row(f->user, q, rows.first + r, rows.data + r * rows.width, rows.width));
  bool done = infuse_session_pending(s) == 0;
  if (q->draws) NF_TRY(hear_text(f, q, s, &done));
  return done ? land(all, i, true) : nf_ok();
}

static nf_status step(flying *all) {
  eval_flight *f = all->f;
  size_t before = 0, after = 0;
  for (size_t i = 0; i < all->n; i++) {
    all->session[i] = all->at[i].session;
    before += infuse_session_position(all->session[i]);
  }
  NF_TRY((nf_status){infuse_step(f->m, all->session, all->n)});
  for (size_t i = 0; i < all->n; i++) after += infuse_session_position(all->session[i]);
  f->tokens += after - before;
  for (size_t i = all->n; i-- > 0;) {
    const eval_item *item = all->at[i].sequence->item;
    NF_TRY(eval_note(hear(all, i), item));
  }
  return f->stepped(f->user);
}

nf_status eval_fly(eval_flight *f) {
  flying all = {.f = f};
  nf_status st;
  NF_GOTO(nf_make(&all.at, f->places, sizeof *all.at, "sequences"));
  NF_GOTO(nf_make(&all.session, f->places, sizeof *all.session, "sequences"));
  NF_GOTO(fill(&all));
  while (all.n != 0) {
    NF_GOTO(step(&all));
    NF_GOTO(fill(&all));
  }
fail:
  while (all.n != 0) st = nf_status_join(st, land(&all, all.n - 1, false));
  nf_free(all.at);
  nf_free(all.session);
  return st;
}
