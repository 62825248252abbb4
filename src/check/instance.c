// SPDX-License-Identifier: Apache-2.0
// A case in memory: values that depend on the seed and the place only, whatever the strides; NaN everywhere
// else.
#include "base/checked.h"
#include "check/internal.h"
#include "tensor/pack.h"
#include "tensor/scalar.h"
#include <math.h>
#include <string.h>

uint64_t nf_check_hash(uint64_t a, uint64_t b) {
  uint64_t z = a * 0x9e3779b97f4a7c15u + b + 1;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

// ---- values ----

typedef struct filler {
  const nf_case *c;
  int operand;
  bool magnitude;
} filler;

static uint64_t hash_of_row(const filler *f, int64_t r) {
  return nf_check_hash(nf_check_hash(f->c->seed, (uint64_t)f->operand), (uint64_t)r);
}

static uint64_t hash_at(const filler *f, int64_t r, int64_t col) {
  return nf_check_hash(hash_of_row(f, r), (uint64_t)col);
}

double nf_case_most(const nf_case *c) {
  const float values = nf_traits_of(c->d.op)->values;
  return c->exact ? 3 : values > 0 ? (double)values : 1;
}

static float value_of(const filler *f, uint64_t h) {
  const float x = f->c->exact ? (float)(int64_t)(h % 7) - 3
                              : (float)nf_case_most(f->c) * ((float)(h >> 40) / (float)(1 << 23) - 1);
  return f->magnitude ? fabsf(x) : x;
}

static void fill_floats(const filler *f, const nf_tensor *t, int64_t r, int64_t seed_row, float *room) {
  const int64_t cols = nf_tensor_cols(t);
  const uint64_t row = hash_of_row(f, seed_row);
  for (int64_t i = 0; i < cols; i++) room[i] = value_of(f, nf_check_hash(row, (uint64_t)i));
  nf_row_encode(t, r, room);
  if (t->padded > cols) {
    const int64_t size = nf_dtype_of(t->dtype)->bits / 8;
    memset((char *)nf_tensor_row(t, r) + cols * size, 0, (size_t)((t->padded - cols) * size));
  }
}

static void fill_mxfp4(const filler *f, const nf_tensor *t, int64_t r) {
  static const uint8_t integers[] = {0, 2, 4, 5, 6, 7, 2, 4};
  uint8_t *code = nf_tensor_row(t, r), *scale = (uint8_t *)t->scale + r * t->scale_stride;
  const uint64_t row = hash_of_row(f, r);
  for (int64_t i = 0; i < nf_tensor_cols(t); i++) {
    const uint64_t h = nf_check_hash(row, (uint64_t)i);
    uint8_t x = f->c->exact ? integers[h % 8] | (h >> 8 & 8) : h & 15;
    if (f->magnitude) x &= 7;
    code[i / 2] = i % 2 ? (uint8_t)((code[i / 2] & 15) | x << 4) : (uint8_t)((code[i / 2] & 0xf0) | x);
  }
  for (int64_t g = 0; g < nf_ceil_div(nf_tensor_cols(t), 32); g++)
    scale[g] = f->c->exact ? 127 : (uint8_t)(118 + hash_at(f, r, -1 - g) % 8);
}

// Which row of scales row r of t has: those of a block's rows are one.
static int64_t scale_row(const nf_tensor *t, int64_t r) {
  const int64_t group = nf_dtype_of(t->dtype)->group_rows, rows = t->rank > 1 ? t->dim[t->rank - 2] : 1;
  return group == 1 ? r : (r / rows << 20) + r % rows / group;
}

static void fill_fp8(const filler *f, const nf_tensor *t, int64_t r) {
  uint8_t *code = nf_tensor_row(t, r);
  float *scale = nf_tensor_scales(t, r);
  const uint64_t row = hash_of_row(f, r);
  for (int64_t i = 0; i < nf_tensor_cols(t); i++)
    code[i] = nf_e4m3_encode(value_of(f, nf_check_hash(row, (uint64_t)i)) * (f->c->exact ? 1 : 256));
  for (int64_t g = 0; g < nf_scale_cols(t->dtype, nf_tensor_cols(t)); g++)
    scale[g] = f->c->exact ? 1 : (float)(1 + hash_at(f, scale_row(t, r), -1 - g) % 255) * 0x1p-16f;
}

// Indices are below the number of rows that they choose: of a weight, of logits, of all ranks. Those of an op
// are in order, as the choices of experts differ.
static int64_t choices(const nf_case *c) {
  const nf_op_info *info = nf_op_of(c->d.op);
  if (c->d.op == NF_OP_rank_ids) return NF_SWEEP_WORLD * c->d.attr.rank_ids.size;
  for (int i = 0; i < info->n_in; i++)
    if (info->in[i].role == NF_ROLE_WEIGHT) return c->d.in[i].dim[0].c;
  return c->d.in[0].dim[1].c;
}

// What no rank's part has is -1, where an op takes that: all but what is forced on a router.
static bool is_nobody(const filler *f, int64_t r, int64_t i) {
  return !nf_op_of(f->c->d.op)->in[f->operand % NF_MAX_IN].optional && f->c->seed % 2 &&
         hash_at(f, r, -2 - i) % 4 == 0;
}

static void fill_ints(const filler *f, const nf_tensor *t, int64_t r) {
  int32_t *row = nf_tensor_row(t, r);
  const int64_t n = choices(f->c), first = (int64_t)(hash_at(f, r, -1) % (uint64_t)n);
  for (int64_t i = 0; i < nf_tensor_cols(t); i++)
    row[i] = is_nobody(f, r, i) ? -1
             : t->rank == 1     ? (int32_t)(hash_at(f, r, i) % (uint64_t)n)
                                : (int32_t)((first + i) % n);
}

static void fill(const filler *f, const nf_tensor *t, float *room) {
  for (int64_t r = 0; r < nf_tensor_rows(t); r++)
    if (t->dtype == NF_MXFP4)
      fill_mxfp4(f, t, r);
    else if (nf_is_fp8(t->dtype))
      fill_fp8(f, t, r);
    else if (t->dtype == NF_I32)
      fill_ints(f, t, r);
    else
      fill_floats(f, t, r, r, room);
}

// ---- caches ----

static int64_t window_of(const nf_case *c) {
  return c->d.op == NF_OP_attention ? c->d.attr.attention.window : 0;
}

// The keys and values that some token of the step may see; all others stay NaN.
static void fill_pool(const nf_instance *i, const filler *f, const nf_tensor *kv, float *room) {
  const int64_t heads = kv->dim[2], page = kv->dim[3], window = window_of(i->c);
  for (int64_t s = 0; s < i->c->at.of[NF_S]; s++)
    for (int64_t j = window ? nf_max(0, i->before[s] - window + 1) : 0; j < i->keys[s]; j++)
      for (int64_t n = 0; n < 2 * heads; n++) { // keys of all heads, then values
        const int64_t slot = nf_batch_pages(&i->batch, kv->cache, s)[j / page];
        fill_floats(f, kv, (slot * 2 * heads + n) * page + j % page, ((s << 20) + j) * 2 * heads + n, room);
      }
}

static nf_tensor *pool_of_pages(const nf_instance *i) {
  for (int n = 0; n < NF_MAX_IN; n++) {
    const nf_cache cache = i->c->d.in[n].cache;
    const struct nf_storage *s = &i->storage[i->layout->in[n]];
    if (i->c->d.in[n].dtype != NF_NONE && (cache == NF_CACHE_FULL || cache == NF_CACHE_SLIDING) &&
        !s->written)
      return s->tensor;
  }
  return NULL;
}

// NaN, or infinities of both signs where the pool is of bf16.
static void hide_row(const nf_tensor *kv, void *row, bool none) {
  memset(row, 0xff, (size_t)(nf_tensor_cols(kv) * nf_dtype_of(kv->dtype)->bits / 8));
  if (none || kv->dtype != NF_BF16) return;
  for (int64_t k = 0; k < nf_tensor_cols(kv); k++) ((uint16_t *)row)[k] = k % 2 == 0 ? 0x7f80 : 0xff80;
}

bool nf_instance_hide(nf_instance *i, int64_t sequence, int64_t t) {
  const nf_tensor *kv = pool_of_pages(i);
  const int64_t window = window_of(i->c), p = i->batch.position[t];
  if (kv == NULL) return false;
  const int64_t heads = kv->dim[2], page = kv->dim[3];
  for (int64_t j = 0; j < i->keys[sequence]; j++) {
    const int64_t slot = nf_batch_pages(&i->batch, kv->cache, sequence)[j / page];
    if (slot < 0 || (j <= p && (window == 0 || j > p - window))) continue;
    for (int64_t n = 0; n < 2 * heads; n++)
      hide_row(kv, nf_tensor_row(kv, (slot * 2 * heads + n) * page + j % page), j % 2 == 0);
  }
  return true;
}

// The states that sequences begin with; all other slots stay garbage.
static void fill_states(const nf_instance *i, const filler *f, const nf_tensor *pool, float *room) {
  const int64_t rows = nf_tensor_rows(pool) / pool->dim[0];
  for (int64_t s = 0; s < i->c->at.of[NF_S]; s++)
    for (int64_t r = 0; r < rows && i->batch.state_in[s] >= 0; r++)
      fill_floats(f, pool, i->batch.state_in[s] * rows + r, s * rows + r, room);
}

// ---- storage ----

// Whether the op writes the pool that is its operand n.
static bool writes_pool(const nf_case *c, int n) {
  const nf_op_info *info = nf_op_of(c->d.op);
  bool any = false;
  for (int r = 0; r < info->n_out; r++) any |= info->out[r].alias == n;
  return any;
}

static nf_status reserve(nf_instance *i, struct nf_storage *s, nf_type type, int gap, int64_t slots,
                         bool written) {
  const int unit = type.dtype == NF_MXFP4 ? nf_dtype_of(type.dtype)->group_cols : 1;
  const int64_t padded = nf_tensor_of(&type, &i->c->at, slots, NULL).padded;
  int64_t *cols = &type.padded[type.rank - 1];
  if (type.rank > 1 && type.dim[type.rank - 1].sym == NF_CONST) *cols = nf_round_up(*cols + gap, unit);
  // Heads of a token may be some of those that lie there.
  const bool heads = type.rank > 2 && nf_is_float(type.dtype) && !type.cache && !written;
  if (heads && type.dim[type.rank - 2].sym == NF_CONST) type.padded[type.rank - 2] += gap;
  NF_TRY(nf_type_bytes(&type, &i->c->at, &s->bytes));
  if (type.cache) s->bytes *= (size_t)slots;
  s->base = nf_alloc_aligned(s->bytes + 2 * NF_GUARD);
  if (!s->base) return nf_error(NF_NO_MEMORY, "no memory for a tensor of %zu bytes", s->bytes);
  *s->tensor = nf_tensor_of(&type, &i->c->at, slots, s->base + NF_GUARD);
  s->tensor->padded = padded; // the gap is not the type's
  s->written = written;
  return nf_ok();
}

static nf_status place(nf_instance *i, struct nf_storage *s, nf_type type, int gap, int64_t slots,
                       bool written) {
  NF_TRY(reserve(i, s, type, gap, slots, written));
  memset(s->base, written ? i->garbage : 0xff, s->bytes + 2 * NF_GUARD);
  return nf_ok();
}

// The weight in the kernel's packing order, from plain rows.
static nf_status place_packed(nf_instance *i, struct nf_storage *s, const nf_type *type, const filler *f,
                              float *room) {
  size_t bytes;
  NF_TRY(place(i, s, nf_type_packed(*type, i->pack), 0, 0, false));
  NF_TRY(nf_type_bytes(type, &i->c->at, &bytes));
  void *data = nf_alloc_aligned(bytes);
  if (!data) return nf_error(NF_NO_MEMORY, "no memory for a tensor of %zu bytes", bytes);
  memset(data, 0, bytes);
  const nf_tensor plain = nf_tensor_of(type, &i->c->at, 0, data);
  fill(f, &plain, room);
  nf_pack_tensor(s->tensor, &plain);
  nf_free_aligned(data);
  return nf_ok();
}

// ---- large constants, to be timed ----

enum { REPEATED = 128 }; // rows, whole strips and blocks of scales

static bool is_constant(const nf_type *t) {
  return t->dim[0].sym == NF_CONST && t->dim[t->rank - 2].sym == NF_CONST;
}

static bool repeats(const nf_case *c, const nf_type *t) {
  if (!c->repeats || t->rank < 2 || t->cache != NF_NO_CACHE) return false;
  const nf_extent rows = t->dim[t->rank - 2];
  const bool tokens = t->rank == 2 && nf_is_float(t->dtype); // of activations
  return (is_constant(t) || tokens) && rows.c * c->at.of[rows.sym] > REPEATED;
}

static void repeat(void *to, size_t n, const void *from, size_t period) {
  for (size_t at = 0; at < n; at += period)
    memcpy((char *)to + at, (const char *)from, n - at < period ? n - at : period);
}

// Codes and scales are those of the first rows again and again.
static void repeat_all(const struct nf_storage *to, const struct nf_storage *from) {
  const size_t n = nf_storage_codes(to), period = nf_storage_codes(from);
  repeat(to->tensor->data, n, from->tensor->data, period);
  if (to->tensor->scale != NULL)
    repeat(to->tensor->scale, to->bytes - n, from->tensor->scale, from->bytes - period);
}

// The first rows alone: what is behind them no page of memory holds, before it is on the device.
static void repeat_there(struct nf_storage *to, const struct nf_storage *from) {
  to->period[0] = nf_storage_codes(from);
  to->period[1] = from->bytes - to->period[0];
  memcpy(to->tensor->data, from->tensor->data, to->period[0]);
  if (to->tensor->scale != NULL) memcpy(to->tensor->scale, from->tensor->scale, to->period[1]);
}

static nf_status place_repeated(nf_instance *i, struct nf_storage *s, bool packed, const filler *f,
                                float *room) {
  const nf_type *type = &i->c->d.in[f->operand];
  nf_type few = *type;
  nf_tensor tensor = {0};
  struct nf_storage part = {.tensor = &tensor};
  for (int d = 0; d < few.rank - 1; d++) {
    few.dim[d] = NF_C(d == few.rank - 2 ? REPEATED : 1);
    few.padded[d] = few.dim[d].c;
  }
  const nf_type whole = packed ? nf_type_packed(*type, i->pack) : *type;
  NF_TRY((i->of_module ? reserve : place)(i, s, whole, 0, 0, false));
  nf_status st = packed ? place_packed(i, &part, &few, f, room) : place(i, &part, few, 0, 0, false);
  if (nf_is_ok(st) && !packed) fill(f, &tensor, room);
  if (nf_is_ok(st) && i->of_module)
    repeat_there(s, &part);
  else if (nf_is_ok(st))
    repeat_all(s, &part);
  nf_free_aligned(part.base);
  return st;
}

static nf_status place_operand(nf_instance *i, int n, int gap, bool magnitude) {
  const nf_type *type = &i->c->d.in[n];
  struct nf_storage *s = &i->storage[i->layout->in[n]];
  const filler f = {i->c, n, magnitude};
  const nf_extent last = type->rank ? type->dim[type->rank - 1] : NF_C(1);
  int64_t slots = 0;
  if (type->dtype == NF_NONE) return nf_ok();
  const bool states = type->cache == NF_CACHE_RECURRENT;
  if (states)
    slots = i->states;
  else if (type->cache)
    NF_TRY(nf_instance_pages(i, type->cache, type->dim[2].c, window_of(i->c), &slots));
  float *room = nf_arena_alloc(&i->arena, (size_t)nf_max(1, last.c * i->c->at.of[last.sym]), sizeof *room);
  if (!room) return nf_error(NF_NO_MEMORY, "no memory for a row");
  const bool packed = !nf_pack_is_plain(i->pack) && n == nf_packed_operand(&i->c->d, n);
  if (repeats(i->c, type)) return place_repeated(i, s, packed, &f, room);
  if (packed) return place_packed(i, s, type, &f, room);
  NF_TRY(place(i, s, *type, gap, slots, writes_pool(i->c, n)));
  if (!type->cache)
    fill(&f, s->tensor, room);
  else if (states)
    fill_states(i, &f, s->tensor, room);
  else if (!s->written)
    fill_pool(i, &f, s->tensor, room);
  return nf_ok();
}

// ---- ranks ----

unsigned char *nf_instance_base(const nf_instance *i, int rank) {
  return (unsigned char *)i->peer[rank] - NF_GUARD;
}

// The first operand as the other ranks have it: same place in their storage, other values.
static nf_status place_peers(nf_instance *i, bool magnitude) {
  const struct nf_storage *own = &i->storage[i->layout->in[0]];
  const int64_t cols = nf_max(1, nf_tensor_cols(own->tensor));
  float *room = nf_arena_alloc(&i->arena, (size_t)cols, sizeof *room);
  if (!room) return nf_error(NF_NO_MEMORY, "no memory for a row");
  const int world = i->c->world > 1 ? i->c->world : 1;
  i->peer = nf_arena_alloc(&i->arena, (size_t)world, sizeof *i->peer);
  if (!i->peer) return nf_error(NF_NO_MEMORY, "no memory for ranks");
  i->comm = (nf_comm){.rank = (int)(i->c->seed % (uint64_t)world), .base = i->peer};
  for (; i->comm.world < world; i->comm.world++) {
    const int rank = i->comm.world;
    const filler f = {i->c, NF_MAX_IN * (1 + rank), magnitude};
    nf_tensor theirs = *own->tensor;
    unsigned char *base = rank == i->comm.rank ? own->base : nf_alloc_aligned(own->bytes + 2 * NF_GUARD);
    if (!base) return nf_error(NF_NO_MEMORY, "no memory for a tensor of %zu bytes", own->bytes);
    i->peer[rank] = (char *)base + NF_GUARD;
    if (rank == i->comm.rank) continue;
    memset(base, 0xff, own->bytes + 2 * NF_GUARD);
    theirs.data = i->peer[rank];
    fill(&f, &theirs, room);
  }
  i->batch.comm = &i->comm;
  return nf_ok();
}

// Of tensor n, operand or result: its own, so that no two have the same.
static int gap_of(const nf_instance *i, int n, bool result, int gap) {
  const nf_type *t = &i->c->d.in[n];
  const bool view =
      !result && nf_op_of(i->c->d.op)->in[n].role == NF_ROLE_ACTIVATION && nf_is_float(t->dtype);
  return gap != 0 && (view || !i->of_module) ? gap + n : 0;
}

static nf_status place_all(nf_instance *i, int gap, bool magnitude) {
  const nf_op_info *info = nf_op_of(i->c->d.op);
  NF_TRY(nf_instance_batch(i));
  for (int n = 0; n < i->layout->n_tensors; n++)
    i->storage[n].tensor = (nf_tensor *)((char *)i->args + i->layout->tensors) + n;
  for (int n = 0; n < info->n_in; n++) NF_TRY(place_operand(i, n, gap_of(i, n, false, gap), magnitude));
  for (int n = 0; n < info->n_out; n++)
    if (info->out[n].alias < 0 && i->c->d.out[n].dtype != NF_NONE)
      NF_TRY(place(i, &i->storage[i->layout->out[n]], i->c->d.out[n], gap_of(i, n, true, gap), 0, true));
  const bool comm = nf_op_is_comm(i->c->d.op, &i->c->d.attr);
  if (comm) NF_TRY(place_peers(i, magnitude));
  if (i->c->d.op == NF_OP_rank_ids) { // reads the rank, and nothing of the others
    i->comm.rank = (int)(i->c->seed % NF_SWEEP_WORLD);
    i->batch.comm = &i->comm;
  }
  if (info->flags & NF_OP_BATCH || comm) *(const nf_batch **)i->args = &i->batch;
  memcpy((char *)i->args + i->layout->attrs, &i->c->d.attr, i->layout->attrs_size);
  return nf_ok();
}

nf_status nf_instance_init(nf_instance *i, const nf_case *c, const nf_variant *v, int gap,
                           unsigned char garbage, bool magnitude) {
  *i = (nf_instance){.c = c, .layout = nf_args_layout_of(c->d.op), .garbage = garbage};
  if (v != NULL)
    i->pack = v->pack, i->sum_error = v->sum_error, i->of_module = v->entry.kind == NF_ENTRY_MODULE;
  i->args = nf_arena_alloc(&i->arena, 1, i->layout->size);
  nf_status st = i->args ? place_all(i, gap, magnitude) : nf_error(NF_NO_MEMORY, "no memory for arguments");
  if (!nf_is_ok(st)) nf_instance_deinit(i);
  return st;
}

void nf_instance_deinit(nf_instance *i) {
  for (int rank = 0; rank < i->comm.world; rank++)
    if (rank != i->comm.rank) nf_free_aligned(nf_instance_base(i, rank));
  for (int n = 0; n < NF_MAX_TENSORS; n++) nf_free_aligned(i->storage[n].base);
  nf_arena_deinit(&i->arena);
  *i = (nf_instance){0};
}

nf_tensor *nf_instance_result(const nf_instance *i, int result) {
  return i->storage[i->layout->out[result]].tensor;
}
