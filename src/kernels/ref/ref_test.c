// SPDX-License-Identifier: Apache-2.0
// The references against formulas written another way, in double precision, and against known values.
#include "tests/support/oracle.h"

static void linear(void **state) {
  (void)state;
  static const nf_dtype act[] = {NF_F32, NF_BF16, NF_F16};
  for (int i = 0; i < 3; i++) {
    nf_linear_args a = {.x = fill(tensor_of(NF_TYPE(act[i], NF_C(7), NF_C(53))), 1),
                        .w = RANDOM(BF16, NF_C(11), NF_C(53)),
                        .bias = RANDOM(BF16, NF_C(11)),
                        .y = ZEROS(F32, NF_C(7), NF_C(11))};
    RUN(linear, &a);
    for (int t = 0; t < 7; t++)
      for (int n = 0; n < 11; n++) {
        double want = at(&a.bias, 0, n);
        for (int k = 52; k >= 0; k--) want += at(&a.x, t, k) * at(&a.w, n, k);
        near(&a.y, t, n, want, 20);
      }
  }
}

// A token's result alone is the bytes it has in a batch.
static void linear_alone(void **state) {
  (void)state;
  nf_linear_args a = {.x = RANDOM(F32, NF_C(5), NF_C(100)),
                      .w = RANDOM(F32, NF_C(9), NF_C(100)),
                      .y = ZEROS(F32, NF_C(5), NF_C(9))};
  RUN(linear, &a);
  for (int t = 0; t < 5; t++) {
    nf_linear_args one = a;
    one.x.data = nf_tensor_row(&a.x, t);
    one.x.dim[0] = one.y.dim[0] = 1;
    one.y.data = nf_arena_alloc(&arena, 9, 4);
    RUN(linear, &one);
    assert_memory_equal(one.y.data, nf_tensor_row(&a.y, t), 36);
  }
}

// One MXFP4 row, codes and scales by hand: the low nibble is the even element.
static void grouped_mxfp4(void **state) {
  (void)state;
  static const double e2m1[] = {0, .5, 1, 1.5, 2, 3, 4, 6};
  nf_grouped_linear_args a = {.x = ZEROS(F32, NF_C(2), NF_C(128)),
                              .ids = ZEROS(I32, NF_C(2), NF_C(2)),
                              .w = ZEROS(MXFP4, NF_C(3), NF_C(1), NF_C(128)),
                              .bias = ZEROS(F32, NF_C(3), NF_C(1)),
                              .y = ZEROS(F32, NF_C(2), NF_C(2), NF_C(1))};
  static const uint8_t scale[4] = {127, 128, 1, 120};
  memcpy((uint8_t *)a.w.scale + 2 * 4, scale, 4); // expert 2
  uint8_t *codes = (uint8_t *)a.w.data + 2 * 64;
  double want = .25;
  for (int k = 0; k < 128; k++) {
    const int code = (k * 7 + 3) % 16;
    codes[k / 2] |= (uint8_t)(code << (k % 2 ? 4 : 0));
    const float x = (float)(k % 5 - 1);
    ((float *)a.x.data)[k] = x; // token 0
    want += x * e2m1[code % 8] * (code < 8 ? 1 : -1) * ldexp(1, scale[k / 32] - 127);
  }
  ((float *)a.bias.data)[2] = .25f;
  int32_t *ids = a.ids.data;
  ids[0] = 1, ids[1] = 2, ids[2] = 2, ids[3] = 0;
  RUN(grouped_linear, &a);
  near(&a.y, 0, 0, 0, 0); // expert 1 is zero
  near(&a.y, 1, 0, want, fabs(want));
  near(&a.y, 2, 0, .25, 0); // token 1 is zero: the bias stays
  near(&a.y, 3, 0, 0, 0);
}

static void rms_norm(void **state) {
  (void)state;
  nf_rms_norm_args a = {.attr = {.eps = 1e-5f},
                        .x = RANDOM(BF16, NF_C(3), NF_C(90)),
                        .w = RANDOM(BF16, NF_C(90)),
                        .y = ZEROS(BF16, NF_C(3), NF_C(90))};
  RUN(rms_norm, &a);
  for (int t = 0; t < 3; t++) {
    double sum = 0;
    for (int i = 0; i < 90; i++) sum += pow(at(&a.x, t, i), 2);
    for (int i = 0; i < 90; i++) near(&a.y, t, i, at(&a.w, 0, i) * at(&a.x, t, i) / sqrt(sum / 90 + 1e-5), 1);
  }
}

