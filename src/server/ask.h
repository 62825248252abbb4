// SPDX-License-Identifier: Apache-2.0
// What a client asks for: the bodies of /v1/chat/completions, /v1/completions and /v1/responses, read into
// one form. Pure: knows neither connections nor models.
//
// Fields that would change the answer and are not supported are refused by name; unknown ones are ignored, as
// clients send fields of their own.
#pragma once
#include "base/json.h"
#include "base/memory.h"
#include <infuse/infuse.h>

enum {
  NF_ASK_CHOICES = 128,                  // n, and prompts times n, at most
  NF_ASK_STOPS = 64,                     // stop strings, and stop tokens
  NF_ASK_LOGPROBS = INFUSE_TOP_LOGPROBS, // of a position, beside the one that stands there
  NF_ASK_BIASES = 4096,                  // entries of logit_bias
  NF_ASK_MESSAGES = 65536                // of a conversation
};

typedef enum nf_ask_kind { NF_ASK_CHAT, NF_ASK_TEXT, NF_ASK_RESPONSE } nf_ask_kind;

typedef struct nf_prompt { // one of a completion
  const char *text;        // n bytes; NULL: ids
  size_t n;
  const int32_t *ids; // [n]
} nf_prompt;

// What the answer must be like.
typedef enum nf_shape {
  NF_SHAPE_FREE,
  NF_SHAPE_OBJECT,
  NF_SHAPE_SCHEMA,
  NF_SHAPE_REGEX,
  NF_SHAPE_CHOICE
} nf_shape;

typedef enum nf_tool_choice {
  NF_TOOLS_AUTO,
  NF_TOOLS_NONE,
  NF_TOOLS_REQUIRED,
  NF_TOOLS_NAMED
} nf_tool_choice;

// Strings are those of the body, or of the arena.
typedef struct nf_ask {
  nf_ask_kind kind;
  nf_json body;
  nf_arena arena;
  const char *model; // NULL: not told
  bool stream, include_usage, continuous_usage;
  int64_t n;                      // choices of each prompt
  int64_t logprobs;               // of how many tokens beside the drawn one; -1: none are wanted
  int64_t prompt_logprobs;        // the same of each token of the prompt
  bool echo;                      // of completions: the prompt is part of the answer
  int64_t max_tokens;             // -1: not told
  bool seeded;                    // else each request draws differently
  infuse_sampling sampling;       // over what the caller of nf_ask_read gave
  infuse_session_options session; // but for sampling, which is above
  infuse_message *message;        // [n_messages] of a chat or response
  size_t n_messages;
  nf_prompt *prompt; // [n_prompts] of a completion
  size_t n_prompts;
  const json_t *tools; // as OpenAI's chats have them; NULL: none
  nf_tool_choice tool_choice;
  const char *tool; // of NAMED
  bool one_call;    // parallel_tool_calls false
  nf_shape shape;
  const char *pattern;        // of SCHEMA and REGEX, as text
  const char *shape_at;       // the path of the field that says it; NULL: none does
  const char *const *choices; // [n_choices] of CHOICE
  size_t n_choices;
} nf_ask;

// Reads n bytes of a body. `sampling` is what holds where the request says nothing. NF_BAD_INPUT: "body:
// <path of the field>: <what is wrong>". On failure too there is something to deinit.
nf_status nf_ask_read(nf_ask_kind kind, const char *text, size_t n, const infuse_sampling *sampling,
                      nf_ask *out);
void nf_ask_deinit(nf_ask *a); // zeroed is fine
// Appends the path of the field that an error of the library's is about; nothing where it is about none.
nf_status nf_ask_param(const nf_ask *a, const char *message, nf_text *out);
bool nf_ask_scores_prompt(const nf_ask *a); // logprobs are wanted of the prompt's tokens

// ---- inside the room: what the files of nf_ask share ----

// One field that goes as it is to where it belongs.
typedef enum nf_field_kind {
  NF_FIELD_BOOL,
  NF_FIELD_I64,
  NF_FIELD_I32,
  NF_FIELD_F32,
  NF_FIELD_STRING
} nf_field_kind;
typedef struct nf_field {
  const char *key;
  nf_field_kind kind;
  size_t at; // in nf_ask
  double lo, hi;
} nf_field;
nf_status nf_ask_fields(const nf_json_at *object, const nf_field *f, size_t n, nf_ask *a);

nf_status nf_ask_chat(const nf_json_at *body, nf_ask *a);
nf_status nf_ask_text(const nf_json_at *body, nf_ask *a);
nf_status nf_ask_response(const nf_json_at *body, nf_ask *a);

void *nf_ask_make(nf_ask *a, size_t n, size_t size); // of the arena, zeroed; NULL: no memory
nf_status nf_ask_kept(const void *made);             // NF_NO_MEMORY where it is NULL
// A string without NUL, or NULL where there is none.
nf_status nf_ask_string(const nf_json_at *at, const char **out);
// One of the words in `words`, with blanks between; *out is its place among them. Missing: *out stays.
nf_status nf_ask_word(const nf_json_at *at, const char *words, int *out);
// What all bodies spell alike: tools of chats, and of responses, which lack an object around the function.
nf_status nf_ask_tools(const nf_json_at *body, nf_ask *a);
nf_status nf_ask_prompt_logprobs(const nf_json_at *body, nf_ask *a); // of chats and completions
nf_status nf_ask_schema(const nf_json_at *format, nf_ask *a);        // {"type": "text" | "json_object" | …}
// Content: a string, or parts of text, as one string.
#define NF_CONTENT "a string or an array of parts"
nf_status nf_ask_content(const nf_json_at *at, nf_ask *a, const char **out, size_t *n);
