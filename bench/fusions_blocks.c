// SPDX-License-Identifier: Apache-2.0
// A model's blocks as one kernel against the chains that they replace, at shapes of real models: both run in
// turns in one process, medians of each, and a mark where the fused one is slower. Weights are made up and
// shared by both (3.2 GB for Qwen3-Next's in bf16). Never a test. build/bench/fusions_blocks [threads] [part
// of a model's name]
#include "base/clock.h"
#include "base/memory.h"
#include "bench/measure.h"
#include "plan/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 31, FEWEST = 7, SLOTS = 64, PAGE = 64 };
static const double budget = 12; // seconds for a row; more pairs than FEWEST only within it

#define WEIGHT(name, type, shape) "weight " name " : " type "[" shape "] = \"" name "\"\n"
#define QUANTISED(name, type, shape) "weight " name " : " type "[" shape "] = \"" name "\" scales \"s\"\n"
#define IDS(j) "input i : i32[T," j "]\n"

#define HEADS(q, kv, head, dims)                                                                    \
  "input q : bf16[T," q "]\ninput k : bf16[T," kv "," head "]\ninput v : bf16[T," kv "," head "]\n" \
  "input c : f32[T," dims "]\npool p : full bf16[2," kv ",64," head "]\n"
#define NORMS(head) WEIGHT("qw", "bf16", head) WEIGHT("kw", "bf16", head)
#define NORM(y, x, w, shape) y " : bf16[T," shape "] = rms_norm(" x ", " w ") eps=1e-06 one_plus=0\n"
#define TURN(q, k, heads, kv, head)                                                                  \
  "y : bf16[T," heads "," head "] = rope(" q ", c)\nkr : bf16[T," kv "," head "] = rope(" k ", c)\n" \
  "z : full bf16[2," kv ",64," head "] = kv_write(kr, v, p)\noutput y\noutput z\n"
#define TURNED(q, weights, heads, kv, head)                                                \
  "y : bf16[T," heads "," head "], z : full bf16[2," kv ",64," head "] = qk_rope_write(" q \
  ", k, v, c, " weights ", p) eps=1e-06\n"                                                 \
  "output y\noutput z\n"

#define UP(x, w, n, j) " : bf16[T," j "," n "] = grouped_linear(" x ", i, " w ") out=bf16\n"
#define GPT_OSS                                                               \
  "input x : bf16[T,2880]\n" IDS("4") QUANTISED("u", "mxfp4", "32,5760,2880") \
      WEIGHT("ub", "bf16", "32,5760") QUANTISED("d", "mxfp4", "32,2880,2880") \
          WEIGHT("db", "bf16", "32,2880")
#define SWIGLU "alpha=1.702 beta=1 limit=7 interleaved=1\n"
#define NEXT(x, linear, type)                                                                               \
  "input x : " x "[T,2048]\n" IDS("10") linear("g", type, "512,512,2048") linear("u", type, "512,512,2048") \
      linear("d", type, "512,2048,512")
#define NEXT_UP                         \
  "a" UP("x", "g", "512", "10") "b" UP( \
      "x", "u", "512", "10") "s : bf16[T,10,512] = silu(a)\nm : bf16[T,10,512] = mul(s, b)\n"

#define LINEAR(y, w, n) y " : bf16[T," n "] = linear(x, " w ") out=bf16\n"
#define PART(y, x, at, n) y " : bf16[T," n "] = narrow(" x ") start=" at " size=" n "\n"
#define SPLIT(y, x, heads, head) \
  y " : bf16[T," heads "," head "] = reshape(" x ") to=[T," heads "," head "]\n"
#define WRITTEN(in, heads, kv, head)                                                        \
  "y : bf16[T," heads "," head "], z : full bf16[2," kv ",64," head "] = qk_rope_write(" in \
  ", p) eps=1e-06\n"                                                                        \
  "output y\noutput z\n"
