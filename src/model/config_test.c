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
  assert_true(then.rope.factor == 32 && then.rope.context == 4096); // GPT-OSS has a YaRN of its own
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

static void keep_warnings(void *user, nf_level level, const char *line) {
  if (level == NF_LOG_WARNING) nf_text_printf(user, "%s\n", line);
}

// Rope of `dir` with the keys of JSON `text` instead; `warns`: what warnings name, NULL: there are none.
static nf_rope_config rope_of(const char *dir, const char *text, const char *warns) {
  char path[128];
  nf_json doc;
  nf_config c;
  nf_text lines = {0};
  const nf_log log = {.level = NF_LOG_WARNING, .write = keep_warnings, .user = &lines};
  snprintf(path, sizeof path, "%s/config.json", dir);
  ok(nf_json_load(path, 1 << 20, &doc));
  json_t *other = json_loads(text, 0, NULL);
  assert_int_equal(json_object_update(doc.root, other), 0);
  json_decref(other);
  doc.log = &log;
  ok(nf_config_parse(&doc, &c));
  if (warns == NULL ? lines.n != 0 : lines.n == 0 || strstr(lines.at, warns) == NULL)
    fail_msg("%s: warned '%s', not '%s'", text, lines.n ? lines.at : "", warns ? warns : "");
  const nf_rope_config rope = c.rope;
  nf_config_deinit(&c);
  nf_text_deinit(&lines);
  nf_json_deinit(&doc);
  return rope;
}

#define QWEN "checkpoints/qwen3-tiny"
#define NEXT "checkpoints/qwen3-next-tiny"
#define OSS "checkpoints/gpt-oss-tiny"

// All as transformers 5.24 takes it.
static void rope_is_taken_as_transformers_takes_it(void **state) {
  (void)state;
  nf_rope_config r = rope_of(
      QWEN,
      "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":64}}",
      "rope_scaling: replaces the whole of rope_parameters");
  assert_true(r.factor == 4 && r.context == 64 && r.theta == 10000); // not the million of rope_parameters
  r = rope_of(QWEN, "{\"rope_theta\":5e5,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4}}", "rope_scaling");
  assert_true(r.factor == 4 && r.theta == 5e5);
  r = rope_of(QWEN, "{\"rope_scaling\":{}}", NULL);
  assert_true(r.factor == 1 && r.theta == 1e6);
  r = rope_of(QWEN, "{\"rope_parameters\":{\"rope_theta\":7e5}}", NULL); // no rope_type
  assert_true(r.factor == 1 && r.theta == 7e5);
  r = rope_of(QWEN, "{\"rope_theta\":5e5}", "rope_theta: is not that of rope_parameters");
  assert_true(r.theta == 1e6);
  r = rope_of(QWEN, "{\"rope_parameters\":null}", "rope_theta: is missing; 10000 is taken");
  assert_true(r.theta == 10000);
  r = rope_of(QWEN, "{\"rope_parameters\":{\"rope_theta\":7e5,\"factor\":4}}", "rope_type 'default'");
  assert_true(r.factor == 1);
  r = rope_of(OSS, "{\"rope_parameters\":null}", "rope_theta: is missing; 150000 is taken");
  assert_true(r.theta == 150000 && r.factor == 32 && r.context == 4096 && !r.truncate && r.scale > 1.3);
  r = rope_of(OSS, "{\"rope_parameters\":{\"rope_theta\":1e4}}", NULL); // nothing of that is left
  assert_true(r.theta == 1e4 && r.factor == 1 && r.scale == 1 && r.context == 0);
}

