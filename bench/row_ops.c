// SPDX-License-Identifier: Apache-2.0
// Ops on rows at shapes of real models: bytes that each kernel moves in a second beside those of a plain loop
// that reads and writes as many in the same memory, in turns on one thread, processor time, medians. Never a
// test. build/bench/row_ops [part of an op's name [part of a kernel's name [most tokens, 512]]]
#include "base/checked.h"
#include "base/memory.h"
#include "bench/measure.h"
#include "plan/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 9, PAGE = 64, KERNELS = 4, LEAVES = 8 };

#define X(n) "input x : bf16[T," n "]\n"
#define Z(n) "input z : bf16[T," n "]\n"
#define W(n) "weight w : bf16[" n "] = \"w\"\n"
#define Y(type, n) "y : " type "[T," n "] = "
#define NORM(y, n, in, more) y "rms_norm(x, w" in ") eps=1e-06 one_plus=0" more "\n"
#define SUM "s : bf16[T,"
#define POOL(heads, head) "pool p : full bf16[2," heads ",64," head "]\n"
#define WRITTEN(heads, head) "p.out : full bf16[2," heads ",64," head "]"
#define HEADS(q, kv, head, dims)                                                                    \
  "input q : bf16[T," q "]\ninput k : bf16[T," kv "," head "]\ninput v : bf16[T," kv "," head "]\n" \
  "input c : f32[T," dims "]\n" POOL(kv, head)

