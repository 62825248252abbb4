// SPDX-License-Identifier: Apache-2.0
// What generate and chat show of an answer: text with labels, one JSON document, or a line of JSON for each
// piece.
#pragma once
#include "base/text.h"
#include <infuse/infuse.h>
#include <jansson.h>

#define CLI_DIM "\033[2m"
#define CLI_NOT_DIM "\033[0m"

typedef enum cli_form {
  CLI_TEXT,
  CLI_TERMINAL, // thoughts are dim; no text moves the cursor or changes the terminal
  CLI_IDS,      // where there is no tokenizer: 1,2,3
  CLI_DOCUMENT,
  CLI_LINES,
} cli_form;

typedef struct cli_answer {
  cli_form form;
  bool dims;  // of CLI_TERMINAL, set by who made it: it can show dim text; else thoughts have a label too
  bool begun; // something was shown
  json_t *messages;  // the text of the last one is in `text` until it has ended
  json_t *ids;       // all that were drawn
  json_t *unclaimed; // those since the last piece: they belong to the message that says something next
  nf_text text;
  nf_text final; // the texts of the messages that answer
} cli_answer;

bool cli_answer_init(cli_answer *a, cli_form form); // false: no memory
void cli_answer_deinit(cli_answer *a);
// Shows what a step brought. false: no memory.
bool cli_answer_add(cli_answer *a, const infuse_output *out);
// Ends the text's last line, or prints the figures (stolen), in a document with all messages. false: no
// memory.
bool cli_answer_end(cli_answer *a, json_t *figures);
