// SPDX-License-Identifier: Apache-2.0
// Server-sent events out of bytes that come in pieces of any size, as the HTML standard says: lines end in
// LF, CR or both, a BOM in front is skipped, comments are nothing, an event without its blank line is none.
// Thread-compatible.
#pragma once
#include "base/text.h"

typedef struct load_event { // borrowed, while it is told
  nf_view name;             // of its `event:` line; empty: it has none
  nf_view data;             // of its `data:` lines, joined by LF
} load_event;

typedef struct load_sse { // zeroed: nothing has come
  nf_text line, name, data;
  bool begun, after_cr, has_data;
} load_sse;

// Tells of each event that these bytes complete. NF_BAD_INPUT: one is larger than 16 MiB; NF_NO_MEMORY. The
// stream is of no use then.
nf_status load_sse_feed(load_sse *s, const char *at, size_t n, void (*heard)(void *user, const load_event *e),
                        void *user);
void load_sse_deinit(load_sse *s);