static const struct row {
  const char *model, *what, *op, *text; // the text without its first line
} rows[] = {
    {"GPT-OSS-20B", "rms_norm + residual", "rms_norm",
     X("2880") Z("2880") W("2880") "y : bf16[T,2880], s : bf16[T,2880] = rms_norm(x, w, z) eps=1e-06 "
                                   "one_plus=0\noutput y\noutput s\n"},
    {"GPT-OSS-20B", "swiglu", "swiglu",
     X("4,5760") Y("bf16", "4,2880") "swiglu(x) alpha=1.702 beta=1 limit=7 interleaved=1\noutput y\n"},
    {"GPT-OSS-20B", "router_topk, 4 of 32", "router_topk",
     "input x : f32[T,32]\nw : f32[T,4], i : i32[T,4] = router_topk(x) k=4 over_all=0\noutput w\noutput i\n"},
    {"GPT-OSS-20B", "combine, 4", "combine",
     X("4,2880") "input w : f32[T,4]\n" Y("bf16", "2880") "combine(x, w)\noutput y\n"},
    {"GPT-OSS-20B", "qk_rope_write", "qk_rope_write",
     HEADS("64,64", "8", "64", "64") "y : bf16[T,64,64], " WRITTEN(
         "8", "64") " = qk_rope_write(q, k, v, c, _, _, p) eps=1e-06\noutput y\noutput p.out\n"},
    {"GPT-OSS-20B", "embedding", "embedding",
     "input i : i32[T]\nweight w : bf16[32768,2880] = \"w\"\n" Y(
         "bf16", "2880") "embedding(i, w) out=bf16\noutput y\n"},
    {"GPT-OSS-20B", "rope_table", "rope_table",
     Y("f32", "64") "rope_table() theta=150000 factor=32 context=4096 beta_fast=32 beta_slow=1 "
                    "scale=1.3465735 dims=64 truncate=0\noutput y\n"},
    {"Qwen3-8B", "rms_norm", "rms_norm",
     X("4096") W("4096") Y("bf16", "4096") "rms_norm(x, w) eps=1e-06 one_plus=0\noutput y\n"},
    {"Qwen3-8B", "add", "add", X("4096") Z("4096") Y("bf16", "4096") "add(x, z)\noutput y\n"},
    {"Qwen3-8B", "silu_mul", "silu_mul",
     X("12288") Z("12288") Y("bf16", "12288") "silu_mul(x, z)\noutput y\n"},
    {"Qwen3-8B FP8", "rms_norm + residual + quantise", "rms_norm",
     X("4096") Z("4096") W("4096") "y : fp8g128[T,4096], s : bf16[T,4096] = rms_norm(x, w, z) eps=1e-06 "
                                   "one_plus=0 to=fp8g128\noutput y\noutput s\n"},
    {"Qwen3-8B FP8", "quantise", "quantise",
     X("4096") Y("fp8g128", "4096") "quantise(x) to=fp8g128\noutput y\n"},
    {"Qwen3-8B FP8", "silu_mul + quantise", "silu_mul",
     X("12288") Z("12288") Y("fp8g128", "12288") "silu_mul(x, z) quantise=fp8g128\noutput y\n"},
    {"Qwen3-32B FP8", "quantise by rows", "quantise",
     X("25600") Y("fp8row", "25600") "quantise(x) to=fp8row\noutput y\n"},
    {"Qwen3-8B", "qk_rope_write with norms", "qk_rope_write",
     HEADS("32,128", "8", "128",
           "128") "weight a : bf16[128] = \"a\"\nweight b : bf16[128] = \"b\"\ny : "
                  "bf16[T,32,128], " WRITTEN("8", "128") " = qk_rope_write(q, k, v, c, a, b, p) "
                                                         "eps=1e-06\noutput y\noutput p.out\n"},
    {"Qwen3-8B", "rope", "rope",
     "input x : bf16[T,32,128]\ninput c : f32[T,128]\n" Y("bf16", "32,128") "rope(x, c)\noutput y\n"},
    {"Qwen3-8B", "kv_write", "kv_write",
     "input k : bf16[T,8,128]\ninput v : bf16[T,8,128]\n" POOL("8", "128")
         WRITTEN("8", "128") " = kv_write(k, v, p)\noutput p.out\n"},
    {"Qwen3-8B", "gather_rows", "gather_rows", X("4096") "y : bf16[R,4096] = gather_rows(x)\noutput y\n"},
    {"Qwen3-Next", "rms_norm_gated", "rms_norm_gated",
     X("32,128") Z("32,128") W("128") Y("bf16", "32,128") "rms_norm_gated(x, z, w) eps=1e-06\noutput y\n"},
    {"Qwen3-Next FP8", "rms_norm_gated_quantise", "rms_norm_gated_quantise",
     X("4096") Z("4096") W("128")
         Y("fp8g128", "4096") "rms_norm_gated_quantise(x, z, w) eps=1e-06 to=fp8g128\noutput y\n"},
    {"Qwen3-Next", "sigmoid_mul of heads", "sigmoid_mul",
     X("4096") Z("4096") Y("bf16", "4096") "sigmoid_mul(x, z)\noutput y\n"},
    {"Qwen3-Next", "sigmoid", "sigmoid", X("4096") Y("bf16", "4096") "sigmoid(x)\noutput y\n"},
    {"Qwen3-Next", "mul", "mul", X("4096") Z("4096") Y("bf16", "4096") "mul(x, z)\noutput y\n"},
    {"Qwen3-Next", "router_topk, 10 of 512", "router_topk",
     "input x : f32[T,512]\nw : f32[T,10], i : i32[T,10] = router_topk(x) k=10 over_all=0\noutput w\noutput "
     "i\n"},
    {"Qwen3-Next", "combine_shared, 10", "combine_shared",
     X("10,2048") Z("2048") "input w : f32[T,10]\ninput g : bf16[T,1]\n" Y(
         "bf16", "2048") "combine_shared(x, w, z, g)\noutput y\n"},
    {"Qwen3-Next", "concat", "concat", X("8192") Z("4096") Y("bf16", "12288") "concat(x, z)\noutput y\n"},
    {"Qwen3-Next", "causal_conv1d", "causal_conv1d",
     X("8192") "weight w : bf16[8192,1,4] = \"w\"\npool p : recurrent bf16[3,8192]\ny : bf16[T,8192], p.out "
               ": recurrent bf16[3,8192] = causal_conv1d(x, w, p)\noutput y\noutput p.out\n"},
};

// ---- memory ----

static void fill(const nf_tensor *t, unsigned seed, int64_t below) {
  const int64_t cols = nf_tensor_cols(t);
  float row[cols];
  for (int64_t r = 0; r < nf_tensor_rows(t); r++) {
    int32_t *id = t->dtype == NF_I32 ? nf_tensor_row(t, r) : NULL;
    for (int64_t i = 0; i < cols; i++) {
      seed = seed * 1664525u + 1013904223u;
      if (id)
        id[i] = (int32_t)((seed >> 8) % below);
      else
        row[i] = (float)(seed >> 8) / 2097152 - 4;
    }
    if (!id) nf_row_encode(t, r, row);
  }
}

typedef struct leaves {
  int n;
  nf_val value[LEAVES];
  char *data[LEAVES];
  size_t bytes[LEAVES];
} leaves;

static int64_t slots_of(const nf_type *t, int64_t tokens) {
  return t->cache == NF_CACHE_RECURRENT ? 1 : t->cache ? nf_ceil_div(tokens, PAGE) : 0;
}

