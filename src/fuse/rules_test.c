// SPDX-License-Identifier: Apache-2.0
// Rules: those that disagree with themselves are refused, options that speak of them, text in and out with
// twins that must stay as they are, and both sides of every rule run on random instances.
#include "select/select.h"
#include "tests/support/fusing.h"
#include <stdio.h>

static bool flat_cost(void *user, const nf_op_desc *d, const nf_sizes *at, nf_op_cost *out, nf_text *why) {
  (void)user, (void)d, (void)at, (void)why;
  out->us = 1;
  return true;
}

static nf_hw hw;
static const nf_select_options no_options;
static int set_up(void **state) {
  nf_status st = nf_hw_detect(&hw);
  if (!nf_is_ok(st)) print_error("%s\n", nf_status_message(st));
  return !nf_is_ok(st) || rules_set_up(state);
}

// ---- text in, text out ----

#define HEAD                                                                        \
  "graph g\ninput x : bf16[T,8]\ninput h : bf16[T,8]\nweight w : bf16[8] = \"w\"\n" \
  "weight r : bf16[4,8] = \"r\"\n"
#define NORM(y, x) y " : bf16[T,8] = rms_norm(" x ", w) eps=1e-05\n"

typedef struct text_case {
  const char *rule, *in, *out; // NULL: as it was
} text_case;
static const text_case texts[] = {
    {"add_rms_norm", HEAD "s : bf16[T,8] = add(x, h)\n" NORM("y", "s") "output y\noutput s\n",
     HEAD "y : bf16[T,8], s : bf16[T,8]"
          " = rms_norm(x, w, h) eps=1e-05\noutput y\noutput s\n"},
    {"add_rms_norm", HEAD "s : bf16[T,8] = add(x, h)\n" NORM("y", "s") "output y\n", // nobody reads the sum
     HEAD "y : bf16[T,8], s : bf16[T,8]"
          " = rms_norm(x, w, h) eps=1e-05\noutput y\n"},
    {"add_rms_norm", HEAD "s : bf16[T,8] = all_reduce(x)\n" NORM("y", "s") "output y\n", NULL}, // another op
    {"add_rms_norm",
     HEAD "s : bf16[T,8] = add(x, h)\ny : bf16[T,8] = rms_norm(s, w) eps=0.5 one_plus=1\noutput y\n",
     HEAD "y : bf16[T,8], s : bf16[T,8] = rms_norm(x, w, h) eps=0.5 one_plus=1\noutput y\n"},

    {"add_rms_norm_pad",
     HEAD
     "s : bf16[T,8] = add(x, h)\n" NORM("y", "s") "p : bf16[T,8:16] = pad(y) to=16\noutput p\noutput s\n",
     HEAD "p : bf16[T,8:16], s : bf16[T,8]"
          " = rms_norm(x, w, h) eps=1e-05 pad=16\noutput p\noutput s\n"},
    {"add_rms_norm_pad", // the norm has another user
     HEAD
     "s : bf16[T,8] = add(x, h)\n" NORM("y", "s") "p : bf16[T,8:16] = pad(y) to=16\noutput p\noutput y\n",
     NULL},
    {"add_rms_norm_pad",
     HEAD
     "s : bf16[T,8] = add(x, h)\n" NORM("y", "s") "p : bf16[T,8:16] = pad(y) to=16\n"
                                                  "l : f32[T,4] = linear(y, r) out=f32\noutput p\noutput l\n",
     NULL},

    {"add_rms_norm_router_pad",
     HEAD
     "s : bf16[T,8] = add(x, h)\n" NORM("y", "s") "l : f32[T,4] = linear(y, r) out=f32\n"
                                                  "p : bf16[T,8:16] = pad(y) to=16\noutput p\noutput l\n",
     HEAD "p : bf16[T,8:16], s : bf16[T,8]"
          " = rms_norm(x, w, h) eps=1e-05 pad=16\n"
          "l : f32[T,4] = linear(p, r) out=f32\noutput p\noutput l\n"},
    {"add_rms_norm_router_pad", // two linears
     HEAD
     "s : bf16[T,8] = add(x, h)\n" NORM("y", "s") "l : f32[T,4] = linear(y, r) out=f32\n"
                                                  "l2 : bf16[T,4] = linear(y, r) out=bf16\np : bf16[T,8:16] "
                                                  "= pad(y) to=16\noutput p\noutput l\noutput l2\n",
     NULL},

    {"all_reduce_rms_norm",
     HEAD "a : bf16[T,8] = all_reduce(x)\n" NORM("y", "a") "z : bf16[T,8] = add(a, y)\noutput z\n",
     HEAD "y : bf16[T,8], a : bf16[T,8]"
          " = rms_norm(x, w) eps=1e-05 reduce=1\nz : bf16[T,8] = add(a, y)\noutput z\n"},
    {"all_reduce_rms_norm", // padded rows
     "graph g\ninput x : bf16[T,8:16]\nweight w : bf16[8] = \"w\"\na : bf16[T,8:16] = all_reduce(x)\n"
     "u : bf16[T,8] = unpad(a)\n" NORM("y", "u") "output y\n",
     NULL},

    {"all_reduce_add_rms_norm",
     HEAD "a : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\n" NORM("y", "s") "output y\noutput s\n",
     HEAD "y : bf16[T,8], s : bf16[T,8]"
          " = rms_norm(x, w, h) eps=1e-05 reduce=1\noutput y\noutput s\n"},
    {"all_reduce_add_rms_norm", // the reduced rows have another user
     HEAD "a : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\n" NORM("y", "s") "output y\noutput a\n",
     NULL},
    {"all_reduce_add_rms_norm", // the sum of both is another dtype's business
     "graph g\ninput x : f32[T,8]\ninput h : f32[T,8]\nweight w : bf16[8] = \"w\"\n"
     "a : f32[T,8] = all_reduce(x)\ns : f32[T,8] = add(h, a)\n"
     "y : f32[T,8] = rms_norm(s, w) eps=1\noutput y\n",
     "graph g\ninput x : f32[T,8]\ninput h : f32[T,8]\nweight w : bf16[8] = \"w\"\n"
     "y : f32[T,8], s : f32[T,8] = rms_norm(x, w, h) eps=1 reduce=1\noutput y\n"},

    {"all_reduce_add_rows_rms_norm",
     HEAD "a : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\ng : bf16[R,8] = gather_rows(s)\n"
          "y : bf16[R,8] = rms_norm(g, w) eps=1\noutput y\n",
     HEAD "y.x.rows : bf16[R,8] = gather_rows(x)\ny.residual.rows : bf16[R,8] = gather_rows(h)\n"
          "y : bf16[R,8], g : bf16[R,8] = rms_norm(y.x.rows, w, y.residual.rows) eps=1 reduce=1\noutput y\n"},
    {"all_reduce_add_rows_rms_norm", // the sum is wanted in whole
     HEAD "a : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\ng : bf16[R,8] = gather_rows(s)\n"
          "y : bf16[R,8] = rms_norm(g, w) eps=1\noutput y\noutput s\n",
     NULL},

    {"all_reduce_add_rms_norm_pad",
     HEAD "a : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\n" NORM(
         "y", "s") "p : bf16[T,8:16] = pad(y) to=16\noutput p\n",
     HEAD "p : bf16[T,8:16], s : bf16[T,8]"
          " = rms_norm(x, w, h) eps=1e-05 reduce=1 pad=16\noutput p\n"},
    {"all_reduce_add_rms_norm_pad", // an output
     HEAD "a : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\n" NORM(
         "y", "s") "p : bf16[T,8:16] = pad(y) to=16\noutput p\noutput y\n",
     NULL},

    {"all_reduce_add_rms_norm_router_pad",
     HEAD "weight b : bf16[4] = \"b\"\na : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\n" NORM(
         "y",
         "s") "p : bf16[T,8:16] = pad(y) to=16\nl : f32[T,4] = linear(y, r, b) out=f32\noutput p\noutput l\n",
     HEAD "weight b : bf16[4] = \"b\"\np : bf16[T,8:16], s : bf16[T,8]"
          " = rms_norm(x, w, h) eps=1e-05 reduce=1 pad=16\nl : f32[T,4] = linear(p, r, b) out=f32\noutput "
          "p\noutput l\n"},
    {"all_reduce_add_rms_norm_router_pad", // the router reads something else
     HEAD "a : bf16[T,8] = all_reduce(x)\ns : bf16[T,8] = add(h, a)\n" NORM(
         "y",
         "s") "p : bf16[T,8:16] = pad(y) to=16\nl : f32[T,4] = linear(s, r) out=f32\noutput p\noutput l\n",
     NULL},

#define WIDE "graph g\ninput x : f32[T,8:16]\n"
    {"unpad_below_all_reduce", WIDE "a : f32[T,8:16] = all_reduce(x)\ny : f32[T,8] = unpad(a)\noutput y\n",
     WIDE "y.narrow : f32[T,8] = unpad(x)\ny : f32[T,8] = all_reduce(y.narrow)\noutput y\n"},
    {"unpad_below_all_reduce", // its padding is read
     WIDE "a : f32[T,8:16] = all_reduce(x)\ny : f32[T,8] = unpad(a)\noutput y\noutput a\n", NULL},
    {"unpad_below_all_reduce", // a pad takes the unpad away
     WIDE
     "a : f32[T,8:16] = all_reduce(x)\nu : f32[T,8] = unpad(a)\ny : f32[T,8:16] = pad(u) to=16\noutput y\n",
     NULL},
    {"pad_above_all_reduce",
     "graph g\ninput x : f32[T,8]\np : f32[T,8:16] = pad(x) to=16\ny : f32[T,8:16] = all_reduce(p)\noutput "
     "y\n",
     "graph g\ninput x : f32[T,8]\ny.sum : f32[T,8] = all_reduce(x)\ny : f32[T,8:16] = pad(y.sum) "
     "to=16\noutput y\n"},
    {"pad_above_all_reduce", WIDE "y : f32[T,8:16] = all_reduce(x)\noutput y\n", NULL},
    {"unpad_of_pad",
     "graph g\ninput x : f32[T,8]\np : f32[T,8:16] = pad(x) to=16\nu : f32[T,8] = unpad(p)\ny : f32[T,8] = "
     "add(u, x)\n"
     "output y\n",
     "graph g\ninput x : f32[T,8]\ny : f32[T,8] = add(x, x)\noutput y\n"},
    {"unpad_of_pad", WIDE "p : f32[T,8:32] = pad(x) to=32\ny : f32[T,8] = unpad(p)\noutput y\n",
     WIDE "y : f32[T,8] = unpad(x)\noutput y\n"},
    {"unpad_of_pad", WIDE "y : f32[T,8] = unpad(x)\noutput y\n", NULL},
    {"pad_of_unpad",
     WIDE
     "u : f32[T,8] = unpad(x)\np : f32[T,8:16] = pad(u) to=16\ny : f32[T,8:16] = all_reduce(p)\noutput y\n",
     WIDE "y : f32[T,8:16] = all_reduce(x)\noutput y\n"},
    {"pad_of_unpad", WIDE "u : f32[T,8] = unpad(x)\ny : f32[T,8:32] = pad(u) to=32\noutput y\noutput u\n",
     WIDE "y : f32[T,8:32] = pad(x) to=32\nu : f32[T,8] = unpad(x)\noutput y\noutput u\n"},
    {"pad_of_unpad", WIDE "y : f32[T,8:32] = pad(x) to=32\noutput y\n", NULL},
    {"pad_of_pad",
     "graph g\ninput x : f32[T,8]\np : f32[T,8:16] = pad(x) to=16\ny : f32[T,8:32] = pad(p) to=32\noutput "
     "y\n",
     "graph g\ninput x : f32[T,8]\ny : f32[T,8:32] = pad(x) to=32\noutput y\n"},
    {"pad_of_pad", "graph g\ninput x : f32[T,8]\ny : f32[T,8:32] = pad(x) to=32\noutput y\n", NULL},
#include "fuse/rules/blocks_test.def"
#include "fuse/rules/merge_test.def"
#include "fuse/rules/quantise_test.def"
};

