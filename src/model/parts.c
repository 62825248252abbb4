// SPDX-License-Identifier: Apache-2.0
// Linears, norms, attention, MLP and the frame of a decoder, as the families share them.
#include "model/parts.h"
#include "base/checked.h"
#include "base/memory.h"
#include <math.h>
#include <string.h>

nf_val nf_part_operand(const nf_parts *p, nf_act *x, nf_dtype to) {
  if (to == NF_NONE || p->o->plain_activations) return x->x;
  nf_val *mine = to == NF_FP8_ROW ? &x->rows : &x->groups;
  const char *name = x->rows || x->groups ? NF_NAME(p, "%s.%s", x->name, nf_dtype_of(to)->name)
                                          : NF_NAME(p, "%s.fp8", x->name);
  if (!*mine) *mine = NF_BUILD(p->b, name, quantise, (x->x), .to = to);
  return *mine;
}

nf_val nf_part_linear(const nf_parts *p, const char *name, const char *module, nf_act *x, int64_t n,
                      int64_t k, nf_dtype out, bool bias) {
  nf_dtype reads;
  const nf_val w =
      nf_part_linear_weight(p, NF_NAME(p, "%s.w", name), module, (const int64_t[]){n, k}, 2, &reads);
  const nf_val b =
      bias ? nf_part_weight(p, NF_NAME(p, "%s.b", name), NF_NAME(p, "%s.bias", module), n, 0) : 0;
  return NF_BUILD(p->b, name, linear, (nf_part_operand(p, x, reads), w, b), .out = out);
}

// Columns in groups to parts side by side.
static nf_val parts_together(const nf_parts *p, const char *name, nf_val x, int64_t heads, int64_t width,
                             const nf_row_groups *g) {
  nf_val part[NF_MAX_SEGMENTS] = {0};
  const nf_val group = nf_part_reshaped(p, NF_NAME(p, "%s.groups", name), x, heads, width);
  for (int64_t i = 0, start = 0; i < g->n; start += g->size[i++]) {
    const nf_val cut = NF_BUILD(p->b, NF_NAME(p, "%s.%d.groups", name, (int)i), narrow, (group),
                                .start = start, .size = g->size[i]);
    part[i] = nf_part_reshaped(p, NF_NAME(p, "%s.%d", name, (int)i), cut, 0, heads * g->size[i]);
  }
  return NF_BUILD(p->b, NF_NAME(p, "%s.parts", name), concat, (part[0], part[1], part[2], part[3]), );
}

nf_val nf_part_grouped_linear(const nf_parts *p, const char *name, const char *module, nf_act *x,
                              int64_t heads, nf_row_groups groups, bool *out_apart) {
  int64_t width = 0;
  nf_dtype reads;
  bool apart;
  for (int i = 0; i < groups.n; i++) width += groups.size[i];
  const nf_val w =
      nf_part_grouped_weight(p, NF_NAME(p, "%s.w", name), module,
                             (const int64_t[]){heads * width, p->c->hidden}, groups, &reads, &apart);
  const nf_val y = NF_BUILD(p->b, name, linear, (nf_part_operand(p, x, reads), w), .out = p->o->activation);
  if (out_apart != NULL) return *out_apart = apart, y;
  return apart ? parts_together(p, name, y, heads, width, &groups) : y;
}

nf_val nf_part_experts(const nf_parts *p, const char *name, const char *module, nf_act *x, nf_val ids,
                       int64_t n, int64_t k, bool bias) {
  const int64_t dim[] = {p->c->experts, n, k};
  nf_dtype reads;
  nf_val b = 0;
  const nf_val w = nf_part_linear_weight(p, NF_NAME(p, "%s.w", name), module, dim, 3, &reads);
  if (bias) {
    const char *tensor = NF_NAME(p, "model.layers.%ld.%s.bias", (long)p->layer, module);
    b = nf_part_floats(p, NF_NAME(p, "%s.b", name), (nf_recipe){.tensor = tensor, .stack = dim[0]}, dim, 2);
  }
  return NF_BUILD(p->b, name, grouped_linear, (nf_part_operand(p, x, reads), ids, w, b),
                  .out = p->o->activation);
}

