// SPDX-License-Identifier: Apache-2.0
#include "tests/support/written.h"
#include "base/memory.h"
#include "shard/shard.h"
#include "tensor/scalar.h"
#include "tensor/tensor.h"
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include "tests/support/weights.h"
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

int64_t written_elements(const nf_stored *t) {
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
void written_add(written *f, const char *name, nf_dtype dtype, int rank, const int64_t *dim, float *value) {
  assert_true(f->n < WRITTEN_MAX);
  nf_stored *t = &f->t[f->n];
  *t = (nf_stored){.name = nf_arena_copy(&f->names, name, strlen(name)), .dtype = dtype, .rank = rank};
  memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
  f->bytes[f->n] = malloc((size_t)written_elements(t) * 4 + 1);
  for (int64_t i = 0; value && i < written_elements(t); i++) encode(dtype, value[i], f->bytes[f->n], i);
  f->value[f->n++] = value;
}

void written_end(written *f) {
  for (size_t i = 0; i < f->n; i++) free(f->bytes[i]), free(f->value[i]);
  nf_arena_deinit(&f->names);
}

size_t written_index(const written *f, const char *name) {
  for (size_t i = 0; i < f->n; i++)
    if (strcmp(f->t[i].name, name) == 0) return i;
  fail_msg("no tensor '%s'", name);
  return 0;
}

float *written_decoded(const nf_checkpoint *files, const nf_stored *s) {
  const int64_t n = written_elements(s);
  const nf_type type = NF_TYPE(s->dtype, NF_C(n));
  void *data = malloc(s->bytes);
  float *out = malloc((size_t)n * sizeof *out);
  ok(nf_checkpoint_read(files, s, 0, data, s->bytes));
  const nf_tensor t = nf_tensor_of(&type, &none, 0, data);
  nf_row_decode(&t, 0, out);
  free(data);
  return out;
}

// All tensors of `from` but those of experts; where `keep`, with their biases.
void written_copy(written *f, const char *from, bool biases) {
  nf_safetensors all;
  nf_checkpoint *files;
  char *path = folder_path(from, SINGLE);
  ok(nf_safetensors_open(path, &all));
  ok(nf_checkpoint_open(from, NULL, &files));
  for (size_t t = 0; t < all.n; t++) {
    const nf_stored *s = nf_checkpoint_find(files, all.tensor[t].name);
    if (!nf_glob("*.experts.*", s->name) || (biases && nf_glob("*_bias", s->name)))
      written_add(f, s->name, s->dtype, s->rank, s->dim, written_decoded(files, s));
  }
  nf_checkpoint_close(files);
  nf_safetensors_close(&all);
  free(path);
}

// ---- FP8 ----

// The scale of element (n, k): a power of two that brings what it is for into FP8's range.
static int64_t group_of(const written_form *o, int64_t n, int64_t k, int64_t cols) {
  return o->scales == WRITTEN_WHOLE  ? 0
         : o->scales == WRITTEN_ROWS ? n
                                     : n / 128 * nf_scale_cols(NF_FP8_BLOCK, cols) + k / 128;
}

void written_add_quantised(written *f, const written_form *o, const nf_stored *s, float *x) {
  const int64_t cols = written_elements(s) / s->dim[0], n = s->dim[0];
  const int64_t rows = o->scales == WRITTEN_WHOLE  ? 1
                       : o->scales == WRITTEN_ROWS ? n
                                                   : nf_scale_rows(NF_FP8_BLOCK, n);
  const int64_t across = o->scales == WRITTEN_BLOCKS ? nf_scale_cols(NF_FP8_BLOCK, cols) : 1;
  float *scale = calloc((size_t)(rows * across), sizeof *scale);
  for (int64_t i = 0; i < n * cols; i++) {
    float *to = &scale[group_of(o, i / cols, i % cols, cols)];
    *to = fmaxf(*to, fabsf(x[i]));
  }
  for (int64_t i = 0; i < rows * across; i++) scale[i] = ldexpf(1, ilogbf(fmaxf(scale[i], 1e-6f)) - 7);
  written_add(f, s->name, NF_F8E4M3, s->rank, s->dim, NULL);
  uint8_t *code = f->bytes[f->n - 1];
  for (int64_t i = 0; i < n * cols; i++) {
    const float by = scale[group_of(o, i / cols, i % cols, cols)];
    code[i] = nf_e4m3_encode(x[i] / by);
    x[i] = nf_e4m3_decode(code[i]) * by;
  }
  f->value[f->n - 1] = x;
  char name[256];
  snprintf(name, sizeof name, "%.*s%s", (int)(strlen(s->name) - 6), s->name, o->called);
  written_add(f, name, o->dtype, o->rank, (const int64_t[]){rows, across}, scale);
}

void written_save(const written *f, const char *from, const char *config, char **out_dir) {
  nf_safetensors_writer w;
  *out_dir = folder_create();
  char *path = folder_path(*out_dir, SINGLE), *target = folder_path(from, "config.json");
  folder_link(*out_dir, "config.json", target);
  spoil_config(*out_dir, "quantization_config", NULL, config);
  ok(nf_safetensors_create(path, f->t, f->n, &w));
  for (size_t i = 0; i < f->n; i++)
    ok(nf_safetensors_write(&w, i, 0, f->bytes[i],
                            (size_t)written_elements(&f->t[i]) * (size_t)nf_dtype_of(f->t[i].dtype)->bits /
                                8));
  ok(nf_safetensors_commit(&w));
  free(path);
  free(target);
}

// ---- what is loaded ----

static void keep_line(void *user, nf_level level, const char *line) {
  (void)level;
  nf_text_printf(user, "%s\n", line);
}

written_model written_open(char *dir, int world) {
  written_model m = {.dir = dir};
  const nf_log log = {.level = NF_LOG_WARNING, .write = keep_line, .user = &m.warnings};
  const nf_build_options o = {.activation = NF_F32, .page = 16};
  ok(nf_config_load(dir, &log, &m.c));
  ok(nf_checkpoint_open(dir, NULL, &m.files));
  ok(nf_model_settle(&m.c, m.files, &log));
  ok(nf_model_build(&m.c, m.files, &o, &m.g));
  if (world > 1) {
    nf_graph *whole = m.g;
    ok(nf_shard(whole, world, &m.g));
    nf_graph_destroy(whole);
  }
  return m;
}

void written_expect_refused(char *dir, const char *want) {
  written_model m = {.dir = dir};
  const nf_build_options o = {.activation = NF_F32, .page = 16};
  ok(nf_config_load(dir, NULL, &m.c));
  ok(nf_checkpoint_open(dir, NULL, &m.files));
  nf_status st = nf_model_build(&m.c, m.files, &o, &m.g);
  if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), want))
    fail_msg("'%s' does not say '%s'", nf_status_message(st), want);
  nf_status_free(st);
  m.g = NULL;
  written_close(&m, true);
}

