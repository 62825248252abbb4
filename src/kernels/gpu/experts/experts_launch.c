// SPDX-License-Identifier: Apache-2.0
// Stages: pairs sorted and x gathered; gate, up and activation by one of the kernels; codes of it; down by
// one of the kernels. Those that a step has no use for have no blocks.
#include "kernels/gpu/abi/experts.h"
#include "kernels/gpu/launch.h"

enum {
  KERNELS = 3, // each pair alone; by 1 and by 2 tiles of columns
  PREPARE = 0,
  FIRST = 1,
  CODES = FIRST + KERNELS,
  SECOND = CODES + 1,
  STAGES = SECOND + KERNELS
};
enum { THREADS = 256, PREPARE_THREADS = 512 };
// Up to so many pairs blocks look for their own: sorting is one launch more, looking is a ballot for each 32.
enum { MOST_SCANNED = 64 };

// What an op says of its products.
typedef struct work {
  const nf_tensor *x, *ids;
  int64_t experts, inner; // inner: columns between up and down, 0 for one product
  nf_dtype to;            // of what lies between
} work;

// Where things lie in the scratch; how the pairs are dealt.
typedef struct deal {
  int64_t tokens, choices, pairs, tile, most_tiles;
  int kernel;
  bool sorted;
  char *gathered, *act, *codes;
  float *scales;
  nf_gpu_experts_tile *tiles;
  int32_t *order, *rank;
  size_t bytes;
} deal;

static void *put(const nf_launch_site *s, deal *d, int64_t bytes) {
  void *at = s->scratch ? (char *)s->scratch + d->bytes : NULL;
  d->bytes += (size_t)nf_round_up(bytes, NF_CACHE_LINE);
  return at;
}

static deal deal_of(const nf_launch_site *s, const work *w) {
  const int columns = nf_gpu_tile_columns(s->hw);
  deal d = {.tokens = w->ids->dim[0], .choices = w->ids->dim[1]};
  d.pairs = d.tokens * d.choices;
  // No expert is chosen twice by a token; half full tiles are seldom too small.
  d.kernel = d.tokens == 1 ? 0 : d.tokens > columns && d.pairs * 2 > w->experts * columns ? 2 : 1;
  d.tile = columns << (d.kernel == 2);
  d.sorted = d.pairs > MOST_SCANNED;
  d.most_tiles = d.sorted ? nf_min(d.pairs, w->experts + 1 + d.pairs / d.tile) : d.pairs;
  if (w->x->dtype == NF_BF16) d.gathered = put(s, &d, nf_tensor_rows(w->x) * nf_tensor_cols(w->x) * 2);
  d.act = put(s, &d, d.pairs * w->inner * 2);
  if (nf_is_fp8(w->to)) {
    d.codes = put(s, &d, d.pairs * w->inner);
    d.scales = put(s, &d, d.pairs * nf_scale_cols(w->to, w->inner) * (int64_t)sizeof(float));
  }
  d.tiles = put(s, &d, d.most_tiles * (int64_t)sizeof *d.tiles);
  d.order = put(s, &d, d.pairs * (int64_t)sizeof *d.order);
  d.rank = put(s, &d, d.pairs * (int64_t)sizeof *d.rank);
  return d;
}

static bool is_aligned(const nf_gpu_rows *r) {
  return ((uintptr_t)r->data | (uint64_t)r->outer | (uint64_t)r->stride) % 16 == 0;
}

static nf_grid prepare(const nf_launch_site *s, const work *w, void *packed) {
  const deal d = deal_of(s, w);
  nf_gpu_experts_prepare *p = packed;
  *p = (nf_gpu_experts_prepare){.x = nf_gpu_rows_of(w->x),
                                .to = d.gathered,
                                .ids = w->ids->data,
                                .tiles = d.sorted ? d.tiles : NULL,
                                .order = d.order,
                                .rank = d.rank,
                                .counts = s->counters,
                                .pairs = (int32_t)d.pairs,
                                .choices = (int32_t)d.choices,
                                .ids_stride = (int32_t)w->ids->stride[0],
                                .experts = (int32_t)w->experts,
                                .tile = (int32_t)d.tile,
                                .most_tiles = (int32_t)d.most_tiles,
                                .rows = (int32_t)nf_tensor_rows(w->x),
                                .packs = (int32_t)(nf_tensor_cols(w->x) / 8)};
  const bool gather = !is_aligned(&p->x);
  const int64_t blocks = gather ? nf_ceil_div((int64_t)p->rows * p->packs, PREPARE_THREADS) : 0;
  return nf_gpu_grid(gather || d.sorted ? 1 + blocks : 0, PREPARE_THREADS,
                     (size_t)(w->experts + 1) * sizeof(int32_t));
}

static int64_t row_bytes(const nf_tensor *x) { return nf_tensor_cols(x) * nf_dtype_of(x->dtype)->bits / 8; }

