// SPDX-License-Identifier: Apache-2.0
// config.json: what the published and the small checkpoint's say, both spellings, what is assumed when a key
// is missing. What is refused is in tests/bad_input.def.
#include "model/family.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

// The small checkpoint's config with key (in an object, when inner) set to JSON `text`, or removed.
static nf_config changed(const char *key, const char *inner, const char *text) {
  nf_json doc;
  ok(nf_json_load("checkpoints/gpt-oss-tiny/config.json", 1 << 20, &doc));
  json_t *at = inner ? json_object_get(doc.root, key) : doc.root;
  if (text)
    json_object_set_new(at, inner ? inner : key, json_loads(text, JSON_DECODE_ANY, NULL));
  else
    json_object_del(at, inner ? inner : key);
  nf_config c;
  ok(nf_config_parse(&doc, &c));
  nf_json_deinit(&doc);
  return c;
}

// The config of `dir` with the keys of JSON `text` instead.
static nf_config changed_of(const char *dir, const char *text) {
  char path[128];
  nf_json doc;
  nf_config c;
  snprintf(path, sizeof path, "%s/config.json", dir);
  ok(nf_json_load(path, 1 << 20, &doc));
  json_t *other = json_loads(text, 0, NULL);
  assert_int_equal(json_object_update(doc.root, other), 0);
  json_decref(other);
  ok(nf_config_parse(&doc, &c));
  nf_json_deinit(&doc);
  return c;
}

static void published_configs_are_read(void **state) {
  (void)state;
  static const struct {
    const char *dir;
    int64_t layers, experts;
  } all[] = {{"configs/gpt-oss-20b", 24, 32}, {"configs/gpt-oss-120b", 36, 128}};
  for (size_t i = 0; i < 2; i++) {
    nf_config c;
    ok(nf_config_load(all[i].dir, NULL, &c));
    assert_string_equal(c.family->model_type, "gpt_oss");
    assert_int_equal(c.layers, all[i].layers);
    assert_int_equal(c.experts, all[i].experts);
    assert_int_equal(c.experts_per_token, 4);
    assert_int_equal(c.hidden, 2880);
    assert_int_equal(c.inner, 2880);
    assert_int_equal(c.heads, 64);
    assert_int_equal(c.kv_heads, 8);
    assert_int_equal(c.head, 64);
    assert_int_equal(c.vocab, 201088);
    assert_int_equal(c.window, 128);
    assert_int_equal(c.context, 131072);
    assert_true(c.attention_bias && !c.tied && c.quant.method && !c.quant.scales && !c.rope.truncate);
    assert_true(c.eps == 1e-5 && c.swiglu_limit == 7 && c.swiglu_alpha == 1.702);
    assert_true(c.rope.theta == 150000 && c.rope.factor == 32 && c.rope.context == 4096);
    assert_true(c.rope.beta_fast == 32 && c.rope.beta_slow == 1);
    assert_true(fabs(c.rope.scale - 1.3465735903) < 1e-9);
    assert_int_equal(c.n_eos, 1);
    assert_int_equal(c.eos[0], 200002);
    for (int64_t l = 0; l < c.layers; l++)
      assert_int_equal(c.layer[l], l % 2 ? NF_LAYER_FULL : NF_LAYER_SLIDING);
    nf_config_deinit(&c);
  }
}

