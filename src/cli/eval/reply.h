// SPDX-License-Identifier: Apache-2.0
// A model's answer taken together from its pieces, and what it comes to: the final answer in its content, and
// the calls in it. Thread-compatible.
#pragma once
#include "base/json.h"
#include <infuse/infuse.h>

typedef struct eval_call {
  nf_text name, arguments; // as the model wrote them, without "functions." in front
} eval_call;

typedef struct eval_reply { // zeroed: nothing yet
  nf_text thoughts, content;
  eval_call *call; // [n_calls]
  size_t n_calls, cap_calls;
  nf_text *open; // of the message that is going on; NULL: it is for nobody
} eval_reply;
void eval_reply_deinit(eval_reply *r);
nf_status eval_reply_add(eval_reply *r, const infuse_piece *p);

// Whether a piece belongs to what the user reads: text that is no chat counts, and what an assistant says
// without naming a channel, as a reader of answers would rather have it than nothing.
bool eval_is_final(const infuse_piece *p);

// What stands behind the last "answer is" of the content, to the end of its line, else the whole content;
// without white space, a full stop and quotes around it. Part of `content`.
nf_view eval_final_answer(nf_view content);
nf_view eval_bare(nf_view text); // the same of a text that is an answer

// Of a call as wanted: `functions` is the array of declared tools.
typedef struct eval_judged {
  bool valid; // one call of a declared tool, with arguments that its schema admits
  bool exact; // and it is the wanted one: name and arguments
} eval_judged;
nf_status eval_judge_call(const eval_reply *r, const json_t *functions, const char *name,
                          const json_t *arguments,
                          eval_judged *out); // NF_NO_MEMORY
// The declared tool of this name, the object that has it, in either of OpenAI's forms; NULL: there is none.
const json_t *eval_function(const json_t *functions, const char *name);
