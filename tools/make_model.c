// SPDX-License-Identifier: Apache-2.0
// make_model DIR: writes DIR/model.safetensors with made-up weights for DIR/config.json (those of
// --load-format dummy). The small models under checkpoints/ come from it.
#include "base/memory.h"
#include "checkpoint/weights.h"
#include "model/family.h"
#include "tensor/tensor.h"
#include <stdio.h>
#include <string.h>

typedef struct job {
  nf_graph *graph;
  nf_weight_tensor *tensor;
  nf_stored *stored; // of each tensor
  nf_val *value;     // whose it is
  size_t n;
} job;

static void add_tensors(job *j, nf_val v) {
  const nf_value *value = &j->graph->value[v];
  for (int64_t i = 0; i < nf_weight_tensor_count(value); i++) {
    nf_weight_tensor_at(value, i, &j->tensor[j->n]);
    j->stored[j->n] = j->tensor[j->n].stored;
    j->value[j->n++] = v;
  }
}

static size_t stored_bytes(const nf_stored *s) {
  size_t n = (size_t)nf_dtype_of(s->dtype)->bits / 8;
  for (int d = 0; d < s->rank; d++) n *= (size_t)s->dim[d];
  return n;
}

static nf_status write_weight(const job *j, nf_safetensors_writer *w, size_t i) {
  const nf_value *v = &j->graph->value[j->value[i]];
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  size_t bytes;
  NF_TRY(nf_type_bytes(&v->type, &none, &bytes));
  void *data = nf_alloc_aligned(bytes);
  if (data == NULL) return nf_error(NF_NO_MEMORY, "no memory for '%s'", v->name);
  nf_weight_loader loader = {0}; // without files: made up
  const nf_weight_sink sink = nf_weight_memory(data);
  nf_status st = nf_weight_load(&loader, v, 0, INT64_MAX, &sink);
  nf_weight_loader_deinit(&loader);
  const nf_tensor t = nf_tensor_of(&v->type, &none, 0, data);
  const size_t n = stored_bytes(&j->stored[i]);
  const char *plane = j->tensor[i].scales ? t.scale : t.data;
  if (nf_is_ok(st)) st = nf_safetensors_write(w, i, 0, plane + (size_t)j->tensor[i].part * n, n);
  nf_free_aligned(data);
  return st;
}

static nf_status write_file(const job *j, const char *dir) {
  char *path = NULL;
  nf_safetensors_writer w = {0};
  NF_TRY(nf_path_join(dir, "model.safetensors", &path));
  nf_status st = nf_safetensors_create(path, j->stored, j->n, &w);
  for (size_t i = 0; nf_is_ok(st) && i < j->n; i++) st = write_weight(j, &w, i);
  if (nf_is_ok(st)) st = nf_safetensors_commit(&w);
  nf_safetensors_abandon(&w);
  nf_free(path);
  return st;
}

static size_t count_tensors(const nf_graph *g) {
  size_t n = 0;
  for (nf_val v = 1; v < g->n_values; v++)
    if (g->value[v].kind == NF_VALUE_WEIGHT) n += (size_t)nf_weight_tensor_count(&g->value[v]);
  return n;
}

static nf_status write_model(job *j, const char *dir) {
  const size_t n = count_tensors(j->graph);
  j->tensor = nf_alloc(n, sizeof *j->tensor);
  j->stored = nf_alloc(n, sizeof *j->stored);
  j->value = nf_alloc(n, sizeof *j->value);
  if (j->tensor == NULL || j->stored == NULL || j->value == NULL)
    return nf_error(NF_NO_MEMORY, "no memory for a header");
  for (nf_val v = 1; v < j->graph->n_values; v++)
    if (j->graph->value[v].kind == NF_VALUE_WEIGHT) add_tensors(j, v);
  for (size_t i = 0; i < n; i++) j->stored[i].name = j->tensor[i].name;
  return write_file(j, dir);
}

static nf_status make(const char *dir) {
  nf_config config;
  job j = {0};
  const nf_build_options o = {.activation = NF_BF16, .page = 64};
  NF_TRY(nf_config_load(dir, NULL, &config));
  nf_status st = nf_model_build(&config, NULL, &o, &j.graph);
  if (nf_is_ok(st)) st = write_model(&j, dir);
  nf_free(j.tensor);
  nf_free(j.stored);
  nf_free(j.value);
  nf_graph_destroy(j.graph);
  nf_config_deinit(&config);
  return st;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: make_model DIR\n"), 2;
  const nf_status st = make(argv[1]);
  if (nf_is_ok(st)) return 0;
  fprintf(stderr, "make_model: %s\n", nf_status_message(st));
  nf_status_free(st);
  return 3;
}
