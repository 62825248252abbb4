// SPDX-License-Identifier: Apache-2.0
// Both kinds of graphs, said with the builder.
#include "tests/support/layers.h"

enum { H = 64, WIDE = 96, HEADS = 4, HEAD = 16, EXPERTS = 4, TOPK = 2, INNER = 32, VOCABULARY = 40 };

typedef struct maker {
  nf_builder b;
  const nf_layers *o;
  nf_val rope;
} maker;

#define ROWS(m, n) NF_TYPE((m)->o->act, NF_BY(1, NF_T), NF_C(n))

static nf_val weight(maker *m, const char *name, nf_type t) {
  return nf_build_weight(&m->b, name, t, (nf_recipe){.tensor = name});
}

static nf_val linear(maker *m, const char *name, nf_val x, int64_t n, int64_t k, nf_dtype out) {
  const nf_val w = weight(m, nf_build_name(&m->b, "%s.w", name), NF_TYPE(NF_BF16, NF_C(n), NF_C(k)));
  const nf_val bias = weight(m, nf_build_name(&m->b, "%s.b", name), NF_TYPE(NF_BF16, NF_C(n)));
  return NF_BUILD(&m->b, name, linear, (x, w, bias), .out = out);
}

static nf_val norm(maker *m, const char *name, nf_val x) {
  const nf_val w = weight(m, nf_build_name(&m->b, "%s.w", name), NF_TYPE(NF_BF16, NF_C(H)));
  return NF_BUILD(&m->b, name, rms_norm, (x, w), .eps = 1e-5f);
}

static nf_val heads(maker *m, const char *name, nf_val x, bool turn) {
  const nf_shape to = {3, {NF_BY(1, NF_T), NF_C(HEADS), NF_C(HEAD)}};
  const nf_val h = NF_BUILD(&m->b, nf_build_name(&m->b, "%s.heads", name), reshape, (x), .to = to);
  return turn ? NF_BUILD(&m->b, nf_build_name(&m->b, "%s.rope", name), rope, (h, m->rope), ) : h;
}

static nf_val reduced(maker *m, const char *name, nf_val x) {
  return m->o->ranks ? NF_BUILD(&m->b, name, all_reduce, (x), ) : x;
}

static nf_val attention(maker *m, nf_val x) {
  nf_type pool = NF_TYPE(m->o->act, NF_C(2), NF_C(HEADS), NF_C(16), NF_C(HEAD));
  pool.cache = NF_CACHE_FULL;
  const nf_val q = heads(m, "attn.q", linear(m, "attn.q", x, H, H, m->o->act), true);
  const nf_val k = heads(m, "attn.k", linear(m, "attn.k", x, H, H, m->o->act), true);
  const nf_val v = heads(m, "attn.v", linear(m, "attn.v", x, H, H, m->o->act), false);
  const nf_val kv = nf_build_pool(&m->b, "attn.cache", pool);
  const nf_val written = NF_BUILD(&m->b, "attn.cache.written", kv_write, (k, v, kv), );
  const nf_val o = NF_BUILD(&m->b, "attn.heads", attention, (q, written), .scale = .25f);
  const nf_shape flat = {2, {NF_BY(1, NF_T), NF_C(H)}};
  const nf_val of = NF_BUILD(&m->b, "attn.flat", reshape, (o), .to = flat);
  return reduced(m, "attn.sum", linear(m, "attn.o", of, H, H, m->o->act));
}

static nf_val experts(maker *m, nf_val x) {
  const nf_dtype act = m->o->act;
  const nf_val logits = linear(m, "moe.router", x, EXPERTS, H, NF_F32);
  const nf_val weights = NF_BUILD(&m->b, "moe.choice", router_topk, (logits), .k = TOPK);
  const nf_val ids = nf_build_result(&m->b, weights, 1);
  const nf_val in = m->o->pads ? NF_BUILD(&m->b, "moe.padded", pad, (x), .to = WIDE) : x;
  const nf_val up_w = weight(m, "moe.up.w", NF_TYPE(NF_BF16, NF_C(EXPERTS), NF_C(2 * INNER), NF_C(H)));
  const nf_val down_w = weight(m, "moe.down.w", NF_TYPE(NF_BF16, NF_C(EXPERTS), NF_C(H), NF_C(INNER)));
  const nf_val up = NF_BUILD(&m->b, "moe.up", grouped_linear, (in, ids, up_w), .out = act);
  const nf_val on = NF_BUILD(&m->b, "moe.act", swiglu, (up), .alpha = 1.7f, .beta = 1, .limit = 7);
  const nf_val down = NF_BUILD(&m->b, "moe.down", grouped_linear, (on, ids, down_w), .out = act);
  const nf_val y = NF_BUILD(&m->b, "moe.mix", combine, (down, weights), );
  if (!m->o->pads) return reduced(m, "moe.sum", y);
  // what a kernel with padded results leaves behind
  const nf_val wide = NF_BUILD(&m->b, "moe.wide", pad, (y), .to = WIDE);
  return NF_BUILD(&m->b, "moe.narrow", unpad, (reduced(m, "moe.sum", wide)), );
}

