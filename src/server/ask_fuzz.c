// SPDX-License-Identifier: Apache-2.0
// Fuzzes the bodies of requests: the first byte says of which endpoint. What is read must hold together, and
// whatever an error says names a field or none.
#include "server/ask.h"
#include <string.h>

static void check(const nf_ask *a) {
  for (size_t i = 0; i < a->n_messages; i++)
    if (a->message[i].role == NULL || a->message[i].content == NULL) __builtin_trap();
  for (size_t i = 0; i < a->session.n_stop; i++)
    if (a->session.stop[i][0] == 0) __builtin_trap();
  if (a->kind == NF_ASK_TEXT && (int64_t)a->n_prompts * a->n > NF_ASK_CHOICES) __builtin_trap();
  if (a->kind != NF_ASK_TEXT && a->n_messages == 0) __builtin_trap();
  if (a->tool_choice == NF_TOOLS_NAMED && a->tool == NULL) __builtin_trap();
  if ((a->shape == NF_SHAPE_SCHEMA || a->shape == NF_SHAPE_REGEX) && a->pattern == NULL) __builtin_trap();
}

static void name_fields(const nf_ask *a, const char *text, size_t n) {
  static const char *const begins[] = {"schema: ",    "tools: ", "tools: [0].function", "tool ", "tool '",
                                       "stop token ", ""};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
    nf_text message = {0}, field = {0};
    nf_text_printf(&message, "%s", begins[i]);
    nf_text_append(&message, text, n);
    nf_status st = nf_text_status(&message);
    if (nf_is_ok(st)) st = nf_ask_param(a, message.at, &field);
    nf_status_free(st);
    nf_text_deinit(&message);
    nf_text_deinit(&field);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  const infuse_sampling none = {.size = sizeof none};
  if (n == 0) return 0;
  char *exact = nf_alloc(n - 1, 1); // its own block, so that reading behind the text is seen
  if (exact == NULL) return 0;
  if (n > 1) memcpy(exact, data + 1, n - 1);
  nf_ask a;
  nf_status st = nf_ask_read((nf_ask_kind)(data[0] % 3), exact, n - 1, &none, &a);
  if (nf_is_ok(st))
    check(&a);
  else if (strchr(nf_status_message(st), '\n') != NULL)
    __builtin_trap();
  nf_status_free(st);
  name_fields(&a, exact, n - 1);
  nf_ask_deinit(&a);
  nf_free(exact);
  return 0;
}
