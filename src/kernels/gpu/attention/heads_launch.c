// SPDX-License-Identifier: Apache-2.0
// Launches of heads.c: rope, kv_write, qk_rope_write, a few lanes a head.
#include "kernels/gpu/abi/attention.h"
#include "kernels/gpu/launch.h"

// Packs where both halves of what is turned are made of them; as many lanes as a head has pairs of packs.
static nf_grid grid_of(nf_gpu_heads *p) {
  const bool packs = p->turned % 16 == 0 && p->head % 8 == 0;
  const int32_t pairs = (int32_t)nf_ceil_div(p->head, 16);
  p->pack = packs ? 8 : 1;
  p->lanes = 32;
  while (packs && p->lanes / 2 >= pairs) p->lanes /= 2;
  const int64_t rows = (int64_t)p->tokens * (p->heads + 2 * p->kv_heads);
  return nf_gpu_grid(nf_ceil_div(rows * p->lanes, 128), 128, 0);
}

static nf_grid launch_rope(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_rope_args *a = s->args;
  nf_gpu_heads *p = packed;
  *p = (nf_gpu_heads){.q = nf_gpu_rows_of(&a->x),
                      .y = nf_gpu_rows_of(&a->y),
                      .table = nf_gpu_rows_of(&a->table),
                      .tokens = (int32_t)a->x.dim[0],
                      .heads = (int32_t)a->x.dim[1],
                      .head = (int32_t)a->x.dim[2],
                      .turned = (int32_t)(nf_tensor_cols(&a->table) / 2 * 2)};
  return grid_of(p);
}
const nf_module_kernel nf_gpu_rope_bf16 = {
    .stages = 1, .symbol = {"nf_heads"}, .packed = {sizeof(nf_gpu_heads)}, .launch = launch_rope};

static nf_gpu_heads heads_of(const nf_launch_site *s, const nf_tensor *k, const nf_tensor *v,
                             const nf_tensor *kv) {
  return (nf_gpu_heads){.k = nf_gpu_rows_of(k),
                        .v = nf_gpu_rows_of(v),
                        .pool = kv->data,
                        .write_slot = s->batch->group[kv->cache].write_slot,
                        .tokens = (int32_t)k->dim[0],
                        .kv_heads = (int32_t)kv->dim[2],
                        .page = (int32_t)kv->dim[3],
                        .head = (int32_t)kv->dim[4]};
}

static nf_grid launch_kv_write(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_kv_write_args *a = s->args;
  nf_gpu_heads *p = packed;
  *p = heads_of(s, &a->k, &a->v, &a->kv);
  return grid_of(p);
}
const nf_module_kernel nf_gpu_kv_write_bf16 = {
    .stages = 1, .symbol = {"nf_heads"}, .packed = {sizeof(nf_gpu_heads)}, .launch = launch_kv_write};

static nf_grid launch_qk_rope_write(const nf_launch_site *s, int stage, void *packed) {
  (void)stage;
  const nf_qk_rope_write_args *a = s->args;
  nf_gpu_heads *p = packed;
  *p = heads_of(s, &a->k, &a->v, &a->kv);
  p->q = nf_gpu_rows_of(&a->q);
  p->y = nf_gpu_rows_of(&a->y);
  p->table = nf_gpu_rows_of(&a->table);
  p->heads = (int32_t)a->q.dim[1];
  p->turned = (int32_t)(nf_tensor_cols(&a->table) / 2 * 2);
  p->q_norm = a->q_norm.data;
  p->k_norm = a->k_norm.data;
  p->q_norm_f32 = a->q_norm.dtype == NF_F32;
  p->k_norm_f32 = a->k_norm.dtype == NF_F32;
  p->eps = (float)a->attr.eps;
  p->one_plus = a->attr.one_plus;
  return grid_of(p);
}
const nf_module_kernel nf_gpu_qk_rope_write_bf16 = {
    .stages = 1, .symbol = {"nf_heads"}, .packed = {sizeof(nf_gpu_heads)}, .launch = launch_qk_rope_write};