static void layers(maker *m) {
  nf_builder *b = &m->b;
  const nf_val tokens = nf_build_input(b, "tokens", NF_TYPE(NF_I32, NF_BY(1, NF_T)));
  const nf_val table = weight(m, "embed.w", NF_TYPE(NF_BF16, NF_C(VOCABULARY), NF_C(H)));
  m->rope = NF_BUILD(b, "rope", rope_table, (), .theta = 10000, .factor = 1, .scale = 1, .dims = HEAD);
  nf_val h = reduced(m, "hidden.0", NF_BUILD(b, "embed", embedding, (tokens, table), .out = m->o->act));
  for (int l = 0; l < m->o->layers; l++) {
    nf_builder_scope(b, "L%d.", l);
    const nf_val mid = NF_BUILD(b, "attn.residual", add, (h, attention(m, norm(m, "attn.norm", h))), );
    h = NF_BUILD(b, "residual", add, (mid, experts(m, norm(m, "moe.norm", mid))), );
  }
  nf_builder_scope(b, "%s", "");
  const nf_val rows = NF_BUILD(b, "rows", gather_rows, (h), );
  nf_build_output(b, linear(m, "logits", norm(m, "norm", rows), VOCABULARY, H, NF_F32));
}

nf_status nf_layers_graph(const nf_layers *o, nf_graph **out) {
  maker m = {.o = o};
  NF_TRY(nf_builder_init(&m.b, "layers"));
  layers(&m);
  return nf_builder_finish(&m.b, out);
}

// ---- random ones ----

enum { STREAMS = 4 };

typedef struct dice {
  maker m;
  uint64_t seed;
  nf_val stream[STREAMS]; // all [T,H]
  int n;
} dice;

static int64_t below(dice *d, int64_t n) {
  d->seed = d->seed * 6364136223846793005u + 1442695040888963407u;
  return (int64_t)((d->seed >> 33) % (uint64_t)n);
}

static nf_val any(dice *d) { return d->stream[below(d, STREAMS)]; }
static const char *fresh(dice *d) { return nf_build_name(&d->m.b, "v%d", d->n++); }

static nf_val add_step(dice *d) {
  nf_val x = any(d), y = any(d);
  if (below(d, 2)) x = NF_BUILD(&d->m.b, fresh(d), all_reduce, (x), );
  if (below(d, 4) == 0) y = NF_BUILD(&d->m.b, fresh(d), all_reduce, (y), );
  return NF_BUILD(&d->m.b, fresh(d), add, (x, y), );
}

static nf_val norm_step(dice *d) {
  const char *name = fresh(d);
  const nf_val w = weight(&d->m, nf_build_name(&d->m.b, "%s.w", name), NF_TYPE(NF_BF16, NF_C(H)));
  return NF_BUILD(&d->m.b, name, rms_norm, (any(d), w), .eps = 1e-5f, .one_plus = below(d, 2));
}

static nf_val reduce_step(dice *d) { return NF_BUILD(&d->m.b, fresh(d), all_reduce, (any(d)), ); }

static nf_val linear_step(dice *d) {
  nf_val x = any(d);
  if (below(d, 2)) x = NF_BUILD(&d->m.b, fresh(d), pad, (x), .to = WIDE + 32 * below(d, 2));
  return linear(&d->m, fresh(d), x, H, H, d->m.o->act);
}

// A stream through pads, sums and unpads.
static nf_val padding_step(dice *d) {
  nf_val x = any(d);
  for (int64_t i = below(d, 6); i >= 0; i--) {
    const int64_t kind = below(d, 3);
    x = kind == 0   ? NF_BUILD(&d->m.b, fresh(d), pad, (x), .to = WIDE + 32 * below(d, 2))
        : kind == 1 ? NF_BUILD(&d->m.b, fresh(d), all_reduce, (x), )
                    : NF_BUILD(&d->m.b, fresh(d), unpad, (x), );
  }
  return NF_BUILD(&d->m.b, fresh(d), unpad, (x), );
}

