// SPDX-License-Identifier: Apache-2.0
// Inside the room: regular expressions of ECMAScript, as far as they are regular.
#pragma once
#include "constrain/chars.h"

// Parses a pattern, which must be UTF-8, and adds what it matches. `anchored`: of the whole text; else, as
// JSON Schema has it, of a part, unless ^ and $ say more. NF_BAD_INPUT says what is wrong and at which byte
// of the pattern; other failures stay in b.
nf_status nf_add_regex(nf_builder *b, uint32_t from, nf_view pattern, bool anchored, nf_spelling spelling,
                       uint32_t to);
