// SPDX-License-Identifier: Apache-2.0
// The references with a state, against formulas in double precision; and what a state promises: a sequence
// cut into steps anywhere gives the same bits, and a slot that is only read stays as it is.
#include "tests/support/oracle.h"

enum { SLOTS = 5, TOKENS = 23 };

static nf_tensor pool_of(nf_type slot) {
  const nf_sizes one = nf_sizes_of(1, 1, 1);
  size_t bytes;
  slot.cache = NF_CACHE_RECURRENT;
  assert_true(nf_is_ok(nf_type_bytes(&slot, &one, &bytes)));
  void *data = nf_arena_alloc(&arena, SLOTS, bytes);
  memset(data, 0xff, SLOTS * bytes); // NaN wherever nothing is written
  return nf_tensor_of(&slot, &one, SLOTS, data);
}

// One sequence of a step: its first token in the tensors, tokens, slots.
typedef struct step {
  nf_batch batch;
  int32_t q_start[2], in, out[TOKENS];
} step;

static const nf_batch *step_of(step *s, int32_t first, int32_t n, int32_t in, int32_t out) {
  *s = (step){.q_start = {first, first + n}, .in = in};
  for (int32_t t = 0; t < TOKENS; t++) s->out[t] = t + 1 == first + n ? out : -1;
  s->batch = (nf_batch){.sizes = nf_sizes_of(TOKENS, 1, 0), .q_start = s->q_start};
  s->batch.state_in = &s->in;
  s->batch.state_out = s->out;
  return &s->batch;
}

static size_t slot_bytes(const nf_tensor *pool) {
  return (size_t)(pool->stride[0] * nf_dtype_of(pool->dtype)->bits / 8);
}
static char *slot_at(const nf_tensor *pool, int slot) {
  return (char *)pool->data + (size_t)slot * slot_bytes(pool);
}

// Slots of a sequence cut in two: in place, or to another one, which leaves the first as it is.
static const int32_t second_out[] = {1, 3};

// ---- convolution ----

enum { CHANNELS = 6, TAPS = 4 };

static void conv(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_F32, NF_BF16};
  for (int d = 0; d < 2; d++) {
    nf_causal_conv1d_args a = {.x = fill(tensor_of(NF_TYPE(dtypes[d], NF_C(TOKENS), NF_C(CHANNELS))), 2),
                               .taps = RANDOM(BF16, NF_C(CHANNELS), NF_C(1), NF_C(TAPS)),
                               .state = pool_of(NF_TYPE(dtypes[d], NF_C(TAPS - 1), NF_C(CHANNELS))),
                               .y = tensor_of(NF_TYPE(dtypes[d], NF_C(TOKENS), NF_C(CHANNELS)))};
    step s;
    a.batch = step_of(&s, 0, TOKENS, -1, 2);
    RUN(causal_conv1d, &a);
    for (int t = 0; t < TOKENS; t++)
      for (int c = 0; c < CHANNELS; c++) {
        double sum = 0;
        for (int j = 0; j < TAPS; j++)
          if (t - TAPS + 1 + j >= 0) sum += at(&a.taps, c, j) * at(&a.x, t - TAPS + 1 + j, c);
        near(&a.y, t, c, sum / (1 + exp(-sum)), 8);
      }
    for (int j = 0; j < TAPS - 1; j++) // the last inputs, oldest first
      for (int c = 0; c < CHANNELS; c++)
        assert_true(at(&a.state, 2 * (TAPS - 1) + j, c) == at(&a.x, TOKENS - TAPS + 1 + j, c));
    for (int32_t cut = 1; cut < TOKENS; cut++)
      for (int way = 0; way < 2; way++) {
        nf_causal_conv1d_args b = a;
        char kept[64];
        b.y = tensor_of(NF_TYPE(dtypes[d], NF_C(TOKENS), NF_C(CHANNELS)));
        b.batch = step_of(&s, 0, cut, -1, 1);
        RUN(causal_conv1d, &b);
        memcpy(kept, slot_at(&b.state, 1), 3 * CHANNELS * 2);
        b.batch = step_of(&s, cut, TOKENS - cut, 1, second_out[way]);
        RUN(causal_conv1d, &b);
        assert_memory_equal(b.y.data, a.y.data,
                            (size_t)(TOKENS * CHANNELS * nf_dtype_of(dtypes[d])->bits / 8));
        assert_memory_equal(slot_at(&b.state, second_out[way]), slot_at(&a.state, 2), slot_bytes(&a.state));
        if (way) assert_memory_equal(slot_at(&b.state, 1), kept, 3 * CHANNELS * 2);
      }
  }
}

// ---- delta rule ----

enum { KEY_HEADS = 2, VALUE_HEADS = 4, D = 12, V = 7, COLUMNS = 2 * KEY_HEADS * D + VALUE_HEADS * V };

static nf_gated_delta_rule_args delta_of(nf_dtype dtype) {
  return (nf_gated_delta_rule_args){.qkv = fill(tensor_of(NF_TYPE(dtype, NF_C(TOKENS), NF_C(COLUMNS))), 2),
                                    .b = fill(tensor_of(NF_TYPE(dtype, NF_C(TOKENS), NF_C(VALUE_HEADS))), 4),
                                    .a = fill(tensor_of(NF_TYPE(dtype, NF_C(TOKENS), NF_C(VALUE_HEADS))), 4),
                                    .a_log = RANDOM(F32, NF_C(VALUE_HEADS)),
                                    .dt_bias = RANDOM(BF16, NF_C(VALUE_HEADS)),
                                    .state = pool_of(NF_TYPE(NF_F32, NF_C(VALUE_HEADS), NF_C(D), NF_C(V))),
                                    .o = tensor_of(NF_TYPE(dtype, NF_C(TOKENS), NF_C(VALUE_HEADS), NF_C(V)))};
}

