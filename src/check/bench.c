// SPDX-License-Identifier: Apache-2.0
// Times of variants at the shapes of real models: the median of a few runs, with bytes and operations per
// second as costs count them.
#include "base/checked.h"
#include "base/clock.h"
#include "check/remote.h"

// What nodes of real models are. Steps are of one token, and of `many` (0: 64), of one sequence with a past.
typedef struct shape {
  nf_op op;
  const char *in[NF_MAX_IN];
  nf_attrs attr;
  int64_t past, many;
} shape;

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
#define ATTENTION_BEHIND(past_, many_, heads, kv, head)                                     \
  {                                                                                         \
    NF_OP_attention, {"bf16[T," #heads "," #head "]", "full bf16[2," #kv ",64," #head "]"}, \
        {.attention = {.scale = .125f}}, .past = (past_), .many = (many_)                   \
  }
#define ATTENTION(heads, kv, head) \
  ATTENTION_BEHIND(1024, 64, heads, kv, head), ATTENTION_BEHIND(16384, 1, heads, kv, head)
#define NORM .eps = 1e-5f

static const shape shapes[] = {
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
};

enum { RUNS = 5 };
static const double long_s = 0.1; // runs that took so long together are enough: references take seconds

typedef struct timed {
  const nf_variant *v;
  const nf_instance *i;
  const nf_runner *on;
  nf_scratch scratch; // of a host entry, there before, as it is when a plan runs
  nf_turns turns;     // of a module's kernel
} timed;

static nf_status prepare(timed *t) {
  if (t->v->entry.kind == NF_ENTRY_MODULE) return nf_turns_init(&t->turns, t->v, t->i, t->on);
  return nf_variant_scratch(t->v, t->i->args, t->on->threads, &t->scratch);
}

static nf_status run_once(const timed *t, double *us) {
  if (t->v->entry.kind == NF_ENTRY_MODULE) return nf_turns_time(&t->turns, us);
  const double start = nf_now();
  nf_host_run(&t->v->entry.host, t->i->args, t->on->threads, &t->scratch);
  *us = (nf_now() - start) * 1e6;
  return nf_ok();
}

static nf_status median(const timed *t, double *out) {
  double us[RUNS];
  const double begin = nf_now();
  int n = 0;
  for (; n < RUNS && (n == 0 || nf_now() - begin < long_s); n++) {
    double one;
    NF_TRY(run_once(t, &one));
    int at = n;
    for (; at > 0 && us[at - 1] > one; at--) us[at] = us[at - 1]; // sorted
    us[at] = one;
  }
  return *out = us[n / 2], nf_ok();
}

static nf_status time_variant(const nf_variant *v, const nf_instance *i, const nf_runner *on, double *us) {
  timed t = {.v = v, .i = i, .on = on};
  NF_TRY(prepare(&t));
  const nf_status st = median(&t, us);
  nf_free_aligned(t.scratch.at);
  nf_turns_deinit(&t.turns);
  return st;
}

nf_status nf_bench_case(const nf_variant *v, const nf_case *c, const nf_hw *hw, const nf_runner *on,
                        nf_check_row *r) {
  nf_instance i;
  NF_TRY(nf_instance_init(&i, c, v, 0, 0, false));
  const nf_work work = nf_work_of(&c->d, &c->at, c->world);
  double us = 0;
  const nf_status st = time_variant(v, &i, on, &us);
  if (!nf_is_ok(st)) {
    nf_instance_deinit(&i);
    return st;
  }
  *r = (nf_check_row){.op = nf_op_of(v->op)->name,
                      .variant = v->name,
                      .ok = true,
                      .us = us,
                      .gb_s = work.bytes / us * 1e-3,
                      .gflop_s = work.operations / us * 1e-3,
                      .roof_us = nf_cost_us(hw, &c->d, &c->at, v)};
  nf_case_print(c, r->text, sizeof r->text);
  nf_instance_deinit(&i);
  return nf_ok();
}

static nf_status case_of(const shape *s, int64_t tokens, nf_case *out) {
  *out = (nf_case){.d = {.op = s->op, .attr = s->attr},
                   .at = nf_sizes_of(tokens, 1, nf_min(tokens, 3)),
                   .past = nf_max(1, s->past),
                   .repeats = true};
  for (int i = 0; i < NF_MAX_IN; i++)
    if (s->in[i]) NF_TRY(nf_type_parse(nf_view_of(s->in[i]), &out->d.in[i]));
  return nf_op_infer(&out->d);
}

static nf_status bench(const nf_variant *v, const shape *s, int64_t tokens, const nf_hw *hw,
                       const nf_check_options *o, nf_progress *progress) {
  nf_case c;
  nf_check_row r;
  NF_TRY(case_of(s, tokens, &c));
  if (!nf_check_can_run(v, hw, &o->on) || !nf_case_legal(v, hw, &c)) return nf_ok();
  NF_TRY(nf_progress_add(progress, 1));
  NF_TRY(nf_bench_case(v, &c, hw, &o->on, &r));
  if (o->row) o->row(o->user, &r);
  return nf_ok();
}

nf_status nf_bench_variants(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o) {
  nf_progress progress = {o->log, "timing", 0, 0};
  for (size_t i = 0; i < n; i++)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes && nf_check_asked(o, &list[i]); s++)
      for (int many = shapes[s].many == 1; many < 2 && shapes[s].op == list[i].op; many++)
        NF_TRY(bench(&list[i], &shapes[s],
                     !many            ? 1
                     : shapes[s].many ? shapes[s].many
                                      : 64,
                     hw, o, &progress),
               "timing %s", list[i].name);
  return nf_ok();
}
