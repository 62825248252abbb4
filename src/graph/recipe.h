// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a weight come from, as data: evaluated at load, or never (explain, dummy weights).
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { NF_MAX_SEGMENTS = 4, NF_MAX_RANKS = 1024 };

// One dimension dealt to the ranks: each segment by itself, in whole units, the lower ranks first. A rank's
// segments lie one after the other, each as long as the largest share of it; where a rank has less, the end
// is zeros.
typedef struct nf_slice {
  int world;  // ranks; 0: not sliced
  int copies; // neighbouring ranks that have the same share, a divisor of world
  int dim;    // of the weight
  int n;      // segments
  struct nf_segment {
    int64_t size; // columns of the uncut weight; those of all segments are its extent
    int64_t unit; // columns that stay together; the last unit may be shorter
  } segment[NF_MAX_SEGMENTS];
} nf_slice;

// Rows [first, first + n) of each matrix of a tensor that has `of`, where the weight's have n; of 0: all of
// them.
typedef struct nf_rows {
  int64_t first, of;
} nf_rows;

// A matrix whose rows the tensor has in groups, each of parts of these many rows; the weight has the first
// part of all groups, then the second of all, and so on.
typedef struct nf_row_groups {
  int n; // parts; 0: rows lie as in the tensor
  int64_t size[NF_MAX_SEGMENTS];
} nf_row_groups;

typedef struct nf_recipe {
  const char *tensor; // checkpoint tensor with the values or codes
  // Checkpoint tensor with the scales of a quantised weight; of a matrix of float32: the tensor has FP8
  // codes, which are multiplied when they are read. Else NULL.
  const char *scales;
  // 0, or the uncut weight's first extent: part i of it, counted from 0, is a tensor of its own, whose names
  // are these with i for their '*'.
  int64_t stack;
  bool transposed; // the tensor has the last two dimensions the other way round; floats only
  nf_rows rows;    // of the tensor
  nf_row_groups groups;
  nf_rows scale_rows; // of a stack whose scales are one tensor, with a matrix for each part
  nf_slice slice;
  bool zero_but_rank0; // other ranks have zeros: what is added to a sum over ranks counts once
  // Instead of all that: the rows (of a vector the elements) of several weights, one weight's below
  // another's.
  int n_joined;                   // 0, or 2 to NF_MAX_JOINED
  const struct nf_joined *joined; // [n_joined]
} nf_recipe;

enum { NF_MAX_JOINED = 4 };
typedef struct nf_joined {
  const char *name; // of the weight that it would be alone: made-up values follow it
  int64_t rows;     // its first extent
  nf_recipe recipe; // without joined ones
} nf_joined;
