// SPDX-License-Identifier: Apache-2.0
// quantization_config of config.json: in which forms weights are quantised, and which module has which.
//
// Methods: "mxfp4" (GPT-OSS: its experts, as the family knows), "fp8" (transformers, and what follows it),
// "compressed-tensors" (llm-compressor) and "quark" (AMD), each with FP8 E4M3 weights and the scales that go
// with them. Others are refused by name, and so are settings that would change the result.
// docs/checkpoints.md lists the forms.
#pragma once
#include "model/modules.h"
#include "tensor/dtype.h"

typedef struct nf_scheme {
  nf_dtype weight; // NF_FP8_ROW: a scale for each row, or one for all; NF_FP8_BLOCK; NF_NONE: as it is stored
  nf_dtype activation; // what such linears read: NF_FP8_ROW, NF_FP8_GROUP; NF_NONE: activations as they are
} nf_scheme;

enum { NF_MAX_SCHEMES = 9 }; // different ones: there are no more pairs
typedef struct nf_quantisation {
  const char *method; // quant_method; NULL: nothing is quantised
  const char *scales; // name of a linear's scales beside its weight: "weight_scale"; NULL: MXFP4
  bool open_form;     // it does not say whether scales are of rows or of blocks: the files do
  bool spares_head;   // it has no list of what to leave: then the head is, unless files say else
  bool fused_experts; // experts are not among its linears, and are stored as one tensor a layer
  nf_scheme scheme[NF_MAX_SCHEMES];
  uint32_t n_schemes;
  nf_modules ignore, targets; // numbers of targets are schemes
  nf_arena arena;             // owns names and expressions
} nf_quantisation;

// Reads key quantization_config (or its older name compression_config) of `root`; zeroed when there is none.
// NF_BAD_INPUT names the key; what is done otherwise than the config asks for is a warning in the document's
// log. On an error `out` is zeroed.
nf_status nf_quantisation_read(const nf_json_at *root, nf_quantisation *out);
void nf_quantisation_deinit(nf_quantisation *q); // zeroed is fine
// What the config says of linear `module` ("model.layers.0.mlp.up_proj"). NF_BAD_INPUT: an expression needs
// too many steps for this name.
nf_status nf_quantisation_of(const nf_quantisation *q, const char *module, nf_scheme *out);