static nf_val router_step(dice *d) {
  nf_val sum = any(d);
  if (below(d, 2)) sum = NF_BUILD(&d->m.b, fresh(d), all_reduce, (sum), );
  sum = NF_BUILD(&d->m.b, fresh(d), add, (any(d), sum), );
  const char *name = fresh(d);
  const nf_val w = weight(&d->m, nf_build_name(&d->m.b, "%s.w", name), NF_TYPE(NF_BF16, NF_C(H)));
  const nf_val x = NF_BUILD(&d->m.b, name, rms_norm, (sum, w), .eps = 1e-6f);
  const nf_val wide = NF_BUILD(&d->m.b, fresh(d), pad, (x), .to = WIDE);
  if (below(d, 3)) d->stream[below(d, STREAMS)] = linear(&d->m, fresh(d), x, H, H, d->m.o->act);
  return linear(&d->m, fresh(d), wide, H, H, d->m.o->act);
}

static nf_val reshape_step(dice *d) {
  const nf_shape heads = {3, {NF_BY(1, NF_T), NF_C(HEADS), NF_C(HEAD)}},
                 flat = {2, {NF_BY(1, NF_T), NF_C(H)}};
  nf_val x = any(d);
  for (int64_t i = below(d, 4); i >= 0; i--)
    x = NF_BUILD(&d->m.b, fresh(d), reshape, (x), .to = below(d, 2) ? heads : flat);
  return NF_BUILD(&d->m.b, fresh(d), reshape, (x), .to = flat);
}

static nf_val heads_of(dice *d, nf_val x) {
  const nf_shape to = {3, {NF_BY(1, NF_T), NF_C(HEADS), NF_C(HEAD)}};
  return NF_BUILD(&d->m.b, fresh(d), reshape, (x), .to = to);
}

// Products gated by SiLU or sigmoid, and gated norms; of heads or of whole rows.
static nf_val gate_step(dice *d) {
  const nf_shape flat = {2, {NF_BY(1, NF_T), NF_C(H)}};
  const int64_t kind = below(d, 3);
  const bool heads = kind == 2 || below(d, 2);
  const nf_val x = heads ? heads_of(d, any(d)) : any(d), z = heads ? heads_of(d, any(d)) : any(d);
  nf_val y;
  if (kind == 2) {
    const nf_val w = weight(&d->m, fresh(d), NF_TYPE(NF_BF16, NF_C(HEAD)));
    y = NF_BUILD(&d->m.b, fresh(d), rms_norm_gated, (x, z, w), .eps = 1e-6f);
  } else {
    const nf_val open =
        kind ? NF_BUILD(&d->m.b, fresh(d), silu, (x), ) : NF_BUILD(&d->m.b, fresh(d), sigmoid, (x), );
    y = kind ? NF_BUILD(&d->m.b, fresh(d), mul, (open, z), ) : NF_BUILD(&d->m.b, fresh(d), mul, (z, open), );
  }
  return heads ? NF_BUILD(&d->m.b, fresh(d), reshape, (y), .to = flat) : y;
}

// One of what is quantised, its codes an output; perhaps it is read itself too.
static nf_val codes_step(dice *d) {
  const nf_val x = below(d, 2) ? norm_step(d) : gate_step(d);
  nf_build_output(&d->m.b,
                  NF_BUILD(&d->m.b, fresh(d), quantise, (x), .to = below(d, 2) ? NF_FP8_ROW : NF_FP8_GROUP));
  return below(d, 2) ? x : add_step(d);
}

static void random_layers(dice *d) {
  static nf_val (*const steps[])(dice *) = {add_step,    add_step,     norm_step,    norm_step,
                                            reduce_step, linear_step,  padding_step, router_step,
                                            gate_step,   reshape_step, codes_step,   codes_step};
  for (int i = 0; i < STREAMS; i++) d->stream[i] = nf_build_input(&d->m.b, fresh(d), ROWS(&d->m, H));
  for (int64_t i = 4 + below(d, 24); i > 0; i--) {
    const nf_val x = steps[below(d, sizeof steps / sizeof *steps)](d);
    d->stream[below(d, STREAMS)] = x;
    if (below(d, 12) == 0) nf_build_output(&d->m.b, x);
  }
  const nf_val sum = NF_BUILD(&d->m.b, fresh(d), add, (reduce_step(d), any(d)), );
  const nf_val rows = NF_BUILD(&d->m.b, fresh(d), gather_rows, (sum), );
  nf_build_output(&d->m.b, norm(&d->m, "last", rows));
}

nf_status nf_random_layers(uint64_t seed, nf_dtype act, nf_graph **out) {
  const nf_layers o = {.act = act};
  dice d = {.m.o = &o, .seed = seed * 0x9e3779b97f4a7c15u + 1};
  NF_TRY(nf_builder_init(&d.m.b, "random"));
  random_layers(&d);
  return nf_builder_finish(&d.m.b, out);
}
