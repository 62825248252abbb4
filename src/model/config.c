// SPDX-License-Identifier: Apache-2.0
// Reading config.json: what all families share. What is peculiar to one is in its own file.
#include "model/config.h"
#include "base/file.h"
#include "base/memory.h"
#include "model/family.h"
#include <stdio.h>
#include <string.h>

enum { MAX_BYTES = 4 << 20 };

nf_status nf_config_i64(const nf_json_at *root, const char *key, int64_t lo, int64_t hi, int64_t *out) {
  const nf_json_at at = nf_json_get(root, key);
  return nf_json_i64(&at, lo, hi, out);
}

nf_status nf_config_i64_or(const nf_json_at *root, const char *key, int64_t lo, int64_t hi, int64_t otherwise,
                           int64_t *out) {
  *out = otherwise;
  const nf_json_at at = nf_json_get(root, key);
  return at.value ? nf_json_i64(&at, lo, hi, out) : nf_ok();
}

nf_status nf_config_f64_or(const nf_json_at *root, const char *key, double lo, double hi, double otherwise,
                           double *out) {
  *out = otherwise;
  const nf_json_at at = nf_json_get(root, key);
  return at.value ? nf_json_f64(&at, lo, hi, out) : nf_ok();
}

nf_status nf_config_bool_or(const nf_json_at *root, const char *key, bool otherwise, bool *out) {
  *out = otherwise;
  const nf_json_at at = nf_json_get(root, key);
  return at.value ? nf_json_bool(&at, out) : nf_ok();
}

nf_status nf_config_word(const nf_json_at *at, const char *words, size_t *out) {
  nf_view got, own;
  NF_TRY(nf_json_string(at, &got));
  *out = 0;
  for (const char *next = words; nf_next_word(&next, &own); ++*out)
    if (nf_view_equal(got, own)) return nf_ok();
  return nf_json_error(at,
                       strchr(words, ' ') ? "'%.*s' is not supported, should be one of: %s"
                                          : "'%.*s' is not supported, should be '%s'",
                       (int)(got.n < 100 ? got.n : 100), got.at, words);
}

nf_status nf_config_word_or(const nf_json_at *root, const char *key, const char *words, size_t otherwise,
                            size_t *out) {
  *out = otherwise;
  const nf_json_at at = nf_json_get(root, key);
  return at.value ? nf_config_word(&at, words, out) : nf_ok();
}

nf_status nf_config_layers(const nf_json_at *root, unsigned kinds, nf_config *c) {
  const nf_json_at list = nf_json_get(root, "layer_types");
  if (!list.value) return nf_ok();
  size_t n;
  NF_TRY(nf_json_array(&list, &n));
  if (n != (size_t)c->layers)
    return nf_json_error(&list, "has %zu entries, should have one for each of the %ld layers", n,
                         (long)c->layers);
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&list, i);
    size_t kind;
    NF_TRY(nf_config_word(&item, "full_attention sliding_attention linear_attention", &kind));
    if (!(kinds >> kind & 1))
      return nf_json_error(&item, "'%s' does not fit: %s has no such layers", json_string_value(item.value),
                           c->family->model_type);
    c->layer[i] = (nf_layer_kind)kind;
  }
  return nf_ok();
}

static nf_status read_eos(const nf_json_at *at, nf_config *c) {
  int64_t id;
  NF_TRY(nf_json_i64(at, 0, NF_CONFIG_MAX_VOCAB - 1, &id));
  c->eos[c->n_eos++] = (int32_t)id;
  return nf_ok();
}

nf_status nf_config_eos(const nf_json_at *root, nf_config *c) {
  const nf_json_at at = nf_json_get(root, "eos_token_id");
  c->n_eos = 0;
  if (!at.value) return nf_ok();
  if (!json_is_array(at.value)) return read_eos(&at, c);
  size_t n;
  NF_TRY(nf_json_array(&at, &n));
  if (n > NF_CONFIG_MAX_EOS)
    return nf_json_error(&at, "has %zu ids, should have at most %d", n, NF_CONFIG_MAX_EOS);
  for (size_t i = 0; i < n; i++) {
    const nf_json_at item = nf_json_item(&at, i);
    NF_TRY(read_eos(&item, c));
  }
  return nf_ok();
}

