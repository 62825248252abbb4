// SPDX-License-Identifier: Apache-2.0
// Sharding: what becomes of real and small models on several ranks, and that the ranks compute the same
// together.
#include "base/difference.h"
#include "graph/slice.h"
#include "model/family.h"
#include "shard/shard.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/lockstep.h"
#include "tests/support/random_graph.h"
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// A model's graph, with some numbers of its config changed.
typedef struct model {
  const char *dir;
  void (*change)(nf_config *c);
  bool a16; // activations are not quantised
} model;

static nf_graph *built(const model *m, const nf_checkpoint *files, nf_dtype activation) {
  nf_config c;
  nf_graph *g;
  const nf_build_options o = {
      .activation = activation, .page = 16, .hidden_outputs = true, .plain_activations = m->a16};
  ok(nf_config_load(m->dir, NULL, &c));
  if (m->change) m->change(&c);
  ok(nf_model_build(&c, files, &o, &g));
  nf_config_deinit(&c);
  return g;
}

static void inner_160(nf_config *c) { c->inner = 160; }
static void odd_vocab(nf_config *c) { c->vocab = 383; }
static void six_heads(nf_config *c) { c->heads = 6, c->kv_heads = 3, c->vocab = 385; }
static void wide_heads(nf_config *c) { c->head = 128; }
static void one_expert(nf_config *c) { c->experts = c->experts_per_token = 1; }
static void six_linear_heads(nf_config *c) {
  six_heads(c);
  c->linear.key_heads = 3, c->linear.value_heads = 6;
}

// ---- counts ----

#define OSS "checkpoints/gpt-oss-tiny"
#define QWEN "checkpoints/qwen3-tiny"
#define PTPC "checkpoints/qwen3-tiny-fp8-ptpc"
#define BLOCK "checkpoints/qwen3-tiny-fp8-block"
#define NEXT "checkpoints/qwen3-next-tiny"
#define NEXT_BLOCK "checkpoints/qwen3-next-tiny-fp8-block"

#define OSS_20B "configs/gpt-oss-20b"
#define OSS_120B "configs/gpt-oss-120b"

static const struct count_case {
  model m;
  int world, layers;
  int own;             // rank_ids: of the embedding, and of each layer whose experts are expert-parallel
  const char *refused; // or the sentence
} counts[] = {
    {{OSS}, 2, 4, 1, NULL},
    {{OSS}, 4, 4, 1, NULL},
    {{OSS}, 8, 4, 5, NULL}, // 6 groups of 32 for 8 ranks
    {{OSS, inner_160}, 2, 4, 1, NULL},
    {{OSS, odd_vocab}, 2, 4, 1, NULL},
    {{OSS, six_heads}, 3, 4, 1, NULL},
    {{OSS}, 3, 0, 0, "world 3: 8 query heads can't be split evenly (L0.attn.heads)"},
    {{OSS}, 16, 0, 0, "world 16: 8 query heads can't be split evenly (L0.attn.heads)"},
    {{OSS_20B}, 2, 24, 1, NULL},
    {{OSS_20B}, 4, 24, 1, NULL},
    {{OSS_20B}, 8, 24, 1, NULL},
    {{OSS_20B}, 16, 24, 1, NULL}, // 8 KV heads, each on two ranks
    {{OSS_20B}, 3, 0, 0, "world 3: 64 query heads can't be split evenly (L0.attn.heads)"},
    {{OSS_120B}, 2, 36, 1, NULL},
    {{OSS_120B}, 4, 36, 1, NULL},
    {{OSS_120B}, 8, 36, 1, NULL},
    {{OSS_120B}, 64, 36, 1, NULL},
    {{OSS_120B}, 3, 0, 0, "world 3: 64 query heads can't be split evenly (L0.attn.heads)"},
    {{QWEN}, 2, 3, 1, NULL},
    {{QWEN}, 4, 3, 1, NULL},
    {{QWEN, six_heads}, 3, 3, 1, NULL},
    {{QWEN, six_heads}, 6, 3, 1, NULL},
    {{QWEN}, 8, 0, 0, "world 8: 4 query heads can't be split evenly (L0.attn.heads)"},
    {{PTPC}, 2, 3, 1, NULL},
    {{PTPC}, 4, 3, 1, NULL},
    {{PTPC}, 3, 0, 0, "world 3: 4 query heads can't be split evenly (L0.attn.heads)"},
    {{BLOCK}, 2, 3, 1, NULL},
    {{BLOCK}, 4, 0, 0, "world 4: the 256 columns of L0.attn.q can't be split evenly in units of 128"},
    {{BLOCK, wide_heads},
     4,
     0,
     0,
     "world 4: the 320 columns of L0.mlp.down.w are 3 units of 128, fewer than the ranks"},
    {{NEXT}, 2, 4, 1, NULL},
    {{NEXT, six_linear_heads}, 3, 4, 1, NULL},
    {{NEXT}, 4, 0, 0, "world 4: 2 key heads of the delta rule can't be split evenly (L0.attn.heads)"},
    {{NEXT_BLOCK}, 2, 4, 5, NULL}, // experts of one group of 128
    {{NEXT_BLOCK, six_linear_heads}, 3, 4, 5, NULL},
    {{NEXT_BLOCK, one_expert},
     2,
     0,
     0,
     "world 2: L0.moe.gate.w has fewer groups of columns that share a scale than there are ranks, and its 1 "
     "experts"},
    {{NEXT_BLOCK}, 0, 0, 0, "world 0: must be 1 to 1024 ranks"},
    {{NEXT_BLOCK}, 1025, 0, 0, "world 1025: must be 1 to 1024 ranks"},
};

