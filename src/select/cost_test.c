// SPDX-License-Identifier: Apache-2.0
// The cost model against sums done by hand: bytes of what is touched, operations by class, ranks, variants;
// that more tokens never cost less; and what the compiler asks of selection.
#include "select/select.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static nf_hw target(const char *name) {
  nf_hw hw = {0};
  nf_status st = nf_hw_target(name, &hw);
  assert_string_equal(nf_status_message(st), "");
  return hw;
}

static nf_op_desc inferred(nf_op_desc d) {
  nf_status st = nf_op_infer(&d);
  assert_string_equal(nf_status_message(st), "");
  return d;
}

#define T NF_BY(1, NF_T)
static nf_op_desc linear(int64_t k, int64_t n, nf_dtype w) {
  return inferred((nf_op_desc){
      .op = NF_OP_linear,
      .attr.linear = {.out = NF_BF16},
      .in = {NF_TYPE(NF_BF16, T, NF_C(k)), NF_TYPE(w, NF_C(n), NF_C(k)), NF_TYPE(NF_BF16, NF_C(n))}});
}

static nf_op_desc experts(void) {
  return inferred((nf_op_desc){.op = NF_OP_grouped_linear,
                               .attr.grouped_linear = {.out = NF_BF16},
                               .in = {NF_TYPE(NF_BF16, T, NF_C(2880)), NF_TYPE(NF_I32, T, NF_C(4)),
                                      NF_TYPE(NF_MXFP4, NF_C(128), NF_C(5760), NF_C(2880))}});
}

static nf_op_desc attention(int64_t window) {
  nf_op_desc d = {.op = NF_OP_attention,
                  .attr.attention = {.scale = 1, .window = window},
                  .in = {NF_TYPE(NF_BF16, T, NF_C(64), NF_C(64)),
                         NF_TYPE(NF_BF16, NF_C(2), NF_C(8), NF_C(64), NF_C(64))}};
  d.in[1].cache = window ? NF_CACHE_SLIDING : NF_CACHE_FULL;
  return inferred(d);
}

static nf_op_desc kv_write(void) {
  nf_op_desc d = {.op = NF_OP_kv_write,
                  .in = {NF_TYPE(NF_BF16, T, NF_C(8), NF_C(64)), NF_TYPE(NF_BF16, T, NF_C(8), NF_C(64)),
                         NF_TYPE(NF_BF16, NF_C(2), NF_C(8), NF_C(64), NF_C(64))}};
  d.in[2].cache = NF_CACHE_FULL;
  return inferred(d);
}

static nf_op_desc rows_of(nf_op op) {
  nf_op_desc d = {.op = op, .in = {NF_TYPE(NF_BF16, T, NF_C(2880))}};
  if (op == NF_OP_add) d.in[1] = d.in[0];
  if (op == NF_OP_rms_norm) d.attr.rms_norm.eps = 1e-5f, d.in[1] = NF_TYPE(NF_BF16, NF_C(2880));
  if (op == NF_OP_embedding) {
    d.attr.embedding.out = NF_BF16;
    d.in[0] = NF_TYPE(NF_I32, T);
    d.in[1] = NF_TYPE(NF_BF16, NF_C(201088), NF_C(2880));
  }
  return inferred(d);
}

static double us_of(const nf_hw *hw, const nf_op_desc *d, int64_t tokens) {
  const nf_sizes at = nf_sizes_of(tokens, tokens < 8 ? tokens : 8, tokens < 8 ? tokens : 8);
  return nf_cost_us(hw, d, &at, NULL);
}

// What an op moves beyond its launch, in bytes, where memory decides.
static double bytes_of(const nf_hw *hw, const nf_op_desc *d, int64_t tokens) {
  return (us_of(hw, d, tokens) * 1e-6 - hw->launch) * hw->bandwidth;
}

static void near(double got, double want) {
  if (!(fabs(got - want) <= 1e-6 * want)) fail_msg("%.9g, not %.9g", got, want);
}

