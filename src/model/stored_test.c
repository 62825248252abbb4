// SPDX-License-Identifier: Apache-2.0
// Forms in which writers store weights: a small checkpoint is written again in each, and what is loaded must
// be, element by element, the codes times the scales (or the floats) that were written.
#include "base/memory.h"
#include "model/family.h"
#include "model/weights.h"
#include "plan/shard.h"
#include "tensor/scalar.h"
#include "tensor/tensor.h"
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static const nf_sizes none = {{1, 0, 0, 0}};

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// ---- tensors in memory ----

enum { MAX = 512 };
typedef struct folder { // what is written, and what each tensor's elements then are
  nf_stored t[MAX];
  void *bytes[MAX];
  float *value[MAX]; // NULL: scales
  size_t n;
  nf_arena names;
} folder;

static int64_t elements(const nf_stored *t) {
  int64_t n = 1;
  for (int i = 0; i < t->rank; i++) n *= t->dim[i];
  return n;
}

static void encode(nf_dtype dtype, float x, unsigned char *at, int64_t i) {
  const uint16_t half = dtype == NF_BF16 ? nf_bf16_encode(x) : nf_f16_encode(x);
  if (dtype == NF_F32)
    memcpy(at + 4 * i, &x, 4);
  else if (dtype == NF_E8M0)
    at[i] = (unsigned char)(127 + ilogbf(x));
  else if (dtype == NF_F8E4M3)
    at[i] = nf_e4m3_encode(x);
  else
    memcpy(at + 2 * i, &half, 2);
}

// Takes `value`, whose elements `dtype` holds exactly once they are divided by scale(i).
static void add(folder *f, const char *name, nf_dtype dtype, int rank, const int64_t *dim, float *value) {
  assert_true(f->n < MAX);
  nf_stored *t = &f->t[f->n];
  *t = (nf_stored){.name = nf_arena_copy(&f->names, name, strlen(name)), .dtype = dtype, .rank = rank};
  memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
  f->bytes[f->n] = malloc((size_t)elements(t) * 4 + 1);
  for (int64_t i = 0; value && i < elements(t); i++) encode(dtype, value[i], f->bytes[f->n], i);
  f->value[f->n++] = value;
}

static void folder_end(folder *f) {
  for (size_t i = 0; i < f->n; i++) free(f->bytes[i]), free(f->value[i]);
  nf_arena_deinit(&f->names);
}

static size_t index_of(const folder *f, const char *name) {
  for (size_t i = 0; i < f->n; i++)
    if (strcmp(f->t[i].name, name) == 0) return i;
  fail_msg("no tensor '%s'", name);
  return 0;
}

static float *decoded(const nf_checkpoint *files, const nf_stored *s) {
  const int64_t n = elements(s);
  const nf_type type = NF_TYPE(s->dtype, NF_C(n));
  void *data = malloc(s->bytes);
  float *out = malloc((size_t)n * sizeof *out);
  ok(nf_checkpoint_read(files, s, 0, data, s->bytes));
  const nf_tensor t = nf_tensor_of(&type, &none, 0, data);
  nf_row_decode(&t, 0, out);
  free(data);
  return out;
}

// ---- forms of FP8 ----

typedef enum scales { WHOLE, ROWS, BLOCKS } scales;
typedef struct form {
  const char *name, *from, *config;
  const char *pick[3]; // modules that are quantised
  scales scales;
  nf_dtype dtype; // of scales
  int rank;       // of scales: 0, 1 or 2
  const char *called;
  bool activations; // are quantised
} form;

static bool picked(const form *o, const char *tensor) {
  const char *end = strstr(tensor, ".weight");
  char module[256];
  if (!end || end[7]) return false;
  snprintf(module, sizeof module, "%.*s", (int)(end - tensor), tensor);
  for (int i = 0; i < 3 && o->pick[i]; i++)
    if (nf_glob(o->pick[i], module)) return true;
  return false;
}

