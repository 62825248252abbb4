// SPDX-License-Identifier: Apache-2.0
// The checker: every kernel of the list that can run here against its op's reference, and their times.
//
// A case is an op's description at some sizes of a step, a node of a model's graph for instance. Its operands
// lie in rows with gaps, the gaps and all storage around results hold NaN, and results are looked at three
// ways: against the reference (bitwise for exact inputs and promises, else within a bound from the
// accumulation length), beside them (nothing may be written), and against a second run in shuffled blocks on
// several threads over other garbage (bitwise). What a device runs is copied there and back, and is looked at
// here in the same ways; its second run has other garbage and gaps. A kernel that declares the order of sums
// of a row before it, which can run too, gives its bits.
#pragma once
#include "base/log.h"
#include "base/threads.h"
#include "device/device.h"
#include "select/select.h"
#include <jansson.h>

// Everything that makes inputs of any op: the description says shapes, dtypes, padding and attributes.
typedef struct nf_case {
  nf_op_desc d; // inferred
  nf_sizes at;  // of the step
  int world;    // ranks that run a COMM op together; 0: one
  int64_t past; // sequences share the tokens evenly, with so many before them; 0: decoding ones and prefills,
                // with and without a past, an empty sequence and a token of padding, as many as there is room
  bool exact;   // small whole numbers, so that sums are exact
  bool repeats; // rows of a large constant are those of its beginning again: to be timed, not compared
  uint64_t seed;
} nf_case;

typedef struct nf_check_row {
  const char *op, *variant;
  char text[192];       // the case: "x f32[T,33] w bf16[5,33], T 7, exact"
  char why[192];        // of a failure; else ""
  double error, bound;  // of the worst place: difference, and what was allowed; both 0 when compared bitwise
  double used, used_16; // largest share of what was allowed that float32 and 16-bit results differed by
  double us, gb_s, gflop_s; // of a timing, else 0
  double roof_us;           // of a timing: what the cost model says at best
  int64_t tokens, nodes;    // of a trial's timing: of the step, and how many nodes of its plan are so
  bool ok;
} nf_check_row;

// What runs kernels. References run on the calling thread whatever it is.
typedef struct nf_runner {
  nf_threads *threads;     // of host entries; NULL: the calling one, in order
  nf_device *device;       // of a module's kernels, which run there alone; NULL: host entries are run
  const nf_module *module; // of the device
  const nf_hw *hw;         // of the device
} nf_runner;

typedef struct nf_check_options {
  const char *op, *variant; // NULL: all
  uint64_t seed;
  nf_runner on;
  const nf_log *log; // its progress counts kernels, and may end the run (NF_CANCELLED); NULL: nobody watches
  bool bench;        // time shapes of real models as well; trials instead
  void (*row)(void *user, const nf_check_row *r);
  void *user;
} nf_check_options;

// The gate: whether the kernel is right on a case that it takes, as is said above. Fills r and gives OK where
// it could be tried, right or wrong; r->ok says which. One call per pool of threads, or device.
nf_status nf_gate(const nf_variant *v, const nf_case *c, const nf_runner *on, nf_check_row *r);

// NF_CHECK_FAILED names how many rows failed; NF_USAGE an unknown op or variant. A device that a kernel
// breaks ends the run with its error. One run per pool of threads, or device.
nf_status nf_check_run(const nf_hw *hw, const nf_check_options *o);
// The same over another list of variants, for tests.
nf_status nf_check_run_from(const nf_variant *list, size_t n, const nf_hw *hw, const nf_check_options *o);
// Kernels on the cases that a caller has for them, all of which they take: o->op of them, or with o->bench
// their times alone.
typedef struct nf_trial {
  const nf_variant *v;
  nf_case c;
  int64_t nodes; // that are so
} nf_trial;
nf_status nf_check_trials(const nf_trial *t, size_t n, const nf_hw *hw,
                          const nf_check_options *o); // as nf_check_run
json_t *nf_check_row_json(const nf_check_row *r);     // an object; NULL when memory is out
