// SPDX-License-Identifier: Apache-2.0
// The methods by name, those of transformers ("mxfp4", "fp8"), and the answer for one module.
#include "base/checked.h"
#include "model/quantisation_read.h"
#include <string.h>

// ---- what the readers share ----

nf_status nf_want_word(const nf_json_at *from, const char *key, const char *words, size_t *out) {
  const nf_json_at at = nf_json_get(from, key);
  size_t ignored;
  return nf_config_word(&at, words, out ? out : &ignored);
}

nf_status nf_want_bool(const nf_json_at *from, const char *key, bool want) {
  const nf_json_at at = nf_json_get(from, key);
  bool got = want;
  if (at.value) NF_TRY(nf_json_bool(&at, &got));
  if (got == want) return nf_ok();
  return nf_json_error(&at, "%s is not supported, should be %s", got ? "true" : "false",
                       want ? "true" : "false");
}

nf_status nf_want_blocks(const nf_json_at *from, const char *key) {
  const nf_json_at list = nf_json_get(from, key);
  size_t n;
  NF_TRY(nf_json_array(&list, &n));
  bool right = n == 2;
  for (size_t i = 0; right && i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    int64_t size;
    NF_TRY(nf_json_i64(&item, 1, 1 << 20, &size));
    right = size == 128;
  }
  return right ? nf_ok() : nf_json_error(&list, "is not supported, should be [128, 128]");
}

void nf_quantisation_leave(const nf_json_at *at, const char *why) {
  nf_json_log(at, NF_LOG_WARNING, "%s: activations are not quantised, which is more exact than asked for",
              why);
}

bool nf_quantisation_scales(const nf_json_at *at, bool dynamic, bool per_tensor) {
  if (dynamic && !per_tensor) return true;
  nf_quantisation_leave(at,
                        dynamic ? "one scale for all tokens is not supported" : "static scales are not used");
  return false;
}

uint32_t nf_quantisation_add(const nf_json_at *at, nf_quantisation *q, nf_dtype weight, nf_dtype activation) {
  uint32_t i = 0;
  if (activation != NF_NONE && (activation == NF_FP8_ROW) != (weight == NF_FP8_ROW)) {
    nf_quantisation_leave(at, "activations and weights are quantised in forms that do not go together");
    activation = NF_NONE;
  }
  while (i < q->n_schemes && (q->scheme[i].weight != weight || q->scheme[i].activation != activation)) i++;
  q->scheme[i] = (nf_scheme){weight, activation};
  if (i == q->n_schemes) q->n_schemes++;
  return i;
}

// ---- transformers ----

static nf_status read_mxfp4(const nf_json_at *from, nf_quantisation *q) {
  static const nf_key keys[] = {
      {"quant_method", NF_KEY_USED},
      {"modules_to_not_convert", NF_KEY_HARMLESS}, // the files say
      {"dequantize", NF_KEY_HARMLESS},
  };
  static const nf_keys known = NF_KEYS(keys, NULL);
  const nf_json_at skip = nf_json_get(from, "modules_to_not_convert");
  NF_TRY(nf_keys_refuse(from, &known));
  return nf_modules_read(&skip, NF_SPELLING_TRANSFORMERS, 0, &q->arena, &q->ignore);
}

static nf_status read_fp8_activation(const nf_json_at *from, nf_dtype dynamic, nf_dtype *out) {
  const nf_json_at scheme = nf_json_get(from, "activation_scheme");
  size_t fixed;
  bool dequantised;
  NF_TRY(nf_config_word_or(from, "activation_scheme", "dynamic static", 0, &fixed));
  NF_TRY(nf_config_bool_or(from, "dequantize", false, &dequantised));
  const bool runs = nf_quantisation_scales(&scheme, !fixed, false);
  *out = runs && !dequantised ? dynamic : NF_NONE;
  return nf_ok();
}