nf_val nf_part_norm(const nf_parts *p, const char *name, const char *tensor, nf_val x, int64_t n) {
  const nf_val w = nf_part_weight(p, NF_NAME(p, "%s.w", name), tensor, n, 0);
  return NF_BUILD(p->b, name, rms_norm, (x, w), .eps = (float)p->c->eps, .one_plus = p->c->family->one_plus);
}

nf_act nf_part_swiglu(const nf_parts *p, const char *name, nf_val gate, nf_val up) {
  const nf_val silu = NF_BUILD(p->b, NF_NAME(p, "%s.silu", name), silu, (gate), );
  nf_act a = {.name = NF_NAME(p, "%s.act", name)};
  a.x = NF_BUILD(p->b, a.name, mul, (silu, up), );
  return a;
}

nf_val nf_part_mlp(const nf_parts *p, const char *name, const char *module, nf_act *x, int64_t inner) {
  const int64_t hidden = p->c->hidden;
  const nf_dtype act = p->o->activation;
  const nf_val gate = nf_part_linear(p, NF_NAME(p, "%s.gate", name), NF_NAME(p, "%s.gate_proj", module), x,
                                     inner, hidden, act, false);
  const nf_val up = nf_part_linear(p, NF_NAME(p, "%s.up", name), NF_NAME(p, "%s.up_proj", module), x, inner,
                                   hidden, act, false);
  nf_act a = nf_part_swiglu(p, name, gate, up);
  return nf_part_linear(p, NF_NAME(p, "%s.down", name), NF_NAME(p, "%s.down_proj", module), &a, hidden, inner,
                        act, false);
}

nf_val nf_part_choice(const nf_parts *p, nf_val logits, bool over_all, nf_val *ids) {
  const int64_t k = p->c->experts_per_token;
  nf_val forced = 0;
  if (p->o->forced_routes) forced = nf_build_input(p->b, "routes", NF_TYPE(NF_I32, NF_BY(1, NF_T), NF_C(k)));
  const nf_val weights =
      NF_BUILD(p->b, "moe.choice", router_topk, (logits, forced), .k = k, .over_all = over_all);
  *ids = nf_build_result(p->b, weights, 1);
  return weights;
}

// ---- attention ----

nf_val nf_part_reshaped(const nf_parts *p, const char *name, nf_val x, int64_t heads, int64_t head) {
  nf_shape to = {3, {NF_BY(1, NF_T), NF_C(heads), NF_C(head)}};
  if (heads == 0) to = (nf_shape){2, {NF_BY(1, NF_T), NF_C(head)}};
  return NF_BUILD(p->b, name, reshape, (x), .to = to);
}

// The query or key of each head, normalised where the family does that, then rotated.
static nf_val rotated(const nf_parts *p, const char *letter, nf_val x, bool norms) {
  if (norms)
    x = nf_part_norm(p, NF_NAME(p, "attn.%s.norm", letter), NF_NAME(p, "self_attn.%s_norm.weight", letter), x,
                     p->c->head);
  return NF_BUILD(p->b, NF_NAME(p, "attn.%s.rope", letter), rope, (x, p->rope), );
}

static nf_val projection(const nf_parts *p, const char *letter, nf_act *x, int64_t n, int64_t k) {
  return nf_part_linear(p, NF_NAME(p, "attn.%s", letter), NF_NAME(p, "self_attn.%s_proj", letter), x, n, k,
                        p->o->activation, p->c->attention_bias);
}

static nf_type page_type(const nf_parts *p) {
  const nf_config *c = p->c;
  nf_type kv = NF_TYPE(p->o->activation, NF_C(2), NF_C(c->kv_heads), NF_C(p->o->page), NF_C(c->head));
  kv.cache = c->layer[p->layer] == NF_LAYER_SLIDING ? NF_CACHE_SLIDING : NF_CACHE_FULL;
  return kv;
}