static void memory_bound(void **state) {
  (void)state;
  const nf_hw hw = target("gfx950");
  const nf_op_desc d = linear(2880, 5120, NF_BF16), add = rows_of(NF_OP_add), norm = rows_of(NF_OP_rms_norm);
  near(bytes_of(&hw, &d, 1), 2.0 * (2880 + 5120 * 2880 + 5120 + 5120));
  near(bytes_of(&hw, &add, 64), 2.0 * 3 * 64 * 2880);
  near(bytes_of(&hw, &norm, 64), 2.0 * (2 * 64 * 2880 + 2880));
  const nf_op_desc table = rows_of(NF_OP_embedding), last = rows_of(NF_OP_gather_rows), kv = kv_write();
  near(bytes_of(&hw, &table, 64), 64.0 * (4 + 2 * 2 * 2880)); // rows, not the table
  near(bytes_of(&hw, &last, 64), 2.0 * 2 * 8 * 2880);         // R of T rows
  near(bytes_of(&hw, &kv, 64), 2.0 * 2 * 2 * 64 * 8 * 64);    // read and written, not the page
  nf_op_desc padded = d;                                      // padding is read too
  padded.in[0].padded[1] = padded.in[1].padded[1] = 3072;
  near(bytes_of(&hw, &padded, 1), 2.0 * (3072 + 5120 * 3072 + 5120 + 5120));
}

static void states(void **state) {
  (void)state;
  const nf_hw hw = target("gfx950");
  nf_op_desc conv = {.op = NF_OP_causal_conv1d,
                     .in = {NF_TYPE(NF_BF16, T, NF_C(512)), NF_TYPE(NF_BF16, NF_C(512), NF_C(1), NF_C(4)),
                            NF_TYPE(NF_BF16, NF_C(3), NF_C(512))}};
  conv.in[2].cache = NF_CACHE_RECURRENT;
  conv = inferred(conv);
  // x and y, taps, and the states of eight sequences read and written
  near(bytes_of(&hw, &conv, 64), 2.0 * (2 * 64 * 512 + 512 * 4 + 2 * 8 * 3 * 512));
}

static void touched_experts(void **state) {
  (void)state;
  const nf_hw hw = target("gfx950");
  const nf_op_desc d = experts();
  const double expert = 5760.0 * 2880 * 4.25 / 8;
  near(bytes_of(&hw, &d, 1), 4 * expert + 2 * 2880 + 4 * 4 + 2 * 4 * 5760);
  near(bytes_of(&hw, &d, 8), 32 * expert + 8 * (2 * 2880 + 4 * 4 + 2 * 4 * 5760));
  near(bytes_of(&hw, &d, 64), 128 * expert + 64 * (2 * 2880 + 4 * 4 + 2 * 4 * 5760));
}

static void attention_reads_its_keys(void **state) {
  (void)state;
  const nf_hw hw = target("sm_90");
  const nf_op_desc full = attention(0), sliding = attention(128);
  const double key = 2.0 * 2 * 8 * 64, q = 2.0 * 2 * 64 * 64;
  near(bytes_of(&hw, &full, 1), (NF_COST_CONTEXT + 1) * key + q);
  near(bytes_of(&hw, &full, 4), 4 * ((NF_COST_CONTEXT + 1) * key + q)); // four sequences
  near(bytes_of(&hw, &sliding, 1), (128 + 1) * key + q);
}

static void compute_bound(void **state) {
  (void)state;
  const nf_hw hw = target("sm_90");
  enum { TOKENS = 1 << 20 };
  static const struct {
    nf_dtype x, w;
    nf_rate rate;
  } rows[] = {{NF_BF16, NF_BF16, NF_RATE_BF16},
              {NF_BF16, NF_MXFP4, NF_RATE_BF16},
              {NF_F32, NF_BF16, NF_RATE_F32},
              {NF_BF16, NF_F32, NF_RATE_F32}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nf_op_desc d = linear(4096, 4096, rows[i].w);
    d.in[0].dtype = rows[i].x;
    const double want = 2.0 * TOKENS * 4096 * 4096 / hw.peak[rows[i].rate] + hw.launch;
    near(us_of(&hw, &d, TOKENS), 1e6 * want);
  }
}

