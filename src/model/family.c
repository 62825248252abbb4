// SPDX-License-Identifier: Apache-2.0
// The table of model families, and how they get weights from checkpoint tensors.
#include "model/family.h"
#include <string.h>

static const nf_family *const families[] = {&nf_family_gpt_oss};

const nf_family *const *nf_families(size_t *out_n) {
  *out_n = sizeof families / sizeof *families;
  return families;
}

const nf_family *nf_family_find(const char *model_type, const char *architecture) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    const nf_family *f = families[i];
    if ((!model_type || strcmp(model_type, f->model_type) == 0) &&
        (!architecture || strcmp(architecture, f->architecture) == 0))
      return f;
  }
  return NULL;
}

nf_status nf_model_build(const nf_config *c, const nf_checkpoint *files, const nf_build_options *o,
                         nf_graph **out) {
  if (o->layers < 0 || o->layers > c->layers)
    return nf_error(NF_USAGE, "%ld layers were asked for, %s has %ld", (long)o->layers, c->where,
                    (long)c->layers);
  nf_config cut = *c;
  if (o->layers > 0) cut.layers = o->layers;
  return c->family->build(&cut, files, o, out);
}

static void print_dims(const int64_t *dim, int rank, nf_text *out) {
  nf_text_append(out, "[", 1);
  for (int i = 0; i < rank; i++) nf_text_printf(out, i ? ",%ld" : "%ld", (long)dim[i]);
  nf_text_append(out, "]", 1);
}

// What is wrong with `t` (NULL: it is missing), when the config asks for `dim` of a `right` dtype.
static nf_status mismatch(const nf_checkpoint *files, const nf_stored *t, const char *tensor,
                          const char *right, const int64_t *dim, int rank) {
  nf_text want = {0}, got = {0};
  print_dims(dim, rank, &want);
  if (t) print_dims(t->dim, t->rank, &got);
  nf_status st = nf_status_join(nf_text_status(&want), nf_text_status(&got));
  if (nf_is_ok(st) && t)
    st = nf_error(NF_BAD_INPUT, "%s: tensor '%s' is %s%s, config.json asks for %s%s",
                  nf_checkpoint_file(files, t), tensor, t->kind, got.at, right, want.at);
  else if (nf_is_ok(st))
    st = nf_error(NF_BAD_INPUT, "%s: has no tensor '%s', config.json asks for one of %s",
                  nf_checkpoint_where(files), tensor, want.at);
  nf_text_deinit(&want);
  nf_text_deinit(&got);
  return st;
}

static bool same_shape(const nf_stored *t, const int64_t *dim, int rank) {
  return t->rank == rank && memcmp(t->dim, dim, (size_t)rank * sizeof *dim) == 0;
}

static nf_type constant(nf_dtype dtype, const int64_t *dim, int rank) {
  nf_extent extent[NF_MAX_RANK];
  for (int i = 0; i < rank; i++) extent[i] = NF_C(dim[i]);
  return nf_type_make(dtype, extent, (size_t)rank);
}

nf_val nf_build_stored(nf_builder *b, const nf_checkpoint *files, const char *name, const char *tensor,
                       const int64_t *dim, int rank) {
  if (!nf_is_ok(b->failed)) return 0;
  nf_dtype dtype = NF_BF16;
  if (files) {
    const nf_stored *t = nf_checkpoint_find(files, tensor);
    if (!t || !same_shape(t, dim, rank) || !nf_is_float(t->dtype)) {
      const char *right = t && same_shape(t, dim, rank) ? "BF16, F16 or F32, " : "";
      nf_builder_fail(b, mismatch(files, t, tensor, right, dim, rank));
      return 0;
    }
    dtype = t->dtype;
  }
  return nf_build_weight(b, name, constant(dtype, dim, rank), (nf_recipe){.tensor = tensor});
}

static nf_status check_plane(const nf_checkpoint *files, const char *tensor, const int64_t *dim, int rank) {
  const nf_stored *t = nf_checkpoint_find(files, tensor);
  if (t && t->dtype == NF_U8 && same_shape(t, dim, rank)) return nf_ok();
  return mismatch(files, t, tensor, "U8", dim, rank);
}

static nf_status check_mxfp4(const nf_checkpoint *files, const char *stem, const char *blocks,
                             const char *scales, const int64_t *dim, int rank) {
  if (!nf_checkpoint_find(files, blocks) && nf_checkpoint_find(files, stem))
    return nf_error(NF_BAD_INPUT,
                    "%s: tensor '%s' is not quantised; supported are MXFP4 experts, '%s' and '%s'",
                    nf_checkpoint_where(files), stem, blocks, scales);
  int64_t plane[NF_MAX_RANK + 1];
  memcpy(plane, dim, (size_t)rank * sizeof *dim);
  plane[rank - 1] = dim[rank - 1] / 32;
  plane[rank] = 16;
  NF_TRY(check_plane(files, blocks, plane, rank + 1));
  return check_plane(files, scales, plane, rank);
}

nf_val nf_build_mxfp4(nf_builder *b, const nf_checkpoint *files, const char *name, const char *stem,
                      const int64_t *dim, int rank) {
  const char *blocks = nf_build_name(b, "%s_blocks", stem), *scales = nf_build_name(b, "%s_scales", stem);
  if (!nf_is_ok(b->failed)) return 0;
  if (files) {
    nf_status st = check_mxfp4(files, stem, blocks, scales, dim, rank);
    if (!nf_is_ok(st)) {
      nf_builder_fail(b, st);
      return 0;
    }
  }
  return nf_build_weight(b, name, constant(NF_MXFP4, dim, rank),
                         (nf_recipe){.tensor = blocks, .scales = scales});
}
