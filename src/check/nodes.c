// SPDX-License-Identifier: Apache-2.0
// What nodes of real models are, to be timed.
#include "base/checked.h"
#include "check/internal.h"

#define LINEAR(x, w, k, n)                                 \
  {                                                        \
    NF_OP_linear, {x "[T," #k "]", w "[" #n "," #k "]"}, { \
      .linear = {.out = NF_BF16 }                          \
    }                                                      \
  }
// rows: "T", or "T,J" where each choice has a row of its own
#define EXPERTS(x, w, rows, k, n, e, j)                                                           \
  {                                                                                               \
    NF_OP_grouped_linear, {x "[" rows "," #k "]", "i32[T," #j "]", w "[" #e "," #n "," #k "]"}, { \
      .grouped_linear = {.out = NF_BF16 }                                                         \
    }                                                                                             \
  }
#define EXPERTS_SWIGLU(k, inner, e, j, many_)                                                              \
  {                                                                                                        \
    NF_OP_experts_swiglu,                                                                                  \
        {"bf16[T," #k "]",                                                                                 \
         "i32[T," #j "]",                                                                                  \
         "mxfp4[" #e ",5760," #k "]",                                                                      \
         "bf16[" #e ",5760]",                                                                              \
         "mxfp4[" #e "," #k "," #inner "]",                                                                \
         "bf16[" #e "," #k "]"},                                                                           \
        {.experts_swiglu = {.out = NF_BF16, .alpha = 1.702f, .beta = 1, .limit = 7, .interleaved = true}}, \
        .many = (many_), .of_device = true                                                                 \
  }
#define EXPERTS_SILU(k, inner, e, j, many_)                                                        \
  {                                                                                                \
    NF_OP_experts_silu,                                                                            \
        {"fp8g128[T," #k "]", "i32[T," #j "]", "fp8b128[" #e "," #inner "," #k "]",                \
         "fp8b128[" #e "," #inner "," #k "]", "fp8b128[" #e "," #k "," #inner "]"},                \
        {.experts_silu = {.out = NF_BF16, .to = NF_FP8_GROUP}}, .many = (many_), .of_device = true \
  }
#define ATTENTION_BEHIND(past_, many_, heads, kv, head)                                     \
  {                                                                                         \
    NF_OP_attention, {"bf16[T," #heads "," #head "]", "full bf16[2," #kv ",64," #head "]"}, \
        {.attention = {.scale = .125f}}, .past = (past_), .many = (many_)                   \
  }
#define ATTENTION(heads, kv, head) \
  ATTENTION_BEHIND(1024, 64, heads, kv, head), ATTENTION_BEHIND(16384, 1, heads, kv, head)
#define NORM .eps = 1e-5f

const nf_timed_node nf_timed_nodes[] = {
    // gpt-oss-20b
    LINEAR("bf16", "bf16", 2880, 5120),
    LINEAR("bf16", "bf16", 4096, 2880),
    LINEAR("bf16", "bf16", 2880, 32),
    EXPERTS("bf16", "mxfp4", "T", 2880, 5760, 32, 4),
    EXPERTS("bf16", "mxfp4", "T,4", 2880, 2880, 32, 4),
    {NF_OP_rms_norm, {"bf16[T,2880]", "bf16[2880]"}, {.rms_norm = {NORM}}},
    {NF_OP_add, {"bf16[T,2880]", "bf16[T,2880]"}},
    {NF_OP_swiglu,
     {"bf16[T,5760]"},
     {.swiglu = {.alpha = 1.702f, .beta = 1, .limit = 7, .interleaved = true}}},
    {NF_OP_router_topk, {"f32[T,32]"}, {.router_topk = {.k = 4}}},
    {NF_OP_combine, {"bf16[T,4,2880]", "f32[T,4]"}},
    {NF_OP_rope_table, {0}, {.rope_table = {.theta = 150000, .factor = 1, .scale = 1, .dims = 64}}},
    {NF_OP_rope, {"bf16[T,64,64]", "f32[T,64]"}},
    {NF_OP_kv_write, {"bf16[T,8,64]", "bf16[T,8,64]", "full bf16[2,8,64,64]"}},
    ATTENTION(64, 8, 64),
    {NF_OP_gather_rows, {"bf16[T,2880]"}},
    {NF_OP_pad, {"bf16[T,2880]"}, {.pad = {.to = 3072}}},
    {NF_OP_all_reduce, {"bf16[T,2880]"}},
    {NF_OP_all_gather, {"bf16[T,2880]"}, {.all_gather = {.world = 1}}},
    {NF_OP_rank_ids, {"i32[T,4]"}, {.rank_ids = {.size = 32}}},
    {NF_OP_rms_norm, {"bf16[T,2880]", "bf16[2880]", "bf16[T,2880]"}, {.rms_norm = {NORM}}},
    {NF_OP_rms_norm, {"bf16[T,2880]", "bf16[2880]"}, {.rms_norm = {NORM, .reduce = true}}},
    {NF_OP_rms_norm, {"bf16[T,2880]", "bf16[2880]", "bf16[T,2880]"}, {.rms_norm = {NORM, .reduce = true}}},
    {NF_OP_embedding, {"i32[T]", "bf16[201088,2880]"}, {.embedding = {.out = NF_BF16}}},
    // Qwen3-8B-FP8: activations are quantised in front of each product
    LINEAR("fp8g128", "fp8b128", 4096, 4096),
    LINEAR("fp8g128", "fp8b128", 4096, 12288),
    LINEAR("fp8g128", "fp8b128", 12288, 4096),
    LINEAR("fp8row", "fp8row", 4096, 12288),
    {NF_OP_quantise, {"bf16[T,4096]"}, {.quantise = {.to = NF_FP8_GROUP}}},
    {NF_OP_rms_norm, {"bf16[T,4096]", "bf16[4096]"}, {.rms_norm = {NORM}}},
    {NF_OP_swiglu, {"bf16[T,24576]"}, {.swiglu = {.alpha = 1}}},
    ATTENTION(32, 8, 128),
    // Qwen3-Next-80B-A3B
    LINEAR("bf16", "bf16", 2048, 12288),
    EXPERTS("fp8g128", "fp8b128", "T", 2048, 1024, 512, 10),
    EXPERTS("fp8g128", "fp8b128", "T,10", 512, 2048, 512, 10),
    {NF_OP_router_topk, {"f32[T,512]"}, {.router_topk = {.k = 10, .over_all = true}}},
    {NF_OP_combine, {"bf16[T,10,2048]", "f32[T,10]"}},
    {NF_OP_rms_norm_gated, {"bf16[T,32,128]", "bf16[T,32,128]", "bf16[128]"}, {.rms_norm_gated = {NORM}}},
    {NF_OP_mul, {"bf16[T,4096]", "bf16[T,4096]"}},
    {NF_OP_silu, {"bf16[T,2048]"}},
    {NF_OP_sigmoid, {"bf16[T,4096]"}},
    {NF_OP_reshape, {"bf16[T,16,256]"}, {.reshape = {{2, {NF_BY(1, NF_T), NF_C(4096)}}}}},
    {NF_OP_concat, {"bf16[T,4096]", "bf16[T,4096]"}},
    ATTENTION(16, 2, 256),
    {NF_OP_causal_conv1d,
     {"bf16[T,8192]", "bf16[8192,1,4]", "recurrent bf16[3,8192]"},
     .past = 100,
     .many = 512},
    {NF_OP_gated_delta_rule,
     {"bf16[T,8192]", "bf16[T,32]", "bf16[T,32]", "bf16[32]", "bf16[32]", "recurrent f32[32,128,128]"},
     .past = 100,
     .many = 512},
    // On a device alone: references and processors take too long.
    // gpt-oss-120b
    EXPERTS_SWIGLU(2880, 2880, 128, 4, 128),
    EXPERTS_SWIGLU(2880, 2880, 128, 4, 1024),
    EXPERTS_SWIGLU(2880, 2880, 128, 4, 8192),
    {NF_OP_router_topk, {"f32[T,128]"}, {.router_topk = {.k = 4}}, .of_device = true},
    {NF_OP_linear, {"bf16[T,2880]", "bf16[201088,2880]"}, {.linear = {.out = NF_F32}}, .of_device = true},
    {NF_OP_rms_norm,
     {"bf16[T,2880]", "bf16[2880]", "bf16[T,2880]"},
     {.rms_norm = {NORM, .pad = 3072}},
     .of_device = true},
    {NF_OP_rms_norm,
     {"bf16[T,2880]", "bf16[2880]", "bf16[T,2880]"},
     {.rms_norm = {NORM, .pad = 3072}},
     .many = 16384,
     .of_device = true},
    {NF_OP_attention,
     {"bf16[T,64,64]", "full bf16[2,8,64,64]", "bf16[64]"},
     {.attention = {.scale = .125f}},
     .past = 1024,
     .many = 8192,
     .of_device = true},
    {NF_OP_attention,
     {"bf16[T,64,64]", "sliding bf16[2,8,64,64]", "bf16[64]"},
     {.attention = {.scale = .125f, .window = 128}},
     .past = 1024,
     .many = 8192,
     .of_device = true},
    {NF_OP_attention,
     {"bf16[T,64,128]", "full bf16[2,8,64,128]"},
     {.attention = {.scale = .125f}},
     .past = 1024,
     .many = 8192,
     .of_device = true},
    {NF_OP_attention,
     {"bf16[T,16,256]", "full bf16[2,2,64,256]"},
     {.attention = {.scale = .125f}},
     .past = 1024,
     .many = 8192,
     .of_device = true},
    {NF_OP_qk_rope_write,
     {"bf16[T,64,64]", "bf16[T,8,64]", "bf16[T,8,64]", "f32[T,64]", [6] = "full bf16[2,8,64,64]"},
     .of_device = true},
    // Qwen3-32B FP8
    LINEAR("fp8row", "fp8row", 5120, 10240),
    LINEAR("fp8row", "fp8row", 8192, 5120),
    LINEAR("fp8row", "fp8row", 5120, 51200),
    LINEAR("fp8row", "fp8row", 25600, 5120),
    {NF_OP_rms_norm,
     {"bf16[T,5120]", "bf16[5120]", "bf16[T,5120]"},
     {.rms_norm = {NORM, .to = NF_FP8_ROW}},
     .of_device = true},
    {NF_OP_silu_mul,
     {"bf16[T,25600]", "bf16[T,25600]"},
     {.silu_mul = {.quantise = NF_FP8_ROW}},
     .of_device = true},
    {NF_OP_quantise, {"bf16[T,8192]"}, {.quantise = {.to = NF_FP8_ROW}}, .of_device = true},
    {NF_OP_qk_rope_write,
     {"bf16[T,64,128]", "bf16[T,8,128]", "bf16[T,8,128]", "f32[T,128]", "bf16[128]", "bf16[128]",
      "full bf16[2,8,64,128]"},
     {.qk_rope_write = {NORM}},
     .of_device = true},
    // Qwen3-Next-80B-A3B FP8
    EXPERTS_SILU(2048, 512, 512, 10, 128),
    EXPERTS_SILU(2048, 512, 512, 10, 1024),
    EXPERTS_SILU(2048, 512, 512, 10, 8192),
    {NF_OP_rms_norm_gated_quantise,
     {"bf16[T,4096]", "bf16[T,4096]", "bf16[128]"},
     {.rms_norm_gated_quantise = {NORM, .to = NF_FP8_GROUP}},
     .of_device = true},
    {NF_OP_rms_norm_gated_quantise,
     {"bf16[T,4096]", "bf16[T,4096]", "bf16[128]"},
     {.rms_norm_gated_quantise = {NORM, .to = NF_FP8_GROUP}},
     .many = 16384,
     .of_device = true},
    {NF_OP_sigmoid_mul,
     {"bf16[T,4096]", "bf16[T,4096]"},
     {.sigmoid_mul = {.quantise = NF_FP8_GROUP}},
     .of_device = true},
    {NF_OP_combine_shared, {"bf16[T,10,2048]", "f32[T,10]", "bf16[T,2048]", "bf16[T,1]"}, .of_device = true},
};
const size_t nf_n_timed_nodes = sizeof nf_timed_nodes / sizeof *nf_timed_nodes;

nf_status nf_timed_case(const nf_timed_node *s, int64_t tokens, nf_case *out) {
  *out = (nf_case){.d = {.op = s->op, .attr = s->attr},
                   .at = nf_sizes_of(tokens, 1, nf_min(tokens, 3)),
                   .past = nf_max(1, s->past),
                   .repeats = true};
  for (int i = 0; i < NF_MAX_IN; i++)
    if (s->in[i]) NF_TRY(nf_type_parse(nf_view_of(s->in[i]), &out->d.in[i]));
  return nf_op_infer(&out->d);
}
