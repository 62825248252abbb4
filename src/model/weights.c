// SPDX-License-Identifier: Apache-2.0
// Loading weights: plain ones are read straight into their place, packed ones row by row.
#include "model/weights.h"
#include "base/checked.h"
#include "base/memory.h"
#include "model/weights_plane.h"
#include "tensor/pack.h"
#include <string.h>

enum { PIECE = 8 << 20, NAN_SCALE = 255 };

nf_status nf_weight_planes_of(const nf_value *v, void *data, nf_weight_planes *out) {
  const nf_type *t = &v->type;
  const nf_dtype_info *info = nf_dtype_of(t->dtype);
  int64_t n = 1;
  bool plain = t->pack == NF_PACK_PLAIN && t->cache == NF_NO_CACHE && t->rank > 0;
  for (int i = 0; i < t->rank; i++) {
    plain = plain && t->dim[i].sym == NF_CONST && t->padded[i] == t->dim[i].c;
    n *= t->dim[i].c; // fits: nf_type_bytes was asked for the storage
  }
  if (!plain) return nf_error(NF_INTERNAL, "weight '%s': recipes fill plain, unpadded types only", v->name);
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_tensor view = nf_tensor_of(t, &none, 0, data);
  *out = (nf_weight_planes){.codes = view.data, .n = n, .code_bytes = (size_t)n * (size_t)info->bits / 8};
  if (info->scale == NF_NONE) return nf_ok();
  out->scales = view.scale;
  out->scale_bytes = (size_t)(n / info->group_cols) * (size_t)nf_dtype_of(info->scale)->bits / 8;
  return nf_ok();
}

static nf_status find_plane(const nf_checkpoint *files, const char *name, size_t n, const nf_stored **out) {
  const nf_stored *t = *out = nf_checkpoint_find(files, name);
  if (!t)
    return nf_error(NF_BAD_INPUT, "%s: has no tensor '%s', which the model needs", nf_checkpoint_where(files),
                    name);
  if (t->bytes != n)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s' has %llu bytes, should have %zu",
                    nf_checkpoint_file(files, t), name, (unsigned long long)t->bytes, n);
  return nf_ok();
}

static nf_status load_plane(const nf_checkpoint *files, const char *name, unsigned char *out, size_t n) {
  const nf_stored *t;
  NF_TRY(find_plane(files, name, n, &t));
  for (size_t at = 0; at < n; at += PIECE)
    NF_TRY(nf_checkpoint_read(files, t, at, out + at, n - at < PIECE ? n - at : PIECE));
  return nf_ok();
}

// `first`: index of the first of these scales in the tensor.
static nf_status check_scales(const nf_checkpoint *files, const char *name, const unsigned char *scale,
                              size_t first, size_t n) {
  const unsigned char *bad = n ? memchr(scale, NAN_SCALE, n) : NULL;
  if (!bad) return nf_ok();
  const nf_stored *t = nf_checkpoint_find(files, name);
  const unsigned long long i = first + (unsigned long long)(bad - scale);
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s': scale %llu (byte %llu) is NaN (255), should be 0 to 254",
                  nf_checkpoint_file(files, t), name, i, t->offset + i);
}

static nf_status load_plain(const nf_checkpoint *files, const nf_value *v, void *data) {
  nf_weight_planes p;
  NF_TRY(nf_weight_planes_of(v, data, &p));
  NF_TRY(load_plane(files, v->recipe.tensor, p.codes, p.code_bytes));
  if (!p.scales) return nf_ok();
  NF_TRY(load_plane(files, v->recipe.scales, p.scales, p.scale_bytes));
  return check_scales(files, v->recipe.scales, p.scales, 0, p.scale_bytes);
}

// ---- packed: rows come in pieces and go to where kernels want them ----

typedef struct packing {
  const nf_checkpoint *files;
  const nf_value *v;
  const nf_stored *codes, *scales; // scales NULL: none
  nf_tensor to;
  size_t code_row, scale_row; // bytes
  int64_t rows;
} packing;

static nf_status find_planes(packing *p) {
  NF_TRY(find_plane(p->files, p->v->recipe.tensor, (size_t)p->rows * p->code_row, &p->codes));
  if (p->scale_row == 0) return nf_ok();
  return find_plane(p->files, p->v->recipe.scales, (size_t)p->rows * p->scale_row, &p->scales);
}

// `piece` has room for n rows of codes and, behind them, of scales.
static nf_status pack_piece(const packing *p, int64_t row, int64_t n, unsigned char *piece) {
  unsigned char *scales = piece + (size_t)n * p->code_row;
  const size_t first = (size_t)row * p->scale_row, count = (size_t)n * p->scale_row;
  NF_TRY(nf_checkpoint_read(p->files, p->codes, (size_t)row * p->code_row, piece, (size_t)n * p->code_row));
  if (p->scales) {
    NF_TRY(nf_checkpoint_read(p->files, p->scales, first, scales, count));
    NF_TRY(check_scales(p->files, p->v->recipe.scales, scales, first, count));
  }
  nf_pack_rows(&p->to, row, n, piece, p->scales ? scales : NULL);
  return nf_ok();
}

static packing packing_of(const nf_checkpoint *files, const nf_value *v, void *data) {
  const nf_sizes none = nf_sizes_of(0, 0, 0);
  const nf_dtype_info *info = nf_dtype_of(v->type.dtype);
  packing p = {.files = files, .v = v, .to = nf_tensor_of(&v->type, &none, 0, data)};
  p.rows = nf_tensor_rows(&p.to);
  p.code_row = (size_t)nf_tensor_cols(&p.to) * (size_t)info->bits / 8;
  if (info->scale != NF_NONE) p.scale_row = (size_t)(nf_tensor_cols(&p.to) / info->group_cols);
  return p;
}

static nf_status load_packed(const nf_checkpoint *files, const nf_value *v, void *data) {
  packing p = packing_of(files, v, data);
  NF_TRY(find_planes(&p));
  const int64_t at_once = nf_min(p.rows, nf_max(1, PIECE / (int64_t)(p.code_row + p.scale_row + 1)));
  unsigned char *piece = nf_alloc((size_t)at_once, p.code_row + p.scale_row);
  nf_status st = piece ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to pack weight '%s'", v->name);
  for (int64_t row = 0; nf_is_ok(st) && row < p.rows; row += at_once)
    st = pack_piece(&p, row, nf_min(at_once, p.rows - row), piece);
  nf_free(piece);
  return st;
}

nf_status nf_weight_load(const nf_checkpoint *files, const nf_value *v, void *data) {
  return (v->type.pack == NF_PACK_PLAIN ? load_plain : load_packed)(files, v, data);
}
