// SPDX-License-Identifier: Apache-2.0
// Model families: one row each in family.c, one file each: how to read its config and how to say its graph.
#pragma once
#include "checkpoint/checkpoint.h"
#include "graph/graph.h"
#include "model/config.h"

typedef struct nf_build_options {
  nf_dtype activation; // F32 gives the reference graph
  int64_t page;        // tokens per KV page
  bool forced_routes;  // one more input a layer, "L<i>.routes" i32[T,k], with the experts to take
  bool hidden_outputs; // "hidden.L" are outputs too
  bool greedy; // "best" f32[R,1] and "best.ids" i32[R,1] are outputs too: the likeliest token of each row
               // and its probability, NaN where logits are no finite numbers
  bool plain_activations; // no quantise nodes: linears of FP8 weights read activations as they are
  int64_t layers;         // 0: all; else only the first so many
} nf_build_options;

struct nf_parts;
struct nf_act;

typedef struct nf_family {
  const char *model_type, *architecture; // as config.json spells them
  bool one_plus;                         // its norms multiply by 1 + w
  bool attention_bias;                   // where config.json does not say
  bool mxfp4;                            // its experts may be MXFP4; others have no such weights
  double eps;                            // where config.json does not say
  nf_rope_config rope;                   // where config.json has neither rope_scaling nor rope_parameters
  double rotated;      // part of a head, where config.json does not say; 0: always all of it
  const nf_keys *keys; // what each key of config.json means
  const char *chat;    // name of its chat format, "chatml"; NULL: none
  const char *unused;  // what the names of tensors begin with that are known and not used; NULL: none
  nf_status (*config)(const nf_json_at *root, nf_config *c);
  // The two halves of the running layer (model/parts.h): from normalised activations to what is added to the
  // residual stream.
  nf_val (*attention)(const struct nf_parts *p, struct nf_act *x);
  nf_val (*mlp)(const struct nf_parts *p, struct nf_act *x);
} nf_family;

extern const nf_family nf_family_gpt_oss, nf_family_qwen3, nf_family_qwen3_next;

// The family with both spellings; either may be NULL and then matches any. NULL: unknown.
const nf_family *nf_family_find(const char *model_type, const char *architecture);
const nf_family *const *nf_families(size_t *out_n);
// Puts right in `c` what the files know better: tied is false afterwards where a head of its own is stored,
// which is told as a warning (`log` may be NULL). To be called once before graphs are built. `files` NULL:
// there is nothing to do.
nf_status nf_model_settle(nf_config *c, const nf_checkpoint *files, const nf_log *log);
// Builds the graph. Inputs: "tokens" i32[T]; outputs: "logits" f32[R,V]. Value names: "hidden.L" is the
// residual stream entering layer L, "hidden.<layers>" the one after the final norm. `files` NULL: the
// family's inventory decides dtypes. Otherwise the checkpoint does, and tensors that are missing, of a
// wrong shape or of a kind that is not supported are NF_BAD_INPUT. NF_USAGE when `o` asks for more layers
// than there are.
nf_status nf_model_build(const nf_config *c, const nf_checkpoint *files, const nf_build_options *o,
                         nf_graph **out);
