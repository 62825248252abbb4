// SPDX-License-Identifier: Apache-2.0
// Loading a model's weights into the memory of its ranks.
#include "checkpoint/weights.h"
#include "engine/engine.h"
#include <string.h>

// The first row of the weight that no token has, as far as the tokenizer can tell.
static int64_t first_padding(const infuse_model *m, const nf_value *v) {
  const bool table = strcmp(v->name, "embed.w") == 0 || strcmp(v->name, "head.w") == 0;
  return table && m->tokenizer != NULL ? nf_tokenizer_vocab_size(m->tokenizer) : INT64_MAX;
}

static nf_status load_weight(infuse_model *m, nf_weight_loader *l, int rank, size_t i) {
  const nf_value *value = &m->compiled.layout.stored[i];
  const nf_weight_sink sink = nf_weight_memory(m->rank[rank].buffer[i].data);
  return nf_weight_load(l, value, rank, first_padding(m, value), &sink);
}

static nf_status load_all(infuse_model *m, nf_weight_loader *l) {
  for (size_t i = 0; i < m->compiled.layout.n; i++)
    for (int rank = 0; rank < m->options.world; rank++)
      if (m->compiled.layout.stored[i].kind == NF_VALUE_WEIGHT) NF_TRY(load_weight(m, l, rank, i));
  return nf_log_progress(l->log, "loading weights", l->total, l->total);
}

nf_status nf_model_load_weights(infuse_model *m) {
  nf_weight_loader l = {
      .files = m->files, .threads = m->rt->threads, .log = &m->rt->log, .total = m->budget.weights};
  const nf_status st = nf_device_computes(m->rt->device) ? load_all(m, &l) : nf_ok();
  nf_weight_loader_deinit(&l);
  return st;
}
