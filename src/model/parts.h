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
  int64_t layer; // the running one; -1: in none
} nf_parts;

// Tensors outside the layers that are asked for by name.
#define NF_EMBEDDING "model.embed_tokens.weight"
#define NF_HEAD "lm_head.weight"

#define NF_NAME(p, ...) nf_build_name((p)->b, __VA_ARGS__)

// ---- weights (stored.c). dim: [rank]. Without files the inventory decides: bf16 ----

// One that is never quantised, of the running layer or of none; [n] when k is 0, else [n, k]. Its type is the
// file's.
nf_val nf_part_weight(const nf_parts *p, const char *name, const char *tensor, int64_t n, int64_t k);
// The same by a recipe, which has full names of tensors: they must all be there, and of one dtype.
nf_val nf_part_floats(const nf_parts *p, const char *name, nf_recipe recipe, const int64_t *dim, int rank);
bool nf_part_has(const nf_parts *p, const char *tensor); // the files have this one of the running layer
// MXFP4 [.., N, K]: tensors `<stem>_blocks` u8 [.., N, K/32, 16] and `<stem>_scales` u8 [.., N, K/32].
nf_val nf_part_mxfp4(const nf_parts *p, const char *name, const char *stem, const int64_t *dim, int rank);
// The weight [N, K] of a linear, or [E, N, K] of one for each expert, with '*' in `module` for its number,
// and what its linear reads (NF_NONE: activations as they are). Quantised when the file says so; where the
// config says otherwise, or scales are missing, too many or of another form than the config's, NF_BAD_INPUT.
nf_val nf_part_linear_weight(const nf_parts *p, const char *name, const char *module, const int64_t *dim,
                             int rank, nf_dtype *out_activation);
// The same [N, K] with its rows in another order (recipe.h); as they are, and *out_apart, where parts of
// groups are no whole blocks that share a scale.
nf_val nf_part_grouped_weight(const nf_parts *p, const char *name, const char *module, const int64_t *dim,
                              nf_row_groups groups, nf_dtype *out_activation, bool *out_apart);
// The same [E, N, K] of FP8 in blocks whose scales are one tensor `scales` for all experts, as transformers
// stores what it has fused: for rows `rows` of each of its matrices (of 0: for all).
nf_val nf_part_fused_scales(const nf_parts *p, const char *name, const char *module, const char *scales,
                            nf_rows rows, const int64_t *dim, nf_dtype *out_activation);
// `<module>.weight`, as floats even where the file has FP8 with one scale, or one for each row.
nf_val nf_part_decoded(const nf_parts *p, const char *name, const char *module, const int64_t *dim, int rank);

// ---- pieces of a layer (parts.c) ----

// Activations, and the quantised forms of them, which the linears that want one share.
typedef struct nf_act {
  nf_val x;
  nf_val rows, groups; // quantised by row and by group of 128; 0: nobody asked yet
  const char *name;    // of x
} nf_act;

nf_val nf_part_linear(const nf_parts *p, const char *name, const char *module, nf_act *x, int64_t n,
                      int64_t k, nf_dtype out, bool bias);
// A linear of `heads` groups of columns each of some parts: the first part of all, then the second of all,
// and so on. Where the weight's rows can't lie so, columns are copied, or, with out_apart, stay in groups as
// they are, and that is true.
nf_val nf_part_grouped_linear(const nf_parts *p, const char *name, const char *module, nf_act *x,
                              int64_t heads, nf_row_groups groups, bool *out_apart);
// Experts with tensors of their own, '*' in `module` for their numbers.
nf_val nf_part_experts(const nf_parts *p, const char *name, const char *module, nf_act *x, nf_val ids,
                       int64_t n, int64_t k, bool bias);
// x as a linear reads it that wants it as `to`, of nf_part_linear_weight.
nf_val nf_part_operand(const nf_parts *p, nf_act *x, nf_dtype to);
// Normalised x, named `name`, its weight `name`.w from `tensor` of the layer.
nf_val nf_part_norm(const nf_parts *p, const char *name, const char *tensor, nf_val x, int64_t n);
// silu(gate) * up; values "<name>.silu" and "<name>.act".
nf_act nf_part_swiglu(const nf_parts *p, const char *name, nf_val gate, nf_val up);
// As [T, heads, head], or [T, head] of 0 heads.
nf_val nf_part_reshaped(const nf_parts *p, const char *name, nf_val x, int64_t heads, int64_t head);
// down(silu(gate(x)) * up(x)); values "<name>.gate", modules "<module>.gate_proj".
nf_val nf_part_mlp(const nf_parts *p, const char *name, const char *module, nf_act *x, int64_t inner);
// Router logits `name` to the choice "moe.choice": returns the weights, *ids the experts.
nf_val nf_part_choice(const nf_parts *p, nf_val logits, bool over_all, nf_val *ids);

typedef struct nf_attention_kind {
  bool sinks, head_norms;
  bool gated; // q_proj has a gate behind each head's query; the result is multiplied by its sigmoid
} nf_attention_kind;
nf_val nf_part_attention(const nf_parts *p, nf_act *x, nf_attention_kind kind);