// The scale of element (n, k): a power of two that brings what it is for into FP8's range.
static int64_t group_of(const form *o, int64_t n, int64_t k, int64_t cols) {
  return o->scales == WHOLE  ? 0
         : o->scales == ROWS ? n
                             : n / 128 * nf_scale_cols(NF_FP8_BLOCK, cols) + k / 128;
}

static void add_quantised(folder *f, const form *o, const nf_stored *s, float *x) {
  const int64_t cols = elements(s) / s->dim[0], n = s->dim[0];
  const int64_t rows = o->scales == WHOLE ? 1 : o->scales == ROWS ? n : nf_scale_rows(NF_FP8_BLOCK, n);
  const int64_t across = o->scales == BLOCKS ? nf_scale_cols(NF_FP8_BLOCK, cols) : 1;
  float *scale = calloc((size_t)(rows * across), sizeof *scale);
  for (int64_t i = 0; i < n * cols; i++) {
    float *to = &scale[group_of(o, i / cols, i % cols, cols)];
    *to = fmaxf(*to, fabsf(x[i]));
  }
  for (int64_t i = 0; i < rows * across; i++) scale[i] = ldexpf(1, ilogbf(fmaxf(scale[i], 1e-6f)) - 7);
  add(f, s->name, NF_F8E4M3, s->rank, s->dim, NULL);
  uint8_t *code = f->bytes[f->n - 1];
  for (int64_t i = 0; i < n * cols; i++) {
    const float by = scale[group_of(o, i / cols, i % cols, cols)];
    code[i] = nf_e4m3_encode(x[i] / by);
    x[i] = nf_e4m3_decode(code[i]) * by;
  }
  f->value[f->n - 1] = x;
  char name[256];
  snprintf(name, sizeof name, "%.*s%s", (int)(strlen(s->name) - 6), s->name, o->called);
  add(f, name, o->dtype, o->rank, (const int64_t[]){rows, across}, scale);
}

static void write_model(const folder *f, const char *from, const char *config, char **out_dir) {
  nf_safetensors_writer w;
  *out_dir = folder_create();
  char *path = folder_path(*out_dir, SINGLE), *target = folder_path(from, "config.json");
  folder_link(*out_dir, "config.json", target);
  spoil_config(*out_dir, "quantization_config", NULL, config);
  ok(nf_safetensors_create(path, f->t, f->n, &w));
  for (size_t i = 0; i < f->n; i++)
    ok(nf_safetensors_write(&w, i, 0, f->bytes[i],
                            (size_t)elements(&f->t[i]) * (size_t)nf_dtype_of(f->t[i].dtype)->bits / 8));
  ok(nf_safetensors_commit(&w));
  free(path);
  free(target);
}

// ---- what is loaded ----

typedef struct opened {
  char *dir;
  nf_config c;
  nf_checkpoint *files;
  nf_graph *g;
} opened;

static opened open_model(char *dir, int world) {
  opened m = {.dir = dir};
  const nf_build_options o = {.activation = NF_F32, .page = 16};
  ok(nf_config_load(dir, NULL, &m.c));
  ok(nf_checkpoint_open(dir, NULL, &m.files));
  ok(nf_model_settle(&m.c, m.files, NULL));
  ok(nf_model_build(&m.c, m.files, &o, &m.g));
  if (world > 1) {
    nf_graph *whole = m.g;
    ok(nf_shard(whole, world, &m.g));
    nf_graph_destroy(whole);
  }
  return m;
}

static void close_model(opened *m, bool remove) {
  nf_graph_destroy(m->g);
  nf_checkpoint_close(m->files);
  nf_config_deinit(&m->c);
  if (remove) folder_remove(m->dir);
}

