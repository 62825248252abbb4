// SPDX-License-Identifier: Apache-2.0
// The fusion compiler: a graph is brought into canonical form and normalised, all fusions are found, the
// cheapest set of them that does not overlap is applied, and a report tells what was done, what was not, and
// why.
//
//   nf_rules *rules;                       once
//   NF_TRY(nf_rules_create(&rules));
//   NF_TRY(nf_fuse(rules, graph, &(nf_fuse_options){.at = sizes, .costs = costs}, &fused, &report));
//
// The result depends on the graph, the set of rules and the costs, never on the order in which rules are
// listed. Values that are still there keep their names. Nothing here is global: any number of threads may
// fuse with one set of rules. A graph that is fused for several targets or sizes is searched once:
// nf_fuse_find, then nf_fuse_choose and nf_fuse_build for each.
#pragma once
#include "base/json.h"
#include "fuse/rule.h"
#include "select/select.h"

// A set of rules, checked: both sides of each build and yield the same types. Immutable.
typedef struct nf_rules nf_rules;
nf_status nf_rules_create(nf_rules **out); // those of rules/. NF_INTERNAL names the rule that is wrong
// Others, which must outlive it. NF_BAD_INPUT prints both sides of a rule that disagrees with itself.
nf_status nf_rules_from(const nf_rule *const *rule, size_t n, nf_rules **out);
void nf_rules_destroy(nf_rules *r);                      // NULL is fine
const nf_rule *nf_rules_at(const nf_rules *r, size_t i); // by name, then NULL

// What one op costs. True: some kernel can run it, in out->us microseconds (finite, not negative), and
// out->by stands for it in an nf_fuse_choice. False: none can, and `why` is told in a phrase. Of fusions that
// compete costs are those measured where all their ops have one, else estimates. *out is zeroed. The same
// question must have the same answer. Views are not asked about.
typedef struct nf_fuse_costs {
  bool (*of)(void *user, const nf_op_desc *d, const nf_sizes *at, nf_op_cost *out, nf_text *why);
  void *user;
} nf_fuse_costs;

typedef enum nf_fuse_mode {
  NF_FUSE_COST = 0, // the set of fusions that saves most
  NF_FUSE_ORDERED,  // those of `order`, one after the other, each wherever it still can, as pass pipelines do
  NF_FUSE_OFF,      // the graph as it is
  NF_FUSE_MODES
} nf_fuse_mode;
extern const char *const nf_fuse_mode_names[NF_FUSE_MODES];

typedef struct nf_fuse_options {
  nf_fuse_mode mode;
  const char *const
      *order; // [n_order] rules or families, of ORDERED; normalisations first, and only if named
  size_t n_order;
  const char *filter; // "-a,+b": rules or families (or "all") out and back in, from left to right. NULL: none
  nf_sizes at;        // the sizes that costs are asked for
  nf_fuse_costs costs; // of COST and ORDERED
  size_t limit;        // steps of the search in one site before the best found is taken; 0: 100,000
} nf_fuse_options;

// NF_USAGE: an unknown name (with the nearest), or options that contradict each other.
nf_status nf_fuse_check_options(const nf_rules *r, const nf_fuse_options *o);

typedef enum nf_verdict {
  NF_FUSION_CHOSEN,
  NF_FUSION_LOST,         // to others that it overlaps with
  NF_FUSION_UNPROFITABLE, // costs no less than what it replaces
  NF_FUSION_REFUSED,      // no kernel, or it does not fit the graph
  NF_FUSION_UNNAMED,      // not in the order
} nf_verdict;

// One place where one rule matches.
typedef struct nf_fusion {
  const char *rule, *family, *at; // at: first result of the node that the pattern builds first
  const char **node;              // [n_nodes] the nodes it takes away, by their first results
  size_t n_nodes, site;
  nf_verdict verdict;
  const char *why;            // "" when chosen
  double before_us, after_us; // both 0 when refused
  size_t lost_to;             // of LOST: the dearest chosen fusion in its way
  double by_us;               // and by how much the chosen ones save more
  int sums;                   // sums over ranks that it takes in
  bool pads;                  // its result is padded
} nf_fusion;

typedef struct nf_near_miss { // a pattern that begins here but does not go on
  const char *rule, *at, *node, *why;
  int depth; // nodes of the pattern that were found
} nf_near_miss;

typedef struct nf_fuse_site { // fusions that overlap, directly or through others
  const char *at;
  bool exact;     // the best set for certain
  size_t from, n; // of the fusions
} nf_fuse_site;

typedef struct nf_fuse_family {
  const char *name;
  size_t found, chosen;
  double saved_us;
} nf_fuse_family;

typedef struct nf_fuse_report {
  nf_arena arena; // owns all of it
  const char *graph;
  nf_fuse_mode mode;
  nf_fusion *fusion;      // [n_fusions] by site, then as they stand in the graph, then by name
  nf_near_miss *near;     // [n_near]
  nf_fuse_site *site;     // [n_sites]
  nf_fuse_family *family; // [n_families] by name
  struct nf_normalised {
    const char *rule, *at;
  } * normalised; // [n_normalised] in the order in which they ran
  size_t n_fusions, n_near, n_sites, n_families, n_normalised;
  size_t cap_near, cap_normalised;
  size_t nodes_before, nodes_after;     // views not counted
  double before_us, after_us;           // of all nodes that have a kernel, after normalising and at the end
  size_t sums, sums_fused, sums_padded; // "all_reduce: fused N of M, with pad P"
  const nf_graph
      *normal; // what fusions were chosen in: canonical and normalised. NULL: the result is it (mode off)
  struct nf_fuse_run *found; // of nf_fuse: what the report borrows from; else NULL
} nf_fuse_report;

// A new, verified graph and what was decided. On error neither is there. NF_USAGE as nf_fuse_check_options.
nf_status nf_fuse(const nf_rules *r, const nf_graph *g, const nf_fuse_options *o, nf_graph **out,
                  nf_fuse_report **out_report);
void nf_fuse_report_destroy(nf_fuse_report *r); // NULL is fine

// ---- once for many sizes ----

// All that does not depend on costs: the normalised graph, every place where a rule matches, near misses. One
// thread at a time.
typedef struct nf_fuse_run nf_fusions;
// `at` and `costs` of o do not count; its lists are borrowed, and so are r and, in mode OFF, nothing of g.
nf_status nf_fuse_find(const nf_rules *r, const nf_graph *g, const nf_fuse_options *o, nf_fusions **out);
void nf_fusions_destroy(nf_fusions *f);                 // NULL is fine. After its reports
const nf_graph *nf_fusions_normal(const nf_fusions *f); // what fusions are chosen in
// Chooses for these sizes and costs. Two choices that compare equal are the same fusions, and the same things
// run all nodes. *out may be NULL.
typedef struct nf_fuse_choice {
  const void **by; // [n]
  size_t n, cap;
} nf_fuse_choice;
nf_status nf_fuse_choose(nf_fusions *f, const nf_sizes *at, const nf_fuse_costs *costs, nf_fuse_choice *out);
bool nf_fuse_choice_equal(const nf_fuse_choice *a, const nf_fuse_choice *b);
void nf_fuse_choice_deinit(nf_fuse_choice *c); // a zeroed one is fine
// The graph with what was chosen last, and the report, which borrows from f.
nf_status nf_fuse_build(nf_fusions *f, nf_graph **out, nf_fuse_report **out_report);
nf_status nf_fuse_report_json(const nf_fuse_report *r, json_t **out); // schema: docs/explain.md