// The attention proper, [T, heads, head], from rotated queries, keys and plain values.
static nf_val attend(const nf_parts *p, nf_val q, nf_val k, nf_val v, bool with_sinks) {
  const nf_config *c = p->c;
  const nf_val cache = nf_build_pool(p->b, "attn.cache", page_type(p));
  const nf_val written = NF_BUILD(p->b, "attn.cache.written", kv_write, (k, v, cache), );
  const nf_val sinks = with_sinks ? nf_part_weight(p, "attn.sinks", "self_attn.sinks", c->heads, 0) : 0;
  return NF_BUILD(p->b, "attn.heads", attention, (q, written, sinks),
                  .scale = (float)(1 / sqrt((double)c->head)),
                  .window = c->layer[p->layer] == NF_LAYER_SLIDING ? c->window : 0);
}

// q_proj of a gated attention has the rows of a head's query and behind them those of its gate. Unless
// *out_apart queries of all heads come before all gates here, which then are views of whole rows for who
// reads them flat.
static nf_val gated_projection(const nf_parts *p, nf_act *x, bool *out_apart) {
  const nf_config *c = p->c;
  *out_apart = true;
  if (c->attention_bias) return projection(p, "q", x, 2 * c->heads * c->head, c->hidden);
  return nf_part_grouped_linear(p, "attn.q", "self_attn.q_proj", x, c->heads,
                                (nf_row_groups){2, {c->head, c->head}}, out_apart);
}

// [T, heads, head], the query and its gate.
static nf_val gated_query(const nf_parts *p, nf_val q, bool apart, nf_val *gate) {
  const nf_config *c = p->c;
  const int64_t width = c->heads * c->head;
  if (apart) {
    const nf_val heads = nf_part_reshaped(p, "attn.q.heads", q, c->heads, 2 * c->head);
    *gate = NF_BUILD(p->b, "attn.gate", narrow, (heads), .start = c->head, .size = c->head);
    return NF_BUILD(p->b, "attn.q.query", narrow, (heads), .start = 0, .size = c->head);
  }
  const nf_val all = NF_BUILD(p->b, "attn.gate.flat", narrow, (q), .start = width, .size = width);
  *gate = nf_part_reshaped(p, "attn.gate", all, c->heads, c->head);
  const nf_val queries = NF_BUILD(p->b, "attn.q.flat", narrow, (q), .start = 0, .size = width);
  return nf_part_reshaped(p, "attn.q.query", queries, c->heads, c->head);
}

nf_val nf_part_attention(const nf_parts *p, nf_act *x, nf_attention_kind kind) {
  const nf_config *c = p->c;
  nf_builder *b = p->b;
  const int64_t width = c->heads * c->head, kv_width = c->kv_heads * c->head;
  nf_act flat = {.name = kind.gated ? "attn.gated" : "attn.flat"};
  bool apart = false;
  nf_val gate = 0;
  const nf_val q = kind.gated ? gated_projection(p, x, &apart) : projection(p, "q", x, width, c->hidden);
  const nf_val k = projection(p, "k", x, kv_width, c->hidden);
  const nf_val v = projection(p, "v", x, kv_width, c->hidden);
  const nf_val qh = kind.gated ? gated_query(p, q, apart, &gate)
                               : nf_part_reshaped(p, "attn.q.heads", q, c->heads, c->head);
  const nf_val kh = nf_part_reshaped(p, "attn.k.heads", k, c->kv_heads, c->head);
  const nf_val vh = nf_part_reshaped(p, "attn.v.heads", v, c->kv_heads, c->head);
  const nf_val qr = rotated(p, "q", qh, kind.head_norms);
  const nf_val kr = rotated(p, "k", kh, kind.head_norms);
  nf_val o = attend(p, qr, kr, vh, kind.sinks);
  if (kind.gated) {
    const nf_val open = NF_BUILD(b, "attn.gate.sigmoid", sigmoid, (gate), );
    o = NF_BUILD(b, "attn.opened", mul, (o, open), );
  }
  flat.x = nf_part_reshaped(p, flat.name, o, 0, width);
  return projection(p, "o", &flat, c->hidden, width);
}

