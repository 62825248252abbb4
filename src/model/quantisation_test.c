// SPDX-License-Identifier: Apache-2.0
// quantization_config: the methods and what each makes of weights and activations; which modules are
// quantised; what is refused.
#include "base/clock.h"
#include "model/quantisation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka wants the standard headers first
#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_status read_as(const char *key, const char *text, nf_quantisation *out) {
  static char all[80000];
  nf_json doc;
  snprintf(all, sizeof all, "{\"%s\":%s}", key, text);
  ok(nf_json_parse(all, strlen(all), "config.json", &doc));
  const nf_json_at root = nf_json_root(&doc);
  nf_status st = nf_quantisation_read(&root, out);
  nf_json_deinit(&doc); // nothing of it is borrowed
  return st;
}

static nf_quantisation quantisation(const char *text) {
  nf_quantisation q;
  ok(read_as("quantization_config", text, &q));
  return q;
}

static bool covers(const nf_quantisation *q, const char *module) {
  nf_scheme scheme;
  ok(nf_quantisation_of(q, module, &scheme));
  return scheme.weight != NF_NONE;
}

#define FP8(skip) \
  "{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128],\"modules_to_not_convert\":" skip "}"
#define NUMBERS "\"num_bits\":8,\"type\":\"float\""
#define CHANNEL "{" NUMBERS ",\"strategy\":\"channel\"}"
#define BLOCK "{" NUMBERS ",\"strategy\":\"block\",\"block_structure\":[128,128]}"
#define TOKEN "{" NUMBERS ",\"strategy\":\"token\",\"dynamic\":true}"
#define GROUP "{" NUMBERS ",\"strategy\":\"group\",\"group_size\":128,\"dynamic\":true}"
#define WITH_STRATEGY(strategy, dynamic) "{" NUMBERS ",\"strategy\":\"" strategy "\",\"dynamic\":" dynamic "}"
#define GROUPS(targets, weights, acts) \
  "{\"g\":{\"targets\":" targets ",\"weights\":" weights ",\"input_activations\":" acts "}}"
#define PACKED(groups, ignore)                                                                        \
  "{\"quant_method\":\"compressed-tensors\",\"format\":\"float-quantized\",\"config_groups\":" groups \
  ",\"ignore\":" ignore "}"
#define LINEAR "[\"Linear\"]"
#define ROWS(targets, ignore) PACKED(GROUPS(targets, CHANNEL, TOKEN), ignore)

// ---- methods ----

static void every_method_is_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    nf_dtype weight, activation;
    const char *scales;
  } all[] = {
      {"null", NF_NONE, NF_NONE, NULL},
      {"{\"quant_method\":\"mxfp4\"}", NF_NONE, NF_NONE, NULL}, // of its linears; the family knows
      {"{\"quant_method\":\"mxfp4\",\"modules_to_not_convert\":[\"lm_head\"]}", NF_NONE, NF_NONE, NULL},
      {FP8("[]"), NF_FP8_BLOCK, NF_FP8_GROUP, "weight_scale_inv"},
      {FP8("null"), NF_FP8_BLOCK, NF_FP8_GROUP, "weight_scale_inv"},
      {"{\"quant_method\":\"fp8\",\"fmt\":\"e4m3\",\"activation_scheme\":\"dynamic\",\"weight_block_size\":["
       "128.0,128]}",
       NF_FP8_BLOCK, NF_FP8_GROUP, "weight_scale_inv"},
      {ROWS(LINEAR, "[]"), NF_FP8_ROW, NF_FP8_ROW, "weight_scale"},
      {ROWS(LINEAR, "null"), NF_FP8_ROW, NF_FP8_ROW, "weight_scale"},
      {PACKED(GROUPS(LINEAR, CHANNEL, "null"), "[]"), NF_FP8_ROW, NF_NONE, "weight_scale"},
      {PACKED(GROUPS(LINEAR, BLOCK, GROUP), "[]"), NF_FP8_BLOCK, NF_FP8_GROUP, "weight_scale"},
      {PACKED(GROUPS(LINEAR, BLOCK, "null"), "[]"), NF_FP8_BLOCK, NF_NONE, "weight_scale"},
      {PACKED(GROUPS(LINEAR, WITH_STRATEGY("tensor", "false"), TOKEN), "[]"), NF_FP8_ROW, NF_FP8_ROW,
       "weight_scale"},
      // activations in forms that have no kernel stay as they are
      {PACKED(GROUPS(LINEAR, CHANNEL, WITH_STRATEGY("tensor", "false")), "[]"), NF_FP8_ROW, NF_NONE,
       "weight_scale"},
      {PACKED(GROUPS(LINEAR, CHANNEL, WITH_STRATEGY("tensor", "true")), "[]"), NF_FP8_ROW, NF_NONE,
       "weight_scale"},
      {PACKED(GROUPS(LINEAR, CHANNEL, GROUP), "[]"), NF_FP8_ROW, NF_NONE, "weight_scale"},
      {PACKED(GROUPS(LINEAR, BLOCK, TOKEN), "[]"), NF_FP8_BLOCK, NF_NONE, "weight_scale"},
      {"{\"quant_method\":\"fp8\",\"weight_block_size\":null}", NF_FP8_ROW, NF_FP8_ROW, "weight_scale"},
      {"{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128],\"dequantize\":true}", NF_FP8_BLOCK,
       NF_NONE, "weight_scale_inv"},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    static const char *const keys[] = {"quantization_config", "compression_config"};
    for (int k = 0; k < 2; k++) {
      nf_quantisation q;
      ok(read_as(keys[k], all[i].text, &q));
      nf_scheme scheme;
      ok(nf_quantisation_of(&q, "model.layers.0.mlp.up_proj", &scheme));
      assert_int_equal(scheme.weight, all[i].weight);
      assert_int_equal(scheme.activation, all[i].activation);
      assert_int_equal(q.scales == NULL, all[i].scales == NULL);
      if (q.scales) assert_string_equal(q.scales, all[i].scales);
      nf_quantisation_deinit(&q);
      nf_quantisation_deinit(&q); // again is fine
    }
  }
}

