// SPDX-License-Identifier: Apache-2.0
// Shape rules: for every op what it takes, with the results, and what it refuses, with a part of the message.
#include "op/traits.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct infer_case {
  nf_op op;
  nf_attrs attr;
  const char *in[NF_MAX_IN];   // NULL: absent
  const char *out[NF_MAX_OUT]; // results
  const char *refused;         // or a part of the message
} infer_case;

#define OP(name, ...) .op = NF_OP_##name, .attr = {.name = {__VA_ARGS__}}
#define ROPE(...)                                                                                 \
  OP(rope_table, .theta = 150000, .factor = 32, .context = 4096, .beta_fast = 32, .beta_slow = 1, \
     .scale = 1.3f, .dims = 64, __VA_ARGS__)
#define TO(n, ...) .to = {n, {__VA_ARGS__}}
#define TOK NF_BY(1, NF_T)
#define CONV(x, taps, state) \
  { x, taps, state }
#define DELTA(qkv, b, a, a_log, dt_bias, state) \
  { qkv, b, a, a_log, dt_bias, state }

static const infer_case cases[] = {
    {OP(embedding, .out = NF_BF16), {"i32[T]", "bf16[100,8]"}, .out = {"bf16[T,8]"}},
    {OP(embedding, .out = NF_F32), {"i32[S]", "mxfp4[100,32]"}, .out = {"f32[S,32]"}},
    {OP(embedding, .out = NF_F16), {"i32[T]", "f32[100,8:16]"}, .out = {"f16[T,8]"}},
    {OP(embedding, .out = NF_F16), {"i32[T:2]", "f32[100,8]"}, .refused = "must not be padded; unpad it"},
    {OP(embedding, .out = NF_BF16), {"i32[5]", "f16[0,8]"}, .out = {"bf16[5,8]"}},
    {OP(embedding, .out = NF_F32), {"i32[2*T]", "bf16[100,8]"}, .out = {"f32[2*T,8]"}},
    {OP(embedding, .out = NF_BF16),
     {"i64[T]", "bf16[9,8]"},
     .refused = "embedding: tokens is i64[T] but must be i32"},
    {OP(embedding, .out = NF_BF16), {"i32[T,1]", "bf16[9,8]"}, .refused = "must have 1 dimensions"},
    {OP(embedding, .out = NF_BF16), {"i32[T]", "i32[9,8]"}, .refused = "table is i32[9,8] but must be"},
    {OP(embedding, .out = NF_BF16), {"i32[T]", "bf16[9]"}, .refused = "must have 2 dimensions"},
    {OP(embedding, .out = NF_BF16), {"i32[T]", "bf16[T,8]"}, .refused = "constant extents"},
    {OP(embedding, .out = NF_I32), {"i32[T]", "bf16[9,8]"}, .refused = "out must be"},
    {OP(embedding, .out = NF_BF16), {NULL, "bf16[9,8]"}, .refused = "tokens is missing"},

    {OP(linear, .out = NF_BF16), {"bf16[T,2880]", "bf16[4096,2880]"}, .out = {"bf16[T,4096]"}},
    {OP(linear, .out = NF_F32), {"bf16[T,64]", "mxfp4[8,64]", "bf16[8]"}, .out = {"f32[T,8]"}},
    {OP(linear, .out = NF_F32), {"f32[64]", "f32[8,64]"}, .out = {"f32[8]"}},
    {OP(linear, .out = NF_F16), {"f32[R,3,64]", "bf16[8,64]"}, .out = {"f16[R,3,8]"}},
    {OP(linear, .out = NF_BF16), {"bf16[T,30:32]", "bf16[5,30:32]"}, .out = {"bf16[T,5]"}},
    {OP(linear, .out = NF_BF16),
     {"bf16[T,2879]", "bf16[4096,2880]"},
     .refused = "linear: w is bf16[4096,2880] but x has 2879 columns"},
    {OP(linear, .out = NF_BF16), {"bf16[8,T]", "bf16[9,8]"}, .refused = "x has T columns"},
    {OP(linear, .out = NF_BF16),
     {"bf16[T,8]", "bf16[9,8]", "bf16[8]"},
     .refused = "bias is bf16[8] but w has 9 rows"},
    {OP(linear, .out = NF_BF16),
     {"bf16[T,8]", "bf16[9,8]", "i32[9]"},
     .refused = "bias is i32[9] but must be"},
    {OP(linear, .out = NF_BF16), {"mxfp4[T,32]", "bf16[9,32]"}, .refused = "x is mxfp4[T,32] but must be"},
    {OP(linear, .out = NF_BF16), {"bf16[T,8]", "f8e4m3[9,8]"}, .refused = "w is f8e4m3[9,8] but must be"},
    {OP(linear, .out = NF_BF16), {"bf16[]", "bf16[9,8]"}, .refused = "1 to 5 dimensions"},
    {OP(linear, .out = NF_BF16), {"bf16[T,8]", "bf16[2,9,8]"}, .refused = "must have 2 dimensions"},
    {OP(linear, .out = NF_BF16), {"bf16[T,8]", "full bf16[9,8]"}, .refused = "must not be a pool"},
    {OP(linear, .out = NF_MXFP4), {"bf16[T,8]", "bf16[9,8]"}, .refused = "out must be"},
    {OP(linear, .out = (nf_dtype)99), {"bf16[T,8]", "bf16[9,8]"}, .refused = "out must be"},

    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,64]", "i32[T,4]", "mxfp4[8,96,64]"},
     .out = {"bf16[T,4,96]"}},
    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,4,64]", "i32[T,4]", "bf16[8,9,64]"},
     .out = {"bf16[T,4,9]"}},
    {OP(grouped_linear, .out = NF_F32),
     {"f32[T,64]", "i32[T,4]", "f32[8,9,64]", "f32[8,9]"},
     .out = {"f32[T,4,9]"}},
    {OP(grouped_linear, .out = NF_F32), {"f32[5,64]", "i32[5,1]", "f32[1,9,64]"}, .out = {"f32[5,1,9]"}},
    {OP(grouped_linear, .out = NF_F32), {"f32[R,2,64]", "i32[R,2]", "f32[3,9,64]"}, .out = {"f32[R,2,9]"}},
    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,64]", "i32[S,4]", "bf16[8,9,64]"},
     .refused = "x has T rows"},
    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,3,64]", "i32[T,4]", "bf16[8,9,64]"},
     .refused = "ids has 4 columns"},
    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,64]", "f32[T,4]", "bf16[8,9,64]"},
     .refused = "ids is f32[T,4]"},
    {OP(grouped_linear, .out = NF_BF16), {"bf16[T,64]", "i32[T,4]", "bf16[9,64]"}, .refused = "3 dimensions"},
    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,63]", "i32[T,4]", "bf16[8,9,64]"},
     .refused = "x has 63 columns"},
    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,64]", "i32[T,4]", "bf16[8,9,64]", "bf16[7,9]"},
     .refused = "w has 8 experts"},
    {OP(grouped_linear, .out = NF_BF16),
     {"bf16[T,64]", "i32[T,4]", "bf16[8,9,64]", "bf16[8,8]"},
     .refused = "w has 9 rows"},

    {OP(rms_norm, .eps = 1e-5f), {"bf16[T,8]", "bf16[8]"}, .out = {"bf16[T,8]"}},
    {OP(rms_norm, .eps = 1e-5f), {"f32[T,2,8]", "bf16[8]"}, .out = {"f32[T,2,8]"}},
    {OP(rms_norm, .eps = 1), {"f16[8]", "f32[8]"}, .out = {"f16[8]"}},
    {OP(rms_norm, .eps = 1e-5f), {"bf16[R,8:32]", "bf16[8]"}, .refused = "x is bf16[R,8:32] but must not"},
    {OP(rms_norm, .eps = 1e-5f, .one_plus = true), {"bf16[R,8]", "bf16[8:32]"}, .out = {"bf16[R,8]"}},
    {OP(rms_norm, .eps = 1e-5f), {"bf16[4*T,8]", "bf16[8]"}, .out = {"bf16[4*T,8]"}},
    {OP(rms_norm, .eps = 1e-5f), {"bf16[T,8]", "bf16[9]"}, .refused = "w is bf16[9] but x has 8 columns"},
    {OP(rms_norm, .eps = 0), {"bf16[T,8]", "bf16[8]"}, .refused = "eps is 0 but must be finite and above 0"},
    {OP(rms_norm, .eps = INFINITY), {"bf16[T,8]", "bf16[8]"}, .refused = "eps"},
    {OP(rms_norm, .eps = NAN), {"bf16[T,8]", "bf16[8]"}, .refused = "eps"},
    {OP(rms_norm, .eps = 1e-5f), {"i32[T,8]", "bf16[8]"}, .refused = "x is i32"},
    {OP(rms_norm, .eps = 1e-5f), {"bf16[8,T]", "bf16[T]"}, .refused = "constant extents"},
    {OP(rms_norm, .eps = 1e-5f), {"bf16[T,8]", "bf16[1,8]"}, .refused = "1 dimensions"},

    {OP(add), {"bf16[T,8]", "bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(add), {"f32[]", "f32[]"}, .out = {"f32[]"}},
    {OP(add), {"bf16[T,8]", "bf16[T,8:9]"}, .refused = "b is bf16[T,8:9] but must not be padded"},
    {OP(add), {"bf16[4,8]", "bf16[4,8]"}, .out = {"bf16[4,8]"}},
    {OP(add), {"f16[1,2,3,4,5]", "f16[1,2,3,4,5]"}, .out = {"f16[1,2,3,4,5]"}},
    {OP(add), {"f32[0,S]", "f32[0,S]"}, .out = {"f32[0,S]"}},
    {OP(add), {"bf16[T,8]", "f32[T,8]"}, .refused = "b is f32[T,8] but a is bf16"},
    {OP(add), {"bf16[T,8]", "bf16[T,9]"}, .refused = "b is bf16[T,9] but a has 8 there"},
    {OP(add), {"bf16[T,8]", "bf16[S,8]"}, .refused = "a has T there"},
    {OP(add), {"bf16[T,8]", "bf16[2*T,8]"}, .refused = "a has T there"},
    {OP(add), {"bf16[T,8]", "bf16[8]"}, .refused = "2 dimensions"},
    {OP(add), {"i32[T]", "i32[T]"}, .refused = "a is i32[T]"},
    {OP(add), {"bf16[T,8]"}, .refused = "b is missing"},
    {OP(add), {"full bf16[1,8]", "full bf16[1,8]"}, .refused = "must not be a pool"},

    {OP(swiglu, .alpha = 1), {"bf16[T,16]"}, .out = {"bf16[T,8]"}},
    {OP(swiglu, .alpha = 1.702f, .beta = 1, .limit = 7, .interleaved = true),
     {"f32[T,4,16]"},
     .out = {"f32[T,4,8]"}},
    {OP(swiglu, .alpha = 1), {"f16[2]"}, .out = {"f16[1]"}},
    {OP(swiglu, .alpha = -1, .beta = -1), {"bf16[R,0]"}, .out = {"bf16[R,0]"}},
    {OP(swiglu, .alpha = 1), {"bf16[T,16:64]"}, .out = {"bf16[T,8:32]"}},
    {OP(combine), {"bf16[T,2,16:64]", "f32[T,2]"}, .out = {"bf16[T,16:64]"}},
    {OP(grouped_linear, .out = NF_F32, .pad = 32),
     {"f32[T,8]", "i32[T,2]", "f32[4,9,8]"},
     .out = {"f32[T,2,9:32]"}},
    {OP(grouped_linear, .out = NF_F32, .pad = 8),
     {"f32[T,8]", "i32[T,2]", "f32[4,9,8]"},
     .refused = "pad is 8 but must be at least the 9 columns"},
    {OP(swiglu, .alpha = 1), {"bf16[T,16]"}, .out = {"bf16[T,8]"}},
    {OP(swiglu, .alpha = 1), {"bf16[T,15]"}, .refused = "even number of columns"},
    {OP(swiglu, .alpha = 1), {"bf16[8,2*T]"}, .refused = "even number of columns"},
    {OP(swiglu, .alpha = NAN), {"bf16[T,16]"}, .refused = "alpha"},
    {OP(swiglu, .alpha = 1, .beta = INFINITY), {"bf16[T,16]"}, .refused = "beta"},
    {OP(swiglu, .alpha = 1, .limit = -1), {"bf16[T,16]"}, .refused = "limit is -1"},
    {OP(swiglu, .alpha = 1), {"i32[T,16]"}, .refused = "x is i32"},
    {OP(swiglu, .alpha = 1), {"bf16[]"}, .refused = "dimensions"},

    {OP(router_topk, .k = 4), {"f32[T,32]"}, .out = {"f32[T,4]", "i32[T,4]"}},
    {OP(router_topk, .k = 4), {"bf16[T,4]"}, .out = {"f32[T,4]", "i32[T,4]"}},
    {OP(router_topk, .k = 1), {"f32[R,32]", "i32[R,1]"}, .out = {"f32[R,1]", "i32[R,1]"}},
    {OP(router_topk, .k = 2), {"f16[5,3]"}, .out = {"f32[5,2]", "i32[5,2]"}},
    {OP(router_topk, .k = 2), {"f32[T,8]", "i32[T,2]"}, .out = {"f32[T,2]", "i32[T,2]"}},
    {OP(router_topk, .k = 0), {"f32[T,32]"}, .refused = "k is 0 but must be 1 to 32"},
    {OP(router_topk, .k = 33), {"f32[T,32]"}, .refused = "k is 33"},
    {OP(router_topk, .k = 1), {"f32[T,0]"}, .refused = "k is 1"},
    {OP(router_topk, .k = 4), {"f32[T,S]"}, .refused = "constant number of columns"},
    {OP(router_topk, .k = 4), {"f32[T,32]", "i64[T,4]"}, .refused = "forced is i64"},
    {OP(router_topk, .k = 4), {"f32[T,32]", "i32[T,3]"}, .refused = "k is 4"},
    {OP(router_topk, .k = 4), {"f32[T,32]", "i32[S,4]"}, .refused = "logits has T rows"},
    {OP(router_topk, .k = 4), {"i32[T,32]"}, .refused = "logits is i32"},

    {OP(combine), {"bf16[T,4,8]", "f32[T,4]"}, .out = {"bf16[T,8]"}},
    {OP(combine), {"f32[R,1,8]", "f32[R,1]"}, .out = {"f32[R,8]"}},
    {OP(combine), {"f16[5,4,8]", "f32[5,4]"}, .out = {"f16[5,8]"}},
    {OP(combine), {"bf16[T,4,8]", "f32[T,4]"}, .out = {"bf16[T,8]"}},
    {OP(combine), {"bf16[T,4,0]", "f32[T,4]"}, .out = {"bf16[T,0]"}},
    {OP(combine), {"bf16[T,4,8]", "bf16[T,4]"}, .refused = "weights is bf16[T,4] but must be f32"},
    {OP(combine), {"bf16[T,4,8]", "f32[T,3]"}, .refused = "x has 4 experts per row"},
    {OP(combine), {"bf16[T,4,8]", "f32[S,4]"}, .refused = "x has T rows"},
    {OP(combine), {"bf16[T,8]", "f32[T,4]"}, .refused = "3 dimensions"},
    {OP(combine), {"bf16[T,4,8]", "f32[T]"}, .refused = "2 dimensions"},
    {OP(combine), {"i32[T,4,8]", "f32[T,4]"}, .refused = "x is i32"},

    {ROPE(), .out = {"f32[T,64]"}},
    {OP(rope_table, .theta = 10000, .factor = 1, .scale = 1, .dims = 2), .out = {"f32[T,2]"}},
    {OP(rope_table, .theta = 10000, .factor = 1, .scale = 1, .dims = 65536), .out = {"f32[T,65536]"}},
    {ROPE(.truncate = true), .out = {"f32[T,64]"}},
    {OP(rope_table, .theta = 1e7f, .factor = 4, .context = 32768, .beta_fast = 32, .beta_slow = 1, .scale = 1,
        .dims = 128),
     .out = {"f32[T,128]"}},
    {OP(rope_table, .theta = 0, .factor = 1, .scale = 1, .dims = 2), .refused = "theta is 0"},
    {OP(rope_table, .theta = 1e4f, .factor = 1, .scale = 0, .dims = 2), .refused = "scale is 0"},
    {OP(rope_table, .theta = 1e4f, .factor = NAN, .scale = 1, .dims = 2), .refused = "factor"},
    {OP(rope_table, .theta = 1e4f, .factor = 1, .scale = 1, .dims = 3),
     .refused = "dims is 3 but must be even"},
    {OP(rope_table, .theta = 1e4f, .factor = 1, .scale = 1, .dims = 0), .refused = "dims is 0"},
    {OP(rope_table, .theta = 1e4f, .factor = 1, .scale = 1, .dims = 65538), .refused = "dims is 65538"},
    {OP(rope_table, .theta = 1e4f, .factor = 2, .beta_fast = 2, .beta_slow = 1, .scale = 1, .dims = 2),
     .refused = "context"},
    {OP(rope_table, .theta = 1e4f, .factor = 2, .context = 9, .beta_fast = 1, .beta_slow = 2, .scale = 1,
        .dims = 2),
     .refused = "beta_fast"},
    {OP(rope_table, .theta = 1, .factor = 2, .context = 9, .beta_fast = 3, .beta_slow = 2, .scale = 1,
        .dims = 2),
     .refused = "theta is 1"},

    {OP(rope), {"bf16[T,8,64]", "f32[T,64]"}, .out = {"bf16[T,8,64]"}},
    {OP(rope), {"f32[T,8,64]", "f32[T,16]"}, .out = {"f32[T,8,64]"}},
    {OP(rope), {"f16[T,1,2]", "f32[T,2]"}, .out = {"f16[T,1,2]"}},
    {OP(rope), {"bf16[T,0,64]", "f32[T,64]"}, .out = {"bf16[T,0,64]"}},
    {OP(rope), {"bf16[T,8,65]", "f32[T,64]"}, .out = {"bf16[T,8,65]"}},
    {OP(rope), {"bf16[T,8,64]", "f32[T,66]"}, .refused = "even and at most the head's 64"},
    {OP(rope), {"bf16[T,8,64]", "f32[T,63]"}, .refused = "even and at most the head's 64"},
    {OP(rope), {"bf16[T,8,64]", "bf16[T,64]"}, .refused = "table is bf16[T,64] but must be f32"},
    {OP(rope), {"bf16[S,8,64]", "f32[T,64]"}, .refused = "x has S rows"},
    {OP(rope), {"bf16[T,512]", "f32[T,64]"}, .refused = "3 dimensions"},
    {OP(rope), {"u8[T,8,64]", "f32[T,64]"}, .refused = "x is u8"},

    {OP(kv_write), {"bf16[T,8,64]", "bf16[T,8,64]", "full bf16[2,8,16,64]"}, .out = {"full bf16[2,8,16,64]"}},
    {OP(kv_write), {"f32[T,1,4]", "f32[T,1,4]", "sliding f32[2,1,1,4]"}, .out = {"sliding f32[2,1,1,4]"}},
    {OP(kv_write), {"f16[T,8,64]", "f16[T,8,64]", "full f16[2,8,64,64]"}, .out = {"full f16[2,8,64,64]"}},
    {OP(kv_write), {"f32[T,1,4]", "f32[T,1,4]", "full f32[2,1,1,4]"}, .out = {"full f32[2,1,1,4]"}},
    {OP(kv_write), {"f32[T,1,4]", "f32[T,1,4]", "full f32[2,1,1,4:8]"}, .out = {"full f32[2,1,1,4:8]"}},
    {OP(kv_write), {"bf16[T,8,64]", "bf16[T,8,64]", "bf16[2,8,16,64]"}, .refused = "must be a pool"},
    {OP(kv_write),
     {"bf16[T,8,64]", "bf16[T,8,64]", "full f32[2,8,16,64]"},
     .refused = "k is bf16[T,8,64] but kv is f32"},
    {OP(kv_write),
     {"bf16[T,8,64]", "f32[T,8,64]", "full bf16[2,8,16,64]"},
     .refused = "v is f32[T,8,64] but k is bf16"},
    {OP(kv_write), {"bf16[T,4,64]", "bf16[T,8,64]", "full bf16[2,8,16,64]"}, .refused = "kv has 8 heads"},
    {OP(kv_write), {"bf16[T,8,64]", "bf16[T,8,32]", "full bf16[2,8,16,64]"}, .refused = "kv has heads of 64"},
    {OP(kv_write), {"bf16[S,8,64]", "bf16[S,8,64]", "full bf16[2,8,16,64]"}, .refused = "must be T"},
    {OP(kv_write), {"bf16[T,8,64]", "bf16[T,8,64]", "full bf16[3,8,16,64]"}, .refused = "must be 2"},
    {OP(kv_write), {"bf16[T,8,64]", "bf16[T,8,64]", "full bf16[2,8,0,64]"}, .refused = "at least one head"},
    {OP(kv_write), {"bf16[T,8,64]", "bf16[T,8,64]", "full bf16[2,8,T,64]"}, .refused = "constant"},
    {OP(kv_write), {"bf16[T,8,64]", "bf16[T,8,64]"}, .refused = "kv is missing"},

    {OP(attention, .scale = 0.125f), {"bf16[T,64,64]", "full bf16[2,8,16,64]"}, .out = {"bf16[T,64,64]"}},
    {OP(attention, .scale = 1, .window = 128),
     {"bf16[T,64,64]", "sliding bf16[2,8,16,64]", "bf16[64]"},
     .out = {"bf16[T,64,64]"}},
    {OP(attention, .scale = 1), {"f32[T,8,64]", "full bf16[2,8,16,64]", "f32[8]"}, .out = {"f32[T,8,64]"}},
    {OP(attention, .scale = 1), {"f16[T,3,5]", "full f16[2,1,1,5]"}, .out = {"f16[T,3,5]"}},
    {OP(attention, .scale = 1), {"bf16[T,8,64]", "full bf16[2,8,16,64]"}, .out = {"bf16[T,8,64]"}},
    {OP(attention, .scale = 0), {"bf16[T,64,64]", "full bf16[2,8,16,64]"}, .refused = "scale is 0"},
    {OP(attention, .scale = 1, .window = -1),
     {"bf16[T,64,64]", "full bf16[2,8,16,64]"},
     .refused = "window is -1"},
    {OP(attention, .scale = 1), {"bf16[T,60,64]", "full bf16[2,8,16,64]"}, .refused = "multiple of kv's 8"},
    {OP(attention, .scale = 1), {"bf16[T,64,32]", "full bf16[2,8,16,64]"}, .refused = "kv has heads of 64"},
    {OP(attention, .scale = 1), {"bf16[R,64,64]", "full bf16[2,8,16,64]"}, .refused = "must be T"},
    {OP(attention, .scale = 1),
     {"bf16[T,64,64]", "full bf16[2,8,16,64]", "bf16[8]"},
     .refused = "q has 64 heads"},
    {OP(attention, .scale = 1), {"bf16[T,64,64]", "full bf16[2,0,16,64]"}, .refused = "at least one head"},
    {OP(attention, .scale = 1), {"bf16[T,64,64]", "full bf16[2,8,64]"}, .refused = "4 dimensions"},
    {OP(attention, .scale = 1), {"bf16[T,64,64]", "full i32[2,8,16,64]"}, .refused = "kv is full i32"},

    {OP(gather_rows), {"bf16[T,8]"}, .out = {"bf16[R,8]"}},
    {OP(gather_rows), {"f32[T,0]"}, .out = {"f32[R,0]"}},
    {OP(gather_rows), {"f16[T,2880]"}, .out = {"f16[R,2880]"}},
    {OP(gather_rows), {"bf16[T,8]"}, .out = {"bf16[R,8]"}},
    {OP(gather_rows), {"f16[T,64]"}, .out = {"f16[R,64]"}},
    {OP(gather_rows), {"bf16[S,8]"}, .refused = "must be T"},
    {OP(gather_rows), {"bf16[2*T,8]"}, .refused = "must be T"},
    {OP(gather_rows), {"bf16[T]"}, .refused = "2 dimensions"},
    {OP(gather_rows), {"bf16[T,S]"}, .refused = "constant number of columns"},
    {OP(gather_rows), {"i32[T,8]"}, .refused = "x is i32"},

    {OP(reshape, TO(3, TOK, NF_C(8), NF_C(64))), {"bf16[T,512]"}, .out = {"bf16[T,8,64]"}},
    {OP(reshape, TO(1, NF_BY(512, NF_T))), {"bf16[T,8,64]"}, .out = {"bf16[512*T]"}},
    {OP(reshape, TO(2, NF_C(4), NF_BY(128, NF_T))), {"i32[T,512]"}, .out = {"i32[4,128*T]"}},
    {OP(reshape, TO(0)), {"f32[1,1,1,1,1]"}, .out = {"f32[]"}},
    {OP(reshape, TO(5, NF_C(1), NF_C(1), NF_C(3), NF_C(1), TOK)), {"f32[3*T]"}, .out = {"f32[1,1,3,1,T]"}},
    {OP(reshape, TO(2, NF_C(6), NF_C(32))), {"mxfp4[2,3,32]"}, .out = {"mxfp4[6,32]"}},
    {OP(reshape, TO(2, TOK, NF_C(511))),
     {"bf16[T,512]"},
     .refused = "bf16[T,511] does not have the same elements"},
    {OP(reshape, TO(2, NF_BY(1, NF_S), NF_C(512))), {"bf16[T,512]"}, .refused = "same elements"},
    {OP(reshape, TO(1, NF_C(512))), {"bf16[T,512]"}, .refused = "same elements"},
    {OP(reshape, TO(2, NF_C(3), NF_C(64))), {"mxfp4[6,32]"}, .refused = "keep their columns"},
    {OP(reshape, TO(1, NF_C(512))), {"bf16[4:5,128]"}, .refused = "padded"},
    {OP(reshape, .to = {.rank = 6}), {"f32[1]"}, .refused = "to has rank 6"},
    {OP(reshape, .to = {.rank = -1}), {"f32[1]"}, .refused = "to has rank -1"},
    {OP(reshape, TO(1, NF_C(-4))), {"f32[4]"}, .refused = "negative"},
    {OP(reshape, TO(1, NF_BY(4, NF_SYM_COUNT))), {"f32[4]"}, .refused = "unknown"},
    {OP(reshape, TO(2, NF_C(INT64_MAX), NF_C(INT64_MAX))), {"f32[1]"}, .refused = "same elements"},
    {OP(reshape, TO(1, NF_C(1))), {"full f32[1]"}, .refused = "must not be a pool"},

    {OP(linear, .out = NF_BF16), {"bf16[T:2,8]", "bf16[5,8]"}, .refused = "only constant columns may be"},
    {OP(grouped_linear, .out = NF_BF16), {"bf16[T,8:32]", "i32[T,2]", "bf16[4,6,8]"}, .out = {"bf16[T,2,6]"}},

    {OP(pad, .to = 16), {"bf16[T,8]"}, .out = {"bf16[T,8:16]"}},
    {OP(pad, .to = 16), {"f32[T,8:12]"}, .out = {"f32[T,8:16]"}},
    {OP(pad, .to = 8), {"f16[T,8]"}, .out = {"f16[T,8]"}},
    {OP(pad, .to = 9), {"f32[8]"}, .out = {"f32[8:9]"}},
    {OP(pad, .to = 16), {"bf16[R,3,8]"}, .out = {"bf16[R,3,8:16]"}},
    {OP(pad, .to = 7), {"bf16[T,8]"}, .refused = "pad: to is 7 but must be at least the 8 columns"},
    {OP(pad, .to = 16), {"i32[T,8]"}, .refused = "pad: x is i32[T,8] but must be f32, bf16 or f16"},
    {OP(pad, .to = 16), {"f32[8,T]"}, .refused = "constant number of columns"},
    {OP(pad, .to = 16), {"f32[]"}, .refused = "at least one dimension"},
    {OP(pad, .to = 16), {"f32[T:2,8]"}, .refused = "only constant columns may be padded"},
    {OP(unpad), {"bf16[T,8:16]"}, .out = {"bf16[T,8]"}},
    {OP(unpad), {"bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(unpad), {"f32[8:9]"}, .out = {"f32[8]"}},
    {OP(unpad), {"f16[R,2,8:9]"}, .out = {"f16[R,2,8]"}},
    {OP(unpad), {"f32[S,8:16]"}, .out = {"f32[S,8]"}},
    {OP(unpad), {NULL}, .refused = "x is missing"},
    {OP(unpad), {"i32[T,8]"}, .refused = "must be f32, bf16 or f16"},
    {OP(unpad), {"f32[8,T]"}, .refused = "constant number of columns"},
    {OP(unpad), {"f32[]"}, .refused = "at least one dimension"},
    {OP(unpad), {"f32[2*T:4,8]"}, .refused = "only constant columns may be padded"},
    {OP(all_reduce), {"bf16[T,8:16]"}, .out = {"bf16[T,8:16]"}},
    {OP(all_reduce), {"bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(all_reduce), {"f32[8]"}, .out = {"f32[8]"}},
    {OP(all_reduce), {"f16[R,2,8]"}, .out = {"f16[R,2,8]"}},
    {OP(all_reduce), {"f32[S,8]"}, .out = {"f32[S,8]"}},
    {OP(all_reduce), {NULL}, .refused = "x is missing"},
    {OP(all_reduce), {"i32[T,8]"}, .refused = "all_reduce: x is i32[T,8] but must be f32"},
    {OP(all_reduce), {"f32[8,T]"}, .refused = "constant number of columns"},
    {OP(all_reduce), {"f32[]"}, .refused = "at least one dimension"},
    {OP(all_reduce), {"full f32[8]"}, .refused = "must not be a pool"},
    {OP(all_gather, .world = 3), {"bf16[T,8]"}, .out = {"bf16[T,24]"}},
    {OP(all_gather, .world = 1), {"f32[8]"}, .out = {"f32[8]"}},
    {OP(all_gather, .world = 2), {"f16[R,2,8]"}, .out = {"f16[R,2,16]"}},
    {OP(all_gather, .world = 2), {"f32[S,1]"}, .out = {"f32[S,2]"}},
    {OP(all_gather, .world = 4, .drop = 2), {"f32[T,3]"}, .out = {"f32[T,10]"}},
    {OP(all_gather, .world = 2, .drop = -1), {"f32[T,8]"}, .refused = "drop is -1 of 16 columns"},
    {OP(all_gather, .world = 2, .drop = 16), {"f32[T,8]"}, .refused = "drop is 16 of 16 columns"},
    {OP(all_gather, .world = 8), {"bf16[0,8]"}, .out = {"bf16[0,64]"}},
    {OP(all_gather, .world = 2), {"bf16[T,8:16]"}, .refused = "must not be padded"},
    {OP(all_gather, .world = 2), {NULL}, .refused = "x is missing"},
    {OP(all_gather), {"f32[T,8]"}, .refused = "all_gather: world is 0 but must be 1 or more"},
    {OP(all_gather, .world = INT64_MAX), {"f32[T,8]"}, .refused = "below 2^63"},
    {OP(all_gather, .world = 2), {"i32[T,8]"}, .refused = "must be f32, bf16 or f16"},
    {OP(all_gather, .world = 2), {"f32[8,T]"}, .refused = "constant number of columns"},
    {OP(all_gather, .world = 2), {"full f32[8]"}, .refused = "must not be a pool"},
    {OP(rank_ids, .size = 5), {"i32[T]"}, .out = {"i32[T]"}},
    {OP(rank_ids, .size = 1), {"i32[T,4]"}, .out = {"i32[T,4]"}},
    {OP(rank_ids, .size = 32), {"i32[2*T,4]"}, .out = {"i32[2*T,4]"}},
    {OP(rank_ids, .size = 32), {"i32[3]"}, .out = {"i32[3]"}},
    {OP(rank_ids, .size = INT32_MAX), {"i32[S]"}, .out = {"i32[S]"}},
    {OP(rank_ids, .size = 5), {"i64[T]"}, .refused = "rank_ids: x is i64 but must be plain i32"},
    {OP(rank_ids), {"i32[T]"}, .refused = "rank_ids: size is 0 but must be 1 to"},
    {OP(rank_ids, .size = INT64_MAX), {"i32[T]"}, .refused = "size is"},
    {OP(rank_ids, .size = 5), {NULL}, .refused = "x is missing"},
    {OP(rank_ids, .size = 5), {"i32[T:2]"}, .refused = "must not be padded"},

#define NORM(...) OP(rms_norm, .eps = 1e-5f, __VA_ARGS__)
    {NORM(), {"bf16[T,8]", "f32[8]", "bf16[T,8]"}, .out = {"bf16[T,8]", "bf16[T,8]"}},
    {NORM(.pad = 16), {"bf16[T,8]", "bf16[8]", "bf16[T,8]"}, .out = {"bf16[T,8:16]", "bf16[T,8]"}},
    {NORM(.one_plus = true, .pad = 8), {"f32[R,8]", "f16[8]", "f32[R,8]"}, .out = {"f32[R,8]", "f32[R,8]"}},
    {NORM(.pad = 32), {"f16[T,3,8]", "f16[8]"}, .out = {"f16[T,3,8:32]"}},
    {NORM(.reduce = true), {"bf16[T,8]", "f32[8]"}, .out = {"bf16[T,8]", "bf16[T,8]"}},
    {NORM(.reduce = true, .pad = 16), {"f32[8]", "f32[8]", "f32[8]"}, .out = {"f32[8:16]", "f32[8]"}},
    {NORM(.to = NF_FP8_ROW), {"bf16[T,8]", "f32[8]"}, .out = {"fp8row[T,8]"}},
    {NORM(.to = NF_FP8_GROUP, .keep = true),
     {"bf16[T,8]", "bf16[8]"},
     .out = {"fp8g128[T,8]", NULL, "bf16[T,8]"}},
    {NORM(.to = NF_FP8_GROUP),
     {"f32[R,300]", "bf16[300]", "f32[R,300]"},
     .out = {"fp8g128[R,300]", "f32[R,300]"}},
    {NORM(.reduce = true, .to = NF_FP8_ROW, .keep = true),
     {"f16[T,3,8]", "f16[8]", "f16[T,3,8]"},
     .out = {"fp8row[T,3,8]", "f16[T,3,8]", "f16[T,3,8]"}},
    {NORM(), {"f32[T,8]", "f32[8]", "bf16[T,8]"}, .refused = "rms_norm: residual is bf16[T,8] but x is f32"},
    {NORM(),
     {"f32[T,8]", "f32[8]", "f32[T,9]"},
     .refused = "residual is f32[T,9] but x has 8 in dimension 1"},
    {NORM(.reduce = true), {"f32[T,8]", "f32[8]", "f32[R,8]"}, .refused = "x has T in dimension 0"},
    {NORM(.reduce = true), {"f32[T,8:16]", "f32[8]"}, .refused = "x is f32[T,8:16] but must not be padded"},
    {NORM(.pad = 7),
     {"f32[T,8]", "f32[8]"},
     .refused = "rms_norm: pad is 7 but must be at least the 8 columns"},
    {NORM(.pad = -1), {"f32[T,8]", "f32[8]"}, .refused = "pad is -1 but must"},
    {NORM(.to = NF_BF16),
     {"bf16[T,8]", "f32[8]"},
     .refused = "rms_norm: quantise: to must be fp8row or fp8g128"},
    {NORM(.to = NF_FP8_ROW, .pad = 16), {"bf16[T,8]", "f32[8]"}, .refused = "codes are not padded"},
    {NORM(.keep = true), {"bf16[T,8]", "f32[8]"}, .refused = "nothing is quantised"},
#undef NORM

    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "bf16[T,16]", "f32[8]"},
     .out = {"fp8g128[T,16]"}},
    {OP(rms_norm_gated_quantise, .eps = 1, .to = NF_FP8_ROW),
     {"f32[T,8]", "f32[T,8]", "bf16[8]"},
     .out = {"fp8row[T,8]"}},
    {OP(rms_norm_gated_quantise, .eps = 1, .to = NF_FP8_ROW),
     {"f16[R,2,9]", "f16[R,2,9]", "f16[3]"},
     .out = {"fp8row[R,2,9]"}},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[4096]", "bf16[4096]", "bf16[128]"},
     .out = {"fp8g128[4096]"}},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"f32[2*T,0]", "f32[2*T,0]", "bf16[128]"},
     .out = {"fp8g128[2*T,0]"}},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "bf16[T,16]", "f32[5]"},
     .refused = "the columns of x must be heads of w's 5"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "bf16[T,12]", "f32[8]"},
     .refused = "the columns of z must be heads of w's 8"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "bf16[T,8]", "f32[8]"},
     .refused = "x and z differ in dimension 1"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "f32[T,16]", "f32[8]"},
     .refused = "rms_norm_gated: z is f32[T,8] but x is bf16"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "bf16[R,16]", "f32[8]"},
     .refused = "x has T in dimension 0"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[8,T]", "bf16[8,T]", "f32[8]"},
     .refused = "the columns of x must be heads"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "bf16[T,16]", "f32[0]"},
     .refused = "the columns of x must be heads"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f, .to = NF_FP8_GROUP),
     {"bf16[T,16]", "bf16[T,16]", "f32[2,4]"},
     .refused = "must have 1 dimensions"},
    {OP(rms_norm_gated_quantise, .eps = 1e-5f),
     {"bf16[T,16]", "bf16[T,16]", "f32[8]"},
     .refused = "to must be fp8row"},
    {OP(rms_norm_gated_quantise, .to = NF_FP8_ROW),
     {"bf16[T,16]", "bf16[T,16]", "f32[8]"},
     .refused = "eps is 0"},

    {OP(silu_mul, .quantise = NF_NONE), {"bf16[T,8]", "bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(silu_mul, .quantise = NF_FP8_ROW), {"bf16[T,8]", "f32[T,1]"}, .out = {"fp8row[T,8]"}},
    {OP(silu_mul, .quantise = NF_FP8_GROUP), {"f32[T,3,300]", "bf16[T,3,300]"}, .out = {"fp8g128[T,3,300]"}},
    {OP(silu_mul, .quantise = NF_NONE), {"f16[8]", "f32[8]"}, .out = {"f16[8]"}},
    {OP(silu_mul, .quantise = NF_FP8_ROW), {"f16[0,8]", "f16[0,8]"}, .out = {"fp8row[0,8]"}},
    {OP(silu_mul, .quantise = NF_F32),
     {"bf16[T,8]", "bf16[T,8]"},
     .refused = "silu_mul: quantise: to must be fp8row or fp8g128"},
    {OP(silu_mul, .quantise = NF_NONE),
     {"bf16[T,8]", "bf16[T,9]"},
     .refused = "silu_mul: mul: b is bf16[T,9] but a has 8 columns"},
    {OP(silu_mul, .quantise = NF_NONE), {"bf16[T,8]", "bf16[R,8]"}, .refused = "a has T there"},
    {OP(silu_mul, .quantise = NF_NONE), {"i32[T,8]", "bf16[T,8]"}, .refused = "is i32[T,8] but must be f32"},
    {OP(silu_mul, .quantise = NF_NONE),
     {"bf16[T,8]", "fp8row[T,8]"},
     .refused = "is fp8row[T,8] but must be f32"},
    {OP(silu_mul, .quantise = NF_NONE), {"bf16[T,8]"}, .refused = "up is missing"},
    {OP(silu_mul, .quantise = NF_NONE), {"bf16[T,8:16]", "bf16[T,8]"}, .refused = "must not be padded"},
    {OP(sigmoid_mul, .quantise = NF_NONE), {"bf16[T,8]", "bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(sigmoid_mul, .quantise = NF_FP8_ROW), {"bf16[T,8]", "f32[T,1]"}, .out = {"fp8row[T,8]"}},
    {OP(sigmoid_mul, .quantise = NF_FP8_GROUP),
     {"f32[T,3,300]", "bf16[T,3,300]"},
     .out = {"fp8g128[T,3,300]"}},
    {OP(sigmoid_mul, .quantise = NF_NONE), {"f16[8]", "f32[8]"}, .out = {"f16[8]"}},
    {OP(sigmoid_mul, .quantise = NF_FP8_ROW), {"f16[0,8]", "f16[0,8]"}, .out = {"fp8row[0,8]"}},
    {OP(sigmoid_mul, .quantise = NF_F32),
     {"bf16[T,8]", "bf16[T,8]"},
     .refused = "sigmoid_mul: quantise: to must be fp8row or fp8g128"},
    {OP(sigmoid_mul, .quantise = NF_NONE),
     {"bf16[T,8]", "bf16[T,9]"},
     .refused = "sigmoid_mul: mul: b is bf16[T,9] but a has 8 columns"},
    {OP(sigmoid_mul, .quantise = NF_NONE), {"bf16[T,8]", "bf16[R,8]"}, .refused = "a has T there"},
    {OP(sigmoid_mul, .quantise = NF_NONE),
     {"i32[T,8]", "bf16[T,8]"},
     .refused = "is i32[T,8] but must be f32"},
    {OP(sigmoid_mul, .quantise = NF_NONE),
     {"bf16[T,8]", "fp8row[T,8]"},
     .refused = "is fp8row[T,8] but must be f32"},
    {OP(sigmoid_mul, .quantise = NF_NONE), {"bf16[T,8]"}, .refused = "is missing"},
    {OP(sigmoid_mul, .quantise = NF_NONE), {"bf16[T,8:16]", "bf16[T,8]"}, .refused = "must not be padded"},
    {OP(linear, .out = NF_BF16), {"fp8row[T,200]", "fp8row[300,200]", "bf16[300]"}, .out = {"bf16[T,300]"}},
    {OP(linear, .out = NF_F32), {"fp8g128[T,200]", "fp8b128[300,200]"}, .out = {"f32[T,300]"}},
    {OP(linear, .out = NF_F32), {"f16[T,200]", "fp8b128[300,200]"}, .out = {"f32[T,300]"}},
    {OP(linear, .out = NF_BF16),
     {"fp8row[T,8]", "fp8b128[9,8]"},
     .refused = "x is fp8row[T,8] but must be f32, bf16, f16 or, with fp8b128 weights, fp8g128"},
    {OP(linear, .out = NF_BF16), {"fp8g128[T,8]", "fp8row[9,8]"}, .refused = "with fp8row weights, fp8row"},
    {OP(linear, .out = NF_BF16), {"fp8row[T,8]", "bf16[9,8]"}, .refused = "x is fp8row[T,8] but must be f32"},
    {OP(linear, .out = NF_BF16), {"bf16[T,8]", "fp8g128[9,8]"}, .refused = "w is fp8g128[9,8] but must be"},
    {OP(linear, .out = NF_FP8_ROW), {"bf16[T,8]", "bf16[9,8]"}, .refused = "out must be"},
    {OP(grouped_linear, .out = NF_BF16),
     {"fp8g128[T,2,200]", "i32[T,2]", "fp8b128[8,130,200]"},
     .out = {"bf16[T,2,130]"}},
    {OP(grouped_linear, .out = NF_BF16),
     {"fp8row[T,200]", "i32[T,2]", "fp8row[8,130,200]"},
     .out = {"bf16[T,2,130]"}},
    {OP(grouped_linear, .out = NF_BF16),
     {"fp8g128[T,200]", "i32[T,2]", "fp8row[8,130,200]"},
     .refused = "with fp8row weights, fp8row"},
    {OP(grouped_linear, .out = NF_BF16),
     {"fp8row[T,64]", "i32[T,2]", "mxfp4[8,130,64]"},
     .refused = "x is fp8row[T,64] but must be f32"},

    {OP(rms_norm, .eps = 1e-5f, .one_plus = true), {"bf16[T,8]", "bf16[8]"}, .out = {"bf16[T,8]"}},

    {OP(rms_norm_gated, .eps = 1e-6f), {"bf16[T,8]", "bf16[T,8]", "bf16[8]"}, .out = {"bf16[T,8]"}},
    {OP(rms_norm_gated, .eps = 1e-6f), {"f32[T,2,8]", "f32[T,2,8]", "bf16[8]"}, .out = {"f32[T,2,8]"}},
    {OP(rms_norm_gated, .eps = 1), {"f16[8]", "f16[8]", "f32[8]"}, .out = {"f16[8]"}},
    {OP(rms_norm_gated, .eps = 1), {"f16[R,8]", "f16[R,8]", "f32[8]"}, .out = {"f16[R,8]"}},
    {OP(rms_norm_gated, .eps = 1), {"f16[0,8]", "f16[0,8]", "f16[8]"}, .out = {"f16[0,8]"}},
    {OP(rms_norm_gated, .eps = 1),
     {"bf16[T,8]", "f32[T,8]", "bf16[8]"},
     .refused = "z is f32[T,8] but x is bf16"},
    {OP(rms_norm_gated, .eps = 1),
     {"bf16[T,8]", "bf16[T,9]", "bf16[8]"},
     .refused = "x has 8 in dimension 1"},
    {OP(rms_norm_gated, .eps = 1), {"bf16[T,8]", "bf16[8]", "bf16[8]"}, .refused = "x has 2 dimensions"},
    {OP(rms_norm_gated, .eps = 1), {"bf16[T,8]", "bf16[T,8]", "bf16[9]"}, .refused = "x has 8 columns"},
    {OP(rms_norm_gated, .eps = 1), {"bf16[T,8]", "bf16[T,8]", "i32[8]"}, .refused = "w is i32[8]"},
    {OP(rms_norm_gated, .eps = 1), {"bf16[8,T]", "bf16[8,T]", "bf16[T]"}, .refused = "constant extents"},
    {OP(rms_norm_gated, .eps = 0), {"bf16[T,8]", "bf16[T,8]", "bf16[8]"}, .refused = "eps is 0"},
    {OP(rms_norm_gated, .eps = 1), {"bf16[T,8]", NULL, "bf16[8]"}, .refused = "z is missing"},

    {OP(mul), {"bf16[T,8]", "bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(mul), {"bf16[T,8]", "f32[T,1]"}, .out = {"bf16[T,8]"}},
    {OP(mul), {"f32[T,2,8]", "f16[T,2,1]"}, .out = {"f32[T,2,8]"}},
    {OP(mul), {"f16[4]", "f16[1]"}, .out = {"f16[4]"}},
    {OP(mul), {"f16[0,S]", "f16[0,S]"}, .out = {"f16[0,S]"}},
    {OP(mul), {"bf16[T,8]", "bf16[T,2]"}, .refused = "b is bf16[T,2] but a has 8 columns"},
    {OP(mul), {"bf16[T,8]", "bf16[S,8]"}, .refused = "b is bf16[S,8] but a has T there"},
    {OP(mul), {"bf16[T,1]", "bf16[T,8]"}, .refused = "a has 1 columns"},
    {OP(mul), {"bf16[T,8]", "bf16[8]"}, .refused = "2 dimensions"},
    {OP(mul), {"bf16[T,8]", "i32[T,8]"}, .refused = "b is i32[T,8]"},
    {OP(mul), {"mxfp4[T,32]", "bf16[T,32]"}, .refused = "a is mxfp4[T,32]"},
    {OP(mul), {"bf16[]", "bf16[]"}, .refused = "1 to 5 dimensions"},

    {OP(silu), {"bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(silu), {"f32[R,2,8]"}, .out = {"f32[R,2,8]"}},
    {OP(silu), {"f16[8]"}, .out = {"f16[8]"}},
    {OP(silu), {"f32[]"}, .out = {"f32[]"}},
    {OP(silu), {"f32[0,4]"}, .out = {"f32[0,4]"}},
    {OP(silu), {"i32[T,8]"}, .refused = "x is i32[T,8] but must be f32, bf16 or f16"},
    {OP(silu), {"f8e4m3[T,8]"}, .refused = "x is f8e4m3"},
    {OP(silu), {"fp8row[T,8]"}, .refused = "x is fp8row"},
    {OP(silu), {"full bf16[8]"}, .refused = "must not be a pool"},
    {OP(silu), {NULL}, .refused = "x is missing"},

    {OP(sigmoid), {"bf16[T,8]"}, .out = {"bf16[T,8]"}},
    {OP(sigmoid), {"f32[R,2,8]"}, .out = {"f32[R,2,8]"}},
    {OP(sigmoid), {"f16[8]"}, .out = {"f16[8]"}},
    {OP(sigmoid), {"f32[]"}, .out = {"f32[]"}},
    {OP(sigmoid), {"f32[0,4]"}, .out = {"f32[0,4]"}},
    {OP(sigmoid), {"i32[T,8]"}, .refused = "x is i32[T,8] but must be f32, bf16 or f16"},
    {OP(sigmoid), {"f8e4m3[T,8]"}, .refused = "x is f8e4m3"},
    {OP(sigmoid), {"fp8row[T,8]"}, .refused = "x is fp8row"},
    {OP(sigmoid), {"full bf16[8]"}, .refused = "must not be a pool"},
    {OP(sigmoid), {NULL}, .refused = "x is missing"},

    {OP(quantise, .to = NF_FP8_ROW), {"bf16[T,8]"}, .out = {"fp8row[T,8]"}},
    {OP(quantise, .to = NF_FP8_GROUP), {"f32[T,4,300]"}, .out = {"fp8g128[T,4,300]"}},
    {OP(quantise, .to = NF_FP8_GROUP), {"f16[128]"}, .out = {"fp8g128[128]"}},
    {OP(quantise, .to = NF_FP8_ROW), {"f16[S,8]"}, .out = {"fp8row[S,8]"}},
    {OP(quantise, .to = NF_FP8_ROW), {"f16[0,8]"}, .out = {"fp8row[0,8]"}},
    {OP(quantise, .to = NF_FP8_BLOCK), {"bf16[T,8]"}, .refused = "to must be fp8row or fp8g128"},
    {OP(quantise, .to = NF_F8E4M3), {"bf16[T,8]"}, .refused = "to must be fp8row or fp8g128"},
    {OP(quantise, .to = (nf_dtype)99), {"bf16[T,8]"}, .refused = "to must be fp8row or fp8g128"},
    {OP(quantise, .to = NF_FP8_ROW), {"fp8row[T,8]"}, .refused = "x is fp8row[T,8] but must be"},
    {OP(quantise, .to = NF_FP8_ROW), {"bf16[]"}, .refused = "1 to 5 dimensions"},

    {OP(narrow, .start = 2, .size = 3), {"bf16[T,8]"}, .out = {"bf16[T,3]"}},
    {OP(narrow, .start = 0, .size = 8), {"f32[T,2,8]"}, .out = {"f32[T,2,8]"}},
    {OP(narrow, .start = 7, .size = 1), {"f16[8]"}, .out = {"f16[1]"}},
    {OP(narrow, .start = 1, .size = 1), {"f16[R,8]"}, .out = {"f16[R,1]"}},
    {OP(narrow, .start = 1, .size = 2), {"f16[0,8]"}, .out = {"f16[0,2]"}},
    {OP(narrow, .start = 2, .size = 7),
     {"bf16[T,8]"},
     .refused = "x is bf16[T,8] but columns 2 to 8 are asked for"},
    {OP(narrow, .start = -1, .size = 2), {"bf16[T,8]"}, .refused = "columns -1 to 0"},
    {OP(narrow, .start = 9, .size = 1), {"bf16[T,8]"}, .refused = "columns 9 to 9"},
    {OP(narrow, .start = 2, .size = 0), {"bf16[T,8]"}, .refused = "columns 2 to 2"},
    {OP(narrow, .start = 1, .size = INT64_MAX), {"bf16[T,8]"}, .refused = "columns"},
    {OP(narrow, .start = 0, .size = 1), {"bf16[8,T]"}, .refused = "columns 0 to 0"},
    {OP(narrow, .start = 0, .size = 1), {"fp8row[T,8]"}, .refused = "x is fp8row"},
    {OP(narrow, .start = 0, .size = 1), {"bf16[]"}, .refused = "1 to 5 dimensions"},

    {OP(concat), {"bf16[T,8]", "bf16[T,3]"}, .out = {"bf16[T,11]"}},
    {OP(concat), {"f32[T,2,8]", "f32[T,2,1]", "f32[T,2,5]", "f32[T,2,6]"}, .out = {"f32[T,2,20]"}},
    {OP(concat), {"f16[8]", "f16[0]", NULL, "f16[3]"}, .out = {"f16[11]"}},
    {OP(concat), {"f16[R,8]", "f16[R,3]"}, .out = {"f16[R,11]"}},
    {OP(concat), {"f16[0,8]", "f16[0,3]", "f16[0,1]"}, .out = {"f16[0,12]"}},
    {OP(concat), {"bf16[T,8]", "f32[T,3]"}, .refused = "b is f32[T,3] but a is bf16"},
    {OP(concat), {"bf16[T,8]", "bf16[S,3]"}, .refused = "b is bf16[S,3] but a has T there"},
    {OP(concat), {"bf16[T,8]", "bf16[T,3]", "bf16[3]"}, .refused = "c is bf16[3] but must have 2"},
    {OP(concat), {"bf16[8,T]", "bf16[8,3]"}, .refused = "constant number of columns"},
    {OP(concat), {"bf16[T,8]", "bf16[T,9223372036854775807]"}, .refused = "constant number of columns"},
    {OP(concat), {"i32[T,8]", "i32[T,3]"}, .refused = "a is i32"},
    {OP(concat), {"bf16[]", "bf16[]"}, .refused = "1 to 5 dimensions"},
    {OP(concat), {"bf16[T,8]"}, .refused = "b is missing"},

    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "recurrent bf16[3,8]"),
     .out = {"bf16[T,8]", "recurrent bf16[3,8]"}},
    {OP(causal_conv1d), CONV("f32[T,8]", "bf16[8,1,2]", "recurrent f32[1,8]"),
     .out = {"f32[T,8]", "recurrent f32[1,8]"}},
    {OP(causal_conv1d), CONV("f16[T,8]", "f32[8,1,3]", "recurrent f16[2,8]"),
     .out = {"f16[T,8]", "recurrent f16[2,8]"}},
    {OP(causal_conv1d), CONV("f16[T,8]", "f32[8,1,3]", "recurrent f16[2,8]"),
     .out = {"f16[T,8]", "recurrent f16[2,8]"}},
    {OP(causal_conv1d), CONV("f32[T,0]", "f32[0,1,3]", "recurrent f32[2,0]"),
     .out = {"f32[T,0]", "recurrent f32[2,0]"}},
    {OP(causal_conv1d), CONV("bf16[S,8]", "bf16[8,1,4]", "recurrent bf16[3,8]"), .refused = "must be T"},
    {OP(causal_conv1d), CONV("bf16[T,2,8]", "bf16[8,1,4]", "recurrent bf16[3,8]"), .refused = "2 dimensions"},
    {OP(causal_conv1d), CONV("i32[T,8]", "bf16[8,1,4]", "recurrent i32[3,8]"), .refused = "x is i32"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "i32[8,1,4]", "recurrent bf16[3,8]"), .refused = "taps is i32"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,4]", "recurrent bf16[3,8]"), .refused = "3 dimensions"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[9,1,4]", "recurrent bf16[3,8]"),
     .refused = "x has 8 columns"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,2,4]", "recurrent bf16[3,8]"),
     .refused = "its middle dimension must be 1"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,T]", "recurrent bf16[3,8]"),
     .refused = "constant extents"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,1]", "recurrent bf16[0,8]"),
     .refused = "at least 2 taps"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "full bf16[3,8]"),
     .refused = "must be of the recurrent group"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "bf16[3,8]"), .refused = "must be a pool"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "recurrent bf16[24]"), .refused = "2 dimensions"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "recurrent bf16[3,S]"),
     .refused = "constant extents"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "recurrent f32[3,8]"),
     .refused = "state is recurrent f32[3,8] but x is bf16"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "recurrent bf16[4,8]"),
     .refused = "the taps reach back 3 tokens"},
    {OP(causal_conv1d), CONV("bf16[T,8]", "bf16[8,1,4]", "recurrent bf16[3,9]"),
     .refused = "x has 8 columns"},

    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .out = {"bf16[T,4,8]", "recurrent f32[4,8,8]"}},
    {OP(gated_delta_rule),
     DELTA("f32[T,36]", "f16[T,4]", "bf16[T,4]", "f32[4]", "f16[4]", "recurrent f32[4,8,5]"),
     .out = {"f32[T,4,5]", "recurrent f32[4,8,5]"}},
    {OP(gated_delta_rule),
     DELTA("f16[T,84]", "f16[T,4]", "f16[T,4]", "f32[4]", "f16[4]", "recurrent f32[4,8,5]"),
     .out = {"f16[T,4,5]", "recurrent f32[4,8,5]"}},
    {OP(gated_delta_rule),
     DELTA("f32[T,3]", "f32[T,1]", "f32[T,1]", "f32[1]", "f32[1]", "recurrent f32[1,1,1]"),
     .out = {"f32[T,1,1]", "recurrent f32[1,1,1]"}},
    {OP(gated_delta_rule),
     DELTA("f32[T,2]", "f32[T,1]", "f32[T,1]", "f32[1]", "f32[1]", "recurrent f32[1,1,0]"),
     .out = {"f32[T,1,0]", "recurrent f32[1,1,0]"}},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "full f32[4,8,8]"),
     .refused = "must be of the recurrent group"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,64]"),
     .refused = "3 dimensions"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,T]"),
     .refused = "constant extents"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent bf16[4,8,8]"),
     .refused = "state is recurrent bf16[4,8,8] but must be f32"},
    {OP(gated_delta_rule),
     DELTA("i32[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "qkv is i32"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,8,8]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "2 dimensions"},
    {OP(gated_delta_rule),
     DELTA("bf16[S,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "must be T"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,63]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "qkv is bf16[T,63] but its columns must be queries and keys of 8 for heads that divide the 4 "
                "value heads, and values of 8"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,80]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "heads that divide the 4 value heads"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,32]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "queries and keys"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,16]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "queries and keys"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,S]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "queries and keys"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[0,8,8]"),
     .refused = "queries and keys"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,0,8]"),
     .refused = "queries and keys"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,65537,8]"),
     .refused = "queries and keys"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]",
           "recurrent f32[4611686018427387904,8,8]"),
     .refused = "queries and keys"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "i32[T,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "b is i32"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "b is bf16[4] but must have 2"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[S,4]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "must be T"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,3]", "bf16[T,4]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "there are 4 value heads"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,5]", "bf16[4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "a is bf16[T,5] but there are 4 value heads"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[1,4]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "a_log is bf16[1,4] but must have 1"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[3]", "bf16[4]", "recurrent f32[4,8,8]"),
     .refused = "there are 4 value heads"},
    {OP(gated_delta_rule),
     DELTA("bf16[T,64]", "bf16[T,4]", "bf16[T,4]", "bf16[4]", "u8[4]", "recurrent f32[4,8,8]"),
     .refused = "dt_bias is u8"},

    {OP(router_topk, .k = 4, .over_all = true), {"f32[T,32]"}, .out = {"f32[T,4]", "i32[T,4]"}},
    {OP(kv_write),
     {"bf16[T,8,64]", "bf16[T,8,64]", "recurrent bf16[2,8,16,64]"},
     .refused = "kv is recurrent bf16[2,8,16,64] but must be of a group with pages"},
    {OP(attention, .scale = 1),
     {"bf16[T,8,64]", "recurrent bf16[2,8,16,64]"},
     .refused = "must be of a group with pages"},
    {OP(reshape, TO(2, TOK, NF_C(512))), {"fp8g128[T,4,128]"}, .out = {"fp8g128[T,512]"}},
    {OP(reshape, TO(2, NF_BY(4, NF_T), NF_C(96))), {"fp8row[T,4,96]"}, .out = {"fp8row[4*T,96]"}},
    {OP(reshape, TO(2, TOK, NF_C(384))),
     {"fp8g128[T,4,96]"},
     .refused = "columns that share a scale must stay"},
    {OP(reshape, TO(2, TOK, NF_C(512))),
     {"fp8row[T,4,128]"},
     .refused = "columns that share a scale must stay"},
