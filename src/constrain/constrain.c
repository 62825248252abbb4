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
  _Atomic size_t users;
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
  case NF_PIECE_PARAMETERS:
    return nf_add_parameters(b, rules, from, p->text, to);
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

static nf_status add_sequence(nf_builder *b, nf_json_rules *rules, const nf_piece_sequence *s, uint32_t from,
                              uint32_t to) {
  uint32_t at = nf_add_state(b);
  nf_add_empty(b, from, at);
  for (size_t i = 0; i < s->n; i++) {
    const nf_view of = s->piece[i].of;
    const uint32_t next = nf_add_state(b);
    nf_status st = add_piece(b, rules, &s->piece[i], at, next);
    if (nf_status_code(st) == NF_BAD_INPUT && of.n != 0) st = nf_status_note(st, "%.*s", (int)of.n, of.at);
    NF_TRY(st);
    at = next;
  }
  nf_add_empty(b, at, to);
  return nf_ok();
}

static nf_status add_outline(nf_builder *b, const nf_outline *o, nf_rule whole) {
  nf_json_rules rules = {0};
  const uint32_t opens = nf_add_state(b), parts = nf_add_state(b), behind = nf_add_state(b);
  nf_add_empty(b, whole.start, opens);
  for (size_t i = 0; i < o->n_openings; i++)
    NF_TRY(add_sequence(b, &rules, &o->opening[i], opens, o->opens_again ? opens : parts));
  if (o->opens_again || !o->must_open) nf_add_empty(b, opens, parts);
  for (size_t i = 0; i < o->n_parts; i++) NF_TRY(add_sequence(b, &rules, &o->part[i], parts, behind));
  if (o->between.at != NULL) nf_add_text(b, behind, o->between, parts);
  nf_add_text(b, behind, o->closing, whole.end);
  return nf_ok();
}

// The machine's two starts: at once, and behind newlines.
static nf_status build(nf_machine *m, nf_builder *b, const nf_outline *o) {
  const nf_rule whole = nf_add_rule(b);
  const uint32_t blank = nf_add_state(b);
  NF_TRY(add_outline(b, o, whole));
  nf_add_text(b, blank, NF_VIEW("\n\n"), whole.start);
  nf_add_empty(b, blank, whole.start);
  NF_TRY(noted(nf_builder_take_failure(b), "constraint"));
  NF_TRY(nf_automaton_build(b, &m->automaton));
  m->start[0] = whole.start;
  m->start[1] = blank;
  if (m->automaton.node[whole.start].need == NF_NEED_NONE)
    return nf_error(NF_BAD_INPUT, "the constraint allows no text at all: a minimum is above its maximum, a "
                                  "list of alternatives is empty, "
                                  "or what is required is never allowed");
  return nf_ok();
}

nf_status nf_constraint_create(const nf_token_tree *t, const nf_outline *o, nf_constraint **out) {
  nf_builder b = {0};
  nf_constraint *c;
  NF_TRY(nf_make(&c, 1, sizeof *c, "a constraint"));
  pthread_mutex_init(&c->lock, NULL);
  c->users = 1;
  nf_status st = build(&c->machine, &b, o);
  if (nf_is_ok(st)) st = nf_machine_init(&c->machine, t);
  nf_builder_deinit(&b);
  if (nf_is_ok(st))
    *out = c;
  else
    nf_constraint_release(c);
  return st;
}

void nf_constraint_release(nf_constraint *c) {
  if (c == NULL || --c->users != 0) return;
  nf_machine_deinit(&c->machine);
  pthread_mutex_destroy(&c->lock);
  nf_free(c);
}

// ---- those that are kept ----

// Each with its length in front, so that no two outlines are spelled alike.
static void spell(nf_text *key, nf_view v) {
  nf_text_printf(key, "%zu:", v.at != NULL ? v.n + 1 : 0);
  nf_text_append(key, v.at != NULL ? v.at : "", v.n);
}

static void spell_sequences(nf_text *key, const nf_piece_sequence *s, size_t n) {
  nf_text_printf(key, "[%zu", n);
  for (size_t i = 0; i < n; i++) {
    nf_text_printf(key, "(%zu", s[i].n);
    for (size_t k = 0; k < s[i].n; k++) {
      const nf_piece *p = &s[i].piece[k];
      nf_text_printf(key, "p%d.%zu", p->kind, p->n_choices);
      spell(key, p->text);
      for (size_t c = 0; c < p->n_choices; c++) spell(key, p->choice[c]);
    }
  }
}

static nf_status spell_outline(const nf_outline *o, nf_text *key) {
  nf_text_printf(key, "%d%d", o->must_open, o->opens_again);
  spell_sequences(key, o->opening, o->n_openings);
  spell_sequences(key, o->part, o->n_parts);
  spell(key, o->between);
  spell(key, o->closing);
  return nf_text_status(key);
}

// The one of this key, or the place for it: free, or of the one that was used longest ago.
static struct nf_kept_constraint *place_of(nf_constraints *all, const nf_text *key) {
  struct nf_kept_constraint *best = &all->kept[0];
  for (size_t i = 0; i < NF_CONSTRAINTS_KEPT; i++) {
    struct nf_kept_constraint *k = &all->kept[i];
    if (k->constraint != NULL && nf_view_equal(nf_text_view(&k->key), nf_text_view(key))) return k;
    if (best->constraint != NULL && (k->constraint == NULL || k->used < best->used)) best = k;
  }
  return best;
}

static void forget(struct nf_kept_constraint *k) {
  nf_constraint_release(k->constraint);
  nf_text_deinit(&k->key);
  *k = (struct nf_kept_constraint){0};
}

void nf_constraints_deinit(nf_constraints *all) {
  for (size_t i = 0; i < NF_CONSTRAINTS_KEPT; i++) forget(&all->kept[i]);
}

nf_status nf_constraints_get(nf_constraints *all, const nf_token_tree *t, const nf_outline *o,
                             nf_constraint **out) {
  nf_text key = {0};
  nf_constraint *c = NULL;
  nf_status st = spell_outline(o, &key);
  struct nf_kept_constraint *k = nf_is_ok(st) ? place_of(all, &key) : NULL;
  if (k != NULL && (k->constraint == NULL || !nf_view_equal(nf_text_view(&k->key), nf_text_view(&key)))) {
    st = nf_constraint_create(t, o, &c);
    if (nf_is_ok(st)) {
      forget(k);
      *k = (struct nf_kept_constraint){.key = key, .constraint = c};
      key = (nf_text){0};
      all->made++;
    }
  }
  nf_text_deinit(&key);
  NF_TRY(st);
  k->used = ++all->uses;
  k->constraint->users++;
  return *out = k->constraint, nf_ok();
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

static nf_status look(nf_machine *m, nf_constrained *x, nf_view bytes, bool *fits) {
  NF_TRY(find(m, x));
  uint32_t at = x->at;
  NF_TRY(go(m, &at, bytes));
  return *fits = at != NF_SET_DEAD, nf_ok();
}

nf_status nf_constrained_fits(nf_constraint *c, nf_constrained *x, nf_view bytes, bool *fits) {
  pthread_mutex_lock(&c->lock);
  const nf_status st = look(&c->machine, x, bytes, fits);
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
