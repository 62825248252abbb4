// SPDX-License-Identifier: Apache-2.0
// Rope in config.json, in both spellings, as transformers 5 takes them: rope_scaling, where it says anything,
// stands for the whole of rope_parameters, and what neither says the top level does, then the family.
#include "base/checked.h"
#include "base/keys.h"
#include "model/family.h"
#include <math.h>

// ---- what each key means ----

static const nf_key refused_table[] = {
    {"full_attention sliding_attention linear_attention", NF_KEY_CHANGES}, // a rope for each kind of layer
    {"*", NF_KEY_USED},
};
static const nf_keys refused = NF_KEYS(refused_table, NULL);

static const nf_key plain_table[] = {
    {"rope_type type rope_theta partial_rotary_factor", NF_KEY_USED},
    {"mrope_section mrope_interleaved _*", NF_KEY_HARMLESS}, // of pictures; text has one position
    // of other types of rope
    {"factor attention_factor", NF_KEY_CHANGES, "1"},
    {"original_max_position_embeddings beta_fast beta_slow truncate", NF_KEY_HARMLESS}, // without a factor
    {"mscale mscale_all_dim", NF_KEY_CHANGES, "0 1"},
    {"*_factor", NF_KEY_CHANGES}, // short_factor, long_factor, low_freq_factor, high_freq_factor
    {"alpha", NF_KEY_CHANGES},
};
static const nf_key yarn_table[] = {
    {"factor original_max_position_embeddings attention_factor beta_fast beta_slow truncate mscale "
     "mscale_all_dim",
     NF_KEY_USED},
};
static const nf_keys plain = NF_KEYS(plain_table, NULL), yarn = NF_KEYS(yarn_table, &plain);

// What transformers leaves out too, with a word.
static nf_status tell_unused(const nf_json_at *from, const nf_keys *known, const char *type) {
  nf_text unused = {0};
  nf_keys_list(from, known, &unused);
  if (unused.n)
    nf_json_log(from, NF_LOG_WARNING, "has no use with rope_type '%s', in transformers too: %s", type,
                unused.at);
  const nf_status st = nf_text_status(&unused);
  nf_text_deinit(&unused);
  return st;
}

// ---- YaRN ----

static bool is_null(const nf_json_at *object, const char *key) {
  return json_is_null(json_object_get(object->value, key));
}

static nf_status read_context(const nf_json_at *root, const nf_json_at *from, nf_config *c) {
  static const char key[] = "original_max_position_embeddings";
  const nf_json_at *at = nf_json_get(root, key).value ? root : from; // the top level counts first
  return nf_config_f64_or(at, key, 1, NF_CONFIG_MAX_CONTEXT, (double)c->context, &c->rope.context);
}

static nf_status read_factor(const nf_json_at *from, nf_config *c) {
  const nf_json_at factor = nf_json_get(from, "factor");
  c->rope.factor = (double)c->context / c->rope.context; // of a null
  if (is_null(from, "factor") && c->rope.factor >= 1) return nf_ok();
  return nf_json_f64(&factor, 1, 1e6, &c->rope.factor);
}

static double gain(double factor, double of) { return 0.1 * of * log(factor) + 1; }

static nf_status read_scale(const nf_json_at *from, nf_rope_config *r) {
  const nf_json_at given = nf_json_get(from, "attention_factor");
  double of = 0, all = 0;
  NF_TRY(nf_config_f64_or(from, "mscale", 0, 1e3, 0, &of));
  NF_TRY(nf_config_f64_or(from, "mscale_all_dim", 0, 1e3, 0, &all));
  const bool both = of != 0 && all != 0, some = of != 0 || all != 0;
  if (some && (!both || given.value))
    nf_json_log(from, NF_LOG_WARNING, "mscale has no use %s, in transformers too",
                given.value ? "beside attention_factor" : "without mscale_all_dim, nor that without it");
  return nf_config_f64_or(from, "attention_factor", 1e-3, 1e3,
                          both ? gain(r->factor, of) / gain(r->factor, all) : gain(r->factor, 1), &r->scale);
}

static nf_status read_yarn(const nf_json_at *root, const nf_json_at *from, nf_config *c) {
  nf_rope_config *r = &c->rope;
  const nf_json_at fast = nf_json_get(from, "beta_fast");
  NF_TRY(read_context(root, from, c));
  NF_TRY(read_factor(from, c));
  NF_TRY(nf_config_f64_or(from, "beta_fast", 1e-3, 1e6, 32, &r->beta_fast));
  NF_TRY(nf_config_f64_or(from, "beta_slow", 1e-3, 1e6, 1, &r->beta_slow));
  NF_TRY(nf_config_bool_or(from, "truncate", true, &r->truncate));
  if (r->beta_fast < r->beta_slow)
    return nf_json_error(&fast, "is %g, should be at least beta_slow, %g", r->beta_fast, r->beta_slow);
  return read_scale(from, r);
}