// One more than the weight; and the gated norm, whose gate may be of either sign.
static void norms_of_qwen(void **state) {
  (void)state;
  nf_rms_norm_args a = {.attr = {.eps = 1e-6f, .one_plus = true},
                        .x = RANDOM(F32, NF_C(3), NF_C(2), NF_C(50)),
                        .w = RANDOM(BF16, NF_C(50)),
                        .y = ZEROS(F32, NF_C(3), NF_C(2), NF_C(50))};
  nf_rms_norm_gated_args g = {.attr = {.eps = 1e-6f},
                              .x = a.x,
                              .z = fill(ZEROS(F32, NF_C(3), NF_C(2), NF_C(50)), 9),
                              .w = a.w,
                              .y = ZEROS(F32, NF_C(3), NF_C(2), NF_C(50))};
  RUN(rms_norm, &a);
  RUN(rms_norm_gated, &g);
  for (int t = 0; t < 6; t++) {
    double sum = 0;
    for (int i = 0; i < 50; i++) sum += pow(at(&a.x, t, i), 2);
    for (int i = 0; i < 50; i++) {
      const double x = at(&a.x, t, i) / sqrt(sum / 50 + 1e-6), w = at(&a.w, 0, i), z = at(&g.z, t, i);
      near(&a.y, t, i, (1 + w) * x, 2);
      near(&g.y, t, i, w * x * z / (1 + exp(-z)), 9);
    }
  }
}

// mul with a whole row and with one column; silu and sigmoid, far out as well.
static void gates(void **state) {
  (void)state;
  nf_mul_args m = {.a = RANDOM(F32, NF_C(3), NF_C(9)),
                   .b = RANDOM(BF16, NF_C(3), NF_C(9)),
                   .y = ZEROS(F32, NF_C(3), NF_C(9))};
  nf_mul_args one = {.a = m.a, .b = RANDOM(F16, NF_C(3), NF_C(1)), .y = ZEROS(F32, NF_C(3), NF_C(9))};
  nf_silu_args s = {.x = fill(ZEROS(F32, NF_C(3), NF_C(9)), 20), .y = ZEROS(F32, NF_C(3), NF_C(9))};
  ((float *)s.x.data)[0] = 200, ((float *)s.x.data)[1] = -200;
  nf_sigmoid_args g = {.x = s.x, .y = ZEROS(F32, NF_C(3), NF_C(9))};
  RUN(mul, &m);
  RUN(mul, &one);
  RUN(silu, &s);
  RUN(sigmoid, &g);
  for (int t = 0; t < 3; t++)
    for (int i = 0; i < 9; i++) {
      const double x = at(&s.x, t, i);
      near(&m.y, t, i, at(&m.a, t, i) * at(&m.b, t, i), 1);
      near(&one.y, t, i, at(&m.a, t, i) * at(&one.b, t, 0), 1);
      near(&s.y, t, i, x / (1 + exp(-x)), 1 + fabs(x));
      near(&g.y, t, i, 1 / (1 + exp(-x)), 1);
    }
}

static void columns(void **state) {
  (void)state;
  const nf_tensor x = RANDOM(BF16, NF_C(2), NF_C(9)), part = nf_tensor_columns(&x, 3, 4);
  nf_concat_args c = {.a = part, .b = x, .d = part, .y = ZEROS(BF16, NF_C(2), NF_C(17))};
  RUN(concat, &c);
  for (int t = 0; t < 2; t++)
    for (int i = 0; i < 17; i++)
      assert_true(at(&c.y, t, i) == at(&x, t, i < 4 ? 3 + i : i < 13 ? i - 4 : i - 10));
}

static void copies(void **state) {
  (void)state;
  const nf_tensor x = RANDOM(F32, NF_C(2), NF_C(3), NF_C(9));
  nf_reshape_args a = {.x = nf_tensor_columns(&x, 2, 4), .y = ZEROS(F32, NF_C(8), NF_C(3))};
  RUN(reshape, &a);
  for (int e = 0; e < 24; e++) assert_true(at(&a.y, e / 3, e % 3) == at(&x, e / 4, 2 + e % 4));
}

