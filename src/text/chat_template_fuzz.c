// SPDX-License-Identifier: Apache-2.0
// Fuzzes chat templates, as a template's text and as a tokenizer_config.json. Adversarial cases: lists of
// other things than templates, names and templates of wrong kinds or missing, the words that tell kinds apart
// cut, repeated and in any order. Checked: what is found is valid UTF-8; only a switch enable_thinking
// means one of the kinds that have one, and only who writes <function= calls functions with parameters.
#include "text/chat.h"
#include <stdlib.h>
#include <string.h>

static void classify(nf_view text) {
  const nf_thinking kind = nf_chat_template_thinking(text);
  const bool has_switch = text.n && memmem(text.at, text.n, "enable_thinking", 15);
  if (has_switch != (kind >= NF_THINKING_HYBRID)) abort();
  if (nf_chat_template_form(text) != NF_TOOLS_QWEN3 && !memmem(text.at, text.n, "<function=", 10)) abort();
  if (kind == NF_THINKING_ALWAYS && !memmem(text.at, text.n, "<think>", 7)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  nf_json doc = {0};
  nf_view text = {0};
  classify((nf_view){(const char *)data, n});
  nf_status st = nf_json_parse((const char *)data, n, "fuzz", &doc);
  if (nf_is_ok(st)) st = nf_chat_template_in(&doc, &text);
  if (nf_is_ok(st)) {
    if (text.n && nf_utf8_check(text.at, text.n) != text.n) abort();
    classify(text);
  }
  nf_status_free(st);
  nf_json_deinit(&doc);
  return 0;
}