static void fuse_alone(const char *rule, const nf_graph *g, nf_graph **out, nf_fuse_report **report) {
  const nf_fuse_options o = {.mode = NF_FUSE_ORDERED,
                             .order = &rule,
                             .n_order = 1,
                             .at = nf_sizes_of(4, 1, 1),
                             .costs = {.of = flat_cost}};
  const nf_rule *r;
  for (size_t i = 0; (r = nf_rules_at(rules, i)); i++)
    if (strcmp(r->name, rule) == 0) break;
  assert_non_null(r);
  nf_rules *one;
  ok(nf_rules_from(&r, 1, &one)); // alone, so that a family of the same name does not help
  ok(nf_fuse(one, g, &o, out, report));
  nf_rules_destroy(one);
}

static void text_in_and_out(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    nf_graph *g, *out;
    nf_fuse_report *report;
    nf_text is = {0};
    nf_status st = nf_graph_parse(nf_view_of(texts[i].in), "text", &g);
    if (!nf_is_ok(st)) fail_msg("%zu: %s", i, nf_status_message(st));
    fuse_alone(texts[i].rule, g, &out, &report);
    const char *unused =
        strstr(texts[i].in, "(y, r") || strstr(texts[i].in, "(s, r") ? "" : "weight r : bf16[4,8] = \"r\"\n";
    const char *want = texts[i].out ? texts[i].out : texts[i].in,
               *cut = *unused ? strstr(want, unused) : NULL;
    char text[2000]; // the weight r of HEAD goes where no linear reads it
    snprintf(text, sizeof text, "%.*s%s", cut ? (int)(cut - want) : 0, want,
             cut ? cut + strlen(unused) : want);
    nf_graph_print(out, &is);
    if (strcmp(is.at, text) != 0) fail_msg("case %zu, %s: got\n%swanted\n%s", i, texts[i].rule, is.at, text);
    nf_text_deinit(&is);
    nf_graph_destroy(out);
    nf_graph_destroy(g);
    nf_fuse_report_destroy(report);
  }
}