static void the_newer_key_wins(void **state) {
  (void)state;
  nf_quantisation q;
  ok(read_as("compression_config\":{\"quant_method\":\"unheard of\"},\"quantization_config", FP8("[]"), &q));
  assert_true(covers(&q, "model.layers.0.mlp.up_proj"));
  nf_quantisation_deinit(&q);
}

// ---- which modules ----

typedef struct question {
  const char *config, *module;
  bool quantised;
} question;

static void expect_answers(const question *all, size_t n) {
  for (size_t i = 0; i < n; i++) {
    nf_quantisation q = quantisation(all[i].config);
    if (covers(&q, all[i].module) != all[i].quantised)
      fail_msg("%s: '%s' should %sbe quantised", all[i].config, all[i].module,
               all[i].quantised ? "" : "not ");
    nf_quantisation_deinit(&q);
  }
}
#define EXPECT_ANSWERS(...) \
  expect_answers((const question[]){__VA_ARGS__}, sizeof((const question[]){__VA_ARGS__}) / sizeof(question))

#define UP "model.layers.1.mlp.up_proj"

static void names_stand_for_their_children(void **state) {
  (void)state;
  EXPECT_ANSWERS({FP8("[\"lm_head\"]"), UP, true}, {FP8("[\"" UP "\"]"), UP, false},
                 {FP8("[\"model.layers.1.mlp\"]"), UP, false}, {FP8("[\"model.layers.1\"]"), UP, false},
                 {FP8("[\"model\"]"), UP, false}, {FP8("[\"model.layers.1.ml\"]"), UP, true},
                 {FP8("[\"model.layers.1.mlp.up_proj.weight\"]"), UP, true},
                 {FP8("[\"model.layers.1\"]"), "model.layers.10.mlp.up_proj", true},
                 {FP8("[\"mlp\"]"), UP, true}, {FP8("[\"Linear\"]"), UP, true},
                 {FP8("[\"re:.*\"]"), UP, true}, // no module's name begins so
                 {FP8("[\"up_proj\"]"), UP, false}, {FP8("[\"_proj\"]"), UP, false},
                 {FP8("[\"up_pro\"]"), UP, true}, {FP8("[\"\"]"), UP, false}, // every name ends so
                 {FP8("[\"model.layers.1.\"]"), UP, false}, {FP8("[\"model.layers.*.mlp\"]"), UP, false},
                 {FP8("[\"model.layers.*.ml\"]"), UP, true}, {FP8("[\".*mlp\"]"), UP, false},
                 {FP8("[\"model.layers.[0-1]\"]"), UP, false}, {FP8("[\"x|model.layers\"]"), UP, false},
                 {FP8("[\"model.layers.[0-1]\"]"), "model.layers.11.mlp.up_proj", true},
                 {FP8("[\"x\",\"x\",\"" UP "\",\"x\"]"), UP, false});
}

