// SPDX-License-Identifier: Apache-2.0
// Weights from tensors of a checkpoint, against what the config asks for. Those that are never quantised, or
// only by MXFP4, have the dtypes of their tensors. Of linears the files say whether one is quantised and how
// its scales lie, the config which activations it reads; what both say must go together.
#include "checkpoint/weights.h"
#include "model/parts.h"
#include <string.h>

#define FLOAT_KINDS "BF16, F16 or F32, "
#define SCALE_KINDS "BF16, F16, F32 or F8_E8M0, "

// ---- messages and types ----

static void print_dims(const int64_t *dim, int rank, nf_text *out) {
  nf_text_append(out, "[", 1);
  for (int i = 0; i < rank; i++) nf_text_printf(out, i ? ",%ld" : "%ld", (long)dim[i]);
  nf_text_append(out, "]", 1);
}

// What is wrong with `t` (NULL: it is missing), when the config asks for `dim` of a `right` dtype.
static nf_status mismatch(const nf_checkpoint *files, const nf_stored *t, const char *tensor,
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

static bool has_shape(const nf_stored *t, const int64_t *dim, int rank) {
  return t->rank == rank && memcmp(t->dim, dim, (size_t)rank * sizeof *dim) == 0;
}

// Unpadded, of constant extents.
static nf_type plain_type(nf_dtype dtype, const int64_t *dim, int rank) {
  nf_extent extent[NF_MAX_RANK] = {0};
  for (int i = 0; i < rank; i++) extent[i] = NF_C(dim[i]);
  return nf_type_make(dtype, extent, (size_t)rank);
}

// ---- floats ----

// A float tensor of this shape, and of what dtype.
static nf_status check_float(const nf_checkpoint *files, const char *tensor, const int64_t *dim, int rank,
                             nf_dtype *out) {
  const nf_stored *t = nf_checkpoint_find(files, tensor);
  if (!t || !has_shape(t, dim, rank) || !nf_is_float(t->dtype)) {
    const char *right = t && has_shape(t, dim, rank) ? FLOAT_KINDS : "";
    return mismatch(files, t, tensor, right, dim, rank);
  }
  *out = t->dtype;
  return nf_ok();
}

// Adds the weight unless `st` is an error, which the builder then takes.
static nf_val add_weight(const nf_parts *p, nf_status st, const char *name, nf_type type, nf_recipe recipe) {
  if (nf_is_ok(st)) return nf_build_weight(p->b, name, type, recipe);
  nf_builder_fail(p->b, st);
  return 0;
}

// The full name of a tensor or module of the running layer, or of the model when there is none.
static const char *path_of(const nf_parts *p, const char *name) {
  return p->layer < 0 ? name : NF_NAME(p, "model.layers.%ld.%s", (long)p->layer, name);
}

static nf_status unlike(const char *where, const char *tensor, const char *suffix, nf_dtype is,
                        nf_dtype first) {
  return nf_error(NF_BAD_INPUT,
                  "%s: '%s%s' is %s, but that of expert 0 is %s; experts of a layer must be alike", where,
                  tensor, suffix, nf_dtype_of(is)->name, nf_dtype_of(first)->name);
}

// The dtype that all tensors of the recipe have.
static nf_status find_floats(const nf_checkpoint *files, const nf_recipe *recipe, const int64_t *dim,
                             int rank, nf_dtype *out) {
  const nf_value v = {.type = plain_type(NF_BF16, dim, rank), .recipe = *recipe};
  for (int64_t i = 0; i < nf_weight_tensor_count(&v); i++) {
    nf_weight_tensor t;
    nf_dtype dtype;
    nf_weight_tensor_at(&v, i, &t);
    NF_TRY(check_float(files, t.name, t.stored.dim, t.stored.rank, &dtype));
    if (i == 0) *out = dtype;
    if (dtype != *out) return unlike(nf_checkpoint_where(files), t.name, "", dtype, *out);
  }
  return nf_ok();
}

nf_val nf_part_floats(const nf_parts *p, const char *name, nf_recipe recipe, const int64_t *dim, int rank) {
  if (!nf_is_ok(p->b->failed)) return 0;
  nf_dtype dtype = NF_BF16;
  const nf_status st = p->files ? find_floats(p->files, &recipe, dim, rank, &dtype) : nf_ok();
  return add_weight(p, st, name, plain_type(dtype, dim, rank), recipe);
}

nf_val nf_part_weight(const nf_parts *p, const char *name, const char *tensor, int64_t n, int64_t k) {
  const nf_recipe recipe = {.tensor = path_of(p, tensor)};
  return nf_part_floats(p, name, recipe, (const int64_t[]){n, k}, k != 0 ? 2 : 1);
}

bool nf_part_has(const nf_parts *p, const char *tensor) {
  return p->files && nf_checkpoint_find(p->files, path_of(p, tensor));
}

// ---- MXFP4 ----

static nf_status check_plane(const nf_checkpoint *files, const char *tensor, const int64_t *dim, int rank) {
  const nf_stored *t = nf_checkpoint_find(files, tensor);
  if (t && t->dtype == NF_U8 && has_shape(t, dim, rank)) return nf_ok();
  return mismatch(files, t, tensor, "U8", dim, rank);
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
  const char *path = path_of(p, stem);
  const char *blocks = NF_NAME(p, "%s_blocks", path), *scales = NF_NAME(p, "%s_scales", path);
  if (!nf_is_ok(p->b->failed)) return 0;
  return add_weight(p, check_mxfp4(p, blocks, scales, dim, rank), name, plain_type(NF_MXFP4, dim, rank),
                    (nf_recipe){.tensor = blocks, .scales = scales});
}

// ---- linears ----

// The tensors of one linear, as the files hold them.
typedef struct linear_files {
  const char *module;
  const nf_stored *weight, *scales;
} linear_files;

static const nf_stored *find_beside(const nf_checkpoint *files, const char *module, const char *what) {
  char name[NF_TENSOR_NAME];
  if ((size_t)snprintf(name, sizeof name, "%s.%s", module, what) >= sizeof name) return NULL;
  return nf_checkpoint_find(files, name);
}

// Scales are called as the method calls them, or as another does.
static linear_files find_linear(const nf_parts *p, const char *module) {
  const char *const names[] = {p->c->quant.scales ? p->c->quant.scales : "weight_scale", "weight_scale_inv",
                               "weight_scale"};
  linear_files f = {.module = module, .weight = find_beside(p->files, module, "weight")};
  for (int i = 0; i < 3 && !f.scales; i++) f.scales = find_beside(p->files, module, names[i]);
  return f;
}

// The file's own consistency, then the config's. A weight that the config would have quantised and that is
// not is taken as it is.
static nf_status check_agreement(const nf_parts *p, const linear_files *f, const nf_scheme *scheme) {
  if (!f->weight) return nf_ok(); // its shape check will say so
  const char *file = nf_checkpoint_file(p->files, f->weight), *scales = p->c->quant.scales;
  const bool fp8 = f->weight->dtype == NF_F8E4M3;
  if (fp8 && !f->scales)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s' is F8_E4M3 but has no scales, should have '%s.%s'", file,
                    f->weight->name, f->module, scales ? scales : "weight_scale");
  if (!fp8 && f->scales)
    return nf_error(NF_BAD_INPUT,
                    "%s: tensor '%s' is %s but has scales, '%s'; should be F8_E4M3, or without them", file,
                    f->weight->name, f->weight->kind, f->scales->name);
  if (fp8 && !p->c->quant.method)
    return nf_error(NF_BAD_INPUT,
                    "%s: tensor '%s' is F8_E4M3, but config.json has no quantization_config, should have one",
                    file, f->weight->name);
  if (!fp8 || scheme->weight != NF_NONE) return nf_ok();
  return nf_error(
      NF_BAD_INPUT,
      "%s: tensor '%s' is F8_E4M3, but quantization_config of config.json says that it is not quantised",
      file, f->weight->name);
}