// All elements of a weight of one rank.
static float *loaded(const opened *m, const nf_value *v, int rank, int64_t *out_rows, int64_t *out_cols) {
  size_t n;
  ok(nf_type_bytes(&v->type, &none, &n));
  void *data = nf_alloc_aligned(n);
  ok(nf_weight_load(m->files, v, rank, NULL, data));
  const nf_tensor t = nf_tensor_of(&v->type, &none, 0, data);
  *out_rows = nf_tensor_rows(&t), *out_cols = nf_tensor_cols(&t);
  float *x = malloc((size_t)(*out_rows * *out_cols) * sizeof *x);
  for (int64_t r = 0; r < *out_rows; r++) nf_row_decode(&t, r, x + r * *out_cols);
  nf_free_aligned(data);
  return x;
}

// Row `row` of a weight among the tensors that were written.
static const float *row_of(const folder *f, const nf_value *v, int64_t row, int64_t cols) {
  nf_weight_tensor t;
  const int64_t parts = v->recipe.stack ? v->recipe.stack : 1, per = v->type.dim[0].c / parts;
  const int64_t n = v->type.rank > 2 ? v->type.dim[1].c : per, all = v->recipe.stack ? n : 0;
  nf_weight_tensor_at(v, all ? row / all * (v->recipe.scales ? 2 : 1) : 0, &t);
  if (all) row %= all;
  if (v->recipe.rows.of) row = row / n * v->recipe.rows.of + v->recipe.rows.first + row % n;
  return f->value[index_of(f, t.name)] + row * cols;
}

static void expect_written(const folder *f, const opened *m) {
  for (size_t i = 1; i < m->g->n_values; i++) {
    const nf_value *v = &m->g->value[i];
    int64_t rows, cols;
    if (v->kind != NF_VALUE_WEIGHT) continue;
    float *got = loaded(m, v, 0, &rows, &cols);
    for (int64_t r = 0; r < rows; r++)
      if (memcmp(got + r * cols, row_of(f, v, r, cols), (size_t)cols * sizeof *got) != 0)
        fail_msg("%s: row %ld is another", v->name, (long)r);
    free(got);
  }
}

static bool quantises(const nf_graph *g) {
  for (nf_node_id i = 0; i < g->n_nodes; i++)
    if (g->node[i].op == NF_OP_quantise) return true;
  return false;
}

// ---- FP8 of every writer ----

#define QWEN "checkpoints/qwen3-tiny"
#define NEXT "checkpoints/qwen3-next-tiny"
#define NUMBERS "\"num_bits\":8,\"type\":\"float\",\"symmetric\":true,"
#define W(strategy) \
  "{" NUMBERS "\"dynamic\":false,\"strategy\":\"" strategy "\",\"block_structure\":[128,128]}"
#define A(strategy) "{" NUMBERS "\"dynamic\":true,\"strategy\":\"" strategy "\",\"group_size\":128}"
#define STATIC "{" NUMBERS "\"dynamic\":false,\"strategy\":\"tensor\"}"
#define GROUP(targets, weights, acts) \
  "{\"targets\":[" targets "],\"weights\":" weights ",\"input_activations\":" acts "}"
#define COMPRESSED(format, groups, ignore)                                                      \
  "{\"quant_method\":\"compressed-tensors\",\"format\":\"" format "\",\"ignore\":[" ignore "]," \
  "\"config_groups\":{" groups "},\"transform_config\":{},\"sparsity_config\":{},\"kv_cache_scheme\":null}"
#define ONE(weights, acts, ignore) \
  COMPRESSED("float-quantized", "\"g\":" GROUP("\"Linear\"", weights, acts), ignore)
#define SPEC(scheme, dynamic) "{\"dtype\":\"fp8_e4m3\",\"qscheme\":\"" scheme "\",\"is_dynamic\":" dynamic "}"
#define QUARK(w, a, exclude)                                                                      \
  "{\"quant_method\":\"quark\",\"algo_config\":null,\"exclude\":[" exclude                        \
  "],\"export\":{\"kv_cache_group\":[]},"                                                         \
  "\"kv_cache_quant_config\":{},\"layer_quant_config\":{},\"global_quant_config\":{\"weight\":" w \
  ",\"input_tensors\":" a ",\"output_tensors\":null,\"bias\":null}}"
