// SPDX-License-Identifier: Apache-2.0
// infuse: looking inside. Every function hands its result as one JSON document to a sink; docs/explain.md has
// the schemas. Clients render it.
#ifndef INFUSE_INSPECT_H
#define INFUSE_INSPECT_H

#include <infuse/infuse.h>

#ifdef __cplusplus
extern "C" {
#endif

// Receives the document once, NUL-terminated, n bytes; valid during the call.
typedef void (*infuse_sink)(void *user, const char *json, size_t n);

// The devices that are here: facts, features, what GPUs' memory was just measured to give, and why others are
// not usable.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_devices(infuse_runtime *rt, infuse_sink sink, void *user);

// What the host's memory and units do now, by one thread and by all of the runtime's: measured in about 0.1
// s, more while others have the cores, and not kept. Nothing is measured, and `measured` is null, where
// the references or the null device run; a GPU's memory alone, read and copied. INFUSE_USAGE while a step
// computes.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_measure(infuse_runtime *rt, infuse_sink sink, void *user);

// What options can name: every op with its kernels, every rule with its family, every target with its other
// names.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_names(infuse_runtime *rt, infuse_sink sink, void *user);

// What infuse would do with a model: graph, kernel of each node with the reason the others were refused,
// memory plan; every fusion that was chosen, lost or refused, with its cost. Reads config.json and, if there
// are any, the headers of the weight files; never weights.
typedef struct infuse_explain_options {
  size_t size;
  int64_t range_lo, range_hi; // steps of so many tokens; 0: all that the model computes
} infuse_explain_options;
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_explain(infuse_runtime *rt, const char *dir,
                                                        const infuse_model_options *o,
                                                        const infuse_explain_options *eo, infuse_sink sink,
                                                        void *user);

// Runs every kernel that can run here against its reference, on shapes of its own; or with `dir` the kernels
// that the plans of that model run, with fusions and without, each on the shapes of its nodes: a step of one
// token with a past, and a mixed one. `op` NULL: all ops. INFUSE_CHECK_FAILED when one differs; the document
// is delivered either way. With `dir` and `bench` nothing is compared: each kernel of the plans is timed on a
// step of one token behind 1,024 and one of `batch`.
typedef struct infuse_check_options {
  size_t size;
  const char *op;
  uint64_t seed;                     // 0: drawn, and told in the document
  bool bench;                        // time them as well; of a model only
  const char *dir;                   // a folder as infuse_explain takes it; NULL: no model's
  const infuse_model_options *model; // of dir; NULL: defaults
} infuse_check_options;
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_check(infuse_runtime *rt, const infuse_check_options *o,
                                                      infuse_sink sink, void *user);

// Measures the kernels that plans of a model choose from, on this host, and keeps it in the user's cache
// folder for who loads the model later; what is known there is not measured again. Each kernel is checked
// first, in a process of its own: one that crashes, hangs or answers wrong is not used, and the document says
// why. Reads of the folder what infuse_explain reads. INFUSE_UNAVAILABLE: a runtime that computes nothing
// here, or has .tune "off". INFUSE_CANCELLED: what was measured until then is kept.
typedef struct infuse_tune_options {
  size_t size;
  double seconds; // that are taken for it, about; 0: as many as it needs; < 0: none, what is known is told
  const char *op; // the document tells of this op alone; NULL: all
} infuse_tune_options;
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_tune(infuse_runtime *rt, const char *dir,
                                                     const infuse_model_options *mo,
                                                     const infuse_tune_options *o, infuse_sink sink,
                                                     void *user);
// All that is kept for this host and this infuse; and removing an entry by the name that it has there, or all
// (NULL). *removed: how many. INFUSE_USAGE: no entry is called so.
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_tune_list(infuse_runtime *rt, infuse_sink sink, void *user);
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_tune_forget(infuse_runtime *rt, const char *entry,
                                                            size_t *removed);

// Runs the reference, this runtime's plan, and the same without fusions over the same tokens, experts forced
// to the reference's, and gives the error ||plan - reference|| / ||reference|| of every value that all
// compute. INFUSE_CHECK_FAILED when that of the logits exceeds 5e-2, or any other 1e-1 (2e-1 and 3e-1 where
// activations are quantised); the document is delivered either way.
typedef struct infuse_verify_options {
  size_t size;
  const int32_t *tokens; // [n_tokens], at most 4096; NULL: 48 of them are drawn from `seed`
  size_t n_tokens;
  uint64_t seed;
} infuse_verify_options;
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_verify(infuse_runtime *rt, const char *dir,
                                                       const infuse_model_options *mo,
                                                       const infuse_verify_options *o, infuse_sink sink,
                                                       void *user);

// Teacher-forced run over n tokens, written as a safetensors file that appears complete or not at all:
// "logits" f32 [rows, vocab] of the last `last` tokens (0: all) and with `hidden` "hidden.<layer>" of the
// same tokens. `routes` names a safetensors file with "routes" int64 [layers, n, k]: the experts to take. The
// model must have been loaded with keep_hidden and forced_experts accordingly. Logits that are not finite are
// INFUSE_BAD_INPUT as in infuse_step, and nothing is written.
typedef struct infuse_logits_options {
  size_t size;
  size_t last;
  bool hidden;
  const char *routes;
} infuse_logits_options;
INFUSE_API INFUSE_MUST_USE infuse_error *infuse_write_logits(infuse_model *m, const int32_t *tokens, size_t n,
                                                             const infuse_logits_options *o,
                                                             const char *path);

#ifdef __cplusplus
}
#endif
#endif