static int count(const nf_graph *g, nf_op op) {
  int n = 0;
  for (size_t i = 0; i < g->n_nodes; i++) n += g->node[i].op == op;
  return n;
}

static void check_counts(const struct count_case *c) {
  nf_graph *g = built(&c->m, NULL, NF_BF16), *out = NULL;
  nf_status st = nf_shard(g, c->world, &out);
  if (c->refused) {
    if (!strstr(nf_status_message(st), c->refused)) fail_msg("%s: '%s'", c->m.dir, nf_status_message(st));
    nf_status_free(st);
    assert_null(out);
  } else {
    ok(st);
    if (count(out, NF_OP_all_reduce) != 1 + 2 * c->layers || count(out, NF_OP_all_gather) != 1 ||
        count(out, NF_OP_rank_ids) != c->own)
      fail_msg("%s, world %d: %d, %d, %d", c->m.dir, c->world, count(out, NF_OP_all_reduce),
               count(out, NF_OP_all_gather), count(out, NF_OP_rank_ids));
  }
  nf_graph_destroy(g);
  nf_graph_destroy(out);
}

static void real_and_small_models(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) check_counts(&counts[i]);
}

static char *printed(const nf_graph *g, nf_text *t) {
  *t = (nf_text){0};
  nf_graph_print(g, t);
  assert_false(t->failed);
  return t->at;
}

static void one_rank_is_the_same_graph(void **state) {
  (void)state;
  static const char *const dirs[] = {OSS, QWEN, PTPC, BLOCK, NEXT, NEXT_BLOCK, OSS_20B};
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
    const model m = {.dir = dirs[i]};
    nf_text want, got;
    nf_graph *g = built(&m, NULL, NF_BF16), *one;
    ok(nf_shard(g, 1, &one));
    assert_string_equal(printed(one, &got), printed(g, &want));
    nf_text_deinit(&got);
    nf_text_deinit(&want);
    nf_graph_destroy(g);
    nf_graph_destroy(one);
  }
}

// ---- structure ----