#define FP8(rest) "{\"quant_method\":\"fp8\"," rest "}"
#define PROJ "*_proj"
#define SHARED "*shared_expert_gate"

static const form forms[] = {
    {"channel, bf16",
     QWEN,
     ONE(W("channel"), A("token"), "\"lm_head\""),
     {PROJ},
     ROWS,
     NF_BF16,
     2,
     "weight_scale",
     true},
    {"channel, f16", QWEN, ONE(W("channel"), A("token"), ""), {PROJ}, ROWS, NF_F16, 2, "weight_scale", true},
    {"channel, f32, [out]",
     QWEN,
     ONE(W("channel"), A("token"), ""),
     {PROJ},
     ROWS,
     NF_F32,
     1,
     "weight_scale",
     true},
    {"tensor, []", QWEN, ONE(W("tensor"), A("token"), ""), {PROJ}, WHOLE, NF_BF16, 0, "weight_scale", true},
    {"tensor, [1], static",
     QWEN,
     ONE(W("tensor"), STATIC, ""),
     {PROJ},
     WHOLE,
     NF_BF16,
     1,
     "weight_scale",
     false},
    {"weights only",
     QWEN,
     COMPRESSED("naive-quantized", "\"g\":" GROUP("\"Linear\"", W("channel"), "null"), ""),
     {PROJ},
     ROWS,
     NF_BF16,
     2,
     "weight_scale",
     false},
    {"blocks", QWEN, ONE(W("block"), A("group"), ""), {PROJ}, BLOCKS, NF_BF16, 2, "weight_scale", true},
    {"of which some are not",
     QWEN,
     ONE(W("block"), A("group"), ""),
     {"*mlp*"},
     BLOCKS,
     NF_BF16,
     2,
     "weight_scale",
     true},
    {"transformers, f32",
     QWEN,
     FP8("\"weight_block_size\":[128,128]"),
     {PROJ},
     BLOCKS,
     NF_F32,
     2,
     "weight_scale_inv",
     true},
    {"transformers, E8M0",
     QWEN,
     FP8("\"weight_block_size\":[128,128],\"scale_fmt\":\"ue8m0\""),
     {PROJ},
     BLOCKS,
     NF_E8M0,
     2,
     "weight_scale_inv",
     true},
    {"transformers, tensor",
     QWEN,
     FP8("\"weight_block_size\":null"),
     {PROJ},
     WHOLE,
     NF_F32,
     2,
     "weight_scale_inv",
     true},
    {"transformers, by the end",
     QWEN,
     FP8("\"weight_block_size\":[128,128],\"modules_to_not_convert\":[\"down_proj\"]"),
     {"*up_proj", "*attn*_proj"},
     BLOCKS,
     NF_F32,
     2,
     "weight_scale_inv",
     true},
    {"no block size, blocks",
     QWEN,
     FP8("\"fmt\":\"e4m3\""),
     {PROJ},
     BLOCKS,
     NF_F32,
     2,
     "weight_scale_inv",
     true},
    {"no block size, static",
     QWEN,
     FP8("\"activation_scheme\":\"static\",\"ignored_layers\":[\"lm_head\"]"),
     {PROJ},
     WHOLE,
     NF_F32,
     0,
     "weight_scale",
     false},
    {"quark, channel",
     QWEN,
     QUARK(SPEC("per_channel", "false"), SPEC("per_channel", "true"), "\"lm_head\""),
     {PROJ},
     ROWS,
     NF_BF16,
     1,
     "weight_scale",
     true},
    {"quark, tensor",
     QWEN,
     QUARK(SPEC("per_tensor", "false"), SPEC("per_tensor", "false"), "\"*head\""),
     {PROJ},
     WHOLE,
     NF_BF16,
     0,
     "weight_scale",
     false},
    {"channel, experts",
     NEXT,
     ONE(W("channel"), A("token"), "\"re:.*mlp.gate$\",\"lm_head\""),
     {PROJ, SHARED},
     ROWS,
     NF_BF16,
     2,
     "weight_scale",
     true},
    {"everything",
     NEXT,
     ONE(W("channel"), A("token"), ""),
     {PROJ, "*gate", "lm_head"},
     ROWS,
     NF_BF16,
     2,
     "weight_scale",
     true},
    {"blocks, experts",
     NEXT,
     FP8("\"weight_block_size\":[128,128]"),
     {PROJ, "*in_proj_*", "lm_head"},
     BLOCKS,
     NF_F32,
     2,
     "weight_scale_inv",
     true},
    {"convolution by tensor",
     NEXT,
     QUARK(SPEC("per_tensor", "false"), "null", ""),
     {PROJ, "*conv1d"},
     WHOLE,
     NF_BF16,
     0,
     "weight_scale",
     false},
    {"convolution by channel",
     NEXT,
     QUARK(SPEC("per_channel", "false"), "null", ""),
     {PROJ, "*conv1d"},
     ROWS,
     NF_F32,
     1,
     "weight_scale",
     false},
};

