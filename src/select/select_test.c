// SPDX-License-Identifier: Apache-2.0
// Selection asked about machines that are not here, each refusal's sentence, forced names, and the real list.
#include "select/select.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const nf_variant list[] = {
    {.name = "linear_ref",
     .op = NF_OP_linear,
     .entry.kind = NF_ENTRY_HOST,
     .backend = NF_BACKEND_REF,
     .promise = NF_PROMISE_EXACT},
    {.name = "add_ref",
     .op = NF_OP_add,
     .entry.kind = NF_ENTRY_HOST,
     .backend = NF_BACKEND_REF,
     .promise = NF_PROMISE_EXACT},
    {.name = "linear_generic", .op = NF_OP_linear, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_CPU},
    {.name = "linear_avx2",
     .op = NF_OP_linear,
     .entry.kind = NF_ENTRY_HOST,
     .backend = NF_BACKEND_CPU,
     .need = NF_CPU_AVX2 | NF_CPU_FMA},
    {.name = "linear_avx512",
     .op = NF_OP_linear,
     .entry.kind = NF_ENTRY_HOST,
     .backend = NF_BACKEND_CPU,
     .need = NF_CPU_AVX512,
     .limit = {OPERAND_DTYPE(1, NF_BIT(BF16)), MULTIPLE_OF(K, 64)}},
};
enum { N_LIST = sizeof list / sizeof *list };

static const nf_hw zen2 = {.backend = NF_BACKEND_CPU, .features = NF_CPU_AVX2 | NF_CPU_FMA | NF_CPU_F16C};
static const nf_hw skylake_x = {.backend = NF_BACKEND_CPU,
                                .features = NF_CPU_AVX2 | NF_CPU_FMA | NF_CPU_AVX512};
static const nf_hw old = {.backend = NF_BACKEND_CPU, .features = NF_CPU_AVX2};
static const nf_hw graviton = {.backend = NF_BACKEND_CPU, .features = NF_CPU_NEON};
static const nf_hw ref = {.backend = NF_BACKEND_REF};
static const nf_select_options any;

static nf_op_desc linear(int64_t k, nf_dtype w) {
  nf_op_desc d = {.op = NF_OP_linear,
                  .attr.linear = {.out = NF_BF16},
                  .in = {NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(k)), NF_TYPE(w, NF_C(96), NF_C(k))}};
  nf_status st = nf_op_infer(&d);
  assert_string_equal(nf_status_message(st), "");
  return d;
}