static void published_qwen_configs_are_read(void **state) {
  (void)state;
  static const struct {
    const char *dir, *family;
    int64_t layers, hidden, heads, kv_heads, head, rotated, inner;
    bool tied;
    nf_dtype weight, activation;
  } all[] = {
      {"configs/qwen3-0.6b", "qwen3", 28, 1024, 16, 8, 128, 128, 3072, true, NF_NONE, NF_NONE},
      {"configs/qwen3-8b-fp8", "qwen3", 36, 4096, 32, 8, 128, 128, 12288, false, NF_FP8_BLOCK, NF_FP8_GROUP},
      {"configs/qwen3-32b-fp8-dynamic", "qwen3", 64, 5120, 64, 8, 128, 128, 25600, false, NF_FP8_ROW,
       NF_FP8_ROW},
      {"configs/qwen3-next-80b-a3b-fp8", "qwen3_next", 48, 2048, 16, 2, 256, 64, 512, false, NF_FP8_BLOCK,
       NF_FP8_GROUP}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    nf_config c;
    ok(nf_config_load(all[i].dir, NULL, &c));
    assert_string_equal(c.family->model_type, all[i].family);
    assert_int_equal(c.layers, all[i].layers);
    assert_int_equal(c.hidden, all[i].hidden);
    assert_int_equal(c.heads, all[i].heads);
    assert_int_equal(c.kv_heads, all[i].kv_heads);
    assert_int_equal(c.head, all[i].head);
    assert_int_equal(c.rope.dims, all[i].rotated);
    assert_int_equal(c.inner, all[i].inner);
    assert_int_equal(c.tied, all[i].tied);
    nf_scheme scheme;
    ok(nf_quantisation_of(&c.quant, "model.layers.3.self_attn.o_proj", &scheme));
    assert_int_equal(scheme.weight, all[i].weight);
    assert_int_equal(scheme.activation, all[i].activation);
    assert_int_equal(c.vocab, 151936);
    assert_true(c.eps == 1e-6 && !c.attention_bias && c.window == 0 && c.n_eos == 1 && c.eos[0] == 151645);
    nf_config_deinit(&c);
  }
}

static void what_qwen3_next_adds_is_read(void **state) {
  (void)state;
  nf_config c;
  ok(nf_config_load("configs/qwen3-next-80b-a3b-fp8", NULL, &c));
  for (int64_t l = 0; l < c.layers; l++) {
    assert_int_equal(c.layer[l], l % 4 == 3 ? NF_LAYER_FULL : NF_LAYER_LINEAR);
    assert_false(c.dense[l]);
  }
  assert_int_equal(c.experts, 512);
  assert_int_equal(c.experts_per_token, 10);
  assert_int_equal(c.shared_inner, 512);
  assert_true(c.norm_topk && c.rope.theta == 1e7);
  const nf_linear_config want = {.key_heads = 16, .value_heads = 32, .key = 128, .value = 128, .taps = 4};
  assert_memory_equal(&c.linear, &want, sizeof want);
  nf_config_deinit(&c);
}

// Which layers slide, and which have no experts, in every way to say it.
static void layers_are_chosen(void **state) {
  (void)state;
  nf_config c = changed_of(
      "checkpoints/qwen3-tiny",
      "{\"use_sliding_window\":true,\"sliding_window\":16,\"max_window_layers\":1,\"layer_types\":null}");
  assert_int_equal(c.layer[0], NF_LAYER_FULL);
  assert_int_equal(c.layer[1], NF_LAYER_SLIDING);
  assert_int_equal(c.window, 16);
  nf_config_deinit(&c);
  c = changed_of("checkpoints/qwen3-tiny",
                 "{\"use_sliding_window\":false,\"sliding_window\":16,\"max_window_layers\":0}");
  assert_int_equal(c.layer[2], NF_LAYER_FULL);
  nf_config_deinit(&c);
  c = changed_of("checkpoints/qwen3-next-tiny", "{\"layer_types\":null,\"full_attention_interval\":2,"
                                                "\"decoder_sparse_step\":2,\"mlp_only_layers\":[3]}");
  for (int l = 0; l < 4; l++) {
    assert_int_equal(c.layer[l], l % 2 ? NF_LAYER_FULL : NF_LAYER_LINEAR);
    assert_int_equal(c.dense[l], l != 1);
  }
  nf_config_deinit(&c);
}

static void both_spellings_of_rope_agree(void **state) {
  (void)state;
  nf_json doc;
  ok(nf_json_load("checkpoints/gpt-oss-tiny/config.json", 1 << 20, &doc));
  nf_config now, then, legacy;
  ok(nf_config_parse(&doc, &now));
  json_t *rope = json_incref(json_object_get(doc.root, "rope_parameters"));
  json_object_del(doc.root, "rope_parameters");
  json_object_set(doc.root, "rope_theta", json_object_get(rope, "rope_theta"));
  json_object_del(rope, "rope_theta");
  json_object_set_new(doc.root, "rope_scaling", rope);
  ok(nf_config_parse(&doc, &then));
  json_object_set(rope, "type", json_object_get(rope, "rope_type"));
  json_object_del(rope, "rope_type");
  ok(nf_config_parse(&doc, &legacy));
  assert_memory_equal(&now.rope, &then.rope, sizeof now.rope);
  assert_memory_equal(&now.rope, &legacy.rope, sizeof now.rope);
  nf_config_deinit(&then);
  json_object_set_new(doc.root, "rope_scaling", json_null());
  ok(nf_config_parse(&doc, &then));
  assert_true(then.rope.factor == 1 && then.rope.scale == 1 && then.rope.theta == 150000);
  nf_config_deinit(&now);
  nf_config_deinit(&then);
  nf_config_deinit(&legacy);
  nf_json_deinit(&doc);
}

