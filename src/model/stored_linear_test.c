// SPDX-License-Identifier: Apache-2.0
// Forms in which writers store linears, and heads: a small checkpoint is written again in each, and what is
// loaded must be, element by element, the codes times the scales (or the floats) that were written.
#include "tests/support/folder.h"
#include "tests/support/spoil.h"
#include "tests/support/written.h"
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

typedef struct form {
  const char *name, *from, *config;
  const char *pick[3]; // modules that are quantised
  written_form form;
  bool activations; // are quantised
} form;

#define QWEN "checkpoints/qwen3-tiny"
#define NEXT "checkpoints/qwen3-next-tiny"
#define NUMBERS "\"num_bits\":8,\"type\":\"float\",\"symmetric\":true,"
#define W(strategy) \
  "{" NUMBERS "\"dynamic\":false,\"strategy\":\"" strategy "\",\"block_structure\":[128,128]}"
#define A(strategy) "{" NUMBERS "\"dynamic\":true,\"strategy\":\"" strategy "\",\"group_size\":128}"
#define STATIC "{" NUMBERS "\"dynamic\":false,\"strategy\":\"tensor\"}"
#define GROUP(targets, weights, acts) \
  "{\"targets\":[" targets "],\"weights\":" weights ",\"input_activations\":" acts "}"
#define COMPRESSED(format, groups, ignore)                                                      \
  "{\"quant_method\":\"compressed-tensors\",\"format\":\"" format "\",\"ignore\":[" ignore "]," \
  "\"config_groups\":{" groups "},\"transform_config\":{},\"sparsity_config\":{},\"kv_cache_scheme\":null}"
#define ONE(weights, acts, ignore) \
  COMPRESSED("float-quantized", "\"g\":" GROUP("\"Linear\"", weights, acts), ignore)
#define SPEC(scheme, dynamic) "{\"dtype\":\"fp8_e4m3\",\"qscheme\":\"" scheme "\",\"is_dynamic\":" dynamic "}"
#define QUARK(w, a, exclude)                                                                      \
  "{\"quant_method\":\"quark\",\"algo_config\":null,\"exclude\":[" exclude                        \
  "],\"export\":{\"kv_cache_group\":[]},"                                                         \
  "\"kv_cache_quant_config\":{},\"layer_quant_config\":{},\"global_quant_config\":{\"weight\":" w \
  ",\"input_tensors\":" a ",\"output_tensors\":null,\"bias\":null}}"
#define FP8(rest) "{\"quant_method\":\"fp8\"," rest "}"
#define PROJ "*_proj"
#define SHARED "*shared_expert_gate"

#define UNPACK(...) __VA_ARGS__
static const form forms[] = {
#define FORM(name, from, scales, dtype, rank, called, activations, picks, ...) \
  {name, from, __VA_ARGS__, {UNPACK picks}, {WRITTEN_##scales, dtype, rank, called}, activations},
#include "model/stored_linear_test.def"
#undef FORM
};

static bool picked(const form *o, const char *tensor) {
  const char *end = strstr(tensor, ".weight");
  char module[256];
  if (!end || end[7]) return false;
  snprintf(module, sizeof module, "%.*s", (int)(end - tensor), tensor);
  for (int i = 0; i < 3 && o->pick[i]; i++)
    if (nf_glob(o->pick[i], module)) return true;
  return false;
}

static bool quantises(const nf_graph *g) {
  for (nf_node_id i = 0; i < g->n_nodes; i++)
    if (g->node[i].op == NF_OP_quantise) return true;
  return false;
}

static void every_form_is_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    written f = {0};
    char *dir;
    nf_checkpoint *from;
    nf_safetensors all;
    print_message("%s\n", forms[i].name);
    char *path = folder_path(forms[i].from, SINGLE);
    ok(nf_checkpoint_open(forms[i].from, NULL, &from));
    ok(nf_safetensors_open(path, &all));
    for (size_t t = 0; t < all.n; t++) {
      const nf_stored *s = nf_checkpoint_find(from, all.tensor[t].name);
      float *x = written_decoded(from, s);
      if (picked(&forms[i], s->name))
        written_add_quantised(&f, &forms[i].form, s, x);
      else
        written_add(&f, s->name, s->dtype, s->rank, s->dim, x);
    }
    written_save(&f, forms[i].from, forms[i].config, &dir);
    written_model m = written_open(dir, 1);
    written_expect(&f, &m);
    assert_int_equal(quantises(m.g), forms[i].activations);
    assert_int_equal(m.warnings.n && strstr(m.warnings.at, "activations are not quantised"),
                     strstr(forms[i].name, "static") != NULL);
    written_close(&m, true);
    nf_safetensors_close(&all);
    nf_checkpoint_close(from);
    written_end(&f);
    free(path);
  }
}

// ---- heads ----

// qwen3-tiny is tied and has no head. With one: what it is, and whether it is used.
static void a_head_of_its_own_is_used(void **state) {
  (void)state;
  enum { ONLY, SAME, OTHER, QUANTISED, CASES };
  for (int i = 0; i < CASES; i++) {
    written f = {0};
    char *dir;
    written_copy(&f, QWEN, false);
    const size_t table = written_index(&f, "model.embed_tokens.weight");
    nf_stored head = f.t[table];
    head.name = "lm_head.weight";
    float *x = malloc((size_t)written_elements(&head) * sizeof *x);
    memcpy(x, f.value[table], (size_t)written_elements(&head) * sizeof *x);
    if (i == OTHER) x[written_elements(&head) - 1] = 2;
    if (i == ONLY) f.t[table].name = "lm_head.weight", free(x);
    if (i == SAME || i == OTHER) written_add(&f, head.name, NF_BF16, 2, head.dim, x);
    const written_form rows = {.scales = WRITTEN_ROWS, .dtype = NF_BF16, .rank = 2, .called = "weight_scale"};
    if (i == QUANTISED) written_add_quantised(&f, &rows, &head, x);
    written_save(&f, QWEN, i == QUANTISED ? ONE(W("channel"), "null", "") : NULL, &dir);
    written_model m = written_open(dir, 1);
    const bool own = i == OTHER || i == QUANTISED;
    assert_int_equal(nf_graph_find(m.g, "head.w") != 0, own);
    assert_int_equal(m.warnings.n && strstr(m.warnings.at, "the head that is stored is used\n"), own);
    written_expect(&f, &m);
    written_close(&m, true);
    written_end(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_is_read),
      cmocka_unit_test(a_head_of_its_own_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
