// SPDX-License-Identifier: Apache-2.0
// Fused kernels against the chains that they replace, at shapes of real models: both run in turns on one
// thread, medians and the best of each, and a mark where the fused one is slower. Never a test. The fused
// graph is what the rule makes of the chain. build/bench/fusions
#include "base/memory.h"
#include "bench/measure.h"
#include "fuse/fuse.h"
#include "plan/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAIRS = 101, MOST = 512, RANKS = 2 };

#define IN(name, shape) "input " name " : bf16[T," shape "]\n"
#define WEIGHT(n) "weight w : bf16[" n "] = \"w\"\n"
#define RED(n) "a : bf16[T," n "] = all_reduce(x)\n"
#define SUM(x, n) "s : bf16[T," n "] = add(h, " x ")\n"
#define NORM(x, n) "y : bf16[T," n "] = rms_norm(" x ", w) eps=1e-06 one_plus=0\n"
#define CODES(x, n, to) "q : " to "[T," n "] = quantise(" x ") to=" to "\noutput q\n"
#define SILU(n) "o : bf16[T," n "] = silu(x)\ny : bf16[T," n "] = mul(o, h)\n"
#define FLAT "f : bf16[T,4096] = reshape(y) to=[T,4096]\n"

static const struct row {
  const char *model, *rule, *text; // the text without its first line
} rows[] = {
    {"GPT-OSS", "add_rms_norm",
     IN("x", "2880") IN("h", "2880") WEIGHT("2880") SUM("x", "2880")
         NORM("s", "2880") "output y\noutput s\n"},
    {"GPT-OSS", "add_rms_norm_pad",
     IN("x", "2880") IN("h", "2880") WEIGHT("2880") SUM("x", "2880")
         NORM("s", "2880") "p : bf16[T,2880:3072] = pad(y) to=3072\noutput p\noutput s\n"},
    {"GPT-OSS, 2 ranks", "all_reduce_rms_norm",
     IN("x", "2880") WEIGHT("2880") RED("2880") NORM("a", "2880") "output y\noutput a\n"},
    {"GPT-OSS, 2 ranks", "all_reduce_add_rms_norm",
     IN("x", "2880") IN("h", "2880") WEIGHT("2880") RED("2880") SUM("a", "2880")
         NORM("s", "2880") "output y\noutput s\n"},
    {"GPT-OSS, 2 ranks", "all_reduce_add_rms_norm_pad",
     IN("x", "2880") IN("h", "2880") WEIGHT("2880") RED("2880") SUM("a", "2880")
         NORM("s", "2880") "p : bf16[T,2880:3072] = pad(y) to=3072\noutput p\noutput s\n"},
    {"Qwen3-8B", "rms_norm_quantise",
     IN("x", "4096") WEIGHT("4096") NORM("x", "4096") CODES("y", "4096", "fp8g128")},
    {"Qwen3-8B", "add_rms_norm_quantise",
     IN("x", "4096") IN("h", "4096") WEIGHT("4096") SUM("x", "4096") NORM("s", "4096")
         CODES("y", "4096", "fp8g128") "output s\n"},
    {"Qwen3-8B", "silu_mul", IN("x", "12288") IN("h", "12288") SILU("12288") "output y\n"},
    {"Qwen3-8B", "silu_mul_quantise",
     IN("x", "12288") IN("h", "12288") SILU("12288") CODES("y", "12288", "fp8g128")},
    {"Qwen3-8B, 2 ranks", "all_reduce_rms_norm_quantise",
     IN("x", "4096") WEIGHT("4096") RED("4096") NORM("a", "4096") CODES("y", "4096", "fp8g128") "output a\n"},
    {"Qwen3-8B, 2 ranks", "all_reduce_add_rms_norm_quantise",
     IN("x", "4096") IN("h", "4096") WEIGHT("4096") RED("4096") SUM("a", "4096") NORM("s", "4096")
         CODES("y", "4096", "fp8g128") "output s\n"},
    {"Qwen3-32B", "add_rms_norm_quantise",
     IN("x", "5120") IN("h", "5120") WEIGHT("5120") SUM("x", "5120") NORM("s", "5120")
         CODES("y", "5120", "fp8row") "output s\n"},
    {"Qwen3-32B", "silu_mul_quantise",
     IN("x", "25600") IN("h", "25600") SILU("25600") CODES("y", "25600", "fp8row")},
    {"Qwen3-Next", "rms_norm_quantise_keep",
     IN("x", "2048") WEIGHT("2048") NORM("x", "2048") CODES("y", "2048", "fp8g128") "output y\n"},
    {"Qwen3-Next", "add_rms_norm_quantise_keep",
     IN("x", "2048") IN("h", "2048") WEIGHT("2048") SUM("x", "2048") NORM("s", "2048")
         CODES("y", "2048", "fp8g128") "output s\noutput y\n"},
    {"Qwen3-Next, 2 ranks", "all_reduce_add_rms_norm_quantise_keep",
     IN("x", "2048") IN("h", "2048") WEIGHT("2048") RED("2048") SUM("a", "2048") NORM("s", "2048")
         CODES("y", "2048", "fp8g128") "output s\noutput y\n"},
    {"Qwen3-Next", "rms_norm_gated_quantise",
     IN("x", "32,128") IN("z", "32,128")
         WEIGHT("128") "y : bf16[T,32,128] = rms_norm_gated(x, z, w) eps=1e-06\n" FLAT CODES("f", "4096",
                                                                                             "fp8g128")},
    {"Qwen3-Next", "silu_mul_quantise",
     IN("x", "10,512") IN("h", "10,512") SILU("10,512") CODES("y", "10,512", "fp8g128")},
    {"Qwen3-Next", "sigmoid_mul_heads_quantise",
     IN("x", "16,256")
         IN("z", "16,256") "o : bf16[T,16,256] = sigmoid(z)\ny : bf16[T,16,256] = mul(x, o)\n" FLAT CODES(
             "f", "4096", "fp8g128")},
    {"Qwen3-Next", "sigmoid_mul",
     IN("x",
        "2048") "input g : f32[T,1]\no : f32[T,1] = sigmoid(g)\ny : bf16[T,2048] = mul(x, o)\noutput y\n"},
};

