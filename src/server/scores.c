// SPDX-License-Identifier: Apache-2.0
// Rows of numbers get the bytes of their tokens.
#include "server/scores.h"
#include <math.h>
#include <string.h>

static nf_alternative alternative(const infuse_tokenizer *t, const infuse_logprob *l) {
  nf_view bytes = {"", 0};
  const char *at = infuse_token_bytes(t, l->token, &bytes.n);
  if (at != NULL) bytes.at = at;
  return (nf_alternative){bytes, (double)l->logprob, l->token, l->rank};
}

static nf_status make_room(size_t n, size_t top, nf_scores *out) {
  *out = (nf_scores){0};
  NF_TRY(nf_make(&out->at, n, sizeof *out->at, "logprobs"));
  const nf_status st = nf_make(&out->top, n * top, sizeof *out->top, "logprobs");
  if (!nf_is_ok(st)) nf_scores_deinit(out);
  return st;
}

static void fill(const infuse_tokenizer *t, const infuse_logprobs *l, size_t top, size_t from,
                 nf_scores *out) {
  for (size_t i = 0; i < l->n; i++) {
    const infuse_logprob *row = l->data + i * l->width;
    nf_alternative *to = out->top + (from + i) * top;
    for (size_t k = 0; k < top; k++) to[k] = alternative(t, &row[1 + k]);
    out->at[from + i] = (nf_logprob){alternative(t, &row[0]), to, top};
  }
  out->n = from + l->n;
}

nf_status nf_scores_make(const infuse_tokenizer *t, const infuse_logprobs *l, size_t top, nf_scores *out) {
  if (l->n != 0 && top > l->width - 1) top = l->width - 1;
  NF_TRY(make_room(l->n, top, out));
  fill(t, l, top, 0, out);
  return nf_ok();
}

void nf_scores_deinit(nf_scores *s) {
  nf_free(s->at);
  nf_free(s->top);
  *s = (nf_scores){0};
}

nf_status nf_prompt_scores_add(nf_prompt_scores *p, const infuse_logprobs *l) {
  if (!nf_grow(&p->row, &p->cap, (p->n + l->n) * l->width, sizeof *p->row))
    return nf_error(NF_NO_MEMORY, "no memory for logprobs");
  memcpy(p->row + p->n * l->width, l->data, l->n * l->width * sizeof *p->row);
  p->width = l->width;
  p->n += l->n;
  return nf_ok();
}

nf_status nf_prompt_scores_make(const infuse_tokenizer *t, const nf_prompt_scores *p, int32_t first,
                                nf_scores *out) {
  const infuse_logprobs all = {.data = p->row, .n = p->n, .width = p->width};
  const infuse_logprob unknown = {.token = first, .logprob = NAN};
  const size_t top = p->n != 0 ? p->width - 1 : 0;
  NF_TRY(make_room(p->n + 1, top, out));
  fill(t, &all, top, 1, out);
  out->at[0] = (nf_logprob){alternative(t, &unknown), NULL, 0};
  return nf_ok();
}

void nf_prompt_scores_deinit(nf_prompt_scores *p) {
  nf_free(p->row);
  *p = (nf_prompt_scores){0};
}
