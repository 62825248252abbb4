// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a client asks of a session that draws its own tokens, checked, and kept for the
// session and its clones.
#pragma once
#include "base/memory.h"
#include "text/chat.h"
#include <infuse/infuse.h>

typedef struct nf_settings {
  size_t users; // sessions that share it
  infuse_sampling sampling;
  int64_t max_tokens; // 0: no limit
  bool ignore_eos, stop_in_thoughts;
  nf_think think;                  // of its chats, as are
  nf_view effort, date, functions; // empty: not told
  const char *const *stop;         // [n_stop] none empty
  size_t n_stop;
  nf_ids stop_token; // of the caller's
  nf_ids end;        // all ids that sampling.min_tokens holds back
  nf_arena arena;    // owns strings and lists, but for what is the model's
} nf_settings;

// m->sampling from m->generation.
nf_status nf_model_make_sampling(infuse_model *m);

// Of one user. NF_USAGE names what is out of bounds, NF_BAD_INPUT an id outside the vocabulary. Nothing is
// kept of o. On failure too there is something to release.
nf_status nf_settings_create(const infuse_model *m, const infuse_session_options *o, nf_settings **out);
void nf_settings_release(nf_settings *s); // by one user; NULL is fine