nf_status nf_config_decoder(const nf_json_at *root, nf_config *c) {
  NF_TRY(nf_config_i64(root, "num_hidden_layers", 1, NF_CONFIG_MAX_LAYERS, &c->layers));
  NF_TRY(nf_config_i64(root, "hidden_size", 32, NF_CONFIG_MAX_WIDTH, &c->hidden));
  NF_TRY(nf_config_i64(root, "vocab_size", 1, NF_CONFIG_MAX_VOCAB, &c->vocab));
  NF_TRY(nf_config_i64(root, "num_attention_heads", 1, NF_CONFIG_MAX_HEADS, &c->heads));
  NF_TRY(nf_config_i64(root, "num_key_value_heads", 1, c->heads, &c->kv_heads));
  NF_TRY(nf_config_i64(root, "head_dim", 2, NF_CONFIG_MAX_HEAD, &c->head));
  NF_TRY(nf_config_i64_or(root, "max_position_embeddings", 1, NF_CONFIG_MAX_CONTEXT, 131072, &c->context));
  NF_TRY(nf_config_f64_or(root, "rms_norm_eps", 1e-12, 1, c->family->eps, &c->eps));
  NF_TRY(nf_config_bool_or(root, "attention_bias", c->family->attention_bias, &c->attention_bias));
  NF_TRY(nf_config_bool_or(root, "tie_word_embeddings", false, &c->tied));
  NF_TRY(nf_config_rope(root, c));
  const nf_json_at heads = nf_json_get(root, "num_key_value_heads");
  if (c->heads % c->kv_heads != 0)
    return nf_json_error(&heads, "%ld does not divide num_attention_heads %ld", (long)c->kv_heads,
                         (long)c->heads);
  return nf_config_eos(root, c);
}

static nf_status unknown_family(const nf_json_at *at, const char *got) {
  nf_text known = {0};
  size_t n;
  const nf_family *const *family = nf_families(&n);
  for (size_t i = 0; i < n; i++)
    nf_text_printf(&known, "%s%s (%s)", i ? ", " : "", family[i]->model_type, family[i]->architecture);
  nf_status st = nf_text_status(&known);
  if (nf_is_ok(st)) st = nf_json_error(at, "'%.100s' is not supported; infuse knows %s", got, known.at);
  nf_text_deinit(&known);
  return st;
}

// The family by model_type; `architectures`, when present, must name the same one.
static nf_status read_family(const nf_json_at *root, const nf_family **out) {
  nf_view type, architecture;
  size_t n;
  const nf_json_at type_at = nf_json_get(root, "model_type"), list = nf_json_get(root, "architectures");
  NF_TRY(nf_json_string(&type_at, &type));
  *out = nf_family_find(type.at, NULL);
  if (!*out) return unknown_family(&type_at, type.at);
  if (!list.value) return nf_ok();
  NF_TRY(nf_json_array(&list, &n));
  if (n == 0) return nf_ok();
  const nf_json_at first = nf_json_item(&list, 0);
  NF_TRY(nf_json_string(&first, &architecture));
  if (nf_view_equal(architecture, nf_view_of((*out)->architecture))) return nf_ok();
  if (!nf_family_find(NULL, architecture.at)) return unknown_family(&first, architecture.at);
  return nf_json_error(&first, "'%s' is not that of model_type '%s', should be '%s'", architecture.at,
                       type.at, (*out)->architecture);
}

// Activation types: any of these runs, since infuse chooses its own.
static const char dtypes[] = "bfloat16 float16 float32 auto half float torch.bfloat16 torch.float16 "
                             "torch.float32 torch.half torch.float";

static nf_status check_quantisation(const nf_json_at *root, const nf_config *c) {
  const bool mxfp4 = c->quant.method && !c->quant.scales;
  const nf_json_at at = nf_json_get(root, "quantization_config");
  if (!mxfp4 || c->family->mxfp4) return nf_ok();
  return nf_json_error(&at, "quant_method 'mxfp4' does not fit %s, should be another", c->family->model_type);
}

nf_status nf_config_parse(const nf_json *doc, nf_config *out) {
  *out = (nf_config){0};
  snprintf(out->where, sizeof out->where, "%s", doc->where);
  size_t ignored;
  const nf_json_at root = nf_json_root(doc);
  NF_TRY(nf_json_object(&root));
  NF_TRY(read_family(&root, &out->family));
  NF_TRY(nf_keys_refuse(&root, out->family->keys));
  NF_TRY(nf_config_word_or(&root, "torch_dtype", dtypes, 0, &ignored));
  NF_TRY(nf_config_word_or(&root, "dtype", dtypes, 0, &ignored));
  NF_TRY(nf_quantisation_read(&root, &out->quant));
  nf_status st = out->family->config(&root, out);
  if (nf_is_ok(st)) st = check_quantisation(&root, out);
  if (!nf_is_ok(st)) nf_config_deinit(out);
  return st;
}

void nf_config_deinit(nf_config *c) { nf_quantisation_deinit(&c->quant); }

nf_status nf_config_load(const char *dir, const nf_log *log, nf_config *out) {
  *out = (nf_config){0};
  char *path;
  NF_TRY(nf_checkpoint_folder(dir));
  NF_TRY(nf_path_join(dir, "config.json", &path));
  nf_json doc;
  nf_status st = nf_json_load(path, MAX_BYTES, &doc);
  nf_free(path);
  NF_TRY(st);
  doc.log = log;
  st = nf_config_parse(&doc, out);
  nf_json_deinit(&doc);
  return st;
}
