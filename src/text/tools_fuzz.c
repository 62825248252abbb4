// SPDX-License-Identifier: Apache-2.0
// Fuzzes the declarations of tools with any JSON. Adversarial cases: schemas at the depth limit, members of
// every wrong kind, numbers of every spelling, keys and texts with quotes and line ends, a text that ends
// anywhere. Checked: what is declared is valid UTF-8; chatml's lines are JSON again, and declare the same.
#include "base/json.h"
#include "text/chat.h"
#include <stdlib.h>
#include <string.h>

// The lines as an array again.
static void declare_again(const nf_text *lines) {
  nf_text array = {0}, again = {0};
  nf_text_printf(&array, "[");
  for (size_t i = 0; i < lines->n; i++) {
    const bool end = lines->at[i] == '\n';
    nf_text_append(&array, end ? "," : lines->at + i, 1);
  }
  nf_text_printf(&array, "]");
  const nf_status st = nf_chatml.declare(0, (nf_view){array.at, array.n}, &again);
  if (!nf_is_ok(st) || !nf_view_equal((nf_view){again.at, again.n}, (nf_view){lines->at, lines->n})) abort();
  nf_text_deinit(&array);
  nf_text_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  const nf_view tools = {(const char *)data, n};
  const nf_chat_format *const formats[] = {&nf_harmony, &nf_chatml, &nf_chatml, &nf_chatml};
  const nf_tool_form forms[] = {0, NF_TOOLS_QWEN3, NF_TOOLS_CODER, NF_TOOLS_CODER_FIRST};
  bool valid[4];
  for (int k = 0; k < 4; k++) {
    nf_text out = {0};
    nf_status st = formats[k]->declare(forms[k], tools, &out);
    valid[k] = nf_is_ok(st);
    if (valid[k] && out.n && nf_utf8_check(out.at, out.n) != out.n) abort();
    if (valid[k] && k == 1) declare_again(&out);
    nf_status_free(st);
    nf_text_deinit(&out);
  }
  for (int k = 1; k < 4; k++)
    if (valid[0] != valid[k]) abort();
  return 0;
}
