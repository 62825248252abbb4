// SPDX-License-Identifier: Apache-2.0
// Loading weights: whole tensors, read straight into their place.
#include "model/weights.h"
#include "base/memory.h"
#include "model/weights_plane.h"
#include "tensor/tensor.h"
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

static nf_status load_plane(const nf_checkpoint *files, const char *name, unsigned char *out, size_t n) {
  const nf_stored *t = nf_checkpoint_find(files, name);
  if (!t)
    return nf_error(NF_BAD_INPUT, "%s: has no tensor '%s', which the model needs", nf_checkpoint_where(files),
                    name);
  if (t->bytes != n)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s' has %llu bytes, should have %zu",
                    nf_checkpoint_file(files, t), name, (unsigned long long)t->bytes, n);
  for (size_t at = 0; at < n; at += PIECE)
    NF_TRY(nf_checkpoint_read(files, t, at, out + at, n - at < PIECE ? n - at : PIECE));
  return nf_ok();
}

static nf_status check_scales(const nf_checkpoint *files, const char *name, const unsigned char *scale,
                              size_t n) {
  const unsigned char *bad = n ? memchr(scale, NAN_SCALE, n) : NULL;
  if (!bad) return nf_ok();
  const nf_stored *t = nf_checkpoint_find(files, name);
  const unsigned long long i = (unsigned long long)(bad - scale);
  return nf_error(NF_BAD_INPUT, "%s: tensor '%s': scale %llu (byte %llu) is NaN (255), should be 0 to 254",
                  nf_checkpoint_file(files, t), name, i, t->offset + i);
}

nf_status nf_weight_load(const nf_checkpoint *files, const nf_value *v, void *data) {
  nf_weight_planes p;
  NF_TRY(nf_weight_planes_of(v, data, &p));
  NF_TRY(load_plane(files, v->recipe.tensor, p.codes, p.code_bytes));
  if (!p.scales) return nf_ok();
  NF_TRY(load_plane(files, v->recipe.scales, p.scales, p.scale_bytes));
  return check_scales(files, v->recipe.scales, p.scales, p.scale_bytes);
}