static void every_form_is_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    folder f = {0};
    char *dir;
    nf_checkpoint *from;
    nf_safetensors all;
    print_message("%s\n", forms[i].name);
    char *path = folder_path(forms[i].from, SINGLE);
    ok(nf_checkpoint_open(forms[i].from, NULL, &from));
    ok(nf_safetensors_open(path, &all));
    for (size_t t = 0; t < all.n; t++) {
      const nf_stored *s = nf_checkpoint_find(from, all.tensor[t].name);
      float *x = decoded(from, s);
      if (picked(&forms[i], s->name))
        add_quantised(&f, &forms[i], s, x);
      else
        add(&f, s->name, s->dtype, s->rank, s->dim, x);
    }
    write_model(&f, forms[i].from, forms[i].config, &dir);
    opened m = open_model(dir, 1);
    expect_written(&f, &m);
    assert_int_equal(quantises(m.g), forms[i].activations);
    close_model(&m, true);
    nf_safetensors_close(&all);
    nf_checkpoint_close(from);
    folder_end(&f);
    free(path);
  }
}

// ---- experts in one tensor ----

// Every weight of `a`, on every rank, is that of the same name of `b`.
static void expect_same(const opened *a, const opened *b, int world) {
  for (size_t i = 1; i < a->g->n_values; i++) {
    const nf_value *v = &a->g->value[i];
    if (v->kind != NF_VALUE_WEIGHT) continue;
    const nf_val w = nf_graph_find(b->g, v->name);
    assert_true(w);
    for (int rank = 0; rank < world; rank++) {
      int64_t rows, cols, other_rows, other_cols;
      float *got = loaded(a, v, rank, &rows, &cols);
      float *want = loaded(b, &b->g->value[w], rank, &other_rows, &other_cols);
      assert_int_equal(rows, other_rows);
      assert_int_equal(cols, other_cols);
      if (memcmp(got, want, (size_t)(rows * cols) * sizeof *got) != 0)
        fail_msg("%s of rank %d of %d is another", v->name, rank, world);
      free(got);
      free(want);
    }
  }
}

static void compare(char *dir, char *other, int worlds) {
  for (int world = 1; world <= worlds; world++) {
    opened a = open_model(dir, world), b = open_model(other, world);
    expect_same(&a, &b, world);
    close_model(&a, world == worlds);
    close_model(&b, false);
  }
}

