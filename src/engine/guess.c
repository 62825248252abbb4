// SPDX-License-Identifier: Apache-2.0
// A guess is looked for from the end of the text on: what was said last is the likeliest to be said again.
#include "engine/guess.h"

// How many tokens before `at` are those before n, at most NF_GUESS_WIDEST.
static size_t alike(const int32_t *token, size_t at, size_t n) {
  const size_t most = at < NF_GUESS_WIDEST ? at : NF_GUESS_WIDEST;
  size_t width = 0;
  while (width < most && token[at - 1 - width] == token[n - 1 - width]) width++;
  return width;
}

// The last place before n behind which as many of the last tokens stand as anywhere; 0: there is none.
static size_t find(const int32_t *token, size_t n) {
  const size_t first = n > NF_GUESS_REACH ? n - NF_GUESS_REACH : 0;
  size_t found = 0, widest = NF_GUESS_NARROWEST - 1;
  for (size_t at = n - 1; at > first && widest < NF_GUESS_WIDEST; at--) {
    if (token[at - 1] != token[n - 1]) continue; // nearly all
    const size_t width = alike(token, at, n);
    if (width <= widest) continue;
    found = at;
    widest = width;
  }
  return found;
}

size_t nf_guess(const int32_t *token, size_t n, size_t most, int32_t *out) {
  const size_t at = most != 0 && n > NF_GUESS_NARROWEST ? find(token, n) : 0;
  if (at == 0) return 0;
  for (size_t i = 0; i < most; i++) out[i] = at + i < n ? token[at + i] : out[at + i - n];
  return most;
}

static const float keeps = 0.8f, too_wrong = 0.75f, begins_again = 0.5f;
enum { REST = 32 };

size_t nf_guessing_most(const nf_guessing *g) { return g->rests == 0 && g->most > 0 ? (size_t)g->most : 0; }

void nf_guessing_note(nf_guessing *g, size_t guessed, size_t drawn) {
  if (guessed == 0) {
    g->rests -= g->rests > 0;
    return;
  }
  const float wrong = 1 - (float)(drawn - 1) / (float)guessed;
  g->missed = keeps * g->missed + (1 - keeps) * wrong;
  if (g->missed <= too_wrong) return;
  g->missed = begins_again;
  g->rests = REST;
}