static void more_tokens_never_cost_less(void **state) {
  (void)state;
  const nf_op_desc ops[] = {linear(2880, 5120, NF_BF16),
                            experts(),
                            attention(0),
                            attention(128),
                            kv_write(),
                            rows_of(NF_OP_add),
                            rows_of(NF_OP_rms_norm),
                            rows_of(NF_OP_swiglu),
                            rows_of(NF_OP_embedding),
                            rows_of(NF_OP_gather_rows)};
  for (int t = 0; nf_hw_target_name(t) != NULL; t++) {
    const nf_hw hw = target(nf_hw_target_name(t));
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
      double last = hw.launch * 1e6;
      for (int64_t tokens = 1; tokens <= 1 << 16; tokens = tokens * 5 / 4 + 1) {
        const double us = us_of(&hw, &ops[i], tokens);
        if (!(us >= last && us < 1e12))
          fail_msg("op %d, %ld tokens: %g after %g", ops[i].op, (long)tokens, us, last);
        last = us;
      }
    }
  }
}

static void variants(void **state) {
  (void)state;
  const nf_hw hw = target("sapphire_rapids"), gpu = target("gfx950");
  const nf_op_desc d = linear(4096, 4096, NF_BF16);
  const nf_sizes at = nf_sizes_of(1024, 1, 1);
  const double work = 2.0 * 1024 * 4096 * 4096;
  const nf_variant ref = {.backend = NF_BACKEND_REF}, generic = {.backend = NF_BACKEND_CPU},
                   avx2 = {.backend = NF_BACKEND_CPU, .need = NF_CPU_AVX2 | NF_CPU_FMA},
                   amx = {.backend = NF_BACKEND_CPU, .need = NF_CPU_AVX512 | NF_CPU_AMX_BF16};
  near(nf_cost_us(&hw, &d, &at, NULL), 2 + 1e6 * work / hw.peak[NF_RATE_BF16]);
  near(nf_cost_us(&hw, &d, &at, &amx), 2 + 1e6 * work / hw.peak[NF_RATE_BF16]);
  near(nf_cost_us(&hw, &d, &at, &avx2),
       2 + 1e6 * work / hw.peak[NF_RATE_F32]); // a vector unit has its own peak
  near(nf_cost_us(&hw, &d, &at, &generic), 2 + 1e6 * work / hw.peak[NF_RATE_F32] * 32 / 8);
  near(nf_cost_us(&hw, &d, &at, &ref), 2 + 1e6 * work / hw.peak[NF_RATE_F32] * 32);
  assert_true(nf_cost_us(&gpu, &d, &at, NULL) == nf_cost_us(&gpu, &d, &at, &generic));
}

static void ranks(void **state) {
  (void)state;
  nf_hw hw = target("gfx950"), switched = target("sm_90");
  const nf_work w = {.bytes = 1e6, .exchanged = 1e7};
  near(nf_work_us(&hw, &w, NULL), 1e6 * (hw.launch + 1e6 / hw.bandwidth)); // alone: nothing to exchange
  hw.world = switched.world = 8;
  near(nf_work_us(&hw, &w, NULL), 1e6 * (2 * hw.launch + 1e7 / hw.link));                    // a link to each
  near(nf_work_us(&switched, &w, NULL), 1e6 * (2 * switched.launch + 7e7 / switched.links)); // one for all
}

static nf_bound bound_of(const nf_hw *hw, const nf_op_desc *d, int64_t tokens) {
  const nf_sizes at = nf_sizes_of(tokens, 1, 1);
  return nf_cost_bound(hw, d, &at, NULL);
}

// What is named is the largest term, for each of the four.
static void bounds(void **state) {
  (void)state;
  nf_hw hw = target("gfx950");
  const nf_op_desc d = linear(2880, 201088, NF_BF16), add = rows_of(NF_OP_add);
  const nf_op_desc sum =
      inferred((nf_op_desc){.op = NF_OP_all_reduce, .in = {NF_TYPE(NF_BF16, T, NF_C(2880))}});
  assert_int_equal(bound_of(&hw, &d, 1), NF_BOUND_MEMORY);
  assert_int_equal(bound_of(&hw, &d, 4096), NF_BOUND_COMPUTE);
  assert_int_equal(bound_of(&hw, &add, 1), NF_BOUND_LAUNCH);
  assert_int_equal(bound_of(&hw, &add, 16384), NF_BOUND_MEMORY);
  hw.world = 8;
  assert_int_equal(bound_of(&hw, &sum, 1), NF_BOUND_LAUNCH);
  assert_int_equal(bound_of(&hw, &sum, 16384), NF_BOUND_LINKS);
  for (int b = 0; b < NF_BOUND_COUNT; b++) assert_true(strlen(nf_bound_name((nf_bound)b)) > 4);
}

