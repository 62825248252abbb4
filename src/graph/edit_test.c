// SPDX-License-Identifier: Apache-2.0
// Changing graphs: what is not changed comes back as it was, canonical form in and out, order repaired, pools
// linear.
#include "fuse/choice.h"
#include "tests/support/random_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void ok(nf_status st) {
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
}

static nf_graph *parsed(const char *text) {
  nf_graph *g = NULL;
  ok(nf_graph_parse(nf_view_of(text), "text", &g));
  return g;
}

static void same_text(const nf_graph *g, const char *want) {
  nf_text t = {0};
  nf_graph_print(g, &t);
  if (strcmp(t.at, want) != 0) fail_msg("got\n%s\nwanted\n%s", t.at, want);
  nf_text_deinit(&t);
}

static void unchanged(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    nf_graph *g, *again;
    nf_edit e;
    nf_text before = {0};
    ok(nf_random_graph(seed, &g));
    ok(nf_edit_init(&e, g));
    ok(nf_edit_finish(&e, &again, NULL));
    for (nf_val v = 1; v < g->n_values; v++) // unused weights go
      if (g->value[v].kind == NF_VALUE_WEIGHT && !e.value[v].n_uses) goto next;
    nf_graph_print(g, &before);
    same_text(again, before.at);
  next:
    nf_text_deinit(&before);
    nf_edit_deinit(&e);
    nf_graph_destroy(again);
    nf_graph_destroy(g);
  }
}

