// SPDX-License-Identifier: Apache-2.0
// quant_method "compressed-tensors", which llm-compressor writes: groups of modules, each with its scheme.
#include "base/checked.h"
#include "model/quantisation_read.h"

static const nf_key args_keys[] = {
    // of weights and of input_activations
    {"num_bits type strategy symmetric dynamic group_size block_structure", NF_KEY_USED},
    {"scale_dtype", NF_KEY_HARMLESS}, // the file's counts
    {"zp_dtype observer observer_kwargs", NF_KEY_HARMLESS},
    {"actorder", NF_KEY_CHANGES, "false static weight"},
};
static const nf_keys known_args = NF_KEYS(args_keys, NULL);

static const nf_key group_keys[] = {
    {"targets weights input_activations format", NF_KEY_USED},
    {"output_activations", NF_KEY_CHANGES},
};
static const nf_keys known_of_group = NF_KEYS(group_keys, NULL);

static const nf_key config_keys[] = {
    {"quant_method config_groups format ignore sparsity_config", NF_KEY_USED},
    {"quantization_status global_compression_ratio version run_compressed", NF_KEY_HARMLESS},
    {"kv_cache_scheme", NF_KEY_CHANGES},
    {"transform_config", NF_KEY_CHANGES, "{}"},
};
static const nf_keys known = NF_KEYS(config_keys, NULL);

// ---- formats ----

static const struct {
  const char *format, *is; // is NULL: supported
} formats[] = {
    {"float-quantized", NULL},
    {"naive-quantized", NULL},
    {"mxfp4-pack-quantized", "MXFP4"},
    {"nvfp4-pack-quantized", "NVFP4"},
    {"mxfp8-quantized", "MXFP8"},
    {"int-quantized", "INT8"},
    {"pack-quantized", "packed integers, as GPTQ and AWQ have them"},
    {"marlin-24", "sparse integers"},
    {"dense", "weights not compressed yet"},
};

static nf_status check_format(const nf_json_at *from, bool optional) {
  const nf_json_at at = nf_json_get(from, "format");
  nf_view got;
  if (!at.value && optional) return nf_ok();
  NF_TRY(nf_json_string(&at, &got));
  const char *is = "";
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    if (!nf_view_equal(got, nf_view_of(formats[i].format))) continue;
    if (!formats[i].is) return nf_ok();
    is = formats[i].is;
  }
  return nf_json_error(
      &at,
      "'%.*s'%s%s%s is not supported, should be 'float-quantized' or 'naive-quantized' (FP8), "
      "or the checkpoint one that is not quantised",
      (int)nf_min(got.n, 100), got.at, *is ? " (" : "", is, *is ? ")" : "");
}

// Mixed recipes say what they are group by group.
static nf_status check_formats(const nf_json_at *from, bool *out_mixed) {
  const nf_json_at at = nf_json_get(from, "format");
  nf_view got;
  NF_TRY(nf_json_string(&at, &got));
  *out_mixed = nf_view_equal(got, NF_VIEW("mixed-precision"));
  return *out_mixed ? nf_ok() : check_format(from, false);
}

// ---- schemes ----

static nf_status read_args(const nf_json_at *from, const char *strategies, size_t *out_strategy) {
  const nf_json_at bits = nf_json_get(from, "num_bits");
  int64_t n;
  NF_TRY(nf_json_object(from));
  NF_TRY(nf_keys_refuse(from, &known_args));
  NF_TRY(nf_json_i64(&bits, 1, 1 << 20, &n));
  if (n != 8) return nf_json_error(&bits, "%ld is not supported, should be 8", (long)n);
  NF_TRY(nf_want_word(from, "type", "float", NULL));
  NF_TRY(nf_want_bool(from, "symmetric", true));
  return nf_want_word(from, "strategy", strategies, out_strategy);
}

static nf_status read_weights(const nf_json_at *from, nf_dtype *out) {
  enum { BLOCK = 2 };
  size_t strategy;
  NF_TRY(read_args(from, "channel tensor block", &strategy));
  NF_TRY(nf_want_bool(from, "dynamic", false));
  *out = strategy == BLOCK ? NF_FP8_BLOCK : NF_FP8_ROW;
  return strategy == BLOCK ? nf_want_blocks(from, "block_structure") : nf_ok();
}

static nf_status read_activations(const nf_json_at *from, nf_dtype *out) {
  enum { TOKEN, GROUP, TENSOR };
  const nf_json_at size = nf_json_get(from, "group_size");
  size_t strategy;
  bool dynamic;
  *out = NF_NONE;
  if (!from->value) return nf_ok();
  NF_TRY(read_args(from, "token group tensor", &strategy));
  NF_TRY(nf_config_bool_or(from, "dynamic", false, &dynamic));
  if (!nf_quantisation_scales(from, dynamic, strategy == TENSOR)) return nf_ok();
  if (strategy == GROUP && json_integer_value(size.value) != 128)
    nf_quantisation_leave(&size, "groups of other than 128 are not supported");
  else
    *out = strategy == TOKEN ? NF_FP8_ROW : NF_FP8_GROUP;
  return nf_ok();
}

static nf_status read_group(const nf_json_at *group, bool mixed, nf_quantisation *q) {
  const nf_json_at weights = nf_json_get(group, "weights"), acts = nf_json_get(group, "input_activations");
  const nf_json_at targets = nf_json_get(group, "targets");
  nf_dtype weight, activation;
  size_t n;
  NF_TRY(nf_json_object(group));
  NF_TRY(nf_keys_refuse(group, &known_of_group));
  NF_TRY(check_format(group, !mixed));
  NF_TRY(read_weights(&weights, &weight));
  NF_TRY(read_activations(&acts, &activation));
  const uint32_t number = nf_quantisation_add(group, q, weight, activation);
  NF_TRY(nf_json_array(&targets, &n));
  return nf_modules_read(&targets, NF_SPELLING_COMPRESSED, number, &q->arena, &q->targets);
}

static nf_status read_groups(const nf_json_at *groups, bool mixed, nf_quantisation *q) {
  const char *name;
  json_t *value;
  NF_TRY(nf_json_object(groups));
  if (json_object_size(groups->value) == 0) return nf_json_error(groups, "is empty, should have a group");
  json_object_foreach(groups->value, name, value) {
    const nf_json_at group = nf_json_get(groups, name);
    NF_TRY(read_group(&group, mixed, q));
  }
  return nf_ok();
}

nf_status nf_quantisation_compressed(const nf_json_at *from, nf_quantisation *q) {
  const nf_json_at groups = nf_json_get(from, "config_groups"), ignore = nf_json_get(from, "ignore");
  const nf_json_at sparsity = nf_json_get(from, "sparsity_config");
  bool mixed;
  NF_TRY(nf_keys_refuse(from, &known));
  NF_TRY(check_formats(from, &mixed));
  size_t dense;
  if (sparsity.value) NF_TRY(nf_json_object(&sparsity));
  NF_TRY(nf_config_word_or(&sparsity, "format", "dense", 0, &dense));
  q->scales = "weight_scale";
  NF_TRY(read_groups(&groups, mixed, q));
  return nf_modules_read(&ignore, NF_SPELLING_COMPRESSED, 0, &q->arena, &q->ignore);
}