static void ignored_names_are_whole_ones(void **state) {
  (void)state;
  EXPECT_ANSWERS({ROWS(LINEAR, "[\"lm_head\"]"), UP, true}, {ROWS(LINEAR, "[\"" UP "\"]"), UP, false},
                 {ROWS(LINEAR, "[\"model.layers.1.mlp\"]"), UP, true},
                 {ROWS(LINEAR, "[\"Linear\"]"), UP, false}, {ROWS(LINEAR, "[\"Conv1d\"]"), UP, true},
                 {ROWS(LINEAR, "[\"\"]"), UP, true});
}

static void targets_choose(void **state) {
  (void)state;
  EXPECT_ANSWERS(
      {ROWS("[]", "[]"), UP, false}, {ROWS("[\"" UP "\"]", "[]"), UP, true},
      {ROWS("[\"" UP "\"]", "[]"), "model.layers.1.mlp.gate_proj", false},
      {ROWS("[\"Conv1d\"]", "[]"), UP, false}, {ROWS("[\"re:.*up_proj\"]", "[]"), UP, true},
      {ROWS("[\"re:.*down_proj\"]", "[]"), UP, false},
      {ROWS("[\"re:.*up_proj\",\"Linear\"]", "[]"), "model.layers.1.self_attn.q_proj", true},
      {ROWS("[\"" UP "\"]", "[\"re:.*mlp.*\"]"), UP, false}); // what is ignored is so whoever wants it
}

// As Python's re.match: at the start of the name, to wherever it ends.
static void expressions_match_from_the_start(void **state) {
  (void)state;
  EXPECT_ANSWERS(
      {ROWS(LINEAR, "[\"re:.*up_proj\"]"), UP, false}, {ROWS(LINEAR, "[\"re:up_proj\"]"), UP, true},
      {ROWS(LINEAR, "[\"re:model\"]"), UP, false}, {ROWS(LINEAR, "[\"re:odel\"]"), UP, true},
      {ROWS(LINEAR, "[\"re:.*up\"]"), UP, false}, {ROWS(LINEAR, "[\"re:.*up$\"]"), UP, true},
      {ROWS(LINEAR, "[\"re:^model[.]layers[.]\\\\d[.]\"]"), UP, false},
      {ROWS(LINEAR, "[\"re:model\\\\.layers\\\\.\\\\d\\\\.\"]"), "model.layers.12.mlp.up_proj", true},
      {ROWS(LINEAR, "[\"re:(?:x|.*mlp)\"]"), UP, false}, {ROWS(LINEAR, "[\"re:x|mlp\"]"), UP, true},
      {ROWS(LINEAR, "[\"re:x|model\"]"), UP, false}, {ROWS(LINEAR, "[\"re:MODEL\"]"), UP, true},
      {ROWS(LINEAR, "[\"re:(?i)MODEL\"]"), UP, false}, {ROWS(LINEAR, "[\"re:\"]"), UP, false},
      {ROWS(LINEAR, "[\"re:.*(?=proj)\"]"), UP, false}, {ROWS(LINEAR, "[\" re:.*\"]"), UP, true},
      {ROWS(LINEAR, "[\"re:(?P<n>m)odel\"]"), UP, false},
      {ROWS(LINEAR, "[\"a\",\"re:b\",\"c\",\"re:.*mlp\"]"), UP, false});
}

// What Python and PCRE2 spell or read differently.
static void expressions_are_pythons(void **state) {
  (void)state;
#define IGNORES(re) ROWS(LINEAR, "[\"re:" re "\"]")
  EXPECT_ANSWERS({IGNORES("model.layers.1{,2}[.]mlp"), UP, false}, {IGNORES("modelx{,2}[.]"), UP, false},
                 {IGNORES("model.layers.1{0,}[.]mlp"), UP, false}, {IGNORES("model{,x}"), UP, true},
                 {IGNORES(".*up_proj\\\\Z"), UP, false}, {IGNORES(".*up\\\\Z"), UP, true},
                 {IGNORES("mo\\\\u0064el"), UP, false}, {IGNORES("\\\\x6dodel"), UP, false},
                 {IGNORES("[[]?model"), UP, false}, {IGNORES("[]m]odel"), UP, false},
                 {IGNORES("[^]x]odel"), UP, false}, {IGNORES("[[:alpha:]]"), UP, true},
                 {IGNORES("(?P<a>model)[.]layers"), UP, false}, {IGNORES("mode(?P<a>l)(?P=a)"), UP, true},
                 {IGNORES("(?#words)model(?!x)(?<=el)[.]"), UP, false}, {IGNORES("(?i:MODEL)"), UP, false});
}

