// SPDX-License-Identifier: Apache-2.0
// What model families have in common: weights as the checkpoint holds them, linears and the quantised
// activations that they share, norms, attention, the dense MLP, and the frame of a decoder. Private to the
// room.
//
// All build into p->b and leave errors there. Names of values are relative to the builder's scope, which is
// the layer's ("L3."); names of tensors and modules are relative to the layer too: "self_attn.q_proj".
#pragma once
#include "model/family.h"

typedef struct nf_parts {
  nf_builder *b;
  const nf_config *c;
  const nf_checkpoint *files; // NULL: the inventory decides
  const nf_build_options *o;
  nf_val rope;   // the step's cos and sin
  int64_t layer; // the running one
} nf_parts;

#define NF_NAME(p, ...) nf_build_name((p)->b, __VA_ARGS__)

// ---- weights (stored.c). dim: [rank] ----

// One that is never quantised: `tensor` is a full name. Its type is the file's (bf16 without files).
nf_val nf_part_stored(const nf_parts *p, const char *name, const char *tensor, const int64_t *dim, int rank);
// The same of the running layer; [n] when k is 0, else [n, k].
nf_val nf_part_weight(const nf_parts *p, const char *name, const char *tensor, int64_t n, int64_t k);
// MXFP4 [.., N, K]: tensors `<stem>_blocks` u8 [.., N, K/32, 16] and `<stem>_scales` u8 [.., N, K/32].
nf_val nf_part_mxfp4(const nf_parts *p, const char *name, const char *stem, const int64_t *dim, int rank);
// The weight [N, K] of a linear, or [E, N, K] of one for each expert, with '*' in `module` for its number.
// Quantised when file and config say so; where they disagree, or scales are missing or too many,
// NF_BAD_INPUT.
nf_val nf_part_linear_weight(const nf_parts *p, const char *name, const char *module, const int64_t *dim,
                             int rank);

// ---- pieces of a layer (parts.c) ----

// Activations, and the quantised form of them that the linears which want one share.
typedef struct nf_act {
  nf_val x, quantised; // quantised 0: nobody asked yet
  const char *name;    // of x
} nf_act;

nf_val nf_part_linear(const nf_parts *p, const char *name, const char *module, nf_act *x, int64_t n,
                      int64_t k, nf_dtype out, bool bias);
nf_val nf_part_experts(const nf_parts *p, const char *name, const char *module, nf_act *x, nf_val ids,
                       int64_t n, int64_t k);
// Normalised x, named `name`, its weight `name`.w from `tensor` of the layer.
nf_val nf_part_norm(const nf_parts *p, const char *name, const char *tensor, nf_val x, int64_t n);
// down(silu(gate(x)) * up(x)); values "<name>.gate", modules "<module>.gate_proj".
nf_val nf_part_mlp(const nf_parts *p, const char *name, const char *module, nf_act *x, int64_t inner);
// Router logits `name` to the choice "moe.choice": returns the weights, *ids the experts.
nf_val nf_part_choice(const nf_parts *p, nf_val logits, bool over_all, nf_val *ids);

typedef struct nf_attention_kind {
  bool sinks, head_norms;
  bool gated; // q_proj has a gate behind each head's query; the result is multiplied by its sigmoid
} nf_attention_kind;
nf_val nf_part_attention(const nf_parts *p, nf_val normed, nf_attention_kind kind);

// The whole graph: embedding, `layer` for each (from residual stream to residual stream; the scope is set),
// final norm and head.
nf_status nf_decoder_build(const nf_config *c, const nf_checkpoint *files, const nf_build_options *o,
                           nf_val (*layer)(const nf_parts *p, nf_val h), nf_graph **out);
// h + x: the residual stream within a layer, named `name`, or the one that leaves it.
nf_val nf_part_residual(const nf_parts *p, const char *name, nf_val h, nf_val x);
nf_val nf_part_leave(const nf_parts *p, nf_val h, nf_val x);
