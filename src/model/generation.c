// SPDX-License-Identifier: Apache-2.0
#include "model/generation.h"
#include "base/file.h"
#include "base/memory.h"

enum { MAX_FILE = 1 << 20 };

static void add_eos(nf_generation_config *g, int32_t id) {
  for (int i = 0; i < g->n_eos; i++)
    if (g->eos[i] == id) return;
  g->eos[g->n_eos++] = id;
}

static nf_generation_config greedy(const nf_config *c) {
  nf_generation_config g = {.top_p = 1};
  for (int i = 0; i < c->n_eos; i++) add_eos(&g, c->eos[i]);
  return g;
}

nf_status nf_generation_parse(const nf_json *doc, const nf_config *c, nf_generation_config *out) {
  const nf_json_at root = nf_json_root(doc);
  nf_config own = {.vocab = c->vocab};
  double temperature, top_p, min_p;
  int64_t top_k;
  bool sample;
  NF_TRY(nf_json_object(&root));
  NF_TRY(nf_config_bool_or(&root, "do_sample", false, &sample));
  NF_TRY(nf_config_f64_or(&root, "temperature", 0, 1e6, 1, &temperature));
  NF_TRY(nf_config_i64_or(&root, "top_k", 0, NF_CONFIG_MAX_VOCAB, 0, &top_k));
  NF_TRY(nf_config_f64_or(&root, "top_p", 1e-9, 1, 1, &top_p));
  NF_TRY(nf_config_f64_or(&root, "min_p", 0, 1, 0, &min_p));
  NF_TRY(nf_config_eos(&root, &own));
  *out = greedy(c);
  for (int i = 0; i < own.n_eos; i++) add_eos(out, own.eos[i]);
  if (!sample) return nf_ok();
  out->temperature = (float)temperature;
  out->top_k = (int32_t)top_k;
  out->top_p = (float)top_p;
  out->min_p = (float)min_p;
  return nf_ok();
}

nf_status nf_generation_load(const char *dir, const nf_config *c, nf_generation_config *out) {
  char *path = NULL;
  NF_TRY(nf_path_join(dir, "generation_config.json", &path));
  *out = greedy(c);
  nf_status st = nf_ok();
  if (nf_path_exists(path)) {
    nf_json doc = {0};
    st = nf_json_load(path, MAX_FILE, &doc);
    if (nf_is_ok(st)) st = nf_generation_parse(&doc, c, out);
    nf_json_deinit(&doc);
  }
  nf_free(path);
  return st;
}
