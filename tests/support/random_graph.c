// SPDX-License-Identifier: Apache-2.0
// Random graphs: a stream [T,H] is put through random steps, each of a few ops; every op of ops.def can
// occur.
#include "tests/support/random_graph.h"

enum { HEAD = 32 }; // whole groups of every quantised type

typedef struct maker {
  nf_builder b;
  uint64_t seed;
  nf_dtype dtype; // of the stream
  int64_t hidden; // its columns
  nf_val stream, rope, tokens;
  int n; // names given so far
} maker;

static int64_t below(maker *m, int64_t n) {
  m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
  return (int64_t)((m->seed >> 33) % (uint64_t)n);
}

static bool chance(maker *m, int percent) { return below(m, 100) < percent; }

static float real(maker *m, float lo, float hi) {
  return lo + (hi - lo) * (float)below(m, 1 << 24) * 0x1p-24f;
}

static const char *fresh(maker *m) {
  static const char *const stems[] = {"v", "attn.q", "a-b_", "", "input", "Graph."};
  return nf_build_name(&m->b, "%s%d", stems[below(m, 6)], m->n++);
}

static nf_dtype float_dtype(maker *m) { return (const nf_dtype[]){NF_F32, NF_BF16, NF_F16}[below(m, 3)]; }

// A weight; its columns are padded at random, its tensor's name is odd at random.
static nf_val weight(maker *m, nf_type t) {
  static const char *const tensors[] = {"model.w",    "",         "with space", "quote\"back\\slash",
                                        "line\nfeed", "h\xc3\xa9"};
  nf_recipe recipe = {.tensor = tensors[below(m, 6)]};
  if (nf_is_quantised(t.dtype)) recipe.scales = tensors[below(m, 6)];
  const int64_t rows = t.dim[0].c, first = rows > 1 ? 1 + below(m, rows - 1) : 0;
  const nf_joined joined[] = {{"first", first, recipe}, {"second", rows - first, recipe}};
  if (t.rank < 3 && first && t.dtype != NF_FP8_BLOCK && chance(m, 20))
    recipe = (nf_recipe){.joined = joined, .n_joined = 2};
  if (chance(m, 20)) t.padded[t.rank - 1] += 32 * (1 + below(m, 3));
  return nf_build_weight(&m->b, fresh(m), t, recipe);
}

static nf_dtype weight_dtype(maker *m) { return chance(m, 30) ? NF_MXFP4 : float_dtype(m); }

static nf_val project(maker *m, nf_val x, int64_t in, int64_t out, nf_dtype dtype) {
  nf_val w = weight(m, NF_TYPE(weight_dtype(m), NF_C(out), NF_C(in)));
  nf_val bias = chance(m, 50) ? weight(m, NF_TYPE(float_dtype(m), NF_C(out))) : 0;
  return NF_BUILD(&m->b, fresh(m), linear, (x, w, bias), .out = dtype);
}

static void norm_step(maker *m) {
  nf_val w = weight(m, NF_TYPE(float_dtype(m), NF_C(m->hidden)));
  m->stream = NF_BUILD(&m->b, fresh(m), rms_norm, (m->stream, w), .eps = real(m, 1e-7f, 1e-3f),
                       .one_plus = chance(m, 50));
}

static void project_step(maker *m) {
  int64_t out = HEAD * (1 + below(m, 4));
  m->dtype = float_dtype(m);
  m->stream = project(m, m->stream, m->hidden, out, m->dtype);
  m->hidden = out;
}

static void swiglu_step(maker *m) {
  nf_val up = project(m, m->stream, m->hidden, 2 * m->hidden, m->dtype);
  nf_val y = NF_BUILD(&m->b, fresh(m), swiglu, (up), .alpha = real(m, 0, 2), .beta = real(m, -1, 1),
                      .limit = chance(m, 50) ? 0 : real(m, 1, 9), .interleaved = chance(m, 50));
  m->stream = NF_BUILD(&m->b, fresh(m), add, (m->stream, y), );
}