static void names(void **state) {
  (void)state;
  const struct {
    const nf_hw *hw;
    int64_t k;
    nf_dtype w;
    const char *want;
  } rows[] = {
      {&zen2, 2880, NF_BF16, "linear_avx2"},      {&skylake_x, 2880, NF_BF16, "linear_avx512"},
      {&skylake_x, 2912, NF_BF16, "linear_avx2"}, {&skylake_x, 2880, NF_F32, "linear_avx2"},
      {&old, 2880, NF_BF16, "linear_generic"},    {&graviton, 2880, NF_BF16, "linear_generic"},
      {&ref, 2880, NF_BF16, "linear_ref"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nf_selection s;
    const nf_op_desc d = linear(rows[i].k, rows[i].w);
    nf_select_from(list, N_LIST, rows[i].hw, &d, &any, &s);
    assert_string_equal(s.chosen->name, rows[i].want);
  }
  nf_selection s; // no kernel of its own: the reference fills the slot
  const nf_op_desc add = {.op = NF_OP_add};
  nf_select_from(list, N_LIST, &zen2, &add, &any, &s);
  assert_string_equal(s.chosen->name, "add_ref");
}

// What is told of candidate `which`.
static void tells(const nf_selection *s, int which, const nf_hw *hw, const nf_op_desc *d,
                  const nf_select_options *o, const char *want) {
  nf_text t = {0};
  nf_candidate c = {0};
  size_t i = 0;
  while (which-- >= 0) assert_true(nf_selection_next(s, &i, hw, d, o, &c));
  nf_candidate_explain(&c, s, hw, d, o, &t);
  assert_string_equal(t.at, want);
  nf_text_deinit(&t);
}

static void says(const nf_selection *s, int which, const nf_hw *hw, const nf_op_desc *d, const char *want) {
  tells(s, which, hw, d, &any, want);
}

static void sentences(void **state) {
  (void)state;
  nf_op_desc d = linear(2912, NF_BF16);
  nf_selection s;
  nf_select_from(list, N_LIST, &graviton, &d, &any, &s);
  says(&s, 0, &graviton, &d, "runs where nothing else does");
  says(&s, 1, &graviton, &d, "chosen");
  says(&s, 2, &graviton, &d, "needs avx2, fma, which this processor lacks");
  nf_select_from(list, N_LIST, &old, &d, &any, &s);
  says(&s, 2, &old, &d, "needs fma, which this processor lacks");
  nf_select_from(list, N_LIST, &skylake_x, &d, &any, &s);
  says(&s, 3, &skylake_x, &d, "K = 2912 is not a multiple of 64");
  nf_select_from(list, N_LIST, &ref, &d, &any, &s);
  says(&s, 1, &ref, &d, "is for backend cpu, not ref");
  const char *force[] = {"linear=linear_generic"};
  nf_select_options o = {.force = force, .n_force = 1};
  nf_select_from(list, N_LIST, &skylake_x, &d, &o, &s);
  assert_string_equal(s.chosen->name, "linear_generic");
  tells(&s, 2, &skylake_x, &d, &o, "another was forced by name");
  o = (nf_select_options){.promise = NF_PROMISE_EXACT};
  nf_select_from(list, N_LIST, &zen2, &d, &o, &s);
  assert_string_equal(s.chosen->name, "linear_ref");
  tells(&s, 2, &zen2, &d, &o, "promises less than was asked");
  // A forced kernel that can't run is not replaced in silence.
  force[0] = "linear=linear_avx512";
  nf_select_from(list, N_LIST, &zen2, &d, &(nf_select_options){.force = force, .n_force = 1}, &s);
  assert_null(s.chosen);
}

// As many as an op has.
static void no_candidate_is_left_out(void **state) {
  (void)state;
  enum { MANY = 100 };
  static nf_variant many[MANY];
  const nf_op_desc d = linear(2880, NF_BF16);
  nf_selection s;
  nf_candidate c;
  int n = 0;
  for (int i = 0; i < MANY; i++) many[i] = list[2];
  many[0] = list[0];
  many[MANY - 1] = list[3];
  nf_select_from(many, MANY, &zen2, &d, &any, &s);
  assert_ptr_equal(s.chosen, &many[MANY - 1]);
  for (size_t i = 0; nf_selection_next(&s, &i, &zen2, &d, &any, &c); n++)
    assert_int_equal(c.refusal, n == MANY - 1 ? NF_CHOSEN : NF_REFUSED_BETTER);
  assert_int_equal(n, MANY);
}

// The one that costs less, wherever it stands; a later row of those that cost the same.
static void the_cheapest(void **state) {
  (void)state;
  const nf_variant rows[] = {list[0], list[3], list[2]};
  const nf_op_desc d = linear(2880, NF_BF16);
  const nf_select_options o = {.at = nf_sizes_of(64, 1, 1)};
  nf_hw hw = zen2;
  nf_selection s;
  hw.cores = 4;
  nf_hw_state_peaks(&hw);
  nf_select_from(rows, 3, &hw, &d, &o, &s);
  assert_ptr_equal(s.chosen, &rows[1]);
  assert_false(s.measured);
  tells(&s, 2, &hw, &d, &o, "555 µs against 140.2 of linear_avx2");
  const nf_select_options one = {.at = nf_sizes_of(1, 1, 1)}; // memory decides, for both
  nf_select_from(rows, 3, &hw, &d, &one, &s);
  assert_ptr_equal(s.chosen, &rows[2]);
}

// The real list asked about targets that are not here, with and without what they need.
static void targets(void **state) {
  (void)state;
  static const struct {
    const char *target;
    int64_t k;
    const char *want;
  } rows[] = {
    {"gfx942", 2880, "linear_bf16_gfx942"},
    {"gfx950", 2880, "linear_bf16_gfx950"},
    {"sm_90", 2880, "linear_bf16_cuda"},
    {"sm_100", 2880, "linear_bf16_cuda"},
    {"graviton3", 2880, "linear_bf16_n16_generic"},
    {"gfx950", 2881, NULL},
#if defined(__x86_64__)
    {"zen4", 2880, "linear_pairs_avx512"},
    {"sapphire_rapids", 2880, "linear_pairs_amx"},
#endif
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nf_hw hw;
    nf_selection s;
    nf_op_desc d = linear(rows[i].k, NF_BF16);
    d.in[1].pack = NF_PACK_ANY;
    assert_true(nf_is_ok(nf_hw_target(rows[i].target, &hw)));
    nf_select(&hw, &d, &any, &s);
    assert_int_equal(s.chosen == NULL, rows[i].want == NULL);
    if (s.chosen != NULL) assert_string_equal(s.chosen->name, rows[i].want);
  }
}

static void declared(void **state) {
  (void)state;
  static const nf_variant rows[] = {
      {.name = "add_ref", .op = NF_OP_add, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_REF},
      {.name = "add_new", .op = NF_OP_add, .backend = NF_BACKEND_CPU}};
  const nf_op_desc d = {.op = NF_OP_add};
  nf_hw hw = zen2;
  nf_selection s;
  nf_select_from(rows, 2, &hw, &d, &any, &s); // the machine is here: it would have to run
  assert_string_equal(s.chosen->name, "add_ref");
  says(&s, 1, &hw, &d, "declared, not written yet");
  hw.target = "zen2";
  nf_select_from(rows, 2, &hw, &d, &any, &s);
  assert_string_equal(s.chosen->name, "add_new");
  says(&s, 1, &hw, &d, "chosen; declared, not written yet");
}

// A limit on sizes must hold at both ends of the steps that a plan is for.
static void steps(void **state) {
  (void)state;
  static const nf_variant rows[] = {
      {.name = "add_ref", .op = NF_OP_add, .entry.kind = NF_ENTRY_HOST, .backend = NF_BACKEND_CPU},
      {.name = "add_small",
       .op = NF_OP_add,
       .entry.kind = NF_ENTRY_HOST,
       .backend = NF_BACKEND_CPU,
       .limit = {AT_MOST(BYTES, 8192)}},
      {.name = "add_large",
       .op = NF_OP_add,
       .entry.kind = NF_ENTRY_HOST,
       .backend = NF_BACKEND_CPU,
       .limit = {AT_LEAST(BYTES, 4096)}},
      {.name = "add_pair",
       .op = NF_OP_add,
       .entry.kind = NF_ENTRY_HOST,
       .backend = NF_BACKEND_CPU,
       .limit = {WORLD(2, 4)}}};
  nf_op_desc d = {.op = NF_OP_add};
  d.in[0] = d.in[1] = NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(256));
  const struct {
    int64_t least, most;
    int world;
    const char *want;
  } asked[] = {{1, 8, 1, "add_small"}, {1, 17, 1, "add_ref"},    {8, 17, 1, "add_large"},
               {1, 17, 2, "add_pair"}, {16, 16, 0, "add_large"}, {1, 1, 3, "add_small"}};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    nf_hw hw = zen2;
    nf_selection s;
    hw.world = asked[i].world;
    const nf_select_options o = {.least = nf_sizes_of(asked[i].least, 1, 1),
                                 .most = nf_sizes_of(asked[i].most, 1, 1)};
    nf_select_from(rows, 4, &hw, &d, &o, &s);
    assert_string_equal(s.chosen->name, asked[i].want);
  }
  nf_selection s;
  nf_text why = {0};
  const nf_select_options o = {.least = nf_sizes_of(1, 1, 1), .most = nf_sizes_of(17, 1, 1)};
  nf_select_from(rows, 4, &zen2, &d, &o, &s);
  nf_selection_explain(&s, &zen2, &d, &o, &why);
  assert_string_equal(why.at,
                      "add_ref: chosen; add_small: BYTES = 8704 is not at most 8192; "
                      "add_large: BYTES = 512 is not at least 4096; add_pair: WORLD = 1 is not one of 2 4");
  nf_text_deinit(&why);
  nf_select_from(rows, 4, &zen2, &d, &any, &s); // sizes not told
  assert_string_equal(s.chosen->name, "add_ref");
  says(&s, 1, &zen2, &d, "BYTES (bytes of the first operand) is not fixed");
}

