// SPDX-License-Identifier: Apache-2.0
// What generate shows of an answer: text with labels, one JSON document, or a line of JSON for each piece.
#pragma once
#include "base/text.h"
#include <infuse/infuse.h>
#include <jansson.h>

typedef enum cli_form {
  CLI_TEXT,
  CLI_IDS, // where there is no tokenizer: 1,2,3
  CLI_DOCUMENT,
  CLI_LINES,
} cli_form;

typedef struct cli_answer {
  cli_form form;
  bool begun;        // something was shown
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