// Exact names before expressions, which are in the order of their text, before the class.
static void the_nearest_group_counts(void **state) {
  (void)state;
#define MIXED(a, b)                                                                                       \
  PACKED("{\"a\":{\"targets\":" a ",\"weights\":" CHANNEL "},\"b\":{\"targets\":" b ",\"weights\":" BLOCK \
         "}}",                                                                                            \
         "[]")
  static const struct {
    const char *config;
    nf_dtype weight;
  } all[] = {{MIXED(LINEAR, "[\"" UP "\"]"), NF_FP8_BLOCK},
             {MIXED("[\"" UP "\"]", LINEAR), NF_FP8_ROW},
             {MIXED(LINEAR, "[\"re:.*mlp\"]"), NF_FP8_BLOCK},
             {MIXED("[\"re:model\"]", "[\"" UP "\"]"), NF_FP8_BLOCK},
             {MIXED("[\"re:.*mlp.*\"]", "[\"re:.*mlp\"]"), NF_FP8_BLOCK},
             {MIXED("[\"re:.*mlp\"]", "[\"re:.*mlp.*\"]"), NF_FP8_ROW},
             {MIXED("[\"re:.*attn\"]", "[\"re:.*norm\"]"), NF_NONE}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    nf_quantisation q = quantisation(all[i].config);
    nf_scheme scheme;
    ok(nf_quantisation_of(&q, UP, &scheme));
    if (scheme.weight != all[i].weight) fail_msg("%s", all[i].config);
    nf_quantisation_deinit(&q);
  }
}

#define SPEC "{\"dtype\":\"fp8_e4m3\",\"qscheme\":\"per_tensor\",\"is_dynamic\":false}"
#define QUARK(exclude, layers, rest)                                                                \
  "{\"quant_method\":\"quark\",\"global_quant_config\":{\"weight\":" SPEC "},\"exclude\":[" exclude \
  "],\"layer_quant_config\":{" layers "}" rest "}"

static void quark_names_layers_by_patterns(void **state) {
  (void)state;
  EXPECT_ANSWERS({QUARK("", "", ""), UP, true}, {QUARK("\"" UP "\"", "", ""), UP, false},
                 {QUARK("\"up_proj\"", "", ""), UP, true}, {QUARK("\"*up_proj\"", "", ""), UP, false},
                 {QUARK("\"*up\"", "", ""), UP, true}, {QUARK("\"model?layers.[0-1].*\"", "", ""), UP, false},
                 {QUARK("\"model.layers.[!1].*\"", "", ""), UP, true}, {QUARK("\"*[\"", "", ""), UP, true},
                 {QUARK("\"*.mlp.(up|x)_proj\"", "", ""), UP, true},
                 {QUARK("\"*[]u]p_proj\"", "", ""), UP, false},
                 {QUARK("", "\"*mlp*\":{\"weight\":null}", ""), UP, false},
                 {QUARK("", "\"*attn*\":{\"weight\":null}", ""), UP, true},
                 {QUARK("", "\"*mlp*\":{\"weight\":" SPEC "},\"*\":{\"weight\":null}", ""), UP, true});
}

// Writers expand patterns to a group or a layer each; those that are alike are one scheme.
static void there_may_be_any_number_of_groups(void **state) {
  (void)state;
  static char groups[65536], text[70000];
  size_t n = 0;
  for (int i = 0; i < 200; i++)
    n += (size_t)snprintf(groups + n, sizeof groups - n, "%s\"*layers.%d.*\":{\"weight\":%s}", i ? "," : "",
                          i, i % 2 ? "null" : SPEC);
  snprintf(text, sizeof text, QUARK("", "%s", ""), groups);
  nf_quantisation q = quantisation(text);
  assert_true(covers(&q, "model.layers.198.mlp.up_proj") && !covers(&q, "model.layers.199.mlp.up_proj"));
  assert_int_equal(q.n_schemes, 2);
  nf_quantisation_deinit(&q);
}

// ---- what is refused ----