// Collectives by ranks and bytes: one-shot where it is good for all steps, else two-shot, else none that is
// fused.
static void collectives(void **state) {
  (void)state;
  static const struct {
    const char *target;
    int world;
    int64_t hidden, tokens;
    const char *want; // of the fused op
  } rows[] = {{"gfx950", 2, 2880, 159, "rms_norm_all_reduce_oneshot_hip"},
              {"gfx950", 2, 2880, 160, "rms_norm_all_reduce_twoshot_hip"},
              {"gfx950", 8, 2880, 39, "rms_norm_all_reduce_oneshot_hip"},
              {"gfx950", 8, 2880, 40, "rms_norm_all_reduce_twoshot_hip"},
              {"gfx950", 2, 8200, 1, "rms_norm_all_reduce_twoshot_hip"}, // 1025 packs
              {"gfx950", 2, 16392, 1, NULL},
              {"gfx950", 3, 2880, 1, NULL},
              {"gfx950", 1, 2880, 1, NULL},
              {"sm_90", 4, 2880, 364, "rms_norm_all_reduce_oneshot_cuda"},
              {"sm_90", 4, 2880, 365, "rms_norm_all_reduce_twoshot_cuda"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nf_hw hw;
    nf_selection s;
    nf_op_desc d = {.op = NF_OP_rms_norm, .attr.rms_norm = {.eps = 1e-5f, .reduce = true}};
    d.in[0] = d.in[2] = NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(rows[i].hidden));
    d.in[1] = NF_TYPE(NF_BF16, NF_C(rows[i].hidden));
    nf_status st = nf_op_infer(&d);
    assert_string_equal(nf_status_message(st), "");
    assert_true(nf_is_ok(nf_hw_target(rows[i].target, &hw)));
    hw.world = rows[i].world;
    const nf_select_options o = {.least = nf_sizes_of(1, 1, 1), .most = nf_sizes_of(rows[i].tokens, 1, 1)};
    nf_select(&hw, &d, &o, &s);
    assert_string_equal(s.chosen != NULL ? s.chosen->name : "none",
                        rows[i].want != NULL ? rows[i].want : "none");
  }
}