// All tensors of `from` but those of experts; where `keep`, with their biases.
static void add_others(folder *f, const char *from, bool biases) {
  nf_safetensors all;
  nf_checkpoint *files;
  char *path = folder_path(from, SINGLE);
  ok(nf_safetensors_open(path, &all));
  ok(nf_checkpoint_open(from, NULL, &files));
  for (size_t t = 0; t < all.n; t++) {
    const nf_stored *s = nf_checkpoint_find(files, all.tensor[t].name);
    if (!nf_glob("*.experts.*", s->name) || (biases && nf_glob("*_bias", s->name)))
      add(f, s->name, s->dtype, s->rank, s->dim, decoded(files, s));
  }
  nf_checkpoint_close(files);
  nf_safetensors_close(&all);
  free(path);
}

#define OSS "checkpoints/gpt-oss-tiny"

static float *weight_of(const opened *m, int64_t layer, const char *name, int64_t *rows, int64_t *cols) {
  char full[128];
  snprintf(full, sizeof full, "L%ld.%s", (long)layer, name);
  return loaded(m, &m->g->value[nf_graph_find(m->g, full)], 0, rows, cols);
}

// [E, N, K] as [E, K, N].
static float *turned(const float *x, int64_t parts, int64_t n, int64_t k) {
  float *y = malloc((size_t)(parts * n * k) * sizeof *y);
  for (int64_t i = 0; i < parts * n * k; i++) y[i / (n * k) * n * k + i % k * n + i / k % n] = x[i];
  return y;
}

static void add_turned(folder *f, const opened *m, int64_t layer, const char *value, const char *name,
                       nf_dtype dtype) {
  char full[128];
  int64_t rows, cols;
  float *x = weight_of(m, layer, value, &rows, &cols);
  const int64_t parts = m->c.experts, dim[] = {parts, cols, rows / parts};
  snprintf(full, sizeof full, "model.layers.%ld.mlp.experts.%s", (long)layer, name);
  add(f, full, dtype, 3, dim, turned(x, parts, rows / parts, cols));
  free(x);
}

static void floats_of_gpt_oss_are_those_of_mxfp4(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_BF16, NF_F16, NF_F32};
  opened m = open_model((char *)OSS, 1);
  for (int i = 0; i < 3; i++) {
    folder f = {0};
    char *dir;
    add_others(&f, OSS, true);
    for (int64_t l = 0; l < m.c.layers; l++) {
      add_turned(&f, &m, l, "moe.gate_up.w", "gate_up_proj", dtypes[i]);
      add_turned(&f, &m, l, "moe.down.w", "down_proj", dtypes[i]);
    }
    write_model(&f, OSS, NULL, &dir);
    compare(dir, (char *)OSS, 2);
    folder_end(&f);
  }
  close_model(&m, false);
}

// Rows first, first + step, … of each expert's weight or bias as one tensor for each.
static void add_linears(folder *f, const opened *m, int64_t layer, const char *value, const char *linear,
                        int64_t first, int64_t step) {
  for (int bias = 0; bias < 2; bias++) {
    char name[192], value_name[64];
    int64_t rows, cols;
    snprintf(value_name, sizeof value_name, "%s.%s", value, bias ? "b" : "w");
    float *x = weight_of(m, layer, value_name, &rows, &cols);
    const int64_t parts = m->c.experts, width = bias ? 1 : cols, n = bias ? cols : rows / parts;
    for (int64_t e = 0; e < parts; e++) {
      const int64_t dim[] = {n / step, width};
      float *one = malloc((size_t)(dim[0] * width) * sizeof *one);
      for (int64_t r = 0; r < dim[0]; r++)
        memcpy(one + r * width, x + (e * n + first + r * step) * width, (size_t)width * sizeof *one);
      snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.%ld.%s.%s", (long)layer, (long)e, linear,
               bias ? "bias" : "weight");
      add(f, name, NF_BF16, bias ? 1 : 2, dim, one);
    }
    free(x);
  }
}