static void swiglu(void **state) {
  (void)state;
  for (int interleaved = 0; interleaved < 2; interleaved++)
    for (int limit = 0; limit < 2; limit++) {
      nf_swiglu_args a = {
          .attr = {.alpha = 1.702f, .beta = 1, .limit = limit ? 7 : 0, .interleaved = interleaved},
          .x = fill(ZEROS(F32, NF_C(4), NF_C(64)), 12),
          .y = ZEROS(F32, NF_C(4), NF_C(32))};
      RUN(swiglu, &a);
      for (int t = 0; t < 4; t++)
        for (int i = 0; i < 32; i++) {
          double g = at(&a.x, t, interleaved ? 2 * i : i), u = at(&a.x, t, interleaved ? 2 * i + 1 : 32 + i);
          if (limit && g > 7) g = 7;
          if (limit && fabs(u) > 7) u = u > 0 ? 7 : -7;
          near(&a.y, t, i, g / (1 + exp(-1.702 * g)) * (u + 1), 100);
        }
    }
}

static void router(void **state) {
  (void)state;
  static const float z[8] = {.5f, 2, -1, 2, 3, 2, 0, NAN};
  nf_router_topk_args a = {.attr = {.k = 4},
                           .logits = ZEROS(F32, NF_C(1), NF_C(7)),
                           .weights = ZEROS(F32, NF_C(1), NF_C(4)),
                           .ids = ZEROS(I32, NF_C(1), NF_C(4))};
  memcpy(a.logits.data, z, 7 * sizeof *z);
  RUN(router_topk, &a);
  static const int32_t want[] = {4, 1, 3, 5}, forced[] = {2, 0, 4, 6};
  assert_memory_equal(a.ids.data, want, sizeof want);
  const double sum = 1 + 3 * exp(-1);
  near(&a.weights, 0, 0, 1 / sum, 1);
  near(&a.weights, 0, 3, exp(-1) / sum, 1);
  a.forced = ZEROS(I32, NF_C(1), NF_C(4));
  memcpy(a.forced.data, forced, sizeof forced);
  RUN(router_topk, &a);
  assert_memory_equal(a.ids.data, forced, sizeof forced);
  near(&a.weights, 0, 2, 1 / (1 + exp(-4) + exp(-2.5) + exp(-3)), 1);
  a.forced.data = NULL;
  a.attr.over_all = true; // the softmax is over all seven
  RUN(router_topk, &a);
  double all = 0;
  for (int i = 0; i < 7; i++) all += exp((double)z[i] - 3);
  near(&a.weights, 0, 0, 1 / all, 1);
  near(&a.weights, 0, 3, exp(-1) / all, 1);
  a.attr.over_all = false;
  // Not a number still gives indices that exist.
  for (int i = 0; i < 7; i++) ((float *)a.logits.data)[i] = NAN;
  RUN(router_topk, &a);
  for (int j = 0; j < 4; j++) assert_in_range(((int32_t *)a.ids.data)[j], 0, 6);
}

static void combine(void **state) {
  (void)state;
  nf_combine_args a = {.x = RANDOM(BF16, NF_C(3), NF_C(4), NF_C(17)),
                       .weights = RANDOM(F32, NF_C(3), NF_C(4)),
                       .y = ZEROS(BF16, NF_C(3), NF_C(17))};
  RUN(combine, &a);
  for (int t = 0; t < 3; t++)
    for (int i = 0; i < 17; i++) {
      double want = 0;
      for (int j = 3; j >= 0; j--) want += at(&a.weights, t, j) * at(&a.x, t * 4 + j, i);
      near(&a.y, t, i, want, 2);
    }
}

