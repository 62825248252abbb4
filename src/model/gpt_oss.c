// SPDX-License-Identifier: Apache-2.0
// GPT-OSS: config and graph. Attention with sinks, sliding and full layers by turns, YaRN; MXFP4 experts with
// interleaved gate and up rows. Published as openai/gpt-oss-20b and -120b.
#include "model/family.h"
#include <math.h>

static nf_status read_config(const nf_json_at *root, nf_config *c) {
  NF_TRY(nf_config_i64(root, "num_hidden_layers", 1, NF_CONFIG_MAX_LAYERS, &c->layers));
  NF_TRY(nf_config_i64(root, "hidden_size", 32, NF_CONFIG_MAX_WIDTH, &c->hidden));
  NF_TRY(nf_config_i64(root, "intermediate_size", 32, NF_CONFIG_MAX_WIDTH, &c->inner));
  NF_TRY(nf_config_i64(root, "vocab_size", 1, NF_CONFIG_MAX_VOCAB, &c->vocab));
  NF_TRY(nf_config_i64(root, "num_attention_heads", 1, NF_CONFIG_MAX_HEADS, &c->heads));
  NF_TRY(nf_config_i64(root, "num_key_value_heads", 1, c->heads, &c->kv_heads));
  NF_TRY(nf_config_i64(root, "head_dim", 2, NF_CONFIG_MAX_HEAD, &c->head));
  NF_TRY(nf_config_i64(root, "num_local_experts", 1, NF_CONFIG_MAX_EXPERTS, &c->experts));
  NF_TRY(nf_config_i64(root, "num_experts_per_tok", 1, c->experts, &c->experts_per_token));
  NF_TRY(nf_config_i64(root, "sliding_window", 1, NF_CONFIG_MAX_CONTEXT, &c->window));
  NF_TRY(nf_config_i64_or(root, "max_position_embeddings", 1, NF_CONFIG_MAX_CONTEXT, 131072, &c->context));
  NF_TRY(nf_config_f64_or(root, "rms_norm_eps", 1e-12, 1, 1e-5, &c->eps));
  NF_TRY(nf_config_f64_or(root, "swiglu_limit", 0, 1e6, 7, &c->swiglu_limit));
  NF_TRY(nf_config_f64_or(root, "swiglu_alpha", 1e-6, 1e6, 1.702, &c->swiglu_alpha));
  NF_TRY(nf_config_bool_or(root, "attention_bias", true, &c->attention_bias));
  NF_TRY(nf_config_bool_or(root, "tie_word_embeddings", false, &c->tied));
  NF_TRY(nf_config_rope(root, &c->rope));
  for (int64_t i = 0; i < c->layers; i++) c->layer[i] = i % 2 == 0 ? NF_LAYER_SLIDING : NF_LAYER_FULL;
  NF_TRY(nf_config_layers(root, c));

  const nf_json_at heads = nf_json_get(root, "num_key_value_heads"), head = nf_json_get(root, "head_dim");
  const nf_json_at width = nf_json_get(root, "hidden_size"), quant = nf_json_get(root, "quantization_config");
  if (c->heads % c->kv_heads != 0)
    return nf_json_error(&heads, "%ld does not divide num_attention_heads %ld", (long)c->kv_heads,
                         (long)c->heads);
  if (c->head % 2 != 0)
    return nf_json_error(&head, "%ld is odd; rotary pairs need an even size", (long)c->head);
  if (c->hidden % 32 != 0 || c->inner % 32 != 0)
    return nf_json_error(&width, "%ld (and intermediate_size %ld) must be multiples of the MXFP4 block, 32",
                         (long)c->hidden, (long)c->inner);
  if (!c->mxfp4) return nf_json_error(&quant, "experts must be MXFP4 (quant_method \"mxfp4\")");
  return nf_config_eos(root, c);
}

typedef struct state { // what every part of a layer needs
  nf_builder *b;
  const nf_config *c;
  const nf_checkpoint *files;
  const nf_build_options *o;
  nf_val rope; // the step's cos and sin
} state;

#define NAME(...) nf_build_name(s->b, __VA_ARGS__)

