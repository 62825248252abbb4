// SPDX-License-Identifier: Apache-2.0
// Qwen3-Next: config and graph. Three layers of gated delta rule (linear attention) to one of gated
// attention; many small experts and a shared one; norms by 1 + w. Published as Qwen/Qwen3-Next-80B-A3B and
// Qwen3-Coder-Next.
#include "model/parts.h"
#include <string.h>

// ---- config ----

static nf_status read_layers(const nf_json_at *root, nf_config *c) {
  int64_t interval;
  NF_TRY(nf_config_i64_or(root, "full_attention_interval", 1, NF_CONFIG_MAX_LAYERS, 4, &interval));
  for (int64_t i = 0; i < c->layers; i++)
    c->layer[i] = (i + 1) % interval == 0 ? NF_LAYER_FULL : NF_LAYER_LINEAR;
  return nf_config_layers(root, 1u << NF_LAYER_FULL | 1u << NF_LAYER_LINEAR, c);
}

static nf_status read_linear(const nf_json_at *root, nf_linear_config *l) {
  NF_TRY(nf_config_i64(root, "linear_num_key_heads", 1, NF_CONFIG_MAX_HEADS, &l->key_heads));
  NF_TRY(nf_config_i64(root, "linear_num_value_heads", 1, NF_CONFIG_MAX_HEADS, &l->value_heads));
  NF_TRY(nf_config_i64(root, "linear_key_head_dim", 1, NF_CONFIG_MAX_HEAD, &l->key));
  NF_TRY(nf_config_i64(root, "linear_value_head_dim", 1, NF_CONFIG_MAX_HEAD, &l->value));
  NF_TRY(nf_config_i64(root, "linear_conv_kernel_dim", 2, 8, &l->taps));
  const nf_json_at heads = nf_json_get(root, "linear_num_value_heads");
  if (l->value_heads % l->key_heads == 0) return nf_ok();
  return nf_json_error(&heads, "is %ld, should be a multiple of linear_num_key_heads, %ld",
                       (long)l->value_heads, (long)l->key_heads);
}

// Which layers have experts: not those that mlp_only_layers names, and of the others every
// decoder_sparse_step-th.
static nf_status read_sparse(const nf_json_at *root, nf_config *c) {
  const nf_json_at list = nf_json_get(root, "mlp_only_layers");
  int64_t step;
  size_t n = 0;
  NF_TRY(nf_config_i64_or(root, "decoder_sparse_step", 1, NF_CONFIG_MAX_LAYERS, 1, &step));
  for (int64_t i = 0; i < c->layers; i++) c->dense[i] = (i + 1) % step != 0;
  if (list.value) NF_TRY(nf_json_array(&list, &n));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    int64_t layer;
    NF_TRY(nf_json_i64(&item, 0, c->layers - 1, &layer));
    c->dense[layer] = true;
  }
  return nf_ok();
}

static nf_status read_config(const nf_json_at *root, nf_config *c) {
  NF_TRY(nf_config_decoder(root, c));
  NF_TRY(nf_config_i64(root, "num_experts", 1, NF_CONFIG_MAX_EXPERTS, &c->experts));
  NF_TRY(nf_config_i64(root, "num_experts_per_tok", 1, c->experts, &c->experts_per_token));
  NF_TRY(nf_config_i64(root, "moe_intermediate_size", 1, NF_CONFIG_MAX_WIDTH, &c->inner));
  NF_TRY(nf_config_i64(root, "shared_expert_intermediate_size", 1, NF_CONFIG_MAX_WIDTH, &c->shared_inner));
  NF_TRY(nf_config_i64_or(root, "intermediate_size", 1, NF_CONFIG_MAX_WIDTH, 0, &c->dense_inner));
  NF_TRY(nf_config_bool_or(root, "norm_topk_prob", true, &c->norm_topk));
  NF_TRY(read_layers(root, c));
  NF_TRY(read_linear(root, &c->linear));
  NF_TRY(read_sparse(root, c));
  const nf_json_at inner = nf_json_get(root, "intermediate_size");
  if (c->dense_inner == 0 && memchr(c->dense, true, (size_t)c->layers))
    return nf_json_error(&inner, "is missing, layers without experts need it");
  return nf_ok();
}