static void make_leaves(const nf_graph *g, const nf_sizes *at, leaves *l) {
  for (nf_val v = 1; v < g->n_values; v++) {
    const nf_type *t = &g->value[v].type;
    const int64_t slots = slots_of(t, at->of[NF_T]);
    const int i = l->n;
    if (g->value[v].kind == NF_VALUE_RESULT) continue;
    must(nf_type_bytes(t, at, &l->bytes[i]));
    if (slots) l->bytes[i] *= (size_t)slots;
    l->value[i] = v;
    l->data[i] = nf_alloc_aligned(l->bytes[i] + 64);
    const nf_tensor view = nf_tensor_of(t, at, slots, l->data[i]);
    fill(&view, v, 32768);
    l->n++;
  }
}

// ---- the floor: plain loops over the same memory ----

typedef uint64_t line __attribute__((vector_size(64), aligned(1), may_alias));

static uint64_t sink;
static void read_bytes(const char *from, size_t n) {
  line a = {0}, b = {0};
  size_t i = 0;
  for (; i + 128 <= n; i += 128) a += *(const line *)(from + i), b += *(const line *)(from + i + 64);
  a += b;
  for (int k = 0; k < 8; k++) sink += a[k];
}

static void copy_bytes(char *to, const char *from, size_t n) {
  for (size_t i = 0; i + 64 <= n; i += 64) *(line *)(to + i) = *(const line *)(from + i);
}

typedef struct floor_memory {
  char *in, *out;
  size_t reads, writes;
} floor_memory;

static double run_floor(const floor_memory *m, int times) {
  const size_t copied = m->reads < m->writes ? m->reads : m->writes;
  const double start = cpu_seconds();
  for (int i = 0; i < times; i++) {
    copy_bytes(m->out, m->in, copied);
    read_bytes(m->in + copied, m->reads - copied);
    __asm__ volatile("" ::: "memory");
  }
  return 1e6 * (cpu_seconds() - start) / times;
}

// ---- kernels ----

typedef struct side {
  const nf_variant *v;
  nf_plan *plan;
  void *arena;
  double us[ROUNDS];
} side;

static bool prepare(side *s, const nf_graph *g, const nf_variant *v, const nf_batch *b, const leaves *l) {
  char force[128];
  snprintf(force, sizeof force, "%s=%s", nf_op_of(v->op)->name, v->name);
  const char *const list[] = {force};
  nf_plan_options o = {.max = b->sizes, .select = {.force = list, .n_force = 1}};
  must(nf_hw_detect(&o.hw));
  const nf_status st = nf_plan_create(g, &o, &s->plan);
  if (!nf_is_ok(st)) {
    nf_status_free(st);
    return false;
  }
  s->v = v;
  s->arena = nf_alloc_aligned(nf_plan_arena_bytes(s->plan) + 64);
  memset(s->arena, 0, nf_plan_arena_bytes(s->plan));
  for (int i = 0; i < l->n; i++)
    nf_plan_bind(s->plan, l->value[i], l->data[i],
                 nf_max(1, slots_of(&g->value[l->value[i]].type, b->sizes.of[NF_T])));
  nf_plan_place(s->plan, s->arena);
  nf_plan_set_batch(s->plan, b);
  return true;
}

static double run(side *s, nf_device *d, const nf_batch *b, int times) {
  const double start = cpu_seconds();
  for (int i = 0; i < times; i++) must(nf_plan_run(s->plan, d, &b->sizes));
  return 1e6 * (cpu_seconds() - start) / times;
}

static bool is_candidate(const nf_variant *v, const struct row *row, const char *only) {
  return strcmp(nf_op_of(v->op)->name, row->op) == 0 && strstr(v->name, only) &&
         (*only || !strstr(v->name, "_generic"));
}

static void print(const struct row *row, int64_t tokens, side *s, int n, const floor_memory *m, double *us) {
  const double bytes = (double)(m->reads + m->writes), floor_us = median(us, ROUNDS);
  for (int i = 0; i < n; i++) {
    const double took = median(s[i].us, ROUNDS);
    printf("| %s | %s | %d | %s | %.1f | %.1f | %.1f | %.0f %% |\n", row->what, row->model, (int)tokens,
           s[i].v->name, took, bytes / took * 1e-3, bytes / floor_us * 1e-3, 100 * floor_us / took);
  }
  fflush(stdout);
}

typedef struct measured {
  const struct row *row;
  int64_t tokens;
  nf_graph *graph;
  nf_batch batch;
  int32_t *index, *out, q_start[2], slot;
  leaves l;
  floor_memory floor;
  side s[KERNELS];
  int n;
} measured;

