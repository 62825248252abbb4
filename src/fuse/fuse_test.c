// SPDX-License-Identifier: Apache-2.0
// Whole graphs: GPT-OSS on two ranks in all modes, choices that no order of rules changes, random graphs
// fused and not, near misses and refusals as sentences, circles, failing memory; and how long it takes.
#include "base/clock.h"
#include "fuse/choice.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/layers.h"
#include "tests/support/run_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_rules *rules;
static int set_up(void **state) {
  (void)state;
  return !nf_is_ok(nf_rules_create(&rules));
}
static int tear_down(void **state) {
  (void)state;
  nf_rules_destroy(rules);
  return 0;
}

typedef struct odd_ops { // ops by name, or NULL
  const char *no_kernel, *dear;
} odd_ops;

// A launch and the bytes that move, at a byte per nanosecond. user: odd_ops or NULL.
static bool plain_cost(void *user, const nf_op_desc *d, const nf_sizes *at, double *us, nf_text *why) {
  const nf_op_info *info = nf_op_of(d->op);
  const odd_ops *odd = user;
  size_t bytes, sum = 0;
  if (odd && odd->no_kernel && strcmp(odd->no_kernel, info->name) == 0) {
    nf_text_printf(why, "K = 64 is not a multiple of 128");
    return false;
  }
  for (int k = 0; k < info->n_in + info->n_out; k++) {
    const nf_type *t = k < info->n_in ? &d->in[k] : &d->out[k - info->n_in];
    if (t->dtype == NF_NONE) continue;
    if (nf_is_ok(nf_type_bytes(t, at, &bytes))) sum += bytes;
  }
  *us = 2 + (double)sum * 1e-3 + (odd && odd->dear && strcmp(odd->dear, info->name) == 0 ? 1000 : 0);
  return true;
}

static nf_fuse_options cost_options(void) {
  return (nf_fuse_options){.at = nf_sizes_of(8, 4, 4), .costs = {.of = plain_cost}};
}

static size_t chosen(const nf_fuse_report *r, const char *family) {
  size_t n = 0;
  for (size_t i = 0; i < r->n_fusions; i++)
    n += r->fusion[i].verdict == NF_FUSION_CHOSEN && strcmp(r->fusion[i].family, family) == 0;
  return n;
}

static char *text_of(const nf_graph *g) {
  nf_text t = {0};
  nf_graph_print(g, &t);
  ok(nf_text_status(&t));
  return t.at;
}

// ---- the touchstone ----

static void gpt_oss(void **state) {
  (void)state;
  static const char *const sums_first[] = {"all_reduce_rms_norm", "add_rms_norm_pad"};
  static const char *const pads_first[] = {"add_rms_norm_pad", "all_reduce_rms_norm"};
  for (int layers = 1; layers <= 36; layers += 7) {
    const size_t n = (size_t)layers;
    nf_graph *g, *out;
    nf_fuse_report *r;
    nf_fuse_options o = cost_options();
    ok(nf_layers_graph(&(nf_layers){.layers = layers, .ranks = true, .pads = true, .act = NF_BF16}, &g));
    ok(nf_fuse(rules, g, &o, &out, &r));
    assert_int_equal(r->sums, 1 + 2 * n);
    assert_int_equal(r->sums_fused, 1 + 2 * n);
    assert_int_equal(r->sums_padded, n);
    assert_true(r->after_us < r->before_us);
    nf_fuse_report_destroy(r);
    nf_graph_destroy(out);
    o.mode = NF_FUSE_ORDERED;
    o.n_order = 2;
    for (int pads = 0; pads < 2; pads++) {
      o.order = pads ? pads_first : sums_first;
      ok(nf_fuse(rules, g, &o, &out, &r));
      assert_int_equal(chosen(r, "all_reduce_rms_norm"), pads ? 1 : n + 1);
      assert_int_equal(chosen(r, "add_rms_norm_pad"), pads ? n : 0);
      assert_int_equal(r->n_normalised, 0);
      for (size_t i = 0; i < r->n_fusions; i++)
        if (strcmp(r->fusion[i].rule, "add_rms_norm") == 0)
          assert_int_equal(r->fusion[i].verdict, NF_FUSION_UNNAMED);
      nf_fuse_report_destroy(r);
      nf_graph_destroy(out);
    }
    nf_graph_destroy(g);
  }
}

