// SPDX-License-Identifier: Apache-2.0
// Stages: pairs sorted and x gathered; gate, up and activation by one of the kernels; codes of it; down by
// one of the kernels. Those that a step has no use for have no blocks.
#include "kernels/gpu/abi/experts.h"
#include "kernels/gpu/launch.h"

enum {
  KERNELS = 4, // by 1 and by 2 tiles of columns; experts/many.h; experts/one.h
  MANY = 2,
  ONE = 3,
  COUNT = 0,
  PREPARE = 1,
  FIRST = 2,
  CODES = FIRST + KERNELS,
  SECOND = CODES + 1,
  STAGES = SECOND + KERNELS
};
enum { CODES_THREADS = 256, PREPARE_THREADS = 512 };
// From so many pairs of an expert on, on average, experts/many.h is faster than experts/few.h. H200,
// 2026-11-29: MXFP4 of gpt-oss-120b 774 µs at 12, 1,039 at 16 (many.h 1,063, 1,077), FP8 of Qwen3-Next-80B
// 453 at 2.5, 671 at 10 (many.h 722, 791).
static int64_t many_pairs(nf_dtype w) { return w == NF_MXFP4 ? 16 : nf_is_fp8(w) ? 12 : 8; }
enum { ROWS = 32, MOST_SHARED = 227 << 10, MOST_SHARED_HIP = 64 << 10 };
// Waves add up their sums of one unit unless each has so many of its own (H200, 2026-11-29, with 4 instead of
// 2: MXFP4 of gpt-oss-120b 174 instead of 136 µs at 8 tokens, 486 instead of 459 at 64), or a strip has too
// few steps.
enum { OWN_UNITS = 2, LEAST_STEPS = 4 };
// Of a block of experts/one.h: waves at most, and steps that a wave has at least. H200, 2026-11-29, gate and
// up, down: MXFP4 of gpt-oss-120b 20.9 µs with 4 and 8 waves, 21.4 with 8 and 8, 24.5 with 4 and 4; FP8 of
// Qwen3-Next-80B 15.4 with 8 waves and at least 4 steps, 15.8 with 2, 16.0 with 4 and 8 waves.
typedef struct one_form {
  int waves, steps;
} one_form;
static one_form one_form_of(int bits, nf_gpu_experts_then then) {
  if (bits != 4) return (one_form){8, 4};
  return (one_form){then == NF_GPU_THEN_NOTHING ? 8 : 4, 3};
}
// What an op says of its products.
typedef struct work {
  const nf_tensor *x, *ids;
  int64_t experts, inner; // inner: columns between up and down, 0 for one product
  nf_dtype to, w;         // of what lies between; of weights
} work;

