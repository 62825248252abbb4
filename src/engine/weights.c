// SPDX-License-Identifier: Apache-2.0
// Loading a model's weights into the memory of its ranks.
#include "base/memory.h"
#include "engine/engine.h"
#include "engine/upload.h"
#include <string.h>

// The first row of the weight that no token has, as far as the tokenizer can tell.
static int64_t first_padding(const infuse_model *m, const nf_value *v) {
  const bool table = strcmp(v->name, "embed.w") == 0 || strcmp(v->name, "head.w") == 0;
  return table && m->tokenizer != NULL ? nf_tokenizer_vocab_size(m->tokenizer) : INT64_MAX;
}

// Rank by rank for each weight, so that what several of them read is read from the disk once.
static nf_status load_all(infuse_model *m, nf_weight_loader *l, nf_upload *upload) {
  for (size_t i = 0; i < m->compiled.layout.n; i++)
    for (int rank = 0; rank < m->options.world; rank++) {
      const nf_value *v = &m->compiled.layout.stored[i];
      const nf_weight_sink sink = nf_upload_sink(&upload[rank], &m->rank[rank].buffer[i]);
      if (v->kind == NF_VALUE_WEIGHT) NF_TRY(nf_weight_load(l, v, rank, first_padding(m, v), &sink));
    }
  return nf_log_progress(l->log, "loading weights", l->total, l->total);
}

nf_status nf_model_load_weights(infuse_model *m) {
  nf_weight_loader l = {
      .files = m->files, .threads = m->rt->threads, .log = &m->rt->log, .total = m->budget.of[NF_WEIGHTS]};
  if (!nf_device_computes(m->rt->device)) return nf_ok();
  nf_upload *upload;
  NF_TRY(nf_make(&upload, (size_t)m->options.world, sizeof *upload, "loading weights"));
  for (int rank = 0; rank < m->options.world; rank++) nf_upload_init(&upload[rank], m->rank[rank].device);
  const nf_status st = load_all(m, &l, upload);
  for (int rank = 0; rank < m->options.world; rank++) nf_upload_deinit(&upload[rank]);
  nf_free(upload);
  nf_weight_loader_deinit(&l);
  return st;
}
