// SPDX-License-Identifier: Apache-2.0
// Arguments of what looks for the best of a whole vocabulary.
#pragma once
#include <stdint.h>

enum { NF_GPU_BEST_CHUNK = 4096 }; // logits that a block looks at

typedef struct nf_gpu_best_part { // of a chunk
  float most, at, sum;            // the largest, where it is first, and the sum of exp(logit - most)
} nf_gpu_best_part;

typedef struct nf_gpu_best {
  const void *logits; // f32 [rows][width], rows `stride` numbers apart
  float *weights;     // [rows] `out_stride` apart
  int32_t *ids;
  nf_gpu_best_part *part; // [rows][chunks]
  int64_t stride;
  int32_t width, chunks, weights_stride, ids_stride;
} nf_gpu_best;