// YaRN of gpt-oss: published frequencies. Position 1 makes the angle the frequency.
static void yarn(void **state) {
  (void)state;
  static const struct {
    int i;
    double f;
  } want[] = {{0, 1},
              {1, 0.6890443058881633},
              {8, 0.050813274815461475},
              {9, 0.03170569618466377},
              {12, 0.006794959489732219},
              {17, 1.2931870124506317e-4},
              {18, 3.8308812373753384e-05},
              {31, 3.0235114281192144e-07}};
  static const int32_t position[] = {1, 0};
  nf_batch batch = {.sizes = nf_sizes_of(2, 1, 0), .position = position};
  nf_rope_table_args a = {.batch = &batch,
                          .attr = {.theta = 150000,
                                   .factor = 32,
                                   .context = 4096,
                                   .beta_fast = 32,
                                   .beta_slow = 1,
                                   .scale = 2,
                                   .dims = 64},
                          .y = ZEROS(F32, NF_C(2), NF_C(64))};
  RUN(rope_table, &a);
  for (size_t n = 0; n < sizeof want / sizeof *want; n++) {
    const double got = at(&a.y, 0, 32 + want[n].i), f = 2 * sin(want[n].f);
    assert_true(fabs(got - f) <= f * 1e-6);
    near(&a.y, 0, want[n].i, 2 * cos(want[n].f), 1);
    near(&a.y, 1, want[n].i, 2, 0);
  }
}

static void rope(void **state) {
  (void)state;
  nf_rope_args a = {.x = RANDOM(F32, NF_C(3), NF_C(2), NF_C(10)),
                    .table = RANDOM(F32, NF_C(3), NF_C(6)),
                    .y = ZEROS(F32, NF_C(3), NF_C(2), NF_C(10))};
  RUN(rope, &a);
  for (int r = 0; r < 6; r++)
    for (int i = 0; i < 10; i++) {
      const double c = at(&a.table, r / 2, i % 3), s = at(&a.table, r / 2, 3 + i % 3);
      const double want = i >= 6  ? at(&a.x, r, i)
                          : i < 3 ? at(&a.x, r, i) * c - at(&a.x, r, i + 3) * s
                                  : at(&a.x, r, i) * c + at(&a.x, r, i - 3) * s;
      near(&a.y, r, i, want, 1);
    }
}

// One sequence whose last token stands at position p, keys written through kv_write into scrambled pages,
// those that no window reaches evicted.
enum { HEADS = 4, KV_HEADS = 2, HEAD = 8, PAGE = 16, KEYS = 140, PAGES = (KEYS + PAGE - 1) / PAGE };

static double attention_oracle(const nf_attention_args *a, const nf_tensor *k, const nf_tensor *v, int64_t p,
                               int h, int i) {
  double logit[KEYS], most = a->sinks.data ? at(&a->sinks, 0, h) : -INFINITY, sum = 0, o = 0;
  const int g = h / (HEADS / KV_HEADS);
  for (int64_t j = 0; j <= p; j++) {
    logit[j] = 0;
    for (int n = 0; n < HEAD; n++) logit[j] += a->attr.scale * at(&a->q, h, n) * at(k, j * KV_HEADS + g, n);
    if (a->attr.window > 0 && p - j >= a->attr.window) logit[j] = -INFINITY;
    most = fmax(most, logit[j]);
  }
  if (a->sinks.data) sum = exp(at(&a->sinks, 0, h) - most);
  for (int64_t j = 0; j <= p; j++) sum += exp(logit[j] - most);
  for (int64_t j = 0; j <= p; j++) o += exp(logit[j] - most) / sum * at(v, j * KV_HEADS + g, i);
  return o;
}