// Where things lie in the scratch; how the pairs are dealt.
typedef struct deal {
  int64_t tokens, choices, pairs, tile, most_tiles;
  int kernel;
  bool sorted;
  nf_gpu_experts_turned turned;
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

// Whether experts/many.h is the faster one, which takes whole steps of 64 columns.
static bool is_many(const nf_launch_site *s, const work *w, int64_t pairs) {
  return nf_gpu_is_wide(s) && pairs > NF_GPU_EXPERTS_SORTED && pairs >= many_pairs(w->w) * w->experts &&
         nf_tensor_cols(w->x) % 64 == 0 && w->inner % 64 == 0;
}

static void deal_many(deal *d, const work *w) {
  d->kernel = MANY;
  d->tile = w->w == NF_MXFP4 ? NF_GPU_MANY_COLS_MXFP4 : NF_GPU_MANY_COLS;
  if (w->w == NF_MXFP4) d->turned = NF_GPU_BESIDE_MXFP4;
  if (nf_is_fp8(w->w)) d->turned = NF_GPU_BESIDE_FP8;
}

static deal deal_of(const nf_launch_site *s, const work *w) {
  const int columns = nf_gpu_tile_columns(s->hw);
  deal d = {.tokens = w->ids->dim[0], .choices = w->ids->dim[1]};
  d.pairs = d.tokens * d.choices;
  // No expert is chosen twice by a token; tiles that are full to three quarters are seldom too small.
  d.kernel = d.tokens > columns && d.pairs * 4 > w->experts * columns * 3;
  d.tile = columns << d.kernel;
  if (is_many(s, w, d.pairs)) deal_many(&d, w);
  if (d.tokens == 1 && d.pairs <= NF_GPU_EXPERTS_SORTED) d.kernel = ONE;
  // Few pairs are sorted by each block for itself, which saves a launch.
  d.sorted = d.pairs > NF_GPU_EXPERTS_SORTED;
  d.most_tiles = d.sorted ? nf_min(d.pairs, w->experts + 1 + d.pairs / d.tile) : d.pairs;
  if (w->x->dtype == NF_BF16 || d.turned == NF_GPU_BESIDE_FP8)
    d.gathered = put(s, &d, nf_tensor_rows(w->x) * nf_tensor_cols(w->x) * 2);
  d.act = put(s, &d, d.pairs * w->inner * 2);
  if (nf_is_fp8(w->to)) {
    d.codes = put(s, &d, d.pairs * w->inner * (d.turned == NF_GPU_BESIDE_FP8 ? 2 : 1));
    d.scales = put(s, &d, d.pairs * nf_scale_cols(w->to, w->inner) * (int64_t)sizeof(float));
  }
  d.tiles = put(s, &d, (d.most_tiles + 1) * (int64_t)sizeof *d.tiles);
  d.order = put(s, &d, d.pairs * (int64_t)sizeof *d.order);
  d.rank = put(s, &d, d.pairs * (int64_t)sizeof *d.rank);
  return d;
}

static bool is_aligned(const nf_gpu_rows *r) {
  return ((uintptr_t)r->data | (uint64_t)r->outer | (uint64_t)r->stride) % 16 == 0;
}

// Whether rows of x are put into the scratch.
static bool is_gathered(const deal *d, const nf_gpu_rows *x) {
  return d->turned != NF_GPU_NOT_TURNED || !is_aligned(x);
}

static nf_grid prepare(const nf_launch_site *s, const work *w, int stage, void *packed) {
  const deal d = deal_of(s, w);
  const int64_t chunks = d.sorted ? nf_ceil_div(d.pairs, NF_GPU_EXPERTS_CHUNK) : 0;
  nf_gpu_experts_prepare *p = packed;
  *p = (nf_gpu_experts_prepare){.x = nf_gpu_rows_of(w->x),
                                .to = d.gathered,
                                .ids = w->ids->data,
                                .tiles = d.tiles,
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
                                .packs =
                                    (int32_t)(nf_tensor_cols(w->x) * nf_dtype_of(w->x->dtype)->bits / 128),
                                .turned = d.turned,
                                .chunks = (int32_t)chunks,
                                .ranks = stage == COUNT || chunks == 1,
                                .orders = stage == PREPARE};
  if (stage == COUNT && chunks < 2) return nf_gpu_grid(0, PREPARE_THREADS, 0);
  const bool gather = is_gathered(&d, &p->x) && (stage == COUNT || chunks < 2);
  const int64_t blocks = gather ? nf_ceil_div((int64_t)p->rows * p->packs, PREPARE_THREADS) : 0;
  return nf_gpu_grid(chunks + blocks, PREPARE_THREADS, (size_t)(w->experts + 2) * sizeof(int32_t));
}

// The product with w, or with a gate and an up: what is common to all.
static nf_gpu_experts product_of(const work *k, const deal *d, const nf_tensor *w, const nf_tensor *up) {
  const int64_t bits = nf_dtype_of(w->dtype)->bits, rows = w->dim[1],
                all = w->stride[0] / nf_max(1, w->stride[1]);
  nf_gpu_experts p = {.ids = k->ids->data,
                      .tiles = d->sorted ? d->tiles : NULL,
                      .order = d->order,
                      .w = {w->data, up ? up->data : w->data},
                      .scale = {w->scale, up ? up->scale : w->scale},
                      .w_expert = w->stride[0] * bits / 8,
                      .w_strip = w->stride[1] * ROWS * bits / 8,
                      .scale_row = (int32_t)w->scale_stride,
                      .pairs = (int32_t)d->pairs,
                      .choices = (int32_t)d->choices,
                      .ids_stride = (int32_t)k->ids->stride[0],
                      .most_tiles = (int32_t)d->most_tiles,
                      .share = 1,
                      .rows = (int32_t)rows,
                      .padded = (int32_t)rows,
                      .words = (int32_t)(w->dim[2] * bits / 32),
                      .strips = up ? 2 : 1};
  if (nf_is_quantised(w->dtype)) p.scale_expert = nf_scale_rows(w->dtype, all) * w->scale_stride;
  if (w->dtype == NF_FP8_BLOCK) p.x_groups = (int32_t)nf_scale_cols(NF_FP8_GROUP, w->dim[2]);
  return p;
}

static void take_bias(nf_gpu_experts *p, const nf_tensor *bias) {
  if (bias == NULL || bias->data == NULL) return;
  p->bias[0] = p->bias[1] = bias->data, p->bias_f32 = bias->dtype == NF_F32, p->bias_expert = bias->stride[0];
}

// Up is behind gate: whole strips.
static void halve(nf_gpu_experts *p, int64_t inner) {
  p->strips = 2, p->rows = (int32_t)inner;
  p->w[1] = (const char *)p->w[0] + inner / ROWS * p->w_strip;
  p->scale[1] = (const char *)p->scale[0] + inner * p->scale_row;
  const int64_t size = p->bias_f32 ? sizeof(float) : sizeof(uint16_t);
  if (p->bias[0]) p->bias[1] = (const char *)p->bias[0] + inner * size;
}

static void take_x(nf_gpu_experts *p, const work *k, const deal *d) {
  p->x = nf_gpu_rows_of(k->x), p->x_scale = k->x->scale;
  if (k->x->rank == 2) p->share = p->choices;
  if (is_gathered(d, &p->x)) p->x = (nf_gpu_rows){d->gathered, nf_tensor_cols(k->x) * 2, 1, 0};
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
  const int size = codes && d->turned != NF_GPU_BESIDE_FP8 ? 1 : 2;
  p->x = (nf_gpu_rows){codes ? d->codes : d->act, k->inner * size, 1, 0}, p->x_scale = d->scales;
}

static int64_t room(int32_t *at, int64_t *bytes, int64_t more) {
  *at = (int32_t)*bytes;
  return *bytes = nf_round_up(*bytes + more, 16);
}

// Waves of a block, an even number: as many of `most` as have the fewest steps for nothing.
static int waves_of(int64_t steps, int strips, int most) {
  int best = most;
  int64_t least = INT64_MAX;
  for (int n = most - most % 2; n >= most / 2; n -= 2) {
    const int64_t idle = nf_ceil_div(steps, n / strips) * n / strips - steps;
    if (least == INT64_MAX || idle * best < least * n) least = idle, best = n;
  }
  return best;
}

// Of experts/many.h: a block for each multiprocessor.
static nf_grid many_grid(const nf_launch_site *s, const deal *d, const nf_tensor *w,
                         const nf_gpu_experts *p) {
  const int64_t rows = NF_GPU_MANY_STRIPS * ROWS, strip = 64 * ROWS * nf_dtype_of(w->dtype)->bits / 8;
  const int64_t stage = d->tile * 128 + NF_GPU_MANY_STRIPS * strip + rows * 2;
  const int64_t column = (rows / 2 + 4) * 4 + 2 * 16;
  const int64_t blocks =
      d->most_tiles * nf_ceil_div(p->padded, p->then == NF_GPU_THEN_NOTHING ? rows : rows / 2);
  const int64_t stages = w->dtype == NF_MXFP4 ? NF_GPU_MANY_STAGES_MXFP4 : NF_GPU_MANY_STAGES;
  return nf_gpu_grid(nf_min(nf_gpu_multiprocessors(s->hw), blocks), NF_GPU_MANY_STRIPS * 64,
                     (size_t)(stages * stage + d->tile * column));
}

// Where things lie in shared memory; false: rows of x that a kernel for one tile of columns keeps do not fit.
static bool lay_out(const nf_launch_site *s, int kernel, int64_t pairs, int waves, int bits,
                    nf_gpu_experts *p, int64_t *bytes) {
  const int64_t most = s->hw->backend == NF_BACKEND_HIP ? MOST_SHARED_HIP : MOST_SHARED;
  const int64_t row = nf_ceil_div(p->words, 16) * (bits == 4 ? 16 : 4);
  const int64_t columns = nf_gpu_tile_columns(s->hw) << kernel;
  const int64_t depth = nf_gpu_lanes(s->hw) == 64 ? NF_GPU_EXPERTS_DEPTH_64
                        : bits == 8               ? NF_GPU_EXPERTS_DEPTH_FP8
                                                  : NF_GPU_EXPERTS_DEPTH;
  const int64_t rooms = waves * (p->own ? p->strips : 2);
  *bytes = (32 + 4 + 4 * NF_GPU_EXPERTS_SORTED) * (int64_t)sizeof(int32_t);
  room(&p->sums_at, bytes, rooms * columns * NF_GPU_EXPERTS_SUMS * (int64_t)sizeof(float));
  room(&p->ring_at, bytes, depth * waves * (NF_GPU_EXPERTS_STEP + NF_GPU_EXPERTS_STEP / 16));
  p->x_pitch = (int32_t)(row + (row % 8 == 0 ? 4 : 0)), p->x_at = 0; // of packs: rows begin in other banks
  const int64_t kept = nf_min(columns, pairs) * p->x_pitch * 16;
  if (*bytes + kept > most) return kernel != 0;
  room(&p->x_at, bytes, kept);
  return true;
}

// Of experts/one.h: a block for each unit and choice.
static nf_grid one_grid(const nf_launch_site *s, const deal *d, int bits, nf_gpu_experts *p) {
  const int lanes = nf_gpu_lanes(s->hw);
  const one_form f = one_form_of(bits, p->then);
  const int64_t steps = nf_ceil_div(p->words, 16);
  int64_t waves = nf_min(f.waves, NF_GPU_EXPERTS_ONE_THREADS / lanes), bytes = 32 * sizeof(int32_t);
  while (waves > 2 && nf_ceil_div(steps * p->strips, waves) < f.steps) waves /= 2;
  p->x_pitch = (int32_t)(nf_ceil_div(steps, waves / p->strips) * (bits == 4 ? 16 : 4));
  room(&p->sums_at, &bytes,
       waves * nf_gpu_tile_columns(s->hw) * NF_GPU_EXPERTS_SUMS * (int64_t)sizeof(float));
  room(&p->ring_at, &bytes,
       waves * NF_GPU_EXPERTS_ONE_DEPTH * (NF_GPU_EXPERTS_STEP + NF_GPU_EXPERTS_STEP / 16));
  room(&p->x_at, &bytes, waves * p->x_pitch * 16);
  nf_grid g = nf_gpu_grid(p->units, (int)waves * lanes, (size_t)bytes);
  g.blocks[1] = (uint32_t)d->pairs;
  return g;
}

// The grid of kernel `kernel`, as many blocks as are there at once; without blocks where another is meant.
static nf_grid grid_of(const nf_launch_site *s, const deal *d, int kernel, const nf_tensor *w,
                       nf_gpu_experts p, void *packed) {
  *(nf_gpu_experts *)packed = p;
  if ((kernel >= MANY || d->kernel >= MANY) && kernel != d->kernel)
    return nf_gpu_grid(0, NF_GPU_EXPERTS_THREADS_1, 0);
  if (kernel == MANY) return many_grid(s, d, w, &p);
  const int bits = nf_dtype_of(w->dtype)->bits;
  const int lanes = nf_gpu_lanes(s->hw);
  const int most =
      (lanes == 32 && d->kernel == 1 ? NF_GPU_EXPERTS_THREADS_2 : NF_GPU_EXPERTS_THREADS_1) / lanes;
  const int64_t steps = nf_ceil_div(p.words, 16);
  int use = d->kernel;
  int64_t bytes;
  p.units = (int32_t)nf_ceil_div(p.padded, p.then != NF_GPU_THEN_NOTHING && p.strips == 1 ? ROWS / 2 : ROWS);
  if (kernel == ONE) {
    const nf_grid g = one_grid(s, d, bits, &p);
    *(nf_gpu_experts *)packed = p;
    return g;
  }
  p.own = lanes == 32 && (steps < LEAST_STEPS ||
                          d->most_tiles * p.units >= OWN_UNITS * 2 * nf_gpu_multiprocessors(s->hw) * most);
  const int waves = p.own ? most : waves_of(steps, p.strips, most);
  if (!lay_out(s, use, d->pairs, waves, bits, &p, &bytes))
    lay_out(s, ++use, d->pairs, waves, bits, &p, &bytes);
  *(nf_gpu_experts *)packed = p;
  const int64_t each = use == 0 ? nf_max(1, nf_min(MOST_SHARED / (bytes + 1024), 2 * most / waves)) : 1;
  return nf_gpu_grid(kernel == use ? nf_min(each * nf_gpu_multiprocessors(s->hw), d->most_tiles * p.units)
                                   : 0,
                     waves * lanes, (size_t)bytes);
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
      .turned = d->turned == NF_GPU_BESIDE_FP8,
      .groups = w->to == NF_FP8_GROUP ? (int32_t)nf_scale_cols(w->to, w->inner) : 0};
  return nf_gpu_grid(nf_is_fp8(w->to) ? d->pairs : 0, CODES_THREADS, 8 * sizeof(float));
}

