// SPDX-License-Identifier: Apache-2.0
// Fuzzes task files with lines of any JSON. Adversarial cases: keys of other kinds and of every wrong type,
// schemas at the depth limit or with keywords that are not checked, tools in both forms, calls whose
// arguments are texts, lines that end anywhere, blank ones and NUL. Checked: each item is whole as its kind
// says, and a wanted call is judged to be right.
#include "cli/eval/reply.h"
#include "cli/eval/task.h"
#include <stdlib.h>
#include <string.h>

static void check_call(const eval_item *item) {
  char *arguments = json_dumps(item->arguments, 0);
  eval_reply r = {0};
  eval_judged judged;
  const infuse_piece p = {.begins = true,
                          .role = "assistant",
                          .name = "",
                          .channel = "commentary",
                          .recipient = item->name,
                          .content_type = "json",
                          .text = arguments,
                          .n = arguments != NULL ? strlen(arguments) : 0};
  if (arguments == NULL) return;
  nf_status st = eval_reply_add(&r, &p);
  if (nf_is_ok(st)) st = eval_judge_call(&r, item->functions, item->name, item->arguments, &judged);
  if (nf_is_ok(st) && strncmp(item->name, "functions.", 10) != 0 && !judged.exact) abort();
  nf_status_free(st);
  eval_reply_deinit(&r);
  free(arguments);
}

static void check(const eval_item *item) {
  const bool asks = item->kind == EVAL_EXACT || item->kind == EVAL_CALL;
  if (asks != (item->n_messages != 0)) abort();
  if (item->kind == EVAL_EXACT && item->answer[0] == '\0') abort();
  if (item->kind == EVAL_CHOICES && item->right >= json_array_size(item->choices)) abort();
  if (!asks && item->text.n == 0) abort();
  if (item->kind == EVAL_EXACT) (void)eval_final_answer(nf_view_of(item->answer));
  if (item->kind == EVAL_CALL) check_call(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  eval_task t;
  const nf_status st = eval_task_parse("task.jsonl", (nf_view){(const char *)data, n}, 0, "system", &t);
  for (size_t i = 0; nf_is_ok(st) && i < t.n; i++) check(&t.item[i]);
  if (nf_is_ok(st)) eval_task_deinit(&t);
  nf_status_free(st);
  return 0;
}