static void canonical(void **state) {
  (void)state;
#define IN "graph g\ninput x : f32[T,8]\ninput z : f32[T,8]\n"
  static const struct {
    const char *in, *out;
  } rows[] = {
      // operands that commute
      {IN "y : f32[T,8] = add(z, x)\noutput y\n", IN "y : f32[T,8] = add(x, z)\noutput y\n"},
      // duplicates, also across that order; an output stays
      {IN "a : f32[T,8] = add(x, z)\nb : f32[T,8] = add(z, x)\ny : f32[T,8] = add(a, b)\noutput y\n",
       IN "a : f32[T,8] = add(x, z)\ny : f32[T,8] = add(a, a)\noutput y\n"},
      {IN "a : f32[T,8] = add(x, z)\nb : f32[T,8] = add(x, z)\noutput a\noutput b\n",
       IN "a : f32[T,8] = add(x, z)\nb : f32[T,8] = reshape(a) to=[T,8]\noutput a\noutput b\n"},
      {IN
       "a : f32[T,8] = add(x, z)\nb : f32[T,8] = add(x, z)\ny : f32[T,8] = add(a, a)\noutput y\noutput b\n",
       IN "b : f32[T,8] = add(x, z)\ny : f32[T,8] = add(b, b)\noutput y\noutput b\n"},
      {IN "a : f32[T,8] = add(x, z)\nb : f32[T,8] = unpad(a)\ny : f32[T,8] = add(a, x)\noutput y\noutput b\n",
       IN "b : f32[T,8] = add(x, z)\ny : f32[T,8] = add(x, b)\noutput y\noutput b\n"},
      {IN "a : f32[T,8] = unpad(x)\noutput a\n", IN "a : f32[T,8] = reshape(x) to=[T,8]\noutput a\n"},
      // other attributes are no duplicates
      {IN "a : f32[T,4] = swiglu(x) alpha=1\n"
          "b : f32[T,4] = swiglu(x) alpha=2\n"
          "y : f32[T,4] = add(a, b)\noutput y\n",
       IN "a : f32[T,4] = swiglu(x) alpha=1\n"
          "b : f32[T,4] = swiglu(x) alpha=2\n"
          "y : f32[T,4] = add(a, b)\noutput y\n"},
      // reshapes fold, and go where they change nothing
      {IN "a : f32[8*T] = reshape(x) to=[8*T]\nb : f32[T,2,4] = reshape(a) to=[T,2,4]\noutput b\n",
       IN "b : f32[T,2,4] = reshape(x) to=[T,2,4]\noutput b\n"},
      {IN "a : f32[8*T] = reshape(x) to=[8*T]\nb : f32[T,8] = reshape(a) to=[T,8]\ny : f32[T,8] = add(b, z)\n"
          "output y\noutput a\n",
       IN "a : f32[8*T] = reshape(x) to=[8*T]\ny : f32[T,8] = add(x, z)\noutput y\noutput a\n"},
      {IN "a : f32[T,8] = reshape(x) to=[T,8]\noutput a\n",
       IN "a : f32[T,8] = reshape(x) to=[T,8]\noutput a\n"},
      {IN "a : f32[T,8] = narrow(x) size=8\ny : f32[T,8] = add(a, z)\noutput y\n",
       IN "y : f32[T,8] = add(x, z)\noutput y\n"},
      {IN "a : f32[T,8] = unpad(x)\nb : f32[T,8] = pad(a) to=8\ny : f32[T,8] = add(b, z)\noutput y\n",
       IN "y : f32[T,8] = add(x, z)\noutput y\n"},
      // what nothing needs goes, with its weights; what writes a pool stays
      {IN "weight w : f32[8] = \"w\"\nd : f32[T,8] = rms_norm(x, w) eps=1\n"
          "e : f32[T,8] = add(d, x)\ny : f32[T,8] = add(x, z)\noutput y\n",
       IN "y : f32[T,8] = add(x, z)\noutput y\n"},
      {"graph g\ninput k : f32[T,1,4]\npool p : full f32[2,1,1,4]\nq : full f32[2,1,1,4] = kv_write(k, k, "
       "p)\n",
       "graph g\ninput k : f32[T,1,4]\npool p : full f32[2,1,1,4]\nq : full f32[2,1,1,4] = kv_write(k, k, "
       "p)\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nf_graph *g = parsed(rows[i].in), *out;
    nf_edit e;
    ok(nf_edit_init(&e, g));
    nf_canonicalise(&e);
    ok(nf_edit_finish(&e, &out, NULL));
    same_text(out, rows[i].out);
    nf_edit_deinit(&e);
    nf_graph_destroy(out);
    nf_graph_destroy(g);
  }
}

// A node that replaces others stands where the last of them stood, but what needs its results stands behind
// it, and a pool's readers stay before its writer.
static void order_is_repaired(void **state) {
  (void)state;
  nf_graph *g = parsed("graph g\ninput x : f32[T,1,4]\npool p : full f32[2,1,1,4]\n"
                       "p1 : full f32[2,1,1,4] = kv_write(x, x, p)\n"
                       "o : f32[T,1,4] = attention(x, p1) scale=1\n"
                       "s : f32[T,1,4] = add(x, x)\n"
                       "u : f32[T,1,4] = add(s, x)\n"
                       "k : f32[T,1,4] = add(o, x)\n"
                       "p2 : full f32[2,1,1,4] = kv_write(k, u, p1)\n"
                       "output p2\n");
  nf_graph *part = parsed("graph part\ninput a : f32[T,1,4]\npool q : full f32[2,1,1,4]\n"
                          "t : f32[T,1,4] = add(a, a)\nr : f32[T,1,4] = attention(t, q) scale=1\n"
                          "output t\noutput r\n");
  const nf_node_id node[] = {1, 2}; // o and s
  const nf_val leaf[] = {nf_graph_find(part, "a"), nf_graph_find(part, "q")};
  const nf_val outside[] = {nf_graph_find(g, "x"), nf_graph_find(g, "p1")};
  const nf_val yield[] = {nf_graph_find(part, "t"), nf_graph_find(part, "r")};
  const nf_val inside[] = {nf_graph_find(g, "s"), nf_graph_find(g, "o")};
  const nf_splice s = {node, 2, part, leaf, outside, 2, yield, inside, 2};
  nf_edit e;
  nf_graph *out;
  bool circular;
  ok(nf_edit_init(&e, g));
  ok(nf_edit_circular(&e, &s, &circular));
  assert_false(circular);
  ok(nf_edit_splice(&e, &s));
  ok(nf_edit_finish(&e, &out, NULL));
  same_text(out, "graph g\ninput x : f32[T,1,4]\npool p : full f32[2,1,1,4]\n"
                 "p1 : full f32[2,1,1,4] = kv_write(x, x, p)\n"
                 "s : f32[T,1,4] = add(x, x)\n"
                 "o : f32[T,1,4] = attention(s, p1) scale=1\n"
                 "u : f32[T,1,4] = add(s, x)\n"
                 "k : f32[T,1,4] = add(o, x)\n"
                 "p2 : full f32[2,1,1,4] = kv_write(k, u, p1)\n"
                 "output p2\n");
  nf_edit_deinit(&e);
  nf_graph_destroy(out);
  nf_graph_destroy(part);
  nf_graph_destroy(g);
}

// s and u may not become one node: l lies between them.
static void cycles_are_seen(void **state) {
  (void)state;
  nf_graph *g = parsed("graph g\ninput x : f32[T,8]\ninput y : f32[T,8]\ns : f32[T,8] = add(x, y)\n"
                       "l : f32[T,8] = all_reduce(s)\nu : f32[T,8] = add(s, l)\noutput u\n");
  const nf_node_id both[] = {0, 2}, all[] = {0, 1, 2};
  nf_splice s = {.node = both, .n_nodes = 2};
  nf_edit e;
  nf_graph *out;
  bool circular;
  ok(nf_edit_init(&e, g));
  ok(nf_edit_circular(&e, &s, &circular));
  assert_true(circular);
  s = (nf_splice){.node = all, .n_nodes = 3};
  ok(nf_edit_circular(&e, &s, &circular));
  assert_false(circular);
  nf_edit_set(&e, 0, 1, nf_graph_find(g, "l")); // s needs l needs s
  bool in_cycle[3] = {false};
  ok(nf_edit_finish(&e, &out, in_cycle));
  assert_null(out);
  assert_true(in_cycle[0] && in_cycle[1] && in_cycle[2]);
  nf_edit_deinit(&e);
  nf_graph_destroy(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(unchanged), cmocka_unit_test(canonical),
                                     cmocka_unit_test(order_is_repaired), cmocka_unit_test(cycles_are_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