static nf_status read_fp8(const nf_json_at *from, nf_quantisation *q) {
  static const nf_key keys[] = {
      {"quant_method weight_block_size activation_scheme modules_to_not_convert ignored_layers fmt "
       "dequantize scale_fmt",
       NF_KEY_USED},
      {"modules_to_convert", NF_KEY_CHANGES, "[]"},
      {"expert_dtype", NF_KEY_CHANGES, "fp8"},
      {"kv_cache_scheme kv_cache_quant_method", NF_KEY_CHANGES},
  };
  static const nf_keys known = NF_KEYS(keys, NULL);
  const nf_json_at skip = nf_json_get(from, "modules_to_not_convert"),
                   ignored = nf_json_get(from, "ignored_layers");
  const bool blocks = nf_json_get(from, "weight_block_size").value;
  q->spares_head = !skip.value && !ignored.value;
  q->open_form = !blocks && !json_object_get(from->value, "weight_block_size");
  nf_dtype activation;
  size_t any;
  NF_TRY(nf_keys_refuse(from, &known));
  NF_TRY(nf_config_word_or(from, "fmt", "e4m3", 0, &any));
  NF_TRY(nf_config_word_or(from, "scale_fmt", "float ue8m0", 0, &any));
  if (blocks) NF_TRY(nf_want_blocks(from, "weight_block_size"));
  NF_TRY(read_fp8_activation(from, blocks ? NF_FP8_GROUP : NF_FP8_ROW, &activation));
  q->scales = blocks ? "weight_scale_inv" : "weight_scale";
  q->targets.all = 1 + nf_quantisation_add(from, q, blocks ? NF_FP8_BLOCK : NF_FP8_ROW, activation);
  return nf_modules_read(skip.value ? &skip : &ignored, NF_SPELLING_TRANSFORMERS, 0, &q->arena, &q->ignore);
}

// ---- the methods ----

static const struct method {
  const char *name;
  nf_status (*read)(const nf_json_at *from, nf_quantisation *q);
} methods[] = {{"mxfp4", read_mxfp4},
               {"fp8", read_fp8},
               {"compressed-tensors", nf_quantisation_compressed},
               {"quark", nf_quantisation_quark}};

static nf_status read(const nf_json_at *from, nf_quantisation *q) {
  const nf_json_at method = nf_json_get(from, "quant_method");
  nf_view name;
  NF_TRY(nf_json_object(from));
  NF_TRY(nf_json_string(&method, &name));
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (!nf_view_equal(name, nf_view_of(methods[i].name))) continue;
    q->method = methods[i].name;
    return methods[i].read(from, q);
  }
  return nf_json_error(
      &method,
      "'%.*s' is not supported, should be one of: mxfp4, fp8, compressed-tensors, quark; or the "
      "checkpoint one that is not quantised",
      (int)nf_min(name.n, 100), name.at);
}

nf_status nf_quantisation_read(const nf_json_at *root, nf_quantisation *out) {
  *out = (nf_quantisation){0};
  nf_json_at from = nf_json_get(root, "quantization_config");
  const nf_json_at old = nf_json_get(root, "compression_config");
  if (!from.value) from = old;
  if (!from.value) return nf_ok();
  const nf_status st = read(&from, out);
  if (!nf_is_ok(st)) nf_quantisation_deinit(out);
  return st;
}

void nf_quantisation_deinit(nf_quantisation *q) {
  nf_modules_deinit(&q->targets);
  nf_modules_deinit(&q->ignore);
  nf_arena_deinit(&q->arena);
  *q = (nf_quantisation){0};
}

nf_status nf_quantisation_of(const nf_quantisation *q, const char *module, nf_scheme *out) {
  bool found;
  uint32_t number;
  *out = (nf_scheme){0};
  if (!q->scales) return nf_ok(); // nothing, or MXFP4, whose family knows
  NF_TRY(nf_modules_find(&q->ignore, module, &found, &number));
  if (found) return nf_ok();
  NF_TRY(nf_modules_find(&q->targets, module, &found, &number));
  if (found) *out = q->scheme[number];
  return nf_ok();
}