#include "op/infer_test_blocks.def"
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static nf_type parsed(const char *text) {
  nf_type t = {0};
  if (text && !nf_is_ok(nf_type_parse(nf_view_of(text), &t))) fail_msg("bad test type %s", text);
  return t;
}

static void check_results(const infer_case *c, const nf_op_desc *d, int row) {
  for (int i = 0; i < NF_MAX_OUT; i++) {
    nf_type want = parsed(c->out[i]);
    if (nf_type_equal(&want, &d->out[i])) continue;
    nf_text got = {0};
    nf_type_print(&d->out[i], &got);
    fail_msg("case %d, %s: result %d is %s, not %s", row, nf_op_of(c->op)->name, i, got.at, c->out[i]);
  }
}

static void all_cases(void **state) {
  (void)state;
  for (int row = 0; row < N_CASES; row++) {
    const infer_case *c = &cases[row];
    nf_op_desc d = {.op = c->op, .attr = c->attr};
    for (int i = 0; i < NF_MAX_IN; i++) d.in[i] = parsed(c->in[i]);
    nf_status st = nf_op_infer(&d);
    if (!c->refused) {
      if (!nf_is_ok(st)) fail_msg("case %d: %s", row, nf_status_message(st));
      check_results(c, &d, row);
    } else if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), c->refused)) {
      fail_msg("case %d: '%s' does not say '%s'", row, nf_status_message(st), c->refused);
    }
    nf_status_free(st);
  }
}