static void one_rank_and_off(void **state) {
  (void)state;
  nf_graph *g, *out;
  nf_fuse_report *r;
  nf_fuse_options o = cost_options();
  ok(nf_layers_graph(&(nf_layers){.layers = 6, .pads = true, .act = NF_BF16}, &g));
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_int_equal(chosen(r, "add_rms_norm_pad"), 6);
  assert_int_equal(r->sums, 0);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  o.mode = NF_FUSE_OFF;
  ok(nf_fuse(rules, g, &o, &out, &r));
  char *was = text_of(g), *is = text_of(out);
  assert_string_equal(was, is);
  nf_free(was);
  nf_free(is);
  assert_int_equal(r->n_fusions, 0);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
}

// ---- the order of rules ----

static char *json_of(const nf_fuse_report *r) {
  json_t *j;
  ok(nf_fuse_report_json(r, &j));
  char *text = json_dumps(j, JSON_INDENT(1) | JSON_SORT_KEYS);
  json_decref(j);
  return text;
}

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
    nf_text t = {0};
    nf_type_print(&value->type, &t);
    hash[v] = mix(nf_hash(t.at, t.n, seed), (uint64_t)n->op << 8 | (uint64_t)value->result);
    nf_text_deinit(&t);
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
  nf_fuse_run run = {.rules = rules, .options = &o, .report = &report};
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

static void compare(const nf_graph *g, const nf_graph *out, int world, int64_t tokens, double allowed,
                    uint64_t seed) {
  nf_ran *a, *b;
  const char *where;
  ok(nf_ran_create(g, world, tokens, seed, &a));
  ok(nf_ran_create(out, world, tokens, seed, &b));
  const double d = nf_ran_difference(a, b, &where);
  if (!(d <= allowed)) fail_msg("seed %d: %s differs by %.3g", (int)seed, where, d);
  nf_ran_destroy(a);
  nf_ran_destroy(b);
}

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

// ---- what is told ----

static const nf_near_miss *near_of(const nf_fuse_report *r, const char *rule, const char *at) {
  for (size_t i = 0; i < r->n_near; i++)
    if (strcmp(r->near[i].rule, rule) == 0 && strcmp(r->near[i].at, at) == 0) return &r->near[i];
  return NULL;
}