static void experts_step(maker *m) {
  int64_t experts = 1 + below(m, 8), k = 1 + below(m, experts);
  nf_val logits = project(m, m->stream, m->hidden, experts, NF_F32);
  nf_val forced =
      chance(m, 30) ? nf_build_input(&m->b, fresh(m), NF_TYPE(NF_I32, NF_BY(1, NF_T), NF_C(k))) : 0;
  nf_val weights =
      NF_BUILD(&m->b, fresh(m), router_topk, (logits, forced), .k = k, .over_all = chance(m, 50));
  nf_val ids = nf_build_result(&m->b, weights, 1);
  if (chance(m, 20)) ids = NF_BUILD(&m->b, fresh(m), rank_ids, (ids), .size = experts);
  nf_val w = weight(m, NF_TYPE(weight_dtype(m), NF_C(experts), NF_C(m->hidden), NF_C(m->hidden)));
  nf_val bias = chance(m, 50) ? weight(m, NF_TYPE(NF_BF16, NF_C(experts), NF_C(m->hidden))) : 0;
  nf_val x = m->stream;
  for (int64_t i = below(m, 3); i >= 0; i--)
    x = NF_BUILD(&m->b, fresh(m), grouped_linear, (x, ids, w, bias), .out = m->dtype);
  const nf_val gate = chance(m, 30) ? project(m, m->stream, m->hidden, 1, float_dtype(m)) : 0;
  m->stream = gate != 0 ? NF_BUILD(&m->b, fresh(m), combine_shared, (x, weights, m->stream, gate), )
                        : NF_BUILD(&m->b, fresh(m), combine, (x, weights), );
}

static nf_val heads_of(maker *m, nf_val x, int64_t heads) {
  const nf_shape to = {3, {NF_BY(1, NF_T), NF_C(heads), NF_C(HEAD)}};
  nf_val h = NF_BUILD(&m->b, fresh(m), reshape, (x), .to = to);
  if (!m->rope)
    m->rope =
        NF_BUILD(&m->b, fresh(m), rope_table, (), .theta = real(m, 1000, 200000), .factor = real(m, 0.5f, 40),
                 .context = 4096, .beta_fast = real(m, 2, 32), .beta_slow = real(m, 0.1f, 2),
                 .scale = real(m, 0.5f, 2), .dims = 2 * (1 + below(m, HEAD / 2)), .truncate = chance(m, 50));
  return chance(m, 70) ? NF_BUILD(&m->b, fresh(m), rope, (h, m->rope), ) : h;
}

static void attention_step(maker *m) {
  int64_t kv_heads = 1 + below(m, 3), heads = kv_heads * (1 + below(m, 4));
  nf_type pool = NF_TYPE(m->dtype, NF_C(2), NF_C(kv_heads), NF_C(1 + below(m, 64)), NF_C(HEAD));
  pool.cache = chance(m, 50) ? NF_CACHE_FULL : NF_CACHE_SLIDING;
  nf_val kv = nf_build_pool(&m->b, fresh(m), pool);
  nf_val q = heads_of(m, project(m, m->stream, m->hidden, heads * HEAD, m->dtype), heads);
  nf_val k = heads_of(m, project(m, m->stream, m->hidden, kv_heads * HEAD, m->dtype), kv_heads);
  nf_val sinks = chance(m, 50) ? weight(m, NF_TYPE(NF_BF16, NF_C(heads))) : 0;
  for (int64_t i = below(m, 3); i > 0; i--) kv = NF_BUILD(&m->b, fresh(m), kv_write, (k, k, kv), );
  nf_val o = NF_BUILD(&m->b, fresh(m), attention, (q, kv, sinks), .scale = real(m, 0.01f, 1),
                      .window = below(m, 200));
  const nf_shape flat = {2, {NF_BY(1, NF_T), NF_C(heads * HEAD)}};
  m->stream = NF_BUILD(&m->b, fresh(m), reshape, (o), .to = flat);
  m->hidden = heads * HEAD;
}

