// SPDX-License-Identifier: Apache-2.0
// What the checker's cases do not reach: shapes of real models, weights and numbers that attention could
// lose, every length of the recurrent ops and every cut of a sequence, every FP8 code, values at the edges of
// quantise.
#include "base/checked.h"
#include "check/internal.h"
#include "tensor/scalar.h"
#include "tests/support/oracle.h"
#include <float.h>

static nf_hw hw;

static int set_up(void **state) {
  (void)state;
  nf_status st = nf_hw_detect(&hw);
  const int failed = !nf_is_ok(st);
  nf_status_free(st);
  return failed;
}

// Every kernel of the op that can run here; ends with NULL.
static const nf_variant *kernel_of(nf_op op, size_t *at) {
  size_t n;
  const nf_variant *list = nf_variants(&n);
  for (; *at < n; ++*at)
    if (list[*at].op == op && list[*at].entry.kind == NF_ENTRY_HOST && !(list[*at].need & ~hw.features))
      return &list[(*at)++];
  return NULL;
}

static nf_case case_of(nf_op op, const nf_dims *m) {
  nf_case c;
  nf_status st = nf_case_make(op, m, &c);
  if (!nf_is_ok(st)) fail_msg("%s", nf_status_message(st));
  c.seed = 11;
  return c;
}

// One sequence with tokens before the step.
static nf_case recurrent_case(nf_op op, const nf_dims *m) {
  nf_case c = case_of(op, m);
  c.at.of[NF_S] = 1;
  c.past = 9;
  return c;
}

static nf_instance run(const nf_variant *v, const nf_case *c, bool magnitude) {
  nf_instance i;
  assert_true(nf_is_ok(nf_instance_init(&i, c, v, 1, 0xff, magnitude)));
  assert_true(nf_is_ok(nf_variant_run(v, i.args, NULL)));
  return i;
}

static void same_as_reference(nf_op op, const nf_dims *m) {
  const nf_case c = case_of(op, m);
  const nf_variant *ref = nf_reference_of(op), *v;
  nf_instance want = run(ref, &c, false), sums = run(ref, &c, true);
  for (size_t at = 0; (v = kernel_of(op, &at)) != NULL;) {
    if (!nf_case_legal(v, &hw, &c)) continue;
    nf_instance got = run(v, &c, false);
    nf_check_row row = {0};
    if (!nf_results_near(&want, &got, &sums, false, &row)) fail_msg("%s: %s", v->name, row.why);
    nf_instance_deinit(&got);
  }
  nf_instance_deinit(&want);
  nf_instance_deinit(&sums);
}

static void real_shapes(void **state) {
  (void)state;
  static const int64_t attention[][3] = {{256, 8, 2}, {256, 16, 1}, {128, 2, 8}, {128, 4, 2}, {128, 5, 2},
                                         {128, 7, 1}, {128, 8, 1},  {64, 8, 2}}; // head, group, kv heads
  for (size_t i = 0; i < sizeof attention / sizeof *attention; i++)
    for (unsigned options = 0; options < 4; options += 2)
      same_as_reference(NF_OP_attention, &(nf_dims){.q = {[NF_Q_HEAD] = attention[i][0],
                                                          [NF_Q_GROUP] = attention[i][1],
                                                          [NF_Q_KV_HEADS] = attention[i][2],
                                                          [NF_Q_PAGE] = 64},
                                                    .tokens = 19,
                                                    .act = NF_BF16,
                                                    .options = options});
  same_as_reference(NF_OP_grouped_linear,
                    &(nf_dims){.q = {[NF_Q_K] = 512, [NF_Q_N] = 2048, [NF_Q_E] = 12, [NF_Q_TOPK] = 10},
                               .tokens = 40,
                               .act = NF_BF16,
                               .out = NF_BF16,
                               .weight = NF_FP8_BLOCK,
                               .options = 2});
  same_as_reference(
      NF_OP_router_topk,
      &(nf_dims){.q = {[NF_Q_E] = 512, [NF_Q_TOPK] = 10}, .tokens = 20, .act = NF_F32, .options = 2});
}

// ---- attention to three keys ----

enum { HEAD = 32, KEYS = 3 };