// ---- which columns of a head ----

static nf_status whole_heads(const nf_json_at *at, double part, nf_config *c) {
  if (part == 1) return nf_ok();
  if (c->rope.factor != 1)
    return nf_json_error(at, "is %g, should be 1: YaRN on a part of a head does not fit %s", part,
                         c->family->model_type);
  nf_json_log(at, NF_LOG_WARNING,
              "is %g, which has no effect on %s, in transformers too: heads are rotated whole", part,
              c->family->model_type);
  return nf_ok();
}

static nf_status read_rotated(const nf_json_at *root, const nf_json_at *from, nf_config *c) {
  static const char key[] = "partial_rotary_factor";
  const nf_json_at inner = nf_json_get(from, key), outer = nf_json_get(root, key);
  const nf_json_at at = inner.value ? inner : outer;
  double part = c->family->rotated != 0 && !is_null(root, key) ? c->family->rotated : 1;
  if (at.value) NF_TRY(nf_json_f64(&at, 1e-3, 1, &part));
  if (c->family->rotated == 0) {
    NF_TRY(whole_heads(&at, part, c));
    part = 1;
  }
  c->rope.dims = (int64_t)(part * (double)c->head);
  if (c->rope.dims >= 2 && c->rope.dims % 2 == 0) return nf_ok();
  const nf_json_at head = nf_json_get(root, "head_dim");
  return nf_json_error(at.value ? &at : &head,
                       "gives %ld rotated columns of a head of %ld; rotary pairs need an even number",
                       (long)c->rope.dims, (long)c->head);
}

// ---- all ----

static nf_status find(const nf_json_at *root, nf_json_at *out) {
  const nf_json_at old = nf_json_get(root, "rope_scaling"), now = nf_json_get(root, "rope_parameters");
  if (old.value) NF_TRY(nf_json_object(&old));
  if (now.value) NF_TRY(nf_json_object(&now));
  *out = json_object_size(old.value) ? old : now;
  if (json_object_size(old.value) && json_object_size(now.value) && !json_equal(old.value, now.value))
    nf_json_log(&old, NF_LOG_WARNING, "replaces the whole of rope_parameters, as in transformers");
  return nf_ok();
}

static nf_status read_theta(const nf_json_at *root, const nf_json_at *from, nf_rope_config *r) {
  const nf_json_at inner = nf_json_get(from, "rope_theta"), outer = nf_json_get(root, "rope_theta");
  const nf_json_at at = inner.value ? inner : outer;
  if (!at.value) {
    nf_json_log(&at, NF_LOG_WARNING, "is missing; %g is taken, as in transformers", r->theta);
    return nf_ok();
  }
  if (inner.value && outer.value && !json_equal(inner.value, outer.value))
    nf_json_log(&outer, NF_LOG_WARNING, "is not that of %s, which is taken, as in transformers", from->key);
  return nf_json_f64(&at, 2, 1e12, &r->theta); // at 1 all frequencies are equal
}

static nf_status read_type(const nf_json_at *from, bool *out_yarn) {
  size_t kind;
  const char *key = nf_json_get(from, "rope_type").value ? "rope_type" : "type";
  NF_TRY(nf_config_word_or(from, key, "default yarn", 0, &kind));
  *out_yarn = kind == 1;
  return nf_ok();
}

static nf_status read_scaling(const nf_json_at *root, const nf_json_at *from, nf_config *c) {
  bool is_yarn;
  NF_TRY(nf_keys_refuse(from, &refused));
  NF_TRY(read_type(from, &is_yarn));
  c->rope = (nf_rope_config){.theta = c->rope.theta, .factor = 1, .scale = 1}; // nothing of the family's
  if (is_yarn) NF_TRY(read_yarn(root, from, c));
  return tell_unused(from, is_yarn ? &yarn : &plain, is_yarn ? "yarn" : "default");
}

nf_status nf_config_rope(const nf_json_at *root, nf_config *c) {
  nf_json_at from;
  c->rope = c->family->rope;
  c->rope.scale = gain(c->rope.factor, 1);
  NF_TRY(find(root, &from));
  NF_TRY(read_theta(root, &from, &c->rope));
  if (from.value) NF_TRY(read_scaling(root, &from, c));
  NF_TRY(read_rotated(root, &from, c));
  const double reach = c->rope.factor * c->rope.context;
  c->reach = nf_max(c->context, (int64_t)fmin(reach, NF_CONFIG_MAX_CONTEXT));
  return nf_ok();
}
