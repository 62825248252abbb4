// SPDX-License-Identifier: Apache-2.0
// quantization_config of config.json: which form quantised weights have, and which modules have them.
//
// Three methods are read: "mxfp4" (GPT-OSS: its experts, as the family knows), "fp8" (blocks of 128 x 128
// with `weight_scale_inv`, but for modules_to_not_convert) and "compressed-tensors" of format
// "float-quantized" (FP8 per channel or per block with `weight_scale`; targets and ignore hold module names,
// the class "Linear", or regular expressions behind "re:"). Others are refused by name.
#pragma once
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "tensor/dtype.h"

typedef struct nf_module_list { // targets, ignore or modules_to_not_convert
  nf_map names;
  struct nf_expression *expression; // [n_expressions]
  size_t n_expressions;
} nf_module_list;

typedef struct nf_quantisation {
  nf_dtype weight; // NF_FP8_ROW, NF_FP8_BLOCK, NF_MXFP4; NF_NONE: nothing is quantised
  nf_dtype
      activation; // what linears of quantised weights read: NF_FP8_ROW, NF_FP8_GROUP; NF_NONE: what they are
  const char *scales; // name of a linear's scales beside its weight: "weight_scale"; NULL for NF_MXFP4
  bool children;      // a name stands for the modules inside it too
  bool some;          // only those that `targets` names, else all linears
  nf_module_list targets, ignore;
  nf_arena arena; // owns names and expressions
} nf_quantisation;

// Reads key quantization_config (or its older name compression_config) of `root`; zeroed when there is none.
// NF_BAD_INPUT names the key. On an error `out` is zeroed.
nf_status nf_quantisation_read(const nf_json_at *root, nf_quantisation *out);
void nf_quantisation_deinit(nf_quantisation *q); // zeroed is fine
// Whether the config says that linear `module` ("model.layers.0.mlp.up_proj") is quantised. NF_BAD_INPUT: an
// expression needs too many steps for this name.
nf_status nf_quantisation_covers(const nf_quantisation *q, const char *module, bool *out);