static void near_misses(void **state) {
  (void)state;
  static const struct {
    const char *text, *rule, *at, *node, *why;
    int depth;
  } rows[] = {
      {"a : f32[T,8] = all_reduce(x)\nu : f32[T,8] = rms_norm(a, w) eps=1 one_plus=0\noutput u\n",
       "all_reduce_add_rms_norm", "a", "a", "used by rms_norm, not by add", 1},
      {"a : f32[T,8] = all_reduce(x)\ns : f32[T,8] = add(a, h)\nu : f32[T,8] = rms_norm(s, w) eps=1 "
       "one_plus=0\n"
       "output u\noutput a\n",
       "all_reduce_add_rms_norm", "a", "a", "is an output, and would go", 3},
      {"a : f32[T,8] = all_reduce(x)\ns : f32[T,8] = add(a, h)\nu : f32[T,8] = rms_norm(s, w) eps=1 "
       "one_plus=0\n"
       "c : f32[T,8] = add(a, u)\noutput c\n",
       "all_reduce_add_rms_norm", "a", "a", "is also used by c, and would go", 3},
      {"s : f32[T,8] = add(x, h)\noutput s\n", "add_rms_norm", "s", "s", "nothing uses it, rms_norm should",
       1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[1000];
    nf_graph *g, *out;
    nf_fuse_report *r;
    const nf_fuse_options o = cost_options();
    snprintf(text, sizeof text,
             "graph g\ninput x : f32[T,8]\ninput h : f32[T,8]\nweight w : f32[8] = \"w\"\n%s", rows[i].text);
    ok(nf_graph_parse(nf_view_of(text), "text", &g));
    ok(nf_fuse(rules, g, &o, &out, &r));
    const nf_near_miss *n = near_of(r, rows[i].rule, rows[i].at);
    if (!n) fail_msg("case %zu: no near miss of %s at %s", i, rows[i].rule, rows[i].at);
    assert_string_equal(n->node, rows[i].node);
    assert_string_equal(n->why, rows[i].why);
    assert_int_equal(n->depth, rows[i].depth);
    nf_fuse_report_destroy(r);
    nf_graph_destroy(out);
    nf_graph_destroy(g);
  }
}

static nf_status count_match(void *user, const nf_match *m) {
  (void)m;
  ++*(size_t *)user;
  return nf_ok();
}

// A rule with all that a pattern can ask for: an attribute, one of two results, a value twice, an optional
// operand.
static void picky_pattern(nf_side *s) {
  const nf_val x = nf_leaf(s, "x", NF_TYPE(NF_F32, NF_BY(1, NF_T), NF_C(8)));
  const nf_val w = nf_leaf(s, "w", NF_TYPE(NF_F32, NF_C(8)));
  const nf_val y = NF_BUILD(s->b, "y", rms_norm, (x, w), .eps = 1, .one_plus = true);
  nf_any(s, y, "eps");
  const nf_val z = NF_BUILD(s->b, "z", all_reduce, (x), );
  nf_yield(s, NF_BUILD(s->b, "sum", add, (y, z), ));
}
static void picky_replacement(nf_side *s) {
  nf_yield(s, NF_BUILD(s->b, "sum", all_reduce, (nf_found(s, "x")), ));
}
static const nf_rule picky = {
    .name = "picky", .family = "f", .what = "", .pattern = picky_pattern, .replacement = picky_replacement};

static void near_misses_of_every_kind(void **state) {
  (void)state;
  static const struct {
    const char *text, *says; // NULL: it matches
  } rows[] = {
      {"n : f32[T,8] = rms_norm(x, w) eps=3 one_plus=1\na : f32[T,8] = all_reduce(x)\ns : f32[T,8] = add(a, "
       "n)\n",
       NULL},
      {"n : f32[T,8] = rms_norm(x, w) eps=1 one_plus=1\na : f32[T,8] = rms_norm(h, w) eps=1 one_plus=0\n"
       "s : f32[T,8] = add(a, n)\n",
       "s: operand a is made by rms_norm, not all_reduce"},
      {"n : f32[T,8] = rms_norm(x, w) eps=1 one_plus=1\ns : f32[T,8] = add(h, n)\n",
       "s: operand a is made by the caller, not all_reduce"},
      {"n : f32[T,8] = rms_norm(x, w) eps=1 one_plus=1\na : f32[T,8] = all_reduce(h)\ns : f32[T,8] = add(a, "
       "n)\n",
       "a: operand x is h, not x"},
      {"n : f32[T,8] = rms_norm(x, w) eps=1 one_plus=1\ns : f32[T,8] = unpad(n)\n",
       "n: used by unpad, not by add"},
  };
  const nf_rule *const list[] = {&picky};
  nf_rules *mine;
  ok(nf_rules_from(list, 1, &mine));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[1000];
    nf_graph *g;
    nf_edit e;
    nf_text says = {0};
    snprintf(text, sizeof text,
             "graph g\ninput x : f32[T,8]\ninput h : f32[T,8]\nweight w : f32[8] = \"w\"\n%soutput s\n",
             rows[i].text);
    ok(nf_graph_parse(nf_view_of(text), "text", &g));
    ok(nf_edit_init(&e, g));
    size_t n = 0;
    nf_matcher m = {.edit = &e, .pattern = &mine->pattern[0], .found = count_match, .user = &n};
    ok(nf_match_at(&m, g->value[nf_graph_find(g, "n")].node));
    nf_near_print(&m.near, &e, m.pattern, &says);
    assert_int_equal(n, rows[i].says == NULL);
    if (rows[i].says) assert_string_equal(says.at, rows[i].says);
    nf_text_deinit(&says);
    nf_edit_deinit(&e);
    nf_graph_destroy(g);
  }
  nf_rules_destroy(mine);
}