// ---- the frame ----

// From residual stream to residual stream.
static nf_val layer(const nf_parts *p, nf_val h) {
  const nf_config *c = p->c;
  const bool last = p->layer + 1 == c->layers, experts = c->experts && !c->dense[p->layer];
  nf_act x = {.name = "attn.norm"}, y = {.name = experts ? "moe.norm" : "mlp.norm"};
  x.x = nf_part_norm(p, x.name, "input_layernorm.weight", h, c->hidden);
  const nf_val attended = c->family->attention(p, &x);
  const nf_val mid = NF_BUILD(p->b, "attn.residual", add, (h, attended), );
  y.x = nf_part_norm(p, y.name, "post_attention_layernorm.weight", mid, c->hidden);
  const nf_val out = c->family->mlp(p, &y);
  nf_builder_scope(p->b, "%s", "");
  return NF_BUILD(p->b, last ? "residual" : NF_NAME(p, "hidden.%ld", (long)(p->layer + 1)), add,
                  (mid, out), );
}

static nf_val rope_of(const nf_parts *p) {
  const nf_rope_config *r = &p->c->rope;
  return NF_BUILD(p->b, "rope", rope_table, (), .theta = (float)r->theta, .factor = (float)r->factor,
                  .context = (float)r->context, .beta_fast = (float)r->beta_fast,
                  .beta_slow = (float)r->beta_slow, .scale = (float)r->scale, .dims = r->dims,
                  .truncate = r->truncate);
}

static void best(const nf_parts *p, nf_val logits) {
  const nf_val b = NF_BUILD(p->b, "best", router_topk, (logits), .k = 1, .over_all = true);
  nf_build_output(p->b, b);
  nf_build_output(p->b, nf_build_result(p->b, b, 1));
}

// A head of its own, or the embedding's table.
static nf_val head(const nf_parts *p, nf_val h, nf_val table) {
  const nf_config *c = p->c;
  const int64_t dim[] = {c->vocab, c->hidden};
  nf_dtype reads = NF_NONE;
  if (!c->tied && p->files && !nf_checkpoint_find(p->files, NF_HEAD))
    nf_builder_fail(p->b,
                    nf_checkpoint_missing(p->files, NF_HEAD,
                                          ", should have it, or config.json a tie_word_embeddings that is "
                                          "true"));
  const nf_val w = c->tied ? table : nf_part_linear_weight(p, "head.w", "lm_head", dim, 2, &reads);
  const nf_val rows = NF_BUILD(p->b, "rows", gather_rows, (h), );
  const nf_val nw = nf_part_weight(p, "norm.w", "model.norm.weight", c->hidden, 0);
  nf_act final = {.name = NF_NAME(p, "hidden.%ld", (long)c->layers)};
  final.x =
      NF_BUILD(p->b, final.name, rms_norm, (rows, nw), .eps = (float)c->eps, .one_plus = c->family->one_plus);
  if (p->o->hidden_outputs) nf_build_output(p->b, final.x);
  const nf_val logits =
      NF_BUILD(p->b, "logits", linear, (nf_part_operand(p, &final, reads), w), .out = NF_F32);
  if (p->o->greedy) best(p, logits);
  return logits;
}