static void missing_keys_have_their_defaults(void **state) {
  (void)state;
  nf_config c = changed("rope_parameters", "truncate", NULL);
  assert_true(c.rope.truncate);
  nf_config_deinit(&c);
  c = changed("rope_parameters", "beta_fast", NULL);
  assert_true(c.rope.beta_fast == 32);
  nf_config_deinit(&c);
  c = changed("rope_parameters", "attention_factor", "1.5");
  assert_true(c.rope.scale == 1.5);
  nf_config_deinit(&c);
  c = changed("layer_types", NULL, NULL);
  assert_int_equal(c.layer[0], NF_LAYER_SLIDING);
  assert_int_equal(c.layer[3], NF_LAYER_FULL);
  nf_config_deinit(&c);
  c = changed("layer_types", NULL,
              "[\"full_attention\",\"full_attention\",\"sliding_attention\",\"sliding_attention\"]");
  assert_int_equal(c.layer[0], NF_LAYER_FULL);
  assert_int_equal(c.layer[3], NF_LAYER_SLIDING);
  assert_int_equal(c.n_eos, 0);
  nf_config_deinit(&c);
  c = changed("eos_token_id", NULL, "[3,1,2]");
  assert_int_equal(c.n_eos, 3);
  assert_int_equal(c.eos[0], 3);
  nf_config_deinit(&c);
  c = changed("architectures", NULL, NULL);
  assert_ptr_equal(c.family, nf_family_find("gpt_oss", NULL));
  nf_config_deinit(&c);
  c = changed("vocab_size", NULL, "384.0"); // a whole number however it is written
  assert_int_equal(c.vocab, 384);
  nf_config_deinit(&c);
}

static void families_are_found_by_either_name(void **state) {
  (void)state;
  size_t n;
  const nf_family *const *all = nf_families(&n);
  assert_true(n > 0);
  for (size_t i = 0; i < n; i++) {
    assert_ptr_equal(nf_family_find(all[i]->model_type, NULL), all[i]);
    assert_ptr_equal(nf_family_find(NULL, all[i]->architecture), all[i]);
    assert_null(nf_family_find(all[i]->model_type, "Other"));
  }
  assert_null(nf_family_find("other", NULL));
}

static void fewer_layers_can_be_asked_for(void **state) {
  (void)state;
  nf_config c;
  ok(nf_config_load("configs/gpt-oss-20b", NULL, &c));
  size_t nodes[3];
  for (int64_t layers = 0; layers < 3; layers++) {
    nf_graph *g;
    const nf_build_options o = {.activation = NF_BF16, .page = 16, .layers = layers};
    ok(nf_model_build(&c, NULL, &o, &g));
    nodes[layers] = g->n_nodes;
    nf_graph_destroy(g);
  }
  assert_int_equal(nodes[0] - nodes[1], 23 * (nodes[2] - nodes[1]));
  const nf_build_options o = {.activation = NF_BF16, .page = 16, .layers = 25};
  nf_graph *g;
  nf_status st = nf_model_build(&c, NULL, &o, &g);
  assert_int_equal(nf_status_code(st), NF_USAGE);
  assert_non_null(strstr(nf_status_message(st), "has 24"));
  nf_status_free(st);
  nf_config_deinit(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_configs_are_read),       cmocka_unit_test(both_spellings_of_rope_agree),
      cmocka_unit_test(missing_keys_have_their_defaults), cmocka_unit_test(families_are_found_by_either_name),
      cmocka_unit_test(fewer_layers_can_be_asked_for),    cmocka_unit_test(published_qwen_configs_are_read),
      cmocka_unit_test(what_qwen3_next_adds_is_read),     cmocka_unit_test(layers_are_chosen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