// The same in one op, of some columns of each head; a reader of others, which come together.
static void heads_step(maker *m) {
  const int64_t kv_heads = 1 + below(m, 3), heads = kv_heads * (1 + below(m, 4)), start = below(m, HEAD);
  nf_type pool = NF_TYPE(m->dtype, NF_C(2), NF_C(kv_heads), NF_C(1 + below(m, 64)), NF_C(HEAD));
  pool.cache = chance(m, 50) ? NF_CACHE_FULL : NF_CACHE_SLIDING;
  const nf_val kv = nf_build_pool(&m->b, fresh(m), pool);
  const nf_val k = heads_of(m, project(m, m->stream, m->hidden, kv_heads * HEAD, m->dtype), kv_heads);
  nf_val q = project(m, m->stream, m->hidden, heads * 2 * HEAD, m->dtype);
  const nf_shape wide = {3, {NF_BY(1, NF_T), NF_C(heads), NF_C(2 * HEAD)}};
  const nf_val apart = NF_BUILD(&m->b, fresh(m), reshape, (q), .to = wide);
  q = NF_BUILD(&m->b, fresh(m), narrow, (apart), .start = start, .size = HEAD);
  const nf_val norm = chance(m, 50) ? weight(m, NF_TYPE(float_dtype(m), NF_C(HEAD))) : 0;
  q = NF_BUILD(&m->b, fresh(m), qk_rope_write, (q, k, k, m->rope, norm, chance(m, 50) ? norm : 0, kv),
               .eps = real(m, 1e-7f, 1e-3f), .one_plus = chance(m, 50));
  const nf_shape flat = {2, {NF_BY(1, NF_T), NF_C(heads * HEAD)}};
  m->stream = NF_BUILD(&m->b, fresh(m), reshape, (q), .to = flat);
  const nf_val others = NF_BUILD(&m->b, fresh(m), narrow, (apart), .start = HEAD - start, .size = HEAD);
  const nf_val gate = NF_BUILD(&m->b, fresh(m), reshape, (others), .to = flat);
  m->stream = NF_BUILD(&m->b, fresh(m), mul, (m->stream, gate), );
  m->hidden = heads * HEAD;
}

static nf_val experts_weight(maker *m, int64_t experts, int64_t n, int64_t k) {
  return weight(m, NF_TYPE(weight_dtype(m), NF_C(experts), NF_C(n), NF_C(k)));
}

// Experts in one op, of either kind.
static void blocks_step(maker *m) {
  const int64_t experts = 1 + below(m, 8), k = 1 + below(m, experts), inner = HEAD * (1 + below(m, 3));
  const nf_val logits = project(m, m->stream, m->hidden, experts, NF_F32);
  const nf_val weights = NF_BUILD(&m->b, fresh(m), router_topk, (logits), .k = k);
  const nf_val ids = nf_build_result(&m->b, weights, 1), down = experts_weight(m, experts, m->hidden, inner);
  nf_val y;
  if (chance(m, 50)) {
    const nf_val up = experts_weight(m, experts, 2 * inner, m->hidden);
    const nf_val bias = chance(m, 50) ? weight(m, NF_TYPE(NF_BF16, NF_C(experts), NF_C(m->hidden))) : 0;
    y = NF_BUILD(&m->b, fresh(m), experts_swiglu, (m->stream, ids, up, 0, down, bias), .out = m->dtype,
                 .alpha = real(m, 0, 2), .beta = real(m, -1, 1), .interleaved = chance(m, 50));
  } else {
    const nf_val gate = experts_weight(m, experts, inner, m->hidden);
    const nf_val up = experts_weight(m, experts, inner, m->hidden);
    y = NF_BUILD(&m->b, fresh(m), experts_silu, (m->stream, ids, gate, up, down), .out = m->dtype);
  }
  m->stream = NF_BUILD(&m->b, fresh(m), combine, (y, weights), );
}