static void experts_of_gpt_oss_may_be_linears(void **state) {
  (void)state;
  opened m = open_model((char *)OSS, 1);
  folder f = {0};
  char *dir;
  add_others(&f, OSS, false);
  for (int64_t l = 0; l < m.c.layers; l++) {
    add_linears(&f, &m, l, "moe.gate_up", "gate_proj", 0, 2);
    add_linears(&f, &m, l, "moe.gate_up", "up_proj", 1, 2);
    add_linears(&f, &m, l, "moe.down", "down_proj", 0, 1);
  }
  write_model(&f, OSS, NULL, &dir);
  opened a = open_model(dir, 1);
  expect_written(&f, &a);
  close_model(&a, true);
  close_model(&m, false);
  folder_end(&f);
}

static void experts_of_qwen3_next_may_be_one_tensor(void **state) {
  (void)state;
  opened m = open_model((char *)NEXT, 1);
  folder f = {0};
  char *dir, name[64];
  add_others(&f, NEXT, false);
  for (int64_t l = 0; l < m.c.layers; l++) {
    int64_t rows, cols;
    float *gate = weight_of(&m, l, "moe.gate.w", &rows, &cols),
          *up = weight_of(&m, l, "moe.up.w", &rows, &cols);
    const int64_t n = rows / m.c.experts, dim[] = {m.c.experts, 2 * n, cols};
    float *both = malloc((size_t)(2 * rows * cols) * sizeof *both);
    for (int64_t r = 0; r < 2 * rows; r++)
      memcpy(both + r * cols, (r / n % 2 ? up : gate) + (r / n / 2 * n + r % n) * cols,
             (size_t)cols * sizeof *both);
    snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.gate_up_proj", (long)l);
    add(&f, name, NF_BF16, 3, dim, both);
    free(gate), free(up);
    float *down = weight_of(&m, l, "moe.down.w", &rows, &cols);
    snprintf(name, sizeof name, "model.layers.%ld.mlp.experts.down_proj", (long)l);
    add(&f, name, NF_BF16, 3, (const int64_t[]){m.c.experts, rows / m.c.experts, cols}, down);
  }
  write_model(&f, NEXT, NULL, &dir);
  compare(dir, (char *)NEXT, 2);
  close_model(&m, false);
  folder_end(&f);
}

// ---- heads ----

// qwen3-tiny is tied and has no head. With one: what it is, and whether it is used.
static void a_head_of_its_own_is_used(void **state) {
  (void)state;
  enum { ONLY, SAME, OTHER, QUANTISED, CASES };
  for (int i = 0; i < CASES; i++) {
    folder f = {0};
    char *dir;
    add_others(&f, QWEN, false);
    const size_t table = index_of(&f, "model.embed_tokens.weight");
    nf_stored head = f.t[table];
    head.name = "lm_head.weight";
    float *x = malloc((size_t)elements(&head) * sizeof *x);
    memcpy(x, f.value[table], (size_t)elements(&head) * sizeof *x);
    if (i == OTHER) x[elements(&head) - 1] = 2;
    if (i == ONLY) f.t[table].name = "lm_head.weight", free(x);
    if (i == SAME || i == OTHER) add(&f, head.name, NF_BF16, 2, head.dim, x);
    const form rows = {.scales = ROWS, .dtype = NF_BF16, .rank = 2, .called = "weight_scale"};
    if (i == QUANTISED) add_quantised(&f, &rows, &head, x);
    write_model(&f, QWEN, i == QUANTISED ? ONE(W("channel"), "null", "") : NULL, &dir);
    opened m = open_model(dir, 1);
    assert_int_equal(nf_graph_find(m.g, "head.w") != 0, i == OTHER || i == QUANTISED);
    expect_written(&f, &m);
    close_model(&m, true);
    folder_end(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_is_read),
      cmocka_unit_test(floats_of_gpt_oss_are_those_of_mxfp4),
      cmocka_unit_test(experts_of_gpt_oss_may_be_linears),
      cmocka_unit_test(experts_of_qwen3_next_may_be_one_tensor),
      cmocka_unit_test(a_head_of_its_own_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