// ---- of every op, by its traits' sample ----

static bool is_inferred(const nf_op_desc *of, const char *without) {
  nf_op_desc d = *of;
  nf_status st = nf_op_infer(&d);
  const bool ok = nf_is_ok(st), named = strncmp(nf_status_message(st), without, strlen(without)) == 0;
  if (!ok && (nf_status_code(st) != NF_BAD_INPUT || !named))
    fail_msg("'%s' does not begin with '%s'", nf_status_message(st), without);
  nf_status_free(st);
  return ok;
}

// d, which is inferred, with something else as operand i.
static void other_operands_are_refused(const nf_op_desc *d, int i) {
  const nf_op_info *info = nf_op_of(d->op);
  nf_op_desc other[4] = {*d, *d, *d, *d};
  other[0].in[i] = (nf_type){0};
  other[1].in[i].dtype = NF_I64;
  other[2].in[i].cache = info->in[i].role == NF_ROLE_POOL ? NF_NO_CACHE : NF_CACHE_FULL;
  other[3].in[i].dim[d->in[i].rank] = NF_C(3);
  other[3].in[i].padded[other[3].in[i].rank++] = 3;
  const bool refused[] = {!info->in[i].optional, !(info->flags & NF_OP_VIEW), true, i > 0};
  for (int k = 0; k < 4; k++)
    if (refused[k] && is_inferred(&other[k], info->name))
      fail_msg("%s: %s, change %d", info->name, info->in[i].name, k);
}

