// SPDX-License-Identifier: Apache-2.0
// The answer to a request as clients read it: one JSON body, or a stream of server-sent events. Pure: takes
// what sessions tell (infuse_output) and writes text. Chats, completions and responses differ in a table of
// functions each (reply_chat.c, reply_text.c, reply_response.c).
//
// A stream is created, told of every choice's tokens in any order, and ended; or broken off by an error. What
// is written is whole events, to be sent in order. JSON is ASCII: some clients cut lines at U+0085 and
// U+2028.
#pragma once
#include "schedule/schedule.h"
#include "server/ask.h"

typedef struct nf_alternative {
  nf_view token;  // its bytes, not always whole characters
  double logprob; // natural logarithm; -INFINITY is told as -9999, NAN as null: not known
  int32_t id, rank;
} nf_alternative;
typedef struct nf_logprob { // of a position
  nf_alternative token;
  const nf_alternative *top; // [n_top] likeliest first
  size_t n_top;
} nf_logprob;

// What came of a choice.
typedef struct nf_told {
  size_t choice;
  const infuse_piece *pieces; // [n_pieces]
  size_t n_pieces;
  const nf_logprob *logprobs; // [n_logprobs] of the tokens that were drawn, where they are wanted; but in a
                              // completion only of those that are text of the answer itself
  size_t n_logprobs;
  infuse_finish finish;
  nf_tokens usage; // of the request so far
} nf_told;

typedef struct nf_reply nf_reply; // thread-compatible

// The ask outlives it. id: letters and digits, unique; created: seconds since 1970; format: of the model's
// chats, NULL: it has none. NF_NO_MEMORY.
nf_status nf_reply_create(const nf_ask *ask, const char *id, int64_t created, const char *model,
                          const char *format, nf_reply **out);
void nf_reply_destroy(nf_reply *r); // NULL is fine
// Appends what is to be sent now: nothing where the answer is no stream.
nf_status nf_reply_begin(nf_reply *r, nf_text *out);
// Of a choice, before anything else is told of it: what is asked for of its prompt. `text`: of a completion,
// what echo says; l [n]: all its tokens, of the first of which nothing is known, where logprobs of them are
// wanted.
nf_status nf_reply_prompt(nf_reply *r, size_t choice, nf_view text, const nf_logprob *l, size_t n,
                          nf_text *out);
nf_status nf_reply_tell(nf_reply *r, const nf_told *told, nf_text *out);
// All choices have finished: the rest of the stream, or the whole body.
nf_status nf_reply_end(nf_reply *r, const nf_tokens *usage, nf_text *out);
// ---- inside the room: what the forms of answers share ----

// What of a message a piece belongs to.
typedef enum nf_part { NF_PART_CONTENT, NF_PART_THOUGHTS, NF_PART_CALL } nf_part;
nf_part nf_choice_part(const infuse_piece *p);

typedef struct nf_reply_call {
  nf_text name, arguments;
} nf_reply_call;

typedef struct nf_mould { // for chunks of a stream that differ in their text only
  nf_text chunk;          // one with an empty text
  size_t at;              // where its text stands; 0: it was not made yet
} nf_mould;

typedef struct nf_choice {
  nf_text content, thoughts; // all so far
  nf_reply_call *call;       // [n_calls]
  size_t n_calls, cap_calls;
  json_t *logprobs;        // a list, NULL: none
  json_t *prompt_logprobs; // vLLM's list, of a prompt's first choice; NULL: none are wanted
  bool left_out;           // the running message is told to nobody
  bool cut;                // its last call was not closed, so that nobody should act on it
  bool answered, parted;   // there was a message "final"; text comes behind that of another message
  int64_t offset;          // of completions: characters before the next token
  infuse_finish finish;
  nf_mould mould[NF_PART_CALL]; // of contents and of thoughts
} nf_choice;

typedef struct nf_item { // of a response's output
  nf_part part;
  nf_text text, name; // name: of a call
  json_t *logprobs;   // of a message, all so far; NULL: none are wanted
  size_t told;        // how many of them deltas have
  bool done, cut;     // cut: it was not whole when that was so
} nf_item;

typedef struct nf_reply_form {
  const char *prefix;                            // of ids
  bool joins;                                    // what is said in several messages is one text
  nf_status (*begin)(nf_reply *r, nf_text *out); // of a stream
  // Of the prompt that echo wants. NULL: there is none
  nf_status (*echo)(nf_reply *r, size_t choice, nf_view text, const nf_logprob *l, size_t n, nf_text *out);
  nf_status (*tell)(nf_reply *r, const nf_told *t, nf_text *out); // not of a stream: `out` stays as it is
  nf_status (*end)(nf_reply *r, const nf_tokens *usage, nf_text *out); // the same
  json_t *(*whole)(nf_reply *r, const nf_tokens *usage);               // the body; NULL: no memory
} nf_reply_form;

struct nf_reply {
  const nf_ask *ask;
  const nf_reply_form *form;
  char *id, *model;  // of the arena
  const char *space; // what the format puts in front of functions' names
  int64_t created;
  nf_choice *choice; // [n]
  size_t n;
  nf_item *item; // [n_items] of a response
  size_t n_items, cap_items;
  infuse_piece *shown; // [n_shown] pieces of the step that are told
  size_t n_shown, cap_shown;
  int64_t events;  // of a response, so far
  json_t *waiting; // logprobs of a response's tokens whose text has not come yet; NULL: there were none
  nf_arena arena;
};

extern const nf_reply_form nf_reply_chat, nf_reply_text, nf_reply_response;

nf_status nf_reply_no_memory(void);
json_t **nf_reply_prompt_logprobs(nf_reply *r, size_t choice); // where all choices of its prompt have them
// One event; takes the value. A stream is broken off by one named "error", which all clients take for a
// failure. `event` NULL: no line of that name.
nf_status nf_reply_event(nf_text *out, const char *event, json_t *value);
void nf_mould_find(nf_mould *m); // where the text of its chunk stands: it is the last one that is empty
nf_status nf_mould_fill(const nf_mould *m, nf_view text, nf_text *out); // appends a chunk with this text
json_t *nf_usage_json(const nf_tokens *u);
json_t *nf_json_text(const nf_text *t);         // a string; of an empty text too
const char *nf_finish_name(const nf_choice *c); // "stop", "length", "tool_calls"
json_t *nf_logprob_number(double x);
json_t *nf_token_json(nf_view token);         // as text
json_t *nf_logprob_json(const nf_logprob *l); // {"token", "logprob", "bytes", "top_logprobs"}
bool nf_json_push_logprobs(json_t *list, const nf_logprob *l, size_t n); // all of these
const char *nf_function_name(const nf_reply *r, const char *recipient);  // without what stands in front of it
bool nf_is_cut_call(const infuse_piece *p); // the piece ends a call that was not closed
