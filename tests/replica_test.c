// SPDX-License-Identifier: Apache-2.0
// Replicas of the published gpt-oss checkpoints: their true tensors, shards and names, with sparse files for
// the data. Counts and bytes are the published ones; how long they take to open is printed, never judged.
#include "base/clock.h"
#include "base/memory.h"
#include "model/family.h"
#include "model/weights.h"
#include "tests/support/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_TENSORS = 1024, SHARDS = 3 };
static char *dir;

typedef struct inventory {
  nf_arena names;
  nf_stored tensor[MAX_TENSORS];
  size_t n;
  uint64_t bytes;
} inventory;

static void add(inventory *v, const char *name, nf_dtype dtype, int rank, const int64_t *dim) {
  nf_stored *t = &v->tensor[v->n++];
  *t = (nf_stored){.name = nf_arena_copy(&v->names, name, strlen(name)), .dtype = dtype, .rank = rank};
  t->bytes = (uint64_t)nf_dtype_of(dtype)->bits / 8;
  for (int i = 0; i < rank; i++) t->bytes *= (uint64_t)(t->dim[i] = dim[i]);
  v->bytes += t->bytes;
}

// What the family's graph of a config without files would read.
static void collect(const char *config_dir, inventory *v, nf_config *config) {
  const nf_build_options o = {.activation = NF_BF16, .page = 64};
  nf_graph *g;
  assert_true(nf_is_ok(nf_config_load(config_dir, config)));
  assert_true(nf_is_ok(nf_model_build(config, NULL, &o, &g)));
  for (nf_val i = 1; i < g->n_values; i++) {
    const nf_value *w = &g->value[i];
    if (w->kind != NF_VALUE_WEIGHT) continue;
    for (int64_t t = 0; t < nf_weight_tensor_count(w); t++) {
      nf_weight_tensor tensor;
      nf_weight_tensor_at(w, t, &tensor);
      add(v, tensor.name, tensor.stored.dtype, tensor.stored.rank, tensor.stored.dim);
    }
  }
  nf_graph_destroy(g);
}

static void path_of(int shard, char *out, size_t n) {
  snprintf(out, n, "%s/model-%05d-of-%05d.safetensors", dir, shard, SHARDS - 1); // "of 2", as published
}

static size_t shard_of(const inventory *v, size_t i) { return i * SHARDS / v->n; }

static void write_shards(const inventory *v) {
  for (size_t first = 0, shard = 0; shard < SHARDS; shard++) {
    size_t n = 0;
    char path[160];
    nf_safetensors_writer w;
    while (first + n < v->n && shard_of(v, first + n) == shard) n++;
    path_of((int)shard, path, sizeof path);
    assert_true(nf_is_ok(nf_safetensors_create(path, v->tensor + first, n, &w)));
    const uint8_t last = 0; // the file's last byte: the rest stays a hole
    assert_true(nf_is_ok(nf_safetensors_write(&w, n - 1, v->tensor[first + n - 1].bytes - 1, &last, 1)));
    assert_true(nf_is_ok(nf_safetensors_commit(&w)));
    first += n;
  }
}

static void write_index(const inventory *v) {
  char path[160], file[160];
  snprintf(path, sizeof path, "%s/model.safetensors.index.json", dir);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "{\"metadata\":{\"total_size\":%llu},\"weight_map\":{", (unsigned long long)v->bytes);
  for (size_t i = 0; i < v->n; i++) {
    path_of((int)shard_of(v, i), file, sizeof file);
    fprintf(f, "%s\"%s\":\"%s\"", i != 0 ? "," : "", v->tensor[i].name, strrchr(file, '/') + 1);
  }
  fprintf(f, "}}");
  assert_int_equal(fclose(f), 0);
}

static void check(const char *config_dir, size_t tensors, uint64_t bytes) {
  static inventory v;
  nf_config config;
  nf_checkpoint *c;
  nf_graph *g;
  v = (inventory){0};
  dir = folder_create();
  collect(config_dir, &v, &config);
  write_shards(&v);
  write_index(&v);
  const double start = nf_now();
  assert_true(nf_is_ok(nf_checkpoint_open(dir, NULL, &c)));
  const double ms = 1e3 * (nf_now() - start);
  print_message("%s: opened in %.1f ms (bound 50)%s\n", config_dir, ms, ms > 150 ? "  ALARM" : "");
  assert_int_equal(nf_checkpoint_count(c), tensors);
  assert_int_equal(nf_checkpoint_bytes(c), bytes);
  const nf_build_options o = {.activation = NF_BF16, .page = 64};
  assert_true(nf_is_ok(nf_model_build(&config, c, &o, &g))); // every tensor is found and has its shape
  nf_graph_destroy(g);
  nf_config_deinit(&config);
  nf_checkpoint_close(c);
  nf_arena_deinit(&v.names);
  folder_remove(dir);
}

static void test_20b(void **state) {
  (void)state;
  check("configs/gpt-oss-20b", 459, 13761264768u);
}

static void test_120b(void **state) {
  (void)state;
  check("configs/gpt-oss-120b", 687, 65248815744u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_20b), cmocka_unit_test(test_120b)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
