// SPDX-License-Identifier: Apache-2.0
// Inside the room: whose turn it is, as pure functions of numbers. Answers stand in the order in which their
// requests arrived.
//
// The rules, and what follows from them:
//  - at most `most` answers run (min of the model's sessions, tokens and rows of a step), so that a step has
//  a
//    token for each: one that decodes advances in every step, and prompts share what is left, at least
//    batch - most + 1 tokens;
//  - of the prompts every other step computes the oldest first, the steps between the one that is the nearest
//    to its end. So the oldest has at least half of what is left, and a short one never waits for the whole
//    of a long one;
//  - answers begin to run in order, as soon as there are pages for what they hold and a page of text more, of
//    themselves and of all who run; where pages run out all the same, the youngest gives back its own. The
//    oldest never has to, and begins where nobody runs: it is always on its way.
// With P tokens of prompt and G of answer a request has therefore ended after at most the sum of
// 2 ceil(P / (batch - most + 1)) + G steps over itself and those that arrived before it, and one step for
// each answer that gave back its pages meanwhile. A prompt whose every token wants a row of logits advances
// by rows: with `rows` in the place of `batch`.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nf_turn {
  int64_t position, pending; // tokens that the caches hold, and that wait to be computed
  int64_t most;              // tokens it may hold at its end
  bool runs;                 // it is named in steps
  bool rests;                // it has just given back its pages: not before another step
} nf_turn;

typedef struct nf_room {
  size_t most;                // answers that may run
  int64_t page_tokens, pages; // of a page; that nobody uses. page_tokens 0: caches have no pages
} nf_room;

// How many answers run: those that can begin to do so are marked.
size_t nf_turns_begin(nf_turn *t, size_t n, const nf_room *room);
// Those that run, in the order in which step `step` is to name them: to[how many]. Kernels and the engine put
// who decodes before the prompts.
size_t nf_turns_order(const nf_turn *t, size_t n, uint64_t step, size_t *to);
