// SPDX-License-Identifier: Apache-2.0
// Inside the room: answers that must call tools, or whose calls are held to their schemas. Such a constraint
// is on the whole answer, marks of the chat format and all, not on the message "final" alone.
#pragma once
#include "constrain/constrain.h"
#include "text/chat.h"
#include <infuse/session.h>

typedef struct nf_calling {
  const nf_answer_form *form;
  bool thinks, in_thought; // the answer may begin with thoughts; the prompt has opened one
  nf_view tools;           // as the session has them
  bool must;               // call
  nf_view only;            // the tool; empty: any
  bool once;               // at most one call
  const nf_piece *content; // what the answer's text must be; NULL: anything
} nf_calling;

// *out: whether anything is to be held: a call must come, or some tool is strict. NF_USAGE: what must be
// called is no tool.
nf_status nf_calling_check(const nf_calling *c, bool *out);
// From `all`. NF_BAD_INPUT names the tool whose schema does not compile.
nf_status nf_calling_constrain(const nf_calling *c, nf_constraints *all, const nf_token_tree *t,
                               nf_constraint **out);
