// SPDX-License-Identifier: Apache-2.0
// A plan: a graph with a kernel for every node and a place for every value, ready to run. The only room that
// sees both nodes and kernels.
//
// Life: create (selection and memory plan; allocates no tensor) → bind what lives outside (weights, pools,
// inputs, the batch) and place the arena → run as often as you like. Running allocates nothing. One thread at
// a time.
//
// Several ranks have a plan each, made from one graph with the same options: planning is deterministic, so
// their arenas have one layout, and what COMM ops read from others lies in it. Their runs go side by side:
// the plan waits for all ranks before each COMM op, and behind it where the operand's storage is used again
// before they meet the next time.
#pragma once
#include "base/json.h"
#include "comm/ranks.h"
#include "device/device.h"
#include "graph/graph.h"
#include "plan/layout.h"

typedef struct nf_plan_options {
  nf_hw hw;
  // `most` of zeros: kernels take steps of 1 token to the largest. `at` of zeros: costs are those of the
  // largest.
  nf_select_options select;
  nf_sizes max;            // the largest step: storage is planned for it
  const nf_layout *layout; // of this graph and others, outlives the plan; NULL: what is best for it alone
  bool keep_all;           // no value's storage is shared: after a run every value can be looked at
  const nf_module
      *module;     // has the code of GPU kernels, outlives the plan; NULL: a plan with such is not run
  nf_ranks *ranks; // the plan is that of `rank` of these, which outlive it; NULL: it is alone, or never run
  int rank;
} nf_plan_options;

typedef struct nf_plan nf_plan;

// The graph is borrowed. A node without a legal kernel is NF_UNAVAILABLE with every kernel's reason; with
// other ranks a COMM op whose operand no node made is NF_BAD_INPUT.
nf_status nf_plan_create(const nf_graph *g, const nf_plan_options *o, nf_plan **out);
void nf_plan_destroy(nf_plan *p);                       // NULL is fine
bool nf_plan_equal(const nf_plan *a, const nf_plan *b); // the same nodes, run by the same kernels

// The graph's type of v, or of a weight the one in which its kernels read it.
const nf_type *nf_plan_type(const nf_plan *p, nf_val v);
const nf_variant *nf_plan_kernel(const nf_plan *p,
                                 nf_node_id n);     // of the graph's node; NULL: a view has none
size_t nf_plan_arena_bytes(const nf_plan *p);       // all activations, sharing storage by lifetime
nf_scratch_bytes nf_plan_scratch_bytes(nf_plan *p); // of what runs its kernels
// Of what replays steps of these sizes, which take the plan: on a GPU of a graph, else of a list on the host.
size_t nf_plan_capture_bytes(nf_plan *p, const nf_sizes *at);
// nf_plan_arena_bytes bytes, aligned to NF_CACHE_LINE; of several ranks, all are placed before any runs.
void nf_plan_place(nf_plan *p, void *arena);
// Where an input, or what the layout stores a weight or pool in, lies: nf_type_bytes at the largest sizes;
// `slots` of them for a pool. Borrowed. An output that is bound has its place there, not in the arena.
void nf_plan_bind(nf_plan *p, nf_val v, void *data, int64_t slots);
// Where the steps' batch metadata lies, in memory of the device that runs them. Borrowed; of several ranks
// with a `comm` that knows where all arenas are placed.
void nf_plan_set_batch(nf_plan *p, const nf_batch *batch);
// The same where the process can't read it there: what it holds but for the sizes, with the device's
// addresses. Copied.
void nf_plan_set_batch_of_device(nf_plan *p, const nf_batch *batch, const nf_batch *contents);

// One step of these sizes, which are those of the batch and must not exceed the plan's; batch and inputs must
// have been written. Unbound values: NF_INTERNAL. Of several ranks: within nf_ranks_run, and an error of one
// ends all.
nf_status nf_plan_run(nf_plan *p, nf_device *d, const nf_sizes *at);
// The same from a capture, which the first step of these sizes makes and the plan keeps: for steps of few
// different sizes (buckets). It is put into the device's queue, and done when that is. One device for all,
// which outlives the plan or its captures.
nf_status nf_plan_replay(nf_plan *p, nf_device *d, const nf_sizes *at);
void nf_plan_forget(nf_plan *p); // gives back the captures; binding and placing do too
// The same run in another arena of nf_plan_arena_bytes (which is then the one that the batch's `comm` knows),
// and slower: `seen` is called behind each node while
// its results are there (nf_plan_read). Afterwards the plan is as before, its last run the one before this.
typedef nf_status (*nf_plan_seen)(void *user, const nf_node *n); // an error ends the run
nf_status nf_plan_trace(nf_plan *p, nf_device *d, const nf_sizes *at, void *arena, nf_plan_seen seen,
                        void *user);
// Value v at the sizes of the last run; its rows may have gaps between them. After a run only outputs still
// hold what was computed.
nf_tensor nf_plan_tensor(const nf_plan *p, nf_val v);

// Rows [row, row + n) of such a value (its leading dimensions flattened) as float32 [n][columns], wherever
// `d`, the device of that run, has them.
nf_status nf_plan_read(const nf_plan *p, nf_device *d, nf_val v, int64_t row, int64_t n, float *out);

// What was decided and why, as a new JSON object: "nodes" with the kernel of each and every candidate's
// reason, "memory" with the lifetimes and offsets. The schema is in docs/explain.md. NULL: no memory.
json_t *nf_plan_explain(const nf_plan *p);
// The short of it: us, launches, barriers, declared, arena (bytes), and of its nodes name, op and kernel.
json_t *nf_plan_explain_kernels(const nf_plan *p);