static int64_t count_of(const nf_stored *t) {
  int64_t n = 1;
  for (int i = 0; i < t->rank; i++) n *= t->dim[i];
  return n;
}

// One scale for all is fine in every form.
static nf_status check_scales(const nf_parts *p, const nf_stored *t, nf_scheme *scheme, const int64_t *dim) {
  const int64_t blocks[] = {nf_scale_rows(NF_FP8_BLOCK, dim[0]), nf_scale_cols(NF_FP8_BLOCK, dim[1])};
  if (p->c->quant.open_form && count_of(t) != 1 && has_shape(t, blocks, 2))
    *scheme = (nf_scheme){NF_FP8_BLOCK, scheme->activation ? NF_FP8_GROUP : NF_NONE};
  const nf_dtype form = scheme->weight;
  const int64_t want[] = {nf_scale_rows(form, dim[0]), nf_scale_cols(form, dim[1])};
  const bool right = nf_is_float(t->dtype) || t->dtype == NF_E8M0;
  const bool vector = form == NF_FP8_ROW && t->rank == 1 && t->dim[0] == want[0];
  if (right && (count_of(t) == 1 || vector || has_shape(t, want, 2))) return nf_ok();
  return mismatch(p->files, t, t->name, right ? "" : SCALE_KINDS, want, 2);
}