static void attention_case(int64_t p, int window, bool sinks, nf_dtype dtype) {
  const nf_cache group = window ? NF_CACHE_SLIDING : NF_CACHE_FULL;
  nf_type pool = NF_TYPE(dtype, NF_C(2), NF_C(KV_HEADS), NF_C(PAGE), NF_C(HEAD));
  pool.cache = group;
  const nf_sizes one = nf_sizes_of(1, 1, 1);
  size_t bytes;
  assert_true(nf_is_ok(nf_type_bytes(&pool, &one, &bytes)));
  nf_tensor kv = nf_tensor_of(&pool, &one, PAGES + 3, nf_arena_alloc(&arena, PAGES + 3, bytes));
  memset(kv.data, 0xff, (PAGES + 3) * bytes); // NaN wherever nothing is written
  int32_t pages[PAGES], write[KEYS], q_start[] = {0, KEYS}, position[] = {(int32_t)p};
  for (int i = 0; i < PAGES; i++) pages[i] = (i * 5 + 2) % (PAGES + 3);
  for (int i = 0; i < KEYS; i++) write[i] = i <= p ? pages[i / PAGE] * PAGE + i % PAGE : -1;
  nf_batch batch = {.sizes = nf_sizes_of(KEYS, 1, 1),
                    .q_start = q_start,
                    .position = position,
                    .table_row = (int32_t[]){0}};
  batch.group[group] = (struct nf_batch_group){.page_table = pages, .pages = PAGES, .write_slot = write};
  nf_kv_write_args w = {.batch = &batch,
                        .k = fill(tensor_of(NF_TYPE(dtype, NF_C(KEYS), NF_C(KV_HEADS), NF_C(HEAD))), 3),
                        .v = fill(tensor_of(NF_TYPE(dtype, NF_C(KEYS), NF_C(KV_HEADS), NF_C(HEAD))), 1),
                        .kv = kv};
  RUN(kv_write, &w);
  for (int i = 0; i < PAGES; i++)
    if (window && (i + 1) * PAGE <= p - window + 1) pages[i] = -1;
  q_start[1] = 1;
  batch.sizes = nf_sizes_of(2, 1, 1); // the second token is padding
  nf_attention_args a = {.batch = &batch,
                         .attr = {.scale = .5f, .window = window},
                         .q = fill(ZEROS(F32, NF_C(2), NF_C(HEADS), NF_C(HEAD)), 3),
                         .kv = kv,
                         .o = ZEROS(F32, NF_C(2), NF_C(HEADS), NF_C(HEAD))};
  if (sinks) a.sinks = fill(ZEROS(BF16, NF_C(HEADS)), 4);
  RUN(attention, &a);
  for (int h = 0; h < HEADS; h++)
    for (int i = 0; i < HEAD; i++) {
      near(&a.o, h, i, attention_oracle(&a, &w.k, &w.v, p, h, i), 4);
      assert_true(at(&a.o, HEADS + h, i) == 0);
    }
}

static void attention(void **state) {
  (void)state;
  static const int64_t positions[] = {0, 1, 15, 16, 126, 127, 128, 129, 139};
  for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
    for (int window = 0; window <= 128; window += 128)
      for (int sinks = 0; sinks < 2; sinks++) {
        attention_case(positions[i], window, sinks, NF_F32);
        attention_case(positions[i], window, sinks, NF_BF16);
      }
  attention_case(139, 1, false, NF_F32);
}

static void rows(void **state) {
  (void)state;
  nf_embedding_args e = {.tokens = ZEROS(I32, NF_C(3)),
                         .table = RANDOM(BF16, NF_C(5), NF_C(12)),
                         .y = ZEROS(F32, NF_C(3), NF_C(12))};
  static const int32_t tokens[] = {4, 0, 4}, row[] = {2, 1};
  memcpy(e.tokens.data, tokens, sizeof tokens);
  RUN(embedding, &e);
  const nf_batch batch = {.row = row};
  nf_gather_rows_args g = {.batch = &batch, .x = e.y, .y = ZEROS(F32, NF_C(2), NF_C(12))};
  RUN(gather_rows, &g);
  nf_add_args a = {.a = e.y, .b = RANDOM(F32, NF_C(3), NF_C(12)), .y = ZEROS(F32, NF_C(3), NF_C(12))};
  RUN(add, &a);
  for (int i = 0; i < 12; i++) {
    assert_true(at(&e.y, 0, i) == at(&e.table, 4, i) && at(&e.y, 1, i) == at(&e.table, 0, i));
    assert_true(at(&g.y, 0, i) == at(&e.table, 4, i) && at(&g.y, 1, i) == at(&e.table, 0, i));
    near(&a.y, 1, i, at(&a.a, 1, i) + at(&a.b, 1, i), 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear),    cmocka_unit_test(linear_alone), cmocka_unit_test(grouped_mxfp4),
      cmocka_unit_test(rms_norm),  cmocka_unit_test(swiglu),       cmocka_unit_test(router),
      cmocka_unit_test(combine),   cmocka_unit_test(yarn),         cmocka_unit_test(rope),
      cmocka_unit_test(attention), cmocka_unit_test(rows),         cmocka_unit_test(norms_of_qwen),
      cmocka_unit_test(gates),     cmocka_unit_test(columns),      cmocka_unit_test(copies)};
  return cmocka_run_group_tests(tests, NULL, tear_down);
}