// The last of three tokens, whose q is ones: the logit of a key of which all columns are c is c.
static nf_instance three_keys(const nf_variant *v, nf_case *c, const float *k, const float *values) {
  nf_instance i;
  *c = (nf_case){.d = {.op = NF_OP_attention, .attr.attention.scale = 1.0f / HEAD},
                 .at = nf_sizes_of(1, 1, 1),
                 .past = KEYS - 1};
  c->d.in[0] = NF_TYPE(NF_BF16, NF_BY(1, NF_T), NF_C(1), NF_C(HEAD));
  c->d.in[1] = NF_TYPE(NF_BF16, NF_C(2), NF_C(1), NF_C(64), NF_C(HEAD));
  c->d.in[1].cache = NF_CACHE_FULL;
  c->d.in[2] = NF_TYPE(NF_F32, NF_C(1));
  assert_true(nf_is_ok(nf_op_infer(&c->d)));
  assert_true(nf_is_ok(nf_instance_init(&i, c, v, 0, 0xff, false)));
  nf_attention_args *a = i.args;
  uint16_t *slot = (uint16_t *)a->kv.data + nf_batch_pages(&i.batch, a->kv.cache, 0)[0] * a->kv.stride[0];
  *(float *)a->sinks.data = -100;
  for (int d = 0; d < HEAD; d++) {
    ((uint16_t *)a->q.data)[d] = nf_bf16_encode(1);
    for (int j = 0; j < KEYS; j++) {
      slot[j * a->kv.stride[3] + d] = nf_bf16_encode(k[j]);
      slot[a->kv.stride[1] + j * a->kv.stride[3] + d] = nf_bf16_encode(values[j]);
    }
  }
  assert_true(nf_is_ok(nf_variant_run(v, a, NULL)));
  return i;
}

static float first_of(const nf_instance *i) {
  return nf_bf16_decode(*(uint16_t *)nf_instance_result(i, 0)->data);
}

// A weight, and values that leave of the sum little but what the weight is off by.
static void weights_of_keys(void **state) {
  (void)state;
  const nf_variant *v;
  for (size_t at = 0; (v = kernel_of(NF_OP_attention, &at)) != NULL;)
    for (int n = 64; n < 256; n++) {
      const float logit = -(float)n / 256;
      const double w = exp((double)logit);
      const float high = nf_bf16_decode(nf_bf16_encode((float)w));
      const float low = nf_bf16_decode(nf_bf16_encode((float)(w - (double)high)));
      const double want = (w - (double)high - (double)low) / (2 + w);
      nf_case c;
      nf_instance i = three_keys(v, &c, (const float[]){0, 0, logit}, (const float[]){-high, -low, 1});
      const double error = fabs((double)first_of(&i) - want);
      const double bound = nf_bound_of(&c, NF_BF16, &(nf_expected){.most = 1, .keys = KEYS, .want = want});
      if (!(error <= bound)) fail_msg("%s: e^%g is off by %g, allowed %g", v->name, logit, error, bound);
      nf_instance_deinit(&i);
    }
}

// What is seen and is no number is not lost.
static void no_numbers(void **state) {
  (void)state;
  static const struct {
    float k[KEYS], value[KEYS];
    bool finite;
  } cases[] = {{{0, -1, 1}, {1, 2, 3}, true},        {{NAN, 0, 0}, {1, 2, 3}, false},
               {{0, NAN, 0}, {1, 2, 3}, false},      {{0, 0, -NAN}, {1, 2, 3}, false},
               {{0, INFINITY, 0}, {1, 2, 3}, false}, {{0, 0, 0}, {1, INFINITY, 3}, false},
               {{0, 0, 0}, {NAN, 2, 3}, false}};
  const nf_variant *v;
  for (size_t at = 0; (v = kernel_of(NF_OP_attention, &at)) != NULL;)
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
      nf_case c;
      nf_instance i = three_keys(v, &c, cases[n].k, cases[n].value);
      if (isfinite(first_of(&i)) != cases[n].finite)
        fail_msg("%s, case %zu: %g", v->name, n, (double)first_of(&i));
      nf_instance_deinit(&i);
    }
}

// ---- recurrent ops ----

static nf_dims delta_dims(int64_t tokens, nf_dtype act) {
  return (nf_dims){.q = {[NF_Q_HEAD] = 32,
                         [NF_Q_VALUE] = 40,
                         [NF_Q_KV_HEADS] = 1,
                         [NF_Q_GROUP] = 2,
                         [NF_Q_K] = 300,
                         [NF_Q_TAPS] = 4},
                   .tokens = tokens,
                   .act = act};
}

// ||got - want|| / ||want|| over rows [first, end) of result n.
static double distance(const nf_instance *want, const nf_instance *got, int n, int64_t first, int64_t end) {
  const nf_tensor *w = nf_instance_result(want, n), *g = nf_instance_result(got, n);
  float a[512], b[512];
  double apart = 0, all = 0;
  for (int64_t r = first; r < end; r++) {
    nf_row_decode(w, r, a);
    nf_row_decode(g, r, b);
    for (int64_t i = 0; i < nf_tensor_cols(w); i++) apart += pow((double)a[i] - b[i], 2), all += pow(a[i], 2);
  }
  return sqrt(apart / all);
}

