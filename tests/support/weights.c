// SPDX-License-Identifier: Apache-2.0
#include "tests/support/weights.h"
#include "model/family.h"

nf_status load_every_weight(const nf_checkpoint *files, const nf_graph *g) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  for (size_t i = 1; i < g->n_values; i++) {
    if (g->value[i].kind != NF_VALUE_WEIGHT) continue;
    size_t n;
    NF_TRY(nf_type_bytes(&g->value[i].type, &none, &n));
    void *data = nf_alloc_aligned(n);
    if (data == NULL) return nf_error(NF_NO_MEMORY, "no memory for a weight");
    const nf_status st = load_weight(files, &g->value[i], 0, data);
    nf_free_aligned(data);
    NF_TRY(st);
  }
  return nf_ok();
}

nf_status load_folder(const char *dir, int64_t layers) {
  nf_checkpoint *files = NULL;
  nf_graph *g = NULL;
  nf_config config = {0};
  nf_status st;
  const nf_build_options options = {.activation = NF_F32, .page = 16, .layers = layers};
  NF_GOTO(nf_checkpoint_open(dir, NULL, &files));
  NF_GOTO(nf_config_load(dir, NULL, &config));
  NF_GOTO(nf_model_build(&config, files, &options, &g));
  NF_GOTO(load_every_weight(files, g));
fail:
  nf_graph_destroy(g);
  nf_config_deinit(&config);
  nf_checkpoint_close(files);
  return st;
}
