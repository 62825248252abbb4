// SPDX-License-Identifier: Apache-2.0
// Times of variants at the shapes of gpt-oss-20b: the median of a few runs, with bytes and operations per
// second.
#include "base/checked.h"
#include "base/clock.h"
#include "check/internal.h"
#include <stdio.h>
#include <string.h>

// Shapes, and what they cost: operations of one token, from the extents.
static const struct shape {
  nf_op op;
  int64_t k, n, e, topk, heads, group, head;
  nf_dtype weight;
  double flops;
} shapes[] = {
    {.op = NF_OP_linear, .k = 2880, .n = 5120, .weight = NF_BF16, .flops = 2.0 * 2880 * 5120},
    {.op = NF_OP_linear, .k = 4096, .n = 2880, .weight = NF_BF16, .flops = 2.0 * 4096 * 2880},
    {.op = NF_OP_linear, .k = 2880, .n = 32, .weight = NF_BF16, .flops = 2.0 * 2880 * 32},
    {.op = NF_OP_grouped_linear,
     .k = 2880,
     .n = 5760,
     .e = 32,
     .topk = 4,
     .weight = NF_MXFP4,
     .flops = 8.0 * 2880 * 5760},
    {.op = NF_OP_grouped_linear,
     .k = 2880,
     .n = 2880,
     .e = 32,
     .topk = 4,
     .weight = NF_MXFP4,
     .flops = 8.0 * 2880 * 2880},
    {.op = NF_OP_rms_norm, .k = 2880, .flops = 4.0 * 2880},
    {.op = NF_OP_add, .k = 2880, .flops = 2880},
    {.op = NF_OP_swiglu, .k = 5760, .flops = 8.0 * 2880},
    {.op = NF_OP_router_topk, .e = 32, .topk = 4, .flops = 4.0 * 32},
    {.op = NF_OP_combine, .k = 2880, .topk = 4, .flops = 8.0 * 2880},
    {.op = NF_OP_rope_table, .head = 64, .flops = 64},
    {.op = NF_OP_rope, .head = 64, .flops = 3.0 * 3 * 64},
    {.op = NF_OP_kv_write, .heads = 8, .head = 64, .flops = 0},
    {.op = NF_OP_attention, .heads = 8, .group = 8, .head = 64, .flops = 0},
    {.op = NF_OP_gather_rows, .k = 2880, .flops = 0},
    {.op = NF_OP_pad, .k = 2880, .flops = 0},
    {.op = NF_OP_all_reduce, .k = 2880, .flops = 2880},
    {.op = NF_OP_all_gather, .k = 2880, .flops = 0},
    {.op = NF_OP_rank_ids, .k = 4, .e = 32, .flops = 0},
    {.op = NF_OP_add_rms_norm, .k = 2880, .flops = 5.0 * 2880},
    {.op = NF_OP_all_reduce_rms_norm, .k = 2880, .flops = 5.0 * 2880},
    {.op = NF_OP_all_reduce_add_rms_norm, .k = 2880, .flops = 6.0 * 2880},
    {.op = NF_OP_embedding, .n = 2880, .weight = NF_BF16, .flops = 0},
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

static nf_case case_of(const struct shape *s, int64_t tokens, bool *ok) {
  const nf_dims m = {.q = {[NF_Q_K] = s->k,
                           [NF_Q_N] = s->n,
                           [NF_Q_E] = s->e,
                           [NF_Q_TOPK] = s->topk,
                           [NF_Q_HEAD] = s->head,
                           [NF_Q_GROUP] = s->group,
                           [NF_Q_PAGE] = 64},
                     .kv_heads = s->heads,
                     .tokens = tokens,
                     .act = NF_BF16,
                     .out = NF_BF16,
                     .weight = s->weight};
  nf_case c;
  nf_status st = nf_case_make(s->op, &m, &c);
  *ok = nf_is_ok(st);
  nf_status_free(st);
  return c;
}

// Bytes that must move: of experts only those that can be touched.
static double bytes_of(const nf_instance *i) {
  double sum = 0;
  for (int n = 0; n < i->layout->n_tensors; n++) {
    const struct nf_storage *s = &i->storage[n];
    double share = 1;
    if (i->c->d.op == NF_OP_grouped_linear && n == i->layout->in[2])
      share = (double)nf_min(s->tensor->dim[0], i->c->dims.tokens * i->c->dims.q[NF_Q_TOPK]) /
              (double)s->tensor->dim[0];
    if (s->base) sum += share * (double)s->bytes;
  }
  return sum;
}

static nf_status bench(const nf_variant *v, const struct shape *s, int64_t tokens, const nf_hw *hw,
                       const nf_check_options *o) {
  bool ok;
  const nf_case c = case_of(s, tokens, &ok);
  if (!ok || !nf_case_legal(v, hw, &c)) return nf_ok();
  nf_instance i;
  NF_TRY(nf_instance_init(&i, &c, v->pack, 0, 0, false));
  nf_check_row r = {.op = nf_op_of(v->op)->name, .variant = v->name, .ok = true};
  nf_case_print(&c, r.text, sizeof r.text);
  const double time = median_time(v, &i, o->threads);
  r.us = time * 1e6;
  r.gb_s = bytes_of(&i) / time * 1e-9;
  r.gflop_s = s->flops * (double)tokens / time * 1e-9;
  if (o->row) o->row(o->user, &r);
  nf_instance_deinit(&i);
  return nf_ok();
}

nf_status nf_bench_variants(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o) {
  for (size_t i = 0; i < n; i++) {
    const bool other = (o->op && strcmp(o->op, nf_op_of(list[i].op)->name) != 0) ||
                       (o->variant && strcmp(o->variant, list[i].name) != 0);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes && !other; s++)
      if (shapes[s].op == list[i].op) {
        NF_TRY(bench(&list[i], &shapes[s], 1, hw, o), "timing %s", list[i].name);
        NF_TRY(bench(&list[i], &shapes[s], 64, hw, o), "timing %s", list[i].name);
      }
  }
  return nf_ok();
}
