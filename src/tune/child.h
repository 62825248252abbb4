// SPDX-License-Identifier: Apache-2.0
// What the process that measures tells its parent: notes of one size, each written at once.
#pragma once
#include "tune/measure.h"

typedef enum nf_note_kind {
  NF_NOTE_TRIES, // works for this candidate from here on; -1: for all
  NF_NOTE_PASSED,
  NF_NOTE_REFUSED,
  NF_NOTE_TIMED,
  NF_NOTE_FAILED, // can't go on, for no kernel's fault
  NF_NOTE_DONE
} nf_note_kind;
typedef struct nf_note {
  int32_t kind, candidate;
  double us, spread;
  char why[NF_TUNED_WHY];
} nf_note;

// Measures the candidates of e that are not refused; never returns.
_Noreturn void nf_tune_child(const nf_case *c, const nf_measuring *m, const nf_tune_entry *e, int pipe);
