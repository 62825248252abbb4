// SPDX-License-Identifier: Apache-2.0
// What a model's sequences come to: each item right or wrong, and figures of many items. Thread-compatible.
#pragma once
#include "cli/eval/figures.h"
#include "cli/eval/flight.h"

typedef struct eval_score { // of one item by one model; zeroed: nothing yet
  bool right;               // EXACT: the answer; CALL: the very call; CHOICES: the likeliest is the right one
  bool also;                // CALL: a valid call; CHOICES: the likeliest by byte
  bool cut;                 // the answer ended for want of room
  double *likelihood;       // of CHOICES, [choices] owned
  size_t ended;             // of its sequences
  json_t *sample;           // what was answered, where that is wanted
} eval_score;
void eval_score_deinit(eval_score *s);
// A sequence of the item has ended; `sample`: it is to be kept what came of it.
nf_status eval_score_add(eval_score *s, const eval_sequence *q, bool sample);
bool eval_is_scored(const eval_item *item); // right or wrong at all: not a text
size_t eval_choice_bytes(const eval_item *item, size_t choice);

typedef struct eval_figures {
  eval_mean exact, call, valid, choice, choice_by_byte; // of ones and zeros
  eval_mean text;                                       // nats that a token of a text costs
  size_t bytes;                                         // of the texts
  size_t cut;
} eval_figures;
void eval_figures_add(eval_figures *f, const eval_item *item, const eval_score *s);
