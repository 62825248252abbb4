// SPDX-License-Identifier: Apache-2.0
// Where an answer is under its constraint, and which tokens that leaves.
#include "engine/watch.h"
#include "base/memory.h"
#include <math.h>

nf_status nf_watch_init(nf_watch *w, const nf_watch *like) {
  *w = (nf_watch){.constraint = like->constraint,
                  .tokenizer = like->tokenizer,
                  .end = like->end,
                  .mark = like->mark,
                  .calls = like->calls,
                  .vocab = like->vocab};
  NF_TRY(nf_make(&w->allowed, ((size_t)w->vocab + 63) / 64, sizeof *w->allowed, "a constraint"));
  nf_watch_begin(w, NULL, NULL);
  return nf_ok();
}

void nf_watch_deinit(nf_watch *w) {
  nf_constrained_deinit(&w->text);
  nf_constrained_deinit(&w->ahead);
  nf_free(w->allowed);
  *w = (nf_watch){0};
}

// ---- where the answer is ----

static nf_chat_next next_of(const nf_chat_format *format, const nf_chat_reader *reader) {
  return reader != NULL ? format->next(reader) : (nf_chat_next){NF_PLACE_TEXT, -1, -1, -1};
}

// A whole answer is text of the constraint from its beginning on; without a chat there is none.
static nf_chat_next whole_of(const nf_chat_reader *reader) {
  return (nf_chat_next){reader != NULL ? NF_PLACE_TEXT : NF_PLACE_OTHER, -1, -1, -1};
}

static void look(nf_watch *w, const nf_chat_format *format, const nf_chat_reader *reader) {
  w->next = w->mark != NULL ? whole_of(reader) : next_of(format, reader);
  const bool on = w->next.place != NF_PLACE_OTHER;
  if (on && !w->on) {
    nf_constrained_begin(&w->text, w->next.place == NF_PLACE_START_OVER);
    w->broken = false;
  }
  w->on = on;
}

void nf_watch_begin(nf_watch *w, const nf_chat_format *format, const nf_chat_reader *reader) {
  if (w->constraint == NULL) return;
  w->on = w->called = false;
  look(w, format, reader);
}

// What stands for the mark in a whole answer; empty: it is none.
static nf_view mark_of(const nf_watch *w, int32_t token) {
  static const char spelling[NF_MARKS_MAX + 1] = "\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd";
  _Static_assert(NF_MARK_BYTE == 0xf5, "as they are spelled above");
  for (int i = 0; w->mark != NULL && i < NF_MARKS_MAX; i++)
    if (w->mark[i] == token) return (nf_view){&spelling[i], 1};
  return (nf_view){0};
}

// A mark is no text, and has no bytes; in a whole answer it stands for itself.
static bool has_bytes(const nf_watch *w, int32_t token, nf_view *out) {
  *out = mark_of(w, token);
  if (out->n != 0) return true;
  if (nf_token_is_added(w->tokenizer, token)) return false;
  *out = nf_token_bytes(w->tokenizer, token);
  return true;
}

// What is behind a mark may be text.
static nf_status take(nf_watch *w, int32_t token) {
  nf_view bytes;
  bool fits = w->mark == NULL;
  if (has_bytes(w, token, &bytes))
    NF_TRY(nf_constrained_take(w->constraint, &w->text, bytes, &fits));
  else
    w->on = false;
  if (!fits) w->broken = true;
  return nf_ok();
}

nf_status nf_watch_see(nf_watch *w, const nf_chat_format *format, const nf_chat_reader *reader,
                       int32_t token) {
  if (w->constraint == NULL) return nf_ok();
  if (token == w->next.call && token >= 0) w->called = true;
  if (w->on) NF_TRY(take(w, token));
  look(w, format, reader);
  return nf_ok();
}