void written_close(written_model *m, bool remove) {
  nf_graph_destroy(m->g);
  nf_checkpoint_close(m->files);
  nf_config_deinit(&m->c);
  if (remove) folder_remove(m->dir);
  nf_text_deinit(&m->warnings);
}

// All elements of a weight of one rank.
float *written_load(const written_model *m, const nf_value *v, int rank, int64_t *out_rows,
                    int64_t *out_cols) {
  size_t n;
  ok(nf_type_bytes(&v->type, &none, &n));
  void *data = nf_alloc_aligned(n);
  ok(load_weight(m->files, v, rank, data));
  const nf_tensor t = nf_tensor_of(&v->type, &none, 0, data);
  *out_rows = nf_tensor_rows(&t), *out_cols = nf_tensor_cols(&t);
  float *x = malloc((size_t)(*out_rows * *out_cols) * sizeof *x);
  for (int64_t r = 0; r < *out_rows; r++) nf_row_decode(&t, r, x + r * *out_cols);
  nf_free_aligned(data);
  return x;
}

// Row `row` of a weight that has parts of groups together, as the tensor has them.
static int64_t grouped_row(const nf_row_groups *g, int64_t rows, int64_t row) {
  int64_t width = 0, before = 0;
  int i = 0;
  for (int k = 0; k < g->n; k++) width += g->size[k];
  for (; row >= rows / width * g->size[i]; before += g->size[i++]) row -= rows / width * g->size[i];
  return row / g->size[i] * width + before + row % g->size[i];
}

// Row `row` of a weight among the tensors that were written.
static const float *row_of(const written *f, const nf_value *v, int64_t row, int64_t cols) {
  nf_weight_tensor t;
  const int64_t parts = v->recipe.stack ? v->recipe.stack : 1, per = v->type.dim[0].c / parts;
  const int64_t n = v->type.rank > 2 ? v->type.dim[1].c : per, all = v->recipe.stack ? n : 0;
  nf_weight_tensor_at(v, all ? row / all * (v->recipe.scales ? 2 : 1) : 0, &t);
  if (all) row %= all;
  if (v->recipe.groups.n) row = grouped_row(&v->recipe.groups, v->type.dim[0].c, row);
  if (v->recipe.rows.of) row = row / n * v->recipe.rows.of + v->recipe.rows.first + row % n;
  return f->value[written_index(f, t.name)] + row * cols;
}

void written_expect(const written *f, const written_model *m) {
  for (size_t i = 1; i < m->g->n_values; i++) {
    const nf_value *v = &m->g->value[i];
    int64_t rows, cols;
    if (v->kind != NF_VALUE_WEIGHT) continue;
    float *got = written_load(m, v, 0, &rows, &cols);
    for (int64_t r = 0; r < rows; r++)
      if (memcmp(got + r * cols, row_of(f, v, r, cols), (size_t)cols * sizeof *got) != 0)
        fail_msg("%s: row %ld is another", v->name, (long)r);
    free(got);
  }
}

// Every weight of `a`, on every rank, is that of the same name of `b`.
void written_expect_same(const written_model *a, const written_model *b, int world) {
  for (size_t i = 1; i < a->g->n_values; i++) {
    const nf_value *v = &a->g->value[i];
    if (v->kind != NF_VALUE_WEIGHT) continue;
    const nf_val w = nf_graph_find(b->g, v->name);
    assert_true(w);
    for (int rank = 0; rank < world; rank++) {
      int64_t rows, cols, other_rows, other_cols;
      float *got = written_load(a, v, rank, &rows, &cols);
      float *want = written_load(b, &b->g->value[w], rank, &other_rows, &other_cols);
      assert_int_equal(rows, other_rows);
      assert_int_equal(cols, other_cols);
      if (memcmp(got, want, (size_t)(rows * cols) * sizeof *got) != 0)
        fail_msg("%s of rank %d of %d is another", v->name, rank, world);
      free(got);
      free(want);
    }
  }
}