// The product with w: what is common to both.
static nf_gpu_experts product_of(const work *k, const deal *d, const nf_tensor *w) {
  const int64_t bits = nf_dtype_of(w->dtype)->bits, rows = w->dim[1];
  nf_gpu_experts p = {.ids = k->ids->data,
                      .tiles = d->sorted ? d->tiles : NULL,
                      .order = d->order,
                      .w = {w->data, w->data},
                      .scale = {w->scale, w->scale},
                      .w_expert = w->stride[0] * bits / 8,
                      .w_row = w->stride[1] * bits / 8,
                      .scale_row = (int32_t)w->scale_stride,
                      .scale_rows = 1,
                      .pairs = (int32_t)d->pairs,
                      .choices = (int32_t)d->choices,
                      .ids_stride = (int32_t)k->ids->stride[0],
                      .share = 1,
                      .rows = (int32_t)rows,
                      .padded = (int32_t)rows,
                      .bytes = (int32_t)(w->dim[2] * bits / 8),
                      .step = 2,
                      .offset = 1};
  if (!nf_is_quantised(w->dtype)) return p;
  p.scale_rows = nf_dtype_of(w->dtype)->group_rows;
  p.scale_expert = nf_scale_rows(w->dtype, rows) * w->scale_stride;
  if (w->dtype == NF_FP8_BLOCK) p.x_groups = (int32_t)nf_scale_cols(NF_FP8_GROUP, w->dim[2]);
  return p;
}

static void take_bias(nf_gpu_experts *p, const nf_tensor *bias) {
  if (bias == NULL || bias->data == NULL) return;
  p->bias = bias->data, p->bias_f32 = bias->dtype == NF_F32, p->bias_expert = bias->stride[0];
}

static void take_x(nf_gpu_experts *p, const work *k, const deal *d) {
  p->x = nf_gpu_rows_of(k->x), p->x_scale = k->x->scale;
  if (k->x->rank == 2) p->share = p->choices;
  if (!is_aligned(&p->x)) p->x = (nf_gpu_rows){d->gathered, nf_tensor_cols(k->x) * 2, 1, 0};
}

static void give_y(nf_gpu_experts *p, const nf_tensor *y) {
  p->y = nf_gpu_rows_of(y), p->y_f32 = y->dtype == NF_F32;
  p->padded = (int32_t)nf_max(y->padded, nf_tensor_cols(y));
}

// Between up and down: rows of the scratch.
static void give_act(nf_gpu_experts *p, const work *k, const deal *d, nf_gpu_experts_then then) {
  p->y = (nf_gpu_rows){d->act, k->inner * 2, 1, 0}, p->padded = (int32_t)k->inner, p->then = then;
}
static void take_act(nf_gpu_experts *p, const work *k, const deal *d) {
  const bool codes = d->codes != NULL;
  p->x = (nf_gpu_rows){codes ? d->codes : d->act, k->inner * (codes ? 1 : 2), 1, 0}, p->x_scale = d->scales;
}

// The grid of kernel `kernel`, with rows of x of so many bytes; without blocks where another is meant.
static nf_grid grid_of(const nf_launch_site *s, const deal *d, int kernel, nf_gpu_experts p, int64_t x_bytes,
                       void *packed) {
  *(nf_gpu_experts *)packed = p;
  const int64_t each = p.then == NF_GPU_THEN_NOTHING ? 16 : 8;
  const int waves = THREADS / nf_gpu_lanes(s->hw);
  const size_t sums = (size_t)(d->tile * (1 + 16 * waves)) * sizeof(float);
  const int64_t packs = kernel == 0 ? x_bytes / 16 : 0;
  nf_grid g = nf_gpu_grid(kernel == d->kernel ? nf_ceil_div(p.padded, each) : 0, THREADS,
                          sums + (size_t)(packs + packs / 8 + 1) * 16);
  g.blocks[1] = (uint32_t)d->most_tiles;
  if (d->most_tiles == 0) g.blocks[0] = 0;
  return g;
}

static nf_grid quantise(const work *w, const deal *d, void *packed) {
  *(nf_gpu_experts_quantise *)packed = (nf_gpu_experts_quantise){
      .x = d->act,
      .code = d->codes,
      .scale = d->scales,
      .ids = w->ids->data,
      .choices = (int32_t)d->choices,
      .ids_stride = (int32_t)w->ids->stride[0],
      .columns = (int32_t)w->inner,
      .groups = w->to == NF_FP8_GROUP ? (int32_t)nf_scale_cols(w->to, w->inner) : 0};
  return nf_gpu_grid(nf_is_fp8(w->to) ? d->pairs : 0, THREADS, 8 * sizeof(float));
}

// ---- grouped_linear ----