#define CACHE(kv, head) "input c : f32[T," head "]\npool p : full bf16[2," kv ",64," head "]\n"
#define QKV(linear, type, heads, kv, head, q_n, kv_n, v_at, all_n, k, norms)                            \
  linear("q", type, q_n "," k) linear("k", type, kv_n "," k) linear("v", type, kv_n "," k)              \
      LINEAR("a", "q", q_n) LINEAR("b", "k", kv_n) LINEAR("d", "v", kv_n) SPLIT("qh", "a", heads, head) \
          SPLIT("kh", "b", kv, head) SPLIT("vh", "d", kv, head)                                         \
              WRITTEN("qh, kh, vh, c, " norms, heads, kv, head),                                        \
      linear("j", type, all_n "," k) LINEAR("j.y", "j", all_n) PART("a", "j.y", "0", q_n)               \
          PART("b", "j.y", q_n, kv_n) PART("d", "j.y", v_at, kv_n) SPLIT("qh", "a", heads, head)        \
              SPLIT("kh", "b", kv, head) SPLIT("vh", "d", kv, head)                                     \
                  WRITTEN("qh, kh, vh, c, " norms, heads, kv, head)

static const struct row {
  const char *model, *op, *leaves, *chain, *fused; // leaves of both; a side's own stand in front of its nodes
} rows[] = {
    {"GPT-OSS", "qk_rope_write", HEADS("64,64", "8", "64", "64"), TURN("q", "k", "64", "8", "64"),
     TURNED("q", "_, _", "64", "8", "64")},
    {"Qwen3-8B", "qk_rope_write", HEADS("32,128", "8", "128", "128") NORMS("128"),
     NORM("qn", "q", "qw", "32,128") NORM("kn", "k", "kw", "8,128") TURN("qn", "kn", "32", "8", "128"),
     TURNED("q", "qw, kw", "32", "8", "128")},
    {"Qwen3-Next", "qk_rope_write", HEADS("16,512", "2", "256", "64") NORMS("256"),
     "n : bf16[T,16,256] = narrow(q) start=0 size=256\n" NORM("qn", "n", "qw", "16,256")
         NORM("kn", "k", "kw", "2,256") TURN("qn", "kn", "16", "2", "256"),
     "n : bf16[T,16,256] = narrow(q) start=0 size=256\n" TURNED("n", "qw, kw", "16", "2", "256")},
    {"GPT-OSS-20B", "experts_swiglu", GPT_OSS,
     "h : bf16[T,4,5760] = grouped_linear(x, i, u, ub) out=bf16\na : bf16[T,4,2880] = swiglu(h) " SWIGLU
     "y : bf16[T,4,2880] = grouped_linear(a, i, d, db) out=bf16\noutput y\n",
     "y : bf16[T,4,2880] = experts_swiglu(x, i, u, ub, d, db) out=bf16 " SWIGLU "output y\n"},
    {"Qwen3-Next", "experts_silu", NEXT("bf16", WEIGHT, "bf16"),
     NEXT_UP "y : bf16[T,10,2048] = grouped_linear(m, i, d) out=bf16\noutput y\n",
     "y : bf16[T,10,2048] = experts_silu(x, i, g, u, d) out=bf16 to=none\noutput y\n"},
    {"Qwen3-Next FP8", "experts_silu", NEXT("fp8g128", QUANTISED, "fp8b128"),
     NEXT_UP "f : fp8g128[T,10,512] = quantise(m) to=fp8g128\n"
             "y : bf16[T,10,2048] = grouped_linear(f, i, d) out=bf16\noutput y\n",
     "y : bf16[T,10,2048] = experts_silu(x, i, g, u, d) out=bf16 to=fp8g128\noutput y\n"},
    {"GPT-OSS", "merge_3_linears", "input x : bf16[T,2880]\n" CACHE("8", "64"),
     QKV(WEIGHT, "bf16", "64", "8", "64", "4096", "512", "4608", "5120", "2880", "_, _")},
    {"Qwen3-8B FP8", "merge_3_linears", "input x : fp8g128[T,4096]\n" CACHE("8", "128") NORMS("128"),
     QKV(QUANTISED, "fp8b128", "32", "8", "128", "4096", "1024", "5120", "6144", "4096", "qw, kw")},
    {"Qwen3-8B FP8", "merge_2_linears", "input x : fp8g128[T,4096]\n",
     QUANTISED("g", "fp8b128", "12288,4096") QUANTISED("u", "fp8b128", "12288,4096") LINEAR("a", "g", "12288")
         LINEAR("b", "u", "12288") "y : fp8g128[T,12288] = silu_mul(a, b) quantise=fp8g128\noutput y\n",
     QUANTISED("j", "fp8b128", "24576,4096") LINEAR("j.y", "j", "24576") PART("a", "j.y", "0", "12288") PART(
         "b", "j.y", "12288", "12288") "y : fp8g128[T,12288] = silu_mul(a, b) quantise=fp8g128\noutput y\n"},
    {"Qwen3-0.6B", "merge_2_linears", "input x : bf16[T,1024]\n",
     WEIGHT("g", "bf16", "3072,1024") WEIGHT("u", "bf16", "3072,1024") LINEAR("a", "g", "3072")
         LINEAR("b", "u", "3072") "y : bf16[T,3072] = silu_mul(a, b)\noutput y\n",
     WEIGHT("j", "bf16", "6144,1024") LINEAR("j.y", "j", "6144") PART("a", "j.y", "0", "3072")
         PART("b", "j.y", "3072", "3072") "y : bf16[T,3072] = silu_mul(a, b)\noutput y\n"},
};