// Weight `tensor` of layer l, [n, k] or [n] when k is 0. The builder's scope is the layer.
static nf_val layer_weight(const state *s, int64_t l, const char *name, const char *tensor, int64_t n,
                           int64_t k) {
  const char *path = NAME("model.layers.%ld.%s", (long)l, tensor);
  return nf_build_stored(s->b, s->files, name, path, (const int64_t[]){n, k}, k != 0 ? 2 : 1);
}

static nf_val projection(const state *s, int64_t l, const char *letter, nf_val x, int64_t n, int64_t k) {
  const nf_val w =
      layer_weight(s, l, NAME("attn.%s.w", letter), NAME("self_attn.%s_proj.weight", letter), n, k);
  nf_val b = 0;
  if (s->c->attention_bias)
    b = layer_weight(s, l, NAME("attn.%s.b", letter), NAME("self_attn.%s_proj.bias", letter), n, 0);
  return NF_BUILD(s->b, NAME("attn.%s", letter), linear, (x, w, b), .out = s->o->activation);
}

static nf_shape shape_of_heads(int64_t heads, int64_t head) {
  return (nf_shape){3, {NF_BY(1, NF_T), NF_C(heads), NF_C(head)}};
}

static nf_val attention(const state *s, int64_t l, nf_val x) {
  const nf_config *c = s->c;
  nf_builder *b = s->b;
  const bool sliding = c->layer[l] == NF_LAYER_SLIDING;
  nf_type kv = NF_TYPE(s->o->activation, NF_C(2), NF_C(c->kv_heads), NF_C(s->o->page), NF_C(c->head));
  kv.cache = sliding ? NF_CACHE_SLIDING : NF_CACHE_FULL;

  const nf_val q = projection(s, l, "q", x, c->heads * c->head, c->hidden);
  const nf_val k = projection(s, l, "k", x, c->kv_heads * c->head, c->hidden);
  const nf_val v = projection(s, l, "v", x, c->kv_heads * c->head, c->hidden);
  const nf_val qh = NF_BUILD(b, "attn.q.heads", reshape, (q), .to = shape_of_heads(c->heads, c->head));
  const nf_val kh = NF_BUILD(b, "attn.k.heads", reshape, (k), .to = shape_of_heads(c->kv_heads, c->head));
  const nf_val vh = NF_BUILD(b, "attn.v.heads", reshape, (v), .to = shape_of_heads(c->kv_heads, c->head));
  const nf_val qr = NF_BUILD(b, "attn.q.rope", rope, (qh, s->rope), );
  const nf_val kr = NF_BUILD(b, "attn.k.rope", rope, (kh, s->rope), );
  const nf_val cache = nf_build_pool(b, "attn.cache", kv);
  const nf_val written = NF_BUILD(b, "attn.cache.written", kv_write, (kr, vh, cache), );
  const nf_val sinks = layer_weight(s, l, "attn.sinks", "self_attn.sinks", c->heads, 0);
  const nf_val o = NF_BUILD(b, "attn.heads", attention, (qr, written, sinks),
                            .scale = (float)(1 / sqrt((double)c->head)), .window = sliding ? c->window : 0);
  const nf_shape flat = {2, {NF_BY(1, NF_T), NF_C(c->heads * c->head)}};
  const nf_val of = NF_BUILD(b, "attn.flat", reshape, (o), .to = flat);
  return projection(s, l, "o", of, c->hidden, c->heads * c->head);
}

static nf_val experts(const state *s, int64_t l, const char *name, const char *tensor, nf_val x, nf_val ids,
                      int64_t n, int64_t k) {
  const int64_t dim[] = {s->c->experts, n, k};
  const char *stem = NAME("model.layers.%ld.mlp.experts.%s", (long)l, tensor);
  const nf_val w = nf_build_mxfp4(s->b, s->files, NAME("%s.w", name), stem, dim, 3);
  const nf_val bias = nf_build_stored(s->b, s->files, NAME("%s.b", name), NAME("%s_bias", stem), dim, 2);
  return NF_BUILD(s->b, name, grouped_linear, (x, ids, w, bias), .out = s->o->activation);
}