// ---- grouped_linear ----

static work linear_work(const nf_launch_site *s) {
  const nf_grouped_linear_args *a = s->args;
  return (work){&a->x, &a->ids, a->w.dim[0], 0, NF_NONE, a->w.dtype};
}
static nf_grid launch_linear(const nf_launch_site *s, int stage, void *packed) {
  const nf_grouped_linear_args *a = s->args;
  const work w = linear_work(s);
  if (stage <= PREPARE) return prepare(s, &w, stage, packed);
  const deal d = deal_of(s, &w);
  nf_gpu_experts p = product_of(&w, &d, &a->w, NULL);
  take_x(&p, &w, &d), take_bias(&p, &a->bias), give_y(&p, &a->y);
  return grid_of(s, &d, stage - FIRST, &a->w, p, packed);
}
static size_t scratch_linear(const nf_launch_site *s) {
  const work w = linear_work(s);
  return deal_of(s, &w).bytes;
}

// ---- experts ----

static work swiglu_work(const nf_launch_site *s) {
  const nf_experts_swiglu_args *a = s->args;
  return (work){&a->x, &a->ids, a->w_down.dim[0], nf_tensor_cols(&a->w_down), NF_BF16, a->w_down.dtype};
}
static nf_grid launch_swiglu(const nf_launch_site *s, int stage, void *packed) {
  const nf_experts_swiglu_args *a = s->args;
  const work w = swiglu_work(s);
  const deal d = deal_of(s, &w);
  if (stage <= PREPARE) return prepare(s, &w, stage, packed);
  if (stage == CODES) return quantise(&w, &d, packed);
  if (stage > CODES) {
    nf_gpu_experts p = product_of(&w, &d, &a->w_down, NULL);
    take_act(&p, &w, &d), take_bias(&p, &a->down_bias), give_y(&p, &a->y);
    p.ids_before = true;
    return grid_of(s, &d, stage - SECOND, &a->w_down, p, packed);
  }
  nf_gpu_experts p = product_of(&w, &d, &a->w_up, NULL);
  take_x(&p, &w, &d), take_bias(&p, &a->up_bias), give_act(&p, &w, &d, NF_GPU_THEN_SWIGLU);
  p.alpha = a->attr.alpha, p.beta = a->attr.beta, p.limit = a->attr.limit;
  if (!a->attr.interleaved) halve(&p, w.inner);
  return grid_of(s, &d, stage - FIRST, &a->w_up, p, packed);
}
static size_t scratch_swiglu(const nf_launch_site *s) {
  const work w = swiglu_work(s);
  return deal_of(s, &w).bytes;
}

