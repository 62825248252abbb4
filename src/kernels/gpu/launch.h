// SPDX-License-Identifier: Apache-2.0
// What launch functions share: they say, of an op's arguments at the sizes of a step, grid, shared memory and
// the arguments in the form that the kernel takes (abi/). Pure functions of host code: they run where no
// device is.
#pragma once
#include "base/checked.h"
#include "kernels/contract/variant.h"
#include "kernels/gpu/abi/rows.h"
#include "kernels/kernels.h"

// A tensor's rows, its leading dimensions flattened: of at most two that have gaps.
static inline nf_gpu_rows nf_gpu_rows_of(const nf_tensor *t) {
  const int64_t bits = nf_dtype_of(t->dtype)->bits;
  if (t->rank < 2) return (nf_gpu_rows){t->data, nf_tensor_cols(t) * bits / 8, 1, 0};
  const int64_t *stride = &t->stride[t->rank - 2];
  const bool even = t->rank == 2 || (t->rank == 3 && stride[-1] == t->dim[1] * stride[0]);
  if (even) return (nf_gpu_rows){t->data, *stride * bits / 8, 1, 0};
  return (nf_gpu_rows){t->data, stride[-1] * bits / 8, (int32_t)t->dim[t->rank - 2],
                       (int32_t)(*stride * bits / 8)};
}

// Of a wave; columns of a tile of matrix units (tile/tile.h).
static inline int nf_gpu_lanes(const nf_hw *hw) { return hw->backend == NF_BACKEND_HIP ? 64 : 32; }
static inline int nf_gpu_tile_columns(const nf_hw *hw) { return hw->backend == NF_BACKEND_HIP ? 16 : 8; }

// An H100's where nothing is known.
static inline int nf_gpu_multiprocessors(const nf_hw *hw) {
  return hw->multiprocessors > 0 ? hw->multiprocessors : 132;
}

// One-dimensional: so many blocks of so many lanes.
static inline nf_grid nf_gpu_grid(int64_t blocks, int threads, size_t shared) {
  return (nf_grid){{(uint32_t)blocks, 1, 1}, {(uint32_t)threads, 1, 1}, shared};
}

// Whether kernels of tile/wide.h run there.
static inline bool nf_gpu_is_wide(const nf_launch_site *s) { return s->hw->features & NF_GPU(SM_90A); }