static void open_row(measured *m) {
  char text[2048];
  m->index = nf_alloc((size_t)m->tokens, sizeof *m->index);
  m->out = nf_alloc((size_t)m->tokens, sizeof *m->out);
  for (int64_t t = 0; t < m->tokens; t++) m->index[t] = (int32_t)t, m->out[t] = t + 1 == m->tokens ? 0 : -1;
  m->q_start[1] = (int32_t)m->tokens;
  m->batch = (nf_batch){.sizes = nf_sizes_of(m->tokens, 1, m->tokens),
                        .position = m->index,
                        .row = m->index,
                        .q_start = m->q_start,
                        .state_in = &m->slot,
                        .state_out = m->out};
  m->batch.group[NF_CACHE_FULL].write_slot = m->index;
  snprintf(text, sizeof text, "graph row\n%s", m->row->text);
  must(nf_graph_parse(nf_view_of(text), m->row->what, &m->graph));
  make_leaves(m->graph, &m->batch.sizes, &m->l);
}

static void find_kernels(measured *m, const char *only) {
  size_t n;
  const nf_variant *list = nf_variants(&n);
  for (size_t i = 0; i < n && m->n < KERNELS; i++)
    if (is_candidate(&list[i], m->row, only))
      m->n += prepare(&m->s[m->n], m->graph, &list[i], &m->batch, &m->l);
}

// What tokens bring and take: weights are few, of an embedding's as much as is written.
static void make_floor(measured *m) {
  const int64_t pages = nf_ceil_div(m->tokens, PAGE);
  floor_memory *f = &m->floor;
  for (int i = 0; i < m->l.n; i++) {
    const nf_value *v = &m->graph->value[m->l.value[i]];
    if (v->kind == NF_VALUE_INPUT && v->type.dtype != NF_I32) f->reads += m->l.bytes[i];
    if (v->type.cache == NF_CACHE_FULL)
      f->writes += m->l.bytes[i] / (size_t)(pages * PAGE) * (size_t)m->tokens;
  }
  f->writes += nf_plan_arena_bytes(m->s[0].plan);
  if (strcmp(m->row->op, "embedding") == 0) f->reads += f->writes;
  f->in = nf_alloc_aligned(f->reads + 128);
  f->out = nf_alloc_aligned(f->writes + 128);
  memset(f->in, 1, f->reads);
  memset(f->out, 1, f->writes);
}

static void close_row(measured *m) {
  for (int i = 0; i < m->n; i++) {
    nf_plan_destroy(m->s[i].plan);
    nf_free_aligned(m->s[i].arena);
  }
  for (int i = 0; i < m->l.n; i++) nf_free_aligned(m->l.data[i]);
  nf_free_aligned(m->floor.in);
  nf_free_aligned(m->floor.out);
  nf_graph_destroy(m->graph);
  nf_free(m->index);
  nf_free(m->out);
}

static void measure(const struct row *row, int64_t tokens, const char *only, nf_device *d) {
  measured m = {.row = row, .tokens = tokens};
  double us[ROUNDS];
  open_row(&m);
  find_kernels(&m, only);
  if (m.n > 0) {
    make_floor(&m);
    const double first = run(&m.s[0], d, &m.batch, 1);
    const int times = first < 2000 ? (int)(2000 / (first + 1)) + 1 : 1;
    for (int r = 0; r < ROUNDS; r++) {
      us[r] = run_floor(&m.floor, times);
      for (int i = 0; i < m.n; i++) m.s[i].us[r] = run(&m.s[i], d, &m.batch, times);
    }
    print(row, tokens, m.s, m.n, &m.floor, us);
  }
  close_row(&m);
}

int main(int argc, char **argv) {
  static const int64_t tokens[] = {1, 64, 512, 16384};
  const char *op = argc > 1 ? argv[1] : "", *kernel = argc > 2 ? argv[2] : "";
  const int64_t most = argc > 3 ? atoi(argv[3]) : 512;
  nf_threads *pool;
  nf_device *device;
  must(nf_threads_create(1, &pool));
  must(nf_device_host(pool, &device));
  printf("| op | model | tokens | kernel | µs | GB/s | plain loop, GB/s | share |\n"
         "|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int t = 0; t < 4 && strstr(rows[i].op, op); t++)
      if (tokens[t] <= most) measure(&rows[i], tokens[t], kernel, device);
  nf_device_destroy(device);
  nf_threads_destroy(pool);
  return 0;
}