// ---- linear attention ----

static nf_val columns(const nf_parts *p, const char *name, nf_val x, int64_t start, int64_t size) {
  return NF_BUILD(p->b, name, narrow, (x), .start = start, .size = size);
}

typedef struct projections {
  nf_val qkv;  // [T, channels]: queries of all key heads, keys of all, values of all value heads
  nf_val z;    // [T, value heads, value]
  nf_val b, a; // [T, value heads]
} projections;

// in_proj_qkvz and in_proj_ba have a group of rows for each key head; here the parts of all groups come
// together.
static projections project(const nf_parts *p, nf_act *x) {
  const nf_linear_config *l = &p->c->linear;
  const int64_t heads = l->key_heads, of = l->value_heads / heads, values = of * l->value;
  const int64_t channels = heads * (2 * l->key + values);
  const nf_val qkvz = nf_part_grouped_linear(p, "attn.qkvz", "linear_attn.in_proj_qkvz", x, heads,
                                             (nf_row_groups){4, {l->key, l->key, values, values}}, NULL);
  const nf_val ba = nf_part_grouped_linear(p, "attn.ba", "linear_attn.in_proj_ba", x, heads,
                                           (nf_row_groups){2, {of, of}}, NULL);
  const nf_val z = columns(p, "attn.z.flat", qkvz, channels, heads * values);
  return (projections){.qkv = columns(p, "attn.qkv", qkvz, 0, channels),
                       .z = nf_part_reshaped(p, "attn.z", z, l->value_heads, l->value),
                       .b = columns(p, "attn.b", ba, 0, l->value_heads),
                       .a = columns(p, "attn.a", ba, l->value_heads, l->value_heads)};
}

static nf_val state(const nf_parts *p, const char *name, nf_type type) {
  type.cache = NF_CACHE_RECURRENT;
  return nf_build_pool(p->b, name, type);
}

static nf_val linear_attention(const nf_parts *p, nf_act *x) {
  const nf_linear_config *l = &p->c->linear;
  nf_builder *b = p->b;
  const int64_t channels = 2 * l->key_heads * l->key + l->value_heads * l->value;
  const int64_t taps_dim[] = {channels, 1, l->taps};
  nf_act flat = {.name = "attn.flat"};
  const projections in = project(p, x);
  const nf_val taps = nf_part_decoded(p, "attn.conv.taps", "linear_attn.conv1d", taps_dim, 3);
  const nf_val conv_state =
      state(p, "attn.conv.cache", NF_TYPE(p->o->activation, NF_C(l->taps - 1), NF_C(channels)));
  const nf_val conv = NF_BUILD(b, "attn.conv", causal_conv1d, (in.qkv, taps, conv_state), );
  const nf_val a_log = nf_part_weight(p, "attn.a_log", "linear_attn.A_log", l->value_heads, 0);
  const nf_val dt_bias = nf_part_weight(p, "attn.dt_bias", "linear_attn.dt_bias", l->value_heads, 0);
  const nf_val memory =
      state(p, "attn.memory", NF_TYPE(NF_F32, NF_C(l->value_heads), NF_C(l->key), NF_C(l->value)));
  const nf_val o = NF_BUILD(b, "attn.heads", gated_delta_rule, (conv, in.b, in.a, a_log, dt_bias, memory), );
  const nf_val w = nf_part_weight(p, "attn.heads.norm.w", "linear_attn.norm.weight", l->value, 0);
  const nf_val gated = NF_BUILD(b, "attn.gated", rms_norm_gated, (o, in.z, w), .eps = (float)p->c->eps);
  flat.x = nf_part_reshaped(p, flat.name, gated, 0, l->value_heads * l->value);
  return nf_part_linear(p, "attn.o", "linear_attn.out_proj", &flat, p->c->hidden, l->value_heads * l->value,
                        p->o->activation, false);
}

// ---- experts ----

