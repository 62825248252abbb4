// SPDX-License-Identifier: Apache-2.0
// Random graphs: the same plan whatever the order of rules, one normal form whatever the order of rewrites,
// and fused ones give what unfused ones give.
#include "fuse/choice.h"
#include "tests/support/fusing.h"
#include "tests/support/layers.h"
#include <stdlib.h>

// ---- the order of rules ----

static void shuffled(const nf_graph *g, unsigned seed, char **text, char **json) {
  const nf_rule *list[64];
  size_t n = 0;
  while ((list[n] = nf_rules_at(rules, n))) n++;
  srand(seed);
  for (size_t i = n; seed && i > 1; i--) {
    const size_t k = (size_t)rand() % i;
    const nf_rule *other = list[k];
    list[k] = list[i - 1];
    list[i - 1] = other;
  }
  nf_rules *mixed;
  nf_graph *out;
  nf_fuse_report *r;
  const nf_fuse_options o = cost_options();
  ok(nf_rules_from(list, n, &mixed));
  ok(nf_fuse(mixed, g, &o, &out, &r));
  *text = text_of(out);
  *json = json_of(r);
  nf_graph_destroy(out);
  nf_fuse_report_destroy(r);
  nf_rules_destroy(mixed);
}

static void no_order_of_rules_matters(void **state) {
  (void)state;
  for (uint64_t graph = 0; graph < 20; graph++) {
    nf_graph *g;
    char *text, *json, *other_text, *other_json;
    if (graph == 0)
      ok(nf_layers_graph(&(nf_layers){.layers = 3, .ranks = true, .pads = true, .act = NF_BF16}, &g));
    else
      ok(nf_random_layers(graph, NF_BF16, &g));
    shuffled(g, 0, &text, &json);
    for (unsigned seed = 1; seed < 6; seed++) {
      shuffled(g, seed, &other_text, &other_json);
      assert_string_equal(text, other_text);
      assert_string_equal(json, other_json);
      nf_free(other_text);
      free(other_json);
    }
    nf_free(text);
    free(json);
    nf_graph_destroy(g);
  }
}

// ---- normalising is confluent ----

// What a graph computes whatever its values are called: hashes of nodes from those of their operands.
static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

static uint64_t shape_of(const nf_graph *g) {
  uint64_t *hash = nf_alloc(g->n_values, sizeof *hash), all = g->n_nodes;
  static const uint64_t seed[2] = {1, 2};
  for (nf_val v = 1; v < g->n_values; v++) {
    const nf_value *value = &g->value[v];
    if (value->kind != NF_VALUE_RESULT) {
      hash[v] = nf_hash(value->name, strlen(value->name), seed);
      continue;
    }
    const nf_node *n = &g->node[value->node];
    const nf_type_text t = nf_type_text_of(&value->type);
    hash[v] = mix(nf_hash(t.at, strlen(t.at), seed), (uint64_t)n->op << 8 | (uint64_t)value->result);
    uint64_t in = 0;
    for (int k = 0; k < nf_op_of(n->op)->n_in; k++) // operands that commute may stand either way
      in = nf_op_of(n->op)->flags & NF_OP_COMMUTES ? in + mix(7, hash[n->in[k]]) : mix(in, hash[n->in[k]]);
    hash[v] = mix(hash[v], in);
  }
  for (size_t i = 0; i < g->n_outputs; i++) all = mix(all, hash[g->output[i]]);
  nf_free(hash);
  return all;
}

static uint64_t normalised(const nf_graph *g, uint64_t seed, size_t *out_nodes) {
  const nf_fuse_options o = {.mode = NF_FUSE_COST};
  nf_fuse_report report = {0};
  nf_fuse_run run = {.rules = rules, .options = &o, .base = &report, .report = &report};
  nf_graph *out;
  ok(nf_edit_init(&run.edit, g));
  ok(nf_normalise(&run, seed));
  ok(nf_edit_finish(&run.edit, &out, NULL));
  const uint64_t shape = shape_of(out);
  *out_nodes = out->n_nodes;
  nf_edit_deinit(&run.edit);
  nf_graph_destroy(out);
  nf_free(report.normalised);
  nf_arena_deinit(&report.arena);
  return shape;
}

static void normalising_is_confluent(void **state) {
  (void)state;
  for (uint64_t graph = 1; graph <= 300; graph++) {
    nf_graph *g;
    size_t nodes, other_nodes;
    ok(nf_random_layers(graph, NF_F32, &g));
    const uint64_t shape = normalised(g, 0, &nodes);
    for (uint64_t seed = 1; seed <= 8; seed++)
      if (normalised(g, seed, &other_nodes) != shape) {
        char *text = text_of(g);
        fail_msg("graph %d, seed %d: %zu nodes, %zu in order:\n%s", (int)graph, (int)seed, other_nodes, nodes,
                 text);
      }
    nf_graph_destroy(g);
  }
}

// ---- fused equals unfused ----

static void random_graphs(void **state) {
  (void)state;
  size_t fused = 0, rewritten = 0;
  for (uint64_t seed = 1; seed <= 600; seed++) {
    nf_graph *g, *out;
    nf_fuse_report *r;
    static const char *const order[] = {"pad_of_unpad", "all_reduce_rms_norm", "add_rms_norm_pad",
                                        "add_rms_norm"};
    nf_fuse_options o = cost_options();
    if (seed % 4 == 0) o.mode = NF_FUSE_ORDERED, o.order = order, o.n_order = 4;
    ok(nf_random_layers(seed, NF_F32, &g));
    ok(nf_fuse(rules, g, &o, &out, &r));
    for (size_t i = 0; i < r->n_fusions; i++) fused += r->fusion[i].verdict == NF_FUSION_CHOSEN;
    rewritten += r->n_normalised;
    assert_int_equal(out->n_outputs, g->n_outputs);
    for (size_t i = 0; i < g->n_outputs; i++)
      assert_string_equal(out->value[out->output[i]].name, g->value[g->output[i]].name);
    compare(g, out, (int)(1 + seed % 3), (int64_t)(seed % 5), 0, seed);
    nf_graph_destroy(g);
    nf_graph_destroy(out);
    nf_fuse_report_destroy(r);
  }
  assert_true(fused > 600 && rewritten > 300);
}

static void layers_run_the_same(void **state) {
  (void)state;
  for (int world = 1; world <= 3; world++) {
    nf_graph *g, *out;
    nf_fuse_report *r;
    const nf_fuse_options o = cost_options();
    ok(nf_layers_graph(&(nf_layers){.layers = 3, .ranks = true, .pads = true, .act = NF_F32}, &g));
    ok(nf_fuse(rules, g, &o, &out, &r));
    compare(g, out, world, 5, 0, 3);
    nf_graph_destroy(g);
    nf_graph_destroy(out);
    nf_fuse_report_destroy(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_order_of_rules_matters),
                                     cmocka_unit_test(normalising_is_confluent),
                                     cmocka_unit_test(random_graphs), cmocka_unit_test(layers_run_the_same)};
  return cmocka_run_group_tests(tests, rules_set_up, rules_tear_down);
}
