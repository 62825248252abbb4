// SPDX-License-Identifier: Apache-2.0
// What a checkpoint's chat template says of thinking. Templates are programs; this only looks for the words
// by which the kinds differ, and renders nothing.
#pragma once
#include "base/json.h"
#include "text/chat.h"

// Hybrid: it has a switch enable_thinking. Always: its generation prompt ends inside a thought. Else never.
nf_thinking nf_chat_template_thinking(nf_view text);
// The template in a tokenizer_config.json or chat_template.json: a string, or of a list the one that is named
// "default". Lives as long as the document; empty when there is none.
nf_status nf_chat_template_in(const nf_json *doc, nf_view *out);
// From chat_template.jinja, else tokenizer_config.json, else chat_template.json of a checkpoint's folder. If
// none has a template: hybrid when the tokenizer knows <think>, else never. A broken file is NF_BAD_INPUT.
nf_status nf_chat_template_load(const char *dir, const nf_tokenizer *t, nf_thinking *out);