static double norm_of(const nf_gated_delta_rule_args *a, int t, int from) {
  double sum = 0;
  for (int i = 0; i < D; i++) sum += pow(at(&a->qkv, t, from + i), 2);
  return sqrt(sum + 1e-6);
}

// A token of head h. The state is kept transposed, and as a whole matrix product:
// S = g S (I - beta k k^T) + beta v k^T.
static void oracle_token(const nf_gated_delta_rule_args *a, int t, int h, double S[V][D], double *o) {
  const int g = h / (VALUE_HEADS / KEY_HEADS), from_q = g * D, from_k = (KEY_HEADS + g) * D,
            from_v = 2 * KEY_HEADS * D + h * V;
  const double beta = 1 / (1 + exp(-at(&a->b, t, h))), dt = at(&a->a, t, h) + at(&a->dt_bias, 0, h);
  const double decay = exp(-exp(at(&a->a_log, 0, h)) * log(1 + exp(dt)));
  const double qn = norm_of(a, t, from_q) * sqrt(D), kn = norm_of(a, t, from_k);
  for (int j = 0; j < V; j++) {
    double seen = 0;
    for (int i = 0; i < D; i++) seen += S[j][i] * at(&a->qkv, t, from_k + i) / kn;
    o[j] = 0;
    for (int i = 0; i < D; i++) {
      const double k = at(&a->qkv, t, from_k + i) / kn;
      S[j][i] = decay * (S[j][i] - beta * seen * k) + beta * at(&a->qkv, t, from_v + j) * k;
      o[j] += S[j][i] * at(&a->qkv, t, from_q + i) / qn;
    }
  }
}

static void delta_rule(void **state) {
  (void)state;
  static const nf_dtype dtypes[] = {NF_F32, NF_BF16};
  for (int d = 0; d < 2; d++) {
    nf_gated_delta_rule_args a = delta_of(dtypes[d]);
    step s;
    a.batch = step_of(&s, 0, TOKENS, -1, 2);
    RUN(gated_delta_rule, &a);
    for (int h = 0; h < VALUE_HEADS; h++) {
      double S[V][D] = {0}, o[V];
      for (int t = 0; t < TOKENS; t++) {
        oracle_token(&a, t, h, S, o);
        for (int j = 0; j < V; j++) near(&a.o, t * VALUE_HEADS + h, j, o[j], 4);
      }
      for (int i = 0; i < D; i++)
        for (int j = 0; j < V; j++) near(&a.state, (2 * VALUE_HEADS + h) * D + i, j, S[j][i], 4);
    }
  }
}

// Two steps, cut anywhere; a fork leaves the slot that it came from as it was.
static void delta_rule_cut(void **state) {
  (void)state;
  nf_gated_delta_rule_args a = delta_of(NF_BF16);
  const size_t bytes = slot_bytes(&a.state);
  char *kept = nf_arena_alloc(&arena, bytes, 1);
  step s;
  a.batch = step_of(&s, 0, TOKENS, -1, 2);
  RUN(gated_delta_rule, &a);
  for (int32_t cut = 1; cut < TOKENS; cut++)
    for (int way = 0; way < 2; way++) {
      nf_gated_delta_rule_args b = a;
      b.o = ZEROS(BF16, NF_C(TOKENS), NF_C(VALUE_HEADS), NF_C(V));
      b.batch = step_of(&s, 0, cut, -1, 1);
      RUN(gated_delta_rule, &b);
      memcpy(kept, slot_at(&b.state, 1), bytes);
      b.batch = step_of(&s, cut, TOKENS - cut, 1, second_out[way]);
      RUN(gated_delta_rule, &b);
      assert_memory_equal(b.o.data, a.o.data, TOKENS * VALUE_HEADS * V * 2);
      assert_memory_equal(slot_at(&b.state, second_out[way]), slot_at(&a.state, 2), bytes);
      if (way) assert_memory_equal(slot_at(&b.state, 1), kept, bytes);
    }
}

// A sequence without tokens is padding: nothing goes to its slot. Zero keys leave nothing behind.
static void nothing(void **state) {
  (void)state;
  nf_gated_delta_rule_args a = delta_of(NF_F32);
  step s;
  a.batch = step_of(&s, 5, 0, -1, 2);
  RUN(gated_delta_rule, &a);
  assert_true(isnan(at(&a.state, 2 * VALUE_HEADS * D, 0)));
  memset(a.qkv.data, 0, (size_t)(a.qkv.stride[0] * 4)); // q, k, v of token 0
  a.batch = step_of(&s, 0, 1, -1, 2);
  RUN(gated_delta_rule, &a);
  for (int i = 0; i < VALUE_HEADS * D; i++) assert_true(at(&a.state, 2 * VALUE_HEADS * D + i, 0) == 0);
  assert_true(at(&a.o, 0, 0) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(conv), cmocka_unit_test(delta_rule),
                                     cmocka_unit_test(delta_rule_cut), cmocka_unit_test(nothing)};
  return cmocka_run_group_tests(tests, NULL, tear_down);
}
