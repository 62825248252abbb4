// SPDX-License-Identifier: Apache-2.0
// Weights that are never quantised or only by MXFP4: from checkpoint tensors, whose dtypes they have.
#include "model/stored.h"
#include <string.h>

// ---- messages ----

static void print_dims(const int64_t *dim, int rank, nf_text *out) {
  nf_text_append(out, "[", 1);
  for (int i = 0; i < rank; i++) nf_text_printf(out, i ? ",%ld" : "%ld", (long)dim[i]);
  nf_text_append(out, "]", 1);
}

// What is wrong with `t` (NULL: it is missing), when the config asks for `dim` of a `right` dtype.
nf_status nf_stored_mismatch(const nf_checkpoint *files, const nf_stored *t, const char *tensor,
                             const char *right, const int64_t *dim, int rank) {
  nf_text want = {0}, got = {0};
  if (!t) nf_text_printf(&want, ", config.json asks for one of ");
  print_dims(dim, rank, &want);
  if (t) print_dims(t->dim, t->rank, &got);
  nf_status st = nf_status_join(nf_text_status(&want), nf_text_status(&got));
  if (nf_is_ok(st) && t)
    st = nf_error(NF_BAD_INPUT, "%s: tensor '%s' is %s%s, config.json asks for %s%s",
                  nf_checkpoint_file(files, t), tensor, t->kind, got.at, right, want.at);
  else if (nf_is_ok(st))
    st = nf_checkpoint_missing(files, tensor, want.at);
  nf_text_deinit(&want);
  nf_text_deinit(&got);
  return st;
}

bool nf_stored_has_shape(const nf_stored *t, const int64_t *dim, int rank) {
  return t->rank == rank && memcmp(t->dim, dim, (size_t)rank * sizeof *dim) == 0;
}

nf_type nf_stored_type(nf_dtype dtype, const int64_t *dim, int rank) {
  nf_extent extent[NF_MAX_RANK] = {0};
  for (int i = 0; i < rank; i++) extent[i] = NF_C(dim[i]);
  return nf_type_make(dtype, extent, (size_t)rank);
}

// ---- floats ----

// A float tensor of this shape, and of what dtype.
nf_status nf_stored_float(const nf_checkpoint *files, const char *tensor, const int64_t *dim, int rank,
                          nf_dtype *out) {
  const nf_stored *t = nf_checkpoint_find(files, tensor);
  if (!t || !nf_stored_has_shape(t, dim, rank) || !nf_is_float(t->dtype)) {
    const char *right = t && nf_stored_has_shape(t, dim, rank) ? NF_FLOAT_KINDS : "";
    return nf_stored_mismatch(files, t, tensor, right, dim, rank);
  }
  *out = t->dtype;
  return nf_ok();
}

nf_val nf_stored_weight(const nf_parts *p, nf_status st, const char *name, nf_type type, nf_recipe recipe) {
  if (nf_is_ok(st)) return nf_build_weight(p->b, name, type, recipe);
  nf_builder_fail(p->b, st);
  return 0;
}

const char *nf_stored_path(const nf_parts *p, const char *name) {
  return p->layer < 0 ? name : NF_NAME(p, "model.layers.%ld.%s", (long)p->layer, name);
}

// The dtype that all tensors of the recipe have.
static nf_status find_floats(const nf_checkpoint *files, const nf_recipe *recipe, const int64_t *dim,
                             int rank, nf_dtype *out) {
  const nf_value v = {.type = nf_stored_type(NF_BF16, dim, rank), .recipe = *recipe};
  for (int64_t i = 0; i < nf_weight_tensor_count(&v); i++) {
    nf_weight_tensor t;
    nf_dtype dtype;
    nf_weight_tensor_at(&v, i, &t);
    NF_TRY(nf_stored_float(files, t.name, t.stored.dim, t.stored.rank, &dtype));
    if (i == 0) *out = dtype;
    if (dtype != *out)
      return nf_error(NF_BAD_INPUT,
                      "%s: '%s' is %s, but that of expert 0 is %s; experts of a layer must be alike",
                      nf_checkpoint_where(files), t.name, nf_dtype_of(dtype)->name, nf_dtype_of(*out)->name);
  }
  return nf_ok();
}

nf_val nf_part_floats(const nf_parts *p, const char *name, nf_recipe recipe, const int64_t *dim, int rank) {
  if (!nf_is_ok(p->b->failed)) return 0;
  nf_dtype dtype = NF_BF16;
  const nf_status st = p->files ? find_floats(p->files, &recipe, dim, rank, &dtype) : nf_ok();
  return nf_stored_weight(p, st, name, nf_stored_type(dtype, dim, rank), recipe);
}

nf_val nf_part_stored(const nf_parts *p, const char *name, const char *tensor, const int64_t *dim, int rank) {
  return nf_part_floats(p, name, (nf_recipe){.tensor = tensor}, dim, rank);
}

nf_val nf_part_weight(const nf_parts *p, const char *name, const char *tensor, int64_t n, int64_t k) {
  return nf_part_stored(p, name, nf_stored_path(p, tensor), (const int64_t[]){n, k}, k != 0 ? 2 : 1);
}

bool nf_part_has(const nf_parts *p, const char *tensor) {
  return p->files && nf_checkpoint_find(p->files, nf_stored_path(p, tensor));
}

// ---- MXFP4 ----

static nf_status check_plane(const nf_checkpoint *files, const char *tensor, const int64_t *dim, int rank) {
  const nf_stored *t = nf_checkpoint_find(files, tensor);
  if (t && t->dtype == NF_U8 && nf_stored_has_shape(t, dim, rank)) return nf_ok();
  return nf_stored_mismatch(files, t, tensor, "U8", dim, rank);
}

static nf_status check_mxfp4(const nf_parts *p, const char *blocks, const char *scales, const int64_t *dim,
                             int rank) {
  int64_t plane[NF_MAX_RANK + 1];
  if (dim[rank - 1] % 32)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s': rows of %ld can't be MXFP4, should be multiples of 32",
                    p->c->where, blocks, (long)dim[rank - 1]);
  if (!p->files) return nf_ok();
  memcpy(plane, dim, (size_t)rank * sizeof *dim);
  plane[rank - 1] = dim[rank - 1] / 32;
  plane[rank] = 16;
  NF_TRY(check_plane(p->files, blocks, plane, rank + 1));
  return check_plane(p->files, scales, plane, rank);
}

nf_val nf_part_mxfp4(const nf_parts *p, const char *name, const char *stem, const int64_t *dim, int rank) {
  const char *path = nf_stored_path(p, stem);
  const char *blocks = NF_NAME(p, "%s_blocks", path), *scales = NF_NAME(p, "%s_scales", path);
  if (!nf_is_ok(p->b->failed)) return 0;
  return nf_stored_weight(p, check_mxfp4(p, blocks, scales, dim, rank), name,
                          nf_stored_type(NF_MXFP4, dim, rank),
                          (nf_recipe){.tensor = blocks, .scales = scales});
}
