// SPDX-License-Identifier: Apache-2.0
// Two graphs over one layout: what one joins is there once, and the other's weights are rows of it, packed or
// not, with their scales; graphs that no storage serves are told; the packing order is that of all users.
#include "base/checked.h"
#include "plan/plan.h"
#include "tensor/pack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { T = 3, COLUMNS = 256, ROWS = 384, FIRST = 128 };

static void ok(nf_status st) { assert_string_equal(nf_status_message(st), ""); }

static nf_graph *parse(const char *text) {
  nf_graph *g;
  ok(nf_graph_parse(nf_view_of(text), "text", &g));
  return g;
}

static nf_graph *joined(const char *dtype) {
  nf_text t = {0};
  nf_text_printf(
      &t,
      "graph joined\ninput x : f32[T,256]\nweight j : %s[384,256] = {a 128 \"a\"%s, b 256 \"b\"%s}\n"
      "y : f32[T,384] = linear(x, j, _) out=f32\noutput y\n",
      dtype, strcmp(dtype, "bf16") != 0 ? " scales \"s\"" : "",
      strcmp(dtype, "bf16") != 0 ? " scales \"s\"" : "");
  nf_graph *g = parse(t.at);
  nf_text_deinit(&t);
  return g;
}

static nf_graph *apart(const char *dtype) {
  const char *scales = strcmp(dtype, "bf16") != 0 ? " scales \"s\"" : "";
  nf_text t = {0};
  nf_text_printf(
      &t,
      "graph apart\ninput x : f32[T,256]\nweight a : %s[128,256] = \"a\"%s\nweight b : %s[256,256] "
      "= \"b\"%s\nya : f32[T,128] = linear(x, a, _) out=f32\nyb : f32[T,256] = linear(x, b, _) "
      "out=f32\noutput ya\noutput yb\n",
      dtype, scales, dtype, scales);
  nf_graph *g = parse(t.at);
  nf_text_deinit(&t);
  return g;
}

static uint32_t drawn(uint32_t *state) { return (*state = *state * 1664525 + 1013904223) >> 8; }

// Any codes, none of them NaN, and scales about 1.
static void fill(const nf_type *type, void *data) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  nf_type plain_type = nf_type_make(type->dtype, type->dim, (size_t)type->rank);
  size_t bytes;
  ok(nf_type_bytes(&plain_type, &none, &bytes));
  void *room = nf_alloc_aligned(bytes);
  uint32_t state = 1;
  const nf_tensor plain = nf_tensor_of(&plain_type, &none, 0, room), to = nf_tensor_of(type, &none, 0, data);
  for (size_t i = 0; i < (size_t)(ROWS * COLUMNS); i++)
    if (type->dtype == NF_BF16)
      ((uint16_t *)room)[i] = (uint16_t)(0x3e00 + drawn(&state) % 256);
    else
      ((uint8_t *)room)[i] = (uint8_t)(drawn(&state) % 0x70);
  for (int64_t r = 0; plain.scale != NULL && r < ROWS; r++)
    for (int64_t c = 0; c < nf_scale_cols(type->dtype, COLUMNS); c++)
      ((float *)nf_tensor_scales(&plain, r))[c] = 1 + (float)(r / 128 + c) / 8;
  if (nf_pack_is_plain(type->pack))
    memcpy(data, room, bytes);
  else
    nf_pack_tensor(&to, &plain);
  nf_free_aligned(room);
}

typedef struct setting {
  nf_threads *threads;
  nf_device *host;
  nf_layout layout;
  float x[T * COLUMNS];
  nf_batch batch;
  void *weight;
} setting;

static nf_plan *plan_of(setting *s, const nf_hw *hw, const nf_graph *g, void **arena) {
  const nf_plan_options o = {.hw = *hw, .max = nf_sizes_of(T, 1, 1), .layout = &s->layout};
  nf_plan *p;
  ok(nf_plan_create(g, &o, &p));
  *arena = nf_alloc_aligned(nf_plan_arena_bytes(p));
  nf_plan_place(p, *arena);
  nf_plan_set_batch(p, &s->batch);
  nf_plan_bind(p, nf_graph_find(g, "x"), s->x, 0);
  for (nf_val v = 1; v < g->n_values; v++)
    if (g->value[v].kind == NF_VALUE_WEIGHT) nf_plan_bind(p, v, s->weight, 0);
  ok(nf_plan_run(p, s->host, &s->batch.sizes));
  return p;
}

