// SPDX-License-Identifier: Apache-2.0
// make_model DIR: writes DIR/model.safetensors with made-up weights for DIR/config.json (those of
// --load-format dummy). The small models under models/ come from it.
#include "base/memory.h"
#include "model/family.h"
#include "model/weights.h"
#include "tensor/tensor.h"
#include <stdio.h>
#include <string.h>

typedef struct job {
  nf_graph *graph;
  nf_stored *tensor; // two a weight at most
  nf_val *value;     // of each tensor
  size_t n;
} job;

// The tensors of a weight as the checkpoint has them: MXFP4 codes in 16-byte blocks of 32, scales beside
// them.
static void add_tensors(job *j, nf_val v) {
  const nf_value *value = &j->graph->value[v];
  const nf_type *t = &value->type;
  nf_stored codes = {.name = value->recipe.tensor, .dtype = t->dtype, .rank = t->rank};
  for (int i = 0; i < t->rank; i++) codes.dim[i] = t->dim[i].c;
  if (value->recipe.scales != NULL) {
    nf_stored scales = codes;
    codes.dtype = scales.dtype = NF_U8;
    scales.name = value->recipe.scales;
    scales.dim[t->rank - 1] = codes.dim[t->rank - 1] /= 32;
    codes.dim[codes.rank++] = 16;
    j->value[j->n] = v;
    j->tensor[j->n++] = scales;
  }
  j->value[j->n] = v;
  j->tensor[j->n++] = codes;
}

static nf_status write_weight(const job *j, nf_safetensors_writer *w, size_t i) {
  const nf_value *v = &j->graph->value[j->value[i]];
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  size_t bytes;
  NF_TRY(nf_type_bytes(&v->type, &none, &bytes));
  void *data = nf_alloc_aligned(bytes);
  if (data == NULL) return nf_error(NF_NO_MEMORY, "no memory for '%s'", v->name);
  nf_status st = nf_weight_dummy(v, data);
  const nf_tensor t = nf_tensor_of(&v->type, &none, 0, data);
  const bool scales = v->recipe.scales != NULL && strcmp(j->tensor[i].name, v->recipe.scales) == 0;
  size_t n = (size_t)nf_dtype_of(j->tensor[i].dtype)->bits / 8;
  for (int d = 0; d < j->tensor[i].rank; d++) n *= (size_t)j->tensor[i].dim[d];
  if (nf_is_ok(st)) st = nf_safetensors_write(w, i, 0, scales ? t.scale : t.data, n);
  nf_free_aligned(data);
  return st;
}

static nf_status write_file(const job *j, const char *dir) {
  char *path = NULL;
  nf_safetensors_writer w = {0};
  NF_TRY(nf_path_join(dir, "model.safetensors", &path));
  nf_status st = nf_safetensors_create(path, j->tensor, j->n, &w);
  for (size_t i = 0; nf_is_ok(st) && i < j->n; i++) st = write_weight(j, &w, i);
  if (nf_is_ok(st)) st = nf_safetensors_commit(&w);
  nf_safetensors_abandon(&w);
  nf_free(path);
  return st;
}

static nf_status make(const char *dir) {
  nf_config config;
  job j = {0};
  const nf_build_options o = {.activation = NF_BF16, .page = 64};
  NF_TRY(nf_config_load(dir, &config));
  NF_TRY(nf_model_build(&config, NULL, &o, &j.graph));
  j.tensor = nf_alloc(2 * j.graph->n_values, sizeof *j.tensor);
  j.value = nf_alloc(2 * j.graph->n_values, sizeof *j.value);
  nf_status st =
      j.tensor != NULL && j.value != NULL ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory for a header");
  for (nf_val v = 1; nf_is_ok(st) && v < j.graph->n_values; v++)
    if (j.graph->value[v].kind == NF_VALUE_WEIGHT) add_tensors(&j, v);
  if (nf_is_ok(st)) st = write_file(&j, dir);
  nf_free(j.tensor);
  nf_free(j.value);
  nf_graph_destroy(j.graph);
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