// Text in, and a line that must be in what comes out; `says` instead: the refusal.
static const struct {
  const char *in;
  int world;
  const char *want[6], *says;
} texts[] = {
    // Halves side by side are split each by itself; a bias counts once.
    {"input x : f32[T,8]\nweight u : f32[24,8] = \"u\"\nweight ub : f32[24] = \"ub\"\nweight d : f32[8,12] = "
     "\"d\"\n"
     "weight db : f32[8] = \"db\"\nup : f32[T,24] = linear(x, u, ub) out=f32\nact : f32[T,12] = swiglu(up) "
     "alpha=1\n"
     "y : f32[T,8] = linear(act, d, db) out=f32\noutput y\n",
     2,
     {"u : f32[12,8] = \"u\" slice 0 world 2 [12/1,12/1]\n",
      "ub : f32[12] = \"ub\" slice 0 world 2 [12/1,12/1]\n", "d : f32[8,6] = \"d\" slice 1 world 2 [12/1]\n",
      "db : f32[8] = \"db\" zero_but_rank0\n", "y.partial : f32[T,8] = linear(act, d, db)",
      "y : f32[T,8] = all_reduce(y.partial)\n"},
     NULL},
    // Interleaved pairs stay together.
    {"input x : f32[T,8]\nweight u : f32[10,8] = \"u\"\nweight d : f32[8,5] = \"d\"\nup : f32[T,10] = "
     "linear(x, u) out=f32\n"
     "act : f32[T,5] = swiglu(up) alpha=1 interleaved=1\ny : f32[T,8] = linear(act, d) out=f32\noutput y\n",
     2,
     {"u : f32[6,8] = \"u\" slice 0 world 2 [10/2]\n", "d : f32[8,3] = \"d\" slice 1 world 2 [5/1]\n"},
     NULL},
    // Somebody reads the whole of it: not split. One more reader makes no second sum.
    {"input x : f32[T,8]\nweight a : f32[8,8] = \"a\"\nweight n : f32[8] = \"n\"\ny : f32[T,8] = linear(x, "
     "a) out=f32\n"
     "z : f32[T,8] = linear(y, a) out=f32\nw : f32[T,8] = rms_norm(y, n) eps=1\noutput z\noutput w\n",
     2,
     {"a : f32[8,8] = \"a\"\n", "y : f32[T,8] = linear(x, a)"},
     "a is split in one way"},
    {"input x : f32[T,8]\nweight a : f32[8,8] = \"a\"\nweight b : f32[8,8] = \"b\"\ny : f32[T,8] = linear(x, "
     "a) out=f32\n"
     "z : f32[T,8] = linear(y, b) out=f32\nu : f32[T,8] = add(z, x)\nv : f32[T,8] = add(z, u)\noutput v\n",
     4,
     {"a : f32[2,8] = \"a\" slice 0 world 4 [8/1]\n", "b : f32[8,2] = \"b\" slice 1 world 4 [8/1]\n",
      "z : f32[T,8] = all_reduce(z.partial)\nu : f32[T,8] = add(z, x)\nv : f32[T,8] = add(z, u)\n"},
     NULL},
    // Two addends are added before the one sum over ranks.
    {"input x : f32[T,8]\nweight a : f32[8,8] = \"a\"\nweight b : f32[8,8] = \"b\"\nweight c : f32[8,8] = "
     "\"c\"\n"
     "y : f32[T,8] = linear(x, a) out=f32\nz : f32[T,8] = linear(y, b) out=f32\nw : f32[T,8] = linear(y, c) "
     "out=f32\n"
     "u : f32[T,8] = add(z, w)\noutput u\n",
     2,
     {"u.partial : f32[T,8] = add(z, w)\nu : f32[T,8] = all_reduce(u.partial)\n"},
     NULL},
    // Columns of all ranks, more than there are.
    {"input x : f32[T,8]\nweight a : f32[10,8] = \"a\"\ny : f32[T,10] = linear(x, a) out=f32\noutput y\n",
     4,
     {"a : f32[3,8] = \"a\" slice 0 world 4 [10/3]\n",
      "y.local : f32[T,3] = linear(x, a) out=f32\ny : f32[T,10] = all_gather(y.local) world=4 drop=2\noutput "
      "y\n"},
     NULL},
    {"input x : f32[T,8]\ny : f32[T,8] = all_reduce(x)\noutput y\n",
     2,
     {0},
     "is for several ranks already, by y"},
    {"input x : f32[T,8]\nweight w : f32[8] = \"w\" zero_but_rank0\ny : f32[T,8] = rms_norm(x, w) "
     "eps=1\noutput y\n",
     2,
     {0},
     "is for several ranks already, by w"},
};

