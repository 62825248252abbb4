// SPDX-License-Identifier: Apache-2.0
// Sparse checkpoints.
#include "tests/support/inventory.h"
#include "checkpoint/weights.h"
#include "model/family.h"
#include "tests/support/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

void inventory_add(inventory *v, const char *name, nf_dtype dtype, int rank, const int64_t *dim) {
  assert_true(nf_grow(&v->tensor, &v->cap, v->n + 1, sizeof *v->tensor));
  nf_stored *t = &v->tensor[v->n++];
  *t = (nf_stored){.name = nf_arena_copy(&v->names, name, strlen(name)), .dtype = dtype, .rank = rank};
  t->bytes = (uint64_t)nf_dtype_of(dtype)->bits / 8;
  for (int i = 0; i < rank; i++) t->bytes *= (uint64_t)(t->dim[i] = dim[i]);
  v->bytes += t->bytes;
}

void inventory_collect(inventory *v, const nf_config *config, nf_dtype scales) {
  const nf_build_options o = {.activation = NF_BF16, .page = 64};
  nf_graph *g;
  ok(nf_model_build(config, NULL, &o, &g));
  for (nf_val i = 1; i < g->n_values; i++) {
    const nf_value *w = &g->value[i];
    if (w->kind != NF_VALUE_WEIGHT) continue;
    for (int64_t t = 0; t < nf_weight_tensor_count(w); t++) {
      nf_weight_tensor tensor;
      nf_weight_tensor_at(w, t, &tensor);
      const nf_stored *s = &tensor.stored;
      inventory_add(v, tensor.name, tensor.scales && s->dtype == NF_F32 ? scales : s->dtype, s->rank, s->dim);
    }
  }
  nf_graph_destroy(g);
}

void inventory_write(const inventory *v, size_t first, size_t n, const char *dir, const char *file) {
  char *path = folder_path(dir, file);
  nf_safetensors_writer w;
  ok(nf_safetensors_create(path, v->tensor + first, n, &w));
  ok(nf_safetensors_commit(&w));
  free(path);
}

void inventory_deinit(inventory *v) {
  nf_free(v->tensor);
  nf_arena_deinit(&v->names);
  *v = (inventory){0};
}