// Through padding and back.
static void padded_step(maker *m) {
  const nf_val x = NF_BUILD(&m->b, fresh(m), pad, (m->stream), .to = m->hidden + 32 * below(m, 3));
  const nf_val sum = chance(m, 50) ? NF_BUILD(&m->b, fresh(m), all_reduce, (x), ) : x;
  m->stream = chance(m, 50) ? NF_BUILD(&m->b, fresh(m), unpad, (sum), )
                            : project(m, sum, m->hidden, m->hidden, m->dtype);
}

// The columns of two ranks side by side, and what they come to.
static void gathered_step(maker *m) {
  const nf_val all = NF_BUILD(&m->b, fresh(m), all_gather, (m->stream), .world = 2);
  m->stream = project(m, all, 2 * m->hidden, m->hidden, m->dtype);
}

static void fused_step(maker *m) {
  const nf_val w = weight(m, NF_TYPE(float_dtype(m), NF_C(m->hidden))), x = m->stream;
  const bool one_plus = chance(m, 50);
  const int64_t pad = chance(m, 50) ? m->hidden + 32 : 0;
  const bool reduce = chance(m, 50);
  const nf_val y = NF_BUILD(&m->b, fresh(m), rms_norm, (x, w, reduce && chance(m, 50) ? 0 : x), .eps = 1,
                            .one_plus = one_plus, .reduce = reduce, .pad = pad);
  m->stream = chance(m, 50) ? nf_build_result(&m->b, y, 1) : project(m, y, m->hidden, m->hidden, m->dtype);
}

// Activations and weights in FP8, scaled alike.
static void fp8_step(maker *m) {
  const bool rows = chance(m, 50);
  nf_val x = NF_BUILD(&m->b, fresh(m), quantise, (m->stream), .to = rows ? NF_FP8_ROW : NF_FP8_GROUP);
  nf_val w = weight(m, NF_TYPE(rows ? NF_FP8_ROW : NF_FP8_BLOCK, NF_C(m->hidden), NF_C(m->hidden)));
  m->stream = NF_BUILD(&m->b, fresh(m), linear, (x, w, 0), .out = m->dtype);
}

// The same in one op with what stands before it.
static void fused_fp8_step(maker *m) {
  const bool rows = chance(m, 50), keep = chance(m, 50);
  const nf_dtype to = rows ? NF_FP8_ROW : NF_FP8_GROUP;
  const nf_val w = weight(m, NF_TYPE(float_dtype(m), NF_C(m->hidden))), x = m->stream;
  nf_val y = 0;
  switch (below(m, 7)) {
  case 0:
  case 1:
  case 2:
  case 3:
    y = NF_BUILD(&m->b, fresh(m), rms_norm, (x, w, chance(m, 50) ? x : 0), .eps = 1, .reduce = chance(m, 50),
                 .to = to, .keep = keep);
    break;
  case 4:
    y = NF_BUILD(&m->b, fresh(m), rms_norm_gated_quantise, (x, x, w), .eps = 1, .to = to);
    break;
  case 5:
    y = NF_BUILD(&m->b, fresh(m), silu_mul, (x, x), .quantise = to);
    break;
  default:
    y = NF_BUILD(&m->b, fresh(m), sigmoid_mul, (x, x), .quantise = to);
  }
  nf_val v = weight(m, NF_TYPE(rows ? NF_FP8_ROW : NF_FP8_BLOCK, NF_C(m->hidden), NF_C(m->hidden)));
  m->stream = NF_BUILD(&m->b, fresh(m), linear, (y, v, 0), .out = m->dtype);
}

// Some columns go through an activation each; one column gates all of them.
static void gates_step(maker *m) {
  const int64_t left = 1 + below(m, m->hidden - 1);
  nf_val a = NF_BUILD(&m->b, fresh(m), narrow, (m->stream), .start = 0, .size = left);
  nf_val b = NF_BUILD(&m->b, fresh(m), narrow, (m->stream), .start = left, .size = m->hidden - left);
  a = NF_BUILD(&m->b, fresh(m), silu, (a), );
  nf_val gate = project(m, m->stream, m->hidden, 1, float_dtype(m));
  gate = NF_BUILD(&m->b, fresh(m), sigmoid, (gate), );
  nf_val y = NF_BUILD(&m->b, fresh(m), concat, (a, b), );
  y = NF_BUILD(&m->b, fresh(m), mul, (y, gate), );
  m->stream = chance(m, 50) ? NF_BUILD(&m->b, fresh(m), silu_mul, (y, gate), ) : y;
}