static const nf_fusion *fusion_of(const nf_fuse_report *r, const char *rule) {
  for (size_t i = 0; i < r->n_fusions; i++)
    if (strcmp(r->fusion[i].rule, rule) == 0) return &r->fusion[i];
  return NULL;
}

static void verdicts(void **state) {
  (void)state;
  nf_graph *g, *out;
  nf_fuse_report *r;
  nf_fuse_options o = cost_options();
  ok(nf_graph_parse(
      nf_view_of("graph g\ninput x : f32[T,64]\ninput h : f32[T,64]\nweight w : f32[64] = \"w\"\n"
                 "a : f32[T,64] = all_reduce(x)\ns : f32[T,64] = add(a, h)\n"
                 "u : f32[T,64] = rms_norm(s, w) eps=1 one_plus=0\noutput u\noutput s\n"),
      "text", &g));
  ok(nf_fuse(rules, g, &o, &out, &r));
  const nf_fusion *won = fusion_of(r, "all_reduce_add_rms_norm"), *lost = fusion_of(r, "add_rms_norm");
  assert_int_equal(won->verdict, NF_FUSION_CHOSEN);
  assert_int_equal(lost->verdict, NF_FUSION_LOST);
  assert_ptr_equal(&r->fusion[lost->lost_to], won);
  assert_true(lost->by_us > 2);
  assert_non_null(strstr(lost->why, "lost to all_reduce_add_rms_norm at a by "));
  assert_int_equal(r->n_sites, 1);
  char *json = json_of(r);
  assert_non_null(strstr(json, "\"verdict\": \"chosen\""));
  assert_non_null(strstr(json, "\"lost_to\": \"all_reduce_add_rms_norm\""));
  free(json);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  // Without its kernel the next best one is taken, and the reason told.
  odd_ops odd = {.no_kernel = "all_reduce_add_rms_norm"};
  o.costs.user = &odd;
  ok(nf_fuse(rules, g, &o, &out, &r));
  won = fusion_of(r, "all_reduce_add_rms_norm");
  assert_int_equal(won->verdict, NF_FUSION_REFUSED);
  assert_string_equal(won->why, "all_reduce_add_rms_norm: K = 64 is not a multiple of 128");
  assert_int_equal(fusion_of(r, "add_rms_norm")->verdict, NF_FUSION_CHOSEN);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  // Nor is a fusion taken that costs more, but where it is the only way to run at all.
  odd = (odd_ops){.dear = "all_reduce_add_rms_norm"};
  ok(nf_fuse(rules, g, &o, &out, &r));
  won = fusion_of(r, "all_reduce_add_rms_norm");
  assert_int_equal(won->verdict, NF_FUSION_DEAR);
  assert_non_null(strstr(won->why, " µs, its nodes "));
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  odd.no_kernel = "rms_norm";
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_int_equal(fusion_of(r, "add_rms_norm")->verdict, NF_FUSION_CHOSEN);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  o.costs.user = NULL;
  o.filter = "-all_reduce_add_rms_norm";
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_null(fusion_of(r, "all_reduce_add_rms_norm"));
  assert_int_equal(fusion_of(r, "add_rms_norm")->verdict, NF_FUSION_CHOSEN);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
}

