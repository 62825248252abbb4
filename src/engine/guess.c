// SPDX-License-Identifier: Apache-2.0
// A guess is looked for from the end of the text on: what was said last is the likeliest to be said again.
#include "engine/guess.h"
#include <stdbool.h>
#include <string.h>

static bool ends_alike(const int32_t *token, size_t at, size_t n, size_t width) {
  return memcmp(token + at - width, token + n - width, width * sizeof *token) == 0;
}

// The last place before n behind which the last `width` tokens stand too; 0: there is none.
static size_t find(const int32_t *token, size_t n, size_t width) {
  for (size_t at = n - 1; at >= width; at--)
    if (token[at - 1] == token[n - 1] && ends_alike(token, at, n, width)) return at;
  return 0;
}

size_t nf_guess(const int32_t *token, size_t n, size_t most, int32_t *out) {
  for (size_t width = NF_GUESS_WIDEST; width >= NF_GUESS_NARROWEST && most != 0; width--) {
    const size_t at = n > width ? find(token, n, width) : 0;
    if (at == 0) continue;
    for (size_t i = 0; i < most; i++) out[i] = at + i < n ? token[at + i] : out[at + i - n];
    return most;
  }
  return 0;
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