static bool no_cost(void *user, const nf_op_desc *d, const nf_sizes *at, nf_op_cost *out, nf_text *why) {
  (void)user, (void)d, (void)at, (void)why;
  out->us = 1;
  return true;
}

static void fuse_by(const char *name, const nf_graph *g, nf_graph **out) {
  nf_rules *rules;
  nf_fuse_report *report;
  const nf_fuse_options o = {.mode = NF_FUSE_ORDERED,
                             .order = &name,
                             .n_order = 1,
                             .at = nf_sizes_of(1, 1, 1),
                             .costs = {.of = no_cost}};
  must(nf_rules_create(&rules));
  must(nf_fuse(rules, g, &o, out, &report));
  if (report->nodes_after != 1) fprintf(stderr, "fusions: %s leaves %zu nodes\n", name, report->nodes_after);
  nf_fuse_report_destroy(report);
  nf_rules_destroy(rules);
}

// ---- leaves: the same memory for both graphs, one copy for each rank ----

typedef struct leaves {
  char *base[RANKS];
  size_t bytes;
} leaves;

static void fill(const nf_tensor *t, unsigned seed) {
  float row[nf_tensor_cols(t)];
  for (int64_t r = 0; r < nf_tensor_rows(t); r++) {
    for (int64_t i = 0; i < nf_tensor_cols(t); i++) {
      seed = seed * 1664525u + 1013904223u;
      row[i] = (float)(seed >> 8) / 8388608 - 1;
    }
    nf_row_encode(t, r, row);
  }
}

static void make_leaves(const nf_graph *g, int64_t tokens, size_t *offset, leaves *out) {
  const nf_sizes at = nf_sizes_of(tokens, 1, 1);
  *out = (leaves){0};
  for (nf_val v = 1; v < g->n_values; v++) {
    size_t bytes;
    offset[v] = out->bytes;
    if (g->value[v].kind == NF_VALUE_RESULT) continue;
    must(nf_type_bytes(&g->value[v].type, &at, &bytes));
    out->bytes += (bytes + 63) / 64 * 64;
  }
  for (int rank = 0; rank < RANKS; rank++) {
    out->base[rank] = nf_alloc_aligned(out->bytes);
    for (nf_val v = 1; v < g->n_values; v++) {
      if (g->value[v].kind == NF_VALUE_RESULT) continue;
      const nf_tensor t = nf_tensor_of(&g->value[v].type, &at, 0, out->base[rank] + offset[v]);
      fill(&t, v + 100 * (unsigned)rank);
    }
  }
}

