// SPDX-License-Identifier: Apache-2.0
// Measuring the kernels of one op at one size of step: a processor's in a process of their own, a device's in
// this one (there.c says why).
//
// The process is a fork of the caller's, not another program: the library is embedded in programs that it
// does not know, and a helper would have to be found on their disks. What a fork of a process with threads
// may do is little by POSIX, but the C library keeps its own locks right in the child (malloc's above all),
// and the child calls nothing else of the process: no callback, no stdio; its signals are the system's, it
// writes to a pipe and ends by _exit, and it dies with its parent. Threads of its own are made in it.
//
// There each kernel passes the checker's gate first (on shapes around its limits, once in `passed`, and on
// the op's own where its reference is quick), then runs on the op's own shapes: guards around results hold
// and results are those of the default, nearly. Runs are timed in turns, with the plan's number of threads,
// weights and caches cold and activations warm, as a plan's step finds them. A kernel that crashes, hangs or
// answers wrong is refused with the reason, and the others are measured again without it.
#pragma once
#include "check/check.h"
#include "tune/store.h"

typedef struct nf_measuring {
  const nf_hw *hw;
  int threads;
  const nf_runner *on;    // a device that runs the candidates, modules' kernels; NULL: this host
  double hang;            // seconds without a sign of life that a kernel is given; 0: 20
  const nf_variant *list; // candidates are rows of it
  bool *passed;           // of each row, whether it is known to pass the gate; borrowed, filled
  nf_progress *progress;  // asked meanwhile whether to stop; NULL: nobody is
} nf_measuring;

// e: candidates with no reasons, and by_default; times, reasons and winner are filled. One at a time in a
// process. NF_CANCELLED; NF_UNAVAILABLE: no process could be made, or it can't hold the operands, or the
// device is lost; e is not to be used then.
nf_status nf_tune_measure(const nf_case *c, const nf_measuring *m, nf_tune_entry *e);

// The winner: the fastest, unless it is faster than the default by less than both spreads and TIE of its time
// are. *near_by, unless NULL: the one whose time is within twice that of the default's, on either side, and
// is the fastest but for it; -1: none is.
#define NF_TUNE_TIE 0.03
void nf_tune_decide(nf_tune_entry *e, int *near_by);
