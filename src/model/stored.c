// SPDX-License-Identifier: Apache-2.0
// Weights of a graph from checkpoint tensors: which dtype they have, and whether files and config agree on
// it.
#include "model/parts.h"
#include "model/weights.h"
#include <string.h>

// ---- messages ----

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

// ---- floats ----

// A float tensor of this shape, and of what dtype.
static nf_status find_float(const nf_checkpoint *files, const char *tensor, const int64_t *dim, int rank,
                            nf_dtype *out) {
  const nf_stored *t = nf_checkpoint_find(files, tensor);
  if (!t || !same_shape(t, dim, rank) || !nf_is_float(t->dtype)) {
    const char *right = t && same_shape(t, dim, rank) ? "BF16, F16 or F32, " : "";
    return mismatch(files, t, tensor, right, dim, rank);
  }
  *out = t->dtype;
  return nf_ok();
}

nf_val nf_part_stored(const nf_parts *p, const char *name, const char *tensor, const int64_t *dim, int rank) {
  if (!nf_is_ok(p->b->failed)) return 0;
  nf_dtype dtype = NF_BF16;
  const nf_status st = p->files ? find_float(p->files, tensor, dim, rank, &dtype) : nf_ok();
  if (nf_is_ok(st))
    return nf_build_weight(p->b, name, constant(dtype, dim, rank), (nf_recipe){.tensor = tensor});
  nf_builder_fail(p->b, st);
  return 0;
}

nf_val nf_part_weight(const nf_parts *p, const char *name, const char *tensor, int64_t n, int64_t k) {
  const char *path = NF_NAME(p, "model.layers.%ld.%s", (long)p->layer, tensor);
  return nf_part_stored(p, name, path, (const int64_t[]){n, k}, k != 0 ? 2 : 1);
}

// ---- MXFP4 ----

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

nf_val nf_part_mxfp4(const nf_parts *p, const char *name, const char *stem, const int64_t *dim, int rank) {
  const char *path = NF_NAME(p, "model.layers.%ld.%s", (long)p->layer, stem);
  const char *blocks = NF_NAME(p, "%s_blocks", path), *scales = NF_NAME(p, "%s_scales", path);
  if (!nf_is_ok(p->b->failed)) return 0;
  const nf_status st = p->files ? check_mxfp4(p->files, path, blocks, scales, dim, rank) : nf_ok();
  if (nf_is_ok(st))
    return nf_build_weight(p->b, name, constant(NF_MXFP4, dim, rank),
                           (nf_recipe){.tensor = blocks, .scales = scales});
  nf_builder_fail(p->b, st);
  return 0;
}

// ---- FP8 ----

// The tensors of one linear, as the files hold them.
typedef struct linear_files {
  const char *module, *scales_name; // scales_name: as the config calls them
  const nf_stored *weight, *scales;
  bool right_name; // scales are called so
} linear_files;

static const nf_stored *find_beside(const nf_checkpoint *files, const char *module, const char *what) {
  char name[NF_TENSOR_NAME];
  if ((size_t)snprintf(name, sizeof name, "%s.%s", module, what) >= sizeof name) return NULL;
  return nf_checkpoint_find(files, name);
}

static linear_files find_linear(const nf_parts *p, const char *module) {
  static const char *const names[] = {"weight_scale_inv", "weight_scale"};
  linear_files f = {.module = module, .scales_name = p->c->quant.scales};
  f.weight = find_beside(p->files, module, "weight");
  if (f.scales_name) f.scales = find_beside(p->files, module, f.scales_name);
  f.right_name = f.scales;
  for (int i = 0; i < 2 && !f.scales; i++) f.scales = find_beside(p->files, module, names[i]);
  return f;
}

