// SPDX-License-Identifier: Apache-2.0
// Qwen3 (dense): config and graph. Attention with norms of queries and keys, SwiGLU MLP; bf16 or FP8.
// Published as Qwen/Qwen3-0.6B to -32B.
#include "model/parts.h"

// Sliding layers only where the config switches them on: from layer max_window_layers, unless layer_types
// says more. A window that is null is none.
static nf_status read_windows(const nf_json_at *root, nf_config *c) {
  const nf_json_at at = nf_json_get(root, "use_sliding_window"), window = nf_json_get(root, "sliding_window");
  const bool none = json_is_null(json_object_get(root->value, "sliding_window"));
  bool on;
  int64_t full;
  NF_TRY(nf_config_bool_or(root, "use_sliding_window", false, &on));
  NF_TRY(nf_config_i64_or(root, "max_window_layers", 0, NF_CONFIG_MAX_LAYERS, 28, &full));
  if (on && !none)
    NF_TRY(nf_config_i64_or(root, "sliding_window", 1, NF_CONFIG_MAX_CONTEXT, 4096, &c->window));
  for (int64_t i = 0; i < c->layers; i++)
    c->layer[i] = c->window && i >= full ? NF_LAYER_SLIDING : NF_LAYER_FULL;
  NF_TRY(nf_config_layers(root, NF_LAYERS_ATTENTION, c));
  for (int64_t i = 0; i < c->layers && !c->window; i++)
    if (c->layer[i] == NF_LAYER_SLIDING)
      return nf_json_error(on ? &window : &at, "is %s: layer_types[%ld] is 'sliding_attention'",
                           on ? "null, should be a number" : "false, should be true", (long)i);
  return nf_ok();
}

static nf_status read_config(const nf_json_at *root, nf_config *c) {
  NF_TRY(nf_config_decoder(root, c));
  NF_TRY(nf_config_i64(root, "intermediate_size", 1, NF_CONFIG_MAX_WIDTH, &c->inner));
  return read_windows(root, c);
}

static nf_val attention(const nf_parts *p, nf_act *x) {
  return nf_part_attention(p, x, (nf_attention_kind){.head_norms = true});
}

static nf_val mlp(const nf_parts *p, nf_act *x) { return nf_part_mlp(p, "mlp", "mlp", x, p->c->inner); }

const nf_family nf_family_qwen3 = {.model_type = "qwen3",
                                   .architecture = "Qwen3ForCausalLM",
                                   .eps = 1e-6,
                                   .rope = {.theta = 10000, .factor = 1},
                                   .keys = &nf_qwen3_keys,
                                   .chat = "chatml",
                                   .config = read_config,
                                   .attention = attention,
                                   .mlp = mlp};
