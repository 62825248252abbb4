// SPDX-License-Identifier: Apache-2.0
// quant_method "quark", which AMD Quark writes: one scheme for all, others for layers by pattern.
#include "base/checked.h"
#include "model/quantisation_read.h"

static const nf_key spec_keys[] = {
    // of a weight or of input_tensors
    {"dtype qscheme symmetric is_dynamic ch_axis", NF_KEY_USED},
    {"is_scale_quant", NF_KEY_CHANGES, "false"},
    {"*", NF_KEY_HARMLESS}, // how scales were found
};
static const nf_keys known_of_spec = NF_KEYS(spec_keys, NULL);

static const nf_key scheme_keys[] = {
    {"weight input_tensors", NF_KEY_USED},
    {"output_tensors bias", NF_KEY_CHANGES},
    {"target_device", NF_KEY_HARMLESS},
};
static const nf_keys known_of_scheme = NF_KEYS(scheme_keys, NULL);

static const nf_key config_keys[] = {
    {"quant_method global_quant_config layer_quant_config exclude export algo_config", NF_KEY_USED},
    {"version quant_mode kv_cache_post_rope", NF_KEY_HARMLESS},
    {"layer_type_quant_config kv_cache_quant_config", NF_KEY_CHANGES, "{}"},
    {"softmax_quant_spec", NF_KEY_CHANGES},
};
static const nf_keys known = NF_KEYS(config_keys, NULL);

static nf_status read_spec(const nf_json_at *from, size_t *out_per_channel) {
  NF_TRY(nf_json_object(from));
  NF_TRY(nf_keys_refuse(from, &known_of_spec));
  NF_TRY(nf_want_word(from, "dtype", "fp8_e4m3", NULL));
  NF_TRY(nf_want_bool(from, "symmetric", true));
  return nf_want_word(from, "qscheme", "per_tensor per_channel", out_per_channel);
}

static nf_status read_input(const nf_json_at *from, nf_dtype *out) {
  size_t per_channel;
  bool dynamic;
  *out = NF_NONE;
  if (!from->value) return nf_ok();
  NF_TRY(read_spec(from, &per_channel));
  NF_TRY(nf_config_bool_or(from, "is_dynamic", false, &dynamic));
  if (nf_quantisation_scales(from, dynamic, !per_channel))
    *out = NF_FP8_ROW; // of the tokens' channels: a scale for each token
  return nf_ok();
}

// A scheme's number. Without a weight its layers are not quantised.
static nf_status read_scheme(const nf_json_at *from, nf_quantisation *q, uint32_t *out) {
  const nf_json_at weight = nf_json_get(from, "weight"), input = nf_json_get(from, "input_tensors");
  size_t per_channel;
  nf_dtype activation;
  NF_TRY(nf_json_object(from));
  NF_TRY(nf_keys_refuse(from, &known_of_scheme));
  if (!weight.value) return *out = nf_quantisation_add(from, q, NF_NONE, NF_NONE), nf_ok();
  NF_TRY(read_spec(&weight, &per_channel));
  NF_TRY(nf_want_bool(&weight, "is_dynamic", false));
  int64_t rows;
  if (per_channel) NF_TRY(nf_config_i64_or(&weight, "ch_axis", 0, 0, 0, &rows));
  NF_TRY(read_input(&input, &activation));
  *out = nf_quantisation_add(from, q, NF_FP8_ROW, activation);
  return nf_ok();
}

static nf_status read_layers(const nf_json_at *layers, nf_quantisation *q) {
  const char *pattern;
  json_t *value;
  uint32_t number;
  if (!layers->value) return nf_ok();
  NF_TRY(nf_json_object(layers));
  json_object_foreach(layers->value, pattern, value) {
    const nf_json_at at = nf_json_get(layers, pattern);
    NF_TRY(read_scheme(&at, q, &number));
    NF_TRY(nf_modules_add(&at, pattern, NF_SPELLING_GLOB, number, &q->arena, &q->targets));
  }
  return nf_ok();
}

// Algorithms that leave nothing to do but in the weights themselves.
static nf_status check_algorithms(const nf_json_at *from) {
  const nf_json_at list = nf_json_get(from, "algo_config");
  size_t n = 0;
  if (!list.value) return nf_ok();
  NF_TRY(nf_json_array(&list, &n));
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    NF_TRY(nf_json_object(&item));
    NF_TRY(nf_want_word(&item, "name", "smooth awq gptq gptaq qronos autosmoothquant", NULL));
  }
  return nf_ok();
}

nf_status nf_quantisation_quark(const nf_json_at *from, nf_quantisation *q) {
  static const nf_key export_keys[] = {{"kv_cache_group", NF_KEY_CHANGES, "[]"}, {"*", NF_KEY_HARMLESS}};
  static const nf_keys known_of_export = NF_KEYS(export_keys, NULL);
  const nf_json_at all = nf_json_get(from, "global_quant_config"),
                   layers = nf_json_get(from, "layer_quant_config");
  const nf_json_at exclude = nf_json_get(from, "exclude"), export = nf_json_get(from, "export");
  uint32_t number;
  size_t any;
  NF_TRY(nf_keys_refuse(from, &known));
  NF_TRY(nf_keys_refuse(&export, &known_of_export));
  NF_TRY(nf_config_word_or(&export, "weight_format", "real_quantized", 0, &any));
  NF_TRY(check_algorithms(from));
  q->scales = "weight_scale";
  q->fused_experts = true;
  NF_TRY(read_scheme(&all, q, &number));
  q->targets.all = 1 + number;
  NF_TRY(read_layers(&layers, q));
  return nf_modules_read(&exclude, NF_SPELLING_GLOB, 0, &q->arena, &q->ignore);
}
