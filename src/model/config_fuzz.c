// SPDX-License-Identifier: Apache-2.0
// Fuzzes config.json, and the graph of what it accepts. Adversarial cases: numbers at and beyond each bound,
// wrong kinds, lists of other lengths than the layers, both spellings of rope at once, sizes whose products
// overflow.
#include "model/family.h"
#include <math.h>
#include <string.h>

static void check(const nf_config *c) {
  const nf_rope_config *r = &c->rope;
  if (c->layers < 1 || c->layers > NF_CONFIG_MAX_LAYERS || c->hidden < 1 || c->hidden > NF_CONFIG_MAX_WIDTH ||
      c->vocab < 1 || c->vocab > NF_CONFIG_MAX_VOCAB || c->kv_heads < 1 || c->heads % c->kv_heads != 0 ||
      c->experts_per_token > c->experts || c->n_eos > NF_CONFIG_MAX_EOS)
    __builtin_trap();
  if (r->dims < 2 || r->dims % 2 != 0 || r->dims > c->head) __builtin_trap();
  if (c->linear.key_heads && c->linear.value_heads % c->linear.key_heads != 0) __builtin_trap();
  for (int64_t i = 0; i < c->layers; i++)
    if ((c->layer[i] == NF_LAYER_SLIDING && c->window < 1) ||
        (c->layer[i] == NF_LAYER_LINEAR && !c->linear.taps))
      __builtin_trap();
  if (c->reach < c->context || c->reach > NF_CONFIG_MAX_CONTEXT) __builtin_trap();
  if (!isfinite(r->theta) || !isfinite(r->factor) || !isfinite(r->scale) || r->factor < 1) __builtin_trap();
}

// Every expression is matched with every expert: what that takes is bounded, but not by what fuzzing waits
// for.
static bool is_quick(const nf_config *c) {
  const size_t n = c->quant.ignore.n + c->quant.targets.n;
  return n * (size_t)(c->experts + 1) <= 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  nf_json doc;
  nf_config c;
  nf_graph *g = NULL;
  nf_status st = nf_json_parse((const char *)data, n, "fuzz", &doc);
  if (nf_is_ok(st)) st = nf_config_parse(&doc, &c);
  if (nf_is_ok(st)) {
    check(&c);
    const nf_build_options o = {.activation = NF_BF16, .page = 16, .layers = 1};
    if (is_quick(&c)) st = nf_model_build(&c, NULL, &o, &g);
    // No files, so nothing can be wrong with what was accepted, but lists that treat equal experts
    // differently.
    if (!nf_is_ok(st) && !c.quant.scales) __builtin_trap();
    nf_config_deinit(&c);
  }
  if (strchr(nf_status_message(st), '\n')) __builtin_trap();
  nf_status_free(st);
  nf_graph_destroy(g);
  nf_json_deinit(&doc);
  return 0;
}
