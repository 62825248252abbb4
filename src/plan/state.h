// SPDX-License-Identifier: Apache-2.0
// Inside the room: what a plan holds.
#pragma once
#include "plan/plan.h"

typedef struct nf_lifetime {
  size_t bytes;
  int32_t first, last; // steps, both inclusive
  size_t offset;       // out: multiple of NF_CACHE_LINE
} nf_lifetime;

typedef struct nf_storage { // where a value's bytes lie
  nf_val root;              // the value whose storage this is: itself, or what a view or pool result aliases
  int32_t in_arena;         // index into nf_plan.lifetime, or -1: bound from outside
  void *data, *scale;       // of a root; scale: of rows of a joined weight that have some, else NULL
  int64_t slots;            // of a pool
} nf_storage;

typedef struct nf_step { // one kernel call
  nf_node_id node;
  nf_selection selection;
  void *args;                         // nf_<op>_args
  bool barrier_before, barrier_after; // all ranks wait for one another there
  const nf_launch *launch;            // [n_launches] the kernel with these barriers
  size_t n_launches;
} nf_step;

typedef struct nf_captured { // the launches of steps of these sizes
  nf_sizes at;
  nf_capture *capture;
} nf_captured;

// A word of the arguments that follows from a size of the step: *at = c * size.
typedef struct nf_patch {
  int64_t *at, c;
} nf_patch;

struct nf_plan {
  const nf_graph *graph;
  nf_plan_options options;
  nf_layout own;       // where options say none
  nf_arena arena;      // storage, steps, argument structs
  nf_type *type;       // [n_values] the graph's, with the packing orders that kernels read
  nf_storage *storage; // [n_values]
  nf_step *step;       // [n_steps], views left out
  size_t n_steps;
  nf_launch *launch; // [n_launches] of all steps
  size_t n_launches;
  nf_lifetime *lifetime; // [n_lifetimes]
  nf_val *lifetime_of;   // the value of each
  size_t n_lifetimes, arena_bytes, unshared_bytes;
  void *placed; // the arena
  const nf_variant
      *declared;      // one of the chosen kernels that has no code yet, or none here; NULL: the plan can run
  bool has_modules;   // some of the chosen kernels are of a module
  nf_batch batch;     // where the tables lie, for launches of modules
  nf_barrier barrier; // with the other ranks
  bool prepared;      // the arguments are those of `given`
  nf_sizes given, sizes; // sizes: of the last run
  nf_captured *captured; // [n_captured] of the arguments as they are placed now
  size_t n_captured, cap_captured;
  struct nf_patches {
    nf_patch *patch;
    size_t n, cap;
  } patches[NF_SYM_COUNT]; // of the arguments, by the size that they follow from
};

// memory.c. Values whose lifetimes do not meet share storage.
// Places n values so that two that are alive in the same step never overlap. Largest first, each into the
// smallest gap that fits. The result does not depend on the order of equal values beyond their index.
nf_status nf_memory_plan(nf_lifetime *value, size_t n, size_t *out_total);

nf_op_desc nf_plan_describe(const nf_plan *p, const nf_node *n); // nf_graph_describe with the plan's types
// Names of those of value[n] that are there, as explain tells them; NULL: no memory.
json_t *nf_explain_names(const nf_graph *g, const nf_val *value, int n);

nf_status nf_plan_no_memory(void);
nf_status nf_plan_find_roots(nf_plan *p); // storage.c: whose storage each value is
const nf_node *nf_plan_view(const nf_plan *p,
                            nf_val v);      // the node whose view v is: no kernel runs it; or NULL
nf_status nf_plan_place_values(nf_plan *p); // and where steps wait for the other ranks
bool nf_plan_has_peers(const nf_plan *p);
nf_status nf_plan_list_launches(nf_plan *p); // launches.c: kernels and, where there are other ranks, barriers
nf_status nf_plan_list_patches(nf_plan *p);  // run.c
// launches.c: arguments and grids of modules' launches at these sizes, from those of the steps.
void nf_plan_pack(nf_plan *p, const nf_device *d, const nf_sizes *at);
// Those with blocks at these sizes, which the arguments have already; `memory`: stands for scratch and
// counters.
size_t nf_plan_count_launched(const nf_plan *p, const nf_sizes *at, void *memory);
size_t nf_plan_module_scratch(const nf_plan *p, const nf_step *s);           // bytes at the largest sizes
nf_tensor nf_plan_tensor_at(const nf_plan *p, nf_val v, const nf_sizes *at); // v is not 0