static nf_val shared_expert(const nf_parts *p, nf_act *x) {
  const nf_val y = nf_part_mlp(p, "moe.shared", "mlp.shared_expert", x, p->c->shared_inner);
  const nf_val open =
      nf_part_linear(p, "moe.shared.open", "mlp.shared_expert_gate", x, 1, p->c->hidden, NF_F32, false);
  const nf_val share = NF_BUILD(p->b, "moe.shared.share", sigmoid, (open), );
  return NF_BUILD(p->b, "moe.shared.sum", mul, (y, share), );
}

typedef struct source { // of one weight of all experts
  const char *linear;   // its name where each expert has tensors of its own
  const char *fused;    // the name of one tensor for all of them, and of their rows there
  nf_rows rows;
} source;

// Experts are stored one by one; Quark, which leaves them as they are in memory, writes them as one, and
// transformers the scales of such.
static nf_val experts(const nf_parts *p, const char *name, source from, nf_act *x, nf_val ids, int64_t n,
                      int64_t k) {
  const int64_t dim[] = {p->c->experts, n, k};
  const char *fused = NF_NAME(p, "mlp.experts.%s", from.fused), *scales = NF_NAME(p, "%s_scale_inv", fused);
  const char *one = NF_NAME(p, "mlp.experts.*.%s", from.linear), *value = NF_NAME(p, "%s.w", name);
  const nf_recipe recipe = {.tensor = NF_NAME(p, "model.layers.%ld.%s", (long)p->layer, fused),
                            .rows = from.rows};
  const bool is_fused = p->files ? nf_part_has(p, fused) : p->c->quant.fused_experts;
  nf_dtype reads = NF_NONE;
  if (!is_fused && !nf_part_has(p, scales)) return nf_part_experts(p, name, one, x, ids, n, k, false);
  const nf_val w = is_fused ? nf_part_floats(p, value, recipe, dim, 3)
                            : nf_part_fused_scales(p, value, one, scales, from.rows, dim, &reads);
  return NF_BUILD(p->b, name, grouped_linear, (nf_part_operand(p, x, reads), ids, w),
                  .out = p->o->activation);
}

static nf_val mixture(const nf_parts *p, nf_act *x) {
  const nf_config *c = p->c;
  nf_builder *b = p->b;
  nf_val ids;
  const nf_val logits = nf_part_linear(p, "moe.router", "mlp.gate", x, c->experts, c->hidden, NF_F32, false);
  const nf_val weights = nf_part_choice(p, logits, !c->norm_topk, &ids);
  const nf_val gate = experts(p, "moe.gate", (source){"gate_proj", "gate_up_proj", {0, 2 * c->inner}}, x, ids,
                              c->inner, c->hidden);
  const nf_val up = experts(p, "moe.up", (source){"up_proj", "gate_up_proj", {c->inner, 2 * c->inner}}, x,
                            ids, c->inner, c->hidden);
  nf_act act = nf_part_swiglu(p, "moe", gate, up);
  const nf_val down =
      experts(p, "moe.down", (source){"down_proj", "down_proj", {0}}, &act, ids, c->hidden, c->inner);
  const nf_val routed = NF_BUILD(b, "moe.routed", combine, (down, weights), );
  const nf_val shared = shared_expert(p, x);
  return NF_BUILD(b, "moe.sum", add, (routed, shared), );
}

// ---- layers ----

static nf_val attention(const nf_parts *p, nf_act *x) {
  if (p->c->layer[p->layer] == NF_LAYER_LINEAR) return linear_attention(p, x);
  return nf_part_attention(p, x, (nf_attention_kind){.head_norms = true, .gated = true});
}

static nf_val mlp(const nf_parts *p, nf_act *x) {
  return p->c->dense[p->layer] ? nf_part_mlp(p, "mlp", "mlp", x, p->c->dense_inner) : mixture(p, x);
}

const nf_family nf_family_qwen3_next = {.model_type = "qwen3_next",
                                        .architecture = "Qwen3NextForCausalLM",
                                        .one_plus = true,
                                        .eps = 1e-6,
                                        .rope = {.theta = 10000, .factor = 1},
                                        .rotated = 0.25,
                                        .keys = &nf_qwen3_next_keys,
                                        .chat = "chatml",
                                        .unused = "mtp.",
                                        .config = read_config,
                                        .attention = attention,
                                        .mlp = mlp};