// ---- both sides ----

static uint64_t random_state = 7;
static uint64_t below(uint64_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (random_state >> 33) % n;
}

static nf_example random_example(void) {
  static const nf_dtype dtypes[] = {NF_F32, NF_BF16, NF_F16};
  const int64_t columns = (int64_t)(1 + below(90));
  return (nf_example){.dtype = dtypes[below(3)],
                      .weight = dtypes[below(3)],
                      .columns = columns,
                      .padded = columns + (int64_t)(1 + below(40)),
                      .eps = 1e-6f * (float)(1 + below(1000)),
                      .flag = below(2)};
}

// What rounding between the nodes may change: a fused norm is of the unrounded sum, and its codes may be
// neighbours. All else is the same bits.
static double allowed(const nf_rule *rule, nf_dtype t) {
  if (t == NF_F32 || !strstr(rule->name, "add_")) return 0;
  return strstr(rule->name, "quantise") ? 0x1p-3 : t == NF_BF16 ? 0x1p-6 : 0x1p-9;
}

// The kernel that this processor would run.
static const nf_variant *fast(const nf_op_desc *d) {
  nf_selection s;
  nf_select(&hw, d, &no_options, &s);
  return s.chosen ? s.chosen : nf_reference_of(d->op);
}

static bool has_cpu_kernel(nf_op op) {
  size_t n;
  const nf_variant *v = nf_variants(&n);
  for (size_t i = 0; i < n; i++)
    if (v[i].op == op && v[i].backend == NF_BACKEND_CPU) return true;
  return false;
}

