// SPDX-License-Identifier: Apache-2.0
// The body of /v1/completions: prompts as texts or ids, and what is asked of their continuations.
#include "server/ask.h"

static nf_status read_ids(const nf_json_at *at, nf_ask *a, nf_prompt *out) {
  size_t n;
  if (!json_is_array(at->value)) return nf_json_wants(at, "a text or an array of ids");
  n = json_array_size(at->value);
  int32_t *id = nf_ask_make(a, n, sizeof *id);
  NF_TRY(nf_ask_kept(id));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(at, i);
    int64_t value;
    NF_TRY(nf_json_i64(&item, 0, INT32_MAX, &value));
    id[i] = (int32_t)value;
  }
  *out = (nf_prompt){.ids = id, .n = n};
  return nf_ok();
}

static nf_status read_prompt(const nf_json_at *at, nf_ask *a, nf_prompt *out) {
  nf_view text;
  if (!json_is_string(at->value)) return read_ids(at, a, out);
  NF_TRY(nf_json_string(at, &text));
  *out = (nf_prompt){.text = text.at, .n = text.n};
  return nf_ok();
}

// A text, ids, or a list of either.
static nf_status read_prompts(const nf_json_at *body, nf_ask *a) {
  const nf_json_at at = nf_json_get(body, "prompt"), first = nf_json_item(&at, 0);
  const bool list = json_is_array(at.value) && !json_is_number(first.value);
  const size_t n = list ? json_array_size(at.value) : 1;
  if (!json_is_array(at.value) && !json_is_string(at.value))
    return nf_json_wants(&at, "a text, ids, or a list of them");
  if (n == 0) return nf_json_error(&at, "is an empty list");
  if ((int64_t)n > NF_ASK_CHOICES / a->n)
    return nf_json_error(&at, "%zu prompts of n = %ld are more than %d answers", n, (long)a->n,
                         NF_ASK_CHOICES);
  a->prompt = nf_ask_make(a, n, sizeof *a->prompt);
  NF_TRY(nf_ask_kept(a->prompt));
  for (; a->n_prompts < n; a->n_prompts++) {
    const nf_json_at item = nf_json_item(&at, a->n_prompts);
    NF_TRY(read_prompt(list ? &item : &at, a, &a->prompt[a->n_prompts]));
  }
  return nf_ok();
}

enum { MAX_TOKENS = 16 }; // OpenAI's, where nothing is told

nf_status nf_ask_text(const nf_json_at *body, nf_ask *a) {
  static const nf_field field[] = {
      {"echo", NF_FIELD_BOOL, .at = offsetof(nf_ask, echo)},
      {"logprobs", NF_FIELD_I64, .at = offsetof(nf_ask, logprobs), .lo = 0, .hi = NF_ASK_LOGPROBS},
      {"max_tokens", NF_FIELD_I64, .at = offsetof(nf_ask, max_tokens), .lo = 0, .hi = INT32_MAX},
  };
  const nf_json_at format = nf_json_get(body, "response_format"), length = nf_json_get(body, "max_tokens");
  a->max_tokens = MAX_TOKENS;
  NF_TRY(nf_ask_fields(body, field, sizeof field / sizeof *field, a));
  if (a->max_tokens == 0 && !a->echo)
    return nf_json_error(&length, "is 0, which asks for nothing without echo; should be at least 1");
  NF_TRY(nf_ask_prompt_logprobs(body, a));
  NF_TRY(read_prompts(body, a));
  return nf_ask_schema(&format, a);
}