static void yarn_fills_in_what_is_missing(void **state) {
  (void)state;
#define YARN(more) \
  "{\"max_position_embeddings\":512,\"rope_parameters\":{\"rope_theta\":1e6,\"rope_type\":\"yarn\"," more "}}"
  nf_rope_config r = rope_of(QWEN, YARN("\"factor\":4"), NULL);
  assert_true(r.context == 512);
  r = rope_of(QWEN, YARN("\"factor\":null,\"original_max_position_embeddings\":128"), NULL);
  assert_true(r.factor == 4);
  r = rope_of(QWEN, YARN("\"factor\":4,\"mscale\":0.7,\"mscale_all_dim\":0.5"), NULL);
  assert_true(fabs(r.scale - (0.07 * log(4) + 1) / (0.05 * log(4) + 1)) < 1e-12);
  r = rope_of(QWEN, YARN("\"factor\":4,\"mscale\":0.7"), "mscale has no use");
  assert_true(fabs(r.scale - (0.1 * log(4) + 1)) < 1e-12);
  r = rope_of(QWEN, YARN("\"factor\":4,\"low_freq_factor\":2"), "low_freq_factor 2");
  nf_config c = changed_of(QWEN, YARN("\"factor\":4,\"original_max_position_embeddings\":256"));
  assert_true(c.context == 512 && c.reach == 1024);
  nf_config_deinit(&c);
  c = changed_of(QWEN, "{\"max_position_embeddings\":512}");
  assert_true(c.context == 512 && c.reach == 512);
  nf_config_deinit(&c);
}

static void a_part_of_a_head_is_rotated_where_the_family_does(void **state) {
  (void)state;
  nf_config c = changed_of(NEXT, "{}");
  const int64_t head = c.head;
  nf_config_deinit(&c);
#define ROPE(more) "\"rope_parameters\":{\"rope_theta\":1e7,\"rope_type\":\"default\"" more "}"
  assert_int_equal(rope_of(NEXT, "{\"partial_rotary_factor\":0.5," ROPE("") "}", NULL).dims, head / 2);
  assert_int_equal(
      rope_of(NEXT, "{\"partial_rotary_factor\":0.5," ROPE(",\"partial_rotary_factor\":1") "}", NULL).dims,
      head);
  assert_int_equal(rope_of(NEXT, "{\"partial_rotary_factor\":null," ROPE("") "}", NULL).dims, head);
  assert_int_equal(rope_of(QWEN, "{\"partial_rotary_factor\":0.5}", "partial_rotary_factor: is 0.5").dims,
                   64);
  assert_int_equal(rope_of(QWEN, "{\"partial_rotary_factor\":1}", NULL).dims, 64);
  nf_json doc; // and where nothing is said
  ok(nf_json_load(NEXT "/config.json", 1 << 20, &doc));
  json_object_del(doc.root, "partial_rotary_factor");
  json_object_del(json_object_get(doc.root, "rope_parameters"), "partial_rotary_factor");
  ok(nf_config_parse(&doc, &c));
  assert_int_equal(c.rope.dims, head / 4);
  nf_config_deinit(&c);
  nf_json_deinit(&doc);
}

static void other_spellings_are_read(void **state) {
  (void)state;
  static const char *const same[] = {"{\"torch_dtype\":\"torch.bfloat16\"}",
                                     "{\"dtype\":\"auto\"}",
                                     "{\"architectures\":[]}",
                                     "{\"hidden_act\":\"swish\"}",
                                     "{\"use_sliding_window\":true,\"sliding_window\":null}",
                                     "{\"pruned_heads\":{},\"mlp_bias\":false,\"mtp_num_layers\":1}"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    nf_config c = changed_of(QWEN, same[i]);
    assert_int_equal(c.layer[2], NF_LAYER_FULL);
    nf_config_deinit(&c);
  }
  nf_config c = changed_of(QWEN, "{\"use_sliding_window\":true,\"sliding_window\":16,\"layer_types\":null,"
                                 "\"max_window_layers\":null}");
  assert_int_equal(c.layer[2], NF_LAYER_FULL); // from layer 28 on
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
      cmocka_unit_test(published_configs_are_read),
      cmocka_unit_test(both_spellings_of_rope_agree),
      cmocka_unit_test(missing_keys_have_their_defaults),
      cmocka_unit_test(families_are_found_by_either_name),
      cmocka_unit_test(fewer_layers_can_be_asked_for),
      cmocka_unit_test(published_qwen_configs_are_read),
      cmocka_unit_test(what_qwen3_next_adds_is_read),
      cmocka_unit_test(layers_are_chosen),
      cmocka_unit_test(rope_is_taken_as_transformers_takes_it),
      cmocka_unit_test(yarn_fills_in_what_is_missing),
      cmocka_unit_test(a_part_of_a_head_is_rotated_where_the_family_does),
      cmocka_unit_test(other_spellings_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