static nf_val mixture(const state *s, int64_t l, nf_val x) {
  const nf_config *c = s->c;
  nf_builder *b = s->b;
  const nf_val rw = layer_weight(s, l, "moe.router.w", "mlp.router.weight", c->experts, c->hidden);
  const nf_val rb = layer_weight(s, l, "moe.router.b", "mlp.router.bias", c->experts, 0);
  const nf_val logits = NF_BUILD(b, "moe.router", linear, (x, rw, rb), .out = NF_F32);
  nf_val forced = 0;
  if (s->o->forced_routes)
    forced = nf_build_input(b, "routes", NF_TYPE(NF_I32, NF_BY(1, NF_T), NF_C(c->experts_per_token)));
  const nf_val weights = NF_BUILD(b, "moe.choice", router_topk, (logits, forced), .k = c->experts_per_token);
  const nf_val ids = nf_build_result(b, weights, 1);
  const nf_val up = experts(s, l, "moe.gate_up", "gate_up_proj", x, ids, 2 * c->inner, c->hidden);
  const nf_val act = NF_BUILD(b, "moe.act", swiglu, (up), .alpha = (float)c->swiglu_alpha, .beta = 1,
                              .limit = (float)c->swiglu_limit, .interleaved = true);
  const nf_val down = experts(s, l, "moe.down", "down_proj", act, ids, c->hidden, c->inner);
  return NF_BUILD(b, "moe.sum", combine, (down, weights), );
}

static nf_val norm(const state *s, const char *name, nf_val x, nf_val w) {
  return NF_BUILD(s->b, name, rms_norm, (x, w), .eps = (float)s->c->eps);
}

static nf_val layer(const state *s, int64_t l, nf_val h) {
  nf_builder *b = s->b;
  nf_builder_scope(b, "L%ld.", (long)l);
  const nf_val n1 = layer_weight(s, l, "attn.norm.w", "input_layernorm.weight", s->c->hidden, 0);
  const nf_val a = attention(s, l, norm(s, "attn.norm", h, n1));
  const nf_val mid = NF_BUILD(b, "attn.residual", add, (h, a), );
  const nf_val n2 = layer_weight(s, l, "moe.norm.w", "post_attention_layernorm.weight", s->c->hidden, 0);
  const nf_val m = mixture(s, l, norm(s, "moe.norm", mid, n2));
  nf_builder_scope(b, "%s", "");
  const char *name = l + 1 < s->c->layers ? NAME("hidden.%ld", (long)(l + 1)) : "residual";
  return NF_BUILD(b, name, add, (mid, m), );
}

static nf_status build(const nf_config *c, const nf_checkpoint *files, const nf_build_options *o,
                       nf_graph **out) {
  nf_builder b;
  NF_TRY(nf_builder_init(&b, c->family->model_type));
  state s = {&b, c, files, o, 0};
  const int64_t vocab_by_hidden[] = {c->vocab, c->hidden};
  const nf_val tokens = nf_build_input(&b, "tokens", NF_TYPE(NF_I32, NF_BY(1, NF_T)));
  const nf_val table = nf_build_stored(&b, files, "embed.w", "model.embed_tokens.weight", vocab_by_hidden, 2);
  const nf_val head =
      c->tied ? table : nf_build_stored(&b, files, "head.w", "lm_head.weight", vocab_by_hidden, 2);
  const nf_rope_config *r = &c->rope;
  s.rope = NF_BUILD(&b, "rope", rope_table, (), .theta = (float)r->theta, .factor = (float)r->factor,
                    .context = (float)r->context, .beta_fast = (float)r->beta_fast,
                    .beta_slow = (float)r->beta_slow, .scale = (float)r->scale, .dims = c->head,
                    .truncate = r->truncate);
  nf_val h = NF_BUILD(&b, "hidden.0", embedding, (tokens, table), .out = o->activation);
  for (int64_t l = 0; l < c->layers; l++) {
    if (o->hidden_outputs) nf_build_output(&b, h);
    h = layer(&s, l, h);
  }
  const nf_val rows = NF_BUILD(&b, "rows", gather_rows, (h), );
  const nf_val nw = nf_build_stored(&b, files, "norm.w", "model.norm.weight", &c->hidden, 1);
  const nf_val final = norm(&s, nf_build_name(&b, "hidden.%ld", (long)c->layers), rows, nw);
  if (o->hidden_outputs) nf_build_output(&b, final);
  nf_build_output(&b, NF_BUILD(&b, "logits", linear, (final, head), .out = NF_F32));
  return nf_builder_finish(&b, out);
}

const nf_family nf_family_gpt_oss = {"gpt_oss", "GptOssForCausalLM", read_config, build};
