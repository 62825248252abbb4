// SPDX-License-Identifier: Apache-2.0
// config.json as the families need it: one struct, every number inside the bounds below, both spellings
// accepted (rope_theta + rope_scaling, or rope_parameters; torch_dtype or dtype; eos as number or list).
// Every key has a meaning (config_keys.c): one that would change the result, and is not done, is refused.
#pragma once
#include "base/json.h"
#include "base/keys.h"
#include "base/status.h"
#include "model/quantisation.h"
#include <stdint.h>

// Bounds: far above every known model, far below what overflows.
enum {
  NF_CONFIG_MAX_LAYERS = 512,
  NF_CONFIG_MAX_EXPERTS = 4096,
  NF_CONFIG_MAX_VOCAB = 1 << 22,
  NF_CONFIG_MAX_WIDTH = 1 << 17, // hidden and inner sizes
  NF_CONFIG_MAX_HEADS = 1024,
  NF_CONFIG_MAX_HEAD = 1024,
  NF_CONFIG_MAX_CONTEXT = 1 << 24,
  NF_CONFIG_MAX_EOS = 16,
};

// As layer_types spells them, in this order.
typedef enum nf_layer_kind { NF_LAYER_FULL, NF_LAYER_SLIDING, NF_LAYER_LINEAR } nf_layer_kind;
enum { NF_LAYERS_ATTENTION = 1 << NF_LAYER_FULL | 1 << NF_LAYER_SLIDING };

typedef struct nf_rope_config {
  double theta;
  double factor;  // 1: no scaling
  double context; // original_max_position_embeddings
  double beta_fast, beta_slow;
  double scale; // of cos and sin: attention_factor, else from factor and mscale
  bool truncate;
  int64_t dims; // of a head that are rotated
} nf_rope_config;

typedef struct nf_linear_config { // of linear attention: heads and the sizes of one
  int64_t key_heads, value_heads, key, value;
  int64_t taps; // of the convolution
} nf_linear_config;

typedef struct nf_config {
  const struct nf_family *family;
  char where[256]; // file name for messages
  int64_t layers, hidden, vocab;
  int64_t context, reach;             // max_position_embeddings; how far the rope goes, at least that
  int64_t heads, kv_heads, head;      // head: size of one
  int64_t inner;                      // of the MLP, or of one expert where there are experts
  int64_t experts, experts_per_token; // 0: none
  int64_t shared_inner, dense_inner;  // of the expert that all tokens share; of layers without experts
  bool dense[NF_CONFIG_MAX_LAYERS];   // of a model with experts: this layer has none
  bool norm_topk;                     // the weights of a token's experts sum up to 1
  int64_t window;                     // 0: no sliding layers
  bool attention_bias, tied;
  double eps, swiglu_limit, swiglu_alpha;
  nf_rope_config rope;
  nf_linear_config linear;
  nf_layer_kind layer[NF_CONFIG_MAX_LAYERS];
  int32_t eos[NF_CONFIG_MAX_EOS];
  int n_eos;
  nf_quantisation quant;
} nf_config;

// Reads DIR/config.json. Unknown architectures, unsupported settings and numbers out of bounds are
// NF_BAD_INPUT and name key, value and what would be right. On success nf_config_deinit frees what it owns; a
// copy of the struct borrows that. Remarks on keys go to `log` (may be NULL), or to that of `doc`.
nf_status nf_config_load(const char *dir, const nf_log *log, nf_config *out);
nf_status nf_config_parse(const nf_json *doc, nf_config *out);
void nf_config_deinit(nf_config *c); // zeroed is fine

// For the families' own readers.
nf_status nf_config_i64(const nf_json_at *root, const char *key, int64_t lo, int64_t hi, int64_t *out);
nf_status nf_config_i64_or(const nf_json_at *root, const char *key, int64_t lo, int64_t hi, int64_t otherwise,
                           int64_t *out);
nf_status nf_config_f64_or(const nf_json_at *root, const char *key, double lo, double hi, double otherwise,
                           double *out);
nf_status nf_config_bool_or(const nf_json_at *root, const char *key, bool otherwise, bool *out);
// The string is one of `words`, which have blanks between: its index among them.
nf_status nf_config_word(const nf_json_at *at, const char *words, size_t *out);
nf_status nf_config_word_or(const nf_json_at *root, const char *key, const char *words, size_t otherwise,
                            size_t *out);
// c->rope and c->reach; needs c->context and c->head. What transformers leaves out is told as a warning.
nf_status nf_config_rope(const nf_json_at *root, nf_config *c);
// What every decoder has: layers, sizes but that of the MLP, heads, eps, rope, eos.
nf_status nf_config_decoder(const nf_json_at *root, nf_config *c);
// layer_types, when present; `kinds` has bit 1 << nf_layer_kind for each that the family knows.
nf_status nf_config_layers(const nf_json_at *root, unsigned kinds, nf_config *c);
nf_status nf_config_eos(const nf_json_at *root, nf_config *c);

// What each key of the families' config.json means (config_keys.c).
extern const nf_keys nf_gpt_oss_keys, nf_qwen3_keys, nf_qwen3_next_keys;