static void forced_names(void **state) {
  (void)state;
  const nf_hw cpu = {.backend = NF_BACKEND_CPU}, gpu = {.backend = NF_BACKEND_HIP, .target = "gfx950"};
  const struct {
    const nf_hw *hw;
    const char *force, *want;
  } rows[] = {
      {&cpu, "linear=linear_ref", ""},
      {&cpu, "linear=linear_bf16_gfx950", ""}, // there is such a one, and selection says why it can't be
      {&cpu, "linear", "force linear: wants op=variant"},
      {&cpu, "linaer=linear_ref", "force linaer=linear_ref: there is no op 'linaer'; nearest is linear"},
      {&cpu, "linear=linear_rff",
       "force linear=linear_rff: linear has no such kernel; nearest is linear_ref"},
      {&cpu, "linear=linear_bf16_gfx95", "force linear=linear_bf16_gfx95: linear has no such kernel; one is"},
      {&gpu, "linear=linear_bf16_gfx95",
       "force linear=linear_bf16_gfx95: linear has no such kernel; nearest is linear_bf16_gfx950"},
      {&cpu, "add=linear_ref", "force add=linear_ref: add has no such kernel"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const nf_select_options o = {.force = &rows[i].force, .n_force = 1};
    nf_status st = nf_select_check_forced(rows[i].hw, &o);
    assert_int_equal(nf_status_code(st), *rows[i].want ? NF_USAGE : NF_OK);
    assert_int_equal(strncmp(nf_status_message(st), rows[i].want, strlen(rows[i].want)), 0);
    if (rows[i].hw == &cpu && *rows[i].want) // none of a GPU's is offered
      assert_true(strstr(nf_status_message(st), "_cuda") == NULL && !strstr(nf_status_message(st), "_hip"));
    nf_status_free(st);
  }
}

// Every op that is not always a view has a reference, in front of its other rows; names are unique and begin
// with the op's.
static void real_list(void **state) {
  (void)state;
  size_t n;
  const nf_variant *all = nf_variants(&n);
  for (int op = 0; op < NF_OP_COUNT; op++) {
    const bool view = op == NF_OP_narrow;
    int rows = 0;
    for (size_t i = 0; i < n; i++) {
      if (all[i].op != (nf_op)op) continue;
      assert_int_equal(all[i].backend == NF_BACKEND_REF, rows == 0);
      rows++;
    }
    assert_int_equal(nf_reference_of((nf_op)op) == NULL, view);
    assert_true(view == (rows == 0));
  }
  for (size_t i = 0; i < n; i++) {
    const char *op = nf_op_of(all[i].op)->name;
    assert_int_equal(strncmp(all[i].name, op, strlen(op)), 0);
    assert_ptr_equal(nf_variant_find(all[i].name), &all[i]);
  }
  assert_null(nf_variant_find("linear_of_nobody"));
}

// What is written for a CPU says in which order it sums; the reference's bits are those of references and
// exact kernels.
static void every_order_is_declared(void **state) {
  (void)state;
  size_t n;
  const nf_variant *all = nf_variants(&n);
  for (size_t i = 0; i < n; i++) {
    if (nf_variant_is_declared(&all[i])) continue;
    if (all[i].order == NF_ORDER_ANY && all[i].entry.kind == NF_ENTRY_HOST)
      fail_msg("%s declares no order of its sums", all[i].name);
    if ((all[i].order == NF_ORDER_REFERENCE) != (all[i].promise == NF_PROMISE_EXACT))
      fail_msg("%s: the reference's order is that of kernels that promise EXACT", all[i].name);
  }
}

// Whether no node can be both kernels': an operand's types have none in common.
static bool apart(const nf_variant *a, const nf_variant *b) {
  for (int i = 0; i < NF_MAX_LIMITS; i++)
    for (int k = 0; k < NF_MAX_LIMITS; k++) {
      const nf_limit *x = &a->limit[i], *y = &b->limit[k];
      if (x->relation == NF_DTYPE_IN && y->relation == NF_DTYPE_IN && x->operand == y->operand &&
          (x->dtypes & y->dtypes) == 0)
        return true;
    }
  return false;
}

// Kernels of two orders of sums do not meet in a model, so a second copy of a weight, packed for steps of
// other sizes, has nobody to read it. Who adds a row that breaks this makes one worth its memory:
// docs/architecture.md, "Packing orders".
static void an_order_reads_one_packing_order(void **state) {
  (void)state;
  size_t n;
  const nf_variant *all = nf_variants(&n);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i && !all[i].any_pack; k++)
      if (all[k].op == all[i].op && all[k].backend == all[i].backend && all[k].order == all[i].order &&
          !all[k].any_pack && !nf_pack_equal(all[k].pack, all[i].pack) && !apart(&all[i], &all[k]))
        fail_msg("%s and %s sum alike and read weights in two packing orders", all[k].name, all[i].name);
}