// Each of two fusions could go alone, but each one's norm has a weight that needs the other's sum; a third
// one's weight needs its own sum.
static void circles(void **state) {
  (void)state;
  nf_graph *g, *out;
  nf_fuse_report *r;
  const nf_fuse_options o = cost_options();
  ok(nf_graph_parse(
      nf_view_of("graph g\ninput x : f32[8]\ninput h : f32[8]\ninput k : f32[8]\n"
                 "s1 : f32[8] = add(x, h)\ns2 : f32[8] = add(x, k)\ns3 : f32[8] = add(h, k)\n"
                 "w1 : f32[8] = add(s2, h)\nw2 : f32[8] = add(s1, h)\nw3 : f32[8] = add(s3, h)\n"
                 "n1 : f32[8] = rms_norm(s1, w1) eps=1 one_plus=0\n"
                 "n2 : f32[8] = rms_norm(s2, w2) eps=1 one_plus=0\n"
                 "n3 : f32[8] = rms_norm(s3, w3) eps=1 one_plus=0\n"
                 "output n1\noutput n2\noutput n3\n"),
      "text", &g));
  ok(nf_fuse(rules, g, &o, &out, &r));
  assert_int_equal(chosen(r, "add_rms_norm"), 1);
  assert_int_equal(r->n_fusions, 3);
  assert_int_equal(r->fusion[0].verdict, NF_FUSION_CHOSEN);
  assert_string_equal(r->fusion[1].why, "with the others it would close a circle");
  assert_string_equal(r->fusion[2].why, "something between its nodes needs one and is needed by another");
  compare(g, out, 2, 1, 0, 1);
  nf_fuse_report_destroy(r);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
}

// ---- memory ----

static nf_graph *to_fuse;
static nf_status fuse_once(void) {
  nf_graph *out;
  nf_fuse_report *r;
  nf_rules *mine;
  json_t *json = NULL;
  const nf_fuse_options o = cost_options();
  NF_TRY(nf_rules_create(&mine));
  nf_status st = nf_fuse(mine, to_fuse, &o, &out, &r);
  if (nf_is_ok(st)) {
    st = nf_fuse_report_json(r, &json);
    json_decref(json);
    nf_fuse_report_destroy(r);
    nf_graph_destroy(out);
  }
  nf_rules_destroy(mine);
  return st;
}

static void failing_memory(void **state) {
  (void)state;
  if (!nf_alloc_fail_available()) skip();
  ok(nf_layers_graph(&(nf_layers){.layers = 1, .ranks = true, .pads = true, .act = NF_BF16}, &to_fuse));
  ok(fuse_once());
  nf_alloc_fail_at(0, false);
  const int64_t live = nf_alloc_live();
  ok(fuse_once());
  const uint64_t count = nf_alloc_count();
  for (uint64_t n = 1; n <= count; n++)
    for (int for_good = 0; for_good < 2; for_good++) {
      nf_alloc_fail_at(n, for_good);
      nf_status st = fuse_once();
      nf_alloc_fail_at(0, false);
      if (nf_status_code(st) != NF_NO_MEMORY) fail_msg("allocation %d: '%s'", (int)n, nf_status_message(st));
      nf_status_free(st);
      if (nf_alloc_live() != live) fail_msg("allocation %d: something is leaked", (int)n);
    }
  nf_graph_destroy(to_fuse);
}

// ---- time: printed, never judged ----

static void time(void **state) {
  (void)state;
  for (int layers = 12; layers <= 96; layers *= 2) {
    nf_graph *g, *out;
    nf_fuse_report *r;
    double best = 1e9;
    const nf_fuse_options o = cost_options();
    ok(nf_layers_graph(&(nf_layers){.layers = layers, .ranks = true, .pads = true, .act = NF_BF16}, &g));
    for (int n = 0; n < 5; n++) {
      const double start = nf_now();
      ok(nf_fuse(rules, g, &o, &out, &r));
      const double t = nf_now() - start;
      if (t < best) best = t;
      nf_fuse_report_destroy(r);
      nf_graph_destroy(out);
    }
    print_message("%d layers, %zu nodes: %.2f ms\n", layers, g->n_nodes, best * 1e3);
    nf_graph_destroy(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gpt_oss),
      cmocka_unit_test(one_rank_and_off),
      cmocka_unit_test(no_order_of_rules_matters),
      cmocka_unit_test(normalising_is_confluent),
      cmocka_unit_test(random_graphs),
      cmocka_unit_test(layers_run_the_same),
      cmocka_unit_test(near_misses),
      cmocka_unit_test(near_misses_of_every_kind),
      cmocka_unit_test(verdicts),
      cmocka_unit_test(circles),
      cmocka_unit_test(failing_memory),
      cmocka_unit_test(time),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