static void expect_refused(const char *text, const char *want) {
  nf_quantisation q;
  nf_status st = read_as("quantization_config", text, &q);
  if (nf_status_code(st) != NF_BAD_INPUT || !strstr(nf_status_message(st), want) ||
      strncmp(nf_status_message(st), "config.json: quantization_config", 32) != 0)
    fail_msg("'%s' does not say '%s'", nf_status_message(st), want);
  nf_status_free(st);
  assert_null(q.method);
  assert_null(q.arena.block);
}

static void expressions_that_are_none_are_refused(void **state) {
  (void)state;
  static const char *const broken[][2] = {
      {"(", "missing closing parenthesis"},       {"[a", "missing terminating ]"},
      {"*a", "quantifier does not follow"},       {"a)", "unmatched closing parenthesis"},
      {"a{2,1}", "numbers out of order"},         {"(?<=a+)b", "lookbehind"},
      {"((a{1,900}){1,900}){1,900}", "too large"}};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    char text[512], want[96];
    snprintf(text, sizeof text, ROWS(LINEAR, "[\"lm_head\",\"re:%s\"]"), broken[i][0]);
    expect_refused(text, "ignore[1]: 're:");
    expect_refused(text, "is no valid regular expression: ");
    expect_refused(text, broken[i][1]);
    snprintf(text, sizeof text, ROWS("[\"re:%s\"]", "[]"), broken[i][0]);
    snprintf(want, sizeof want, "config_groups.g.targets[0]: 're:");
    expect_refused(text, want);
  }
}

static void what_python_has_not_is_refused(void **state) {
  (void)state;
  static const char *const not [][2] = {
      {"\\\\Q.\\\\E", "'\\\\Q'"}, {"\\\\R", "'\\\\R'"},   {"\\\\p{L}", "'\\\\p'"}, {"\\\\K", "'\\\\K'"},
      {"\\\\x{6d}", "'\\\\x'"},   {"[\\\\h]", "'\\\\h'"}, {"(?R)", "'(?R'"},       {"(?1)", "'(?1'"},
      {"(?|a)", "'(?|'"},         {"(*ACCEPT)", "'(*'"},  {"(?<n>a)", "'(?<'"},    {"(?&n)", "'(?&'"},
      {"(?'n'a)", "'(?''"},       {"(?P>n)", "'(?P'"},    {"(?-1)", "'(?-'"},      {"(?", "'(?'"},
  };
  for (size_t i = 0; i < sizeof not / sizeof *not ; i++) {
    char text[512], want[64];
    snprintf(text, sizeof text, ROWS(LINEAR, "[\"re:%s\"]"), not [i][0]);
    snprintf(want, sizeof want, "has %s, which is nothing in a regular expression of Python's", not [i][1]);
    for (char *c; (c = strstr(want, "\\\\"));) memmove(c, c + 1, strlen(c));
    expect_refused(text, want);
  }
}

static void too_many_expressions_are_refused(void **state) {
  (void)state;
  char list[2600] = "[", text[4096];
  for (int i = 0; i < 257; i++) {
    strcat(list, i ? ",\"re:a\"" : "\"re:a\"");
    if (i == 255) {
      snprintf(text, sizeof text, ROWS(LINEAR, "%s]"), list);
      nf_quantisation q = quantisation(text);
      assert_true(covers(&q, UP));
      nf_quantisation_deinit(&q);
    }
  }
  snprintf(text, sizeof text, ROWS(LINEAR, "%s]"), list);
  expect_refused(text, "ignore[256]: is one more regular expression than 256");
}

// Exponential in the length of the name, or with groups enough to fill memory.
static void costly_expressions_are_refused_quickly(void **state) {
  (void)state;
  static const char *const costly[] = {"(.+)+[^a-z0-9._]", "(([a-z0-9._]+)+)+[!?]", "(.*)(.*)(.*)(.*)[!?]",
                                       "(?:.|.)*(?:.|.)*[A-Z]"};
  for (size_t i = 0; i < sizeof costly / sizeof *costly; i++) {
    char text[512];
    nf_scheme is;
    snprintf(text, sizeof text, ROWS(LINEAR, "[\"re:%s\"]"), costly[i]);
    nf_quantisation q = quantisation(text);
    const double start = nf_now();
    nf_status st = nf_quantisation_of(&q, UP, &is);
    const double ms = 1e3 * (nf_now() - start);
    if (nf_status_code(st) != NF_BAD_INPUT ||
        !strstr(nf_status_message(st), "steps on '" UP "', should be simpler"))
      fail_msg("%s: '%s'", costly[i], nf_status_message(st));
    print_message("%s: refused in %.2f ms (bound 10)%s\n", costly[i], ms, ms > 30 ? "  ALARM" : "");
    nf_status_free(st);
    nf_quantisation_deinit(&q);
  }
}

