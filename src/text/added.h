// SPDX-License-Identifier: Apache-2.0
// Added tokens: spellings that are cut out of a text before anything else looks at it.
#pragma once
#include "base/status.h"
#include "base/text.h"

typedef struct nf_added {
  nf_view content; // borrowed
  size_t order;    // in the file
  int32_t id;
  bool single_word;    // only between non-word characters
  bool lstrip, rstrip; // swallows white space before, behind
  bool special;        // left alone when the caller wants plain text
} nf_added;

// A set that is searched as one: leftmost match first, of those the longest.
typedef struct nf_added_set {
  nf_added *token; // by content; owned
  size_t n, cap;
  bool first[256]; // bytes that begin one
} nf_added_set;
nf_added *nf_added_find(const nf_added_set *s, nf_view content); // NULL: there is none
nf_status nf_added_push(nf_added_set *s, nf_added token);
// After the last push. Of tokens with one content the first in the file stays.
void nf_added_sort(nf_added_set *s);
void nf_added_deinit(nf_added_set *s);

// Cuts text into added tokens (id >= 0) and what lies between (id -1, never empty), in order. What `emit`
// fails with is passed on.
typedef nf_status (*nf_added_emit)(void *user, nf_view part, int32_t id);
nf_status nf_added_split(const nf_added_set *s, nf_view text, bool plain, nf_added_emit emit, void *user);