static void run_both(const nf_hw *hw, const char *dtype) {
  nf_graph *g[2] = {joined(dtype), apart(dtype)};
  const nf_select_options select = {.most = nf_sizes_of(T, 1, 1), .least = nf_sizes_of(1, 1, 1)};
  const nf_layout_user users[2] = {{g[1], &select, 1}, {g[0], &select, 1}};
  setting s = {.batch.sizes = nf_sizes_of(T, 1, 1)};
  void *arena[2];
  bool shared;
  ok(nf_threads_create(1, &s.threads));
  ok(nf_device_host(s.threads, &s.host));
  ok(nf_layout_create(hw, users, 2, &s.layout, &shared));
  assert_true(shared);
  assert_int_equal(s.layout.n, 1);
  assert_int_equal(nf_layout_find(&s.layout, &g[1]->value[nf_graph_find(g[1], "b")]).first, FIRST);
  size_t bytes;
  ok(nf_type_bytes(&s.layout.stored[0].type, &s.batch.sizes, &bytes));
  s.weight = nf_alloc_aligned(bytes);
  fill(&s.layout.stored[0].type, s.weight);
  for (int i = 0; i < T * COLUMNS; i++) s.x[i] = (float)(i % 7 - 3) / 4;
  nf_plan *p[2];
  for (int i = 0; i < 2; i++) p[i] = plan_of(&s, hw, g[i], &arena[i]);
  const nf_tensor y = nf_plan_tensor(p[0], nf_graph_find(g[0], "y")),
                  ya = nf_plan_tensor(p[1], nf_graph_find(g[1], "ya")),
                  yb = nf_plan_tensor(p[1], nf_graph_find(g[1], "yb"));
  for (int64_t r = 0; r < T; r++) {
    const float *row = nf_tensor_row(&y, r);
    assert_memory_equal(row, nf_tensor_row(&ya, r), FIRST * sizeof *row);
    assert_memory_equal(row + FIRST, nf_tensor_row(&yb, r), (ROWS - FIRST) * sizeof *row);
  }
  for (int i = 0; i < 2; i++) {
    nf_plan_destroy(p[i]);
    nf_graph_destroy(g[i]);
    nf_free_aligned(arena[i]);
  }
  nf_free_aligned(s.weight);
  nf_layout_deinit(&s.layout);
  nf_device_destroy(s.host);
  nf_threads_destroy(s.threads);
}

static void rows_of_a_joined_weight(void **state) {
  (void)state;
  nf_hw here, plain;
  ok(nf_hw_detect(&here));
  plain = here;
  plain.backend = NF_BACKEND_REF;
  static const char *const dtypes[] = {"bf16", "fp8row", "fp8b128"};
  for (int i = 0; i < 3; i++) {
    run_both(&here, dtypes[i]);
    run_both(&plain, dtypes[i]);
  }
}

static void no_storage_for_both(void **state) {
  (void)state;
  static const char *const text[] = {
      "graph p\ninput x : f32[T,8]\nweight j : bf16[4,8] = {a 2 \"a\", b 2 \"b\"}\n"
      "y : f32[T,4] = linear(x, j, _) out=f32\noutput y\n",
      "graph q\ninput x : f32[T,8]\nweight j : bf16[4,8] = {b 2 \"b\", c 2 \"c\"}\n"
      "y : f32[T,4] = linear(x, j, _) out=f32\noutput y\n"};
  nf_graph *g[2] = {parse(text[0]), parse(text[1])};
  const nf_select_options select = {.most = nf_sizes_of(T, 1, 1), .least = nf_sizes_of(1, 1, 1)};
  const nf_layout_user users[2] = {{g[0], &select, 1}, {g[1], &select, 1}};
  nf_layout l = {0};
  nf_hw hw;
  bool shared;
  ok(nf_hw_detect(&hw));
  ok(nf_layout_create(&hw, users, 2, &l, &shared));
  assert_false(shared);
  assert_int_equal(l.n, 0);
  for (int i = 0; i < 2; i++) nf_graph_destroy(g[i]);
}

// Rows of a weight that begin within a strip can't be read there: it is stored plain.
static void strips_stay_whole(void **state) {
  (void)state;
  static const char *const text[] = {
      "graph p\ninput x : f32[T,8]\nweight j : bf16[40,8] = {a 24 \"a\", b 16 \"b\"}\n"
      "y : f32[T,40] = linear(x, j, _) out=f32\noutput y\n",
      "graph q\ninput x : f32[T,8]\nweight b : bf16[16,8] = \"b\"\n"
      "y : f32[T,16] = linear(x, b, _) out=f32\noutput y\n"};
  nf_graph *g[2] = {parse(text[0]), parse(text[1])};
  const nf_select_options select = {.most = nf_sizes_of(T, 1, 1), .least = nf_sizes_of(1, 1, 1)};
  const nf_layout_user users[2] = {{g[0], &select, 1}, {g[1], &select, 1}};
  nf_hw hw;
  ok(nf_hw_detect(&hw));
  for (size_t n = 1; n < 3; n++) {
    nf_layout l;
    bool shared;
    ok(nf_layout_create(&hw, users, n, &l, &shared));
    assert_int_equal(nf_pack_is_plain(l.stored[0].type.pack), n == 2);
    nf_layout_deinit(&l);
  }
  for (int i = 0; i < 2; i++) nf_graph_destroy(g[i]);
}

// Ranges with one plan become one range, and the graph goes that names came from.
static void outlives_the_graphs(void **) {
  nf_graph *g = joined("bf16"), *same = joined("bf16");
  const nf_select_options select = {.most = nf_sizes_of(T, 1, 1), .least = nf_sizes_of(1, 1, 1)};
  nf_hw hw;
  nf_layout l;
  bool shared;
  ok(nf_hw_detect(&hw));
  ok(nf_layout_create(&hw, &(nf_layout_user){g, &select, 1}, 1, &l, &shared));
  assert_true(shared);
  nf_graph_destroy(g);
  nf_graph *over = apart("bf16"); // where it was
  for (nf_val v = 1; v < same->n_values; v++)
    if (same->value[v].kind == NF_VALUE_WEIGHT) {
      assert_int_equal(nf_layout_find(&l, &same->value[v]).stored, 0);
      assert_string_equal(l.stored[0].recipe.joined[1].recipe.tensor, "b");
    }
  nf_layout_deinit(&l);
  nf_graph_destroy(over);
  nf_graph_destroy(same);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_of_a_joined_weight), cmocka_unit_test(no_storage_for_both),
      cmocka_unit_test(outlives_the_graphs), cmocka_unit_test(strips_stay_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