// ---- leaves: the same memory for both graphs ----

static uint64_t noise(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

// Bytes that are numbers of moderate size in every type: halves near 1/64, codes that are not NaN.
static void fill(const nf_type *t, const nf_sizes *at, char *data, size_t bytes) {
  uint64_t state = 0x9e3779b97f4a7c15u;
  const nf_tensor view = nf_tensor_of(t, at, SLOTS, data);
  const uint64_t keep = nf_is_fp8(t->dtype)   ? 0xb7b7b7b7b7b7b7b7u
                        : t->dtype == NF_BF16 ? 0x81ff81ff81ff81ffu
                                              : ~0ull,
                 put = t->dtype == NF_BF16 ? 0x3c003c003c003c00u : 0;
  for (size_t i = 0; i + 8 <= bytes; i += 8) {
    const uint64_t x = (noise(&state) & keep) | put;
    memcpy(data + i, &x, 8);
  }
  char *scales = view.scale, *end = data + bytes;
  if (t->dtype == NF_MXFP4) memset(scales, 120, (size_t)(end - scales));
  for (; nf_is_fp8(t->dtype) && scales + 4 <= end; scales += 4) memcpy(scales, &(float){0.01f}, 4);
  for (float *x = view.data; t->dtype == NF_F32 && x < (float *)(void *)end; x++) *x = 0.7f;
}

// Different experts for each token, of all of them.
static void fill_ids(const nf_type *t, int64_t tokens, int32_t experts, int32_t *ids) {
  uint64_t state = 12345;
  const int64_t choices = t->dim[1].c;
  for (int64_t r = 0; r < tokens; r++) {
    const int32_t first = (int32_t)(noise(&state) % (uint64_t)experts),
                  step = 1 + 2 * (int32_t)(noise(&state) % 8);
    for (int64_t j = 0; j < choices; j++) ids[r * choices + j] = (int32_t)((first + j * step) % experts);
  }
}

static int32_t experts_of(const nf_graph *g) {
  for (nf_val v = 1; v < g->n_values; v++)
    if (g->value[v].kind == NF_VALUE_WEIGHT && g->value[v].type.rank == 3)
      return (int32_t)g->value[v].type.dim[0].c;
  return 1;
}

// ---- two plans ----

typedef struct side {
  nf_graph *graph;
  nf_plan *plan;
  void *arena;
  double us[PAIRS];
} side;

static void prepare(side *s, const struct row *row, const char *body, int64_t tokens) {
  nf_plan_options o = {.max = nf_sizes_of(tokens, 1, 1)};
  nf_text text = {0};
  nf_text_printf(&text, "graph block\n%s%s", row->leaves, body);
  must(nf_graph_parse(nf_view_of(text.at), row->op, &s->graph));
  nf_text_deinit(&text);
  must(nf_hw_detect(&o.hw));
  must(nf_plan_create(s->graph, &o, &s->plan));
  s->arena = nf_alloc_aligned(nf_plan_arena_bytes(s->plan));
  nf_plan_place(s->plan, s->arena);
}

static void *make_leaf(const side *s, nf_val v, const nf_sizes *at) {
  const nf_type *t = nf_plan_type(s->plan, v);
  size_t bytes;
  must(nf_type_bytes(t, at, &bytes));
  if (t->cache) bytes *= SLOTS;
  void *data = nf_alloc_aligned(bytes);
  if (t->dtype == NF_I32)
    fill_ids(t, at->of[NF_T], experts_of(s->graph), data);
  else
    fill(t, at, data, bytes);
  nf_plan_bind(s->plan, v, data, SLOTS);
  return data;
}

// A copy of each leaf for both sides, which pack it alike, and of each of their own.
static void bind(side *a, side *b, int64_t tokens, void **leaf) {
  const nf_sizes at = nf_sizes_of(tokens, 1, 1);
  for (nf_val v = 1; v < a->graph->n_values; v++) {
    const nf_value *value = &a->graph->value[v];
    const nf_val w = nf_graph_find(b->graph, value->name);
    if (value->kind == NF_VALUE_RESULT) continue;
    *leaf = make_leaf(a, v, &at);
    if (w && !nf_type_equal(nf_plan_type(a->plan, v), nf_plan_type(b->plan, w)))
      must(nf_error(NF_INTERNAL, "%s is packed twice", value->name));
    if (w) nf_plan_bind(b->plan, w, *leaf, SLOTS);
    leaf++;
  }
  for (nf_val w = 1; w < b->graph->n_values; w++)
    if (b->graph->value[w].kind != NF_VALUE_RESULT && !nf_graph_find(a->graph, b->graph->value[w].name))
      *leaf++ = make_leaf(b, w, &at);
}

static double run(side *s, nf_device *d, const nf_batch *b, int times) {
  nf_plan_set_batch(s->plan, b);
  const double start = nf_now();
  for (int i = 0; i < times; i++) must(nf_plan_run(s->plan, d, &b->sizes));
  return 1e6 * (nf_now() - start) / times;
}

static void destroy(side *s) {
  nf_plan_destroy(s->plan);
  nf_graph_destroy(s->graph);
  nf_free_aligned(s->arena);
}

static bool compare(const struct row *row, int64_t tokens, nf_device *d) {
  int32_t slot[512], position[512];
  side a = {0}, b = {0};
  void *leaf[32] = {0};
  prepare(&a, row, row->fused, tokens);
  prepare(&b, row, row->chain, tokens);
  bind(&a, &b, tokens, leaf);
  for (int32_t t = 0; t < (int32_t)tokens; t++) slot[t] = position[t] = PAGE + t;
  nf_batch batch = {.sizes = nf_sizes_of(tokens, 1, 1), .position = position};
  batch.group[NF_CACHE_FULL].write_slot = slot;
  int n = 0;
  const double first = run(&a, d, &batch, 1) + run(&b, d, &batch, 1), from = nf_now(); // warms up
  const int times = first < 2000 ? (int)(4000 / first) + 1 : 1;
  for (; n < PAIRS && (n < FEWEST || nf_now() - from < budget); n++) {
    a.us[n] = run(&a, d, &batch, times);
    b.us[n] = run(&b, d, &batch, times);
  }
  const double us = median(a.us, n), chain_us = median(b.us, n);
  printf("| %s | %s | %d | %.1f | %.1f | %.2f |%s\n", row->op, row->model, (int)tokens, us, chain_us,
         chain_us / us, us > chain_us ? "  SLOWER" : "");
  fflush(stdout);
  for (size_t i = 0; i < sizeof leaf / sizeof *leaf; i++) nf_free_aligned(leaf[i]);
  destroy(&a);
  destroy(&b);
  return us <= chain_us;
}

int main(int argc, char **argv) {
  static const int64_t tokens[] = {1, 64, 512};
  const int threads = argc > 1 ? atoi(argv[1]) : 2;
  const char *only = argc > 2 ? argv[2] : "";
  int slower = 0;
  nf_threads *pool;
  nf_device *device;
  must(nf_threads_create(threads, &pool));
  must(nf_device_host(pool, &device));
  printf(
      "| rule or op | model | tokens | fused, µs | chain, µs | chain / fused |\n|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t t = 0; t < 3 && strstr(rows[i].model, only); t++)
      slower += !compare(&rows[i], tokens[t], device);
  printf("\n%d slower; %d threads, medians of %d to %d runs in turns\n", slower, threads, FEWEST, PAIRS);
  nf_device_destroy(device);
  nf_threads_destroy(pool);
  return 0;
}