typedef struct decision {
  nf_scheme scheme;   // its weight's dtype may be any float
  const char *scales; // name of the tensor; NULL: none
} decision;

// One linear [N, K] whose name is complete.
static nf_status decide(const nf_parts *p, const char *module, const int64_t *dim, decision *out) {
  *out = (decision){.scales = p->c->quant.scales};
  NF_TRY(nf_quantisation_of(&p->c->quant, module, &out->scheme), "%s", p->c->where);
  const bool spared = !p->files && p->c->quant.spares_head && strcmp(module, "lm_head") == 0;
  const bool fp8 = out->scheme.weight != NF_NONE && !spared;
  if (!fp8) out->scheme = (nf_scheme){NF_BF16, NF_NONE};
  if (!p->files) return nf_ok();
  const linear_files f = find_linear(p, module);
  char name[NF_TENSOR_NAME];
  snprintf(name, sizeof name, "%s.weight", module);
  NF_TRY(check_agreement(p, &f, fp8 ? &out->scheme : &(nf_scheme){0}));
  if (!f.weight || f.weight->dtype != NF_F8E4M3) {
    out->scheme.activation = NF_NONE;
    return check_float(p->files, name, dim, 2, &out->scheme.weight);
  }
  if (!has_shape(f.weight, dim, 2)) return mismatch(p->files, f.weight, name, "", dim, 2);
  out->scales = strrchr(f.scales->name, '.') + 1;
  return check_scales(p, f.scales, &out->scheme, dim);
}

// All parts of a stack, which must agree.
static nf_status decide_stack(const nf_parts *p, const char *module, int64_t parts, const int64_t *dim,
                              decision *out) {
  for (int64_t i = 0; i < parts; i++) {
    char name[NF_TENSOR_NAME];
    decision d;
    nf_weight_tensor_name(module, i, name);
    NF_TRY(decide(p, name, dim, &d));
    if (i == 0) *out = d;
    if (d.scheme.weight != out->scheme.weight || d.scheme.activation != out->scheme.activation)
      return unlike(p->files ? nf_checkpoint_where(p->files) : p->c->where, name, ".weight", d.scheme.weight,
                    out->scheme.weight);
  }
  return nf_ok();
}

// Parts of groups are whole blocks of rows that share a scale.
static bool are_whole(const nf_row_groups *g, nf_dtype dtype) {
  const int together = nf_dtype_of(dtype)->group_rows;
  bool whole = true;
  for (int i = 0; i < g->n; i++) whole &= together < 2 || g->size[i] % together == 0;
  return whole;
}

nf_val nf_part_grouped_weight(const nf_parts *p, const char *name, const char *module, const int64_t *dim,
                              nf_row_groups groups, nf_dtype *out_activation, bool *out_apart) {
  decision d = {0};
  const char *path = path_of(p, module);
  nf_recipe recipe = {.tensor = NF_NAME(p, "%s.weight", path)};
  *out_apart = false, *out_activation = NF_NONE;
  if (!nf_is_ok(p->b->failed)) return 0;
  const nf_status st = decide(p, path, dim, &d);
  if (nf_is_ok(st) && nf_is_fp8(d.scheme.weight)) recipe.scales = NF_NAME(p, "%s.%s", path, d.scales);
  *out_activation = d.scheme.activation;
  *out_apart = !are_whole(&groups, d.scheme.weight);
  if (!*out_apart) recipe.groups = groups;
  return add_weight(p, st, name, plain_type(d.scheme.weight, dim, 2), recipe);
}

nf_val nf_part_linear_weight(const nf_parts *p, const char *name, const char *module, const int64_t *dim,
                             int rank, nf_dtype *out_activation) {
  const char *path = path_of(p, module);
  const char *tensor = NF_NAME(p, "%s.weight", path);
  *out_activation = NF_NONE;
  if (!nf_is_ok(p->b->failed)) return 0;
  nf_recipe recipe = {.tensor = tensor, .stack = rank == 3 ? dim[0] : 0};
  decision d = {0};
  const nf_status st = recipe.stack ? decide_stack(p, path, dim[0], dim + 1, &d) : decide(p, path, dim, &d);
  if (nf_is_ok(st) && nf_is_fp8(d.scheme.weight)) recipe.scales = NF_NAME(p, "%s.%s", path, d.scales);
  *out_activation = d.scheme.activation;
  return add_weight(p, st, name, plain_type(d.scheme.weight, dim, rank), recipe);
}