// A decided order leaves its kernels alone, whatever the others cost; they say what that is.
static void orders(void **state) {
  (void)state;
  nf_variant rows[] = {list[0], list[2], list[3], list[4]};
  rows[0].order = NF_ORDER_REFERENCE, rows[1].order = NF_ORDER_PLAIN;
  rows[2].order = rows[3].order = NF_ORDER_FMA;
  const nf_select_options o = {.at = nf_sizes_of(64, 1, 1)};
  nf_op_desc d = linear(2912, NF_BF16);
  nf_hw hw = skylake_x;
  nf_selection s;
  hw.cores = 4;
  nf_hw_state_peaks(&hw);
  d.order = NF_ORDER_PLAIN;
  nf_select_from(rows, 4, &hw, &d, &o, &s);
  assert_ptr_equal(s.chosen, &rows[1]);
  tells(&s, 1, &hw, &d, &o, "chosen");
  tells(&s, 2, &hw, &d, &o, "141.8 µs, but sums in order fma, steps of all sizes in plain");
  d.order = NF_ORDER_FMA;
  nf_select_from(rows, 4, &hw, &d, &o, &s);
  assert_ptr_equal(s.chosen, &rows[2]);
  d.order = NF_ORDER_PAIRS;
  nf_select_from(rows, 4, &hw, &d, &o, &s);
  assert_null(s.chosen);
}

