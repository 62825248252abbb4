// SPDX-License-Identifier: Apache-2.0
// Inside the room: guessing the next tokens of a text by what stood behind its last ones before (n-gram
// lookup). Guesses are computed together with the token before them, and those stay that are drawn: the text
// is what it would be without. Pure.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { NF_GUESSES_MAX = 16, NF_GUESS_WIDEST = 4, NF_GUESS_NARROWEST = 2 }; // tokens of the n-gram

// How well a text could be guessed. Zeroed: nothing was guessed yet.
typedef struct nf_guessing {
  int32_t most;  // tokens at a time; 0: it does not guess
  float missed;  // part of the last guesses that were wrong, those before them counting less and less
  int32_t rests; // tokens that are drawn before it guesses again
} nf_guessing;

// How far back it looks: between steps, which wait for it, so that this must take microseconds of each text.
enum { NF_GUESS_REACH = 16384 };

// Up to `most` tokens that may come behind token[0..n), to out: those behind the place among the last
// NF_GUESS_REACH where most of its last NF_GUESS_WIDEST tokens stood before, of several the last. How many.
size_t nf_guess(const int32_t *token, size_t n, size_t most, int32_t *out);

// How many may be guessed now.
size_t nf_guessing_most(const nf_guessing *g);
// A step drew `drawn` >= 1 tokens where it had guessed `guessed`, of which drawn - 1 were right. Where most
// of them are wrong it rests for a while: computing them costs more than it brings.
void nf_guessing_note(nf_guessing *g, size_t guessed, size_t drawn);
