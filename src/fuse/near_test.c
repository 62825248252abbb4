// SPDX-License-Identifier: Apache-2.0
// Near misses: each kind, and its sentence.
#include "fuse/choice.h"
#include "tests/support/fusing.h"
#include <stdio.h>

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
      {"a : f32[T,8] = all_reduce(x)\nu : f32[T,8] = rms_norm(a, w) eps=1\noutput u\n",
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
      {"n : f32[T,8] = rms_norm(x, w) eps=1 one_plus=1\na : f32[T,8] = rms_norm(h, w) eps=1\n"
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
    nf_text says = {0}, why = {0};
    snprintf(text, sizeof text,
             "graph g\ninput x : f32[T,8]\ninput h : f32[T,8]\nweight w : f32[8] = \"w\"\n%soutput s\n",
             rows[i].text);
    ok(nf_graph_parse(nf_view_of(text), "text", &g));
    ok(nf_edit_init(&e, g));
    size_t n = 0;
    nf_matcher m = {.edit = &e, .pattern = &mine->pattern[0], .found = count_match, .user = &n};
    ok(nf_match_at(&m, g->value[nf_graph_find(g, "n")].node));
    nf_text_printf(&says, "%s: ", nf_near_print(&m.near, &e, m.pattern, &why));
    nf_text_printf(&says, "%s", why.n != 0 ? why.at : "");
    assert_int_equal(n, rows[i].says == NULL);
    if (rows[i].says) assert_string_equal(says.at, rows[i].says);
    nf_text_deinit(&why);
    nf_text_deinit(&says);
    nf_edit_deinit(&e);
    nf_graph_destroy(g);
  }
  nf_rules_destroy(mine);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(near_misses),
                                     cmocka_unit_test(near_misses_of_every_kind)};
  return cmocka_run_group_tests(tests, rules_set_up, rules_tear_down);
}
