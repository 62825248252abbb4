// SPDX-License-Identifier: Apache-2.0
// Fuzzes the harmony reader with any sequence of ids, and the renderer with any conversation. Adversarial
// cases: marks in every order and number, messages that never end, headers that never end, half characters
// before a mark, ids without text and out of range, sinks that fail. Checked: events come as HEADER, TEXT...,
// END; all text is valid UTF-8; all text that was read is told once, in a header or as text; the reader
// survives a sink's error.
#include "text/chat_fuzz.h"

static nf_tokenizer *make(void) {
  static const char *const marks[] = {"<|start|>", "<|message|>", "<|channel|>",   "<|constrain|>", "<|end|>",
                                      "<|call|>",  "<|return|>",  "<|endoftext|>", "<|odd|>"};
  return tokenizer_with(marks, 9);
}

static nf_status see(void *user, const nf_chat_event *e) { return see_event(user, e); }

static void render(const nf_tokenizer *t, const uint8_t *data, size_t n) {
  enum { START = FIRST_MARK, END = FIRST_MARK + 4, CALL = FIRST_MARK + 5 };
  nf_chat_message message[32];
  nf_ids ids = {0};
  int open = 0;
  const nf_chat chat = {.message = message,
                        .n = parse_messages(data + 1, n - 1, message, 32),
                        .functions = data[0] & 1 ? NF_VIEW("type f = () => any;") : (nf_view){0},
                        .answer = data[0] & 2};
  nf_status st = nf_harmony.render(t, &chat, &ids);
  if (!nf_is_ok(st) && ids.n) abort();
  for (size_t i = 0; i < ids.n; i++) {
    open += (ids.at[i] == START) - (ids.at[i] == END || ids.at[i] == CALL);
    if (open < 0 || open > 1) abort();
  }
  if (nf_is_ok(st) && open != chat.answer) abort();
  nf_status_free(st);
  nf_ids_deinit(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static nf_tokenizer *t;
  if (!t) t = make();
  if (n == 0) return 0;
  if (data[0] == 0xff && n > 1) return render(t, data + 1, n - 1), 0;
  watch w = {.until_failure = data[0]};
  if (data[0])
    read_ids(&nf_harmony, t, &(nf_chat){0}, data + 1, n - 1, see, &w, &w);
  else
    account(&nf_harmony, t, &(nf_chat){0}, data + 1, n - 1, 8, " \t\n\v\f\r", see, &w, &w);
  nf_text_deinit(&w.told);
  return 0;
}
