// SPDX-License-Identifier: Apache-2.0
// generation_config.json: how the model's makers sample it and which tokens end its text.
//
// Nobody but who generates needs the file, so nothing in it is an error: what is not understood or not done
// is in one remark, for whoever generates, and the default stands.
#pragma once
#include "base/memory.h"
#include "model/config.h"

typedef struct nf_id_list { // token ids, all below the vocabulary's size
  int32_t *id;              // [n]
  size_t n;
} nf_id_list;
typedef struct nf_id_bias { // added to the logit of the last id where the others stand before it
  nf_id_list ids;           // at least one
  float bias;               // finite
} nf_id_bias;

typedef struct nf_generation_config {
  float temperature;         // 0: greedy
  int32_t top_k;             // 0: off
  float top_p;               // 1: off; above 0
  float min_p;               // 0: off
  float repetition_penalty;  // 1: off; above 0
  float presence_penalty;    // 0: off
  float frequency_penalty;   // 0: off
  int32_t no_repeat_ngram;   // 0: off; else no n tokens twice, prompt included
  int32_t min_new_tokens;    // before which no stop token is drawn
  nf_id_list suppress;       // never drawn
  nf_id_list begin_suppress; // never drawn first
  nf_id_list *bad_words;     // [n_bad_words] sequences that never become whole; none is one stop token
  nf_id_bias *bias;          // [n_bias]
  const char **stop;         // [n_stop] strings that end the text, none empty
  size_t n_bad_words, n_bias, n_stop;
  int32_t eos[2 * NF_CONFIG_MAX_EOS]; // those of config.json too, each once
  int n_eos;
  nf_text remark; // one line: what the file asks for that is not done; .n 0: nothing
  nf_arena arena; // owns the lists
} nf_generation_config;

// DIR/generation_config.json, or greedy without the file. NF_NO_MEMORY only. Unknown keys go to `log` (may be
// NULL). On success nf_generation_config_deinit frees what it owns; on an error `out` is zeroed.
nf_status nf_generation_load(const char *dir, const nf_config *c, const nf_log *log,
                             nf_generation_config *out);
nf_status nf_generation_parse(const nf_json *doc, const nf_config *c, nf_generation_config *out);
void nf_generation_config_deinit(nf_generation_config *g); // zeroed is fine