static work linear_work(const nf_launch_site *s) {
  const nf_grouped_linear_args *a = s->args;
  return (work){&a->x, &a->ids, a->w.dim[0], 0, NF_NONE};
}
static nf_grid launch_linear(const nf_launch_site *s, int stage, void *packed) {
  const nf_grouped_linear_args *a = s->args;
  const work w = linear_work(s);
  if (stage == PREPARE) return prepare(s, &w, packed);
  const deal d = deal_of(s, &w);
  nf_gpu_experts p = product_of(&w, &d, &a->w);
  take_x(&p, &w, &d), take_bias(&p, &a->bias), give_y(&p, &a->y);
  return grid_of(s, &d, stage - FIRST, p, row_bytes(w.x), packed);
}
static size_t scratch_linear(const nf_launch_site *s) {
  const work w = linear_work(s);
  return deal_of(s, &w).bytes;
}

// ---- experts ----

static work swiglu_work(const nf_launch_site *s) {
  const nf_experts_swiglu_args *a = s->args;
  return (work){&a->x, &a->ids, a->w_down.dim[0], nf_tensor_cols(&a->w_down), NF_BF16};
}
static nf_grid launch_swiglu(const nf_launch_site *s, int stage, void *packed) {
  const nf_experts_swiglu_args *a = s->args;
  const work w = swiglu_work(s);
  const deal d = deal_of(s, &w);
  if (stage == PREPARE) return prepare(s, &w, packed);
  if (stage == CODES) return quantise(&w, &d, packed);
  if (stage > CODES) {
    nf_gpu_experts p = product_of(&w, &d, &a->w_down);
    take_act(&p, &w, &d), take_bias(&p, &a->down_bias), give_y(&p, &a->y);
    return grid_of(s, &d, stage - SECOND, p, w.inner * (d.codes != NULL ? 1 : 2), packed);
  }
  nf_gpu_experts p = product_of(&w, &d, &a->w_up);
  take_x(&p, &w, &d), take_bias(&p, &a->up_bias), give_act(&p, &w, &d, NF_GPU_THEN_SWIGLU);
  p.alpha = a->attr.alpha, p.beta = a->attr.beta, p.limit = a->attr.limit;
  if (!a->attr.interleaved) p.step = 1, p.offset = (int32_t)w.inner;
  return grid_of(s, &d, stage - FIRST, p, row_bytes(w.x), packed);
}
static size_t scratch_swiglu(const nf_launch_site *s) {
  const work w = swiglu_work(s);
  return deal_of(s, &w).bytes;
}

static work silu_work(const nf_launch_site *s) {
  const nf_experts_silu_args *a = s->args;
  return (work){&a->x, &a->ids, a->w_down.dim[0], nf_tensor_cols(&a->w_down), a->attr.to};
}
static nf_grid launch_silu(const nf_launch_site *s, int stage, void *packed) {
  const nf_experts_silu_args *a = s->args;
  const work w = silu_work(s);
  const deal d = deal_of(s, &w);
  if (stage == PREPARE) return prepare(s, &w, packed);
  if (stage == CODES) return quantise(&w, &d, packed);
  if (stage > CODES) {
    nf_gpu_experts p = product_of(&w, &d, &a->w_down);
    take_act(&p, &w, &d), give_y(&p, &a->y);
    return grid_of(s, &d, stage - SECOND, p, w.inner * (d.codes != NULL ? 1 : 2), packed);
  }
  nf_gpu_experts p = product_of(&w, &d, &a->w_gate);
  take_x(&p, &w, &d), give_act(&p, &w, &d, NF_GPU_THEN_SILU_MUL);
  p.w[1] = a->w_up.data, p.scale[1] = a->w_up.scale, p.step = 1, p.offset = 0;
  return grid_of(s, &d, stage - FIRST, p, row_bytes(w.x), packed);
}
static size_t scratch_silu(const nf_launch_site *s) {
  const work w = silu_work(s);
  return deal_of(s, &w).bytes;
}

#define PRODUCTS(format) \
  "nf_experts_" #format "_alone", "nf_experts_" #format "_1", "nf_experts_" #format "_2"
#define PACKED sizeof(nf_gpu_experts), sizeof(nf_gpu_experts), sizeof(nf_gpu_experts)
#define LINEAR(format)                                      \
  const nf_module_kernel nf_gpu_grouped_linear_##format = { \
      .stages = CODES,                                      \
      .symbol = {"nf_experts_prepare", PRODUCTS(format)},   \
      .packed = {sizeof(nf_gpu_experts_prepare), PACKED},   \
      .launch = launch_linear,                              \
      .scratch = scratch_linear};
#define EXPERTS(name, op, format)                                                                  \
  const nf_module_kernel nf_gpu_##name = {                                                         \
      .stages = STAGES,                                                                            \
      .symbol = {"nf_experts_prepare", PRODUCTS(format), "nf_experts_quantise", PRODUCTS(format)}, \
      .packed = {sizeof(nf_gpu_experts_prepare), PACKED, sizeof(nf_gpu_experts_quantise), PACKED}, \
      .launch = launch_##op,                                                                       \
      .scratch = scratch_##op};
LINEAR(bf16)
LINEAR(fp8)
LINEAR(mxfp4)
EXPERTS(experts_swiglu_mxfp4, swiglu, mxfp4)
EXPERTS(experts_silu_bf16, silu, bf16)
EXPERTS(experts_silu_fp8, silu, fp8)