static void samples(void **state) {
  (void)state;
  nf_dims m = {.tokens = 3, .act = NF_BF16, .weight = NF_F32, .out = NF_F16};
  for (int q = 0; q < NF_Q_COUNT; q++) m.q[q] = 4;
  m.q[NF_Q_K] = m.q[NF_Q_HEAD] = 12;
  for (int op = 0; op < NF_OP_COUNT; op++) {
    int good = 0;
    for (m.options = 0; m.options < 64; m.options++) {
      nf_op_desc d = {.op = (nf_op)op};
      if (nf_op_of((nf_op)op)->flags & NF_OP_VIEW) continue; // not checked: nothing computes
      nf_traits_of((nf_op)op)->sample(&d, &m);
      if (!is_inferred(&d, nf_op_of((nf_op)op)->name)) continue;
      good++;
      for (int i = 0; i < nf_op_of((nf_op)op)->n_in; i++)
        if (d.in[i].dtype != NF_NONE) other_operands_are_refused(&d, i);
    }
    if (good < 16 && !(nf_op_of((nf_op)op)->flags & NF_OP_VIEW))
      fail_msg("%s: only %d of 64 samples", nf_op_of((nf_op)op)->name, good);
  }
}

static void malformed_descriptions(void **state) {
  (void)state;
  nf_op_desc d = {.op = NF_OP_COUNT};
  nf_status st = nf_op_infer(&d);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  nf_status_free(st);
  d = (nf_op_desc){.op = NF_OP_add, .in = {parsed("f32[4]"), parsed("f32[4]")}};
  d.in[1].rank = 77;
  st = nf_op_infer(&d);
  assert_int_equal(nf_status_code(st), NF_BAD_INPUT);
  assert_non_null(strstr(nf_status_message(st), "add: b"));
  nf_status_free(st);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_cases), cmocka_unit_test(samples),
                                     cmocka_unit_test(malformed_descriptions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
