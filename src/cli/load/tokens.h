// SPDX-License-Identifier: Apache-2.0
// Text to ids: by a tokenizer that is here, or by the server's /tokenize, in vLLM's form or llama.cpp's.
#pragma once
#include "cli/load/client.h"
#include <infuse/infuse.h>

typedef struct load_tokens {
  infuse_tokenizer *local; // NULL: the server is asked
  load_client *client;     // borrowed
  const char *model;       // as the server knows it; borrowed
} load_tokens;
// `path` NULL: the server is asked.
nf_status load_tokens_init(load_tokens *t, const char *path, load_client *client, const char *model);
void load_tokens_deinit(load_tokens *t);
// Ids of a text without what tokenizers put around it; *ids is freed by infuse_free.
nf_status load_encode(const load_tokens *t, nf_view text, int32_t **ids, size_t *n);