static work silu_work(const nf_launch_site *s) {
  const nf_experts_silu_args *a = s->args;
  return (work){&a->x, &a->ids, a->w_down.dim[0], nf_tensor_cols(&a->w_down), a->attr.to, a->w_down.dtype};
}
static nf_grid launch_silu(const nf_launch_site *s, int stage, void *packed) {
  const nf_experts_silu_args *a = s->args;
  const work w = silu_work(s);
  const deal d = deal_of(s, &w);
  if (stage <= PREPARE) return prepare(s, &w, stage, packed);
  if (stage == CODES) return quantise(&w, &d, packed);
  if (stage > CODES) {
    nf_gpu_experts p = product_of(&w, &d, &a->w_down, NULL);
    take_act(&p, &w, &d), give_y(&p, &a->y);
    p.ids_before = true;
    return grid_of(s, &d, stage - SECOND, &a->w_down, p, packed);
  }
  nf_gpu_experts p = product_of(&w, &d, &a->w_gate, &a->w_up);
  take_x(&p, &w, &d), give_act(&p, &w, &d, NF_GPU_THEN_SILU_MUL);
  return grid_of(s, &d, stage - FIRST, &a->w_up, p, packed);
}
static size_t scratch_silu(const nf_launch_site *s) {
  const work w = silu_work(s);
  return deal_of(s, &w).bytes;
}