// Models without a head, and those within a larger one, call their tensors otherwise.
static void check_names(const nf_parts *p) {
  static const char *const others[] = {"embed_tokens.weight", "model.language_model.embed_tokens.weight",
                                       "language_model.model.embed_tokens.weight"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (nf_checkpoint_find(p->files, others[i]))
      nf_builder_fail(p->b,
                      nf_error(NF_BAD_INPUT,
                               "%s: has '%s', should have '" NF_EMBEDDING
                               "': names of tensors are those of a model for text with a head, not of an "
                               "embedding model or of a part of a larger one",
                               nf_checkpoint_where(p->files), others[i]));
}

// Where the table is: under the head's name when a tied model was stored without the other.
static const char *table_of(const nf_parts *p) {
  if (!p->files || nf_checkpoint_find(p->files, NF_EMBEDDING)) return NF_EMBEDDING;
  if (p->c->tied && nf_checkpoint_find(p->files, NF_HEAD)) return NF_HEAD;
  check_names(p);
  return NF_EMBEDDING;
}

// ---- tie_word_embeddings against the files, as transformers does ----

enum { PIECE = 4 << 20 };

static nf_status compare(const nf_checkpoint *files, const nf_stored *a, const nf_stored *b, char *piece,
                         bool *out) {
  for (uint64_t at = 0; *out && at < a->bytes; at += PIECE) {
    const size_t n = (size_t)nf_min(PIECE, (int64_t)(a->bytes - at));
    NF_TRY(nf_checkpoint_read(files, a, at, piece, n));
    NF_TRY(nf_checkpoint_read(files, b, at, piece + PIECE, n));
    *out = memcmp(piece, piece + PIECE, n) == 0;
  }
  return nf_ok();
}

static nf_status are_equal(const nf_checkpoint *files, const nf_stored *a, const nf_stored *b, bool *out) {
  *out = a->dtype == b->dtype && a->rank == b->rank && memcmp(a->dim, b->dim, sizeof a->dim) == 0;
  char *piece = nf_alloc(2, PIECE);
  if (!piece) return nf_error(NF_NO_MEMORY, "no memory to compare the head with the embedding");
  const nf_status st = compare(files, a, b, piece, out);
  nf_free(piece);
  return st;
}

nf_status nf_model_settle(nf_config *c, const nf_checkpoint *files, const nf_log *log) {
  if (!files || !c->tied) return nf_ok();
  const nf_stored *head = nf_checkpoint_find(files, NF_HEAD),
                  *table = nf_checkpoint_find(files, NF_EMBEDDING);
  if (!head || !table) return nf_ok();
  NF_TRY(are_equal(files, head, table, &c->tied));
  if (!c->tied && log)
    nf_log_print(log, NF_LOG_WARNING,
                 "%s: '" NF_HEAD "' is not '" NF_EMBEDDING
                 "', though tie_word_embeddings is true: the head that is "
                 "stored is used",
                 nf_checkpoint_file(files, head));
  return nf_ok();
}

// ---- all ----

nf_status nf_model_build(const nf_config *c, const nf_checkpoint *files, const nf_build_options *o,
                         nf_graph **out) {
  nf_builder b;
  if (o->layers < 0 || o->layers > c->layers)
    return nf_error(NF_USAGE, "%ld layers were asked for, %s has %ld", (long)o->layers, c->where,
                    (long)c->layers);
  nf_config cut = *c;
  if (o->layers > 0) cut.layers = o->layers;
  NF_TRY(nf_builder_init(&b, c->family->model_type));
  nf_parts p = {.b = &b, .c = &cut, .files = files, .o = o, .layer = -1};
  const nf_val tokens = nf_build_input(&b, "tokens", NF_TYPE(NF_I32, NF_BY(1, NF_T)));
  const nf_val table = nf_part_weight(&p, "embed.w", table_of(&p), c->vocab, c->hidden);
  p.rope = rope_of(&p);
  nf_val h = NF_BUILD(&b, "hidden.0", embedding, (tokens, table), .out = o->activation);
  for (p.layer = 0; p.layer < cut.layers; p.layer++) {
    if (o->hidden_outputs) nf_build_output(&b, h);
    nf_builder_scope(&b, "L%ld.", (long)p.layer);
    h = layer(&p, h);
  }
  p.layer = -1;
  nf_build_output(&b, head(&p, h, table));
  return nf_builder_finish(&b, out);
}
