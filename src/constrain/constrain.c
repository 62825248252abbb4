// SPDX-License-Identifier: Apache-2.0
// Constraints: made of pieces, and asked what may come next.
#include "constrain/constrain.h"
#include "base/memory.h"
#include "constrain/machine.h"
#include "constrain/regex.h"
#include "constrain/schema.h"
#include <pthread.h>
#include <string.h>

struct nf_constraint {
  pthread_mutex_t lock; // of the machine
  nf_machine machine;
};

// ---- compiling ----

static nf_status noted(nf_status st, const char *what) {
  return nf_status_code(st) == NF_BAD_INPUT ? nf_status_note(st, "%s", what) : st;
}

static nf_status add_choices(nf_builder *b, const nf_piece *p, uint32_t from, uint32_t to) {
  nf_view *text;
  for (size_t i = 0; i < p->n_choices; i++) {
    const size_t valid = nf_utf8_check(p->choice[i].at, p->choice[i].n);
    if (p->choice[i].n == 0) return nf_error(NF_BAD_INPUT, "choice %zu is empty", i);
    if (valid != p->choice[i].n)
      return nf_error(NF_BAD_INPUT, "choice %zu: byte %zu: invalid UTF-8", i, valid);
  }
  NF_TRY(nf_make(&text, p->n_choices, sizeof *text, "a constraint"));
  if (p->n_choices != 0) memcpy(text, p->choice, p->n_choices * sizeof *text);
  nf_add_texts(b, from, text, p->n_choices, to);
  nf_free(text);
  return noted(nf_builder_take_failure(b), "choices");
}

static nf_status add_piece(nf_builder *b, nf_json_rules *rules, const nf_piece *p, uint32_t from,
                           uint32_t to) {
  switch (p->kind) {
  case NF_PIECE_TEXT:
    return nf_add_text(b, from, p->text, to), nf_ok();
  case NF_PIECE_SCHEMA:
    return nf_add_schema(b, rules, from, p->text, to);
  case NF_PIECE_OBJECT:
    return nf_add_any_object(b, rules, from, to), nf_ok();
  case NF_PIECE_REGEX:
    NF_TRY(noted(nf_add_regex(b, from, p->text, true, NF_SPELL_UTF8, to), "regex"));
    return noted(nf_builder_take_failure(b), "regex");
  case NF_PIECE_CHOICE:
    return add_choices(b, p, from, to);
  }
  return nf_ok();
}

static nf_status add_sequence(nf_builder *b, nf_json_rules *rules, const nf_piece_sequence *s,
                              nf_rule whole) {
  uint32_t at = nf_add_state(b);
  nf_add_empty(b, whole.start, at);
  for (size_t i = 0; i < s->n; i++) {
    const uint32_t next = nf_add_state(b);
    NF_TRY(add_piece(b, rules, &s->piece[i], at, next));
    at = next;
  }
  nf_add_empty(b, at, whole.end);
  return nf_ok();
}

// The machine's two starts: at once, and behind newlines.
static nf_status build(nf_machine *m, nf_builder *b, const nf_piece_sequence *sequence, size_t n) {
  nf_json_rules rules = {0};
  const nf_rule whole = nf_add_rule(b);
  const uint32_t blank = nf_add_state(b);
  for (size_t i = 0; i < n; i++) NF_TRY(add_sequence(b, &rules, &sequence[i], whole));
  nf_add_text(b, blank, NF_VIEW("\n\n"), whole.start);
  nf_add_empty(b, blank, whole.start);
  NF_TRY(noted(nf_builder_take_failure(b), "constraint"));
  NF_TRY(nf_automaton_build(b, &m->automaton));
  m->start[0] = whole.start;
  m->start[1] = blank;
  if (m->automaton.node[whole.start].need == NF_NEED_NONE)
    return nf_error(NF_BAD_INPUT, "the constraint allows no text at all");
  return nf_ok();
}

nf_status nf_constraint_create(const nf_token_tree *t, const nf_piece_sequence *sequence, size_t n,
                               nf_constraint **out) {
  nf_builder b = {0};
  nf_constraint *c;
  NF_TRY(nf_make(&c, 1, sizeof *c, "a constraint"));
  pthread_mutex_init(&c->lock, NULL);
  nf_status st = build(&c->machine, &b, sequence, n);
  if (nf_is_ok(st)) st = nf_machine_init(&c->machine, t);
  nf_builder_deinit(&b);
  if (nf_is_ok(st))
    *out = c;
  else
    nf_constraint_destroy(c);
  return st;
}

void nf_constraint_destroy(nf_constraint *c) {
  if (c == NULL) return;
  nf_machine_deinit(&c->machine);
  pthread_mutex_destroy(&c->lock);
  nf_free(c);
}

// ---- texts ----

void nf_constrained_deinit(nf_constrained *x) {
  nf_text_deinit(&x->text);
  *x = (nf_constrained){0};
}

void nf_constrained_begin(nf_constrained *x, bool blank) {
  x->text.n = 0;
  x->blank = blank;
  x->period = 0;
}

nf_status nf_constrained_copy(nf_constrained *to, const nf_constrained *from) {
  to->text.n = 0;
  nf_text_append(&to->text, from->text.at, from->text.n);
  to->blank = from->blank;
  to->at = from->at;
  to->period = from->period;
  return nf_text_status(&to->text);
}

static nf_status go(nf_machine *m, uint32_t *at, nf_view bytes) {
  for (size_t i = 0; i < bytes.n && *at != NF_SET_DEAD; i++)
    NF_TRY(nf_machine_go(m, *at, (uint8_t)bytes.at[i], at));
  return nf_ok();
}

// Where the text is, found again if a new period has begun.
static nf_status find(nf_machine *m, nf_constrained *x) {
  NF_TRY(nf_machine_ready(m));
  if (x->period == m->period) return nf_ok();
  NF_TRY(nf_machine_start(m, x->blank, &x->at));
  NF_TRY(go(m, &x->at, nf_text_view(&x->text)));
  return x->period = m->period, nf_ok();
}

static nf_status take(nf_machine *m, nf_constrained *x, nf_view bytes, bool *fits) {
  uint32_t at;
  NF_TRY(find(m, x));
  at = x->at;
  NF_TRY(go(m, &at, bytes));
  *fits = at != NF_SET_DEAD;
  if (!*fits) return nf_ok();
  nf_text_append(&x->text, bytes.at, bytes.n);
  x->at = at;
  return nf_text_status(&x->text);
}

nf_status nf_constrained_take(nf_constraint *c, nf_constrained *x, nf_view bytes, bool *fits) {
  pthread_mutex_lock(&c->lock);
  const nf_status st = take(&c->machine, x, bytes, fits);
  pthread_mutex_unlock(&c->lock);
  return st;
}

static nf_status next(nf_machine *m, nf_constrained *x, uint64_t *bits, nf_next *out) {
  const uint64_t *tokens;
  NF_TRY(find(m, x));
  out->may_end = m->set[x->at].ends;
  out->must_end = m->set[x->at].n == 0;
  if (bits == NULL) return nf_ok();
  NF_TRY(nf_machine_tokens(m, x->at, &tokens));
  memcpy(bits, tokens, ((size_t)m->tree->vocab + 63) / 64 * sizeof *bits);
  return nf_ok();
}

nf_status nf_constrained_next(nf_constraint *c, nf_constrained *x, uint64_t *bits, nf_next *out) {
  pthread_mutex_lock(&c->lock);
  const nf_status st = next(&c->machine, x, bits, out);
  pthread_mutex_unlock(&c->lock);
  return st;
}
