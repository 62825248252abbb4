// SPDX-License-Identifier: Apache-2.0
// GPT-OSS: config and graph. Attention with sinks, sliding and full layers by turns, YaRN; experts with gate
// and up in interleaved rows of one weight, MXFP4 or floats, or apart. Published as openai/gpt-oss-20b and
// -120b.
#include "model/parts.h"

static bool is_mxfp4(const nf_config *c) { return c->quant.method && !c->quant.scales; }

static nf_status read_config(const nf_json_at *root, nf_config *c) {
  NF_TRY(nf_config_decoder(root, c));
  NF_TRY(nf_config_i64(root, "intermediate_size", 1, NF_CONFIG_MAX_WIDTH, &c->inner));
  NF_TRY(nf_config_i64(root, "num_local_experts", 1, NF_CONFIG_MAX_EXPERTS, &c->experts));
  NF_TRY(nf_config_i64(root, "num_experts_per_tok", 1, c->experts, &c->experts_per_token));
  NF_TRY(nf_config_i64(root, "sliding_window", 1, NF_CONFIG_MAX_CONTEXT, &c->window));
  NF_TRY(nf_config_f64_or(root, "swiglu_limit", 0, 1e6, 7, &c->swiglu_limit));
  NF_TRY(nf_config_f64_or(root, "swiglu_alpha", 1e-6, 1e6, 1.702, &c->swiglu_alpha));
  for (int64_t i = 0; i < c->layers; i++) c->layer[i] = i % 2 == 0 ? NF_LAYER_SLIDING : NF_LAYER_FULL;
  NF_TRY(nf_config_layers(root, NF_LAYERS_ATTENTION, c));
  const nf_json_at width = nf_json_get(root, "hidden_size");
  if (is_mxfp4(c) && (c->hidden % 32 != 0 || c->inner % 32 != 0))
    return nf_json_error(&width, "%ld (and intermediate_size %ld) must be multiples of the MXFP4 block, 32",
                         (long)c->hidden, (long)c->inner);
  return nf_ok();
}

// ---- experts ----

// How the files have them. Published checkpoints are MXFP4; what is trained further is saved as floats, with
// [K, N] where a linear has [N, K]; llm-compressor makes linears of them.
typedef enum experts_form { EXPERTS_MXFP4, EXPERTS_FLOATS, EXPERTS_LINEARS } experts_form;

#define EXPERTS "mlp.experts."

static experts_form form_of(const nf_parts *p) {
  if (nf_part_has(p, EXPERTS "gate_up_proj_blocks")) return EXPERTS_MXFP4;
  if (nf_part_has(p, EXPERTS "gate_up_proj")) return EXPERTS_FLOATS;
  if (nf_part_has(p, EXPERTS "0.gate_proj.weight")) return EXPERTS_LINEARS;
  if (is_mxfp4(p->c)) return EXPERTS_MXFP4;
  return p->c->quant.method && !p->c->quant.fused_experts ? EXPERTS_LINEARS : EXPERTS_FLOATS;
}

// A weight [E, N, K] and bias [E, N] in one tensor each.
static nf_val fused(const nf_parts *p, const char *name, const char *tensor, nf_val x, nf_val ids, int64_t n,
                    int64_t k) {
  const int64_t dim[] = {p->c->experts, n, k};
  const char *stem = NF_NAME(p, EXPERTS "%s", tensor), *value = NF_NAME(p, "%s.w", name);
  const nf_recipe floats = {.tensor = NF_NAME(p, "model.layers.%ld.%s", (long)p->layer, stem),
                            .transposed = true};
  const nf_val w = form_of(p) == EXPERTS_MXFP4 ? nf_part_mxfp4(p, value, stem, dim, 3)
                                               : nf_part_floats(p, value, floats, dim, 3);
  const nf_val bias = nf_part_weight(p, NF_NAME(p, "%s.b", name), NF_NAME(p, "%s_bias", stem), dim[0], n);
  return NF_BUILD(p->b, name, grouped_linear, (x, ids, w, bias), .out = p->o->activation);
}

static nf_val activation(const nf_parts *p, nf_val up, bool interleaved) {
  return NF_BUILD(p->b, "moe.act", swiglu, (up), .alpha = (float)p->c->swiglu_alpha, .beta = 1,
                  .limit = (float)p->c->swiglu_limit, .interleaved = interleaved);
}

static nf_val fused_experts(const nf_parts *p, nf_val x, nf_val ids) {
  const nf_config *c = p->c;
  const nf_val up = fused(p, "moe.gate_up", "gate_up_proj", x, ids, 2 * c->inner, c->hidden);
  return fused(p, "moe.down", "down_proj", activation(p, up, true), ids, c->hidden, c->inner);
}

static nf_val linear_experts(const nf_parts *p, nf_act *x, nf_val ids) {
  const nf_config *c = p->c;
  const nf_val gate =
      nf_part_experts(p, "moe.gate", EXPERTS "*.gate_proj", x, ids, c->inner, c->hidden, true);
  const nf_val up = nf_part_experts(p, "moe.up", EXPERTS "*.up_proj", x, ids, c->inner, c->hidden, true);
  nf_act act = {.name = "moe.act"};
  act.x = activation(p, NF_BUILD(p->b, "moe.gate_up", concat, (gate, up), ), false);
  return nf_part_experts(p, "moe.down", EXPERTS "*.down_proj", &act, ids, c->hidden, c->inner, true);
}

static nf_val mixture(const nf_parts *p, nf_act *x) {
  nf_val ids;
  const nf_val logits =
      nf_part_linear(p, "moe.router", "mlp.router", x, p->c->experts, p->c->hidden, NF_F32, true);
  const nf_val weights = nf_part_choice(p, logits, false, &ids);
  const nf_val down = form_of(p) == EXPERTS_LINEARS ? linear_experts(p, x, ids) : fused_experts(p, x->x, ids);
  return NF_BUILD(p->b, "moe.sum", combine, (down, weights), );
}

static nf_val attention(const nf_parts *p, nf_act *x) {
  return nf_part_attention(p, x, (nf_attention_kind){.sinks = true});
}

const nf_family nf_family_gpt_oss = {
    .model_type = "gpt_oss",
    .architecture = "GptOssForCausalLM",
    .attention_bias = true,
    .mxfp4 = true,
    .eps = 1e-5,
    .rope = {.theta = 150000, .factor = 32, .context = 4096, .beta_fast = 32, .beta_slow = 1},
    .keys = &nf_gpt_oss_keys,
    .chat = "harmony",
    .config = read_config,
    .attention = attention,
    .mlp = mixture};
