// SPDX-License-Identifier: Apache-2.0
// What a load generator asks: prompts that are drawn, or taken from a file, with the lengths of their
// answers, as bodies of OpenAI's completions or chats.
#pragma once
#include "base/json.h"
#include "cli/load/client.h"
#include <infuse/infuse.h>

typedef enum load_dataset {
  LOAD_RANDOM,   // tokens drawn, of given lengths
  LOAD_SHAREGPT, // first turns of conversations in ShareGPT's form; lengths are those of the replies
  LOAD_CUSTOM,   // lines of JSON, {"prompt": "..."}, and "output_tokens" where it says so
} load_dataset;

typedef struct load_lengths { // tokens, from lo to hi
  int64_t lo, hi;
} load_lengths;

typedef struct load_prompts_options { // borrowed for the life of the prompts
  load_client *client;
  const char *tokenizer; // a folder or file; NULL: the server is asked, by /tokenize
  load_dataset dataset;
  const char *path; // of the dataset, but for LOAD_RANDOM
  bool chat;        // messages, not prompts
  const char *model;
  const json_t *fields; // of every body besides; an object
  load_lengths in;      // of LOAD_RANDOM, without the prefix
  load_lengths out;     // lo 0: as the dataset says, 128 where it does not
  int64_t prefix;       // of LOAD_RANDOM: tokens that all prompts begin with
  uint64_t *random;     // state of the generator
} load_prompts_options;

typedef struct load_prompt {
  char *body; // JSON, owned
  size_t n_body;
  int64_t in, out; // tokens: of the prompt as it was made, without a chat's template, and of the answer
} load_prompt;
void load_prompt_deinit(load_prompt *p);

typedef struct load_prompts load_prompts;
// NF_BAD_INPUT: the file, or none of it can be used; NF_UNAVAILABLE: the server does not tokenize.
nf_status load_prompts_create(const load_prompts_options *o, load_prompts **out);
void load_prompts_destroy(load_prompts *p); // NULL is fine
// Random prompts never come twice; those of files come again when all were taken.
nf_status load_prompts_draw(load_prompts *p, load_prompt *out);
