// SPDX-License-Identifier: Apache-2.0
// Items whose tokens are given, as sequences: windows of a text, and prompts with a choice behind them.
#include "cli/eval/eval.h"
#include <ctype.h>
#include <string.h>

// ---- texts ----

static nf_status encode(const infuse_model *m, nf_view text, eval_ids *out) {
  NF_TRY((nf_status){infuse_model_check_text(m)});
  return (nf_status){infuse_encode(infuse_model_tokenizer(m), text.at, text.n, 0, &out->at, &out->n)};
}

nf_status eval_encode_text(const infuse_model *m, const eval_item *item, eval_ids *out) {
  NF_TRY(eval_note(encode(m, item->text, out), item));
  if (out->n > 1) return nf_ok();
  infuse_free(out->at);
  return eval_note(
      nf_error(NF_BAD_INPUT, "the text is one token; it wants two, as the first is not predicted"), item);
}

size_t eval_windows(size_t tokens, size_t context) { return (tokens - 1 + context - 1) / context; }

static nf_status take(const int32_t *ids, size_t n, eval_sequence *out) {
  NF_TRY(nf_make(&out->token, n, sizeof *ids, "tokens"));
  memcpy(out->token, ids, n * sizeof *ids);
  out->n = n;
  return nf_ok();
}

nf_status eval_cut_window(const eval_ids *ids, size_t context, size_t part, eval_sequence *out) {
  const size_t from = part * context, rest = ids->n - from;
  out->context = 1;
  return take(ids->at + from, rest < context + 1 ? rest : context + 1, out);
}

// ---- choices ----

static size_t without_space(nf_view text) {
  while (text.n != 0 && isspace((unsigned char)text.at[text.n - 1])) text.n--;
  return text.n;
}

// As lm-eval: white space at the prompt's end belongs to the choice, both are encoded together, and what the
// prompt alone has tokens of is the context.
static nf_status encode_both(const infuse_model *m, const eval_item *item, const nf_text *both,
                             eval_sequence *out) {
  eval_ids whole = {0}, context = {0};
  nf_status st = encode(m, (nf_view){item->text.at, without_space(item->text)}, &context);
  if (nf_is_ok(st)) st = encode(m, nf_text_view(both), &whole);
  out->context = context.n;
  if (nf_is_ok(st) && (context.n == 0 || whole.n <= context.n))
    st = nf_error(NF_BAD_INPUT,
                  "prompt and choice %zu are %zu tokens, and the prompt alone is %zu; both want a "
                  "token of their own",
                  out->part, whole.n, context.n);
  if (nf_is_ok(st)) st = take(whole.at, whole.n, out);
  infuse_free(whole.at);
  infuse_free(context.at);
  return st;
}

nf_status eval_encode_choice(const infuse_model *m, const eval_item *item, size_t part, eval_sequence *out) {
  const json_t *choice = json_array_get(item->choices, part);
  nf_text both = {0};
  nf_text_append(&both, item->text.at, item->text.n);
  nf_text_append(&both, " ", 1);
  nf_text_append(&both, json_string_value(choice), json_string_length(choice));
  nf_status st = nf_text_status(&both);
  if (nf_is_ok(st)) st = encode_both(m, item, &both, out);
  nf_text_deinit(&both);
  return eval_note(st, item);
}