// The file's own consistency, then the config's: `quantised` is what the config says.
static nf_status check_agreement(const nf_parts *p, const linear_files *f, bool quantised) {
  if (!f->weight) return nf_ok(); // its shape check will say so
  const char *file = nf_checkpoint_file(p->files, f->weight);
  const bool fp8 = f->weight->dtype == NF_F8E4M3;
  if (fp8 && !f->scales)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s' is F8_E4M3 but has no scales, should have '%s.%s'", file,
                    f->weight->name, f->module, f->scales_name ? f->scales_name : "weight_scale");
  if (!fp8 && f->scales)
    return nf_error(NF_BAD_INPUT,
                    "%s: tensor '%s' is %s but has scales, '%s'; should be F8_E4M3, or without them", file,
                    f->weight->name, f->weight->kind, f->scales->name);
  if (fp8 && p->c->quant.weight == NF_NONE)
    return nf_error(NF_BAD_INPUT,
                    "%s: tensor '%s' is F8_E4M3, but config.json has no quantization_config, should have one",
                    file, f->weight->name);
  if (fp8 && quantised && !f->right_name)
    return nf_error(NF_BAD_INPUT,
                    "%s: has '%s', which config.json calls '%s.%s'; quant_method should be another", file,
                    f->scales->name, f->module, f->scales_name);
  if (fp8 == quantised) return nf_ok();
  return nf_error(NF_BAD_INPUT,
                  "%s: tensor '%s' is %s, but quantization_config of config.json says that it is%s quantised",
                  file, f->weight->name, f->weight->kind, quantised ? "" : " not");
}

static nf_status check_scales(const nf_parts *p, const linear_files *f, const int64_t *dim) {
  const nf_dtype type = p->c->quant.weight;
  const int64_t want[] = {nf_scale_rows(type, dim[0]), nf_scale_cols(type, dim[1])};
  const nf_stored *t = f->scales;
  const bool vector = type == NF_FP8_ROW && t->rank == 1 && t->dim[0] == want[0];
  if (nf_is_float(t->dtype) && (vector || same_shape(t, want, 2))) return nf_ok();
  return mismatch(p->files, t, t->name, nf_is_float(t->dtype) ? "" : "BF16, F16 or F32, ", want, 2);
}

// One linear [N, K] whose name is complete: its dtype.
static nf_status decide(const nf_parts *p, const char *module, const int64_t *dim, nf_dtype *out) {
  bool quantised;
  NF_TRY(nf_quantisation_covers(&p->c->quant, module, &quantised), "%s", p->c->where);
  *out = quantised ? p->c->quant.weight : NF_BF16;
  if (!p->files) return nf_ok();
  const linear_files f = find_linear(p, module);
  NF_TRY(check_agreement(p, &f, quantised));
  char name[NF_TENSOR_NAME];
  snprintf(name, sizeof name, "%s.weight", module);
  if (!quantised) return find_float(p->files, name, dim, 2, out);
  if (!f.weight || !same_shape(f.weight, dim, 2)) return mismatch(p->files, f.weight, name, "", dim, 2);
  return check_scales(p, &f, dim);
}

// All parts of a stack, which must agree.
static nf_status decide_stack(const nf_parts *p, const char *module, int64_t parts, const int64_t *dim,
                              nf_dtype *out) {
  const char *star = strchr(module, '*');
  for (int64_t i = 0; i < parts; i++) {
    char name[NF_TENSOR_NAME];
    nf_dtype dtype;
    snprintf(name, sizeof name, "%.*s%ld%s", (int)(star - module), module, (long)i, star + 1);
    NF_TRY(decide(p, name, dim, &dtype));
    if (i == 0) *out = dtype;
    if (dtype != *out)
      return nf_error(NF_BAD_INPUT,
                      "%s: '%s.weight' is %s, but that of expert 0 is %s; experts of a layer must be alike",
                      p->files ? nf_checkpoint_where(p->files) : p->c->where, name, nf_dtype_of(dtype)->name,
                      nf_dtype_of(*out)->name);
  }
  return nf_ok();
}

nf_val nf_part_linear_weight(const nf_parts *p, const char *name, const char *module, const int64_t *dim,
                             int rank) {
  const char *path = NF_NAME(p, "model.layers.%ld.%s", (long)p->layer, module);
  const char *tensor = NF_NAME(p, "%s.weight", path);
  if (!nf_is_ok(p->b->failed)) return 0;
  nf_recipe recipe = {.tensor = tensor, .stack = rank == 3 ? dim[0] : 0};
  nf_dtype dtype = NF_NONE;
  const nf_status st =
      recipe.stack ? decide_stack(p, path, dim[0], dim + 1, &dtype) : decide(p, path, dim, &dtype);
  if (!nf_is_ok(st)) {
    nf_builder_fail(p->b, st);
    return 0;
  }
  if (nf_is_fp8(dtype)) recipe.scales = NF_NAME(p, "%s.%s", path, p->c->quant.scales);
  return nf_build_weight(p->b, name, constant(dtype, dim, rank), recipe);
}