static void every_length(void **state) {
  (void)state;
  for (int64_t tokens = 1; tokens <= 200; tokens++) {
    const nf_dims m = delta_dims(tokens, NF_F32);
    const nf_case c = recurrent_case(NF_OP_gated_delta_rule, &m);
    const nf_variant *v;
    nf_instance want = run(nf_reference_of(c.d.op), &c, false);
    const nf_tensor *pool = nf_instance_result(&want, 1);
    const int64_t rows = pool->dim[1] * pool->dim[2], slot = want.batch.state_out[tokens - 1];
    assert_true(want.batch.state_in[0] >= 0 && want.batch.state_in[0] != slot);
    for (size_t at = 0; (v = kernel_of(c.d.op, &at)) != NULL;) {
      nf_instance got = run(v, &c, false);
      const double o = distance(&want, &got, 0, 0, tokens * pool->dim[1]);
      const double s = distance(&want, &got, 1, slot * rows, (slot + 1) * rows);
      if (!(o < 1e-4 && s < 1e-4))
        fail_msg("%s, %d tokens: o is off by %g, the state by %g", v->name, (int)tokens, o, s);
      nf_instance_deinit(&got);
    }
    nf_instance_deinit(&want);
  }
}

enum { TOKENS = 21 };

// Tokens [from, to) of the only sequence, between these slots.
static void run_part(const nf_variant *v, nf_instance *i, int32_t from, int32_t to, int32_t in, int32_t out) {
  int32_t start[] = {from, to}, at[TOKENS];
  for (int t = 0; t < TOKENS; t++) at[t] = t + 1 == to ? out : -1;
  i->batch.q_start = start;
  i->batch.state_in = &in;
  i->batch.state_out = at;
  assert_true(nf_is_ok(nf_variant_run(v, i->args, NULL)));
}

// A state behind a token is the one that the sequence would have ended with there.
static void every_state(void **state) {
  (void)state;
  static const nf_op ops[] = {NF_OP_causal_conv1d, NF_OP_gated_delta_rule};
  for (int n = 0; n < 2; n++) {
    const nf_dims m = delta_dims(NF_STATES + 1, NF_BF16); // and one of padding
    nf_case c = case_of(ops[n], &m);
    const nf_variant *v;
    c.at.of[NF_S] = 1;
    for (size_t at = 0; (v = kernel_of(ops[n], &at)) != NULL;) {
      nf_instance all = run(v, &c, false);
      const nf_tensor *pool = nf_instance_result(&all, 1);
      const int64_t rows = nf_tensor_rows(pool) / pool->dim[0];
      int compared = 0;
      for (int32_t t = 0; t < NF_STATES; t++) {
        const int32_t slot = all.batch.state_out[t];
        nf_instance part;
        if (slot < 0) continue;
        assert_true(nf_is_ok(nf_instance_init(&part, &c, v, 1, 0xff, false)));
        run_part(v, &part, 0, t + 1, -1, slot);
        for (int64_t r = slot * rows; r < (slot + 1) * rows; r++, compared++)
          if (!nf_rows_equal(pool, nf_instance_result(&part, 1), r))
            fail_msg("%s: the state behind token %d differs in row %d", v->name, t, (int)(r % rows));
        nf_instance_deinit(&part);
      }
      assert_true(compared >= NF_STATES / 2 * rows);
      nf_instance_deinit(&all);
    }
  }
}

static void every_cut(void **state) {
  (void)state;
  static const nf_op ops[] = {NF_OP_causal_conv1d, NF_OP_gated_delta_rule};
  for (int n = 0; n < 2; n++) {
    const nf_dims m = delta_dims(TOKENS, NF_BF16);
    const nf_case c = recurrent_case(ops[n], &m);
    const nf_variant *v;
    for (size_t at = 0; (v = kernel_of(ops[n], &at)) != NULL;) {
      if (strstr(v->name, "chunk64")) continue; // its row says so
      nf_instance want = run(v, &c, false);
      const int32_t in = want.batch.state_in[0], out = want.batch.state_out[TOKENS - 1];
      for (int32_t cut = 1; cut < TOKENS; cut++) {
        nf_instance got;
        assert_true(nf_is_ok(nf_instance_init(&got, &c, v, 1, 0xff, false)));
        run_part(v, &got, 0, cut, in, out);
        run_part(v, &got, cut, TOKENS, out, out);
        if (!nf_results_equal(&want, &got)) fail_msg("%s cut at %d differs", v->name, cut);
        nf_instance_deinit(&got);
      }
      nf_instance_deinit(&want);
    }
  }
}

// ---- FP8 ----

