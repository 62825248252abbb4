// SPDX-License-Identifier: Apache-2.0
// An evaluation: tasks that a model is asked, and how far other models (the same with other options) are from
// it. One thread at a time.
//
// All that the base computes goes through the others as given tokens, in groups of as many sequences as it
// has places, so that rows are kept of few at a time. Where an answer was drawn and the other's most likely
// token is the same everywhere, the other would have drawn the same, since results do not depend on what a
// step computes together (docs/numerics.md); else it draws its own.
#pragma once
#include "cli/eval/score.h"

typedef struct eval_other {
  infuse_model *m;
  const char *name;  // for messages and documents
  eval_score *score; // [items] owned
  eval_mean kl, top; // of the tokens that are compared: nats, and 1 where the most likely token is the same
} eval_other;

typedef struct eval {
  infuse_model *m; // the base
  eval_task *task; // [n_tasks]
  size_t n_tasks;
  eval_other *other; // [n_others]
  size_t n_others;
  eval_asking asking;
  size_t places;                                        // sequences at the same time
  size_t context;                                       // tokens that a session of every model may hold
  size_t compare;                                       // at most so many tokens by their rows
  bool samples;                                         // what was answered is kept in scores
  bool (*go_on)(void *user, size_t done, size_t total); // items that have ended; false ends it
  void *user;

  // What came of it.
  eval_score *score; // [items] of the base, owned
  eval_mean *text;   // [n_tasks] of texts: nats a token, owned
  size_t n_items, ended;
  size_t tokens, drawn; // of the base, and
  double seconds;       // what it took, without the others
} eval;
// The first part is the caller's. NF_CANCELLED: `go_on` said no.
nf_status eval_run(eval *e);
void eval_deinit(eval *e);                                // what eval_run made; also after an error
eval_figures eval_figures_of(const eval *e, size_t task); // n_tasks: of all

// Documents, NULL: no memory. eval_document: tasks, their total and others; docs/accuracy.md has its form.
json_t *eval_document(const eval *e);

// ---- inside the room ----

// Sequences of the base's, which have ended, go through the others.
nf_status eval_compare_all(eval *e, eval_sequence *const *base, size_t n);

// The tokens of a part of an item whose tokens are given. Of a text `ids` are all of it.
typedef struct eval_ids {
  int32_t *at;
  size_t n;
} eval_ids;
nf_status eval_encode_text(const infuse_model *m, const eval_item *item,
                           eval_ids *out); // freed by infuse_free
// Window `part` of so many: each predicts `context` tokens, the first of them behind the last of the window
// before, and nothing else of what came before.
size_t eval_windows(size_t tokens, size_t context);
nf_status eval_cut_window(const eval_ids *ids, size_t context, size_t part, eval_sequence *out);
nf_status eval_encode_choice(const infuse_model *m, const eval_item *item, size_t part, eval_sequence *out);