// What depends on where a step begins runs only by name, where kernels declare their order of sums.
static void cuts(void **state) {
  (void)state;
  nf_variant rows[] = {list[0], list[2], list[3]};
  rows[2].promise = NF_PROMISE_CUT;
  rows[2].order = NF_ORDER_PLAIN;
  const nf_op_desc d = linear(2880, NF_BF16);
  const char *force[] = {"linear=linear_avx2"};
  const nf_select_options forced = {.force = force, .n_force = 1};
  nf_selection s;
  nf_select_from(rows, 3, &zen2, &d, &any, &s);
  assert_ptr_equal(s.chosen, &rows[1]);
  tells(&s, 2, &zen2, &d, &any, "promises less than was asked");
  nf_select_from(rows, 3, &zen2, &d, &forced, &s);
  assert_ptr_equal(s.chosen, &rows[2]);
  rows[2].order = NF_ORDER_ANY;
  nf_select_from(rows, 3, &zen2, &d, &any, &s);
  assert_ptr_equal(s.chosen, &rows[2]);
}

static bool asks_for_steps(const nf_variant *v) {
  bool any = false;
  for (int i = 0; i < NF_MAX_LIMITS && v->limit[i].relation != 0; i++)
    any |= v->limit[i].relation != NF_DTYPE_IN && v->limit[i].quantity == NF_Q_BYTES;
  return any;
}

// A weight lies in one order for all plans: whoever reads one that is packed has a kernel for steps of any
// size, on the same processors.
static void packs_serve_all_steps(void **state) {
  (void)state;
  size_t n;
  const nf_variant *all = nf_variants(&n);
  for (size_t i = 0; i < n; i++) {
    bool served = nf_pack_is_plain(all[i].pack);
    for (size_t k = 0; k < n && !served; k++)
      served = all[k].op == all[i].op && all[k].backend == all[i].backend &&
               nf_pack_equal(all[k].pack, all[i].pack) && (all[k].need & ~all[i].need) == 0 &&
               !asks_for_steps(&all[k]);
    if (!served) fail_msg("%s reads weights that no kernel reads in steps of other sizes", all[i].name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names),
                                     cmocka_unit_test(sentences),
                                     cmocka_unit_test(no_candidate_is_left_out),
                                     cmocka_unit_test(the_cheapest),
                                     cmocka_unit_test(targets),
                                     cmocka_unit_test(declared),
                                     cmocka_unit_test(steps),
                                     cmocka_unit_test(collectives),
                                     cmocka_unit_test(forced_names),
                                     cmocka_unit_test(real_list),
                                     cmocka_unit_test(every_order_is_declared),
                                     cmocka_unit_test(an_order_reads_one_packing_order),
                                     cmocka_unit_test(orders),
                                     cmocka_unit_test(cuts),
                                     cmocka_unit_test(packs_serve_all_steps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