// Where column k of row r of 256 columns lies, in strips of 16 rows.
static int64_t place_of(nf_pack p, int64_t r, int64_t k) {
  if (nf_pack_is_plain(p)) return r * 256 + k;
  return (r / 16 * 256 + k / p.k * p.k) * 16 + r % 16 * p.k + k % p.k;
}

// Weights of one row, its columns all the codes that are numbers, under the scale 3/4.
static void set_codes(nf_tensor *w) {
  for (int64_t r = 0; r < w->dim[0]; r++)
    for (int64_t k = 0; k < 256; k++)
      ((uint8_t *)w->data)[place_of(w->pack, r, k)] = (uint8_t)((k & 0x7f) == 0x7f ? 0 : k);
  for (int g = 0; g < 2; g++) ((float *)w->scale)[g] = 0.75f;
}

// Row t of x picks one column: y is that code's value. One token and many: codes in a tile and in a panel.
static void check_codes(const nf_variant *v, int64_t tokens) {
  const nf_dims m = {.q = {[NF_Q_K] = 256, [NF_Q_N] = 20},
                     .tokens = tokens,
                     .act = NF_F32,
                     .out = NF_F32,
                     .weight = NF_FP8_BLOCK,
                     .options = 8};
  const nf_case c = case_of(NF_OP_linear, &m);
  nf_instance i;
  if (!nf_case_legal(v, &hw, &c)) return;
  assert_true(nf_is_ok(nf_instance_init(&i, &c, v, 0, 0xff, false)));
  nf_linear_args *a = i.args;
  set_codes(&a->w);
  for (int64_t first = 0; first < 256; first += tokens) {
    for (int64_t t = 0; t < tokens; t++)
      for (int64_t k = 0; k < 256; k++) ((float *)nf_tensor_row(&a->x, t))[k] = k == first + t;
    assert_true(nf_is_ok(nf_variant_run(v, a, NULL)));
    for (int64_t t = 0; t < tokens; t++) {
      const int64_t k = first + t;
      const float want = (k & 0x7f) == 0x7f ? 0 : nf_e4m3_decode((uint8_t)k) * 0.75f;
      if (((float *)nf_tensor_row(&a->y, t))[19] != want) fail_msg("%s: code %02x", v->name, (unsigned)k);
    }
  }
  nf_instance_deinit(&i);
}

static void every_code(void **state) {
  (void)state;
  const nf_variant *v;
  for (size_t at = 0; (v = kernel_of(NF_OP_linear, &at)) != NULL;)
    for (int64_t tokens = 1; tokens <= 256; tokens *= 16) check_codes(v, tokens);
}

static void edges_of_quantise(void **state) {
  (void)state;
  static const float edge[] = {448,        -448,     464,       17,  19,    0x1p-9f, 0x1p-10f, 0x3p-10f,
                               0x1.1p-10f, 0x1p-6f,  0x1.ep-7f, 0,   -0.0f, FLT_MAX, -FLT_MAX, FLT_MIN,
                               0x1p-149f,  INFINITY, -INFINITY, NAN, 1e30f, 1e-30f};
  enum { EDGES = sizeof edge / sizeof *edge, K = 300 };
  for (unsigned options = 0; options < 2; options++) {
    const nf_dims m = {.q = {[NF_Q_K] = K}, .tokens = EDGES, .act = NF_F32, .options = options};
    const nf_case c = case_of(NF_OP_quantise, &m);
    const nf_variant *v;
    nf_instance want = {0};
    for (size_t at = 0; (v = kernel_of(NF_OP_quantise, &at)) != NULL;) { // the reference first
      nf_instance got;
      assert_true(nf_is_ok(nf_instance_init(&got, &c, v, 1, 0xff, false)));
      nf_quantise_args *a = got.args;
      for (int r = 0; r < EDGES; r++)
        for (int k = 0; k < K; k++) // a row's largest is the edge, or all rows' edges are in it
          if (k % 7 == 0) ((float *)nf_tensor_row(&a->x, r))[k] = r % 2 ? edge[r] : edge[(r + k / 7) % EDGES];
      assert_true(nf_is_ok(nf_variant_run(v, a, NULL)));
      if (!want.args) {
        want = got;
        continue;
      }
      if (!nf_results_equal(&want, &got)) fail_msg("%s is not the reference", v->name);
      nf_instance_deinit(&got);
    }
    nf_instance_deinit(&want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(real_shapes), cmocka_unit_test(weights_of_keys),
                                     cmocka_unit_test(no_numbers),  cmocka_unit_test(every_length),
                                     cmocka_unit_test(every_cut),   cmocka_unit_test(every_state),
                                     cmocka_unit_test(every_code),  cmocka_unit_test(edges_of_quantise)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