// ---- two plans ----

typedef struct side {
  nf_plan *plan;
  void *arena;
  double us[PAIRS];
} side;

static void prepare(side *s, const nf_graph *g, const nf_graph *chain, int64_t tokens, const leaves *l,
                    const size_t *offset) {
  nf_plan_options o = {.max = nf_sizes_of(tokens, 1, 1)};
  must(nf_hw_detect(&o.hw));
  must(nf_plan_create(g, &o, &s->plan));
  s->arena = nf_alloc_aligned(nf_plan_arena_bytes(s->plan));
  for (nf_val v = 1; v < g->n_values; v++)
    if (g->value[v].kind != NF_VALUE_RESULT)
      nf_plan_bind(s->plan, v, l->base[0] + offset[nf_graph_find(chain, g->value[v].name)], 0);
  nf_plan_place(s->plan, s->arena);
}

static void run(side *s, int pair, nf_device *d, const nf_batch *b, int times) {
  nf_plan_set_batch(s->plan, b);
  const double start = cpu_seconds();
  for (int i = 0; i < times; i++) must(nf_plan_run(s->plan, d, &b->sizes));
  if (pair >= 0) s->us[pair] = 1e6 * (cpu_seconds() - start) / times;
}

static void destroy(side *s) {
  nf_plan_destroy(s->plan);
  nf_free_aligned(s->arena);
}

static bool compare(const struct row *row, int64_t tokens, nf_device *d) {
  char text[2048];
  nf_graph *chain, *fused;
  leaves l;
  side a = {0}, b = {0};
  snprintf(text, sizeof text, "graph chain\n%s", row->text);
  must(nf_graph_parse(nf_view_of(text), row->rule, &chain));
  fuse_by(row->rule, chain, &fused);
  size_t *offset = nf_alloc(chain->n_values, sizeof *offset);
  make_leaves(chain, tokens, offset, &l);
  prepare(&a, fused, chain, tokens, &l, offset);
  prepare(&b, chain, chain, tokens, &l, offset);
  const nf_comm comm = {.world = RANKS, .base = l.base};
  const nf_batch batch = {.sizes = nf_sizes_of(tokens, 1, 1),
                          .comm = strstr(row->text, "all_reduce") ? &comm : NULL};
  const int times = tokens == 1 ? 100 : tokens <= 64 ? 5 : 1;
  for (int pair = -1; pair < PAIRS; pair++) { // the first warms up
    run(&a, pair, d, &batch, times);
    run(&b, pair, d, &batch, times);
  }
  const double us = median(a.us, PAIRS), chain_us = median(b.us, PAIRS);
  printf("| %s | %s | %d | %.1f | %.1f | %.2f | %.2f |%s\n", row->rule, row->model, (int)tokens, us, chain_us,
         chain_us / us, b.us[0] / a.us[0], us > chain_us ? "  SLOWER" : "");
  fflush(stdout);
  for (int rank = 0; rank < RANKS; rank++) nf_free_aligned(l.base[rank]);
  destroy(&a);
  destroy(&b);
  nf_free(offset);
  nf_graph_destroy(fused);
  nf_graph_destroy(chain);
  return us <= chain_us;
}

int main(void) {
  int slower = 0;
  nf_threads *pool;
  nf_device *device;
  must(nf_threads_create(1, &pool));
  must(nf_device_host(pool, &device));
  printf("| rule | model | tokens | fused, µs | chain, µs | chain / fused | of the best "
         "|\n|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int64_t tokens = 1; tokens <= MOST; tokens = tokens == 1 ? 64 : 8 * tokens)
      slower += !compare(&rows[i], tokens, device);
  printf("\n%d slower; one thread, medians and best of %d runs in turns\n", slower, PAIRS);
  nf_device_destroy(device);
  nf_threads_destroy(pool);
  return 0;
}
