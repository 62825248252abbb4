// SPDX-License-Identifier: Apache-2.0
// Inside the room: from the logits of a step to tokens, over the runtime's threads.
#pragma once
#include "base/threads.h"
#include "engine/sampler.h"
#include "engine/step.h"

struct infuse_model;

// Calls f(user, i, scratch) once for each i in [0, n), over the threads; at any time each call has a scratch
// of its own. [n_scratch >= 1]: no more calls than that go side by side. Allocates nothing.
typedef void (*nf_draw_fn)(void *user, size_t i, nf_sampler_scratch *scratch);
void nf_draw_each(nf_threads *t, nf_sampler_scratch *scratch, size_t n_scratch, size_t n, nf_draw_fn f,
                  void *user);

// Looks at the rows of each share and draws the tokens of those that do. Sessions stay as they are, but for
// what their samplers have counted. Results don't depend on the number of threads.
void nf_draw_shares(struct infuse_model *m, nf_share *share, size_t n);