static void small_graphs(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char text[1024];
    nf_graph *g, *out = NULL;
    nf_text t = {0};
    snprintf(text, sizeof text, "graph g\n%s", texts[i].in);
    ok(nf_graph_parse(nf_view_of(text), "text", &g));
    nf_status st = nf_shard(g, texts[i].world, &out);
    if (texts[i].says) {
      if (!strstr(nf_status_message(st), texts[i].says)) fail_msg("%d: '%s'", (int)i, nf_status_message(st));
      nf_status_free(st);
    } else {
      ok(st);
      printed(out, &t);
      for (int k = 0; k < 6 && texts[i].want[k]; k++)
        if (!strstr(t.at, texts[i].want[k])) fail_msg("%d: no '%s' in\n%s", (int)i, texts[i].want[k], t.at);
      nf_graph *again;
      ok(nf_graph_parse(nf_view_of(t.at), "again", &again));
      nf_graph_destroy(again);
    }
    nf_text_deinit(&t);
    nf_graph_destroy(g);
    nf_graph_destroy(out);
  }
}

// ---- any graph, and no memory ----

static void any_graph_is_dealt_or_refused(void **state) {
  (void)state;
  int split = 0;
  for (uint64_t seed = 0; seed < 600; seed++) {
    nf_graph *g = NULL;
    nf_status st = nf_random_graph(seed, &g);
    for (int world = 2; nf_is_ok(st) && world <= 4; world++) {
      nf_graph *out = NULL;
      st = nf_shard(g, world, &out);
      split += nf_is_ok(st);
      if (!nf_is_ok(st) && nf_status_code(st) != NF_BAD_INPUT) fail_msg("%s", nf_status_message(st));
      nf_status_free(st);
      st = nf_ok();
      nf_graph_destroy(out);
    }
    nf_status_free(st);
    nf_graph_destroy(g);
  }
  assert_true(split > 200);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  const model m = {NEXT_BLOCK};
  for (int world = 2; world <= 4; world += 2) { // the second is refused
    nf_graph *g = built(&m, NULL, NF_BF16), *out;
    const int64_t live = nf_alloc_live();
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
      out = NULL;
      nf_alloc_fail_at(n, false);
      nf_status st = nf_shard(g, world, &out);
      failed = nf_alloc_count() >= n;
      nf_alloc_fail_at(0, false);
      assert_true(!failed || nf_status_code(st) == NF_NO_MEMORY || nf_status_code(st) == NF_BAD_INPUT);
      nf_status_free(st);
      nf_graph_destroy(out);
      assert_int_equal(nf_alloc_live(), live);
    }
    nf_graph_destroy(g);
  }
}

// ---- numbers ----

enum { FIRST = 19, MORE = 3, TOKENS = FIRST + MORE };

static const struct run_case {
  model m;
  int world;
  bool files; // else made-up weights
  double bound;
} runs[] = {
    {{OSS}, 2, true, 1e-5},
    {{OSS}, 4, true, 1e-5}, // KV heads on two ranks each; experts of 2, 2, 1 and 1 groups
    {{OSS}, 8, true, 1e-5}, // experts whole
    {{OSS, inner_160}, 2, false, 1e-5},
    {{OSS, odd_vocab}, 2, false, 1e-5},
    {{OSS, six_heads}, 3, false, 1e-5},
    {{QWEN}, 2, true, 1e-5},
    {{QWEN}, 4, true, 1e-5},
    {{QWEN, six_heads}, 3, false, 1e-5},
    {{QWEN, six_heads}, 6, false, 1e-5},
    {{PTPC, .a16 = true}, 2, true, 1e-5},
    {{PTPC, .a16 = true}, 4, true, 1e-5},
    {{PTPC}, 2, true, 1e-1},
    {{PTPC}, 4, true, 1e-1},
    {{BLOCK, .a16 = true}, 2, true, 1e-5},
    {{BLOCK}, 2, true, 1e-1},
    {{NEXT}, 2, true, 1e-5},
    {{NEXT, six_linear_heads}, 3, false, 1e-5},
    {{NEXT_BLOCK, .a16 = true}, 2, true, 1e-5},
    {{NEXT_BLOCK}, 2, true, 1e-1},
    {{NEXT_BLOCK, six_linear_heads, true}, 3, false, 1e-5},
};

