// SPDX-License-Identifier: Apache-2.0
// GPT-OSS: config and graph. Attention with sinks, sliding and full layers by turns, YaRN; MXFP4 experts with
// interleaved gate and up rows. Published as openai/gpt-oss-20b and -120b.
#include "model/parts.h"

static nf_status read_config(const nf_json_at *root, nf_config *c) {
  NF_TRY(nf_config_decoder(root, c));
  NF_TRY(nf_config_i64(root, "intermediate_size", 32, NF_CONFIG_MAX_WIDTH, &c->inner));
  NF_TRY(nf_config_i64(root, "num_local_experts", 1, NF_CONFIG_MAX_EXPERTS, &c->experts));
  NF_TRY(nf_config_i64(root, "num_experts_per_tok", 1, c->experts, &c->experts_per_token));
  NF_TRY(nf_config_i64(root, "sliding_window", 1, NF_CONFIG_MAX_CONTEXT, &c->window));
  NF_TRY(nf_config_f64_or(root, "swiglu_limit", 0, 1e6, 7, &c->swiglu_limit));
  NF_TRY(nf_config_f64_or(root, "swiglu_alpha", 1e-6, 1e6, 1.702, &c->swiglu_alpha));
  for (int64_t i = 0; i < c->layers; i++) c->layer[i] = i % 2 == 0 ? NF_LAYER_SLIDING : NF_LAYER_FULL;
  NF_TRY(nf_config_layers(root, NF_LAYERS_ATTENTION, c));
  const nf_json_at width = nf_json_get(root, "hidden_size");
  if (c->hidden % 32 != 0 || c->inner % 32 != 0)
    return nf_json_error(&width, "%ld (and intermediate_size %ld) must be multiples of the MXFP4 block, 32",
                         (long)c->hidden, (long)c->inner);
  return nf_ok();
}

static nf_val experts(const nf_parts *p, const char *name, const char *tensor, nf_val x, nf_val ids,
                      int64_t n, int64_t k) {
  const int64_t dim[] = {p->c->experts, n, k};
  const char *stem = NF_NAME(p, "mlp.experts.%s", tensor);
  const nf_val w = nf_part_mxfp4(p, NF_NAME(p, "%s.w", name), stem, dim, 3);
  const nf_val bias = nf_part_weight(p, NF_NAME(p, "%s.b", name), NF_NAME(p, "%s_bias", stem), dim[0], n);
  return NF_BUILD(p->b, name, grouped_linear, (x, ids, w, bias), .out = p->o->activation);
}

static nf_val mixture(const nf_parts *p, nf_val x) {
  const nf_config *c = p->c;
  nf_builder *b = p->b;
  nf_val ids;
  const nf_val rw = nf_part_weight(p, "moe.router.w", "mlp.router.weight", c->experts, c->hidden);
  const nf_val rb = nf_part_weight(p, "moe.router.b", "mlp.router.bias", c->experts, 0);
  const nf_val logits = NF_BUILD(b, "moe.router", linear, (x, rw, rb), .out = NF_F32);
  const nf_val weights = nf_part_choice(p, logits, false, &ids);
  const nf_val up = experts(p, "moe.gate_up", "gate_up_proj", x, ids, 2 * c->inner, c->hidden);
  const nf_val act = NF_BUILD(b, "moe.act", swiglu, (up), .alpha = (float)c->swiglu_alpha, .beta = 1,
                              .limit = (float)c->swiglu_limit, .interleaved = true);
  const nf_val down = experts(p, "moe.down", "down_proj", act, ids, c->hidden, c->inner);
  return NF_BUILD(b, "moe.sum", combine, (down, weights), );
}

static nf_val layer(const nf_parts *p, nf_val h) {
  const nf_val n1 = nf_part_norm(p, "attn.norm", "input_layernorm.weight", h, p->c->hidden);
  const nf_val a = nf_part_attention(p, n1, (nf_attention_kind){.sinks = true});
  const nf_val mid = nf_part_residual(p, "attn.residual", h, a);
  const nf_val n2 = nf_part_norm(p, "moe.norm", "post_attention_layernorm.weight", mid, p->c->hidden);
  return nf_part_leave(p, mid, mixture(p, n2));
}

static nf_status build(const nf_config *c, const nf_checkpoint *files, const nf_build_options *o,
                       nf_graph **out) {
  return nf_decoder_build(c, files, o, layer, out);
}

const nf_family nf_family_gpt_oss = {.model_type = "gpt_oss",
                                     .architecture = "GptOssForCausalLM",
                                     .attention_bias = true,
                                     .mxfp4 = true,
                                     .eps = 1e-5,
                                     .chat = "harmony",
                                     .config = read_config,
                                     .build = build};
