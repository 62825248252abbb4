// SPDX-License-Identifier: Apache-2.0
// generation_config.json: how the model's makers sample it and which tokens end its text.
#pragma once
#include "model/config.h"

typedef struct nf_generation_config {
  float temperature;                  // 0: greedy
  int32_t top_k;                      // 0: off
  float top_p;                        // 1: off
  float min_p;                        // 0: off
  int32_t eos[2 * NF_CONFIG_MAX_EOS]; // those of config.json too, each once
  int n_eos;
} nf_generation_config;

// DIR/generation_config.json, or greedy without the file. Numbers out of bounds: NF_BAD_INPUT names the key.
nf_status nf_generation_load(const char *dir, const nf_config *c, nf_generation_config *out);
nf_status nf_generation_parse(const nf_json *doc, const nf_config *c, nf_generation_config *out);