// Whether the fused graph has a node that only its reference takes: then its parts must be the references
// too.
static bool falls_back(const nf_graph *g) {
  bool any = false;
  for (size_t i = 0; i < g->n_nodes; i++) {
    const nf_op_desc d = nf_graph_describe(g, &g->node[i]);
    nf_selection s;
    nf_select(&hw, &d, &no_options, &s);
    any |= s.chosen && s.chosen->backend == NF_BACKEND_REF && has_cpu_kernel(d.op);
  }
  return any;
}

// Codes and pools can't be read by a sum.
static bool is_read_alone(const nf_builder *b, nf_val v) {
  const nf_type *t = nf_is_ok(b->failed) ? &b->graph->value[v].type : NULL;
  return t && (nf_is_quantised(t->dtype) || t->cache);
}

// Result number `which` of the pattern's nodes that it does not yield; 0: there are not so many.
static nf_val inner(const nf_side *s, int which) {
  const nf_graph *g = s->b->graph;
  for (nf_val v = 1; v < g->n_values; v++) {
    bool yielded = g->value[v].kind != NF_VALUE_RESULT;
    for (int i = 0; i < s->n_yields; i++) yielded |= s->yield[i] == v;
    if (!yielded && which-- == 0) return v;
  }
  return 0;
}

