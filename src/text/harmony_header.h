// SPDX-License-Identifier: Apache-2.0
// Headers of harmony messages as text; for this room only.
#pragma once
#include "text/chat.h"

// Marks within a header's text. Text is valid UTF-8, so it has no such bytes.
#define NF_HEADER_CHANNEL '\xfe'
#define NF_HEADER_CONSTRAIN '\xff'

// Fills role, name, channel, recipient, content_type and constrained of *out with views into the header.
// `closed`: it ended in <|message|>; `role_given`: by the prompt. Returns where the content begins that
// stands in a header without <|message|>; header.n: none does. *odd: it is not well-formed.
size_t nf_harmony_parse_header(nf_view header, bool closed, bool role_given, nf_chat_event *out, bool *odd);