// ---- scales of all experts in one tensor ----

// Blocks of `rows` of a matrix of N: they must not share one with other rows.
static nf_rows block_rows(nf_rows rows, int64_t n) {
  const int64_t of = rows.of ? rows.of : n;
  return (nf_rows){rows.first / 128, nf_scale_rows(NF_FP8_BLOCK, of)};
}

static nf_status check_fused(const nf_parts *p, const char *module, const char *scales, nf_rows rows,
                             const int64_t *dim) {
  const nf_stored *t = nf_checkpoint_find(p->files, scales);
  const int64_t want[] = {dim[0], block_rows(rows, dim[1]).of, nf_scale_cols(NF_FP8_BLOCK, dim[2])};
  if (rows.first % 128)
    return nf_error(NF_BAD_INPUT, "%s: tensor '%s': blocks of 128 rows go over from gate to up of %ld rows",
                    nf_checkpoint_file(p->files, t), scales, (long)rows.first);
  if (!has_shape(t, want, 3) || !(nf_is_float(t->dtype) || t->dtype == NF_E8M0))
    return mismatch(p->files, t, scales, SCALE_KINDS, want, 3);
  for (int64_t i = 0; i < dim[0]; i++) {
    char name[NF_TENSOR_NAME];
    nf_weight_tensor_name(module, i, name);
    const nf_stored *w = find_beside(p->files, name, "weight");
    strncat(name, ".weight", sizeof name - strlen(name) - 1);
    if (!w || w->dtype != NF_F8E4M3 || !has_shape(w, dim + 1, 2))
      return mismatch(p->files, w, name, "F8_E4M3", dim + 1, 2);
  }
  return nf_ok();
}

nf_val nf_part_fused_scales(const nf_parts *p, const char *name, const char *module, const char *scales,
                            nf_rows rows, const int64_t *dim, nf_dtype *out_activation) {
  const char *path = path_of(p, module), *tensor = path_of(p, scales);
  char first[NF_TENSOR_NAME];
  nf_scheme scheme = {0};
  *out_activation = NF_NONE;
  if (!nf_is_ok(p->b->failed)) return 0;
  nf_weight_tensor_name(path, 0, first);
  nf_status st = nf_quantisation_of(&p->c->quant, first, &scheme);
  if (nf_is_ok(st)) st = check_fused(p, path, tensor, rows, dim);
  if (scheme.weight == NF_FP8_BLOCK) *out_activation = scheme.activation;
  return add_weight(p, st, name, plain_type(NF_FP8_BLOCK, dim, 3),
                    (nf_recipe){.tensor = NF_NAME(p, "%s.weight", path),
                                .scales = tensor,
                                .stack = dim[0],
                                .scale_rows = block_rows(rows, dim[1])});
}

// ---- what no op takes quantised ----

static nf_status decide_decoded(const nf_parts *p, const linear_files *f, const int64_t *dim, int rank) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < rank; i++) rows *= dim[i];
  if (!has_shape(f->weight, dim, rank)) return mismatch(p->files, f->weight, f->weight->name, "", dim, rank);
  NF_TRY(check_agreement(p, f, &(nf_scheme){.weight = NF_FP8_ROW}));
  const int64_t n = count_of(f->scales);
  if ((nf_is_float(f->scales->dtype) || f->scales->dtype == NF_E8M0) && (n == 1 || n == rows)) return nf_ok();
  return mismatch(p->files, f->scales, f->scales->name, SCALE_KINDS, &rows, 1);
}

nf_val nf_part_decoded(const nf_parts *p, const char *name, const char *module, const int64_t *dim,
                       int rank) {
  const char *path = path_of(p, module), *tensor = NF_NAME(p, "%s.weight", path);
  if (!nf_is_ok(p->b->failed)) return 0;
  const linear_files f = p->files ? find_linear(p, path) : (linear_files){0};
  if (!f.weight || f.weight->dtype != NF_F8E4M3)
    return nf_part_floats(p, name, (nf_recipe){.tensor = tensor}, dim, rank);
  const nf_status st = decide_decoded(p, &f, dim, rank);
  return add_weight(p, st, name, plain_type(NF_F32, dim, rank),
                    (nf_recipe){.tensor = tensor, .scales = f.scales ? f.scales->name : NULL});
}
