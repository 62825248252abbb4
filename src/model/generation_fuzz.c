// SPDX-License-Identifier: Apache-2.0
// Fuzzes generation_config.json. Adversarial cases: numbers at and beyond each bound, eos as number, list,
// nested list or longer than there is room for, the same id in both files, wrong kinds, lists of lists.
#include "model/generation.h"
#include <math.h>
#include <stdint.h>

static void check_ids(const nf_id_list *ids, int64_t vocab) {
  for (size_t i = 0; i < ids->n; i++)
    if (ids->id[i] < 0 || ids->id[i] >= vocab) __builtin_trap();
}

static void check(const nf_generation_config *g, int64_t vocab) {
  const bool sane = isfinite(g->temperature) && g->temperature >= 0 && g->top_p > 0 && g->top_p <= 1 &&
                    g->min_p >= 0 && g->min_p <= 1 && g->top_k >= 0 && g->n_eos >= 2 &&
                    g->n_eos <= 2 * NF_CONFIG_MAX_EOS && g->repetition_penalty > 0 &&
                    isfinite(g->presence_penalty) && isfinite(g->frequency_penalty);
  if (!sane) __builtin_trap();
  for (int i = 0; i < g->n_eos; i++)
    for (int j = 0; j < i; j++)
      if (g->eos[i] == g->eos[j]) __builtin_trap();
  check_ids(&g->suppress, vocab);
  check_ids(&g->begin_suppress, vocab);
  for (size_t i = 0; i < g->n_bad_words; i++) check_ids(&g->bad_words[i], vocab);
  for (size_t i = 0; i < g->n_bias; i++) check_ids(&g->bias[i].ids, vocab);
  for (size_t i = 0; i < g->n_stop; i++)
    if (g->stop[i][0] == 0) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  const nf_config c = {.vocab = 1000, .eos = {7, 8}, .n_eos = 2};
  nf_json doc = {0};
  nf_generation_config g;
  nf_status st = nf_json_parse((const char *)data, n, "fuzz", &doc);
  if (nf_is_ok(st)) {
    st = nf_generation_parse(&doc, &c, &g);
    if (!nf_is_ok(st)) __builtin_trap();
    check(&g, c.vocab);
    nf_generation_config_deinit(&g);
  }
  nf_status_free(st);
  nf_json_deinit(&doc);
  return 0;
}