#define PRODUCTS(format)                                                                 \
  "nf_experts_" #format "_1", "nf_experts_" #format "_2", "nf_experts_" #format "_many", \
      "nf_experts_" #format "_one"
#define PACKED sizeof(nf_gpu_experts), sizeof(nf_gpu_experts), sizeof(nf_gpu_experts), sizeof(nf_gpu_experts)
#define LINEAR(format)                                                                    \
  const nf_module_kernel nf_gpu_grouped_linear_##format = {                               \
      .stages = CODES,                                                                    \
      .symbol = {"nf_experts_prepare", "nf_experts_prepare", PRODUCTS(format)},           \
      .packed = {sizeof(nf_gpu_experts_prepare), sizeof(nf_gpu_experts_prepare), PACKED}, \
      .launch = launch_linear,                                                            \
      .scratch = scratch_linear};
#define EXPERTS(name, op, format)                                                                     \
  const nf_module_kernel nf_gpu_##name = {                                                            \
      .stages = STAGES,                                                                               \
      .symbol = {"nf_experts_prepare", "nf_experts_prepare", PRODUCTS(format), "nf_experts_quantise", \
                 PRODUCTS(format)},                                                                   \
      .packed = {sizeof(nf_gpu_experts_prepare), sizeof(nf_gpu_experts_prepare), PACKED,              \
                 sizeof(nf_gpu_experts_quantise), PACKED},                                            \
      .launch = launch_##op,                                                                          \
      .scratch = scratch_##op};
LINEAR(bf16)
LINEAR(fp8)
LINEAR(mxfp4)
EXPERTS(experts_swiglu_mxfp4, swiglu, mxfp4)
EXPERTS(experts_silu_bf16, silu, bf16)
EXPERTS(experts_silu_fp8, silu, fp8)