nf_status nf_watch_copy(nf_watch *to, const nf_watch *from) {
  if (from->constraint == NULL) return nf_ok();
  to->on = from->on;
  to->broken = from->broken;
  to->called = from->called;
  to->next = from->next;
  return nf_constrained_copy(&to->text, &from->text);
}

bool nf_watch_is_on(const nf_watch *w) { return w->constraint != NULL && (w->on || w->next.must >= 0); }

bool nf_watch_must_end(nf_watch *w) {
  nf_next next = {0};
  if (w->constraint == NULL || !w->on || w->broken) return false;
  const nf_status st = nf_constrained_next(w->constraint, &w->text, NULL, &next);
  nf_status_free(st); // told when a token is to be drawn
  return next.must_end;
}

// ---- tokens ----

static void allow(nf_watch *w, int32_t token, bool allowed) {
  if (token < 0 || token >= w->vocab) return; // a format may have no such mark
  const uint64_t bit = 1ull << (token % 64);
  if (allowed)
    w->allowed[token / 64] |= bit;
  else
    w->allowed[token / 64] &= ~bit;
}

// Tokens that end the answer come where the text may end, or in front of a text where a call was made.
static void allow_marks(nf_watch *w, bool may_end) {
  const bool at_start = w->next.place == NF_PLACE_START || w->next.place == NF_PLACE_START_OVER;
  for (size_t i = 0; i < w->end->n; i++) allow(w, w->end->at[i], may_end || (at_start && w->called));
  allow(w, w->next.think, at_start);
  allow(w, w->next.call, at_start && w->calls);
}

static nf_status allow_marks_of_whole(nf_watch *w) {
  for (int i = 0; i < NF_MARKS_MAX; i++) {
    const nf_view mark = w->mark[i] >= 0 ? mark_of(w, w->mark[i]) : (nf_view){0};
    bool fits;
    if (mark.n == 0) continue;
    NF_TRY(nf_constrained_fits(w->constraint, &w->text, mark, &fits));
    allow(w, w->mark[i], fits);
  }
  return nf_ok();
}

static nf_status admit(nf_watch *w, const int32_t *token, size_t n, size_t *out) {
  nf_view bytes;
  bool fits = true;
  NF_TRY(nf_constrained_copy(&w->ahead, &w->text));
  for (*out = 0; *out < n && has_bytes(w, token[*out], &bytes); ++*out) {
    NF_TRY(nf_constrained_take(w->constraint, &w->ahead, bytes, &fits));
    if (!fits) return nf_ok();
  }
  return nf_ok();
}

size_t nf_watch_admit(nf_watch *w, const int32_t *token, size_t n) {
  if (w->constraint == NULL || !w->on) return n;
  nf_status_free(admit(w, token, n, &n)); // told when a token is to be drawn
  return n;
}

static void leave_only(const nf_watch *w, int32_t token, float *logits) {
  for (int64_t i = 0; i < w->vocab; i++) logits[i] = i == token ? logits[i] : -INFINITY;
}

nf_status nf_watch_apply(nf_watch *w, float *logits) {
  nf_next next;
  if (!nf_watch_is_on(w)) return nf_ok();
  if (!w->on) return leave_only(w, w->next.must, logits), nf_ok();
  if (w->broken) return nf_error(NF_BAD_INPUT, "the answer so far is not what the constraint allows");
  NF_TRY(nf_constrained_next(w->constraint, &w->text, w->allowed, &next));
  allow_marks(w, next.may_end);
  if (w->mark != NULL) NF_TRY(allow_marks_of_whole(w));
  for (int64_t i = 0; i < w->vocab; i += 64) {
    const uint64_t allowed = w->allowed[i / 64];
    const int64_t n = w->vocab - i < 64 ? w->vocab - i : 64;
    for (int64_t k = 0; k < n && ~allowed != 0; k++)
      logits[i + k] = allowed >> k & 1 ? logits[i + k] : -INFINITY;
  }
  return nf_ok();
}