static void unknown_forms_are_refused(void **state) {
  (void)state;
#define WITH(key) "{" NUMBERS ",\"strategy\":\"channel\"," key "}"
  static const char *const all[][2] = {
      {"[]", "should be an object"},
      {"{}", "quant_method: is missing"},
      {"{\"quant_method\":\"awq\"}", "'awq' is not supported, should be one of: mxfp4, fp8, "
                                     "compressed-tensors, quark; or the checkpoint one that"},
      {"{\"quant_method\":\"fp8\",\"modules_to_convert\":[\"embed_tokens\"]}",
       "modules_to_convert: [\"embed_tokens\"] is not"},
      {"{\"quant_method\":\"fp8\",\"expert_dtype\":\"fp4\"}", "expert_dtype: \"fp4\" is not supported"},
      {"{\"quant_method\":\"fp8\",\"activation_scheme\":\"none\"}", "should be one of: dynamic static"},
      {QUARK("", "", ",\"kv_cache_quant_config\":{\"*k_proj\":{}}"), "kv_cache_quant_config: {"},
      {QUARK("", "", ",\"algo_config\":[{\"name\":\"rotation\"}]"),
       "algo_config[0].name: 'rotation' is not supported"},
      {QUARK("", "\"*\":{\"weight\":{\"dtype\":\"fp4\"}}", ""),
       "dtype: 'fp4' is not supported, should be 'fp8_e4m3'"},
      {QUARK("", "", ",\"export\":{\"weight_format\":\"fake_quantized\"}"),
       "weight_format: 'fake_quantized'"},
      {PACKED(GROUPS(LINEAR, WITH("\"actorder\":\"group\""), TOKEN), "[]"),
       "weights.actorder: \"group\" is not"},
      {"{\"quant_method\":\"fp8\",\"weight_block_size\":[128]}", "should be [128, 128]"},
      {"{\"quant_method\":\"fp8\",\"weight_block_size\":[128,64]}", "should be [128, 128]"},
      {"{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128,128]}", "should be [128, 128]"},
      {"{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128],\"fmt\":\"e5m2\"}",
       "fmt: 'e5m2' is not supported"},
      {FP8("[1]"), "modules_to_not_convert[0]: is a number"},
      {PACKED("[]", "[]"), "config_groups: is an array, should be an object"},
      {PACKED("{}", "[]"), "config_groups: is empty, should have a group"},
      {PACKED("{\"a\":null}", "[]"), "config_groups.a: is missing"},
      {PACKED(GROUPS("null", CHANNEL, TOKEN), "[]"), "config_groups.g.targets: is missing"},
      {PACKED(GROUPS(LINEAR, "null", TOKEN), "[]"), "config_groups.g.weights: is missing"},
      {PACKED(GROUPS(LINEAR, WITH("\"dynamic\":true"), TOKEN), "[]"),
       "weights.dynamic: true is not supported"},
      {PACKED(GROUPS(LINEAR, WITH("\"symmetric\":false"), TOKEN), "[]"),
       "weights.symmetric: false is not supported"},
      {PACKED(GROUPS(LINEAR, "{" NUMBERS ",\"strategy\":\"block\"}", GROUP), "[]"),
       "block_structure: is missing"},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) expect_refused(all[i][0], all[i][1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_method_is_read),
      cmocka_unit_test(the_newer_key_wins),
      cmocka_unit_test(names_stand_for_their_children),
      cmocka_unit_test(ignored_names_are_whole_ones),
      cmocka_unit_test(targets_choose),
      cmocka_unit_test(expressions_match_from_the_start),
      cmocka_unit_test(expressions_are_pythons),
      cmocka_unit_test(the_nearest_group_counts),
      cmocka_unit_test(quark_names_layers_by_patterns),
      cmocka_unit_test(there_may_be_any_number_of_groups),
      cmocka_unit_test(expressions_that_are_none_are_refused),
      cmocka_unit_test(what_python_has_not_is_refused),
      cmocka_unit_test(too_many_expressions_are_refused),
      cmocka_unit_test(costly_expressions_are_refused_quickly),
      cmocka_unit_test(unknown_forms_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