// The pattern as a graph, each of its yields read by something outside, and inner value number `which`,
// unless that is below 0. NULL: it has not so many.
static nf_graph *instance(const nf_rule *rule, const nf_example *e, int which) {
  nf_builder b;
  nf_graph *g = NULL;
  ok(nf_builder_init(&b, rule->name));
  nf_side s = {.b = &b, .rule = rule, .example = e};
  rule->pattern(&s);
  const nf_val also = which < 0 ? 0 : inner(&s, which);
  for (int i = 0; i < s.n_yields; i++)
    nf_build_output(&b, is_read_alone(&b, s.yield[i])
                            ? s.yield[i]
                            : NF_BUILD(&b, nf_build_name(&b, "outside%d", i), all_reduce, (s.yield[i]), ));
  if (also != 0) nf_build_output(&b, also);
  ok(nf_builder_finish(&b, &g));
  if (which < 0 || also != 0) return g;
  nf_graph_destroy(g);
  return NULL;
}

// A value that the pattern does not yield must have no other user: each of them blocks the match.
static void other_users_block(void **state) {
  (void)state;
  const nf_rule *r;
  for (size_t i = 0; (r = nf_rules_at(rules, i)); i++) {
    const nf_example e = random_example();
    nf_graph *g, *out;
    for (int which = 0; (g = instance(r, &e, which)); which++) {
      nf_fuse_report *report;
      fuse_alone(r->name, g, &out, &report);
      if (report->n_normalised + report->n_fusions != 0)
        fail_msg("%s matches though inner value %d has another user", r->name, which);
      nf_graph_destroy(out);
      nf_graph_destroy(g);
      nf_fuse_report_destroy(report);
    }
  }
}

static void run_both_sides(const nf_rule *rule, nf_ran_kernel *kernel) {
  const nf_example e = random_example();
  nf_graph *g = instance(rule, &e, -1), *out;
  nf_fuse_report *report;
  nf_ran *a, *b;
  const char *where;
  const int world = (int)(1 + below(3));
  const int64_t tokens = (int64_t)below(6);
  const uint64_t seed = below(1000);
  fuse_alone(rule->name, g, &out, &report);
  if (report->n_normalised + report->n_fusions == 0)
    fail_msg("%s does not match its own pattern", rule->name);
  if (falls_back(out)) kernel = nf_ran_reference;
  ok(nf_ran_create_by(kernel, g, world, tokens, seed, &a));
  ok(nf_ran_create_by(kernel, out, world, tokens, seed, &b));
  const double d = nf_ran_difference(a, b, &where);
  if (!(d <= allowed(rule, e.dtype)))
    fail_msg("%s: %s differs by %.3g (%s, world %d, %s)", rule->name, where, d, nf_dtype_of(e.dtype)->name,
             world, kernel == fast ? "fast kernels" : "references");
  nf_ran_destroy(a);
  nf_ran_destroy(b);
  nf_graph_destroy(out);
  nf_graph_destroy(g);
  nf_fuse_report_destroy(report);
}

static void both_sides_of_every_rule(void **state) {
  (void)state;
  const nf_rule *r;
  for (size_t i = 0; (r = nf_rules_at(rules, i)); i++)
    for (int n = 0; n < 60; n++) run_both_sides(r, n % 2 ? fast : nf_ran_reference);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(text_in_and_out), cmocka_unit_test(other_users_block),
                                     cmocka_unit_test(both_sides_of_every_rule)};
  return cmocka_run_group_tests(tests, set_up, rules_tear_down);
}
