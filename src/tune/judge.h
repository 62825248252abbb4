// SPDX-License-Identifier: Apache-2.0
// Inside the room: whether a kernel may compete.
#pragma once
#include "check/internal.h"
#include "tune/store.h"

typedef struct nf_judge {
  const nf_case *c; // the op's own
  const nf_hw *hw;
  const nf_runner *on;
  void (*alive)(void *user); // called between cases; NULL: nobody listens
  void *user;
} nf_judge;
// The checker's gate, on shapes around the kernel's limits unless it has passed those, and on the op's own
// where its reference is quick. *why: one line of what is wrong, else "".
nf_status nf_judge_gate(const nf_judge *j, const nf_variant *v, bool passed, char why[NF_TUNED_WHY]);

// What a kernel left, decoded: float results that are no caches.
typedef struct nf_left {
  float *of[NF_MAX_OUT];
} nf_left;
nf_status nf_left_take(const nf_instance *i, nf_left *out);
void nf_left_free(nf_left *l); // zeroed is fine
// Far from what rounding does, near enough for what a wrong kernel does.
bool nf_left_near(const nf_instance *i, const nf_left *want, const nf_left *got);
