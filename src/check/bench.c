// SPDX-License-Identifier: Apache-2.0
// Times of variants at the shapes of real models: the median of a few runs, with bytes and operations per
// second.
#include "base/checked.h"
#include "base/clock.h"
#include "check/internal.h"
#include <stdio.h>
#include <string.h>

// Shapes, and what they cost: operations of one token, from the extents.
typedef struct shape {
  nf_op op;
  int64_t k, n, e, topk, heads, group, head, value, taps;
  nf_dtype weight;
  unsigned options;   // as in cases.c
  int64_t past, many; // one sequence with a past of so many tokens; tokens of the second run (0: 64)
  double flops;
} shape;

#define LINEAR(K, N, dt) \
  { .op = NF_OP_linear, .k = K, .n = N, .weight = NF_##dt, .options = 8, .flops = 2.0 * K * N }
#define EXPERTS(K, N, E, J, dt, by_choice)                                            \
  {                                                                                   \
    .op = NF_OP_grouped_linear, .k = K, .n = N, .e = E, .topk = J, .weight = NF_##dt, \
    .options = by_choice ? 10 : 8, .flops = 2.0 * J * K * N                           \
  }
#define ATTENTION(kv, per, size)                                                  \
  {                                                                               \
    .op = NF_OP_attention, .heads = kv, .group = per, .head = size, .past = 1024, \
    .flops = 4.0 * kv * per * size                                                \
  }

static const shape shapes[] = {
    // gpt-oss-20b
    LINEAR(2880, 5120, BF16),
    LINEAR(4096, 2880, BF16),
    LINEAR(2880, 32, BF16),
    EXPERTS(2880, 5760, 32, 4, MXFP4, false),
    EXPERTS(2880, 2880, 32, 4, MXFP4, true),
    {.op = NF_OP_rms_norm, .k = 2880, .flops = 4.0 * 2880},
    {.op = NF_OP_add, .k = 2880, .flops = 2880},
    {.op = NF_OP_swiglu, .k = 5760, .options = 3, .flops = 8.0 * 2880},
    {.op = NF_OP_router_topk, .e = 32, .topk = 4, .flops = 4.0 * 32},
    {.op = NF_OP_combine, .k = 2880, .topk = 4, .flops = 8.0 * 2880},
    {.op = NF_OP_rope_table, .head = 64, .flops = 64},
    {.op = NF_OP_rope, .head = 64, .flops = 3.0 * 3 * 64},
    {.op = NF_OP_kv_write, .heads = 8, .head = 64, .flops = 0},
    ATTENTION(8, 8, 64),
    {.op = NF_OP_gather_rows, .k = 2880, .flops = 0},
    {.op = NF_OP_pad, .k = 2880, .flops = 0},
    {.op = NF_OP_all_reduce, .k = 2880, .flops = 2880},
    {.op = NF_OP_all_gather, .k = 2880, .flops = 0},
    {.op = NF_OP_rank_ids, .k = 4, .e = 32, .flops = 0},
    {.op = NF_OP_add_rms_norm, .k = 2880, .flops = 5.0 * 2880},
    {.op = NF_OP_all_reduce_rms_norm, .k = 2880, .flops = 5.0 * 2880},
    {.op = NF_OP_all_reduce_add_rms_norm, .k = 2880, .flops = 6.0 * 2880},
    {.op = NF_OP_embedding, .n = 2880, .weight = NF_BF16, .flops = 0},
    // Qwen3-8B-FP8: activations are quantised in front of each product
    LINEAR(4096, 4096, FP8_BLOCK),
    LINEAR(4096, 12288, FP8_BLOCK),
    LINEAR(12288, 4096, FP8_BLOCK),
    LINEAR(4096, 12288, FP8_ROW),
    {.op = NF_OP_quantise, .k = 4096, .flops = 3.0 * 4096},
    {.op = NF_OP_rms_norm, .k = 4096, .flops = 4.0 * 4096},
    {.op = NF_OP_swiglu, .k = 24576, .flops = 6.0 * 12288},
    ATTENTION(8, 4, 128),
    // Qwen3-Next-80B-A3B
    LINEAR(2048, 12288, BF16),
    EXPERTS(2048, 1024, 512, 10, FP8_BLOCK, false),
    EXPERTS(512, 2048, 512, 10, FP8_BLOCK, true),
    {.op = NF_OP_router_topk, .e = 512, .topk = 10, .options = 2, .flops = 2.0 * 512},
    {.op = NF_OP_combine, .k = 2048, .topk = 10, .flops = 20.0 * 2048},
    {.op = NF_OP_rms_norm_gated, .k = 128, .options = 1, .flops = 3 * 9.0 * 128},
    {.op = NF_OP_mul, .k = 4096, .flops = 4096},
    {.op = NF_OP_silu, .k = 2048, .flops = 4.0 * 2048},
    {.op = NF_OP_sigmoid, .k = 4096, .flops = 3.0 * 4096},
    {.op = NF_OP_narrow, .k = 12288, .flops = 0},
    {.op = NF_OP_concat, .n = 8192, .flops = 0},
    ATTENTION(2, 8, 256),
    {.op = NF_OP_causal_conv1d, .k = 8192, .taps = 4, .past = 100, .many = 512, .flops = 12.0 * 8192},
    {.op = NF_OP_gated_delta_rule,
     .heads = 16,
     .group = 2,
     .head = 128,
     .value = 128,
     .past = 100,
     .many = 512,
     .flops = 7.0 * 32 * 128 * 128},
};

enum { RUNS = 5 };

typedef struct job {
  const nf_variant *v;
  const void *args;
} job;

static void run_block(const void *arg, int64_t block) {
  const job *j = arg;
  j->v->run(j->args, block);
}

static double median_time(const nf_variant *v, const nf_instance *i, nf_threads *threads) {
  const job j = {v, i->args};
  double time[RUNS];
  for (int n = 0; n < RUNS; n++) {
    const double start = nf_now();
    nf_threads_run(threads, v->blocks(i->args), run_block, &j);
    double t = nf_now() - start;
    for (int m = 0; m < n; m++) // keep them sorted
      if (time[m] > t) {
        const double other = time[m];
        time[m] = t;
        t = other;
      }
    time[n] = t;
  }
  return time[RUNS / 2];
}

// The models quantise activations for FP8 weights.
static bool quantised(const shape *s) { return s->weight == NF_FP8_ROW || s->weight == NF_FP8_BLOCK; }

static nf_case case_of(const shape *s, int64_t tokens, bool *ok) {
  const nf_dims m = {.q = {[NF_Q_K] = s->k,
                           [NF_Q_N] = s->n,
                           [NF_Q_E] = s->e,
                           [NF_Q_TOPK] = s->topk,
                           [NF_Q_HEAD] = s->head,
                           [NF_Q_GROUP] = s->group,
                           [NF_Q_VALUE] = s->value,
                           [NF_Q_TAPS] = s->taps,
                           [NF_Q_PAGE] = 64},
                     .kv_heads = s->heads,
                     .tokens = tokens,
                     .past = s->past,
                     .options = quantised(s) ? s->options & ~8u : s->options,
                     .act = NF_BF16,
                     .out = NF_BF16,
                     .weight = s->weight};
  nf_case c;
  nf_status st = nf_case_make(s->op, &m, &c);
  *ok = nf_is_ok(st);
  nf_status_free(st);
  return c;
}

// The part of tensor n that must move: of experts those that can be touched, of a cache the sequence's keys,
// of states those of the sequences, read and written.
static double share_of(const nf_instance *i, int n) {
  const nf_tensor *t = i->storage[n].tensor;
  const double sequences = (double)i->c->at.of[NF_S];
  if (i->c->d.op == NF_OP_grouped_linear && n == i->layout->in[2])
    return (double)nf_min(t->dim[0], i->c->dims.tokens * i->c->dims.q[NF_Q_TOPK]) / (double)t->dim[0];
  if (i->c->d.op == NF_OP_attention && t->cache) return (double)i->keys[0] / (double)(t->dim[0] * t->dim[3]);
  if (i->c->d.op == NF_OP_kv_write && t->cache)
    return (double)i->c->dims.tokens / (double)(t->dim[0] * t->dim[3]);
  if (t->cache) return 2 * sequences / (double)t->dim[0];
  return 1;
}

static double bytes_of(const nf_instance *i) {
  double sum = 0;
  for (int n = 0; n < i->layout->n_tensors; n++)
    if (i->storage[n].base) sum += share_of(i, n) * (double)i->storage[n].bytes;
  return sum;
}

// Of attention for each key that a token sees, else for each token.
static double flops_of(const shape *s, int64_t tokens) {
  const double keys = s->op == NF_OP_attention ? (double)s->past + (double)(tokens + 1) / 2 : 1;
  return s->flops * keys * (double)tokens;
}

static nf_status bench(const nf_variant *v, const shape *s, int64_t tokens, const nf_hw *hw,
                       const nf_check_options *o, nf_progress *progress) {
  bool ok;
  const nf_case c = case_of(s, tokens, &ok);
  if (!ok || !nf_case_legal(v, hw, &c)) return nf_ok();
  nf_instance i;
  NF_TRY(nf_progress_add(progress, 1));
  NF_TRY(nf_instance_init(&i, &c, v->pack, 0, 0, false));
  nf_check_row r = {.op = nf_op_of(v->op)->name, .variant = v->name, .ok = true};
  nf_case_print(&c, r.text, sizeof r.text);
  const double time = median_time(v, &i, o->threads);
  r.us = time * 1e6;
  r.gb_s = bytes_of(&i) / time * 1e-9;
  r.gflop_s = flops_of(s, tokens) / time * 1e-9;
  if (o->row) o->row(o->user, &r);
  nf_instance_deinit(&i);
  return nf_ok();
}

nf_status nf_bench_variants(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o) {
  nf_progress progress = {o->log, "timing", 0, 0};
  for (size_t i = 0; i < n; i++) {
    const bool other = (o->op && strcmp(o->op, nf_op_of(list[i].op)->name) != 0) ||
                       (o->variant && strcmp(o->variant, list[i].name) != 0);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes && !other; s++)
      if (shapes[s].op == list[i].op) {
        NF_TRY(bench(&list[i], &shapes[s], 1, hw, o, &progress), "timing %s", list[i].name);
        NF_TRY(bench(&list[i], &shapes[s], shapes[s].many ? shapes[s].many : 64, hw, o, &progress),
               "timing %s", list[i].name);
      }
  }
  return nf_ok();
}