static nf_val state(maker *m, nf_type slot) {
  slot.cache = NF_CACHE_RECURRENT;
  return nf_build_pool(&m->b, fresh(m), slot);
}

static nf_val heads_vector(maker *m, nf_extent heads) { return weight(m, NF_TYPE(float_dtype(m), heads)); }

static void recurrent_step(maker *m) {
  const int64_t keys = 1 + below(m, 2), heads = keys * (1 + below(m, 3)), taps = 2 + below(m, 3);
  const nf_extent channels = NF_C(2 * keys * HEAD + heads * HEAD), n = NF_C(heads);
  nf_val x = project(m, m->stream, m->hidden, channels.c, m->dtype);
  nf_val w = nf_build_weight(&m->b, fresh(m), NF_TYPE(m->dtype, channels, NF_C(1), NF_C(taps)),
                             (nf_recipe){.tensor = "taps"});
  nf_val a = project(m, m->stream, m->hidden, heads, m->dtype);
  nf_val b = project(m, m->stream, m->hidden, heads, m->dtype);
  nf_val z = project(m, m->stream, m->hidden, heads * HEAD, m->dtype);
  nf_val qkv = NF_BUILD(&m->b, fresh(m), causal_conv1d,
                        (x, w, state(m, NF_TYPE(m->dtype, NF_C(taps - 1), channels))), );
  nf_val o = NF_BUILD(&m->b, fresh(m), gated_delta_rule,
                      (qkv, b, a, heads_vector(m, n), heads_vector(m, n),
                       state(m, NF_TYPE(NF_F32, n, NF_C(HEAD), NF_C(HEAD)))), );
  const nf_shape by_head = {3, {NF_BY(1, NF_T), n, NF_C(HEAD)}},
                 flat = {2, {by_head.dim[0], NF_C(heads * HEAD)}};
  z = NF_BUILD(&m->b, fresh(m), reshape, (z), .to = by_head);
  o = NF_BUILD(&m->b, fresh(m), rms_norm_gated, (o, z, heads_vector(m, NF_C(HEAD))), .eps = 1e-6f);
  m->stream = NF_BUILD(&m->b, fresh(m), reshape, (o), .to = flat);
  m->hidden = heads * HEAD;
}

static void make(maker *m) {
  static void (*const steps[])(maker *) = {
      norm_step, project_step, swiglu_step,    experts_step, attention_step, padded_step,    fused_step,
      fp8_step,  gates_step,   recurrent_step, heads_step,   blocks_step,    fused_fp8_step, gathered_step};
  m->tokens = nf_build_input(&m->b, "tokens", NF_TYPE(NF_I32, NF_BY(1, NF_T)));
  m->dtype = float_dtype(m);
  m->hidden = HEAD * (1 + below(m, 4));
  nf_val table = weight(m, NF_TYPE(weight_dtype(m), NF_C(1 + below(m, 9999)), NF_C(m->hidden)));
  m->stream = NF_BUILD(&m->b, fresh(m), embedding, (m->tokens, table), .out = m->dtype);
  for (int64_t i = below(m, 8); i > 0; i--) {
    nf_builder_scope(&m->b, "S%d.", (int)i);
    steps[below(m, sizeof steps / sizeof *steps)](m);
    if (chance(m, 20)) nf_build_output(&m->b, m->stream);
  }
  nf_val rows = NF_BUILD(&m->b, fresh(m), gather_rows, (m->stream), );
  if (chance(m, 90)) nf_build_output(&m->b, rows);
}

nf_status nf_random_graph(uint64_t seed, nf_graph **out) {
  maker m = {.seed = seed * 0x9e3779b97f4a7c15u + 1};
  NF_TRY(nf_builder_init(&m.b, "random"));
  make(&m);
  return nf_builder_finish(&m.b, out);
}