// Of the whole tensor; infinite where anything is NaN.
static double error_of(const nf_tensor *got, const nf_tensor *want) {
  const int64_t cols = nf_tensor_cols(want);
  float *row = nf_alloc((size_t)(2 * cols), sizeof *row);
  nf_difference d = {0};
  assert_int_equal(nf_tensor_rows(got), nf_tensor_rows(want));
  assert_int_equal(nf_tensor_cols(got), cols);
  for (int64_t r = 0; r < nf_tensor_rows(want); r++) {
    nf_row_decode(got, r, row);
    nf_row_decode(want, r, row + cols);
    nf_difference_add(&d, row, row + cols, cols);
  }
  nf_free(row);
  const double error = nf_difference_of(&d);
  return isnan(error) ? INFINITY : error;
}

// All ranks have the same bytes of every output, and they are near the one rank's.
static double compare(const lockstep *ranks, const nf_graph *many, const lockstep *one, const nf_graph *g,
                      int world) {
  double worst = 0;
  for (size_t i = 0; i < g->n_outputs; i++) {
    const nf_val v = nf_graph_find(many, g->value[g->output[i]].name);
    const nf_tensor want = lockstep_value(one, 0, g->output[i]), got = lockstep_value(ranks, 0, v);
    assert_int_equal(v, many->output[i]);
    worst = fmax(worst, error_of(&got, &want));
    for (int rank = 1; rank < world; rank++) {
      const nf_tensor other = lockstep_value(ranks, rank, v);
      const size_t n = (size_t)(nf_tensor_rows(&got) * nf_tensor_cols(&got)) * sizeof(float);
      assert_memory_equal(other.data, got.data, n);
    }
  }
  return worst;
}

static double run(const struct run_case *c) {
  nf_checkpoint *files = NULL;
  if (c->files) ok(nf_checkpoint_open(c->m.dir, NULL, &files));
  nf_graph *g = built(&c->m, files, NF_F32), *many;
  ok(nf_shard(g, c->world, &many));
  lockstep *one = lockstep_create(g, 1, FIRST, files), *ranks = lockstep_create(many, c->world, FIRST, files);
  int32_t tokens[TOKENS];
  double worst = 0;
  for (int i = 0; i < TOKENS; i++) tokens[i] = (i * 131 + 7) % 383;
  for (int at = 0; at < TOKENS; at += at ? 1 : FIRST) { // a prompt, then one by one
    lockstep_step(one, tokens + at, at ? 1 : FIRST);
    lockstep_step(ranks, tokens + at, at ? 1 : FIRST);
    worst = fmax(worst, compare(ranks, many, one, g, c->world));
  }
  lockstep_destroy(one);
  lockstep_destroy(ranks);
  nf_graph_destroy(g);
  nf_graph_destroy(many);
  nf_checkpoint_close(files);
  return worst;
}

static void ranks_compute_the_same(void **state) {
  (void)state;
  int failures = 0;
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    const double error = run(&runs[i]);
    const bool good = error <= runs[i].bound;
    printf("%-38s %-16s world %d: %8.1e  bound %.0e  %s\n", runs[i].m.dir,
           runs[i].m.change ? "changed"
           : runs[i].m.a16  ? "a16"
                            : "",
           runs[i].world, error, runs[i].bound, good ? "ok" : "FAILED");
    failures += !good;
  }
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(real_and_small_models),
      cmocka_unit_test(one_rank_is_the_same_graph),
      cmocka_unit_test(small_graphs),
      cmocka_unit_test(any_graph_is_dealt_or_refused),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(ranks_compute_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