// The fused chain costs less than its parts, at every size: each part reads what the one before it wrote.
static void fusing_pays(void **state) {
  (void)state;
  nf_hw hw = target("gfx950");
  hw.world = 2;
  const nf_type x = NF_TYPE(NF_BF16, T, NF_C(2880)), w = NF_TYPE(NF_BF16, NF_C(2880));
  const nf_op_desc fused = inferred(
      (nf_op_desc){.op = NF_OP_rms_norm, .attr.rms_norm = {.eps = 1e-5f, .reduce = true}, .in = {x, w, x}});
  const nf_op_desc parts[] = {inferred((nf_op_desc){.op = NF_OP_all_reduce, .in = {x}}), rows_of(NF_OP_add),
                              rows_of(NF_OP_rms_norm)};
  for (int64_t tokens = 1; tokens <= 1 << 16; tokens *= 2) {
    double sum = 0;
    for (size_t i = 0; i < 3; i++) sum += us_of(&hw, &parts[i], tokens);
    assert_true(us_of(&hw, &fused, tokens) < sum);
  }
  near(us_of(&hw, &parts[0], 64), 1e6 * (2 * hw.launch + 64.0 * 2 * 2880 / hw.link)); // the link decides
}

static void nothing_is_known(void **state) { // of a processor whose facts are zeros
  (void)state;
  const nf_hw hw = {.backend = NF_BACKEND_CPU};
  const nf_op_desc d = linear(64, 64, NF_BF16);
  assert_true(us_of(&hw, &d, 1) == 0);
}

// ---- what the compiler asks ----

static const nf_select_options any;

static void asks_cost(void **state) {
  (void)state;
  const nf_hw hw = target("gfx950"), zen = target("zen4");
  const nf_sizes at = nf_sizes_of(8, 8, 8);
  nf_op_desc d = linear(2880, 5120, NF_BF16);
  nf_op_cost cost = {.us = -1};
  nf_text why = {0};
  assert_true(nf_select_cost(&hw, &any, &d, &at, &cost, &why));
  near(cost.us, nf_cost_us(&hw, &d, &at, NULL));
  // On a CPU the chosen kernel's own rate counts, and it reads a packing order that the graph knows nothing
  // of.
  assert_true(nf_select_cost(&zen, &any, &d, &at, &cost, &why));
  assert_true(cost.us >= nf_cost_us(&zen, &d, &at, NULL));
  assert_int_equal(why.n, 0);
  cost.us = -1;
  d = linear(2881, 5120, NF_BF16);
  assert_false(nf_select_cost(&hw, &any, &d, &at, &cost, &why));
  assert_true(cost.us == -1);
  assert_non_null(strstr(why.at, "linear_bf16_gfx950: PACK16(H) = 360.125 is not whole"));
  nf_text_deinit(&why);
  assert_false(nf_select_cost(&hw, &any, &d, &at, &cost, NULL));
}

static void asks_padding(void **state) {
  (void)state;
  static const struct {
    const char *target;
    int64_t k, n;
  } rows[] = {{"gfx950", 3072, 6144}, {"gfx942", 2880, 5760}, {"sm_90", 2880, 5760}, {"zen4", 2880, 5760}};
  const nf_op_desc d = experts(), norm = rows_of(NF_OP_rms_norm);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const nf_hw hw = target(rows[i].target);
    assert_int_equal(nf_select_padded(&hw, &any, &d, NF_Q_K), rows[i].k);
    assert_int_equal(nf_select_padded(&hw, &any, &d, NF_Q_N), rows[i].n);
    assert_int_equal(nf_select_padded(&hw, &any, &norm, NF_Q_K), 2880);
    assert_int_equal(nf_select_padded(&hw, &any, &norm, NF_Q_HEAD), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_bound),
      cmocka_unit_test(fusing_pays),
      cmocka_unit_test(states),
      cmocka_unit_test(touched_experts),
      cmocka_unit_test(compute_bound),
      cmocka_unit_test(attention_reads_its_keys),
      cmocka_unit_test(variants),
      cmocka_unit_test(more_tokens_never_cost_less),
      cmocka_unit_test(ranks),
      cmocka_unit_test(bounds),
      cmocka_unit_test(nothing_is_known),
      cmocka_unit_test(asks_cost),
      cmocka_unit_test(asks_padding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
